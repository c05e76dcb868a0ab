/* Sorting beyond memory: see sorter.h. */
#include "base/sorter.h"

#include "base/io.h"
#include "base/relay.h"
#include "base/scope.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

/* Of each run while they are merged: together they take no more than the
 * memory, but a small one is slow. */
#define WINDOW_LEAST 4096
#define WINDOW_MOST (64 * 1024)

/* An entry in memory and in the file: its head, the key, the value. */
struct head {
	uint32_t key, value;
};

/* An entry of a batch; most keys differ in their first eight bytes. */
struct item {
	uint64_t prefix;
	size_t at;
};

/* A sorted run while it is merged: 'window' holds its bytes from 'from' on. */
struct run {
	off_t begin;
	off_t at, end; /* what is not in the window yet */
	struct buf window;
	size_t from;
	size_t taken; /* bytes of the entry that stands */
	struct slice key, value;
};

/* What is in memory. */
struct batch {
	struct buf arena;
	struct item *items;
	size_t n, cap;
};

/* A batch on its way to the file, by a thread beside, while the next one is
 * filled. */
struct spill {
	struct batch batch;
	int fd;
	off_t at;
	int rc;
	struct error err;
};

struct sorter {
	size_t memory; /* of a batch */
	int fd;	       /* -1: nothing had to be written */
	off_t written;
	struct batch batch;
	struct relay *relay; /* NULL: not needed yet */
	struct spill spill;
	size_t next;   /* item to give, while nothing was written */
	size_t window; /* bytes */
	struct run *runs;
	size_t nruns;
	size_t *heap; /* runs that stand, the smallest first */
	size_t nheap;
	bool begun;
};

int
sorter_new(size_t memory, struct sorter **ret, struct error *err)
{
	struct sorter *s = calloc(1, sizeof(*s));

	if (!s)
		return error_nomem(err);
	s->memory = memory / 2;
	s->fd = -1;
	*ret = s;
	return 0;
}

static void
batch_release(struct batch *b)
{
	buf_release(&b->arena);
	free(b->items);
	*b = (struct batch){0};
}

void
sorter_free(struct sorter *s)
{
	if (!s)
		return;
	relay_free(s->relay);
	if (s->fd >= 0)
		close(s->fd);
	for (size_t i = 0; i < s->nruns; i++)
		buf_release(&s->runs[i].window);
	batch_release(&s->batch);
	batch_release(&s->spill.batch);
	free(s->runs);
	free(s->heap);
	free(s);
}

/* ---- in memory ----------------------------------------------------------- */

static uint64_t
prefix_of(struct slice key)
{
	unsigned char first[8] = {0};
	uint64_t prefix = 0;

	if (key.n)
		memcpy(first, key.p, key.n < 8 ? key.n : 8);
	for (size_t i = 0; i < 8; i++)
		prefix = prefix << 8 | first[i];
	return prefix;
}

static void
parse(const char *p, struct slice *key, struct slice *value)
{
	struct head head;

	memcpy(&head, p, sizeof(head));
	*key = (struct slice){p + sizeof(head), head.key};
	*value = (struct slice){p + sizeof(head) + head.key, head.value};
}

static int
compare_items(const void *a, const void *b, void *arena)
{
	const struct item *x = a, *y = b;
	const char *bytes = arena;
	struct slice kx, ky, ignored;
	int order;

	if (x->prefix != y->prefix)
		return x->prefix < y->prefix ? -1 : 1;
	parse(bytes + x->at, &kx, &ignored);
	parse(bytes + y->at, &ky, &ignored);
	order = slice_cmp(kx, ky);
	return order ? order : x->at < y->at ? -1 : x->at > y->at;
}

static void
sort_batch(struct batch *b)
{
	if (b->n > 1)
		qsort_r(b->items, b->n, sizeof(*b->items), compare_items,
			b->arena.data);
}

static int
grow(struct batch *b, struct error *err)
{
	size_t cap = b->cap ? 2 * b->cap : 1024;
	struct item *items;

	if (b->n < b->cap)
		return 0;
	items = reallocarray(b->items, cap, sizeof(*items));
	if (!items)
		return error_nomem(err);
	b->items = items;
	b->cap = cap;
	return 0;
}

/* ---- runs ---------------------------------------------------------------- */

static int
add_run(struct sorter *s, off_t end, struct error *err)
{
	struct run *runs = realloc(s->runs, (s->nruns + 1) * sizeof(*runs));

	if (!runs)
		return error_nomem(err);
	s->runs = runs;
	runs[s->nruns++] = (struct run){.begin = s->written, .end = end};
	s->written = end;
	return 0;
}

/* Writes a batch, in order, from spill->at on, which ends behind it. */
static int
write_batch(struct spill *spill)
{
	const struct batch *b = &spill->batch;
	scope_buf out = BUF_INIT;
	int rc = 0;

	for (size_t i = 0; !rc && i < b->n; i++) {
		const char *p = b->arena.data + b->items[i].at;
		struct slice key, value;

		parse(p, &key, &value);
		if (buf_add(&out, p, sizeof(struct head) + key.n + value.n))
			return error_nomem(&spill->err);
		if (out.len < WINDOW_MOST && i + 1 < b->n)
			continue;
		rc = io_pwrite(spill->fd, out.data, out.len, spill->at,
			       &spill->err);
		spill->at += (off_t)out.len;
		buf_clear(&out);
	}
	return rc;
}

static void
work(void *ctx)
{
	struct spill *spill = &((struct sorter *)ctx)->spill;

	sort_batch(&spill->batch);
	spill->rc = write_batch(spill);
}

/* The batch before this one is in the file. */
static int
end_spill(struct sorter *s, struct error *err)
{
	struct spill *spill = &s->spill;

	if (s->relay)
		relay_wait(s->relay);
	if (!spill->batch.n)
		return 0;
	spill->batch.n = 0;
	buf_clear(&spill->batch.arena);
	if (spill->rc)
		return error_set(err, spill->rc, "%s", spill->err.text);
	return add_run(s, spill->at, err);
}

static int
begin_spill(struct sorter *s, struct error *err)
{
	struct spill *spill = &s->spill;
	struct batch full = s->batch;
	int rc = end_spill(s, err);

	if (rc)
		return rc;
	if (s->fd < 0)
		s->fd = io_unnamed(err);
	if (s->fd < 0)
		return s->fd;
	if (!s->relay)
		s->relay = relay_new(work, s);
	if (!s->relay)
		return error_nomem(err);
	s->batch = spill->batch;
	*spill = (struct spill){.batch = full, .fd = s->fd, .at = s->written};
	relay_start(s->relay);
	return 0;
}

int
sorter_add_parts(struct sorter *s, struct slice key, const struct slice *parts,
		 size_t n, struct error *err)
{
	struct head head = {.key = (uint32_t)key.n};
	struct batch *b = &s->batch;
	size_t value = 0, need;
	int rc = 0;

	for (size_t i = 0; i < n; i++)
		value += parts[i].n;
	head.value = (uint32_t)value;
	need = sizeof(head) + key.n + value;
	if (need > UINT32_MAX)
		return error_set(err, ERR_LIMIT, "a row of 4 GiB");
	if (b->n && b->arena.len + need > s->memory)
		rc = begin_spill(s, err);
	if (!rc)
		rc = grow(b, err);
	if (rc)
		return rc;
	if (buf_reserve(&b->arena, need))
		return error_nomem(err);
	b->items[b->n++] = (struct item){prefix_of(key), b->arena.len};
	(void)!buf_add(&b->arena, &head, sizeof(head));
	(void)!buf_addslice(&b->arena, key);
	for (size_t i = 0; i < n; i++)
		(void)!buf_addslice(&b->arena, parts[i]);
	return 0;
}

int
sorter_add(struct sorter *s, struct slice key, struct slice value,
	   struct error *err)
{
	return sorter_add_parts(s, key, &value, 1, err);
}

/* ---- the merge ----------------------------------------------------------- */

/* At least 'need' bytes of the run in its window. */
static int
fill(struct sorter *s, struct run *r, size_t need, struct error *err)
{
	size_t have = r->window.len - r->from, want;
	ssize_t n;

	if (have >= need)
		return 0;
	if (have)
		memmove(r->window.data, r->window.data + r->from, have);
	r->window.len = have;
	r->from = 0;
	want = need - have > s->window ? need - have : s->window;
	if ((off_t)want > r->end - r->at)
		want = (size_t)(r->end - r->at);
	if (want < need - have)
		return error_set(err, ERR_CORRUPT, "a sorted run is cut off");
	if (buf_reserve(&r->window, want))
		return error_nomem(err);
	n = io_pread(s->fd, r->window.data + have, want, r->at, err);
	if (n < 0)
		return (int)n;
	if ((size_t)n < want)
		return error_set(err, ERR_CORRUPT, "a sorted run is cut off");
	r->window.len += want;
	r->at += n;
	return 0;
}

/* The next entry of a run; 1, 0 at its end. */
static int
advance(struct sorter *s, struct run *r, struct error *err)
{
	struct head head;
	int rc;

	r->from += r->taken;
	r->taken = 0;
	if (r->from == r->window.len && r->at == r->end)
		return 0;
	rc = fill(s, r, sizeof(head), err);
	if (rc)
		return rc;
	memcpy(&head, r->window.data + r->from, sizeof(head));
	r->taken = sizeof(head) + head.key + head.value;
	rc = fill(s, r, r->taken, err);
	if (rc)
		return rc;
	parse(r->window.data + r->from, &r->key, &r->value);
	return 1;
}

static bool
is_before(const struct sorter *s, size_t a, size_t b)
{
	int order = slice_cmp(s->runs[a].key, s->runs[b].key);

	return order ? order < 0 : a < b;
}

static void
sink(struct sorter *s, size_t i)
{
	for (;;) {
		size_t child = 2 * i + 1, run = s->heap[i];

		if (child >= s->nheap)
			return;
		if (child + 1 < s->nheap &&
		    is_before(s, s->heap[child + 1], s->heap[child]))
			child++;
		if (!is_before(s, s->heap[child], run))
			return;
		s->heap[i] = s->heap[child];
		s->heap[child] = run;
		i = child;
	}
}

static int
begin_merge(struct sorter *s, struct error *err)
{
	s->nheap = 0;
	s->begun = false;
	for (size_t i = 0; i < s->nruns; i++) {
		struct run *r = &s->runs[i];
		int rc;

		r->at = r->begin;
		r->from = r->taken = 0;
		buf_clear(&r->window);
		rc = advance(s, r, err);
		if (rc < 0)
			return rc;
		if (rc)
			s->heap[s->nheap++] = i;
	}
	for (size_t i = s->nheap; i-- > 0;)
		sink(s, i);
	return 0;
}

int
sorter_rewind(struct sorter *s, struct error *err)
{
	s->next = 0;
	return s->nruns ? begin_merge(s, err) : 0;
}

/* All windows together take what a batch took. */
static int
prepare_merge(struct sorter *s, struct error *err)
{
	batch_release(&s->batch);
	batch_release(&s->spill.batch);
	s->window = s->memory / s->nruns;
	if (s->window < WINDOW_LEAST)
		s->window = WINDOW_LEAST;
	if (s->window > WINDOW_MOST)
		s->window = WINDOW_MOST;
	s->heap = calloc(s->nruns, sizeof(*s->heap));
	return s->heap ? begin_merge(s, err) : error_nomem(err);
}

int
sorter_sort(struct sorter *s, struct error *err)
{
	int rc;

	if (s->fd < 0) {
		sort_batch(&s->batch);
		return 0;
	}
	rc = s->batch.n ? begin_spill(s, err) : 0;
	if (!rc)
		rc = end_spill(s, err);
	return rc ? rc : prepare_merge(s, err);
}

static int
next_merged(struct sorter *s, struct slice *ret_key, struct slice *ret_value,
	    struct error *err)
{
	struct run *r;

	if (s->begun && s->nheap) {
		int rc = advance(s, &s->runs[s->heap[0]], err);

		if (rc < 0)
			return rc;
		if (!rc)
			s->heap[0] = s->heap[--s->nheap];
		sink(s, 0);
	}
	s->begun = true;
	if (!s->nheap)
		return 0;
	r = &s->runs[s->heap[0]];
	*ret_key = r->key;
	*ret_value = r->value;
	return 1;
}

int
sorter_next(struct sorter *s, struct slice *ret_key, struct slice *ret_value,
	    struct error *err)
{
	const struct batch *b = &s->batch;

	if (s->nruns)
		return next_merged(s, ret_key, ret_value, err);
	if (s->next == b->n)
		return 0;
	parse(b->arena.data + b->items[s->next++].at, ret_key, ret_value);
	return 1;
}
