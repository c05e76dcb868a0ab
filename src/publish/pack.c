/* Packs of published bytes: see pack.h. */
#include "publish/pack.h"

#include "base/io.h"
#include "base/relay.h"
#include "base/scope.h"
#include "publish/publish.h"
#include "publish/sweep.h"
#include "store/retain.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <sys/stat.h>

#define FOLDER "packs"
#define SUFFIX ".pack"
#define BUFFER ((size_t)1 << 19)
#define FLUSHED ((off_t)8 << 20) /* the disk is given work as early as this */

struct publish_pack {
	int state_fd;
	int fd; /* -1: no file yet */
	int64_t number;
	int64_t end; /* bytes appended, those in 'buffer' too */
	size_t held;
	char *buffer;
	/* What is written while the next is collected: the relay's, between
	 * relay_start() and relay_wait(). NULL: nothing was yet. */
	struct relay *relay;
	char *other;
	size_t n;
	off_t written, flushed;
	struct error err; /* code 0: written */
};

void
publish_pack_name(int64_t number, char name[static PUBLISH_PACK_NAME_MAX])
{
	snprintf(name, PUBLISH_PACK_NAME_MAX, FOLDER "/%012" PRId64 SUFFIX,
		 number);
}

int64_t
publish_pack_seq(int64_t number)
{
	return number < PUBLISH_REWRITTEN ? number % PUBLISH_PACK_OWN : 0;
}

int
publish_pack_new(int state_fd, int64_t number, struct publish_pack **ret,
		 struct error *err)
{
	struct publish_pack *pack = calloc(1, sizeof(*pack));

	if (!pack)
		return error_nomem(err);
	pack->state_fd = state_fd;
	pack->fd = -1;
	pack->number = number;
	pack->buffer = malloc(BUFFER);
	if (!pack->buffer) {
		free(pack);
		return error_nomem(err);
	}
	*ret = pack;
	return 0;
}

void
publish_pack_free(struct publish_pack *pack)
{
	if (!pack)
		return;
	relay_free(pack->relay);
	if (pack->fd >= 0)
		close(pack->fd);
	free(pack->buffer);
	free(pack->other);
	free(pack);
}

int64_t
publish_pack_number(const struct publish_pack *pack)
{
	return pack->number;
}

/* The file is removed first, never truncated: whoever holds the old one open
 * keeps its bytes. */
int
publish_pack_create(int state_fd, int64_t number, int *ret_fd,
		    struct error *err)
{
	char name[PUBLISH_PACK_NAME_MAX];
	int fd;

	publish_pack_name(number, name);
	if (mkdirat(state_fd, FOLDER, 0700) && errno != EEXIST)
		return error_errno(err, errno,
				   "cannot make the state's folder '%s'",
				   FOLDER);
	if (unlinkat(state_fd, name, 0) && errno != ENOENT)
		return error_errno(err, errno, "cannot replace '%s'", name);
	fd = openat(state_fd, name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC,
		    0600);
	if (fd < 0)
		return error_errno(err, errno, "cannot create '%s'", name);
	*ret_fd = fd;
	return 0;
}

static int
put(struct publish_pack *pack, const void *p, size_t n, struct error *err)
{
	char name[PUBLISH_PACK_NAME_MAX];
	int rc;

	if (!n)
		return 0;
	rc = io_write(pack->fd, p, n, err);
	pack->written += rc ? 0 : (off_t)n;
	if (!rc && pack->written - pack->flushed >= FLUSHED) {
		/* a hint: a failure comes again with fsync */
		(void)sync_file_range(pack->fd, pack->flushed,
				      pack->written - pack->flushed,
				      SYNC_FILE_RANGE_WRITE);
		pack->flushed = pack->written;
	}
	if (!rc)
		return 0;
	publish_pack_name(pack->number, name);
	return error_prefix(err, rc, "cannot write '%s'", name);
}

static void
put_other(void *ctx)
{
	struct publish_pack *pack = ctx;

	(void)!put(pack, pack->other, pack->n, &pack->err);
}

/* Until nothing is being written. */
static int
settle(struct publish_pack *pack, struct error *err)
{
	if (!pack->relay)
		return 0;
	relay_wait(pack->relay);
	if (pack->err.code)
		*err = pack->err;
	return pack->err.code;
}

static int
need_relay(struct publish_pack *pack, struct error *err)
{
	if (!pack->other)
		pack->other = malloc(BUFFER);
	if (pack->other && !pack->relay)
		pack->relay = relay_new(put_other, pack);
	return pack->relay ? 0 : error_nomem(err);
}

/* Lets what was collected be written. */
static int
flush(struct publish_pack *pack, struct error *err)
{
	int rc = need_relay(pack, err);
	char *collected;

	if (!rc)
		rc = settle(pack, err);
	if (rc)
		return rc;
	collected = pack->buffer;
	pack->buffer = pack->other;
	pack->other = collected;
	pack->n = pack->held;
	pack->held = 0;
	relay_start(pack->relay);
	return 0;
}

int
publish_pack_add(struct publish_pack *pack, const void *p, size_t n,
		 int64_t *ret_offset, struct error *err)
{
	int rc = 0;

	if (pack->fd < 0)
		rc = publish_pack_create(pack->state_fd, pack->number,
					 &pack->fd, err);
	if (!rc && n > BUFFER - pack->held)
		rc = flush(pack, err);
	if (!rc && n > BUFFER) {
		rc = settle(pack, err);
		if (!rc)
			rc = put(pack, p, n, err);
	} else if (!rc && n) {
		memcpy(pack->buffer + pack->held, p, n);
		pack->held += n;
	}
	if (rc)
		return rc;
	*ret_offset = pack->end;
	pack->end += (int64_t)n;
	return 0;
}

static int
open_folder(int state_fd, int *ret_fd, struct error *err)
{
	*ret_fd = openat(state_fd, FOLDER, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (*ret_fd < 0)
		return error_errno(err, errno,
				   "cannot open the state's folder '%s'",
				   FOLDER);
	return 0;
}

int
publish_pack_keep(int state_fd, int64_t number, int fd, struct error *err)
{
	scope_fd folder = -1;
	int rc = 0;

	if (fsync(fd))
		rc = error_errno(err, errno,
				 "cannot make pack %" PRId64 " durable",
				 number);
	if (!rc)
		rc = open_folder(state_fd, &folder, err);
	return rc ? rc : io_sync_dir(folder, err);
}

int
publish_pack_sync(struct publish_pack *pack, struct error *err)
{
	int rc;

	if (pack->fd < 0)
		return 0;
	rc = settle(pack, err);
	if (!rc)
		rc = put(pack, pack->buffer, pack->held, err);
	pack->held = 0;
	return rc ? rc
		  : publish_pack_keep(pack->state_fd, pack->number, pack->fd,
				      err);
}

void
publish_pack_remove(struct publish_pack *pack)
{
	char name[PUBLISH_PACK_NAME_MAX];

	if (!pack || pack->fd < 0)
		return;
	publish_pack_name(pack->number, name);
	(void)unlinkat(pack->state_fd, name, 0);
}

int
publish_pack_open(int state_fd, int64_t number, int *ret_fd, struct error *err)
{
	char name[PUBLISH_PACK_NAME_MAX];
	int fd;

	publish_pack_name(number, name);
	fd = openat(state_fd, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT)
		return error_set(err, ERR_CORRUPT,
				 "'%s' is missing from the state: restore a "
				 "backup",
				 name);
	if (fd < 0)
		return error_errno(err, errno, "cannot open '%s'", name);
	*ret_fd = fd;
	return 0;
}

int
publish_pack_read(int fd, int64_t number, void *p, size_t n, int64_t offset,
		  struct error *err)
{
	ssize_t got = io_pread(fd, p, n, offset, err);
	char name[PUBLISH_PACK_NAME_MAX];

	publish_pack_name(number, name);
	if (got < 0)
		return error_prefix(err, (int)got, "cannot read '%s'", name);
	if ((size_t)got < n)
		return error_set(err, ERR_CORRUPT,
				 "'%s' ends before byte %" PRId64
				 ": restore a backup",
				 name, offset + (int64_t)n);
	return 0;
}

/* ---- recovery ------------------------------------------------------------ */

/* The number in a pack's name, or -1 for what is none. */
static int64_t
number_of(const char *name)
{
	char again[PUBLISH_PACK_NAME_MAX];
	char *end;
	long long number;

	errno = 0;
	number = strtoll(name, &end, 10);
	if (errno || number < 0 || strcmp(end, SUFFIX) != 0)
		return -1;
	publish_pack_name(number, again);
	return strcmp(again + strlen(FOLDER "/"), name) == 0 ? number : -1;
}

static void
close_dir(DIR **dir)
{
	if (*dir)
		closedir(*dir);
}

int
publish_pack_each(int state_fd,
		  int (*each)(void *ctx, int64_t number, int64_t bytes),
		  void *ctx, struct error *err)
{
	__attribute__((cleanup(close_dir))) DIR *dir = NULL;
	scope_fd folder = -1;
	struct dirent *entry;
	int rc;

	if (faccessat(state_fd, FOLDER, F_OK, 0) && errno == ENOENT)
		return 0;
	rc = open_folder(state_fd, &folder, err);
	if (rc)
		return rc;
	dir = fdopendir(folder);
	if (!dir)
		return error_errno(err, errno, "cannot list '%s'", FOLDER);
	take_fd(&folder);
	while (!rc && (errno = 0, entry = readdir(dir))) {
		int64_t number = number_of(entry->d_name);
		struct stat st;

		if (number < 0 || fstatat(dirfd(dir), entry->d_name, &st,
					  AT_SYMLINK_NOFOLLOW))
			continue;
		rc = each(ctx, number, st.st_size);
		errno = 0;
	}
	if (!rc && errno)
		rc = error_errno(err, errno, "cannot list '%s'", FOLDER);
	return rc;
}

struct recovery {
	struct store *store;
	struct sql *db;
	struct error *err;
};

/* Above the published one nothing counts; of the others those to which
 * nothing refers, if their numbers are no publish's. */
static int
remove_unpublished(void *ctx, int64_t number, int64_t bytes)
{
	const struct recovery *r = ctx;
	char name[PUBLISH_PACK_NAME_MAX];
	int rc;

	(void)bytes;
	if (publish_pack_seq(number) <= store_published(r->store) &&
	    number < PUBLISH_REWRITTEN)
		return 0;
	if (number >= PUBLISH_REWRITTEN) {
		rc = store_pack_is_used(r->db, number,
					store_published(r->store), r->err);
		if (rc)
			return rc < 0 ? rc : 0;
	}
	publish_pack_name(number, name);
	if (unlinkat(store_dir_fd(r->store), name, 0) && errno != ENOENT)
		return error_errno(r->err, errno, "cannot remove '%s'", name);
	return 0;
}

int
publish_recover(struct store *store, struct error *err)
{
	scope_reader reader = {0};
	struct recovery r = {.store = store, .err = err};
	int rc = store_reader_get(store, &reader, err);

	r.db = reader.db;
	return rc ? rc
		  : publish_pack_each(store_dir_fd(store), remove_unpublished,
				      &r, err);
}
