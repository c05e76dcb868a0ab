/*
 * One run of what gc.h describes: its phases, and what they share. A phase
 * does one short step a call: 1 it has more to do, 0 it is done, negative.
 */
#ifndef FLOW_GC_RUN_H
#define FLOW_GC_RUN_H

#include "flow/gc.h"
#include "publish/sweep.h"
#include "store/retain.h"

/* A dataset and what is kept of it. */
struct flow_gc_dataset {
	int64_t id;
	int64_t first;	 /* oldest version that is kept; 0 all */
	int64_t horizon; /* rows that ended with this publish or before it are
			  * seen by nobody */
};

/* Numbers in memory. */
struct flow_gc_list {
	struct flow_gc_number {
		int64_t of, number;
	} * items;
	size_t n, cap;
};
MUST_CHECK int flow_gc_list_add(struct flow_gc_list *list, int64_t of,
				int64_t number, struct error *err);
bool flow_gc_list_has(const struct flow_gc_list *list, int64_t of,
		      int64_t number);

struct flow_gc_run {
	struct store *store;
	const struct config *config;
	struct inbox *inbox;
	const struct flow_keeping *keeping;
	struct flow_gc_report report;
	int64_t now;

	int64_t after; /* where a phase goes on */
	struct flow_gc_dataset *datasets;
	size_t n, at;
	int table;
	int64_t horizon; /* of all datasets */
	/* what is open: texts by dataset and version, submissions */
	struct flow_gc_list texts, submissions;
	struct publish_sweep *sweep;
	struct error damage; /* of a pack: the others are seen to */
};
void flow_gc_run_release(struct flow_gc_run *run);

typedef int flow_gc_phase_fn(struct flow_gc_run *run, struct error *err);

/* gc_files.c */
flow_gc_phase_fn flow_gc_leave_inbox, flow_gc_leave_temporary, flow_gc_expire,
	flow_gc_erase;
/* gc_versions.c */
flow_gc_phase_fn flow_gc_drop_versions, flow_gc_drop_rows, flow_gc_drop_texts,
	flow_gc_drop_hashes, flow_gc_sweep;
/* gc_open.c: after versions and submissions have been hidden; what is open
 * holds what only they show. */
flow_gc_phase_fn flow_gc_see_open;

/* The oldest version of a dataset that is to be kept at 'now' (0: all): the one
 * that was the newest keep_versions ago. */
MUST_CHECK int flow_gc_first(struct sql *db, const struct config *config,
			     int64_t dataset, int64_t now, int64_t *ret,
			     struct error *err);
/* The horizon of a dataset of which the versions from 'first' on are kept. */
MUST_CHECK int flow_gc_horizon(struct sql *db, int64_t published,
			       int64_t dataset, int64_t first, int64_t *ret,
			       struct error *err);

#endif
