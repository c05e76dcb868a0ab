/* The folders at the top: the root, catalogue/, inbox/, themes/. */
#include "mount/tree.h"

#include <errno.h>

struct top_name {
	enum layout_name name;
	enum node_fixed node;
};

static const struct top_name root_folders[] = {
	{LAYOUT_CATALOGUE, FIXED_CATALOGUE},
	{LAYOUT_INBOX, FIXED_INBOX},
	{LAYOUT_THEMES, FIXED_THEMES},
};
#define ROOT_FOLDERS (sizeof(root_folders) / sizeof(*root_folders))

/* The root and catalogue/ also hold one text each. */
static bool
text_of(const struct mount *m, uint64_t folder, enum node_text_kind *what,
	const char **name)
{
	if (mount_node_payload(folder) == FIXED_ROOT) {
		*what = TEXT_ROOT_README;
		*name = mount_name(m, LAYOUT_ROOT_README);
		return true;
	}
	*what = TEXT_CATALOGUE_INDEX;
	*name = mount_name(m, LAYOUT_CATALOGUE_INDEX);
	return mount_node_payload(folder) == FIXED_CATALOGUE;
}

int
mount_top_stat(struct call *call, uint64_t node, struct tree_entry *ret)
{
	switch (mount_node_payload(node)) {
	case FIXED_ROOT:
	case FIXED_CATALOGUE:
	case FIXED_INBOX:
	case FIXED_THEMES:
		mount_fill_folder(ret, node, call->m->made_at);
		return 0;
	default:
		return -ESTALE;
	}
}

static int
find_folder(const struct mount *m, const char *name, uint64_t *ret_node)
{
	for (size_t i = 0; i < ROOT_FOLDERS; i++) {
		if (strcmp(mount_name(m, root_folders[i].name), name) == 0) {
			*ret_node = mount_node_make(NODE_FIXED,
						    root_folders[i].node);
			return 0;
		}
	}
	return -ENOENT;
}

static int
find_department(const struct mount *m, enum node_kind kind, const char *name,
		uint64_t *ret_node)
{
	const struct config *config = m->context.config;

	for (size_t i = 0; i < config->ndepartments; i++) {
		if (strcmp(config->departments[i].id, name) == 0) {
			*ret_node = mount_node_make(kind,
						    m->context.departments[i]);
			return 0;
		}
	}
	return -ENOENT;
}

static int
find_theme(const struct mount *m, const char *name, uint64_t *ret_node)
{
	for (size_t i = 0; i < m->context.nthemes; i++) {
		const struct publish_theme *t = &m->context.themes[i];

		if (strcmp(t->theme->id, name) == 0) {
			*ret_node = mount_node_version(NODE_DATASET, t->id, 0);
			return 0;
		}
	}
	return -ENOENT;
}

int
mount_top_find(struct call *call, uint64_t folder, const char *name,
	       uint64_t *ret_node, double *timeout)
{
	const struct mount *m = call->m;
	enum node_text_kind what;
	const char *text;

	(void)timeout;
	if (text_of(m, folder, &what, &text) && strcmp(text, name) == 0)
		return mount_text_node(call, what, 0, ret_node);
	switch (mount_node_payload(folder)) {
	case FIXED_ROOT:
		return find_folder(m, name, ret_node);
	case FIXED_CATALOGUE:
		return find_department(m, NODE_CATALOGUE_DEPARTMENT, name,
				       ret_node);
	case FIXED_INBOX:
		return find_department(m, NODE_INBOX_DEPARTMENT, name,
				       ret_node);
	case FIXED_THEMES:
		return find_theme(m, name, ret_node);
	default:
		return -ESTALE;
	}
}

/* The offset of a department or theme is its number: a changed configuration
 * does not move the others. */
static int
list_departments(const struct mount *m, enum node_kind kind,
		 struct listing *out)
{
	const struct config *config = m->context.config;
	int rc = 0;

	for (size_t i = 0; i < config->ndepartments && !rc; i++) {
		int64_t object = m->context.departments[i];

		rc = mount_list_add(out, LIST_FIRST + 1 + object,
				    mount_node_make(kind, object),
				    config->departments[i].id);
	}
	return rc;
}

static int
list_themes(const struct mount *m, struct listing *out)
{
	int rc = 0;

	for (size_t i = 0; i < m->context.nthemes && !rc; i++) {
		const struct publish_theme *t = &m->context.themes[i];

		rc = mount_list_add(out, LIST_FIRST + 1 + t->id,
				    mount_node_version(NODE_DATASET, t->id, 0),
				    t->theme->id);
	}
	return rc;
}

static int
list_root(const struct mount *m, struct listing *out)
{
	int rc = 0;

	for (size_t i = 0; i < ROOT_FOLDERS && !rc; i++)
		rc = mount_list_add(
			out, LIST_FIRST + 1 + (int64_t)i,
			mount_node_make(NODE_FIXED, root_folders[i].node),
			mount_name(m, root_folders[i].name));
	return rc;
}

int
mount_top_list(struct call *call, uint64_t folder, struct listing *out)
{
	const struct mount *m = call->m;
	enum node_text_kind what;
	const char *text;
	uint64_t node;
	int rc;

	if (text_of(m, folder, &what, &text)) {
		rc = mount_text_node(call, what, 0, &node);
		if (!rc)
			rc = mount_list_add(out, LIST_FIRST, node, text);
		if (rc < 0)
			return rc;
	}
	switch (mount_node_payload(folder)) {
	case FIXED_ROOT:
		rc = list_root(m, out);
		break;
	case FIXED_CATALOGUE:
		rc = list_departments(m, NODE_CATALOGUE_DEPARTMENT, out);
		break;
	case FIXED_INBOX:
		rc = list_departments(m, NODE_INBOX_DEPARTMENT, out);
		break;
	case FIXED_THEMES:
		rc = list_themes(m, out);
		break;
	default:
		return -ESTALE;
	}
	mount_list_sort(out);
	return rc;
}
