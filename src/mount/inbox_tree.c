/*
 * inbox/DEPARTMENT/RESOURCE/ and inbox/DEPARTMENT/archive/RESOURCE/SUBMISSION/:
 * the folders (those of trial/ are inboxes of other numbers), and the files as
 * src/inbox knows them.
 */
#include "mount/tree.h"

#include "store/inbox.h"

#include <errno.h>

#include "mount/backings.h"
#include "mount/rights.h"

static const enum node_kind upload_kinds[] = {
	[INBOX_FILE] = NODE_UPLOAD,
	[INBOX_RECEIPT_TEXT] = NODE_RECEIPT_TEXT,
	[INBOX_RECEIPT_JSON] = NODE_RECEIPT_JSON,
};

static const enum node_kind kept_kinds[] = {
	[INBOX_FILE] = NODE_ORIGINAL,
	[INBOX_RECEIPT_TEXT] = NODE_KEPT_TEXT,
	[INBOX_RECEIPT_JSON] = NODE_KEPT_JSON,
	[INBOX_FIX] = NODE_KEPT_FIX,
};

enum inbox_part
mount_inbox_part(uint64_t node)
{
	switch (mount_node_kind(node)) {
	case NODE_RECEIPT_TEXT:
	case NODE_KEPT_TEXT:
		return INBOX_RECEIPT_TEXT;
	case NODE_RECEIPT_JSON:
	case NODE_KEPT_JSON:
		return INBOX_RECEIPT_JSON;
	case NODE_KEPT_FIX:
		return INBOX_FIX;
	default:
		return INBOX_FILE;
	}
}

/* Where close() answers with the verdict, a submission has the bytes while
 * their writer may still have the file open: then each write must be seen. */
uint64_t
mount_inbox_node(const struct mount *m, const struct inbox_entry *e)
{
	const struct config_resource *r = mount_resource(m, e->resource);
	const struct node_written w = {
		.file = e->id, .blob = e->blob & NODE_WRITTEN_BLOB_MASK};

	if (m->backings && mount_backings_are_on(m->backings) &&
	    e->id <= NODE_WRITTEN_FILE_MAX && !(r && r->verdict_close) &&
	    inbox_may_pass(m->context.inbox, e))
		return mount_node_written(&w);
	return mount_node_make(upload_kinds[e->part], e->id);
}

/* chmod succeeds and changes no right: the mode is that of the rules. */
void
mount_inbox_fill(const struct mount *m, const struct inbox_entry *e,
		 uint64_t node, struct tree_entry *ret)
{
	*ret = (struct tree_entry){
		.node = node,
		.at = mount_rights_inbox(m, e->resource),
		.st = e->st,
	};
	ret->st.st_ino = mount_node_plain(node);
	mount_rights_fill(m, ret);
}

/* ---- folders ------------------------------------------------------------- */

static int
take_time(void *ctx, const struct store_submission *s)
{
	int64_t *time = ctx;

	*time = s->judged_at ? s->judged_at : s->received_at;
	return 0;
}

/* When something last came or went: exact while this worker lives, before
 * that the newest submission's time. */
static int
resource_time(struct call *call, int64_t object, int64_t *ret)
{
	int i = mount_resource_index(call->m, object);
	struct sql *db;
	int rc;

	if (i < 0)
		return -ESTALE;
	*ret = atomic_load(&call->m->inbox_changed[i]);
	if (*ret)
		return 0;
	*ret = call->m->made_at;
	rc = mount_call_db(call, &db);
	if (rc < 0)
		return rc;
	return mount_call_errno(call, store_submission_each(db, object, NULL, 1,
							    take_time, ret,
							    &call->err));
}

int
mount_inbox_folder_stat(struct call *call, uint64_t node,
			struct tree_entry *ret)
{
	int64_t object = mount_node_inbox_id(node);
	int64_t mtime = call->m->made_at;
	int rc = 0;

	switch (mount_node_kind(node)) {
	case NODE_INBOX_DEPARTMENT:
	case NODE_ARCHIVE:
	case NODE_TRIAL:
		rc = mount_department(call->m, object) ? 0 : -ESTALE;
		break;
	default:
		rc = resource_time(call, object, &mtime);
		break;
	}
	if (rc < 0)
		return rc;
	mount_fill_folder(ret, node, mtime);
	return 0;
}

int
mount_inbox_department_find(struct call *call, uint64_t folder,
			    const char *name, uint64_t *ret_node,
			    double *timeout)
{
	int64_t department = (int64_t)mount_node_payload(folder);

	(void)timeout;
	if (strcmp(name, mount_name(call->m, LAYOUT_ARCHIVE)) == 0) {
		*ret_node = mount_node_make(NODE_ARCHIVE, department);
		return 0;
	}
	if (strcmp(name, mount_name(call->m, LAYOUT_TRIAL)) == 0) {
		*ret_node = mount_node_make(NODE_TRIAL, department);
		return 0;
	}
	return mount_department_resource(call, department, NODE_INBOX_RESOURCE,
					 call->m->context.resources, name,
					 ret_node);
}

int
mount_inbox_department_list(struct call *call, uint64_t folder,
			    struct listing *out)
{
	int64_t department = (int64_t)mount_node_payload(folder);
	int rc = mount_list_add(out, LIST_FIRST,
				mount_node_make(NODE_ARCHIVE, department),
				mount_name(call->m, LAYOUT_ARCHIVE));

	if (!rc)
		rc = mount_list_add(out, LIST_FIRST + 1,
				    mount_node_make(NODE_TRIAL, department),
				    mount_name(call->m, LAYOUT_TRIAL));
	return rc ? rc
		  : mount_department_list(call, department, NODE_INBOX_RESOURCE,
					  call->m->context.resources, out);
}

int
mount_trial_find(struct call *call, uint64_t folder, const char *name,
		 uint64_t *ret_node, double *timeout)
{
	(void)timeout;
	return mount_department_resource(
		call, (int64_t)mount_node_payload(folder), NODE_INBOX_RESOURCE,
		call->m->context.trials, name, ret_node);
}

int
mount_trial_list(struct call *call, uint64_t folder, struct listing *out)
{
	return mount_department_list(call, (int64_t)mount_node_payload(folder),
				     NODE_INBOX_RESOURCE,
				     call->m->context.trials, out);
}

int
mount_archive_find(struct call *call, uint64_t folder, const char *name,
		   uint64_t *ret_node, double *timeout)
{
	(void)timeout;
	return mount_department_resource(
		call, (int64_t)mount_node_payload(folder),
		NODE_ARCHIVE_RESOURCE, call->m->context.resources, name,
		ret_node);
}

int
mount_archive_list(struct call *call, uint64_t folder, struct listing *out)
{
	return mount_department_list(call, (int64_t)mount_node_payload(folder),
				     NODE_ARCHIVE_RESOURCE,
				     call->m->context.resources, out);
}

/* ---- an inbox folder ----------------------------------------------------- */

int
mount_inbox_file_stat(struct call *call, uint64_t node, struct tree_entry *ret)
{
	struct inbox_entry e;
	int rc = inbox_stat(call->m->context.inbox, mount_inbox_part(node),
			    mount_node_inbox_id(node), &e);

	if (rc < 0)
		return rc == -ENOENT ? -ESTALE : rc;
	mount_inbox_fill(call->m, &e, node, ret);
	return 0;
}

/* A holding folder is in every folder of an inbox, and in no list of one. */
static bool
find_holding(uint64_t folder, const char *name, uint64_t *ret_node)
{
	struct node_holding h = {.resource = mount_node_inbox_id(folder)};
	int which = inbox_holding_named(name);

	if (which < 0)
		return false;
	h.which = (unsigned)which;
	*ret_node = mount_node_holding(&h);
	return true;
}

static int
find_file(struct call *call, uint64_t folder, const char *name,
	  uint64_t *ret_node)
{
	struct inbox_entry e;
	int rc = inbox_lookup(call->m->context.inbox,
			      mount_node_inbox_id(folder), name, &e);

	if (!rc)
		*ret_node = mount_inbox_node(call->m, &e);
	return rc;
}

int
mount_inbox_resource_find(struct call *call, uint64_t folder, const char *name,
			  uint64_t *ret_node, double *timeout)
{
	(void)timeout;
	return find_holding(folder, name, ret_node)
		       ? 0
		       : find_file(call, folder, name, ret_node);
}

int
mount_holding_find(struct call *call, uint64_t folder, const char *name,
		   uint64_t *ret_node, double *timeout)
{
	char full[MOUNT_INBOX_NAME_MAX];
	int rc = mount_inbox_name(folder, name, full);

	(void)timeout;
	return rc ? rc : find_file(call, folder, full, ret_node);
}

int
mount_inbox_name(uint64_t folder, const char *name,
		 char ret[static MOUNT_INBOX_NAME_MAX])
{
	struct node_holding h;
	const char *holding = NULL;
	int n;

	if (mount_node_kind(folder) == NODE_HOLDING) {
		mount_node_holding_get(folder, &h);
		if (h.which >= INBOX_HOLDINGS)
			return -ESTALE;
		holding = inbox_holdings[h.which];
	}
	n = snprintf(ret, MOUNT_INBOX_NAME_MAX, "%s%s%s",
		     holding ? holding : "", holding ? "/" : "", name);
	return n < MOUNT_INBOX_NAME_MAX ? 0 : -ENAMETOOLONG;
}

/* src/inbox only asks whether to go on, so a failure is kept here. */
struct inbox_listing {
	const struct mount *m;
	struct listing *out;
	int64_t number; /* of the submission, in archive/ */
	int rc;
};

static int
add_upload(void *ctx, const struct inbox_entry *e)
{
	struct inbox_listing *l = ctx;

	l->rc = mount_list_add(l->out, mount_list_offset(e->name),
			       mount_inbox_node(l->m, e), e->name);
	return l->rc;
}

int
mount_inbox_resource_list(struct call *call, uint64_t folder,
			  struct listing *out)
{
	struct inbox_listing l = {.m = call->m, .out = out};
	int rc = inbox_list(call->m->context.inbox,
			    (int64_t)mount_node_payload(folder), "", add_upload,
			    &l);

	mount_list_sort(out);
	return rc ? rc : l.rc;
}

int
mount_holding_list(struct call *call, uint64_t folder, struct listing *out)
{
	struct inbox_listing l = {.m = call->m, .out = out};
	struct node_holding h;
	int rc;

	mount_node_holding_get(folder, &h);
	if (h.which >= INBOX_HOLDINGS)
		return -ESTALE;
	rc = inbox_list_held(call->m->context.inbox, h.resource,
			     inbox_holdings[h.which], add_upload, &l);
	mount_list_sort(out);
	return rc ? rc : l.rc;
}

/* ---- archive ------------------------------------------------------------- */

int
mount_archive_resource_find(struct call *call, uint64_t folder,
			    const char *name, uint64_t *ret_node,
			    double *timeout)
{
	struct store_submission s;
	struct sql *db;
	int rc = mount_call_db(call, &db);

	if (rc < 0)
		return rc;
	rc = store_submission_find(db, name, &s, &call->err);
	if (rc < 0)
		return mount_call_errno(call, rc);
	if (rc == 0)
		return -ENOENT;
	rc = s.resource == (int64_t)mount_node_payload(folder) && !s.expired
		     ? 0
		     : -ENOENT;
	*ret_node = mount_node_make(NODE_ARCHIVE_SUBMISSION, s.number);
	if (!rc)
		*timeout = TREE_FOR_EVER;
	store_submission_release(&s);
	return rc;
}

static int
add_submission(void *ctx, const struct store_submission *s)
{
	int rc = 0;

	if (!s->expired)
		rc = mount_list_add(
			ctx, LIST_FIRST + s->number,
			mount_node_make(NODE_ARCHIVE_SUBMISSION, s->number),
			s->id);
	return rc ? ERR_NOMEM : 0;
}

int
mount_archive_resource_list(struct call *call, uint64_t folder,
			    struct listing *out)
{
	struct sql *db;
	int rc = mount_call_db(call, &db);

	if (rc < 0)
		return rc;
	rc = store_submission_each(db, (int64_t)mount_node_payload(folder),
				   NULL, 0, add_submission, out, &call->err);
	mount_list_sort(out);
	return mount_call_errno(call, rc);
}

int
mount_archive_submission_stat(struct call *call, uint64_t node,
			      struct tree_entry *ret)
{
	struct store_submission s;
	struct sql *db;
	int rc = mount_call_db(call, &db);

	if (rc < 0)
		return rc;
	rc = store_submission_get(db, (int64_t)mount_node_payload(node), &s,
				  &call->err);
	if (rc < 0)
		return mount_call_errno(call, rc);
	if (rc == 0)
		return -ESTALE;
	mount_fill_folder(ret, node, s.judged_at ? s.judged_at : s.received_at);
	ret->at = mount_rights_inbox(call->m, s.resource);
	store_submission_release(&s);
	return s.expired ? -ESTALE : 0;
}

/* One entry of a submission's folder, by name or by part. */
struct wanted {
	const char *name; /* NULL: by part */
	enum inbox_part part;
	struct inbox_entry found;
	bool is_found;
};

static int
take_wanted(void *ctx, const struct inbox_entry *e)
{
	struct wanted *w = ctx;

	if (w->name ? strcmp(e->name, w->name) != 0 : e->part != w->part)
		return 0;
	w->found = *e;
	w->is_found = true;
	return 1;
}

static int
find_kept(struct call *call, int64_t number, struct wanted *w)
{
	int rc = inbox_archive_list(call->m->context.inbox, number, take_wanted,
				    w);

	if (rc < 0)
		return rc;
	return w->is_found ? 0 : -ENOENT;
}

int
mount_archive_submission_find(struct call *call, uint64_t folder,
			      const char *name, uint64_t *ret_node,
			      double *timeout)
{
	struct wanted w = {.name = name};
	int64_t number = (int64_t)mount_node_payload(folder);
	struct tree_entry of;
	int rc = mount_archive_submission_stat(call, folder, &of);

	(void)timeout;
	if (!rc)
		rc = find_kept(call, number, &w);
	if (rc < 0)
		return rc;
	*ret_node = mount_node_make(kept_kinds[w.found.part], number);
	return 0;
}

static int
add_kept(void *ctx, const struct inbox_entry *e)
{
	struct inbox_listing *l = ctx;

	l->rc = mount_list_add(l->out, LIST_FIRST + (int64_t)e->part,
			       mount_node_make(kept_kinds[e->part], l->number),
			       e->name);
	return l->rc;
}

int
mount_archive_submission_list(struct call *call, uint64_t folder,
			      struct listing *out)
{
	struct inbox_listing l = {
		.out = out, .number = (int64_t)mount_node_payload(folder)};
	struct tree_entry of;
	int rc = mount_archive_submission_stat(call, folder, &of);

	if (!rc)
		rc = inbox_archive_list(call->m->context.inbox, l.number,
					add_kept, &l);

	mount_list_sort(out);
	return rc ? rc : l.rc;
}

int
mount_archive_file_stat(struct call *call, uint64_t node,
			struct tree_entry *ret)
{
	struct wanted w = {.part = mount_inbox_part(node)};
	int rc = find_kept(call, (int64_t)mount_node_payload(node), &w);

	if (rc < 0)
		return rc == -ENOENT ? -ESTALE : rc;
	mount_fill_file(ret, node, w.found.st.st_size, 0);
	ret->at = mount_rights_inbox(call->m, w.found.resource);
	ret->st.st_mtim = w.found.st.st_mtim;
	ret->st.st_ctim = ret->st.st_atim = w.found.st.st_mtim;
	return 0;
}

/* ---- the room there is --------------------------------------------------- */

/* 1 and the resource that a node below inbox/ belongs to, 0 when there is none
 * (any more), or a negative errno. */
static int
resource_of(struct call *call, uint64_t node, int64_t *ret)
{
	int64_t id = mount_node_inbox_id(node);
	struct store_submission s = {0};
	struct store_inbox_file f = {0};
	struct sql *db;
	int rc;

	switch (mount_node_kind(node)) {
	case NODE_INBOX_RESOURCE:
	case NODE_HOLDING:
	case NODE_ARCHIVE_RESOURCE:
		*ret = id;
		return 1;
	case NODE_UPLOAD:
	case NODE_WRITTEN:
		rc = mount_call_db(call, &db);
		if (!rc)
			rc = mount_call_errno(
				call, store_inbox_get(db, id, &f, &call->err));
		if (rc > 0)
			*ret = f.resource;
		return rc;
	default:
		rc = mount_call_db(call, &db);
		if (!rc)
			rc = mount_call_errno(
				call,
				store_submission_get(db, id, &s, &call->err));
		if (rc > 0) {
			*ret = s.resource;
			store_submission_release(&s);
		}
		return rc;
	}
}

static bool
is_below_inbox(uint64_t node)
{
	enum node_kind kind = mount_node_kind(node);

	return kind >= NODE_INBOX_DEPARTMENT && kind <= NODE_WRITTEN;
}

int
mount_inbox_statfs(struct call *call, uint64_t node, struct statvfs *ret)
{
	const struct mount_context *c = &call->m->context;
	const struct config_department *department = NULL;
	const char *name = NULL;
	int64_t resource = 0;
	int i = -1, rc = 0;

	if (mount_node_kind(node) == NODE_INBOX_DEPARTMENT ||
	    mount_node_kind(node) == NODE_ARCHIVE ||
	    mount_node_kind(node) == NODE_TRIAL) {
		department = mount_department(
			call->m, (int64_t)mount_node_payload(node));
		name = department ? department->id : NULL;
	} else if (is_below_inbox(node)) {
		rc = resource_of(call, node, &resource);
		if (rc > 0)
			i = mount_resource_index(call->m, resource);
		if (i >= 0)
			name = c->config->resources[i].department;
	}
	return rc < 0 ? rc : inbox_statfs(c->inbox, name, ret);
}
