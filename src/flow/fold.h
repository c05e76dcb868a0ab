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
	struct sorter **links; /* relink.c: of each lens, or NULL */
};
void flow_fold_release(struct flow_fold *f);

/* Writes the change, tells whom it concerns, and counts it. Its links are
 * written by flow_relink(), after the last change and before subjects are
 * computed. */
MUST_CHECK int flow_fold_apply(struct flow_fold *f, const struct flow_change *c,
			       struct error *err);

/* relink.c: f->old_place ends, f->place begins, as the change says. */
MUST_CHECK int flow_relink_later(struct flow_fold *f, size_t lens,
				 const struct flow_change *c, int64_t new_id,
				 struct error *err);
MUST_CHECK int flow_relink(struct flow_fold *f, struct error *err);

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
