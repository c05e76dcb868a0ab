/*
 * Stage 4 over the state: computes again the subjects that changed, and only
 * those (SPEC 8). The rules themselves are in integrate/.
 */
#include "flow/internal.h"

#include "base/scope.h"
#include "flow/gather.h"
#include "integrate/integrate.h"

struct subjects {
	struct sql *db;
	const struct publish_theme *theme;
	struct publish *publish;
	int64_t seq;
	int64_t version;
	struct flow_rows rows;
	struct integrate_result result;
	struct buf lo, hi, place;
	struct error *err;
};

/* ---- the theme's row ----------------------------------------------------- */

struct present {
	int64_t id; /* 0 none */
	struct buf cells, conflicts;
};

static int
copy_present(void *ctx, const struct store_theme_row *r)
{
	struct present *p = ctx;

	p->id = r->id;
	return buf_addslice(&p->cells, r->cells) ||
			       buf_addslice(&p->conflicts, r->conflicts)
		       ? ERR_NOMEM
		       : 0;
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
	struct present was = {0};
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
	struct buf bytes; /* packed */
};

static int
copy_place(void *ctx, struct slice place)
{
	struct places *p = ctx;

	return cells_add(&p->bytes, place);
}

/* The places of a subject's orphans of one source: lo <= place < hi. */
static int
orphan_range(struct subjects *s, size_t source, struct slice subject)
{
	return publish_orphan_range(source, subject, &s->lo, &s->hi)
		       ? error_nomem(s->err)
		       : 0;
}

static int
present_orphans(struct subjects *s, struct slice subject, struct places *ret)
{
	int rc = 0;

	for (size_t i = 0; !rc && i < s->theme->theme->nsources; i++) {
		rc = orphan_range(s, i, subject);
		if (!rc)
			rc = store_orphan_each(
				s->db, s->theme->id, s->seq, buf_slice(&s->lo),
				buf_slice(&s->hi), copy_place, ret, s->err);
	}
	return rc;
}

static int
wanted_orphans(struct subjects *s, struct slice subject, struct places *ret)
{
	for (size_t i = 0; i < s->rows.n; i++) {
		const struct integrate_row *r = &s->rows.rows[i];

		if (publish_orphan_place(r->source, r->member, subject, r->key,
					 &s->place) ||
		    cells_add(&ret->bytes, buf_slice(&s->place)))
			return error_nomem(s->err);
	}
	return 0;
}

static bool
has_place(const struct places *places, struct slice place)
{
	struct slice rest = buf_slice(&places->bytes);
	struct slice one;

	while (cells_next(&rest, &one)) {
		if (slice_eq(one, place))
			return true;
	}
	return false;
}

/* Those of 'from' that are not in 'other' begin or end. */
static int
change_orphans(struct subjects *s, const struct places *from,
	       const struct places *other, bool begin)
{
	struct slice rest = buf_slice(&from->bytes);
	struct slice place;
	int rc = 0;

	while (!rc && cells_next(&rest, &place)) {
		if (has_place(other, place))
			continue;
		if (begin)
			rc = store_orphan_insert(s->db, s->theme->id, s->seq,
						 place, s->err);
		else
			rc = store_orphan_end(s->db, s->theme->id, s->seq,
					      place, s->err);
		if (!rc)
			rc = dirty(s, PUBLISH_ORPHANS, place);
	}
	return rc;
}

static int
compute_orphans(struct subjects *s, struct slice subject, bool member)
{
	struct places was = {BUF_INIT};
	struct places is = {BUF_INIT};
	int rc = present_orphans(s, subject, &was);

	if (!rc && !member)
		rc = wanted_orphans(s, subject, &is);
	if (!rc)
		rc = change_orphans(s, &was, &is, false);
	if (!rc)
		rc = change_orphans(s, &is, &was, true);
	buf_release(&was.bytes);
	buf_release(&is.bytes);
	return rc;
}

/* ---- all of them --------------------------------------------------------- */

static int
compute_subject(void *ctx, struct slice subject)
{
	struct subjects *s = ctx;
	const struct config_theme *theme = s->theme->theme;
	bool member;
	int rc =
		flow_gather(s->db, s->theme, s->seq, subject, &s->rows, s->err);

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
	int rc = publish_next_version(publish, theme, &s.version, err);

	if (!rc)
		rc = store_subject_each(s.db, theme->id, compute_subject, &s,
					err);
	flow_rows_release(&s.rows);
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
