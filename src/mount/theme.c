/*
 * themes/THEME/ and versions/N/ below it: which name is which node. A theme's
 * top is its newest version and has changes/ and versions/ besides; both are
 * one kind of folder, told apart by the version in the number.
 */
#include "mount/tree.h"

#include <errno.h>

/* ---- which version ------------------------------------------------------- */

static int
get_version(struct call *call, int64_t theme, int64_t version,
	    struct publish_version *ret)
{
	bool known = call->known.theme == theme &&
		     (version ? version == call->known.v.number
			      : call->known.newest);
	struct sql *db;
	int rc = known ? 1 : mount_call_db(call, &db);

	if (known)
		*ret = call->known.v;
	if (rc)
		return rc;
	rc = version ? publish_version_get(db, theme, version, ret, &call->err)
		     : publish_newest(db, theme, ret, &call->err);
	if (rc < 0)
		return mount_call_errno(call, rc);
	if (rc) {
		call->known.theme = theme;
		call->known.newest = !version;
		call->known.v = *ret;
	}
	return rc;
}

int
mount_theme_version(struct call *call, int64_t theme, int64_t version,
		    struct theme_at *ret)
{
	int rc;

	*ret = (struct theme_at){
		.theme = mount_theme(call->m, theme),
		.named = version,
	};
	if (!ret->theme)
		return -ESTALE;
	rc = get_version(call, theme, version, &ret->v);
	if (rc < 0)
		return rc;
	if (rc == 0 && version)
		return -ESTALE;
	ret->mtime = rc ? ret->v.published_at : call->m->made_at;
	return 0;
}

int
mount_theme_kept(struct call *call, int64_t theme, int64_t version,
		 struct theme_at *ret)
{
	int rc = mount_theme_version(call, theme, version, ret);

	return !rc && ret->v.dropped ? -ESTALE : rc;
}

int
mount_theme_at(struct call *call, uint64_t node, struct theme_at *ret)
{
	int64_t theme, version;

	mount_node_version_get(node, &theme, &version);
	return mount_theme_kept(call, theme, version, ret);
}

int
mount_theme_folder_stat(struct call *call, uint64_t node,
			struct tree_entry *ret)
{
	struct theme_at at;
	int rc = mount_theme_at(call, node, &at);

	if (rc < 0)
		return rc;
	mount_fill_folder(ret, node, at.mtime);
	return 0;
}

/* ---- the files and folders of a version ---------------------------------- */

struct dataset_name {
	enum layout_name name;
	enum node_kind kind;
	enum node_text_kind first; /* a text's before the first data */
	enum publish_kind file;	   /* of NODE_FILE */
	bool top;		   /* not in versions/N/ */
};

static const struct dataset_name dataset_names[] = {
	{LAYOUT_README, NODE_README, .first = TEXT_DATASET_README},
	{LAYOUT_DATAPACKAGE, NODE_DATAPACKAGE, .first = TEXT_DATASET_PACKAGE},
	{LAYOUT_SUMS, NODE_SUMS, .first = TEXT_DATASET_SUMS},
	{LAYOUT_DATA, NODE_FILE, .file = PUBLISH_DATA},
	{LAYOUT_JSONL, NODE_FILE, .file = PUBLISH_JSONL},
	{LAYOUT_CONFLICTS, NODE_FILE, .file = PUBLISH_CONFLICTS},
	{LAYOUT_ORPHANS, NODE_FILE, .file = PUBLISH_ORPHANS},
	{LAYOUT_SQLITE, NODE_FILE, .file = PUBLISH_SQLITE},
	{LAYOUT_SOURCES, NODE_SOURCES},
	{LAYOUT_SUBJECTS, NODE_SUBJECTS},
	{LAYOUT_CHANGES, NODE_CHANGES, .top = true},
	{LAYOUT_VERSIONS, NODE_VERSIONS, .top = true},
};
#define DATASET_NAMES (sizeof(dataset_names) / sizeof(*dataset_names))

static int
dataset_node(struct call *call, const struct theme_at *at,
	     const struct dataset_name *d, uint64_t *ret)
{
	if (d->kind == NODE_FILE)
		return mount_file_node(call, at, d->file, "", 0, ret);
	if (!d->first) {
		*ret = mount_node_version(d->kind, at->theme->id, at->named);
		return 0;
	}
	if (!at->v.number)
		return mount_text_node(call, d->first, at->theme->id, ret);
	*ret = mount_node_version(d->kind, at->theme->id, at->v.number);
	return 0;
}

int
mount_dataset_find(struct call *call, uint64_t folder, const char *name,
		   uint64_t *ret_node, double *timeout)
{
	struct theme_at at;
	int rc = mount_theme_at(call, folder, &at);

	if (rc < 0)
		return rc;
	for (size_t i = 0; i < DATASET_NAMES; i++) {
		const struct dataset_name *d = &dataset_names[i];

		if (strcmp(mount_name(call->m, d->name), name) == 0 &&
		    !(d->top && at.named))
			return dataset_node(call, &at, d, ret_node);
	}
	if (!at.named)
		*timeout = TREE_CONFIGURED;
	return -ENOENT;
}

int
mount_dataset_list(struct call *call, uint64_t folder, struct listing *out)
{
	struct theme_at at;
	int rc = mount_theme_at(call, folder, &at);

	for (size_t i = 0; i < DATASET_NAMES && !rc; i++) {
		const struct dataset_name *d = &dataset_names[i];
		uint64_t node;

		if (d->top && at.named)
			continue;
		rc = dataset_node(call, &at, d, &node);
		if (rc == -ENOENT) { /* a version without this file */
			rc = 0;
			continue;
		}
		if (!rc)
			rc = mount_list_add(out, LIST_FIRST + (int64_t)i, node,
					    mount_name(call->m, d->name));
	}
	return rc;
}

/* ---- sources/ ------------------------------------------------------------ */

/* D.R.csv for the part "D/R": ids have no dots. */
#define SOURCE_ENDING ".csv"
#define SOURCE_NAME_MAX (2 * CONFIG_ID_MAX + sizeof("." SOURCE_ENDING))

/* The part behind a name; false when no source can have it. */
static bool
parse_source(const char *name, char part[SOURCE_NAME_MAX])
{
	size_t n = strlen(name), end = strlen(SOURCE_ENDING);
	char *dot;

	if (n <= end || n >= SOURCE_NAME_MAX || strchr(name, '/') ||
	    strcmp(name + n - end, SOURCE_ENDING) != 0)
		return false;
	memcpy(part, name, n - end);
	part[n - end] = '\0';
	dot = strchr(part, '.');
	if (!dot)
		return false;
	*dot = '/';
	return true;
}

/* Before the first data a source's file is named by its resource. */
static int64_t
object_of(const struct mount *m, const char *part)
{
	const struct config *config = m->context.config;
	const struct config_resource *r = config_find_resource(config, part);

	return r ? m->context.resources[r - config->resources] : 0;
}

static int
source_node(struct call *call, const struct theme_at *at, const char *part,
	    uint64_t *ret)
{
	return mount_file_node(call, at, PUBLISH_SOURCE, part,
			       object_of(call->m, part), ret);
}

int
mount_sources_find(struct call *call, uint64_t folder, const char *name,
		   uint64_t *ret_node, double *timeout)
{
	char part[SOURCE_NAME_MAX];
	struct theme_at at;
	int rc = mount_theme_at(call, folder, &at);

	(void)timeout;
	if (rc < 0)
		return rc;
	if (!parse_source(name, part))
		return -ENOENT;
	return source_node(call, &at, part, ret_node);
}

struct sources {
	struct call *call;
	const struct theme_at *at;
	struct listing *out;
};

static int
list_source(void *ctx, enum publish_kind kind, const char *part,
	    const struct publish_file *f)
{
	struct sources *s = ctx;
	char name[SOURCE_NAME_MAX];
	uint64_t node;
	char *slash;

	(void)f;
	if (kind != PUBLISH_SOURCE ||
	    strlen(part) + strlen(SOURCE_ENDING) >= sizeof(name))
		return 0;
	stpcpy(stpcpy(name, part), SOURCE_ENDING);
	slash = strchr(name, '/');
	if (slash)
		*slash = '.';
	if (source_node(s->call, s->at, part, &node) < 0)
		return 0;
	return mount_list_add(s->out, mount_list_offset(name), node, name)
		       ? ERR_NOMEM
		       : 0;
}

int
mount_sources_list(struct call *call, uint64_t folder, struct listing *out)
{
	struct theme_at at;
	struct sources s = {.call = call, .at = &at, .out = out};
	struct sql *db;
	int rc = mount_theme_at(call, folder, &at);

	if (!rc)
		rc = mount_call_db(call, &db);
	if (rc)
		return rc;
	rc = publish_file_each(db, at.theme, at.v.seq, list_source, &s,
			       &call->err);
	mount_list_sort(out);
	return mount_call_errno(call, rc);
}
