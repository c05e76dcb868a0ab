/* Names to numbers: see names.h. */
#include "access/names.h"

#include <stdlib.h>
#include <string.h>

void
access_names_release(struct access_names *names)
{
	for (size_t i = 0; i < names->n; i++)
		free(names->items[i].groups);
	free(names->items);
	names->items = NULL;
	names->n = 0;
}

static int
ask(const struct access_resolver *r, struct access_name *name)
{
	uid_t uid;
	gid_t gid;

	if (name->is_group) {
		name->found = r->group(r->ctx, name->text, &gid) > 0;
		name->id = name->found ? gid : 0;
		return 0;
	}
	name->found = r->user(r->ctx, name->text, &uid, &gid) > 0;
	if (!name->found)
		return 0;
	name->id = uid;
	return r->groups_of(r->ctx, name->text, gid, &name->groups,
			    &name->ngroups);
}

int
access_names_get(struct access_names *names, const char *text, bool is_group,
		 const struct access_name **ret)
{
	struct access_name *items, name = {.text = text, .is_group = is_group};
	int rc;

	for (size_t i = 0; i < names->n; i++) {
		*ret = &names->items[i];
		if ((*ret)->is_group == is_group &&
		    strcmp((*ret)->text, text) == 0)
			return 0;
	}
	items = reallocarray(names->items, names->n + 1, sizeof(*items));
	if (!items)
		return ERR_NOMEM;
	names->items = items;
	rc = ask(names->resolver, &name);
	if (rc)
		return rc;
	items[names->n] = name;
	*ret = &items[names->n++];
	return 0;
}

const struct access_name *
access_names_user(const struct access_names *names, uid_t uid)
{
	for (size_t i = 0; i < names->n; i++) {
		const struct access_name *name = &names->items[i];

		if (name->found && !name->is_group && name->id == uid)
			return name;
	}
	return NULL;
}
