/* The bytes of uploads: files of intake/, made, copied, opened, made durable
 * and removed. Their rows are made and dropped in the caller's transaction. */
#include "inbox/state.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/fs.h>
#include <stdio.h>
#include <sys/ioctl.h>

#include "base/digest.h"
#include "base/io.h"
#include "base/pulse.h"

#define INTAKE "intake"
#define COPY_CHUNK (1 << 20)
#define CONTENT_MOST (16 << 10)	     /* bytes; read and hashed within 50 us */
#define COPY_STEP ((size_t)64 << 20) /* what the kernel copies at once */

int
inbox_blob_open(struct inbox *inbox, int64_t id, int flags)
{
	char path[STORE_BLOB_PATH_MAX];
	int fd;

	store_blob_path(id, path);
	fd = openat(store_dir_fd(inbox->store), path, flags | O_CLOEXEC, 0600);
	return fd < 0 ? -errno : fd;
}

int
inbox_blob_stat(struct inbox *inbox, int64_t id, struct stat *ret)
{
	char path[STORE_BLOB_PATH_MAX];

	store_blob_path(id, path);
	return fstatat(store_dir_fd(inbox->store), path, ret,
		       AT_SYMLINK_NOFOLLOW)
		       ? -errno
		       : 0;
}

void
inbox_blob_unlink(struct inbox *inbox, int64_t id)
{
	char path[STORE_BLOB_PATH_MAX];

	store_blob_path(id, path);
	/* What cannot be removed now is swept at the next start. */
	(void)unlinkat(store_dir_fd(inbox->store), path, 0);
}

int
inbox_blob_create(struct inbox *inbox, int64_t id)
{
	const int flags = O_RDWR | O_CREAT | O_EXCL;
	int fd = inbox_blob_open(inbox, id, flags);

	if (fd != -EEXIST)
		return fd;
	/* No committed row had this number: what is there was left by a
	 * transaction that did not come about. */
	inbox_blob_unlink(inbox, id);
	return inbox_blob_open(inbox, id, flags);
}

int
inbox_blob_add(struct inbox *inbox, struct store_txn *txn, int64_t *ret_id,
	       int *ret_fd, struct error *err)
{
	int64_t id;
	int fd, rc = store_blob_add(txn, clock_now(), &id, err);

	if (rc)
		return rc;
	fd = inbox_blob_create(inbox, id);
	if (fd < 0)
		return error_errno(err, -fd, "cannot make a file in '%s'",
				   INTAKE);
	*ret_id = id;
	*ret_fd = fd;
	return 0;
}

void
inbox_blob_discard(struct inbox *inbox, int64_t id)
{
	scope_txn txn = {0};
	int rc = store_begin(inbox->store, &txn, NULL);

	if (!rc)
		rc = store_blob_drop(&txn, id, NULL);
	if (rc > 0 && store_commit(&txn, NULL) == 0) {
		inbox_blob_unlink(inbox, id);
		inbox_quota_drop(inbox->quota, id);
	}
}

/* ---- copying ------------------------------------------------------------- */

/* For file systems that cannot copy between these files themselves. */
static int
copy_by_hand(int from, int to, off_t at, struct error *err)
{
	scope_free char *chunk = malloc(COPY_CHUNK);

	if (!chunk)
		return error_nomem(err);
	for (;;) {
		ssize_t n = io_pread(from, chunk, COPY_CHUNK, at, err);
		int rc;

		if (n <= 0)
			return (int)n;
		rc = io_pwrite(to, chunk, (size_t)n, at, err);
		if (rc)
			return rc;
		at += n;
	}
}

static int
copy_bytes(int from, int to, struct error *err)
{
	off_t in = 0, out = 0;

	if (ioctl(to, FICLONE, from) == 0)
		return 0;
	for (;;) {
		ssize_t n = copy_file_range(from, &in, to, &out, COPY_STEP, 0);

		pulse_step();
		if (n == 0)
			return 0;
		if (n < 0 && (errno == ENOSPC || errno == EDQUOT))
			return error_errno(err, errno, "cannot copy a file");
		if (n < 0 && errno != EINTR)
			return copy_by_hand(from, to, in, err);
	}
}

static int
copy_into(struct inbox *inbox, size_t department, int64_t from, int64_t copy,
	  int to, struct error *err)
{
	scope_fd source = inbox_blob_open(inbox, from, O_RDONLY);
	struct stat st;
	int rc;

	if (source < 0)
		return error_errno(err, -source, "cannot read an upload");
	if (fstat(source, &st))
		return error_errno(err, errno, "cannot look at an upload");
	rc = inbox_quota_charge(inbox->quota, department, copy, st.st_size);
	if (rc)
		return error_errno(err, -rc, "cannot copy an upload");
	rc = copy_bytes(source, to, err);
	inbox_quota_written(inbox->quota, copy, to, rc != 0);
	if (rc)
		return rc;
	if (futimens(to, (struct timespec[]){st.st_atim, st.st_mtim}))
		return error_errno(err, errno, "cannot copy a file's times");
	return 0;
}

int
inbox_blob_copy(struct inbox *inbox, size_t department, int64_t from,
		int64_t *ret_id, struct error *err)
{
	scope_txn txn = {0};
	scope_fd fd = -1;
	int64_t id = 0;
	int rc = store_begin(inbox->store, &txn, err);

	if (!rc)
		rc = inbox_blob_add(inbox, &txn, &id, &fd, err);
	if (rc)
		return rc;
	rc = store_commit(&txn, err);
	if (rc)
		return rc; /* another may have the number by now */
	rc = copy_into(inbox, department, from, id, fd, err);
	if (rc) {
		inbox_blob_discard(inbox, id);
		return rc;
	}
	*ret_id = id;
	return 0;
}

/* ---- sweeping ------------------------------------------------------------ */

static void
close_dir(DIR **dir)
{
	if (*dir)
		closedir(*dir);
}

/* The number a name of intake/ stands for; 0 when it stands for none. */
static int64_t
blob_of(const char *name)
{
	char path[STORE_BLOB_PATH_MAX];
	char *end;
	int64_t id = strtoimax(name, &end, 10);

	if (*end || id <= 0)
		return 0;
	store_blob_path(id, path);
	return strcmp(path + sizeof(INTAKE), name) == 0 ? id : 0;
}

int
inbox_blob_sweep(struct inbox *inbox, struct error *err)
{
	scope_reader reader = {0};
	int fd = openat(store_dir_fd(inbox->store), INTAKE,
			O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	__attribute__((cleanup(close_dir))) DIR *dir = NULL;
	struct dirent *e;
	int rc = store_reader_get(inbox->store, &reader, err);

	if (fd >= 0)
		dir = fdopendir(fd);
	if (!dir && fd >= 0)
		close(fd);
	if (!dir)
		return error_errno(err, errno, "cannot read '%s'", INTAKE);
	while (rc >= 0 && (e = readdir(dir))) {
		int64_t id = blob_of(e->d_name);

		if (!id)
			continue;
		rc = store_blob_is_known(reader.db, id, err);
		if (rc == 0)
			inbox_blob_unlink(inbox, id);
	}
	return rc < 0 ? rc : 0;
}

/* ---- the shared descriptor ----------------------------------------------- */

int
inbox_fd(struct inbox *inbox, int64_t id, struct inbox_live_fd **ret)
{
	for (;;) {
		struct inbox_live_fd given = {0};
		struct store_inbox_file f;
		uint64_t generation;
		int rc, fd;

		*ret = inbox_live_find(inbox->live, id, &generation);
		if (*ret)
			return 0;
		rc = inbox_row(inbox, id, &f);
		if (rc)
			return rc;
		fd = inbox_blob_open(inbox, f.blob,
				     f.submission ? O_RDONLY : O_RDWR);
		if (fd < 0)
			return fd == -ENOENT ? -EIO : fd;
		given.fd = fd;
		given.blob = f.blob;
		given.bound = f.submission != 0;
		given.department = inbox_quota_of(inbox->quota, f.resource);
		rc = inbox_live_keep(inbox->live, id, &given, generation, ret);
		if (rc < 0)
			return inbox_errno(rc, NULL);
		if (rc > 0)
			return 0;
	}
}

int
inbox_blob_sync(struct inbox *inbox)
{
	struct error err = ERROR_INIT;
	scope_fd fd = openat(store_dir_fd(inbox->store), INTAKE,
			     O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	return io_sync_dir(fd, &err) ? -err.errnum : 0;
}

int
inbox_blob_content(int fd, unsigned char ret[static DIGEST_SIZE])
{
	char bytes[CONTENT_MOST + 1];
	ssize_t n = inbox_read_at(fd, bytes, sizeof(bytes), 0);

	if (n < 0)
		return (int)n;
	if (n > CONTENT_MOST)
		return 0;
	return digest_bytes(bytes, (size_t)n, ret) ? -ENOMEM : 1;
}

int
inbox_sync(struct inbox *inbox, int64_t id, struct inbox_live_fd *fd,
	   bool data_only)
{
	struct stat st;
	int rc = fstat(fd->fd, &st) ? -errno : 0;

	if (!rc)
		inbox_live_syncing(inbox->live, id, &st);
	if (!rc && (data_only ? fdatasync(fd->fd) : fsync(fd->fd)))
		rc = -errno;
	if (!rc && !atomic_load(&fd->named)) {
		if (!inbox_pool_is_named(inbox->pool, fd->blob))
			rc = inbox_blob_sync(inbox);
		if (!rc)
			atomic_store(&fd->named, true);
	}
	if (rc)
		inbox_live_lost(inbox->live, id, -1, -rc);
	return rc;
}
