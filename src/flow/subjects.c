/*
 * Stage 4 over the state: computes again the subjects that changed, and only
 * those (SPEC 8). The rules themselves are in integrate/.
 */
#include "flow/internal.h"

#include "base/scope.h"
#include "flow/linked.h"
#include "publish/gather.h"

struct subjects {
	struct sql *db;
	const struct breath *breath;
	struct flow_judgement *judgement; /* or NULL */
	const struct flow_plan *plan;
	size_t place_in_plan; /* of the theme */
	const struct publish_theme *theme;
	struct publish *publish;
	int64_t seq;
	int64_t version; /* 0: not asked for yet */
	/* of many, which come in the order of their subjects */
	struct store_load *load;      /* of the theme's new rows, or NULL */
	struct store_theme_walk *old; /* its rows; NULL: it has none */
	struct store_orphan_walk **old_orphans; /* by source; NULL: of none */
	size_t nold_orphans;
	struct store_ends *ends; /* of rows and orphans; NULL: of few */
	struct publish_gathered rows;
	struct integrate_result result;
	struct integrate_sizer *sizer;
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
dirty_subject(struct subjects *s)
{
	return publish_dirty_subject(s->publish, s->theme, s->err);
}

static int
add_row(struct subjects *s, struct slice subject)
{
	struct store_theme_row row = {
		.version = s->version,
		.subject = subject,
		.cells = buf_slice(&s->result.cells),
		.conflicts = buf_slice(&s->result.conflicts),
	};
	int rc = integrate_subject_size(s->sizer, subject, s->version,
					s->rows.all.rows, s->rows.all.n,
					&s->result, &row.bytes);

	if (rc)
		return error_set(s->err, rc,
				 "a record of theme '%s' is damaged: run "
				 "'civicfs verify'",
				 s->theme->theme->id);
	return s->load ? store_load_add_row(s->load, &row, s->err)
		       : store_theme_row_insert(s->db, s->theme->id, s->seq,
						&row, s->err);
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
		rc = s->ends ? store_ends_theme_row(s->ends, s->db, was->id,
						    s->seq, s->err)
			     : store_theme_row_end(s->db, was->id, s->seq,
						   s->err);
	if (!rc && member)
		rc = add_row(s, subject);
	if (!rc && (had || member))
		rc = dirty_subject(s);
	if (!rc && (had != member ||
		    (had && !slice_eq(cells, buf_slice(&was->cells)))))
		rc = dirty(s, PUBLISH_DATA, subject);
	if (!rc && !slice_eq(conflicts, buf_slice(&was->conflicts)))
		rc = dirty(s, PUBLISH_CONFLICTS, subject);
	return rc;
}

/* Into a theme that has no row: all of data.csv is to be written. */
static int
load_row(struct subjects *s, struct slice subject)
{
	int rc = add_row(s, subject);

	if (!rc)
		rc = dirty_subject(s);
	return rc || !s->result.conflicts.len
		       ? rc
		       : dirty(s, PUBLISH_CONFLICTS, subject);
}

static int
compare_row(struct subjects *s, struct slice subject, bool member)
{
	struct present was = {.err = s->err};
	int rc = s->old ? store_theme_walk_find(s->old, subject, copy_present,
						&was, s->err)
			: store_theme_row_find(s->db, s->theme->id, s->seq,
					       subject, copy_present, &was,
					       s->err);

	if (rc >= 0)
		rc = replace_row(s, subject, &was, member);
	buf_release(&was.cells);
	buf_release(&was.conflicts);
	return rc;
}

static int
compute_row(struct subjects *s, struct slice subject, bool member)
{
	int rc = 0;

	buf_clear(&s->result.cells);
	buf_clear(&s->result.conflicts);
	if (member)
		rc = integrate_subject(s->theme->theme, subject,
				       s->rows.all.rows, s->rows.all.n,
				       &s->result, s->err);
	if (rc)
		return rc;
	if (!s->load || s->old)
		return compare_row(s, subject, member);
	return member ? load_row(s, subject) : 0;
}

/* ---- its orphans, where the theme has a base ----------------------------- */

struct place {
	struct slice bytes;
	int64_t id; /* of a load, or 0 */
};

struct places {
	struct buf bytes; /* packed */
	struct buf ids;
	struct place *items; /* the same, sorted */
	size_t n;
	struct error *err;
};

static void
release_places(struct places *p)
{
	buf_release(&p->bytes);
	buf_release(&p->ids);
	free(p->items);
}

#define scope_places __attribute__((cleanup(release_places))) struct places

static int
add_place(void *ctx, struct slice place, int64_t id)
{
	struct places *p = ctx;

	if (cells_add(&p->bytes, place) || buf_add(&p->ids, &id, sizeof(id)))
		return error_nomem(p->err);
	p->n++;
	return 0;
}

static int
compare_places(const void *a, const void *b)
{
	const struct place *x = a, *y = b;

	return slice_cmp(x->bytes, y->bytes);
}

static int
sort_places(struct places *p)
{
	struct slice rest = buf_slice(&p->bytes);
	size_t n = 0;

	if (!p->n)
		return 0;
	p->items = calloc(p->n, sizeof(*p->items));
	if (!p->items)
		return error_nomem(p->err);
	for (; n < p->n && cells_next(&rest, &p->items[n].bytes); n++)
		memcpy(&p->items[n].id,
		       p->ids.data + n * sizeof(p->items[n].id),
		       sizeof(p->items[n].id));
	qsort(p->items, p->n, sizeof(*p->items), compare_places);
	return 0;
}

static int
find_present_orphans(struct subjects *s, struct slice subject,
		     struct places *ret)
{
	int rc = 0;

	for (size_t i = 0; !rc && i < s->theme->theme->nsources; i++) {
		struct slice lo, hi;

		if (publish_orphan_range(i, subject, &s->lo, &s->hi))
			return error_nomem(s->err);
		lo = buf_slice(&s->lo);
		hi = buf_slice(&s->hi);
		rc = s->old_orphans
			     ? store_orphan_walk_each(s->old_orphans[i], lo, hi,
						      add_place, ret, s->err)
			     : store_orphan_each(s->db, s->theme->id, s->seq,
						 lo, hi, add_place, ret,
						 s->err);
	}
	return rc ? rc : sort_places(ret);
}

static int
find_wanted_orphans(struct subjects *s, struct places *ret,
		    struct slice subject)
{
	int rc = 0;

	for (size_t i = 0; !rc && i < s->rows.all.n; i++) {
		const struct integrate_row *r = &s->rows.all.rows[i];

		if (publish_orphan_place(r->source, r->member, subject, r->key,
					 &s->place))
			return error_nomem(s->err);
		rc = add_place(ret, buf_slice(&s->place), 0);
	}
	return rc ? rc : sort_places(ret);
}

static int
end_orphan(struct subjects *s, const struct place *p)
{
	int rc = p->id && s->ends ? store_ends_add(s->ends, p->id, s->err)
				  : store_orphan_end(s->db, s->theme->id,
						     s->seq, p->bytes, s->err);

	return rc ? rc : dirty(s, PUBLISH_ORPHANS, p->bytes);
}

static int
begin_orphan(struct subjects *s, const struct place *p)
{
	int rc;

	if (s->judgement)
		return flow_orphan_later(s->judgement, s->place_in_plan,
					 p->bytes, s->err);
	rc = store_orphan_insert(s->db, s->theme->id, s->seq, p->bytes, s->err);
	return rc ? rc : dirty(s, PUBLISH_ORPHANS, p->bytes);
}

/* Both in order: what is on one side only begins or ends. */
static int
change_orphans(struct subjects *s, const struct places *was,
	       const struct places *is)
{
	size_t a = 0, b = 0;
	int rc = 0;

	while (!rc && (a < was->n || b < is->n)) {
		int order = a == was->n	 ? 1
			    : b == is->n ? -1
					 : slice_cmp(was->items[a].bytes,
						     is->items[b].bytes);

		if (order < 0)
			rc = end_orphan(s, &was->items[a]);
		else if (order > 0)
			rc = begin_orphan(s, &is->items[b]);
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
		rc = find_wanted_orphans(s, &is, subject);
	return rc ? rc : change_orphans(s, &was, &is);
}

/* ---- all of them --------------------------------------------------------- */

/* What the theme shows now, walked once. Orphans are in the order of their
 * sources first. */
static int
open_old(struct subjects *s)
{
	const size_t n = s->theme->theme->nsources;
	bool empty = false;
	int rc = store_theme_is_empty(s->db, s->theme->id, s->seq, &empty,
				      s->err);

	if (!rc && !empty)
		rc = store_theme_walk_open(s->db, s->theme->id, s->seq, &s->old,
					   s->err);
	if (rc)
		return rc;
	s->ends = store_ends_new();
	if (!s->ends)
		return error_nomem(s->err);
	if (s->theme->theme->base < 0)
		return 0;
	s->old_orphans = calloc(n, sizeof(struct store_orphan_walk *));
	if (!s->old_orphans)
		return error_nomem(s->err);
	while (!rc && s->nold_orphans < n) {
		rc = store_orphan_walk_open(s->db, s->theme->id, s->seq,
					    &s->old_orphans[s->nold_orphans],
					    s->err);
		s->nold_orphans += rc == 0;
	}
	return rc;
}

/* Many rows are written at once where there is room for another load. */
static int
begin_load(struct subjects *s)
{
	const struct store_load_of of = {
		.kind = STORE_LOAD_THEME,
		.owner = s->theme->id,
		.seq = s->seq,
		.version = s->version,
		.submission = "",
		.breath = s->breath,
	};
	int64_t room = 0;
	int rc = open_old(s);

	if (!rc)
		rc = store_load_room(s->db, of.kind, of.owner, of.seq, &room,
				     s->err);
	if (rc || !room)
		return rc;
	rc = store_load_begin(s->db, &of, &s->load, s->err);
	return rc || s->old ? rc
			    : publish_dirty_file(s->publish, s->theme,
						 PUBLISH_DATA, 0, 0, s->err);
}

static bool
is_loaded(const struct subjects *s)
{
	return s->judgement && s->judgement->loaded;
}

/* Before the first subject. */
static int
begin(struct subjects *s)
{
	bool many = is_loaded(s);
	int rc =
		publish_next_version(s->publish, s->theme, &s->version, s->err);

	if (!rc)
		rc = publish_gather_in_order(s->db, s->theme, s->seq, &s->rows,
					     s->err);
	if (!rc && integrate_sizer_new(s->theme->theme, &s->sizer))
		rc = error_nomem(s->err);
	if (!rc && !many)
		rc = store_subject_has(s->db, s->theme->id, FLOW_MANY, &many,
				       s->err);
	return rc || !many ? rc : begin_load(s);
}

static int
compute_subject(void *ctx, struct slice subject)
{
	struct subjects *s = ctx;
	const struct config_theme *theme = s->theme->theme;
	bool member;
	int rc = breathe(s->breath, s->err);

	if (!rc && !s->version)
		rc = begin(s);
	if (!rc)
		rc = publish_gather(s->db, s->theme, s->seq, subject, &s->rows,
				    s->err);
	if (rc)
		return rc;
	member = s->rows.all.n &&
		 integrate_is_member(theme, s->rows.all.rows, s->rows.all.n);
	rc = compute_row(s, subject, member);
	if (!rc && theme->base >= 0)
		rc = compute_orphans(s, subject, member);
	return rc;
}

/* ---- of a load ----------------------------------------------------------- */

struct distinct {
	struct subjects *s;
	struct buf last;
};

static int
compute_last(struct distinct *d)
{
	int rc = d->last.len ? compute_subject(d->s, buf_slice(&d->last)) : 0;

	buf_clear(&d->last);
	return rc;
}

/* Places come in the order of their subjects: those of one follow each other.
 */
static int
take_link(void *ctx, struct slice place, const struct store_record *r)
{
	struct distinct *d = ctx;
	struct slice subject = {place.p, place.n - r->key.n - 1};
	int rc = 0;

	if (!slice_eq(subject, buf_slice(&d->last))) {
		rc = compute_last(d);
		if (!rc && buf_addslice(&d->last, subject))
			return error_nomem(d->s->err);
	}
	return rc ? rc : publish_gather_give(&d->s->rows, r, d->s->err);
}

/* A lens that sees the theme's resource alone is walked as it is. */
static int
compute_lens(struct subjects *s, int64_t lens)
{
	struct distinct d = {.s = s};
	int rc;

	s->rows.lens = lens;
	rc = store_link_each(s->db, lens, s->seq, SLICE("\1"), SLICE_NONE,
			     take_link, &d, s->err);
	if (!rc)
		rc = compute_last(&d);
	s->rows.lens = 0;
	buf_release(&d.last);
	return rc;
}

static bool
is_used(const struct flow_lens *lens, size_t theme)
{
	for (size_t i = 0; i < lens->nuses; i++) {
		if (lens->uses[i].theme == theme)
			return true;
	}
	return false;
}

static size_t
count_lenses(const struct flow_resource *r, size_t theme)
{
	size_t n = 0;

	for (size_t i = 0; i < r->nlenses; i++)
		n += is_used(&r->lenses[i], theme);
	return n;
}

/* Whether one lens of the resource alone feeds a theme, so that its subjects
 * are walked once, and are all that it touches. */
static bool
is_alone(const struct flow_plan *plan, const struct flow_resource *r,
	 size_t theme)
{
	return count_lenses(r, theme) == 1 &&
	       !flow_linked_is_used(plan, r, theme);
}

static int
compute_loaded(struct subjects *s)
{
	const struct flow_resource *r = s->judgement->planned;
	bool alone = is_alone(s->plan, r, s->place_in_plan);
	int rc = 0;

	for (size_t i = 0; !rc && i < r->nlenses; i++) {
		if (!is_used(&r->lenses[i], s->place_in_plan))
			continue;
		rc = alone ? compute_lens(s, r->lenses[i].id)
			   : store_subject_add_lens(s->db, s->theme->id,
						    r->lenses[i].id, s->seq,
						    s->breath, s->err);
	}
	return rc;
}

/* ---- theme by theme ------------------------------------------------------ */

static int
compute_all(struct subjects *s)
{
	int rc = is_loaded(s) ? compute_loaded(s) : 0;

	if (!rc)
		rc = store_subject_each(s->db, s->theme->id, compute_subject, s,
					s->err);
	return rc || !s->load ? rc : store_load_end(s->load, s->err);
}

static int
tell(const struct subjects *s)
{
	int rc = s->load ? store_load_tell(s->load, s->err) : 0;

	return rc || !s->ends ? rc
			      : store_ends_tell(s->ends, s->db, s->seq,
						s->breath, s->err);
}

static void
release(struct subjects *s)
{
	store_load_free(s->load);
	store_theme_walk_close(s->old);
	for (size_t i = 0; i < s->nold_orphans; i++)
		store_orphan_walk_close(s->old_orphans[i]);
	free(s->old_orphans);
	store_ends_free(s->ends);
	publish_gathered_release(&s->rows);
	integrate_result_release(&s->result);
	integrate_sizer_free(s->sizer);
	buf_release(&s->lo);
	buf_release(&s->hi);
	buf_release(&s->place);
}

static int
compute_theme(struct subjects *s)
{
	int rc = compute_all(s);

	if (!rc)
		rc = tell(s);
	release(s);
	return rc;
}

int
flow_subjects(const struct flow_work *work, struct error *err)
{
	const struct flow_plan *plan = work->plan;
	int rc = flow_linked_settle(work, err);

	for (size_t t = 0; !rc && t < plan->nthemes; t++) {
		struct subjects s = {
			.db = store_records(work->store),
			.breath = work->breath,
			.judgement = work->judgement,
			.plan = plan,
			.place_in_plan = t,
			.theme = &plan->themes[t],
			.publish = work->publish,
			.seq = work->seq,
			.err = err,
		};

		rc = compute_theme(&s);
	}
	return rc || !work->judgement
		       ? rc
		       : flow_orphans_store(work->judgement, plan, work->seq,
					    err);
}
