/*
 * Those who wait for the flow are woken (flow_watch()). Fails, after a minute
 * of silence, if something settles and nobody is told; or if one is told that
 * does not listen any more.
 */
#include "tests/unit/flow/town.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define SILENCE_MS 60000

static void
start(struct town *t)
{
	town_write(t, "civicfs.conf",
		   "[platform]\nstate = state\nsettle = 50ms\nuser = root\n"
		   "[department aic]\n");
	town_write(t, "resources.d/aic/table.ini",
		   "[resource]\nmode = upsert\nkey = id\n[field id]\n"
		   "type = integer\n");
	town_start(t);
}

/* Looks, and waits to be told to look again. */
static void
wait_until_settled(struct town *t, const struct flow_watch *watch)
{
	bool settled = false;

	for (;;) {
		struct pollfd p = {.fd = watch->fd, .events = POLLIN};
		struct error err = ERROR_INIT;
		uint64_t n;

		assert_int_equal(flow_is_settled(t->flow, &settled, &err), 0);
		if (settled)
			return;
		assert_int_equal(poll(&p, 1, SILENCE_MS), 1);
		assert_int_equal(read(watch->fd, &n, sizeof(n)), sizeof(n));
	}
}

static void
who_waits_is_told_until_all_is_settled(void **state)
{
	struct town *t = *state;
	struct flow_watch one = {.fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
	struct flow_watch two = {.fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};

	assert_true(one.fd >= 0 && two.fd >= 0);
	start(t);
	flow_watch(t->flow, &one);
	flow_watch(t->flow, &two);
	wait_until_settled(t, &one);
	town_copy_in(t, "aic/table", "a.csv", "id\n1\n");
	wait_until_settled(t, &one);
	town_copy_in(t, "aic/table", "b.csv", "id\nx\n");
	wait_until_settled(t, &two);
	assert_int_equal(t->judged, 2);

	/* the first one goes, in the middle of the list */
	flow_unwatch(t->flow, &one);
	flow_unwatch(t->flow, &one);
	(void)close(one.fd);
	town_copy_in(t, "aic/table", "c.csv", "id\n3\n");
	wait_until_settled(t, &two);
	assert_int_equal(t->judged, 3);
	flow_unwatch(t->flow, &two);
	(void)close(two.fd);
	town_stop(t);
}

#define T(f) cmocka_unit_test_setup_teardown(f, town_setup, town_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(who_waits_is_told_until_all_is_settled),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
