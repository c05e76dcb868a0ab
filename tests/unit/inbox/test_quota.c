/*
 * A department's quota. Fails if a byte beyond it is stored or one below it is
 * refused, if the sum after any change or restart is not that of the bytes in
 * intake/, if writers in parallel get beyond it, or if statfs says otherwise.
 */
#include "tests/unit/inbox/fixture.h"

#include "store/submission.h"

#include <pthread.h>
#include <stdio.h>
#include <sys/stat.h>

#define QUOTA 100000

static void
set_quota(struct box *b, int64_t bytes)
{
	b->department.quota = bytes;
	box_restart(b, true);
}

static void
take_usage(void *ctx, const struct inbox_usage *u)
{
	assert_string_equal(u->department, "aic");
	*(struct inbox_usage *)ctx = *u;
}

static int64_t
used(struct box *b)
{
	struct inbox_usage u = {0};

	inbox_each_usage(b->inbox, take_usage, &u);
	return u.bytes;
}

/* Now, and as it is counted at a start. */
static void
expect_used(struct box *b, int64_t bytes)
{
	assert_int_equal(used(b), bytes);
	box_restart(b, true);
	assert_int_equal(used(b), bytes);
}

static ssize_t
put(struct box *b, int64_t id, size_t n, off_t offset)
{
	static const char zeros[QUOTA + 1];

	return inbox_write(b->inbox, id, zeros, n, offset);
}

static int
cut(struct box *b, int64_t id, off_t size)
{
	struct inbox_request req = box_request(b);
	const struct stat st = {.st_size = size};
	struct inbox_entry e;

	return inbox_setattr(b->inbox, &req, INBOX_FILE, id, &st,
			     INBOX_SET_SIZE, &e);
}

static int
create(struct box *b, const char *name)
{
	struct inbox_request req = box_request(b);
	struct inbox_entry e;
	uint64_t fh;

	return inbox_create(b->inbox, &req, b->resource, name, 0600,
			    O_WRONLY | O_CREAT, &e, &fh);
}

/* A file of n bytes, judged with this state. */
static int64_t
judged(struct box *b, const char *name, size_t n, const char *state)
{
	uint64_t fh;
	int64_t id = box_create(b, name, &fh);

	assert_int_equal(put(b, id, n, 0), n);
	box_close(b, id, fh);
	assert_int_equal(box_collect(b, SETTLED), 1);
	box_judge(b, box_row(b, id).submission, state, "fix me\n");
	return id;
}

static void
test_last_byte(void **state)
{
	struct box *b = *state;
	uint64_t fh;
	int64_t id;

	set_quota(b, QUOTA);
	id = box_create(b, "june.csv", &fh);
	assert_int_equal(put(b, id, QUOTA - 1, 0), QUOTA - 1);
	assert_int_equal(put(b, id, 2, QUOTA - 1), -EDQUOT);
	assert_int_equal(put(b, id, 1, QUOTA - 1), 1);
	assert_int_equal(put(b, id, 1, QUOTA), -EDQUOT);
	assert_int_equal(create(b, "more.csv"), -EDQUOT);
	/* What is there may be written over. */
	assert_int_equal(put(b, id, 1000, 5), 1000);
	expect_used(b, QUOTA);
	box_close(b, id, fh);
}

static void
test_length_counts(void **state)
{
	struct box *b = *state;
	uint64_t fh;
	int64_t id;

	set_quota(b, QUOTA);
	id = box_create(b, "june.csv", &fh);
	assert_int_equal(cut(b, id, QUOTA + 1), -EDQUOT);
	assert_int_equal(inbox_fallocate(b->inbox, id, 0, 0, QUOTA + 1),
			 -EDQUOT);
	assert_int_equal(put(b, id, 1, QUOTA), -EDQUOT);
	expect_used(b, 0);
	assert_int_equal(cut(b, id, QUOTA), 0);
	expect_used(b, QUOTA);
	assert_int_equal(cut(b, id, 10), 0);
	expect_used(b, 10);
	assert_int_equal(inbox_fallocate(b->inbox, id, 0, 0, 500), 0);
	expect_used(b, 500);
	box_close(b, id, fh);
}

static void
test_refused_close_fails(void **state)
{
	struct box *b = *state;
	struct inbox_request req = box_request(b);
	uint64_t fh;
	int64_t id;

	set_quota(b, QUOTA);
	id = box_create(b, "june.csv", &fh);
	assert_int_equal(put(b, id, 10, 0), 10);
	assert_int_equal(put(b, id, QUOTA, 10), -EDQUOT);
	assert_int_equal(inbox_flush(b->inbox, &req, id, fh), -EDQUOT);
	assert_int_equal(inbox_release(b->inbox, &req, id, fh), 0);
	assert_int_equal(box_collect(b, SETTLED), 1);
	box_judge(b, 1, "incomplete", NULL);
	assert_int_equal(used(b), 10);
	assert_int_equal(box_unlink(b, "june.csv"), 0);
	assert_int_equal(used(b), 0);
}

/* The original in the archive is the same bytes; they stay when the file
 * goes. */
static void
test_original_counts_once(void **state)
{
	struct box *b = *state;
	int64_t id;

	set_quota(b, QUOTA);
	id = judged(b, "june.csv", 60000, "accepted");
	assert_int_equal(used(b), 60000);
	assert_int_equal(box_unlink(b, "june.csv"), 0);
	assert_int_equal(box_row(b, id).id, 0);
	assert_int_equal(used(b), 60000);
	id = box_copy(b, "july.csv", "0123456789");
	assert_int_equal(used(b), 60010);
	assert_int_equal(box_unlink(b, "july.csv"), 0);
	expect_used(b, 60000);
}

static void
test_written_again(void **state)
{
	struct box *b = *state;
	struct inbox_request req;
	uint64_t fh;
	int64_t id;

	set_quota(b, QUOTA);
	id = judged(b, "june.csv", 40000, "accepted");
	fh = box_open(b, id, O_WRONLY); /* a copy */
	expect_used(b, 80000);
	assert_int_equal(cut(b, id, 50000), 0);
	expect_used(b, 90000);
	box_close(b, id, fh);
	assert_int_equal(box_collect(b, SETTLED), 1);
	box_judge(b, box_row(b, id).submission, "accepted", NULL);
	expect_used(b, 90000);
	/* The copy would not fit: the judged file stays as it is. */
	req = box_request(b);
	assert_int_equal(
		inbox_open_file(b->inbox, &req, INBOX_FILE, id, O_WRONLY, &fh),
		-EDQUOT);
	assert_int_equal(box_has(b, "june.csv.receipt.txt"), 0);
	expect_used(b, 90000);
	fh = box_open(b, id, O_WRONLY | O_TRUNC);
	assert_int_equal(put(b, id, 10001, 0), -EDQUOT);
	assert_int_equal(put(b, id, 10000, 0), 10000);
	box_close(b, id, fh);
	expect_used(b, QUOTA);
	box_collect(b, SETTLED);
	box_judge(b, box_row(b, id).submission, "accepted", NULL);
	/* Nor may it be emptied when nothing can be written after that. */
	assert_int_equal(inbox_open_file(b->inbox, &req, INBOX_FILE, id,
					 O_WRONLY | O_TRUNC, &fh),
			 -EDQUOT);
	assert_int_equal(cut(b, id, 0), -EDQUOT);
	assert_int_equal(box_has(b, "june.csv.receipt.txt"), 0);
}

/* What leaves the archive by age makes room without a restart. */
static void
test_archive_shrinks(void **state)
{
	struct box *b = *state;
	scope_txn txn = {0};
	uint64_t fh;
	int64_t id;

	set_quota(b, QUOTA);
	id = judged(b, "june.csv", QUOTA, "incomplete");
	assert_int_equal(create(b, "july.csv"), -EDQUOT);
	assert_int_equal(store_begin(b->store, &txn, NULL), 0);
	assert_int_equal(
		store_submission_give_up(&txn, box_row(b, id).submission, NULL),
		0);
	assert_int_equal(store_commit(&txn, NULL), 0);
	id = box_create(b, "july.csv", &fh);
	assert_int_equal(put(b, id, QUOTA, 0), QUOTA);
	box_close(b, id, fh);
}

static void
test_statfs(void **state)
{
	struct box *b = *state;
	struct statvfs all, mine;
	uint64_t fh;
	int64_t id;

	b->config.reserve.share = 100000; /* a tenth */
	set_quota(b, 0);
	assert_int_equal(inbox_statfs(b->inbox, NULL, &all), 0);
	assert_int_equal(inbox_statfs(b->inbox, "aic", &mine), 0);
	assert_int_equal(mine.f_blocks,
			 all.f_blocks -
				 (fsblkcnt_t)((double)all.f_blocks / 10));
	assert_int_equal(mine.f_bfree, mine.f_bavail);
	set_quota(b, INT64_MAX);
	assert_int_equal(inbox_statfs(b->inbox, "aic", &mine), 0);
	assert_int_equal(mine.f_blocks, INT64_MAX / (int64_t)mine.f_frsize);
	assert_true(mine.f_bavail <= all.f_bavail + 1000);
	set_quota(b, 10 * (int64_t)all.f_frsize);
	id = box_create(b, "june.csv", &fh);
	assert_int_equal(cut(b, id, 3 * (off_t)all.f_frsize + 1), 0);
	assert_int_equal(inbox_statfs(b->inbox, "aic", &mine), 0);
	assert_int_equal(mine.f_blocks, 10);
	assert_int_equal(mine.f_bavail, 6);
	assert_int_equal(mine.f_bfree, 6);
	/* A quota that was made smaller. */
	set_quota(b, (int64_t)all.f_frsize);
	assert_int_equal(inbox_statfs(b->inbox, "aic", &mine), 0);
	assert_int_equal(mine.f_blocks, 1);
	assert_int_equal(mine.f_bavail, 0);
	assert_int_equal(mine.f_bfree, 0);
	box_close(b, id, fh);
}

/* ---- in parallel --------------------------------------------------------- */

struct writer {
	struct box *b;
	int64_t id;
	int64_t put;
};

static void *
write_on(void *ctx)
{
	struct writer *w = ctx;

	for (;;) {
		ssize_t n = put(w->b, w->id, 7, w->put);

		if (n < 0) {
			assert_int_equal(n, -EDQUOT);
			return NULL;
		}
		w->put += n;
	}
}

static void
count_refusal(void *ctx, const char *text)
{
	assert_non_null(strstr(text, "[department aic] quota = 100000"));
	++*(int *)ctx;
}

static void
test_writers_in_parallel(void **state)
{
	struct box *b = *state;
	struct writer w[4];
	pthread_t threads[4];
	uint64_t fh[4];
	int64_t sum = 0;
	int told = 0;

	set_quota(b, QUOTA);
	inbox_on_refusal(b->inbox, count_refusal, &told);
	for (size_t i = 0; i < 4; i++) {
		char name[16];

		snprintf(name, sizeof(name), "%zu.csv", i);
		w[i] = (struct writer){b, box_create(b, name, &fh[i]), 0};
		assert_int_equal(put(b, w[i].id, 1, 0), 1);
		w[i].put = 1;
	}
	for (size_t i = 0; i < 4; i++)
		assert_int_equal(
			pthread_create(&threads[i], NULL, write_on, &w[i]), 0);
	for (size_t i = 0; i < 4; i++) {
		pthread_join(threads[i], NULL);
		sum += w[i].put;
	}
	assert_true(sum <= QUOTA && sum > QUOTA - 7);
	assert_int_equal(told, 1);
	expect_used(b, sum);
	for (size_t i = 0; i < 4; i++) {
		struct inbox_request req = box_request(b);

		assert_int_equal(inbox_release(b->inbox, &req, w[i].id, fh[i]),
				 0);
	}
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, box_setup, box_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_last_byte),
		TEST(test_length_counts),
		TEST(test_refused_close_fails),
		TEST(test_original_counts_once),
		TEST(test_written_again),
		TEST(test_archive_shrinks),
		TEST(test_statfs),
		TEST(test_writers_in_parallel),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
