/*
 * Fix files that come back (SPEC 6.5). Fails if a corrected row does not get
 * in, if one gets in that did not come back or is still wrong, if a later
 * submission is overtaken, if what the clerk wrote is lost, if the receipt
 * does not tell of every round, or if a round is judged twice or never.
 */
#include "tests/unit/flow/town.h"

#include "store/fix.h"

#include <fcntl.h>

#define REG "aic/reg"
#define RATING "tax/rating"
#define FINE "env/fine"
#define RH "no,uscc,name,grade,updated\n"
#define H "id,uscc,name,grade,score\n"
#define F "no,day,uscc,amount,office\n"
#define FIX "_row,_errors\n"

/* Up to 70 of 100 rows may be refused. */
static void
start(struct town *t)
{
	town_copy(t, "town");
	town_write(t, "resources.d/tax/rating.ini",
		   "[resource]\nmode = upsert\nkey = id\nsubject = uscc\n"
		   "tolerance = 70%\nextra = ignore\n[field id]\n"
		   "type = string\n[field uscc]\ntype = string\n[field name]\n"
		   "type = string\n[field grade]\ntype = string\n"
		   "enum = A B C D\n[field score]\ntype = integer\n");
	town_write(t, "resources.d/aic/reg.ini",
		   "[resource]\nmode = snapshot\nkey = no\nsubject = uscc\n"
		   "tolerance = 70%\n[field no]\ntype = string\n[field uscc]\n"
		   "type = string\nunique = yes\n[field name]\n"
		   "type = string\n[field grade]\n"
		   "type = string\nenum = A B C D\n[field updated]\n"
		   "type = date\n");
	town_start(t);
}

static void
come_back(struct town *t, const char *resource, const char *name,
	  const char *text)
{
	town_copy_in(t, resource, name, text);
	town_settle(t);
}

static int64_t
resource_of(struct town *t, const char *name)
{
	for (size_t i = 0; i < t->config->nresources; i++) {
		if (strcmp(t->config->resources[i].name, name) == 0)
			return t->plan->resources[i].id;
	}
	fail();
	return 0;
}

/* Whether a name is in an inbox. */
static bool
is_there(struct town *t, const char *resource, const char *name)
{
	struct inbox_entry e;

	return inbox_lookup(t->inbox, resource_of(t, resource), name, &e) == 0;
}

static void
expect_line(struct town *t, int64_t n, const char *key, const char *holds)
{
	scope_buf line = BUF_INIT;

	town_receipt_line(t, n, key, &line);
	if (!strstr(line.data, holds))
		fail_msg("no '%s' in %s", holds, line.data);
}

static void
corrected_rows_get_in(void **state)
{
	struct town *t = *state;
	scope_buf fix = BUF_INIT;
	int64_t n;

	start(t);
	n = town_submit(t, RATING, "a.csv",
			H "r1,S1,Ann,A,1\nr2,S2,Bob,Z,2\nr3,S3,Cyd,B,x\n");
	town_expect(t, n, "partial 3 1 2 1 0 0 0");
	assert_true(is_there(t, RATING, "a.csv.fix.csv"));
	come_back(t, RATING, "a.csv.fix.csv",
		  "id,uscc,name,grade,score," FIX
		  "r2,S2,Bob,B,2,2,\nr3,S3,Cyd,B,y,3,\n");
	assert_int_equal(town_last(t), n); /* no submission of its own */
	town_expect(t, n, "partial 3 2 1 2 0 0 0");
	town_expect_published(t, n, "credit:1 register:1 credit:2 register:2");
	/* what was written is still to be seen */
	town_fix(t, n, &fix);
	assert_non_null(strstr(fix.data, "r3,S3,Cyd,B,y,3,"));
	assert_null(strstr(fix.data, "r2"));
	assert_true(town_has_fault(t, n, "errors", "type-error", 3));
	come_back(t, RATING, "a.csv.fix.csv",
		  "id,uscc,name,grade,score," FIX "r3,S3,Cyd,B,3,3,\n");
	town_expect(t, n, "accepted 3 3 0 3 0 0 0");
	assert_false(is_there(t, RATING, "a.csv.fix.csv"));
	assert_true(is_there(t, RATING, "a.csv.receipt.txt"));
	town_expect_file(t, "credit", PUBLISH_SOURCE, RATING,
			 H "r1,S1,Ann,A,1\nr2,S2,Bob,B,2\nr3,S3,Cyd,B,3\n");
	expect_line(t, n, "rounds",
		    "\"state\":\"partial\",\"back\":2,\"accepted\":1,"
		    "\"refused\":1");
	expect_line(t, n, "rounds",
		    "\"state\":\"accepted\",\"back\":1,\"accepted\":1,"
		    "\"refused\":0");
	town_verify(t);
}

/* Another order of columns, another delimiter, another encoding, an extra
 * column, blank ones that a spreadsheet adds; _errors is gone. */
static void
it_may_come_back_in_any_form(void **state)
{
	static const char utf16[] =
		"\xff\xfe_\0r\0o\0w\0\t\0i\0d\0\t\0u\0s\0c\0c\0\t\0"
		"n\0a\0m\0e\0\t\0g\0r\0a\0d\0e\0\t\0s\0c\0o\0r\0e\0\r\0\n\0"
		"2\0\t\0r\0002\0\t\0S\0002\0\t\0B\0\t\0B\0\t\0002\0\r\0\n";
	struct town *t = *state;
	scope_buf fix = BUF_INIT;
	int64_t n;

	start(t);
	n = town_submit(t, RATING, "a.csv",
			"id;uscc;name;note;grade;score\r\n"
			"r1;S1;Ann;x;A;1\r\nr2;S2;B;kept;Z;2\r\n"
			"r3;S3;C;y;Z;3\r\n");
	town_expect(t, n, "partial 3 1 2 1 0 0 0");
	come_back(t, RATING, "a.csv.fix.csv",
		  "grade,score,_row,id,uscc,name,mine,,\n"
		  "Q,2,2,r2,S2,\xb1\xb1\xbe\xa9,,,\n,,,,,,,,\n");
	town_expect(t, n, "partial 3 1 2 1 0 0 0");
	town_fix(t, n, &fix);
	assert_true(slice_starts(
		buf_slice(&fix),
		SLICE("\xef\xbb\xbfid;uscc;name;note;grade;score;_row;_errors"
		      "\r\n")));
	assert_non_null(strstr(fix.data, "r2;S2;北京;kept;Q;2;2;"));
	town_copy_in_bytes(t, RATING, "a.csv.fix.csv",
			   (struct slice){utf16, sizeof(utf16)});
	town_settle(t);
	town_expect(t, n, "partial 3 2 1 2 0 0 0");
	/* under the name that a workbook would have */
	come_back(t, RATING, "a.csv.fix.xlsx",
		  "id,uscc,name,grade,score,_row\nr3,S3,C,Q,3,3\n");
	assert_true(town_has_fault(t, n, "errors", "constraint-error", 3));
	assert_false(is_there(t, RATING, "a.csv.fix.xlsx"));
	assert_true(is_there(t, RATING, "a.csv.fix.csv"));
	come_back(t, RATING, "A.csv.FIX.csv", "x\n");
	assert_string_equal(town_state(t, town_last(t)), "rejected");
}

static void
a_quarantine_is_ended_by_its_fix(void **state)
{
	struct town *t = *state;
	int64_t n, later;

	start(t);
	n = town_submit(t, RATING, "a.csv",
			H "r1,S1,Ann,A,1\nr2,S2,Bob,Z,2\nr3,S3,Cyd,Z,3\n"
			  "r4,S4,D,Z,3\n");
	town_expect(t, n, "quarantined 4 1 3 0 0 0 0");
	later = town_submit(t, RATING, "b.csv", H "r1,S1,later,B,9\n");
	town_expect(t, later, "accepted 1 1 0 1 0 0 0");
	come_back(t, RATING, "a.csv.fix.csv",
		  "id,uscc,name,grade,score," FIX
		  "r2,S2,Bob,A,2,2,\nr3,S3,Cyd,Z,3,3,\n");
	/* at its place: what came later of r1 stays */
	town_expect(t, n, "partial 4 2 2 1 0 0 1");
	town_expect_file(t, "credit", PUBLISH_SOURCE, RATING,
			 H "r1,S1,later,B,9\nr2,S2,Bob,A,2\n");
	come_back(t, RATING, "a.csv.fix.csv",
		  "id,uscc,name,grade,score," FIX
		  "r3,S3,Cyd,A,3,3,\nr4,S4,D,A,3,4,\n");
	town_expect(t, n, "accepted 4 4 0 3 0 0 1");
	town_verify(t);
}

static void
what_was_written_since_is_refused(void **state)
{
	struct town *t = *state;
	int64_t n;

	start(t);
	n = town_submit(t, RATING, "a.csv",
			H "r1,S1,Ann,A,1\nr2,S2,Bob,Z,2\nr3,S3,Cyd,Z,3\n");
	town_expect(t, n, "partial 3 1 2 1 0 0 0");
	town_submit(t, RATING, "b.csv", H "r2,S2,later,D,7\n");
	town_restart(t);
	come_back(t, RATING, "a.csv.fix.csv",
		  "id,uscc,name,grade,score," FIX
		  "r2,S2,Bob,A,2,2,\nr3,S3,Cyd,A,3,3,\n");
	town_expect(t, n, "partial 3 2 1 2 0 0 0");
	assert_true(town_has_fault(t, n, "errors", "primary-key", 2));
	town_expect_file(t, "credit", PUBLISH_SOURCE, RATING,
			 H "r1,S1,Ann,A,1\nr2,S2,later,D,7\nr3,S3,Cyd,A,3\n");
}

static void
a_snapshot_is_mended_until_the_next(void **state)
{
	struct town *t = *state;
	int64_t n;

	start(t);
	town_submit(t, REG, "old.csv", RH "1,S1,old,A,\n2,S2,old,A,\n");
	n = town_submit(t, REG, "a.csv", RH "1,S1,Ann,A,\n2,S2,Bob,Z,\n");
	town_expect(t, n, "partial 2 1 1 0 1 0 0");
	come_back(t, REG, "a.csv.fix.csv",
		  "no,uscc,name,grade,updated," FIX "2,S2,Bob,B,,2,\n");
	town_expect(t, n, "accepted 2 2 0 0 2 0 0");
	town_expect_file(t, "credit", PUBLISH_SOURCE, REG,
			 RH "1,S1,Ann,A,\n2,S2,Bob,B,\n");
	n = town_submit(t, REG, "a.csv", RH "1,S1,Ann,A,\n2,S2,Bob,Z,\n");
	town_submit(t, REG, "b.csv", RH "1,S1,new,A,\n");
	come_back(t, REG, "a.csv.fix.csv",
		  "no,uscc,name,grade,updated," FIX "2,S2,Bob,B,,2,\n");
	town_expect(t, n, "partial 2 1 1 0 0 0 1");
	assert_true(town_has_fault(t, n, "errors", "primary-key", 2));
	town_expect_file(t, "credit", PUBLISH_SOURCE, REG, RH "1,S1,new,A,\n");
	town_verify(t);
}

/* Rows 1 and 2 share a key, 3 and 4 a value that is unique. */
static void
rows_that_clash_are_told_apart(void **state)
{
	struct town *t = *state;
	int64_t n;

	start(t);
	n = town_submit(t, REG, "a.csv",
			RH "1,S1,Ann,A,\n1,S2,Bob,A,\n3,S3,C,A,\n4,S3,D,A,\n"
			   "5,S5,E,A,\n");
	town_expect(t, n, "quarantined 5 1 4 0 0 0 0");
	/* of the first two one comes back, the other is left out; row 3 takes
	 * the key of a row that was good, and row 4 its value */
	come_back(t, REG, "a.csv.fix.csv",
		  "no,uscc,name,grade,updated," FIX
		  "1,S1,Ann,A,,1,\n5,S3,C,A,,3,\n4,S5,D,A,,4,\n");
	town_expect(t, n, "partial 5 2 3 2 0 0 0");
	assert_true(town_has_fault(t, n, "errors", "row-constraint", 2));
	assert_true(town_has_fault(t, n, "errors", "primary-key", 3));
	assert_true(town_has_fault(t, n, "errors", "constraint-error", 4));
	assert_false(town_has_fault(t, n, "errors", "primary-key", 5));
	town_expect_file(t, "credit", PUBLISH_SOURCE, REG,
			 RH "1,S1,Ann,A,\n5,S5,E,A,\n");
}

static void
what_cannot_be_read_stays_as_it_is(void **state)
{
	static const char bad[] = "id,name\nr2,Bob\n";
	static const char no_row[] = H "r2,S2,Bob,A,2\n";
	struct town *t = *state;
	struct inbox_entry e;
	char got[64] = "";
	int64_t n;

	start(t);
	n = town_submit(t, RATING, "a.csv", H "r1,S1,Ann,A,1\nr2,S2,B,Z,2\n");
	come_back(t, RATING, "a.csv.fix.csv", bad);
	town_expect(t, n, "partial 2 1 1 1 0 0 0");
	assert_true(town_has_fault(t, n, "errors", "missing-label", 0));
	assert_true(town_has_fault(t, n, "errors", "constraint-error", 2));
	assert_int_equal(inbox_lookup(t->inbox, resource_of(t, RATING),
				      "a.csv.fix.csv", &e),
			 0);
	assert_int_equal(
		inbox_read(t->inbox, INBOX_FILE, e.id, got, sizeof(got) - 1, 0),
		sizeof(bad) - 1);
	assert_string_equal(got, bad);
	come_back(t, RATING, "a.csv.fix.csv", no_row);
	assert_true(town_has_fault(t, n, "errors", "missing-label", 0));
	t->decoder = TOWN_DIES;
	come_back(t, RATING, "a.csv.fix.csv", "whatever\n");
	town_expect(t, n, "rejected 0 0 0 1 0 0 0");
}

static void
rows_that_are_none_are_named(void **state)
{
	struct town *t = *state;
	int64_t n;

	start(t);
	n = town_submit(t, RATING, "a.csv", H "r1,S1,Ann,A,1\nr2,S2,B,Z,2\n");
	come_back(t, RATING, "a.csv.fix.csv",
		  "id,uscc,name,grade,score," FIX
		  "r1,S1,other,A,1,1,\nr9,S9,new,A,1,9,\nr8,S8,n,A,1,x,\n"
		  "r2,S2,B,Q,2,2,\nr2,S2,B,A,2,2,\n合计,,,,,,\n");
	town_expect(t, n, "partial 2 1 1 1 0 0 0");
	assert_true(town_has_fault(t, n, "warnings", "row-constraint", 0));
	assert_true(town_has_fault(t, n, "warnings", "duplicate-row", 0));
	/* S1 is not in the theme's base */
	assert_true(town_has_fault(t, n, "warnings", "orphan", 1));
	expect_line(t, n, "warning_count", "4");
	town_expect_file(t, "credit", PUBLISH_SOURCE, RATING,
			 H "r1,S1,Ann,A,1\n");
	/* saved once more, the same */
	come_back(t, RATING, "a.csv.fix.csv",
		  "id,uscc,name,grade,score," FIX "r2,S2,B,A,2,2,\n");
	town_expect(t, n, "accepted 2 2 0 2 0 0 0");
	come_back(t, RATING, "a.csv.fix.csv",
		  "id,uscc,name,grade,score," FIX "r2,S2,B,A,2,2,\n");
	assert_true(town_last(t) > n);
	assert_string_equal(town_state(t, town_last(t)), "rejected");
	assert_true(
		town_has_fault(t, town_last(t), "errors", "format-error", 0));
}

/* Opened as if to be written, and closed. */
static void
an_untouched_fix_file_is_no_round(void **state)
{
	struct town *t = *state;
	scope_buf fix = BUF_INIT;
	scope_buf line = BUF_INIT;
	int64_t n;

	start(t);
	n = town_submit(t, RATING, "a.csv", H "r1,S1,Ann,A,1\nr2,S2,B,Z,2\n");
	town_fix(t, n, &fix);
	town_copy_in_bytes(t, RATING, "a.csv.fix.csv", buf_slice(&fix));
	town_settle(t);
	town_expect(t, n, "partial 2 1 1 1 0 0 0");
	town_receipt(t, n, STORE_RECEIPT_JSON, &line);
	assert_null(strstr(line.data, "rounds"));
	assert_true(is_there(t, RATING, "a.csv.fix.csv"));
}

/* It was complete before the flow began, and is judged once. */
static void
a_round_survives(void **state)
{
	struct town *t = *state;
	int64_t n;

	start(t);
	n = town_submit(t, RATING, "a.csv", H "r1,S1,Ann,A,1\nr2,S2,B,Z,2\n");
	town_stop(t);
	town_copy_in(t, RATING, "a.csv.fix.csv",
		     "id,uscc,name,grade,score," FIX "r2,S2,B,A,2,2,\n");
	town_copy_in(t, RATING, "b.csv", H "r3,S3,C,A,3\n");
	assert_int_equal(town_collect(t), 2);
	assert_string_equal(town_state(t, n), "judging");
	town_restart(t);
	town_settle(t);
	town_expect(t, n, "accepted 2 2 0 2 0 0 0");
	expect_line(t, n, "rounds", "[{\"round\":1,");
	town_verify(t);
}

static void
an_append_is_mended(void **state)
{
	struct town *t = *state;
	int64_t n;

	start(t);
	n = town_submit(t, FINE, "a.csv",
			F "1,2026-01-01,S1,10,a\n2,never,S1,5,b\n");
	town_release(t, n);
	town_expect(t, n, "partial 2 1 1 1 0 0 0");
	come_back(t, FINE, "a.csv.fix.csv",
		  "no,day,uscc,amount,office," FIX "1,2026-01-01,S1,5,b,2,\n");
	town_expect(t, n, "partial 2 1 1 1 0 0 0");
	assert_true(town_has_fault(t, n, "errors", "primary-key", 2));
	come_back(t, FINE, "a.csv.fix.csv",
		  "no,day,uscc,amount,office," FIX "2,2026-01-02,S1,5,b,2,\n");
	town_expect(t, n, "accepted 2 2 0 2 0 0 0");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, town_setup, town_teardown)
		T(corrected_rows_get_in),
		T(it_may_come_back_in_any_form),
		T(a_quarantine_is_ended_by_its_fix),
		T(what_was_written_since_is_refused),
		T(a_snapshot_is_mended_until_the_next),
		T(rows_that_clash_are_told_apart),
		T(what_cannot_be_read_stays_as_it_is),
		T(rows_that_are_none_are_named),
		T(an_untouched_fix_file_is_no_round),
		T(a_round_survives),
		T(an_append_is_mended),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
