/*
 * mode = snapshot (SPEC 6.3, 6.6, 6.7): the file is the whole truth. Fails if
 * a count is wrong, if a refused row costs its record, if a file that deletes
 * too much is published, or if an older quarantined one can still undo what a
 * later one said.
 */
#include "tests/unit/flow/town.h"

#define H "no,uscc,name,grade,updated\n"
#define REG "aic/reg"

static const char base[] = H "1,S1,Ann,A,2026-01-01\n"
			     "2,S2,Bob,B,2026-01-02\n"
			     "3,S3,Cyd,,\n"
			     "4,S4,Dan,,\n";

static void
start(struct town *t)
{
	town_copy(t, "town");
	town_start(t);
}

static void
counts_say_what_differs(void **state)
{
	struct town *t = *state;
	int64_t n;

	start(t);
	n = town_submit(t, REG, "a.csv", base);
	town_expect(t, n, "accepted 4 4 0 4 0 0 0");
	town_expect_published(t, n, "credit:1 register:1");
	n = town_submit(t, REG, "b.csv",
			H "5,S5,Eva,,\n2,S2,Bob,B,2026-01-02\n"
			  "1,S1,Anne,A,2026-01-03\n4,S4,Dan,,\n");
	town_expect(t, n, "accepted 4 4 0 1 1 1 2");
	town_expect_published(t, n, "credit:2 register:2");
	town_expect_data(t, "register",
			 "code,name,worst\nS1,Anne,\nS2,Bob,\nS4,Dan,\n"
			 "S5,Eva,\n");
	town_verify(t);
}

static void
the_same_file_twice_is_unchanged(void **state)
{
	struct town *t = *state;
	struct publish_version v;
	int64_t n;

	start(t);
	town_submit(t, REG, "a.csv", base);
	n = town_submit(t, REG, "a.csv", base);
	assert_int_equal(n, 2);
	town_expect(t, n, "unchanged 4 4 0 0 0 0 4");
	town_expect_published(t, n, "");
	n = town_submit(t, REG, "other name.csv", base);
	town_expect(t, n, "unchanged 4 4 0 0 0 0 4");
	town_version(t, "credit", &v);
	assert_int_equal(v.number, 1);
}

static void
a_refused_row_leaves_its_record(void **state)
{
	struct town *t = *state;
	int64_t n;

	town_copy(t, "town");
	town_write(t, "resources.d/aic/reg.ini",
		   "[resource]\nmode = snapshot\nkey = no\nsubject = uscc\n"
		   "as_of = updated\ntolerance = 50%\n[field no]\n"
		   "type = string\n[field uscc]\ntype = string\n[field name]\n"
		   "type = string\n[field grade]\ntype = string\n"
		   "[field updated]\ntype = date\n");
	town_start(t);
	town_submit(t, REG, "a.csv", base);
	/* 1: refused; 2: refused twice over; 3: gone; 5: refused and new */
	n = town_submit(t, REG, "b.csv",
			H "1,S1,Ann,A,never\n2,S2,Rob,,\n2,S2,Tob,,\n"
			  "4,S4,Dan,,\n5,S5,Eva,,nope\n6,S6,Fay,,\n"
			  "7,S7,Gus,,\n8,S8,Hal,,\n");
	town_expect(t, n, "partial 8 4 4 3 0 1 1");
	town_expect_data(t, "register",
			 "code,name,worst\nS1,Ann,\nS2,Bob,\nS4,Dan,\n"
			 "S6,Fay,\nS7,Gus,\nS8,Hal,\n");
}

static void
a_row_without_key_cannot_save_its_record(void **state)
{
	struct town *t = *state;
	scope_buf fix = BUF_INIT;
	int64_t n;

	start(t);
	town_submit(t, REG, "a.csv", base);
	n = town_submit(t, REG, "b.csv",
			H "1,S1,Ann,A,2026-01-01\n2,S2,Bob,B,2026-01-02\n"
			  "3,S3,Cyd,,\n,S4,Dan,,\n");
	town_expect(t, n, "quarantined 4 3 1 0 0 0 0");
	town_fix(t, n, &fix);
	assert_non_null(strstr(fix.data, ",S4,Dan,,,4,"));
	town_release(t, n);
	town_expect(t, n, "partial 4 3 1 0 0 1 3");
	town_expect_data(t, "register",
			 "code,name,worst\nS1,Ann,\nS2,Bob,\nS3,Cyd,\n");
}

static void
shrinking_waits_for_a_release(void **state)
{
	struct town *t = *state;
	int64_t n;

	start(t);
	town_submit(t, REG, "a.csv", base);
	/* half of the records: exactly what max_shrink allows */
	n = town_submit(t, REG, "b.csv",
			H "1,S1,Ann,A,2026-01-01\n"
			  "2,S2,Bob,B,2026-01-02\n");
	town_expect(t, n, "accepted 2 2 0 0 0 2 2");
	n = town_submit(t, REG, "c.csv", H);
	town_expect(t, n, "quarantined 0 0 0 0 0 0 0");
	assert_true(town_has_fault(t, n, "errors", "shrink", 0));
	town_expect_published(t, n, "");
	town_expect_data(t, "register", "code,name,worst\nS1,Ann,\nS2,Bob,\n");
	town_release(t, n);
	town_expect(t, n, "accepted 0 0 0 0 0 2 0");
	town_expect_published(t, n, "credit:3 register:3");
	town_expect_data(t, "register", "code,name,worst\n");
	town_verify(t);
}

/* What is new in a file that deletes too much must not come in either. */
static void
a_quarantine_leaves_nothing_behind(void **state)
{
	struct town *t = *state;
	int64_t n;

	start(t);
	town_submit(t, REG, "a.csv", base);
	n = town_submit(t, REG, "b.csv", H "1,S1,Zoe,,\n9,S9,Ida,,\n");
	town_expect(t, n, "quarantined 2 2 0 0 0 0 0");
	town_restart(t);
	n = town_submit(t, REG, "c.csv", base);
	town_expect(t, n, "unchanged 4 4 0 0 0 0 4");
	town_verify(t);
}

static void
a_later_snapshot_supersedes(void **state)
{
	struct town *t = *state;
	struct store_submission s;
	struct error err = ERROR_INIT;
	int64_t old, n;

	start(t);
	town_submit(t, REG, "a.csv", base);
	old = town_submit(t, REG, "b.csv", H);
	assert_string_equal(town_state(t, old), "quarantined");
	n = town_submit(t, REG, "c.csv", base);
	town_expect(t, n, "unchanged 4 4 0 0 0 0 4");
	town_expect(t, old, "superseded 0 0 0 0 0 0 0");

	town_submission(t, old, &s);
	assert_int_equal(flow_release(t->flow, s.id, &err), ERR_INVALID);
	assert_non_null(strstr(err.text, "is superseded, not quarantined"));
	assert_int_equal(flow_release(t->flow, "20260101-999999", &err),
			 ERR_NOTFOUND);
	store_submission_release(&s);
}

static void
a_quarantined_one_supersedes_nothing(void **state)
{
	struct town *t = *state;
	int64_t first, second;

	start(t);
	town_submit(t, REG, "a.csv", base);
	first = town_submit(t, REG, "b.csv", H "1,S1,Ann,,\n");
	second = town_submit(t, REG, "c.csv", H "2,S2,Bob,,\n");
	assert_string_equal(town_state(t, first), "quarantined");
	assert_string_equal(town_state(t, second), "quarantined");
	/* the older one first: the newer one still waits */
	town_release(t, first);
	town_expect(t, first, "accepted 1 1 0 0 1 3 0");
	assert_string_equal(town_state(t, second), "quarantined");
	town_release(t, second);
	town_expect(t, second, "accepted 1 1 0 1 0 1 0");
	town_expect_data(t, "register", "code,name,worst\nS2,Bob,\n");
}

static void
releasing_the_newer_supersedes_the_older(void **state)
{
	struct town *t = *state;
	int64_t first, second;

	start(t);
	town_submit(t, REG, "a.csv", base);
	first = town_submit(t, REG, "b.csv", H "1,S1,Ann,,\n");
	second = town_submit(t, REG, "c.csv", H "2,S2,Bob,,\n");
	town_release(t, second);
	assert_string_equal(town_state(t, second), "accepted");
	assert_string_equal(town_state(t, first), "superseded");
}

/* Asked for while a later snapshot is on its way: that one goes first. */
static void
a_release_does_not_overtake_what_is_complete(void **state)
{
	struct town *t = *state;
	struct store_submission s;
	struct error err = ERROR_INIT;
	int64_t old;

	start(t);
	town_submit(t, REG, "a.csv", base);
	old = town_submit(t, REG, "b.csv", H);
	town_stop(t);
	town_copy_in(t, REG, "c.csv", base);
	assert_int_equal(town_collect(t), 1);
	town_start(t);
	town_submission(t, old, &s);
	/* either it is still quarantined or it has just been superseded */
	if (flow_release(t->flow, s.id, &err))
		assert_int_equal(err.code, ERR_INVALID);
	store_submission_release(&s);
	town_settle(t);
	assert_string_equal(town_state(t, old), "superseded");
	town_expect_data(t, "register",
			 "code,name,worst\nS1,Ann,\nS2,Bob,\nS3,Cyd,\n"
			 "S4,Dan,\n");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, town_setup, town_teardown)
		T(counts_say_what_differs),
		T(the_same_file_twice_is_unchanged),
		T(a_refused_row_leaves_its_record),
		T(a_row_without_key_cannot_save_its_record),
		T(shrinking_waits_for_a_release),
		T(a_quarantine_leaves_nothing_behind),
		T(a_later_snapshot_supersedes),
		T(a_quarantined_one_supersedes_nothing),
		T(releasing_the_newer_supersedes_the_older),
		T(a_release_does_not_overtake_what_is_complete),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
