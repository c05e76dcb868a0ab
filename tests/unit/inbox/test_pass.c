/*
 * Uploads that the kernel writes by itself, here with a descriptor in its
 * place. Fails if one is handed over that must not be, if a file becomes a
 * submission while somebody can still write it, if a quota or what was written
 * after the last close() goes unnoticed, or if a file that was prepared is left
 * over.
 */
#include "tests/unit/inbox/fixture.h"

#include "inbox/state.h"

#include <pthread.h>
#include <sys/mman.h>
#include <sys/stat.h>

#define MASK INT64_MAX
#define SLACK (INT64_C(512) << 20)

/* A file that is open for writing, and the kernel's descriptor of its bytes. */
struct passed {
	int64_t id, blob;
	uint64_t fh;
	int fd;
};

static struct passed
pass(struct box *b, const char *name)
{
	struct passed p = {.fd = -1};

	inbox_allow_passing(b->inbox);
	p.id = box_create(b, name, &p.fh);
	p.blob = box_row(b, p.id).blob;
	p.fd = inbox_pass(b->inbox, p.id, p.blob, MASK);
	assert_true(p.fd >= 0);
	return p;
}

static void
put(const struct passed *p, const char *text, off_t offset)
{
	assert_int_equal(pwrite(p->fd, text, strlen(text), offset),
			 strlen(text));
}

static void
give_up(struct box *b, struct passed *p)
{
	assert_int_equal(close(p->fd), 0);
	inbox_pass_end(b->inbox, p->id);
}

static int
flush(struct box *b, const struct passed *p)
{
	struct inbox_request req = box_request(b);

	return inbox_flush(b->inbox, &req, p->id, p->fh);
}

static void
release(struct box *b, const struct passed *p)
{
	struct inbox_request req = box_request(b);

	assert_int_equal(inbox_release(b->inbox, &req, p->id, p->fh), 0);
}

/* ---- what may be handed over --------------------------------------------- */

static bool
may_pass(struct box *b, const char *name)
{
	struct inbox_entry e = box_lookup(b, name);

	return inbox_may_pass(b->inbox, &e);
}

static void
test_which(void **state)
{
	struct box *b = *state;
	struct inbox_request req;
	struct inbox_entry e;
	int64_t id = box_copy(b, "june.csv", "a\n1\n"), waiting = 0;
	uint64_t fh = 0;
	int64_t blob = box_row(b, id).blob;

	assert_false(may_pass(b, "june.csv")); /* nobody has allowed it */
	inbox_allow_passing(b->inbox);
	assert_true(may_pass(b, "june.csv"));
	assert_true(inbox_is_passed(b->inbox, id, blob, MASK));
	assert_false(inbox_is_passed(b->inbox, id, blob + 1, MASK));
	assert_int_equal(inbox_pass(b->inbox, id, blob + 1, MASK), -ESTALE);
	assert_int_equal(box_collect(b, SETTLED), 1);
	assert_false(may_pass(b, "june.csv")); /* a submission has it */
	assert_int_equal(inbox_pass(b->inbox, id, blob, MASK), -ESTALE);
	req = box_request(b);
	assert_int_equal(inbox_turn(b->inbox, &req, id, O_WRONLY, &e), 0);
	assert_true(inbox_may_pass(b->inbox, &e));
	assert_int_not_equal(e.blob, blob);
	assert_int_equal(e.st.st_size, 4);
	/* about to be opened: not yet complete, though nobody has it open */
	assert_int_equal(box_collect(b, clock_now() + 30 * CLOCK_NS), 0);
	assert_int_equal(box_row(b, id).submission, 0);
	/* however slow whoever opens it is, and whoever serves him by then */
	box_restart(b, true);
	inbox_allow_passing(b->inbox);
	assert_int_equal(box_collect(b, clock_now() + 30 * CLOCK_NS), 0);
	assert_int_equal(box_row(b, id).submission, 0);
	assert_int_equal(inbox_waiting(b->inbox, &waiting, NULL), 0);
	assert_int_equal(waiting, 0);
	req = box_request(b);
	assert_int_equal(
		inbox_open_file(b->inbox, &req, INBOX_FILE, id, O_WRONLY, &fh),
		0);
	box_write(b, id, "b", 0);
	assert_int_equal(inbox_release(b->inbox, &req, id, fh), 0);
	assert_int_equal(box_collect(b, SETTLED), 1);
}

static void
test_quota_near(void **state)
{
	struct box *b = *state;

	b->department.quota = SLACK;
	box_restart(b, true);
	inbox_allow_passing(b->inbox);
	box_copy(b, "empty.csv", "");
	assert_true(may_pass(b, "empty.csv"));
	box_copy(b, "some.csv", "a\n");
	assert_false(may_pass(b, "some.csv"));
	assert_false(may_pass(b, "empty.csv"));
}

/* ---- when it is complete ------------------------------------------------- */

static void
test_open(void **state)
{
	struct box *b = *state;
	struct passed p = pass(b, "june.csv");

	put(&p, "a\n1\n", 0);
	assert_int_equal(flush(b, &p), 0);
	assert_int_equal(box_collect(b, SETTLED), 0);
	release(b, &p);
	/* the kernel has not given it up */
	assert_int_equal(box_collect(b, SETTLED), 0);
	give_up(b, &p);
	assert_int_equal(box_collect(b, SETTLED), 1);
	box_expect(b, INBOX_FILE, p.id, "a\n1\n");
}

static void
test_mapped(void **state)
{
	struct box *b = *state;
	struct passed p = pass(b, "june.csv");
	char *at;

	put(&p, "a\n?\n", 0);
	at = mmap(NULL, 4, PROT_READ | PROT_WRITE, MAP_SHARED, p.fd, 0);
	assert_ptr_not_equal(at, MAP_FAILED);
	assert_int_equal(flush(b, &p), 0);
	release(b, &p);
	give_up(b, &p);
	assert_int_equal(box_collect(b, SETTLED), 0);
	at[2] = '1';
	assert_int_equal(munmap(at, 4), 0);
	assert_int_equal(box_collect(b, SETTLED), 1);
	box_expect(b, INBOX_FILE, p.id, "a\n1\n");
}

/* A worker dies; the next one knows of the file by what the kernel has. */
static void
test_next_worker(void **state)
{
	struct box *b = *state;
	struct passed p = pass(b, "june.csv");
	int64_t collected = 0;

	put(&p, "a\n", 0);
	box_restart(b, true);
	inbox_allow_passing(b->inbox);
	inbox_pass_again(b->inbox, p.id);
	put(&p, "1\n", 2);
	assert_int_equal(flush(b, &p), 0);
	release(b, &p);
	assert_int_equal(box_collect(b, SETTLED), 0);
	give_up(b, &p);
	/* which it does not do as long as somebody may come again */
	for (int tries = 0; tries < 600 && !collected; tries++) {
		usleep(10000);
		collected = box_collect(b, SETTLED);
	}
	assert_int_equal(collected, 1);
	box_expect(b, INBOX_FILE, p.id, "a\n1\n");
}

/* ---- what nobody was told of --------------------------------------------- */

static void
test_quota_passed(void **state)
{
	struct box *b = *state;
	struct passed p;
	bool growing = false;

	b->department.quota = SLACK;
	box_restart(b, true);
	p = pass(b, "june.csv");
	put(&p, "a\n", 0);
	assert_int_equal(inbox_pass_look_all(b->inbox, &growing), 1);
	assert_true(growing);
	assert_int_equal(inbox_pass_look_all(b->inbox, &growing), 1);
	assert_false(growing);
	assert_int_equal(flush(b, &p), 0);
	put(&p, "!", SLACK); /* a hole counts as its length */
	assert_int_equal(inbox_pass_look_all(b->inbox, &growing), 1);
	assert_int_equal(box_lookup(b, "june.csv").st.st_size, 0);
	assert_int_equal(flush(b, &p), -EDQUOT);
	release(b, &p);
	give_up(b, &p);
	assert_int_equal(inbox_pass_look_all(b->inbox, &growing), 0);
	assert_true(box_row(b, p.id).killed);
}

static void
test_quota_at_close(void **state)
{
	struct box *b = *state;
	struct passed p;

	b->department.quota = SLACK;
	box_restart(b, true);
	p = pass(b, "june.csv");
	put(&p, "!", SLACK);
	assert_int_equal(flush(b, &p), -EDQUOT);
	/* written anew, it is whole */
	inbox_release_forgive(b->inbox, p.id);
	release(b, &p);
	give_up(b, &p);
	box_copy(b, "june.csv", "a\n1\n");
	assert_false(box_row(b, p.id).killed);
}

/* The machine dies after a close() that was answered; on the disk is what was
 * written later. */
static void
test_written_after_close(void **state)
{
	static const bool later[] = {false, true};

	for (size_t i = 0; i < 2; i++) {
		struct box *b = *state;
		struct passed p = pass(b, i ? "later.csv" : "closed.csv");

		put(&p, "a\n1\n", 0);
		assert_int_equal(flush(b, &p), 0);
		usleep(20000); /* the clock of some file systems is coarse */
		if (later[i])
			put(&p, "2\n", 4);
		give_up(b, &p);
		box_restart(b, false);
		assert_int_equal(box_row(b, p.id).killed, later[i]);
	}
}

/* ---- what is prepared ---------------------------------------------------- */

static void *
run(void *ctx)
{
	inbox_run(ctx);
	return NULL;
}

static void
test_prepared(void **state)
{
	struct box *b = *state;
	pthread_t thread;
	char name[32];
	int before = 0;

	assert_int_equal(pthread_create(&thread, NULL, run, b->inbox), 0);
	for (int i = 0; i < 200; i++) {
		snprintf(name, sizeof(name), "%d.csv", i);
		box_copy(b, name, "a\n1\n");
		if (i % 50 == 0)
			usleep(10000);
	}
	while (box_blobs(b) <= 200 && before++ < 1000)
		usleep(1000);
	assert_true(box_blobs(b) > 200);
	inbox_stop(b->inbox);
	pthread_join(thread, NULL);
	box_restart(b, true);
	assert_int_equal(box_blobs(b), 200);
	assert_int_equal(box_collect(b, SETTLED), 200);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(f) cmocka_unit_test_setup_teardown(f, box_setup, box_teardown)
		TEST(test_which),	   TEST(test_quota_near),
		TEST(test_open),	   TEST(test_mapped),
		TEST(test_next_worker),	   TEST(test_quota_passed),
		TEST(test_quota_at_close), TEST(test_written_after_close),
		TEST(test_prepared),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
