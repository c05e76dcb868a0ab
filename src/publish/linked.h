/*
 * Rows without subject that take that of another row (link.SOURCE of a theme,
 * SPEC 8). Nothing of it is stored: links (store/record.h) by the two fields
 * of the rule say at any sequence which row leads where.
 */
#ifndef PUBLISH_LINKED_H
#define PUBLISH_LINKED_H

#include "publish/publish.h"

enum publish_lead {
	PUBLISH_LEAD_NONE,    /* no row of the other source has the value */
	PUBLISH_LEAD_SEVERAL, /* several have */
	PUBLISH_LEAD_EMPTY,   /* the one that has it has no subject either */
	PUBLISH_LEAD_ONE
};

/* Where 'value' (not empty) of a linked source leads at 'at'; the subject,
 * of PUBLISH_LEAD_ONE, replaces what is in 'subject'. ERR_NOMEM, ERR_IO. */
MUST_CHECK int publish_linked_lead(struct sql *db,
				   const struct publish_theme *theme,
				   size_t source, int64_t at,
				   struct slice value, enum publish_lead *ret,
				   struct buf *subject, struct error *err);

/* The rows of a member of a linked source that have the value and no subject,
 * in key order; 'place' is that of the link. As store_link_each(). */
MUST_CHECK int publish_linked_each(struct sql *db,
				   const struct publish_theme *theme,
				   size_t source, size_t member, int64_t at,
				   struct slice value, store_link_each_fn *each,
				   void *ctx, struct error *err);

/* Whether a linked source has a row without subject at all. */
MUST_CHECK int publish_linked_any(struct sql *db,
				  const struct publish_theme *theme,
				  size_t source, int64_t at, bool *ret,
				  struct error *err);

/* The value by which a row of a linked source looks for its subject. */
struct slice publish_linked_value(const struct publish_theme *theme,
				  size_t source, size_t member,
				  struct slice cells);

#endif
