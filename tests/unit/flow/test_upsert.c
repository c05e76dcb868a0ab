/*
 * mode = upsert and append (SPEC 6.6, 6.7). Fails if a change column is
 * misread, if a nil return changes or publishes anything, if a released
 * submission undoes what a later one said of a key, or if an append overwrites
 * a record.
 */
#include "tests/unit/flow/town.h"

#define RATING "tax/rating"
#define FINE "env/fine"
#define H "id,uscc,name,grade,score\n"
#define C "change,id,uscc,name,grade,score\n"
#define F "no,day,uscc,amount,office\n"

static void
start(struct town *t)
{
	town_copy(t, "town");
	town_start(t);
}

static void
expect_ratings(struct town *t, const char *text)
{
	town_expect_file(t, "credit", PUBLISH_SOURCE, RATING, text);
}

static void
rows_are_written_by_key(void **state)
{
	struct town *t = *state;
	int64_t n;

	start(t);
	n = town_submit(t, RATING, "a.csv",
			H "r1,S1,Ann,A,10\nr2,S2,Bob,B,20\nr3,S3,Cyd,,\n");
	town_expect(t, n, "accepted 3 3 0 3 0 0 0");
	n = town_submit(t, RATING, "b.csv", H "r2,S2,Bob,C,20\nr4,S4,Dan,,\n");
	town_expect(t, n, "accepted 2 2 0 1 1 0 0");
	expect_ratings(t, H "r1,S1,Ann,A,10\nr2,S2,Bob,C,20\n"
			    "r3,S3,Cyd,,\nr4,S4,Dan,,\n");
	n = town_submit(t, RATING, "b.csv", H "r2,S2,Bob,C,20\nr4,S4,Dan,,\n");
	town_expect(t, n, "unchanged 2 2 0 0 0 0 2");
}

static void
a_change_column_says_what_to_do(void **state)
{
	struct town *t = *state;
	int64_t n;

	start(t);
	town_submit(t, RATING, "a.csv", H "r1,S1,Ann,A,10\nr2,S2,Bob,B,20\n");
	/* insert and update both write; a delete needs its key only */
	n = town_submit(t, RATING, "b.csv",
			C "insert,r1,S1,Ann,B,10\nupdate,r3,S3,Cyd,,\n"
			  "delete,r2,,,,\ndelete,r9,,,,\n");
	town_expect(t, n, "accepted 4 4 0 1 1 1 1");
	expect_ratings(t, H "r1,S1,Ann,B,10\nr3,S3,Cyd,,\n");
	/* a key that is written and deleted in one file */
	n = town_submit(t, RATING, "c.csv",
			C "update,r1,S1,Ann,A,10\ndelete,r1,,,,\n");
	town_expect(t, n, "quarantined 2 0 2 0 0 0 0");
	assert_true(town_has_fault(t, n, "errors", "primary-key", 2));
	n = town_submit(t, RATING, "d.csv", C "erase,r1,,,,\n");
	assert_string_equal(town_state(t, n), "quarantined");
	town_verify(t);
}

static void
deleting_what_is_absent_is_unchanged(void **state)
{
	struct town *t = *state;
	int64_t n;

	start(t);
	n = town_submit(t, RATING, "a.csv", C "delete,r1,,,,\n");
	town_expect(t, n, "unchanged 1 1 0 0 0 0 1");
	town_expect_published(t, n, "");
}

static void
a_header_alone_is_a_nil_return(void **state)
{
	struct town *t = *state;
	scope_buf text = BUF_INIT;
	int64_t n;

	start(t);
	town_submit(t, RATING, "a.csv", H "r1,S1,Ann,A,10\n");
	n = town_submit(t, RATING, "b.csv", H);
	town_expect(t, n, "unchanged 0 0 0 0 0 0 0");
	town_expect_published(t, n, "");
	town_receipt(t, n, STORE_RECEIPT_TEXT, &text);
	assert_non_null(strstr(text.data, "零报送"));
	expect_ratings(t, H "r1,S1,Ann,A,10\n");
	n = town_submit(t, FINE, "c.csv", F);
	town_expect(t, n, "unchanged 0 0 0 0 0 0 0");
	buf_clear(&text);
	town_receipt(t, n, STORE_RECEIPT_TEXT, &text);
	assert_non_null(strstr(text.data, "nil return"));
}

/* Released at its own place: what was said of a key since then wins, whether
 * it changed a record, deleted an absent one or left one as it was. */
static void
a_released_one_does_not_overtake(void **state)
{
	struct town *t = *state;
	int64_t old, n;

	start(t);
	town_submit(t, RATING, "a.csv",
		    H "r1,S1,Ann,A,1\nr2,S2,Bob,A,1\nr3,S3,Cyd,A,1\n"
		      "r4,S4,Dan,A,1\n");
	old = town_submit(t, RATING, "b.csv",
			  C "update,r1,S1,Ann,D,9\nupdate,r2,S2,Bob,D,9\n"
			    "delete,r3,,,,\ndelete,r4,,,,\n"
			    "insert,r5,S5,Eva,D,9\ninsert,r6,S6,Fay,D,9\n"
			    "insert,r7,S7,Gus,Z,9\n");
	town_expect(t, old, "quarantined 7 6 1 0 0 0 0");
	n = town_submit(t, RATING, "c.csv",
			C "update,r1,S1,Ann,B,2\nupdate,r3,S3,Cyd,A,1\n"
			  "delete,r5,,,,\n");
	town_expect(t, n, "accepted 3 3 0 0 1 0 2");
	/* nothing of it changes a record: its keys count all the same */
	n = town_submit(t, RATING, "d.csv",
			C "update,r4,S4,Dan,A,1\ndelete,r8,,,,\n");
	town_expect(t, n, "unchanged 2 2 0 0 0 0 2");
	town_release(t, old);
	/* r2 and r6 are its own to say */
	town_expect(t, old, "partial 7 6 1 1 1 0 4");
	expect_ratings(t, H "r1,S1,Ann,B,2\nr2,S2,Bob,D,9\nr3,S3,Cyd,A,1\n"
			    "r4,S4,Dan,A,1\nr6,S6,Fay,D,9\n");
	/* and nothing is remembered of what is settled */
	n = town_submit(t, RATING, "e.csv", H "r1,S1,Ann,C,3\n");
	town_expect(t, n, "accepted 1 1 0 0 1 0 0");
	town_verify(t);
}

static void
several_released_in_any_order(void **state)
{
	struct town *t = *state;
	int64_t first, second;

	start(t);
	first = town_submit(t, RATING, "a.csv",
			    H "r1,S1,one,A,1\nr2,S2,one,A,1\nr3,S3,x,Z,1\n");
	second = town_submit(t, RATING, "b.csv",
			     H "r2,S2,two,A,2\nr4,S4,two,A,2\nr3,S3,x,Z,1\n");
	town_submit(t, RATING, "c.csv", H "r4,S4,three,A,3\n");
	town_restart(t);
	town_release(t, second);
	town_expect(t, second, "partial 3 2 1 1 0 0 1");
	town_release(t, first);
	town_expect(t, first, "partial 3 2 1 1 0 0 1");
	expect_ratings(t, H "r1,S1,one,A,1\nr2,S2,two,A,2\nr4,S4,three,A,3\n");
}

/* The same key of another resource is another key. */
static void
keys_belong_to_their_resource(void **state)
{
	struct town *t = *state;
	int64_t old;

	start(t);
	old = town_submit(t, RATING, "a.csv", H "r1,S1,x,A,1\nr2,S2,x,Z,1\n");
	town_submit(t, "aic/reg", "b.csv",
		    "no,uscc,name,grade,updated\nr1,S1,Ann,,\n");
	town_release(t, old);
	town_expect(t, old, "partial 2 1 1 1 0 0 0");
}

static void
an_append_adds_and_never_overwrites(void **state)
{
	struct town *t = *state;
	int64_t n;

	start(t);
	n = town_submit(t, FINE, "a.csv",
			F "1,2026-01-01,S1,10.50,a\n2,2026-01-01,S1,5,b\n");
	town_expect(t, n, "accepted 2 2 0 2 0 0 0");
	n = town_submit(t, FINE, "b.csv",
			F "1,2026-01-01,S1,10.50,a\n1,2026-01-02,S1,3,a\n");
	town_expect(t, n, "accepted 2 2 0 1 0 0 1");
	n = town_submit(t, FINE, "c.csv",
			F "2,2026-01-01,S1,6,b\n3,2026-01-01,S2,1,a\n");
	town_expect(t, n, "quarantined 2 1 1 0 0 0 0");
	assert_true(town_has_fault(t, n, "errors", "primary-key", 1));
	town_release(t, n);
	town_expect(t, n, "partial 2 1 1 1 0 0 0");
	town_expect_file(t, "credit", PUBLISH_SOURCE, FINE,
			 F "1,2026-01-01,S1,10.50,a\n1,2026-01-02,S1,3,a\n"
			   "2,2026-01-01,S1,5,b\n3,2026-01-01,S2,1,a\n");
	town_verify(t);
}

/* Quarantined first, then another file says something else of its key. */
static void
a_released_append_meets_what_came_since(void **state)
{
	struct town *t = *state;
	int64_t old;

	start(t);
	old = town_submit(t, FINE, "a.csv",
			  F "1,2026-01-01,S1,1,a\n2,2026-01-01,S1,2,a\n"
			    "3,never,S1,3,a\n");
	town_submit(t, FINE, "b.csv",
		    F "1,2026-01-01,S1,1,a\n2,2026-01-01,S1,9,a\n");
	town_release(t, old);
	town_expect(t, old, "partial 3 1 2 0 0 0 1");
	town_expect_published(t, old, "");
}

static void
an_append_without_key_keeps_all_fields_apart(void **state)
{
	struct town *t = *state;
	int64_t n;

	town_copy(t, "town");
	town_write(t, "resources.d/env/fine.ini",
		   "[resource]\nmode = append\nsubject = uscc\n[field no]\n"
		   "type = string\n[field day]\ntype = date\n[field uscc]\n"
		   "type = string\n[field amount]\ntype = number\n"
		   "[field office]\ntype = string\n");
	town_write(t, "resources.d/humen/fine.ini",
		   "[resource]\nmode = append\nlike = env/fine\n"
		   "subject = uscc\n");
	town_start(t);
	n = town_submit(t, FINE, "a.csv",
			F "1,,S1,10,a\n1,,S1,10,b\n,,,,b\n1,,S1,10,a\n");
	town_expect(t, n, "accepted 4 3 0 3 0 0 0");
	assert_true(town_has_fault(t, n, "warnings", "duplicate-row", 4));
	n = town_submit(t, FINE, "b.csv", F ",,,,b\n,,S1,10,a\n");
	town_expect(t, n, "accepted 2 2 0 1 0 0 1");
	town_expect_orphans(t, "credit", "source,subject,key\nfine,,||||b\n");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, town_setup, town_teardown)
		T(rows_are_written_by_key),
		T(a_change_column_says_what_to_do),
		T(deleting_what_is_absent_is_unchanged),
		T(a_header_alone_is_a_nil_return),
		T(a_released_one_does_not_overtake),
		T(several_released_in_any_order),
		T(keys_belong_to_their_resource),
		T(an_append_adds_and_never_overwrites),
		T(a_released_append_meets_what_came_since),
		T(an_append_without_key_keeps_all_fields_apart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
