/* Rows that take the subject of another row: see linked.h. */
#include "flow/linked.h"

#include "base/scope.h"
#include "publish/linked.h"

/* ---- telling ------------------------------------------------------------- */

int
flow_linked_row(struct sql *db, const struct flow_plan *plan,
		const struct flow_use *use, struct slice key,
		struct slice cells, unsigned sides, struct error *err)
{
	const struct publish_theme *t = &plan->themes[use->theme];
	struct slice value =
		publish_linked_value(t, use->source, use->member, cells);
	scope_buf place = BUF_INIT;

	if (publish_orphan_place(use->source, use->member, SLICE_NONE, key,
				 &place))
		return error_nomem(err);
	return value.n ? store_linked_add(db, t->id, use->source, value,
					  buf_slice(&place), sides, err)
		       : store_stray_add(db, t->id, buf_slice(&place), sides,
					 err);
}

int
flow_linked_loaded_row(struct sql *db, const struct flow_plan *plan,
		       const struct flow_use *use, struct slice cells,
		       bool *ret_told, struct error *err)
{
	const struct publish_theme *t = &plan->themes[use->theme];
	struct slice value =
		publish_linked_value(t, use->source, use->member, cells);

	*ret_told = value.n != 0;
	return value.n ? store_linked_add(db, t->id, use->source, value,
					  SLICE_NONE, STORE_WAS | STORE_IS, err)
		       : 0;
}

static int
tell_value(struct sql *db, const struct publish_theme *t, size_t source,
	   struct slice value, struct error *err)
{
	return value.n ? store_linked_add(db, t->id, source, value, SLICE_NONE,
					  STORE_WAS | STORE_IS, err)
		       : 0;
}

int
flow_linked_other(struct sql *db, const struct flow_plan *plan,
		  const struct flow_resource *resource, struct slice was,
		  struct slice is, struct error *err)
{
	int rc = 0;

	for (size_t i = 0; !rc && i < resource->nties; i++) {
		const struct flow_tie *tie = &resource->ties[i];
		const struct publish_theme *t = &plan->themes[tie->theme];
		struct slice from = cells_get(was, tie->value);
		struct slice to = cells_get(is, tie->value);

		if (was.n && is.n && slice_eq(from, to) &&
		    slice_eq(cells_get(was, tie->subject),
			     cells_get(is, tie->subject)))
			continue;
		rc = tell_value(db, t, tie->source, from, err);
		if (!rc)
			rc = tell_value(db, t, tie->source, to, err);
	}
	return rc;
}

struct telling {
	struct sql *db;
	const struct publish_theme *theme;
	size_t source, member;
	struct error *err;
};

static int
tell_stored(void *ctx, struct slice place, const struct store_record *r)
{
	const struct telling *t = ctx;

	(void)place;
	return tell_value(
		t->db, t->theme, t->source,
		publish_linked_value(t->theme, t->source, t->member, r->cells),
		t->err);
}

int
flow_linked_loaded_other(struct sql *db, const struct flow_plan *plan,
			 const struct flow_resource *resource, int64_t seq,
			 struct error *err)
{
	int rc = 0;

	for (size_t i = 0; !rc && i < resource->nties; i++) {
		const struct flow_tie *tie = &resource->ties[i];
		struct telling t = {.db = db,
				    .theme = &plan->themes[tie->theme],
				    .source = tie->source,
				    .err = err};
		const struct config_source *s =
			&t.theme->theme->sources[tie->source];

		for (; !rc && t.member < s->nmembers; t.member++)
			rc = store_link_each(
				db, t.theme->lens[t.source][t.member], seq,
				SLICE_NONE, SLICE("\1"), tell_stored, &t, err);
	}
	return rc;
}

bool
flow_linked_is_used(const struct flow_plan *plan,
		    const struct flow_resource *resource, size_t theme)
{
	for (size_t i = 0; i < resource->nties; i++) {
		if (resource->ties[i].theme == theme)
			return true;
	}
	for (size_t i = 0; i < resource->nlenses; i++) {
		const struct flow_lens *lens = &resource->lenses[i];

		for (size_t k = 0; k < lens->nuses; k++) {
			const struct flow_use *use = &lens->uses[k];

			if (use->theme == theme &&
			    flow_use_link(plan, use) != NULL)
				return true;
		}
	}
	return false;
}

/* ---- what comes of it ---------------------------------------------------- */

/* One side of the publish: before it, after it. */
struct side {
	int64_t at;
	unsigned bit;
	enum publish_lead lead; /* of 'value' */
	struct buf subject;
};

struct settling {
	struct sql *db;
	const struct breath *breath;
	const struct publish_theme *theme;
	size_t place_in_plan; /* of the theme */
	struct publish *publish;
	int64_t seq;
	struct flow_judgement *judgement; /* or NULL */
	struct side sides[2];
	bool any; /* a value was looked at */
	size_t source;
	struct buf value, place;
	size_t member;
	unsigned bit; /* of the side that is walked */
	struct error *err;
};

static void
release(struct settling *s)
{
	buf_release(&s->sides[0].subject);
	buf_release(&s->sides[1].subject);
	buf_release(&s->value);
	buf_release(&s->place);
}

/* Where a value led and leads: those subjects have other rows now. */
static int
look_up(struct settling *s, size_t source, struct slice value)
{
	int rc = 0;

	s->any = true;
	s->source = source;
	buf_clear(&s->value);
	if (buf_addslice(&s->value, value))
		return error_nomem(s->err);
	for (size_t i = 0; !rc && i < 2; i++) {
		struct side *side = &s->sides[i];

		rc = publish_linked_lead(s->db, s->theme, source, side->at,
					 value, &side->lead, &side->subject,
					 s->err);
		if (!rc && side->lead == PUBLISH_LEAD_ONE)
			rc = store_subject_add(s->db, s->theme->id,
					       buf_slice(&side->subject),
					       s->err);
	}
	return rc;
}

static int
add_stray(void *ctx, struct slice place, const struct store_record *r)
{
	struct settling *s = ctx;

	(void)place;
	if (publish_orphan_place(s->source, s->member, SLICE_NONE, r->key,
				 &s->place))
		return error_nomem(s->err);
	return store_stray_add(s->db, s->theme->id, buf_slice(&s->place),
			       s->bit, s->err);
}

/* All rows with the value, on a side where it leads nowhere. */
static int
add_all(struct settling *s, const struct side *side)
{
	const struct config_source *source =
		&s->theme->theme->sources[s->source];
	int rc = 0;

	s->bit = side->bit;
	for (s->member = 0; !rc && s->member < source->nmembers; s->member++)
		rc = publish_linked_each(s->db, s->theme, s->source, s->member,
					 side->at, buf_slice(&s->value),
					 add_stray, s, s->err);
	return rc;
}

static int
settle_value(void *ctx, size_t source, struct slice value, struct slice place,
	     unsigned sides)
{
	struct settling *s = ctx;
	unsigned astray = 0;
	int rc = breathe(s->breath, s->err);

	if (rc)
		return rc;
	if (!s->any || source != s->source ||
	    !slice_eq(value, buf_slice(&s->value)))
		rc = look_up(s, source, value);
	for (size_t i = 0; !rc && i < 2; i++) {
		const struct side *side = &s->sides[i];

		if (side->lead == PUBLISH_LEAD_ONE)
			continue;
		astray |= side->bit;
		if (!place.n)
			rc = add_all(s, side);
	}
	astray &= sides;
	return rc || !place.n || !astray
		       ? rc
		       : store_stray_add(s->db, s->theme->id, place, astray,
					 s->err);
}

static int
change_orphan(void *ctx, struct slice place, unsigned sides)
{
	struct settling *s = ctx;
	int rc;

	if (sides == STORE_IS && s->judgement)
		return flow_orphan_later(s->judgement, s->place_in_plan, place,
					 s->err);
	rc = sides == STORE_IS ? store_orphan_insert(s->db, s->theme->id,
						     s->seq, place, s->err)
			       : store_orphan_end(s->db, s->theme->id, s->seq,
						  place, s->err);
	return rc ? rc
		  : publish_dirty(s->publish, s->theme, PUBLISH_ORPHANS, 0, 0,
				  place, s->err);
}

static bool
has_link(const struct config_theme *t)
{
	for (size_t i = 0; i < t->nsources; i++) {
		if (t->sources[i].link)
			return true;
	}
	return false;
}

int
flow_linked_settle(const struct flow_work *work, struct error *err)
{
	const struct flow_plan *plan = work->plan;
	const int64_t seq = work->seq;
	int rc = 0;

	for (size_t t = 0; !rc && t < plan->nthemes; t++) {
		struct settling s = {
			.db = store_records(work->store),
			.breath = work->breath,
			.theme = &plan->themes[t],
			.place_in_plan = t,
			.publish = work->publish,
			.seq = seq,
			.judgement = work->judgement,
			.sides = {{.at = seq - 1, .bit = STORE_WAS},
				  {.at = seq, .bit = STORE_IS}},
			.err = err,
		};

		if (!has_link(s.theme->theme))
			continue;
		rc = store_linked_each(s.db, s.theme->id, settle_value, &s,
				       err);
		if (!rc)
			rc = store_stray_each(s.db, s.theme->id, change_orphan,
					      &s, err);
		release(&s);
	}
	return rc;
}
