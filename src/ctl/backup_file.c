/* Files of a backup, there and back: see backup.h. */
#include "ctl/backup.h"

#include "base/clock.h"
#include "base/io.h"
#include "base/scope.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#define STEP ((size_t)1 << 20)
#define SHOW_NS (CLOCK_NS / 5)

int
backup_hash(int folder, const char *name, unsigned char ret[static DIGEST_SIZE],
	    int64_t *ret_bytes, struct error *err)
{
	scope_fd fd = openat(folder, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	scope_digest digest = digest_new();
	scope_free char *step = malloc(STEP);
	ssize_t n;

	*ret_bytes = 0;
	if (fd < 0 && errno == ENOENT)
		return error_set(err, ERR_NOTFOUND, "'%s' is missing", name);
	if (fd < 0)
		return error_errno(err, errno, "'%s'", name);
	if (!digest || !step)
		return error_nomem(err);
	(void)posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL);
	while ((n = io_read(fd, step, STEP, err)) > 0) {
		digest_add(digest, step, (size_t)n);
		*ret_bytes += n;
	}
	if (n < 0)
		return error_prefix(err, (int)n, "'%s'", name);
	digest_end(digest, ret);
	return 0;
}

/* ---- copying ------------------------------------------------------------- */

static int
copy_bytes(int in, int out, struct error *err)
{
	scope_free char *step = NULL;
	ssize_t n;

	do {
		n = copy_file_range(in, NULL, out, NULL, (size_t)1 << 30, 0);
	} while (n > 0 || (n < 0 && errno == EINTR));
	if (n == 0)
		return 0;
	if (errno == ENOSPC || errno == EDQUOT)
		return error_errno(err, errno, "no room");
	step = malloc(STEP);
	if (!step)
		return error_nomem(err);
	while ((n = io_read(in, step, STEP, err)) > 0) {
		int rc = io_write(out, step, (size_t)n, err);

		if (rc)
			return rc;
	}
	return (int)n;
}

/* 1 it is there, 0 it is to be copied. */
static int
clone(struct backup_way *way, int in, int out)
{
	if (way->no_clone)
		return 0;
	if (ioctl(out, FICLONE, in) == 0)
		return 1;
	way->no_clone = true;
	return 0;
}

static int
copy(struct backup_way *way, int in, int to, const char *as, struct error *err)
{
	scope_fd out =
		openat(to, as, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	struct stat st;

	if (out < 0)
		return error_errno(err, errno, "'%s'", as);
	if (!clone(way, in, out)) {
		int rc = copy_bytes(in, out, err);

		if (rc)
			return error_prefix(err, rc, "'%s'", as);
	}
	if (fstat(in, &st) ||
	    futimens(out, (struct timespec[]){st.st_atim, st.st_mtim}))
		return error_errno(err, errno, "'%s'", as);
	return 0;
}

int
backup_file(struct backup_way *way, int from, const char *name, int to,
	    const char *as, bool immutable,
	    unsigned char ret[static DIGEST_SIZE], struct error *err)
{
	scope_fd in = openat(from, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	bool there = false;
	int64_t bytes = 0;
	int rc = 0;

	if (in < 0 && errno == ENOENT)
		return error_set(err, ERR_NOTFOUND, "'%s' is missing", name);
	if (in < 0)
		return error_errno(err, errno, "'%s'", name);
	if (immutable && way->no_clone && !way->no_link) {
		there = linkat(from, name, to, as, 0) == 0;
		way->no_link = !there;
	}
	if (!there)
		rc = copy(way, in, to, as, err);
	if (!rc)
		rc = backup_hash(to, as, ret, &bytes, err);
	way->files++;
	way->bytes += bytes;
	return rc;
}

int
backup_make_folders(int folder, const char *name, struct error *err)
{
	scope_free char *path = strdup(name);

	if (!path)
		return error_nomem(err);
	for (char *p = strchr(path, '/'); p; p = strchr(p + 1, '/')) {
		*p = '\0';
		if (mkdirat(folder, path, 0700) && errno != EEXIST)
			return error_errno(err, errno, "'%s'", path);
		*p = '/';
	}
	return 0;
}

int
backup_write(int folder, const char *name, const void *p, size_t n,
	     struct error *err)
{
	scope_fd fd = openat(folder, name,
			     O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	int rc;

	if (fd < 0)
		return error_errno(err, errno, "'%s'", name);
	rc = io_write(fd, p, n, err);
	return rc ? error_prefix(err, rc, "'%s'", name) : 0;
}

int
backup_sync(int folder, struct error *err)
{
	scope_fd fd = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0 || syncfs(fd))
		return error_errno(err, errno, "cannot make it durable");
	return 0;
}

/* ---- progress ------------------------------------------------------------ */

void
backup_progress_show(struct backup_progress *p, const char *what, int64_t files,
		     int64_t bytes)
{
	int64_t now = clock_monotonic();

	if (now - p->shown_at < SHOW_NS || !isatty(STDERR_FILENO))
		return;
	p->shown_at = now;
	p->shown = true;
	fprintf(stderr, "\r%s: %lld files, %.1f MiB\033[K", what,
		(long long)files, (double)bytes / (1024 * 1024));
}

void
backup_progress_end(struct backup_progress *p)
{
	if (p->shown)
		fputs("\r\033[K", stderr);
	p->shown = false;
}
