/*
 * Preloaded into civicfsd by the tests: kills the worker at its n-th system
 * call that changes something or answers somebody, so that every moment
 * between two such calls is met on purpose and not by luck.
 *
 * The file that CIVICFS_KILL_AT names is shared by the test and all workers
 * (struct control). Other roles are left alone. The calls go to the kernel
 * directly: no library has to be found first, and none comes in between.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

/* crashlib.py has the same. */
struct control {
	_Atomic int64_t left;  /* the worker dies when it falls to 0 */
	_Atomic int64_t again; /* then this many calls for the next; 0 none */
	_Atomic int64_t kills;
	_Atomic int64_t calls;	/* of workers, ever */
	_Atomic int64_t torn;	/* 1: half of the last write is done */
	_Atomic int64_t number; /* the signal; 0 SIGKILL; LOOP and HANG: the
				 * thread lives on, and does nothing more */
	char where[32];		/* the last call that killed */
};

#define LOOP (-1)
#define HANG (-2)

static struct control *control;
static int is_worker;

__attribute__((constructor)) static void
begin(void)
{
	const char *path = getenv("CIVICFS_KILL_AT");
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

/* Whether this call is the last; the caller may do half of it. */
static int
is_last(const char *where)
{
	if (!control || !is_worker)
		return 0;
	atomic_fetch_add(&control->calls, 1);
	if (atomic_load(&control->left) <= 0 ||
	    atomic_fetch_sub(&control->left, 1) != 1)
		return 0;
	strncpy(control->where, where, sizeof(control->where) - 1);
	return 1;
}

static void
die(void)
{
	int number;

	atomic_store(&control->left, atomic_exchange(&control->again, 0));
	atomic_fetch_add(&control->kills, 1);
	number = (int)atomic_load(&control->number);
	while (number == LOOP)
		;
	while (number == HANG)
		syscall(SYS_pause);
	syscall(SYS_kill, (pid_t)syscall(SYS_getpid),
		number ? number : SIGKILL);
	for (;;)
		syscall(SYS_pause);
}

static void
count(const char *where)
{
	if (is_last(where))
		die();
}

static size_t
half(size_t n)
{
	return atomic_load(&control->torn) ? n / 2 : 0;
}

ssize_t
write(int fd, const void *p, size_t n)
{
	if (is_last("write")) {
		syscall(SYS_write, fd, p, half(n));
		die();
	}
	return syscall(SYS_write, fd, p, n);
}

ssize_t
pwrite(int fd, const void *p, size_t n, off_t offset)
{
	if (is_last("pwrite")) {
		syscall(SYS_pwrite64, fd, p, half(n), offset);
		die();
	}
	return syscall(SYS_pwrite64, fd, p, n, offset);
}

ssize_t
pwrite64(int fd, const void *p, size_t n, off64_t offset)
{
	return pwrite(fd, p, n, offset);
}

/* To /dev/fuse: an answer is given whole or not at all. */
ssize_t
writev(int fd, const struct iovec *parts, int n)
{
	count("writev");
	return syscall(SYS_writev, fd, parts, n);
}

int
fsync(int fd)
{
	count("fsync");
	return (int)syscall(SYS_fsync, fd);
}

int
fdatasync(int fd)
{
	count("fdatasync");
	return (int)syscall(SYS_fdatasync, fd);
}

int
ftruncate(int fd, off_t size)
{
	count("ftruncate");
	return (int)syscall(SYS_ftruncate, fd, size);
}

int
ftruncate64(int fd, off64_t size)
{
	return ftruncate(fd, size);
}

int
unlinkat(int fd, const char *path, int flags)
{
	count("unlinkat");
	return (int)syscall(SYS_unlinkat, fd, path, flags);
}

int
unlink(const char *path)
{
	count("unlink");
	return (int)syscall(SYS_unlink, path);
}

ssize_t
send(int fd, const void *p, size_t n, int flags)
{
	count("send");
	return syscall(SYS_sendto, fd, p, n, flags, NULL, 0);
}

ssize_t
sendmsg(int fd, const struct msghdr *msg, int flags)
{
	count("sendmsg");
	return syscall(SYS_sendmsg, fd, msg, flags);
}

static int
open_at(int dir, const char *path, int flags, mode_t mode)
{
	if (flags & O_CREAT)
		count("open");
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
