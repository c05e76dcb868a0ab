/* What fold.c and snapshot.c share: rows into records, one change at a time. */
#ifndef FLOW_FOLD_H
#define FLOW_FOLD_H

#include "flow/internal.h"

/* One change of one record; no old or no new cells: it was not, or is not. */
struct flow_change {
	struct slice key;
	int64_t old_id; /* 0 none */
	struct slice old_cells;
	bool has_new;
	struct slice new_cells;
	const char *submission; /* whose the new ones are; NULL: this one's */
};

struct flow_fold {
	struct flow_judgement *j;
	const struct flow_plan *plan;
	struct sql *db;
	int64_t seq;
	struct buf place, old_place;
	struct store_record_walk *old; /* by key in order; NULL: not opened */
	/* settle.c */
	struct store_ends *ends;   /* of records of loads; NULL: nothing yet */
	struct sorter *records;	   /* that begin, or NULL */
	struct sorter **links;	   /* of each lens, or NULL */
	struct flow_group *groups; /* of what begins */
	size_t ngroups;
	int64_t nended;
};
void flow_fold_release(struct flow_fold *f);

/* Tells whom the change concerns, and counts it. It is written by
 * flow_settle(), after the last change and before subjects are computed. */
MUST_CHECK int flow_fold_apply(struct flow_fold *f, const struct flow_change *c,
			       struct error *err);

/* settle.c: a record begins, as the change says; f->old_place ends, f->place
 * begins, the same. */
MUST_CHECK int flow_record_later(struct flow_fold *f,
				 const struct flow_change *c,
				 struct error *err);
MUST_CHECK int flow_relink_later(struct flow_fold *f, size_t lens,
				 const struct flow_change *c,
				 struct error *err);
MUST_CHECK int flow_settle(struct flow_fold *f, struct error *err);
/* How many loads the resource and its lenses have room for. */
MUST_CHECK int flow_load_room(struct flow_fold *f, int64_t *ret,
			      struct error *err);

/* Whether another submission of the resource may be released later, at its
 * own place: then it has to know which keys were written since. */
MUST_CHECK int flow_fold_is_awaited(struct flow_judgement *j, bool *ret,
				    struct error *err);

/* load.c: many rows into a resource that has no record. Whether that is what
 * is to be done; then does it. */
MUST_CHECK int flow_load_is_wanted(struct flow_fold *f, bool *ret,
				   struct error *err);
MUST_CHECK int flow_load(struct flow_fold *f, struct error *err);

/* snapshot.c: the staged rows as the whole truth. */
MUST_CHECK int flow_fold_snapshot(struct flow_fold *f, struct error *err);

#endif
