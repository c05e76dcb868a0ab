/* All records of one subject, in the order the rules want them. */
#ifndef FLOW_GATHER_H
#define FLOW_GATHER_H

#include "integrate/integrate.h"
#include "publish/publish.h"

/* Zeroed at the start, used again, released at the end. */
struct flow_rows {
	struct integrate_row *rows; /* by (source, member, key) */
	size_t n, cap;
	struct buf bytes; /* what the rows point into */
	struct buf lo, hi;
};
void flow_rows_release(struct flow_rows *rows);

/* The records of 'subject' that hold at 'at', in every source of the theme;
 * what was there before is forgotten. */
MUST_CHECK int flow_gather(struct sql *db, const struct publish_theme *theme,
			   int64_t at, struct slice subject,
			   struct flow_rows *ret, struct error *err);

#endif
