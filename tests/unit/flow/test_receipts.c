/*
 * What a submission is answered (SPEC 6): receipts for people in two languages
 * and for programs, fix files, the dry run. Fails if a key is missing or out of
 * order, if the first two lines do not say verdict and next step, if a
 * superseded one still says that it waits, if a personal value appears, or if
 * a trial says that something is stored.
 */
#include "tests/unit/flow/town.h"

#include <fcntl.h>
#include <sys/mman.h>

#define REG "aic/reg"
#define RATING "tax/rating"
#define RH "no,uscc,name,grade,updated\n"
#define H "id,uscc,name,grade,score\n"

static void
start(struct town *t)
{
	town_copy(t, "town");
	town_start(t);
}

/* The first two lines begin so. */
static void
expect_text(struct town *t, int64_t n, const char *verdict, const char *step)
{
	scope_buf text = BUF_INIT;
	const char *second;

	town_receipt(t, n, STORE_RECEIPT_TEXT, &text);
	second = strchr(text.data, '\n');
	assert_non_null(second);
	if (strncmp(text.data, verdict, strlen(verdict)) != 0 ||
	    strncmp(second + 1, step, strlen(step)) != 0)
		fail_msg("'%s', '%s' expected:\n%s", verdict, step, text.data);
}

static void
expect_line(struct town *t, int64_t n, const char *key, const char *value)
{
	scope_buf line = BUF_INIT;

	town_receipt_line(t, n, key, &line);
	assert_string_equal(line.data, value);
}

static void
the_keys_stand_in_their_order(void **state)
{
	static const char *const keys[] = {
		"submission",	"department",	 "resource",  "file",
		"bytes",	"sha256",	 "format",    "encoding",
		"submitted_by", "received_at",	 "judged_at", "state",
		"rows",		"published",	 "errors",    "error_count",
		"warnings",	"warning_count", "next_due"};
	struct town *t = *state;
	scope_buf json = BUF_INIT;
	const char *at;
	int64_t n;

	start(t);
	n = town_submit(t, REG, "a b.csv", RH "1,S1,Ann,A,2026-01-01\n");
	town_receipt(t, n, STORE_RECEIPT_JSON, &json);
	at = json.data;
	for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++) {
		char mark[32];

		snprintf(mark, sizeof(mark), "\n\"%s\":", keys[i]);
		at = strstr(at, mark);
		if (!at)
			fail_msg("'%s' is not in its place: %s", keys[i],
				 json.data);
	}
	expect_line(t, n, "department", "\"aic\"");
	expect_line(t, n, "resource", "\"reg\"");
	expect_line(t, n, "file", "\"a b.csv\"");
	expect_line(t, n, "bytes", "49");
	expect_line(t, n, "format", "\"csv\"");
	expect_line(t, n, "encoding", "\"utf-8\"");
	expect_line(t, n, "state", "\"accepted\"");
	expect_line(t, n, "rows",
		    "{\"read\":1,\"accepted\":1,\"refused\":0,\"inserted\":1,"
		    "\"updated\":0,\"deleted\":0,\"unchanged\":0}");
	expect_line(t, n, "error_count", "0");
	expect_line(t, n, "next_due", "null");
}

/* The department of 'reg' reads English, that of 'rating' Chinese. */
static void
verdict_and_next_step_come_first(void **state)
{
	struct town *t = *state;
	int64_t n;

	start(t);
	n = town_submit(t, REG, "a.csv",
			RH "1,S1,Ann,,\n2,S2,Bob,,\n3,S3,Cyd,,\n");
	expect_text(t, n, "accepted: all 3 rows are in",
		    "next: nothing has to be done.");
	n = town_submit(t, REG, "b.csv",
			RH "1,S1,Ann,,\n2,S2,Bob,,\n3,S3,Cyd,,\n");
	expect_text(t, n, "unchanged: nothing differs", "next: nothing has");
	n = town_submit(t, REG, "c.csv", RH "1,S1,Ann,,\n");
	expect_text(t, n, "quarantined: nothing was published: ",
		    "next: submit the whole file, or, if this one is right, "
		    "have it released (civicfs release ");
	n = town_submit(t, REG, "d.csv", "x,y\n");
	expect_text(t, n, "rejected: the file could not be read",
		    "next: correct what is named below");
	n = town_submit(t, RATING, "a.csv", H "r1,S1,Ann,A,1\n");
	expect_text(t, n, "已接收（accepted）：1 条数据已入库",
		    "下一步：无需处理。");
	n = town_submit(t, RATING, "b.csv", H "r2,S1,Ann,Z,1\n");
	expect_text(t, n,
		    "待处理（quarantined）：暂缓入库，未发布：1/1 行被拒收",
		    "下一步：");
	town_release(t, n);
	expect_text(t, n,
		    "部分接收（partial）：0 条已入库（共 1 条），1 条被退回",
		    "下一步：");
}

static void
a_cut_off_copy_says_copy_again(void **state)
{
	static const char bytes[] = RH "1,S1,Ann\0\0\0\0";
	struct town *t = *state;
	int64_t n;

	start(t);
	town_copy_in_bytes(t, REG, "a.csv", SLICE(bytes));
	town_settle(t);
	n = town_last(t);
	expect_line(t, n, "state", "\"incomplete\"");
	expect_line(t, n, "format", "null");
	expect_text(t, n, "incomplete: ", "next: copy the file again");
}

static void
the_superseded_say_so_to_people_and_programs(void **state)
{
	struct town *t = *state;
	scope_buf text = BUF_INIT;
	int64_t old, n;

	start(t);
	town_submit(t, REG, "a.csv", RH "1,S1,Ann,,\n2,S2,Bob,,\n");
	old = town_submit(t, REG, "b.csv", RH);
	n = town_submit(t, REG, "c.csv", RH "1,S1,Ann,,\n2,S2,Bob,,\n");
	expect_line(t, old, "state", "\"superseded\"");
	expect_text(t, old, "superseded: the later submission ",
		    "next: nothing has to be done; this file has had no "
		    "effect");
	town_receipt(t, old, STORE_RECEIPT_TEXT, &text);
	assert_null(strstr(text.data, "quarantined"));
	assert_null(strstr(text.data, "civicfs release"));
	/* what was wrong with it is still there */
	assert_non_null(strstr(text.data, "[shrink]"));
	assert_true(town_has_fault(t, old, "errors", "shrink", 0));
	expect_line(t, n, "state", "\"unchanged\"");
	town_restart(t);
	expect_line(t, old, "state", "\"superseded\"");
}

static void
a_fix_file_is_the_refused_rows_as_sent(void **state)
{
	struct town *t = *state;
	scope_buf fix = BUF_INIT;
	scope_buf text = BUF_INIT;
	int64_t n;

	start(t);
	n = town_submit(t, RATING, "a.csv",
			"\xef\xbb\xbfscore;grade;id;name;uscc\r\n"
			" 1 ;A;r1;Ann;S1\r\nx;Z;r2;\"B;b\";S2\r\n"
			"2;B;;Cyd;S3\r\n");
	assert_string_equal(town_state(t, n), "quarantined");
	town_fix(t, n, &fix);
	assert_true(slice_starts(buf_slice(&fix),
				 SLICE("\xef\xbb\xbfscore;grade;id;name;uscc;_"
				       "row;_errors\r\n")));
	assert_non_null(strstr(fix.data, "x;Z;r2;\"B;b\";S2;2;"));
	assert_non_null(strstr(fix.data, "2;B;;Cyd;S3;3;"));
	assert_null(strstr(fix.data, "Ann"));
	/* in the department's language, every fault of the row */
	assert_non_null(strstr(fix.data, "score: "));
	assert_non_null(strstr(fix.data, "grade: 不在允许的取值范围内"));
	town_receipt(t, n, STORE_RECEIPT_TEXT, &text);
	assert_non_null(strstr(text.data, "a.csv.fix.csv"));
}

static void
an_accepted_file_has_no_fix_file(void **state)
{
	struct town *t = *state;
	struct store_submission s;
	int64_t n;

	start(t);
	n = town_submit(t, REG, "a.csv", RH "1,S1,Ann,,\n");
	town_submission(t, n, &s);
	assert_int_equal(s.fix_blob, 0);
	store_submission_release(&s);
}

static void
personal_values_are_not_repeated(void **state)
{
	struct town *t = *state;
	scope_buf json = BUF_INIT;
	scope_buf text = BUF_INIT;
	int64_t n;

	town_write(t, "civicfs.conf",
		   "[platform]\nstate = state\nsettle = 0s\nuser = root\n"
		   "[department aic]\n");
	town_write(t, "resources.d/aic/people.ini",
		   "[resource]\nmode = append\nkey = id part\n[field id]\n"
		   "type = string\nsensitivity = personal\n[field part]\n"
		   "type = string\n[field phone]\ntype = integer\n"
		   "sensitivity = personal\nunique = yes\n");
	town_start(t);
	n = town_submit(t, "aic/people", "a.csv",
			"id,part,phone\nSECRET1,a,5550001x\nSECRET2,b,5550002\n"
			"SECRET2,b,5550003\nSECRET3,c,5550004\n"
			"SECRET4,c,5550004\nSECRET5,c,5550005\n");
	assert_string_equal(town_state(t, n), "quarantined");
	town_release(t, n);
	town_receipt(t, n, STORE_RECEIPT_JSON, &json);
	town_receipt(t, n, STORE_RECEIPT_TEXT, &text);
	assert_null(strstr(json.data, "SECRET"));
	assert_null(strstr(json.data, "55500"));
	assert_null(strstr(text.data, "SECRET"));
	assert_null(strstr(text.data, "55500"));
	/* a stored key that is met again */
	n = town_submit(t, "aic/people", "b.csv",
			"id,part,phone\nSECRET5,c,5550009\n");
	assert_true(town_has_fault(t, n, "errors", "primary-key", 1));
	buf_clear(&json);
	town_receipt(t, n, STORE_RECEIPT_JSON, &json);
	assert_null(strstr(json.data, "SECRET"));
}

/* ---- the dry run --------------------------------------------------------- */

static void
try_file(struct town *t, const char *content, const char *language,
	 const char *verdict, const char *step, bool good)
{
	const struct flow_decoder decoder = {.start = town_start_decoder,
					     .ctx = t};
	scope_fd fd = memfd_create("trial", MFD_CLOEXEC);
	scope_buf json = BUF_INIT;
	scope_buf text = BUF_INIT;
	struct error err = ERROR_INIT;
	bool is_good = !good;

	assert_int_equal(write(fd, content, strlen(content)), strlen(content));
	if (flow_try(config_find_resource(t->config, RATING), &decoder, "a.csv",
		     fd, clock_now(), language, &json, &text, &is_good, &err))
		fail_msg("%s", err.text);
	assert_int_equal(is_good, good);
	assert_non_null(buf_str(&text));
	assert_non_null(buf_str(&json));
	assert_non_null(strstr(json.data, "\"submission\":null"));
	if (strncmp(text.data, verdict, strlen(verdict)) != 0 ||
	    !strstr(text.data, step))
		fail_msg("'%s', '%s' expected:\n%s", verdict, step, text.data);
	assert_null(strstr(text.data, "civicfs release"));
	assert_null(strstr(text.data, "inserted"));
}

static void
a_trial_says_what_would_be(void **state)
{
	struct town *t = *state;

	town_copy(t, "town");
	town_open(t);
	try_file(t, H "r1,S1,Ann,A,1\n", "en",
		 "a trial, nothing is stored: accepted: the one row is good\n",
		 "next: copy the file into the inbox of tax/rating.", true);
	try_file(t, H "r1,S1,Ann,A,1\nr2,S2,Bob,Z,\n", "en",
		 "a trial, nothing is stored: quarantined: nothing would be "
		 "published: 1 of 2 rows are refused",
		 "next: correct what is named below and try again.", false);
	try_file(t, "a,b\n1,2\n", "zh",
		 "试运行，不保存数据：已拒收（rejected）",
		 "下一步：请按下列说明改正后再试。", false);
	try_file(t, H "r1,S1,Ann,A,1\n", "zh",
		 "试运行，不保存数据：已接收（accepted）：1 条数据合格",
		 "可将文件放入 tax/rating 的报送文件夹", true);
	assert_int_equal(town_last(t), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, town_setup, town_teardown)
		T(the_keys_stand_in_their_order),
		T(verdict_and_next_step_come_first),
		T(a_cut_off_copy_says_copy_again),
		T(the_superseded_say_so_to_people_and_programs),
		T(a_fix_file_is_the_refused_rows_as_sent),
		T(an_accepted_file_has_no_fix_file),
		T(personal_values_are_not_repeated),
		T(a_trial_says_what_would_be),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
