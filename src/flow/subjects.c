/*
 * Stage 4 over the state: computes again the subjects that changed, and only
 * those (SPEC 8). The rules themselves are in integrate/.
 */
#include "flow/internal.h"

#include "base/scope.h"
#include "publish/gather.h"

struct subjects {
	struct sql *db;
	const struct publish_theme *theme;
	struct publish *publish;
	int64_t seq;
	int64_t version; /* 0: not asked for yet */
	struct publish_gathered rows;
	struct integrate_result result;
	struct buf lo, hi, place;
	struct error *err;
};

/* ---- the theme's row ----------------------------------------------------- */

struct present {
	int64_t id; /* 0 none */
	struct buf cells, conflicts;
	struct error *err;
};

static int
copy_present(void *ctx, const struct store_theme_row *r)
{
	struct present *p = ctx;

	p->id = r->id;
	if (buf_addslice(&p->cells, r->cells) ||
	    buf_addslice(&p->conflicts, r->conflicts))
		return error_nomem(p->err);
	return 0;
}

static int
dirty(struct subjects *s, enum publish_kind kind, struct slice place)
{
	return publish_dirty(s->publish, s->theme, kind, 0, 0, place, s->err);
}

static int
replace_row(struct subjects *s, struct slice subject, const struct present *was,
	    bool member)
{
	struct slice cells = buf_slice(&s->result.cells);
	struct slice conflicts = buf_slice(&s->result.conflicts);
	bool had = was->id != 0;
	int rc = 0;

	if (had)
		rc = store_theme_row_end(s->db, was->id, s->seq, s->err);
	if (!rc && member)
		rc = store_theme_row_insert(s->db, s->theme->id, s->seq,
					    s->version, subject, cells,
					    conflicts, s->err);
	if (!rc && (had || member))
		rc = publish_dirty_subject(s->publish, s->theme, s->err);
	if (!rc && (had != member ||
		    (had && !slice_eq(cells, buf_slice(&was->cells)))))
		rc = dirty(s, PUBLISH_DATA, subject);
	if (!rc && !slice_eq(conflicts, buf_slice(&was->conflicts)))
		rc = dirty(s, PUBLISH_CONFLICTS, subject);
	return rc;
}

static int
compute_row(struct subjects *s, struct slice subject, bool member)
{
	struct present was = {.err = s->err};
	int rc = store_theme_row_find(s->db, s->theme->id, s->seq, subject,
				      copy_present, &was, s->err);

	buf_clear(&s->result.cells);
	buf_clear(&s->result.conflicts);
	if (rc >= 0)
		rc = 0;
	if (!rc && member)
		rc = integrate_subject(s->theme->theme, subject, s->rows.rows,
				       s->rows.n, &s->result, s->err);
	if (!rc)
		rc = replace_row(s, subject, &was, member);
	buf_release(&was.cells);
	buf_release(&was.conflicts);
	return rc;
}

/* ---- its orphans, where the theme has a base ----------------------------- */

struct places {
	struct buf bytes;    /* packed */
	struct slice *items; /* the same, sorted */
	size_t n;
	struct error *err;
};

static void
release_places(struct places *p)
{
	buf_release(&p->bytes);
	free(p->items);
}

#define scope_places __attribute__((cleanup(release_places))) struct places

static int
add_place(void *ctx, struct slice place)
{
	struct places *p = ctx;

	if (cells_add(&p->bytes, place))
		return error_nomem(p->err);
	p->n++;
	return 0;
}

static int
compare_places(const void *a, const void *b)
{
	return slice_cmp(*(const struct slice *)a, *(const struct slice *)b);
}

static int
sort_places(struct places *p)
{
	struct slice rest = buf_slice(&p->bytes);
	size_t n = 0;

	p->items = calloc(p->n + 1, sizeof(*p->items));
	if (!p->items)
		return error_nomem(p->err);
	while (n < p->n && cells_next(&rest, &p->items[n]))
		n++;
	qsort(p->items, p->n, sizeof(*p->items), compare_places);
	return 0;
}

static int
find_present_orphans(struct subjects *s, struct slice subject,
		     struct places *ret)
{
	int rc = 0;

	for (size_t i = 0; !rc && i < s->theme->theme->nsources; i++) {
		if (publish_orphan_range(i, subject, &s->lo, &s->hi))
			return error_nomem(s->err);
		rc = store_orphan_each(s->db, s->theme->id, s->seq,
				       buf_slice(&s->lo), buf_slice(&s->hi),
				       add_place, ret, s->err);
	}
	return rc ? rc : sort_places(ret);
}

static int
find_wanted_orphans(struct subjects *s, struct slice subject,
		    struct places *ret)
{
	int rc = 0;

	for (size_t i = 0; !rc && i < s->rows.n; i++) {
		const struct integrate_row *r = &s->rows.rows[i];

		if (publish_orphan_place(r->source, r->member, subject, r->key,
					 &s->place))
			return error_nomem(s->err);
		rc = add_place(ret, buf_slice(&s->place));
	}
	return rc ? rc : sort_places(ret);
}

static int
change_orphan(struct subjects *s, struct slice place, bool begins)
{
	int rc = begins ? store_orphan_insert(s->db, s->theme->id, s->seq,
					      place, s->err)
			: store_orphan_end(s->db, s->theme->id, s->seq, place,
					   s->err);

	return rc ? rc : dirty(s, PUBLISH_ORPHANS, place);
}

/* Both in order: what is on one side only begins or ends. */
static int
change_orphans(struct subjects *s, const struct places *was,
	       const struct places *is)
{
	size_t a = 0, b = 0;
	int rc = 0;

	while (!rc && (a < was->n || b < is->n)) {
		int order = a == was->n ? 1
			    : b == is->n
				    ? -1
				    : slice_cmp(was->items[a], is->items[b]);

		if (order < 0)
			rc = change_orphan(s, was->items[a], false);
		else if (order > 0)
			rc = change_orphan(s, is->items[b], true);
		a += order <= 0;
		b += order >= 0;
	}
	return rc;
}

static int
compute_orphans(struct subjects *s, struct slice subject, bool member)
{
	scope_places was = {.err = s->err};
	scope_places is = {.err = s->err};
	int rc = find_present_orphans(s, subject, &was);

	if (!rc && !member)
		rc = find_wanted_orphans(s, subject, &is);
	return rc ? rc : change_orphans(s, &was, &is);
}

/* ---- all of them --------------------------------------------------------- */

static int
compute_subject(void *ctx, struct slice subject)
{
	struct subjects *s = ctx;
	const struct config_theme *theme = s->theme->theme;
	bool member;
	int rc = 0;

	if (!s->version)
		rc = publish_next_version(s->publish, s->theme, &s->version,
					  s->err);
	if (!rc)
		rc = publish_gather(s->db, s->theme, s->seq, subject, &s->rows,
				    s->err);
	if (rc)
		return rc;
	member = s->rows.n &&
		 integrate_is_member(theme, s->rows.rows, s->rows.n);
	rc = compute_row(s, subject, member);
	if (!rc && theme->base >= 0)
		rc = compute_orphans(s, subject, member);
	return rc;
}

static int
compute_theme(struct store *store, const struct publish_theme *theme,
	      struct publish *publish, int64_t seq, struct error *err)
{
	struct subjects s = {
		.db = store_records(store),
		.theme = theme,
		.publish = publish,
		.seq = seq,
		.err = err,
	};
	int rc = store_subject_each(s.db, theme->id, compute_subject, &s, err);

	publish_gathered_release(&s.rows);
	integrate_result_release(&s.result);
	buf_release(&s.lo);
	buf_release(&s.hi);
	buf_release(&s.place);
	return rc;
}

int
flow_subjects(struct store *store, const struct flow_plan *plan,
	      struct publish *publish, int64_t seq, struct error *err)
{
	int rc = 0;

	for (size_t t = 0; !rc && t < plan->nthemes; t++)
		rc = compute_theme(store, &plan->themes[t], publish, seq, err);
	return rc;
}
