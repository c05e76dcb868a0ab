/* Whole files, several at once: see whole.h. */
#include "publish/whole.h"

#include "base/clock.h"
#include "base/pulse.h"
#include "base/scope.h"
#include "publish/portable.h"

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
	struct sql *db; /* NULL: one of its own */
	const struct breath *breath;
	struct publish_whole_crew *crew; /* NULL: nobody else is at work */
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

/* Between two chunks, or two rows of what has no chunks yet. */
static int
step(void *ctx)
{
	const struct writing *x = ctx;

	if (x->crew &&
	    atomic_load_explicit(&x->crew->failed, memory_order_relaxed))
		return error_set(&x->w->err, ERR_INTERNAL,
				 "another file failed");
	if (x->crew)
		atomic_fetch_add_explicit(&x->crew->steps, 1,
					  memory_order_relaxed);
	return breathe(x->breath, &x->w->err);
}

static int
note_chunk(struct publish_whole *w, const struct publish_chunk *c,
	   int64_t offset)
{
	struct told told = {
		.offset = offset,
		.length = (int64_t)c->bytes.n,
		.rows = c->rows,
	};

	memcpy(told.sha256, c->sha256, DIGEST_SIZE);
	w->bytes += told.length;
	w->lines += told.rows;
	return sorter_add(w->chunks, c->first,
			  (struct slice){(const char *)&told, sizeof(told)},
			  &w->err);
}

static int
put_chunk(void *ctx, const struct publish_chunk *c)
{
	struct writing *x = ctx;
	struct publish_whole *w = x->w;
	int64_t offset = 0;
	int rc = publish_pack_add(x->pack, c->bytes.p, c->bytes.n, &offset,
				  &w->err);

	if (!rc)
		rc = step(x);
	return rc ? rc : note_chunk(w, c, offset);
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
put_rows(struct writing *x, struct sql *db, int64_t at)
{
	const struct publish_cut cut = {
		.db = db,
		.rows = x->w->rows,
		.at = at,
		.lo = PUBLISH_BEFORE_BORDER,
		.each = put_chunk,
		.ctx = x,
	};
	int rc = put_header(x);

	if (!rc)
		rc = publish_chunks_cut(&cut, &x->w->err);
	return rc ? rc : publish_pack_sync(x->pack, &x->w->err);
}

static int
see_chunk(void *ctx, const struct publish_chunk *c)
{
	struct writing *x = ctx;
	int rc = step(x);

	return rc ? rc : note_chunk(x->w, c, x->w->bytes);
}

/* SQLite writes the pack itself, here and there in it. */
static int
put_portable(struct writing *x, struct sql *db, int state_fd, int64_t at)
{
	char name[PUBLISH_PACK_NAME_MAX];
	struct publish_whole *w = x->w;
	const struct publish_portable_job job = {
		.db = db,
		.rows = w->rows,
		.at = at,
		.name = name,
		.step = step,
		.ctx = x,
	};
	scope_fd fd = -1;
	int64_t rows = 0;
	int rc;

	publish_pack_name(w->pack, name);
	rc = publish_pack_create(state_fd, w->pack, &fd, &w->err);
	if (!rc)
		rc = publish_portable_write(&job, &rows, &w->err);
	if (!rc)
		rc = publish_portable_cut(fd, rows, see_chunk, x, &w->err);
	return rc ? rc : publish_pack_keep(state_fd, w->pack, fd, &w->err);
}

static int
put_file(struct store *store, struct writing *x, struct sql *db, int64_t at)
{
	int dir = store_dir_fd(store);
	int rc;

	if (x->w->rows->kind == PUBLISH_SQLITE)
		return put_portable(x, db, dir, at);
	rc = publish_pack_new(dir, x->w->pack, &x->pack, &x->w->err);
	if (!rc)
		rc = put_rows(x, db, at);
	publish_pack_free(x->pack);
	return rc;
}

static int
write_one(struct store *store, struct writing *x, int64_t at)
{
	struct publish_whole *w = x->w;
	scope_reader reader = {0};
	int rc = sorter_new(CHUNKS_MEMORY, &w->chunks, &w->err);

	if (!rc && !x->db)
		rc = store_reader_get(store, &reader, &w->err);
	if (!rc)
		rc = put_file(store, x, x->db ? x->db : reader.db, at);
	return rc ? rc : sorter_sort(w->chunks, &w->err);
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
static int
join(struct publish_whole_crew *c, const struct breath *breath,
     struct error *err)
{
	unsigned int seen = 0;
	int rc = 0;

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
		if (!rc && c->running)
			rc = breathe(breath, err);
		if (rc)
			atomic_store(&c->failed, true);
	}
	return rc;
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
	int rc;

	if (!c)
		return 0;
	if (stop)
		atomic_store(&c->failed, true);
	work(c, breath);
	rc = join(c, breath, err);
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
publish_whole_write_here(struct store *store, struct sql *db,
			 struct publish_whole *w, int64_t at,
			 const struct breath *breath, struct error *err)
{
	struct writing x = {.w = w, .db = db, .breath = breath};
	int rc = write_one(store, &x, at);

	if (rc && err)
		*err = w->err;
	return rc;
}

int
publish_whole_next(struct sorter *chunks, unsigned char ret[static DIGEST_SIZE],
		   struct error *err)
{
	struct slice first, value;
	struct told told;
	int rc = sorter_next(chunks, &first, &value, err);

	if (rc <= 0)
		return rc;
	memcpy(&told, value.p, sizeof(told));
	memcpy(ret, told.sha256, DIGEST_SIZE);
	return 1;
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
