/* What the files of the keeper share: keeper.c its life, restart.c its
 * workers, reload.c another configuration. One thread. */
#ifndef DAEMON_KEEP_H
#define DAEMON_KEEP_H

#include "base/clock.h"
#include "daemon/log.h"
#include "daemon/roles.h"
#include "daemon/watch.h"

#include <syslog.h>

#define SAY(priority, ...) daemon_log("keeper", priority, __VA_ARGS__)

#define KEEPER_TICK_MS 200

/* Workers in a row that died at once. */
struct keeper_deaths {
	int n;
	int64_t since; /* the first of them; 0 none */
};

struct keeper {
	struct daemon_shared *shared;
	int signals; /* signalfd */
	bool ready;  /* the tree has answered once */
	bool ending;
	bool failed;

	/* restart.c */
	pid_t worker;	     /* 0 none */
	bool worker_ready;   /* it has said so */
	int64_t ready_at;    /* then; clock_monotonic() as all that follow */
	int64_t dying_since; /* 0: it lives */
	struct daemon_watch watch;
	struct keeper_deaths failures;
	struct keeper_deaths faults;  /* of those, the ones nobody killed */
	int64_t try_at;		      /* when to start the next one */
	pid_t standin;		      /* 0 none */
	char trouble[ERROR_TEXT_MAX]; /* why the last one gave up */

	/* reload.c */
	pid_t checker;		/* 0 none */
	bool asked_again;	/* SIGHUP while a reload was under way */
	int64_t draining_since; /* the worker ends for the next one; 0 no */
	struct config *earlier; /* until the new one has proved good */
	int64_t earlier_since;
};

/* ---- restart.c ----------------------------------------------------------- */

MUST_CHECK int daemon_keep_start_worker(struct keeper *k, struct error *err);
/* A role that has one process, if there is none: '*pid' is it. */
MUST_CHECK int daemon_keep_start(struct keeper *k, enum daemon_role role,
				 pid_t *pid, struct error *err);
/* Looks after all of them: the dead, the silent, the missing. */
void daemon_keep_look(struct keeper *k);
/* How long until it must look again. */
int daemon_keep_pause_ms(const struct keeper *k);
/* The worker has said that the tree answers. */
void daemon_keep_worker_ready(struct keeper *k);
void daemon_keep_end_standin(struct keeper *k);

/* ---- reload.c ------------------------------------------------------------ */

/* Starts a checker; what comes of it goes to 'answer' (check.h), which stays
 * the caller's, or to the log (-1). */
void daemon_keep_reload(struct keeper *k, int answer);
/* The checker has ended. */
void daemon_keep_checked(struct keeper *k, int status);
/* The worker has died (or ended) while the configuration was 'earlier'ly
 * another: whether to go back to that one. */
void daemon_keep_take_back(struct keeper *k);
/* The worker serves: the configuration is proved good. */
void daemon_keep_settle(struct keeper *k);

#endif
