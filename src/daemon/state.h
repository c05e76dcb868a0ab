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

/*
 * The worker's note, 'worker.pid': a file that the worker locks for as long
 * as it lives, and that holds its pid and start time for people. The keeper
 * opens it, because the worker's user need not be able to; a process must
 * close no descriptor of it while it holds the lock (fcntl(2)).
 */
MUST_CHECK int daemon_state_open_note(int dir, int *ret_note,
				      struct error *err);
/* Takes the lock for this process, and writes. ERR_BUSY while another worker
 * has it. */
MUST_CHECK int daemon_state_hold_note(int note, struct error *err);
/* Who has the lock, dead keeper or not: 0 nobody. Until the last thread of a
 * worker that was killed has ended, it is the worker. */
pid_t daemon_state_worker(int note);

#endif
