/*
 * Where the option table keeps what a section says: the struct of config.h,
 * or a draft of it for values that only have a meaning together with others
 * (names of fields, sources …).
 */
#ifndef CONFIG_DRAFT_H
#define CONFIG_DRAFT_H

#include "config/config.h"

/* [resource] */
struct config_resource_draft {
	struct config_resource resource;
	struct config_list key;
	const char *subject, *as_of, *like;
	bool strict;
};

/* [field ID]; a choice that was not made is -1. */
struct config_field_draft {
	struct config_field field;
	int sharing, open, strict;
};

/* [theme ID] */
struct config_theme_draft {
	struct config_theme theme;
	const char *base;
};

#endif
