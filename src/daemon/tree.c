/* The mount, as the keeper makes and ends it: see tree.h. */
#include "daemon/tree.h"

#include "base/io.h"
#include "daemon/adopt.h"
#include "daemon/backing.h"
#include "daemon/log.h"
#include "mount/mount.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <mntent.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/random.h>
#include <sys/statfs.h>
#include <syslog.h>
#include <unistd.h>

#define SAY(priority, ...) daemon_log("keeper", priority, __VA_ARGS__)

#define TYPE "fuse.civicfs"

/*
 * A mount that a dead keeper left: nobody will ever answer it. statfs() is
 * answered by no cache, and while processes of the dead one are still on
 * their way out it waits for the last of them.
 */
void
daemon_tree_clear(const struct daemon_shared *shared)
{
	struct statfs st;

	while (statfs(shared->mountpoint, &st) &&
	       (errno == ENOTCONN || errno == ECONNABORTED)) {
		SAY(LOG_NOTICE, "replacing the dead mount at '%s'",
		    shared->mountpoint);
		if (umount2(shared->mountpoint, MNT_DETACH))
			break;
	}
}

static void
close_table(FILE **table)
{
	if (*table)
		endmntent(*table);
}

int
daemon_tree_is_listed(const struct daemon_shared *shared, struct error *err)
{
	__attribute__((cleanup(close_table))) FILE *table =
		setmntent("/proc/self/mounts", "re");
	char text[2 * PATH_MAX];
	struct mntent entry;

	if (!table)
		return error_errno(err, errno, "cannot list what is mounted");
	while (getmntent_r(table, &entry, text, sizeof(text))) {
		if (strcmp(entry.mnt_type, TYPE) == 0 &&
		    strcmp(entry.mnt_dir, shared->mountpoint) == 0)
			return 1;
	}
	return 0;
}

/* Another state may live here: nothing is ever mounted over it. */
int
daemon_tree_refuse_second(const struct daemon_shared *shared, struct error *err)
{
	int rc = daemon_tree_is_listed(shared, err);

	if (rc > 0)
		return error_set(err, ERR_BUSY,
				 "'%s' has another city mounted: end that "
				 "first, or choose another mount point",
				 shared->mountpoint);
	return rc;
}

static int
mount_tree(struct daemon_shared *shared, struct error *err)
{
	char options[128];

	shared->fuse_fd = open("/dev/fuse", O_RDWR | O_CLOEXEC);
	if (shared->fuse_fd < 0)
		return error_errno(err, errno,
				   "cannot open /dev/fuse (modprobe fuse?)");
	snprintf(options, sizeof(options),
		 "fd=%d,rootmode=40000,user_id=%u,group_id=%u,"
		 "default_permissions,allow_other",
		 shared->fuse_fd, getuid(), getgid());
	if (mount("civicfs", shared->mountpoint, TYPE, MS_NOSUID | MS_NODEV,
		  options))
		return error_errno(err, errno, "cannot mount at '%s'",
				   shared->mountpoint);
	return 0;
}

/* The kernel's first request; the answer is ours, and every worker is told
 * what it was. */
static int
agree(struct daemon_shared *shared, struct error *err)
{
	struct mount_init init;
	ssize_t n;
	int rc;

	shared->init = malloc(MOUNT_REQUEST_MAX);
	if (!shared->init)
		return error_nomem(err);
	do {
		n = read(shared->fuse_fd, shared->init, MOUNT_REQUEST_MAX);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return error_errno(err, errno, "the kernel's first request");
	shared->init_len = (size_t)n;
	rc = mount_init_reply(shared->init, shared->init_len, &init, err);
	if (rc)
		return rc;
	shared->kernel_resends = init.resend && !shared->no_resend;
	rc = io_write(shared->fuse_fd, init.reply, init.reply_len, err);
	if (!rc)
		daemon_backing_probe(shared, init.passthrough);
	return rc;
}

/* A number that no other mount of this state has. */
static int
new_session(struct daemon_shared *shared, struct error *err)
{
	uint64_t number;

	if (getrandom(&number, sizeof(number), 0) != sizeof(number))
		return error_errno(err, errno, "random number");
	shared->session = (int64_t)(number >> 2) + 1;
	return 0;
}

int
daemon_tree_mount(struct daemon_shared *shared, struct error *err)
{
	int rc = new_session(shared, err);

	shared->generation = 0;
	daemon_backing_forget(shared);
	if (!rc)
		rc = mount_tree(shared, err);
	if (!rc)
		rc = agree(shared, err);
	return rc ? rc : daemon_adopt_prepare(shared, err);
}

int
daemon_tree_again(struct daemon_shared *shared, struct error *err)
{
	/* never twice: what lies below is not ours */
	if (umount2(shared->mountpoint, MNT_FORCE))
		umount2(shared->mountpoint, MNT_DETACH);
	if (shared->notifier)
		kill(shared->notifier, SIGKILL); /* it holds /dev/fuse */
	close(shared->fuse_fd);
	free(shared->init);
	shared->init = NULL;
	return daemon_tree_mount(shared, err);
}

bool
daemon_tree_is_alive(const struct daemon_shared *shared)
{
	struct pollfd p = {.fd = shared->fuse_fd};

	return poll(&p, 1, 0) <= 0 || !(p.revents & (POLLERR | POLLHUP));
}
