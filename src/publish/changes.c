/* The net effect between two versions: see publish.h. */
#include "publish/changes.h"

#include "base/io.h"
#include "base/scope.h"
#include "publish/era.h"
#include "publish/rows.h"
#include "store/chunk.h"

#include <inttypes.h>

#define WRITE_BYTES ((size_t)256 << 10)

/* Compares the header's hash with today's, with and without the BOM, which is
 * no column. */
int
publish_same_columns(struct sql *db, const struct publish_theme *theme,
		     int64_t seq, bool *ret, struct error *err)
{
	struct config_theme either = *theme->theme;
	struct store_chunk header;
	int64_t file = 0;
	int rc = store_file_find(db, theme->id, publish_kind_word(PUBLISH_DATA),
				 "", &file, err);

	if (rc > 0)
		rc = store_chunk_get(db, file, seq, SLICE(""), &header, err);
	if (rc < 0)
		return rc;
	*ret = rc == 0;
	for (int bom = 0; rc && bom < 2; bom++) {
		unsigned char now[DIGEST_SIZE];
		scope_buf text = BUF_INIT;

		either.bom = bom;
		if (publish_format_data_header(&either, &text) ||
		    digest_bytes(text.data, text.len, now))
			return error_nomem(err);
		*ret |= memcmp(now, header.sha256, DIGEST_SIZE) == 0;
	}
	return 0;
}

struct output {
	const struct publish_rows *rows;
	int fd;
	struct buf buf;
	int64_t bytes;
	struct error *err;
};

static int
flush(struct output *o)
{
	int rc = io_write(o->fd, o->buf.data, o->buf.len, o->err);

	o->bytes += (int64_t)o->buf.len;
	buf_clear(&o->buf);
	return rc;
}

static int
write_row(void *ctx, const struct publish_row *row)
{
	struct output *o = ctx;
	int64_t lines;

	if (publish_rows_format(o->rows, row, &o->buf, &lines))
		return error_nomem(o->err);
	return o->buf.len < WRITE_BYTES ? 0 : flush(o);
}

static int
write_all(struct sql *db, struct output *o, int64_t to)
{
	int rc = 0;

	if (publish_rows_header(o->rows, &o->buf))
		return error_nomem(o->err);
	rc = publish_rows_each(db, o->rows, to, SLICE_NONE, SLICE_NONE,
			       write_row, o, o->err);
	return rc ? rc : flush(o);
}

/* The sequence of a version; of 0, before the first, it is 0. */
static int
sequence_of(struct sql *db, const struct publish_theme *theme, int64_t number,
	    int64_t *ret, struct error *err)
{
	struct publish_version v = {0};
	int rc = number ? publish_version_get(db, theme->id, number, &v, err)
			: 1;

	if (rc < 0)
		return rc;
	if (!rc)
		return error_set(err, ERR_NOTFOUND,
				 "theme '%s' has no version %" PRId64
				 ": versions/index.csv lists them",
				 theme->theme->id, number);
	*ret = v.seq;
	return 0;
}

int
publish_changes_between(struct sql *db, const struct publish_theme *theme,
			int64_t from, int64_t to, int fd, int64_t *ret_bytes,
			struct error *err)
{
	scope_era era = {.told = NULL};
	struct publish_rows rows = {.theme = &era.theme,
				    .kind = PUBLISH_CHANGES};
	struct output o = {.rows = &rows, .fd = fd, .err = err};
	int64_t until = 0;
	int rc;

	if (from < 0 || from >= to)
		return error_set(err, ERR_INVALID,
				 "changes/%" PRId64 "..%" PRId64
				 ".csv: the first version must be below the "
				 "second",
				 from, to);
	rc = sequence_of(db, theme, from, &rows.from, err);
	if (!rc)
		rc = sequence_of(db, theme, to, &until, err);
	if (!rc)
		rc = publish_era_get(db, theme, to, &era, err);
	if (!rc)
		rc = publish_same_columns(db, &era.theme, rows.from,
					  &rows.same_columns, err);
	if (!rc)
		rc = write_all(db, &o, until);
	buf_release(&o.buf);
	if (!rc)
		*ret_bytes = o.bytes;
	return rc;
}
