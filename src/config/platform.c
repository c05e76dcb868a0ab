/* [platform], [roles] and [department]: see load.h. */
#include "config/apply.h"

#include "config/load.h"
#include "config/words.h"

#include <string.h>
#include <unistd.h>

/* Their ids first, because principals anywhere may name them. */
static void
declare_department(struct config_load *load, const struct config_section *s)
{
	struct config *c = load->config;
	struct config_department *all;

	if (!*s->argument || config_find_department(c, s->argument))
		return;
	all = config_arena_grow(load->arena, c->departments, c->ndepartments,
				sizeof(*all));
	if (!all)
		return;
	c->departments = all;
	all[c->ndepartments++] = (struct config_department){.id = s->argument,
							    .place = s->place};
}

static void
fill_department(struct config_load *load, const struct config_section *s)
{
	struct config *c = load->config;

	for (size_t i = 0; i < c->ndepartments; i++) {
		struct config_department *d = &c->departments[i];

		/* a repeated section was reported; the first one stands */
		if (strcmp(d->id, s->argument) != 0 ||
		    d->place.line != s->place.line ||
		    strcmp(d->place.file, s->place.file) != 0)
			continue;
		config_apply(load, s, d);
		d->members_place = config_section_place(s, "members");
		if (!*d->title)
			d->title = d->id;
	}
}

void
config_load_departments(struct config_load *load)
{
	config_load_each(load, "department", declare_department);
	config_load_each(load, "department", fill_department);
}

static const char *
absolute(struct config_load *load, const char *path)
{
	if (!*path || *path == '/')
		return path;
	return config_arena_printf(load->arena, "%s/%s", load->config->folder,
				   path);
}

/* The default user need not exist: a daemon that was not started as root
 * needs none. */
static void
fill_platform(struct config_load *load, const struct config_section *s)
{
	struct config *c = load->config;
	const struct config_entry *e;

	config_apply(load, s, c);
	c->state = absolute(load, c->state);
	c->holidays = absolute(load, c->holidays);
	e = config_section_find(s, "holidays");
	if (e && access(c->holidays, R_OK))
		config_warning(&load->report, e->place,
			       "holidays: cannot read '%s'; until then only "
			       "Saturdays and Sundays are days off",
			       c->holidays);
	e = config_section_find(s, "user");
	if (e && !config_load_is_user(e->value))
		config_warning(&load->report, e->place,
			       "user: this machine has no user '%s'; add it, "
			       "or name another",
			       e->value);
}

static void
fill_roles(struct config_load *load, const struct config_section *s)
{
	struct config *c = load->config;

	config_apply(load, s, c);
	for (size_t i = 0; config_role_words[i]; i++)
		c->roles_places[i] =
			config_section_place(s, config_role_words[i]);
}

/* Defaults also hold where a section is missing, but a configuration without
 * [platform] is most likely another file. */
void
config_load_platform(struct config_load *load)
{
	const struct config_doc *main_doc = &load->docs[0];
	struct config_section none = {.name = "platform",
				      .kind = "platform",
				      .argument = "",
				      .place = {main_doc->file, 1}};
	bool found = false;

	config_apply(load, &none, load->config);
	for (size_t i = 0; config_role_words[i]; i++)
		load->config->roles_places[i] = none.place;
	for (size_t d = 0; d < load->ndocs; d++) {
		for (size_t i = 0; i < load->docs[d].nsections; i++)
			found |= strcmp(load->docs[d].sections[i].kind,
					"platform") == 0;
	}
	if (!found && main_doc->nsections)
		config_error(&load->report, none.place,
			     "there is no section [platform]; begin with it");
	config_load_each(load, "platform", fill_platform);
	config_load_each(load, "roles", fill_roles);
}
