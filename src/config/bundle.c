/* The files of a configuration as one run of bytes: see bundle.h. */
#include "config/bundle.h"

#include "base/digest.h"

#include <stdlib.h>

/* ---- making -------------------------------------------------------------- */

static int
add_text(struct buf *bundle, const char *text)
{
	return buf_add(bundle, text, strlen(text) + 1);
}

static int
add_number(struct buf *bundle, long long number)
{
	int rc = buf_addf(bundle, "%lld", number);

	return rc ? rc : buf_addc(bundle, '\0');
}

int
config_bundle_begin(struct buf *bundle, const char *path, const char *folder)
{
	int rc = add_text(bundle, path);

	return rc ? rc : add_text(bundle, folder);
}

int
config_bundle_add(struct buf *bundle, const struct config_bundle_file *file)
{
	int rc = buf_addc(bundle, (char)file->kind);

	rc = rc ? rc : add_text(bundle, file->name);
	rc = rc ? rc : add_number(bundle, file->uid);
	rc = rc ? rc : add_number(bundle, file->mode);
	rc = rc ? rc : add_number(bundle, file->mtime);
	rc = rc ? rc : add_number(bundle, (long long)file->bytes.n);
	return rc ? rc : buf_addslice(bundle, file->bytes);
}

/* ---- going through it ---------------------------------------------------- */

/* A text of the bundle; NULL when it has no end. */
static const char *
take_text(struct slice *rest)
{
	const char *text = rest->p;
	const char *end = rest->n ? memchr(text, '\0', rest->n) : NULL;

	if (!end)
		return NULL;
	rest->n -= (size_t)(end + 1 - text);
	rest->p = end + 1;
	return text;
}

/* false when there is none, or a negative one. */
static bool
take_number(struct slice *rest, int64_t *ret)
{
	const char *text = take_text(rest);
	char *end = NULL;

	if (!text || *text < '0' || *text > '9')
		return false;
	*ret = strtoll(text, &end, 10);
	return !*end;
}

static bool
is_kind(char c)
{
	return c == CONFIG_BUNDLE_SECTIONS || c == CONFIG_BUNDLE_DESCRIPTOR ||
	       c == CONFIG_BUNDLE_MISPLACED || c == CONFIG_BUNDLE_FOLDER;
}

static bool
take_file(struct slice *rest, struct config_bundle_file *ret)
{
	int64_t uid = 0, mode = 0, size = 0;

	if (!is_kind(*rest->p))
		return false;
	ret->kind = (enum config_bundle_kind) * rest->p;
	rest->p++;
	rest->n--;
	ret->name = take_text(rest);
	if (!ret->name || !take_number(rest, &uid) ||
	    !take_number(rest, &mode) || !take_number(rest, &ret->mtime) ||
	    !take_number(rest, &size) || size > (int64_t)rest->n)
		return false;
	ret->uid = (uid_t)uid;
	ret->mode = (mode_t)mode;
	ret->bytes = (struct slice){rest->p, (size_t)size};
	rest->p += size;
	rest->n -= (size_t)size;
	return true;
}

/* ---- what the files are for ---------------------------------------------- */

/* The path as a person would type it. */
static const char *
path_as_given(struct config_load *load, const char *name)
{
	const char *path = load->config->path;
	const char *slash = strrchr(path, '/');

	return config_arena_printf(load->arena, "%.*s%s",
				   slash ? (int)(slash + 1 - path) : 0, path,
				   name);
}

static int
read_doc(struct config_load *load, const struct config_bundle_file *file,
	 struct config_doc *ret, struct slice *ret_bytes)
{
	*ret_bytes = file->bytes;
	ret_bytes->p = config_arena_text(load->arena, file->bytes);
	if (load->arena->nomem)
		return ERR_NOMEM;
	return config_read(load->arena, &load->report,
			   path_as_given(load, file->name), *ret_bytes, ret);
}

static int
take_sections(struct config_load *load, const struct config_bundle_file *file)
{
	struct config_doc *docs = config_arena_grow(load->arena, load->docs,
						    load->ndocs, sizeof(*docs));
	struct slice bytes;

	if (!docs)
		return ERR_NOMEM;
	load->docs = docs;
	return read_doc(load, file, &docs[load->ndocs++], &bytes);
}

/* ".../DEPARTMENT/ID.ini" */
static int
take_descriptor(struct config_load *load, const struct config_bundle_file *file)
{
	struct config_arena *arena = load->arena;
	struct config_descriptor *d,
		*all = config_arena_grow(arena, load->descriptors,
					 load->ndescriptors, sizeof(*all));
	const char *department = strchr(file->name, '/');
	const char *id = department ? strrchr(department + 1, '/') : NULL;

	if (!all)
		return ERR_NOMEM;
	if (!id || strlen(id) <= strlen("/.ini"))
		return ERR_CORRUPT;
	department++;
	id++;
	load->descriptors = all;
	d = &all[load->ndescriptors++];
	d->department = config_arena_text(
		arena,
		(struct slice){department, (size_t)(id - 1 - department)});
	d->id = config_arena_text(
		arena, (struct slice){id, strlen(id) - strlen(".ini")});
	d->name = config_arena_printf(arena, "%s/%s", d->department, d->id);
	return read_doc(load, file, &d->doc, &d->bytes);
}

/* A descriptor beside the departments' folders would be overlooked. */
static int
warn_misplaced(struct config_load *load, const struct config_bundle_file *file)
{
	const char *path = path_as_given(load, file->name);
	const char *slash = strrchr(path, '/');

	if (!slash)
		return ERR_CORRUPT;
	config_warning(&load->report, (struct config_place){path, 1},
		       "not read: a descriptor belongs into the folder of its "
		       "department; move it to '%.*s/DEPARTMENT/%s'",
		       (int)(slash - path), path, slash + 1);
	return 0;
}

/* For config_check_files(). */
static int
keep_owner(struct config_load *load, const struct config_bundle_file *file)
{
	struct config *c = load->config;
	struct config_file *all = config_arena_grow(load->arena, c->files,
						    c->nfiles, sizeof(*all));

	if (!all)
		return ERR_NOMEM;
	c->files = all;
	all[c->nfiles++] = (struct config_file){
		.path = *file->name ? path_as_given(load, file->name)
				    : c->folder,
		.uid = file->uid,
		.mode = file->mode,
	};
	return 0;
}

static int
take(struct config_load *load, const struct config_bundle_file *file)
{
	int rc = file->kind == CONFIG_BUNDLE_MISPLACED ? 0
						       : keep_owner(load, file);

	if (rc || file->kind == CONFIG_BUNDLE_FOLDER)
		return rc;
	if (file->mtime > load->config->modified_at)
		load->config->modified_at = file->mtime;
	if (file->kind == CONFIG_BUNDLE_SECTIONS)
		return take_sections(load, file);
	if (file->kind == CONFIG_BUNDLE_DESCRIPTOR)
		return take_descriptor(load, file);
	return warn_misplaced(load, file);
}

static int
by_name(const void *a, const void *b)
{
	const struct config_descriptor *x = a, *y = b;

	return strcmp(x->name, y->name);
}

/* Names and bytes; not where the folder lies, nor when a file was saved. */
static void
digest_file(struct digest *digest, const struct config_bundle_file *file)
{
	const uint64_t size = file->bytes.n;
	const char kind = (char)file->kind;

	if (file->kind == CONFIG_BUNDLE_FOLDER)
		return;
	digest_add(digest, &kind, 1);
	digest_add(digest, file->name, strlen(file->name) + 1);
	digest_add(digest, &size, sizeof(size));
	digest_add(digest, file->bytes.p, file->bytes.n);
}

static int
take_files(struct config_load *load, struct slice rest)
{
	unsigned char sum[DIGEST_SIZE];
	scope_digest digest = digest_new();
	char text[DIGEST_HEX];

	if (!digest)
		return ERR_NOMEM;
	while (rest.n) {
		struct config_bundle_file file;
		int rc = take_file(&rest, &file) ? take(load, &file)
						 : ERR_CORRUPT;

		if (rc)
			return rc;
		digest_file(digest, &file);
	}
	digest_end(digest, sum);
	digest_hex(sum, sizeof(sum), text);
	load->config->digest = config_arena_text(load->arena, slice_str(text));
	/* "a-b/r" comes before "a/r", although "a" comes before "a-b" */
	if (load->ndescriptors)
		qsort(load->descriptors, load->ndescriptors,
		      sizeof(*load->descriptors), by_name);
	return load->ndocs ? 0 : ERR_CORRUPT;
}

int
config_each_file(struct slice files, config_file_fn *each, void *ctx)
{
	int rc = take_text(&files) && take_text(&files) ? 0 : ERR_CORRUPT;

	while (!rc && files.n) {
		struct config_bundle_file file;

		if (!take_file(&files, &file))
			return ERR_CORRUPT;
		if (file.kind == CONFIG_BUNDLE_SECTIONS ||
		    file.kind == CONFIG_BUNDLE_DESCRIPTOR)
			rc = each(ctx, file.name, file.bytes);
	}
	return rc;
}

int
config_bundle_load(struct config_load *load, struct slice bundle,
		   struct error *err)
{
	const char *path = take_text(&bundle);
	const char *folder = path ? take_text(&bundle) : NULL;
	int rc = ERR_CORRUPT;

	if (folder) {
		load->config->path =
			config_arena_text(load->arena, slice_str(path));
		load->config->folder =
			config_arena_text(load->arena, slice_str(folder));
		rc = take_files(load, bundle);
	}
	if (rc == ERR_NOMEM || load->arena->nomem)
		return error_nomem(err);
	if (rc)
		return error_set(err, rc, "these are no configuration's files");
	return 0;
}
