/* The words of enumerators: see words.h and config.h. */
#include "config/words.h"

#include "config/config.h"

#include <string.h>

const char *const config_type_words[] = {
	"string", "integer",  "number",	   "boolean", "date", "datetime",
	"uscc",	  "org-code", "id-number", "region",  NULL};
const char *const config_sensitivity_words[] = {"public", "internal",
						"personal", "secret", NULL};
const char *const config_sharing_words[] = {"unconditional", "conditional",
					    "none", NULL};
const char *const config_mode_words[] = {"snapshot", "upsert", "append", NULL};
const char *const config_open_words[] = {"no", "yes", "conditional", NULL};
const char *const config_cycle_words[] = {
	"realtime",    "daily",	 "weekly",    "monthly", "quarterly",
	"half-yearly", "yearly", "irregular", NULL};
const char *const config_rule_words[] = {"first", "latest", "count", "sum",
					 "min",	  "max",    "list",  NULL};
const char *const config_role_words[] = {"coordinator", "supervisor", "secrecy",
					 "auditor", NULL};
const char *const config_language_words[] = {"en", "zh", NULL};
const char *const config_registration_words[] = {"approve", "automatic", NULL};
const char *const config_extra_words[] = {"error", "ignore", NULL};
const char *const config_members_words[] = {"all", "each", NULL};
const char *const config_verdict_words[] = {"receipt", "close", NULL};
const char *const config_yes_no_words[] = {"no", "yes", NULL};

int
config_word_find(const char *const *words, const char *word)
{
	for (int i = 0; words[i]; i++) {
		if (strcmp(words[i], word) == 0)
			return i;
	}
	return -1;
}

const char *
config_type_word(enum config_type type)
{
	return config_type_words[type];
}

const char *
config_mode_word(enum config_mode mode)
{
	return config_mode_words[mode];
}

const char *
config_cycle_word(enum config_cycle cycle)
{
	return config_cycle_words[cycle];
}

const char *
config_sharing_word(enum config_sharing sharing)
{
	return config_sharing_words[sharing];
}

const char *
config_sensitivity_word(enum config_sensitivity sensitivity)
{
	return config_sensitivity_words[sensitivity];
}

const char *
config_open_word(enum config_open open)
{
	return config_open_words[open];
}

const char *
config_rule_word(enum config_rule_kind kind)
{
	return config_rule_words[kind];
}
