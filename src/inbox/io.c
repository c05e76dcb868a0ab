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

/* As many bytes as go, 0 or a negative errno in *ret_rc: the kernel writes
 * mapped pages by this, too, and asks for the rest of none. */
static size_t
write_at(int fd, const char *p, size_t n, off_t offset, int *ret_rc)
{
	size_t put = 0;

	*ret_rc = 0;
	while (put < n) {
		ssize_t got = pwrite(fd, p + put, n - put, offset + (off_t)put);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0) {
			*ret_rc = got < 0 ? -errno : -EIO;
			break;
		}
		put += (size_t)got;
	}
	return put;
}

/* Room for bytes up to 'end', before they are written; afterwards
 * inbox_quota_written(). */
static int
prepare_write(struct inbox *inbox, int64_t id, const struct inbox_live_fd *fd,
	      int64_t end)
{
	int rc = inbox_room(inbox);

	if (!rc && inbox_live_writing(inbox->live, id))
		rc = reopen_handles(inbox, id);
	return rc ? rc
		  : inbox_quota_charge(inbox->quota, fd->department, fd->blob,
				       end);
}

/* A descriptor to write by. What was written is a submission when a close()
 * has been answered with its verdict; who goes on writing begins another. */
static int
fd_to_write(struct inbox *inbox, int64_t id, struct inbox_live_fd **ret)
{
	int rc = inbox_fd(inbox, id, ret);

	while (!rc && (*ret)->bound) {
		struct inbox_request req = {0};
		const struct inbox_writing w = {
			.req = &req, .keep = true, .size = -1};
		struct store_inbox_file f;

		inbox_live_fd_put(*ret);
		*ret = NULL;
		rc = inbox_row(inbox, id, &f);
		req.uid = f.writer;
		if (!rc && !f.handles)
			rc = -EBADF;
		if (!rc)
			rc = inbox_begin_writing(inbox, id, &w);
		if (!rc)
			rc = inbox_fd(inbox, id, ret);
	}
	return rc;
}

ssize_t
inbox_write(struct inbox *inbox, int64_t id, const void *p, size_t n,
	    off_t offset)
{
	scope_live_fd *fd = NULL;
	size_t put = 0;
	int rc = fd_to_write(inbox, id, &fd);

	if (!rc)
		rc = prepare_write(inbox, id, fd, offset + (off_t)n);
	if (!rc) {
		put = write_at(fd->fd, p, n, offset, &rc);
		inbox_quota_written(inbox->quota, fd->blob, fd->fd, rc != 0);
	}
	if (put)
		inbox_live_wrote(inbox->live, id, offset, put);
	if (rc)
		inbox_live_lost(inbox->live, id, offset + (off_t)put, -rc);
	return put ? (ssize_t)put : rc;
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

	/* What takes bytes away is not for files that are copied in; room
	 * beyond the end of a file would be nobody's. */
	if (mode)
		return -EOPNOTSUPP;
	rc = fd_to_write(inbox, id, &fd);
	if (!rc)
		rc = prepare_write(inbox, id, fd, offset + length);
	if (rc)
		return rc;
	do
		rc = fallocate(fd->fd, 0, offset, length) ? -errno : 0;
	while (rc == -EINTR);
	inbox_quota_written(inbox->quota, fd->blob, fd->fd, rc != 0);
	return rc;
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
