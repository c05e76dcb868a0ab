/*
 * The records of a resource as they are to be, while they are worked out from
 * its submissions: a private database, sorted by key. One thread.
 */
#ifndef STORE_TARGET_H
#define STORE_TARGET_H

#include "store/store.h"

struct store_target;
MUST_CHECK int store_target_open(struct store_target **ret, struct error *err);
void store_target_close(struct store_target *t);

/* 1 there is a record of this key: its cells are appended (NULL: are not). */
MUST_CHECK int store_target_get(struct store_target *t, struct slice key,
				struct buf *cells, struct error *err);
/* A submission writes it. A record that is so already stays whose it is. */
MUST_CHECK int store_target_put(struct store_target *t, struct slice key,
				struct slice cells, const char *submission,
				struct error *err);
MUST_CHECK int store_target_remove(struct store_target *t, struct slice key,
				   struct error *err);
/* A snapshot begins; what it neither puts nor leaves is gone at its end. */
void store_target_begin(struct store_target *t);
MUST_CHECK int store_target_leave(struct store_target *t, struct slice key,
				  struct error *err);
MUST_CHECK int store_target_end(struct store_target *t, struct error *err);

struct store_target_row {
	struct slice key, cells;
	const char *submission; /* whose it is */
};
/* By key: 1 a row, 0 the end; it holds until the next call. */
MUST_CHECK int store_target_first(struct store_target *t, struct error *err);
MUST_CHECK int store_target_next(struct store_target *t,
				 struct store_target_row *ret,
				 struct error *err);
/* Whose the record is, appended; 1, or 0 there is none. */
MUST_CHECK int store_target_whose(struct store_target *t, struct slice key,
				  struct buf *ret, struct error *err);

#endif
