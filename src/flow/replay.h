/*
 * The records of a resource as they would be without one of its submissions
 * (SPEC 6.6, 6.8): the fold of the others, in order, from a moment on of which
 * the records are still known.
 */
#ifndef FLOW_REPLAY_H
#define FLOW_REPLAY_H

#include "flow/internal.h"
#include "store/target.h"

/* Where the replay begins. */
struct flow_replay {
	int64_t base;  /* the publish of which the records are taken; 0 none */
	int64_t after; /* submissions up to this number are in them */
};

/* 0, or ERR_INVALID: what it needs is kept no longer. Any thread. */
MUST_CHECK int flow_replay_plan(struct store *store,
				const struct store_submission *without,
				struct flow_replay *ret, struct error *err);
/* The records without it; both targets are the caller's, also after a failure.
 * With *ret_keys, which has the keys that it wrote or deleted, they are those
 * of these keys alone, because nothing else can be otherwise; NULL: all. The
 * thread that judges, outside of any transaction. */
MUST_CHECK int flow_replay(const struct flow_shop *shop,
			   const struct store_submission *without,
			   const struct flow_replay *plan,
			   struct store_target **ret,
			   struct store_target **ret_keys, struct error *err);

#endif
