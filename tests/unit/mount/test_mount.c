/*
 * The tree through a real mount. Fails if a name is missing or one too many
 * is there, a size is not that of the bytes, an inode stands for other bytes,
 * an open by path after a publish shows the old version, an open file shows
 * the new one, something that must be read-only is not, a listing repeats or
 * loses a name, or any of it does not outlive the worker. Skipped without
 * root and /dev/fuse.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "unit/mount/served.h"

#include "base/clock.h"
#include "base/io.h"
#include "base/scope.h"
#include "store/retain.h"
#include "store/submission.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <locale.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#define SKIPPED 77
#define THEME "themes/enterprise-credit"
#define INBOX "inbox/aic/registrations"

static const char header[] = "uscc,name,penalties\n";

static void
first_version(struct served *s)
{
	world_begin(s->world, "20260101-000001");
	world_put(s->world, 0, 0, "L1;B;Beta, Ltd;5;2026-01-01;Li");
	world_put(s->world, 0, 0, "L2;A;Alpha;7;2026-01-01;Wu");
	world_put(s->world, 1, 0, "A;Alfa;A;3;true");
	world_put(s->world, 2, 0, "P1;A;10.50;1;2026-01-02");
	assert_int_equal(world_end(s->world), 1);
}

/* What the worker and the notifier do after a publish. */
static void
tell_kernel(struct served *s)
{
	scope_buf m = BUF_INIT;

	mount_settle_names(s->mount);
	assert_int_equal(
		mount_invalidate_theme(s->mount, s->world->theme.id, &m, NULL),
		0);
	assert_int_equal(mount_notify_write(s->fuse_fd, m.data, m.len, NULL),
			 0);
}

static void
second_version(struct served *s)
{
	world_begin(s->world, "20260101-000002");
	world_remove(s->world, 0, 0, "L1");
	world_put(s->world, 0, 0, "L3;C/..;Gamma;7;2026-01-01;");
	assert_int_equal(world_end(s->world), 2);
	tell_kernel(s);
}

static int
open_at(struct served *s, const char *path, int flags)
{
	int fd = openat(s->root, path, flags | O_CLOEXEC, 0644);

	return fd < 0 ? -errno : fd;
}

static struct stat
stat_at(struct served *s, const char *path)
{
	struct stat st;

	if (fstatat(s->root, path, &st, AT_SYMLINK_NOFOLLOW))
		fail_msg("stat '%s': %s", path, strerror(errno));
	return st;
}

static void
expect_errno(int rc, int errnum, const char *what)
{
	if (rc == 0 || errno != errnum)
		fail_msg("%s: %d, %s", what, rc, strerror(errno));
}

static void
expect_none(struct served *s, const char *path)
{
	struct stat st;

	expect_errno(fstatat(s->root, path, &st, 0), ENOENT, path);
}

/* The names of a folder, sorted, each with a blank behind it. */
static char *
names_of(struct served *s, const char *path)
{
	static char text[8192];
	struct dirent **list;
	char full[512];
	int n;

	snprintf(full, sizeof(full), "%s/%s", s->point, path);
	n = scandir(full, &list, NULL, alphasort);
	if (n < 0)
		fail_msg("list '%s': %s", path, strerror(errno));
	text[0] = '\0';
	for (int i = 0; i < n; i++) {
		if (list[i]->d_name[0] != '.' &&
		    strlen(text) + strlen(list[i]->d_name) + 2 < sizeof(text))
			strcat(strcat(text, list[i]->d_name), " ");
		free(list[i]);
	}
	free(list);
	return text;
}

/* ---- before the first data ----------------------------------------------- */

static void
test_before_the_first_data(void **state)
{
	struct served *s = *state;

	setlocale(LC_ALL, "C");
	assert_string_equal(names_of(s, "."),
			    "README.txt catalogue inbox themes ");
	assert_string_equal(names_of(s, "catalogue"),
			    "aic env humen index.csv tax ");
	assert_string_equal(names_of(s, "catalogue/aic/registrations"),
			    "README.txt descriptor.ini status.json "
			    "tableschema.json template.csv template.xlsx ");
	assert_string_equal(names_of(s, "inbox/aic"),
			    "archive registrations trial ");
	assert_string_equal(names_of(s, "inbox/aic/trial"), "registrations ");
	assert_string_equal(names_of(s, "inbox/aic/trial/registrations"), "");
	assert_string_equal(names_of(s, "inbox/aic/archive/registrations"), "");
	assert_string_equal(names_of(s, THEME),
			    "README.txt SHA256SUMS changes conflicts.csv "
			    "data.csv data.jsonl datapackage.json orphans.csv "
			    "sources subjects versions ");
	assert_string_equal(names_of(s, THEME "/versions"),
			    "current index.csv ");
	assert_string_equal(names_of(s, THEME "/sources"),
			    "aic.registrations.csv env.penalties.csv "
			    "tax.ratings.csv ");
	served_expect(s, THEME "/data.csv", header);
	served_expect(s, THEME "/data.jsonl", "");
	served_expect(s, THEME "/versions/current", "0\n");
	served_expect(s, "catalogue/aic/registrations/template.csv",
		      "licence_no,uscc,name,capital,updated_on,contact\n");
	served_expect(s, "catalogue/aic/registrations/descriptor.ini",
		      "[resource]\n");
	expect_none(s, THEME "/versions/1");
	expect_none(s, THEME "/versions/0");
	expect_none(s, THEME "/versions/2026-01-01");
	expect_none(s, THEME "/changes/1.csv");
	expect_none(s, THEME "/subjects/A.json");
	expect_none(s, "themes/other");
	expect_none(s, "nothing");
}

/* ---- versions ------------------------------------------------------------ */

static void
test_versions(void **state)
{
	struct served *s = *state;
	scope_buf bytes = BUF_INIT;
	int old, fresh;
	char now[64] = "";

	first_version(s);
	served_expect(s, THEME "/data.csv",
		      "uscc,name,penalties\nA,Alpha,1\nB,\"Beta, Ltd\",0\n");
	served_expect(s, THEME "/versions/current", "1\n");
	old = open_at(s, THEME "/data.csv", O_RDONLY);
	assert_true(old >= 0);
	assert_int_equal(stat_at(s, THEME "/data.csv").st_ino,
			 stat_at(s, THEME "/versions/1/data.csv").st_ino);

	second_version(s);
	fresh = open_at(s, THEME "/data.csv", O_RDONLY);
	assert_true(read(fresh, now, sizeof(now) - 1) > 0);
	assert_string_equal(now,
			    "uscc,name,penalties\nA,Alpha,1\nC/..,Gamma,0\n");
	memset(now, 0, sizeof(now));
	assert_true(read(old, now, sizeof(now) - 1) > 0);
	assert_string_equal(
		now, "uscc,name,penalties\nA,Alpha,1\nB,\"Beta, Ltd\",0\n");
	close(old);
	close(fresh);
	assert_true(stat_at(s, THEME "/data.csv").st_ino !=
		    stat_at(s, THEME "/versions/1/data.csv").st_ino);
	assert_int_equal(stat_at(s, THEME "/data.csv").st_ino,
			 stat_at(s, THEME "/versions/2/data.csv").st_ino);
	/* unchanged bytes: one node through all versions */
	assert_int_equal(
		stat_at(s, THEME "/versions/1/sources/tax.ratings.csv").st_ino,
		stat_at(s, THEME "/sources/tax.ratings.csv").st_ino);
	assert_string_equal(names_of(s, THEME "/versions"),
			    "1 2 current index.csv ");
	assert_string_equal(names_of(s, THEME "/versions/1"),
			    "README.txt SHA256SUMS conflicts.csv data.csv "
			    "data.jsonl datapackage.json orphans.csv sources "
			    "subjects ");
	assert_string_equal(names_of(s, THEME "/changes"), "1.csv 2.csv ");
	served_expect(s, THEME "/changes/2.csv",
		      "change,uscc,name,penalties\n"
		      "delete,B,\"Beta, Ltd\",0\ninsert,C/..,Gamma,0\n");
	served_expect(s, THEME "/changes/0..2.csv",
		      "change,uscc,name,penalties\n"
		      "insert,A,Alpha,1\ninsert,C/..,Gamma,0\n");
	assert_int_equal(stat_at(s, THEME "/changes/0..2.csv").st_size, 64);
	expect_none(s, THEME "/changes/2..2.csv");
	expect_none(s, THEME "/changes/0..3.csv");
	expect_none(s, THEME "/changes/01.csv");
	expect_none(s, THEME "/versions/02");
	expect_none(s, THEME "/versions/1/changes");
	served_read(s, THEME "/versions/index.csv", &bytes);
	assert_non_null(strstr(buf_str(&bytes), "\n2,"));
}

/* A reader of versions/index.csv keeps what it opened. */
static void
test_index_is_cut(void **state)
{
	struct served *s = *state;
	char text[1024] = "";
	int fd;

	first_version(s);
	fd = open_at(s, THEME "/versions/index.csv", O_RDONLY | O_DIRECT);
	if (fd < 0)
		fd = open_at(s, THEME "/versions/index.csv", O_RDONLY);
	second_version(s);
	served_restart(s);
	assert_true(read(fd, text, sizeof(text) - 1) > 0);
	assert_non_null(strstr(text, "\n1,"));
	assert_null(strstr(text, "\n2,"));
	close(fd);
}

static void
test_days(void **state)
{
	struct served *s = *state;
	char target[32] = "";

	first_version(s);
	assert_int_equal(readlinkat(s->root, THEME "/versions/2026-01-31",
				    target, sizeof(target)),
			 1);
	assert_string_equal(target, "1");
	served_expect(s, THEME "/versions/2026-01-31/data.csv",
		      "uscc,name,penalties\nA,Alpha,1\nB,\"Beta, Ltd\",0\n");
	expect_none(s, THEME "/versions/2025-12-31");
	expect_none(s, THEME "/versions/2026-02-30");
	expect_none(s, THEME "/versions/9999-01-01");
	assert_string_equal(names_of(s, THEME "/versions"),
			    "1 current index.csv ");
}

/* SHA256SUMS holds, before the first data and after. */
static void
test_sums(void **state)
{
	struct served *s = *state;
	char command[256];

	for (int version = 0; version < 2; version++) {
		snprintf(command, sizeof(command),
			 "cd %s/" THEME " && sha256sum -c --quiet --strict "
			 "SHA256SUMS",
			 s->point);
		assert_int_equal(system(command), 0);
		if (!version)
			first_version(s);
	}
}

/* ---- subjects ------------------------------------------------------------ */

static void
test_subjects(void **state)
{
	struct served *s = *state;
	scope_buf bytes = BUF_INIT;
	struct stat st;

	first_version(s);
	second_version(s);
	served_read(s, THEME "/subjects/A.json", &bytes);
	assert_non_null(strstr(buf_str(&bytes), "\"subject\": \"A\""));
	st = stat_at(s, THEME "/subjects/A.json");
	assert_int_equal(st.st_size, bytes.len);
	assert_int_equal(st.st_mtim.tv_sec,
			 stat_at(s, THEME "/versions/1").st_mtim.tv_sec);
	/* unchanged in version 2: the same node */
	assert_int_equal(
		st.st_ino,
		stat_at(s, THEME "/versions/1/subjects/A.json").st_ino);
	expect_none(s, THEME "/subjects/B.json");
	assert_true(stat_at(s, THEME "/versions/1/subjects/B.json").st_size >
		    0);
	/* a key that is no name, and its folder: SHA-256 of "A" is 559… */
	assert_true(stat_at(s, THEME "/subjects/C%2F.%2E.json").st_size > 0);
	expect_none(s, THEME "/subjects/C%2F...json");
	expect_none(s, THEME "/subjects/A");
	assert_string_equal(names_of(s, THEME "/subjects/559"), "A.json ");
	assert_int_equal(stat_at(s, THEME "/subjects/559/A.json").st_ino,
			 st.st_ino);
	expect_none(s, THEME "/subjects/558/A.json");
	assert_string_equal(names_of(s, THEME "/subjects/000"), "");
	expect_none(s, THEME "/subjects/55");
	expect_none(s, THEME "/subjects/55A");
}

static void
hide_first_version(struct served *s)
{
	struct error err = ERROR_INIT;
	scope_txn txn = {0};

	assert_int_equal(store_begin(s->world->store, &txn, &err), 0);
	assert_int_equal(
		store_retained_set_first(&txn, s->world->theme.id, 2, &err), 0);
	assert_int_equal(store_commit(&txn, &err), 0);
}

/* The file that has been looked up, without its name. */
static int
open_looked_up(int looked_up)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", looked_up);
	return open(path, O_RDONLY | O_CLOEXEC);
}

static int
count_subject(void *ctx, const struct flow_pin *pin)
{
	*(int *)ctx += pin->kind == FLOW_PIN_SUBJECT;
	return 0;
}

/* Who has looked a subject up opens it: whoever removes what is not open finds
 * that it is; and it is opened no more once it has been looked what is. */
static void
test_subject_is_kept_while_open(void **state)
{
	struct served *s = *state;
	scope_fd looked_up = -1;
	scope_fd fd = -1;
	int n = 0;

	first_version(s);
	second_version(s);
	looked_up = open_at(s, THEME "/versions/1/subjects/B.json", O_PATH);
	assert_true(looked_up >= 0);
	hide_first_version(s);
	fd = open_looked_up(looked_up);
	assert_true(fd >= 0);
	assert_int_equal(mount_each_open(s->mount, count_subject, &n, NULL), 0);
	assert_int_equal(n, 1);
	expect_errno(open_looked_up(looked_up) < 0 ? -1 : 0, ESTALE,
		     "what is kept no longer");
}

/* A key of 100 characters of three bytes has its hash for a name. */
static void
test_long_key(void **state)
{
	struct served *s = *state;
	scope_buf cells = BUF_INIT, key = BUF_INIT, path = BUF_INIT;
	unsigned char digest[DIGEST_SIZE];
	char hex[DIGEST_HEX];

	for (int i = 0; i < 100; i++)
		assert_int_equal(buf_adds(&key, "\xe4\xbc\x81"), 0);
	assert_int_equal(
		buf_addf(&cells, "L9;%s;Long;1;2026-01-01;", buf_str(&key)), 0);
	world_begin(s->world, "20260101-000001");
	world_put(s->world, 0, 0, buf_str(&cells));
	world_put(s->world, 0, 0, "L2;A;Alpha;7;2026-01-01;Wu");
	assert_int_equal(world_end(s->world), 1);
	assert_int_equal(digest_bytes(key.data, key.len, digest), 0);
	digest_hex(digest, sizeof(digest), hex);
	assert_int_equal(buf_addf(&path, THEME "/subjects/sha256-%s.json", hex),
			 0);
	assert_true(stat_at(s, buf_str(&path)).st_size > 0);
	buf_clear(&path);
	assert_int_equal(buf_addf(&path, THEME "/subjects/%.3s", hex), 0);
	assert_non_null(strstr(names_of(s, buf_str(&path)), hex));
	/* a short key has no such name */
	expect_none(s, THEME "/subjects/sha256-559aead08264d5795d3909718cdd05ab"
			     "d49572e84fe55590eef31a88a08fdffd.json");
}

/* ---- all of it ----------------------------------------------------------- */

static int walked;

static int
visit(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	scope_buf bytes = BUF_INIT;
	struct error err = ERROR_INIT;

	(void)ftw;
	if (type == FTW_D && strlen(path) > 4 &&
	    strcmp(path + strlen(path) - 4, "/000") > 0 &&
	    strstr(path, "/subjects/"))
		return 0;
	if (type == FTW_F) {
		if (io_slurp(AT_FDCWD, path, 1 << 24, &bytes, &err))
			fail_msg("%s: %s", path, err.text);
		if ((size_t)st->st_size != bytes.len)
			fail_msg("%s: %lld bytes, not %zu", path,
				 (long long)st->st_size, bytes.len);
		walked++;
	}
	if ((st->st_mode & 07222) && !strstr(path, "/inbox/") && type != FTW_SL)
		fail_msg("%s: mode %o", path, st->st_mode);
	return 0;
}

static void
test_sizes(void **state)
{
	struct served *s = *state;

	walked = 0;
	first_version(s);
	assert_int_equal(nftw(s->point, visit, 16, FTW_PHYS), 0);
	assert_true(walked > 40);
	served_restart(s);
	assert_int_equal(nftw(s->point, visit, 16, FTW_PHYS), 0);
}

static void
test_read_only(void **state)
{
	struct served *s = *state;
	const char *file = THEME "/data.csv", *made = THEME "/new";

	first_version(s);
	assert_int_equal(open_at(s, file, O_WRONLY), -EROFS);
	assert_int_equal(open_at(s, file, O_RDONLY | O_TRUNC), -EROFS);
	assert_int_equal(open_at(s, made, O_CREAT | O_WRONLY), -EROFS);
	expect_errno(mkdirat(s->root, made, 0755), EROFS, "mkdir");
	expect_errno(symlinkat("x", s->root, made), EROFS, "symlink");
	expect_errno(linkat(s->root, file, s->root, made, 0), EROFS, "link");
	expect_errno(mknodat(s->root, made, S_IFIFO | 0644, 0), EROFS, "mknod");
	expect_errno(unlinkat(s->root, file, 0), EROFS, "unlink");
	expect_errno(unlinkat(s->root, THEME "/versions", AT_REMOVEDIR), EROFS,
		     "rmdir");
	expect_errno(renameat(s->root, file, s->root, made), EROFS, "rename");
	expect_errno(fchmodat(s->root, file, 0666, 0), EROFS, "chmod");
	expect_errno(fchownat(s->root, file, 1, 1, 0), EROFS, "chown");
	expect_errno(utimensat(s->root, file, NULL, 0), EROFS, "utimens");
	expect_errno(unlinkat(s->root, "inbox/aic", AT_REMOVEDIR), EROFS,
		     "rmdir of a department");
}

static void
test_attributes(void **state)
{
	struct served *s = *state;
	char path[256], value[256] = "";

	first_version(s);
	second_version(s);
	snprintf(path, sizeof(path), "%s/" THEME "/sources/tax.ratings.csv",
		 s->point);
	assert_int_equal(
		getxattr(path, "user.civicfs.version", value, sizeof(value)),
		1);
	assert_string_equal(value, "1");
	assert_int_equal(
		getxattr(path, "user.civicfs.source", value, sizeof(value)),
		11);
	assert_memory_equal(value, "tax/ratings", 11);
	assert_int_equal(getxattr(path, "user.civicfs.submission", NULL, 0),
			 15);
	expect_errno((int)getxattr(path, "user.civicfs.sha256", value,
				   sizeof(value)),
		     ENODATA, "a hash nobody asked for");
	expect_errno((int)getxattr(path, "user.other", value, sizeof(value)),
		     ENODATA, "another attribute");
	expect_errno((int)getxattr(path, "user.civicfs.source", value, 3),
		     ERANGE, "too little room");
	assert_int_equal(listxattr(path, value, sizeof(value)), 65);
	expect_errno(setxattr(path, "user.civicfs.version", "9", 1, 0), EPERM,
		     "an attribute of ours");
	expect_errno(setxattr(path, "user.x", "9", 1, 0), EROFS,
		     "an attribute");
	snprintf(path, sizeof(path), "%s/" THEME "/data.csv", s->point);
	assert_int_equal(
		getxattr(path, "user.civicfs.version", value, sizeof(value)),
		1);
	assert_int_equal(value[0], '2');
	snprintf(path, sizeof(path), "%s/" THEME "/README.txt", s->point);
	assert_int_equal(
		getxattr(path, "user.civicfs.sha256", value, sizeof(value)),
		64);
}

/* ---- the inbox ----------------------------------------------------------- */

static void
test_inbox(void **state)
{
	struct served *s = *state;
	char path[256], bytes[32] = "";
	int fd = open_at(s, INBOX "/june.csv", O_CREAT | O_EXCL | O_RDWR);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, "a,b\n1,2\n", 8), 8);
	assert_int_equal(fsync(fd), 0);
	served_restart(s);
	assert_int_equal(write(fd, "3,4\n", 4), 4);
	assert_int_equal(pread(fd, bytes, sizeof(bytes), 0), 12);
	assert_int_equal(close(fd), 0);
	assert_int_equal(s->inbox->flushed, 1);
	served_expect(s, INBOX "/june.csv", "a,b\n1,2\n3,4\n");
	assert_int_equal(s->inbox->flushed, 1); /* not by readers */
	assert_string_equal(names_of(s, INBOX), "june.csv ");
	assert_int_equal(renameat(s->root, INBOX "/june.csv", s->root,
				  INBOX "/六月.csv"),
			 0);
	assert_string_equal(names_of(s, INBOX), "六月.csv ");
	assert_int_equal(truncate((snprintf(path, sizeof(path),
					    "%s/" INBOX "/六月.csv", s->point),
				   path),
				  4),
			 0);
	served_expect(s, INBOX "/六月.csv", "a,b\n");
	assert_int_equal(getxattr(path, "user.civicfs.status", NULL, 0), 9);
	assert_int_equal(unlinkat(s->root, INBOX "/六月.csv", 0), 0);
	expect_none(s, INBOX "/六月.csv");
	assert_string_equal(names_of(s, INBOX), "");
	for (int i = 0; i < 100 && s->inbox->released < s->inbox->opened; i++)
		usleep(10000);
	assert_int_equal(s->inbox->released, s->inbox->opened);
}

/* u::rw-,g::r--,o::r-- */
static const struct {
	uint32_t version;
	struct {
		uint16_t tag, perm;
		uint32_t id;
	} entries[3];
} acl = {2, {{1, 6, UINT32_MAX}, {4, 4, UINT32_MAX}, {32, 4, UINT32_MAX}}};

static void
test_inbox_refusals(void **state)
{
	struct served *s = *state;
	char path[256];
	int fd = open_at(s, INBOX "/june.csv", O_CREAT | O_WRONLY);

	assert_true(fd >= 0);
	close(fd);
	expect_errno(mkdirat(s->root, INBOX "/d", 0755), EPERM, "mkdir");
	expect_errno(symlinkat("x", s->root, INBOX "/l"), EPERM, "symlink");
	expect_errno(linkat(s->root, INBOX "/june.csv", s->root, INBOX "/l", 0),
		     EPERM, "link");
	expect_errno(mknodat(s->root, INBOX "/p", S_IFIFO | 0644, 0), EPERM,
		     "mknod of a pipe");
	expect_errno(renameat(s->root, INBOX "/june.csv", s->root,
			      "inbox/tax/ratings/june.csv"),
		     EXDEV, "rename to another folder");
	expect_errno(renameat(s->root, INBOX "/june.csv", s->root,
			      THEME "/june.csv"),
		     EXDEV, "rename to a theme");
	snprintf(path, sizeof(path), "%s/" INBOX "/june.csv", s->point);
	expect_errno(setxattr(path, "user.civicfs.status", "x", 1, 0), EPERM,
		     "an attribute of ours");
	expect_errno(
		setxattr(path, "system.posix_acl_access", &acl, sizeof(acl), 0),
		EOPNOTSUPP, "an ACL");
	assert_int_equal(mknodat(s->root, INBOX "/new.csv", S_IFREG | 04644, 0),
			 0);
	/* the mode is that of the rules, which name nobody here */
	assert_int_equal(stat_at(s, INBOX "/new.csv").st_mode, S_IFREG | 0600);
}

/* Names are added and removed, and the worker replaced, in the middle of a
 * listing: each name that stays is seen once. */
static void
test_listing(void **state)
{
	struct served *s = *state;
	int seen[500] = {0}, fd;
	DIR *dir;
	struct dirent *e;
	char name[64];

	for (int i = 0; i < 500; i++) {
		snprintf(name, sizeof(name), INBOX "/f%03d.csv", i);
		fd = open_at(s, name, O_CREAT | O_WRONLY);
		assert_true(fd >= 0);
		close(fd);
	}
	fd = open_at(s, INBOX, O_RDONLY | O_DIRECTORY);
	dir = fdopendir(fd);
	for (int n = 0; (e = readdir(dir)); n++) {
		if (e->d_name[0] == 'f')
			seen[atoi(e->d_name + 1)]++;
		if (n == 100)
			served_restart(s);
		if (n % 10 == 0) {
			snprintf(name, sizeof(name), INBOX "/g%03d.csv", n);
			close(open_at(s, name, O_CREAT | O_WRONLY));
			snprintf(name, sizeof(name), INBOX "/f%03d.csv", n);
			if (n < 500)
				unlinkat(s->root, name, 0);
		}
	}
	closedir(dir);
	for (int i = 0; i < 500; i++) {
		if (i % 10)
			assert_int_equal(seen[i], 1);
		else
			assert_true(seen[i] <= 1);
	}
}

static void
test_archive(void **state)
{
	struct served *s = *state;
	struct store_submission sub = {
		.resource = s->world->resource[0][0],
		.name = (char[]){"june.csv"},
		.submitted_by = (char[]){"root"},
	};
	struct error err = ERROR_INIT;
	scope_buf path = BUF_INIT, bytes = BUF_INIT;
	scope_txn txn = {0};

	assert_int_equal(store_begin(s->world->store, &txn, &err), 0);
	assert_int_equal(store_blob_add(&txn, 1, &sub.blob, &err), 0);
	assert_int_equal(store_submission_add(&txn, &sub, CLOCK_NS, &err), 0);
	assert_int_equal(store_commit(&txn, &err), 0);
	assert_int_equal(
		buf_addf(&path, "inbox/aic/archive/registrations/%s", sub.id),
		0);
	assert_string_equal(names_of(s, buf_str(&path)),
			    "june.csv receipt.txt ");
	assert_int_equal(buf_adds(&path, "/june.csv"), 0);
	served_expect(s, buf_str(&path), "a,b\n");
	assert_int_equal(open_at(s, buf_str(&path), O_WRONLY), -EROFS);
	served_read(s, "catalogue/aic/registrations/status.json", &bytes);
	assert_non_null(strstr(buf_str(&bytes), sub.id));
	assert_string_equal(names_of(s, "inbox/tax/archive/ratings"), "");
}

/* ---- another worker ------------------------------------------------------ */

static void
test_restart(void **state)
{
	struct served *s = *state;
	char text[64] = "";
	int fd, folder;

	first_version(s);
	fd = open_at(s, THEME "/data.csv", O_RDONLY);
	folder = open_at(s, THEME "/versions/1", O_RDONLY | O_DIRECTORY);
	second_version(s);
	served_restart(s);
	served_restart(s);
	/* once by each that has ended; the third may be about to */
	assert_in_range(s->begun, 2, 3);
	assert_true(pread(fd, text, sizeof(text) - 1, 0) > 0);
	assert_string_equal(
		text, "uscc,name,penalties\nA,Alpha,1\nB,\"Beta, Ltd\",0\n");
	assert_int_equal(faccessat(folder, "subjects/B.json", R_OK, 0), 0);
	close(fd);
	close(folder);
	assert_string_equal(names_of(s, THEME "/versions"),
			    "1 2 current index.csv ");
}

/* Messages about what the kernel knows and does not. */
static void
test_invalidate(void **state)
{
	struct served *s = *state;
	struct error err = ERROR_INIT;
	scope_buf m = BUF_INIT;

	first_version(s);
	names_of(s, THEME);
	assert_int_equal(
		mount_invalidate_theme(s->mount, s->world->theme.id, &m, NULL),
		0);
	assert_int_equal(mount_invalidate_inbox(s->mount, s->resource_ids[0],
						"六月.csv", &m),
			 0);
	assert_true(m.len < MOUNT_MESSAGE_MAX);
	assert_int_equal(mount_notify_write(s->fuse_fd, m.data, m.len, &err),
			 0);
	served_expect(s, THEME "/versions/current", "1\n");
}

#define MOUNTED(test) \
	cmocka_unit_test_setup_teardown(test, served_setup, served_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		MOUNTED(test_before_the_first_data),
		MOUNTED(test_versions),
		MOUNTED(test_index_is_cut),
		MOUNTED(test_days),
		MOUNTED(test_sums),
		MOUNTED(test_subjects),
		MOUNTED(test_subject_is_kept_while_open),
		MOUNTED(test_long_key),
		MOUNTED(test_sizes),
		MOUNTED(test_read_only),
		MOUNTED(test_attributes),
		MOUNTED(test_inbox),
		MOUNTED(test_inbox_refusals),
		MOUNTED(test_listing),
		MOUNTED(test_archive),
		MOUNTED(test_restart),
		MOUNTED(test_invalidate),
	};

	if (!served_possible())
		return SKIPPED;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
