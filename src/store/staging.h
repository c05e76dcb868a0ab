/*
 * The rows of one submission while it is judged: a file without a name, sorted
 * by key, and a private database of what is out of the ordinary. Both die with
 * it. Takes some MiB of memory however many rows there are. One thread.
 */
#ifndef STORE_STAGING_H
#define STORE_STAGING_H

#include "base/breath.h"
#include "store/store.h"

enum store_staged_status {
	STORE_STAGED_GOOD,
	STORE_STAGED_REFUSED,
	STORE_STAGED_REPEATED /* equal to an earlier row: counts once */
};

struct store_staged {
	int64_t row;  /* record number */
	int64_t line; /* physical line */
	enum store_staged_status status;
	bool deletes;	    /* upsert's change = delete */
	bool has_key;	    /* the key could be read */
	bool left;	    /* refused, and did not come back in a fix file:
			     * shares its key with nobody */
	struct slice key;   /* packed */
	struct slice cells; /* packed, canonical; of refused rows whatever
			     * could be read */
	struct slice sent; /* packed cells as sent; empty: the canonical ones */
};

struct store_staging;
MUST_CHECK int store_staging_open(struct store_staging **ret,
				  struct error *err);
void store_staging_close(struct store_staging *staging);
static inline void
store_staging_closep(struct store_staging **staging)
{
	store_staging_close(*staging);
}
#define scope_staging \
	__attribute__((cleanup(store_staging_closep))) struct store_staging

MUST_CHECK int store_staging_add(struct store_staging *staging,
				 const struct store_staged *row,
				 struct error *err);
/* After the last row, before the walks in key order and the other questions.
 */
MUST_CHECK int store_staging_index(struct store_staging *staging,
				   struct error *err);
MUST_CHECK int store_staging_set_status(struct store_staging *staging,
					int64_t row,
					enum store_staged_status status,
					struct error *err);

MUST_CHECK int store_staging_status(struct store_staging *staging, int64_t row,
				    enum store_staged_status *ret,
				    struct error *err);

/* Why a row was refused, for the fix file: a sentence, and the field that it is
 * of ("" none). */
MUST_CHECK int store_staging_add_reason(struct store_staging *staging,
					int64_t row, const char *field,
					const char *reason, struct error *err);

/* A walk over the rows that have a key, by (key, row). The caller may stop in
 * between and change statuses while it stands. 1 a row, 0 the end. The bytes
 * hold until the next call. */
MUST_CHECK int store_staging_first(struct store_staging *staging,
				   struct error *err);
MUST_CHECK int store_staging_next(struct store_staging *staging,
				  struct store_staged *ret, struct error *err);

/* Looks for rows that share a key, but for those that are left; after
 * store_staging_index(). *ret_any: there
 * are some, and store_staging_differs() is to be asked about them. 'breath' is
 * taken meanwhile (NULL none). */
MUST_CHECK int store_staging_find_equal(struct store_staging *staging,
					const struct breath *breath,
					bool *ret_any, struct error *err);
/* Whether the rows that share the key of row 'first', the first of them, are
 * not all the same: one of them is not good, or differs in cells or in
 * 'deletes'. */
MUST_CHECK int store_staging_differs(struct store_staging *staging,
				     int64_t first, bool *ret,
				     struct error *err);

/* The refused rows in the file's order, each with its reasons: field and
 * sentence of each, packed (base/cells.h), in the order in which they were
 * added. */
typedef int store_staging_refused_fn(void *ctx, const struct store_staged *row,
				     struct slice reasons);
MUST_CHECK int store_staging_refused(struct store_staging *staging,
				     store_staging_refused_fn *each, void *ctx,
				     struct error *err);

/* The values of a unique field: added for each good row, then every good row
 * whose value another one has too, by (field, value, row). The callback may
 * change statuses. */
MUST_CHECK int store_staging_add_unique(struct store_staging *staging,
					int64_t field, struct slice value,
					int64_t row, int64_t line,
					struct error *err);
typedef int store_staging_unique_fn(void *ctx, int64_t field,
				    struct slice value, int64_t row,
				    int64_t line, int64_t first_row);
MUST_CHECK int store_staging_not_unique(struct store_staging *staging,
					store_staging_unique_fn *each,
					void *ctx, struct error *err);

struct store_staging_counts {
	int64_t good, refused, repeated;
};
void store_staging_count(const struct store_staging *staging,
			 struct store_staging_counts *ret);

#endif
