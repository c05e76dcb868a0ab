/* What the two halves of a theme, sources (theme.c) and rules (rule.c), know
 * of each other. */
#ifndef CONFIG_THEME_H
#define CONFIG_THEME_H

#include "config/load.h"

/* What stands in 'key' behind 'prefix'; NULL when it begins otherwise. */
const char *config_theme_part(const char *key, const char *prefix);

/* Index of a source by name; -1. */
int config_theme_source(const struct config_theme *theme, const char *name);

/* The same; reports one that is not there with the nearest name. */
int config_theme_get_source(struct config_load *load,
			    const struct config_entry *e,
			    const struct config_theme *theme, const char *name);

/* Whether a theme may carry the field; reports why not. */
bool config_theme_may_show(struct config_load *load, struct config_place place,
			   const char *key,
			   const struct config_resource *resource,
			   const struct config_field *field);

/* One 'field.NAME = RULE …', after all sources. */
void config_theme_add_rule(struct config_load *load,
			   const struct config_entry *e,
			   struct config_theme *theme, const char *name);

/* One 'link.SOURCE = FIELD OTHER.FIELD', after all sources; and what only all
 * of them can say (link.c). */
void config_theme_add_link(struct config_load *load,
			   const struct config_entry *e,
			   struct config_theme *theme, const char *name);
void config_theme_check_links(struct config_load *load,
			      const struct config_theme *theme);

/* rules_text of config.h: every line that can change a byte of the theme's
 * files, in a form that does not depend on how the configuration is written
 * (titles, comments, files, order of unrelated sections). */
const char *config_theme_text(struct config_arena *arena,
			      const struct config_theme *theme);

#endif
