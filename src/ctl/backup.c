/*
 * backup: one moment of the state, taken by this process while the daemon
 * serves, or without one. See backup.h for what comes of it.
 *
 * The two databases are copied from snapshots of one moment. Runs, packs,
 * originals and fix files never change, so they are copied when their turn
 * comes; a lock keeps a gc from removing them. What somebody else may remove
 * meanwhile (an upload, a file that waits for a decision) gets a second name
 * first.
 */
#include "ctl/backup.h"

#include "base/clock.h"
#include "base/scope.h"
#include "config/config.h"
#include "ctl/ask.h"
#include "ctl/keeper.h"
#include "ctl/print.h"
#include "publish/pack.h"
#include "publish/sweep.h"
#include "store/backup.h"
#include "store/hold.h"
#include "store/retain.h"
#include "store/submission.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>

#define KEPT "cache/backup"

struct backup {
	struct ctl *ctl;
	int state, to; /* folders */
	struct store_backup *moment;
	FILE *sums;
	struct backup_way way;
	struct backup_progress progress;
	const char *what; /* is under way */
	struct error *err;
};

/* ---- one file ------------------------------------------------------------ */

static int
note_sum(struct backup *b, const char *name,
	 const unsigned char sha256[static DIGEST_SIZE])
{
	char hex[DIGEST_HEX];

	digest_hex(sha256, DIGEST_SIZE, hex);
	if (fprintf(b->sums, "%s  %s\n", hex, name) < 0)
		return error_errno(b->err, errno, "'" BACKUP_SUMS "'");
	backup_progress_show(&b->progress, b->what, b->way.files, b->way.bytes);
	return 0;
}

/* 'name' of the state under the name it has there or, 'from', another. */
static int
add_file(struct backup *b, const char *from, const char *name, bool immutable)
{
	unsigned char sha256[DIGEST_SIZE];
	int rc = backup_file(&b->way, b->state, from, b->to, name, immutable,
			     sha256, b->err);

	return rc ? rc : note_sum(b, name, sha256);
}

/* A file that was made here. */
static int
add_made(struct backup *b, const char *name)
{
	unsigned char sha256[DIGEST_SIZE];
	int64_t bytes = 0;
	int rc = backup_hash(b->to, name, sha256, &bytes, b->err);

	b->way.files++;
	b->way.bytes += bytes;
	return rc ? rc : note_sum(b, name, sha256);
}

/* ---- what may go meanwhile ----------------------------------------------- */

static void
kept_name(int64_t blob, char name[static STORE_BLOB_PATH_MAX])
{
	snprintf(name, STORE_BLOB_PATH_MAX, KEPT "/%" PRId64, blob);
}

static int
keep_blob(void *ctx, int64_t blob)
{
	const struct backup *b = ctx;
	char from[STORE_BLOB_PATH_MAX], name[STORE_BLOB_PATH_MAX];

	store_blob_path(blob, from);
	kept_name(blob, name);
	/* an upload of no bytes may have lost its file in a crash */
	if (linkat(b->state, from, b->state, name, 0) && errno != ENOENT)
		return error_errno(b->err, errno, "'%s'", from);
	return 0;
}

/* Also what an earlier backup that was killed has left. */
static int
forget_kept(struct backup *b)
{
	scope_fd fd =
		openat(b->state, KEPT, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	const struct dirent *e;
	DIR *dir;

	if (fd < 0)
		return errno == ENOENT ? 0 : error_errno(b->err, errno, KEPT);
	dir = fdopendir(fd);
	if (!dir)
		return error_errno(b->err, errno, KEPT);
	while ((e = readdir(dir)))
		(void)unlinkat(fd, e->d_name, 0);
	take_fd(&fd);
	closedir(dir);
	(void)unlinkat(b->state, KEPT, AT_REMOVEDIR);
	return 0;
}

/* ---- the parts ----------------------------------------------------------- */

static int
show_pages(void *ctx, int64_t done, int64_t all)
{
	struct backup *b = ctx;

	(void)all;
	backup_progress_show(&b->progress, b->what, b->way.files,
			     b->way.bytes + done * 4096);
	return 0;
}

static int
add_database(struct backup *b, enum store_backup_file which, const char *name)
{
	char path[64];
	int rc;

	b->what = name;
	snprintf(path, sizeof(path), "/proc/self/fd/%d/%s", b->to, name);
	rc = backup_make_folders(b->to, name, b->err);
	if (!rc)
		rc = store_backup_copy(b->moment, which, path, show_pages, b,
				       b->err);
	return rc ? rc : add_made(b, name);
}

static int
add_run(void *ctx, int64_t run, int64_t since)
{
	struct backup *b = ctx;
	char name[STORE_RUN_NAME_MAX];

	if (since > store_backup_sequence(b->moment))
		return 0;
	store_run_name(run, name);
	return add_file(b, name, name, true);
}

static int
add_pack(void *ctx, int64_t pack)
{
	struct backup *b = ctx;
	char name[PUBLISH_PACK_NAME_MAX];

	publish_pack_name(pack, name);
	return add_file(b, name, name, true);
}

static int
add_blob(void *ctx, int64_t blob, bool bound)
{
	struct backup *b = ctx;
	char name[STORE_BLOB_PATH_MAX], kept[STORE_BLOB_PATH_MAX];
	int rc;

	store_blob_path(blob, name);
	kept_name(blob, kept);
	if (faccessat(b->state, kept, F_OK, 0) == 0)
		return add_file(b, kept, name, bound);
	rc = add_file(b, name, name, bound);
	return rc == ERR_NOTFOUND && !bound ? 0 : rc;
}

/* Days that have begun go on: what is written then is of later. */
static int
add_audit(struct backup *b)
{
	scope_fd fd =
		openat(b->state, "audit", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	const struct dirent *e;
	DIR *dir;
	int rc = 0;

	if (fd < 0)
		return errno == ENOENT ? 0
				       : error_errno(b->err, errno, "'audit'");
	dir = fdopendir(fd);
	if (!dir)
		return error_errno(b->err, errno, "'audit'");
	take_fd(&fd);
	while (!rc && (e = readdir(dir))) {
		char name[300];

		if (e->d_name[0] == '.' || e->d_type == DT_DIR)
			continue;
		snprintf(name, sizeof(name), "audit/%s", e->d_name);
		rc = backup_make_folders(b->to, name, b->err);
		if (!rc)
			rc = add_file(b, name, name, false);
	}
	closedir(dir);
	return rc;
}

/* ---- the configuration --------------------------------------------------- */

static int
add_config_file(void *ctx, const char *file, struct slice bytes)
{
	struct backup *b = ctx;
	char name[4096];
	int rc;

	if (*file == '/' || strstr(file, ".."))
		return 0;
	snprintf(name, sizeof(name), "config/%s", file);
	rc = backup_make_folders(b->to, name, b->err);
	if (!rc)
		rc = backup_write(b->to, name, bytes.p, bytes.n, b->err);
	return rc ? rc : add_made(b, name);
}

/* ---- all of it ----------------------------------------------------------- */

static int
add_parts(struct backup *b, struct slice config)
{
	struct sql *db = store_backup_db(b->moment);
	/* The files as they are now: the reload of a wrong one is refused, so
	 * they may be ahead of what is in force. */
	int rc = config_each_file(config, add_config_file, b);

	if (!rc)
		rc = add_database(b, STORE_BACKUP_MAIN, "civicfs.db");
	if (!rc)
		rc = add_database(b, STORE_BACKUP_RECORDS,
				  "records/records.db");
	b->what = "runs";
	if (!rc)
		rc = backup_make_folders(b->to, "runs/1", b->err);
	if (!rc)
		rc = store_run_each(db, add_run, b, b->err);
	b->what = "intake";
	if (!rc)
		rc = backup_make_folders(b->to, "intake/1", b->err);
	if (!rc)
		rc = store_blob_each(db, add_blob, b, b->err);
	b->what = "packs";
	if (!rc)
		rc = backup_make_folders(b->to, "packs/1", b->err);
	if (!rc)
		rc = store_pack_each(db, store_backup_sequence(b->moment),
				     add_pack, b, b->err);
	return rc ? rc : add_audit(b);
}

static json_t *
manifest(const struct backup *b, int64_t made_at)
{
	char when[CLOCK_TEXT_MAX], hex[DIGEST_HEX];
	unsigned char sha256[DIGEST_SIZE];
	int64_t bytes;

	if (backup_hash(b->to, BACKUP_SUMS, sha256, &bytes, b->err))
		return NULL;
	digest_hex(sha256, DIGEST_SIZE, hex);
	return json_pack(
		"{s:i, s:s, s:s, s:s, s:I, s:I, s:I, s:s}", "civicfs_backup",
		BACKUP_FORM, "program", PACKAGE_VERSION, "made_at",
		clock_rfc3339(made_at, when), "state", b->ctl->config->state,
		"sequence", (json_int_t)store_backup_sequence(b->moment),
		"files", (json_int_t)b->way.files, "bytes",
		(json_int_t)b->way.bytes, "sha256sums", hex);
}

/* What is durable before it is said that all is there. */
static int
finish(struct backup *b, int64_t made_at)
{
	scope_free char *text = NULL;
	json_t *facts;
	int rc;

	if (fclose(b->sums)) {
		b->sums = NULL;
		return error_errno(b->err, errno, "'" BACKUP_SUMS "'");
	}
	b->sums = NULL;
	rc = backup_sync(b->to, b->err);
	if (rc)
		return rc;
	facts = manifest(b, made_at);
	text = facts ? json_dumps(facts, JSON_INDENT(2)) : NULL;
	json_decref(facts);
	if (!text)
		return b->err->code ? b->err->code : error_nomem(b->err);
	rc = backup_write(b->to, BACKUP_MANIFEST ".part", text, strlen(text),
			  b->err);
	if (!rc)
		rc = backup_sync(b->to, b->err);
	if (!rc &&
	    renameat(b->to, BACKUP_MANIFEST ".part", b->to, BACKUP_MANIFEST))
		rc = error_errno(b->err, errno, "'" BACKUP_MANIFEST "'");
	return rc ? rc : backup_sync(b->to, b->err);
}

static int
make_sums(struct backup *b)
{
	int fd = openat(b->to, BACKUP_SUMS,
			O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	b->sums = fd < 0 ? NULL : fdopen(fd, "w");
	if (!b->sums)
		return error_errno(b->err, errno, "'" BACKUP_SUMS "'");
	return 0;
}

static int
take(struct backup *b, struct slice config)
{
	int64_t made_at;
	int rc = forget_kept(b);

	if (!rc)
		rc = backup_make_folders(b->state, KEPT "/1", b->err);
	if (!rc)
		rc = store_backup_begin(b->state, keep_blob, b, &b->moment,
					b->err);
	made_at = clock_now();
	if (!rc)
		rc = make_sums(b);
	if (!rc)
		rc = add_parts(b, config);
	if (!rc)
		rc = finish(b, made_at);
	(void)!forget_kept(b);
	return rc;
}

/* ---- the folder ---------------------------------------------------------- */

static bool
is_empty(int folder)
{
	scope_fd fd = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *e;
	bool empty = dir != NULL;

	if (!dir)
		return false;
	take_fd(&fd);
	while (empty && (e = readdir(dir)))
		empty = strcmp(e->d_name, ".") == 0 ||
			strcmp(e->d_name, "..") == 0;
	closedir(dir);
	return empty;
}

static int
open_target(const char *path, int *ret)
{
	scope_fd fd = -1;

	if (mkdir(path, 0700) && errno != EEXIST)
		return ctl_refuse(CTL_NO, "cannot make '%s': %s", path,
				  strerror(errno));
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return ctl_refuse(CTL_NO, "'%s': %s", path, strerror(errno));
	if (!is_empty(fd))
		return ctl_refuse(CTL_NO,
				  "'%s' is not empty: a backup wants a folder "
				  "of its own; name another one",
				  path);
	*ret = take_fd(&fd);
	return CTL_DONE;
}

static int
say(const struct backup *b, const char *path)
{
	json_t *facts = json_pack(
		"{s:s, s:I, s:I, s:I}", "backup", path, "sequence",
		(json_int_t)store_backup_sequence(b->moment), "files",
		(json_int_t)b->way.files, "bytes", (json_int_t)b->way.bytes);
	int rc = CTL_DONE;

	if (!facts)
		return ctl_refuse(CTL_NO, "no memory");
	if (b->ctl->json)
		rc = ctl_json(facts);
	else
		printf("'%s' holds the state of sequence %lld: %lld files, "
		       "%.1f MiB\n",
		       path, (long long)store_backup_sequence(b->moment),
		       (long long)b->way.files,
		       (double)b->way.bytes / (1024 * 1024));
	json_decref(facts);
	return rc;
}

int
ctl_backup(struct ctl *ctl)
{
	struct error err = ERROR_INIT;
	struct backup b = {.ctl = ctl, .what = "configuration", .err = &err};
	scope_fd state = -1, to = -1, hold = -1;
	scope_buf config = BUF_INIT;
	int rc = open_target(ctl->args[0], &to);

	if (rc)
		return rc;
	state = open(ctl->config->state, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (state < 0)
		return ctl_refuse(CTL_NO, "state '%s': %s", ctl->config->state,
				  strerror(errno));
	b.state = state;
	b.to = to;
	/* both before the working directory is the state's */
	rc = config_read_files(ctl->config_path, &config, &err);
	if (!rc)
		rc = store_hold_open(state, &hold, &err);
	if (!rc)
		rc = store_hold_share(hold, &err);
	if (!rc)
		rc = take(&b, buf_slice(&config));
	backup_progress_end(&b.progress);
	rc = rc ? ctl_refuse(CTL_NO, "the backup in '%s' is not complete: %s",
			     ctl->args[0], err.text)
		: say(&b, ctl->args[0]);
	if (b.sums)
		fclose(b.sums);
	store_backup_end(b.moment);
	return rc;
}
