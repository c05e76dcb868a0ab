/*
 * Which files make a configuration, and in which order: civicfs.conf, conf.d/
 * and resources.d/ beside it (SPEC 3). As for a shell, *.ini names no dot
 * file; whatever is named otherwise is not configuration.
 */
#include "config/load.h"

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

/* A fifo or a device would never end; a folder reads as nothing. */
static int
slurp(const char *path, struct buf *bytes, struct error *err)
{
	struct stat st;

	if (stat(path, &st))
		return error_errno(err, errno,
				   "cannot read the configuration '%s'", path);
	if (!S_ISREG(st.st_mode))
		return error_set(err, ERR_INVALID,
				 "'%s' is no regular file: name the "
				 "configuration file itself",
				 path);
	return io_slurp(AT_FDCWD, path, FILE_MAX, bytes, err);
}

static int
read_doc(struct config_load *load, const char *path, struct config_doc *ret,
	 struct slice *ret_bytes, struct error *err)
{
	scope_buf bytes = BUF_INIT;
	int rc = slurp(path, &bytes, err);

	if (rc)
		return rc;
	*ret_bytes = buf_slice(&bytes);
	ret_bytes->p = config_arena_text(load->arena, buf_slice(&bytes));
	if (load->arena->nomem ||
	    config_read(load->arena, &load->report, path, *ret_bytes, ret))
		return error_nomem(err);
	return 0;
}

static int
add_doc(struct config_load *load, const char *path, struct error *err)
{
	struct config_doc *docs = config_arena_grow(load->arena, load->docs,
						    load->ndocs, sizeof(*docs));
	struct slice bytes;

	if (!docs)
		return error_nomem(err);
	load->docs = docs;
	return read_doc(load, path, &docs[load->ndocs++], &bytes, err);
}

/* The folder of the configuration as a person would write it, with its
 * slash; "" for the current one. */
static const char *
folder_as_given(struct config_load *load, const char *path)
{
	const char *slash = strrchr(path, '/');

	return config_arena_text(
		load->arena,
		(struct slice){path, slash ? (size_t)(slash - path) + 1 : 0});
}

static int
read_conf_d(struct config_load *load, const char *folder, struct error *err)
{
	const char *path = config_arena_printf(load->arena, "%sconf.d", folder);
	scope_names names = {0};
	int rc = list_folder(path, &names, err);

	for (int i = 0; i < names.n && !rc; i++) {
		if (is_ini(names.items[i]->d_name))
			rc = add_doc(
				load,
				config_arena_printf(load->arena, "%s/%s", path,
						    names.items[i]->d_name),
				err);
	}
	return rc;
}

static int
add_descriptor(struct config_load *load, const char *folder,
	       const char *department, const char *file, struct error *err)
{
	struct config_arena *arena = load->arena;
	struct config_descriptor *all = config_arena_grow(
		arena, load->descriptors, load->ndescriptors, sizeof(*all));
	struct config_descriptor *d;

	if (!all)
		return error_nomem(err);
	load->descriptors = all;
	d = &all[load->ndescriptors++];
	d->department = config_arena_text(arena, slice_str(department));
	d->id = config_arena_text(
		arena, (struct slice){file, strlen(file) - strlen(".ini")});
	d->name = config_arena_printf(arena, "%s/%s", d->department, d->id);
	return read_doc(load,
			config_arena_printf(arena, "%s/%s/%s", folder,
					    department, file),
			&d->doc, &d->bytes, err);
}

/* A descriptor beside the departments' folders would be overlooked. */
static void
warn_misplaced(struct config_load *load, const char *folder, const char *file)
{
	struct config_place place = {
		config_arena_printf(load->arena, "%s/%s", folder, file), 1};

	config_warning(&load->report, place,
		       "not read: a descriptor belongs into the folder of its "
		       "department; move it to '%s/DEPARTMENT/%s'",
		       folder, file);
}

static int
read_department(struct config_load *load, const char *folder,
		const char *department, struct error *err)
{
	const char *path =
		config_arena_printf(load->arena, "%s/%s", folder, department);
	scope_names names = {0};
	struct stat st;
	int rc;

	if (stat(path, &st) == 0 && !S_ISDIR(st.st_mode)) {
		if (is_ini(department))
			warn_misplaced(load, folder, department);
		return 0;
	}
	rc = list_folder(path, &names, err);
	for (int i = 0; i < names.n && !rc; i++) {
		if (is_ini(names.items[i]->d_name))
			rc = add_descriptor(load, folder, department,
					    names.items[i]->d_name, err);
	}
	return rc;
}

static int
by_name(const void *a, const void *b)
{
	const struct config_descriptor *x = a, *y = b;

	return strcmp(x->name, y->name);
}

static int
read_resources_d(struct config_load *load, const char *folder,
		 struct error *err)
{
	const char *path =
		config_arena_printf(load->arena, "%sresources.d", folder);
	scope_names names = {0};
	int rc = list_folder(path, &names, err);

	for (int i = 0; i < names.n && !rc; i++)
		rc = read_department(load, path, names.items[i]->d_name, err);
	/* "a-b/r" comes before "a/r", although "a" comes before "a-b" */
	if (load->ndescriptors)
		qsort(load->descriptors, load->ndescriptors,
		      sizeof(*load->descriptors), by_name);
	return rc;
}

static int
find_folder(struct config_load *load, const char *given, struct error *err)
{
	char path[PATH_MAX];

	if (!realpath(*given ? given : ".", path))
		return error_errno(err, errno, "cannot find the folder '%s'",
				   given);
	load->config->folder = config_arena_text(load->arena, slice_str(path));
	return 0;
}

int
config_load_files(struct config_load *load, const char *path, struct error *err)
{
	const char *folder = folder_as_given(load, path);
	int rc;

	load->config->path = config_arena_text(load->arena, slice_str(path));
	rc = add_doc(load, load->config->path, err);
	if (!rc)
		rc = find_folder(load, folder, err);
	if (!rc)
		rc = read_conf_d(load, folder, err);
	if (!rc)
		rc = read_resources_d(load, folder, err);
	if (!rc && load->arena->nomem)
		rc = error_nomem(err);
	return rc;
}
