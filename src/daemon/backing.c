/* Files that the kernel reads by itself: see backing.h. */
#include "daemon/backing.h"

#include "base/scope.h"
#include "daemon/log.h"
#include "mount/mount.h"
#include "mount/node.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <syslog.h>
#include <unistd.h>

#define SEALS (F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW)

struct daemon_backings {
	struct mount_backing list[MOUNT_BACKINGS_MOST];
};

/* ---- the list ------------------------------------------------------------ */

static int
map(struct daemon_shared *shared, int fd, struct error *err)
{
	struct daemon_backings *b = mmap(
		NULL, sizeof(*b), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (b == MAP_FAILED)
		return error_errno(err, errno, "memory for open files");
	if (shared->backings)
		munmap(shared->backings, sizeof(*b));
	if (shared->backings_fd >= 0)
		close(shared->backings_fd);
	shared->backings = b;
	shared->backings_fd = fd;
	return 0;
}

int
daemon_backing_new(struct daemon_shared *shared, struct error *err)
{
	scope_fd fd = memfd_create("backings", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	int rc;

	if (fd < 0 || ftruncate(fd, sizeof(struct daemon_backings)) ||
	    fcntl(fd, F_ADD_SEALS, SEALS))
		return error_errno(err, errno, "memory for open files");
	rc = map(shared, fd, err);
	if (!rc)
		take_fd(&fd);
	return rc;
}

int
daemon_backing_take(struct daemon_shared *shared, int fd, struct error *err)
{
	struct stat st;

	if (fcntl(fd, F_GET_SEALS) != SEALS || fstat(fd, &st) ||
	    st.st_size != sizeof(struct daemon_backings))
		return error_set(err, ERR_PROTOCOL,
				 "its list of open files is none");
	return map(shared, fd, err);
}

void
daemon_backing_forget(struct daemon_shared *shared)
{
	memset(shared->backings, 0, sizeof(*shared->backings));
}

const struct mount_backing *
daemon_backing_list(const struct daemon_shared *shared)
{
	return shared->backings->list;
}

/* The place of a node; of node 0: an empty one. NULL none. */
static struct mount_backing *
find(const struct daemon_shared *shared, uint64_t node)
{
	struct mount_backing *list = shared->backings->list;

	for (size_t i = 0; i < MOUNT_BACKINGS_MOST; i++) {
		if (list[i].node == node)
			return &list[i];
	}
	return NULL;
}

/* ---- asking the kernel --------------------------------------------------- */

struct capabilities {
	struct __user_cap_data_struct part[2];
};

static int
set_capabilities(const struct capabilities *c)
{
	struct __user_cap_header_struct header = {
		.version = _LINUX_CAPABILITY_VERSION_3};

	return syscall(SYS_capset, &header, c->part) ? -errno : 0;
}

static int
get_capabilities(struct capabilities *ret)
{
	struct __user_cap_header_struct header = {
		.version = _LINUX_CAPABILITY_VERSION_3};

	*ret = (struct capabilities){0};
	return syscall(SYS_capget, &header, ret->part) ? -errno : 0;
}

/* What the kernel does with the file later, it does with the rights that the
 * keeper has now: those of the worker's user, and the one that it needs to
 * ask. */
static int
open_as_worker(const struct daemon_shared *shared, int fd, int32_t *ret_id,
	       struct error *err)
{
	struct capabilities all, few;
	int rc = get_capabilities(&all);

	if (rc)
		return error_errno(err, -rc, "capabilities");
	few = all;
	few.part[0].effective &= 1u << CAP_SYS_ADMIN;
	few.part[1].effective = 0;
	setfsgid(shared->users.worker_gid);
	setfsuid(shared->users.worker_uid);
	rc = set_capabilities(&few);
	rc = rc ? error_errno(err, -rc, "capabilities")
		: mount_backing_open(shared->fuse_fd, fd, ret_id, err);
	setfsuid(geteuid());
	setfsgid(getegid());
	if (set_capabilities(&all) && !rc)
		rc = error_errno(err, errno, "capabilities");
	return rc;
}

/* ---- what a worker may have ---------------------------------------------- */

/* Of what it is given the kernel does not look how it is open: what can be
 * written through the mount must be open for writing here. */
static int
check_file(const struct daemon_shared *shared, uint64_t node, int fd)
{
	int access = mount_node_kind(node) == NODE_WRITTEN ? O_RDWR : O_RDONLY;
	struct stat st, state;
	int flags = fcntl(fd, F_GETFL);

	if (flags < 0 || fstat(fd, &st) || fstat(shared->state_dir, &state))
		return -errno;
	if (flags & O_PATH || (flags & O_ACCMODE) != access ||
	    !S_ISREG(st.st_mode) || st.st_dev != state.st_dev ||
	    st.st_uid != shared->users.worker_uid)
		return -EPERM;
	return 0;
}

/* What the kernel holds counts as open for writing as long as anybody has the
 * file open, also for reading: then it would not be known to be whole before
 * its last reader has closed it (inbox_pass_is_over). Who writes through the
 * mount counts by himself. Where there is no /proc it is as it is. */
static int
open_for_reading(int fd)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return open(path, O_RDONLY | O_CLOEXEC);
}

int
daemon_backing_open(struct daemon_shared *shared, uint64_t node, int fd)
{
	struct mount_backing *place = find(shared, node);
	struct error err = ERROR_INIT;
	scope_fd only = -1;
	int32_t id = 0;
	int rc;

	if (!node || fd < 0)
		return -EINVAL;
	if (place)
		return place->id;
	place = find(shared, 0);
	rc = place ? check_file(shared, node, fd) : -ENFILE;
	if (rc)
		return rc;
	if (mount_node_kind(node) == NODE_WRITTEN)
		only = open_for_reading(fd);
	if (open_as_worker(shared, only < 0 ? fd : only, &id, &err)) {
		daemon_log("keeper", LOG_WARNING, "%s", err.text);
		return err.errnum ? -err.errnum : -EIO;
	}
	place->id = id;
	place->node = node;
	return id;
}

void
daemon_backing_close(struct daemon_shared *shared, uint64_t node)
{
	struct mount_backing *place = node ? find(shared, node) : NULL;

	if (!place)
		return;
	mount_backing_close(shared->fuse_fd, place->id);
	*place = (struct mount_backing){0};
}

/* ---- whether it can be --------------------------------------------------- */

static int
open_nameless(const struct daemon_shared *shared)
{
	return openat(shared->state_dir, ".", O_TMPFILE | O_RDWR | O_CLOEXEC,
		      0600);
}

void
daemon_backing_probe(struct daemon_shared *shared, bool agreed)
{
	scope_fd fd = open_nameless(shared);
	struct error err = ERROR_INIT;
	char *why = shared->cannot_pass;
	const size_t size = sizeof(shared->cannot_pass);
	int32_t id;

	*why = '\0';
	if (!agreed)
		snprintf(why, size, "the kernel cannot (before 6.9)");
	else if (fd < 0)
		snprintf(why, size,
			 "the state's file system has no nameless "
			 "files");
	else if (mount_backing_open(shared->fuse_fd, fd, &id, &err))
		snprintf(why, size, "the state's file system: %s", err.text);
	else
		mount_backing_close(shared->fuse_fd, id);
}
