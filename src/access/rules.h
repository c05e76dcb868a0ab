/* The compiled rules. Not for users of the folder. */
#ifndef ACCESS_RULES_H
#define ACCESS_RULES_H

#include "access/names.h"
#include "access/set.h"

struct access {
	const struct config *config;
	struct access_set root, catalogue, inboxes, themes;
	struct access_set *inbox;  /* as config->departments */
	struct access_set *theme;  /* as config->themes */
	struct access_set *source; /* as config->resources */
	struct access_set roles[ACCESS_ROLES];
	struct access_set nowhere;
	struct access_names names;
	char **texts; /* of reasons */
	size_t ntexts;
};

/* The set that stands for a place; of a source in a theme its own, where the
 * theme's has to allow it too. */
const struct access_set *access_set_at(const struct access *access,
				       struct access_at at);

#endif
