/*
 * The control socket, the worker's side: answers the command line over a unix
 * socket in the state's folder (SPEC 2). protocol.h has the form of questions
 * and answers, verbs.c the table of what is answered.
 *
 * Anybody may connect; the table says who may ask for what, by the credentials
 * of the other side. A refusal names the role or line that would allow it.
 */
#ifndef CONTROL_CONTROL_H
#define CONTROL_CONTROL_H

#include "base/digest.h"
#include "access/access.h"
#include "flow/flow.h"
#include "flow/plan.h"

#include <sys/types.h>

/* The socket, relative to the state's folder. */
#define CONTROL_SOCKET "control.sock"
/* Where the keeper leaves its pid as text, relative to the same folder; it
 * holds an flock on it while it lives. Its process is named as below. */
#define CONTROL_KEEPER_LOCK "keeper.lock"
#define CONTROL_KEEPER_NAME "keeper"
/* Where it says why no worker can serve, while none can. */
#define CONTROL_TROUBLE "trouble"

/* Told each thing that is wrong with a configuration, as a line of text. */
typedef void control_tell_fn(void *tell_ctx, bool warning, const char *text);

/* What the worker counts since it began. */
struct control_counts {
	uint64_t requests; /* of the kernel that were answered */
	uint64_t waited;   /* of these, for which somebody waited */
	uint64_t resent;   /* of these, again after a worker's death */
	uint64_t passed;   /* files opened that the kernel reads by itself */
	uint64_t written;  /* uploads opened that it writes by itself */
	/* contiguous copies: there are, and are to be made */
	int64_t copies, copied_bytes, waiting;
};

/* What the answers are made of. Everything is the caller's and outlives the
 * server. */
struct control_context {
	struct store *store;
	const struct config *config;
	const struct flow_plan *plan;
	struct flow *flow;
	struct inbox *inbox;
	const char *mountpoint; /* absolute */
	pid_t keeper, worker, notifier;
	int generation;		 /* of the worker, from 1 */
	int64_t started_at;	 /* of the keeper, ns */
	bool kernel_resends;	 /* a dead worker's requests can be had again */
	const char *cannot_pass; /* why the kernel does not read files by
				  * itself; "" it does */
	uid_t service_uid;
	const struct access *access; /* of this configuration */
	/* Warnings besides those of the configuration. */
	const char *const *warnings;
	size_t nwarnings;
	/* All are called from any thread of the server. 'count' may be NULL.
	 * 'has_keeper': whether the keeper lives. 'stop' asks for the end of
	 * the daemon and returns at once. */
	void (*count)(void *ctx, struct control_counts *ret);
	bool (*has_keeper)(void *ctx);
	void (*stop)(void *ctx);
	/* Has the files of the configuration read and checked anew. An exit
	 * status of protocol.h: when it is CONTROL_DONE, this worker is about
	 * to be replaced by one that serves under the configuration with the
	 * digest. Otherwise nothing changes; ERR_BUSY (another is under way),
	 * ERR_IO, ERR_NOMEM too. Blocks. */
	int (*reload)(void *ctx, control_tell_fn *tell, void *tell_ctx,
		      char ret_digest[static DIGEST_HEX], struct error *err);
	/* Whether nobody can see what was before the last reload any more. */
	bool (*is_new)(void *ctx);
	int64_t config_since; /* when the configuration came into force, ns */
	const char *refused;  /* why the last reload was taken back; NULL */
	void *ctx;
};

struct control;

/*
 * Makes the socket in the working directory, which must be the state's folder
 * (store_open() has seen to that): its path may be longer than an address
 * holds. An older socket of the same name is replaced. 'context' is copied,
 * not what it points to. ERR_IO, ERR_NOMEM. Does not block.
 */
MUST_CHECK int control_new(const struct control_context *context,
			   struct control **ret, struct error *err);

/*
 * Answers until control_stop(): blocks, so it wants a thread of its own. Each
 * client gets a thread, up to a number beyond which clients are told to come
 * again; none can hold up another, or the end. The socket is gone, and no
 * thread of the server is left, when it returns.
 */
void control_serve(struct control *control);

/* Lets control_serve() return once the answers under way have ended; those
 * who wait are told that the daemon ends. Any thread, not a signal handler. */
void control_stop(struct control *control);

/* The same when another worker of the same mount follows at once: those who
 * wait are cut off without an answer, and ask that one. */
void control_hand_over(struct control *control);

/* After control_serve() has returned, or was never called. */
void control_free(struct control *control);

#endif
