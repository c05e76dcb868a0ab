/* The second check: see permit.h. */
#include "mount/permit.h"

#include <errno.h>
#include <stdlib.h>

#include "base/scope.h"

#define GROUPS_USUAL 64

/*
 * The supplementary groups are in /proc, and not to be had of a process that
 * has ended or is in another pid namespace (pid 0). So they are asked for only
 * when without them the answer is no, and then no is what it stays.
 */
static bool
may_by_groups(fuse_req_t req, const struct access *access, struct access_at at,
	      struct access_who who, unsigned want)
{
	gid_t usual[GROUPS_USUAL];
	scope_free gid_t *many = NULL;
	gid_t *groups = usual;
	int n = fuse_req_getgroups(req, GROUPS_USUAL, usual);

	if (n > GROUPS_USUAL) {
		int room = n;

		many = calloc((size_t)room, sizeof(*many));
		n = many ? fuse_req_getgroups(req, room, many) : 0;
		n = n > room ? room : n;
		groups = many;
	}
	if (n <= 0)
		return false;
	who.groups = groups;
	who.ngroups = (size_t)n;
	return access_may(access, at, &who, want, NULL);
}

int
mount_permit(fuse_req_t req, struct access_at at, unsigned want)
{
	const struct mount *m = fuse_req_userdata(req);
	const struct fuse_ctx *ctx = fuse_req_ctx(req);
	const struct access_who who = {.uid = ctx->uid, .gid = ctx->gid};

	if (access_may(m->context.access, at, &who, want, NULL) ||
	    may_by_groups(req, m->context.access, at, who, want))
		return 0;
	return -EACCES;
}

int
mount_permit_node(fuse_req_t req, struct call *call, uint64_t node,
		  unsigned want)
{
	struct tree_entry e;
	int rc = mount_tree_stat(call, node, &e);

	return rc < 0 ? rc : mount_permit(req, e.at, want);
}
