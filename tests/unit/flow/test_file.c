/*
 * One file by itself (SPEC 4, 6.1, 6.3): what its rows are to each other, how
 * many may be refused, where the table ends, and files that are no table.
 * Fails if a share at the border is misjudged, if a row is counted that is
 * none, if the fix file lacks a refused row, or if a fault of the machine is
 * blamed on the file.
 */
#include "tests/unit/flow/town.h"

#include <sys/resource.h>

#define TABLE "aic/table"
#define H "id,name,code\n"

static const char city[] =
	"[platform]\nstate = state\nsettle = 0s\nuser = root\n"
	"[department aic]\n";
static const char fields[] = "[field id]\ntype = integer\n[field name]\n"
			     "type = string\n[field code]\ntype = string\n"
			     "unique = yes\n";

static void
start(struct town *t, const char *options)
{
	scope_buf text = BUF_INIT;

	assert_int_equal(buf_addf(&text,
				  "[resource]\nmode = upsert\nkey = id\n%s%s",
				  options, fields),
			 0);
	town_write(t, "civicfs.conf", city);
	town_write(t, "resources.d/aic/table.ini", buf_str(&text));
	town_start(t);
}

static void
equal_rows_count_once(void **state)
{
	struct town *t = *state;
	int64_t n;

	start(t, "");
	n = town_submit(t, TABLE, "a.csv",
			H "1,Ann,a\n2,Bob,b\n01,Ann, a\n1,Ann,a\n");
	town_expect(t, n, "accepted 4 2 0 2 0 0 0");
	assert_false(town_has_fault(t, n, "warnings", "duplicate-row", 1));
	assert_true(town_has_fault(t, n, "warnings", "duplicate-row", 3));
	assert_true(town_has_fault(t, n, "warnings", "duplicate-row", 4));
}

static void
rows_that_share_a_key_and_differ_are_refused(void **state)
{
	struct town *t = *state;
	scope_buf fix = BUF_INIT;
	int64_t n;

	start(t, "tolerance = 100%\n");
	/* 1 is there three times, two of them equal; 2 once good, once not */
	n = town_submit(t, TABLE, "a.csv",
			H "1,Ann,a\n1,Ann,a\n1,Anne,a\n2,Bob,b\n2,x,c,d\n"
			  "3,Cyd,e\n");
	town_expect(t, n, "partial 6 1 5 1 0 0 0");
	for (int row = 1; row <= 4; row++)
		assert_true(town_has_fault(t, n, "errors", "primary-key", row));
	assert_false(town_has_fault(t, n, "errors", "primary-key", 5));
	assert_true(town_has_fault(t, n, "errors", "extra-cell", 5));
	town_fix(t, n, &fix);
	assert_non_null(strstr(fix.data, "\n1,Ann,a,1,"));
	assert_non_null(strstr(fix.data, "\n1,Ann,a,2,"));
	assert_non_null(strstr(fix.data, "\n1,Anne,a,3,"));
	assert_non_null(strstr(fix.data, "\n2,Bob,b,4,"));
	assert_non_null(strstr(fix.data, "\n2,x,c,5,"));
	assert_null(strstr(fix.data, "Cyd"));
}

static void
unique_values_are_unique_among_good_rows(void **state)
{
	struct town *t = *state;
	int64_t n;

	start(t, "tolerance = 100%\n");
	/* equal rows are one; a refused row holds nothing; empty is no value */
	n = town_submit(t, TABLE, "a.csv",
			H "1,Ann,a\n2,Bob,a\n3,Cyd,b\n3,Cyd,b\nx,Dan,c\n"
			  "5,Eva,c\n6,Fay,\n7,Gus,\n");
	town_expect(t, n, "partial 8 4 3 4 0 0 0");
	assert_true(town_has_fault(t, n, "errors", "constraint-error", 1));
	assert_true(town_has_fault(t, n, "errors", "constraint-error", 2));
	assert_false(town_has_fault(t, n, "errors", "constraint-error", 3));
	assert_false(town_has_fault(t, n, "errors", "constraint-error", 6));
}

/* Refused rows as a share of the records that are not blank. */
static void
tolerance_is_exact(void **state)
{
	struct town *t = *state;
	int64_t n;

	start(t, "tolerance = 25%\n");
	n = town_submit(t, TABLE, "a.csv",
			H "1,Ann,a\n2,Bob,b\n3,Cyd,c\nx,,\n");
	town_expect(t, n, "partial 4 3 1 3 0 0 0");
	n = town_submit(t, TABLE, "b.csv",
			H "1,Ann,a\n,,\n2,Bob,b\n, ,\nx,,\n\n\n");
	town_expect(t, n, "quarantined 3 2 1 0 0 0 0");
	assert_true(town_has_fault(t, n, "warnings", "blank-row", 2));
	assert_true(town_has_fault(t, n, "warnings", "blank-row", 4));
	/* the last ones are no rows at all */
	assert_false(town_has_fault(t, n, "warnings", "blank-row", 6));
}

static void
no_tolerance_is_none(void **state)
{
	struct town *t = *state;
	scope_buf fix = BUF_INIT;
	int64_t n;

	start(t, "");
	n = town_submit(t, TABLE, "a.csv", H "1,Ann,a\nx,Bob,b\n");
	town_expect(t, n, "quarantined 2 1 1 0 0 0 0");
	town_fix(t, n, &fix);
	assert_non_null(strstr(fix.data, "id,name,code,_row,_errors"));
	assert_non_null(strstr(fix.data, "x,Bob,b,2,"));
	assert_null(strstr(fix.data, "Ann"));
}

static void
a_footer_ends_the_table(void **state)
{
	struct town *t = *state;
	int64_t n;

	start(t, "footer = 合计 Total\n");
	n = town_submit(t, TABLE, "a.csv",
			H "1,Ann,a\n\n合计,2,\nx,y,z,too,many\n");
	town_expect(t, n, "accepted 1 1 0 1 0 0 0");
	assert_false(town_has_fault(t, n, "warnings", "blank-row", 0));
}

static void
many_blank_rows_are_counted_and_not_kept(void **state)
{
	struct town *t = *state;
	scope_buf text = BUF_INIT;
	scope_buf count = BUF_INIT;
	int64_t n;

	start(t, "");
	assert_int_equal(buf_adds(&text, H), 0);
	for (int i = 0; i < 3000; i++)
		assert_int_equal(buf_adds(&text, i % 2 ? ",,\n" : "\n"), 0);
	assert_int_equal(buf_adds(&text, "1,Ann,a\n"), 0);
	n = town_submit(t, TABLE, "a.csv", buf_str(&text));
	town_expect(t, n, "accepted 1 1 0 1 0 0 0");
	town_receipt_line(t, n, "warning_count", &count);
	assert_string_equal(count.data, "3000");
	assert_true(town_has_fault(t, n, "warnings", "blank-row", 1000));
	assert_false(town_has_fault(t, n, "warnings", "blank-row", 1001));
}

static void
what_is_no_table_is_rejected(void **state)
{
	static const struct {
		const char *text, *code;
	} files[] = {
		{"nothing,here\n1,2\n", "format-error"},
		{"id,name\n1,Ann\n", "missing-label"},
		{"id,name,code,more\n1,Ann,a,x\n", "extra-label"},
		{"id,name,code,id\n1,Ann,a,1\n", "duplicate-label"},
		{H "1,Ann,a\n2,\"Bob,b\n", "format-error"},
		{H "1,\xff\xff,a\n", "encoding-error"},
	};
	struct town *t = *state;

	start(t, "");
	for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++) {
		scope_buf text = BUF_INIT;
		int64_t n = town_submit(t, TABLE, "a.csv", files[i].text);

		town_expect(t, n, "rejected 0 0 0 0 0 0 0");
		assert_true(town_has_fault(t, n, "errors", files[i].code, 0));
		town_receipt(t, n, STORE_RECEIPT_TEXT, &text);
		assert_memory_equal(text.data, "rejected: ", 10);
	}
}

/* A thousand bad rows come before the reason why nothing counts. */
static void
the_reason_of_a_rejection_is_not_hidden(void **state)
{
	struct town *t = *state;
	scope_buf text = BUF_INIT;
	scope_buf count = BUF_INIT;
	int64_t n;

	start(t, "");
	assert_int_equal(buf_adds(&text, H), 0);
	for (int i = 0; i < 1500; i++)
		assert_int_equal(buf_addf(&text, "x%d,y,z\n", i), 0);
	assert_int_equal(buf_adds(&text, "1,\"open\n"), 0);
	n = town_submit(t, TABLE, "a.csv", buf_str(&text));
	town_expect(t, n, "rejected 0 0 0 0 0 0 0");
	assert_true(town_has_fault(t, n, "errors", "format-error", 0));
	assert_false(town_has_fault(t, n, "errors", "type-error", 0));
	town_receipt_line(t, n, "error_count", &count);
	assert_string_equal(count.data, "1");
}

static void
a_tail_of_nuls_is_incomplete(void **state)
{
	static const char bytes[] = H "1,Ann,a\n\0\0\0";
	struct town *t = *state;
	int64_t n;

	start(t, "");
	town_copy_in_bytes(t, TABLE, "a.csv", SLICE(bytes));
	town_settle(t);
	n = town_last(t);
	town_expect(t, n, "incomplete 0 0 0 0 0 0 0");
	n = town_submit(t, TABLE, "a.csv", H "1,Ann,a\n");
	town_expect(t, n, "accepted 1 1 0 1 0 0 0");
}

/* ---- decoders ------------------------------------------------------------ */

static void
a_decoder_that_dies_is_tried_again(void **state)
{
	struct town *t = *state;
	int64_t n;

	start(t, "");
	t->decoder = TOWN_DIES_ONCE;
	n = town_submit(t, TABLE, "a.csv", H "1,Ann,a\n");
	town_expect(t, n, "accepted 1 1 0 1 0 0 0");
	t->decoder = TOWN_DIES;
	n = town_submit(t, TABLE, "b.csv", H "2,Bob,b\n");
	town_expect(t, n, "rejected 0 0 0 0 0 0 0");
	assert_true(town_has_fault(t, n, "errors", "format-error", 0));
	assert_int_equal(t->failed, 0);
}

static void
a_decoder_that_sleeps_holds_up_nobody(void **state)
{
	struct town *t = *state;
	int64_t n;

	t->patience_ms = 50;
	start(t, "");
	t->decoder = TOWN_STALLS;
	n = town_submit(t, TABLE, "a.csv", H "1,Ann,a\n");
	town_expect(t, n, "rejected 0 0 0 0 0 0 0");
	town_stop(t);
	t->decoder = TOWN_DECODES;
	t->patience_ms = 0;
	town_start(t);
	n = town_submit(t, TABLE, "b.csv", H "1,Ann,a\n");
	town_expect(t, n, "accepted 1 1 0 1 0 0 0");
}

static void
wait_for_trouble(struct town *t)
{
	const struct timespec nap = {0, 1000000};

	while (!t->failed)
		nanosleep(&nap, NULL);
}

/* No process, no descriptor: nobody's file is to blame. */
static void
a_machine_without_processes_is_not_the_files_fault(void **state)
{
	struct town *t = *state;
	int64_t n;

	start(t, "");
	t->decoder = TOWN_IS_REFUSED;
	town_copy_in(t, TABLE, "a.csv", H "1,Ann,a\n");
	wait_for_trouble(t);
	n = town_last(t);
	assert_string_equal(town_state(t, n), "judging");
	t->decoder = TOWN_DECODES;
	flow_wake(t->flow);
	town_settle(t);
	town_expect(t, n, "accepted 1 1 0 1 0 0 0");
}

static void
a_machine_without_descriptors_is_not_the_files_fault(void **state)
{
	struct town *t = *state;
	struct rlimit was, few;
	int64_t n;

	start(t, "");
	town_stop(t);
	town_copy_in(t, TABLE, "a.csv", H "1,Ann,a\n");
	assert_int_equal(town_collect(t), 1);
	n = town_last(t);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &was), 0);
	few = was;
	few.rlim_cur = (rlim_t)dup(t->dir) + 2; /* the original, and one */
	close((int)few.rlim_cur - 2);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
	town_start(t);
	wait_for_trouble(t);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &was), 0);
	assert_string_equal(town_state(t, n), "judging");
	flow_wake(t->flow);
	town_settle(t);
	town_expect(t, n, "accepted 1 1 0 1 0 0 0");
}

/* What holds up one resource holds up no other. */
static void
a_failure_holds_up_its_resource_only(void **state)
{
	struct town *t = *state;
	struct store_submission s;
	char path[STORE_BLOB_PATH_MAX], aside[STORE_BLOB_PATH_MAX + 8];
	int64_t first, last;

	town_write(t, "resources.d/aic/other.ini",
		   "[resource]\nmode = upsert\nkey = id\n[field id]\n"
		   "type = integer\n");
	start(t, "");
	town_stop(t);
	town_copy_in(t, TABLE, "a.csv", H "1,Ann,a\n");
	assert_int_equal(town_collect(t), 1);
	first = town_last(t);
	town_copy_in(t, TABLE, "b.csv", H "1,Bob,b\n");
	assert_int_equal(town_collect(t), 1);
	town_copy_in(t, "aic/other", "c.csv", "id\n7\n");
	assert_int_equal(town_collect(t), 1);
	last = town_last(t);
	town_submission(t, first, &s);
	store_blob_path(s.blob, path);
	store_submission_release(&s);
	snprintf(aside, sizeof(aside), "%s.aside", path);
	assert_int_equal(renameat(t->dir, path, t->dir, aside), 0);
	town_start(t);
	wait_for_trouble(t);
	while (strcmp(town_state(t, last), "judging") == 0)
		nanosleep(&(struct timespec){0, 1000000}, NULL);
	town_expect(t, last, "accepted 1 1 0 1 0 0 0");
	assert_string_equal(town_state(t, first), "judging");
	assert_string_equal(town_state(t, first + 1), "judging");
	assert_int_equal(renameat(t->dir, aside, t->dir, path), 0);
	flow_wake(t->flow);
	town_settle(t);
	/* in their order all the same */
	town_expect(t, first, "accepted 1 1 0 1 0 0 0");
	town_expect(t, first + 1, "accepted 1 1 0 0 1 0 0");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, town_setup, town_teardown)
		T(equal_rows_count_once),
		T(rows_that_share_a_key_and_differ_are_refused),
		T(unique_values_are_unique_among_good_rows),
		T(tolerance_is_exact),
		T(no_tolerance_is_none),
		T(a_footer_ends_the_table),
		T(many_blank_rows_are_counted_and_not_kept),
		T(what_is_no_table_is_rejected),
		T(the_reason_of_a_rejection_is_not_hidden),
		T(a_tail_of_nuls_is_incomplete),
		T(a_decoder_that_dies_is_tried_again),
		T(a_decoder_that_sleeps_holds_up_nobody),
		T(a_machine_without_processes_is_not_the_files_fault),
		T(a_machine_without_descriptors_is_not_the_files_fault),
		T(a_failure_holds_up_its_resource_only),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
