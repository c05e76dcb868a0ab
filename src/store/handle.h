/*
 * Who has inbox files open for writing, and which requests have been done:
 * tables handle and done. Both belong to the life of one mount, 'session'.
 */
#ifndef STORE_HANDLE_H
#define STORE_HANDLE_H

#include "base/digest.h"
#include "store/store.h"

struct store_handle {
	int64_t session;
	uint64_t id;	   /* the unique of the OPEN or CREATE */
	int64_t file;	   /* inbox_file */
	int64_t closed_at; /* ns of a close() that is answered with 0 and
			    * after which nothing was written; 0 none */
};

/* 1 found, 0 none. */
MUST_CHECK int store_handle_get(struct sql *db, int64_t session, uint64_t id,
				struct store_handle *ret, struct error *err);
MUST_CHECK int store_handle_add(struct store_txn *txn,
				const struct store_handle *h,
				struct error *err);
/* 1 removed, 0 there was none. */
MUST_CHECK int store_handle_remove(struct store_txn *txn, int64_t session,
				   uint64_t id, struct error *err);
/* 'content': DIGEST_SIZE bytes by which it can be told later whether the file
 * still holds what it did; NULL where its bytes are durable. */
MUST_CHECK int store_handle_closed(struct store_txn *txn, int64_t session,
				   uint64_t id, int64_t now,
				   const unsigned char *content,
				   struct error *err);
/* The content at the last of the file's closes: 1, 0 none was noted. */
MUST_CHECK int store_handle_content(struct sql *db, int64_t file,
				    unsigned char ret[static DIGEST_SIZE],
				    struct error *err);
/* The file's closed handles are open again: something was written. */
MUST_CHECK int store_handle_reopened(struct store_txn *txn, int64_t file,
				     struct error *err);
/* How many a file has, and how many of them were closed at 'since' or after. */
MUST_CHECK int store_handle_count(struct sql *db, int64_t file, int64_t since,
				  int64_t *ret_all, int64_t *ret_closed,
				  struct error *err);

/*
 * Ends every session but this one, when a mount begins: files
 * that a dead session had open become candidates as of 'now' (killed, unless
 * each handle had been closed), unlinked files go, handles and answers too.
 */
MUST_CHECK int store_handle_recover(struct store_txn *txn, int64_t session,
				    int64_t now, struct error *err);

/* The answer a request was given: 1 found, 0 none. */
MUST_CHECK int store_done_get(struct sql *db, int64_t session, uint64_t request,
			      int64_t *ret_result, int64_t *ret_node,
			      struct error *err);
/* Keeps it in the transaction of the change; the newest STORE_DONE_KEPT
 * stay. */
#define STORE_DONE_KEPT 4096
MUST_CHECK int store_done_add(struct store_txn *txn, int64_t session,
			      uint64_t request, int64_t result, int64_t node,
			      struct error *err);

#endif
