/* Files that were opened for writing and not written. Fails if one is judged
 * again, or stays without its receipts and its fix file; if one that was
 * written is not judged; or if it becomes what its submission has no more. */
#include "tests/unit/inbox/fixture.h"

#include "store/fix.h"
#include "store/retain.h"

static int64_t
judged(struct box *b, const char *state)
{
	int64_t id = box_copy(b, "june.csv", "a\n1\n");

	assert_int_equal(box_collect(b, SETTLED), 1);
	box_judge(b, box_row(b, id).submission, state, "fix\n");
	return id;
}

static void
look(struct box *b, int64_t id, const char *text)
{
	uint64_t fh = box_open(b, id, O_RDWR);

	if (text)
		box_write(b, id, text, 0);
	box_close(b, id, fh);
}

static void
expect_names(struct box *b, const char *expected)
{
	char names[1024];

	assert_string_equal(box_names(b, names), expected);
}

#define ALL \
	"june.csv june.csv.fix.csv june.csv.receipt.json june.csv.receipt.txt"

static void
test_looked_at(void **state)
{
	struct box *b = *state;
	int64_t id = judged(b, "partial"), submission;
	struct store_inbox_file before = box_row(b, id), after;
	int blobs = box_blobs(b);
	uint64_t fh;

	submission = before.submission;
	fh = box_open(b, id, O_RDWR);
	expect_names(b, "june.csv");
	assert_int_equal(box_collect(b, SETTLED), 0);
	box_close(b, id, fh);
	assert_int_equal(box_collect(b, clock_now()), 0);
	expect_names(b, "june.csv");

	assert_int_equal(box_collect(b, SETTLED), 0);
	expect_names(b, ALL);
	after = box_row(b, id);
	assert_int_equal(after.submission, submission);
	assert_int_equal(after.blob, before.blob);
	assert_int_equal(box_blobs(b), blobs);
	box_expect(b, INBOX_FILE, id, "a\n1\n");
	/* and once more, by a worker that began in between, renamed */
	fh = box_open(b, id, O_RDWR);
	box_restart(b, true);
	assert_int_equal(box_rename(b, "june.csv", "may.csv"), 0);
	box_close(b, id, fh);
	assert_int_equal(box_collect(b, SETTLED), 0);
	expect_names(b, "may.csv may.csv.fix.csv may.csv.receipt.json "
			"may.csv.receipt.txt");
}

/* Its writer died, or the mount did, before it wrote anything. */
static void
test_died(void **state)
{
	struct box *b = *state;
	int64_t id = judged(b, "accepted");

	(void)box_open(b, id, O_RDWR);
	box_restart(b, false);
	assert_int_equal(box_collect(b, SETTLED), 0);
	assert_int_equal(box_has(b, "june.csv.receipt.txt"), 0);
	assert_int_equal(box_submissions(b, "judging"), 0);
}

static void
test_written(void **state)
{
	struct box *b = *state;
	int64_t id = judged(b, "partial");
	struct inbox_request req;
	struct inbox_entry e;
	struct stat st = {.st_size = 2};

	look(b, id, "b");
	assert_int_equal(box_collect(b, SETTLED), 1);
	/* the same bytes once more are a submission, too */
	box_judge(b, box_row(b, id).submission, "accepted", NULL);
	box_copy(b, "june.csv", "b\n1\n");
	assert_int_equal(box_collect(b, SETTLED), 1);
	box_judge(b, box_row(b, id).submission, "accepted", NULL);
	/* cut while it was open, as well as by path */
	req = box_request(b);
	assert_int_equal(inbox_setattr(b->inbox, &req, INBOX_FILE, id, &st,
				       INBOX_SET_SIZE, &e),
			 0);
	assert_int_equal(box_collect(b, SETTLED), 1);
	box_expect(b, INBOX_FILE, id, "b\n");
	/* and to nothing: no submission, and none that comes back */
	box_judge(b, box_row(b, id).submission, "accepted", NULL);
	box_close(b, id, box_open(b, id, O_WRONLY | O_TRUNC));
	assert_int_equal(box_collect(b, SETTLED), 0);
	expect_names(b, "june.csv");
	box_expect(b, INBOX_FILE, id, "");
}

static void
test_fix_file(void **state)
{
	struct box *b = *state;
	int64_t id = judged(b, "partial"), fix;

	fix = box_lookup(b, "june.csv.fix.csv").id;
	look(b, fix, NULL);
	assert_int_equal(box_collect(b, SETTLED), 0);
	expect_names(b, ALL);
	assert_true(box_row(b, fix).fix);
	assert_int_equal(box_row(b, fix).submission, box_row(b, id).submission);
	look(b, fix, "FIX");
	assert_int_equal(box_collect(b, SETTLED), 1);
	/* that was a round */
	assert_int_equal(box_row(b, fix).submission, box_row(b, id).submission);
	assert_int_not_equal(box_row(b, fix).blob, box_row(b, id).fix_blob);
}

/* The verdict on what came back. */
static void
judge_round(struct box *b, int64_t number, const char *fix)
{
	struct store_fix_round round;
	scope_txn txn = {0};

	assert_int_equal(store_begin(b->store, &txn, NULL), 0);
	assert_int_equal(store_fix_pending(txn.db, number, &round, NULL), 1);
	round.judged_at = clock_now();
	snprintf(round.state, sizeof(round.state), "partial");
	assert_int_equal(store_fix_end(&txn, &round, NULL), 0);
	assert_int_equal(store_commit(&txn, NULL), 0);
	store_fix_round_release(&round);
	box_judge(b, number, "partial", fix);
}

/* An office program opens what it has just saved, before it has been judged,
 * and closes it then or later. */
static void
test_round_looked_at(void **state)
{
	static const struct {
		bool before, more;
	} cases[] = {{true, true}, {false, true}, {false, false}};
	struct box *b = *state;
	int64_t id = judged(b, "partial"), fix;
	int64_t number = box_row(b, id).submission;

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		uint64_t fh;

		box_copy(b, "lu123.tmp", "saved\n");
		assert_int_equal(box_rename(b, "lu123.tmp", "june.csv.fix.csv"),
				 0);
		assert_int_equal(box_collect(b, clock_now()), 1);
		fix = box_lookup(b, "june.csv.fix.csv").id;
		fh = box_open(b, fix, O_RDWR);
		if (cases[i].before) {
			box_close(b, fix, fh);
			assert_int_equal(box_collect(b, SETTLED), 0);
			assert_true(box_row(b, fix).fix);
		}
		judge_round(b, number, cases[i].more ? "more\n" : NULL);
		if (!cases[i].before) {
			box_close(b, fix, fh);
			assert_int_equal(box_collect(b, SETTLED), 0);
		}
		expect_names(b, cases[i].more
					? ALL
					: "june.csv june.csv.receipt.json "
					  "june.csv.receipt.txt");
		if (cases[i].more)
			box_expect(b, INBOX_FILE,
				   box_lookup(b, "june.csv.fix.csv").id,
				   "more\n");
	}
}

/* What was tidied away stays away. */
static void
test_tidied(void **state)
{
	struct box *b = *state;
	int64_t id = judged(b, "partial");

	assert_int_equal(box_unlink(b, "june.csv.fix.csv"), 0);
	assert_int_equal(box_unlink(b, "june.csv.receipt.txt"), 0);
	look(b, id, NULL);
	assert_int_equal(box_collect(b, SETTLED), 0);
	expect_names(b, "june.csv june.csv.receipt.json");
}

/* Its archive has gone while it was open: it is a file like others. */
static void
test_expired(void **state)
{
	struct box *b = *state;
	int64_t id = judged(b, "accepted");
	uint64_t fh = box_open(b, id, O_RDWR);
	scope_txn txn = {0};

	assert_int_equal(store_begin(b->store, &txn, NULL), 0);
	assert_int_equal(store_submission_expire(
				 &txn, box_row(b, id).was.submission, NULL),
			 0);
	assert_int_equal(store_commit(&txn, NULL), 0);
	box_close(b, id, fh);
	assert_int_equal(box_collect(b, SETTLED), 1);
	box_expect(b, INBOX_FILE, id, "a\n1\n");
}

/* Cut off for somebody who was to open it and never did. */
static void
test_turned(void **state)
{
	static const int flags[] = {O_WRONLY, O_WRONLY | O_TRUNC};
	struct box *b = *state;
	int64_t id = judged(b, "partial");

	for (size_t i = 0; i < 2; i++) {
		struct inbox_request req = box_request(b);
		struct inbox_entry e;
		int64_t waiting = 0;

		assert_int_equal(inbox_turn(b->inbox, &req, id, flags[i], &e),
				 0);
		assert_int_equal(e.st.st_size, i ? 0 : 4);
		assert_int_equal(inbox_waiting(b->inbox, &waiting, NULL), 0);
		assert_int_equal(waiting, 0);
		assert_int_equal(box_collect(b, clock_now() + 30 * CLOCK_NS),
				 0);
		expect_names(b, "june.csv");
		assert_int_equal(box_collect(b, SETTLED), 0);
		expect_names(b, ALL);
		box_expect(b, INBOX_FILE, id, "a\n1\n");
	}
	/* who does open it then has emptied it */
	{
		struct inbox_request req = box_request(b);
		struct inbox_entry e;

		assert_int_equal(
			inbox_turn(b->inbox, &req, id, O_WRONLY | O_TRUNC, &e),
			0);
	}
	box_close(b, id, box_open(b, id, O_WRONLY | O_TRUNC));
	assert_int_equal(box_collect(b, SETTLED), 0);
	expect_names(b, "june.csv");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, box_setup, box_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_looked_at),	    TEST(test_died),
		TEST(test_written),	    TEST(test_fix_file),
		TEST(test_round_looked_at), TEST(test_tidied),
		TEST(test_expired),	    TEST(test_turned),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
