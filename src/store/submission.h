/* Submissions and their receipts: table submission. */
#ifndef STORE_SUBMISSION_H
#define STORE_SUBMISSION_H

#include "base/digest.h"
#include "store/store.h"

/* Dry runs have numbers of their own, from here on: they are judged behind the
 * others, and no list has them. */
#define STORE_TRIAL (INT64_C(1) << 40)
#define STORE_SUBMISSION_ID_MAX 32 /* YYYYMMDD-NNNNNN and room, with NUL */

/* SQL of the column told_seq, where table submission is called 's'. */
#define STORE_TOLD_SEQ(s) \
	"max(coalesce(" s ".seq, 0)," \
	" (SELECT coalesce(max(seq), 0) FROM fix_round" \
	"  WHERE submission = " s ".number)," \
	" (SELECT coalesce(max(seq), 0) FROM withdrawal" \
	"  WHERE submission = " s ".number))"

/* A submission as it is kept. Texts are owned: store_submission_release(). */
struct store_submission {
	int64_t number;
	char id[STORE_SUBMISSION_ID_MAX];
	int64_t resource; /* object */
	char *name;
	int64_t blob; /* 0: given up */
	int64_t bytes;
	int64_t uid;
	char *submitted_by;
	int64_t received_at;
	bool killed;
	char state[16];	   /* a word of SPEC 6 */
	int64_t judged_at; /* 0 none */
	int64_t seq;	   /* 0 none */
	int64_t told_seq;  /* of the last publish that its receipts tell of, of
			    * a fix file or a withdrawal too; 0 none */
	bool released;
	bool again;	  /* quarantined, and to be judged once more */
	bool withdrawing; /* somebody has asked for it */
	bool erasing;	  /* bytes of it are still to be erased: erasure.h */
	int64_t receipt_json_bytes, receipt_text_bytes; /* -1 none */
	int64_t fix_blob, fix_bytes;			/* 0, -1 none */
	bool fix_workbook;
	int expired; /* 1: it has left archive/; 2: its bytes are gone */
	bool has_sha256;
	unsigned char sha256[DIGEST_SIZE];
};
void store_submission_release(struct store_submission *s);

/* Adds a complete (or, with 'killed', incomplete) file as a submission in
 * state 'judging'; gives it number and id from 'now' in the platform's zone. */
MUST_CHECK int store_submission_add(struct store_txn *txn,
				    struct store_submission *s, int64_t now,
				    struct error *err);
/* The same for a dry run. */
MUST_CHECK int store_trial_add(struct store_txn *txn,
			       struct store_submission *s, int64_t now,
			       struct error *err);

/* 1 found (release it), 0 none. */
MUST_CHECK int store_submission_get(struct sql *db, int64_t number,
				    struct store_submission *ret,
				    struct error *err);
MUST_CHECK int store_submission_find(struct sql *db, const char *id,
				     struct store_submission *ret,
				     struct error *err);
/* The lowest number above 'after'; 0 none. */
MUST_CHECK int store_submission_after(struct sql *db, int64_t after,
				      int64_t *ret, struct error *err);
/* The first in order of completion after number 'after' that is 'judging'; 1,
 * 0. */
MUST_CHECK int store_submission_next(struct sql *db, int64_t after,
				     struct store_submission *ret,
				     struct error *err);
/* The same for those quarantined and asked to be released, or to be judged
 * again. */
MUST_CHECK int store_submission_next_release(struct sql *db, int64_t after,
					     struct store_submission *ret,
					     struct error *err);
/* Newest first, at most 'limit' (0 all); resource 0: all; state NULL: all.
 * The callback returns 0 to go on. */
MUST_CHECK int
store_submission_each(struct sql *db, int64_t resource, const char *state,
		      int64_t limit,
		      int (*each)(void *ctx, const struct store_submission *s),
		      void *ctx, struct error *err);
/* How many of a resource are in this state; resource 0: of all. */
MUST_CHECK int store_submission_count(struct sql *db, int64_t resource,
				      const char *state, int64_t *ret,
				      struct error *err);

/* The verdict: state, times, receipts, fix file. */
struct store_verdict {
	const char *state;
	int64_t judged_at;
	int64_t seq; /* 0 none */
	struct slice receipt_json, receipt_text;
	int64_t fix_blob, fix_bytes; /* 0 none */
	bool fix_workbook;
	const unsigned char *sha256; /* NULL unknown */
};
MUST_CHECK int store_submission_judged(struct store_txn *txn, int64_t number,
				       const struct store_verdict *v,
				       struct error *err);
/* The bytes of an incomplete one are needed no more; of any other they are
 * kept. */
MUST_CHECK int store_submission_give_up(struct store_txn *txn, int64_t number,
					struct error *err);
MUST_CHECK int store_submission_ask_release(struct store_txn *txn,
					    int64_t number, struct error *err);

/* Appends the receipt's bytes; 1 there is one, 0 none. */
enum store_receipt { STORE_RECEIPT_JSON, STORE_RECEIPT_TEXT };
MUST_CHECK int store_submission_receipt(struct sql *db, int64_t number,
					enum store_receipt which,
					struct buf *out, struct error *err);

/* The code of the first error in its receipt; "" none. */
MUST_CHECK int store_submission_first_code(struct sql *db, int64_t number,
					   char ret[static 32],
					   struct error *err);

/* A new file of intake/, named by its number; the row commits with 'txn'. */
MUST_CHECK int store_blob_add(struct store_txn *txn, int64_t now,
			      int64_t *ret_id, struct error *err);
/* The path of a blob relative to the state's folder. */
#define STORE_BLOB_PATH_MAX 64
void store_blob_path(int64_t id, char path[static STORE_BLOB_PATH_MAX]);

#endif
