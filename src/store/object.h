/* Numbers for departments, resources and themes: table object. */
#ifndef STORE_OBJECT_H
#define STORE_OBJECT_H

#include "store/store.h"

enum store_object_kind { STORE_DEPARTMENT, STORE_RESOURCE, STORE_THEME };

/* The number of a name, made when there is none. Inside a transaction. */
MUST_CHECK int store_object_intern(struct store_txn *txn,
				   enum store_object_kind kind,
				   const char *name, int64_t *ret_id,
				   struct error *err);

/* The number of a name that has one: 1 found, 0 none. */
MUST_CHECK int store_object_find(struct sql *db, enum store_object_kind kind,
				 const char *name, int64_t *ret_id,
				 struct error *err);

/* All of a kind that there ever were, by number. A callback returns 0 to go on
 * or a negative code, which comes back. */
typedef int store_object_each_fn(void *ctx, int64_t id);
MUST_CHECK int store_object_each(struct sql *db, enum store_object_kind kind,
				 store_object_each_fn *each, void *ctx,
				 struct error *err);

/* The text kept with an object (appended to 'ret'); 1 found, 0 none. */
MUST_CHECK int store_object_text(struct sql *db, int64_t id, struct buf *ret,
				 struct error *err);
MUST_CHECK int store_object_set_text(struct store_txn *txn, int64_t id,
				     const char *text, struct error *err);

/* Forgets the texts of all objects of a kind but the 'n' of 'ids', which the
 * configuration still names. */
MUST_CHECK int store_object_forget_texts(struct store_txn *txn,
					 enum store_object_kind kind,
					 const int64_t *ids, size_t n,
					 struct error *err);

#endif
