/*
 * Submissions that are withdrawn: table withdrawal, who has asked for one, and
 * the order in which the submissions of a resource have taken effect.
 */
#ifndef STORE_WITHDRAWAL_H
#define STORE_WITHDRAWAL_H

#include "store/submission.h"

MUST_CHECK int store_submission_ask_withdraw(struct store_txn *txn,
					     int64_t number, const char *by,
					     struct error *err);
/* As store_submission_next(), of those that are to be withdrawn. */
MUST_CHECK int store_submission_next_withdraw(struct sql *db, int64_t after,
					      struct store_submission *ret,
					      struct error *err);
/* Who has asked, appended; 1, or 0 nobody. */
MUST_CHECK int store_submission_withdrawing(struct sql *db, int64_t number,
					    struct buf *ret, struct error *err);
/* Nobody asks any more. */
MUST_CHECK int store_submission_keep(struct store_txn *txn, int64_t number,
				     struct error *err);

/* It is withdrawn: table, state and receipts. 'seq' 0: nothing changed. */
MUST_CHECK int store_withdrawal_add(struct store_txn *txn, int64_t number,
				    int64_t seq, int64_t now, const char *by,
				    struct slice receipt_json,
				    struct slice receipt_text,
				    struct error *err);

/* Which publishes of a resource's records are whose, in order; fix files and
 * withdrawals too. A withdrawal may have let in what any of those that had
 * come since say, so that it is of several: from 'first' to 'last'. The
 * callback returns 0 to go on, or what comes back. */
struct store_effect {
	int64_t seq, first, last;
};
typedef int store_effect_fn(void *ctx, const struct store_effect *effect);
MUST_CHECK int store_effect_each(struct sql *db, int64_t resource,
				 store_effect_fn *each, void *ctx,
				 struct error *err);
/* The next submission of a resource behind 'after' that has been taken in: 1,
 * 0. */
MUST_CHECK int store_submission_next_taken(struct sql *db, int64_t resource,
					   int64_t after,
					   struct store_submission *ret,
					   struct error *err);
/* The highest version of each dataset before publish 'seq', and the lowest at
 * or behind it. 0 where there is none. */
MUST_CHECK int store_version_around(struct sql *db, int64_t dataset,
				    int64_t seq, int64_t *ret_before,
				    int64_t *ret_from, struct error *err);
/* The first publish that took a submission in; 0 none. */
MUST_CHECK int store_submission_first_seq(struct sql *db, int64_t number,
					  int64_t *ret, struct error *err);

#endif
