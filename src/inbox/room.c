/*
 * A full disk stops intake, never reading (SPEC 3, 'reserve'): what is kept
 * free lets people tidy up, and files that were acknowledged get their
 * verdicts, when nothing more can be taken in.
 */
#include "inbox/state.h"

#include <errno.h>
#include <stdio.h>
#include <sys/statvfs.h>

#define MIB (1024.0 * 1024.0)

/* Blocks that are to stay free. */
static uint64_t
reserved(const struct inbox *inbox, const struct statvfs *fs)
{
	return (uint64_t)((double)fs->f_blocks * (double)inbox->reserve / 1e6);
}

int
inbox_room(struct inbox *inbox)
{
	struct statvfs fs;

	/* What cannot be asked is left to the write itself. */
	if (!inbox->reserve || fstatvfs(store_dir_fd(inbox->store), &fs))
		return 0;
	return fs.f_bavail > reserved(inbox, &fs) ? 0 : -ENOSPC;
}

/* Programs that ask first, Explorer for one, must not be told of room that a
 * write would not find. */
int
inbox_statfs(struct inbox *inbox, struct statvfs *ret)
{
	uint64_t kept;

	if (fstatvfs(store_dir_fd(inbox->store), ret))
		return -errno;
	kept = reserved(inbox, ret);
	ret->f_bavail = ret->f_bavail > kept ? ret->f_bavail - kept : 0;
	return 0;
}

void
inbox_hindrance(struct inbox *inbox, char *ret, size_t size)
{
	struct statvfs fs;

	ret[0] = '\0';
	if (!inbox_room(inbox) || fstatvfs(store_dir_fd(inbox->store), &fs))
		return;
	snprintf(ret, size,
		 "uploads are refused: %.0f MiB are free where the state lies, "
		 "and [platform] reserve = %g%% keeps %.0f MiB; make room",
		 (double)fs.f_bavail * (double)fs.f_frsize / MIB,
		 (double)inbox->reserve / 10000,
		 (double)reserved(inbox, &fs) * (double)fs.f_frsize / MIB);
}
