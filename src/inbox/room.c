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
#define NOTHING_LEFT (UINT64_C(1) << 20) /* bytes: a write may have failed */

/* What judging a file may write while it is judged, as a multiple of its
 * bytes: staged rows, records with their log, and the chunks of data.csv,
 * data.jsonl, sources/ and changes/. Measured with one theme: 14. */
#define JUDGING 16

static uint64_t
free_bytes(const struct statvfs *fs)
{
	return (uint64_t)fs->f_bavail * fs->f_frsize;
}

/* Bytes that are to stay free. */
static uint64_t
reserved(const struct inbox *inbox, const struct statvfs *fs)
{
	return config_room_bytes(&inbox->reserve,
				 (uint64_t)fs->f_blocks * fs->f_frsize);
}

/* The same share of the inodes, where there is a number of them. */
static bool
has_inodes(const struct statvfs *fs, uint64_t kept)
{
	double size = (double)fs->f_blocks * (double)fs->f_frsize;

	return !fs->f_files || !kept ||
	       (double)fs->f_favail >
		       (double)fs->f_files * ((double)kept / size);
}

int
inbox_room(struct inbox *inbox)
{
	struct statvfs fs;
	uint64_t kept;

	/* What cannot be asked is left to the write itself. */
	if (fstatvfs(store_dir_fd(inbox->store), &fs))
		return 0;
	kept = reserved(inbox, &fs);
	if (kept && (free_bytes(&fs) <= kept || !has_inodes(&fs, kept)))
		return -ENOSPC;
	return 0;
}

bool
inbox_has_room(struct inbox *inbox, uint64_t bytes)
{
	struct statvfs fs;
	uint64_t kept;

	if (fstatvfs(store_dir_fd(inbox->store), &fs))
		return false;
	if (!bytes)
		return free_bytes(&fs) > NOTHING_LEFT;
	kept = reserved(inbox, &fs);
	return free_bytes(&fs) >= kept && free_bytes(&fs) - kept >= bytes &&
	       has_inodes(&fs, kept);
}

/* Verdicts may take of the reserve, so that what was acknowledged gets one;
 * but no more than half of it, or else a quarter of what is left, or nobody
 * could tidy up. */
static uint64_t
left_for_judging(uint64_t bytes, uint64_t kept)
{
	uint64_t quarter = bytes / 4;
	uint64_t above = bytes > kept / 2 ? bytes - kept / 2 : 0;

	return above > quarter ? above : quarter;
}

int
inbox_room_to_judge(struct inbox *inbox, const char *submission, int64_t bytes,
		    struct error *err)
{
	char setting[CONFIG_ROOM_SHOWN];
	struct statvfs fs;
	uint64_t left, needed = (uint64_t)bytes * JUDGING;

	if (fstatvfs(store_dir_fd(inbox->store), &fs))
		return 0;
	left = left_for_judging(free_bytes(&fs), reserved(inbox, &fs));
	if (needed <= left)
		return 0;
	error_set(err, ERR_IO,
		  "submission %s waits: judging it may write %.1f MiB, and "
		  "%.1f MiB are free for that where the state lies (the rest "
		  "is kept by [platform] reserve = %s); make room",
		  submission, (double)needed / MIB, (double)left / MIB,
		  config_room_show(&inbox->reserve, setting));
	if (err)
		err->errnum = ENOSPC;
	return ERR_IO;
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
	kept = reserved(inbox, ret) / (ret->f_frsize ? ret->f_frsize : 1);
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
	char setting[CONFIG_ROOM_SHOWN];
	struct statvfs fs;
	uint64_t kept;

	ret[0] = '\0';
	if (!inbox_room(inbox) || fstatvfs(store_dir_fd(inbox->store), &fs))
		return;
	kept = reserved(inbox, &fs);
	config_room_show(&inbox->reserve, setting);
	if (has_inodes(&fs, kept))
		snprintf(ret, size,
			 "uploads are refused: %.0f MiB are free where the "
			 "state lies, and [platform] reserve = %s keeps %.0f "
			 "MiB; make room",
			 (double)free_bytes(&fs) / MIB, setting,
			 (double)kept / MIB);
	else
		snprintf(ret, size,
			 "uploads are refused: %llu files more are possible "
			 "where the state lies, and [platform] reserve = %s "
			 "keeps as large a share of them; remove files",
			 (unsigned long long)fs.f_favail, setting);
}
