/*
 * The worker dies, or the machine. Fails if a request that comes again is
 * done twice, if a closed file is lost or judged twice, if a file whose
 * writer died counts as whole, or if bytes nobody refers to stay.
 */
#include "tests/unit/inbox/fixture.h"

#include "inbox/live.h"
#include "store/sql.h"

#include <pthread.h>
#include <stdatomic.h>

/* ---- requests that come again -------------------------------------------- */

static void
test_create_again(void **state)
{
	struct box *b = *state;
	struct inbox_request req = box_request(b), again = box_again(&req);
	struct inbox_entry first, second;
	uint64_t fh;

	assert_int_equal(inbox_create(b->inbox, &req, b->resource, "june.csv",
				      0600, O_WRONLY | O_CREAT | O_EXCL, &first,
				      &fh),
			 0);
	box_restart(b, true);
	assert_int_equal(inbox_create(b->inbox, &again, b->resource, "june.csv",
				      0600, O_WRONLY | O_CREAT | O_EXCL,
				      &second, &fh),
			 0);
	assert_int_equal(first.id, second.id);
	assert_int_equal(fh, req.unique);
	assert_int_equal(box_row(b, first.id).handles, 1);
	box_write(b, first.id, "a\n", 0);
	box_close(b, first.id, fh);
	assert_int_equal(box_collect(b, SETTLED), 1);
	/* Not done before: it is done now. */
	again = box_request(b);
	again.resent = true;
	assert_int_equal(inbox_mknod(b->inbox, &again, b->resource, "new.csv",
				     0600, &second),
			 0);
	assert_int_equal(inbox_mknod(b->inbox, &again, b->resource, "new.csv",
				     0600, &first),
			 0);
	assert_int_equal(first.id, second.id);
}

/* A file of that name was there and was opened; before the answer was given,
 * somebody took it away. */
static void
test_create_of_what_was_there_again(void **state)
{
	struct box *b = *state;
	int64_t id = box_copy(b, "june.csv", "old\n");
	struct inbox_request req = box_request(b), again = box_again(&req);
	struct inbox_entry first, second;
	uint64_t fh;

	assert_int_equal(inbox_create(b->inbox, &req, b->resource, "june.csv",
				      0600, O_WRONLY | O_CREAT, &first, &fh),
			 0);
	assert_int_equal(first.id, id);
	box_restart(b, true);
	assert_int_equal(box_unlink(b, "june.csv"), 0);
	assert_int_equal(inbox_create(b->inbox, &again, b->resource, "june.csv",
				      0600, O_WRONLY | O_CREAT, &second, &fh),
			 0);
	assert_int_equal(second.id, id);
	assert_int_equal(fh, req.unique);
	assert_int_equal(box_row(b, id).handles, 1);
	assert_int_equal(box_has(b, "june.csv"), -ENOENT);
	box_close(b, id, fh);
}

static void
test_names_again(void **state)
{
	struct box *b = *state;
	struct inbox_request req = box_request(b), again = box_again(&req);

	box_copy(b, "a.csv", "a\n");
	assert_int_equal(
		inbox_rename(b->inbox, &req, b->resource, "a.csv", "b.csv", 0),
		0);
	box_copy(b, "a.csv", "other\n");
	box_restart(b, true);
	assert_int_equal(inbox_rename(b->inbox, &again, b->resource, "a.csv",
				      "b.csv", 0),
			 0);
	assert_int_equal(box_has(b, "a.csv"), 0); /* the other one is left */

	req = box_request(b);
	again = box_again(&req);
	assert_int_equal(inbox_unlink(b->inbox, &req, b->resource, "a.csv"), 0);
	box_copy(b, "a.csv", "third\n");
	assert_int_equal(inbox_unlink(b->inbox, &again, b->resource, "a.csv"),
			 0);
	assert_int_equal(box_has(b, "a.csv"), 0);
	/* An answer of another mount is none. */
	box_restart(b, false);
	assert_int_equal(inbox_unlink(b->inbox, &again, b->resource, "a.csv"),
			 0);
	assert_int_equal(box_has(b, "a.csv"), -ENOENT);
}

static void
test_xattrs_again(void **state)
{
	struct box *b = *state;
	struct inbox_request req = box_request(b), again = box_again(&req);
	int64_t id = box_copy(b, "a.csv", "a\n");

	assert_int_equal(inbox_setxattr(b->inbox, &req, INBOX_FILE, id,
					"user.a", "1", 1, XATTR_CREATE),
			 0);
	assert_int_equal(inbox_setxattr(b->inbox, &again, INBOX_FILE, id,
					"user.a", "1", 1, XATTR_CREATE),
			 0);
	req = box_request(b);
	again = box_again(&req);
	assert_int_equal(
		inbox_removexattr(b->inbox, &req, INBOX_FILE, id, "user.a"), 0);
	assert_int_equal(
		inbox_removexattr(b->inbox, &again, INBOX_FILE, id, "user.a"),
		0);
}

static void
test_open_again(void **state)
{
	struct box *b = *state;
	struct inbox_request req, again;
	int64_t id = box_copy(b, "a.csv", "old");
	uint64_t fh;

	assert_int_equal(box_collect(b, SETTLED), 1);
	req = box_request(b);
	again = box_again(&req);
	assert_int_equal(
		inbox_open_file(b->inbox, &req, INBOX_FILE, id, O_WRONLY, &fh),
		0);
	box_restart(b, true);
	assert_int_equal(inbox_open_file(b->inbox, &again, INBOX_FILE, id,
					 O_WRONLY, &fh),
			 0);
	assert_int_equal(box_row(b, id).handles, 1);
	assert_int_equal(box_blobs(b), 2);
	box_write(b, id, "new", 0);
	box_close(b, id, fh);
	/* A RELEASE that comes again is harmless. */
	assert_int_equal(inbox_release(b->inbox, &again, id, fh), 0);
	assert_int_equal(box_collect(b, SETTLED), 1);
	assert_int_equal(box_collect(b, SETTLED), 0);
}

static void
test_answers_are_pruned(void **state)
{
	struct box *b = *state;
	scope_txn txn = {0};
	int64_t result, node;

	assert_int_equal(store_begin(b->store, &txn, NULL), 0);
	for (uint64_t i = 1; i <= STORE_DONE_KEPT + 10; i++)
		assert_int_equal(store_done_add(&txn, b->session, i << 33, 0,
						(int64_t)i, NULL),
				 0);
	assert_int_equal(store_done_get(txn.db, b->session, UINT64_C(10) << 33,
					&result, &node, NULL),
			 0);
	assert_int_equal(store_done_get(txn.db, b->session, UINT64_C(11) << 33,
					&result, &node, NULL),
			 1);
	assert_int_equal(node, 11);
}

/* ---- the worker is started again in the same mount ----------------------- */

static void
test_handles_live_on(void **state)
{
	struct box *b = *state;
	uint64_t fh;
	int64_t id = box_create(b, "june.csv", &fh);

	box_write(b, id, "one\n", 0);
	box_restart(b, true);
	assert_int_equal(box_collect(b, SETTLED), 0);
	box_write(b, id, "two\n", 4);
	box_restart(b, true);
	box_close(b, id, fh);
	assert_int_equal(box_collect(b, SETTLED), 1);
	assert_int_equal(box_row(b, id).killed, 0);
	box_expect(b, INBOX_FILE, id, "one\ntwo\n");
}

/* A reader of the dead worker's time is not known: what it has open stays. */
static void
test_readers_live_on(void **state)
{
	struct box *b = *state;
	int64_t id = box_copy(b, "june.csv", "old");

	box_open(b, id, O_RDONLY);
	box_restart(b, true);
	assert_int_equal(box_unlink(b, "june.csv"), 0);
	assert_int_equal(box_has(b, "june.csv"), -ENOENT);
	box_expect(b, INBOX_FILE, id, "old");
	box_restart(b, false);
	assert_int_equal(box_blobs(b), 0);
}

/* Until the kernel has dropped the inode: then nobody has it. */
static void
test_forgotten_is_gone(void **state)
{
	struct box *b = *state;
	int64_t id = box_copy(b, "june.csv", "old");

	box_restart(b, true);
	inbox_forgotten(b->inbox, id);
	assert_int_equal(box_has(b, "june.csv"), 0);
	assert_int_equal(box_unlink(b, "june.csv"), 0);
	assert_int_equal(box_blobs(b), 1);
	inbox_forgotten(b->inbox, id);
	assert_int_equal(box_blobs(b), 0);
}

/* ---- the mount ends, or the machine -------------------------------------- */

static void
test_open_files_are_incomplete(void **state)
{
	struct box *b = *state;
	struct inbox_request req;
	struct store_inbox_file f;
	uint64_t open, closed;
	int64_t a = box_create(b, "open.csv", &open);
	int64_t c = box_create(b, "closed.csv", &closed);
	int64_t d = box_create(b, "again.csv", &open);

	box_write(b, a, "half", 0);
	box_write(b, c, "whole", 0);
	box_write(b, d, "half", 0);
	req = box_request(b);
	assert_int_equal(inbox_flush(b->inbox, &req, c, closed), 0);
	/* Closed, then written on. */
	assert_int_equal(inbox_flush(b->inbox, &req, d, open), 0);
	box_write(b, d, "more", 4);
	box_restart(b, false);
	f = box_row(b, a);
	assert_true(f.killed && f.quiet_since && !f.handles);
	f = box_row(b, c);
	assert_true(!f.killed && f.quiet_since && !f.handles);
	f = box_row(b, d);
	assert_true(f.killed);
	assert_int_equal(box_collect(b, SETTLED), 3);
	assert_int_equal(box_collect(b, SETTLED), 0);
}

/* The file that the machine finds instead after it died: ext4 had the row of
 * the close, but not the bytes. Its ctime is before the close's time, as that
 * of an inode which was written earlier. */
static void
lose_bytes(struct box *b, int64_t id, const char *left)
{
	static const char text[] = "UPDATE handle SET closed_at = ?2"
				   " WHERE file = ?1";
	struct store_inbox_file f = box_row(b, id);
	struct error err = ERROR_INIT;
	char path[STORE_BLOB_PATH_MAX];
	scope_stmt *stmt = NULL;
	scope_txn txn = {0};
	scope_fd fd = -1;

	store_blob_path(f.blob, path);
	assert_int_equal(unlinkat(b->dir, path, 0), 0);
	if (left) {
		fd = openat(b->dir, path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
		assert_true(fd >= 0);
		assert_int_equal(write(fd, left, strlen(left)), strlen(left));
	}
	assert_int_equal(store_begin(b->store, &txn, &err), 0);
	assert_int_equal(sql_get(txn.db, text, &stmt, &err), 0);
	sql_bind_int(stmt, 1, id);
	sql_bind_int(stmt, 2, clock_now() + CLOCK_NS);
	assert_int_equal(sql_run(txn.db, stmt, &err), 0);
	sql_reset(&stmt);
	stmt = NULL;
	assert_int_equal(store_commit(&txn, &err), 0);
}

/* A close() of a small file waits for its row and its bytes at once. */
static void
test_bytes_that_were_lost(void **state)
{
	static const struct {
		const char *name, *left; /* NULL: not even the file */
		int killed;
	} cases[] = {
		{"whole.csv", "a,b\n1,2\n", 0},
		{"short.csv", "", 1},
		{"other.csv", "a,b\n1,0\n", 1},
		{"none.csv", NULL, 1},
	};
	const size_t n = sizeof(cases) / sizeof(*cases);
	struct box *b = *state;
	int64_t ids[4];

	for (size_t i = 0; i < n; i++) {
		struct inbox_request req = box_request(b);
		uint64_t fh;

		ids[i] = box_create(b, cases[i].name, &fh);
		box_write(b, ids[i], "a,b\n1,2\n", 0);
		assert_int_equal(inbox_flush(b->inbox, &req, ids[i], fh), 0);
		lose_bytes(b, ids[i], cases[i].left);
	}
	box_restart(b, false);
	for (size_t i = 0; i < n; i++) {
		struct store_inbox_file f = box_row(b, ids[i]);

		assert_int_equal(f.handles, 0);
		assert_int_equal(f.killed, cases[i].killed);
	}
}

static void
test_complete_before_crash(void **state)
{
	struct box *b = *state;
	int64_t id = box_copy(b, "june.csv", "a\n");

	box_restart(b, false);
	assert_int_equal(box_collect(b, SETTLED), 1);
	box_restart(b, false);
	assert_int_equal(box_collect(b, SETTLED), 0);
	assert_int_equal(box_row(b, id).killed, 0);
}

static void
test_blobs_are_swept(void **state)
{
	struct box *b = *state;
	struct store_inbox_file f;
	char path[STORE_BLOB_PATH_MAX];
	int64_t id = box_copy(b, "june.csv", "a\n");
	uint64_t fh;
	int fd;

	/* A file that no row refers to, and a row that nothing refers to. */
	store_blob_path(4711, path);
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	close(fd);
	{
		scope_txn txn = {0};
		int64_t blob;

		assert_int_equal(store_begin(b->store, &txn, NULL), 0);
		assert_int_equal(store_blob_add(&txn, 1, &blob, NULL), 0);
		assert_int_equal(store_commit(&txn, NULL), 0);
	}
	box_create(b, "gone.csv", &fh);
	assert_int_equal(box_unlink(b, "gone.csv"), 0);
	assert_int_equal(box_blobs(b), 3);
	box_restart(b, false);
	assert_int_equal(box_blobs(b), 1);
	box_expect(b, INBOX_FILE, id, "a\n");
	/* A blob whose name did not reach the disk. */
	f = box_row(b, id);
	store_blob_path(f.blob, path);
	assert_int_equal(unlink(path), 0);
	box_restart(b, false);
	box_expect(b, INBOX_FILE, id, "");
}

/* ---- threads ------------------------------------------------------------- */

struct storm {
	struct box *b;
	atomic_uint_fast64_t *unique;
	int number;
	int failed;
};

/* One of several that write the same few names over and over. */
static void *
storm(void *ctx)
{
	struct storm *s = ctx;
	struct inbox *inbox = s->b->inbox;

	for (int i = 0; i < 25; i++) {
		struct inbox_request req = {.uid = UID, .gid = GID};
		struct inbox_entry e;
		char name[16], got[4];
		uint64_t fh;

		snprintf(name, sizeof(name), "%d.csv", (i + s->number) % 3);
		req.unique = atomic_fetch_add(s->unique, 1);
		if (inbox_create(inbox, &req, s->b->resource, name, 0600,
				 O_WRONLY | O_CREAT | O_TRUNC, &e, &fh)) {
			s->failed++;
			continue;
		}
		s->failed += inbox_write(inbox, e.id, "abcd", 4, 0) != 4;
		s->failed += inbox_read(inbox, INBOX_FILE, e.id, got, 4, 0) < 0;
		s->failed += inbox_flush(inbox, &req, e.id, fh) != 0;
		s->failed += inbox_release(inbox, &req, e.id, fh) != 0;
		req.unique = atomic_fetch_add(s->unique, 1);
		if (i % 5 == 0)
			(void)inbox_unlink(inbox, &req, s->b->resource, name);
		else if (i % 5 == 1)
			(void)inbox_rename(inbox, &req, s->b->resource, name,
					   "0.csv", 0);
	}
	return NULL;
}

static void
test_threads(void **state)
{
	struct box *b = *state;
	atomic_uint_fast64_t unique = 100;
	struct storm storms[4];
	pthread_t threads[4];
	int collected = 0, failed = 0;

	for (int i = 0; i < 4; i++) {
		storms[i] = (struct storm){b, &unique, i, 0};
		assert_int_equal(
			pthread_create(&threads[i], NULL, storm, &storms[i]),
			0);
	}
	for (int i = 0; i < 20; i++)
		collected += box_collect(b, SETTLED);
	for (int i = 0; i < 4; i++) {
		pthread_join(threads[i], NULL);
		failed += storms[i].failed;
	}
	assert_int_equal(failed, 0);
	collected += box_collect(b, SETTLED);
	assert_int_equal(box_submissions(b, "judging"), collected);
	/* Every blob is a submission's or a file's. */
	assert_true(box_blobs(b) <= collected + 3);
}

/* ---- the table of open files --------------------------------------------- */

static void
test_live(void **state)
{
	struct inbox_live *live = inbox_live_new();
	struct inbox_live_fd *fd;
	uint64_t before;

	(void)state;
	assert_non_null(live);
	/* A blob that changes hands while it is looked up. */
	assert_null(inbox_live_find(live, 1, &before));
	inbox_live_rebind(live, 1);
	assert_int_equal(inbox_live_keep(live, 1,
					 &(struct inbox_live_fd){.fd = dup(0)},
					 before, &fd),
			 0);
	assert_null(inbox_live_find(live, 1, &before));
	assert_int_equal(inbox_live_keep(live, 1,
					 &(struct inbox_live_fd){.fd = dup(0)},
					 before, &fd),
			 1);
	inbox_live_rebind(live, 1); /* still in use: closed later */
	inbox_live_fd_put(fd);
	/* More descriptors than are kept. */
	for (int64_t i = 0; i < 600; i++) {
		(void)inbox_live_find(live, i, &before);
		assert_int_equal(
			inbox_live_keep(live, i,
					&(struct inbox_live_fd){.fd = dup(0)},
					before, &fd),
			1);
		inbox_live_fd_put(fd);
	}
	assert_null(inbox_live_find(live, 0, &before));
	fd = inbox_live_find(live, 599, &before);
	assert_non_null(fd);
	inbox_live_fd_put(fd);
	/* Who removes a file and who opens it exclude each other. */
	assert_int_equal(inbox_live_open(live, 5), 0);
	assert_false(inbox_live_retire(live, 5));
	inbox_live_close(live, 5);
	assert_true(inbox_live_retire(live, 5));
	assert_int_equal(inbox_live_open(live, 5), ERR_STALE);
	inbox_live_unretire(live, 5);
	assert_int_equal(inbox_live_open(live, 5), 0);
	inbox_live_free(live);
}

#define BOX_TEST(f) cmocka_unit_test_setup_teardown(f, box_setup, box_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		BOX_TEST(test_create_again),
		BOX_TEST(test_create_of_what_was_there_again),
		BOX_TEST(test_names_again),
		BOX_TEST(test_xattrs_again),
		BOX_TEST(test_open_again),
		BOX_TEST(test_answers_are_pruned),
		BOX_TEST(test_handles_live_on),
		BOX_TEST(test_readers_live_on),
		BOX_TEST(test_forgotten_is_gone),
		BOX_TEST(test_open_files_are_incomplete),
		BOX_TEST(test_bytes_that_were_lost),
		BOX_TEST(test_complete_before_crash),
		BOX_TEST(test_blobs_are_swept),
		BOX_TEST(test_threads),
		cmocka_unit_test(test_live),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
