/*
 * Which files make a configuration, and in which order: civicfs.conf, conf.d/
 * and resources.d/ beside it (SPEC 3). As for a shell, *.ini names no dot
 * file; whatever is named otherwise is not configuration.
 */
#include "config/bundle.h"

#include "base/clock.h"
#include "base/io.h"
#include "base/scope.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>

#define FILE_MAX ((size_t)16 << 20)

/* Names of a folder, sorted by their bytes. */
struct names {
	struct dirent **items;
	int n;
};

static void
release_names(struct names *names)
{
	for (int i = 0; i < names->n; i++)
		free(names->items[i]);
	free(names->items);
}
#define scope_names __attribute__((cleanup(release_names))) struct names

static bool
is_ini(const char *name)
{
	size_t n = strlen(name);

	return n > 4 && strcmp(name + n - 4, ".ini") == 0;
}

static int
is_shown(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

static int
by_bytes(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

/* A folder that is not there has no names. */
static int
list_folder(const char *path, struct names *ret, struct error *err)
{
	ret->n = scandir(path, &ret->items, is_shown, by_bytes);
	if (ret->n >= 0)
		return 0;
	ret->n = 0;
	if (errno == ENOENT)
		return 0;
	return error_errno(err, errno, "cannot list the folder '%s'", path);
}

/* Whose it is. Who can turn a link elsewhere decides, so a link counts for
 * itself. */
static int
look(const char *path, struct config_bundle_file *file, struct error *err)
{
	struct stat st;

	if (lstat(path, &st))
		return error_errno(err, errno,
				   "cannot read the configuration '%s'", path);
	file->uid = st.st_uid;
	file->mode = st.st_mode;
	return 0;
}

/* What is looked at is what is read, also when another file takes its place
 * meanwhile. A fifo or a device would never end; a folder reads as nothing. */
static int
slurp(const char *path, struct buf *bytes, struct config_bundle_file *file,
      struct error *err)
{
	scope_fd fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct stat st;
	int rc;

	if (fd < 0 || fstat(fd, &st))
		return error_errno(err, errno,
				   "cannot read the configuration '%s'", path);
	if (!S_ISREG(st.st_mode))
		return error_set(err, ERR_INVALID,
				 "'%s' is no regular file: name the "
				 "configuration file itself",
				 path);
	rc = look(path, file, err);
	if (!rc && !S_ISLNK(file->mode)) {
		file->uid = st.st_uid;
		file->mode = st.st_mode;
	}
	file->mtime = st.st_mtim.tv_sec * CLOCK_NS + st.st_mtim.tv_nsec;
	return rc ? rc : io_slurp_open(fd, path, FILE_MAX, bytes, err);
}

/* One reading of all files. */
struct reading {
	struct buf *bundle;
	const char *folder; /* as given, with its slash; "" the current one */
	struct error *err;
};

/* 'name' is the path from the configuration's folder. */
static int
add_file(struct reading *r, enum config_bundle_kind kind, const char *name)
{
	struct config_bundle_file file = {.kind = kind, .name = name};
	scope_buf path = BUF_INIT, bytes = BUF_INIT;
	int rc = 0;

	if (buf_addf(&path, "%s%s", r->folder, name) || !buf_str(&path))
		return error_nomem(r->err);
	if (kind != CONFIG_BUNDLE_MISPLACED)
		rc = slurp(path.data, &bytes, &file, r->err);
	if (rc)
		return rc;
	file.bytes = buf_slice(&bytes);
	return config_bundle_add(r->bundle, &file) ? error_nomem(r->err) : 0;
}

/* One that is not there is nobody's. */
static int
add_owner(struct reading *r, const char *name, const char *path)
{
	struct config_bundle_file file = {.kind = CONFIG_BUNDLE_FOLDER,
					  .name = name};
	int rc = access(path, F_OK) ? 0 : look(path, &file, r->err);

	if (rc || !file.mode)
		return rc;
	return config_bundle_add(r->bundle, &file) ? error_nomem(r->err) : 0;
}

/* Names in a folder that is named from the configuration's. */
static int
list_below(struct reading *r, const char *folder, struct names *ret)
{
	scope_buf path = BUF_INIT;
	int rc;

	if (buf_addf(&path, "%s%s", r->folder, folder) || !buf_str(&path))
		return error_nomem(r->err);
	rc = add_owner(r, folder, path.data);
	return rc ? rc : list_folder(path.data, ret, r->err);
}

static int
add_below(struct reading *r, enum config_bundle_kind kind, const char *folder,
	  const char *file)
{
	scope_buf name = BUF_INIT;

	if (buf_addf(&name, "%s/%s", folder, file) || !buf_str(&name))
		return error_nomem(r->err);
	return add_file(r, kind, name.data);
}

static int
add_folder(struct reading *r, enum config_bundle_kind kind, const char *folder)
{
	scope_names names = {0};
	int rc = list_below(r, folder, &names);

	for (int i = 0; i < names.n && !rc; i++) {
		if (is_ini(names.items[i]->d_name))
			rc = add_below(r, kind, folder, names.items[i]->d_name);
	}
	return rc;
}

static int
add_department(struct reading *r, const char *department)
{
	scope_buf folder = BUF_INIT, path = BUF_INIT;
	struct stat st;

	if (buf_addf(&folder, "resources.d/%s", department) ||
	    buf_addf(&path, "%sresources.d/%s", r->folder, department) ||
	    !buf_str(&folder) || !buf_str(&path))
		return error_nomem(r->err);
	if (stat(path.data, &st) || S_ISDIR(st.st_mode))
		return add_folder(r, CONFIG_BUNDLE_DESCRIPTOR, folder.data);
	if (!is_ini(department))
		return 0;
	return add_file(r, CONFIG_BUNDLE_MISPLACED, folder.data);
}

static int
add_resources_d(struct reading *r)
{
	scope_names names = {0};
	int rc = list_below(r, "resources.d", &names);

	for (int i = 0; i < names.n && !rc; i++)
		rc = add_department(r, names.items[i]->d_name);
	return rc;
}

static int
begin(struct reading *r, const char *path)
{
	char folder[PATH_MAX];

	if (!realpath(*r->folder ? r->folder : ".", folder))
		return error_errno(r->err, errno, "cannot find the folder '%s'",
				   r->folder);
	if (config_bundle_begin(r->bundle, path, folder))
		return error_nomem(r->err);
	return add_owner(r, "", folder);
}

int
config_read_files(const char *path, struct buf *ret, struct error *err)
{
	const char *slash = strrchr(path, '/');
	const char *name = slash ? slash + 1 : path;
	scope_free char *folder = strndup(path, (size_t)(name - path));
	struct reading r = {.bundle = ret, .folder = folder, .err = err};
	int rc;

	if (!folder)
		return error_nomem(err);
	buf_clear(ret);
	rc = begin(&r, path);
	if (!rc)
		rc = add_file(&r, CONFIG_BUNDLE_SECTIONS, name);
	if (!rc)
		rc = add_folder(&r, CONFIG_BUNDLE_SECTIONS, "conf.d");
	return rc ? rc : add_resources_d(&r);
}
