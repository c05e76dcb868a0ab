/* Paths of the tree: see path.h. */
#include "access/path.h"

#include "base/layout.h"
#include "base/scope.h"

#include <string.h>

#define PARTS_MAX 8 /* deeper ones decide nothing */

/* The names of a path; those beyond PARTS_MAX are left out. */
struct parts {
	char text[4096];
	const char *names[PARTS_MAX];
	size_t n;
	const struct config *config;
	const struct layout *layout;
};

static int
split(const char *path, struct parts *p, struct error *err)
{
	char *save = NULL;

	if (strlen(path) >= sizeof(p->text))
		return error_set(err, ERR_NOTFOUND,
				 "a path of %zu bytes is none of the tree",
				 strlen(path));
	snprintf(p->text, sizeof(p->text), "%s", path);
	for (char *name = strtok_r(p->text, "/", &save); name;
	     name = strtok_r(NULL, "/", &save)) {
		if (strcmp(name, ".") == 0)
			continue;
		if (strcmp(name, "..") == 0)
			return error_set(err, ERR_NOTFOUND,
					 "'..' in '%s': write the path from "
					 "the root of the tree",
					 path);
		if (p->n < PARTS_MAX)
			p->names[p->n++] = name;
	}
	return 0;
}

static bool
is(const struct parts *p, size_t i, enum layout_name name)
{
	return i < p->n && strcmp(p->names[i], p->layout->names[name]) == 0;
}

static void
step(struct access_path *path, struct access_at at)
{
	path->steps[path->nsteps++] = at;
}

/* ---- inbox/ -------------------------------------------------------------- */

/* DEPARTMENT/RESOURCE, which has to be registered. */
static int
check_resource(const struct parts *p, const char *department,
	       const char *resource, struct error *err)
{
	scope_buf name = BUF_INIT;

	if (buf_addf(&name, "%s/%s", department, resource) || !buf_str(&name))
		return error_nomem(err);
	if (config_find_resource(p->config, name.data))
		return 0;
	return error_set(err, ERR_NOTFOUND,
			 "there is no resource '%s': 'civicfs catalogue list' "
			 "shows those that are registered",
			 name.data);
}

static bool
is_receipt(const char *name)
{
	static const char *const endings[] = {".receipt.txt", ".receipt.json"};
	size_t n = strlen(name);

	for (size_t i = 0; i < sizeof(endings) / sizeof(*endings); i++) {
		size_t end = strlen(endings[i]);

		if (n > end && strcasecmp(name + n - end, endings[i]) == 0)
			return true;
	}
	return false;
}

static int
find_inbox(const struct parts *p, struct access_path *ret, struct error *err)
{
	struct access_at at;
	size_t file = 3; /* where its name stands */

	step(ret, (struct access_at){.place = ACCESS_INBOXES});
	ret->read_only = "inbox/DEPARTMENT/RESOURCE is where files go";
	if (p->n < 2)
		return 0;
	at = access_inbox(p->config, p->names[1]);
	if (at.place == ACCESS_NOWHERE)
		return error_set(err, ERR_NOTFOUND,
				 "there is no department '%s': [department %s] "
				 "would declare it",
				 p->names[1], p->names[1]);
	step(ret, at);
	if (p->n < 3)
		return 0;
	if (is(p, 2, LAYOUT_ARCHIVE)) {
		ret->read_only = "what is archived does not change";
		return p->n < 4 ? 0
				: check_resource(p, p->names[1], p->names[3],
						 err);
	}
	if (is(p, 2, LAYOUT_TRIAL))
		file++;
	if (p->n < file)
		return 0;
	ret->writable = p->n <= file || !is_receipt(p->names[file]);
	ret->read_only = "a receipt is civicfs's own; it can be deleted";
	return check_resource(p, p->names[1], p->names[file - 1], err);
}

/* ---- catalogue/ ---------------------------------------------------------- */

static int
find_catalogue(const struct parts *p, struct access_path *ret,
	       struct error *err)
{
	step(ret, (struct access_at){.place = ACCESS_CATALOGUE});
	ret->read_only = "the catalogue is made from the descriptors";
	if (p->n < 2 || (p->n == 2 && is(p, 1, LAYOUT_CATALOGUE_INDEX)))
		return 0;
	if (p->n == 2)
		return config_find_department(p->config, p->names[1])
			       ? 0
			       : error_set(err, ERR_NOTFOUND,
					   "there is no department '%s'",
					   p->names[1]);
	return check_resource(p, p->names[1], p->names[2], err);
}

/* ---- themes/ ------------------------------------------------------------- */

/* D.R.csv of a theme: ids have no dots. */
static int
find_source(const struct parts *p, const char *file, struct access_path *ret,
	    struct error *err)
{
	const char *dot = strchr(file, '.');
	const char *end = strrchr(file, '.');
	scope_buf name = BUF_INIT;
	struct access_at at;

	if (!dot || end == dot || strcmp(end, ".csv") != 0)
		return error_set(err, ERR_NOTFOUND,
				 "'%s' is no file of sources/: they are named "
				 "DEPARTMENT.RESOURCE.csv",
				 file);
	if (buf_addf(&name, "%.*s/%.*s", (int)(dot - file), file,
		     (int)(end - dot - 1), dot + 1) ||
	    !buf_str(&name))
		return error_nomem(err);
	at = access_source(p->config, p->names[1], name.data);
	if (at.place == ACCESS_NOWHERE)
		return error_set(err, ERR_NOTFOUND,
				 "there is no resource '%s': 'civicfs "
				 "catalogue list' shows those that are "
				 "registered",
				 name.data);
	step(ret, at);
	return 0;
}

static bool
is_dataset_name(const struct parts *p, size_t i)
{
	for (int name = LAYOUT_README; name <= LAYOUT_VERSIONS; name++) {
		if (is(p, i, (enum layout_name)name))
			return true;
	}
	return false;
}

static int
find_theme(const struct parts *p, struct access_path *ret, struct error *err)
{
	struct access_at at;
	size_t folder = 2; /* where the names of a version begin */

	step(ret, (struct access_at){.place = ACCESS_THEMES});
	ret->read_only = "themes are made from the submissions";
	if (p->n < 2)
		return 0;
	at = access_theme(p->config, p->names[1]);
	if (at.place == ACCESS_NOWHERE)
		return error_set(err, ERR_NOTFOUND,
				 "there is no theme '%s': [theme %s] would "
				 "declare it",
				 p->names[1], p->names[1]);
	step(ret, at);
	if (is(p, 2, LAYOUT_VERSIONS))
		folder = 4;
	if (p->n > folder && !is_dataset_name(p, folder))
		return error_set(err, ERR_NOTFOUND,
				 "there is no '%s' in a theme: 'ls' of one "
				 "shows the names",
				 p->names[folder]);
	if (is(p, folder, LAYOUT_SOURCES) && p->n > folder + 1)
		return find_source(p, p->names[folder + 1], ret, err);
	return 0;
}

/* ---- the tree ------------------------------------------------------------ */

static int
find(const struct parts *p, struct access_path *ret, struct error *err)
{
	const char *const *names = p->layout->names;

	step(ret, (struct access_at){.place = ACCESS_ROOT});
	ret->read_only = "the root has what the layout says";
	if (p->n == 0 || (p->n == 1 && is(p, 0, LAYOUT_ROOT_README)))
		return 0;
	if (is(p, 0, LAYOUT_CATALOGUE))
		return find_catalogue(p, ret, err);
	if (is(p, 0, LAYOUT_INBOX))
		return find_inbox(p, ret, err);
	if (is(p, 0, LAYOUT_THEMES))
		return find_theme(p, ret, err);
	return error_set(err, ERR_NOTFOUND,
			 "there is no '%s' in the root of the tree, which has "
			 "%s, %s/, %s/ and %s/",
			 p->names[0], names[LAYOUT_ROOT_README],
			 names[LAYOUT_CATALOGUE], names[LAYOUT_INBOX],
			 names[LAYOUT_THEMES]);
}

int
access_path_find(const struct config *config, const char *path,
		 struct access_path *ret, struct error *err)
{
	struct parts p = {.config = config,
			  .layout = layout_of(config->language)};
	int rc = split(path, &p, err);

	*ret = (struct access_path){0};
	return rc ? rc : find(&p, ret, err);
}

/* The deepest step that refuses is the one to tell of: inbox/ and themes/ only
 * add up what is below them. */
bool
access_path_may(const struct access *access, const struct access_path *path,
		const struct access_who *who, unsigned want,
		struct access_reason *ret)
{
	struct access_reason why = {0};
	bool may = true;

	for (size_t i = 0; i < path->nsteps; i++) {
		bool last = i + 1 == path->nsteps;

		if (!access_may(access, path->steps[i], who,
				last ? want : ACCESS_READ, &why)) {
			may = false;
			if (ret)
				*ret = why;
		}
	}
	if (may && ret)
		*ret = why;
	return may;
}

int
access_reason_text(const struct access_reason *r, struct buf *out)
{
	if (!r->place.file)
		return buf_addf(out, "%s: %s", r->key, r->how);
	if (!r->how)
		return buf_addf(out,
				"%s:%d: no line '%s =': nothing is allowed "
				"that is not written",
				r->place.file, r->place.line, r->key);
	if (!*r->how)
		return buf_addf(out, "%s:%d: %s does not name them",
				r->place.file, r->place.line, r->key);
	return buf_addf(out, "%s:%d: %s = %s", r->place.file, r->place.line,
			r->key, r->how);
}
