/* explain: what both of its forms need. */
#ifndef CTL_EXPLAIN_H
#define CTL_EXPLAIN_H

#include "access/path.h"
#include "ctl/ctl.h"

#include <jansson.h>

/* The rules, and a path of the tree. */
struct explain {
	struct ctl *ctl;
	struct access *access;
	struct access_path path;
	char *given; /* the path from the root of the tree, with its '/' */
};

/* explain PATH: everybody who may read or write. */
int ctl_explain_all(struct explain *e);

/* Members read, write, file, line, key, how: may he, and what decided. Added
 * to 'ret'; the text of the reason in "decided_by". 0, or -1 without memory. */
int ctl_explain_facts(const struct explain *e, const struct access_who *who,
		      json_t *ret, bool *ret_read);

/* Of a user by name: 1 found, 0 none, -1 no memory. '*groups' is freed by the
 * caller. */
int ctl_explain_user(const char *name, struct access_who *ret, gid_t **groups);

#endif
