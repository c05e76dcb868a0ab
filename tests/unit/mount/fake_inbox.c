/* See fake_inbox.h. One lock: the mount calls from many threads. */
#include "unit/mount/fake_inbox.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static void
unlock(pthread_mutex_t **m)
{
	pthread_mutex_unlock(*m);
}

#define LOCKED \
	__attribute__((cleanup(unlock))) pthread_mutex_t *locked = &lock; \
	pthread_mutex_lock(locked)

struct inbox *
fake_inbox_new(void)
{
	return calloc(1, sizeof(struct inbox));
}

static struct fake_file *
by_name(struct inbox *inbox, int64_t resource, const char *name)
{
	for (size_t i = 0; i < FAKE_FILES; i++) {
		struct fake_file *f = &inbox->files[i];

		if (f->id && f->resource == resource &&
		    strcmp(f->name, name) == 0)
			return f;
	}
	return NULL;
}

static struct fake_file *
by_id(struct inbox *inbox, enum inbox_part part, int64_t id)
{
	for (size_t i = 0; i < FAKE_FILES; i++) {
		if (part == INBOX_FILE && inbox->files[i].id == id)
			return &inbox->files[i];
	}
	return NULL;
}

static int
fill(const struct fake_file *f, struct inbox_entry *ret)
{
	if (!f)
		return -ENOENT;
	*ret = (struct inbox_entry){.part = INBOX_FILE, .id = f->id};
	strcpy(ret->name, f->name);
	ret->st.st_mode = S_IFREG | f->mode;
	ret->st.st_nlink = 1;
	ret->st.st_size = (off_t)f->n;
	ret->st.st_mtim.tv_sec = 1000;
	return 0;
}

int
inbox_lookup(struct inbox *inbox, int64_t resource, const char *name,
	     struct inbox_entry *ret)
{
	LOCKED;
	return fill(by_name(inbox, resource, name), ret);
}

int
inbox_stat(struct inbox *inbox, enum inbox_part part, int64_t id,
	   struct inbox_entry *ret)
{
	LOCKED;
	return fill(by_id(inbox, part, id), ret);
}

int
inbox_list(struct inbox *inbox, int64_t resource, const char *after,
	   int (*each)(void *ctx, const struct inbox_entry *e), void *ctx)
{
	LOCKED;
	for (size_t i = 0; i < FAKE_FILES; i++) {
		const struct fake_file *f = &inbox->files[i];
		struct inbox_entry e;

		if (!f->id || f->resource != resource ||
		    strcmp(f->name, after) <= 0)
			continue;
		fill(f, &e);
		if (each(ctx, &e))
			break;
	}
	return 0;
}

const char *const inbox_holdings[INBOX_HOLDINGS] = {".~tmp~", ".rsync-partial",
						    ".rsync-tmp"};

int
inbox_holding_named(const char *name)
{
	for (int i = 0; i < INBOX_HOLDINGS; i++) {
		if (strcmp(name, inbox_holdings[i]) == 0)
			return i;
	}
	return -1;
}

int
inbox_list_held(struct inbox *inbox, int64_t resource, const char *holding,
		int (*each)(void *ctx, const struct inbox_entry *e), void *ctx)
{
	(void)inbox;
	(void)resource;
	(void)holding;
	(void)each;
	(void)ctx;
	return 0;
}

static struct fake_file *
make(struct inbox *inbox, int64_t resource, const char *name, mode_t mode)
{
	for (size_t i = 0; i < FAKE_FILES; i++) {
		struct fake_file *f = &inbox->files[i];

		if (f->id)
			continue;
		f->id = ++inbox->last_id;
		f->resource = resource;
		f->mode = mode;
		f->n = 0;
		strcpy(f->name, name);
		return f;
	}
	return NULL;
}

int
inbox_create(struct inbox *inbox, const struct inbox_request *req,
	     int64_t resource, const char *name, mode_t mode, int flags,
	     struct inbox_entry *ret, uint64_t *ret_fh)
{
	struct fake_file *f;

	LOCKED;
	f = by_name(inbox, resource, name);
	if (f && flags & O_EXCL)
		return -EEXIST;
	if (!f)
		f = make(inbox, resource, name, mode);
	*ret_fh = inbox->handle = req->unique;
	inbox->opened++;
	return f ? fill(f, ret) : -ENOSPC;
}

int
inbox_mknod(struct inbox *inbox, const struct inbox_request *req,
	    int64_t resource, const char *name, mode_t mode,
	    struct inbox_entry *ret)
{
	(void)req;
	LOCKED;
	if (by_name(inbox, resource, name))
		return -EEXIST;
	return fill(make(inbox, resource, name, mode), ret);
}

int
inbox_open_file(struct inbox *inbox, const struct inbox_request *req,
		enum inbox_part part, int64_t id, int flags, uint64_t *ret_fh)
{
	struct fake_file *f;

	LOCKED;
	f = by_id(inbox, part, id);
	if (!f)
		return -ESTALE;
	*ret_fh = req->unique;
	inbox->opened++;
	if ((flags & O_ACCMODE) == O_RDONLY)
		return 0;
	inbox->handle = req->unique;
	if (flags & O_TRUNC)
		f->n = 0;
	return 0;
}

ssize_t
inbox_read(struct inbox *inbox, enum inbox_part part, int64_t id, void *p,
	   size_t n, off_t offset)
{
	const struct fake_file *f;

	LOCKED;
	f = by_id(inbox, part, id);
	if (!f)
		return -ESTALE;
	if ((size_t)offset >= f->n)
		return 0;
	if (n > f->n - (size_t)offset)
		n = f->n - (size_t)offset;
	memcpy(p, f->bytes + offset, n);
	return (ssize_t)n;
}

ssize_t
inbox_write(struct inbox *inbox, int64_t id, const void *p, size_t n,
	    off_t offset)
{
	struct fake_file *f;

	LOCKED;
	f = by_id(inbox, INBOX_FILE, id);
	if (!f)
		return -ESTALE;
	if ((size_t)offset + n > FAKE_BYTES)
		return -ENOSPC;
	memcpy(f->bytes + offset, p, n);
	if ((size_t)offset + n > f->n)
		f->n = (size_t)offset + n;
	return (ssize_t)n;
}

int
inbox_flush(struct inbox *inbox, const struct inbox_request *req, int64_t id,
	    uint64_t fh)
{
	(void)req;
	(void)id;
	LOCKED;
	inbox->flushed++;
	return fh == inbox->handle ? 0 : -EIO;
}

int
inbox_complete(struct inbox *inbox, int64_t id, int64_t limit, int64_t *ret)
{
	(void)inbox;
	(void)id;
	(void)limit;
	*ret = 0;
	return 0;
}

int
inbox_fsync(struct inbox *inbox, int64_t id, bool data_only)
{
	(void)inbox;
	(void)id;
	(void)data_only;
	return 0;
}

int
inbox_release(struct inbox *inbox, const struct inbox_request *req, int64_t id,
	      uint64_t fh)
{
	(void)req;
	(void)id;
	(void)fh;
	LOCKED;
	inbox->released++;
	return 0;
}

int
inbox_unlink(struct inbox *inbox, const struct inbox_request *req,
	     int64_t resource, const char *name)
{
	struct fake_file *f;

	(void)req;
	LOCKED;
	f = by_name(inbox, resource, name);
	if (!f)
		return -ENOENT;
	f->id = 0;
	return 0;
}

int
inbox_rename(struct inbox *inbox, const struct inbox_request *req,
	     int64_t resource, const char *from, const char *to, unsigned flags)
{
	struct fake_file *f, *old;

	(void)req;
	(void)flags;
	LOCKED;
	f = by_name(inbox, resource, from);
	old = by_name(inbox, resource, to);
	if (!f)
		return -ENOENT;
	if (old)
		old->id = 0;
	strcpy(f->name, to);
	return 0;
}

int
inbox_setattr(struct inbox *inbox, const struct inbox_request *req,
	      enum inbox_part part, int64_t id, const struct stat *st,
	      unsigned set, struct inbox_entry *ret)
{
	struct fake_file *f;

	(void)req;
	LOCKED;
	f = by_id(inbox, part, id);
	if (!f)
		return -ESTALE;
	if (set & INBOX_SET_SIZE)
		f->n = (size_t)st->st_size;
	return fill(f, ret);
}

int
inbox_fallocate(struct inbox *inbox, int64_t id, int mode, off_t offset,
		off_t length)
{
	(void)inbox;
	(void)id;
	(void)mode;
	(void)offset;
	(void)length;
	return -EOPNOTSUPP;
}

off_t
inbox_lseek(struct inbox *inbox, int64_t id, off_t offset, int whence)
{
	const struct fake_file *f;

	LOCKED;
	f = by_id(inbox, INBOX_FILE, id);
	if (!f)
		return -ESTALE;
	if (offset >= (off_t)f->n)
		return -ENXIO;
	return whence == SEEK_HOLE ? (off_t)f->n : offset;
}

ssize_t
inbox_getxattr(struct inbox *inbox, enum inbox_part part, int64_t id,
	       const char *name, void *p, size_t n)
{
	static const char value[] = "receiving";

	(void)inbox;
	(void)part;
	(void)id;
	if (strcmp(name, "user.civicfs.status") != 0)
		return -ENODATA;
	if (n && n < sizeof(value) - 1)
		return -ERANGE;
	if (n)
		memcpy(p, value, sizeof(value) - 1);
	return sizeof(value) - 1;
}

ssize_t
inbox_listxattr(struct inbox *inbox, enum inbox_part part, int64_t id, char *p,
		size_t n)
{
	(void)inbox;
	(void)part;
	(void)id;
	(void)p;
	(void)n;
	return 0;
}

int
inbox_setxattr(struct inbox *inbox, const struct inbox_request *req,
	       enum inbox_part part, int64_t id, const char *name,
	       const void *p, size_t n, int flags)
{
	(void)inbox;
	(void)req;
	(void)part;
	(void)id;
	(void)name;
	(void)p;
	(void)n;
	(void)flags;
	return 0;
}

int
inbox_removexattr(struct inbox *inbox, const struct inbox_request *req,
		  enum inbox_part part, int64_t id, const char *name)
{
	(void)inbox;
	(void)req;
	(void)part;
	(void)id;
	(void)name;
	return -ENODATA;
}

void
inbox_forgotten(struct inbox *inbox, int64_t id)
{
	(void)inbox;
	(void)id;
}

int
inbox_statfs(struct inbox *inbox, const char *department, struct statvfs *ret)
{
	(void)department;
	(void)inbox;
	return statvfs("/", ret) ? -errno : 0;
}

/* Every submission has an original and a receipt. */
int
inbox_archive_list(struct inbox *inbox, int64_t number,
		   int (*each)(void *ctx, const struct inbox_entry *e),
		   void *ctx)
{
	struct inbox_entry e = {.id = number};

	(void)inbox;
	e.st.st_mtim.tv_sec = 2000;
	e.part = INBOX_FILE;
	strcpy(e.name, "june.csv");
	e.st.st_size = 4;
	if (each(ctx, &e))
		return 0;
	e.part = INBOX_RECEIPT_TEXT;
	strcpy(e.name, "receipt.txt");
	e.st.st_size = 8;
	each(ctx, &e);
	return 0;
}

ssize_t
inbox_archive_read(struct inbox *inbox, int64_t number, enum inbox_part part,
		   void *p, size_t n, off_t offset)
{
	const char *bytes = part == INBOX_FILE ? "a,b\n" : "receipt\n";
	size_t length = strlen(bytes);

	(void)inbox;
	(void)number;
	if ((size_t)offset >= length)
		return 0;
	if (n > length - (size_t)offset)
		n = length - (size_t)offset;
	memcpy(p, bytes + offset, n);
	return (ssize_t)n;
}

/* The kernel writes nothing by itself here. */

void
inbox_allow_passing(struct inbox *inbox)
{
	(void)inbox;
}

bool
inbox_may_pass(struct inbox *inbox, const struct inbox_entry *e)
{
	(void)inbox;
	(void)e;
	return false;
}

int
inbox_turn(struct inbox *inbox, const struct inbox_request *req, int64_t id,
	   int flags, struct inbox_entry *ret)
{
	(void)req;
	(void)flags;
	return inbox_stat(inbox, INBOX_FILE, id, ret);
}

int
inbox_pass(struct inbox *inbox, int64_t id, int64_t blob, int64_t mask)
{
	(void)inbox;
	(void)id;
	(void)blob;
	(void)mask;
	return -ESTALE;
}

bool
inbox_is_passed(struct inbox *inbox, int64_t id, int64_t blob, int64_t mask)
{
	(void)inbox;
	(void)id;
	(void)blob;
	(void)mask;
	return false;
}

void
inbox_pass_again(struct inbox *inbox, int64_t id)
{
	(void)inbox;
	(void)id;
}

void
inbox_pass_end(struct inbox *inbox, int64_t id)
{
	(void)inbox;
	(void)id;
}
