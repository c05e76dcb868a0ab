/*
 * A snapshot into the records (SPEC 6.7), or changes from nothing (follow.h),
 * in which a row may say that it is none: the file is the whole truth. Stored
 * records and staged rows, both in key order, are walked side by side: once to
 * insert, to update and to count what is gone, and again to delete it, when
 * max_shrink allows so much. Both walks read the records that held before this
 * publish, and so do not meet what it writes.
 */
#include "flow/fold.h"

#define MILLION 1000000

struct snapshot {
	struct flow_fold *f;
	struct store_staged row;
	int more; /* 1: 'row' stands */
	int64_t stored, gone;
	bool deleting; /* the second walk */
	struct error *err;
};

static int
next_row(struct snapshot *s)
{
	s->more = store_staging_next(s->f->j->staging, &s->row, s->err);
	if (!s->deleting)
		flow_progress_add(s->f->j->progress, 1);
	return s->more < 0 ? s->more : 0;
}

static int
insert_row(struct snapshot *s)
{
	const struct flow_change c = {
		.key = s->row.key,
		.has_new = true,
		.new_cells = s->row.cells,
	};

	if (s->deleting || s->row.status != STORE_STAGED_GOOD || s->row.deletes)
		return 0;
	return flow_fold_apply(s->f, &c, s->err);
}

/* A staged row of the record's key: the good one, or a refused one, which
 * leaves the record as it was. */
static int
meet(struct snapshot *s, const struct store_record *r)
{
	const struct flow_change c = {
		.key = r->key,
		.old_id = r->id,
		.old_cells = r->cells,
		.has_new = true,
		.new_cells = s->row.cells,
	};

	if (s->deleting || s->row.status != STORE_STAGED_GOOD)
		return 0;
	if (slice_eq(s->row.cells, r->cells)) {
		s->f->j->counts.unchanged++;
		return 0;
	}
	return flow_fold_apply(s->f, &c, s->err);
}

static int
miss(struct snapshot *s, const struct store_record *r)
{
	const struct flow_change c = {
		.key = r->key, .old_id = r->id, .old_cells = r->cells};

	s->gone += !s->deleting;
	return s->deleting ? flow_fold_apply(s->f, &c, s->err) : 0;
}

static int
take_record(void *ctx, const struct store_record *r)
{
	struct snapshot *s = ctx;
	bool met = false;
	int rc = breathe(s->f->j->breath, s->err);

	s->stored += !s->deleting;
	while (!rc && s->more) {
		int order = slice_cmp(s->row.key, r->key);

		if (order > 0)
			break;
		met |= order == 0 && !s->row.deletes;
		rc = order || s->row.deletes ? insert_row(s) : meet(s, r);
		if (!rc)
			rc = next_row(s);
	}
	return rc || met ? rc : miss(s, r);
}

static int
walk(struct snapshot *s)
{
	const struct flow_fold *f = s->f;
	int rc = store_staging_first(f->j->staging, s->err);

	if (!rc)
		rc = next_row(s);
	if (!rc)
		rc = store_record_each(f->db, f->j->planned->id, f->seq - 1,
				       take_record, s, s->err);
	while (!rc && s->more) {
		rc = breathe(f->j->breath, s->err);
		if (!rc)
			rc = insert_row(s);
		if (!rc)
			rc = next_row(s);
	}
	return rc;
}

static int
say_shrink(struct snapshot *s)
{
	struct flow_judgement *j = s->f->j;
	struct validate_sentences text;
	struct validate_fault fault;

	validate_fault_shrink(s->gone, s->stored, &fault, &text);
	j->state = VALIDATE_S_QUARANTINED;
	snprintf(j->reason, sizeof(j->reason), "%s", fault.message);
	snprintf(j->reason_zh, sizeof(j->reason_zh), "%s", fault.message_zh);
	return validate_faults_add(j->errors, j->resource, &fault)
		       ? error_nomem(s->err)
		       : 0;
}

int
flow_fold_snapshot(struct flow_fold *f, struct error *err)
{
	const struct flow_judgement *j = f->j;
	struct snapshot s = {.f = f, .err = err};
	int rc = walk(&s);

	if (rc || !s.gone)
		return rc;
	if (!j->release &&
	    s.gone * MILLION > j->resource->max_shrink * s.stored)
		return say_shrink(&s);
	s.deleting = true;
	return walk(&s);
}
