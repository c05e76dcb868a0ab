/*
 * Uploads that the kernel writes by itself: see inbox.h. It writes as the
 * worker's user, so the file system's own reserve stays; the platform's and the
 * quota are kept by looking often, and by handing over only while there is more
 * room than can be filled between two looks.
 */
#include "inbox/state.h"

#include <errno.h>
#include <fcntl.h>

#define SLACK \
	(UINT64_C(512) << 20) /* bytes; what a fast disk takes in 100 ms */
#define LOOK_AT 256	      /* files at once */

void
inbox_allow_passing(struct inbox *inbox)
{
	inbox->passing = true;
}

/* ---- handing over -------------------------------------------------------- */

static bool
quota_has_room(struct inbox *inbox, int64_t resource)
{
	size_t department = inbox_quota_of(inbox->quota, resource);
	struct inbox_usage u = inbox_quota_usage(inbox->quota, department);

	return !u.quota || u.quota - u.bytes >= (int64_t)SLACK;
}

bool
inbox_may_pass(struct inbox *inbox, const struct inbox_entry *e)
{
	return inbox->passing && e->part == INBOX_FILE && e->blob &&
	       inbox_has_room(inbox, SLACK) &&
	       quota_has_room(inbox, e->resource);
}

int
inbox_turn(struct inbox *inbox, const struct inbox_request *req, int64_t id,
	   int flags, struct inbox_entry *ret)
{
	const struct inbox_writing w = {.req = req,
					.keep = !(flags & O_TRUNC),
					.size = -1,
					.later = true};
	struct store_inbox_file f;
	int rc = inbox_row(inbox, id, &f);

	if (!rc && f.submission)
		rc = inbox_begin_writing(inbox, id, &w);
	return rc ? rc : inbox_stat(inbox, INBOX_FILE, id, ret);
}

bool
inbox_is_passed(struct inbox *inbox, int64_t id, int64_t blob, int64_t mask)
{
	struct store_inbox_file f;

	return inbox_row(inbox, id, &f) == 0 && !f.submission &&
	       (f.blob & mask) == blob;
}

int
inbox_pass(struct inbox *inbox, int64_t id, int64_t blob, int64_t mask)
{
	struct store_inbox_file f;
	int fd, rc = inbox_row(inbox, id, &f);

	if (rc)
		return rc;
	if (f.submission || (f.blob & mask) != blob)
		return -ESTALE;
	fd = inbox_blob_open(inbox, f.blob, O_RDWR);
	if (fd < 0)
		return fd == -ENOENT ? -EIO : fd;
	if (inbox_live_pass(inbox->live, id)) {
		close(fd);
		return -ENOMEM;
	}
	inbox_want_look(inbox);
	return fd;
}

void
inbox_pass_again(struct inbox *inbox, int64_t id)
{
	/* without memory the file is not looked at before it is closed */
	if (!inbox_live_pass(inbox->live, id))
		inbox_want_look(inbox);
}

void
inbox_pass_end(struct inbox *inbox, int64_t id)
{
	inbox_live_passed(inbox->live, id);
}

/* ---- looking ------------------------------------------------------------- */

/* 0, -EDQUOT or -ENOSPC: the file has become this long. */
static int
count(struct inbox *inbox, const struct inbox_live_fd *fd, off_t size)
{
	struct inbox_quota *quota = inbox->quota;
	int rc = inbox_quota_charge(quota, fd->department, fd->blob, size);

	if (rc)
		return rc;
	inbox_quota_written(quota, fd->blob, fd->fd, false);
	return inbox_room(inbox);
}

/* What is too much goes, so that the others have room; whoever goes on writing
 * makes a hole before his bytes. */
static void
cut_off(struct inbox *inbox, int64_t id, const struct inbox_live_fd *fd, int rc)
{
	inbox_live_lost(inbox->live, id, -1, -rc);
	if (!ftruncate(fd->fd, 0))
		(void)!inbox_quota_set(inbox->quota, fd->department, fd->blob,
				       0);
}

/* Whether it grows. */
static bool
look_at(struct inbox *inbox, int64_t id)
{
	scope_live_fd *fd = NULL;
	struct stat st;
	bool grew;
	int rc = 0;

	if (inbox_fd(inbox, id, &fd) || fstat(fd->fd, &st))
		return false;
	grew = inbox_live_grew(inbox->live, id, st.st_size);
	if (grew)
		rc = count(inbox, fd, st.st_size);
	if (rc)
		cut_off(inbox, id, fd, rc);
	else if (!inbox_has_room(inbox, 0))
		inbox_live_lost(inbox->live, id, -1, ENOSPC);
	return grew;
}

void
inbox_pass_look(struct inbox *inbox, int64_t id)
{
	if (inbox_live_is_passed(inbox->live, id))
		look_at(inbox, id);
}

size_t
inbox_pass_look_all(struct inbox *inbox, bool *ret_growing)
{
	int64_t files[LOOK_AT], last = 0;
	size_t n, all = 0;

	*ret_growing = false;
	do {
		n = inbox_live_passing(inbox->live, last, files, LOOK_AT);
		for (size_t i = 0; i < n; i++) {
			last = files[i];
			*ret_growing |= look_at(inbox, last);
		}
		all += n;
	} while (n == LOOK_AT);
	return all;
}

/* ---- the end ------------------------------------------------------------- */

/* A lease for reading is given only where nobody has the file open for writing
 * (fcntl(2), F_SETLEASE), nor mapped so; this process does not, after the
 * descriptor that it shares has been forgotten. Nobody else can open the file
 * but by asking. */
bool
inbox_pass_is_over(struct inbox *inbox, const struct store_inbox_file *f)
{
	scope_fd fd = -1;

	if (!inbox->passing)
		return true;
	inbox_live_rest(inbox->live, f->id);
	fd = inbox_blob_open(inbox, f->blob, O_RDONLY);
	if (fd < 0)
		return true; /* whoever needs its bytes says so */
	if (fcntl(fd, F_SETLEASE, F_RDLCK))
		return errno != EAGAIN;
	(void)fcntl(fd, F_SETLEASE, F_UNLCK);
	return true;
}
