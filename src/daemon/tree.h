/* The mount, as the keeper makes, renews and looks at it. */
#ifndef DAEMON_TREE_H
#define DAEMON_TREE_H

#include "daemon/roles.h"

/* Takes away a mount that a dead keeper left and nobody will ever answer.
 * Waits until the last process of the dead one has gone. */
void daemon_tree_clear(const struct daemon_shared *shared);

/* Whether a mount of civicfs is there, dead or alive; ERR_IO. */
MUST_CHECK int daemon_tree_is_listed(const struct daemon_shared *shared,
				     struct error *err);

/* ERR_BUSY when something else of civicfs is mounted there: nothing is ever
 * mounted over it. */
MUST_CHECK int daemon_tree_refuse_second(const struct daemon_shared *shared,
					 struct error *err);

/*
 * Mounts, and answers the kernel's first request: a new life, in which there
 * was no worker yet. Sets fuse_fd, init, session, generation, kernel_resends
 * and handover. ERR_IO, ERR_PROTOCOL.
 */
MUST_CHECK int daemon_tree_mount(struct daemon_shared *shared,
				 struct error *err);

/* Ends the mount, with whatever waits in it, and makes another in its place;
 * the notifier is killed. */
MUST_CHECK int daemon_tree_again(struct daemon_shared *shared,
				 struct error *err);

/* Whether its connection to the kernel lives: until it was unmounted, or
 * aborted (then it is still listed). */
bool daemon_tree_is_alive(const struct daemon_shared *shared);

#endif
