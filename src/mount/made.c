/* Texts whose number says what they are and holds a hash of their bytes: which
 * function makes which. */
#include "mount/tree.h"

#include <errno.h>

#include "mount/catalogue.h"

/* The newest submission of a resource. */
struct newest {
	struct store_submission copy;
	bool found;
	int rc;
};

static int
take_newest(void *ctx, const struct store_submission *s)
{
	struct newest *n = ctx;

	n->copy = *s;
	n->copy.submitted_by = NULL;
	n->copy.name = strdup(s->name);
	if (!n->copy.name)
		return ERR_NOMEM;
	n->found = true;
	return 0;
}

static int
make_status(struct call *call, int64_t object, const struct config_resource *r,
	    struct text *out)
{
	struct newest newest = {0};
	struct sql *db;
	int rc = mount_call_db(call, &db);

	if (rc < 0)
		return rc;
	rc = store_submission_each(db, object, NULL, 1, take_newest, &newest,
				   &call->err);
	if (!rc)
		rc = mount_catalogue_status(
			r, newest.found ? &newest.copy : NULL, &out->bytes);
	if (newest.found)
		out->mtime = newest.copy.judged_at ? newest.copy.judged_at
						   : newest.copy.received_at;
	store_submission_release(&newest.copy);
	return mount_call_errno(call, rc);
}

static int
make_of_resource(struct call *call, const struct node_text *t, struct text *out)
{
	const struct mount *m = call->m;
	const struct config_resource *r = mount_resource(m, t->object);

	if (!r)
		return -ESTALE;
	switch (t->what) {
	case TEXT_RESOURCE_README:
		return mount_call_errno(
			call,
			mount_catalogue_readme(m->context.config, m->layout, r,
					       &out->bytes));
	case TEXT_DESCRIPTOR:
		return mount_call_errno(
			call,
			buf_add(&out->bytes, r->descriptor, r->descriptor_len));
	case TEXT_SCHEMA:
		return mount_call_errno(call,
					mount_catalogue_schema(r, &out->bytes));
	case TEXT_TEMPLATE:
		return mount_call_errno(
			call, mount_catalogue_template(r, &out->bytes));
	case TEXT_TEMPLATE_WORKBOOK:
		return mount_call_errno(call, mount_catalogue_workbook(
						      m->context.config, r,
						      &out->bytes, &call->err));
	case TEXT_STATUS:
		return make_status(call, t->object, r, out);
	default:
		return -ESTALE;
	}
}

int
mount_made_text(struct call *call, uint64_t node, struct text *out)
{
	const struct mount *m = call->m;
	struct node_text t;

	mount_node_text_get(node, &t);
	out->mtime = m->made_at;
	switch (t.what) {
	case TEXT_ROOT_README:
		return mount_call_errno(call, mount_catalogue_root_readme(
						      m->context.config,
						      m->layout, &out->bytes));
	case TEXT_CATALOGUE_INDEX:
		return mount_call_errno(
			call,
			mount_catalogue_index(m->context.config, &out->bytes));
	case TEXT_DATASET_README:
	case TEXT_DATASET_PACKAGE:
	case TEXT_DATASET_SUMS:
		return mount_theme_text(call, node, out);
	default:
		return make_of_resource(call, &t, out);
	}
}
