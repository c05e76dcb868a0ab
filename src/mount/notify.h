/* The items of a message to the notifier: see mount.h. */
#ifndef MOUNT_NOTIFY_H
#define MOUNT_NOTIFY_H

#include "base/buf.h"

#include <stdint.h>

enum notify_kind {
	NOTIFY_NODE = 1,   /* attributes and listing, or contents */
	NOTIFY_ATTRIBUTES, /* attributes and ACL alone */
	NOTIFY_NAME,	   /* one name of a folder */
	NOTIFY_NAMES	   /* every name (kernel 6.16): looked up once more */
};

struct notify_item {
	enum notify_kind kind;
	uint64_t node;
	struct slice name;
};

/* Each ERR_NOMEM. */
MUST_CHECK int mount_notify_add_node(struct buf *message, uint64_t node);
MUST_CHECK int mount_notify_add_attributes(struct buf *message, uint64_t node);
MUST_CHECK int mount_notify_add_names(struct buf *message);

/* One name of a folder. A name over 255 bytes is none, and left out. */
MUST_CHECK int mount_notify_add_name(struct buf *message, uint64_t folder,
				     const char *name);

/* Takes the next item off a message: 1, 0 at the end, ERR_PROTOCOL. */
MUST_CHECK int mount_notify_next(struct slice *rest, struct notify_item *ret,
				 struct error *err);

#endif
