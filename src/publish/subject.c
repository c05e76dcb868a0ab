/*
 * subjects/KEY.json: computed again from the records that held when the
 * subject last changed. See publish.h; integrate.h makes the text.
 */
#include "publish/era.h"
#include "publish/gather.h"

/* The theme's row as it was found. */
struct found {
	struct buf subject, cells;
	int64_t version, since;
	struct error *err;
};

static int
keep_row(void *ctx, const struct store_theme_row *r)
{
	struct found *f = ctx;

	if (buf_addslice(&f->subject, r->subject) ||
	    buf_addslice(&f->cells, r->cells))
		return error_nomem(f->err);
	f->version = r->version;
	f->since = r->since;
	return 0;
}

static int
print(const struct publish_theme *theme, const struct found *f,
      const struct publish_gathered *records, struct integrate_result *result,
      struct buf *out, struct error *err)
{
	const struct config_theme *t = theme->theme;
	struct slice subject = buf_slice(&f->subject);
	int rc;

	rc = integrate_subject(t, subject, records->all.rows, records->all.n,
			       result, err);
	if (!rc && !slice_eq(buf_slice(&result->cells), buf_slice(&f->cells)))
		return error_set(err, ERR_CORRUPT,
				 "a row of version %lld of theme '%s' is not "
				 "what its records give: run 'civicfs verify'",
				 (long long)f->version, t->id);
	if (!rc &&
	    integrate_subject_json(t, subject, f->version, records->all.rows,
				   records->all.n, result, out))
		rc = error_nomem(err);
	return rc;
}

/* By the rules of the version that made the row. */
static int
tell(struct sql *db, const struct publish_theme *theme, const struct found *f,
     struct buf *out, struct error *err)
{
	struct integrate_result result = INTEGRATE_RESULT_INIT;
	struct publish_gathered records = {0};
	scope_era era = {.told = NULL};
	int rc = publish_era_get(db, theme, f->version, &era, err);

	if (!rc)
		rc = publish_gather(db, &era.theme, f->since,
				    buf_slice(&f->subject), &records, err);
	if (!rc)
		rc = print(&era.theme, f, &records, &result, out, err);
	integrate_result_release(&result);
	publish_gathered_release(&records);
	return rc;
}

int
publish_subject(struct sql *db, const struct publish_theme *theme, int64_t row,
		struct buf *out, struct error *err)
{
	struct found f = {.err = err};
	int64_t of = 0;
	int rc = store_theme_row_get(db, row, &of, keep_row, &f, err);

	if (rc > 0 && of != theme->id)
		rc = 0;
	if (rc > 0) {
		rc = tell(db, theme, &f, out, err);
		if (!rc)
			rc = 1;
	}
	buf_release(&f.subject);
	buf_release(&f.cells);
	return rc;
}
