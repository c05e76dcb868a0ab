/*
 * The files of the inboxes: tables inbox_file, inbox_hidden, inbox_xattr,
 * and which blobs nothing refers to any more. What the columns mean to a
 * user is src/inbox's business; who has a file open is in store/handle.h.
 */
#ifndef STORE_INBOX_H
#define STORE_INBOX_H

#include "store/store.h"

#define STORE_INBOX_NAME_MAX 256 /* bytes of a name as sent, with NUL */
/* NFC makes at most three bytes of one (Unicode, UAX 15, "NFC, UTF-8"). */
#define STORE_INBOX_KEY_MAX (3 * STORE_INBOX_NAME_MAX)

/* Receipts and fix files that stand beside a judged file, as bits. */
enum store_inbox_companion {
	STORE_INBOX_TEXT = 1,
	STORE_INBOX_JSON = 2,
	STORE_INBOX_FIX = 4
};

/* What a file was before it was opened for writing. */
struct store_inbox_was {
	int64_t submission; /* number; 0: nothing that it could be again */
	int64_t blob;	    /* which bytes it had */
	int64_t changed; /* ns: ctime of its own bytes, a copy of those; 0: they
			  * were cut off before anybody could open it */
	bool beside;	 /* a fix file stood beside it */
	bool fix;	 /* it was one, or came back as one */
};

/* One file; the second part comes from its submission and is only read. */
struct store_inbox_file {
	int64_t id;
	int64_t resource;		 /* object */
	char name[STORE_INBOX_NAME_MAX]; /* as sent */
	char key[STORE_INBOX_KEY_MAX];	 /* in NFC; "" once unlinked: it stays
					  * while somebody has it open */
	int64_t blob;
	unsigned mode, uid, gid;
	unsigned writer;     /* uid of who last opened it for writing */
	int64_t submission;  /* number of what judged these bytes; 0 none */
	bool fix;	     /* they are, or came back as, its fix file */
	bool killed;	     /* a writer died: the bytes are not whole */
	int64_t quiet_since; /* ns; 0 no candidate */
	struct store_inbox_was was;

	int64_t handles; /* open for writing */
	char state[16];	 /* of the submission; "" none */
	int64_t judged_at;
	int64_t submitted_uid;
	int64_t text_bytes, json_bytes, fix_bytes; /* -1 none */
	int64_t fix_blob;			   /* 0 none */
	unsigned hidden;			   /* companions tidied away */
	int64_t told_seq;			   /* as of store_submission */
};

/* 1 found, 0 none. */
MUST_CHECK int store_inbox_find(struct sql *db, int64_t resource,
				const char *key, struct store_inbox_file *ret,
				struct error *err);
MUST_CHECK int store_inbox_get(struct sql *db, int64_t id,
			       struct store_inbox_file *ret, struct error *err);
/* The linked file whose bytes a submission judged; not its fix file. */
MUST_CHECK int store_inbox_of(struct sql *db, int64_t submission,
			      struct store_inbox_file *ret, struct error *err);

/* A file that has the blob, linked or not. */
MUST_CHECK int store_inbox_of_blob(struct sql *db, int64_t blob,
				   struct store_inbox_file *ret,
				   struct error *err);

/* The next linked file above 'after' that is, or came back as, its fix file. */
MUST_CHECK int store_inbox_fix_of(struct sql *db, int64_t submission,
				  int64_t after, struct store_inbox_file *ret,
				  struct error *err);

/* The highest id; 0 when there is no file. */
MUST_CHECK int store_inbox_newest(struct sql *db, int64_t *ret,
				  struct error *err);

/* Gives f->id. ERR_EXISTS when the folder has a file of this key. */
MUST_CHECK int store_inbox_add(struct store_txn *txn,
			       struct store_inbox_file *f, struct error *err);
/* Writes the first part of the row. */
MUST_CHECK int store_inbox_set(struct store_txn *txn,
			       const struct store_inbox_file *f,
			       struct error *err);
/* Of it 'killed' and 'quiet_since' alone, which costs less. */
MUST_CHECK int store_inbox_set_quiet(struct store_txn *txn,
				     const struct store_inbox_file *f,
				     struct error *err);
/* With its handles and attributes; the blob stays. */
MUST_CHECK int store_inbox_remove(struct store_txn *txn, int64_t id,
				  struct error *err);

/* The callback returns 0 to go on, or what comes back. */
typedef int store_inbox_each_fn(void *ctx, const struct store_inbox_file *f);
/* The files of a folder with a key above 'after', by key. */
MUST_CHECK int store_inbox_each(struct sql *db, int64_t resource,
				const char *after, store_inbox_each_fn *each,
				void *ctx, struct error *err);
/* Linked files that are candidates or have a handle, in the order in which
 * they fell quiet. */
MUST_CHECK int store_inbox_each_pending(struct sql *db,
					store_inbox_each_fn *each, void *ctx,
					struct error *err);
/* Files whose bytes no submission holds. */
MUST_CHECK int store_inbox_each_unbound(struct sql *db,
					store_inbox_each_fn *each, void *ctx,
					struct error *err);

/* Tidies one companion of a submission away; again is harmless. */
MUST_CHECK int store_inbox_hide(struct store_txn *txn, int64_t submission,
				enum store_inbox_companion which,
				struct error *err);

/* Extended attributes, by whole name. 1 found (value appended), 0 none. */
MUST_CHECK int store_inbox_xattr_get(struct sql *db, int64_t file,
				     const char *name, struct buf *ret,
				     struct error *err);
MUST_CHECK int store_inbox_xattr_set(struct store_txn *txn, int64_t file,
				     const char *name, struct slice value,
				     struct error *err);
/* 1 removed, 0 there was none. */
MUST_CHECK int store_inbox_xattr_remove(struct store_txn *txn, int64_t file,
					const char *name, struct error *err);
/* The names in order, each ended by NUL, appended to 'ret'. */
MUST_CHECK int store_inbox_xattr_names(struct sql *db, int64_t file,
				       struct buf *ret, struct error *err);
/* Bytes of all names and values. */
MUST_CHECK int store_inbox_xattr_bytes(struct sql *db, int64_t file,
				       int64_t *ret, struct error *err);

/* The bytes of the originals that a resource's submissions hold. */
MUST_CHECK int store_usage_get(struct sql *db, int64_t resource, int64_t *ret,
			       struct error *err);

/* Forgets a blob that neither a file nor a submission refers to: 1 forgotten
 * (its file may go once this is committed), 0 still needed. */
MUST_CHECK int store_blob_drop(struct store_txn *txn, int64_t id,
			       struct error *err);
/* The same for all of them. */
MUST_CHECK int store_blob_drop_unused(struct store_txn *txn, struct error *err);
/* 1 known, 0 not. */
MUST_CHECK int store_blob_is_known(struct sql *db, int64_t id,
				   struct error *err);

#endif
