/*
 * The tree: everything below the mount point, over libfuse's low-level
 * interface (SPEC 5; DESIGN 2, 4). The data is that of store, inbox and
 * publish; this folder gives it names, numbers, sizes and times.
 *
 * Who calls what:
 *   keeper    mount_init_reply() once, when it has mounted
 *   worker    mount_new(), mount_serve(), mount_invalidate_…()
 *   notifier  mount_notify_write()
 */
#ifndef MOUNT_MOUNT_H
#define MOUNT_MOUNT_H

#include "access/access.h"
#include "base/buf.h"
#include "config/config.h"
#include "flow/gc.h"
#include "inbox/inbox.h"
#include "publish/flatten.h"
#include "publish/publish.h"
#include "base/pulse.h"
#include "store/store.h"

/* ---- the first exchange with the kernel ---------------------------------- */

#define MOUNT_INIT_REPLY_MAX 96		       /* bytes of the reply */
#define MOUNT_REQUEST_MAX (1024 * 1024 + 4096) /* bytes of any request */

/* What was agreed. */
struct mount_init {
	unsigned char reply[MOUNT_INIT_REPLY_MAX];
	size_t reply_len;
	uint64_t unique;      /* of the INIT request */
	uint32_t minor;	      /* of the protocol, 7.minor */
	bool resend;	      /* a dead worker's requests can be had again */
	bool passthrough;     /* the kernel can read and write by itself */
	bool parallel_dirops; /* lookups and lists of one folder at once */
	bool killpriv;	      /* no security.capability asked on a write */
	bool readdirplus;
};

/*
 * The answer to the kernel's INIT request ('request', 'n' bytes as read from
 * /dev/fuse). Goes by the bits that the kernel offers, never by its version.
 * ERR_PROTOCOL when the bytes are no INIT request, or the kernel speaks less
 * than 7.31. A function of memory.
 */
MUST_CHECK int mount_init_reply(const void *request, size_t n,
				struct mount_init *ret, struct error *err);

/* ---- reading and writing by the kernel itself ---------------------------- */

/*
 * Files of the state that the kernel reads for a node, each by a number that
 * it has given ("backing id"): one for each node, from its first open handle
 * to its last. Only a process with CAP_SYS_ADMIN can ask for one, so the keeper
 * does, and keeps the list, in memory that every worker sees (DESIGN 2).
 */
struct mount_backing {
	uint64_t node; /* 0: an empty place */
	int32_t id;
};
#define MOUNT_BACKINGS_MOST 4096

/* In the keeper. The descriptor may be closed after it. ERR_IO, with ENOSYS
 * and the like where the kernel cannot. */
MUST_CHECK int mount_backing_open(int fuse_fd, int fd, int32_t *ret_id,
				  struct error *err);
void mount_backing_close(int fuse_fd, int32_t id);

/* ---- the worker ---------------------------------------------------------- */

/* How a worker asks for that; any thread, one at a time. */
struct mount_passthrough {
	const struct mount_backing *list; /* MOUNT_BACKINGS_MOST; the keeper's;
					   * NULL: the kernel cannot */
	bool enabled;			  /* else what is open goes on */
	/* The number for a node, or a negative ERR_ code. */
	int (*open)(void *ctx, uint64_t node, int fd, int32_t *ret_id,
		    struct error *err);
	void (*close)(void *ctx, uint64_t node);
	void *ctx;
};

/* What the tree shows. Everything is the caller's and outlives the mount;
 * object numbers are below 65536. */
struct mount_context {
	struct store *store;
	const struct config *config;
	struct inbox *inbox;
	const struct access *access;	    /* of this configuration */
	const struct publish_theme *themes; /* one each of config->themes */
	size_t nthemes;
	const int64_t *departments; /* object of config->departments[i] */
	const int64_t *resources;   /* object of config->resources[i] */
	const int64_t *trials;	    /* of its dry runs */
	struct publish_flat *flat;  /* NULL: no contiguous copies */
	struct mount_passthrough passthrough;
	struct pulse *pulses; /* of the threads that answer; NULL: nobody
			       * looks at them */
	uid_t herald;	      /* who tells the watchers (news.h); 0: nobody */
	int64_t session; /* the life of one mount; 0: what is open is not noted,
			  * as nothing that may be open is ever removed */
	/* Called (any thread; may be NULL) with what went wrong inside while a
	 * request was answered; the caller of the system call has EIO. */
	void (*complain)(void *ctx, const char *text);
	void *complain_ctx;
	/* Called (may be NULL) within mount_serve() when its threads answer, to
	 * begin what the first answer need not wait for. Unless it returns 0,
	 * mount_serve() ends with that. */
	int (*begun)(void *ctx, struct error *err);
	void *begun_ctx;
};

struct mount;

/* A submission has its verdict; or that fails for now, with this errno: then
 * whoever waits in close() for one is answered. Any thread. */
void mount_answer_close(struct mount *m, int64_t submission);
void mount_fail_closes(struct mount *m, int errnum);

/* What the herald is told: how, and a path below the mountpoint; empty when
 * there is no such thing. ERR_NOMEM. Any thread. */
#define MOUNT_NEWS_CAME '+'    /* a name that was not there */
#define MOUNT_NEWS_CHANGED '=' /* a file that is another one now */
MUST_CHECK int mount_news_of_version(const struct mount *m, int64_t theme,
				     struct buf *ret);
MUST_CHECK int mount_news_of_inbox(struct mount *m, int64_t resource,
				   const char *name, const char *ending,
				   struct buf *ret);

/* 'context' is copied, not what it points to. ERR_LIMIT for an object number
 * beyond 65535; ERR_NOMEM. Does not block. */
MUST_CHECK int mount_new(const struct mount_context *context,
			 struct mount **ret, struct error *err);
void mount_free(struct mount *m);

/*
 * Answers the kernel's requests on 'fuse_fd' (/dev/fuse, mounted, its INIT
 * already answered; stays the caller's) with 'threads' threads. 'init' are
 * the bytes of the INIT request, given to libfuse so that it knows what was
 * agreed; its answer goes nowhere. Unless 'first', the kernel is then asked to
 * send again what an earlier worker left unanswered (not an error where it
 * cannot). Returns 0 after mount_stop() or when the mount is gone; ERR_IO,
 * ERR_NOMEM, ERR_PROTOCOL. Once at a time; takes the signal SIGURG while it
 * runs.
 */
MUST_CHECK int mount_serve(struct mount *m, int fuse_fd, const void *init,
			   size_t init_len, bool first, unsigned threads,
			   struct error *err);

/* Asks the kernel to send again what an earlier process left unanswered: not
 * an error where it cannot (before 6.9). ERR_IO. */
MUST_CHECK int mount_ask_again(int fuse_fd, struct error *err);

/*
 * Takes one request and answers it with EIO, for a mount that no worker can
 * serve; what says that a file was closed stays unanswered, and comes again to
 * whoever asks. 'request' is room for MOUNT_REQUEST_MAX bytes. Blocks until
 * there is one. 1, 0 when the mount is gone, ERR_IO, ERR_PROTOCOL.
 */
MUST_CHECK int mount_refuse(int fuse_fd, void *request, struct error *err);

/* Lets mount_serve() return: no further request is taken, those in work are
 * answered. Any thread, not a signal handler. */
void mount_stop(struct mount *m);
/* Lets mount_serve() be called again after that. */
void mount_resume(struct mount *m);

/* Numbers for 'status': requests answered, and those that came again. */
struct mount_counts {
	uint64_t requests;
	uint64_t waited; /* of these, for which somebody waited */
	uint64_t resent;
	uint64_t passed;  /* files opened that the kernel reads by itself */
	uint64_t written; /* uploads opened that it writes by itself */
};
void mount_count(const struct mount *m, struct mount_counts *ret);

/* ---- what the kernel has to forget --------------------------------------- */

/*
 * A message is a run of bytes for mount_notify_write(). It is appended to
 * 'message', at most MOUNT_MESSAGE_MAX bytes a call; several may follow each
 * other. Of themes and rights, it must arrive before anybody is told of what
 * made it: names of theirs are kept. Of an inbox nothing depends on its
 * arrival: names there are looked up each time, and it makes listings and open
 * windows of programs follow at once. ERR_NOMEM.
 */
#define MOUNT_MESSAGE_MAX 8192

/* After a publish of a theme, or when another worker begins: every name that
 * may be another now, and every list. Longer messages: mount_notify_piece().
 * Reads the state; ERR_IO. */
MUST_CHECK int mount_invalidate_theme(struct mount *m, int64_t theme,
				      struct buf *message, struct error *err);
/* Of what a publish made: the subjects that changed. */
MUST_CHECK int mount_invalidate_subjects(struct mount *m,
					 const struct publish_made *made,
					 struct buf *message,
					 struct error *err);
/* Between a publish and its message: waits for the requests that may still
 * give names of before to the kernel. One thread at a time. */
void mount_settle_names(struct mount *m);
/* There is a contiguous copy of a published file's bytes, or no longer: it is
 * opened by another way. Reads the state; ERR_IO. */
MUST_CHECK int mount_invalidate_file(struct mount *m, int64_t state,
				     struct buf *message, struct error *err);
/* After a verdict about, or a change by civicfs of, the file 'name' of a
 * resource's inbox: the file, its receipts and fix file, the archive and
 * status.json. */
MUST_CHECK int mount_invalidate_inbox(struct mount *m, int64_t resource,
				      const char *name, struct buf *message);

/* Versions first to last of a theme are kept no longer. Where they are very
 * many, the oldest of them are left to time. */
MUST_CHECK int mount_invalidate_versions(struct mount *m, int64_t theme,
					 int64_t first, int64_t last,
					 struct buf *message);
/* The bytes of an inbox file, or (file 0) of what archive/ has of a submission,
 * are gone. */
MUST_CHECK int mount_invalidate_erased(int64_t submission, int64_t file,
				       struct buf *message);
/* A submission has left archive/. */
MUST_CHECK int mount_invalidate_archived(struct mount *m, int64_t resource,
					 const char *submission,
					 struct buf *message);

/* ---- what is open ------------------------------------------------------- */

/* Each file that is open and may be removed: see flow/gc.h. ERR_BUSY when that
 * is not known. Any thread. */
MUST_CHECK int mount_each_open(struct mount *m, flow_pin_fn *each, void *ctx,
			       struct error *err);

/*
 * When a worker begins whose rules may not be those of the one before it: the
 * kernel keeps modes and ACLs for hours, names that are cached and folders in
 * which somebody stands included. Appends everything that it must ask about
 * again, to be sent in pieces of mount_notify_piece() bytes; a revocation
 * holds once the notifier has handed on the last of them. 'reloaded': the
 * configuration is another than the earlier worker's. Reads the state.
 * ERR_NOMEM, ERR_IO.
 */
MUST_CHECK int mount_invalidate_rights(struct mount *m, bool reloaded,
				       struct buf *message, struct error *err);
/* Bytes of whole items at the beginning of a longer message, at most
 * MOUNT_MESSAGE_MAX. */
size_t mount_notify_piece(const void *message, size_t n);

/*
 * Hands every item of the messages to the kernel. Blocks while a lookup of
 * that name is under way, so never in the worker: in the notifier only. What
 * the kernel does not know is no error. ERR_PROTOCOL for bytes that are no
 * message; ERR_IO.
 */
MUST_CHECK int mount_notify_write(int fuse_fd, const void *message, size_t n,
				  struct error *err);

#endif
