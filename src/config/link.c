/* link.SOURCE = FIELD OTHER.FIELD of a theme (SPEC 8): see theme.h. */
#include "config/theme.h"

#include "config/value.h"

/* One line while it is read. */
struct reading {
	struct config_load *load;
	const struct config_entry *entry;
	struct config_theme *theme;
	struct config_link *link;
};

/* The column of every member, and their type; NULL when one has none. */
static size_t *
find_columns(const struct reading *r, const struct config_source *source,
	     const char *field, enum config_type *ret_type)
{
	size_t *columns = config_arena_alloc(
		r->load->arena, (source->nmembers + 1) * sizeof(*columns));

	for (size_t i = 0; columns && i < source->nmembers; i++) {
		const struct config_resource *resource =
			source->members[i].resource;
		int at = config_load_field(r->load, r->entry->place,
					   r->entry->key, resource, field);

		if (at < 0 || !config_theme_may_show(r->load, r->entry->place,
						     r->entry->key, resource,
						     &resource->fields[at]))
			return NULL;
		columns[i] = (size_t)at;
		*ret_type = resource->fields[at].type;
	}
	return source->nmembers ? columns : NULL;
}

/* FIELD OTHER.FIELD to names; false when it is something else. */
static bool
split(const struct reading *r, const struct config_list *words,
      const char **ret_other)
{
	const char *dot = words->n == 2 ? strchr(words->items[1], '.') : NULL;

	if (!dot || dot == words->items[1] || !dot[1]) {
		config_error(&r->load->report, r->entry->place,
			     "%s: write '%s = FIELD OTHER.FIELD', for example "
			     "'licence_no registration.licence_no'",
			     r->entry->key, r->entry->key);
		return false;
	}
	r->link->field = words->items[0];
	r->link->other_field = dot + 1;
	*ret_other = config_arena_text(
		r->load->arena,
		(struct slice){words->items[1],
			       (size_t)(dot - words->items[1])});
	return true;
}

/* Values are compared as they are stored, so they have to be of one type. */
static bool
find_fields(const struct reading *r, const struct config_source *source)
{
	const struct config_source *other = &r->theme->sources[r->link->other];
	enum config_type type = CONFIG_STRING, other_type = CONFIG_STRING;

	r->link->columns = find_columns(r, source, r->link->field, &type);
	r->link->other_columns =
		find_columns(r, other, r->link->other_field, &other_type);
	if (!r->link->columns || !r->link->other_columns)
		return false;
	if (type == other_type)
		return true;
	config_error(&r->load->report, r->entry->place,
		     "%s: '%s' is of type %s, '%s.%s' of type %s; values are "
		     "compared as they are stored, so both fields have one "
		     "type",
		     r->entry->key, r->link->field, config_type_word(type),
		     other->name, r->link->other_field,
		     config_type_word(other_type));
	return false;
}

/* A link by the subject itself would look for what is empty. */
static bool
is_other_field(const struct reading *r, const struct config_source *source)
{
	for (size_t i = 0; i < source->nmembers; i++) {
		if (r->link->columns[i] != source->members[i].subject)
			continue;
		config_error(&r->load->report, r->entry->place,
			     "%s: '%s' holds the subject of %s, and is empty "
			     "where a link is needed; name another field",
			     r->entry->key, r->link->field,
			     source->members[i].resource->name);
		return false;
	}
	return true;
}

static bool
read_link(const struct reading *r, const struct config_source *source)
{
	struct config_list words = {0};
	const char *name;
	int other;

	config_value_words(r->load->arena, r->entry->value, &words);
	if (!split(r, &words, &name))
		return false;
	other = config_theme_get_source(r->load, r->entry, r->theme, name);
	if (other < 0)
		return false;
	r->link->other = (size_t)other;
	return find_fields(r, source) && is_other_field(r, source);
}

void
config_theme_add_link(struct config_load *load, const struct config_entry *e,
		      struct config_theme *theme, const char *name)
{
	struct config_link *link =
		config_arena_alloc(load->arena, sizeof(*link));
	const struct reading r = {load, e, theme, link};
	int found = config_theme_get_source(load, e, theme, name);
	struct config_source *source;

	if (!link || found < 0)
		return;
	source = &theme->sources[found];
	link->place = e->place;
	if (source->link)
		config_error(&load->report, e->place,
			     "%s: source '%s' has a link already; a source "
			     "has one",
			     e->key, name);
	else if (read_link(&r, source))
		source->link = link;
}

/* A row takes a subject that stands in another row, never one that this has
 * from a third: so no order of links matters, and none goes in a circle. */
void
config_theme_check_links(struct config_load *load,
			 const struct config_theme *theme)
{
	for (size_t i = 0; i < theme->nsources; i++) {
		const struct config_link *link = theme->sources[i].link;

		if (!link || !theme->sources[link->other].link)
			continue;
		config_error(&load->report, link->place,
			     "link.%s: source '%s' has a link itself; a link "
			     "goes to a source whose rows say their own "
			     "subject",
			     theme->sources[i].name,
			     theme->sources[link->other].name);
	}
}
