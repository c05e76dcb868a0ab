/* [upstream NAME]: another platform that takes the changes of our themes. */
#include "config/apply.h"

#include "config/load.h"
#include "config/theme.h"

static const char *
from_folder(struct config_load *load, const char *path)
{
	if (!*path || *path == '/')
		return path;
	return config_arena_printf(load->arena, "%s/%s", load->config->folder,
				   path);
}

/* 'theme.THEME = FOLDER', below its mountpoint. */
static void
add_push(struct config_load *load, const struct config_entry *e,
	 struct config_upstream *u, const char *theme)
{
	struct config_near near = CONFIG_NEAR_INIT(theme);
	struct config_push *pushes;

	if (!config_find_theme(load->config, theme)) {
		for (size_t i = 0; i < load->config->nthemes; i++)
			config_near_offer(&near, load->config->themes[i].id);
		config_error(&load->report, e->place,
			     "%s: there is no theme '%s'%s%s%s", e->key, theme,
			     near.name ? "; did you mean '" : "",
			     near.name ? near.name : "", near.name ? "'?" : "");
		return;
	}
	if (!*e->value || *e->value == '/') {
		config_error(&load->report, e->place,
			     "%s: write the inbox folder below '%s', for "
			     "example 'inbox/DEPARTMENT/RESOURCE'",
			     e->key, u->mount);
		return;
	}
	pushes = config_arena_grow(load->arena, u->pushes, u->npushes,
				   sizeof(*pushes));
	if (!pushes)
		return;
	u->pushes = pushes;
	pushes[u->npushes++] = (struct config_push){theme, e->value};
}

static void
fill_upstream(struct config_load *load, const struct config_section *s)
{
	struct config *c = load->config;
	struct config_upstream u = {.name = s->argument};
	struct config_upstream *all;

	config_apply(load, s, &u);
	u.mount = from_folder(load, u.mount);
	u.receipts =
		*u.receipts ? from_folder(load, u.receipts)
			    : config_arena_printf(load->arena, "%s/upstream/%s",
						  c->state, s->argument);
	if (!*u.mount)
		config_error(&load->report, s->place,
			     "[%s] has no 'mount'; say where the other "
			     "platform is mounted on this machine",
			     s->name);
	for (size_t i = 0; i < s->nentries; i++) {
		const char *theme =
			config_theme_part(s->entries[i].key, "theme.");

		if (theme)
			add_push(load, &s->entries[i], &u, theme);
	}
	all = config_arena_grow(load->arena, c->upstreams, c->nupstreams,
				sizeof(*all));
	if (!all)
		return;
	c->upstreams = all;
	all[c->nupstreams++] = u;
}

void
config_load_upstreams(struct config_load *load)
{
	config_load_each(load, "upstream", fill_upstream);
}
