/* The names of a published file, wherever it is shown: after its bytes have
 * got another node (backings.h), the kernel looks them up again. */
#include "mount/mount.h"

#include <string.h>

#include "base/scope.h"
#include "mount/call.h"
#include "mount/notify.h"
#include "publish/rows.h"
#include "store/chunk.h"
#include "store/version.h"

#define VERSIONS_MOST 60 /* with names of 100 bytes: MOUNT_MESSAGE_MAX */

struct names {
	const struct mount *m;
	struct store_file_state state;
	enum publish_kind kind;
	char name[PUBLISH_PATH_MAX];
	struct buf *message;
	int64_t from; /* versions below are left to time */
};

/* In the folder of a version; 0: of the theme. */
static int
add_name(const struct names *n, int64_t version)
{
	enum node_kind folder =
		n->kind == PUBLISH_SOURCE ? NODE_SOURCES : NODE_DATASET;

	return mount_notify_add_name(
		n->message,
		mount_node_version(folder, n->state.dataset, version), n->name);
}

static int
add_version(void *ctx, const struct store_version *v)
{
	const struct names *n = ctx;

	if (v->number < n->from || v->seq < n->state.since ||
	    (n->state.until && v->seq >= n->state.until))
		return 0;
	return add_name(n, v->number);
}

/* D/R is D.R.csv in sources/. */
static bool
find_name(struct names *n, const char *part)
{
	static const enum layout_name names[] = {
		[PUBLISH_DATA] = LAYOUT_DATA,
		[PUBLISH_JSONL] = LAYOUT_JSONL,
		[PUBLISH_CONFLICTS] = LAYOUT_CONFLICTS,
		[PUBLISH_ORPHANS] = LAYOUT_ORPHANS,
	};
	char *slash;

	if (n->kind == PUBLISH_CHANGES)
		return false;
	if (n->kind != PUBLISH_SOURCE) {
		snprintf(n->name, sizeof(n->name), "%s",
			 mount_name(n->m, names[n->kind]));
		return true;
	}
	snprintf(n->name, sizeof(n->name), "%s.csv", part);
	slash = strchr(n->name, '/');
	if (slash)
		*slash = '.';
	return slash;
}

static int
add_names(struct names *n, struct sql *db, struct error *err)
{
	struct store_version newest = {0};
	int rc = store_version_newest(db, n->state.dataset, &newest, err);

	if (rc < 0)
		return rc;
	n->from = newest.number - VERSIONS_MOST;
	rc = add_name(n, 0);
	return rc ? error_nomem(err)
		  : store_version_each(db, n->state.dataset, add_version, n,
				       err);
}

int
mount_invalidate_file(struct mount *m, int64_t state, struct buf *message,
		      struct error *err)
{
	scope_reader reader = {0};
	scope_free char *kind = NULL;
	scope_free char *part = NULL;
	struct names n = {.m = m, .message = message};
	int64_t dataset = 0;
	int rc = store_reader_get(m->context.store, &reader, err);

	if (!rc)
		rc = store_file_state_get(reader.db, state, &n.state, err);
	if (rc > 0)
		rc = store_file_get(reader.db, n.state.file, &dataset, &kind,
				    &part, err);
	if (rc <= 0)
		return rc;
	if (!publish_kind_find(kind, &n.kind) || !find_name(&n, part))
		return 0;
	return add_names(&n, reader.db, err);
}
