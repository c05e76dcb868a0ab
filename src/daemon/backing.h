/*
 * Files that the kernel reads by itself, as the keeper opens and lists them for
 * the workers (mount.h). The list is memory that the keeper alone writes and
 * every worker reads; it outlives workers, and the next keeper takes it over
 * with the mount (adopt.h).
 */
#ifndef DAEMON_BACKING_H
#define DAEMON_BACKING_H

#include "daemon/roles.h"

struct daemon_backings; /* the memory */

/* Sets shared->backings and backings_fd: a new list. ERR_IO, ERR_NOMEM. */
MUST_CHECK int daemon_backing_new(struct daemon_shared *shared,
				  struct error *err);
/* The list behind 'fd' (which becomes shared->backings_fd). ERR_PROTOCOL for
 * what is none. */
MUST_CHECK int daemon_backing_take(struct daemon_shared *shared, int fd,
				   struct error *err);
const struct mount_backing *
daemon_backing_list(const struct daemon_shared *shared);
/* The mount has ended, and with it all numbers. */
void daemon_backing_forget(struct daemon_shared *shared);

/* Whether the kernel reads files of the state: shared->cannot_pass says why
 * not, "" if it does. 'agreed' is what INIT said. */
void daemon_backing_probe(struct daemon_shared *shared, bool agreed);

/*
 * What a worker asks for. The kernel looks at nothing (DESIGN 2), so the keeper
 * does: a regular file of the state's file system that belongs to the worker's
 * user and that the worker has open, for reading and writing if it is to be
 * written; opened with that user's rights, as the caller's writes will be made
 * with them. The number, the one that the node has already, or a negative
 * errno.
 */
int daemon_backing_open(struct daemon_shared *shared, uint64_t node, int fd);
void daemon_backing_close(struct daemon_shared *shared, uint64_t node);

#endif
