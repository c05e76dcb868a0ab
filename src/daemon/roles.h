/*
 * One binary, a table of roles, each with the least it needs (DESIGN 2). The
 * keeper forks the others; what they share is inherited.
 *
 *   keeper    root; mounts, holds /dev/fuse, starts and restarts the others;
 *             parses nothing, opens no database
 *   worker    service user, no capabilities; the tree, the state, the flow
 *   notifier  service user; tells the kernel what to forget
 *   herald    service user that may enter every folder; tells those who watch
 *             them what has come (mount/news.h)
 *   checker   one per reload; reads the configuration's files as root, then
 *             judges them as the service user (check.h)
 *   stand-in  service user; while no worker can be started, answers the
 *             kernel that there is none
 *   decoder   one per file, a number without account, sandboxed
 *             (decode/decode.h)
 */
#ifndef DAEMON_ROLES_H
#define DAEMON_ROLES_H

#include "config/config.h"
#include "daemon/state.h"

/* What the keeper has when it forks a role. */
struct daemon_shared {
	struct config *config;	 /* in force; a reload replaces it */
	const char *config_path; /* absolute */
	struct daemon_users users;
	const char *mountpoint;
	int state_dir;
	int ready_fd; /* -1, or who waits for the tree: the keeper's alone */
	int lock;     /* the keeper's alone: roles close it */
	int note;     /* of the worker: state.h */
	int fuse_fd;
	/* [0] the notifier's end, [1] the worker's. A message of an int alone
	 * comes back once everything before it was handed to the kernel. */
	int notices[2];
	int news[2];	     /* [0] the herald's end, [1] the worker's */
	int64_t session;     /* the life of this mount */
	unsigned char *init; /* the kernel's INIT request */
	size_t init_len;
	bool no_resend; /* an option: as on a kernel that cannot */
	bool kernel_resends;
	int64_t started_at;
	pid_t keeper;
	pid_t notifier;
	pid_t herald;
	int generation;	 /* of the worker, from 1 */
	int link;	 /* the worker's end */
	int keeper_link; /* the keeper's alone: with a copy of it in a role, the
			  * worker would not see the keeper's death */
	int handover;	 /* adopt.h; -1 none */
	int backings_fd; /* backing.h; -1 none */
	struct daemon_backings *backings; /* the memory behind it */
	char cannot_pass[ERROR_TEXT_MAX]; /* why the kernel does not read files
					   * by itself; "" it does */
	struct daemon_beat *beat; /* memory of keeper and worker: watch.h */
	int64_t patience_ns;	  /* with a thread of it that makes no step */
	int check_files;  /* of the checker: where the files' bytes go */
	int check_answer; /* of the checker: where its words go; -1 the log */
	bool reloaded;	  /* the configuration is another than the earlier
			   * worker's: the kernel has to forget */
	int64_t config_since;	      /* when it came into force */
	char refused[ERROR_TEXT_MAX]; /* why the last reload was taken back */
};

enum daemon_role {
	DAEMON_WORKER,
	DAEMON_NOTIFIER,
	DAEMON_HERALD,
	DAEMON_CHECKER,
	DAEMON_STANDIN
};

/* Forks a role, drops what it must not have, and runs it; the child never
 * returns. The pid, or ERR_IO. Only in the single-threaded keeper. */
MUST_CHECK pid_t daemon_role_start(enum daemon_role role,
				   const struct daemon_shared *shared,
				   struct error *err);

/* The worker's exit status when another attempt cannot help: the state or the
 * configuration must be looked at first. */
#define DAEMON_HOPELESS 2

/* The bodies; the exit status of the process. */
int daemon_worker(const struct daemon_shared *shared);
int daemon_notifier(const struct daemon_shared *shared);
int daemon_herald(const struct daemon_shared *shared);
int daemon_checker(const struct daemon_shared *shared);
int daemon_standin(const struct daemon_shared *shared);

#endif
