/*
 * The good rows of a submission into the records of its resource (SPEC 6.7,
 * 6.8): only differences are written, and each one tells the lenses, the
 * themes and the published files which of their rows it touches.
 */
#include "flow/internal.h"

#include "base/scope.h"

#define MILLION 1000000

/* One change of one record; no old or no new cells: it was not, or is not. */
struct change {
	struct slice key;
	int64_t old_id; /* 0 none */
	struct slice old_cells;
	bool has_new;
	struct slice new_cells;
};

struct fold {
	struct flow_judgement *j;
	const struct flow_plan *plan;
	struct sql *db;
	int64_t seq;
	struct buf place, old_place;
};

/* ---- telling the themes -------------------------------------------------- */

static int
tell_source(struct fold *f, const struct flow_use *use, struct slice place,
	    struct error *err)
{
	return publish_dirty(f->j->publish, &f->plan->themes[use->theme],
			     PUBLISH_SOURCE, use->source, use->member, place,
			     err);
}

/* A row without subject is an orphan by itself; with one, its subject is
 * computed again. */
static int
tell_subject(struct fold *f, const struct flow_use *use, struct slice subject,
	     struct slice key, bool is_new, struct error *err)
{
	const struct publish_theme *t = &f->plan->themes[use->theme];
	scope_buf place = BUF_INIT;
	int rc;

	if (subject.n)
		return store_subject_add(f->db, t->id, subject, err);
	rc = publish_orphan_place(use->source, use->member, subject, key,
				  &place);
	if (rc)
		return error_nomem(err);
	if (is_new)
		rc = store_orphan_insert(f->db, t->id, f->seq,
					 buf_slice(&place), err);
	else
		rc = store_orphan_end(f->db, t->id, f->seq, buf_slice(&place),
				      err);
	if (!rc)
		rc = publish_dirty(f->j->publish, t, PUBLISH_ORPHANS, 0, 0,
				   buf_slice(&place), err);
	return rc;
}

static int
tell_use(struct fold *f, const struct flow_use *use, const struct change *c,
	 struct slice old_subject, struct slice new_subject, struct error *err)
{
	bool was = c->old_id != 0;
	bool same = was && c->has_new && slice_eq(old_subject, new_subject);
	int rc = 0;

	if (was)
		rc = tell_source(f, use, buf_slice(&f->old_place), err);
	if (!rc && c->has_new)
		rc = tell_source(f, use, buf_slice(&f->place), err);
	if (rc || (same && new_subject.n == 0))
		return rc;
	if (was)
		rc = tell_subject(f, use, old_subject, c->key, false, err);
	if (!rc && c->has_new)
		rc = tell_subject(f, use, new_subject, c->key, true, err);
	return rc;
}

static int
make_place(struct buf *place, struct slice subject, struct slice key)
{
	return publish_source_place(subject, key, place);
}

static int
tell_lens(struct fold *f, const struct flow_lens *lens, const struct change *c,
	  int64_t new_id, struct error *err)
{
	struct slice was = cells_get(c->old_cells, lens->field);
	struct slice is = cells_get(c->new_cells, lens->field);
	int rc = 0;

	if (make_place(&f->old_place, was, c->key) ||
	    make_place(&f->place, is, c->key))
		return error_nomem(err);
	if (c->old_id)
		rc = store_link_end(f->db, lens->id, f->seq,
				    buf_slice(&f->old_place), err);
	if (!rc && c->has_new)
		rc = store_link_insert(f->db, lens->id, f->seq,
				       buf_slice(&f->place), new_id, err);
	for (size_t i = 0; !rc && i < lens->nuses; i++)
		rc = tell_use(f, &lens->uses[i], c, was, is, err);
	return rc;
}

static int
apply(struct fold *f, const struct change *c, struct error *err)
{
	const struct flow_resource *r = f->j->planned;
	int64_t new_id = 0;
	int rc = 0;

	if (c->old_id)
		rc = store_record_end(f->db, c->old_id, f->seq, err);
	if (!rc && c->has_new)
		rc = store_record_insert(f->db, r->id, f->seq, c->key,
					 c->new_cells, f->j->submission->id,
					 &new_id, err);
	for (size_t i = 0; !rc && i < r->nlenses; i++)
		rc = tell_lens(f, &r->lenses[i], c, new_id, err);
	if (rc)
		return rc;
	f->j->changed = true;
	if (c->old_id && c->has_new)
		f->j->counts.updated++;
	else if (c->has_new)
		f->j->counts.inserted++;
	else
		f->j->counts.deleted++;
	return 0;
}

/* ---- linking records that were there before their lens ------------------- */

struct link {
	struct sql *db;
	const struct flow_lens *lens;
	int64_t seq;
	struct buf place;
	struct error *err;
};

static int
link_record(void *ctx, const struct store_record *r)
{
	struct link *l = ctx;
	struct slice subject = cells_get(r->cells, l->lens->field);

	if (make_place(&l->place, subject, r->key))
		return error_nomem(l->err);
	return store_link_insert(l->db, l->lens->id, l->seq,
				 buf_slice(&l->place), r->id, l->err);
}

int
flow_link(struct store *store, const struct flow_resource *r, int64_t seq,
	  struct error *err)
{
	struct sql *db = store_records(store);
	int rc = 0;

	for (size_t i = 0; !rc && i < r->nlenses; i++) {
		struct link l = {db, &r->lenses[i], seq, BUF_INIT, err};
		bool linked = false;

		rc = store_lens_is_linked(db, l.lens->id, &linked, err);
		if (!rc && !linked)
			rc = store_record_each(db, r->id, seq, link_record, &l,
					       err);
		if (!rc && !linked)
			rc = store_lens_set_linked(db, l.lens->id, seq, err);
		buf_release(&l.place);
	}
	return rc;
}

/* ---- snapshot: the file is the whole truth ------------------------------- */

/* Stored records and staged rows, both in key order, walked side by side. The
 * deletions are kept for the end, because max_shrink asks for their number. */
struct snapshot {
	struct fold *f;
	struct store_staged row;
	int more; /* 1: 'row' stands */
	int64_t stored;
	struct buf gone; /* packed: id, key, cells of records to delete */
	struct error *err;
};

static int
next_row(struct snapshot *s)
{
	s->more = store_staging_next(s->f->j->staging, &s->row, s->err);
	return s->more < 0 ? s->more : 0;
}

static int
insert_row(struct snapshot *s)
{
	const struct change c = {
		.key = s->row.key,
		.has_new = true,
		.new_cells = s->row.cells,
	};

	if (s->row.status != STORE_STAGED_GOOD)
		return 0;
	return apply(s->f, &c, s->err);
}

static int
keep_gone(struct snapshot *s, const struct store_record *r)
{
	struct slice id = {(const char *)&r->id, sizeof(r->id)};

	if (cells_add(&s->gone, id) || cells_add(&s->gone, r->key) ||
	    cells_add(&s->gone, r->cells))
		return error_nomem(s->err);
	s->f->j->counts.deleted++;
	return 0;
}

/* The staged rows of the record's key: one good, or refused ones, which leave
 * the record as it was. */
static int
meet(struct snapshot *s, const struct store_record *r)
{
	const struct change c = {
		.key = r->key,
		.old_id = r->id,
		.old_cells = r->cells,
		.has_new = true,
		.new_cells = s->row.cells,
	};

	if (s->row.status != STORE_STAGED_GOOD)
		return 0;
	if (slice_eq(s->row.cells, r->cells)) {
		s->f->j->counts.unchanged++;
		return 0;
	}
	return apply(s->f, &c, s->err);
}

static int
snapshot_record(void *ctx, const struct store_record *r)
{
	struct snapshot *s = ctx;
	bool met = false;
	int rc = 0;

	s->stored++;
	while (!rc && s->more) {
		int order = slice_cmp(s->row.key, r->key);

		if (order > 0)
			break;
		if (order < 0) {
			rc = insert_row(s);
		} else {
			met = true;
			rc = meet(s, r);
		}
		if (!rc)
			rc = next_row(s);
	}
	if (rc || met)
		return rc;
	return keep_gone(s, r);
}

static int
delete_gone(struct snapshot *s)
{
	struct slice rest = buf_slice(&s->gone);
	struct slice id, key, cells;
	int rc = 0;

	s->f->j->counts.deleted = 0; /* apply() counts again */
	while (!rc && cells_next(&rest, &id) && cells_next(&rest, &key) &&
	       cells_next(&rest, &cells)) {
		struct change c = {.key = key, .old_cells = cells};

		memcpy(&c.old_id, id.p, sizeof(c.old_id));
		rc = apply(s->f, &c, s->err);
	}
	return rc;
}

static int
say_shrink(struct snapshot *s)
{
	struct flow_judgement *j = s->f->j;
	struct validate_sentences text;
	struct validate_fault fault;

	validate_fault_shrink(j->counts.deleted, s->stored, &fault, &text);
	j->state = VALIDATE_S_QUARANTINED;
	snprintf(j->reason, sizeof(j->reason), "%s", fault.message);
	snprintf(j->reason_zh, sizeof(j->reason_zh), "%s", fault.message_zh);
	return validate_faults_add(j->errors, j->resource, &fault);
}

/* The walk reads the records that held before this publish, so that it does
 * not meet what it writes. */
static int
fold_snapshot(struct fold *f, struct error *err)
{
	struct snapshot s = {.f = f, .err = err};
	struct flow_judgement *j = f->j;
	int rc = store_staging_first(j->staging, err);

	if (!rc)
		rc = next_row(&s);
	if (!rc)
		rc = store_record_each(f->db, j->planned->id, f->seq - 1,
				       snapshot_record, &s, err);
	while (!rc && s.more) {
		rc = insert_row(&s);
		if (!rc)
			rc = next_row(&s);
	}
	if (!rc && !j->release &&
	    j->counts.deleted * MILLION > j->resource->max_shrink * s.stored)
		rc = say_shrink(&s);
	else if (!rc)
		rc = delete_gone(&s);
	buf_release(&s.gone);
	return rc;
}

/* ---- upsert and append: rows by key -------------------------------------- */

/* A released submission must not undo what later ones said of a key. */
static int
is_overtaken(struct fold *f, struct slice key, bool *ret, struct error *err)
{
	int64_t last = 0;
	int rc = 0;

	if (f->j->release)
		rc = store_touched_get(f->db, f->j->planned->id, key, &last,
				       err);
	*ret = last > f->j->submission->number;
	return rc;
}

static int
fold_row(struct fold *f, const struct store_staged *row, bool keep_track,
	 struct error *err)
{
	scope_buf stored = BUF_INIT;
	struct change c = {.key = row->key};
	bool overtaken = false;
	int rc = is_overtaken(f, row->key, &overtaken, err);

	if (!rc && keep_track)
		rc = store_touched_add(f->db, f->j->planned->id, row->key,
				       f->j->submission->number, err);
	if (rc)
		return rc;
	rc = store_record_find(f->db, f->j->planned->id, f->seq, row->key,
			       &c.old_id, &stored, err);
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
	return apply(f, &c, err);
}

static int
fold_rows(struct fold *f, struct error *err)
{
	struct flow_judgement *j = f->j;
	struct store_staged row;
	int64_t waiting = 0;
	scope_reader reader = {0};
	int rc = store_reader_get(j->store, &reader, err);

	/* a quarantined one may be released later, at its own place */
	if (!rc)
		rc = store_submission_count(reader.db, j->planned->id,
					    "quarantined", &waiting, err);
	if (!rc)
		rc = store_staging_first(j->staging, err);
	while (!rc && (rc = store_staging_next(j->staging, &row, err)) > 0) {
		rc = 0;
		if (row.status == STORE_STAGED_GOOD)
			rc = fold_row(f, &row, waiting > j->release, err);
	}
	return rc;
}

int
flow_fold(struct flow_judgement *j, const struct flow_plan *plan, int64_t seq,
	  struct error *err)
{
	struct fold f = {
		.j = j,
		.plan = plan,
		.db = store_records(j->store),
		.seq = seq,
	};
	int rc;

	rc = flow_link(j->store, j->planned, seq, err);
	if (!rc && j->resource->mode == CONFIG_SNAPSHOT)
		rc = fold_snapshot(&f, err);
	else if (!rc)
		rc = fold_rows(&f, err);
	buf_release(&f.place);
	buf_release(&f.old_place);
	return rc;
}
