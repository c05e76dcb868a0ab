/*
 * The table that libfuse calls. Each handler computes, then replies once. What
 * changes something is in inbox_ops.c; what the answers are, in tree.c and
 * below.
 *
 * No operation here ever answers ENOSYS to open: the kernel would stop asking
 * (DESIGN 4). copy_file_range, tmpfile, ioctl and fsyncdir are left out on
 * purpose: the kernel does the first by reading and writing.
 */
#include "mount/inbox_ops.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/scope.h"
#include "mount/backings.h"
#include "mount/news.h"
#include "mount/permit.h"
#include "mount/recheck.h"
#include "mount/rights.h"
#include "mount/session.h"

#define NAME_LIMIT 255
#define UNKNOWN_INO 0xffffffff /* libfuse's word for "..": whatever it is */

static struct mount *
of(fuse_req_t req)
{
	return fuse_req_userdata(req);
}

static void
reply_error(fuse_req_t req, int rc)
{
	fuse_reply_err(req, -rc);
}

static void
to_param(const struct tree_entry *e, struct fuse_entry_param *ret)
{
	*ret = (struct fuse_entry_param){
		.ino = e->node,
		.attr = e->st,
		.attr_timeout = e->attr_timeout,
		.entry_timeout = e->entry_timeout,
	};
}

/* Splice gains nothing here, and our own reading and writing has none. */
static void
op_init(void *userdata, struct fuse_conn_info *conn)
{
	(void)userdata;
	conn->want &=
		~(unsigned)(FUSE_CAP_SPLICE_READ | FUSE_CAP_SPLICE_WRITE |
			    FUSE_CAP_SPLICE_MOVE | FUSE_CAP_READDIRPLUS_AUTO);
}

/* ---- names and attributes ------------------------------------------------ */

static void
op_lookup(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	scope_names names = mount_names_begin(of(req));
	scope_call call = mount_call(of(req));
	struct fuse_entry_param param;
	struct tree_entry e = {0};
	int rc = -ENAMETOOLONG;

	(void)names;

	if (mount_news_hides(req, parent, name))
		rc = -ENOENT;
	else if (strlen(name) <= NAME_LIMIT)
		rc = mount_tree_lookup(&call, parent, name, &e);
	mount_call_end(&call);
	/* A name that can never be is told with how long to remember that. */
	if (rc == -ENOENT && e.entry_timeout > 0) {
		param = (struct fuse_entry_param){
			.entry_timeout = e.entry_timeout,
		};
		fuse_reply_entry(req, &param);
		return;
	}
	if (rc < 0) {
		reply_error(req, rc);
		return;
	}
	to_param(&e, &param);
	fuse_reply_entry(req, &param);
}

static void
op_forget(fuse_req_t req, fuse_ino_t node, uint64_t lookups)
{
	(void)lookups;
	if (mount_node_is_upload(node))
		inbox_forgotten(of(req)->context.inbox,
				mount_node_inbox_id(node));
	if (mount_node_kind(node) == NODE_SUBJECT)
		mount_text_given_back(of(req), node);
	fuse_reply_none(req);
}

static void
op_getattr(fuse_req_t req, fuse_ino_t node, struct fuse_file_info *fi)
{
	scope_call call = mount_call(of(req));
	struct tree_entry e;
	int rc = mount_tree_stat(&call, node, &e);

	(void)fi;
	mount_call_end(&call);
	if (rc < 0)
		reply_error(req, rc);
	else
		fuse_reply_attr(req, &e.st, e.attr_timeout);
}

static void
op_readlink(fuse_req_t req, fuse_ino_t node)
{
	scope_call call = mount_call(of(req));
	char target[NAME_LIMIT + 1];
	int rc = mount_readlink(&call, node, target, sizeof(target));

	mount_call_end(&call);
	if (rc < 0)
		reply_error(req, rc);
	else
		fuse_reply_readlink(req, target);
}

static void
op_statfs(fuse_req_t req, fuse_ino_t node)
{
	scope_call call = mount_call(of(req));
	struct statvfs st;
	/* what a department has stored is its own business */
	bool may = mount_permit_node(req, &call, node, ACCESS_READ) == 0;
	int rc = mount_inbox_statfs(&call, may ? node : NODE_ROOT, &st);

	mount_call_end(&call);
	if (rc < 0)
		reply_error(req, rc);
	else
		fuse_reply_statfs(req, &st);
}

/* ---- open files ---------------------------------------------------------- */

static bool
wants_write(const struct fuse_file_info *fi)
{
	return (fi->flags & O_ACCMODE) != O_RDONLY || fi->flags & O_TRUNC;
}

static int
permit_open(fuse_req_t req, struct call *call, uint64_t node,
	    const struct fuse_file_info *fi, struct access_at *ret)
{
	struct tree_entry e;
	unsigned want = 0;
	int rc = mount_tree_stat(call, node, &e);

	if (rc < 0)
		return rc;
	*ret = e.at;
	if (wants_write(fi) && mount_news_is_herald(req))
		return 0; /* it writes nothing */
	if ((fi->flags & O_ACCMODE) != O_WRONLY)
		want |= ACCESS_READ;
	if (wants_write(fi))
		want |= ACCESS_WRITE;
	return mount_permit(req, e.at, want);
}

/* Nobody has the handle, and no RELEASE will come. */
static void
give_back(fuse_req_t req, fuse_ino_t node, uint64_t handle)
{
	if (mount_node_is_upload(node))
		(void)mount_inbox_release(req, node, handle);
	else
		mount_drop(of(req), node, handle);
}

/* The handle of an upload is the number of this request, so that the next
 * worker knows it; readers have one too, for a file that is removed while they
 * read. Receipts have one for the same reason. */
static void
open_upload(fuse_req_t req, fuse_ino_t node, struct fuse_file_info *fi)
{
	struct inbox *inbox = of(req)->context.inbox;
	struct inbox_request r = mount_request(req);
	scope_call call = mount_call(of(req));
	uint64_t handle = 0;
	int rc = 0;

	if (mount_node_kind(node) == NODE_WRITTEN)
		rc = mount_inbox_open_written(&call, &r, node, fi, &handle);
	else if (wants_write(fi))
		rc = mount_inbox_turn(&call, &r, node, fi->flags);
	if (!rc && !handle)
		rc = inbox_open_file(inbox, &r, mount_inbox_part(node),
				     mount_node_inbox_id(node), fi->flags,
				     &handle);
	if (!rc && !mount_node_is_upload(node))
		rc = mount_hold(&call, node, r.unique, r.resent, &handle);
	mount_call_end(&call);
	if (rc < 0) {
		reply_error(req, rc);
		return;
	}
	fi->fh = handle;
	fi->noflush = !wants_write(fi);
	if (fuse_reply_open(req, fi) == -ENOENT) /* interrupted */
		give_back(req, node, handle);
}

/* The kernel reads it by itself, or not at all: then it looks the name up
 * again, and is given another node. */
static int
pass_through(struct call *call, fuse_ino_t node, uint64_t handle,
	     struct fuse_file_info *fi)
{
	int32_t id = 0;
	int rc = -ESTALE;

	if (call->m->backings)
		rc = mount_backings_use(call, node, handle, &id);
	if (rc)
		mount_drop(call->m, node, handle);
	else
		mount_session_pass(fi, id);
	return rc;
}

/* A file that is not an inbox's. */
static int
open_published(fuse_req_t req, struct call *call, fuse_ino_t node,
	       struct access_at at, struct fuse_file_info *fi)
{
	bool resent;
	uint64_t unique = mount_session_unique(&resent);
	int rc;

	if (wants_write(fi) && !mount_news_is_herald(req))
		return -EROFS;
	rc = mount_hold(call, node, unique, resent, &fi->fh);
	fi->noflush = 1;
	if (!rc && mount_recheck_is_on(call->m, at)) {
		rc = mount_recheck_open(req, node, at, fi);
		if (rc)
			mount_drop(call->m, node, fi->fh);
		return rc;
	}
	if (!rc && mount_node_kind(node) == NODE_FLAT)
		return pass_through(call, node, fi->fh, fi);
	fi->keep_cache = mount_node_is_immutable(node);
	if (!rc && mount_node_kind(node) == NODE_SUBJECT)
		(void)mount_text_give(call, node);
	if (!rc)
		mount_want_flat(call, node);
	return rc;
}

static void
op_open(fuse_req_t req, fuse_ino_t node, struct fuse_file_info *fi)
{
	scope_call call = mount_call(of(req));
	struct access_at at;
	int rc;

	rc = permit_open(req, &call, node, fi, &at);
	if (!rc && !mount_tree_is_inbox(node))
		rc = open_published(req, &call, node, at, fi);
	mount_call_end(&call);
	if (rc < 0) {
		reply_error(req, rc);
		return;
	}
	if (mount_tree_is_inbox(node)) {
		open_upload(req, node, fi);
		return;
	}
	if (fuse_reply_open(req, fi) == -ENOENT) /* interrupted */
		give_back(req, node, fi->fh);
}

static void
op_release(fuse_req_t req, fuse_ino_t node, struct fuse_file_info *fi)
{
	int rc = 0;

	if (!mount_node_is_upload(node))
		mount_drop(of(req), node, fi->fh);
	else if (fi->fh)
		rc = mount_inbox_release(req, node, fi->fh);
	reply_error(req, rc);
}

static void
op_read(fuse_req_t req, fuse_ino_t node, size_t size, off_t offset,
	struct fuse_file_info *fi)
{
	scope_call call = mount_call(of(req));
	scope_free char *p = malloc(size ? size : 1);
	ssize_t n = mount_recheck_read(req, node, fi);

	if (!n)
		n = p ? mount_read(&call, node, p, size, offset) : -ENOMEM;
	mount_call_end(&call);
	if (n < 0)
		reply_error(req, (int)n);
	else
		fuse_reply_buf(req, p, (size_t)n);
}

/* Where there are no holes, all of a file is data. */
static off_t
seek_solid(off_t size, off_t offset, int whence)
{
	if (offset < 0 || offset >= size)
		return -ENXIO;
	return whence == SEEK_HOLE ? size : offset;
}

static void
op_lseek(fuse_req_t req, fuse_ino_t node, off_t offset, int whence,
	 struct fuse_file_info *fi)
{
	scope_call call = mount_call(of(req));
	struct tree_entry e;
	off_t at;

	(void)fi;
	if (whence != SEEK_DATA && whence != SEEK_HOLE) {
		at = -EINVAL;
	} else if (mount_node_is_upload(node)) {
		at = inbox_lseek(of(req)->context.inbox,
				 mount_node_inbox_id(node), offset, whence);
	} else {
		at = mount_tree_stat(&call, node, &e);
		if (!at)
			at = seek_solid(e.st.st_size, offset, whence);
	}
	mount_call_end(&call);
	if (at < 0)
		reply_error(req, (int)at);
	else
		fuse_reply_lseek(req, at);
}

/* ---- listings ------------------------------------------------------------ */

/* A folder that is no version's is there as long as what its number says is in
 * the configuration; of the others the store knows. */
static int
place_of_folder(struct call *call, uint64_t node, struct access_at *ret)
{
	struct tree_entry e;
	int rc;

	*ret = mount_rights_node(call->m, node);
	if (ret->place != ACCESS_NOWHERE && !mount_node_is_immutable(node) &&
	    S_ISDIR(mount_tree_type(node)))
		return 0;
	rc = mount_tree_stat(call, node, &e);
	if (!rc && !S_ISDIR(e.st.st_mode))
		rc = -ENOTDIR;
	*ret = e.at;
	return rc;
}

static void
op_opendir(fuse_req_t req, fuse_ino_t node, struct fuse_file_info *fi)
{
	scope_call call = mount_call(of(req));
	struct access_at at;
	bool resent;
	int rc = place_of_folder(&call, node, &at);

	mount_call_end(&call);
	if (!rc)
		rc = mount_permit(req, at, ACCESS_READ);
	if (rc < 0) {
		reply_error(req, rc);
		return;
	}
	fi->fh = mount_session_unique(&resent);
	fi->cache_readdir = mount_tree_keeps_list(node);
	fi->keep_cache = fi->cache_readdir;
	fuse_reply_open(req, fi);
}

static void
op_releasedir(fuse_req_t req, fuse_ino_t node, struct fuse_file_info *fi)
{
	(void)node;
	mount_cache_drop(of(req)->listings, fi->fh);
	reply_error(req, 0);
}

/* A listing is kept by its handle, and made again from the start of the
 * folder, or when another worker had it. */
static int
get_listing(struct call *call, uint64_t folder, uint64_t handle, off_t offset,
	    struct cache_item **ret)
{
	struct listing *l;
	int rc;

	*ret = offset ? mount_cache_get(call->m->listings, handle) : NULL;
	if (*ret)
		return 0;
	l = calloc(1, sizeof(*l));
	if (!l)
		return -ENOMEM;
	rc = mount_tree_list(call, folder, l);
	if (rc < 0) {
		mount_listing_free(l);
		return rc;
	}
	mount_cache_drop(call->m->listings, handle);
	*ret = mount_cache_put(call->m->listings, handle, l,
			       l->n * sizeof(*l->items) + l->names.cap +
				       sizeof(*l));
	return *ret ? 0 : -ENOMEM;
}

struct page {
	fuse_req_t req;
	char *p;
	size_t n, size;
	bool plus;
	double timeout;		/* of the names */
	struct tree_entry like; /* the first whose size was known; node 0 */
};

/* False when there is no room for it. */
static bool
put(struct page *page, const char *name, const struct tree_entry *e,
    off_t offset)
{
	char *at = page->p + page->n;
	size_t room = page->size - page->n, need;
	struct fuse_entry_param param;

	if (page->plus) {
		to_param(e, &param);
		need = fuse_add_direntry_plus(page->req, at, room, name, &param,
					      offset);
	} else {
		need = fuse_add_direntry(page->req, at, room, name, &e->st,
					 offset);
	}
	if (need > room)
		return false;
	page->n += need;
	return true;
}

/* A file whose size and time are known; those that are differ in nothing but
 * these and their number. */
static void
fill_known(struct call *call, const struct listing *l,
	   const struct list_item *item, struct page *page,
	   struct tree_entry *ret)
{
	if (!page->like.node)
		mount_tree_fill(call, item->node, item->bytes, item->mtime,
				l->theme, &page->like);
	mount_tree_fill_like(&page->like, item->node, item->bytes, item->mtime,
			     ret);
}

/* The attributes that go with a name; only type and number when they are
 * dear, nobody asked, or the node has gone in between: another may have its
 * name by now, so the name is listed all the same. */
static void
fill_item(struct call *call, const struct listing *l, size_t i,
	  struct page *page, struct tree_entry *ret)
{
	const struct list_item *item = &l->items[i];
	uint64_t node = item->node;
	bool known = page->plus && item->bytes != LIST_UNKNOWN;

	if (known)
		fill_known(call, l, item, page, ret);
	if (known || (page->plus && !l->plain &&
		      mount_tree_stat(call, node, ret) == 0)) {
		ret->entry_timeout = page->timeout;
		return;
	}
	*ret = (struct tree_entry){.st = {
					   .st_ino = mount_node_plain(node),
					   .st_mode = mount_tree_type(node),
				   }};
}

static void
put_dots(struct page *page, fuse_ino_t node, off_t *offset)
{
	struct tree_entry e = {.st = {.st_ino = node, .st_mode = S_IFDIR}};

	if (*offset == 0 && put(page, ".", &e, 1))
		*offset = 1;
	e.st.st_ino = node == NODE_ROOT ? NODE_ROOT : UNKNOWN_INO;
	if (*offset == 1 && put(page, "..", &e, 2))
		*offset = 2;
}

static int
fill_page(struct call *call, fuse_ino_t node, uint64_t handle, off_t offset,
	  struct page *page)
{
	scope_cached item = NULL;
	const struct listing *l;
	int rc = get_listing(call, node, handle, offset, &item);

	if (rc < 0)
		return rc;
	l = item->value;
	page->timeout = mount_tree_names_timeout(call->m, node);
	put_dots(page, node, &offset);
	for (size_t i = mount_list_after(l, offset); i < l->n; i++) {
		struct tree_entry e;

		fill_item(call, l, i, page, &e);
		if (!put(page, mount_list_name(l, i), &e, l->items[i].offset))
			break;
	}
	return 0;
}

static void
list(fuse_req_t req, fuse_ino_t node, size_t size, off_t offset,
     struct fuse_file_info *fi, bool plus)
{
	scope_names names = mount_names_begin(of(req));
	scope_call call = mount_call(of(req));
	scope_free char *p = malloc(size ? size : 1);
	struct page page = {.req = req, .p = p, .size = size, .plus = plus};
	int rc = -ENOMEM;

	(void)names;
	if (p)
		rc = fill_page(&call, node, fi->fh, offset, &page);
	mount_call_end(&call);
	if (rc < 0)
		reply_error(req, rc);
	else
		fuse_reply_buf(req, p, page.n);
}

static void
op_readdir(fuse_req_t req, fuse_ino_t node, size_t size, off_t offset,
	   struct fuse_file_info *fi)
{
	list(req, node, size, offset, fi, false);
}

static void
op_readdirplus(fuse_req_t req, fuse_ino_t node, size_t size, off_t offset,
	       struct fuse_file_info *fi)
{
	list(req, node, size, offset, fi, true);
}

/* ---- extended attributes ------------------------------------------------- */

/* With size 0 the length is asked for. */
static void
reply_xattr(fuse_req_t req, const void *p, size_t n, size_t size)
{
	if (size == 0)
		fuse_reply_xattr(req, n);
	else if (n > size)
		reply_error(req, -ERANGE);
	else
		fuse_reply_buf(req, p, n);
}

/* src/inbox fills the caller's memory, as getxattr(2) does. */
static void
upload_xattr(fuse_req_t req, fuse_ino_t node, const char *name, size_t size)
{
	struct inbox *inbox = of(req)->context.inbox;
	enum inbox_part part = mount_inbox_part(node);
	int64_t id = mount_node_inbox_id(node);
	scope_free char *p = malloc(size ? size : 1);
	ssize_t n = -ENOMEM;

	if (p)
		n = name ? inbox_getxattr(inbox, part, id, name, p, size)
			 : inbox_listxattr(inbox, part, id, p, size);
	if (n < 0)
		reply_error(req, (int)n);
	else if (size == 0)
		fuse_reply_xattr(req, (size_t)n);
	else
		fuse_reply_buf(req, p, (size_t)n);
}

static void
op_getxattr(fuse_req_t req, fuse_ino_t node, const char *name, size_t size)
{
	scope_call call = mount_call(of(req));
	scope_buf value = BUF_INIT;
	bool ours = strncmp(name, "user.", 5) == 0;
	int rc = ours ? mount_permit_node(req, &call, node, ACCESS_READ)
		      : -ENODATA;

	if (strcmp(name, "system.posix_acl_access") == 0)
		rc = mount_rights_acl(&call, node, &value);
	else if (!rc && !mount_tree_is_inbox(node))
		rc = mount_xattr_get(&call, node, name, &value);
	mount_call_end(&call);
	if (!rc && ours && mount_tree_is_inbox(node)) {
		upload_xattr(req, node, name, size);
		return;
	}
	if (rc < 0)
		reply_error(req, rc);
	else
		reply_xattr(req, value.data, value.len, size);
}

static void
op_listxattr(fuse_req_t req, fuse_ino_t node, size_t size)
{
	scope_call call = mount_call(of(req));
	scope_buf names = BUF_INIT;
	bool upload = mount_tree_is_inbox(node);
	int rc = upload ? mount_permit_node(req, &call, node, ACCESS_READ)
			: mount_xattr_list(&call, node, &names);

	mount_call_end(&call);
	if (!rc && upload) {
		upload_xattr(req, node, NULL, size);
		return;
	}
	if (rc < 0)
		reply_error(req, rc);
	else
		reply_xattr(req, names.data, names.len, size);
}

const struct fuse_lowlevel_ops mount_fuse_ops = {
	.init = op_init,
	.lookup = op_lookup,
	.forget = op_forget,
	.getattr = op_getattr,
	.setattr = mount_op_setattr,
	.readlink = op_readlink,
	.mknod = mount_op_mknod,
	.mkdir = mount_op_mkdir,
	.unlink = mount_op_unlink,
	.rmdir = mount_op_rmdir,
	.symlink = mount_op_symlink,
	.rename = mount_op_rename,
	.link = mount_op_link,
	.open = op_open,
	.read = op_read,
	.write = mount_op_write,
	.flush = mount_op_flush,
	.release = op_release,
	.fsync = mount_op_fsync,
	.opendir = op_opendir,
	.readdir = op_readdir,
	.releasedir = op_releasedir,
	.statfs = op_statfs,
	.setxattr = mount_op_setxattr,
	.getxattr = op_getxattr,
	.listxattr = op_listxattr,
	.removexattr = mount_op_removexattr,
	.create = mount_op_create,
	.fallocate = mount_op_fallocate,
	.readdirplus = op_readdirplus,
	.lseek = op_lseek,
};
