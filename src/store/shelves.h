/*
 * The names of a theme's load by shelf (RUN_SHELF in run.h), made by a thread
 * beside it. Of this folder only.
 */
#ifndef STORE_SHELVES_H
#define STORE_SHELVES_H

#include "base/breath.h"
#include "store/run.h"

struct shelves;
MUST_CHECK int shelves_new(struct sql *db, const struct run *run,
			   struct shelves **ret, struct error *err);
void shelves_free(struct shelves *s);
/* The next subject of the load, and the size of its text (STORE_UNKNOWN);
 * 'head' is what run_head_add() made, where the run is mixed. */
MUST_CHECK int shelves_add(struct shelves *s, struct slice subject,
			   struct slice head, int64_t bytes, struct error *err);
/* No more will come: all is sorted and written, while the caller does something
 * else; then, with breath, that it is durable; and, inside
 * store_records_begin(), told. */
MUST_CHECK int shelves_end(struct shelves *s, struct error *err);
MUST_CHECK int shelves_wait(struct shelves *s, const struct breath *breath,
			    struct error *err);
/* Whether that would not wait. */
bool shelves_is_done(struct shelves *s);
MUST_CHECK int shelves_tell(struct shelves *s, struct error *err);

#endif
