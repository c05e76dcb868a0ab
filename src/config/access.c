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

/* A line that repeats a key of the same section adds to it. */
static struct config_grant *
get_grant(struct config_load *load, const struct config_entry *e, size_t from)
{
	struct config *c = load->config;
	struct config_grant *grants;

	for (size_t i = from; i < c->ngrants; i++) {
		if (strcmp(c->grants[i].key, e->key) == 0)
			return &c->grants[i];
	}
	grants = config_arena_grow(load->arena, c->grants, c->ngrants,
				   sizeof(*grants));
	if (!grants)
		return NULL;
	c->grants = grants;
	grants[c->ngrants] =
		(struct config_grant){.key = e->key, .place = e->place};
	return &grants[c->ngrants++];
}

static void
add_grant(struct config_load *load, const struct config_entry *e, size_t from)
{
	struct config_grant *grant = get_grant(load, e, from);
	size_t before;

	if (!grant)
		return;
	before = grant->principals.n;
	config_value_words(load->arena, e->value, &grant->principals);
	for (size_t i = before; i < grant->principals.n; i++)
		config_load_principal(load, e->place, e->key,
				      grant->principals.items[i],
				      CONFIG_READERS);
}

static void
fill_access(struct config_load *load, const struct config_section *s)
{
	size_t from = load->config->ngrants;

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
		add_grant(load, e, from);
	}
}

void
config_load_access(struct config_load *load)
{
	config_load_each(load, "access", fill_access);
}
