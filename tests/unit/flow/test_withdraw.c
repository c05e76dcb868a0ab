/*
 * Withdrawals (SPEC 6.6): what the records are without a submission, at its
 * place in the order. Fails if something of it is left, if something of others
 * is lost, if its place is forgotten for one that took effect late, or if the
 * receipt does not say what it means. Random cities: tests/scenario/1010.
 */
#include "tests/unit/flow/town.h"

#define REG "aic/reg"
#define RATING "tax/rating"
#define FINE "env/fine"
#define RH "no,uscc,name,grade,updated\n"
#define H "id,uscc,name,grade,score\n"
#define F "no,day,uscc,amount,office\n"

static void
start(struct town *t)
{
	town_copy(t, "town");
	town_start(t);
}

static int
ask(struct town *t, int64_t number)
{
	struct store_submission s;
	struct error err = ERROR_INIT;
	int rc;

	town_submission(t, number, &s);
	rc = flow_withdraw(t->flow, s.id, "li", &err);
	store_submission_release(&s);
	return rc;
}

static void
withdraw(struct town *t, int64_t number)
{
	assert_int_equal(ask(t, number), 0);
	town_settle(t);
	assert_string_equal(town_state(t, number), "withdrawn");
}

static void
expect_ratings(struct town *t, const char *text)
{
	town_expect_file(t, "credit", PUBLISH_SOURCE, RATING, text);
	town_verify(t);
}

static void
what_others_wrote_stays(void **state)
{
	struct town *t = *state;
	scope_buf json = BUF_INIT;
	int64_t a, b;

	start(t);
	a = town_submit(t, RATING, "a.csv",
			H "r1,S1,one,A,1\nr2,S2,one,A,2\nr3,S3,one,A,3\n");
	b = town_submit(t, RATING, "b.csv",
			"id,uscc,name,grade,score,change\n"
			"r1,S1,two,B,1,update\nr3,,,,,delete\n"
			"r4,S4,two,B,4,insert\n");
	expect_ratings(t, H "r1,S1,two,B,1\nr2,S2,one,A,2\nr4,S4,two,B,4\n");
	withdraw(t, a);
	expect_ratings(t, H "r1,S1,two,B,1\nr4,S4,two,B,4\n");
	withdraw(t, b);
	expect_ratings(t, H);
	town_receipt(t, b, STORE_RECEIPT_JSON, &json);
	assert_non_null(strstr(json.data, "\n\"state\":\"withdrawn\""));
	assert_non_null(strstr(json.data, "\"by\":\"li\",\"versions\":[{"
					  "\"dataset\":\"credit\",\"from\":2,"
					  "\"until\":3,\"undone_in\":4}"));
	assert_int_equal(ask(t, b), ERR_INVALID);
}

/* What was there before is there again, and says whose it is. */
static void
what_was_there_comes_back(void **state)
{
	struct town *t = *state;
	scope_buf subject = BUF_INIT;
	struct store_submission s;
	int64_t a, b;

	start(t);
	a = town_submit(t, RATING, "a.csv", H "r1,S1,one,A,1\n");
	b = town_submit(t, RATING, "b.csv", H "r1,S1,two,B,1\nr2,S2,x,B,1\n");
	town_submit(t, RATING, "c.csv", H "r1,S1,two,B,1\n");
	withdraw(t, b);
	/* it was unchanged then, and writes now */
	expect_ratings(t, H "r1,S1,two,B,1\n");
	withdraw(t, town_last(t));
	expect_ratings(t, H "r1,S1,one,A,1\n");
	assert_true(town_subject(t, "credit", "S1", &subject));
	town_submission(t, a, &s);
	assert_non_null(strstr(subject.data, s.id));
	store_submission_release(&s);
}

static void
a_snapshot_gives_way_to_the_one_before(void **state)
{
	struct town *t = *state;
	int64_t b, c;

	start(t);
	town_submit(t, REG, "a.csv", RH "1,S1,a,,\n2,S2,a,,\n");
	b = town_submit(t, REG, "b.csv", RH "1,S1,b,,\n3,S3,b,,\n");
	c = town_submit(t, REG, "c.csv", RH "1,S1,c,,\n4,S4,c,,bad\n");
	town_release(t, c);
	town_expect_file(t, "credit", PUBLISH_SOURCE, REG, RH "1,S1,c,,\n");
	withdraw(t, c);
	town_expect_file(t, "credit", PUBLISH_SOURCE, REG,
			 RH "1,S1,b,,\n3,S3,b,,\n");
	withdraw(t, b);
	town_expect_file(t, "credit", PUBLISH_SOURCE, REG,
			 RH "1,S1,a,,\n2,S2,a,,\n");
	town_verify(t);
}

static void
an_equal_row_of_an_append_takes_its_place(void **state)
{
	struct town *t = *state;
	int64_t a;

	start(t);
	a = town_submit(t, FINE, "a.csv",
			F "1,2026-01-01,S1,10,a\n2,2026-01-01,S1,5,b\n");
	town_submit(t, FINE, "b.csv",
		    F "1,2026-01-01,S1,10,a\n3,2026-01-01,S1,1,c\n");
	withdraw(t, a);
	town_expect_file(t, "credit", PUBLISH_SOURCE, FINE,
			 F "1,2026-01-01,S1,10,a\n3,2026-01-01,S1,1,c\n");
	town_verify(t);
}

/* Released and corrected late, both at an early place. */
static void
what_took_effect_late_keeps_its_place(void **state)
{
	struct town *t = *state;
	int64_t first, second, third;

	start(t);
	first = town_submit(t, RATING, "a.csv",
			    H "r1,S1,one,A,1\nr2,S2,one,Z,2\nr4,S4,one,A,4\n");
	second = town_submit(t, RATING, "b.csv", H "r1,S1,two,B,1\n");
	third = town_submit(t, RATING, "c.csv", H "r4,S4,three,C,4\n");
	town_release(t, first);
	town_copy_in(t, RATING, "a.csv.fix.csv",
		     "id,uscc,name,grade,score,_row\nr2,S2,fixed,A,2,2\n");
	town_settle(t);
	expect_ratings(t,
		       H "r1,S1,two,B,1\nr2,S2,fixed,A,2\nr4,S4,three,C,4\n");
	withdraw(t, second);
	expect_ratings(t,
		       H "r1,S1,one,A,1\nr2,S2,fixed,A,2\nr4,S4,three,C,4\n");
	withdraw(t, first);
	expect_ratings(t, H "r4,S4,three,C,4\n");
	withdraw(t, third);
	expect_ratings(t, H);
}

/* What was withdrawn overtakes nobody. */
static void
a_release_after_a_withdrawal_gets_in(void **state)
{
	struct town *t = *state;
	int64_t old, later;

	start(t);
	old = town_submit(t, RATING, "a.csv", H "r1,S1,one,A,1\nr2,S2,x,Z,2\n");
	later = town_submit(t, RATING, "b.csv", H "r1,S1,two,B,1\n");
	withdraw(t, later);
	town_release(t, old);
	town_expect(t, old, "partial 2 1 1 1 0 0 0");
	expect_ratings(t, H "r1,S1,one,A,1\n");
}

static void
it_survives_a_restart_and_goes_once(void **state)
{
	struct town *t = *state;
	struct publish_version v;
	int64_t n;

	start(t);
	town_submit(t, RATING, "a.csv", H "r1,S1,one,A,1\n");
	n = town_submit(t, RATING, "b.csv", H "r2,S2,two,B,1\n");
	assert_int_equal(ask(t, n), 0);
	town_restart(t);
	town_settle(t);
	assert_string_equal(town_state(t, n), "withdrawn");
	expect_ratings(t, H "r1,S1,one,A,1\n");
	town_version(t, "credit", &v);
	assert_int_equal(v.number, 3);
	town_restart(t);
	town_version(t, "credit", &v);
	assert_int_equal(v.number, 3);
}

static void
what_has_no_effect_is_refused(void **state)
{
	struct town *t = *state;
	struct error err = ERROR_INIT;
	int64_t bad;

	start(t);
	bad = town_submit(t, RATING, "a.csv", "what\n");
	assert_int_equal(ask(t, bad), ERR_INVALID);
	assert_int_equal(flow_withdraw(t->flow, "20200101-000009", "li", &err),
			 ERR_NOTFOUND);
	bad = town_submit(t, RATING, "b.csv", H "r1,S1,one,Z,1\n");
	withdraw(t, bad); /* quarantined */
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, town_setup, town_teardown)
		T(what_others_wrote_stays),
		T(what_was_there_comes_back),
		T(a_snapshot_gives_way_to_the_one_before),
		T(an_equal_row_of_an_append_takes_its_place),
		T(what_took_effect_late_keeps_its_place),
		T(a_release_after_a_withdrawal_gets_in),
		T(it_survives_a_restart_and_goes_once),
		T(what_has_no_effect_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
