/*
 * Which published and archived files are open, so that what only they show is
 * kept until they are closed (flow/gc.h).
 *
 * The list lies in 'cache/open-files' of the state's folder, mapped into
 * memory: it outlives the worker that wrote it, as the open files do, and is of
 * no use to the next mount, which begins it anew. An OPEN that comes again
 * after a worker's death is found by its number. When more files are open than
 * the list holds, it says that it is not complete until the mount ends.
 */
#ifndef MOUNT_PINS_H
#define MOUNT_PINS_H

#include "base/error.h"

#include <stdbool.h>
#include <stdint.h>

struct pins;

/* 'session' is the life of one mount. ERR_IO (no room on the disk), ERR_NOMEM.
 */
MUST_CHECK int mount_pins_open(int state_fd, int64_t session, struct pins **ret,
			       struct error *err);
void mount_pins_close(struct pins *p);

/* The node is open, by the request 'unique': the handle for the kernel, never
 * 0. *ret_new: it was not noted before, by this worker or another. Any thread.
 */
uint64_t mount_pins_add(struct pins *p, uint64_t unique, bool resent,
			uint64_t node, bool *ret_new);
/* The request that a handle is of. */
uint64_t mount_pins_unique(uint64_t handle);
/* Its place in the list, below MOUNT_PINS_SLOTS, which nobody else has while it
 * is open; and whether it is the handle of a request. */
#define MOUNT_PINS_SLOTS (1u << 17)
uint32_t mount_pins_slot(uint64_t handle);
bool mount_pins_is_of(uint64_t handle, uint64_t unique);
/* Whether there was room to note it. */
bool mount_pins_is_noted(uint64_t handle);
/* It is closed: whether it was noted until now. Any thread. */
bool mount_pins_remove(struct pins *p, uint64_t handle);

/* Each node that is open, as often as it is. ERR_BUSY when the list is not
 * complete; what a callback returned. Any thread, but a callback may not open
 * or close. */
MUST_CHECK int mount_pins_each(struct pins *p,
			       int (*each)(void *ctx, uint64_t node), void *ctx,
			       struct error *err);

#endif
