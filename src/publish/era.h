/* A theme by the rules of an older version, which the configuration may have
 * changed since (table version_rules). */
#ifndef PUBLISH_ERA_H
#define PUBLISH_ERA_H

#include "publish/publish.h"

struct publish_era {
	/* Its config_theme is as config_theme_parse() makes it; 'resource' is
	 * NULL. Where nothing has changed it is today's, borrowed. */
	struct publish_theme theme;
	struct config_theme *told; /* NULL: today's */
};

/*
 * What a version was made by; 'today' must outlive *ret. A version of which no
 * rules were kept is taken to be of today's. ERR_NOMEM, ERR_CORRUPT; then there
 * is nothing to release.
 */
MUST_CHECK int publish_era_get(struct sql *db,
			       const struct publish_theme *today,
			       int64_t version, struct publish_era *ret,
			       struct error *err);
void publish_era_release(struct publish_era *era);
#define scope_era \
	__attribute__((cleanup(publish_era_release))) struct publish_era

#endif
