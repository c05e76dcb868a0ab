/* catalogue/DEPARTMENT/RESOURCE/: the folders, and which texts are in them. */
#include "mount/tree.h"

#include <errno.h>

static const struct {
	enum layout_name name;
	enum node_text_kind what;
} files[] = {
	{LAYOUT_RESOURCE_README, TEXT_RESOURCE_README},
	{LAYOUT_DESCRIPTOR, TEXT_DESCRIPTOR},
	{LAYOUT_SCHEMA, TEXT_SCHEMA},
	{LAYOUT_TEMPLATE, TEXT_TEMPLATE},
	{LAYOUT_TEMPLATE_WORKBOOK, TEXT_TEMPLATE_WORKBOOK},
	{LAYOUT_STATUS, TEXT_STATUS},
};
#define FILES (sizeof(files) / sizeof(*files))

int
mount_catalogue_stat(struct call *call, uint64_t node, struct tree_entry *ret)
{
	int64_t object = (int64_t)mount_node_payload(node);
	const void *known =
		mount_node_kind(node) == NODE_CATALOGUE_DEPARTMENT
			? (const void *)mount_department(call->m, object)
			: (const void *)mount_resource(call->m, object);

	if (!known)
		return -ESTALE;
	mount_fill_folder(ret, node, call->m->made_at);
	return 0;
}

int
mount_catalogue_department_find(struct call *call, uint64_t folder,
				const char *name, uint64_t *ret_node,
				double *timeout)
{
	(void)timeout;
	return mount_department_resource(
		call, (int64_t)mount_node_payload(folder),
		NODE_CATALOGUE_RESOURCE, call->m->context.resources, name,
		ret_node);
}

int
mount_catalogue_department_list(struct call *call, uint64_t folder,
				struct listing *out)
{
	return mount_department_list(call, (int64_t)mount_node_payload(folder),
				     NODE_CATALOGUE_RESOURCE,
				     call->m->context.resources, out);
}

int
mount_catalogue_resource_find(struct call *call, uint64_t folder,
			      const char *name, uint64_t *ret_node,
			      double *timeout)
{
	int64_t object = (int64_t)mount_node_payload(folder);

	for (size_t i = 0; i < FILES; i++) {
		if (strcmp(mount_name(call->m, files[i].name), name) != 0)
			continue;
		if (files[i].what != TEXT_STATUS)
			*timeout = TREE_CONFIGURED;
		return mount_text_node(call, files[i].what, object, ret_node);
	}
	*timeout = TREE_CONFIGURED;
	return mount_resource(call->m, object) ? -ENOENT : -ESTALE;
}

int
mount_catalogue_resource_list(struct call *call, uint64_t folder,
			      struct listing *out)
{
	int64_t object = (int64_t)mount_node_payload(folder);
	uint64_t node;
	int rc = 0;

	for (size_t i = 0; i < FILES && !rc; i++) {
		rc = mount_text_node(call, files[i].what, object, &node);
		if (!rc)
			rc = mount_list_add(out, LIST_FIRST + (int64_t)i, node,
					    mount_name(call->m, files[i].name));
	}
	return rc;
}

/* ---- the resources of a department, here and in inbox/ ------------------- */

int
mount_department_resource(struct call *call, int64_t department,
			  enum node_kind kind, const int64_t *objects,
			  const char *name, uint64_t *ret_node)
{
	const struct mount *m = call->m;
	const struct config *config = m->context.config;
	const struct config_department *d = mount_department(m, department);

	if (!d)
		return -ESTALE;
	for (size_t i = 0; i < config->nresources; i++) {
		const struct config_resource *r = &config->resources[i];

		if (strcmp(r->department, d->id) == 0 &&
		    strcmp(r->id, name) == 0) {
			*ret_node = mount_node_make(kind, objects[i]);
			return 0;
		}
	}
	return -ENOENT;
}

int
mount_department_list(struct call *call, int64_t department,
		      enum node_kind kind, const int64_t *objects,
		      struct listing *out)
{
	const struct mount *m = call->m;
	const struct config *config = m->context.config;
	const struct config_department *d = mount_department(m, department);
	int rc = 0;

	if (!d)
		return -ESTALE;
	for (size_t i = 0; i < config->nresources && !rc; i++) {
		int64_t object = objects[i];

		if (strcmp(config->resources[i].department, d->id) == 0)
			rc = mount_list_add(out, LIST_FIRST + 1 + object,
					    mount_node_make(kind, object),
					    config->resources[i].id);
	}
	mount_list_sort(out);
	return rc;
}
