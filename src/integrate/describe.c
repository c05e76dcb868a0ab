/*
 * What can be said of a theme's fields without any row: their types, their
 * rules as configured, and which fields of its sources every reader may see.
 */
#include "integrate/internal.h"

static bool
is_numeric(enum config_type type)
{
	return type == CONFIG_INTEGER || type == CONFIG_NUMBER;
}

static enum config_type
common_type(const struct config_rule *rule)
{
	enum config_type type = rule->operands[0].type;

	for (size_t i = 1; i < rule->noperands; i++) {
		enum config_type other = rule->operands[i].type;

		if (other == type)
			continue;
		if (!is_numeric(type) || !is_numeric(other))
			return CONFIG_STRING;
		type = CONFIG_NUMBER;
	}
	return type;
}

enum config_type
integrate_rule_type(const struct config_theme *theme, size_t rule)
{
	const struct config_rule *r = &theme->rules[rule];

	switch (r->kind) {
	case CONFIG_COUNT:
		return CONFIG_INTEGER;
	case CONFIG_SUM:
		return CONFIG_NUMBER;
	case CONFIG_LIST:
		return CONFIG_STRING;
	default:
		return common_type(r);
	}
}

enum config_type
integrate_field_type(const struct config_theme *theme, struct slice name)
{
	for (size_t r = 0; r < theme->nrules; r++) {
		if (slice_is(name, theme->rules[r].name))
			return integrate_rule_type(theme, r);
	}
	return CONFIG_STRING;
}

bool
integrate_is_bare(enum config_type type)
{
	return type == CONFIG_INTEGER || type == CONFIG_NUMBER ||
	       type == CONFIG_BOOLEAN;
}

int
integrate_rule_text(const struct config_theme *theme, size_t rule,
		    struct buf *out)
{
	const struct config_rule *r = &theme->rules[rule];

	if (buf_adds(out, config_rule_word(r->kind)))
		return ERR_NOMEM;
	for (size_t i = 0; i < r->noperands; i++) {
		const struct config_operand *op = &r->operands[i];

		if (buf_addc(out, ' ') ||
		    buf_adds(out, theme->sources[op->source].name))
			return ERR_NOMEM;
		if (op->field[0] &&
		    (buf_addc(out, '.') || buf_adds(out, op->field)))
			return ERR_NOMEM;
	}
	return 0;
}

bool
integrate_field_shown(const struct config_field *field)
{
	return field->sharing == CONFIG_UNCONDITIONAL &&
	       field->sensitivity != CONFIG_PERSONAL &&
	       field->sensitivity != CONFIG_SECRET;
}

bool
integrate_resource_shown(const struct config_resource *resource)
{
	if (resource->sharing != CONFIG_UNCONDITIONAL)
		return false;
	for (size_t i = 0; i < resource->nfields; i++) {
		if (integrate_field_shown(&resource->fields[i]))
			return true;
	}
	return false;
}
