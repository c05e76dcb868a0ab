/* Asking the table of options: see options.h. */
#include "config/options.h"

#include "config/table.h"

#include <stdio.h>
#include <string.h>

const struct option_section *
config_option_sections(size_t *ret_n)
{
	*ret_n = config_section_count;
	return config_section_table;
}

const struct option *
config_options(size_t *ret_n)
{
	*ret_n = config_option_count;
	return config_option_table;
}

const struct option_section *
config_option_section(const char *kind)
{
	for (size_t i = 0; i < config_section_count; i++) {
		if (strcmp(config_section_table[i].kind, kind) == 0)
			return &config_section_table[i];
	}
	return NULL;
}

bool
config_option_is_pattern(const struct option *option)
{
	return strchr(option->key, '*') != NULL;
}

/* PREFIX.* takes every key that begins with the prefix and the dot. */
static bool
is_key_of(const struct option *option, const char *key)
{
	if (!config_option_is_pattern(option))
		return strcmp(option->key, key) == 0;
	return strncmp(option->key, key, strlen(option->key) - 1) == 0;
}

const struct option *
config_option_find(const char *kind, const char *key)
{
	for (size_t i = 0; i < config_option_count; i++) {
		const struct option *option = &config_option_table[i];

		if (strcmp(option->section, kind) == 0 &&
		    is_key_of(option, key))
			return option;
	}
	return NULL;
}

void
config_option_near(const char *kind, const char *key, struct config_near *near,
		   char *text, size_t size)
{
	const char *dot = strchr(key, '.');
	const struct option *best = NULL;

	for (size_t i = 0; i < config_option_count; i++) {
		const struct option *option = &config_option_table[i];
		const char *before = near->name;
		char meant[256];

		if (strcmp(option->section, kind) != 0 || option->later)
			continue;
		snprintf(meant, sizeof(meant), "%s", option->key);
		if (config_option_is_pattern(option))
			snprintf(meant, sizeof(meant), "%.*s%s",
				 (int)strlen(option->key) - 1, option->key,
				 dot ? dot + 1 : "NAME");
		config_near_offer(near, meant);
		if (near->name == before)
			continue;
		best = option;
		snprintf(text, size, "%s", meant);
		near->name = text;
	}
	if (best)
		near->name = text;
}

bool
config_option_repeats(const struct option *option)
{
	switch (option->type) {
	case OPTION_LIST:
	case OPTION_MEMBERS:
	case OPTION_OFFICE:
	case OPTION_READERS:
	case OPTION_SOURCE:
		return true;
	default:
		return false;
	}
}

/* A rule is a list of words, but two of them for one column would be two
 * different columns. */
bool
config_option_continues(const struct option *option)
{
	return option->type == OPTION_TEXT || option->type == OPTION_RULE ||
	       config_option_repeats(option);
}

const char *
config_option_form(enum option_type type)
{
	static const char *const forms[] = {
		[OPTION_TEXT] = "a text",
		[OPTION_LINE] = "a text on one line",
		[OPTION_ID] = "an id: letters, digits, '-' and '_'",
		[OPTION_PATH] = "a path, from the configuration's folder",
		[OPTION_ZONE] = "a time zone such as Asia/Shanghai",
		[OPTION_DAY] = "a day such as 2012-11-15",
		[OPTION_PATTERN] = "a regular expression",
		[OPTION_CODE] = ("a text with {classification}, {department}, "
				 "{resource}, {number} or {number:06}"),
		[OPTION_NAME] = "DEPARTMENT/RESOURCE",
		[OPTION_CHOICE] = "one of its words",
		[OPTION_WORD] = "one of its words",
		[OPTION_SWITCH] = "one of two words",
		[OPTION_COUNT] = "a whole number",
		[OPTION_MS] = "a duration such as 500ms, 2s or 1m",
		[OPTION_SECONDS] = "a duration such as 12h, 30d or 5y",
		[OPTION_SIZE] = "a size such as 500M or 20G",
		[OPTION_SHARE] = "a percentage such as 2% or 0.5%",
		[OPTION_ROOM] = "a percentage such as 2% or a size such as 20G",
		[OPTION_LIST] = "words separated by blanks or commas",
		[OPTION_MEMBERS] = "user:NAME and group:NAME",
		[OPTION_OFFICE] = "user:NAME, group:NAME and department:ID",
		[OPTION_READERS] = ("user:NAME, group:NAME, department:ID, "
				    "departments, role:NAME and everyone"),
		[OPTION_SOURCE] = "DEPARTMENT/RESOURCE … [by FIELD]",
		[OPTION_RULE] = "a rule and SOURCE.FIELD …",
	};

	return forms[type];
}
