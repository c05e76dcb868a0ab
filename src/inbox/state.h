/*
 * What the files of this folder share. Functions here that serve requests
 * return 0 or a NEGATIVE ERRNO; those with a struct error return 0 or an ERR_
 * code, which inbox_errno() turns into a negative errno.
 */
#ifndef INBOX_STATE_H
#define INBOX_STATE_H

#include "base/clock.h"
#include "base/scope.h"
#include "inbox/inbox.h"
#include "inbox/live.h"
#include "inbox/name.h"
#include "inbox/quota.h"
#include "store/handle.h"
#include "store/inbox.h"
#include "store/submission.h"

#include <pthread.h>
#include <stdatomic.h>

/* A RELEASE that could not be written down (a full disk): see release.c. */
struct inbox_late {
	struct inbox_late *next;
	int64_t file;
	uint64_t fh;
	bool broken;
};

struct inbox {
	struct store *store;
	int64_t session;
	int64_t settle; /* ns */
	struct config_room reserve;
	int64_t *resources; /* ascending */
	int64_t *trials;    /* the same */
	size_t nresources;
	struct inbox_live *live;
	struct inbox_quota *quota;
	/* Files up to this id may be open for reading since before this worker
	 * began; 0 when the mount began with it. */
	int64_t inherited;
	struct inbox_pool *pool;
	struct inbox_log *log;
	_Atomic int64_t next; /* time of the next inbox_collect(); 0 unknown */
	bool passing;	      /* inbox_allow_passing() */
	_Atomic int64_t told; /* inbox_tell() */
	atomic_int bound;     /* by a close(), since the last inbox_collect() */
	pthread_mutex_t lock; /* of what follows */
	void (*changed)(void *ctx);
	void *changed_ctx;
	void (*erased)(void *ctx, int64_t submission, int64_t file);
	void *erased_ctx;
	struct inbox_late *late;
	pthread_cond_t wanted; /* for inbox_run() */
	bool fill, look, stopping;
};

static inline int
inbox_errno(int code, const struct error *err)
{
	return -error_to_errno(code, err);
}

/* Tells whoever asked by inbox_on_change(). */
void inbox_changed(struct inbox *inbox);
/* The same for a file of so many bytes that has fallen quiet now: he need not
 * know if he will look before it has settled, unless it is large. */
void inbox_changed_later(struct inbox *inbox, int64_t bytes);

/* ---- entry.c ------------------------------------------------------------- */

/* -ESTALE when there is no such upload. */
MUST_CHECK int inbox_row(struct inbox *inbox, int64_t id,
			 struct store_inbox_file *ret);
/* Nobody writes the file any more: it is a candidate, unless its name is a
 * temporary one. Those would otherwise be looked at whenever something
 * settles. */
void inbox_fall_quiet(struct store_inbox_file *f, int64_t since);
/* An upload as the kernel sees it. */
MUST_CHECK int inbox_entry_of(struct inbox *inbox,
			      const struct store_inbox_file *f,
			      struct inbox_entry *ret);

/* Whether this companion stands beside the file: there is one, and nobody has
 * tidied it away. */
bool inbox_has_companion(const struct inbox *inbox,
			 const struct store_inbox_file *f,
			 const struct inbox_companion *c);

/* ---- pool.c -------------------------------------------------------------- */

MUST_CHECK int inbox_pool_new(struct inbox_pool **ret, struct error *err);
void inbox_pool_free(struct inbox_pool *pool);
/* A blob without bytes that nobody has; 0 when none is prepared. Asks for more
 * by and by. */
int64_t inbox_pool_take(struct inbox *inbox);
void inbox_pool_fill(struct inbox *inbox);
/* Whether the blob's name in intake/ is durable for certain. */
bool inbox_pool_is_named(struct inbox_pool *pool, int64_t blob);

/* ---- log.c --------------------------------------------------------------- */

MUST_CHECK int inbox_log_new(struct store *store, struct inbox_log **ret,
			     struct error *err);
void inbox_log_free(struct inbox_log *log);
/* What has been committed lightly is made durable while the caller does
 * something else; one wait of the disk serves all who ask meanwhile. */
struct inbox_syncing {
	struct inbox_syncing *next;
	bool asked, done;
	int rc; /* 0 or a negative errno */
};
void inbox_log_ask(struct inbox_log *log, struct inbox_syncing *s);
/* Until it is: 0 or a negative errno. Once for each inbox_log_ask(). */
MUST_CHECK int inbox_log_wait(struct inbox_log *log, struct inbox_syncing *s);

/* ---- run.c --------------------------------------------------------------- */

/* What inbox_run() is to do: prepare blobs, look at what the kernel writes. */
void inbox_want_fill(struct inbox *inbox);
void inbox_want_look(struct inbox *inbox);

/* ---- pass.c -------------------------------------------------------------- */

/* What the kernel wrote by itself counts, and is cut off where it is too
 * much; then, and when bytes may have been refused unseen, they are lost. */
void inbox_pass_look(struct inbox *inbox, int64_t id);
/* The same for all of them: how many there are, and whether some grow. */
size_t inbox_pass_look_all(struct inbox *inbox, bool *ret_growing);
/* Whether nobody can write the file's bytes any more that has not asked for
 * it: the kernel has given up what was open, and no mapping is left. */
bool inbox_pass_is_over(struct inbox *inbox, const struct store_inbox_file *f);

/* ---- blob.c -------------------------------------------------------------- */

/* A new empty blob, known once 'txn' commits; *ret_fd is open for reading and
 * writing. Whoever does not commit calls inbox_blob_unlink(). */
MUST_CHECK int inbox_blob_add(struct inbox *inbox, struct store_txn *txn,
			      int64_t *ret_id, int *ret_fd, struct error *err);
/* The file alone, of a number that is new: a descriptor or a negative errno. */
int inbox_blob_create(struct inbox *inbox, int64_t id);
/* What intake/ holds is there after the death of the machine, too. A negative
 * errno. */
MUST_CHECK int inbox_blob_sync(struct inbox *inbox);
/* A blob with the bytes and times of another, committed by itself and charged
 * to the department. */
MUST_CHECK int inbox_blob_copy(struct inbox *inbox, size_t department,
			       int64_t from, int64_t *ret_id,
			       struct error *err);
/* Gives up a blob that nothing came to refer to. */
void inbox_blob_discard(struct inbox *inbox, int64_t id);
/* The file alone; for after the row was dropped and committed. */
void inbox_blob_unlink(struct inbox *inbox, int64_t id);
/* A descriptor, or a negative errno. */
int inbox_blob_open(struct inbox *inbox, int64_t id, int flags);
MUST_CHECK int inbox_blob_stat(struct inbox *inbox, int64_t id,
			       struct stat *ret);
/* The digest of the bytes of a small file: 1, 0 it is none; a negative errno.
 */
MUST_CHECK int inbox_blob_content(int fd,
				  unsigned char ret[static DIGEST_SIZE]);
/* Removes files of intake/ that the database does not know. */
MUST_CHECK int inbox_blob_sweep(struct inbox *inbox, struct error *err);

/* The shared descriptor of an upload; read-only when its bytes are bound.
 * 0 or a negative errno (-ESTALE: no such upload). */
MUST_CHECK int inbox_fd(struct inbox *inbox, int64_t id,
			struct inbox_live_fd **ret);
/* Bytes and name on stable storage. A failure is remembered as a loss, since
 * the kernel reports it only once. */
MUST_CHECK int inbox_sync(struct inbox *inbox, int64_t id,
			  struct inbox_live_fd *fd, bool data_only);

/* ---- io.c ---------------------------------------------------------------- */

/* pread(2): the count or a negative errno. */
ssize_t inbox_read_at(int fd, void *p, size_t n, off_t offset);

/* ---- change.c ------------------------------------------------------------ */

/* A change of one upload and what must follow once it is committed. Another
 * that it replaces, and the fix files of both, may go with it. */
#define INBOX_CHANGE_MAX 4
struct inbox_change {
	struct inbox *inbox;
	struct store_txn txn;
	struct error err;
	bool light;    /* its commit does not wait for the disk */
	int64_t made;  /* blob to remove if there is no commit; 0 */
	bool prepared; /* and its row */
	struct inbox_drop {
		int64_t blob;
		bool bound; /* a submission held it */
		size_t department;
	} drop[INBOX_CHANGE_MAX]; /* to unlink after the commit */
	size_t ndrop;
	int64_t gone[INBOX_CHANGE_MAX]; /* retired and removed */
	size_t ngone;
	bool forgotten;		/* by the kernel: nobody has it open */
	int64_t rebound;	/* file whose descriptor must be forgotten; 0 */
	struct inbox_drop left; /* what that file had; blob 0 */
};
/* Rolled back at the end of the block unless inbox_change_commit(). */
MUST_CHECK int inbox_change_begin(struct inbox *inbox, struct inbox_change *c);
/* For what a FLUSH, a rename or a verdict makes durable, or nobody was told of:
 * see store_begin_light(). */
MUST_CHECK int inbox_change_begin_light(struct inbox *inbox,
					struct inbox_change *c);
MUST_CHECK int inbox_change_commit(struct inbox_change *c);
void inbox_change_end(struct inbox_change *c);
#define scope_change \
	__attribute__((cleanup(inbox_change_end))) struct inbox_change

/* A new empty blob, which may have been prepared. */
MUST_CHECK int inbox_change_make(struct inbox_change *c, int64_t *ret_id);
/* 1 when this request has been answered before: *ret_node is what it was
 * about; 0; a negative errno. */
MUST_CHECK int inbox_change_answered(struct inbox_change *c,
				     const struct inbox_request *req,
				     int64_t *ret_node);
MUST_CHECK int inbox_change_answer(struct inbox_change *c,
				   const struct inbox_request *req,
				   int64_t node);
/* Takes a file out of its folder; it stays while somebody has it open. */
MUST_CHECK int inbox_change_unlink(struct inbox_change *c,
				   struct store_inbox_file *f);
/* Removes an unlinked file that nobody has open any more. */
MUST_CHECK int inbox_change_reap(struct inbox_change *c,
				 const struct store_inbox_file *f);
/* Makes the bytes of a bound file writable: 'copy' is a blob that has them,
 * or 0 for no bytes. Receipts go with it. */
MUST_CHECK int inbox_change_unbind(struct inbox_change *c,
				   struct store_inbox_file *f, int64_t copy);

/* ---- fix.c --------------------------------------------------------------- */

/* The fix file beside a judged file goes with its receipts, or gets a name
 * with it. */
MUST_CHECK int inbox_fix_unlink(struct inbox_change *c,
				const struct store_inbox_file *f);
MUST_CHECK int inbox_fix_rename(struct inbox_change *c,
				const struct store_inbox_file *f,
				const char *to);

/* 1 one stands there, 0; a negative errno. */
MUST_CHECK int inbox_fix_stands(struct inbox_change *c,
				const struct store_inbox_file *f);
/* Puts it there, unless a file of its name is being written, or is another's.
 */
MUST_CHECK int inbox_fix_add(struct store_txn *txn,
			     const struct store_inbox_file *f, int64_t fix_blob,
			     bool workbook, struct error *err);
/* Whether a fix file of the submission may come back. */
bool inbox_fix_is_awaited(const struct store_submission *s);

/* A complete file: what becomes of it. ROUND: it is written down as one, and
 * f->submission and f->fix are set. */
enum inbox_fate {
	INBOX_FATE_SUBMISSION, /* nothing has been done */
	INBOX_FATE_ROUND,
	INBOX_FATE_LATER /* what it belongs to is being judged */
};
MUST_CHECK int inbox_fix_bind(struct store_txn *txn, struct store_inbox_file *f,
			      int64_t bytes, const char *user, int64_t now,
			      enum inbox_fate *ret, struct error *err);

/* ---- unchanged.c --------------------------------------------------------- */

/*
 * Programs open a file for writing to look at it (office programs, many a
 * server). From then on it is no submission's; when they have closed it and
 * wrote nothing, it is again what it was, with its receipts.
 */

/* In the change that takes the bytes of 'f' away from its submission, before
 * it does: what it was. 'copy' has its bytes now, 0: they are cut off. */
MUST_CHECK int inbox_was_note(struct inbox_change *c,
			      struct store_inbox_file *f, int64_t copy);
/* Whether nobody has written to it since. The bytes are compared only where
 * nothing else speaks against it: as long as reading them takes. */
bool inbox_was_kept(struct inbox *inbox, const struct store_inbox_file *f);
/* The same without comparing. */
bool inbox_was_untouched(struct inbox *inbox, const struct store_inbox_file *f);
/* Makes it so: 1, and what follows the commit is in *ret; 0 when its submission
 * is not what it was. What came back as a fix file and has been judged since
 * goes, and the one that is to be corrected now is there. */
struct inbox_restored {
	int64_t blob; /* to be unlinked; 0: it is still needed */
	bool gone;    /* the file: to be reaped */
};
MUST_CHECK int inbox_was_restore(struct store_txn *txn,
				 struct store_inbox_file *f,
				 struct inbox_restored *ret, struct error *err);
/* For a copy that has just been made: whoever writes to it from now on changes
 * its ctime. Blocks for some milliseconds. */
void inbox_was_tick(struct inbox *inbox, int64_t copy);
/* A file may be turned (inbox_turn) for a process that never comes back: then
 * it is a candidate after so long. */
#define INBOX_TURN_NS (60 * CLOCK_NS)

/* ---- open.c -------------------------------------------------------------- */

/* Something that must happen to a file whose bytes are about to change. */
struct inbox_writing {
	const struct inbox_request *req;
	bool keep;	 /* its bytes; false: they are cut off at once */
	uint64_t handle; /* to be added; 0 none */
	off_t size;	 /* to be cut or extended to; -1 as it is */
	bool later;	 /* somebody is about to open it: until then it is no
			  * candidate, for INBOX_TURN_NS */
};
MUST_CHECK int inbox_begin_writing(struct inbox *inbox, int64_t id,
				   const struct inbox_writing *w);

/* ---- room.c -------------------------------------------------------------- */

/* Whether bytes may be taken in: 0, or -ENOSPC. */
MUST_CHECK int inbox_room(struct inbox *inbox);
/* Whether there is room for so many bytes beyond that; for 0, whether a write
 * can have failed for want of room. */
bool inbox_has_room(struct inbox *inbox, uint64_t bytes);
/* The same for a department's: also -EDQUOT. */
MUST_CHECK int inbox_room_of(struct inbox *inbox, size_t department);

/* ---- release.c ----------------------------------------------------------- */

/* The file has been emptied: what earlier writers lost is no loss any more. */
void inbox_release_forgive(struct inbox *inbox, int64_t file);
/* Removes a file that was unlinked, if nobody has it open any more. */
MUST_CHECK int inbox_reap(struct inbox *inbox, int64_t id, bool forgotten);
/* Writes down what an earlier RELEASE could not. */
MUST_CHECK int inbox_release_late(struct inbox *inbox);

#endif
