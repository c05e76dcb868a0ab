/* The files of a version: published bytes by their file_state, headers before
 * the first data, and the texts that go with a version. */
#include "mount/tree.h"

#include <errno.h>

#include "base/scope.h"
#include "mount/backings.h"
#include "mount/rights.h"
#include "store/retain.h"

#define HEADER_HASH 0xfffffu /* the bits that a header's number has */

/* ---- published files ----------------------------------------------------- */

static int
header_node(struct call *call, const struct theme_at *at,
	    enum publish_kind kind, const char *part, int64_t resource,
	    uint64_t *ret)
{
	struct node_header h = {
		.theme = (uint16_t)at->theme->id,
		.file = kind,
		.resource = (uint16_t)resource,
	};
	struct text text = {.mtime = call->m->made_at};
	scope_cached item = NULL;
	int rc = publish_header(at->theme, kind, part, &text.bytes);

	if (rc < 0) {
		buf_release(&text.bytes);
		return mount_call_errno(call, rc);
	}
	h.hash = mount_text_hash(&text.bytes) & HEADER_HASH;
	*ret = mount_node_header(&h);
	return mount_text_keep(call, *ret, &text, &item);
}

/* A database is read here and there, and its size looked at before each query:
 * from the kernel's cache that costs nothing, but the kernel asks for the size
 * again after each read that it does by itself. */
static enum node_kind
kind_of(const struct mount *m, int64_t theme, enum publish_kind kind,
	int64_t state)
{
	return kind == PUBLISH_SQLITE ? NODE_FILE
				      : mount_backings_kind(m, theme, state);
}

int
mount_file_node(struct call *call, const struct theme_at *at,
		enum publish_kind kind, const char *part, int64_t resource,
		uint64_t *ret)
{
	struct publish_file file;
	struct sql *db;
	int rc = mount_call_db(call, &db);

	if (rc < 0)
		return rc;
	rc = publish_file_at(db, at->theme, kind, part, at->v.seq, &file,
			     &call->err);
	if (rc < 0)
		return mount_call_errno(call, rc);
	if (file.bytes < 0)
		return -ENOENT;
	if (!file.state)
		return header_node(call, at, kind, part, resource, ret);
	*ret = mount_node_make(
		kind_of(call->m, at->theme->id, kind, file.state), file.state);
	return 0;
}

int
mount_header_text(struct call *call, uint64_t node, struct text *out)
{
	const struct publish_theme *theme;
	const struct config_resource *r = NULL;
	struct node_header h;

	mount_node_header_get(node, &h);
	theme = mount_theme(call->m, h.theme);
	if (h.resource)
		r = mount_resource(call->m, h.resource);
	if (!theme || (h.resource && !r))
		return -ESTALE;
	out->mtime = call->m->made_at;
	return mount_call_errno(call,
				publish_header(theme, (enum publish_kind)h.file,
					       r ? r->name : "", &out->bytes));
}

static int
find_owner(struct call *call, struct sql *db, uint64_t node,
	   struct access_at *ret)
{
	scope_free char *source = NULL;
	int64_t theme = 0;
	int rc = publish_file_owner(db, (int64_t)mount_node_payload(node),
				    &theme, &source, &call->err);

	if (rc < 0)
		return mount_call_errno(call, rc);
	if (rc == 0)
		return -ESTALE;
	*ret = source ? mount_rights_source(call->m, theme, source)
		      : mount_rights_theme(call->m, theme);
	return 0;
}

int
mount_file_stat(struct call *call, uint64_t node, struct tree_entry *ret)
{
	struct publish_file file;
	struct sql *db;
	int rc = mount_call_db(call, &db);

	if (rc < 0)
		return rc;
	rc = publish_file_get(db, (int64_t)mount_node_payload(node), &file,
			      &call->err);
	if (rc < 0)
		return mount_call_errno(call, rc);
	if (rc == 0)
		return -ESTALE;
	mount_fill_file(ret, node, file.bytes, file.mtime);
	return find_owner(call, db, node, &ret->at);
}

void
mount_want_flat(struct call *call, uint64_t node)
{
	const struct mount *m = call->m;
	struct publish_file file;
	struct sql *db;

	if (mount_node_kind(node) == NODE_FILE && m->backings &&
	    m->context.passthrough.enabled && m->context.flat &&
	    !mount_call_db(call, &db) &&
	    publish_file_get(db, (int64_t)mount_node_payload(node), &file,
			     &call->err) > 0)
		publish_flat_want(m->context.flat, file.state, file.bytes);
}

/* ---- SHA256SUMS ---------------------------------------------------------- */

/* The size is known before a file is hashed: nothing blocks 'ls'. */
int
mount_sums_stat(struct call *call, uint64_t node, struct tree_entry *ret)
{
	int64_t theme, version, bytes;
	struct theme_at at;
	struct sql *db;
	int rc;

	mount_node_version_get(node, &theme, &version);
	rc = mount_theme_version(call, theme, version, &at);
	if (!rc)
		rc = mount_call_db(call, &db);
	if (rc)
		return rc;
	rc = publish_sums_size(db, at.theme, at.named, &bytes, &call->err);
	if (rc < 0)
		return mount_call_errno(call, rc);
	mount_fill_file(ret, node, bytes, at.mtime);
	return 0;
}

/* ---- texts --------------------------------------------------------------- */

static int
published_text(struct call *call, const struct publish_theme *theme,
	       int64_t version, const char *name, struct buf *out)
{
	int64_t id;
	struct sql *db;
	int rc = mount_call_db(call, &db);

	if (rc < 0)
		return rc;
	rc = publish_text(db, call->m->context.config, theme, version, name,
			  &id, out, &call->err);
	return mount_call_errno(call, rc);
}

static int
sums_text(struct call *call, const struct publish_theme *theme, int64_t version,
	  struct buf *out)
{
	int rc = publish_sums(call->m->context.store, call->m->context.config,
			      theme, version, out, &call->err);

	return mount_call_errno(call, rc);
}

/* The index as it was at a version, which is in its number, as is the first
 * version of it: the last one with these bits that is not kept now, or the
 * first that is. */
static int
index_text(struct call *call, uint64_t node, struct buf *out)
{
	const int64_t room = INT64_C(1) << NODE_INDEX_FIRST_BITS;
	int64_t theme, bits, first = 0, last;
	struct sql *db;
	int rc = mount_call_db(call, &db);

	if (rc < 0)
		return rc;
	mount_node_index_get(node, &theme, &bits, &last);
	rc = store_retained_first(db, theme, &first, &call->err);
	first -= (first - bits) & (room - 1);
	if (!rc)
		rc = publish_version_index(db, theme, first, last, out,
					   &call->err);
	return mount_call_errno(call, rc);
}

/* Version 0 is named by index.csv and current before the first data, and
 * stays what it was after that. */
static int
version_of_text(struct call *call, uint64_t node, struct theme_at *ret)
{
	int64_t theme, version;

	mount_node_version_get(node, &theme, &version);
	version &= NODE_VERSION_MAX; /* an index has more in it */
	if (version)
		return mount_theme_version(call, theme, version, ret);
	*ret = (struct theme_at){
		.theme = mount_theme(call->m, theme),
		.mtime = call->m->made_at,
	};
	return ret->theme ? 0 : -ESTALE;
}

int
mount_version_text(struct call *call, uint64_t node, struct text *out)
{
	struct theme_at at;
	int rc = version_of_text(call, node, &at);

	if (rc < 0)
		return rc;
	out->mtime = at.mtime;
	switch (mount_node_kind(node)) {
	case NODE_README:
		return published_text(call, at.theme, at.named, PUBLISH_README,
				      &out->bytes);
	case NODE_DATAPACKAGE:
		return published_text(call, at.theme, at.named,
				      PUBLISH_DATAPACKAGE, &out->bytes);
	case NODE_SUMS:
		return sums_text(call, at.theme, at.named, &out->bytes);
	case NODE_VERSION_INDEX:
		return index_text(call, node, &out->bytes);
	case NODE_CURRENT:
		return mount_call_errno(call, buf_addf(&out->bytes, "%lld\n",
						       (long long)at.named));
	default:
		return -ESTALE;
	}
}

int
mount_theme_text(struct call *call, uint64_t node, struct text *out)
{
	const struct publish_theme *theme;
	struct node_text t;

	mount_node_text_get(node, &t);
	theme = mount_theme(call->m, t.object);
	if (!theme)
		return -ESTALE;
	switch (t.what) {
	case TEXT_DATASET_README:
		return published_text(call, theme, 0, PUBLISH_README,
				      &out->bytes);
	case TEXT_DATASET_PACKAGE:
		return published_text(call, theme, 0, PUBLISH_DATAPACKAGE,
				      &out->bytes);
	case TEXT_DATASET_SUMS:
		return sums_text(call, theme, 0, &out->bytes);
	default:
		return -ESTALE;
	}
}

/* ---- versions/YYYY-MM-DD ------------------------------------------------- */

int
mount_readlink(struct call *call, uint64_t node, char *p, size_t n)
{
	struct theme_at at;
	int rc;

	if (mount_node_kind(node) != NODE_DAY)
		return -EINVAL;
	rc = mount_theme_at(call, node, &at);
	if (rc < 0)
		return rc;
	snprintf(p, n, "%lld", (long long)at.named);
	return 0;
}

int
mount_day_stat(struct call *call, uint64_t node, struct tree_entry *ret)
{
	struct theme_at at;
	char target[24];
	int rc = mount_theme_at(call, node, &at);

	if (!rc)
		rc = mount_readlink(call, node, target, sizeof(target));
	if (rc < 0)
		return rc;
	mount_fill_file(ret, node, (int64_t)strlen(target), at.mtime);
	ret->st.st_mode = S_IFLNK | 0777;
	ret->st.st_blocks = 0;
	return 0;
}
