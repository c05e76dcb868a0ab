/* Files come to be and are opened. */
#include "inbox/state.h"

#include <errno.h>
#include <fcntl.h>

static bool
for_writing(int flags)
{
	return (flags & O_ACCMODE) != O_RDONLY || (flags & O_TRUNC);
}

/* ---- existing bytes are about to change ---------------------------------- */

/* Cuts or extends the bytes. Inside the transaction, so that nobody binds
 * them at that moment. */
static int
resize(struct inbox_change *c, const struct store_inbox_file *f, off_t size)
{
	struct inbox_quota *quota = c->inbox->quota;
	size_t department = inbox_quota_of(quota, f->resource);
	scope_fd fd = inbox_blob_open(c->inbox, f->blob, O_RDWR);
	int rc;

	if (fd < 0)
		return fd == -ENOENT ? -EIO : fd;
	rc = inbox_quota_charge(quota, department, f->blob, size);
	if (rc)
		return rc;
	if (ftruncate(fd, size))
		rc = -errno;
	else
		rc = inbox_quota_set(quota, department, f->blob, size);
	inbox_quota_written(quota, f->blob, fd, rc != 0);
	if (!rc)
		inbox_live_truncated(c->inbox->live, f->id, size);
	return rc;
}

static int
add_handle(struct inbox_change *c, const struct store_inbox_file *f,
	   uint64_t handle)
{
	struct store_handle h = {
		.session = c->inbox->session, .id = handle, .file = f->id};
	int rc = store_handle_add(&c->txn, &h, &c->err);

	if (rc)
		return inbox_errno(rc, &c->err);
	if (!f->handles)
		inbox_live_restart(c->inbox->live, f->id);
	return 0;
}

/* What inbox_begin_writing() does to the row, once 'copy' has the bytes. */
static int
begin_writing(struct inbox_change *c, struct store_inbox_file *f,
	      const struct inbox_writing *w, int64_t copy)
{
	off_t size = w->keep ? w->size : 0;
	int rc = 0;

	if (f->submission)
		rc = inbox_change_unbind(c, f, copy);
	if (!rc && size >= 0)
		rc = resize(c, f, size);
	if (rc)
		return rc;
	if (size == 0)
		f->killed = false;
	/* cut on purpose, or opened after it was cut for that */
	if (!w->later && (size >= 0 || !f->was.changed))
		f->was = (struct store_inbox_was){0};
	f->writer = w->req->uid;
	if (w->handle) {
		rc = add_handle(c, f, w->handle);
		f->quiet_since = 0;
	} else if (w->later) {
		f->quiet_since =
			f->was.submission ? clock_now() + INBOX_TURN_NS : 0;
	} else if (!f->handles && *f->key) {
		inbox_fall_quiet(f, clock_now());
	}
	if (!rc) {
		int code = store_inbox_set(&c->txn, f, &c->err);

		rc = code ? inbox_errno(code, &c->err) : 0;
	}
	return rc;
}

/* One try; 1 when the file was bound or got other bytes since 'seen'. */
static int
try_writing(struct inbox *inbox, const struct store_inbox_file *seen,
	    const struct inbox_writing *w, int64_t copy)
{
	scope_change c;
	struct store_handle h;
	struct store_inbox_file f;
	/* durable before the bytes change: they are not whole from now on */
	int rc = inbox_change_begin(inbox, &c);

	if (rc)
		return rc;
	rc = store_inbox_get(c.txn.db, seen->id, &f, &c.err);
	if (rc < 0)
		return inbox_errno(rc, &c.err);
	if (!rc)
		return -ESTALE;
	if (w->handle && w->req->resent) {
		rc = store_handle_get(c.txn.db, inbox->session, w->handle, &h,
				      &c.err);
		/* Done before: it is open, so nothing was copied now. */
		if (rc)
			return rc < 0 ? inbox_errno(rc, &c.err) : 0;
	}
	if (f.blob != seen->blob || f.submission != seen->submission)
		return 1;
	rc = begin_writing(&c, &f, w, copy);
	if (!rc)
		rc = inbox_change_commit(&c);
	if (!rc && (!w->keep || w->size == 0))
		inbox_release_forgive(inbox, f.id);
	return rc;
}

/*
 * Bytes that a submission holds are copied before the transaction begins, so
 * that nobody waits for a large copy; then it is seen whether they are still
 * the file's.
 */
int
inbox_begin_writing(struct inbox *inbox, int64_t id,
		    const struct inbox_writing *w)
{
	int rc;

	do {
		struct error err = ERROR_INIT;
		struct store_inbox_file f;
		int64_t copy = 0;
		size_t department;

		rc = inbox_row(inbox, id, &f);
		if (rc)
			return rc;
		department = inbox_quota_of(inbox->quota, f.resource);
		/* A judged file must not go when another cannot come. */
		if (f.submission)
			rc = inbox_room_of(inbox, department);
		if (rc)
			return rc;
		if (f.submission && w->keep && w->size != 0) {
			rc = inbox_blob_copy(inbox, department, f.blob, &copy,
					     &err);
			if (rc)
				return inbox_errno(rc, &err);
		}
		if (copy)
			inbox_was_tick(inbox, copy);
		rc = try_writing(inbox, &f, w, copy);
		if (rc && copy)
			inbox_blob_discard(inbox, copy);
	} while (rc > 0);
	return rc;
}

/* ---- open ---------------------------------------------------------------- */

static int
open_upload(struct inbox *inbox, const struct inbox_request *req, int64_t id,
	    int flags)
{
	const struct inbox_writing w = {.req = req,
					.keep = !(flags & O_TRUNC),
					.handle = req->unique,
					.size = -1};
	struct store_inbox_file f;
	int code = inbox_live_open(inbox->live, id);
	int rc;

	if (code)
		return inbox_errno(code, NULL);
	if (for_writing(flags))
		rc = inbox_begin_writing(inbox, id, &w);
	else
		rc = inbox_row(inbox, id, &f);
	if (rc)
		inbox_live_close(inbox->live, id);
	return rc;
}

int
inbox_open_file(struct inbox *inbox, const struct inbox_request *req,
		enum inbox_part part, int64_t id, int flags, uint64_t *ret_fh)
{
	struct inbox_entry e;
	int rc;

	if (part == INBOX_FILE) {
		rc = open_upload(inbox, req, id, flags);
		if (!rc)
			*ret_fh = req->unique;
		return rc;
	}
	if (for_writing(flags))
		return -EPERM;
	rc = inbox_stat(inbox, part, id, &e);
	if (!rc)
		*ret_fh = 0;
	return rc;
}

/* ---- create and mknod ---------------------------------------------------- */

/* A new row and its blob, which is there before the row can be seen. */
static int
add_file(struct inbox_change *c, const struct inbox_request *req,
	 struct store_inbox_file *f)
{
	int rc = inbox_change_make(c, &f->blob);

	if (rc)
		return rc;
	f->uid = req->uid;
	f->gid = req->gid;
	f->writer = req->uid;
	rc = store_inbox_add(&c->txn, f, &c->err);
	return rc ? inbox_errno(rc, &c->err) : 0;
}

/* Whether this CREATE came to an end before, by opening a file that was there:
 * 1 and the file, 0, or a negative errno. */
static int
is_opened(struct inbox_change *c, const struct inbox_request *req,
	  int64_t *ret_file)
{
	struct store_handle h;
	int rc;

	if (!req->resent)
		return 0;
	rc = store_handle_get(c->txn.db, c->inbox->session, req->unique, &h,
			      &c->err);
	if (rc < 0)
		return inbox_errno(rc, &c->err);
	if (rc)
		*ret_file = h.file;
	return rc;
}

/* Makes the file 'f' names; with 'open', also a handle for it. 1 done before
 * or now, f->id is the file; -EEXIST with f->id the one that exists. */
static int
make_file(struct inbox *inbox, const struct inbox_request *req,
	  struct store_inbox_file *f, bool open)
{
	scope_change c;
	struct store_inbox_file there;
	/* a file that nobody has closed may be lost with the machine */
	int rc = inbox_change_begin_light(inbox, &c);

	if (!rc)
		rc = inbox_change_answered(&c, req, &f->id);
	if (!rc && open)
		rc = is_opened(&c, req, &f->id);
	if (rc)
		return rc;
	rc = store_inbox_find(c.txn.db, f->resource, f->key, &there, &c.err);
	if (rc < 0)
		return inbox_errno(rc, &c.err);
	if (rc > 0) {
		f->id = there.id;
		return -EEXIST;
	}
	rc = inbox_room_of(inbox, inbox_quota_of(inbox->quota, f->resource));
	if (!rc)
		rc = add_file(&c, req, f);
	/* the handle tells that it was done: is_opened() */
	if (!rc)
		rc = open ? add_handle(&c, f, req->unique)
			  : inbox_change_answer(&c, req, f->id);
	if (!rc)
		rc = inbox_change_commit(&c);
	return rc ? rc : 1;
}

/* The row of a name that is to be made. */
static int
new_file(int64_t resource, const char *name, mode_t mode,
	 struct store_inbox_file *ret)
{
	int rc = inbox_name_check(name);

	*ret = (struct store_inbox_file){.resource = resource,
					 .mode = mode & 0777};
	if (rc)
		return rc;
	memcpy(ret->name, name, strlen(name) + 1);
	return inbox_name_key(name, ret->key);
}

/* After make_file(): counts the opening, or opens what somebody else made. */
static int
open_made(struct inbox *inbox, const struct inbox_request *req, int64_t id,
	  int flags, int made)
{
	int code;

	if (made == -EEXIST && !(flags & O_EXCL))
		return open_upload(inbox, req, id, flags);
	if (made < 0)
		return made;
	code = inbox_live_open(inbox->live, id);
	if (code) {
		(void)inbox_release(inbox, req, id, req->unique);
		return inbox_errno(code, NULL);
	}
	inbox_live_restart(inbox->live, id);
	return 0;
}

int
inbox_create(struct inbox *inbox, const struct inbox_request *req,
	     int64_t resource, const char *name, mode_t mode, int flags,
	     struct inbox_entry *ret, uint64_t *ret_fh)
{
	struct store_inbox_file f;
	int rc = new_file(resource, name, mode, &f);

	if (rc)
		return rc;
	do {
		rc = make_file(inbox, req, &f, true);
		rc = open_made(inbox, req, f.id, flags, rc);
	} while (rc == -ESTALE); /* the one that existed went */
	if (rc)
		return rc;
	rc = inbox_stat(inbox, INBOX_FILE, f.id, ret);
	if (rc) {
		(void)inbox_release(inbox, req, f.id, req->unique);
		return rc;
	}
	*ret_fh = req->unique;
	return 0;
}

int
inbox_mknod(struct inbox *inbox, const struct inbox_request *req,
	    int64_t resource, const char *name, mode_t mode,
	    struct inbox_entry *ret)
{
	struct store_inbox_file f;
	int rc;

	if ((mode & S_IFMT) && !S_ISREG(mode))
		return -EPERM;
	rc = new_file(resource, name, mode, &f);
	if (!rc)
		rc = make_file(inbox, req, &f, false);
	return rc > 0 ? inbox_stat(inbox, INBOX_FILE, f.id, ret) : rc;
}
