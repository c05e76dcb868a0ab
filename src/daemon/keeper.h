/* The keeper: see roles.h. */
#ifndef DAEMON_KEEPER_H
#define DAEMON_KEEPER_H

#include "daemon/roles.h"

/*
 * Mounts, starts the other roles, restarts them when they die, and ends with
 * SIGTERM, SIGINT, LINK_STOP or the mount. Writes one byte to shared->ready_fd
 * and tells the service manager once the tree answers. 'shared' has config,
 * users, mountpoint, state_dir, lock and ready_fd. Returns the exit
 * status of the process, with the mount gone.
 */
int daemon_keeper(struct daemon_shared *shared);

#endif
