/* Places of nodes, modes and ACLs: see rights.h. */
#include "mount/rights.h"

#include <errno.h>

#define BARE_MODE 0404
#define BARE_OTHERS 0044

static const struct access_at nowhere = {ACCESS_NOWHERE, 0, 0};

/* ---- objects ------------------------------------------------------------- */

struct access_at
mount_rights_theme(const struct mount *m, int64_t theme)
{
	const struct publish_theme *t = mount_theme(m, theme);

	return t ? access_theme(m->context.config, t->theme->id) : nowhere;
}

static struct access_at
of_department(const struct mount *m, int64_t department)
{
	const struct config_department *d = mount_department(m, department);

	return d ? access_inbox(m->context.config, d->id) : nowhere;
}

struct access_at
mount_rights_inbox(const struct mount *m, int64_t resource)
{
	const struct config_resource *r = mount_resource(m, resource);

	return r ? access_inbox(m->context.config, r->department) : nowhere;
}

struct access_at
mount_rights_source(const struct mount *m, int64_t theme, const char *resource)
{
	const struct publish_theme *t = mount_theme(m, theme);

	return t ? access_source(m->context.config, t->theme->id, resource)
		 : nowhere;
}

/* ---- nodes --------------------------------------------------------------- */

static struct access_at
of_fixed(uint64_t node)
{
	static const enum access_place places[] = {
		[FIXED_ROOT] = ACCESS_ROOT,
		[FIXED_CATALOGUE] = ACCESS_CATALOGUE,
		[FIXED_INBOX] = ACCESS_INBOXES,
		[FIXED_THEMES] = ACCESS_THEMES,
	};
	uint64_t i = mount_node_payload(node);

	if (i >= sizeof(places) / sizeof(*places))
		return nowhere;
	return (struct access_at){.place = places[i]};
}

static struct access_at
of_text(const struct mount *m, uint64_t node)
{
	struct node_text t;

	mount_node_text_get(node, &t);
	switch (t.what) {
	case TEXT_ROOT_README:
		return (struct access_at){.place = ACCESS_ROOT};
	case TEXT_DATASET_README:
	case TEXT_DATASET_PACKAGE:
	case TEXT_DATASET_SUMS:
		return mount_rights_theme(m, t.object);
	default:
		return (struct access_at){.place = ACCESS_CATALOGUE};
	}
}

static struct access_at
of_version(const struct mount *m, uint64_t node)
{
	int64_t theme, version;

	mount_node_version_get(node, &theme, &version);
	return mount_rights_theme(m, theme);
}

static struct access_at
of_header(const struct mount *m, uint64_t node)
{
	const struct config_resource *r;
	struct node_header h;

	mount_node_header_get(node, &h);
	if (!h.resource)
		return mount_rights_theme(m, h.theme);
	r = mount_resource(m, h.resource);
	return r ? mount_rights_source(m, h.theme, r->name) : nowhere;
}

static struct access_at
of_part(const struct mount *m, uint64_t node)
{
	struct node_part part;

	mount_node_part_get(node, &part);
	return mount_rights_theme(m, part.theme);
}

static struct access_at
of_net(const struct mount *m, uint64_t node)
{
	struct node_net net;

	mount_node_net_get(node, &net);
	return mount_rights_theme(m, net.theme);
}

struct access_at
mount_rights_node(const struct mount *m, uint64_t node)
{
	int64_t object = (int64_t)mount_node_payload(node);

	switch (mount_node_kind(node)) {
	case NODE_FIXED:
		return of_fixed(node);
	case NODE_TEXT:
		return of_text(m, node);
	case NODE_CATALOGUE_DEPARTMENT:
	case NODE_CATALOGUE_RESOURCE:
		return (struct access_at){.place = ACCESS_CATALOGUE};
	case NODE_INBOX_DEPARTMENT:
	case NODE_ARCHIVE:
	case NODE_TRIAL:
		return of_department(m, object);
	case NODE_INBOX_RESOURCE:
	case NODE_ARCHIVE_RESOURCE:
		return mount_rights_inbox(m, object);
	case NODE_HOLDING:
		return mount_rights_inbox(m, mount_node_inbox_id(node));
	case NODE_DATASET:
	case NODE_SOURCES:
	case NODE_SUBJECTS:
	case NODE_CHANGES:
	case NODE_VERSIONS:
	case NODE_README:
	case NODE_DATAPACKAGE:
	case NODE_SUMS:
	case NODE_VERSION_INDEX:
	case NODE_CURRENT:
	case NODE_DAY:
		return of_version(m, node);
	case NODE_SUBJECTS_PART:
		return of_part(m, node);
	case NODE_HEADER:
		return of_header(m, node);
	case NODE_NET:
		return of_net(m, node);
	default:
		return nowhere;
	}
}

double
mount_rights_keep(uint64_t node, double usual)
{
	switch (mount_node_kind(node)) {
	case NODE_SUBJECTS_PART:
	case NODE_ARCHIVE_SUBMISSION:
		return TREE_NOT;
	case NODE_NET:
	case NODE_TEXT:
	case NODE_HEADER:
	case NODE_ORIGINAL:
		return usual < TREE_MOMENT ? usual : TREE_MOMENT;
	default:
		return usual;
	}
}

/* ---- modes --------------------------------------------------------------- */

static struct access_form
form_of(const struct tree_entry *e)
{
	return (struct access_form){
		.folder = S_ISDIR(e->st.st_mode),
		.writable = mount_node_is_inbox(e->node) ||
			    mount_node_is_upload(e->node),
	};
}

/*
 * One of millions of files that are each opened once: the kernel is not to ask
 * for an ACL at each (it does not where a mode has no bits for a group). All
 * ways to it lead through subjects/, of which the kernel asks, and which has
 * the same rights; the second check is at each open (permit.h). To those who
 * ask, the ACL is what it is.
 */
static bool
is_bare(const struct tree_entry *e)
{
	return e->node == NODE_ROOT ||
	       (mount_node_kind(e->node) == NODE_SUBJECT &&
		e->st.st_mode & BARE_OTHERS);
}

void
mount_rights_fill(const struct mount *m, struct tree_entry *e)
{
	mode_t type = e->st.st_mode & S_IFMT;

	if (type == S_IFLNK)
		return; /* the kernel asks of what it leads to */
	e->st.st_mode =
		type | access_mode(m->context.access, e->at, form_of(e));
	if (!is_bare(e))
		return;
	if (e->node != NODE_ROOT)
		e->st.st_mode = type | BARE_MODE;
	e->st.st_gid = ACCESS_NO_GROUP;
}

int
mount_rights_acl(struct call *call, uint64_t node, struct buf *out)
{
	struct tree_entry e;
	int rc = mount_tree_stat(call, node, &e);

	if (rc < 0)
		return rc;
	if (access_acl(call->m->context.access, e.at, form_of(&e), out))
		return -ENOMEM;
	return out->len ? 0 : -ENODATA;
}
