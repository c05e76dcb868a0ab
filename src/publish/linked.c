/* Rows that take the subject of another row: see linked.h. */
#include "publish/linked.h"

#include "base/scope.h"

#define ENOUGH 1 /* ends a walk */

/* The links with a value: from "value NUL" up to "value SOH". */
static int
make_range(struct slice value, struct buf *lo, struct buf *hi,
	   struct error *err)
{
	if (buf_addslice(lo, value) || buf_addc(lo, '\0') ||
	    buf_addslice(hi, value) || buf_addc(hi, '\1'))
		return error_nomem(err);
	return 0;
}

struct slice
publish_linked_value(const struct publish_theme *theme, size_t source,
		     size_t member, struct slice cells)
{
	const struct config_link *link = theme->theme->sources[source].link;

	return cells_get(cells, link->columns[member]);
}

/* ---- where a value leads ------------------------------------------------- */

struct leading {
	size_t subject; /* field of the other's member */
	size_t found;
	struct buf *into;
	struct error *err;
};

static int
take_row(void *ctx, struct slice place, const struct store_record *r)
{
	struct leading *l = ctx;

	(void)place;
	if (l->found++)
		return ENOUGH;
	return buf_addslice(l->into, cells_get(r->cells, l->subject))
		       ? error_nomem(l->err)
		       : 0;
}

int
publish_linked_lead(struct sql *db, const struct publish_theme *theme,
		    size_t source, int64_t at, struct slice value,
		    enum publish_lead *ret, struct buf *subject,
		    struct error *err)
{
	const struct config_link *link = theme->theme->sources[source].link;
	const struct config_source *other = &theme->theme->sources[link->other];
	const struct publish_link *lenses = &theme->links[source];
	struct leading l = {.into = subject, .err = err};
	scope_buf lo = BUF_INIT;
	scope_buf hi = BUF_INIT;
	int rc = make_range(value, &lo, &hi, err);

	buf_clear(subject);
	for (size_t m = 0; !rc && m < other->nmembers; m++) {
		l.subject = other->members[m].subject;
		rc = store_link_each(db, lenses->other[m], at, buf_slice(&lo),
				     buf_slice(&hi), take_row, &l, err);
	}
	if (rc < 0)
		return rc;
	*ret = l.found > 1    ? PUBLISH_LEAD_SEVERAL
	       : !l.found     ? PUBLISH_LEAD_NONE
	       : subject->len ? PUBLISH_LEAD_ONE
			      : PUBLISH_LEAD_EMPTY;
	return 0;
}

/* ---- the rows that are led there ----------------------------------------- */

struct giving {
	size_t subject; /* field of the source's member */
	store_link_each_fn *each;
	void *ctx;
};

static int
give_row(void *ctx, struct slice place, const struct store_record *r)
{
	const struct giving *g = ctx;

	return cells_get(r->cells, g->subject).n ? 0
						 : g->each(g->ctx, place, r);
}

int
publish_linked_each(struct sql *db, const struct publish_theme *theme,
		    size_t source, size_t member, int64_t at,
		    struct slice value, store_link_each_fn *each, void *ctx,
		    struct error *err)
{
	const struct config_source *s = &theme->theme->sources[source];
	struct giving g = {s->members[member].subject, each, ctx};
	scope_buf lo = BUF_INIT;
	scope_buf hi = BUF_INIT;
	int rc = make_range(value, &lo, &hi, err);

	return rc ? rc
		  : store_link_each(db, theme->links[source].lens[member], at,
				    buf_slice(&lo), buf_slice(&hi), give_row,
				    &g, err);
}

static int
note_row(void *ctx, struct slice place, const struct store_record *r)
{
	(void)ctx;
	(void)place;
	(void)r;
	return ENOUGH;
}

int
publish_linked_any(struct sql *db, const struct publish_theme *theme,
		   size_t source, int64_t at, bool *ret, struct error *err)
{
	const struct config_source *s = &theme->theme->sources[source];
	int rc = 0;

	for (size_t m = 0; !rc && m < s->nmembers; m++)
		rc = store_link_each(db, theme->lens[source][m], at, SLICE_NONE,
				     SLICE("\1"), note_row, NULL, err);
	*ret = rc == ENOUGH;
	return rc < 0 ? rc : 0;
}
