/* Finding the daemon of a state: its socket, its keeper, its mount. */
#ifndef CTL_KEEPER_H
#define CTL_KEEPER_H

#include "base/error.h"

#include <stdbool.h>
#include <sys/types.h>

/* Connects to the daemon's socket in the folder 'state', however long its
 * path. 1 connected (*ret_fd is the caller's), 0 when nobody listens,
 * ERR_DENIED (says who may), ERR_IO. */
MUST_CHECK int ctl_connect(const char *state, int *ret_fd, struct error *err);

/* The pid of the keeper that lives on a state; 0 none. */
pid_t ctl_keeper(const char *state);

/* A descriptor that can be polled: readable once the process has ended. -1
 * when it has ended already. */
int ctl_process_open(pid_t pid);

/* Whether a civicfs is mounted there. */
bool ctl_is_mounted(const char *mountpoint);

/* The bytes of the longest mount point of a civicfs that an absolute path lies
 * on, or is; 0 none. */
size_t ctl_mount_prefix(const char *path);

#endif
