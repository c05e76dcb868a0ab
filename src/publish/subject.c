/*
 * subjects/KEY.json: computed again from the records that held when the
 * subject last changed. See publish.h; integrate.h makes the text.
 */
#include "publish/publish.h"

#include "base/scope.h"
#include "integrate/integrate.h"

/* A record as it was found; the bytes lie in 'held', at these offsets. */
struct found {
	size_t source, member;
	size_t key, key_n, cells, cells_n, submission;
};

struct gather {
	struct buf subject;
	struct buf cells;
	int64_t version, since;
	/* the records */
	struct buf held;
	struct found *found;
	size_t n, cap;
	size_t source, member;
	struct error *err;
};

static void
gather_release(struct gather *g)
{
	buf_release(&g->subject);
	buf_release(&g->cells);
	buf_release(&g->held);
	free(g->found);
}

static int
keep_row(void *ctx, const struct store_theme_row *r)
{
	struct gather *g = ctx;

	if (buf_addslice(&g->subject, r->subject) ||
	    buf_addslice(&g->cells, r->cells))
		return error_nomem(g->err);
	g->version = r->version;
	g->since = r->since;
	return 0;
}

static int
grow(struct gather *g)
{
	size_t cap = g->cap ? g->cap * 2 : 8;
	struct found *found = realloc(g->found, cap * sizeof(*found));

	if (!found)
		return ERR_NOMEM;
	g->found = found;
	g->cap = cap;
	return 0;
}

static int
keep_record(void *ctx, struct slice place, const struct store_record *r)
{
	struct gather *g = ctx;
	struct found f = {.source = g->source, .member = g->member};
	struct slice submission = slice_str(r->submission);

	(void)place;
	if (g->n == g->cap && grow(g))
		return error_nomem(g->err);
	f.key = g->held.len;
	f.key_n = r->key.n;
	f.cells = f.key + f.key_n;
	f.cells_n = r->cells.n;
	f.submission = f.cells + f.cells_n;
	if (buf_addslice(&g->held, r->key) ||
	    buf_addslice(&g->held, r->cells) ||
	    buf_addslice(&g->held, submission) || buf_addc(&g->held, '\0'))
		return error_nomem(g->err);
	g->found[g->n++] = f;
	return 0;
}

/* The records of the subject in all sources: those of a lens at places from
 * subject NUL up to subject SOH. */
static int
gather_records(struct sql *db, const struct publish_theme *theme,
	       struct gather *g)
{
	const struct config_theme *t = theme->theme;
	scope_buf lo = BUF_INIT;
	scope_buf hi = BUF_INIT;
	int rc = 0;

	if (buf_addslice(&lo, buf_slice(&g->subject)) || buf_addc(&lo, '\0') ||
	    buf_addslice(&hi, buf_slice(&g->subject)) || buf_addc(&hi, '\1'))
		return error_nomem(g->err);
	for (size_t s = 0; s < t->nsources; s++) {
		for (size_t m = 0; !rc && m < t->sources[s].nmembers; m++) {
			g->source = s;
			g->member = m;
			rc = store_link_each(db, theme->lens[s][m], g->since,
					     buf_slice(&lo), buf_slice(&hi),
					     keep_record, g, g->err);
		}
	}
	return rc;
}

static struct integrate_row *
rows_of(const struct gather *g)
{
	struct integrate_row *rows = calloc(g->n + 1, sizeof(*rows));

	for (size_t i = 0; rows && i < g->n; i++) {
		const struct found *f = &g->found[i];
		const char *held = g->held.data;

		rows[i] = (struct integrate_row){
			.source = f->source,
			.member = f->member,
			.key = {held + f->key, f->key_n},
			.cells = {held + f->cells, f->cells_n},
			.submission = held + f->submission,
		};
	}
	return rows;
}

static int
print(const struct publish_theme *theme, const struct gather *g,
      struct integrate_result *result, struct buf *out, struct error *err)
{
	scope_free struct integrate_row *rows = rows_of(g);
	struct slice subject = buf_slice(&g->subject);
	int rc;

	if (!rows)
		return error_nomem(err);
	if (!g->n)
		return error_set(err, ERR_STALE,
				 "the sources of theme '%s' have changed",
				 theme->theme->id);
	rc = integrate_subject(theme->theme, subject, rows, g->n, result, err);
	if (!rc && !slice_eq(buf_slice(&result->cells), buf_slice(&g->cells)))
		return error_set(err, ERR_STALE,
				 "the rules of theme '%s' have changed since "
				 "its version %lld",
				 theme->theme->id, (long long)g->version);
	if (!rc && integrate_subject_json(theme->theme, subject, g->version,
					  rows, g->n, result, out))
		rc = error_nomem(err);
	return rc;
}

int
publish_subject(struct sql *db, const struct publish_theme *theme, int64_t row,
		struct buf *out, struct error *err)
{
	struct integrate_result result = INTEGRATE_RESULT_INIT;
	struct gather g = {.err = err};
	int64_t of = 0;
	int rc = store_theme_row_get(db, row, &of, keep_row, &g, err);

	if (rc > 0 && of != theme->id)
		rc = 0;
	if (rc > 0) {
		rc = gather_records(db, theme, &g);
		if (!rc)
			rc = print(theme, &g, &result, out, err);
		if (!rc)
			rc = 1;
	}
	integrate_result_release(&result);
	gather_release(&g);
	return rc;
}
