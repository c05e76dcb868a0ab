/* Users and groups with their rights: what one key, or several, allow. Not for
 * users of the folder. */
#ifndef ACCESS_SET_H
#define ACCESS_SET_H

#include "access/access.h"

/* 'users' and 'groups' by id. After access_set_close() each entry has what
 * the kernel would not add by itself. */
struct access_set {
	struct access_entry *users, *groups;
	size_t nusers, ngroups;
	unsigned everyone;
	struct access_reason everyone_reason;
	/* What to say to whom it does not name. */
	struct access_reason none;
	/* Of the first entry beyond ACCESS_ENTRIES_MAX; place.line 0: none. */
	struct access_reason beyond;
	bool plain; /* everyone may what any entry may: the mode says it */
};

void access_set_release(struct access_set *set);

/* Adds rights; the first reason for an id stays. ERR_NOMEM. */
MUST_CHECK int access_set_add(struct access_set *set,
			      const struct access_entry *entry);
/* Everything of 'from'. ERR_NOMEM. */
MUST_CHECK int access_set_join(struct access_set *set,
			       const struct access_set *from, unsigned rights);

/* The entry of an id; NULL. */
const struct access_entry *access_set_find(const struct access_entry *entries,
					   size_t n, id_t id);

/* As the kernel decides it, with the line that decided; 'ret' may be NULL. */
bool access_set_may(const struct access_set *set, const struct access_who *who,
		    unsigned want, struct access_reason *ret);

#endif
