/*
 * The least that a FUSE daemon can do: the files of a folder and of those
 * below it, all of them in memory, read-only.
 *
 *   bare_mount FOLDER MOUNTPOINT
 *
 * It answers the kernel's requests as civicfs does (lists with attributes that
 * the kernel keeps, the bytes of a file handed over as it is opened, day-long
 * timeouts), but knows every answer beforehand and checks nothing: what it
 * costs is the kernel's, the wake-ups of two processes and libfuse's. So it is
 * the floor of what is measured beside it. Stays in the foreground until it is
 * unmounted.
 */
#define FUSE_USE_VERSION 314

#include "bench/tool.h"

#include "base/io.h"
#include "base/scope.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fuse_lowlevel.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define KEPT 86400.0
#define FIRST_OFFSET 3 /* behind "." and ".." */
#define ROOM (1 << 20) /* nodes, at most */
#define BUCKETS (1 << 21)

/* A file or folder; its number is its place, from FUSE_ROOT_ID on. */
struct item {
	char *name, *bytes;
	uint64_t parent, first; /* of a folder: its items are in a row */
	size_t n;		/* of a folder's items, or a file's bytes */
	bool is_folder;
	_Atomic bool given;
};

struct all {
	struct item *items;
	uint64_t n;
	uint32_t *buckets; /* by parent and name; 0: empty */
	struct fuse_session *session;
};

/* ---- what there is ------------------------------------------------------- */

static size_t
bucket(uint64_t parent, const char *name)
{
	uint64_t sum = tool_sum(TOOL_SUM ^ parent, name, strlen(name));

	return (sum ^ sum >> 32) % BUCKETS;
}

static uint64_t
find(const struct all *all, uint64_t parent, const char *name)
{
	size_t at = bucket(parent, name);

	for (; all->buckets[at]; at = (at + 1) % BUCKETS) {
		const struct item *i = &all->items[all->buckets[at]];

		if (i->parent == parent && strcmp(i->name, name) == 0)
			return all->buckets[at];
	}
	return 0;
}

static void
add(struct all *all, uint64_t parent, const char *name, bool is_folder)
{
	size_t at = bucket(parent, name);
	struct item *i = &all->items[all->n];

	if (all->n == ROOM - 1) {
		errno = ENOSPC;
		tool_fail("too many files for", name);
	}
	i->name = strdup(name);
	if (!i->name)
		tool_fail("cannot keep", name);
	i->parent = parent;
	i->is_folder = is_folder;
	while (all->buckets[at])
		at = (at + 1) % BUCKETS;
	all->buckets[at] = (uint32_t)all->n++;
}

static void
read_folder(struct all *all, const char *path, uint64_t self)
{
	DIR *dir = opendir(path);
	struct dirent *d;

	if (!dir)
		tool_fail("cannot open", path);
	all->items[self].first = all->n;
	while ((d = readdir(dir))) {
		if (d->d_name[0] != '.')
			add(all, self, d->d_name, d->d_type == DT_DIR);
	}
	closedir(dir);
	all->items[self].n = all->n - all->items[self].first;
}

static void
read_file(struct item *i, const char *path)
{
	struct error err = ERROR_INIT;
	scope_buf bytes = BUF_INIT;

	if (io_slurp(AT_FDCWD, path, SIZE_MAX / 2, &bytes, &err)) {
		errno = err.errnum;
		tool_fail("cannot read", path);
	}
	i->n = bytes.len;
	i->bytes = malloc(i->n + 1);
	if (!i->bytes)
		tool_fail("no memory for", path);
	if (i->n)
		memcpy(i->bytes, bytes.data, i->n);
}

/* Folders in the order in which they are found, each with all of its items. */
static void
read_all(struct all *all, const char *folder)
{
	char path[4096];

	all->items = tool_room(ROOM, sizeof(*all->items));
	all->buckets = tool_room(BUCKETS, sizeof(*all->buckets));
	all->n = FUSE_ROOT_ID + 1;
	all->items[FUSE_ROOT_ID].is_folder = true;
	read_folder(all, folder, FUSE_ROOT_ID);
	for (uint64_t k = FUSE_ROOT_ID + 1; k < all->n; k++) {
		struct item *i = &all->items[k];
		const char *above = i->parent == FUSE_ROOT_ID
					    ? ""
					    : all->items[i->parent].name;

		snprintf(path, sizeof(path), "%s/%s/%s", folder, above,
			 i->name);
		if (i->is_folder)
			read_folder(all, path, k);
		else
			read_file(i, path);
	}
}

/* ---- what is asked ------------------------------------------------------- */

static void
fill(const struct all *all, uint64_t node, struct fuse_entry_param *ret)
{
	const struct item *i = &all->items[node];

	*ret = (struct fuse_entry_param){
		.ino = node,
		.attr_timeout = KEPT,
		.entry_timeout = KEPT,
	};
	ret->attr.st_ino = node;
	ret->attr.st_nlink = 1;
	ret->attr.st_mode = i->is_folder ? S_IFDIR | 0555 : S_IFREG | 0444;
	ret->attr.st_size = i->is_folder ? 0 : (off_t)i->n;
	ret->attr.st_blksize = 4096;
}

static void
op_lookup(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	const struct all *all = fuse_req_userdata(req);
	uint64_t node = find(all, parent, name);
	struct fuse_entry_param e;

	if (!node) {
		fuse_reply_err(req, ENOENT);
		return;
	}
	fill(all, node, &e);
	fuse_reply_entry(req, &e);
}

static void
op_getattr(fuse_req_t req, fuse_ino_t node, struct fuse_file_info *fi)
{
	struct fuse_entry_param e;

	(void)fi;
	fill(fuse_req_userdata(req), node, &e);
	fuse_reply_attr(req, &e.attr, e.attr_timeout);
}

static void
op_open(fuse_req_t req, fuse_ino_t node, struct fuse_file_info *fi)
{
	struct all *all = fuse_req_userdata(req);
	struct item *i = &all->items[node];
	struct fuse_bufvec bytes = FUSE_BUFVEC_INIT(i->n);

	bytes.buf[0].mem = i->bytes;
	if (!atomic_exchange(&i->given, true))
		fuse_lowlevel_notify_store(all->session, node, 0, &bytes, 0);
	fi->keep_cache = 1;
	fi->noflush = 1;
	fuse_reply_open(req, fi);
}

static void
op_read(fuse_req_t req, fuse_ino_t node, size_t size, off_t offset,
	struct fuse_file_info *fi)
{
	const struct all *all = fuse_req_userdata(req);
	const struct item *i = &all->items[node];
	size_t at = (size_t)offset < i->n ? (size_t)offset : i->n;

	(void)fi;
	fuse_reply_buf(req, i->bytes + at, size < i->n - at ? size : i->n - at);
}

static void
op_release(fuse_req_t req, fuse_ino_t node, struct fuse_file_info *fi)
{
	(void)node;
	(void)fi;
	fuse_reply_err(req, 0);
}

static void
op_opendir(fuse_req_t req, fuse_ino_t node, struct fuse_file_info *fi)
{
	(void)node;
	fi->cache_readdir = 1;
	fi->keep_cache = 1;
	fuse_reply_open(req, fi);
}

static void
op_readdirplus(fuse_req_t req, fuse_ino_t node, size_t size, off_t offset,
	       struct fuse_file_info *fi)
{
	const struct all *all = fuse_req_userdata(req);
	const struct item *folder = &all->items[node];
	scope_free char *p = malloc(size);
	struct fuse_entry_param e;
	size_t used = 0;

	(void)fi;
	if (!p) {
		fuse_reply_err(req, ENOMEM);
		return;
	}
	if (offset < FIRST_OFFSET)
		offset = FIRST_OFFSET;
	for (size_t i = (size_t)offset - FIRST_OFFSET; i < folder->n; i++) {
		uint64_t k = folder->first + i;
		size_t need;

		fill(all, k, &e);
		need = fuse_add_direntry_plus(req, p + used, size - used,
					      all->items[k].name, &e,
					      (off_t)i + FIRST_OFFSET + 1);
		if (need > size - used)
			break;
		used += need;
	}
	fuse_reply_buf(req, p, used);
}

static void
op_init(void *userdata, struct fuse_conn_info *conn)
{
	(void)userdata;
	conn->want &=
		~(unsigned)(FUSE_CAP_SPLICE_READ | FUSE_CAP_SPLICE_WRITE |
			    FUSE_CAP_SPLICE_MOVE | FUSE_CAP_READDIRPLUS_AUTO);
}

static const struct fuse_lowlevel_ops ops = {
	.init = op_init,
	.lookup = op_lookup,
	.getattr = op_getattr,
	.open = op_open,
	.read = op_read,
	.release = op_release,
	.opendir = op_opendir,
	.releasedir = op_release,
	.readdirplus = op_readdirplus,
};

int
main(int argc, char **argv)
{
	char options[] = "-oallow_other,default_permissions,ro";
	char *own[] = {argv[0], options, NULL};
	struct fuse_args args = FUSE_ARGS_INIT(2, own);
	struct fuse_loop_config *config = fuse_loop_cfg_create();
	struct all all = {0};
	int rc = -1;

	if (argc != 3)
		tool_usage("bare_mount FOLDER MOUNTPOINT");
	read_all(&all, argv[1]);
	all.session = fuse_session_new(&args, &ops, sizeof(ops), &all);
	if (!all.session || !config || fuse_session_mount(all.session, argv[2]))
		tool_fail("cannot mount", argv[2]);
	rc = fuse_session_loop_mt(all.session, config);
	fuse_session_unmount(all.session);
	fuse_session_destroy(all.session);
	fuse_loop_cfg_destroy(config);
	fuse_opt_free_args(&args);
	return rc ? 2 : 0;
}
