/* What names of users and groups stand for, each asked once. Not for users of
 * the folder. */
#ifndef ACCESS_NAMES_H
#define ACCESS_NAMES_H

#include "access/access.h"

struct access_name {
	const char *text; /* the configuration's */
	bool is_group;
	bool found;
	id_t id;
	gid_t *groups; /* of a user: all of his, when they were asked for */
	size_t ngroups;
};

struct access_names {
	const struct access_resolver *resolver;
	struct access_name *items;
	size_t n;
};

void access_names_release(struct access_names *names);

/* Asks when it is the first time: *ret holds until the next call. ERR_NOMEM. */
MUST_CHECK int access_names_get(struct access_names *names, const char *text,
				bool is_group, const struct access_name **ret);

/* The groups of a user by number, among the names that were asked for; NULL
 * when it is none of them. */
const struct access_name *access_names_user(const struct access_names *names,
					    uid_t uid);

#endif
