/* Places, and who may what there: see access.h. */
#include "access/rules.h"

#include <string.h>

const struct access_set *
access_set_at(const struct access *a, struct access_at at)
{
	const struct config *c = a->config;

	switch (at.place) {
	case ACCESS_ROOT:
		return &a->root;
	case ACCESS_CATALOGUE:
		return &a->catalogue;
	case ACCESS_INBOXES:
		return &a->inboxes;
	case ACCESS_INBOX:
		return at.index < c->ndepartments ? &a->inbox[at.index]
						  : &a->nowhere;
	case ACCESS_THEMES:
		return &a->themes;
	case ACCESS_THEME:
		return at.index < c->nthemes ? &a->theme[at.index]
					     : &a->nowhere;
	case ACCESS_SOURCE:
		if (at.index >= c->nthemes || at.resource >= c->nresources)
			return &a->nowhere;
		switch (c->resources[at.resource].sharing) {
		case CONFIG_UNCONDITIONAL:
			return &a->theme[at.index];
		case CONFIG_CONDITIONAL:
			return &a->source[at.resource];
		default:
			return &a->nowhere;
		}
	default:
		return &a->nowhere;
	}
}

bool
access_may(const struct access *a, struct access_at at,
	   const struct access_who *who, unsigned want,
	   struct access_reason *ret)
{
	const struct access_at theme = {ACCESS_THEME, at.index, 0};

	/* the ACL of a file cannot say 'both'; its folders do */
	if (at.place == ACCESS_SOURCE &&
	    !access_set_may(access_set_at(a, theme), who, want, ret))
		return false;
	return access_set_may(access_set_at(a, at), who, want, ret);
}

bool
access_has_role(const struct access *a, enum access_role role,
		const struct access_who *who, struct access_reason *ret)
{
	return access_set_may(&a->roles[role], who, ACCESS_READ, ret);
}

int
access_each(const struct access *a, struct access_at at, access_each_fn *each,
	    void *ctx)
{
	const struct access_set *s = access_set_at(a, at);
	const struct access_entry everyone = {
		.kind = ACCESS_EVERYONE,
		.rights = s->everyone,
		.reason = s->everyone_reason,
	};
	int rc = 0;

	for (size_t i = 0; i < s->nusers && !rc; i++)
		rc = each(ctx, &s->users[i]);
	for (size_t i = 0; i < s->ngroups && !rc; i++)
		rc = each(ctx, &s->groups[i]);
	return !rc && s->everyone ? each(ctx, &everyone) : rc;
}

/* ---- names --------------------------------------------------------------- */

struct access_at
access_inbox(const struct config *c, const char *id)
{
	for (size_t i = 0; i < c->ndepartments; i++) {
		if (strcmp(c->departments[i].id, id) == 0)
			return (struct access_at){ACCESS_INBOX, i, 0};
	}
	return (struct access_at){ACCESS_NOWHERE, 0, 0};
}

struct access_at
access_theme(const struct config *c, const char *id)
{
	for (size_t i = 0; i < c->nthemes; i++) {
		if (strcmp(c->themes[i].id, id) == 0)
			return (struct access_at){ACCESS_THEME, i, 0};
	}
	return (struct access_at){ACCESS_NOWHERE, 0, 0};
}

struct access_at
access_source(const struct config *c, const char *theme, const char *resource)
{
	const struct config_resource *r = config_find_resource(c, resource);
	struct access_at at = access_theme(c, theme);

	if (!r || at.place == ACCESS_NOWHERE)
		return (struct access_at){ACCESS_NOWHERE, 0, 0};
	at.place = ACCESS_SOURCE;
	at.resource = (size_t)(r - c->resources);
	return at;
}
