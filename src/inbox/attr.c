/* SETATTR: sizes, times, owners, modes. */
#include "inbox/state.h"

#include <errno.h>
#include <fcntl.h>

/* chown to oneself succeeds, for cp -p and for Samba; giving a file away is
 * root's. The kernel has checked that an owner is a member of a new group. */
static int
check_owner(const struct store_inbox_file *f, const struct inbox_request *req,
	    const struct stat *st, unsigned set)
{
	if (req->uid == 0)
		return 0;
	if ((set & INBOX_SET_UID) && st->st_uid != req->uid)
		return -EPERM;
	if ((set & INBOX_SET_GID) && st->st_gid != f->gid &&
	    st->st_gid != req->gid && f->uid != req->uid)
		return -EPERM;
	return 0;
}

/* Mode and owner are the row's; and whatever is set is a touch: a file that
 * has not settled waits again. */
static int
set_row(struct inbox *inbox, const struct inbox_request *req, int64_t id,
	const struct stat *st, unsigned set)
{
	scope_change c;
	struct store_inbox_file f;
	int rc = inbox_change_begin_light(inbox, &c);

	if (rc)
		return rc;
	rc = store_inbox_get(c.txn.db, id, &f, &c.err);
	if (rc < 0)
		return inbox_errno(rc, &c.err);
	if (!rc)
		return -ESTALE;
	rc = check_owner(&f, req, st, set);
	if (rc)
		return rc;
	if (set & INBOX_SET_MODE)
		f.mode = st->st_mode & 0777;
	if (set & INBOX_SET_UID)
		f.uid = st->st_uid;
	if (set & INBOX_SET_GID)
		f.gid = st->st_gid;
	if (f.quiet_since && !f.submission)
		f.quiet_since = clock_now();
	rc = store_inbox_set(&c.txn, &f, &c.err);
	return rc ? inbox_errno(rc, &c.err) : inbox_change_commit(&c);
}

/* The times are those of the blob's file. */
static int
set_times(struct inbox *inbox, int64_t id, const struct stat *st, unsigned set)
{
	const struct timespec keep = {.tv_nsec = UTIME_OMIT};
	scope_live_fd *fd = NULL;
	int rc = inbox_fd(inbox, id, &fd);

	if (rc)
		return rc;
	return futimens(fd->fd,
			(struct timespec[]){
				set & INBOX_SET_ATIME ? st->st_atim : keep,
				set & INBOX_SET_MTIME ? st->st_mtim : keep})
		       ? -errno
		       : 0;
}

static int
set_size(struct inbox *inbox, const struct inbox_request *req, int64_t id,
	 off_t size)
{
	const struct inbox_writing w = {.req = req, .keep = true, .size = size};

	return size < 0 ? -EINVAL : inbox_begin_writing(inbox, id, &w);
}

/* Whether times alone are set of a file that cannot be settling: then the row
 * need not be written. */
static bool
is_quiet(struct inbox *inbox, int64_t id, unsigned set)
{
	struct store_inbox_file f;

	return !(set & (INBOX_SET_MODE | INBOX_SET_UID | INBOX_SET_GID)) &&
	       inbox_row(inbox, id, &f) == 0 &&
	       (f.submission || !f.quiet_since);
}

int
inbox_setattr(struct inbox *inbox, const struct inbox_request *req,
	      enum inbox_part part, int64_t id, const struct stat *st,
	      unsigned set, struct inbox_entry *ret)
{
	const unsigned times = INBOX_SET_ATIME | INBOX_SET_MTIME;
	int rc = 0;

	if (part != INBOX_FILE && set)
		return -EPERM;
	if (set & INBOX_SET_SIZE)
		rc = set_size(inbox, req, id, st->st_size);
	if (!rc && (set & ~INBOX_SET_SIZE) && !is_quiet(inbox, id, set))
		rc = set_row(inbox, req, id, st, set);
	if (!rc && (set & times))
		rc = set_times(inbox, id, st, set);
	if (rc)
		return rc;
	rc = inbox_stat(inbox, part, id, ret);
	if (!rc && set && part == INBOX_FILE)
		inbox_changed_later(inbox, ret->st.st_size);
	return rc;
}
