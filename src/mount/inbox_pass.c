/*
 * Uploads that the kernel writes by itself: how they are opened and closed.
 * What became of the bytes is src/inbox's business.
 *
 * The name of an upload leads to a NODE_WRITTEN as long as its bytes are its
 * own and may be handed over, else to its NODE_UPLOAD; nothing of an inbox is
 * kept by the kernel, so it asks each time. An OPEN that comes too late for the
 * node that it names is ESTALE: the kernel looks the name up again and opens
 * what it leads to now. So no node is ever opened in both ways.
 */
#include "mount/inbox_ops.h"

#include <errno.h>
#include <fcntl.h>

#include "mount/backings.h"
#include "mount/pins.h"
#include "mount/session.h"

/* The handle under which the kernel reads and writes the node: 0, or -ESTALE.
 */
static int
pass(struct call *call, const struct inbox_request *r, uint64_t node,
     struct fuse_file_info *fi, uint64_t *ret_handle)
{
	struct backings *b = call->m->backings;
	int32_t number = 0;
	uint64_t handle;
	int rc;

	if (!b)
		return -ESTALE;
	handle = mount_backings_hold(b, node, r->unique, r->resent);
	rc = mount_backings_use(call, node, handle, &number);
	if (rc) {
		mount_backings_drop(b, node, handle);
		return rc;
	}
	mount_session_pass(fi, number);
	*ret_handle = handle;
	return 0;
}

static void
unpass(struct mount *m, uint64_t node, uint64_t handle,
       struct fuse_file_info *fi)
{
	mount_session_pass(fi, 0);
	mount_backings_drop(m->backings, node, handle);
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

/* With O_DIRECT the file system below decides which sizes go, and the program
 * cannot change its mind (fcntl(2)); through us all do. */
static bool
is_refused(struct call *call, int64_t file, const struct fuse_file_info *fi)
{
	if (!(fi->flags & O_DIRECT))
		return false;
	inbox_pass_refuse(call->m->context.inbox, file);
	return true;
}

/* The number is asked for before the file is opened, and its bytes looked at
 * after that: a submission may have got them in between. */
int
mount_inbox_open_written(struct call *call, const struct inbox_request *r,
			 uint64_t node, struct fuse_file_info *fi,
			 uint64_t *ret_handle)
{
	struct inbox *inbox = call->m->context.inbox;
	bool writes =
		(fi->flags & O_ACCMODE) != O_RDONLY || fi->flags & O_TRUNC;
	struct node_written w;
	uint64_t handle, unique = 0;
	int rc;

	mount_node_written_get(node, &w);
	if (is_refused(call, w.file, fi))
		return -ESTALE;
	rc = pass(call, r, node, fi, &handle);
	if (rc)
		return rc;
	rc = inbox_open_file(inbox, r, INBOX_FILE, w.file, fi->flags, &unique);
	if (!rc && writes &&
	    !inbox_is_passed(inbox, w.file, w.blob, NODE_WRITTEN_BLOB_MASK)) {
		(void)inbox_release(inbox, r, w.file, unique);
		rc = -ESTALE;
	}
	if (rc)
		unpass(call->m, node, handle, fi);
	else
		*ret_handle = handle;
	return rc;
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
	if (!e.blob) {
		rc = inbox_turn(inbox, r, e.id, flags, &e);
		if (rc)
			return rc;
	}
	return mount_node_kind(mount_inbox_node(call->m, &e)) == NODE_WRITTEN
		       ? -ESTALE
		       : 0;
}

uint64_t
mount_inbox_created(struct call *call, const struct inbox_request *r,
		    const struct inbox_entry *made, struct fuse_file_info *fi)
{
	uint64_t node = mount_inbox_node(call->m, made);

	if (mount_node_kind(node) == NODE_WRITTEN &&
	    !is_refused(call, made->id, fi) &&
	    !pass(call, r, node, fi, &fi->fh))
		return node;
	return mount_node_make(NODE_UPLOAD, made->id);
}
