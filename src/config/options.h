/*
 * The one table of sections and options: the parser, the messages of
 * check-config and the manual come from it (SPEC 3, 4).
 */
#ifndef CONFIG_OPTIONS_H
#define CONFIG_OPTIONS_H

#include "config/report.h"

enum option_type {
	OPTION_TEXT,	/* any text; may continue on indented lines */
	OPTION_LINE,	/* any text on one line */
	OPTION_ID,	/* an id of SPEC 1 */
	OPTION_PATH,	/* of a file, taken from the configuration's folder */
	OPTION_ZONE,	/* a name of the tz database */
	OPTION_DAY,	/* YYYY-MM-DD */
	OPTION_PATTERN, /* a regular expression of PCRE2 */
	OPTION_CODE,	/* a format of codes: text and {placeholders} */
	OPTION_NAME,	/* DEPARTMENT/RESOURCE */
	OPTION_CHOICE,	/* one of 'words'; stored as their index, -1 none */
	OPTION_WORD,	/* one of 'words'; stored as text */
	OPTION_SWITCH,	/* one of two 'words'; stored as false, true */
	OPTION_COUNT,	/* a whole number; -1 when there is no default */
	OPTION_MS,	/* a duration, stored in milliseconds */
	OPTION_SECONDS, /* a duration, stored in seconds */
	OPTION_SIZE,	/* stored in bytes */
	OPTION_SHARE,	/* a percentage, stored in millionths */
	OPTION_ROOM,	/* that, or a size: struct config_room */
	OPTION_LIST,	/* words */
	OPTION_MEMBERS, /* principals: user:NAME group:NAME */
	OPTION_OFFICE,	/* these and department:ID */
	OPTION_READERS, /* all principals */
	OPTION_SOURCE,	/* DEPARTMENT/RESOURCE … [by FIELD] */
	OPTION_RULE	/* RULE SOURCE.FIELD … */
};

/* Which files a section may stand in. */
enum option_file { OPTION_CONF, OPTION_DESCRIPTOR };

/* What stands after the kind in a section's name. */
enum option_argument {
	OPTION_NO_ARGUMENT,
	OPTION_ARG_ID,
	OPTION_ARG_WORD /* a number, D/R, any name */
};

struct option_section {
	const char *kind;
	enum option_file file;
	enum option_argument argument;
	const char *argument_word; /* for people; "" none */
	bool each_file;		   /* may occur once a file */
	bool later;		   /* this version does not do it */
	const char *sentence;
};

struct option {
	const char *section;	  /* kind */
	const char *key;	  /* or PREFIX.* */
	const char *preset;	  /* default, as it would be written */
	const char *const *words; /* of OPTION_CHOICE and OPTION_SWITCH */
	int64_t min, max;	  /* in the unit stored; both 0: any */
	size_t offset;		  /* where the section's struct keeps it */
	enum option_type type;
	bool later;    /* only the default is accepted */
	bool unheeded; /* checked and kept; nothing acts on it yet */
	const char *sentence;
};

/* All of them, in the order of the manual. Static; any thread. */
const struct option_section *config_option_sections(size_t *ret_n);
const struct option *config_options(size_t *ret_n);

/* NULL when there is none. */
const struct option_section *config_option_section(const char *kind);
const struct option *config_option_find(const char *kind, const char *key);

/* Whether 'key' of the table is a pattern such as field.*. */
bool config_option_is_pattern(const struct option *option);

/* Offers the keys of a section as what 'key' may have meant; a pattern is
 * offered with the rest of 'key'. The text is in 'text' or static. */
void config_option_near(const char *kind, const char *key,
			struct config_near *near, char *text, size_t size);

/* Whether a value may go on below, and whether its key may be repeated. */
bool config_option_continues(const struct option *option);
bool config_option_repeats(const struct option *option);

/* For messages and the manual: "a duration such as 500ms, 12h or 30d". */
const char *config_option_form(enum option_type type);

#endif
