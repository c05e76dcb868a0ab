/* A keeper that takes over the mount of a dead one: see adopt.h. */
#include "daemon/adopt.h"

#include "base/clock.h"
#include "base/io.h"
#include "base/scope.h"
#include "daemon/backing.h"
#include "daemon/log.h"
#include "daemon/proc.h"
#include "daemon/tree.h"
#include "mount/mount.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <syslog.h>

#define SAY(priority, ...) daemon_log("keeper", priority, __VA_ARGS__)

#define MAGIC UINT64_C(0x6369766963667301) /* and the form of the block */
#define SEALS (F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)
#define DRAIN_NS (10 * CLOCK_NS) /* for the worker to end by itself */
#define DEATH_MS 5000		 /* for a killed one to be gone */
#define FUSE_MAJOR 10
#define FUSE_MINOR 229

/* What a keeper must know of a mount; 'init_len' bytes of INIT follow. */
struct block {
	uint64_t magic;
	int64_t session;
	uint64_t init_len;
	char mountpoint[PATH_MAX];
};

/* ---- made by the keeper that mounts -------------------------------------- */

int
daemon_adopt_prepare(struct daemon_shared *shared, struct error *err)
{
	struct block block = {.magic = MAGIC,
			      .session = shared->session,
			      .init_len = shared->init_len};
	scope_fd fd = memfd_create("handover", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	int rc;

	snprintf(block.mountpoint, sizeof(block.mountpoint), "%s",
		 shared->mountpoint);
	if (fd < 0)
		return error_errno(err, errno, "memory for the next keeper");
	rc = io_write(fd, &block, sizeof(block), err);
	if (!rc)
		rc = io_write(fd, shared->init, shared->init_len, err);
	if (rc)
		return rc;
	if (fcntl(fd, F_ADD_SEALS, SEALS))
		return error_errno(err, errno, "memory for the next keeper");
	if (shared->handover >= 0)
		close(shared->handover);
	shared->handover = take_fd(&fd);
	return 0;
}

/* ---- taken by the next one ----------------------------------------------- */

/* One of the worker's descriptors. */
static int
copy_fd(int process, int number)
{
	return (int)syscall(SYS_pidfd_getfd, process, number, 0);
}

static bool
is_fuse(int fd)
{
	struct stat st;

	return fd >= 0 && !fstat(fd, &st) && S_ISCHR(st.st_mode) &&
	       st.st_rdev == makedev(FUSE_MAJOR, FUSE_MINOR);
}

/* The worker's user could have made it: nothing of it is believed before it
 * is looked at. */
static int
take_block(struct daemon_shared *shared, int fd, struct error *err)
{
	struct block block;
	scope_free unsigned char *init = NULL;
	struct mount_init agreed;
	int rc;

	if (fcntl(fd, F_GET_SEALS) != SEALS ||
	    io_pread(fd, &block, sizeof(block), 0, err) != sizeof(block) ||
	    block.magic != MAGIC || block.init_len > MOUNT_REQUEST_MAX)
		return error_set(err, ERR_PROTOCOL,
				 "it is of another version of civicfs");
	block.mountpoint[sizeof(block.mountpoint) - 1] = '\0';
	if (strcmp(block.mountpoint, shared->mountpoint) != 0)
		return error_set(err, ERR_INVALID, "it is mounted at '%s'",
				 block.mountpoint);
	init = malloc(MOUNT_REQUEST_MAX);
	if (!init)
		return error_nomem(err);
	if (io_pread(fd, init, block.init_len, sizeof(block), err) !=
	    (ssize_t)block.init_len)
		return error_set(err, ERR_PROTOCOL, "its memory is cut off");
	rc = mount_init_reply(init, block.init_len, &agreed, err);
	if (rc)
		return rc;
	shared->init = init;
	init = NULL;
	shared->init_len = block.init_len;
	shared->session = block.session;
	shared->kernel_resends = agreed.resend && !shared->no_resend;
	daemon_backing_probe(shared, agreed.passthrough);
	return 0;
}

static int
take_mount(struct daemon_shared *shared, int process,
	   const struct daemon_note *note, struct error *err)
{
	scope_fd fuse = copy_fd(process, note->fuse_fd);
	scope_fd handover = copy_fd(process, note->handover);
	scope_fd backings = copy_fd(process, note->backings);
	int rc;

	if (fuse < 0 || handover < 0 || backings < 0)
		return error_errno(err, errno, "its descriptors cannot be had");
	if (!is_fuse(fuse))
		return error_set(err, ERR_PROTOCOL, "it has no '/dev/fuse'");
	shared->fuse_fd = fuse;
	if (!daemon_tree_is_alive(shared) ||
	    daemon_tree_is_listed(shared, err) <= 0)
		rc = error_set(err, ERR_NOTFOUND, "it has been unmounted");
	else
		rc = take_block(shared, handover, err);
	if (!rc)
		rc = daemon_backing_take(shared, backings, err);
	if (!rc)
		take_fd(&backings);
	shared->fuse_fd = rc ? -1 : take_fd(&fuse);
	shared->handover = rc ? -1 : take_fd(&handover);
	shared->generation = note->generation;
	return rc;
}

static bool
wait_for_end(int process, int ms)
{
	struct pollfd p = {.fd = process, .events = POLLIN};
	int64_t until = clock_monotonic() + ms * (CLOCK_NS / 1000);
	int n;

	do {
		n = poll(&p, 1, ms);
	} while (n < 0 && errno == EINTR && clock_monotonic() < until);
	return n > 0;
}

/* It hangs: nothing is to be expected of it. */
static bool
is_stopped(pid_t pid)
{
	struct daemon_proc proc;

	return !daemon_proc_read(pid, &proc) && proc.state == 'T';
}

/* Whether it ended by itself. */
static bool
end_worker(const struct daemon_shared *shared, int process, pid_t pid,
	   int signal)
{
	bool gone;

	(void)syscall(SYS_pidfd_send_signal, process, signal, NULL, 0);
	gone = signal != SIGKILL && !is_stopped(pid) &&
	       wait_for_end(process, (int)(DRAIN_NS / (CLOCK_NS / 1000)));
	if (!gone) {
		(void)syscall(SYS_pidfd_send_signal, process, SIGKILL, NULL, 0);
		(void)wait_for_end(process, DEATH_MS);
	}
	/* until the last of its threads has left the kernel */
	for (int i = 0;
	     i < DEATH_MS / 10 && daemon_state_worker(shared->note) == pid; i++)
		poll(NULL, 0, 10);
	return gone;
}

/* Whether the process is the one that wrote the note. */
static bool
is_worker(pid_t pid, const struct daemon_note *note)
{
	struct daemon_proc proc;

	return note->pid == pid && !daemon_proc_read(pid, &proc) &&
	       proc.started == note->started;
}

int
daemon_adopt(struct daemon_shared *shared, bool *ret_clean)
{
	pid_t pid = daemon_state_worker(shared->note);
	struct daemon_note note;
	struct error err = ERROR_INIT;
	scope_fd process = pid ? (int)syscall(SYS_pidfd_open, pid, 0) : -1;
	int rc;

	*ret_clean = false;
	if (!pid || process < 0)
		return 0;
	if (daemon_state_read_note(shared->note, &note) ||
	    !is_worker(pid, &note))
		rc = error_set(&err, ERR_PROTOCOL, "its note is not readable");
	else
		rc = take_mount(shared, process, &note, &err);
	if (rc) {
		SAY(LOG_NOTICE,
		    "ending worker %d, whose keeper has died; its mount "
		    "cannot be taken over: %s",
		    pid, err.text);
		end_worker(shared, process, pid, SIGKILL);
		return 0;
	}
	SAY(LOG_NOTICE, "taking over the mount at '%s' from worker %d",
	    shared->mountpoint, pid);
	if (end_worker(shared, process, pid, SIGUSR1))
		*ret_clean = daemon_state_read_note(shared->note, &note) == 0 &&
			     note.pid == 0;
	return 1;
}
