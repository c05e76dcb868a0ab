/* How far resources are with the theme of another platform that they follow
 * (descriptor: follows): table follow. */
#ifndef STORE_FOLLOW_H
#define STORE_FOLLOW_H

#include "store/submission.h"

/* The version of 'theme' that the records of a resource are of; 0: of none, or
 * of another theme's. */
MUST_CHECK int store_follow_get(struct sql *db, int64_t resource,
				const char *theme, int64_t *ret,
				struct error *err);
MUST_CHECK int store_follow_set(struct store_txn *txn, int64_t resource,
				const char *theme, int64_t version,
				struct error *err);
/* Whether a resource has followed any theme. */
MUST_CHECK int store_follow_any(struct sql *db, int64_t resource, bool *ret,
				struct error *err);

/* A quarantined submission is to be judged once more, as it was before: see
 * store_submission_next_release(). */
MUST_CHECK int store_submission_ask_again(struct store_txn *txn, int64_t number,
					  struct error *err);

#endif
