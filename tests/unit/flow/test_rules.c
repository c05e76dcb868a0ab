/*
 * A configuration that changes between two lives (SPEC 3): the records stay,
 * the themes follow. Fails if a theme shows what its rules do not say, if one
 * that came back has slept through a change, or if records that no longer hold
 * are taken along in silence.
 */
#include "tests/unit/flow/town.h"

#define REG "aic/reg"
#define FINE "env/fine"
#define RH "no,uscc,name,grade,updated\n"
#define F "no,day,uscc,amount,office\n"

static const char head[] =
	"[platform]\nstate = state\nsettle = 0s\nuser = root\n"
	"[department aic]\n[department tax]\n"
	"[department env]\n[department humen]\n";
static const char both[] = "[theme credit]\nsubject = uscc\n"
			   "source.registration = aic/reg\n"
			   "source.fine = env/fine humen/fine\n"
			   "field.name = first registration.name\n"
			   "field.fines = count fine\n";
static const char alone[] = "[theme credit]\nsubject = uscc\n"
			    "source.registration = aic/reg\n"
			    "field.name = first registration.name\n";
static const char by_office[] = "[theme office]\nsubject = name\n"
				"source.fine = env/fine by office\n"
				"field.fined = sum fine.amount\n";

static void
configure(struct town *t, const char *themes, const char *more)
{
	scope_buf text = BUF_INIT;

	assert_int_equal(buf_addf(&text, "%s%s%s", head, themes, more), 0);
	town_write(t, "civicfs.conf", buf_str(&text));
}

static void
start(struct town *t, const char *themes)
{
	town_copy(t, "town");
	configure(t, themes, "");
	town_start(t);
}

/* Closed, configured anew, opened, and made new in the background. */
static void
change(struct town *t, const char *themes, const char *more)
{
	town_close(t);
	configure(t, themes, more);
	town_start(t);
	town_settle(t);
}

static void
expect_version(struct town *t, const char *theme, int64_t number,
	       const char *submission)
{
	struct publish_version v = {0};

	town_version(t, theme, &v);
	assert_int_equal(v.number, number);
	if (submission)
		assert_string_equal(v.submission, submission);
}

static void
fill(struct town *t)
{
	town_submit(t, REG, "a.csv", RH "1,S1,Ann,A,\n2,,Bob,B,\n");
	town_submit(t, FINE, "b.csv",
		    F "1,2026-01-01,S1,10,air\n2,2026-01-02,S1,5,sea\n"
		      "3,2026-01-02,S3,1,\n");
}

static void
changed_rules_make_a_version(void **state)
{
	struct town *t = *state;

	start(t, both);
	fill(t);
	expect_version(t, "credit", 2, NULL);
	town_expect_data(t, "credit", "uscc,name,fines\nS1,Ann,2\nS3,,1\n");
	/* the same rules make none */
	change(t, both, "");
	expect_version(t, "credit", 2, NULL);
	assert_int_equal(t->made, 2);
	/* a source goes, its file and its subjects with it */
	change(t, alone, "");
	expect_version(t, "credit", 3, "");
	town_expect_data(t, "credit", "uscc,name\nS1,Ann\n");
	town_expect_orphans(t, "credit",
			    "source,subject,key\nregistration,,2\n");
	town_verify(t);
	/* what is not asked for any more still changes */
	town_submit(t, FINE, "c.csv", F "4,2026-01-03,S1,1,air\n");
	expect_version(t, "credit", 3, "");
	change(t, both, "");
	expect_version(t, "credit", 4, "");
	town_expect_data(t, "credit", "uscc,name,fines\nS1,Ann,3\nS3,,1\n");
	town_verify(t);
}

static void
a_new_theme_shows_what_is_there(void **state)
{
	struct town *t = *state;

	start(t, both);
	fill(t);
	change(t, both, by_office);
	expect_version(t, "credit", 2, NULL);
	expect_version(t, "office", 1, "");
	town_expect_data(t, "office", "name,fined\nair,10\nsea,5\n");
	town_expect_orphans(t, "office",
			    "source,subject,key\nfine,,3|2026-01-02\n");
	town_expect_file(t, "office", PUBLISH_SOURCE, FINE,
			 F "3,2026-01-02,S3,1,\n1,2026-01-01,S1,10,air\n"
			   "2,2026-01-02,S1,5,sea\n");
	town_submit(t, FINE, "c.csv", F "4,2026-01-02,S3,1.5,sea\n");
	town_expect_data(t, "office", "name,fined\nair,10\nsea,6.5\n");
	town_verify(t);
}

/* It has slept through a change of its records, and its lens has too. */
static void
a_theme_that_comes_back_is_made_anew(void **state)
{
	struct town *t = *state;

	start(t, both);
	fill(t);
	change(t, both, by_office);
	change(t, both, "");
	town_submit(t, FINE, "c.csv", F "4,2026-01-03,S1,7,air\n");
	town_submit(t, FINE, "d.csv", F "5,2026-01-03,S1,1,new\n");
	change(t, both, by_office);
	expect_version(t, "office", 2, "");
	town_expect_data(t, "office", "name,fined\nair,17\nnew,1\nsea,5\n");
	town_verify(t);
	town_submit(t, FINE, "e.csv", F "6,2026-01-03,S1,2,new\n");
	town_expect_data(t, "office", "name,fined\nair,17\nnew,3\nsea,5\n");
	town_verify(t);
}

static void
a_base_comes_and_goes(void **state)
{
	struct town *t = *state;

	start(t, both);
	fill(t);
	change(t, both, "base = registration\n");
	town_expect_data(t, "credit", "uscc,name,fines\nS1,Ann,2\n");
	town_expect_orphans(t, "credit",
			    "source,subject,key\nregistration,,2\n"
			    "fine,S3,3|2026-01-02\n");
	change(t, both, "");
	town_expect_data(t, "credit", "uscc,name,fines\nS1,Ann,2\nS3,,1\n");
	town_expect_orphans(t, "credit",
			    "source,subject,key\nregistration,,2\n");
	expect_version(t, "credit", 4, "");
	town_verify(t);
}

/* Columns change while there is no row to show them. */
static void
an_empty_theme_follows_its_rules(void **state)
{
	struct town *t = *state;
	int64_t n;

	start(t, both);
	town_submit(t, REG, "a.csv", RH "1,S1,Ann,A,\n");
	n = town_submit(t, REG, "b.csv", RH);
	town_release(t, n);
	change(t, alone, "");
	town_expect_data(t, "credit", "uscc,name\n");
	town_submit(t, REG, "c.csv", RH "1,S1,Ann,A,\n");
	town_expect_data(t, "credit", "uscc,name\nS1,Ann\n");
	town_verify(t);
}

static void
no_records_no_version(void **state)
{
	struct town *t = *state;

	start(t, both);
	town_settle(t);
	expect_version(t, "credit", 0, NULL);
	change(t, alone, by_office);
	expect_version(t, "credit", 0, NULL);
	expect_version(t, "office", 0, NULL);
	assert_int_equal(t->made, 0);
}

/* What was quarantined waits for its place under any configuration. */
static void
a_release_follows_the_new_rules(void **state)
{
	struct town *t = *state;
	int64_t n;

	start(t, alone);
	n = town_submit(t, REG, "a.csv", RH "1,S1,Ann,A,\n2,S2,Bob,B,never\n");
	change(t, both, "");
	town_release(t, n);
	town_expect(t, n, "partial 2 1 1 1 0 0 0");
	town_expect_data(t, "credit", "uscc,name,fines\nS1,Ann,0\n");
}

/* ---- descriptors --------------------------------------------------------- */

static const char reg_head[] =
	"[resource]\nmode = snapshot\nkey = no\nsubject = uscc\n"
	"as_of = updated\nsharing = unconditional\n[field no]\ntype = string\n"
	"[field uscc]\ntype = string\n[field name]\ntype = string\n";
static const char reg_tail[] = "[field grade]\ntype = string\n"
			       "[field updated]\ntype = date\n";

static void
describe(struct town *t, const char *constraint, const char *tail)
{
	scope_buf text = BUF_INIT;

	assert_int_equal(buf_addf(&text, "%s%s%s", reg_head, constraint, tail),
			 0);
	town_write(t, "resources.d/aic/reg.ini", buf_str(&text));
}

static int
note_text(void *ctx, const char *text)
{
	struct buf *notes = ctx;

	assert_int_equal(buf_adds(notes, text), 0);
	return 0;
}

/* What a reload would say, which only reads: beside the one who writes. */
static int
check_only(struct town *t, struct buf *notes)
{
	struct config_problems problems = {0};
	struct config *config = NULL;
	struct store *store = NULL;
	struct error err = ERROR_INIT;
	scope_buf path = BUF_INIT;
	int rc;

	town_stop(t);
	assert_int_equal(buf_addf(&path, "%s/conf/civicfs.conf", t->path), 0);
	assert_int_equal(config_load(buf_str(&path), &config, &problems, &err),
			 0);
	config_problems_release(&problems);
	assert_int_equal(store_open_reading(t->dir, &store, &err), 0);
	assert_int_equal(store_published(store), store_published(t->store));
	rc = flow_plan_check(store, config, note_text, notes, &err);
	store_close(store);
	config_free(config);
	return rc;
}

static void
expect_refusal(struct town *t, const char *what)
{
	struct error err = ERROR_INIT;
	scope_buf notes = BUF_INIT;

	if (t->store) {
		assert_int_equal(check_only(t, &notes), 1);
		if (!strstr(buf_str(&notes), what))
			fail_msg("'%s' is not in '%s'", what, notes.data);
	}
	town_close(t);
	assert_int_equal(town_try_open(t, &err), ERR_INVALID);
	if (!strstr(err.text, what))
		fail_msg("'%s' is not in '%s'", what, err.text);
	assert_non_null(strstr(err.text, "reg.ini:"));
	assert_non_null(strstr(err.text, "restore the descriptor"));
}

static void
other_fields_are_refused_while_there_are_records(void **state)
{
	struct town *t = *state;

	start(t, both);
	fill(t);
	describe(t, "",
		 "[field grade]\ntype = integer\n"
		 "[field updated]\ntype = date\n");
	expect_refusal(t, "2 records of it are stored");
	describe(t, "", "[field updated]\ntype = date\n");
	expect_refusal(t, "the fields or the key of 'aic/reg' have changed");
	describe(t, "", reg_tail);
	town_close(t);
	town_start(t);
	town_settle(t);
	town_expect_data(t, "credit", "uscc,name,fines\nS1,Ann,2\nS3,,1\n");
}

static void
other_constraints_judge_the_records_again(void **state)
{
	struct town *t = *state;

	start(t, both);
	fill(t);
	describe(t, "max_length = 2\n", reg_tail);
	expect_refusal(t, "2 of 2 stored records of 'aic/reg' no longer hold");
	describe(t, "enum = Ann Cyd\n", reg_tail);
	expect_refusal(t, "1 of 2 stored records of 'aic/reg' no longer hold");
	/* refused means refused: the old one still holds */
	describe(t, "max_length = 3\n", reg_tail);
	town_close(t);
	town_start(t);
	town_settle(t);
	{
		scope_buf notes = BUF_INIT;

		assert_int_equal(check_only(t, &notes), 0);
		assert_int_equal(notes.len, 0);
	}
	describe(t, "max_length = 2\n", reg_tail);
	expect_refusal(t, "2 of 2 stored records of 'aic/reg' no longer hold");
	describe(t, "max_length = 3\n", reg_tail);
	town_close(t);
	town_start(t);
	assert_string_equal(
		town_state(t, town_submit(t, REG, "c.csv",
					  RH "1,S1,Anna,A,\n2,,Bob,,\n")),
		"quarantined");
	describe(t, "max_length = 4\n", reg_tail);
	town_close(t);
	town_start(t);
	assert_string_equal(
		town_state(t, town_submit(t, REG, "d.csv",
					  RH "1,S1,Anna,A,\n2,,Bob,,\n")),
		"accepted");
}

static void
any_fields_will_do_before_the_first_records(void **state)
{
	struct town *t = *state;
	int64_t n;

	start(t, both);
	town_settle(t);
	town_close(t);
	describe(t, "",
		 "[field grade]\ntype = integer\n"
		 "[field updated]\ntype = date\n");
	town_start(t);
	n = town_submit(t, REG, "a.csv", RH "1,S1,Ann,7,\n");
	town_expect(t, n, "accepted 1 1 0 1 0 0 0");
}

/* Its descriptor goes while a file of it waits: nobody else waits for that. */
static void
a_resource_that_is_gone_holds_up_nobody(void **state)
{
	struct town *t = *state;
	int64_t lost, n;

	start(t, both);
	town_settle(t);
	town_stop(t);
	town_copy_in(t, REG, "a.csv", RH "1,S1,Ann,A,\n");
	assert_int_equal(town_collect(t), 1);
	lost = town_last(t);
	town_close(t);
	configure(t, "", by_office);
	town_write(t, "resources.d/aic/reg.ini",
		   "[resource]\nmode = upsert\nkey = no\n[field no]\n"
		   "type = string\n");
	{
		scope_buf from = BUF_INIT;
		scope_buf to = BUF_INIT;

		assert_int_equal(buf_addf(&from,
					  "%s/conf/resources.d/aic/reg.ini",
					  t->path),
				 0);
		assert_int_equal(buf_addf(&to, "%s/conf/aside.ini", t->path),
				 0);
		assert_int_equal(rename(buf_str(&from), buf_str(&to)), 0);
	}
	town_start(t);
	n = town_submit(t, FINE, "b.csv", F "1,2026-01-01,S1,10,air\n");
	town_expect(t, n, "accepted 1 1 0 1 0 0 0");
	assert_string_equal(town_state(t, lost), "judging");
	town_close(t);
	describe(t, "", reg_tail);
	configure(t, both, by_office);
	town_start(t);
	town_settle(t);
	town_expect(t, lost, "accepted 1 1 0 1 0 0 0");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, town_setup, town_teardown)
		T(changed_rules_make_a_version),
		T(a_new_theme_shows_what_is_there),
		T(a_theme_that_comes_back_is_made_anew),
		T(a_base_comes_and_goes),
		T(an_empty_theme_follows_its_rules),
		T(no_records_no_version),
		T(a_release_follows_the_new_rules),
		T(other_fields_are_refused_while_there_are_records),
		T(other_constraints_judge_the_records_again),
		T(any_fields_will_do_before_the_first_records),
		T(a_resource_that_is_gone_holds_up_nobody),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
