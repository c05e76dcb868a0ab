/*
 * The second check: the kernel has let a process through, and it is asked
 * again of the rules, because a descriptor of a folder, or an ACL that the
 * kernel has not been told to forget yet, may be older than they are. Included
 * only by files that include fuse_lowlevel.h.
 */
#ifndef MOUNT_PERMIT_H
#define MOUNT_PERMIT_H

#include "mount/fuse_ops.h"
#include "mount/rights.h"

/* Whether the caller of 'req' may do all of 'want' (ACCESS_READ …): 0, or
 * -EACCES, also when it cannot be told who asks. */
int mount_permit(fuse_req_t req, struct access_at at, unsigned want);

/* The same for a node; its own error when it is not there. */
int mount_permit_node(fuse_req_t req, struct call *call, uint64_t node,
		      unsigned want);

#endif
