/*
 * Blobs that hold what must not be here (SPEC 9, secret): table erasure. A row
 * is written with the verdict that rejects them, and goes when their bytes are
 * overwritten; so what a receipt calls erased is, however often the machine
 * dies in between. Meanwhile no other row refers to the blob.
 */
#ifndef STORE_ERASURE_H
#define STORE_ERASURE_H

#include "store/store.h"

/* The submission holds no blob any more: neither original nor fix file. */
MUST_CHECK int store_erasure_unbind(struct store_txn *txn, int64_t submission,
				    struct error *err);
/* Its bytes are to be overwritten; again is harmless. */
MUST_CHECK int store_erasure_add(struct store_txn *txn, int64_t blob,
				 int64_t submission, struct error *err);

/* The first that is to be overwritten, above 'after': 1, 0. */
MUST_CHECK int store_erasure_next(struct sql *db, int64_t after, int64_t *ret,
				  int64_t *ret_submission, struct error *err);
/* The first inbox file of a submission above 'after', linked or not: 1, 0. */
MUST_CHECK int store_erasure_file(struct sql *db, int64_t submission,
				  int64_t after, int64_t *ret,
				  struct error *err);
/* It is: nothing knows the blob any more, and its file may go after the
 * commit. */
MUST_CHECK int store_erasure_end(struct store_txn *txn, int64_t blob,
				 struct error *err);

#endif
