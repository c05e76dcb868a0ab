/* Sorting beyond memory: see sorter.h. */
#include "base/sorter.h"

#include "base/io.h"
#include "base/relay.h"
#include "base/scope.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

/* Of each run while they are merged: together they take no more than the
 * memory, but a small one is slow. */
#define WINDOW_LEAST 4096
#define WINDOW_MOST (64 * 1024)
/* Of what is merged ahead of the caller: a wake-up of the thread each. */
#define PIECE_LEAST (16 * 1024)
#define PIECE_MOST (1024 * 1024)

/* An entry in memory and in the file: its head, the key, the value. */
struct head {
	uint32_t key, value;
};

/* An entry of a batch. 'prefix': of its key, the eight bytes behind those that
 * all keys begin with, by which most differ. */
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
	struct slice key;
};

/* A run that stands, and how its key begins. */
struct standing {
	uint64_t prefix;
	size_t run;
};

/* What is in memory. */
struct batch {
	struct buf arena;
	struct item *items; /* room for twice 'cap': sorting moves them */
	size_t n, cap;
	size_t common; /* bytes that all its keys begin with */
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

/* Entries in order, as the thread has merged them while the caller used those
 * before. */
struct piece {
	struct buf bytes;
	size_t from; /* of the next entry */
	int rc;
	struct error err;
};

struct sorter {
	size_t memory; /* of a batch */
	int fd;	       /* -1: nothing had to be written */
	off_t written;
	struct batch batch;
	bool has_first;
	struct buf first; /* a key; all begin with 'common' bytes of it */
	size_t common;
	struct relay *relay; /* NULL: not needed yet */
	struct spill spill;
	size_t next;   /* item to give, while nothing was written */
	size_t window; /* bytes */
	struct run *runs;
	size_t nruns;
	struct standing *heap; /* the smallest first */
	size_t nheap;
	bool merging;	     /* the thread has no batches any more */
	bool ahead;	     /* it is at work on 'coming' */
	struct piece piece;  /* the caller's */
	struct piece coming; /* the thread's, from relay_start() on */
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
	buf_release(&s->first);
	buf_release(&s->piece.bytes);
	buf_release(&s->coming.bytes);
	free(s->runs);
	free(s->heap);
	free(s);
}

/* ---- in memory ----------------------------------------------------------- */

static uint64_t
prefix_of(struct slice key, size_t common)
{
	uint64_t prefix = 0;
	size_t n = key.n > common ? key.n - common : 0;

	if (n)
		memcpy(&prefix, key.p + common, n < 8 ? n : 8);
	return be64toh(prefix);
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
find_prefixes(struct batch *b)
{
	for (size_t i = 0; i < b->n; i++) {
		struct slice key, ignored;

		parse(b->arena.data + b->items[i].at, &key, &ignored);
		b->items[i].prefix = prefix_of(key, b->common);
	}
}

static bool
is_in_order(const struct batch *b)
{
	for (size_t i = 1; i < b->n; i++) {
		if (compare_items(&b->items[i - 1], &b->items[i],
				  b->arena.data) > 0)
			return false;
	}
	return true;
}

/* By the byte of the prefix that is 'shift' bits up, keeping the order of
 * those that have the same one. */
static void
move_by_byte(const struct item *from, size_t n, int shift,
	     const size_t counts[256], struct item *to)
{
	size_t next[256], sum = 0;

	for (size_t byte = 0; byte < 256; byte++) {
		next[byte] = sum;
		sum += counts[byte];
	}
	for (size_t i = 0; i < n; i++)
		to[next[from[i].prefix >> shift & 255]++] = from[i];
}

/* From the last byte of the prefix to the first, in linear time; bytes that
 * are the same in all of them, as those of codes often are, cost nothing. */
static void
sort_prefixes(struct batch *b)
{
	struct item *from = b->items, *to = b->items + b->cap;
	size_t counts[8][256] = {0};

	for (size_t i = 0; i < b->n; i++) {
		for (int byte = 0; byte < 8; byte++)
			counts[byte][from[i].prefix >> 8 * byte & 255]++;
	}
	for (int byte = 0; byte < 8; byte++) {
		struct item *moved = to;

		if (counts[byte][from->prefix >> 8 * byte & 255] == b->n)
			continue;
		move_by_byte(from, b->n, 8 * byte, counts[byte], to);
		to = from;
		from = moved;
	}
	if (from != b->items)
		memcpy(b->items, from, b->n * sizeof(*from));
}

static void
sort_batch(struct batch *b)
{
	size_t end;

	find_prefixes(b);
	if (b->n < 2 || is_in_order(b))
		return;
	sort_prefixes(b);
	for (size_t i = 0; i < b->n; i = end) {
		for (end = i + 1; end < b->n; end++) {
			if (b->items[end].prefix != b->items[i].prefix)
				break;
		}
		if (end - i > 1)
			qsort_r(b->items + i, end - i, sizeof(*b->items),
				compare_items, b->arena.data);
	}
}

static int
grow(struct batch *b, struct error *err)
{
	size_t cap = b->cap ? 2 * b->cap : 1024;
	struct item *items;

	if (b->n < b->cap)
		return 0;
	items = reallocarray(b->items, 2 * cap, sizeof(*items));
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

static void merge_piece(struct sorter *s);

static void
work(void *ctx)
{
	struct sorter *s = ctx;

	if (s->merging) {
		merge_piece(s);
		return;
	}
	sort_batch(&s->spill.batch);
	s->spill.rc = write_batch(&s->spill);
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
	full.common = s->common;
	s->batch = spill->batch;
	*spill = (struct spill){.batch = full, .fd = s->fd, .at = s->written};
	relay_start(s->relay);
	return 0;
}

/* All keys so far, and this one, begin alike: how far? */
static int
note_common(struct sorter *s, struct slice key, struct error *err)
{
	size_t n = s->common < key.n ? s->common : key.n, i = 0;

	if (!s->has_first) {
		s->has_first = true;
		s->common = key.n;
		return buf_addslice(&s->first, key) ? error_nomem(err) : 0;
	}
	if (n && memcmp(s->first.data, key.p, n) != 0) {
		while (s->first.data[i] == key.p[i])
			i++;
		n = i;
	}
	s->common = n;
	return 0;
}

static size_t
bytes_of(const struct batch *b)
{
	return b->arena.len + 2 * b->n * sizeof(*b->items);
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
	if (b->n && bytes_of(b) + need > s->memory)
		rc = begin_spill(s, err);
	if (!rc)
		rc = grow(b, err);
	if (!rc)
		rc = note_common(s, key, err);
	if (rc)
		return rc;
	if (buf_reserve(&b->arena, need))
		return error_nomem(err);
	b->items[b->n++] = (struct item){.at = b->arena.len};
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
	r->key = (struct slice){r->window.data + r->from + sizeof(head),
				head.key};
	return 1;
}

static bool
is_before(const struct sorter *s, const struct standing *a,
	  const struct standing *b)
{
	int order;

	if (a->prefix != b->prefix)
		return a->prefix < b->prefix;
	order = slice_cmp(s->runs[a->run].key, s->runs[b->run].key);
	return order ? order < 0 : a->run < b->run;
}

/* From its place downwards, to where no smaller one is below it. */
static void
sink(struct sorter *s, size_t i)
{
	const struct standing sinking = s->heap[i];

	for (;;) {
		size_t child = 2 * i + 1;

		if (child + 1 < s->nheap &&
		    is_before(s, &s->heap[child + 1], &s->heap[child]))
			child++;
		if (child >= s->nheap ||
		    !is_before(s, &s->heap[child], &sinking))
			break;
		s->heap[i] = s->heap[child];
		i = child;
	}
	s->heap[i] = sinking;
}

static int
begin_merge(struct sorter *s, struct error *err)
{
	s->nheap = 0;
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
			s->heap[s->nheap++] = (struct standing){
				prefix_of(r->key, s->common), i};
	}
	for (size_t i = s->nheap; i-- > 0;)
		sink(s, i);
	return 0;
}

/* The smallest entry of all runs to the end of the piece. */
static int
merge_one(struct sorter *s, struct piece *p)
{
	struct standing *top = s->heap;
	struct run *r = &s->runs[top->run];
	int rc;

	if (buf_add(&p->bytes, r->window.data + r->from, r->taken))
		return error_nomem(&p->err);
	rc = advance(s, r, &p->err);
	if (rc < 0)
		return rc;
	if (rc)
		top->prefix = prefix_of(r->key, s->common);
	else
		*top = s->heap[--s->nheap];
	if (s->nheap)
		sink(s, 0);
	return 0;
}

static void
merge_piece(struct sorter *s)
{
	size_t most = s->memory / 4;
	struct piece *p = &s->coming;

	if (most < PIECE_LEAST)
		most = PIECE_LEAST;
	if (most > PIECE_MOST)
		most = PIECE_MOST;
	buf_clear(&p->bytes);
	p->from = 0;
	p->rc = 0;
	while (!p->rc && s->nheap && p->bytes.len < most)
		p->rc = merge_one(s, p);
}

static void
merge_ahead(struct sorter *s)
{
	s->ahead = true;
	relay_start(s->relay);
}

/* What comes next is the caller's; 0, also at the end. */
static int
take_piece(struct sorter *s, struct error *err)
{
	const struct piece used = s->piece;

	if (!s->ahead)
		merge_ahead(s);
	relay_wait(s->relay);
	s->ahead = false;
	if (s->coming.rc)
		return error_set(err, s->coming.rc, "%s", s->coming.err.text);
	s->piece = s->coming;
	s->coming = used;
	if (s->piece.bytes.len)
		merge_ahead(s);
	return 0;
}

int
sorter_rewind(struct sorter *s, struct error *err)
{
	s->next = 0;
	if (!s->nruns)
		return 0;
	relay_wait(s->relay);
	s->ahead = false;
	buf_clear(&s->piece.bytes);
	s->piece.from = 0;
	return begin_merge(s, err);
}

/* All windows together take what a batch took. */
static int
prepare_merge(struct sorter *s, struct error *err)
{
	s->merging = true;
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

	s->batch.common = s->common;
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
	struct piece *p = &s->piece;
	int rc = p->from == p->bytes.len ? take_piece(s, err) : 0;

	if (rc || !p->bytes.len)
		return rc;
	parse(p->bytes.data + p->from, ret_key, ret_value);
	p->from += sizeof(struct head) + ret_key->n + ret_value->n;
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
