/* The lock between copying and removing: see hold.h. */
#include "store/hold.h"

#include "base/scope.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

#define NAME "gc.lock"

int
store_hold_open(int state_fd, int *ret_fd, struct error *err)
{
	scope_fd fd =
		openat(state_fd, NAME, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	struct stat folder, file;

	if (fd < 0)
		return error_errno(err, errno, "'" NAME "'");
	if (fstat(state_fd, &folder) || fstat(fd, &file))
		return error_errno(err, errno, "'" NAME "'");
	/* root may be the first to ask */
	if (file.st_uid != folder.st_uid &&
	    fchown(fd, folder.st_uid, folder.st_gid))
		return error_errno(err, errno, "'" NAME "'");
	*ret_fd = take_fd(&fd);
	return 0;
}

static int
lock(int fd, int how)
{
	int rc;

	do {
		rc = flock(fd, how);
	} while (rc && errno == EINTR);
	return rc;
}

int
store_hold_share(int fd, struct error *err)
{
	return lock(fd, LOCK_SH) ? error_errno(err, errno, "'" NAME "'") : 0;
}

int
store_hold_try(int fd, struct error *err)
{
	if (!lock(fd, LOCK_EX | LOCK_NB))
		return 1;
	return errno == EWOULDBLOCK ? 0 : error_errno(err, errno, "'" NAME "'");
}

void
store_hold_drop(int fd)
{
	(void)lock(fd, LOCK_UN);
}
