/*
 * The socket and its clients. Fails if a hostile, silent or slow client holds
 * up another one or the end, if an answer is not the last line's, or if the
 * daemon ends before its asker has been told.
 */
#include "tests/unit/control/server.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define MANY 64 /* clients at a time */

static void
expect(const char *line, int exit_status, const char *error)
{
	struct server_answer a = server_ask(line);

	if (a.exit_status != exit_status || !strstr(a.error, error))
		fail_msg("%s: %d '%s'", line, a.exit_status, a.error);
	server_answer_release(&a);
}

static void
anybody_may_connect(void **state)
{
	struct stat st;

	(void)state;
	assert_int_equal(stat(CONTROL_SOCKET, &st), 0);
	assert_true(S_ISSOCK(st.st_mode));
	assert_int_equal(st.st_mode & 0777, 0666);
}

static void
hostile_requests_are_answered_and_forgotten(void **state)
{
	(void)state;
	expect("{", 2, "no request");
	expect("\x01\x02\xff", 2, "no request");
	expect("{\"verb\":\"\"}", 2, "'' is no verb");
	expect("{\"verb\":\"no-such-verb\"}", 2, "no-such-verb");
	expect("{\"verb\":\"status\",\"args\":[\"x\"]}", 2, "status");
	expect("{\"verb\":\"status\",\"options\":{\"x\":\"\"}}", 2, "'x'");
	expect("{\"verb\":\"receipt\"}", 2, "receipt");
	expect("{\"verb\":\"wait\",\"options\":{\"timeout_ms\":\"-1\"}}", 2,
	       "timeout_ms");
	expect("{\"verb\":\"status\"}", 0, "");
}

static void
a_request_without_end_is_cut_off(void **state)
{
	static char much[2 * CONTROL_REQUEST_MAX];
	struct server_answer a;
	int fd = server_connect();

	(void)state;
	memset(much, 'x', sizeof(much));
	/* the server may hang up meanwhile */
	for (size_t at = 0; at < sizeof(much);) {
		ssize_t n =
			send(fd, much + at, sizeof(much) - at, MSG_NOSIGNAL);

		if (n <= 0)
			break;
		at += (size_t)n;
	}
	a = server_read(fd);
	assert_int_equal(a.exit_status, 1);
	server_answer_release(&a);
	expect("{\"verb\":\"status\"}", 0, "");
}

static void
a_client_that_goes_away_is_forgotten(void **state)
{
	(void)state;
	for (int i = 0; i < 3 * MANY; i++) {
		int fd = server_connect();

		if (i % 3)
			server_send(fd, i % 3 == 1 ? "{\"verb\":"
						   : "{\"verb\":\"wait\"}\n");
		close(fd);
	}
	/* their threads end by themselves, in their own time */
	for (int tries = 0; tries < 3000; tries++) {
		struct server_answer a = server_ask("{\"verb\":\"status\"}");
		int exit_status = a.exit_status;

		server_answer_release(&a);
		if (exit_status == 0)
			return;
		poll(NULL, 0, 10);
	}
	fail_msg("clients that have gone keep their places");
}

static void
too_many_clients_are_sent_away(void **state)
{
	int fds[MANY];
	struct server_answer a;

	(void)state;
	for (int i = 0; i < MANY; i++) {
		fds[i] = server_connect();
		server_send(fds[i], "{\"verb\":\"wait\"}\n");
	}
	a = server_read(server_connect());
	assert_int_equal(a.exit_status, 1);
	assert_non_null(strstr(a.error, "ask again"));
	server_answer_release(&a);
	for (int i = 0; i < MANY; i++)
		close(fds[i]);
}

static void
an_end_is_told_to_those_who_wait(void **state)
{
	struct server *s = *state;
	struct server_answer a;
	int fd = server_connect();

	server_send(fd, "{\"verb\":\"wait\"}\n");
	/* its answer comes after the other client was taken in */
	expect("{\"verb\":\"status\"}", 0, "");
	server_stop(s);
	a = server_read(fd);
	assert_int_equal(a.exit_status, 1);
	assert_non_null(strstr(a.error, "ends"));
	server_answer_release(&a);
}

static void
those_who_wait_ask_the_next_worker(void **state)
{
	struct server *s = *state;
	struct server_answer a;
	int fd = server_connect(), silent = server_connect();

	server_send(fd, "{\"verb\":\"wait\"}\n");
	/* its answer comes after the other clients were taken in */
	expect("{\"verb\":\"status\"}", 0, "");
	server_hand_over(s);
	a = server_read(fd);
	assert_int_equal(a.exit_status, -1);
	server_answer_release(&a);
	a = server_read(silent);
	assert_int_equal(a.exit_status, -1);
	server_answer_release(&a);
}

static void
an_end_does_not_leave_those_who_come_then(void **state)
{
	struct server *s = *state;
	struct server_answer a;
	int fd = server_connect();

	server_stop(s);
	a = server_read(fd); /* an answer or none, but an end */
	assert_true(a.exit_status == -1 || a.exit_status == 2);
	server_answer_release(&a);
	assert_int_not_equal(access(CONTROL_SOCKET, F_OK), 0);
}

static void
a_silent_client_does_not_hold_up_the_end(void **state)
{
	struct server *s = *state;
	int fd = server_connect();

	expect("{\"verb\":\"status\"}", 0, "");
	server_stop(s);
	close(fd);
}

static void
a_client_that_does_not_read_does_not_hold_up_the_end(void **state)
{
	struct server *s = *state;
	struct pollfd p = {.events = POLLIN};
	char byte;

	for (int i = 0; i < 3000; i++)
		server_submit(s, "aic/registrations", "a-long-name.csv", "");
	p.fd = server_connect();
	server_send(p.fd, "{\"verb\":\"submissions\","
			  "\"options\":{\"limit\":\"0\"}}\n");
	/* it has begun, and cannot end: it is larger than any buffer */
	assert_int_equal(poll(&p, 1, -1), 1);
	assert_int_equal(recv(p.fd, &byte, 1, MSG_PEEK), 1);
	expect("{\"verb\":\"status\"}", 0, "");
	server_stop(s);
	close(p.fd);
}

static void
the_asker_of_the_end_is_told_first(void **state)
{
	struct server *s = *state;
	struct server_answer a = server_ask("{\"verb\":\"stop\"}");
	const json_t *item = json_array_get(a.items, 0);

	assert_int_equal(a.exit_status, 0);
	assert_int_equal(
		json_integer_value(json_object_get(item, "keeper_pid")), 11);
	assert_string_equal(
		json_string_value(json_object_get(item, "mountpoint")),
		"/mnt/city");
	server_answer_release(&a);
	server_stop(s);
	assert_int_equal(s->stops, 1);
}

static void
an_end_that_nobody_brings_about_is_refused(void **state)
{
	struct server *s = *state;
	struct server_answer a;
	const json_t *warnings;

	s->is_orphan = true;
	a = server_ask("{\"verb\":\"status\"}");
	warnings = json_object_get(json_array_get(a.items, 0), "warnings");
	assert_non_null(strstr(json_string_value(json_array_get(warnings, 0)),
			       "the keeper (11) has died"));
	server_answer_release(&a);
	expect("{\"verb\":\"stop\"}", 1, "start civicfsd again");
	s->is_orphan = false;
	assert_int_equal(s->stops, 0);
}

static void
an_older_socket_is_replaced(void **state)
{
	struct server *s = *state;
	struct control_context context = {.config = s->config};
	struct control *other = NULL;

	server_stop(s);
	assert_int_equal(control_new(&context, &other, NULL), 0);
	control_free(other);
}

#define TEST(f) \
	cmocka_unit_test_setup_teardown(f, server_setup, server_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(anybody_may_connect),
		TEST(hostile_requests_are_answered_and_forgotten),
		TEST(a_request_without_end_is_cut_off),
		TEST(a_client_that_goes_away_is_forgotten),
		TEST(too_many_clients_are_sent_away),
		TEST(an_end_is_told_to_those_who_wait),
		TEST(those_who_wait_ask_the_next_worker),
		TEST(an_end_does_not_leave_those_who_come_then),
		TEST(a_silent_client_does_not_hold_up_the_end),
		TEST(a_client_that_does_not_read_does_not_hold_up_the_end),
		TEST(the_asker_of_the_end_is_told_first),
		TEST(an_end_that_nobody_brings_about_is_refused),
		TEST(an_older_socket_is_replaced),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
