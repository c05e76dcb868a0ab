/*
 * What the kernel has to forget, as a message from the worker to the notifier,
 * and from there to /dev/fuse. The notifier is a process of its own because a
 * worker that is killed while one of its threads waits in an invalidation
 * cannot be reaped (DESIGN 2).
 */
#include "mount/notify.h"

#include <errno.h>
#include <linux/fuse.h>
#include <sys/uio.h>

#include "mount/mount.h"

#define NAME_LIMIT 255

/* One item: this, then the name without NUL. Both ends run on one machine. */
struct item {
	uint64_t node;
	uint16_t kind; /* enum fuse_notify_code */
	uint16_t name_len;
	uint32_t zero;
};

static int
add(struct buf *message, uint64_t node, enum fuse_notify_code kind,
    const char *name)
{
	struct slice text = slice_str(name);
	struct item item = {
		.node = node,
		.kind = (uint16_t)kind,
		.name_len = (uint16_t)text.n,
	};

	if (text.n > NAME_LIMIT)
		return 0; /* no node has this name */
	if (buf_reserve(message, sizeof(item) + text.n) < 0)
		return ERR_NOMEM;
	if (buf_add(message, &item, sizeof(item)) < 0)
		return ERR_NOMEM;
	return buf_addslice(message, text);
}

int
mount_notify_add_node(struct buf *message, uint64_t node)
{
	return add(message, node, FUSE_NOTIFY_INVAL_INODE, "");
}

int
mount_notify_add_name(struct buf *message, uint64_t folder, const char *name)
{
	return add(message, folder, FUSE_NOTIFY_INVAL_ENTRY, name);
}

/* ENOENT: the kernel does not know the node or name. ENOTDIR and EINVAL:
 * what it knows under the number is no folder any more. */
static int
send(int fd, enum fuse_notify_code kind, struct iovec body, struct error *err)
{
	struct fuse_out_header header = {
		.len = (uint32_t)(sizeof(header) + body.iov_len),
		.error = (int32_t)kind,
	};
	struct iovec parts[] = {{&header, sizeof(header)}, body};
	ssize_t n;

	do {
		n = writev(fd, parts, 2);
	} while (n < 0 && errno == EINTR);
	if (n >= 0 || errno == ENOENT || errno == ENOTDIR || errno == EINVAL)
		return 0;
	return error_errno(err, errno, "cannot tell the kernel what changed");
}

static int
send_node(int fd, uint64_t node, struct error *err)
{
	struct fuse_notify_inval_inode_out out = {.ino = node};

	return send(fd, FUSE_NOTIFY_INVAL_INODE,
		    (struct iovec){&out, sizeof(out)}, err);
}

static int
send_name(int fd, uint64_t folder, struct slice name, struct error *err)
{
	struct {
		struct fuse_notify_inval_entry_out out;
		char name[NAME_LIMIT + 1];
	} body = {.out = {.parent = folder, .namelen = (uint32_t)name.n}};

	memcpy(body.name, name.p, name.n);
	return send(fd, FUSE_NOTIFY_INVAL_ENTRY,
		    (struct iovec){&body, sizeof(body.out) + name.n + 1}, err);
}

int
mount_notify_next(struct slice *rest, uint64_t *ret_node,
		  struct slice *ret_name, struct error *err)
{
	struct item item;

	if (rest->n == 0)
		return 0;
	if (rest->n < sizeof(item))
		return error_set(err, ERR_PROTOCOL,
				 "a message to the notifier is cut off");
	memcpy(&item, rest->p, sizeof(item));
	if ((item.kind != FUSE_NOTIFY_INVAL_INODE &&
	     item.kind != FUSE_NOTIFY_INVAL_ENTRY) ||
	    (item.kind == FUSE_NOTIFY_INVAL_ENTRY) != (item.name_len > 0) ||
	    item.name_len > NAME_LIMIT ||
	    rest->n - sizeof(item) < item.name_len)
		return error_set(err, ERR_PROTOCOL,
				 "a message to the notifier makes no sense");
	*ret_node = item.node;
	*ret_name = (struct slice){rest->p + sizeof(item), item.name_len};
	rest->p += sizeof(item) + item.name_len;
	rest->n -= sizeof(item) + item.name_len;
	return 1;
}

int
mount_notify_write(int fuse_fd, const void *message, size_t n,
		   struct error *err)
{
	struct slice rest = {message, n}, name;
	uint64_t node;
	int rc;

	while ((rc = mount_notify_next(&rest, &node, &name, err)) > 0) {
		rc = name.n ? send_name(fuse_fd, node, name, err)
			    : send_node(fuse_fd, node, err);
		if (rc < 0)
			return rc;
	}
	return rc;
}
