/*
 * Stage 1, bytes arrive: the files of inbox/DEPARTMENT/RESOURCE (SPEC 5, 6.1,
 * 6.4, 14.1). Knows nothing of FUSE: the mount calls it with numbers and gets
 * entries or a negative errno.
 *
 * A file's bytes are a blob in intake/. FLUSH of a writer makes them durable.
 * A file is complete when its last writer has closed, nothing touched it for
 * 'settle', and its name is final; then its blob is bound to a submission and
 * never written again: the next open for writing gets a copy. Receipts
 * are entries beside the file, read from the submission. A fix file is a file
 * of its own (fix.c): bound to its submission as the file is, and when it has
 * come back, bound again, as a round of it.
 *
 *     open for writing ──► receiving ──last close──► quiet ──settle──► bound
 *            ▲                                        │                  │
 *            └────────── open, write, truncate ◄──────┴──────────────────┘
 *
 * Requests that must not be done twice (a worker died after it did them) are
 * answered from table done, written in the same transaction.
 *
 * Functions that serve a request return 0 (or a count) or a NEGATIVE ERRNO,
 * for the kernel. Any thread; they may block on disk and on the writer.
 */
#ifndef INBOX_INBOX_H
#define INBOX_INBOX_H

#include "config/config.h"
#include "store/submission.h"

#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/types.h>

struct inbox;

/* Who asks. 'unique' is the request's number without the resend bit, 'resent'
 * says whether the bit was set (then the answer may already be known). */
struct inbox_request {
	uint64_t unique;
	bool resent;
	uid_t uid;
	gid_t gid;
	pid_t pid;
};

/* What an entry of the folder is. */
enum inbox_part {
	INBOX_FILE,
	INBOX_RECEIPT_TEXT,
	INBOX_RECEIPT_JSON,
	INBOX_FIX
};

/* id and part name the node for ever: an upload's bytes may change, a
 * receipt's may not ('id' of a receipt or fix file is the submission's
 * number). */
struct inbox_entry {
	enum inbox_part part;
	int64_t id;
	int64_t resource; /* object */
	int64_t blob;	/* of the bytes of an upload that is its own and whole;
			 * else 0 */
	char name[256]; /* in its folder */
	struct stat st; /* without st_ino */
};

/* 'session' is the life of one mount: handles of other sessions are dead.
 * Recovers: handles of dead sessions make their files incomplete. Removes
 * blobs that nothing refers to. 'resources' are the numbers of
 * config->resources, 'trials' those of the folders for their dry runs. */
MUST_CHECK int inbox_open(struct store *store, const struct config *config,
			  const int64_t *resources, const int64_t *trials,
			  int64_t session, struct inbox **ret,
			  struct error *err);
void inbox_close(struct inbox *inbox);

/* Names by SPEC 6.1: never judged. Upper and lower case of ASCII are alike. */
bool inbox_is_temporary(const char *name);
/* Names of fix files: what comes back under one is a round of a submission
 * that has refused rows (SPEC 6.5), or a submission when there is none. */
bool inbox_is_fix(const char *name);
/* How the names of those that are made end; they may come back otherwise. */
const char *inbox_fix_suffix(bool workbook);
/* The name of what a fix file is of: its first bytes. 0: it is none. */
size_t inbox_fix_base(const char *name);

/*
 * Each inbox folder has holding folders, which nobody makes or removes and no
 * list names: where rsync keeps what it has sent until all is sent
 * (--delay-updates), or until the rest is (--partial-dir). What lies there is
 * temporary; a rename takes it out. Here their files are called HOLDING/NAME,
 * wherever a name is asked for; no other name has a slash.
 */
#define INBOX_HOLDINGS 3
extern const char *const inbox_holdings[INBOX_HOLDINGS];
/* Which of them is called so; -1 none. */
int inbox_holding_named(const char *name);
/* The first bytes of a name that are a holding folder and the slash; 0 none. */
size_t inbox_holding_of(const char *name);

/* Keeps some files of intake/ prepared for what is delivered next, and looks at
 * what the kernel writes by itself, until inbox_stop(). Blocks; a thread of its
 * own. */
void inbox_run(struct inbox *inbox);
void inbox_stop(struct inbox *inbox);

/* ---- for the mount ------------------------------------------------------- */

int inbox_lookup(struct inbox *inbox, int64_t resource, const char *name,
		 struct inbox_entry *ret);
int inbox_stat(struct inbox *inbox, enum inbox_part part, int64_t id,
	       struct inbox_entry *ret);
/* The entries after 'after' ("" from the start) in name order; the callback
 * returns non-zero to stop. */
int inbox_list(struct inbox *inbox, int64_t resource, const char *after,
	       int (*each)(void *ctx, const struct inbox_entry *e), void *ctx);
/* Those of a holding folder. */
int inbox_list_held(struct inbox *inbox, int64_t resource, const char *holding,
		    int (*each)(void *ctx, const struct inbox_entry *e),
		    void *ctx);

/* *ret_fh is the handle: request->unique. Every open of an upload, readers'
 * too, is ended by one inbox_release() with its handle: until then a file that
 * is unlinked or replaced keeps its bytes. mode & 0777 only. flags are those
 * of open(2). A name that exists is opened, unless O_EXCL. */
int inbox_create(struct inbox *inbox, const struct inbox_request *req,
		 int64_t resource, const char *name, mode_t mode, int flags,
		 struct inbox_entry *ret, uint64_t *ret_fh);
int inbox_mknod(struct inbox *inbox, const struct inbox_request *req,
		int64_t resource, const char *name, mode_t mode,
		struct inbox_entry *ret);
/* Of receipts and fix files *ret_fh is 0: there is nothing to release. */
int inbox_open_file(struct inbox *inbox, const struct inbox_request *req,
		    enum inbox_part part, int64_t id, int flags,
		    uint64_t *ret_fh);
ssize_t inbox_read(struct inbox *inbox, enum inbox_part part, int64_t id,
		   void *p, size_t n, off_t offset);
ssize_t inbox_write(struct inbox *inbox, int64_t id, const void *p, size_t n,
		    off_t offset);
/* Durable, or an error: also when an earlier write failed and its bytes were
 * not written since. A handle that was not opened for writing: nothing. */
int inbox_flush(struct inbox *inbox, const struct inbox_request *req,
		int64_t id, uint64_t fh);
/* After inbox_flush(), of a file of at most 'limit' bytes: if it is whole and
 * has its final name and no other writer, it is complete now. *ret is the
 * submission that judges it, or has judged it, 0 when that waits. */
int inbox_complete(struct inbox *inbox, int64_t id, int64_t limit,
		   int64_t *ret);
int inbox_fsync(struct inbox *inbox, int64_t id, bool data_only);
/* What cannot be written down now is done by a later inbox_collect(). */
int inbox_release(struct inbox *inbox, const struct inbox_request *req,
		  int64_t id, uint64_t fh);
/* The kernel has dropped the inode of an upload: if it is unlinked, its bytes
 * can go even though an earlier worker may have had readers. Others are left
 * alone. */
void inbox_forgotten(struct inbox *inbox, int64_t id);
int inbox_unlink(struct inbox *inbox, const struct inbox_request *req,
		 int64_t resource, const char *name);
/* Within one inbox folder and its holding folders, into which what a submission
 * has does not go (EXDEV); flags of renameat2 (RENAME_NOREPLACE; others
 * EINVAL).
 */
int inbox_rename(struct inbox *inbox, const struct inbox_request *req,
		 int64_t resource, const char *from, const char *to,
		 unsigned flags);
/* What FUSE_SETATTR asks: 'set' is a mask of INBOX_SET_. chmod succeeds and
 * changes no right; chown only to oneself (or root's). */
#define INBOX_SET_MODE 1u
#define INBOX_SET_UID 2u
#define INBOX_SET_GID 4u
#define INBOX_SET_SIZE 8u
#define INBOX_SET_ATIME 16u /* st_atim; UTIME_NOW allowed */
#define INBOX_SET_MTIME 32u
int inbox_setattr(struct inbox *inbox, const struct inbox_request *req,
		  enum inbox_part part, int64_t id, const struct stat *st,
		  unsigned set, struct inbox_entry *ret);
int inbox_fallocate(struct inbox *inbox, int64_t id, int mode, off_t offset,
		    off_t length);
off_t inbox_lseek(struct inbox *inbox, int64_t id, off_t offset, int whence);
/* user.* of uploads, together up to 64 KiB a file (else ENOSPC);
 * user.civicfs.* are answered: submission, status. Before it is bound, an
 * upload is 'receiving', or 'incomplete' when nobody has it open and it has no
 * bytes or its writer died. */
ssize_t inbox_getxattr(struct inbox *inbox, enum inbox_part part, int64_t id,
		       const char *name, void *p, size_t n);
ssize_t inbox_listxattr(struct inbox *inbox, enum inbox_part part, int64_t id,
			char *p, size_t n);
int inbox_setxattr(struct inbox *inbox, const struct inbox_request *req,
		   enum inbox_part part, int64_t id, const char *name,
		   const void *p, size_t n, int flags);
int inbox_removexattr(struct inbox *inbox, const struct inbox_request *req,
		      enum inbox_part part, int64_t id, const char *name);
/* Of the state's file system; what is held in reserve is not available. With
 * a department: what that one may hold in all, and may still write. */
int inbox_statfs(struct inbox *inbox, const char *department,
		 struct statvfs *ret);
/* What a department stores: its inbox files and the originals in its archive,
 * equal blobs once (quota.h). */
struct inbox_usage {
	const char *department; /* id; lives as long as the inbox */
	int64_t bytes;
	int64_t quota; /* bytes; 0 none */
};
void inbox_each_usage(struct inbox *inbox,
		      void (*each)(void *ctx, const struct inbox_usage *u),
		      void *ctx);
/* Called (from any thread, for a moment, with a lock held) when a department
 * is refused something for its quota: once until there was room again. */
void inbox_on_refusal(struct inbox *inbox,
		      void (*told)(void *ctx, const char *text), void *ctx);
/* Why nothing can be taken in, for people; "" when it can. */
void inbox_hindrance(struct inbox *inbox, char *ret, size_t size);

/* archive/RESOURCE/SUBMISSION/: the original (under its name), receipt.txt,
 * receipt.json, the fix file; read-only. Entries by part, as above; the
 * original is INBOX_FILE with the submission's number as id — use these
 * functions, not inbox_stat, for it. */
int inbox_archive_list(struct inbox *inbox, int64_t number,
		       int (*each)(void *ctx, const struct inbox_entry *e),
		       void *ctx);
ssize_t inbox_archive_read(struct inbox *inbox, int64_t number,
			   enum inbox_part part, void *p, size_t n,
			   off_t offset);

/* ---- writing by the kernel itself ---------------------------------------- */

/*
 * The kernel can write an upload without asking for each write. Then nobody
 * is told of bytes, of a disk that was full, of the end of a mapping:
 * inbox_run() looks at sizes many times a second, closing looks again, and a
 * file is not complete before the kernel says that nobody has it open for
 * writing.
 */

/* Some may be, by this worker or an earlier one: before the first request. */
void inbox_allow_passing(struct inbox *inbox);
/* Whether an upload may be handed over: its bytes are its own and none are
 * known to be lost, and disk and quota have room for what is written between
 * two looks. */
bool inbox_may_pass(struct inbox *inbox, const struct inbox_entry *e);
/* Before an upload whose bytes a submission has is opened for writing: it gets
 * its own, and *ret is what it is then; it is no candidate before it has been
 * opened and closed, however long that takes. Other uploads stay as they are.
 */
int inbox_turn(struct inbox *inbox, const struct inbox_request *req, int64_t id,
	       int flags, struct inbox_entry *ret);
/* Hands it over: a descriptor of these bytes, for reading and writing, which is
 * the caller's; -ESTALE when they are not its own any more. 'blob' is as much
 * of inbox_entry.blob as 'mask' says. */
int inbox_pass(struct inbox *inbox, int64_t id, int64_t blob, int64_t mask);
/* The same, after inbox_open_file(): whether it was these bytes that were
 * opened. */
bool inbox_is_passed(struct inbox *inbox, int64_t id, int64_t blob,
		     int64_t mask);
/* An earlier worker has done so, and it is still open. */
void inbox_pass_again(struct inbox *inbox, int64_t id);
/* Nobody has it open so any more. */
void inbox_pass_end(struct inbox *inbox, int64_t id);

/* ---- what is kept no longer (SPEC 3) ------------------------------------- */

/*
 * The file leaves its folder, with its receipts, if its verdict is older than
 * 'before' (ns), waits for no decision, and nobody has it open for writing.
 * Who reads it reads on. 1 it has left, 0 it stays; negative ERR_ codes, also
 * below.
 */
MUST_CHECK int inbox_leave(struct inbox *inbox, int64_t id, int64_t before,
			   struct error *err);
/* The same for files of temporary names that nobody has changed since 'before':
 * a few of those above *after, which is moved on. *ret is added to. 1 there may
 * be more, 0 not. */
struct inbox_left {
	int64_t files, bytes;
};
MUST_CHECK int inbox_leave_temporary(struct inbox *inbox, int64_t before,
				     int64_t *after, struct inbox_left *ret,
				     struct error *err);
/* What all of them come to. */
MUST_CHECK int inbox_count_temporary(struct inbox *inbox, int64_t before,
				     struct inbox_left *ret, struct error *err);
/* The original, receipts and fix file of a submission that has left archive/
 * are removed; *ret_bytes is what that frees in intake/. */
MUST_CHECK int inbox_erase(struct inbox *inbox, int64_t number,
			   int64_t *ret_bytes, struct error *err);

/* ---- for the flow -------------------------------------------------------- */

/*
 * Binds every file that is complete at 'now' to a submission in state
 * judging. *ret_next is when to ask again (ns, CLOCK_REALTIME), 0 when nothing
 * waits. ERR_ codes, not errno, here and below.
 */
MUST_CHECK int inbox_collect(struct inbox *inbox, int64_t now, int *ret_bound,
			     int64_t *ret_next, struct error *err);
/* A file that will be bound if it stays as it is at 'now', of at least so many
 * bytes. 1 found, 0 none. */
struct inbox_settling {
	int64_t blob, resource, bytes;
};
MUST_CHECK int inbox_settling(struct inbox *inbox, int64_t now, int64_t bytes,
			      struct inbox_settling *ret, struct error *err);
/* Whether the disk has room for the judging of so many bytes; else ERR_IO with
 * ENOSPC, and the text says what to do. */
MUST_CHECK int inbox_room_to_judge(struct inbox *inbox, const char *submission,
				   int64_t bytes, struct error *err);
/*
 * In the transaction of a verdict: the fix file beside the file is the one of
 * 'fix_blob' (0: there is none; 'workbook': what it is), unless somebody is
 * writing another one; what came back as one, under whatever name, goes. '*ret'
 * is for inbox_fix_shown() after the commit.
 */
struct inbox_fix_gone {
	int64_t files[4]; /* unlinked; more go by the next start */
	size_t n;
};
MUST_CHECK int inbox_fix_show(struct store_txn *txn,
			      const struct store_submission *s,
			      int64_t fix_blob, bool workbook,
			      struct inbox_fix_gone *ret, struct error *err);
void inbox_fix_shown(struct inbox *inbox, const struct inbox_fix_gone *gone);
/*
 * In the transaction of a verdict that says so (secret.c): these bytes must not
 * be here. From the commit on no name leads to them, their files have no bytes,
 * and with 'original' the submission has neither original nor fix file. After
 * it, whether it was committed or not, comes inbox_secret_end(), and then
 * inbox_secret_erase().
 */
#define INBOX_SECRET_FILES 8 /* a file, its fix file, and some still open */
struct inbox_secret {
	struct inbox_secret_file {
		int64_t id, blob; /* what it has now */
	} files[INBOX_SECRET_FILES];
	size_t n;
	int64_t resource, freed; /* bytes */
	bool moving;
};
MUST_CHECK int inbox_secret_begin(struct inbox *inbox, struct store_txn *txn,
				  const struct store_submission *s,
				  bool original, int64_t round_blob,
				  struct inbox_secret *ret, struct error *err);
void inbox_secret_end(struct inbox *inbox, const struct inbox_secret *secret,
		      bool committed);
/* Overwrites and removes all that is still to be erased, also what an earlier
 * worker has left. Blocks for as long as the disk takes. What cannot be now is
 * left for the next call, and holds up no other. */
MUST_CHECK int inbox_secret_erase(struct inbox *inbox, struct error *err);
/* Called by it for each file whose bytes the kernel may still keep: of an
 * inbox, and with file 0 the submission itself. */
void inbox_on_erased(struct inbox *inbox,
		     void (*erased)(void *ctx, int64_t submission,
				    int64_t file),
		     void *ctx);
/* Receipts stand beside their files up to this publish (all of them, if it is
 * never called): later ones wait until the names of what they speak of lead to
 * it for everybody. */
void inbox_tell(struct inbox *inbox, int64_t seq);
/* Whether that is so for what is told of a submission. */
bool inbox_is_told(const struct inbox *inbox, const struct store_submission *s);
/* Called (from any thread) whenever a file may have become a candidate. */
void inbox_on_change(struct inbox *inbox, void (*changed)(void *ctx),
		     void *ctx);
/* Candidates and open files that will have a verdict: what 'wait' waits for
 * besides submissions in state judging. Temporary names and incomplete files
 * do not count; neither do files whose writer has not closed yet. */
MUST_CHECK int inbox_waiting(struct inbox *inbox, int64_t *ret,
			     struct error *err);

#endif
