/* The items of a message to the notifier: see mount.h. */
#ifndef MOUNT_NOTIFY_H
#define MOUNT_NOTIFY_H

#include "base/buf.h"

#include <stdint.h>

/* Attributes and listing (or contents) of a node. ERR_NOMEM. */
MUST_CHECK int mount_notify_add_node(struct buf *message, uint64_t node);

/* One name of a folder. A name over 255 bytes is none, and left out. */
MUST_CHECK int mount_notify_add_name(struct buf *message, uint64_t folder,
				     const char *name);

/* Takes the next item off a message: 1, 0 at the end, ERR_PROTOCOL. An item
 * without name is about the node itself. */
MUST_CHECK int mount_notify_next(struct slice *rest, uint64_t *ret_node,
				 struct slice *ret_name, struct error *err);

#endif
