/*
 * Requests and lines. Fails if a request does not come back as it was sent, if
 * a hostile line is taken for a request, or if a line grows without bound.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/clock.h"
#include "base/scope.h"
#include "control/protocol.h"

#include <sys/socket.h>

/* ---- requests ------------------------------------------------------------ */

static void
a_request_comes_back_as_it_was_sent(void **state)
{
	const struct control_request sent = {
		.verb = "subject",
		.args = {"credit", "\"华为\"\n\\"},
		.nargs = 2,
		.options = {{"timeout_ms", "12"}, {"form", ""}},
		.noptions = 2,
	};
	struct control_request got;
	struct error err = ERROR_INIT;
	scope_buf line = BUF_INIT;

	(void)state;
	assert_int_equal(control_request_write(&sent, &line, &err), 0);
	assert_int_equal(line.data[line.len - 1], '\n');
	assert_null(memchr(line.data, '\n', line.len - 1));
	line.len--;
	assert_int_equal(control_request_parse(buf_slice(&line), &got, &err),
			 0);
	assert_string_equal(got.verb, "subject");
	assert_int_equal(got.nargs, 2);
	assert_string_equal(got.args[1], "\"华为\"\n\\");
	assert_string_equal(control_request_option(&got, "timeout_ms"), "12");
	assert_string_equal(control_request_option(&got, "form"), "");
	assert_null(control_request_option(&got, "limit"));
	control_request_release(&got);
}

static void
args_and_options_may_be_left_out(void **state)
{
	struct control_request got;

	(void)state;
	assert_int_equal(control_request_parse(SLICE("{\"verb\":\"status\"}"),
					       &got, NULL),
			 0);
	assert_int_equal(got.nargs, 0);
	assert_int_equal(got.noptions, 0);
	control_request_release(&got);
}

static void
hostile_lines_are_refused(void **state)
{
	static const char *const lines[] = {
		"",
		" ",
		"status",
		"null",
		"[]",
		"\"verb\"",
		"{}",
		"{\"verb\":1}",
		"{\"verb\":null}",
		"{\"verb\":[\"status\"]}",
		"{\"verb\":\"a\",\"verb\":\"b\"}",
		"{\"verb\":\"a\",\"uid\":0}",
		"{\"verb\":\"a\",\"args\":\"b\"}",
		"{\"verb\":\"a\",\"args\":{}}",
		"{\"verb\":\"a\",\"args\":[1]}",
		"{\"verb\":\"a\",\"args\":[null]}",
		"{\"verb\":\"a\",\"args\":[[]]}",
		"{\"verb\":\"a\",\"options\":[]}",
		"{\"verb\":\"a\",\"options\":{\"x\":1}}",
		"{\"verb\":\"a\",\"options\":{\"x\":\"1\",\"x\":\"2\"}}",
		"{\"verb\":\"a\\u0000b\"}",
		"{\"verb\":\"\xff\xfe\"}",
		"{\"verb\":\"\\ud800\"}",
		"{\"verb\":\"a\"} {\"verb\":\"b\"}",
		"{\"verb\":\"a\"",
		"{\"verb\":\"a\",}",
		"{\"verb\":\"a\",\"args\":[\"1\",\"2\",\"3\",\"4\",\"5\",\"6\","
		"\"7\",\"8\",\"9\",\"10\",\"11\",\"12\",\"13\",\"14\",\"15\","
		"\"16\",\"17\"]}",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++) {
		struct error err = ERROR_INIT;
		struct control_request got;
		int rc = control_request_parse(slice_str(lines[i]), &got, &err);

		if (rc != ERR_PROTOCOL)
			fail_msg("'%s' gives %d", lines[i], rc);
		assert_non_null(strstr(err.text, "no request"));
	}
}

static void
deep_nesting_ends_in_a_refusal(void **state)
{
	char line[30000];
	struct control_request got;

	(void)state;
	memset(line, '[', sizeof(line));
	assert_int_equal(
		control_request_parse((struct slice){line, sizeof(line)}, &got,
				      NULL),
		ERR_PROTOCOL);
}

static void
what_cannot_be_sent_is_said(void **state)
{
	static char big[CONTROL_REQUEST_MAX + 1];
	struct control_request r = {.verb = "wait", .args = {big}, .nargs = 1};
	struct error err = ERROR_INIT;
	scope_buf line = BUF_INIT;

	(void)state;
	memset(big, 'x', sizeof(big) - 1);
	assert_int_equal(control_request_write(&r, &line, &err), ERR_LIMIT);
	buf_clear(&line);
	r.args[0] = "\xb9\xfa"; /* GBK */
	assert_int_equal(control_request_write(&r, &line, &err), ERR_INVALID);
	assert_non_null(strstr(err.text, "UTF-8"));
}

static void
numbers_are_digits_that_fit(void **state)
{
	static const char *const wrong[] = {"",
					    "-1",
					    "+1",
					    " 1",
					    "1 ",
					    "0x1",
					    "1.5",
					    "soon",
					    "1e3",
					    "９",
					    "9223372036854775808",
					    "99999999999999999999"};
	int64_t n = 7;

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		if (control_number(wrong[i], &n))
			fail_msg("'%s' is taken for a number", wrong[i]);
	}
	assert_int_equal(n, 7);
	assert_true(control_number("9223372036854775807", &n));
	assert_true(n == INT64_MAX);
	assert_true(control_number("0", &n));
	assert_int_equal(n, 0);
}

static void
ids_are_told_from_paths(void **state)
{
	(void)state;
	assert_true(control_is_submission_id("20260301-000001"));
	assert_true(control_is_submission_id("20260301-1234567"));
	assert_false(control_is_submission_id("20260301-00001"));
	assert_false(control_is_submission_id("2026031-000001"));
	assert_false(control_is_submission_id("20260301-000001.csv"));
	assert_false(control_is_submission_id("20260301"));
	assert_false(control_is_submission_id(""));
}

/* ---- lines --------------------------------------------------------------- */

/* Lines of what was written to the other end, which is then closed. */
struct pair {
	int write_fd;
	struct control_lines lines;
};

static int
open_pair(void **state)
{
	struct pair *p = calloc(1, sizeof(*p));
	int fds[2];

	if (!p || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds))
		return -1;
	p->write_fd = fds[0];
	p->lines.fd = fds[1];
	*state = p;
	return 0;
}

static int
close_pair(void **state)
{
	struct pair *p = *state;

	if (p->write_fd >= 0)
		close(p->write_fd);
	close(p->lines.fd);
	control_lines_release(&p->lines);
	free(p);
	return 0;
}

static void
put(struct pair *p, const char *text, size_t n)
{
	assert_int_equal(write(p->write_fd, text, n), n);
}

static void
lines_come_one_by_one(void **state)
{
	struct pair *p = *state;
	struct slice line;

	put(p, "one\n\nthree", 10);
	assert_int_equal(control_lines_next(&p->lines, 64, 0, &line, NULL), 1);
	assert_true(slice_is(line, "one"));
	assert_int_equal(control_lines_next(&p->lines, 64, 0, &line, NULL), 1);
	assert_int_equal(line.n, 0);
	put(p, "!\nrest", 6);
	assert_int_equal(control_lines_next(&p->lines, 64, 0, &line, NULL), 1);
	assert_true(slice_is(line, "three!"));
	close(p->write_fd);
	p->write_fd = -1;
	/* what has no LF is no line */
	assert_int_equal(control_lines_next(&p->lines, 64, 0, &line, NULL), 0);
}

static void
a_line_has_a_bound(void **state)
{
	struct pair *p = *state;
	struct error err = ERROR_INIT;
	struct slice line;

	put(p, "1234567\n12345678\n", 17);
	assert_int_equal(control_lines_next(&p->lines, 8, 0, &line, &err), 1);
	assert_int_equal(line.n, 7);
	assert_int_equal(control_lines_next(&p->lines, 8, 0, &line, &err),
			 ERR_LIMIT);
}

static void
a_line_without_end_has_a_bound(void **state)
{
	struct pair *p = *state;
	static char much[100000];
	struct slice line;

	memset(much, 'x', sizeof(much));
	put(p, much, sizeof(much));
	assert_int_equal(control_lines_next(&p->lines, CONTROL_REQUEST_MAX, 0,
					    &line, NULL),
			 ERR_LIMIT);
	assert_true(p->lines.buf.len <= 2 * CONTROL_REQUEST_MAX);
}

static void
a_deadline_ends_the_wait(void **state)
{
	struct pair *p = *state;
	struct slice line;

	put(p, "half", 4);
	assert_int_equal(control_lines_next(&p->lines, 64,
					    clock_monotonic() + 1000000, &line,
					    NULL),
			 ERR_BUSY);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_request_comes_back_as_it_was_sent),
		cmocka_unit_test(args_and_options_may_be_left_out),
		cmocka_unit_test(hostile_lines_are_refused),
		cmocka_unit_test(deep_nesting_ends_in_a_refusal),
		cmocka_unit_test(what_cannot_be_sent_is_said),
		cmocka_unit_test(numbers_are_digits_that_fit),
		cmocka_unit_test(ids_are_told_from_paths),
		cmocka_unit_test_setup_teardown(lines_come_one_by_one,
						open_pair, close_pair),
		cmocka_unit_test_setup_teardown(a_line_has_a_bound, open_pair,
						close_pair),
		cmocka_unit_test_setup_teardown(a_line_without_end_has_a_bound,
						open_pair, close_pair),
		cmocka_unit_test_setup_teardown(a_deadline_ends_the_wait,
						open_pair, close_pair),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
