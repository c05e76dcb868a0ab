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

int
inbox_room_of(struct inbox *inbox, size_t department)
{
	int rc = inbox_room(inbox);

	return rc ? rc : inbox_quota_room(inbox->quota, department);
}

/* ---- statfs -------------------------------------------------------------- */

/* A department's share: what it may hold, and of the rest no more than the
 * disk has. */
static void
narrow(const struct inbox_usage *u, struct statvfs *fs)
{
	uint64_t block = fs->f_frsize ? fs->f_frsize : 1;
	uint64_t quota = (uint64_t)u->quota;
	uint64_t used = u->bytes > 0 ? (uint64_t)u->bytes : 0;
	uint64_t left = used < quota ? (quota - used) / block : 0;

	fs->f_blocks = quota / block;
	if (fs->f_bavail > left)
		fs->f_bavail = left;
}

/* Programs that ask first, Explorer for one, must not be told of room that a
 * write would not find. */
int
inbox_statfs(struct inbox *inbox, const char *department, struct statvfs *ret)
{
	struct inbox_usage u = {0};
	uint64_t kept;

	if (fstatvfs(store_dir_fd(inbox->store), ret))
		return -errno;
	kept = reserved(inbox, ret);
	ret->f_bavail = ret->f_bavail > kept ? ret->f_bavail - kept : 0;
	if (!department)
		return 0;
	u = inbox_quota_usage(inbox->quota,
			      inbox_quota_find(inbox->quota, department));
	if (u.quota)
		narrow(&u, ret);
	else
		ret->f_blocks = ret->f_blocks > kept ? ret->f_blocks - kept : 0;
	/* What df calls used is the rest: nobody here has more than others. */
	ret->f_bfree = ret->f_bavail;
	return 0;
}

void
inbox_each_usage(struct inbox *inbox,
		 void (*each)(void *ctx, const struct inbox_usage *u),
		 void *ctx)
{
	for (size_t i = 0; i < inbox_quota_count(inbox->quota); i++) {
		struct inbox_usage u = inbox_quota_usage(inbox->quota, i);

		each(ctx, &u);
	}
}

void
inbox_on_refusal(struct inbox *inbox, void (*told)(void *ctx, const char *text),
		 void *ctx)
{
	inbox_quota_on_refusal(inbox->quota, told, ctx);
}

/* ---- for people ---------------------------------------------------------- */

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
