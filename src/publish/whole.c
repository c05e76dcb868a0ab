/* Whole files, several at once: see whole.h. */
#include "publish/whole.h"

#include "base/clock.h"
#include "base/pulse.h"
#include "base/scope.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

#define CHUNKS_MEMORY (1 << 20) /* of a file, before they go to the disk */
#define THREADS 2
#define JOIN_NS (CLOCK_NS / 100)

/* What the store is told of a chunk, by its first key. */
struct told {
	int64_t offset, length, rows;
	unsigned char sha256[DIGEST_SIZE];
};

void
publish_whole_release(struct publish_whole *w)
{
	sorter_free(w->chunks);
	w->chunks = NULL;
}

/* ---- one file ------------------------------------------------------------ */

struct writing {
	struct publish_whole *w;
	struct publish_pack *pack;
	const struct breath *breath;
	atomic_uint *steps;
};

static int
put_chunk(void *ctx, const struct publish_chunk *c)
{
	const struct writing *x = ctx;
	struct publish_whole *w = x->w;
	struct told told = {.length = (int64_t)c->bytes.n, .rows = c->rows};
	int rc = publish_pack_add(x->pack, c->bytes.p, c->bytes.n, &told.offset,
				  &w->err);

	if (rc)
		return rc;
	atomic_fetch_add_explicit(x->steps, 1, memory_order_relaxed);
	breathe(x->breath);
	memcpy(told.sha256, c->sha256, DIGEST_SIZE);
	w->bytes += told.length;
	w->lines += told.rows;
	return sorter_add(w->chunks, c->first,
			  (struct slice){(const char *)&told, sizeof(told)},
			  &w->err);
}

static int
put_header(struct writing *x)
{
	struct publish_whole *w = x->w;
	scope_buf bytes = BUF_INIT;
	struct publish_chunk c = {.first = SLICE("")};

	if (publish_rows_header(w->rows, &bytes))
		return error_nomem(&w->err);
	c.bytes = buf_slice(&bytes);
	if (!bytes.len) /* JSON Lines */
		return 0;
	if (digest_bytes(bytes.data, bytes.len, c.sha256))
		return error_nomem(&w->err);
	return put_chunk(x, &c);
}

static int
put_rows(struct store *store, struct writing *x, int64_t at)
{
	scope_reader reader = {0};
	int rc = store_reader_get(store, &reader, &x->w->err);

	return rc ? rc
		  : publish_chunks_cut(reader.db, x->w->rows, at,
				       PUBLISH_BEFORE_BORDER, SLICE_NONE,
				       put_chunk, x, &x->w->err);
}

static int
write_one(struct store *store, struct writing *x, int64_t at)
{
	struct publish_whole *w = x->w;
	int rc = sorter_new(CHUNKS_MEMORY, &w->chunks, &w->err);

	if (!rc)
		rc = publish_pack_new(store_dir_fd(store), w->pack, &x->pack,
				      &w->err);
	if (!rc)
		rc = put_header(x);
	if (!rc)
		rc = put_rows(store, x, at);
	if (!rc)
		rc = publish_pack_sync(x->pack, &w->err);
	if (!rc)
		rc = sorter_sort(w->chunks, &w->err);
	publish_pack_free(x->pack);
	return rc;
}

/* ---- several at once ----------------------------------------------------- */

struct crew {
	struct store *store;
	struct publish_whole *files;
	size_t n;
	int64_t at;
	atomic_size_t next;
	atomic_bool failed;
	atomic_uint steps; /* chunks of all */
};

static void
work(struct crew *c, const struct breath *breath)
{
	size_t i;

	while (!atomic_load(&c->failed) &&
	       (i = atomic_fetch_add(&c->next, 1)) < c->n) {
		struct writing x = {.w = &c->files[i],
				    .breath = breath,
				    .steps = &c->steps};

		if (write_one(c->store, &x, c->at))
			atomic_store(&c->failed, true);
	}
}

static void *
run_thread(void *arg)
{
	work(arg, NULL);
	return NULL;
}

/* As long as the thread gets on, so does who waits for it. */
static void
join(struct crew *c, pthread_t thread, const struct breath *breath)
{
	unsigned int seen = 0;

	for (;;) {
		int64_t until = clock_monotonic() + JOIN_NS;
		const struct timespec ts = {until / CLOCK_NS, until % CLOCK_NS};
		unsigned int steps = atomic_load(&c->steps);

		if (pthread_clockjoin_np(thread, NULL, CLOCK_MONOTONIC, &ts) !=
		    ETIMEDOUT)
			return;
		if (steps != seen)
			pulse_step();
		seen = steps;
		breathe(breath);
	}
}

int
publish_whole_write(struct store *store, struct publish_whole *files, size_t n,
		    int64_t at, const struct breath *breath, struct error *err)
{
	struct crew c = {.store = store, .files = files, .n = n, .at = at};
	pthread_t threads[THREADS - 1];
	size_t started = 0;

	/* one thread less than wished for is no failure */
	while (started < THREADS - 1 && started + 1 < n &&
	       !pthread_create(&threads[started], NULL, run_thread, &c))
		started++;
	work(&c, breath);
	for (size_t i = 0; i < started; i++)
		join(&c, threads[i], breath);
	for (size_t i = 0; i < n; i++) {
		if (files[i].err.code) {
			*err = files[i].err;
			return err->code;
		}
	}
	return 0;
}

int
publish_whole_tell(struct sql *db, struct publish_whole *w, int64_t seq,
		   struct error *err)
{
	struct store_chunk_ended ended;
	struct slice first, value;
	int rc = 0;

	if (w->begun)
		rc = store_chunk_end(db, w->file, seq, SLICE_NONE, SLICE_NONE,
				     &ended, err);
	if (!rc && w->begun)
		rc = store_file_state_end(db, w->file, seq, err);
	while (!rc && (rc = sorter_next(w->chunks, &first, &value, err)) > 0) {
		struct store_chunk chunk = {.first = first, .pack = w->pack};
		struct told told;

		memcpy(&told, value.p, sizeof(told));
		chunk.offset = told.offset;
		chunk.length = told.length;
		chunk.rows = told.rows;
		memcpy(chunk.sha256, told.sha256, DIGEST_SIZE);
		rc = store_chunk_insert(db, w->file, seq, &chunk, err);
	}
	return rc ? rc
		  : store_file_state_insert(db, w->file, seq, w->bytes,
					    w->lines, err);
}
