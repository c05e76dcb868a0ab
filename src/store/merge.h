/*
 * Runs of one owner made one (run.h): each walk looks at all that hold, and
 * steps over the rows of each that do not. Nothing changes for whoever reads:
 * the merged run holds from the last change of those it is made of, and they
 * end with it, so that older versions read them until nobody shows these any
 * more (retain.h). Its rows say themselves since when they hold, in which
 * version, and whose they are. What changes while it is made is made up for at
 * the end.
 */
#ifndef STORE_MERGE_H
#define STORE_MERGE_H

#include "store/store.h"

/* One under way, or none. */
struct store_merge;
void store_merge_free(struct store_merge *merge);

/* A short step of the merge under way, or of one that is worth while: 1 there
 * is more to do, 0 not. A failure ends it. '*merge' is NULL at first; freed by
 * the caller in the end. The thread that judges, when it has nothing else to
 * do; not inside store_records_begin(), but others may be in between. Blocks
 * for the disk. */
MUST_CHECK int store_merge_step(struct store *store, struct store_merge **merge,
				struct error *err);

#endif
