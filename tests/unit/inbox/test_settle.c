/*
 * From copy to submission: create, write, close, settle, collect, and what
 * opening, renaming and deleting a judged file does. Fails if a file is bound
 * too early, twice or not at all, if bound bytes change, if receipts belong
 * to other bytes than those beside them, or if a blob is leaked.
 */
#include "store/fix.h"
#include "tests/unit/inbox/fixture.h"

#include <signal.h>
#include <sys/wait.h>

#define SETTLE (CLOCK_NS / 2)

static void
test_close_and_settle(void **state)
{
	struct box *b = *state;
	struct error err = ERROR_INIT;
	struct inbox_request req;
	int64_t next, waiting, quiet;
	int bound;
	uint64_t fh;
	int64_t id = box_create(b, "june.csv", &fh);

	box_write(b, id, "a,b\n1,2\n", 0);
	box_expect(b, INBOX_FILE, id, "a,b\n1,2\n");
	assert_int_equal(box_collect(b, SETTLED), 0); /* still open */
	assert_int_equal(inbox_waiting(b->inbox, &waiting, &err), 0);
	assert_int_equal(waiting, 0);
	req = box_request(b);
	assert_int_equal(inbox_flush(b->inbox, &req, id, fh), 0);
	assert_int_equal(inbox_waiting(b->inbox, &waiting, &err), 0);
	assert_int_equal(waiting, 1); /* closed, not released yet */
	assert_int_equal(box_collect(b, SETTLED), 0);
	assert_int_equal(inbox_release(b->inbox, &req, id, fh), 0);

	quiet = box_row(b, id).quiet_since;
	assert_int_equal(inbox_collect(b->inbox, quiet + SETTLE - 1, &bound,
				       &next, &err),
			 0);
	assert_int_equal(bound, 0);
	assert_int_equal(next, quiet + SETTLE);
	assert_int_equal(inbox_waiting(b->inbox, &waiting, &err), 0);
	assert_int_equal(waiting, 1);
	assert_int_equal(
		inbox_collect(b->inbox, quiet + SETTLE, &bound, &next, &err),
		0);
	assert_int_equal(bound, 1);
	assert_int_equal(next, 0);
	assert_int_equal(inbox_waiting(b->inbox, &waiting, &err), 0);
	assert_int_equal(waiting, 0);
	assert_int_equal(box_collect(b, SETTLED), 0); /* once */
	assert_int_equal(box_submissions(b, "judging"), 1);
}

static void
test_submission(void **state)
{
	struct box *b = *state;
	int64_t id = box_copy(b, "june.csv", "a\n1\n");
	scope_reader reader = {0};
	struct store_submission s;
	struct inbox_entry e;

	assert_int_equal(box_collect(b, SETTLED), 1);
	assert_int_equal(store_reader_get(b->store, &reader, NULL), 0);
	assert_int_equal(store_submission_get(reader.db,
					      box_row(b, id).submission, &s,
					      NULL),
			 1);
	assert_string_equal(s.name, "june.csv");
	assert_int_equal(s.bytes, 4);
	assert_int_equal(s.uid, UID);
	assert_int_equal(s.resource, b->resource);
	assert_false(s.killed);
	assert_string_equal(s.state, "judging");
	assert_true(*s.submitted_by);
	/* No receipt before the verdict. */
	assert_int_equal(
		inbox_lookup(b->inbox, b->resource, "june.csv.receipt.txt", &e),
		-ENOENT);
	store_submission_release(&s);
}

static void
test_never_complete(void **state)
{
	struct box *b = *state;
	struct inbox_request req = box_request(b);
	struct inbox_entry e;
	char value[32];
	int64_t id = box_copy(b, "empty.csv", "");

	box_copy(b, "june.csv.part", "a\n");
	assert_int_equal(inbox_mknod(b->inbox, &req, b->resource, "node.csv",
				     S_IFREG | 0600, &e),
			 0);
	assert_int_equal(box_collect(b, SETTLED), 0);
	assert_int_equal(inbox_getxattr(b->inbox, INBOX_FILE, id,
					"user.civicfs.status", value,
					sizeof(value)),
			 10);
	assert_memory_equal(value, "incomplete", 10);
	/* truncate(2) is a touch, and gives it bytes. */
	req = box_request(b);
	e.st.st_size = 3;
	assert_int_equal(inbox_setattr(b->inbox, &req, INBOX_FILE, id, &e.st,
				       INBOX_SET_SIZE, &e),
			 0);
	assert_int_equal(e.st.st_size, 3);
	assert_int_equal(box_collect(b, SETTLED), 1);
}

/* dup, fork and close send many FLUSH and one RELEASE; a second writer keeps
 * the file open. */
static void
test_one_submission(void **state)
{
	struct box *b = *state;
	struct inbox_request req;
	uint64_t fh, other;
	int64_t id = box_create(b, "june.csv", &fh);

	other = box_open(b, id, O_WRONLY | O_APPEND);
	box_write(b, id, "one\n", 0);
	for (int i = 0; i < 3; i++) {
		req = box_request(b);
		assert_int_equal(inbox_flush(b->inbox, &req, id, fh), 0);
		box_write(b, id, "two\n", 4);
	}
	box_close(b, id, fh);
	assert_int_equal(box_collect(b, SETTLED), 0);
	/* Written after its FLUSH, as through a mapping. */
	req = box_request(b);
	assert_int_equal(inbox_flush(b->inbox, &req, id, other), 0);
	box_write(b, id, "three\n", 8);
	assert_int_equal(inbox_release(b->inbox, &req, id, other), 0);
	assert_int_equal(box_collect(b, SETTLED), 1);
	box_expect(b, INBOX_FILE, id, "one\ntwo\nthree\n");
}

static void
test_touch_waits_again(void **state)
{
	struct box *b = *state;
	const struct stat st = {.st_mode = 0600,
				.st_uid = UID,
				.st_gid = GID,
				.st_mtim = {1234, 5}};
	struct inbox_request req;
	struct inbox_entry e;
	int64_t id = box_copy(b, "june.csv", "a\n");
	int64_t before = box_row(b, id).quiet_since;

	req = box_request(b);
	assert_int_equal(inbox_setattr(b->inbox, &req, INBOX_FILE, id, &st,
				       INBOX_SET_MTIME | INBOX_SET_MODE |
					       INBOX_SET_UID | INBOX_SET_GID,
				       &e),
			 0);
	assert_int_equal(e.st.st_mtim.tv_sec, 1234);
	assert_int_equal(e.st.st_mtim.tv_nsec, 5);
	assert_int_equal(e.st.st_mode & 07777, 0600);
	assert_true(box_row(b, id).quiet_since > before);
	assert_int_equal(box_collect(b, SETTLED), 1);
	/* Of a judged file it is no new submission. */
	assert_int_equal(inbox_setattr(b->inbox, &req, INBOX_FILE, id, &st,
				       INBOX_SET_MTIME | INBOX_SET_MODE, &e),
			 0);
	assert_int_equal(box_collect(b, SETTLED), 0);
	assert_int_equal(box_lookup(b, "june.csv").st.st_mtim.tv_sec, 1234);
}

static void
test_reopen_copies(void **state)
{
	struct box *b = *state;
	char name[1024], got[16] = "";
	int64_t id = box_copy(b, "june.csv", "old\n");
	int64_t first, second;
	uint64_t fh;

	assert_int_equal(box_collect(b, SETTLED), 1);
	first = box_row(b, id).submission;
	box_judge(b, first, "accepted", NULL);
	assert_string_equal(box_names(b, name),
			    "june.csv june.csv.receipt.json "
			    "june.csv.receipt.txt");
	/* Nothing writes into bound bytes. */
	assert_int_equal(inbox_write(b->inbox, id, "x", 1, 0), -EBADF);

	fh = box_open(b, id, O_RDWR);
	assert_string_equal(box_names(b, name), "june.csv");
	box_expect(b, INBOX_FILE, id, "old\n");
	box_write(b, id, "NEW", 0);
	box_close(b, id, fh);
	assert_int_equal(box_collect(b, SETTLED), 1);
	second = box_row(b, id).submission;
	assert_true(second > first);
	box_expect(b, INBOX_FILE, id, "NEW\n");
	/* The archive has what was judged. */
	assert_int_equal(inbox_archive_read(b->inbox, first, INBOX_FILE, got,
					    sizeof(got), 0),
			 4);
	assert_memory_equal(got, "old\n", 4);
	assert_int_equal(box_blobs(b), 2);
}

static void
test_overwrite_and_truncate(void **state)
{
	struct box *b = *state;
	struct inbox_request req = box_request(b);
	struct inbox_entry e = {.id = 0};
	int64_t id = box_copy(b, "june.csv", "0123456789");

	assert_int_equal(box_collect(b, SETTLED), 1);
	assert_int_equal(box_copy(b, "june.csv", "new"), id);
	assert_int_equal(box_collect(b, SETTLED), 1);
	box_expect(b, INBOX_FILE, id, "new");
	e.st.st_size = 1;
	assert_int_equal(inbox_setattr(b->inbox, &req, INBOX_FILE, id, &e.st,
				       INBOX_SET_SIZE, &e),
			 0);
	assert_int_equal(e.st.st_size, 1);
	assert_int_equal(box_row(b, id).submission, 0);
	assert_int_equal(box_collect(b, SETTLED), 1);
	box_expect(b, INBOX_FILE, id, "n");
	e.st.st_size = 0;
	assert_int_equal(inbox_setattr(b->inbox, &req, INBOX_FILE, id, &e.st,
				       INBOX_SET_SIZE, &e),
			 0);
	assert_int_equal(box_collect(b, SETTLED), 0); /* no bytes */
	assert_int_equal(box_submissions(b, "judging"), 3);
}

/* ---- killed writers ------------------------------------------------------ */

/* The pid of a child that a signal ended; reap() it. */
static pid_t
killed_child(void)
{
	siginfo_t info;
	pid_t pid = fork();

	if (pid == 0) {
		pause();
		_exit(0);
	}
	assert_true(pid > 0);
	kill(pid, SIGKILL);
	assert_int_equal(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
	return pid;
}

static int64_t
killed_copy(struct box *b, const char *name, const char *text)
{
	struct inbox_request req;
	uint64_t fh;
	int64_t id = box_create(b, name, &fh);
	int64_t waiting;

	box_write(b, id, text, 0);
	req = box_request(b);
	req.pid = killed_child();
	assert_int_equal(inbox_flush(b->inbox, &req, id, fh), 0);
	waitpid(req.pid, NULL, 0);
	req.pid = 0;
	assert_int_equal(inbox_release(b->inbox, &req, id, fh), 0);
	assert_int_equal(inbox_waiting(b->inbox, &waiting, NULL), 0);
	assert_int_equal(waiting, 0);
	return id;
}

static void
expect_killed(struct box *b, int64_t id, bool killed)
{
	scope_reader reader = {0};
	struct store_submission s;
	int64_t number = box_row(b, id).submission;

	assert_int_equal(store_reader_get(b->store, &reader, NULL), 0);
	assert_int_equal(store_submission_get(reader.db, number, &s, NULL), 1);
	assert_int_equal(s.killed, killed);
	store_submission_release(&s);
}

static void
test_killed(void **state)
{
	struct box *b = *state;
	int64_t id = killed_copy(b, "june.csv", "half");

	assert_int_equal(box_collect(b, SETTLED), 1);
	expect_killed(b, id, true);
	/* Copied again, it is whole. */
	assert_int_equal(box_copy(b, "june.csv", "all of it"), id);
	assert_int_equal(box_collect(b, SETTLED), 1);
	expect_killed(b, id, false);
}

static void
test_rewritten_in_place(void **state)
{
	struct box *b = *state;
	int64_t id = killed_copy(b, "june.csv", "half");
	uint64_t fh = box_open(b, id, O_WRONLY);

	/* Only its end is new: what the first writer lost stays lost. */
	box_write(b, id, " more", 4);
	box_close(b, id, fh);
	assert_int_equal(box_collect(b, SETTLED), 1);
	expect_killed(b, id, true);
	fh = box_open(b, id, O_WRONLY);
	box_write(b, id, "every", 0);
	box_write(b, id, " byte", 5);
	box_close(b, id, fh);
	assert_int_equal(box_collect(b, SETTLED), 1);
	expect_killed(b, id, false);
}

static void
test_no_room(void **state)
{
	struct box *b = *state;
	struct inbox_request req = box_request(b);
	struct sigaction ignore = {.sa_handler = SIG_IGN}, old;
	uint64_t fh;
	int64_t id = box_create(b, "june.csv", &fh);

	box_write(b, id, "abc", 0);
	/* A write that cannot be kept is refused... */
	sigaction(SIGXFSZ, &ignore, &old);
	assert_true(inbox_write(b->inbox, id, "x", 1, INT64_MAX - 1) < 0);
	sigaction(SIGXFSZ, &old, NULL);
	/* ... close() says so again, and the file is not whole, also when the
	 * worker that knew is gone. */
	assert_true(inbox_flush(b->inbox, &req, id, fh) < 0);
	box_restart(b, true);
	assert_int_equal(inbox_release(b->inbox, &req, id, fh), 0);
	assert_int_equal(box_collect(b, SETTLED), 1);
	expect_killed(b, id, true);
	assert_int_equal(box_copy(b, "june.csv", "abcd"), id);
	assert_int_equal(box_collect(b, SETTLED), 1);
	expect_killed(b, id, false);
}

static void
changed(void *ctx)
{
	++((struct box *)ctx)->changes;
}

static void
test_tells_of_candidates(void **state)
{
	struct box *b = *state;

	inbox_on_change(b->inbox, changed, b);
	box_copy(b, "a.tmp", "a\n");
	assert_int_equal(b->changes, 1);
	assert_int_equal(box_rename(b, "a.tmp", "a.csv"), 0);
	assert_int_equal(b->changes, 2);
	/* A final name completes at once. */
	assert_int_equal(box_collect(b, clock_now()), 1);
}

static void
test_many_at_once(void **state)
{
	struct box *b = *state;
	char name[32];

	for (int i = 0; i < 150; i++) {
		snprintf(name, sizeof(name), "%d.csv", i);
		box_copy(b, name, "a\n");
	}
	assert_int_equal(box_collect(b, SETTLED), 150);
	assert_int_equal(box_submissions(b, "judging"), 150);
}

/* A clock that was set back must not make files wait for it. */
static void
test_clock_set_back(void **state)
{
	struct box *b = *state;

	box_copy(b, "june.csv", "a\n");
	assert_int_equal(box_collect(b, clock_now() - 3600 * CLOCK_NS), 1);
}

static int
count_entry(void *ctx, const struct inbox_entry *e)
{
	int *n = ctx;

	(void)e;
	++*n;
	return 0;
}

/* What the folder shows, what archive/ has, and the status. */
static void
expect_shown(struct box *b, int64_t id, const char *names, int archived,
	     const char *status)
{
	char got[1024], text[32] = "";
	ssize_t size;
	int n = 0;

	assert_string_equal(box_names(b, got), names);
	assert_int_equal(inbox_archive_list(b->inbox, box_row(b, id).submission,
					    count_entry, &n),
			 0);
	assert_int_equal(n, archived);
	size = inbox_getxattr(b->inbox, INBOX_FILE, id, "user.civicfs.status",
			      text, sizeof(text) - 1);
	assert_true(size > 0);
	text[size] = '\0';
	assert_string_equal(text, status);
}

/* Receipts appear everywhere at once, and not before the versions that they
 * speak of do: those of a first verdict, and of a fix file. */
static void
test_shown_with_their_versions(void **state)
{
	static const char all[] = "june.csv june.csv.fix.csv "
				  "june.csv.receipt.json june.csv.receipt.txt";
	struct box *b = *state;
	int64_t id = box_copy(b, "june.csv", "a\n"), number;
	struct store_submission s;
	struct store_fix_round round = {0};

	assert_int_equal(box_collect(b, SETTLED), 1);
	number = box_row(b, id).submission;
	inbox_tell(b->inbox, 6);
	{
		scope_txn txn = {0};
		const struct store_verdict v = {.state = "partial",
						.judged_at = 1,
						.seq = 7,
						.receipt_json = SLICE("{}"),
						.receipt_text = SLICE("well")};

		assert_int_equal(store_begin(b->store, &txn, NULL), 0);
		assert_int_equal(
			store_submission_judged(&txn, number, &v, NULL), 0);
		assert_int_equal(store_commit(&txn, NULL), 0);
	}
	expect_shown(b, id, "june.csv", 1, "judging");
	inbox_tell(b->inbox, 7);
	expect_shown(b, id,
		     "june.csv june.csv.receipt.json june.csv.receipt.txt", 3,
		     "partial");
	{
		scope_txn txn = {0};

		assert_int_equal(store_begin(b->store, &txn, NULL), 0);
		round = (struct store_fix_round){.submission = number,
						 .blob = box_row(b, id).blob,
						 .submitted_by = (char[]){""},
						 .was = "partial"};
		assert_int_equal(store_fix_begin(&txn, &round, NULL), 0);
		round.seq = 9;
		round.judged_at = 2;
		snprintf(round.state, sizeof(round.state), "accepted");
		assert_int_equal(store_fix_end(&txn, &round, NULL), 0);
		assert_int_equal(store_commit(&txn, NULL), 0);
	}
	box_judge(b, number, "partial", "a,_row\n");
	expect_shown(b, id, "june.csv june.csv.fix.csv", 1, "judging");
	inbox_tell(b->inbox, 9);
	expect_shown(b, id, all, 4, "partial");
	{
		scope_reader reader = {0};

		assert_int_equal(store_reader_get(b->store, &reader, NULL), 0);
		assert_int_equal(
			store_submission_get(reader.db, number, &s, NULL), 1);
		assert_int_equal(s.told_seq, 9);
		assert_true(inbox_is_told(b->inbox, &s));
		store_submission_release(&s);
	}
}

#define BOX_TEST(f) cmocka_unit_test_setup_teardown(f, box_setup, box_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		BOX_TEST(test_close_and_settle),
		BOX_TEST(test_submission),
		BOX_TEST(test_never_complete),
		BOX_TEST(test_one_submission),
		BOX_TEST(test_touch_waits_again),
		BOX_TEST(test_reopen_copies),
		BOX_TEST(test_overwrite_and_truncate),
		BOX_TEST(test_killed),
		BOX_TEST(test_rewritten_in_place),
		BOX_TEST(test_no_room),
		BOX_TEST(test_tells_of_candidates),
		BOX_TEST(test_many_at_once),
		BOX_TEST(test_clock_set_back),
		BOX_TEST(test_shown_with_their_versions),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
