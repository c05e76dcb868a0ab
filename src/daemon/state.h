/*
 * The state's folder as the keeper prepares it: made, owned by the service
 * user, and locked so that one keeper lives on it at a time.
 */
#ifndef DAEMON_STATE_H
#define DAEMON_STATE_H

#include "config/config.h"

#include <sys/types.h>

/* As whom the roles run. */
struct daemon_users {
	uid_t worker_uid;
	gid_t worker_gid;
	uid_t decoder_uid; /* belongs to no account */
	gid_t decoder_gid;
	bool fallback; /* the configured user does not exist */
};
MUST_CHECK int daemon_users_find(const struct config *config,
				 struct daemon_users *ret, struct error *err);

/*
 * Makes the folder if need be, gives it to the worker's user, and takes the
 * keeper's lock. ERR_BUSY names the pid of the keeper that lives. *ret_dir and
 * *ret_lock are the caller's; children must close the lock.
 */
MUST_CHECK int daemon_state_take(const struct config *config,
				 const struct daemon_users *users,
				 const char *mountpoint, int *ret_dir,
				 int *ret_lock, struct error *err);

/* The worker that a dead keeper left behind, by the note it wrote: 0 none.
 * The note holds the pid and its start time, so that another process with the
 * same pid is never taken for it; one that is dead is none, reaped or not. */
pid_t daemon_state_left_worker(int dir);
MUST_CHECK int daemon_state_note_worker(int dir, pid_t pid, struct error *err);

#endif
