/*
 * The good rows of a submission into the records of its resource (SPEC 6.7,
 * 6.8): only differences are written, and each one tells the lenses, the
 * themes and the published files which of their rows it touches.
 */
#include "flow/fold.h"

#include "base/scope.h"
#include "flow/linked.h"
#include "store/fix.h"

/* ---- telling the themes -------------------------------------------------- */

static int
tell_source(struct flow_fold *f, const struct flow_use *use, struct slice place,
	    struct error *err)
{
	return publish_dirty(f->j->publish, &f->plan->themes[use->theme],
			     PUBLISH_SOURCE, use->source, use->member, place,
			     err);
}

/* An orphan that has no subject begins or ends. */
static int
tell_homeless(struct flow_fold *f, const struct flow_use *use, struct slice key,
	      bool is_new, struct error *err)
{
	const struct publish_theme *t = &f->plan->themes[use->theme];
	scope_buf place = BUF_INIT;
	int rc = publish_orphan_place(use->source, use->member, SLICE_NONE, key,
				      &place);

	if (rc)
		return error_nomem(err);
	if (is_new)
		return flow_orphan_later(f->j, use->theme, buf_slice(&place),
					 err);
	rc = store_orphan_end(f->db, t->id, f->seq, buf_slice(&place), err);
	return rc ? rc
		  : publish_dirty(f->j->publish, t, PUBLISH_ORPHANS, 0, 0,
				  buf_slice(&place), err);
}

/* With a subject, that is computed again; a row without is an orphan by
 * itself, unless its source has a link. */
static int
tell_subject(struct flow_fold *f, const struct flow_use *use,
	     const struct flow_change *c, struct slice subject, bool is_new,
	     struct error *err)
{
	if (subject.n)
		return store_subject_add(f->db, f->plan->themes[use->theme].id,
					 subject, err);
	if (flow_use_link(f->plan, use))
		return flow_linked_row(f->db, f->plan, use, c->key,
				       is_new ? c->new_cells : c->old_cells,
				       is_new ? STORE_IS : STORE_WAS, err);
	return tell_homeless(f, use, c->key, is_new, err);
}

static int
tell_use(struct flow_fold *f, const struct flow_use *use,
	 const struct flow_change *c, struct slice old_subject,
	 struct slice new_subject, struct error *err)
{
	bool was = c->old_id != 0;
	bool same = was && c->has_new && slice_eq(old_subject, new_subject);
	int rc = 0;

	if (was)
		rc = tell_source(f, use, buf_slice(&f->old_place), err);
	if (!rc && c->has_new)
		rc = tell_source(f, use, buf_slice(&f->place), err);
	if (rc || (same && new_subject.n == 0 && !flow_use_link(f->plan, use)))
		return rc;
	if (was)
		rc = tell_subject(f, use, c, old_subject, false, err);
	if (!rc && c->has_new)
		rc = tell_subject(f, use, c, new_subject, true, err);
	return rc;
}

static int
tell_lens(struct flow_fold *f, size_t n, const struct flow_change *c,
	  struct error *err)
{
	const struct flow_lens *lens = &f->j->planned->lenses[n];
	struct slice was = cells_get(c->old_cells, lens->field);
	struct slice is = cells_get(c->new_cells, lens->field);
	int rc;

	if (publish_source_place(was, c->key, &f->old_place) ||
	    publish_source_place(is, c->key, &f->place))
		return error_nomem(err);
	rc = flow_relink_later(f, n, c, err);
	for (size_t i = 0; !rc && i < lens->nuses; i++)
		rc = tell_use(f, &lens->uses[i], c, was, is, err);
	return rc;
}

static void
count(struct flow_judgement *j, const struct flow_change *c)
{
	j->changed = true;
	if (c->old_id && c->has_new)
		j->counts.updated++;
	else if (c->has_new)
		j->counts.inserted++;
	else
		j->counts.deleted++;
}

int
flow_fold_apply(struct flow_fold *f, const struct flow_change *c,
		struct error *err)
{
	const struct flow_resource *r = f->j->planned;
	int rc = 0;

	if (f->j->dry) {
		count(f->j, c);
		return 0;
	}
	if (!f->ends)
		f->ends = store_ends_new();
	if (!f->ends)
		return error_nomem(err);
	if (c->old_id)
		rc = store_ends_record(f->ends, f->db, c->old_id, f->seq, err);
	f->nended += c->old_id != 0;
	if (!rc && c->has_new)
		rc = flow_record_later(f, c, err);
	for (size_t i = 0; !rc && i < r->nlenses; i++)
		rc = tell_lens(f, i, c, err);
	if (!rc)
		rc = flow_linked_other(f->db, f->plan, r, c->old_cells,
				       c->new_cells, err);
	if (!rc)
		count(f->j, c);
	return rc;
}

/* ---- upsert and append: rows by key -------------------------------------- */

/* A submission that takes its place late must not undo what later ones said of
 * a key. */
static int
is_overtaken(struct flow_fold *f, struct slice key, bool *ret,
	     struct error *err)
{
	*ret = false;
	return f->j->release || f->j->round
		       ? flow_is_overtaken(f->j, key, ret, err)
		       : 0;
}

static int
fold_row(struct flow_fold *f, const struct store_staged *row, bool keep_track,
	 struct error *err)
{
	scope_buf stored = BUF_INIT;
	struct flow_change c = {.key = row->key};
	bool overtaken = false;
	int rc = is_overtaken(f, row->key, &overtaken, err);

	flow_progress_add(f->j->progress, 1);
	if (!rc && keep_track)
		rc = store_touched_add(f->db, f->j->planned->id, row->key,
				       f->j->submission->number, err);
	if (rc)
		return rc;
	rc = f->old ? store_record_walk_find(f->old, row->key, &c.old_id,
					     &stored, err)
		    : store_record_find(f->db, f->j->planned->id, f->seq,
					row->key, &c.old_id, &stored, err);
	if (rc < 0)
		return rc;
	c.old_cells = buf_slice(&stored);
	c.has_new = !row->deletes;
	c.new_cells = row->deletes ? SLICE_NONE : row->cells;
	if (overtaken || (row->deletes && !c.old_id) ||
	    (!row->deletes && c.old_id && slice_eq(row->cells, c.old_cells))) {
		f->j->counts.unchanged++;
		return 0;
	}
	return flow_fold_apply(f, &c, err);
}

int
flow_fold_is_awaited(struct flow_judgement *j, bool *ret, struct error *err)
{
	int64_t waiting = 0;
	scope_reader reader = {0};
	int rc = store_reader_get(j->store, &reader, err);

	if (!rc)
		rc = store_submission_awaited(
			reader.db, j->planned->id, j->submission->number,
			j->resource->mode == CONFIG_UPSERT, &waiting, err);
	*ret = waiting > 0;
	return rc;
}

static int
fold_rows(struct flow_fold *f, struct error *err)
{
	struct flow_judgement *j = f->j;
	struct store_staged row;
	bool keep_track = false;
	int rc = j->dry ? 0 : flow_fold_is_awaited(j, &keep_track, err);

	if (!rc && !j->dry && j->counts.accepted >= FLOW_MANY)
		rc = store_record_walk_open(f->db, j->planned->id, f->seq,
					    &f->old, err);
	if (!rc)
		rc = store_staging_first(j->staging, err);
	while (!rc && (rc = store_staging_next(j->staging, &row, err)) > 0) {
		rc = breathe(j->breath, err);
		if (!rc && row.status == STORE_STAGED_GOOD)
			rc = fold_row(f, &row, keep_track, err);
	}
	return rc;
}

static int
fold_all(struct flow_fold *f, struct error *err)
{
	const struct flow_judgement *j = f->j;

	return j->resource->mode == CONFIG_SNAPSHOT || j->step.whole
		       ? flow_fold_snapshot(f, err)
		       : fold_rows(f, err);
}

int
flow_fold_dry(struct flow_judgement *j, const struct flow_plan *plan,
	      struct error *err)
{
	const struct validate_counts judged = j->counts;
	const struct breath *breath = j->breath;
	struct flow_fold f = {
		.j = j,
		.plan = plan,
		.db = store_records(j->store),
		.seq = store_published(j->store) + 1,
	};
	int rc;

	j->breath = NULL; /* nobody passes while records are read */
	rc = fold_all(&f, err);
	j->breath = breath;
	if (j->state == VALIDATE_S_QUARANTINED)
		j->counts = judged;
	else if (!j->changed && j->state == VALIDATE_S_ACCEPTED)
		j->state = VALIDATE_S_UNCHANGED;
	j->changed = false;
	flow_fold_release(&f);
	return rc;
}

int
flow_fold(struct flow_judgement *j, const struct flow_plan *plan, int64_t seq,
	  struct error *err)
{
	struct flow_fold f = {
		.j = j,
		.plan = plan,
		.db = store_records(j->store),
		.seq = seq,
	};
	int rc = flow_link(j->store, j->planned, seq, j->breath, err);
	bool load = false;

	if (!rc)
		rc = flow_load_is_wanted(&f, &load, err);
	if (!rc && load)
		rc = flow_load(&f, err);
	else if (!rc)
		rc = fold_all(&f, err);
	if (!rc && j->state != VALIDATE_S_QUARANTINED)
		rc = flow_settle(&f, err);
	flow_fold_release(&f);
	return rc;
}
