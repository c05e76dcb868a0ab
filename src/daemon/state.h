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
 * as it lives, and that says who it is and which of its descriptors the next
 * keeper wants: "PID STARTED GENERATION FUSE HANDOVER BACKINGS". A worker that
 * has ended with no request unanswered leaves "ended". The keeper opens it,
 * because the worker's user need not be able to; a process must close no
 * descriptor of it while it holds the lock (fcntl(2)).
 */
MUST_CHECK int daemon_state_open_note(int dir, int *ret_note,
				      struct error *err);
struct daemon_note {
	pid_t pid;	 /* 0: none, or it has ended */
	int64_t started; /* as daemon_proc_read() */
	int generation;	 /* of the worker */
	int fuse_fd, handover, backings;
};
/* Takes the lock for this process, and writes; pid and start time are filled
 * in. ERR_BUSY while another worker has it. */
MUST_CHECK int daemon_state_hold_note(int note, struct daemon_note content,
				      struct error *err);
/* The worker's last word. */
void daemon_state_clear_note(int note);
/* 0, or -1 when there is none that can be read. */
int daemon_state_read_note(int note, struct daemon_note *ret);
/* Who has the lock, dead keeper or not: 0 nobody. Until the last thread of a
 * worker that was killed has ended, it is the worker. */
pid_t daemon_state_worker(int note);

#endif
