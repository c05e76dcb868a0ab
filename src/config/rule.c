/* field.NAME = RULE SOURCE.FIELD … of a theme (SPEC 8): see theme.h. */
#include "config/theme.h"

#include "config/value.h"
#include "config/words.h"

/* One rule while its words are read. */
struct reading {
	struct config_load *load;
	const struct config_entry *entry;
	struct config_theme *theme;
	struct config_rule *rule;
};

/* The column of every member; false when one of them has none. */
static bool
find_columns(const struct reading *r, const struct config_source *source,
	     struct config_operand *operand)
{
	operand->columns = config_arena_alloc(
		r->load->arena, source->nmembers * sizeof(size_t));
	if (!operand->columns)
		return false;
	for (size_t i = 0; i < source->nmembers; i++) {
		const struct config_resource *resource =
			source->members[i].resource;
		int field = config_load_field(r->load, r->entry->place,
					      r->entry->key, resource,
					      operand->field);

		if (field < 0 ||
		    !config_theme_may_show(r->load, r->entry->place,
					   r->entry->key, resource,
					   &resource->fields[field]))
			return false;
		operand->columns[i] = (size_t)field;
		operand->type = resource->fields[field].type;
	}
	return source->nmembers > 0;
}

static bool
read_field(const struct reading *r, const char *word,
	   struct config_operand *operand)
{
	const char *dot = strchr(word, '.');
	const char *name;
	int source;

	if (!dot || dot == word || !dot[1]) {
		config_error(&r->load->report, r->entry->place,
			     "%s: '%s' is no operand of '%s'; write "
			     "SOURCE.FIELD",
			     r->entry->key, word,
			     config_rule_word(r->rule->kind));
		return false;
	}
	name = config_arena_text(r->load->arena,
				 (struct slice){word, (size_t)(dot - word)});
	source = config_theme_get_source(r->load, r->entry, r->theme, name);
	if (source < 0)
		return false;
	operand->source = (size_t)source;
	operand->field = dot + 1;
	if (!find_columns(r, &r->theme->sources[source], operand))
		return false;
	if (r->rule->kind == CONFIG_SUM && operand->type != CONFIG_INTEGER &&
	    operand->type != CONFIG_NUMBER) {
		config_error(&r->load->report, r->entry->place,
			     "%s: cannot sum '%s', which is of type %s; sum "
			     "takes an integer or a number",
			     r->entry->key, word,
			     config_type_word(operand->type));
		return false;
	}
	return true;
}

static bool
read_operand(const struct reading *r, const char *word,
	     struct config_operand *operand)
{
	int source;

	*operand = (struct config_operand){.field = ""};
	if (r->rule->kind != CONFIG_COUNT)
		return read_field(r, word, operand);
	if (strchr(word, '.')) {
		config_error(&r->load->report, r->entry->place,
			     "%s: count takes a source, not the field '%s'; "
			     "write 'count %.*s'",
			     r->entry->key, word, (int)strcspn(word, "."),
			     word);
		return false;
	}
	source = config_theme_get_source(r->load, r->entry, r->theme, word);
	operand->source = source < 0 ? 0 : (size_t)source;
	operand->type = CONFIG_INTEGER;
	return source >= 0;
}

/* The first word says the rule; only first and latest choose among several
 * operands. */
static bool
read_kind(const struct reading *r, const struct config_list *words)
{
	int kind =
		words->n ? config_word_find(config_rule_words, words->items[0])
			 : -1;
	bool several = kind == CONFIG_FIRST || kind == CONFIG_LATEST;

	if (kind < 0) {
		struct config_near near =
			CONFIG_NEAR_INIT(words->n ? words->items[0] : "");

		for (size_t i = 0; config_rule_words[i]; i++)
			config_near_offer(&near, config_rule_words[i]);
		config_error(&r->load->report, r->entry->place,
			     "%s: '%s' is no rule (first latest count sum min "
			     "max list); did you mean '%s'?",
			     r->entry->key, near.wrong,
			     near.name ? near.name : "");
		return false;
	}
	r->rule->kind = (enum config_rule_kind)kind;
	if (words->n < 2 || (!several && words->n > 2)) {
		config_error(&r->load->report, r->entry->place,
			     "%s: '%s' takes %s; write '%s %s'", r->entry->key,
			     words->items[0],
			     several		    ? "one operand or more"
			     : kind == CONFIG_COUNT ? "one source"
						    : "one operand",
			     words->items[0],
			     several		    ? "SOURCE.FIELD …"
			     : kind == CONFIG_COUNT ? "SOURCE"
						    : "SOURCE.FIELD");
		return false;
	}
	return true;
}

static bool
read_rule(const struct reading *r)
{
	struct config_list words = {0};
	struct config_rule *rule = r->rule;
	bool good = true;

	config_value_words(r->load->arena, r->entry->value, &words);
	if (!read_kind(r, &words))
		return false;
	rule->operands = config_arena_alloc(
		r->load->arena, (words.n - 1) * sizeof(*rule->operands));
	if (!rule->operands)
		return false;
	for (size_t i = 1; i < words.n; i++)
		good &= read_operand(r, words.items[i],
				     &rule->operands[rule->noperands++]);
	return good;
}

static bool
check_name(struct config_load *load, const struct config_entry *e,
	   const struct config_theme *theme, const char *name)
{
	struct error err = ERROR_INIT;

	if (config_check_column(name, &err)) {
		config_error(&load->report, e->place, "%s: %s", e->key,
			     err.text);
		return false;
	}
	if (strcmp(name, theme->subject) == 0) {
		config_error(&load->report, e->place,
			     "%s: '%s' is the subject, which is the first "
			     "column already; choose another name or remove "
			     "the line",
			     e->key, name);
		return false;
	}
	return true;
}

void
config_theme_add_rule(struct config_load *load, const struct config_entry *e,
		      struct config_theme *theme, const char *name)
{
	struct config_rule rule = {.name = name, .place = e->place};
	const struct reading r = {load, e, theme, &rule};
	struct config_rule *rules;

	if (!check_name(load, e, theme, name) || !read_rule(&r))
		return;
	rules = config_arena_grow(load->arena, theme->rules, theme->nrules,
				  sizeof(*rules));
	if (!rules)
		return;
	theme->rules = rules;
	rules[theme->nrules++] = rule;
}
