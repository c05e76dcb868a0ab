/* Rows cut into chunks, and the digest over them: see chunks.h. */
#include "publish/chunks.h"

struct cutter {
	const struct publish_rows *rows;
	publish_chunk_fn *each;
	void *ctx;
	struct error *err;
	uint64_t border;
	struct buf first;
	struct buf bytes;
	int64_t lines;
};

/* Hands on the chunk under way, if it has any row. */
static int
cut(struct cutter *c)
{
	struct publish_chunk chunk = {
		.first = buf_slice(&c->first),
		.bytes = buf_slice(&c->bytes),
		.rows = c->lines,
	};
	int rc;

	if (!c->bytes.len)
		return 0;
	if (digest_bytes(c->bytes.data, c->bytes.len, chunk.sha256))
		return error_nomem(c->err);
	rc = c->each(c->ctx, &chunk);
	buf_clear(&c->bytes);
	c->lines = 0;
	return rc;
}

static int
add_row(void *ctx, const struct publish_row *row)
{
	struct cutter *c = ctx;
	int64_t lines = 0;
	int rc = 0;

	if (publish_is_border(row->place, c->border)) {
		rc = cut(c);
		buf_clear(&c->first);
		if (!rc && buf_addslice(&c->first, row->place))
			rc = error_nomem(c->err);
	}
	if (rc)
		return rc;
	rc = publish_rows_format(c->rows, row, &c->bytes, &lines);
	c->lines += lines;
	if (rc == ERR_NOMEM)
		return error_nomem(c->err);
	return rc ? error_set(c->err, rc,
			      "a row of theme '%s' (%s) is not as its rules "
			      "make it: restore a backup",
			      c->rows->theme->theme->id,
			      publish_kind_word(c->rows->kind))
		  : 0;
}

int
publish_chunks_cut(struct sql *db, const struct publish_rows *rows, int64_t at,
		   struct slice lo, struct slice hi, publish_chunk_fn *each,
		   void *ctx, struct error *err)
{
	struct cutter c = {.rows = rows, .each = each, .ctx = ctx, .err = err};
	int rc = store_chunk_border(db, &c.border, err);

	if (!rc && buf_addslice(&c.first, lo))
		rc = error_nomem(err);
	if (!rc)
		rc = publish_rows_each(db, rows, at, lo, hi, add_row, &c, err);
	if (!rc)
		rc = cut(&c);
	buf_release(&c.first);
	buf_release(&c.bytes);
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
