/* Whether a worker beats. Fails if one that beats is taken for one that hangs,
 * if silence is not counted, or if time in which the keeper itself did not run
 * is held against the worker. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "daemon/watch.h"

#define PAUSE 100

static int64_t
look(struct daemon_watch *w, const struct daemon_beat *beat, int64_t now)
{
	return daemon_watch_look(w, beat, now, PAUSE);
}

static void
silence_is_counted_from_the_first_look(void **state)
{
	struct daemon_beat *beat = daemon_beat_new();
	struct daemon_watch w = {0};

	(void)state;
	assert_non_null(beat);
	assert_int_equal(look(&w, beat, 1000), 0);
	assert_int_equal(look(&w, beat, 1050), 50);
	assert_int_equal(look(&w, beat, 1120), 120);
	atomic_fetch_add(&beat->count, 1);
	assert_int_equal(look(&w, beat, 1130), 0);
	assert_int_equal(look(&w, beat, 1140), 10);
}

static void
a_pause_of_the_keeper_is_not_the_workers(void **state)
{
	struct daemon_beat *beat = daemon_beat_new();
	struct daemon_watch w = {0};

	(void)state;
	assert_non_null(beat);
	assert_int_equal(look(&w, beat, 1000), 0);
	/* the machine slept */
	assert_int_equal(look(&w, beat, 9000000), PAUSE);
	assert_int_equal(look(&w, beat, 9000010), PAUSE + 10);
}

static void
a_new_worker_begins_anew(void **state)
{
	struct daemon_beat *beat = daemon_beat_new();
	struct daemon_watch w = {0};

	(void)state;
	assert_non_null(beat);
	atomic_fetch_add(&beat->count, 7);
	assert_int_equal(look(&w, beat, 1000), 0);
	assert_int_equal(look(&w, beat, 1090), 90);
	w = (struct daemon_watch){0};
	assert_int_equal(look(&w, beat, 1200), 0);
	assert_int_equal(look(&w, beat, 1210), 10);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(silence_is_counted_from_the_first_look),
		cmocka_unit_test(a_pause_of_the_keeper_is_not_the_workers),
		cmocka_unit_test(a_new_worker_begins_anew),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
