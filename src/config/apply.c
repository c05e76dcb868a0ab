/* Applying the lines of a section to its struct: see apply.h. */
#include "config/apply.h"

#include "base/clock.h"
#include "config/pattern.h"
#include "config/value.h"
#include "config/words.h"

#include <string.h>

/* One value on its way from a line to a struct. */
struct storing {
	struct config_load *load;
	const struct option *option;
	struct config_place place;
	const char *key;
	const char *value;
	void *at;
	const struct config_entry *entry; /* NULL: a default */
};

static void
refuse(const struct storing *s, const char *why)
{
	config_error(&s->load->report, s->place, "'%s = %s' is not %s", s->key,
		     s->value, why);
}

static void
refuse_word(const struct storing *s)
{
	struct config_near near = CONFIG_NEAR_INIT(s->value);
	char words[256] = "";
	size_t n = 0;

	for (size_t i = 0; s->option->words[i]; i++) {
		config_near_offer(&near, s->option->words[i]);
		n += (size_t)snprintf(words + n, sizeof(words) - n, "%s%s",
				      i ? " | " : "", s->option->words[i]);
	}
	config_error(&s->load->report, s->place,
		     "'%s = %s' is none of %s; did you mean '%s'?", s->key,
		     s->value, words, near.name ? near.name : "");
}

static void
store_choice(const struct storing *s)
{
	int i = *s->value ? config_word_find(s->option->words, s->value) : -1;

	if (i < 0 && *s->value) {
		refuse_word(s);
		return;
	}
	if (s->option->type == OPTION_SWITCH)
		*(bool *)s->at = i > 0;
	else if (s->option->type == OPTION_WORD)
		*(const char **)s->at = s->value;
	else
		*(int *)s->at = i;
}

/* The number of an amount in the unit stored; false when it is none. */
static bool
parse_amount(const struct storing *s, int64_t *ret)
{
	switch (s->option->type) {
	case OPTION_COUNT:
		return config_value_count(s->value, ret);
	case OPTION_MS:
		return config_value_duration(s->value, ret);
	case OPTION_SECONDS:
		if (!config_value_duration(s->value, ret) || *ret % 1000)
			return false;
		*ret /= 1000;
		return true;
	case OPTION_SIZE:
		return config_value_size(s->value, ret);
	default:
		return config_value_share(s->value, ret);
	}
}

static bool
is_in_range(const struct storing *s, int64_t value)
{
	const struct option *o = s->option;
	char least[CONFIG_VALUE_SHOWN], most[CONFIG_VALUE_SHOWN];

	if (!o->max || (value >= o->min && value <= o->max))
		return true;
	config_error(&s->load->report, s->place,
		     "'%s = %s' is out of range; write %s to %s", s->key,
		     s->value, config_value_show(o->type, o->min, least),
		     config_value_show(o->type, o->max, most));
	return false;
}

static void
store_amount(const struct storing *s)
{
	int64_t value = -1;

	if (*s->value && !parse_amount(s, &value))
		refuse(s, config_option_form(s->option->type));
	else if (!*s->value || is_in_range(s, value))
		*(int64_t *)s->at = value;
}

/* The range is that of a share. */
static void
store_room(const struct storing *s)
{
	struct config_room room = {0};

	if (*s->value && !config_value_room(s->value, &room))
		refuse(s, config_option_form(s->option->type));
	else if (is_in_range(s, room.share))
		*(struct config_room *)s->at = room;
}

static void
store_list(const struct storing *s)
{
	struct config_list *list = s->at;
	size_t from = list->n;
	enum config_principals allowed;

	if (s->option->type == OPTION_LIST || !s->entry) {
		config_value_words(s->load->arena, s->value, list);
		return;
	}
	config_value_list(s->load->arena, s->entry, list);
	allowed = s->option->type == OPTION_MEMBERS  ? CONFIG_MEMBERS
		  : s->option->type == OPTION_OFFICE ? CONFIG_OFFICE
						     : CONFIG_READERS;
	for (size_t i = from; i < list->n; i++)
		config_load_principal(s->load,
				      config_list_place(list, i, s->place),
				      s->key, list->items[i], allowed);
}

/* Texts of a form. */
static void
store_text(const struct storing *s)
{
	struct error err = ERROR_INIT;
	bool good = true;

	if (*s->value) {
		switch (s->option->type) {
		case OPTION_ID:
			good = !config_check_column(s->value, &err);
			break;
		case OPTION_ZONE:
			good = !clock_check_zone(s->value, &err);
			break;
		case OPTION_PATTERN:
			good = !config_pattern_check(s->value, &err);
			break;
		case OPTION_DAY:
			good = config_value_day(s->value);
			break;
		case OPTION_CODE:
			good = config_value_code_format(s->value);
			break;
		case OPTION_NAME:
			good = config_load_is_name(s->value);
			break;
		default:
			break;
		}
	}
	if (good)
		*(const char **)s->at = s->value;
	else if (err.code)
		config_error(&s->load->report, s->place, "%s: %s", s->key,
			     err.text);
	else
		refuse(s, config_option_form(s->option->type));
}

static void
store(const struct storing *s)
{
	switch (s->option->type) {
	case OPTION_CHOICE:
	case OPTION_WORD:
	case OPTION_SWITCH:
		store_choice(s);
		break;
	case OPTION_COUNT:
	case OPTION_MS:
	case OPTION_SECONDS:
	case OPTION_SIZE:
	case OPTION_SHARE:
		store_amount(s);
		break;
	case OPTION_ROOM:
		store_room(s);
		break;
	case OPTION_LIST:
	case OPTION_MEMBERS:
	case OPTION_OFFICE:
	case OPTION_READERS:
		store_list(s);
		break;
	case OPTION_SOURCE:
	case OPTION_RULE:
		break; /* patterns: theme.c */
	default:
		store_text(s);
	}
}

static void
refuse_unknown(struct config_load *load, const struct config_section *s,
	       const struct config_entry *e)
{
	struct config_near near = CONFIG_NEAR_INIT(e->key);
	char text[256];

	config_option_near(s->kind, e->key, &near, text, sizeof(text));
	config_error(&load->report, e->place,
		     "unknown key '%s' in [%s]; did you mean '%s'?", e->key,
		     s->name, near.name ? near.name : "");
}

static const struct config_entry *
find_before(const struct config_section *s, size_t index)
{
	for (size_t i = 0; i < index; i++) {
		if (strcmp(s->entries[i].key, s->entries[index].key) == 0)
			return &s->entries[i];
	}
	return NULL;
}

/* What is wrong with a line whatever its value; false when anything is. */
static bool
check_entry(struct config_load *load, const struct config_section *s,
	    size_t index, const struct option *option)
{
	const struct config_entry *e = &s->entries[index];
	const struct config_entry *first = find_before(s, index);

	if (first && !config_option_repeats(option)) {
		config_error(&load->report, e->place,
			     "'%s' stands in line %d already; keep one of the "
			     "two",
			     e->key, first->place.line);
		return false;
	}
	if (option->later && *e->value &&
	    strcmp(e->value, option->preset) != 0) {
		config_error(&load->report, e->place,
			     "'%s = %s' is not supported by this version; "
			     "remove the line",
			     e->key, e->value);
		return false;
	}
	if (option->unheeded && *e->value &&
	    strcmp(e->value, option->preset) != 0)
		config_warning(&load->report, e->place,
			       "'%s = %s' is checked, but this version does "
			       "not act on it yet",
			       e->key, e->value);
	if (e->ncontinued && !config_option_continues(option)) {
		config_error(
			&load->report,
			(struct config_place){e->place.file,
					      e->continued[0].line},
			"'%s' is %s and does not go on in an indented line; "
			"write it on one line",
			e->key, config_option_form(option->type));
		return false;
	}
	return true;
}

static void
apply_defaults(struct config_load *load, const struct config_section *s,
	       void *base)
{
	size_t n;
	const struct option *options = config_options(&n);

	for (size_t i = 0; i < n; i++) {
		const struct option *o = &options[i];
		struct storing storing = {load,	     o,
					  s->place,  o->key,
					  o->preset, (char *)base + o->offset,
					  NULL};

		if (strcmp(o->section, s->kind) == 0 && !o->later &&
		    !config_option_is_pattern(o))
			store(&storing);
	}
}

void
config_apply(struct config_load *load, const struct config_section *s,
	     void *base)
{
	if (base)
		apply_defaults(load, s, base);
	for (size_t i = 0; i < s->nentries; i++) {
		const struct config_entry *e = &s->entries[i];
		const struct option *o = config_option_find(s->kind, e->key);
		struct storing storing = {load,	    o,	  e->place, e->key,
					  e->value, NULL, e};

		if (!o) {
			refuse_unknown(load, s, e);
			continue;
		}
		if (!check_entry(load, s, i, o) || o->later || !*e->value ||
		    !base || config_option_is_pattern(o))
			continue;
		storing.at = (char *)base + o->offset;
		store(&storing);
	}
}
