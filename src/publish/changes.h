/* What changes/ needs to know of a version's columns. */
#ifndef PUBLISH_CHANGES_H
#define PUBLISH_CHANGES_H

#include "publish/publish.h"

/* Whether data.csv at a sequence has the columns that the theme has today
 * (also when it had no state then: it had no rows either). */
MUST_CHECK int publish_same_columns(struct sql *db,
				    const struct publish_theme *theme,
				    int64_t seq, bool *ret, struct error *err);

#endif
