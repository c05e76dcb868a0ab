/*
 * restore: fills an empty state from a backup (backup.h), and lets its numbers
 * go on higher, so that none that was used after the backup is used again.
 *
 * Every file is compared with SHA256SUMS after it has been copied. As long as
 * the file 'restoring' lies in the state, no daemon takes it.
 */
#include "base/io.h"
#include "base/scope.h"
#include "control/control.h"
#include "control/protocol.h"
#include "ctl/ask.h"
#include "ctl/backup.h"
#include "ctl/keeper.h"
#include "ctl/print.h"
#include "store/backup.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

#define MANIFEST_MOST 65536
#define LINE_MOST 4608

struct restore {
	struct ctl *ctl;
	const char *path; /* of the backup */
	int from, state;  /* folders */
	json_t *manifest;
	int64_t above; /* 0: a million higher */
	struct backup_way way;
	struct backup_progress progress;
	struct store_numbers numbers;
	struct error *err;
};

/* ---- whether it is a whole backup ---------------------------------------- */

static int
broken(struct restore *r, const char *file, const char *why)
{
	return error_set(r->err, ERR_CORRUPT, "'%s/%s' %s: use another backup",
			 r->path, file, why);
}

static int
load_manifest(struct restore *r)
{
	scope_buf text = BUF_INIT;
	int rc = io_slurp(r->from, BACKUP_MANIFEST, MANIFEST_MOST, &text,
			  r->err);

	if (rc == ERR_NOTFOUND || (rc && r->err->errnum == ENOENT))
		return broken(r, BACKUP_MANIFEST,
			      "is missing, so this is no backup, or one that "
			      "was not finished");
	if (rc)
		return rc;
	r->manifest = json_loadb(text.data, text.len, 0, NULL);
	if (!json_is_object(r->manifest) ||
	    !json_is_integer(json_object_get(r->manifest, "sequence")) ||
	    !json_is_string(json_object_get(r->manifest, "sha256sums")))
		return broken(r, BACKUP_MANIFEST, "is not what civicfs wrote");
	if (json_integer_value(json_object_get(
		    r->manifest, "civicfs_backup")) != BACKUP_FORM)
		return error_set(r->err, ERR_INVALID,
				 "'%s' is of another form: restore it with the "
				 "version of civicfs that made it, or a newer "
				 "one",
				 r->path);
	return 0;
}

static int
check_sums(struct restore *r)
{
	const char *expected =
		json_string_value(json_object_get(r->manifest, "sha256sums"));
	unsigned char sha256[DIGEST_SIZE];
	char hex[DIGEST_HEX];
	int64_t bytes;
	int rc = backup_hash(r->from, BACKUP_SUMS, sha256, &bytes, r->err);

	if (rc == ERR_NOTFOUND)
		return broken(r, BACKUP_SUMS, "is missing");
	if (rc)
		return rc;
	digest_hex(sha256, DIGEST_SIZE, hex);
	return strcmp(hex, expected) == 0
		       ? 0
		       : broken(r, BACKUP_SUMS, "is not what civicfs wrote");
}

/* ---- its files ----------------------------------------------------------- */

/* A name that leads out of the folders cannot be civicfs's own. */
static bool
is_ours(const char *name)
{
	static const char *const folders[] = {
		"civicfs.db", "records/", "runs/",  "packs/",
		"intake/",    "audit/",	  "config/"};

	if (strstr(name, ".."))
		return false;
	for (size_t i = 0; i < sizeof(folders) / sizeof(*folders); i++) {
		if (strncmp(name, folders[i], strlen(folders[i])) == 0)
			return true;
	}
	return false;
}

/* To whom the state's folder belongs; a new one is given to the service user
 * with all that is in it by the first start. */
static int
give(struct restore *r, const char *name)
{
	scope_free char *folder = strdup(name);
	char *slash = folder ? strchr(folder, '/') : NULL;
	struct stat st;

	if (!folder)
		return error_nomem(r->err);
	if (fstat(r->state, &st))
		return error_errno(r->err, errno, "state");
	if (slash)
		*slash = '\0';
	if ((slash && fchownat(r->state, folder, st.st_uid, st.st_gid,
			       AT_SYMLINK_NOFOLLOW)) ||
	    fchownat(r->state, name, st.st_uid, st.st_gid, AT_SYMLINK_NOFOLLOW))
		return error_errno(r->err, errno, "'%s'", name);
	return 0;
}

/* Bytes that a person may have changed since are never shared: the backup must
 * stay what it is, whatever becomes of the state. */
static int
put_file(struct restore *r, const char *name, const char *expected)
{
	unsigned char sha256[DIGEST_SIZE];
	char hex[DIGEST_HEX];
	int rc = backup_make_folders(r->state, name, r->err);

	if (!rc)
		rc = backup_file(&r->way, r->from, name, r->state, name, false,
				 sha256, r->err);
	if (rc == ERR_NOTFOUND)
		return broken(r, name, "is missing");
	if (rc)
		return rc;
	digest_hex(sha256, DIGEST_SIZE, hex);
	if (strcmp(hex, expected) != 0)
		return broken(r, name, "has other bytes than it had");
	rc = give(r, name);
	if (rc)
		return rc;
	backup_progress_show(&r->progress, "restoring", r->way.files,
			     r->way.bytes);
	return 0;
}

/* A line of SHA256SUMS. The configuration is for people: it is not put back,
 * but it has to be whole. */
static int
take_line(struct restore *r, char *line)
{
	char *name = line + DIGEST_HEX - 1 + 2;
	unsigned char sha256[DIGEST_SIZE];
	char hex[DIGEST_HEX];
	int64_t bytes;
	int rc;

	line[strcspn(line, "\n")] = '\0';
	if (strlen(line) < DIGEST_HEX + 2 || !is_ours(name))
		return broken(r, BACKUP_SUMS, "has a line that is none");
	line[DIGEST_HEX - 1] = '\0';
	if (strncmp(name, "config/", 7) != 0)
		return put_file(r, name, line);
	rc = backup_hash(r->from, name, sha256, &bytes, r->err);
	if (rc == ERR_NOTFOUND)
		return broken(r, name, "is missing");
	digest_hex(sha256, DIGEST_SIZE, hex);
	if (!rc && strcmp(hex, line) != 0)
		return broken(r, name, "has other bytes than it had");
	return rc;
}

static int
put_files(struct restore *r)
{
	scope_file list = NULL;
	scope_free char *line = malloc(LINE_MOST);
	int fd = openat(r->from, BACKUP_SUMS, O_RDONLY | O_CLOEXEC);
	int rc = 0;

	list = fd < 0 ? NULL : fdopen(fd, "r");
	if (!line)
		return error_nomem(r->err);
	if (!list)
		return error_errno(r->err, errno, "'%s/" BACKUP_SUMS "'",
				   r->path);
	while (!rc && fgets(line, LINE_MOST, list))
		rc = take_line(r, line);
	return rc;
}

/* ---- the state ----------------------------------------------------------- */

/* What a daemon leaves that never had any data. */
static bool
is_nothing(const char *name)
{
	static const char *const names[] = {".", "..", CONTROL_KEEPER_LOCK,
					    "worker.pid", "gc.lock"};

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		if (strcmp(name, names[i]) == 0)
			return true;
	}
	return false;
}

static int
check_empty(const struct restore *r)
{
	scope_fd fd = openat(r->state, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *e;
	char found[256] = "";

	if (!dir)
		return ctl_refuse(CTL_NO, "state '%s': %s",
				  r->ctl->config->state, strerror(errno));
	take_fd(&fd);
	while (!*found && (e = readdir(dir))) {
		if (!is_nothing(e->d_name))
			snprintf(found, sizeof(found), "%s", e->d_name);
	}
	closedir(dir);
	if (!*found)
		return CTL_DONE;
	return ctl_refuse(CTL_NO,
			  "the state '%s' is not empty (it has '%s'): a backup "
			  "is put into an empty one; name another folder in "
			  "[platform] state, or move this one away",
			  r->ctl->config->state, found);
}

/* So that no daemon begins meanwhile. */
static int
lock_state(const struct restore *r, int *ret)
{
	scope_fd lock = openat(r->state, CONTROL_KEEPER_LOCK,
			       O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	if (lock < 0)
		return ctl_refuse(CTL_NO, "'%s/" CONTROL_KEEPER_LOCK "': %s",
				  r->ctl->config->state, strerror(errno));
	if (flock(lock, LOCK_EX | LOCK_NB))
		return ctl_refuse(CTL_NO,
				  "civicfsd runs on '%s': 'civicfs stop' ends "
				  "it",
				  r->ctl->config->state);
	*ret = take_fd(&lock);
	return CTL_DONE;
}

static int
open_folders(struct restore *r)
{
	const char *state = r->ctl->config->state;

	r->from = open(r->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (r->from < 0)
		return ctl_refuse(CTL_NO, "'%s': %s", r->path, strerror(errno));
	if (mkdir(state, 0700) && errno != EEXIST)
		return ctl_refuse(CTL_NO, "cannot make the state '%s': %s",
				  state, strerror(errno));
	r->state = open(state, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (r->state < 0)
		return ctl_refuse(CTL_NO, "state '%s': %s", state,
				  strerror(errno));
	return CTL_DONE;
}

/* ---- all of it ----------------------------------------------------------- */

static int
fill(struct restore *r)
{
	int rc = backup_write(r->state, STORE_RESTORING, "", 0, r->err);

	if (!rc)
		rc = backup_sync(r->state, r->err);
	if (!rc)
		rc = put_files(r);
	if (!rc)
		rc = store_restore_numbers(r->state, r->above, &r->numbers,
					   r->err);
	if (!rc)
		rc = backup_sync(r->state, r->err);
	if (!rc && unlinkat(r->state, STORE_RESTORING, 0))
		rc = error_errno(r->err, errno, "'" STORE_RESTORING "'");
	return rc ? rc : backup_sync(r->state, r->err);
}

static int
restore(struct restore *r)
{
	int rc = load_manifest(r);

	if (!rc)
		rc = check_sums(r);
	if (rc)
		return ctl_refuse(CTL_NO, "%s", r->err->text);
	rc = fill(r);
	backup_progress_end(&r->progress);
	return rc ? ctl_refuse(CTL_NO,
			       "%s; the state '%s' is not complete: empty it "
			       "before the next try",
			       r->err->text, r->ctl->config->state)
		  : CTL_DONE;
}

static int
say(const struct restore *r)
{
	const json_t *sequence = json_object_get(r->manifest, "sequence");
	json_t *facts = json_pack(
		"{s:s, s:I, s:I, s:I, s:I, s:I}", "restored", r->path,
		"sequence", json_integer_value(sequence), "files",
		(json_int_t)r->way.files, "bytes", (json_int_t)r->way.bytes,
		"sequence_above", (json_int_t)r->numbers.sequence,
		"submission_above", (json_int_t)r->numbers.submission);
	int rc = CTL_DONE;

	if (!facts)
		return ctl_refuse(CTL_NO, "no memory");
	if (r->ctl->json)
		rc = ctl_json(facts);
	else
		printf("the state '%s' is that of sequence %lld: %lld files, "
		       "%.1f MiB; submissions go on above number %lld\n",
		       r->ctl->config->state,
		       (long long)json_integer_value(sequence),
		       (long long)r->way.files,
		       (double)r->way.bytes / (1024 * 1024),
		       (long long)r->numbers.submission);
	json_decref(facts);
	return rc;
}

int
ctl_restore(struct ctl *ctl)
{
	const char *above = ctl_value(ctl, "above");
	struct error err = ERROR_INIT;
	struct restore r = {.ctl = ctl,
			    .path = ctl->args[0],
			    .from = -1,
			    .state = -1,
			    .err = &err};
	scope_fd lock = -1;
	int rc;

	if (above && (!control_number(above, &r.above) || !r.above ||
		      r.above > STORE_ABOVE_MAX))
		return ctl_refuse(CTL_USAGE,
				  "--above '%s': give a number from 1 to %lld",
				  above, (long long)STORE_ABOVE_MAX);
	rc = open_folders(&r);
	if (!rc)
		rc = lock_state(&r, &lock);
	if (!rc)
		rc = check_empty(&r);
	if (!rc)
		rc = restore(&r);
	if (!rc)
		rc = say(&r);
	json_decref(r.manifest);
	if (r.from >= 0)
		close(r.from);
	if (r.state >= 0)
		close(r.state);
	return rc;
}
