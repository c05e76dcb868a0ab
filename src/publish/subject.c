/*
 * subjects/KEY.json: computed again from the records that held when the
 * subject last changed. See publish.h; integrate.h makes the text.
 */
#include "publish/era.h"
#include "publish/gather.h"
#include "store/retain.h"

int
publish_subject_take(struct publish_subject_row *ret,
		     const struct store_theme_row *r)
{
	if (buf_addslice(&ret->subject, r->subject) ||
	    buf_addslice(&ret->cells, r->cells))
		return ERR_NOMEM;
	ret->id = r->id;
	ret->version = r->version;
	ret->since = r->since;
	return 0;
}

static int
take(void *ctx, const struct store_theme_row *r)
{
	return publish_subject_take(ctx, r);
}

int
publish_subject_find(struct sql *db, int64_t row,
		     struct publish_subject_row *ret, struct error *err)
{
	int rc;

	*ret = (struct publish_subject_row){0};
	rc = store_theme_row_get(db, row, &ret->theme, take, ret, err);
	return rc == ERR_NOMEM ? error_nomem(err) : rc;
}

void
publish_subject_release(struct publish_subject_row *row)
{
	buf_release(&row->subject);
	buf_release(&row->cells);
}

static int
print(const struct publish_theme *theme, const struct publish_subject_row *f,
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

/* Its records are the same for as long as the row holds. They may have been
 * merged since it began, and older ones be gone: so they are read as late as
 * that is, which a kept version that shows the row is not behind. */
static int
find_moment(struct sql *db, const struct publish_subject_row *f, int64_t *ret,
	    struct error *err)
{
	int64_t theme, since, until = 0;
	int rc = store_meta_get(db, "published", 0, ret, err);

	if (!rc)
		rc = store_theme_row_span(db, f->id, &theme, &since, &until,
					  err);
	if (rc < 0)
		return rc;
	if (until && until - 1 < *ret)
		*ret = until - 1;
	if (*ret < f->since)
		*ret = f->since;
	return 0;
}

/* By the rules of the version that made the row. */
int
publish_subject_tell(struct sql *db, const struct publish_theme *theme,
		     const struct publish_subject_row *f, struct buf *out,
		     struct error *err)
{
	struct integrate_result result = INTEGRATE_RESULT_INIT;
	struct publish_gathered records = {0};
	scope_era era = {.told = NULL};
	int64_t at = 0;
	int rc = publish_era_get(db, theme, f->version, &era, err);

	if (!rc)
		rc = find_moment(db, f, &at, err);
	if (!rc)
		rc = publish_gather(db, &era.theme, at, buf_slice(&f->subject),
				    &records, err);
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
	struct publish_subject_row found;
	int rc = publish_subject_find(db, row, &found, err);

	if (rc > 0 && found.theme != theme->id)
		rc = 0;
	if (rc > 0) {
		rc = publish_subject_tell(db, theme, &found, out, err);
		if (!rc)
			rc = 1;
	}
	publish_subject_release(&found);
	return rc;
}
