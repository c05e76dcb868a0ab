/*
 * Walks through runs that a publish being written has closed, for those it
 * opens next: their blocks and pages are in memory, and often the ones that are
 * wanted. Of this folder only; on the writer of records.db.
 */
#ifndef STORE_RUN_CACHE_H
#define STORE_RUN_CACHE_H

#include "store/run.h"

/* All of a connection; NULL is allowed. */
struct run_cache;
void run_cache_free(struct run_cache *cache);

/* A walk of this kind, owner and sequence: its cursors stand anywhere, and are
 * opened again. False: there is none. */
bool run_cache_take(struct sql *db, enum run_kind kind, int64_t owner,
		    int64_t at, struct run_walk *ret);
/* Takes a walk over, if it is of the publish being written; else false. */
bool run_cache_put(struct run_walk *w);

/* Some row of a run has ended: what is known of the rows of each block is not
 * all any more. */
void run_cache_row_ended(struct sql *db);
/* Runs have come or gone. */
void run_cache_drop(struct sql *db);

#endif
