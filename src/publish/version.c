/* Versions as readers ask for them: see publish.h. */
#include "publish/publish.h"

#include "base/clock.h"
#include "store/version.h"

#include <inttypes.h>
#include <stdio.h>

static struct publish_version
version_of(const struct store_version *v)
{
	struct publish_version ret = {
		.number = v->number,
		.seq = v->seq,
		.published_at = v->published_at,
		.rows = v->rows,
		.inserted = v->inserted,
		.updated = v->updated,
		.deleted = v->deleted,
		.dropped = v->dropped,
	};

	snprintf(ret.submission, sizeof(ret.submission), "%s", v->submission);
	memcpy(ret.digest, v->digest, DIGEST_SIZE);
	return ret;
}

/* Hands on what a search found; nothing found is before the first data. */
static int
answer(int rc, const struct store_version *found, struct publish_version *ret)
{
	if (rc >= 0)
		*ret = version_of(found);
	return rc;
}

int
publish_newest(struct sql *db, int64_t theme, struct publish_version *ret,
	       struct error *err)
{
	struct store_version v = {0};
	int rc = store_version_newest(db, theme, &v, err);

	return answer(rc, &v, ret);
}

int
publish_version_get(struct sql *db, int64_t theme, int64_t number,
		    struct publish_version *ret, struct error *err)
{
	struct store_version v = {0};
	int rc = store_version_get(db, theme, number, &v, err);

	return answer(rc, &v, ret);
}

/* The first instant after a civil day of the process's zone. */
static int64_t
end_of_day(int year, int month, int day)
{
	int64_t days = clock_days_from_civil(year, month, day) + 1;
	int offset;

	clock_civil_from_days(days, &year, &month, &day);
	offset = clock_offset_at(year, month, day, 0, 0, 0);
	return (days * 86400 - offset) * CLOCK_NS;
}

int
publish_version_on(struct sql *db, int64_t theme, int day,
		   struct publish_version *ret, struct error *err)
{
	int year = day / 10000, month = day / 100 % 100;
	struct store_version v = {0};
	int rc = 0;

	day %= 100;
	if (year >= 1970 && month >= 1 && month <= 12 && day >= 1 &&
	    day <= clock_days_in_month(year, month))
		rc = store_version_before(
			db, theme, end_of_day(year, month, day), &v, err);
	/* what was shown on that day is kept no longer */
	if (rc > 0 && v.dropped) {
		v = (struct store_version){0};
		rc = 0;
	}
	return answer(rc, &v, ret);
}

struct walk {
	int (*each)(void *ctx, const struct publish_version *v);
	void *ctx;
};

static int
give(void *ctx, const struct store_version *v)
{
	const struct walk *w = ctx;
	struct publish_version version = version_of(v);

	return w->each(w->ctx, &version);
}

int
publish_version_each(struct sql *db, int64_t theme,
		     int (*each)(void *ctx, const struct publish_version *v),
		     void *ctx, struct error *err)
{
	struct walk w = {each, ctx};

	return store_version_each(db, theme, give, &w, err);
}

struct index {
	struct buf *out;
	struct error *err;
};

static int
add_line(void *ctx, const struct store_version *v)
{
	const struct index *index = ctx;
	char when[CLOCK_TEXT_MAX], digest[DIGEST_HEX];

	digest_hex(v->digest, DIGEST_SIZE, digest);
	if (buf_addf(index->out,
		     "%" PRId64 ",%s,%s,%" PRId64 ",%" PRId64 ",%" PRId64
		     ",%" PRId64 ",%s\n",
		     v->number, clock_rfc3339(v->published_at, when),
		     v->submission, v->rows, v->inserted, v->updated,
		     v->deleted, digest))
		return error_nomem(index->err);
	return 0;
}

int
publish_version_index(struct sql *db, int64_t theme, int64_t first,
		      int64_t last, struct buf *out, struct error *err)
{
	struct index index = {out, err};

	if (buf_adds(out, "version,published_at,submission,rows,inserted,"
			  "updated,deleted,digest\n"))
		return error_nomem(err);
	return store_version_range(db, theme, first, last, add_line, &index,
				   err);
}
