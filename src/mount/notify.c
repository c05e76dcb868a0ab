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

#include "mount/kernel.h"
#include "mount/mount.h"

#define NAME_LIMIT 255
#define ITEM_MOST (sizeof(struct item) + NAME_LIMIT)

/* One item: this, then the name without NUL. Both ends run on one machine. */
struct item {
	uint64_t node;
	uint16_t kind; /* enum notify_kind */
	uint16_t name_len;
	uint32_t zero;
};

static int
add(struct buf *message, enum notify_kind kind, uint64_t node, const char *name)
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
	return add(message, NOTIFY_NODE, node, "");
}

int
mount_notify_add_attributes(struct buf *message, uint64_t node)
{
	return add(message, NOTIFY_ATTRIBUTES, node, "");
}

int
mount_notify_add_name(struct buf *message, uint64_t folder, const char *name)
{
	return add(message, NOTIFY_NAME, folder, name);
}

int
mount_notify_add_names(struct buf *message)
{
	return add(message, NOTIFY_NAMES, 0, "");
}

/* ENOENT: the kernel does not know the node or name. ENOTDIR and EINVAL:
 * what it knows under the number is no folder any more, or the kernel is older
 * than the code. */
static int
send(int fd, int code, struct iovec body, struct error *err)
{
	struct fuse_out_header header = {
		.len = (uint32_t)(sizeof(header) + body.iov_len),
		.error = code,
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

/* A negative offset leaves contents and listing as they are. */
static int
send_node(int fd, uint64_t node, int64_t offset, struct error *err)
{
	struct fuse_notify_inval_inode_out out = {.ino = node, .off = offset};

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

static bool
makes_sense(const struct item *item, size_t rest)
{
	return item->kind >= NOTIFY_NODE && item->kind <= NOTIFY_NAMES &&
	       (item->kind == NOTIFY_NAME) == (item->name_len > 0) &&
	       item->name_len <= NAME_LIMIT && item->name_len <= rest;
}

int
mount_notify_next(struct slice *rest, struct notify_item *ret,
		  struct error *err)
{
	struct item item;

	if (rest->n == 0)
		return 0;
	if (rest->n < sizeof(item))
		return error_set(err, ERR_PROTOCOL,
				 "a message to the notifier is cut off");
	memcpy(&item, rest->p, sizeof(item));
	if (!makes_sense(&item, rest->n - sizeof(item)))
		return error_set(err, ERR_PROTOCOL,
				 "a message to the notifier makes no sense");
	*ret = (struct notify_item){
		.kind = (enum notify_kind)item.kind,
		.node = item.node,
		.name = {rest->p + sizeof(item), item.name_len},
	};
	rest->p += sizeof(item) + item.name_len;
	rest->n -= sizeof(item) + item.name_len;
	return 1;
}

static int
send_item(int fd, const struct notify_item *item, struct error *err)
{
	switch (item->kind) {
	case NOTIFY_NODE:
		return send_node(fd, item->node, 0, err);
	case NOTIFY_ATTRIBUTES:
		return send_node(fd, item->node, -1, err);
	case NOTIFY_NAME:
		return send_name(fd, item->node, item->name, err);
	default:
		return send(fd, KERNEL_NOTIFY_INC_EPOCH,
			    (struct iovec){NULL, 0}, err);
	}
}

int
mount_notify_write(int fuse_fd, const void *message, size_t n,
		   struct error *err)
{
	struct slice rest = {message, n};
	struct notify_item item;
	int rc;

	while ((rc = mount_notify_next(&rest, &item, err)) > 0) {
		rc = send_item(fuse_fd, &item, err);
		if (rc < 0)
			return rc;
	}
	return rc;
}

size_t
mount_notify_piece(const void *message, size_t n)
{
	struct slice rest = {message, n};
	struct notify_item item;

	while (n - rest.n <= MOUNT_MESSAGE_MAX - ITEM_MOST &&
	       mount_notify_next(&rest, &item, NULL) > 0)
		;
	return n - rest.n;
}
