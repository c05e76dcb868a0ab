/*
 * Preloaded into civicfsd by the tests: makes the n-th call of the worker that
 * stores something fail, once or for ever from then on, so that every moment
 * at which a disk can be full or broken is met on purpose.
 *
 * The file that CIVICFS_FAIL_AT names is shared by the test and all workers
 * (struct control). Only regular files and folders count: answers to the
 * kernel and to the command line always go through. Other roles are left
 * alone. The calls go to the kernel directly, as in tests/crash/kill_at.c.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* sweep.py has the same. */
struct control {
	_Atomic int64_t left;	/* the call at which it falls to 0 fails */
	_Atomic int64_t always; /* 1: and all after it */
	_Atomic int64_t errnum;
	_Atomic int64_t fails;
	_Atomic int64_t calls;	/* of workers, ever */
	_Atomic int64_t broken; /* 1: writes are short, and interrupted */
	_Atomic int64_t die;   /* calls after the failure until the worker dies;
				* 0: it does not */
	_Atomic int64_t syncs; /* 1: only calls that make durable can fail */
	char where[32];	       /* the last call that failed */
};

static struct control *control;
static int is_worker;

__attribute__((constructor)) static void
begin(void)
{
	const char *path = getenv("CIVICFS_FAIL_AT");
	void *p;
	int fd;

	fd = path ? (int)syscall(SYS_openat, AT_FDCWD, path, O_RDWR | O_CLOEXEC,
				 0)
		  : -1;
	if (fd < 0)
		return;
	p = mmap(NULL, sizeof(*control), PROT_READ | PROT_WRITE, MAP_SHARED, fd,
		 0);
	close(fd);
	control = p == MAP_FAILED ? NULL : p;
}

/* How a role begins. It is seen here and not asked for later, because the
 * sandbox of the decoder lets nobody ask. */
int
prctl(int option, ...)
{
	unsigned long args[4];
	va_list list;

	va_start(list, option);
	for (int i = 0; i < 4; i++)
		args[i] = va_arg(list, unsigned long);
	va_end(list);
	if (option == PR_SET_NAME && args[0])
		is_worker = strcmp((const char *)args[0], "worker") == 0;
	return (int)syscall(SYS_prctl, option, args[0], args[1], args[2],
			    args[3]);
}

/* Whether this call is to fail; errno is set. */
static int
fails(const char *where)
{
	int64_t left;

	if (!control || !is_worker)
		return 0;
	atomic_fetch_add(&control->calls, 1);
	if (atomic_load(&control->fails) && atomic_load(&control->die) > 0 &&
	    atomic_fetch_sub(&control->die, 1) == 1)
		syscall(SYS_kill, (pid_t)syscall(SYS_getpid), SIGKILL);
	if (atomic_load(&control->syncs) && !strstr(where, "sync"))
		return 0;
	left = atomic_load(&control->left);
	if (left > 0)
		left = atomic_fetch_sub(&control->left, 1) - 1;
	else
		left = -1;
	if (left > 0 || (left < 0 && !atomic_load(&control->always)))
		return 0;
	/* Spent by now, and not yet disarmed. */
	if (left < 0 && !atomic_load(&control->fails))
		return 0;
	atomic_fetch_add(&control->fails, 1);
	strncpy(control->where, where, sizeof(control->where) - 1);
	errno = (int)atomic_load(&control->errnum);
	return 1;
}

static int
is_stored(int fd)
{
	struct stat st;

	return control && is_worker && fstat(fd, &st) == 0 &&
	       (S_ISREG(st.st_mode) || S_ISDIR(st.st_mode));
}

/* B09: every other write is interrupted, and of the rest half is done. 0: as
 * it is; 1: n was changed; -1: interrupted. */
static int
is_broken(size_t *n)
{
	static _Atomic unsigned turn;

	if (!control || !atomic_load(&control->broken))
		return 0;
	if (atomic_fetch_add(&turn, 1) % 2) {
		errno = EINTR;
		return -1;
	}
	*n = *n > 1 ? *n / 2 : *n;
	return 1;
}

ssize_t
write(int fd, const void *p, size_t n)
{
	if (is_stored(fd) && (fails("write") || is_broken(&n) < 0))
		return -1;
	return syscall(SYS_write, fd, p, n);
}

ssize_t
pwrite(int fd, const void *p, size_t n, off_t offset)
{
	if (is_stored(fd) && (fails("pwrite") || is_broken(&n) < 0))
		return -1;
	return syscall(SYS_pwrite64, fd, p, n, offset);
}

ssize_t
pwrite64(int fd, const void *p, size_t n, off64_t offset)
{
	return pwrite(fd, p, n, offset);
}

int
fsync(int fd)
{
	if (fails("fsync"))
		return -1;
	return (int)syscall(SYS_fsync, fd);
}

int
fdatasync(int fd)
{
	if (fails("fdatasync"))
		return -1;
	return (int)syscall(SYS_fdatasync, fd);
}

int
ftruncate(int fd, off_t size)
{
	if (is_stored(fd) && fails("ftruncate"))
		return -1;
	return (int)syscall(SYS_ftruncate, fd, size);
}

int
ftruncate64(int fd, off64_t size)
{
	return ftruncate(fd, size);
}

int
fallocate(int fd, int mode, off_t offset, off_t length)
{
	if (fails("fallocate"))
		return -1;
	return (int)syscall(SYS_fallocate, fd, mode, offset, length);
}

int
fallocate64(int fd, int mode, off64_t offset, off64_t length)
{
	return fallocate(fd, mode, offset, length);
}

int
renameat(int from_dir, const char *from, int to_dir, const char *to)
{
	if (fails("renameat"))
		return -1;
	return (int)syscall(SYS_renameat2, from_dir, from, to_dir, to, 0);
}

int
rename(const char *from, const char *to)
{
	return renameat(AT_FDCWD, from, AT_FDCWD, to);
}

static int
open_at(int dir, const char *path, int flags, mode_t mode)
{
	if ((flags & (O_CREAT | __O_TMPFILE)) && fails("open"))
		return -1;
	return (int)syscall(SYS_openat, dir, path, flags, mode);
}

#define MODE_OF(flags) \
	mode_t mode = 0; \
	va_list args; \
	va_start(args, flags); \
	if ((flags) & (O_CREAT | __O_TMPFILE)) \
		mode = va_arg(args, mode_t); \
	va_end(args)

int
openat(int dir, const char *path, int flags, ...)
{
	MODE_OF(flags);
	return open_at(dir, path, flags, mode);
}

int
openat64(int dir, const char *path, int flags, ...)
{
	MODE_OF(flags);
	return open_at(dir, path, flags, mode);
}

int
open(const char *path, int flags, ...)
{
	MODE_OF(flags);
	return open_at(AT_FDCWD, path, flags, mode);
}

int
open64(const char *path, int flags, ...)
{
	MODE_OF(flags);
	return open_at(AT_FDCWD, path, flags, mode);
}
