/*
 * Rows cut into chunks, and the digest over them: see chunks.h.
 *
 * Of many rows the bytes are made by a thread beside the one that walks through
 * them and deals with the chunks: rows are handed over a batch at a time, and
 * chunks come back a batch later.
 */
#include "publish/chunks.h"

#include "base/relay.h"

#define BATCH ((size_t)128 << 10) /* bytes of rows */

/* Chunks that are whole, one behind the other, and behind them the bytes of
 * one that is not yet. */
struct made {
	struct buf bytes;
	struct buf firsts;
	struct buf chunks; /* each a struct made_chunk */
};

struct made_chunk {
	size_t first, bytes; /* so many in both */
	int64_t rows;
	unsigned char sha256[DIGEST_SIZE];
};

/* Makes chunks of rows. */
struct maker {
	const struct publish_rows *rows;
	uint64_t border;
	struct made *made;
	/* the chunk under way */
	struct buf first;
	size_t begin; /* in the bytes that were made */
	int64_t lines;
};

struct cutter {
	const struct publish_cut *job;
	struct error *err;
	struct maker maker;
	struct made made[2];
	/* where there is a thread beside; it has 'handed', and what the maker
	 * has, from relay_start() until relay_wait() */
	struct relay *relay;
	struct buf rows, handed;
	struct error failed; /* code 0: it has not */
};

static void
made_release(struct made *m)
{
	buf_release(&m->bytes);
	buf_release(&m->firsts);
	buf_release(&m->chunks);
}

static void
cutter_release(struct cutter *c)
{
	relay_free(c->relay);
	made_release(&c->made[0]);
	made_release(&c->made[1]);
	buf_release(&c->maker.first);
	buf_release(&c->rows);
	buf_release(&c->handed);
}

/* ---- making -------------------------------------------------------------- */

/* The chunk under way is whole, if it has any row. */
static int
end_chunk(struct maker *m, struct error *err)
{
	struct made *made = m->made;
	struct made_chunk chunk = {
		.first = m->first.len,
		.bytes = made->bytes.len - m->begin,
		.rows = m->lines,
	};

	if (!chunk.bytes)
		return 0;
	if (digest_bytes(made->bytes.data + m->begin, chunk.bytes,
			 chunk.sha256) ||
	    buf_addslice(&made->firsts, buf_slice(&m->first)) ||
	    buf_add(&made->chunks, &chunk, sizeof(chunk)))
		return error_nomem(err);
	m->begin = made->bytes.len;
	m->lines = 0;
	return 0;
}

static int
begin_chunk(struct maker *m, struct slice first, struct error *err)
{
	buf_clear(&m->first);
	return buf_addslice(&m->first, first) ? error_nomem(err) : 0;
}

static int
make_row(struct maker *m, const struct publish_row *row, struct error *err)
{
	int64_t lines = 0;
	int rc = publish_rows_format(m->rows, row, &m->made->bytes, &lines);

	m->lines += lines;
	if (rc == ERR_NOMEM)
		return error_nomem(err);
	return rc ? error_set(err, rc,
			      "a row of theme '%s' (%s) is not as its rules "
			      "make it: restore a backup",
			      m->rows->theme->theme->id,
			      publish_kind_word(m->rows->kind))
		  : 0;
}

/* Hands on the chunks that are whole. */
static int
give(struct cutter *c, struct made *made)
{
	const char *first = made->firsts.data, *bytes = made->bytes.data;
	size_t n = made->chunks.len / sizeof(struct made_chunk);
	int rc = 0;

	for (size_t i = 0; !rc && i < n; i++) {
		struct publish_chunk chunk;
		struct made_chunk m;

		memcpy(&m, made->chunks.data + i * sizeof(m), sizeof(m));
		chunk = (struct publish_chunk){
			.first = {first, m.first},
			.bytes = {bytes, m.bytes},
			.rows = m.rows,
		};
		memcpy(chunk.sha256, m.sha256, DIGEST_SIZE);
		rc = c->job->each(c->job->ctx, &chunk);
		first += m.first;
		bytes += m.bytes;
	}
	buf_clear(&made->chunks);
	buf_clear(&made->firsts);
	return rc;
}

/* ---- beside -------------------------------------------------------------- */

/* A row that waits: its bytes stand behind it. */
struct waiting {
	size_t place, cells, conflicts;
	const char *change;
	bool is_record;
};

static int
put_row(struct buf *rows, const struct publish_row *row)
{
	const struct store_theme_row *t = row->theme_row;
	struct slice cells = SLICE_NONE, conflicts = SLICE_NONE;
	struct waiting w = {
		.place = row->place.n,
		.change = row->change,
		.is_record = row->record,
	};

	if (t)
		conflicts = t->conflicts;
	if (t || row->record)
		cells = t ? t->cells : row->record->cells;
	w.cells = cells.n;
	w.conflicts = conflicts.n;
	return buf_add(rows, &w, sizeof(w)) || buf_addslice(rows, row->place) ||
			       buf_addslice(rows, cells) ||
			       buf_addslice(rows, conflicts)
		       ? ERR_NOMEM
		       : 0;
}

static struct slice
take(struct slice *rest, size_t n)
{
	struct slice ret = {rest->p, n};

	rest->p += n;
	rest->n -= n;
	return ret;
}

static int
make_waiting(struct maker *m, struct slice *rest, struct error *err)
{
	struct store_theme_row theme_row = {0};
	struct store_record record = {0};
	struct publish_row row = {0};
	struct waiting w;
	int rc = 0;

	memcpy(&w, take(rest, sizeof(w)).p, sizeof(w));
	row.place = theme_row.subject = take(rest, w.place);
	record.cells = theme_row.cells = take(rest, w.cells);
	theme_row.conflicts = take(rest, w.conflicts);
	row.change = w.change;
	if (w.is_record)
		row.record = &record;
	else
		row.theme_row = &theme_row;
	if (publish_is_border(row.place, m->border)) {
		rc = end_chunk(m, err);
		if (!rc)
			rc = begin_chunk(m, row.place, err);
	}
	return rc ? rc : make_row(m, &row, err);
}

static int
make_batch(struct maker *m, struct slice rows, struct error *err)
{
	int rc = 0;

	while (!rc && rows.n)
		rc = make_waiting(m, &rows, err);
	return rc;
}

static void
make_handed(void *ctx)
{
	struct cutter *c = ctx;

	(void)!make_batch(&c->maker, buf_slice(&c->handed), &c->failed);
}

/* Until the batch that was handed over is made. */
static int
wait(struct cutter *c)
{
	if (!c->relay)
		c->relay = relay_new(make_handed, c);
	if (!c->relay)
		return error_nomem(c->err);
	relay_wait(c->relay);
	if (c->failed.code)
		*c->err = c->failed;
	return c->failed.code;
}

/* Hands over the rows that wait, and on what the batch before has come to. */
static int
hand_over(struct cutter *c)
{
	int rc = wait(c);
	struct maker *m = &c->maker;
	struct made *made = m->made;
	struct buf rows;

	if (rc)
		return rc;
	m->made = made == c->made ? c->made + 1 : c->made;
	buf_clear(&m->made->bytes);
	if (made->bytes.len > m->begin &&
	    buf_add(&m->made->bytes, made->bytes.data + m->begin,
		    made->bytes.len - m->begin))
		return error_nomem(c->err);
	m->begin = 0;
	rows = c->handed;
	c->handed = c->rows;
	c->rows = rows;
	buf_clear(&c->rows);
	relay_start(c->relay);
	return give(c, made);
}

static int
hold_row(struct cutter *c, const struct publish_row *row)
{
	if (put_row(&c->rows, row))
		return error_nomem(c->err);
	return c->rows.len < BATCH ? 0 : hand_over(c);
}

/* Those that still wait. */
static int
end_beside(struct cutter *c)
{
	int rc = c->relay ? wait(c) : 0;

	return rc ? rc : make_batch(&c->maker, buf_slice(&c->rows), c->err);
}

/* ---- cutting ------------------------------------------------------------- */

static int
end_here(struct cutter *c)
{
	int rc = end_chunk(&c->maker, c->err);

	if (!rc)
		rc = give(c, c->maker.made);
	buf_clear(&c->maker.made->bytes);
	c->maker.begin = 0;
	return rc;
}

static int
add_row(void *ctx, const struct publish_row *row)
{
	struct cutter *c = ctx;
	int rc = 0;

	if (c->job->beside)
		return hold_row(c, row);
	if (publish_is_border(row->place, c->maker.border)) {
		rc = end_here(c);
		if (!rc)
			rc = begin_chunk(&c->maker, row->place, c->err);
	}
	return rc ? rc : make_row(&c->maker, row, c->err);
}

int
publish_chunks_cut(const struct publish_cut *job, struct error *err)
{
	struct cutter c = {
		.job = job,
		.err = err,
		.maker = {.rows = job->rows, .made = c.made},
	};
	int rc = store_chunk_border(job->db, &c.maker.border, err);

	if (!rc)
		rc = begin_chunk(&c.maker, job->lo, err);
	if (!rc)
		rc = publish_rows_each(job->db, job->rows, job->at, job->lo,
				       job->hi, add_row, &c, err);
	if (!rc && job->beside)
		rc = end_beside(&c);
	if (!rc)
		rc = end_here(&c);
	cutter_release(&c);
	return rc;
}

static int
add_hash(void *ctx, const struct store_chunk *c)
{
	if (c->first.n) /* not the header */
		digest_add(ctx, c->sha256, DIGEST_SIZE);
	return 0;
}

int
publish_chunks_digest(struct sql *db, int64_t file, int64_t at,
		      unsigned char ret[static DIGEST_SIZE], struct error *err)
{
	scope_digest digest = digest_new();
	int rc;

	if (!digest)
		return error_nomem(err);
	rc = store_chunk_each(db, file, at, add_hash, digest, err);
	if (!rc)
		digest_end(digest, ret);
	return rc;
}
