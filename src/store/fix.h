/*
 * Fix files that came back: tables fix_round and fixed. A round is added when
 * a saved fix file is complete, which makes its submission 'judging' again,
 * and ends with the submission's next verdict.
 */
#ifndef STORE_FIX_H
#define STORE_FIX_H

#include "store/submission.h"

struct store_fix_round {
	int64_t submission; /* number */
	int64_t round;	    /* from 1 */
	int64_t blob;	    /* 0: it is judged */
	int64_t bytes;
	char *submitted_by; /* owned: store_fix_round_release() */
	int64_t received_at;
	char was[16]; /* the state of the submission before */
	/* the verdict */
	int64_t judged_at; /* 0: none yet */
	char state[16];
	int64_t seq;	  /* of its publish; 0 none */
	int64_t back;	  /* rows that came back */
	int64_t accepted; /* of them */
	int64_t refused;  /* rows that still are */
};
void store_fix_round_release(struct store_fix_round *r);

/* The newest submission of a resource whose file had one of these names, in
 * whatever normal form: 1 found, 0 none. */
MUST_CHECK int store_submission_named(struct sql *db, int64_t resource,
				      const char *const names[3],
				      struct store_submission *ret,
				      struct error *err);

/* Adds a round with submission, blob, bytes, submitted_by, received_at and
 * was; gives r->round. The submission is 'judging' from now on. */
MUST_CHECK int store_fix_begin(struct store_txn *txn, struct store_fix_round *r,
			       struct error *err);
/* The one that waits for its verdict: 1, 0. */
MUST_CHECK int store_fix_pending(struct sql *db, int64_t submission,
				 struct store_fix_round *ret,
				 struct error *err);
/* Its verdict: judged_at, state, seq, back, accepted, refused. Its bytes are
 * needed no more, and receipts that were tidied away are there again. */
MUST_CHECK int store_fix_end(struct store_txn *txn,
			     const struct store_fix_round *r,
			     struct error *err);
/* As if it had not come: the submission is what it was. */
MUST_CHECK int store_fix_cancel(struct store_txn *txn,
				const struct store_fix_round *r,
				struct error *err);
/* The judged ones, in order; the callback returns 0 to go on. */
typedef int store_fix_round_fn(void *ctx, const struct store_fix_round *r);
MUST_CHECK int store_fix_each(struct sql *db, int64_t submission,
			      store_fix_round_fn *each, void *ctx,
			      struct error *err);

/* Rows that are good since they came back: packed cells (base/cells.h). */
MUST_CHECK int store_fixed_add(struct store_txn *txn, int64_t submission,
			       int64_t row, struct slice cells,
			       struct error *err);
typedef int store_fixed_fn(void *ctx, int64_t row, struct slice cells);
MUST_CHECK int store_fixed_each(struct sql *db, int64_t submission,
				store_fixed_fn *each, void *ctx,
				struct error *err);

/* How many submissions of a resource, but for one, may still write at their
 * place in the order: those that are quarantined and, with 'fixes', those of
 * which refused rows may come back. */
MUST_CHECK int store_submission_awaited(struct sql *db, int64_t resource,
					int64_t but, bool fixes, int64_t *ret,
					struct error *err);
/* Whether a submission of the resource behind 'number' has been taken in. */
MUST_CHECK int store_submission_has_later(struct sql *db, int64_t resource,
					  int64_t number, bool *ret,
					  struct error *err);

/* What the last receipt of a submission says: rows{}, 0 where it says nothing.
 */
struct store_rows_told {
	int64_t inserted, updated, deleted;
};
MUST_CHECK int store_submission_rows_told(struct sql *db, int64_t number,
					  struct store_rows_told *ret,
					  struct error *err);
/* The versions that a submission has made, in order. */
typedef int store_made_fn(void *ctx, const char *dataset, int64_t version);
MUST_CHECK int store_submission_made(struct sql *db, const char *id,
				     store_made_fn *each, void *ctx,
				     struct error *err);

#endif
