/* Bytes of uploads are read and written. */
#include "inbox/state.h"

#include <errno.h>
#include <fcntl.h>

ssize_t
inbox_read_at(int fd, void *p, size_t n, off_t offset)
{
	ssize_t got;

	do
		got = pread(fd, p, n, offset);
	while (got < 0 && errno == EINTR);
	return got < 0 ? -errno : got;
}

ssize_t
inbox_read(struct inbox *inbox, enum inbox_part part, int64_t id, void *p,
	   size_t n, off_t offset)
{
	scope_live_fd *fd = NULL;
	int rc;

	if (part != INBOX_FILE)
		return inbox_archive_read(inbox, id, part, p, n, offset);
	rc = inbox_fd(inbox, id, &fd);
	return rc ? rc : inbox_read_at(fd->fd, p, n, offset);
}

/* Something is written after a close was answered: were the machine to die
 * now, the file would not be complete. */
static int
reopen_handles(struct inbox *inbox, int64_t id)
{
	scope_change c;
	int rc = inbox_change_begin(inbox, &c);

	if (rc)
		return rc;
	rc = store_handle_reopened(&c.txn, id, &c.err);
	return rc ? inbox_errno(rc, &c.err) : inbox_change_commit(&c);
}

ssize_t
inbox_write(struct inbox *inbox, int64_t id, const void *p, size_t n,
	    off_t offset)
{
	scope_live_fd *fd = NULL;
	ssize_t put;
	int rc = inbox_fd(inbox, id, &fd);

	if (!rc)
		rc = inbox_room(inbox);
	if (!rc && inbox_live_writing(inbox->live, id))
		rc = reopen_handles(inbox, id);
	if (rc) {
		inbox_live_lost(inbox->live, id, offset, -rc);
		return rc;
	}
	do
		put = pwrite(fd->fd, p, n, offset);
	while (put < 0 && errno == EINTR);
	if (put < 0) {
		rc = -errno;
		inbox_live_lost(inbox->live, id, offset, -rc);
		return rc;
	}
	inbox_live_wrote(inbox->live, id, offset, (size_t)put);
	return put;
}

int
inbox_fsync(struct inbox *inbox, int64_t id, bool data_only)
{
	scope_live_fd *fd = NULL;
	int rc = inbox_fd(inbox, id, &fd);

	return rc ? rc : inbox_sync(inbox, id, fd, data_only);
}

int
inbox_fallocate(struct inbox *inbox, int64_t id, int mode, off_t offset,
		off_t length)
{
	scope_live_fd *fd = NULL;
	int rc;

	/* What takes bytes away is not for files that are copied in. */
	if (mode & ~FALLOC_FL_KEEP_SIZE)
		return -EOPNOTSUPP;
	rc = inbox_fd(inbox, id, &fd);
	if (!rc)
		rc = inbox_room(inbox);
	if (!rc && inbox_live_writing(inbox->live, id))
		rc = reopen_handles(inbox, id);
	if (rc)
		return rc;
	return fallocate(fd->fd, mode, offset, length) ? -errno : 0;
}

off_t
inbox_lseek(struct inbox *inbox, int64_t id, off_t offset, int whence)
{
	scope_live_fd *fd = NULL;
	off_t at;
	int rc = inbox_fd(inbox, id, &fd);

	if (rc)
		return rc;
	/* Nobody uses the position of the shared descriptor. */
	at = lseek(fd->fd, offset, whence);
	return at < 0 ? -errno : at;
}
