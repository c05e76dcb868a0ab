/*
 * Records to subjects to versions (SPEC 7, 8), through the state. Fails if a
 * change of a record does not reach every file of every theme it concerns, if
 * something stays that should have gone, or if the order between resources
 * shows in a byte.
 */
#include "tests/unit/flow/town.h"

#define REG "aic/reg"
#define RATING "tax/rating"
#define FINE "env/fine"
#define HUMEN "humen/fine"
#define RH "no,uscc,name,grade,updated\n"
#define H "id,uscc,name,grade,score\n"
#define C "change,id,uscc,name,grade,score\n"
#define F "no,day,uscc,amount,office\n"
#define DATA "uscc,name,grade,fines,fined,last,offices\n"
#define CONFLICTS "subject,field,winner_source,winner_value,source,value\n"
#define ORPHANS "source,subject,key\n"

static void
start(struct town *t)
{
	town_copy(t, "town");
	town_start(t);
}

static void
orphans_come_and_go_with_the_base(void **state)
{
	struct town *t = *state;
	int64_t n;

	start(t);
	n = town_submit(t, RATING, "a.csv",
			H "r1,S1,Ann,A,5\nr2,S2,Bob,B,6\nr3,S1,Ann,A,4\n");
	/* orphans of a theme with a base are files too */
	town_expect_published(t, n, "credit:1 register:1");
	town_expect_data(t, "register", "code,name,worst\n");
	town_expect_orphans(t, "register",
			    ORPHANS "rating,S1,r1\nrating,S1,r3\n"
				    "rating,S2,r2\n");
	town_submit(t, REG, "b.csv", RH "1,S1,Ann,,\n");
	town_expect_data(t, "register", "code,name,worst\nS1,Ann,4\n");
	town_expect_orphans(t, "register", ORPHANS "rating,S2,r2\n");
	/* the base moves to another subject: the orphans change places */
	town_submit(t, REG, "c.csv", RH "1,S2,Bob,,\n");
	town_expect_data(t, "register", "code,name,worst\nS2,Bob,6\n");
	town_expect_orphans(t, "register",
			    ORPHANS "rating,S1,r1\nrating,S1,r3\n");
	/* an orphan that is deleted, one that changes, one more */
	town_submit(t, RATING, "d.csv",
		    C "delete,r1,,,,\nupdate,r3,S1,Ann,B,1\n"
		      "insert,r4,S0,Zoe,,\n");
	town_expect_orphans(t, "register",
			    ORPHANS "rating,S0,r4\nrating,S1,r3\n");
	town_verify(t);
}

static void
a_row_without_subject_is_an_orphan(void **state)
{
	struct town *t = *state;
	scope_buf json = BUF_INIT;

	start(t);
	town_submit(t, REG, "a.csv", RH "1,,Ann,,\n2,S2,Bob,,\n");
	town_expect_orphans(t, "credit", ORPHANS "registration,,1\n");
	town_expect_orphans(t, "register", ORPHANS "registration,,1\n");
	town_expect_data(t, "register", "code,name,worst\nS2,Bob,\n");
	/* it changes and stays without; the other one loses its subject */
	town_submit(t, REG, "b.csv", RH "1,,Anne,,\n2,,Bob,,\n");
	town_expect_orphans(t, "credit",
			    ORPHANS "registration,,1\nregistration,,2\n");
	town_expect_data(t, "credit", DATA);
	assert_false(town_subject(t, "credit", "S2", &json));
	/* one gets a subject, the other goes */
	town_submit(t, REG, "c.csv", RH "1,S1,Anne,,\n");
	town_expect_orphans(t, "credit", ORPHANS);
	town_expect_data(t, "credit", DATA "S1,Anne,,0,,,\n");
	assert_true(town_subject(t, "credit", "S1", &json));
	town_verify(t);
}

static void
a_subject_moves_from_row_to_row(void **state)
{
	struct town *t = *state;
	int64_t n;

	start(t);
	town_submit(t, REG, "a.csv", RH "1,S1,Ann,A,\n2,S2,Bob,B,\n");
	/* they swap subjects; keys and names stay */
	n = town_submit(t, REG, "b.csv", RH "1,S2,Ann,A,\n2,S1,Bob,B,\n");
	town_expect(t, n, "accepted 2 2 0 0 2 0 0");
	town_expect_data(t, "credit", DATA "S1,Bob,B,0,,,\nS2,Ann,A,0,,,\n");
	/* the key moves, the subject stays */
	n = town_submit(t, REG, "c.csv", RH "3,S2,Ann,A,\n2,S1,Bob,B,\n");
	town_expect(t, n, "accepted 2 2 0 1 0 1 1");
	town_expect_data(t, "credit", DATA "S1,Bob,B,0,,,\nS2,Ann,A,0,,,\n");
	town_expect_file(t, "credit", PUBLISH_SOURCE, REG,
			 RH "2,S1,Bob,B,\n3,S2,Ann,A,\n");
	town_verify(t);
}

static void
conflicts_appear_and_disappear(void **state)
{
	struct town *t = *state;

	start(t);
	town_submit(t, REG, "a.csv", RH "1,S1,Ann,A,2026-01-01\n");
	town_submit(t, RATING, "b.csv", H "r1,S1,Anne,B,5\nr2,S2,Bob,,\n");
	town_expect_conflicts(t, "credit",
			      CONFLICTS "S1,name,registration,Ann,rating,Anne\n"
					"S1,grade,rating,B,registration,A\n");
	/* the winner goes: the other one wins, and nobody disagrees */
	town_submit(t, RATING, "c.csv", H "r1,S1,Anne,A,5\n");
	town_expect_conflicts(t, "credit",
			      CONFLICTS
			      "S1,name,registration,Ann,rating,Anne\n");
	town_submit(t, RATING, "d.csv", H "r1,S1,,A,5\n");
	town_expect_conflicts(t, "credit", CONFLICTS);
	town_expect_data(t, "credit", DATA "S1,Ann,A,0,,,\nS2,Bob,,0,,,\n");
	town_verify(t);
}

/* registration has an as_of, rating has the day of its submission: today. */
static void
latest_follows_as_of_or_the_day(void **state)
{
	struct town *t = *state;
	char today[32];
	scope_buf text = BUF_INIT;
	scope_buf want = BUF_INIT;
	int day;

	start(t);
	town_submit(t, RATING, "a.csv", H "r1,S1,Ann,B,5\n");
	town_submit(t, REG, "b.csv", RH "1,S1,Ann,A,2001-02-03\n");
	town_expect_data(t, "credit", DATA "S1,Ann,B,0,,,\n");
	town_submit(t, REG, "c.csv", RH "1,S1,Ann,A,2901-02-03\n");
	town_expect_data(t, "credit", DATA "S1,Ann,A,0,,,\n");
	/* a row without as_of has the day of its submission, too */
	town_submit(t, REG, "d.csv", RH "1,S1,Ann,A,\n2,S1,Ann,C,1999-01-01\n");
	town_expect_data(t, "credit", DATA "S1,Ann,B,0,,,\n");
	town_submit(t, RATING, "e.csv", C "delete,r1,,,,\n");
	town_expect_data(t, "credit", DATA "S1,Ann,A,0,,,\n");
	/* where it comes from */
	town_submit(t, RATING, "f.csv", H "r1,S1,Ann,D,5\n");
	assert_true(town_subject(t, "credit", "S1", &text));
	day = clock_day(clock_now());
	snprintf(today, sizeof(today), "%04d-%02d-%02d", day / 10000,
		 day / 100 % 100, day % 100);
	assert_int_equal(buf_addf(&want, "\"as_of\": \"%s\"", today), 0);
	assert_non_null(strstr(text.data, buf_str(&want)));
}

static void
several_resources_are_one_source(void **state)
{
	struct town *t = *state;

	start(t);
	town_submit(t, HUMEN, "a.csv",
		    F "1,2026-01-01,S1,1.5,port\n2,2026-01-03,S1,2,port\n");
	town_submit(t, FINE, "a.csv",
		    F "1,2026-01-01,S1,0.25,air\n3,2026-01-02,,9,air\n");
	town_expect_data(t, "credit", DATA "S1,,,3,3.75,2026-01-03,air|port\n");
	/* rows of the same key are told apart by their resource */
	town_expect_file(t, "credit", PUBLISH_SOURCE, FINE,
			 F "3,2026-01-02,,9,air\n1,2026-01-01,S1,0.25,air\n");
	town_expect_file(t, "credit", PUBLISH_SOURCE, HUMEN,
			 F "1,2026-01-01,S1,1.5,port\n"
			   "2,2026-01-03,S1,2,port\n");
	town_submit(t, HUMEN, "b.csv", F "3,2026-01-02,,9,port\n");
	town_expect_orphans(t, "credit",
			    ORPHANS "fine,,3|2026-01-02\n"
				    "fine,,3|2026-01-02\n");
	town_verify(t);
}

/* Transfers: each row concerns who gives and who takes. */
static const char transfer[] =
	"[resource]\nmode = upsert\nkey = id\nsubject = giver\n"
	"sharing = unconditional\n[field id]\ntype = string\n[field giver]\n"
	"type = string\n[field taker]\ntype = string\n[field amount]\n"
	"type = integer\n";
static const char people[] =
	"[platform]\nstate = state\nsettle = 0s\nuser = root\n"
	"[department bank]\n[theme people]\nsubject = who\n"
	"source.given = bank/transfer\n"
	"source.taken = bank/transfer by taker\n"
	"field.given = sum given.amount\nfield.taken = sum taken.amount\n"
	"field.first = first taken.id given.id\n";

static void
one_resource_by_two_fields(void **state)
{
	struct town *t = *state;
	int64_t n;

	town_write(t, "civicfs.conf", people);
	town_write(t, "resources.d/bank/transfer.ini", transfer);
	town_start(t);
	n = town_submit(t, "bank/transfer", "a.csv",
			"id,giver,taker,amount\n1,Ann,Bob,10\n2,Bob,Cyd,3\n"
			"3,Ann,,5\n4,Dan,Dan,1\n");
	town_expect_published(t, n, "people:1");
	town_expect_data(t, "people",
			 "who,given,taken,first\nAnn,15,,1\nBob,3,10,1\n"
			 "Cyd,,3,2\nDan,1,1,4\n");
	town_expect_orphans(t, "people", ORPHANS "taken,,3\n");
	/* one file in sources/, by the first field */
	town_expect_file(t, "people", PUBLISH_SOURCE, "bank/transfer",
			 "id,giver,taker,amount\n1,Ann,Bob,10\n3,Ann,,5\n"
			 "2,Bob,Cyd,3\n4,Dan,Dan,1\n");
	/* the taker changes, the giver stays, and the other way round */
	town_submit(t, "bank/transfer", "b.csv",
		    "id,giver,taker,amount\n1,Ann,Cyd,10\n2,Dan,Cyd,3\n");
	town_expect_data(t, "people",
			 "who,given,taken,first\nAnn,15,,1\nCyd,,13,1\n"
			 "Dan,4,1,4\n");
	town_expect_conflicts(t, "people",
			      CONFLICTS "Dan,first,taken,4,given,2\n");
	town_verify(t);
}

static void
nothing_that_differs_makes_no_version(void **state)
{
	struct town *t = *state;
	int64_t n;

	start(t);
	town_submit(t, REG, "a.csv", RH "1,S1,Ann,A,\n");
	/* 'register' has no use for the grade, but shows its sources */
	n = town_submit(t, REG, "b.csv", RH "1,S1,Ann,B,\n");
	town_expect_published(t, n, "credit:2 register:2");
	n = town_submit(t, FINE, "c.csv", F "1,2026-01-01,S1,1,a\n");
	town_expect_published(t, n, "credit:3");
}

/* ---- order --------------------------------------------------------------- */

static const struct {
	const char *resource, *name, *text;
} deliveries[] = {
	{REG, "r1.csv",
	 RH "1,S1,Ann,A,2026-01-01\n2,S2,Bob,B,2026-01-05\n"
	    "3,,Cyd,,\n"},
	{REG, "r2.csv", RH "1,S1,Ann,C,2026-01-09\n4,S4,Dan,B,\n3,S3,Cyd,,\n"},
	{RATING, "t1.csv", H "a,S1,Anne,B,7\nb,S2,Bob,A,5\nc,S5,Eva,,\n"},
	{RATING, "t2.csv",
	 C "delete,c,,,,\nupdate,b,S4,Dan,D,2\n"
	   "insert,d,,Fay,,\n"},
	{FINE, "e1.csv", F "1,2026-01-01,S1,10.5,air\n2,2026-01-02,S9,1,air\n"},
	{FINE, "e2.csv", F "3,2026-02-01,S1,0.50,sea\n"},
	{HUMEN, "h1.csv", F "1,2026-03-01,S2,7,port\n2,2026-01-02,,1,port\n"},
};
#define DELIVERIES (sizeof(deliveries) / sizeof(*deliveries))

static void
collect_files(struct town *t, struct buf *out)
{
	static const enum publish_kind kinds[] = {PUBLISH_DATA, PUBLISH_JSONL,
						  PUBLISH_CONFLICTS,
						  PUBLISH_ORPHANS};
	static const char *const themes[] = {"credit", "register"};

	for (size_t i = 0; i < 2; i++) {
		struct publish_version v;
		char hex[DIGEST_HEX];

		for (size_t k = 0; k < 4; k++)
			town_file(t, themes[i], kinds[k], "", out);
		town_file(t, themes[i], PUBLISH_SOURCE, REG, out);
		town_file(t, themes[i], PUBLISH_SOURCE, RATING, out);
		town_version(t, themes[i], &v);
		digest_hex(v.digest, DIGEST_SIZE, hex);
		assert_int_equal(buf_addf(out, "%s\n", hex), 0);
	}
	assert_non_null(buf_str(out));
}

/* A random order that keeps each resource's own: the next delivery of a
 * resource drawn by lot. */
static void
deliver_in_some_order(struct town *t, unsigned seed)
{
	bool done[DELIVERIES] = {false};

	for (size_t left = DELIVERIES; left; left--) {
		size_t pick;

		do {
			pick = (size_t)rand_r(&seed) % DELIVERIES;
		} while (done[pick]);
		for (size_t i = 0; i < pick; i++) {
			if (!done[i] && strcmp(deliveries[i].resource,
					       deliveries[pick].resource) == 0)
				pick = i;
		}
		done[pick] = true;
		town_copy_in(t, deliveries[pick].resource,
			     deliveries[pick].name, deliveries[pick].text);
		/* alone, or with what comes next */
		if (rand_r(&seed) % 2)
			town_settle(t);
	}
	town_settle(t);
}

static void
order_between_resources_changes_no_byte(void **state)
{
	struct town *t = *state;
	scope_buf first = BUF_INIT;

	for (unsigned seed = 0; seed < 5; seed++) {
		void *other = NULL;
		scope_buf files = BUF_INIT;

		assert_int_equal(town_setup(&other), 0);
		start(other);
		deliver_in_some_order(other, seed);
		collect_files(other, seed ? &files : &first);
		if (seed)
			assert_string_equal(files.data, first.data);
		assert_int_equal(town_teardown(&other), 0);
	}
	(void)t;
}

/* ---- loads --------------------------------------------------------------- */

/* Rows first to last of a resource: with and without subject, with conflicts,
 * some of them of subjects that others have too. */
static void
add_rows(struct buf *out, const char *resource, int first, int last)
{
	int rc = 0;

	for (int i = first; !rc && i < last; i++) {
		if (strcmp(resource, REG) == 0)
			rc = buf_addf(out, "%d,S%02d,Name %d,A,\n", i, i,
				      i % 7);
		else if (strcmp(resource, RATING) == 0)
			rc = i % 9 ? buf_addf(out, "r%d,S%02d,Name %d,B,%d\n",
					      i, 10 + i % 45, i % 5, i)
				   : buf_addf(out, "r%d,,Nobody,,\n", i);
		else
			rc = buf_addf(out, "%d,2026-01-%02d,S%02d,%d.5,sea\n",
				      i, 1 + i % 28, i % 60, i);
	}
	assert_int_equal(rc, 0);
}

/* All at once, or few at a time where the mode has pieces. */
static void
deliver_rows(struct town *t, const char *resource, int n, bool at_once)
{
	const char *header = strcmp(resource, REG) == 0	     ? RH
			     : strcmp(resource, RATING) == 0 ? H
							     : F;
	int step = at_once || strcmp(resource, REG) == 0 ? n : 5;

	for (int i = 0; i < n; i += step) {
		scope_buf text = BUF_INIT;
		char name[32];

		assert_int_equal(buf_adds(&text, header), 0);
		add_rows(&text, resource, i, i + step < n ? i + step : n);
		snprintf(name, sizeof(name), "%d.csv", i);
		town_submit(t, resource, name, buf_str(&text));
	}
}

static void
loads_in_any_order_are_what_single_rows_are(void **state)
{
	static const char *const orders[][3] = {
		{REG, RATING, FINE}, {REG, FINE, RATING}, {RATING, REG, FINE},
		{RATING, FINE, REG}, {FINE, REG, RATING}, {FINE, RATING, REG},
	};
	struct buf first[2] = {BUF_INIT, BUF_INIT};

	(void)state;
	for (int i = 0; i < 12; i++) {
		void *town = NULL;
		scope_buf files = BUF_INIT;
		scope_buf later = BUF_INIT;

		assert_int_equal(town_setup(&town), 0);
		start(town);
		for (int k = 0; k < 3; k++)
			deliver_rows(town, orders[i / 2][k], 50, i % 2 == 0);
		collect_files(town, i ? &files : &first[0]);
		if (i)
			assert_string_equal(files.data, first[0].data);
		/* what came at once goes one by one */
		deliver_rows(town, REG, 30, true);
		collect_files(town, i ? &later : &first[1]);
		if (i)
			assert_string_equal(later.data, first[1].data);
		town_verify(town);
		assert_int_equal(town_teardown(&town), 0);
	}
	buf_release(&first[0]);
	buf_release(&first[1]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, town_setup, town_teardown)
		T(orphans_come_and_go_with_the_base),
		T(a_row_without_subject_is_an_orphan),
		T(a_subject_moves_from_row_to_row),
		T(conflicts_appear_and_disappear),
		T(latest_follows_as_of_or_the_day),
		T(several_resources_are_one_source),
		T(one_resource_by_two_fields),
		T(nothing_that_differs_makes_no_version),
		T(order_between_resources_changes_no_byte),
		T(loads_in_any_order_are_what_single_rows_are),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
