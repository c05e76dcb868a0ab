/* Reading and writing whole runs of bytes: see io.h. */
#include "base/io.h"

#include "base/pulse.h"
#include "base/scope.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#define SLURP_STEP 65536

int
io_write(int fd, const void *p, size_t n, struct error *err)
{
	const char *at = p;

	while (n) {
		ssize_t k = write(fd, at, n);

		if (k < 0 && errno == EINTR)
			continue;
		if (k < 0)
			return error_errno(err, errno, "write");
		pulse_step();
		at += k;
		n -= (size_t)k;
	}
	return 0;
}

int
io_pwrite(int fd, const void *p, size_t n, off_t off, struct error *err)
{
	const char *at = p;

	while (n) {
		ssize_t k = pwrite(fd, at, n, off);

		if (k < 0 && errno == EINTR)
			continue;
		if (k < 0)
			return error_errno(err, errno, "write");
		pulse_step();
		at += k;
		off += k;
		n -= (size_t)k;
	}
	return 0;
}

ssize_t
io_read(int fd, void *p, size_t n, struct error *err)
{
	size_t got = 0;

	while (got < n) {
		ssize_t k = read(fd, (char *)p + got, n - got);

		if (k < 0 && errno == EINTR)
			continue;
		if (k < 0)
			return error_errno(err, errno, "read");
		if (k == 0)
			break;
		pulse_step();
		got += (size_t)k;
	}
	return (ssize_t)got;
}

ssize_t
io_pread(int fd, void *p, size_t n, off_t off, struct error *err)
{
	size_t got = 0;

	while (got < n) {
		ssize_t k =
			pread(fd, (char *)p + got, n - got, off + (off_t)got);

		if (k < 0 && errno == EINTR)
			continue;
		if (k < 0)
			return error_errno(err, errno, "read");
		if (k == 0)
			break;
		pulse_step();
		got += (size_t)k;
	}
	return (ssize_t)got;
}

int
io_slurp_open(int fd, const char *name, size_t max, struct buf *b,
	      struct error *err)
{
	size_t start = b->len;

	for (;;) {
		ssize_t k;

		if (buf_reserve(b, SLURP_STEP))
			return error_nomem(err);
		k = io_read(fd, b->data + b->len, SLURP_STEP, err);
		if (k < 0)
			return error_prefix(err, (int)k, "'%s'", name);
		if (k == 0)
			return 0;
		b->len += (size_t)k;
		if (b->len - start > max)
			return error_set(err, ERR_LIMIT,
					 "'%s' is larger than %zu bytes", name,
					 max);
	}
}

int
io_slurp(int dirfd, const char *name, size_t max, struct buf *b,
	 struct error *err)
{
	scope_fd fd = openat(dirfd, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	if (fd < 0)
		return error_errno(err, errno, "cannot open '%s'", name);
	return io_slurp_open(fd, name, max, b, err);
}

int
io_unnamed(struct error *err)
{
	char name[] = "unnamed-XXXXXX";
	int fd = open(".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

	if (fd >= 0)
		return fd;
	/* file systems without O_TMPFILE */
	fd = mkostemp(name, O_CLOEXEC);
	if (fd < 0)
		return error_errno(err, errno,
				   "cannot make a file without a name");
	unlink(name);
	return fd;
}

int
io_sync_dir(int dirfd, struct error *err)
{
	if (fsync(dirfd))
		return error_errno(err, errno, "sync of a folder");
	return 0;
}
