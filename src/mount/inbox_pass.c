/*
 * Uploads that the kernel writes by itself: how they are opened and closed.
 * What became of the bytes is src/inbox's business.
 *
 * The name of an upload leads to a NODE_WRITTEN as long as its bytes are its
 * own and may be handed over, else to its NODE_UPLOAD; nothing of an inbox is
 * kept by the kernel, so it asks each time. An OPEN for writing that comes too
 * early or too late for the node that it names is ESTALE: the kernel looks the
 * name up again and opens what it leads to now, once; after that it is opened
 * in the ordinary way. No node is ever open in both ways.
 */
#include "mount/inbox_ops.h"

#include <errno.h>
#include <fcntl.h>

#include "mount/backings.h"
#include "mount/pins.h"
#include "mount/session.h"

/* A handle of the node, under which the kernel reads and writes by itself if
 * that can be: whether it does. With O_DIRECT it does not: the file system
 * below would decide which sizes go, and the program could not change its mind
 * (fcntl(2)). */
static bool
pass(struct call *call, const struct inbox_request *r, uint64_t node,
     struct fuse_file_info *fi, uint64_t *ret_handle)
{
	struct backings *b = call->m->backings;
	int32_t number = 0;
	bool passed;

	*ret_handle = mount_backings_hold(b, node, r->unique, r->resent);
	passed = mount_backings_write(call, node, *ret_handle,
				      !(fi->flags & O_DIRECT), &number);
	mount_session_pass(fi, number);
	return passed;
}

uint64_t
mount_inbox_handle(uint64_t node, uint64_t handle)
{
	return mount_node_kind(node) == NODE_WRITTEN ? mount_pins_unique(handle)
						     : handle;
}

int
mount_inbox_release(fuse_req_t req, uint64_t node, uint64_t handle)
{
	struct mount *m = fuse_req_userdata(req);
	struct inbox_request r = mount_request(req);
	uint64_t unique = mount_inbox_handle(node, handle);

	/* before it becomes a candidate */
	if (mount_node_kind(node) == NODE_WRITTEN && m->backings)
		mount_backings_drop(m->backings, node, handle);
	return inbox_release(m->context.inbox, &r, mount_node_inbox_id(node),
			     unique);
}

/* The number is asked for before the file is opened, and its bytes looked at
 * after that: a submission may have got them in between. Then the kernel must
 * not write them. */
static int
check_bytes(struct call *call, const struct inbox_request *r, uint64_t node,
	    uint64_t unique, struct fuse_file_info *fi)
{
	struct inbox *inbox = call->m->context.inbox;
	struct node_written w;

	mount_node_written_get(node, &w);
	if (inbox_is_passed(inbox, w.file, w.blob, NODE_WRITTEN_BLOB_MASK))
		return 0;
	if (mount_backings_unwrite(call->m->backings, node)) {
		mount_session_pass(fi, 0);
		return 0;
	}
	(void)inbox_release(inbox, r, w.file, unique);
	return -ESTALE;
}

int
mount_inbox_open_written(struct call *call, const struct inbox_request *r,
			 uint64_t node, struct fuse_file_info *fi,
			 uint64_t *ret_handle)
{
	bool writes =
		(fi->flags & O_ACCMODE) != O_RDONLY || fi->flags & O_TRUNC;
	uint64_t handle, unique = 0;
	bool passed;
	int rc;

	if (!call->m->backings)
		return -ESTALE;
	passed = pass(call, r, node, fi, &handle);
	rc = inbox_open_file(call->m->context.inbox, r, INBOX_FILE,
			     mount_node_inbox_id(node), fi->flags, &unique);
	if (!rc && writes && passed)
		rc = check_bytes(call, r, node, unique, fi);
	if (rc) {
		mount_session_pass(fi, 0);
		mount_backings_drop(call->m->backings, node, handle);
		return rc;
	}
	*ret_handle = handle;
	return 0;
}

int
mount_inbox_turn(struct call *call, const struct inbox_request *r,
		 uint64_t node, int flags)
{
	struct inbox *inbox = call->m->context.inbox;
	struct inbox_entry e;
	int rc;

	if (mount_node_kind(node) != NODE_UPLOAD || flags & O_DIRECT ||
	    !call->m->backings || !mount_backings_are_on(call->m->backings))
		return 0;
	rc = inbox_stat(inbox, INBOX_FILE, mount_node_inbox_id(node), &e);
	if (rc)
		return rc;
	/* Turned before, and the kernel comes again with this node: its caller
	 * has no name to look up (a server that opens /proc/self/fd/N). */
	if (e.blob)
		return 0;
	rc = inbox_turn(inbox, r, e.id, flags, &e);
	if (rc)
		return rc;
	return mount_node_kind(mount_inbox_node(call->m, &e)) == NODE_WRITTEN
		       ? -ESTALE
		       : 0;
}

uint64_t
mount_inbox_created(struct call *call, const struct inbox_request *r,
		    const struct inbox_entry *made, struct fuse_file_info *fi)
{
	uint64_t node = mount_inbox_node(call->m, made);

	if (mount_node_kind(node) == NODE_WRITTEN)
		(void)pass(call, r, node, fi, &fi->fh);
	return node;
}
