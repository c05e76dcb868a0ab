/*
 * The moments at which a life may end (SPEC 14.2, 14.3; store.h): records
 * committed and not flipped, above all. Fails if a submission is judged twice
 * or not at all, if half of it is seen, or if what a broken publish left is
 * taken for the records of today.
 */
#include "tests/unit/flow/town.h"

#include <sys/stat.h>

#define REG "aic/reg"
#define RATING "tax/rating"
#define RH "no,uscc,name,grade,updated\n"
#define H "id,uscc,name,grade,score\n"
#define C "change,id,uscc,name,grade,score\n"

static void
start(struct town *t)
{
	town_copy(t, "town");
	town_start(t);
}

static void
expect_version(struct town *t, const char *theme, int64_t number)
{
	struct publish_version v = {0};

	town_version(t, theme, &v);
	assert_int_equal(v.number, number);
}

/* A submission whose records are committed, and then the machine stops before
 * the flip: its verdict is lost, its rows lie beyond the published sequence. */
static int64_t
submit_and_lose(struct town *t, const char *resource, const char *name,
		const char *text)
{
	int64_t n;

	town_stop(t);
	town_copy_in(t, resource, name, text);
	assert_int_equal(town_collect(t), 1);
	n = town_last(t);
	town_close(t);
	town_keep_main(t);
	town_start(t);
	town_settle(t);
	assert_string_not_equal(town_state(t, n), "judging");
	town_close(t);
	town_lose_main(t);
	return n;
}

static void
the_first_publish(void **state)
{
	struct town *t = *state;
	int64_t n;

	start(t);
	town_settle(t);
	n = submit_and_lose(t, REG, "a.csv", RH "1,S1,Ann,A,\n2,,Bob,,\n");
	town_open(t);
	assert_string_equal(town_state(t, n), "judging");
	town_expect_data(t, "register", "code,name,worst\n");
	town_start(t);
	town_settle(t);
	town_expect(t, n, "accepted 2 2 0 2 0 0 0");
	expect_version(t, "register", 1);
	town_expect_data(t, "register", "code,name,worst\nS1,Ann,\n");
	town_verify(t);
}

static void
a_change_of_everything(void **state)
{
	struct town *t = *state;
	int64_t n;

	start(t);
	town_submit(t, RATING, "r.csv", H "r1,S1,x,A,5\nr9,S9,x,B,6\n");
	town_submit(t, REG, "a.csv", RH "1,S1,Ann,A,\n2,,Bob,,\n3,S3,Cyd,C,\n");
	n = submit_and_lose(t, REG, "b.csv",
			    RH "1,,Ann,A,\n2,S2,Bob,,\n3,S9,Cyd,D,\n");
	town_open(t);
	town_expect_data(t, "register", "code,name,worst\nS1,Ann,5\nS3,Cyd,\n");
	town_start(t);
	town_settle(t);
	town_expect(t, n, "accepted 3 3 0 0 3 0 0");
	expect_version(t, "register", 3);
	town_expect_data(t, "register", "code,name,worst\nS2,Bob,\nS9,Cyd,6\n");
	town_expect_orphans(t, "register",
			    "source,subject,key\nregistration,,1\n"
			    "rating,S1,r1\n");
	town_verify(t);
}

/* The next life says something else under the same number. */
static void
another_file_under_the_same_number(void **state)
{
	struct town *t = *state;
	int64_t n;

	start(t);
	town_submit(t, RATING, "a.csv", H "r1,S1,x,A,5\nr2,S2,x,A,5\n");
	town_stop(t);
	town_close(t);
	town_keep_main(t);
	town_start(t);
	town_submit(t, RATING, "b.csv",
		    C "update,r1,S7,y,B,1\n"
		      "delete,r2,,,,\n"
		      "insert,r3,S3,z,C,2\n");
	town_close(t);
	town_lose_main(t);
	town_start(t);
	n = town_submit(t, RATING, "c.csv", H "r3,S3,z,C,2\nr2,S2,x,A,5\n");
	town_expect(t, n, "accepted 2 2 0 1 0 0 1");
	town_expect_file(t, "credit", PUBLISH_SOURCE, RATING,
			 H "r1,S1,x,A,5\nr2,S2,x,A,5\nr3,S3,z,C,2\n");
	town_verify(t);
}

static void
a_release(void **state)
{
	struct town *t = *state;
	struct store_submission s;
	struct error err = ERROR_INIT;
	int64_t old;

	start(t);
	old = town_submit(t, RATING, "a.csv", H "r1,S1,x,A,5\nr2,S2,x,Z,5\n");
	town_submit(t, RATING, "b.csv", H "r1,S1,y,B,6\n");
	/* as long as one waits, it is remembered what was said since; that is
	 * forgotten after the flip, which cannot be lost then */
	town_submit(t, RATING, "c.csv", H "r7,S7,y,Z,6\n");
	town_submission(t, old, &s);
	/* asked for, and then the machine stops */
	town_stop(t);
	{
		scope_txn txn = {0};

		assert_int_equal(store_begin(t->store, &txn, &err), 0);
		assert_int_equal(
			store_submission_ask_release(&txn, s.number, &err), 0);
		assert_int_equal(store_commit(&txn, &err), 0);
	}
	store_submission_release(&s);
	town_close(t);
	town_keep_main(t);
	town_start(t);
	town_settle(t);
	town_expect(t, old, "partial 2 1 1 0 0 0 1");
	town_close(t);
	town_lose_main(t);
	town_start(t);
	town_settle(t);
	town_expect(t, old, "partial 2 1 1 0 0 0 1");
	town_expect_file(t, "credit", PUBLISH_SOURCE, RATING,
			 H "r1,S1,y,B,6\n");
}

static void
a_theme_made_anew(void **state)
{
	struct town *t = *state;

	start(t);
	town_submit(t, REG, "a.csv", RH "1,S1,Ann,A,\n2,,Bob,,\n");
	town_close(t);
	town_write(t, "civicfs.conf",
		   "[platform]\nstate = state\nsettle = 0s\nuser = root\n"
		   "[department aic]\n[department tax]\n[department env]\n"
		   "[department humen]\n[theme credit]\nsubject = name\n"
		   "source.registration = aic/reg by name\n"
		   "field.code = first registration.uscc\n");
	town_keep_main(t);
	town_start(t);
	town_settle(t);
	expect_version(t, "credit", 2);
	town_close(t);
	town_lose_main(t);
	town_start(t);
	town_settle(t);
	expect_version(t, "credit", 2);
	town_expect_data(t, "credit", "name,code\nAnn,S1\nBob,\n");
	town_verify(t);
}

static void
what_was_complete_is_judged_once(void **state)
{
	struct town *t = *state;
	int64_t n;

	start(t);
	town_settle(t);
	town_stop(t);
	town_copy_in(t, REG, "a.csv", RH "1,S1,Ann,A,\n");
	town_copy_in(t, RATING, "b.csv", H "r1,S1,x,A,5\n");
	assert_int_equal(town_collect(t), 2);
	n = town_last(t);
	for (int i = 0; i < 3; i++) {
		town_restart(t);
		town_settle(t);
		assert_int_equal(town_last(t), n);
		town_expect(t, n - 1, "accepted 1 1 0 1 0 0 0");
		town_expect(t, n, "accepted 1 1 0 1 0 0 0");
		expect_version(t, "credit", 2);
	}
}

/* No restart in between: the records are committed, and then the fix file
 * cannot be made. */
static void
a_verdict_that_cannot_be_written_is_tried_again(void **state)
{
	struct town *t = *state;
	char path[STORE_BLOB_PATH_MAX];
	const struct timespec nap = {0, 1000000};
	struct store_submission s;
	int64_t n;

	town_copy(t, "town");
	town_write(t, "resources.d/tax/rating.ini",
		   "[resource]\nmode = upsert\nkey = id\nsubject = uscc\n"
		   "tolerance = 50%\n[field id]\ntype = string\n[field uscc]\n"
		   "type = string\n[field name]\ntype = string\n"
		   "[field grade]\ntype = string\nenum = A B\n[field score]\n"
		   "type = integer\n");
	town_start(t);
	town_submit(t, RATING, "a.csv", H "r1,S1,x,A,5\n");
	town_stop(t);
	town_copy_in(t, RATING, "b.csv", H "r1,S1,x,B,5\nr2,S2,x,Z,5\n");
	assert_int_equal(town_collect(t), 1);
	n = town_last(t);
	town_submission(t, n, &s);
	/* a folder where the fix file would be */
	store_blob_path(s.blob + 1, path);
	store_submission_release(&s);
	assert_int_equal(mkdirat(t->dir, path, 0700), 0);
	town_start(t);
	while (!t->failed)
		nanosleep(&nap, NULL);
	flow_wake(t->flow);
	town_settle(t);
	town_expect(t, n, "partial 2 1 1 0 1 0 0");
	town_expect_data(t, "credit",
			 "uscc,name,grade,fines,fined,last,offices\n"
			 "S1,x,B,0,,,\n");
	expect_version(t, "credit", 2);
	town_verify(t);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, town_setup, town_teardown)
		T(the_first_publish),
		T(a_change_of_everything),
		T(another_file_under_the_same_number),
		T(a_release),
		T(a_theme_made_anew),
		T(what_was_complete_is_judged_once),
		T(a_verdict_that_cannot_be_written_is_tried_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
