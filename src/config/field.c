/* [field ID] of descriptors: see load.h. */
#include "config/apply.h"
#include "config/canon.h"
#include "config/draft.h"
#include "config/words.h"

#include <string.h>

/* Larger is stricter. */
static int
closedness(enum config_open open)
{
	static const int order[] = {[CONFIG_OPEN_YES] = 0,
				    [CONFIG_OPEN_CONDITIONAL] = 1,
				    [CONFIG_OPEN_NO] = 2};

	return order[open];
}

static void
inherit_sharing(struct config_load *load, const struct config_section *s,
		const struct config_resource *resource,
		struct config_field_draft *draft)
{
	struct config_field *f = &draft->field;

	f->sharing = resource->sharing;
	if (draft->sharing < 0)
		return;
	if (draft->sharing < (int)resource->sharing)
		config_error(&load->report, config_section_place(s, "sharing"),
			     "'sharing = %s' is less strict than 'sharing = "
			     "%s' of %s; a field may only be stricter",
			     config_sharing_words[draft->sharing],
			     config_sharing_word(resource->sharing),
			     resource->name);
	else
		f->sharing = (enum config_sharing)draft->sharing;
}

/* What is not shared, or not public, is never open. */
static void
inherit_open(struct config_load *load, const struct config_section *s,
	     const struct config_resource *resource,
	     struct config_field_draft *draft)
{
	struct config_field *f = &draft->field;
	bool closed =
		f->sharing == CONFIG_NONE || f->sensitivity != CONFIG_PUBLIC;

	f->open = closed ? CONFIG_OPEN_NO : resource->open;
	if (draft->open < 0)
		return;
	if (closed && draft->open != CONFIG_OPEN_NO)
		config_error(&load->report, config_section_place(s, "open"),
			     "'open' must be no, because the field has "
			     "'%s = %s'",
			     f->sharing == CONFIG_NONE ? "sharing"
						       : "sensitivity",
			     f->sharing == CONFIG_NONE
				     ? "none"
				     : config_sensitivity_word(f->sensitivity));
	else if (closedness((enum config_open)draft->open) <
		 closedness(resource->open))
		config_error(&load->report, config_section_place(s, "open"),
			     "'open = %s' is less strict than 'open = %s' of "
			     "%s; a field may only be stricter",
			     config_open_words[draft->open],
			     config_open_word(resource->open), resource->name);
	else
		f->open = (enum config_open)draft->open;
}

static const char *
canon_bound(struct config_load *load, const struct config_section *s,
	    const char *key, const struct config_field *f, const char *text)
{
	const char *value;

	if (!*text)
		return text;
	if (!config_canon_is_ordered(f->type)) {
		config_error(&load->report, config_section_place(s, key),
			     "'%s' says nothing about a %s; use enum or "
			     "pattern",
			     key, config_type_word(f->type));
		return "";
	}
	value = config_canon(load->arena, f->type, text);
	if (!value)
		config_error(&load->report, config_section_place(s, key),
			     "'%s = %s' does not fit 'type = %s'; write %s",
			     key, text, config_type_word(f->type),
			     config_canon_form(f->type));
	return value ? value : "";
}

static void
check_bounds(struct config_load *load, const struct config_section *s,
	     struct config_field *f)
{
	f->min = canon_bound(load, s, "min", f, f->min);
	f->max = canon_bound(load, s, "max", f, f->max);
	if (*f->min && *f->max && config_canon_cmp(f->type, f->min, f->max) > 0)
		config_error(&load->report, config_section_place(s, "max"),
			     "'max = %s' is below 'min = %s': no value fits "
			     "both",
			     f->max, f->min);
	if (f->min_length >= 0 && f->max_length >= 0 &&
	    f->min_length > f->max_length)
		config_error(
			&load->report, config_section_place(s, "max_length"),
			"'max_length = %lld' is below 'min_length = "
			"%lld': no value fits both",
			(long long)f->max_length, (long long)f->min_length);
}

static void
check_enum(struct config_load *load, const struct config_section *s,
	   struct config_field *f)
{
	for (size_t i = 0; i < f->allow.n; i++) {
		const char *value =
			config_canon(load->arena, f->type, f->allow.items[i]);

		if (value)
			f->allow.items[i] = value;
		else
			config_error(
				&load->report, config_section_place(s, "enum"),
				"'%s' in 'enum' does not fit 'type = %s'; "
				"write %s",
				f->allow.items[i], config_type_word(f->type),
				config_canon_form(f->type));
	}
}

/* A file that holds a value of it is rejected. */
static void
check_secret(struct config_load *load, const struct config_section *s,
	     const struct config_field *f)
{
	if (f->required && !config_field_is_sent(f))
		config_error(&load->report, config_section_place(s, "required"),
			     "'required = yes' with 'sensitivity = secret': "
			     "values of a secret field must not be sent; "
			     "remove one of the two");
}

static void
fill_field(struct config_load *load, const struct config_section *s,
	   const struct config_resource *resource, bool strict,
	   struct config_field *ret)
{
	struct config_field_draft draft = {
		.field = {.id = s->argument, .place = s->place}};

	config_apply(load, s, &draft);
	if (!*draft.field.title)
		draft.field.title = s->argument;
	draft.field.strict = draft.strict < 0 ? strict : draft.strict > 0;
	inherit_sharing(load, s, resource, &draft);
	inherit_open(load, s, resource, &draft);
	check_bounds(load, s, &draft.field);
	check_enum(load, s, &draft.field);
	check_secret(load, s, &draft.field);
	*ret = draft.field;
}

/* A header names fields by id or title: two fields of one name would make it
 * a matter of luck which column is whose. */
static void
warn_same_names(struct config_load *load,
		const struct config_resource *resource)
{
	for (size_t i = 0; i < resource->nfields; i++) {
		const struct config_field *f = &resource->fields[i];

		for (size_t k = 0; k < resource->nfields; k++) {
			const struct config_field *o = &resource->fields[k];

			if (k == i ||
			    (strcmp(f->title, o->id) != 0 &&
			     (k > i || strcmp(f->title, o->title) != 0)))
				continue;
			config_warning(&load->report, f->place,
				       "the title '%s' of field '%s' is also "
				       "a name of field '%s'; a header with "
				       "it means one of the two, so choose "
				       "another title",
				       f->title, f->id, o->id);
			break;
		}
	}
}

void
config_load_fields(struct config_load *load, const struct config_doc *doc,
		   struct config_resource *resource, bool strict)
{
	for (size_t i = 0; i < doc->nsections; i++) {
		const struct config_section *s = &doc->sections[i];
		struct config_field *fields;

		if (strcmp(s->kind, "field") != 0 || !*s->argument)
			continue;
		fields = config_arena_grow(load->arena, resource->fields,
					   resource->nfields, sizeof(*fields));
		if (!fields)
			return;
		resource->fields = fields;
		fill_field(load, s, resource, strict,
			   &fields[resource->nfields++]);
	}
	warn_same_names(load, resource);
}

int
config_load_field(struct config_load *load, struct config_place place,
		  const char *key, const struct config_resource *resource,
		  const char *id)
{
	int found = config_find_field(resource, id);
	struct config_near near = CONFIG_NEAR_INIT(id);

	if (found >= 0)
		return found;
	for (size_t i = 0; i < resource->nfields; i++)
		config_near_offer(&near, resource->fields[i].id);
	if (config_near_is_close(&near))
		config_error(&load->report, place,
			     "%s: %s has no field '%s'; did you mean '%s'?",
			     key, resource->name, id, near.name);
	else if (near.name)
		config_error(&load->report, place,
			     "%s: %s has no field '%s'; name one of its "
			     "sections [field ID]",
			     key, resource->name, id);
	return -1;
}
