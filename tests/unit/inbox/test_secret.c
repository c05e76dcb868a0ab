/* Bytes that must not be here. Fails if a name leads to them after the verdict,
 * if they can be read after they were erased, by whoever had them open, if a
 * death in between leaves them, or if a backup's or another's bytes are lost.
 */

#include "store/erasure.h"
#include "store/fix.h"
#include "tests/unit/inbox/fixture.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#define SECRET "a\nsecret\n"

static struct store_submission
submission_of(struct box *b, int64_t number)
{
	struct store_submission s = {0};
	scope_reader reader = {0};

	assert_int_equal(store_reader_get(b->store, &reader, NULL), 0);
	assert_int_equal(store_submission_get(reader.db, number, &s, NULL), 1);
	store_submission_release(&s);
	return s;
}

static int
open_blob(struct box *b, int64_t blob)
{
	char path[STORE_BLOB_PATH_MAX];

	store_blob_path(blob, path);
	return openat(store_dir_fd(b->store), path, O_RDONLY | O_CLOEXEC);
}

/* The verdict that rejects the bytes of a submission, or of its round. */
static void
reject(struct box *b, int64_t number, bool original, int64_t round_blob,
       bool commit)
{
	const struct store_verdict v = {.state = original ? "rejected"
							  : "partial",
					.judged_at = 1,
					.receipt_json = SLICE("{}"),
					.receipt_text = SLICE("erased")};
	struct store_submission s = submission_of(b, number);
	struct inbox_secret secret = {.n = 0};
	scope_txn txn = {0};

	assert_int_equal(store_begin(b->store, &txn, NULL), 0);
	if (original)
		assert_int_equal(
			store_submission_judged(&txn, number, &v, NULL), 0);
	assert_int_equal(inbox_secret_begin(b->inbox, &txn, &s, original,
					    round_blob, &secret, NULL),
			 0);
	if (commit)
		assert_int_equal(store_commit(&txn, NULL), 0);
	else
		store_rollback(&txn);
	inbox_secret_end(b->inbox, &secret, commit);
}

static bool
is_erasing(struct box *b, int64_t number)
{
	return submission_of(b, number).erasing;
}

static void
take_usage(void *ctx, const struct inbox_usage *u)
{
	*(int64_t *)ctx += u->bytes;
}

static int64_t
usage(struct box *b)
{
	int64_t bytes = 0;

	inbox_each_usage(b->inbox, take_usage, &bytes);
	return bytes;
}

static void
expect_gone(struct box *b, int64_t id, int64_t blob)
{
	char got[sizeof(SECRET)];

	assert_int_equal(open_blob(b, blob), -1);
	box_expect(b, INBOX_FILE, id, "");
	assert_int_equal(box_lookup(b, "june.csv").st.st_size, 0);
	assert_int_equal(inbox_archive_read(b->inbox, box_row(b, id).submission,
					    INBOX_FILE, got, sizeof(got), 0),
			 -ESTALE);
}

/* Whoever had them open, under whatever name, reads zeros. */
static void
test_erased(void **state)
{
	struct box *b = *state;
	int64_t id = box_copy(b, "june.csv", SECRET), number, blob;
	char got[sizeof(SECRET)] = "";
	scope_fd held = -1;

	assert_int_equal(box_collect(b, SETTLED), 1);
	number = box_row(b, id).submission;
	blob = box_row(b, id).blob;
	held = open_blob(b, blob);
	box_expect(b, INBOX_FILE, id, SECRET);
	assert_int_equal(usage(b), (int64_t)strlen(SECRET));
	reject(b, number, true, 0, true);
	/* from the verdict on, no name leads to them */
	assert_true(is_erasing(b, number));
	box_expect(b, INBOX_FILE, id, "");
	assert_int_equal(usage(b), 0);
	assert_int_equal(inbox_secret_erase(b->inbox, NULL), 0);
	assert_false(is_erasing(b, number));
	expect_gone(b, id, blob);
	assert_int_equal(pread(held, got, sizeof(got), 0),
			 (ssize_t)strlen(SECRET));
	for (size_t i = 0; i < strlen(SECRET); i++)
		assert_int_equal(got[i], 0);
	/* once more there is nothing to do, and the name is a file like any */
	assert_int_equal(inbox_secret_erase(b->inbox, NULL), 0);
	assert_int_equal(box_has(b, "june.csv.receipt.txt"), 0);
	box_copy(b, "june.csv", "a\nb\n");
	assert_int_equal(box_collect(b, SETTLED), 1);
	assert_int_equal(usage(b), 4);
}

static void
test_no_commit(void **state)
{
	struct box *b = *state;
	int64_t id = box_copy(b, "june.csv", SECRET), blobs;

	assert_int_equal(box_collect(b, SETTLED), 1);
	blobs = box_blobs(b);
	reject(b, box_row(b, id).submission, true, 0, false);
	assert_int_equal(inbox_secret_erase(b->inbox, NULL), 0);
	box_expect(b, INBOX_FILE, id, SECRET);
	assert_int_equal(box_blobs(b), blobs);
	assert_int_equal(usage(b), (int64_t)strlen(SECRET));
}

/* A worker, or the machine, dies between the verdict and the erasing. */
static void
test_death(void **state)
{
	for (int same_mount = 0; same_mount < 2; same_mount++) {
		struct box *b = *state;
		int64_t id = box_copy(b, "june.csv", SECRET);
		int64_t blob;

		assert_int_equal(box_collect(b, SETTLED), 1);
		blob = box_row(b, id).blob;
		reject(b, box_row(b, id).submission, true, 0, true);
		box_restart(b, same_mount);
		/* nobody tidies it away before it is overwritten */
		assert_true(is_erasing(b, box_row(b, id).submission));
		close(open_blob(b, blob));
		assert_int_equal(inbox_secret_erase(b->inbox, NULL), 0);
		expect_gone(b, id, blob);
		/* the file itself may be gone by then, too */
		assert_int_equal(box_unlink(b, "june.csv"), 0);
	}
}

/* A backup has a name for the same bytes: they stay what its sums say. */
static void
test_backup(void **state)
{
	struct box *b = *state;
	int64_t id = box_copy(b, "june.csv", SECRET), blob;
	char path[STORE_BLOB_PATH_MAX], got[sizeof(SECRET)] = "";
	scope_fd held = -1;

	assert_int_equal(box_collect(b, SETTLED), 1);
	blob = box_row(b, id).blob;
	store_blob_path(blob, path);
	assert_int_equal(linkat(store_dir_fd(b->store), path,
				store_dir_fd(b->store), "backup", 0),
			 0);
	held = open_blob(b, blob);
	reject(b, box_row(b, id).submission, true, 0, true);
	assert_int_equal(inbox_secret_erase(b->inbox, NULL), 0);
	expect_gone(b, id, blob);
	assert_int_equal(pread(held, got, sizeof(got), 0),
			 (ssize_t)strlen(SECRET));
	assert_string_equal(got, SECRET);
	assert_int_equal(unlinkat(store_dir_fd(b->store), "backup", 0), 0);
}

/* Of a fix file that came back only its own bytes go, whatever it is called by
 * then, and also while it is removed and somebody has it open. */
static void
test_round(void **state)
{
	struct box *b = *state;
	int64_t id = box_copy(b, "june.csv", "a\n1\n"), number, fix, blob;
	struct inbox_request req;

	assert_int_equal(box_collect(b, SETTLED), 1);
	number = box_row(b, id).submission;
	box_judge(b, number, "partial", "a,_row\n");
	fix = box_copy(b, "june.csv.fix.csv", SECRET);
	assert_int_equal(box_collect(b, SETTLED), 1);
	blob = box_row(b, fix).blob;
	assert_int_equal(box_rename(b, "june.csv.fix.csv", "mine.csv"), 0);
	req = box_request(b);
	{
		uint64_t fh = 0;

		assert_int_equal(inbox_open_file(b->inbox, &req, INBOX_FILE,
						 fix, O_RDONLY, &fh),
				 0);
		assert_int_equal(box_unlink(b, "mine.csv"), 0);
		reject(b, number, false, blob, true);
		{
			struct store_fix_round r = {0};
			scope_txn txn = {0};

			assert_int_equal(store_begin(b->store, &txn, NULL), 0);
			assert_int_equal(
				store_fix_pending(txn.db, number, &r, NULL), 1);
			r.judged_at = 1;
			snprintf(r.state, sizeof(r.state), "partial");
			assert_int_equal(store_fix_end(&txn, &r, NULL), 0);
			assert_int_equal(store_commit(&txn, NULL), 0);
			store_fix_round_release(&r);
		}
		assert_int_equal(inbox_secret_erase(b->inbox, NULL), 0);
		box_expect(b, INBOX_FILE, fix, "");
		assert_int_equal(inbox_release(b->inbox, &req, fix, fh), 0);
	}
	assert_int_equal(open_blob(b, blob), -1);
	box_expect(b, INBOX_FILE, id, "a\n1\n");
	assert_int_not_equal(submission_of(b, number).blob, 0);
}

/* What fails is tried again, and holds up no other. */
static void
test_failure(void **state)
{
	struct box *b = *state;
	int64_t first = box_copy(b, "may.csv", SECRET);
	int64_t id = box_copy(b, "june.csv", SECRET), bad, blob;
	char path[STORE_BLOB_PATH_MAX];
	int dir = store_dir_fd(b->store);

	assert_int_equal(box_collect(b, SETTLED), 2);
	bad = box_row(b, first).blob;
	blob = box_row(b, id).blob;
	assert_true(bad < blob);
	reject(b, box_row(b, first).submission, true, 0, true);
	reject(b, box_row(b, id).submission, true, 0, true);
	store_blob_path(bad, path);
	assert_int_equal(renameat(dir, path, dir, "aside"), 0);
	assert_int_equal(mkdirat(dir, path, 0700), 0);
	assert_int_not_equal(inbox_secret_erase(b->inbox, NULL), 0);
	assert_true(is_erasing(b, box_row(b, first).submission));
	expect_gone(b, id, blob);
	assert_int_equal(unlinkat(dir, path, AT_REMOVEDIR), 0);
	assert_int_equal(renameat(dir, "aside", dir, path), 0);
	assert_int_equal(inbox_secret_erase(b->inbox, NULL), 0);
	assert_false(is_erasing(b, box_row(b, first).submission));
	assert_int_equal(open_blob(b, bad), -1);
}

struct told {
	int64_t submission, files[4];
	size_t n;
};

static void
on_erased(void *ctx, int64_t submission, int64_t file)
{
	struct told *t = ctx;

	t->submission = submission;
	t->files[t->n++ % 4] = file;
}

/* The kernel is to forget what it keeps of each. */
static void
test_told(void **state)
{
	struct box *b = *state;
	int64_t id = box_copy(b, "june.csv", SECRET);
	struct told told = {0};

	assert_int_equal(box_collect(b, SETTLED), 1);
	inbox_on_erased(b->inbox, on_erased, &told);
	reject(b, box_row(b, id).submission, true, 0, true);
	assert_int_equal(told.n, 0);
	assert_int_equal(inbox_secret_erase(b->inbox, NULL), 0);
	assert_int_equal(told.submission, box_row(b, id).submission);
	assert_int_equal(told.n, 2);
	assert_int_equal(told.files[0], 0);
	assert_int_equal(told.files[1], id);
}

#define BOX_TEST(f) cmocka_unit_test_setup_teardown(f, box_setup, box_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		BOX_TEST(test_erased), BOX_TEST(test_no_commit),
		BOX_TEST(test_death),  BOX_TEST(test_backup),
		BOX_TEST(test_round),  BOX_TEST(test_failure),
		BOX_TEST(test_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
