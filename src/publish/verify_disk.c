/*
 * Packs and blobs under 'verify': a pack that chunks refer to must be there;
 * what lies there and nothing refers to is told, and no fault: a run of gc or a
 * start that was cut off leaves such things, and the next one removes them.
 */
#include "publish/publish.h"

#include "base/scope.h"
#include "publish/pack.h"
#include "publish/sweep.h"
#include "store/inbox.h"
#include "store/retain.h"
#include "store/submission.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <sys/stat.h>

struct look {
	struct store *store;
	struct sql *db;
	struct publish_disk *ret;
	int (*report)(void *ctx, const char *text);
	void *ctx;
	bool problems;
	struct error *err;
};

static int
missing(struct look *l, const char *name)
{
	char text[128];

	l->problems = true;
	snprintf(text, sizeof(text),
		 "'%s' is missing from the state: restore a backup", name);
	return l->report(l->ctx, text);
}

static bool
is_there(const struct look *l, const char *name)
{
	return faccessat(store_dir_fd(l->store), name, F_OK,
			 AT_SYMLINK_NOFOLLOW) == 0;
}

/* ---- what is referred to ------------------------------------------------- */

static int
look_for_pack(void *ctx, int64_t pack)
{
	struct look *l = ctx;
	char name[PUBLISH_PACK_NAME_MAX];

	publish_pack_name(pack, name);
	return is_there(l, name) ? 0 : missing(l, name);
}

/* ---- what is there ------------------------------------------------------- */

static int
see_pack(void *ctx, int64_t number, int64_t bytes)
{
	struct look *l = ctx;
	int64_t live = 0, chunks = 0;
	int rc = store_pack_live(l->db, number, store_published(l->store),
				 &live, &chunks, l->err);

	/* the next publish may be writing its own */
	if (rc || chunks ||
	    publish_pack_seq(number) > store_published(l->store))
		return rc;
	l->ret->packs++;
	l->ret->bytes += bytes;
	return 0;
}

static int
see_blob(struct look *l, int folder, const char *name)
{
	char path[STORE_BLOB_PATH_MAX];
	struct stat st;
	char *end;
	int64_t id = strtoll(name, &end, 10);
	int rc;

	if (*end || id <= 0)
		return 0;
	rc = store_blob_is_known(l->db, id, l->err);
	if (rc)
		return rc < 0 ? rc : 0;
	store_blob_path(id, path);
	if (fstatat(folder, name, &st, AT_SYMLINK_NOFOLLOW))
		return 0;
	l->ret->blobs++;
	l->ret->bytes += st.st_size;
	return 0;
}

static int
see_blobs(struct look *l)
{
	scope_fd fd = openat(store_dir_fd(l->store), "intake",
			     O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *e;
	int rc = 0;

	if (!dir)
		return error_errno(l->err, errno, "'intake'");
	take_fd(&fd);
	while (!rc && (e = readdir(dir)))
		rc = see_blob(l, dirfd(dir), e->d_name);
	closedir(dir);
	return rc;
}

int
publish_verify_disk(struct store *store, struct publish_disk *ret,
		    int (*report)(void *ctx, const char *text), void *ctx,
		    struct error *err)
{
	scope_reader reader = {0};
	struct look l = {.store = store,
			 .ret = ret,
			 .report = report,
			 .ctx = ctx,
			 .err = err};
	int rc = store_reader_get(store, &reader, err);

	*ret = (struct publish_disk){0};
	l.db = reader.db;
	if (!rc)
		rc = store_pack_each(l.db, store_published(l.store),
				     look_for_pack, &l, err);
	if (!rc)
		rc = publish_pack_each(store_dir_fd(store), see_pack, &l, err);
	if (!rc)
		rc = see_blobs(&l);
	return rc ? rc : l.problems;
}
