/* Whole files, several at once: see whole.h. */
#include "publish/whole.h"

#include "base/clock.h"
#include "base/pulse.h"
#include "base/scope.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

#define CHUNKS_MEMORY (1 << 20) /* of a file, before they go to the disk */
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
	struct publish_whole_crew *crew;
};

struct publish_whole_crew {
	struct store *store;
	struct publish_whole *files;
	size_t n;
	int64_t at;
	atomic_size_t next;
	atomic_bool failed; /* or to stop */
	atomic_uint steps;  /* chunks of all */
	pthread_t thread;
	bool running;
};

static int
put_chunk(void *ctx, const struct publish_chunk *c)
{
	const struct writing *x = ctx;
	struct publish_whole *w = x->w;
	struct told told = {.length = (int64_t)c->bytes.n, .rows = c->rows};
	int rc;

	if (atomic_load_explicit(&x->crew->failed, memory_order_relaxed))
		return error_set(&w->err, ERR_INTERNAL, "another file failed");
	rc = publish_pack_add(x->pack, c->bytes.p, c->bytes.n, &told.offset,
			      &w->err);
	if (rc)
		return rc;
	atomic_fetch_add_explicit(&x->crew->steps, 1, memory_order_relaxed);
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

static void
work(struct publish_whole_crew *c, const struct breath *breath)
{
	size_t i;

	while (!atomic_load(&c->failed) &&
	       (i = atomic_fetch_add(&c->next, 1)) < c->n) {
		struct writing x = {
			.w = &c->files[i], .breath = breath, .crew = c};

		if (!write_one(c->store, &x, c->at))
			continue;
		/* of several the first one says what happened */
		if (atomic_exchange(&c->failed, true))
			c->files[i].err.code = 0;
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
join(struct publish_whole_crew *c, const struct breath *breath)
{
	unsigned int seen = 0;

	while (c->running) {
		int64_t until = clock_monotonic() + JOIN_NS;
		const struct timespec ts = {until / CLOCK_NS, until % CLOCK_NS};
		unsigned int steps = atomic_load(&c->steps);

		c->running =
			pthread_clockjoin_np(c->thread, NULL, CLOCK_MONOTONIC,
					     &ts) == ETIMEDOUT;
		if (steps != seen)
			pulse_step();
		seen = steps;
		breathe(breath);
	}
}

/* No thread is no failure: who waits does the work. */
int
publish_whole_start(struct store *store, struct publish_whole *files, size_t n,
		    int64_t at, struct publish_whole_crew **ret,
		    struct error *err)
{
	struct publish_whole_crew *c = calloc(1, sizeof(*c));

	if (!c)
		return error_nomem(err);
	c->store = store;
	c->files = files;
	c->n = n;
	c->at = at;
	c->running = !pthread_create(&c->thread, NULL, run_thread, c);
	*ret = c;
	return 0;
}

int
publish_whole_wait(struct publish_whole_crew *c, bool stop,
		   const struct breath *breath, struct error *err)
{
	int rc = 0;

	if (!c)
		return 0;
	if (stop)
		atomic_store(&c->failed, true);
	work(c, breath);
	join(c, breath);
	for (size_t i = 0; !rc && i < c->n; i++) {
		if (c->files[i].err.code) {
			*err = c->files[i].err;
			rc = err->code;
		}
	}
	free(c);
	return rc;
}

int
publish_whole_write(struct store *store, struct publish_whole *files, size_t n,
		    int64_t at, const struct breath *breath, struct error *err)
{
	struct publish_whole_crew *c = NULL;
	int rc = publish_whole_start(store, files, n, at, &c, err);

	return rc ? rc : publish_whole_wait(c, false, breath, err);
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
