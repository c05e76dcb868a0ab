/*
 * The operations that change something. In an inbox folder they are
 * src/inbox's; everywhere else the tree is read-only (SPEC 5). Root is not
 * stopped by mode bits, so what must not be is refused here.
 */
#include "mount/inbox_ops.h"

#include <errno.h>
#include <fcntl.h>

#include "base/clock.h"
#include "mount/closing.h"
#include "mount/news.h"
#include "mount/permit.h"
#include "mount/session.h"

struct inbox_request
mount_request(fuse_req_t req)
{
	const struct fuse_ctx *ctx = fuse_req_ctx(req);
	struct inbox_request r = {
		.uid = ctx->uid,
		.gid = ctx->gid,
		.pid = ctx->pid,
	};

	r.unique = mount_session_unique(&r.resent);
	return r;
}

static struct mount *
of(fuse_req_t req)
{
	return fuse_req_userdata(req);
}

static struct inbox *
inbox_of(fuse_req_t req)
{
	return of(req)->context.inbox;
}

static int64_t
payload(uint64_t node)
{
	return mount_node_inbox_id(node);
}

/* 'rc' is 0 or a negative errno. */
static void
reply(fuse_req_t req, int rc)
{
	fuse_reply_err(req, -rc);
}

/* Whether the caller may change what is in the folder. */
static int
permit_change(fuse_req_t req, uint64_t folder)
{
	if (!mount_node_is_inbox(folder))
		return -EROFS;
	return mount_permit(req, mount_rights_inbox(of(req), payload(folder)),
			    ACCESS_WRITE);
}

static void
mark_changed(fuse_req_t req, uint64_t folder)
{
	mount_inbox_mark(of(req), payload(folder));
}

static void
fill_param(const struct tree_entry *e, struct fuse_entry_param *ret)
{
	*ret = (struct fuse_entry_param){
		.ino = e->node,
		.attr = e->st,
		.attr_timeout = e->attr_timeout,
		.entry_timeout = e->entry_timeout,
	};
}

/* ---- names --------------------------------------------------------------- */

/* A name that was there before its making was asked for. */
static void
reply_news(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	scope_call call = mount_call(of(req));
	struct fuse_entry_param param;
	struct tree_entry e;
	int rc = mount_tree_lookup(&call, parent, name, &e);

	mount_call_end(&call);
	if (rc < 0) {
		reply(req, rc);
		return;
	}
	fill_param(&e, &param);
	fuse_reply_entry(req, &param);
}

void
mount_op_mknod(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode,
	       dev_t device)
{
	char full[MOUNT_INBOX_NAME_MAX];
	struct inbox_request r = mount_request(req);
	struct fuse_entry_param param;
	struct inbox_entry made;
	struct tree_entry e;
	int rc;

	(void)device;
	if (mount_news_take(req, parent, name)) {
		reply_news(req, parent, name);
		return;
	}
	rc = permit_change(req, parent);
	if (!rc)
		rc = mount_inbox_name(parent, name, full);
	if (rc < 0) {
		reply(req, rc);
		return;
	}
	if (!S_ISREG(mode)) {
		reply(req, -EPERM);
		return;
	}
	rc = inbox_mknod(inbox_of(req), &r, payload(parent), full, mode & 0777,
			 &made);
	if (rc < 0) {
		reply(req, rc);
		return;
	}
	mark_changed(req, parent);
	mount_inbox_fill(of(req), &made, mount_inbox_node(of(req), &made), &e);
	fill_param(&e, &param);
	fuse_reply_entry(req, &param);
}

void
mount_op_create(fuse_req_t req, fuse_ino_t parent, const char *name,
		mode_t mode, struct fuse_file_info *fi)
{
	char full[MOUNT_INBOX_NAME_MAX];
	struct inbox_request r = mount_request(req);
	scope_call call = mount_call(of(req));
	struct fuse_entry_param param;
	struct inbox_entry made;
	struct tree_entry e;
	uint64_t node;
	int rc = permit_change(req, parent);

	if (!rc)
		rc = mount_inbox_name(parent, name, full);
	if (rc < 0) {
		reply(req, rc);
		return;
	}
	rc = inbox_create(inbox_of(req), &r, payload(parent), full, mode & 0777,
			  fi->flags, &made, &fi->fh);
	if (rc < 0) {
		reply(req, rc);
		return;
	}
	mark_changed(req, parent);
	node = mount_inbox_created(&call, &r, &made, fi);
	mount_inbox_fill(of(req), &made, node, &e);
	e.attr_timeout = TREE_MADE;
	fill_param(&e, &param);
	/* Interrupted: nobody has the handle, and no RELEASE will come. */
	if (fuse_reply_create(req, &param, fi) == -ENOENT)
		(void)mount_inbox_release(req, node, fi->fh);
}

/* Those that are there are never made nor removed. */
static bool
is_holding(uint64_t parent, const char *name)
{
	return mount_node_kind(parent) == NODE_INBOX_RESOURCE &&
	       inbox_holding_named(name) >= 0;
}

/* No folder, link or device is ever made. */
static void
refuse_new(fuse_req_t req, uint64_t parent)
{
	reply(req, mount_node_is_inbox(parent) ? -EPERM : -EROFS);
}

void
mount_op_mkdir(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode)
{
	(void)mode;
	if (is_holding(parent, name))
		reply(req, -EEXIST);
	else
		refuse_new(req, parent);
}

void
mount_op_symlink(fuse_req_t req, const char *target, fuse_ino_t parent,
		 const char *name)
{
	(void)target;
	(void)name;
	refuse_new(req, parent);
}

void
mount_op_link(fuse_req_t req, fuse_ino_t node, fuse_ino_t parent,
	      const char *name)
{
	(void)node;
	(void)name;
	refuse_new(req, parent);
}

void
mount_op_unlink(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	char full[MOUNT_INBOX_NAME_MAX];
	struct inbox_request r = mount_request(req);
	int rc = permit_change(req, parent);

	if (!rc)
		rc = mount_inbox_name(parent, name, full);
	if (!rc) {
		rc = inbox_unlink(inbox_of(req), &r, payload(parent), full);
		mark_changed(req, parent);
	}
	reply(req, rc);
}

/* A folder that is removed is dead for those who are in it, so none is; who
 * tries it after a transfer (rsync) does not mind. */
void
mount_op_rmdir(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	if (is_holding(parent, name))
		reply(req, -EPERM);
	else
		reply(req, mount_node_is_inbox(parent) ? -ENOTDIR : -EROFS);
}

static bool
is_same_inbox(uint64_t a, uint64_t b)
{
	return a == b || (mount_node_is_inbox(a) && mount_node_is_inbox(b) &&
			  payload(a) == payload(b));
}

void
mount_op_rename(fuse_req_t req, fuse_ino_t parent, const char *name,
		fuse_ino_t new_parent, const char *new_name, unsigned flags)
{
	char from[MOUNT_INBOX_NAME_MAX], to[MOUNT_INBOX_NAME_MAX];
	struct inbox_request r = mount_request(req);
	int rc = permit_change(req, parent);

	if (!rc && !is_same_inbox(parent, new_parent))
		rc = -EXDEV;
	if (!rc)
		rc = mount_inbox_name(parent, name, from);
	if (!rc)
		rc = mount_inbox_name(new_parent, new_name, to);
	if (!rc) {
		rc = inbox_rename(inbox_of(req), &r, payload(parent), from, to,
				  flags);
		mark_changed(req, parent);
	}
	reply(req, rc);
}

/* ---- attributes ---------------------------------------------------------- */

/* libfuse's words, and src/inbox's. */
static unsigned
what_to_set(int set, struct stat *st)
{
	unsigned what = 0;

	if (set & FUSE_SET_ATTR_MODE)
		what |= INBOX_SET_MODE;
	if (set & FUSE_SET_ATTR_UID)
		what |= INBOX_SET_UID;
	if (set & FUSE_SET_ATTR_GID)
		what |= INBOX_SET_GID;
	if (set & FUSE_SET_ATTR_SIZE)
		what |= INBOX_SET_SIZE;
	if (set & (FUSE_SET_ATTR_ATIME | FUSE_SET_ATTR_ATIME_NOW))
		what |= INBOX_SET_ATIME;
	if (set & (FUSE_SET_ATTR_MTIME | FUSE_SET_ATTR_MTIME_NOW))
		what |= INBOX_SET_MTIME;
	if (set & FUSE_SET_ATTR_ATIME_NOW)
		st->st_atim.tv_nsec = UTIME_NOW;
	if (set & FUSE_SET_ATTR_MTIME_NOW)
		st->st_mtim.tv_nsec = UTIME_NOW;
	return what;
}

static void
reply_as_it_is(fuse_req_t req, fuse_ino_t node)
{
	scope_call call = mount_call(of(req));
	struct tree_entry e;
	int rc = mount_tree_stat(&call, node, &e);

	mount_call_end(&call);
	if (rc < 0)
		reply(req, rc);
	else
		fuse_reply_attr(req, &e.st, e.attr_timeout);
}

/* Tools that copy a whole folder into an inbox (rsync -a, cp -a, tar) set the
 * folder's times, mode and owner last, and report failure if they cannot: like
 * chmod of a file it succeeds and changes no right, nor anything else. So do
 * the times that the herald sets. */
static bool
is_kept(fuse_req_t req, fuse_ino_t node)
{
	return mount_node_is_inbox(node) ||
	       (mount_news_is_herald(req) && !mount_node_is_upload(node));
}

/* Who made a file has its owner's rights for the kernel, also after he has left
 * the department, by a descriptor that leads to it. */
static int
permit_set(fuse_req_t req, uint64_t node)
{
	scope_call call = mount_call(of(req));

	return mount_permit_node(req, &call, node, ACCESS_WRITE);
}

void
mount_op_setattr(fuse_req_t req, fuse_ino_t node, struct stat *st, int set,
		 struct fuse_file_info *fi)
{
	struct inbox_request r = mount_request(req);
	struct inbox_entry now;
	struct tree_entry e;
	unsigned what;
	int rc;

	(void)fi;
	if (is_kept(req, node)) {
		reply_as_it_is(req, node);
		return;
	}
	if (!mount_tree_is_inbox(node)) {
		reply(req, -EROFS);
		return;
	}
	what = what_to_set(set, st);
	st->st_mode &= 0777;
	rc = permit_set(req, node);
	if (!rc)
		rc = inbox_setattr(inbox_of(req), &r, mount_inbox_part(node),
				   payload(node), st, what, &now);
	if (rc < 0) {
		reply(req, rc);
		return;
	}
	mount_inbox_fill(of(req), &now, node, &e);
	fuse_reply_attr(req, &e.st, e.attr_timeout);
}

static bool
is_acl(const char *name)
{
	return strncmp(name, "system.posix_acl_", 17) == 0;
}

/* Why an attribute may not be set or removed; 0: src/inbox decides. */
static int
refuse_xattr(fuse_req_t req, uint64_t node, const char *name)
{
	scope_call call = mount_call(of(req));

	if (is_acl(name))
		return -EOPNOTSUPP;
	if (strncmp(name, "user.civicfs.", 13) == 0)
		return -EPERM;
	if (!mount_tree_is_inbox(node))
		return -EROFS;
	if (strncmp(name, "user.", 5) != 0)
		return -EOPNOTSUPP;
	return mount_permit_node(req, &call, node, ACCESS_WRITE);
}

void
mount_op_setxattr(fuse_req_t req, fuse_ino_t node, const char *name,
		  const char *p, size_t n, int flags)
{
	struct inbox_request r = mount_request(req);
	int rc = refuse_xattr(req, node, name);

	if (!rc)
		rc = inbox_setxattr(inbox_of(req), &r, mount_inbox_part(node),
				    payload(node), name, p, n, flags);
	reply(req, rc);
}

void
mount_op_removexattr(fuse_req_t req, fuse_ino_t node, const char *name)
{
	struct inbox_request r = mount_request(req);
	int rc = refuse_xattr(req, node, name);

	if (!rc)
		rc = inbox_removexattr(inbox_of(req), &r,
				       mount_inbox_part(node), payload(node),
				       name);
	reply(req, rc);
}

/* ---- bytes --------------------------------------------------------------- */

static bool
is_upload(uint64_t node)
{
	return mount_node_is_upload(node);
}

void
mount_op_write(fuse_req_t req, fuse_ino_t node, const char *p, size_t n,
	       off_t offset, struct fuse_file_info *fi)
{
	ssize_t done;

	(void)fi;
	if (!is_upload(node)) {
		reply(req, -EROFS);
		return;
	}
	done = inbox_write(inbox_of(req), payload(node), p, n, offset);
	if (done < 0)
		reply(req, (int)done);
	else
		fuse_reply_write(req, (size_t)done);
}

void
mount_op_flush(fuse_req_t req, fuse_ino_t node, struct fuse_file_info *fi)
{
	struct inbox_request r = mount_request(req);
	int rc = 0;

	if (is_upload(node) && fi->fh)
		rc = inbox_flush(inbox_of(req), &r, payload(node),
				 mount_inbox_handle(node, fi->fh));
	/* what the kernel writes by itself may be written after its close */
	if (!rc && mount_node_kind(node) == NODE_UPLOAD && fi->fh &&
	    mount_close_waits(of(req), req, payload(node)))
		return; /* it has its answer, or will */
	reply(req, rc);
}

void
mount_op_fsync(fuse_req_t req, fuse_ino_t node, int data_only,
	       struct fuse_file_info *fi)
{
	int rc = 0;

	(void)fi;
	if (is_upload(node))
		rc = inbox_fsync(inbox_of(req), payload(node), data_only);
	reply(req, rc);
}

void
mount_op_fallocate(fuse_req_t req, fuse_ino_t node, int mode, off_t offset,
		   off_t length, struct fuse_file_info *fi)
{
	int rc = -EROFS;

	(void)fi;
	if (is_upload(node))
		rc = inbox_fallocate(inbox_of(req), payload(node), mode, offset,
				     length);
	reply(req, rc);
}
