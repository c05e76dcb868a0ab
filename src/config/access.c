/* [access]: who may read what, checked and kept (SPEC 9): see load.h. */
#include "config/apply.h"
#include "config/theme.h"
#include "config/value.h"

#include <string.h>

static void
check_theme(struct config_load *load, const struct config_entry *e,
	    const char *id)
{
	struct config_near near = CONFIG_NEAR_INIT(id);

	if (config_find_theme(load->config, id))
		return;
	for (size_t i = 0; i < load->config->nthemes; i++)
		config_near_offer(&near, load->config->themes[i].id);
	if (config_near_is_close(&near))
		config_error(&load->report, e->place,
			     "'%s': there is no theme '%s'; did you mean "
			     "'%s'?",
			     e->key, id, near.name);
	else
		config_error(&load->report, e->place,
			     "'%s': there is no theme '%s'; add a section "
			     "[theme %s] or remove the line",
			     e->key, id, id);
}

static void
check_source(struct config_load *load, const struct config_entry *e,
	     const char *name)
{
	const struct config_resource *r =
		config_load_reference(load, e->place, e->key, name);

	if (r && r->sharing == CONFIG_NONE)
		config_error(&load->report, e->place,
			     "'%s': %s has 'sharing = none' and never leaves "
			     "its department; remove the line",
			     e->key, name);
}

/* Each line is a grant of its own, so that it can be named as the one that
 * decided. */
static void
add_grant(struct config_load *load, const struct config_entry *e)
{
	struct config *c = load->config;
	struct config_grant grant = {.key = e->key, .place = e->place};
	struct config_grant *grants = config_arena_grow(
		load->arena, c->grants, c->ngrants, sizeof(*grants));

	if (!grants)
		return;
	config_value_list(load->arena, e, &grant.principals);
	for (size_t i = 0; i < grant.principals.n; i++)
		config_load_principal(
			load, config_list_place(&grant.principals, i, e->place),
			e->key, grant.principals.items[i], CONFIG_READERS);
	c->grants = grants;
	grants[c->ngrants++] = grant;
}

static void
fill_access(struct config_load *load, const struct config_section *s)
{
	config_apply(load, s, NULL);
	for (size_t i = 0; i < s->nentries; i++) {
		const struct config_entry *e = &s->entries[i];
		const struct option *o = config_option_find(s->kind, e->key);
		const char *name;

		if (!o || o->later)
			continue;
		if ((name = config_theme_part(e->key, "theme.")))
			check_theme(load, e, name);
		else if ((name = config_theme_part(e->key, "source.")))
			check_source(load, e, name);
		add_grant(load, e);
	}
}

void
config_load_access(struct config_load *load)
{
	config_load_each(load, "access", fill_access);
}
