/*
 * What the kernel keeps of a theme: its names and lists after a publish; the
 * names of one file, wherever it is shown, after its bytes have got another
 * node (backings.h).
 */
#include "mount/mount.h"

#include <string.h>

#include "base/scope.h"
#include "mount/backings.h"
#include "mount/notify.h"
#include "mount/tree.h"
#include "publish/rows.h"
#include "store/chunk.h"
#include "store/version.h"

#define SUBJECTS_MOST 1000 /* beyond, all names are ended */

/* ---- a theme ------------------------------------------------------------- */

struct sources {
	uint64_t folder;
	struct buf *message;
	struct error *err;
};

/* D/R is D.R.csv in sources/, N is N.csv in changes/. */
static void
file_name(const char *part, char name[static PUBLISH_PATH_MAX])
{
	char *slash;

	snprintf(name, PUBLISH_PATH_MAX, "%s.csv", part);
	slash = strchr(name, '/');
	if (slash)
		*slash = '.';
}

static int
add_source(void *ctx, int64_t file, const char *kind, const char *part)
{
	const struct sources *s = ctx;
	char name[PUBLISH_PATH_MAX];
	enum publish_kind of;

	(void)file;
	if (!publish_kind_find(kind, &of) || of != PUBLISH_SOURCE)
		return 0;
	file_name(part, name);
	return mount_notify_add_name(s->message, s->folder, name)
		       ? error_nomem(s->err)
		       : 0;
}

/* Those that came and went, too. */
static int
add_sources(struct mount *m, int64_t theme, struct buf *message,
	    struct error *err)
{
	struct sources s = {mount_node_version(NODE_SOURCES, theme, 0), message,
			    err};
	scope_reader reader = {0};
	int rc = store_reader_get(m->context.store, &reader, err);

	return rc ? rc : store_file_each(reader.db, theme, add_source, &s, err);
}

static int
add_names_of(const struct mount *m, uint64_t folder,
	     const enum layout_name *names, size_t n, struct buf *message)
{
	int rc = 0;

	for (size_t i = 0; i < n && !rc; i++)
		rc = mount_notify_add_name(message, folder,
					   mount_name(m, names[i]));
	return rc;
}

int
mount_invalidate_theme(struct mount *m, int64_t theme, struct buf *message,
		       struct error *err)
{
	static const enum layout_name top[] = {
		LAYOUT_README,	LAYOUT_DATAPACKAGE, LAYOUT_SUMS,
		LAYOUT_DATA,	LAYOUT_JSONL,	    LAYOUT_CONFLICTS,
		LAYOUT_ORPHANS, LAYOUT_SQLITE,
	};
	static const enum layout_name versions[] = {LAYOUT_VERSION_INDEX,
						    LAYOUT_CURRENT};
	static const enum node_kind folders[] = {
		NODE_DATASET,  NODE_SOURCES, NODE_SUBJECTS,
		NODE_VERSIONS, NODE_CHANGES,
	};
	int rc = add_names_of(m, mount_node_version(NODE_DATASET, theme, 0),
			      top, sizeof(top) / sizeof(*top), message);

	if (!rc)
		rc = add_names_of(
			m, mount_node_version(NODE_VERSIONS, theme, 0),
			versions, sizeof(versions) / sizeof(*versions),
			message);
	for (size_t i = 0; i < sizeof(folders) / sizeof(*folders) && !rc; i++)
		rc = mount_notify_add_node(
			message, mount_node_version(folders[i], theme, 0));
	return rc ? error_nomem(err) : add_sources(m, theme, message, err);
}

/* ---- subjects ------------------------------------------------------------ */

struct subjects {
	const struct publish_theme *theme;
	struct buf *message;
	int n;
	struct error *err;
};

static int
add_subject(void *ctx, const struct store_theme_row *old,
	    const struct store_theme_row *new_row)
{
	struct subjects *s = ctx;
	scope_buf name = BUF_INIT;
	uint64_t part = 0;
	uint64_t folder = mount_node_version(NODE_SUBJECTS, s->theme->id, 0);
	int rc;

	if (++s->n > SUBJECTS_MOST)
		return 1;
	rc = mount_subject_places(s->theme,
				  new_row ? new_row->subject : old->subject,
				  &part, &name);
	if (!rc && !buf_str(&name))
		rc = ERR_NOMEM;
	if (!rc)
		rc = mount_notify_add_name(s->message, folder, name.data);
	if (!rc)
		rc = mount_notify_add_name(s->message, part, name.data);
	if (!rc)
		rc = mount_notify_add_node(s->message, part);
	return rc ? error_nomem(s->err) : 0;
}

/* Each by its names: 1, or 0 when they are too many. */
static int
add_subjects(struct mount *m, const struct publish_made *made,
	     struct buf *message, struct error *err)
{
	struct subjects s = {made->theme, message, 0, err};
	struct publish_version v = {0};
	scope_reader reader = {0};
	int rc;

	if (made->subjects > SUBJECTS_MOST)
		return 0;
	rc = store_reader_get(m->context.store, &reader, err);
	if (!rc)
		rc = publish_version_get(reader.db, made->theme->id,
					 made->version, &v, err);
	if (rc > 0)
		rc = store_theme_changes(reader.db, made->theme->id, v.seq - 1,
					 v.seq, NULL, add_subject, &s, err);
	return rc ? (rc < 0 ? rc : 0) : 1;
}

int
mount_invalidate_subjects(struct mount *m, const struct publish_made *made,
			  struct buf *message, struct error *err)
{
	size_t before = message->len;
	int rc = add_subjects(m, made, message, err);

	if (rc)
		return rc < 0 ? rc : 0;
	message->len = before;
	return mount_subject_parts(made->theme->id, message) ||
			       mount_notify_add_names(message)
		       ? error_nomem(err)
		       : 0;
}

/* ---- one file ------------------------------------------------------------ */

#define VERSIONS_MOST 60 /* with names of 100 bytes: MOUNT_MESSAGE_MAX */

struct shown {
	const struct mount *m;
	struct store_file_state state;
	enum publish_kind kind;
	char name[PUBLISH_PATH_MAX];
	struct buf *message;
	int64_t from; /* versions below are left to time */
};

/* In the folder of a version; 0: of the theme. */
static int
add_name(const struct shown *n, int64_t version)
{
	enum node_kind folder = n->kind == PUBLISH_SOURCE    ? NODE_SOURCES
				: n->kind == PUBLISH_CHANGES ? NODE_CHANGES
							     : NODE_DATASET;

	return mount_notify_add_name(
		n->message,
		mount_node_version(folder, n->state.dataset, version), n->name);
}

static int
add_version(void *ctx, const struct store_version *v)
{
	const struct shown *n = ctx;

	if (v->number < n->from || v->seq < n->state.since ||
	    (n->state.until && v->seq >= n->state.until))
		return 0;
	return add_name(n, v->number);
}

static void
find_name(struct shown *n, const char *part)
{
	static const enum layout_name names[] = {
		[PUBLISH_DATA] = LAYOUT_DATA,
		[PUBLISH_JSONL] = LAYOUT_JSONL,
		[PUBLISH_CONFLICTS] = LAYOUT_CONFLICTS,
		[PUBLISH_ORPHANS] = LAYOUT_ORPHANS,
		[PUBLISH_SQLITE] = LAYOUT_SQLITE,
	};

	if (n->kind != PUBLISH_SOURCE && n->kind != PUBLISH_CHANGES)
		snprintf(n->name, sizeof(n->name), "%s",
			 mount_name(n->m, names[n->kind]));
	else
		file_name(part, n->name);
}

static int
add_names(struct shown *n, struct sql *db, struct error *err)
{
	struct store_version newest = {0};
	int rc = store_version_newest(db, n->state.dataset, &newest, err);

	if (rc < 0)
		return rc;
	n->from = newest.number - VERSIONS_MOST;
	rc = add_name(n, 0);
	if (!rc && n->kind == PUBLISH_CHANGES)
		return 0;
	return rc ? error_nomem(err)
		  : store_version_each(db, n->state.dataset, add_version, n,
				       err);
}

int
mount_invalidate_file(struct mount *m, int64_t state, struct buf *message,
		      struct error *err)
{
	uint64_t flat = mount_node_make(NODE_FLAT, state);
	scope_reader reader = {0};
	scope_free char *kind = NULL;
	scope_free char *part = NULL;
	struct shown n = {.m = m, .message = message};
	int64_t dataset = 0;
	int rc;

	if (m->backings && !publish_flat_has(m->context.flat, state))
		mount_backings_forget(m->backings, flat);
	rc = store_reader_get(m->context.store, &reader, err);

	if (!rc)
		rc = store_file_state_get(reader.db, state, &n.state, err);
	if (rc > 0)
		rc = store_file_get(reader.db, n.state.file, &dataset, &kind,
				    &part, err);
	if (rc <= 0)
		return rc;
	if (!publish_kind_find(kind, &n.kind))
		return 0;
	find_name(&n, part);
	return add_names(&n, reader.db, err);
}
