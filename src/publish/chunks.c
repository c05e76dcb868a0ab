/*
 * Which chunks a publish writes again: see chunks.h. What was published is
 * read at seq - 1, so that what this publish has already written does not
 * matter; rows are read at seq.
 */
#include "publish/chunks.h"

#include "base/scope.h"

/* Published chunks whose place others have taken end together, by one
 * statement for so many. */
#define ENDED_TOGETHER 256

/* One file under way. */
struct writer {
	const struct publish_chunks_job *job;
	struct error *err;
	bool fresh; /* nothing of it is published: nothing to compare with */
	bool changed;
	int64_t bytes, rows; /* of the new state */
	struct buf settled;  /* published chunks below have been dealt with */
	int64_t inserted;    /* chunks, since then */
	/* a run of chunks to be written again, [lo, hi); hi empty: to the end
	 */
	bool has_run;
	struct buf lo, hi;
};

static void
writer_release(struct writer *w)
{
	buf_release(&w->settled);
	buf_release(&w->lo);
	buf_release(&w->hi);
}

static int
set(struct writer *w, struct buf *b, struct slice s)
{
	buf_clear(b);
	return buf_addslice(b, s) ? error_nomem(w->err) : 0;
}

/* ---- chunks against what is published ------------------------------------ */

/* Published chunks from 'settled' up to 'hi' are no more. */
static int
end_upto(struct writer *w, struct slice hi)
{
	struct store_chunk_ended ended;
	int rc;

	if (w->fresh)
		return 0;
	rc = store_chunk_end(w->job->db, w->job->file, w->job->seq,
			     buf_slice(&w->settled), hi, &ended, w->err);
	if (rc || !ended.n)
		return rc;
	w->changed = true;
	w->bytes -= ended.bytes;
	w->rows -= ended.rows;
	return 0;
}

/* Whether the chunk is published as it is. */
static int
is_published(struct writer *w, const struct publish_chunk *c, bool *ret)
{
	struct store_chunk old;
	int rc;

	*ret = false;
	if (w->fresh || w->job->whole)
		return 0;
	rc = store_chunk_get(w->job->db, w->job->file, w->job->seq - 1,
			     c->first, &old, w->err);
	if (rc > 0)
		*ret = memcmp(old.sha256, c->sha256, DIGEST_SIZE) == 0;
	return rc < 0 ? rc : 0;
}

static int
insert(struct writer *w, const struct publish_chunk *c)
{
	struct store_chunk chunk = {
		.first = c->first,
		.pack = publish_pack_number(w->job->pack),
		.length = (int64_t)c->bytes.n,
		.rows = c->rows,
	};
	int rc = publish_pack_add(w->job->pack, c->bytes.p, c->bytes.n,
				  &chunk.offset, w->err);

	if (rc)
		return rc;
	memcpy(chunk.sha256, c->sha256, DIGEST_SIZE);
	rc = store_chunk_insert(w->job->db, w->job->file, w->job->seq, &chunk,
				w->err);
	w->changed = true;
	w->inserted++;
	w->bytes += chunk.length;
	w->rows += chunk.rows;
	return rc;
}

/* Puts a place's successor, the smallest that is greater, into 'settled'. */
static int
settle_behind(struct writer *w, struct slice place)
{
	int rc = set(w, &w->settled, place);

	if (!rc && buf_addc(&w->settled, '\0'))
		rc = error_nomem(w->err);
	return rc;
}

/* What is published below a chunk has been dealt with, and the chunk itself if
 * it stays. */
static int
settle(struct writer *w, struct slice first, bool stays)
{
	int rc = end_upto(w, first);

	w->inserted = 0;
	if (rc)
		return rc;
	return stays ? settle_behind(w, first) : set(w, &w->settled, first);
}

static int
put_chunk(void *ctx, const struct publish_chunk *c)
{
	struct writer *w = ctx;
	bool same = false;
	int rc = breathe(w->job->breath, w->err);

	if (!rc)
		rc = is_published(w, c, &same);
	if (!rc && !same)
		rc = insert(w, c);
	return rc || (!same && w->inserted < ENDED_TOGETHER)
		       ? rc
		       : settle(w, c->first, same);
}

static int
put_header(struct writer *w)
{
	scope_buf bytes = BUF_INIT;
	struct publish_chunk c = {.first = SLICE("")};
	bool same = false;
	int rc = publish_rows_header(w->job->rows, &bytes);

	c.bytes = buf_slice(&bytes);
	if (rc || digest_bytes(bytes.data, bytes.len, c.sha256))
		return error_nomem(w->err);
	if (!bytes.len) /* JSON Lines */
		return 0;
	rc = is_published(w, &c, &same);
	if (!rc && !same)
		rc = insert(w, &c);
	return rc || same ? rc : end_upto(w, PUBLISH_BEFORE_BORDER);
}

/* ---- runs ---------------------------------------------------------------- */

static int
write_run(struct writer *w, struct slice lo, struct slice hi)
{
	const struct publish_cut cut = {
		.db = w->job->db,
		.rows = w->job->rows,
		.at = w->job->seq,
		.lo = lo,
		.hi = hi,
		.beside = w->job->all || w->fresh,
		.each = put_chunk,
		.ctx = w,
	};
	int rc = set(w, &w->settled, lo);

	if (!rc)
		rc = publish_chunks_cut(&cut, w->err);
	return rc ? rc : end_upto(w, hi);
}

static int
end_run(struct writer *w)
{
	if (!w->has_run)
		return 0;
	w->has_run = false;
	return write_run(w, buf_slice(&w->lo), buf_slice(&w->hi));
}

static int
note_row(void *ctx, const struct publish_row *row)
{
	(void)row;
	*(bool *)ctx = true;
	return 0;
}

static int
has_row(struct writer *w, struct slice place, bool *ret)
{
	scope_buf behind = BUF_INIT;

	*ret = false;
	if (buf_addslice(&behind, place) || buf_addc(&behind, '\0'))
		return error_nomem(w->err);
	return publish_rows_each(w->job->db, w->job->rows, w->job->seq, place,
				 buf_slice(&behind), note_row, ret, w->err);
}

/* Where the run of a chunk begins: with the chunk itself; when the row that
 * began it is gone, its rest goes to the chunk before, which begins at a row
 * that is still there, or it would be part of the run before this one. */
static int
begin_of(struct writer *w, struct slice place, struct slice first,
	 struct buf *ret)
{
	bool stays = true;
	int rc = 0;

	if (slice_eq(place, first))
		rc = has_row(w, first, &stays);
	if (rc)
		return rc;
	if (stays)
		return set(w, ret, first);
	if (w->has_run && slice_eq(buf_slice(&w->hi), first))
		return set(w, ret, buf_slice(&w->lo));
	buf_clear(ret);
	rc = store_chunk_before(w->job->db, w->job->file, w->job->seq - 1,
				first, ret, w->err);
	if (!rc)
		return set(w, ret, PUBLISH_BEFORE_BORDER);
	return rc < 0 ? rc : 0;
}

/* A row that changed: its chunk is part of a run. Places come in order. */
static int
add_place(void *ctx, struct slice place)
{
	struct writer *w = ctx;
	const struct publish_chunks_job *job = w->job;
	scope_buf first = BUF_INIT;
	scope_buf lo = BUF_INIT;
	int rc;

	if (w->has_run &&
	    (!w->hi.len || slice_cmp(place, buf_slice(&w->hi)) < 0))
		return 0;
	rc = store_chunk_upto(job->db, job->file, job->seq - 1, place, &first,
			      w->err);
	if (!rc)
		rc = set(w, &first, PUBLISH_BEFORE_BORDER);
	if (rc >= 0)
		rc = begin_of(w, place, buf_slice(&first), &lo);
	if (!rc && !(w->has_run && slice_eq(buf_slice(&lo), buf_slice(&w->lo))))
		rc = end_run(w);
	if (!rc)
		rc = set(w, &w->lo, buf_slice(&lo));
	if (rc)
		return rc;
	w->has_run = true;
	buf_clear(&w->hi);
	rc = store_chunk_after(job->db, job->file, job->seq - 1, place, &w->hi,
			       w->err);
	return rc < 0 ? rc : 0;
}

static int
write_dirty(struct writer *w)
{
	int rc = store_dirty_each(w->job->db, w->job->dirty, add_place, w,
				  w->err);

	return rc ? rc : end_run(w);
}

/* ---- one file ------------------------------------------------------------ */

static int
put_state(struct writer *w)
{
	const struct publish_chunks_job *job = w->job;
	int rc = store_file_state_end(job->db, job->file, job->seq, w->err);

	return rc ? rc
		  : store_file_state_insert(job->db, job->file, job->seq,
					    w->bytes, w->rows, w->err);
}

static int
write_file(struct writer *w)
{
	struct store_file_state old = {0};
	int rc = store_file_state_at(w->job->db, w->job->file, w->job->seq - 1,
				     &old, w->err);

	if (rc < 0)
		return rc;
	w->fresh = rc == 0;
	w->changed = w->fresh;
	w->bytes = old.bytes;
	w->rows = old.rows;
	rc = put_header(w);
	if (!rc && (w->job->all || w->fresh))
		rc = write_run(w, PUBLISH_BEFORE_BORDER, SLICE_NONE);
	else if (!rc)
		rc = write_dirty(w);
	return rc || !w->changed ? rc : put_state(w);
}

int
publish_chunks_write(const struct publish_chunks_job *job, bool *ret_changed,
		     struct error *err)
{
	struct writer w = {.job = job, .err = err};
	int rc = write_file(&w);

	writer_release(&w);
	if (!rc)
		*ret_changed = w.changed;
	return rc;
}

int
publish_chunks_end(struct sql *db, int64_t file, int64_t seq, bool *ret_changed,
		   struct error *err)
{
	struct store_chunk_ended ended;
	struct store_file_state old;
	int rc = store_file_state_at(db, file, seq - 1, &old, err);

	*ret_changed = rc > 0;
	if (rc <= 0)
		return rc;
	rc = store_chunk_end(db, file, seq, SLICE_NONE, SLICE_NONE, &ended,
			     err);
	return rc ? rc : store_file_state_end(db, file, seq, err);
}
