/*
 * Rows that take the subject of another row (link.SOURCE of a theme, SPEC 8):
 * who tells of them while records change, and what comes of it. Which row
 * leads where is asked in publish/linked.h; here is only what changes, on
 * both sides of the link: temp.linked, temp.stray of store/record.h.
 */
#ifndef FLOW_LINKED_H
#define FLOW_LINKED_H

#include "flow/internal.h"

/* A record of a linked source has no subject of its own, before the publish or
 * after it ('sides', STORE_WAS and STORE_IS). */
MUST_CHECK int flow_linked_row(struct sql *db, const struct flow_plan *plan,
			       const struct flow_use *use, struct slice key,
			       struct slice cells, unsigned sides,
			       struct error *err);

/* A record of a source that links go to has changed, from 'was' to 'is'
 * (SLICE_NONE: there is none). */
MUST_CHECK int flow_linked_other(struct sql *db, const struct flow_plan *plan,
				 const struct flow_resource *resource,
				 struct slice was, struct slice is,
				 struct error *err);

/* Of a load: the row's value, with all other rows that have it; nothing where
 * it has none. And the values of all rows that links to the loaded resource
 * may lead now. */
MUST_CHECK int flow_linked_loaded_row(struct sql *db,
				      const struct flow_plan *plan,
				      const struct flow_use *use,
				      struct slice cells, bool *ret_told,
				      struct error *err);
MUST_CHECK int flow_linked_loaded_other(struct sql *db,
					const struct flow_plan *plan,
					const struct flow_resource *resource,
					int64_t seq, struct error *err);

/* What was told becomes subjects to be computed, and orphans without subject
 * that begin or end; before the subjects are computed. */
MUST_CHECK int flow_linked_settle(const struct flow_work *work,
				  struct error *err);

/* Whether a resource is on either side of a link of the theme. */
bool flow_linked_is_used(const struct flow_plan *plan,
			 const struct flow_resource *resource, size_t theme);

#endif
