/* All records of one subject, in the order in which the rules want them. */
#ifndef PUBLISH_GATHER_H
#define PUBLISH_GATHER_H

#include "integrate/integrate.h"
#include "publish/publish.h"

struct publish_gathered_rows {
	struct integrate_row *rows;
	size_t n, cap;
	struct buf bytes; /* what the rows point into */
};

/* Zeroed at the start, used again for subject after subject, released at the
 * end. */
struct publish_gathered {
	struct publish_gathered_rows all;   /* by (source, member, key) */
	struct publish_gathered_rows given; /* of 'lens', by key */
	int64_t lens; /* 0 none: see publish_gather_give() */
	struct buf lo, hi;
	struct store_link_walk **walks; /* of publish_gather_in_order() */
	size_t nwalks;
	bool *unlinked; /* the same: sources without a row to be linked */
};
void publish_gathered_release(struct publish_gathered *g);

/* The records of 'subject' (not empty) that hold at 'at', in every source of
 * the theme; what 'ret' held before is forgotten. ERR_NOMEM, ERR_IO. */
MUST_CHECK int publish_gather(struct sql *db, const struct publish_theme *theme,
			      int64_t at, struct slice subject,
			      struct publish_gathered *ret, struct error *err);

/* From here on publish_gather() is called for ascending subjects only, of this
 * theme at this sequence, and nobody else uses the connection to change links
 * meanwhile: then many subjects cost one walk through the sources. */
MUST_CHECK int publish_gather_in_order(struct sql *db,
				       const struct publish_theme *theme,
				       int64_t at, struct publish_gathered *ret,
				       struct error *err);

/* One lens the caller walks himself, because it says which subjects there
 * are: from publish_gather_in_order() on with ret->lens set before it,
 * publish_gather() takes as its records those that were given since the last
 * call. In key order. ERR_NOMEM. */
MUST_CHECK int publish_gather_give(struct publish_gathered *g,
				   const struct store_record *r,
				   struct error *err);

#endif
