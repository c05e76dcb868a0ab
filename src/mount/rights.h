/* Whose a node is: its place in the rules of src/access, and from that its
 * owner, mode and ACL. */
#ifndef MOUNT_RIGHTS_H
#define MOUNT_RIGHTS_H

#include "access/access.h"
#include "mount/tree.h"

/* The place of what hangs on an object's number; ACCESS_NOWHERE when the
 * configuration does not name it any more. */
struct access_at mount_rights_theme(const struct mount *m, int64_t theme);
struct access_at mount_rights_inbox(const struct mount *m, int64_t resource);
/* 'resource' is D/R. */
struct access_at mount_rights_source(const struct mount *m, int64_t theme,
				     const char *resource);

/* The place that the number of a node alone tells; ACCESS_NOWHERE for the
 * kinds whose function in the table of tree.c finds it. */
struct access_at mount_rights_node(const struct mount *m, uint64_t node);

/*
 * How long the kernel may keep the attributes of a node, and its ACL with
 * them. What mount_invalidate_rights() names one by one: as long as its bytes
 * are what they are. What it cannot name, because there are too many: a folder
 * not at all, for somebody may stand in it; a file a moment, for each open of
 * it is checked here.
 */
double mount_rights_keep(uint64_t node, double usual);

/* Mode, owner and group by the entry's place; type, times and sizes stay. */
void mount_rights_fill(const struct mount *m, struct tree_entry *e);

/* system.posix_acl_access of a node: appended, or -ENODATA when its mode says
 * all. */
int mount_rights_acl(struct call *call, uint64_t node, struct buf *out);

#endif
