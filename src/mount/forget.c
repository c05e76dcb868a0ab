/*
 * After a change of rights, or of anything else in the configuration: every
 * node that the kernel may keep attributes of for longer than a moment, by
 * number. What there are too many of to be named here is kept for a moment at
 * most: mount_rights_keep().
 */
#include "mount/mount.h"

#include "mount/call.h"
#include "mount/notify.h"
#include "mount/tree.h"
#include "store/chunk.h"
#include "store/object.h"
#include "store/version.h"

struct forget {
	struct mount *m;
	bool reloaded;
	struct sql *db;
	struct buf *message;
	struct error *err;
	int64_t theme;
};

static int
add(const struct forget *f, uint64_t node)
{
	return mount_notify_add_attributes(f->message, node)
		       ? error_nomem(f->err)
		       : 0;
}

/* A folder, with its list. */
static int
add_folder(const struct forget *f, uint64_t node)
{
	return mount_notify_add_node(f->message, node) ? error_nomem(f->err)
						       : 0;
}

static int
add_folders(const struct forget *f, const enum node_kind *kinds, size_t n,
	    int64_t object)
{
	int rc = 0;

	for (size_t i = 0; i < n && !rc; i++)
		rc = add_folder(f, mount_node_make(kinds[i], object));
	return rc;
}

static int
add_kinds(const struct forget *f, const enum node_kind *kinds, size_t n,
	  int64_t object)
{
	int rc = 0;

	for (size_t i = 0; i < n && !rc; i++)
		rc = add(f, mount_node_make(kinds[i], object));
	return rc;
}

static int
forget_department(void *ctx, int64_t id)
{
	static const enum node_kind kinds[] = {
		NODE_CATALOGUE_DEPARTMENT,
		NODE_INBOX_DEPARTMENT,
		NODE_ARCHIVE,
		NODE_TRIAL,
	};

	return add_folders(ctx, kinds, sizeof(kinds) / sizeof(*kinds), id);
}

static int
forget_resource(void *ctx, int64_t id)
{
	static const enum node_kind kinds[] = {
		NODE_CATALOGUE_RESOURCE,
		NODE_INBOX_RESOURCE,
		NODE_ARCHIVE_RESOURCE,
	};
	int rc = add_kinds(ctx, kinds, sizeof(kinds) / sizeof(*kinds), id);

	for (unsigned i = 0; i < INBOX_HOLDINGS && !rc; i++) {
		const struct node_holding h = {.resource = id, .which = i};

		rc = add(ctx, mount_node_holding(&h));
	}
	return rc;
}

/* ---- a theme ------------------------------------------------------------- */

static int
forget_number(const struct forget *f, int64_t number)
{
	static const enum node_kind kinds[] = {
		NODE_DATASET,	  NODE_SOURCES,	 NODE_SUBJECTS,
		NODE_CHANGES,	  NODE_VERSIONS, NODE_README,
		NODE_DATAPACKAGE, NODE_SUMS,	 NODE_VERSION_INDEX,
		NODE_CURRENT,
	};
	int rc = 0;

	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds) && !rc; i++)
		rc = add(f, mount_node_version(kinds[i], f->theme, number));
	return rc;
}

static int
forget_version(void *ctx, const struct store_version *v)
{
	return forget_number(ctx, v->number);
}

static int
forget_state(void *ctx, const struct store_file_state *s)
{
	static const enum node_kind kinds[] = {NODE_FILE, NODE_FLAT};

	return add_kinds(ctx, kinds, sizeof(kinds) / sizeof(*kinds), s->id);
}

static int
forget_file(void *ctx, int64_t file, const char *kind, const char *part)
{
	struct forget *f = ctx;

	(void)kind;
	(void)part;
	return store_file_state_each(f->db, file, forget_state, f, f->err);
}

static int
forget_theme(void *ctx, int64_t id)
{
	struct forget *f = ctx;
	int rc;

	f->theme = id;
	rc = forget_number(f, 0);
	if (!rc)
		rc = mount_invalidate_theme(f->m, id, f->message, f->err);
	/* with more themes an earlier worker of this configuration had none */
	if (!rc &&
	    (f->reloaded || f->m->context.nthemes <= MOUNT_PARTS_THEMES) &&
	    mount_theme(f->m, id) && mount_subject_parts(id, f->message))
		rc = error_nomem(f->err);
	if (!rc)
		rc = store_version_each(f->db, id, forget_version, f, f->err);
	if (!rc)
		rc = store_file_each(f->db, id, forget_file, f, f->err);
	return rc;
}

/* ---- everything ---------------------------------------------------------- */

static int
forget_all(struct forget *f)
{
	static const enum node_fixed fixed[] = {FIXED_ROOT, FIXED_CATALOGUE,
						FIXED_INBOX, FIXED_THEMES};
	int rc = 0;

	for (size_t i = 0; i < sizeof(fixed) / sizeof(*fixed) && !rc; i++)
		rc = add_folder(f, mount_node_make(NODE_FIXED, fixed[i]));
	if (!rc)
		rc = store_object_each(f->db, STORE_DEPARTMENT,
				       forget_department, f, f->err);
	if (!rc)
		rc = store_object_each(f->db, STORE_RESOURCE, forget_resource,
				       f, f->err);
	if (!rc)
		rc = store_object_each(f->db, STORE_THEME, forget_theme, f,
				       f->err);
	return rc;
}

int
mount_invalidate_rights(struct mount *m, bool reloaded, struct buf *message,
			struct error *err)
{
	scope_reader reader = {0};
	struct forget f = {
		.m = m, .reloaded = reloaded, .message = message, .err = err};
	int rc = store_reader_get(m->context.store, &reader, err);

	if (rc)
		return rc;
	f.db = reader.db;
	rc = forget_all(&f);
	if (rc)
		return rc;
	/* names too: what may be looked up is another matter than before */
	return mount_notify_add_names(message) ? error_nomem(err) : 0;
}
