/*
 * The record of how far a submission has come: see progress.h. What belongs
 * together is guarded by a turn that is odd while it changes (a seqlock, with
 * every field atomic, so that a torn read is discarded and never undefined);
 * the counters change alone.
 */
#include "flow/progress.h"

#include "base/clock.h"

#include <sched.h>

/* Before anything was learned: measured on two cores with seven columns. */
static const int64_t first_cost[FLOW_STAGES] = {1500, 200, 1500, 2000};

#define LEARN_ROWS 1000	       /* fewer say nothing about more */
#define TELL_NS (CLOCK_NS / 2) /* earlier a rate is noise */
#define TRIES 1000

static int64_t
get(const _Atomic int64_t *at)
{
	return atomic_load_explicit(at, memory_order_relaxed);
}

static void
set(_Atomic int64_t *at, int64_t value)
{
	atomic_store_explicit(at, value, memory_order_relaxed);
}

/* ---- writing ------------------------------------------------------------- */

static void
open_turn(struct flow_progress *p)
{
	atomic_fetch_add_explicit(&p->turn, 1, memory_order_relaxed);
	atomic_thread_fence(memory_order_release);
}

static void
close_turn(struct flow_progress *p)
{
	atomic_fetch_add_explicit(&p->turn, 1, memory_order_release);
}

void
flow_progress_begin(struct flow_progress *p, int64_t submission, int64_t bytes,
		    int64_t now)
{
	if (!p)
		return;
	open_turn(p);
	set(&p->submission, submission);
	set(&p->bytes, bytes);
	set(&p->began, now);
	set(&p->stage_began, now);
	atomic_store_explicit(&p->stage, FLOW_READING, memory_order_relaxed);
	set(&p->total, 0);
	set(&p->rows, 0);
	set(&p->done, 0);
	set(&p->bytes_read, 0);
	close_turn(p);
	memset(p->spent, 0, sizeof(p->spent));
	p->halves = false;
}

/* What the stage under way has taken. */
static void
add_spent(struct flow_progress *p, int64_t now)
{
	int stage = atomic_load_explicit(&p->stage, memory_order_relaxed);

	p->spent[stage] += now - get(&p->stage_began);
}

void
flow_progress_stage(struct flow_progress *p, enum flow_stage stage,
		    int64_t rows, int64_t total, int64_t now)
{
	if (!p)
		return;
	add_spent(p, now);
	open_turn(p);
	atomic_store_explicit(&p->stage, (int)stage, memory_order_relaxed);
	set(&p->stage_began, now);
	set(&p->rows, rows);
	set(&p->total, total);
	set(&p->done, 0);
	if (stage == FLOW_READING)
		set(&p->bytes_read, 0); /* once more, from the start */
	close_turn(p);
}

void
flow_progress_end(struct flow_progress *p, bool learn, int64_t now)
{
	int64_t rows;

	if (!p)
		return;
	add_spent(p, now);
	rows = get(&p->rows);
	for (int i = 0; learn && rows >= LEARN_ROWS && i < FLOW_STAGES; i++)
		set(&p->cost[i], p->spent[i] / rows);
	open_turn(p);
	set(&p->submission, 0);
	close_turn(p);
}

void
flow_progress_encoding(struct flow_progress *p, const char *encoding)
{
	if (p)
		p->halves = strncmp(encoding, "utf-8", 5) != 0;
}

/* Of a file in GB18030 (or UTF-16): a Chinese character has two bytes there
 * and three in UTF-8. */
static int64_t
bytes_as_sent(const struct slice *cells, size_t n)
{
	int64_t ascii = 0, other = 0;

	for (size_t i = 0; i < n; i++) {
		for (size_t k = 0; k < cells[i].n; k++)
			ascii += (signed char)cells[i].p[k] >= 0;
		other += (int64_t)cells[i].n;
	}
	other -= ascii;
	return ascii + other * 2 / 3;
}

void
flow_progress_row(struct flow_progress *p, const struct slice *cells, size_t n)
{
	int64_t bytes = (int64_t)n; /* delimiters and the line's end */

	if (!p)
		return;
	if (p->halves)
		bytes += bytes_as_sent(cells, n);
	for (size_t i = 0; !p->halves && i < n; i++)
		bytes += (int64_t)cells[i].n;
	set(&p->bytes_read, get(&p->bytes_read) + bytes);
	set(&p->rows, get(&p->rows) + 1);
	flow_progress_add(p, 1);
}

/* ---- reading ------------------------------------------------------------- */

static void
copy(const struct flow_progress *p, struct flow_progress_view *v)
{
	v->submission = get(&p->submission);
	v->stage = (enum flow_stage)atomic_load_explicit(&p->stage,
							 memory_order_relaxed);
	v->rows = get(&p->rows);
	v->done = get(&p->done);
	v->total = get(&p->total);
	v->bytes = get(&p->bytes);
	v->bytes_read = get(&p->bytes_read);
	v->began = get(&p->began);
	v->stage_began = get(&p->stage_began);
	for (int i = 0; i < FLOW_STAGES; i++) {
		v->cost[i] = get(&p->cost[i]);
		if (!v->cost[i])
			v->cost[i] = first_cost[i];
	}
	if (v->bytes_read > v->bytes)
		v->bytes_read = v->bytes;
}

bool
flow_progress_see(const struct flow_progress *p, struct flow_progress_view *ret)
{
	for (int i = 0; i < TRIES; i++) {
		uint64_t turn =
			atomic_load_explicit(&p->turn, memory_order_acquire);

		copy(p, ret);
		atomic_thread_fence(memory_order_acquire);
		if (turn % 2 == 0 &&
		    turn == atomic_load_explicit(&p->turn,
						 memory_order_relaxed))
			return ret->submission != 0;
		sched_yield();
	}
	return false;
}

/* ---- telling ------------------------------------------------------------- */

/* How much of the stage is done, 0 to 1; -1 unknown. */
static double
share_of(const struct flow_progress_view *v)
{
	if (v->stage == FLOW_READING)
		return v->bytes ? (double)v->bytes_read / (double)v->bytes : -1;
	if (!v->total)
		return -1;
	return v->done < v->total ? (double)v->done / (double)v->total : 1;
}

/* How many rows the file has, as far as it can be told. */
static double
rows_of(const struct flow_progress_view *v, double share)
{
	if (v->stage != FLOW_READING)
		return (double)v->rows;
	return share > 0 ? (double)v->rows / share : -1;
}

/* Of this stage, by its share if there is one, else by what it cost before,
 * which tells nothing once it has taken longer; then of those that follow. */
static int64_t
left_of(const struct flow_progress_view *v, double share, double rows,
	int64_t in_stage)
{
	double left = (double)v->cost[v->stage] * rows - (double)in_stage;

	if (share > 0)
		left = (double)in_stage * (1 - share) / share;
	if (rows < 0 || left < 0)
		return -1;
	for (int i = (int)v->stage + 1; i < FLOW_STAGES; i++)
		left += (double)v->cost[i] * rows;
	return (int64_t)left;
}

struct flow_progress_told
flow_progress_tell(const struct flow_progress_view *v, int64_t now)
{
	const int64_t in_stage = now - v->stage_began;
	const double share = share_of(v);
	struct flow_progress_told told = {
		.percent = -1,
		.rate = -1,
		.left_ns = -1,
		.taken_ns = now - v->began,
	};

	if (share >= 0)
		told.percent = share < 0.99 ? (int)(share * 100) : 99;
	if (in_stage >= TELL_NS && v->done)
		told.rate = (int64_t)((double)v->done * (double)CLOCK_NS /
				      (double)in_stage);
	if (told.taken_ns >= TELL_NS)
		told.left_ns = left_of(v, share, rows_of(v, share), in_stage);
	return told;
}

const char *
flow_stage_word(enum flow_stage stage)
{
	static const char *const words[FLOW_STAGES] = {"reading", "checking",
						       "storing", "publishing"};

	return words[stage];
}
