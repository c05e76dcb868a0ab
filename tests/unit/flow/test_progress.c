/*
 * The record of how far a submission has come (flow/progress.h). Fails if a
 * reader sees parts of two submissions at once, if what is told does not
 * follow from the counts, or if the times of one submission are not what the
 * next one is told to take.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/clock.h"
#include "flow/progress.h"

#include <pthread.h>
#include <sched.h>

#define S CLOCK_NS

/* n rows of one cell of ten bytes: eleven bytes each */
static void
read_rows(struct flow_progress *p, int n)
{
	const struct slice cell = SLICE("0123456789");

	for (int i = 0; i < n; i++)
		flow_progress_row(p, &cell, 1);
}

static void
nothing_is_seen_when_nothing_is_judged(void **state)
{
	static struct flow_progress p;
	struct flow_progress_view v;

	(void)state;
	assert_false(flow_progress_see(&p, &v));
	flow_progress_begin(&p, 7, 100, S);
	assert_true(flow_progress_see(&p, &v));
	flow_progress_end(&p, false, 2 * S);
	assert_false(flow_progress_see(&p, &v));
	/* a trial has no record */
	flow_progress_begin(NULL, 7, 100, S);
	flow_progress_stage(NULL, FLOW_STORING, 1, 1, S);
	flow_progress_encoding(NULL, "utf-8");
	read_rows(NULL, 1);
	flow_progress_add(NULL, 1);
	flow_progress_end(NULL, true, S);
}

static void
what_is_read_is_told_by_the_share_of_bytes(void **state)
{
	static struct flow_progress p;
	struct flow_progress_view v;
	struct flow_progress_told told;

	(void)state;
	flow_progress_begin(&p, 7, 44000, 10 * S);
	flow_progress_encoding(&p, "utf-8-bom");
	assert_true(flow_progress_see(&p, &v));
	told = flow_progress_tell(&v, 10 * S);
	assert_int_equal(told.percent, 0);
	assert_int_equal(told.rate, -1);
	assert_int_equal(told.left_ns, -1);

	read_rows(&p, 1000);
	assert_true(flow_progress_see(&p, &v));
	assert_int_equal(v.submission, 7);
	assert_int_equal(v.stage, FLOW_READING);
	assert_int_equal(v.rows, 1000);
	assert_int_equal(v.bytes_read, 11000);
	assert_int_equal(v.total, 0);
	told = flow_progress_tell(&v, 12 * S);
	assert_int_equal(told.percent, 25);
	assert_int_equal(told.rate, 500);
	assert_int_equal(told.taken_ns, 2 * S);
	/* three quarters to come, then the other stages */
	assert_true(told.left_ns > 6 * S);
	assert_true(told.left_ns < 7 * S);

	/* more bytes than the file has: never past its end */
	read_rows(&p, 4000);
	assert_true(flow_progress_see(&p, &v));
	assert_int_equal(v.bytes_read, 44000);
	assert_int_equal(flow_progress_tell(&v, 12 * S).percent, 99);

	/* a decoder that died: from the start again */
	flow_progress_stage(&p, FLOW_READING, 0, 0, 13 * S);
	assert_true(flow_progress_see(&p, &v));
	assert_int_equal(v.rows, 0);
	assert_int_equal(v.bytes_read, 0);
}

static void
bytes_are_those_of_the_file_and_not_of_its_text(void **state)
{
	static struct flow_progress p;
	struct flow_progress_view v;
	const struct slice cells[] = {SLICE("企业"), SLICE("ab")};

	(void)state;
	flow_progress_begin(&p, 1, 1000, S);
	flow_progress_encoding(&p, "gb18030");
	flow_progress_row(&p, cells, 2);
	assert_true(flow_progress_see(&p, &v));
	assert_int_equal(v.bytes_read, 4 + 2 + 2);
	flow_progress_begin(&p, 2, 1000, S);
	flow_progress_encoding(&p, "utf-8");
	flow_progress_row(&p, cells, 2);
	assert_true(flow_progress_see(&p, &v));
	assert_int_equal(v.bytes_read, 6 + 2 + 2);
}

static void
later_stages_are_told_by_their_steps(void **state)
{
	static struct flow_progress p;
	struct flow_progress_view v;
	struct flow_progress_told told;

	(void)state;
	flow_progress_begin(&p, 7, 44000, 0);
	read_rows(&p, 4000);
	flow_progress_stage(&p, FLOW_STORING, 4000, 3000, 10 * S);
	flow_progress_add(&p, 2000);
	flow_progress_add(&p, 250);
	assert_true(flow_progress_see(&p, &v));
	assert_int_equal(v.stage, FLOW_STORING);
	assert_int_equal(v.rows, 4000);
	assert_int_equal(v.done, 2250);
	assert_int_equal(v.total, 3000);
	told = flow_progress_tell(&v, 13 * S);
	assert_int_equal(told.percent, 75);
	assert_int_equal(told.rate, 750);
	assert_true(told.left_ns >= 1 * S);
	assert_true(told.left_ns < 2 * S);

	/* steps that nobody counted: only what it cost before tells, and
	 * nothing does once it takes longer */
	flow_progress_stage(&p, FLOW_PUBLISHING, 4000, 0, 20 * S);
	assert_true(flow_progress_see(&p, &v));
	told = flow_progress_tell(&v, 20 * S);
	assert_int_equal(told.percent, -1);
	assert_int_equal(told.rate, -1);
	assert_true(told.left_ns > 0);
	assert_int_equal(flow_progress_tell(&v, 120 * S).left_ns, -1);
}

static void
the_next_one_takes_as_long_as_this_one_did(void **state)
{
	static struct flow_progress p;
	struct flow_progress_view v;
	int64_t left;

	(void)state;
	/* 2000 rows: 2 s to read, 1 s to check, 4 s to store, 6 s to publish */
	flow_progress_begin(&p, 1, 22000, 0);
	read_rows(&p, 2000);
	flow_progress_stage(&p, FLOW_CHECKING, 2000, 0, 2 * S);
	flow_progress_stage(&p, FLOW_STORING, 2000, 2000, 3 * S);
	flow_progress_stage(&p, FLOW_PUBLISHING, 2000, 0, 7 * S);
	flow_progress_end(&p, true, 13 * S);

	/* twice as many, half read after 2 s: 2 s, then 2 + 8 + 12 */
	flow_progress_begin(&p, 2, 44000, 20 * S);
	read_rows(&p, 2000);
	assert_true(flow_progress_see(&p, &v));
	left = flow_progress_tell(&v, 22 * S).left_ns;
	assert_int_equal(left / S, 24);

	/* one that did not go all the way, and one too small, teach nothing */
	flow_progress_end(&p, false, 100 * S);
	flow_progress_begin(&p, 3, 1100, 100 * S);
	read_rows(&p, 100);
	flow_progress_end(&p, true, 200 * S);
	flow_progress_begin(&p, 4, 44000, 200 * S);
	read_rows(&p, 2000);
	assert_true(flow_progress_see(&p, &v));
	left = flow_progress_tell(&v, 202 * S).left_ns;
	assert_int_equal(left / S, 24);
}

/* ---- two threads --------------------------------------------------------- */

#define ROUNDS 20000

static struct flow_progress shared;
static _Atomic bool over;

/* Submission n has n bytes, and n rows in each stage. */
static void *
judge_many(void *arg)
{
	(void)arg;
	for (int64_t n = 1; n <= ROUNDS; n++) {
		flow_progress_begin(&shared, n, n, n);
		for (int i = FLOW_CHECKING; i < FLOW_STAGES; i++)
			flow_progress_stage(&shared, (enum flow_stage)i, n, n,
					    n);
		flow_progress_end(&shared, true, n);
		if (n % 64 == 0)
			sched_yield();
	}
	atomic_store(&over, true);
	return NULL;
}

static void
a_reader_sees_one_moment(void **state)
{
	struct flow_progress_view v;
	pthread_t writer;
	int64_t last = 0;

	(void)state;
	assert_int_equal(pthread_create(&writer, NULL, judge_many, NULL), 0);
	while (!atomic_load(&over)) {
		if (!flow_progress_see(&shared, &v))
			continue;
		assert_true(v.submission >= last);
		last = v.submission;
		assert_int_equal(v.bytes, v.submission);
		assert_int_equal(v.began, v.submission);
		assert_int_equal(v.stage_began, v.submission);
		if (v.stage == FLOW_READING)
			continue;
		assert_int_equal(v.rows, v.submission);
		assert_int_equal(v.total, v.submission);
	}
	pthread_join(writer, NULL);
	assert_false(flow_progress_see(&shared, &v));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_is_seen_when_nothing_is_judged),
		cmocka_unit_test(what_is_read_is_told_by_the_share_of_bytes),
		cmocka_unit_test(
			bytes_are_those_of_the_file_and_not_of_its_text),
		cmocka_unit_test(later_stages_are_told_by_their_steps),
		cmocka_unit_test(the_next_one_takes_as_long_as_this_one_did),
		cmocka_unit_test(a_reader_sees_one_moment),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
