/*
 * The rows of a fix file that came back, beside those it was made of: a
 * private database that dies with the judgement. Cells are packed
 * (base/cells.h), in the order of the original's header. One thread.
 */
#ifndef STORE_FIX_ROWS_H
#define STORE_FIX_ROWS_H

#include "store/store.h"

enum store_fix_kind {
	STORE_FIX_OTHER, /* no row of these: as the original has it */
	STORE_FIX_LEFT,	 /* refused, and it did not come back */
	STORE_FIX_BACK,	 /* refused, and it came back */
	STORE_FIX_DONE	 /* good since an earlier round */
};

struct store_fix_rows;
MUST_CHECK int store_fix_rows_open(struct store_fix_rows **ret,
				   struct error *err);
void store_fix_rows_close(struct store_fix_rows *rows);

/* Adds a row; again: replaced. 'flaws' are the caller's own bytes. */
MUST_CHECK int store_fix_rows_put(struct store_fix_rows *rows, int64_t row,
				  enum store_fix_kind kind, struct slice cells,
				  struct slice flaws, struct error *err);
MUST_CHECK int store_fix_rows_kind(struct store_fix_rows *rows, int64_t row,
				   enum store_fix_kind *ret, struct error *err);
/* The same with the cells and flaws (NULL: not wanted), appended; for rows in
 * ascending order cheap. */
MUST_CHECK int store_fix_rows_get(struct store_fix_rows *rows, int64_t row,
				  enum store_fix_kind *ret, struct buf *cells,
				  struct buf *flaws, struct error *err);
/* Those that came back, in order; the callback returns 0 to go on. */
typedef int store_fix_rows_fn(void *ctx, int64_t row, struct slice cells);
MUST_CHECK int store_fix_rows_each(struct store_fix_rows *rows,
				   store_fix_rows_fn *each, void *ctx,
				   struct error *err);

#endif
