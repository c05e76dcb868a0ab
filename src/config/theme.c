/* [theme ID]: sources and what they have in common (SPEC 8). Rules are in
 * rule.c, links in link.c. */
#include "config/theme.h"

#include "config/apply.h"
#include "config/draft.h"
#include "config/value.h"

#include <string.h>
#include <strings.h>

const char *
config_theme_part(const char *key, const char *prefix)
{
	size_t n = strlen(prefix);

	return strncmp(key, prefix, n) == 0 ? key + n : NULL;
}

int
config_theme_source(const struct config_theme *theme, const char *name)
{
	for (size_t i = 0; i < theme->nsources; i++) {
		if (strcmp(theme->sources[i].name, name) == 0)
			return (int)i;
	}
	return -1;
}

int
config_theme_get_source(struct config_load *load, const struct config_entry *e,
			const struct config_theme *theme, const char *name)
{
	int found = config_theme_source(theme, name);
	struct config_near near = CONFIG_NEAR_INIT(name);

	if (found >= 0)
		return found;
	for (size_t i = 0; i < theme->nsources; i++)
		config_near_offer(&near, theme->sources[i].name);
	config_error(&load->report, e->place,
		     "%s: there is no source '%s'%s%s%s", e->key, name,
		     near.name ? "; did you mean '" : "; add 'source.NAME = …",
		     near.name ? near.name : "", near.name ? "'?" : "'");
	return -1;
}

bool
config_theme_may_show(struct config_load *load, struct config_place place,
		      const char *key, const struct config_resource *resource,
		      const struct config_field *field)
{
	if (field->sensitivity == CONFIG_SECRET) {
		config_error(&load->report, place,
			     "%s: '%s' of %s has 'sensitivity = secret' and "
			     "may not be in a theme; remove it from the rule",
			     key, field->id, resource->name);
		return false;
	}
	if (field->sharing == CONFIG_NONE && resource->sharing != CONFIG_NONE) {
		config_error(&load->report, place,
			     "%s: '%s' of %s has 'sharing = none' and may not "
			     "be in a theme; remove it from the rule",
			     key, field->id, resource->name);
		return false;
	}
	return true;
}

/* One schema: the same ids and types, in any order. */
static bool
check_schema(struct config_load *load, const struct config_entry *e,
	     const struct config_resource *first,
	     const struct config_resource *other)
{
	for (size_t i = 0; i < first->nfields; i++) {
		const struct config_field *f = &first->fields[i];
		int k = config_find_field(other, f->id);

		if (k >= 0 && other->fields[k].type == f->type)
			continue;
		if (k < 0)
			config_error(&load->report, e->place,
				     "%s: %s has no field '%s' as %s has; the "
				     "resources of one source have the same "
				     "fields (see 'like'), or are two sources",
				     e->key, other->name, f->id, first->name);
		else
			config_error(&load->report, e->place,
				     "%s: '%s' is of type %s in %s and of type "
				     "%s in %s; the resources of one source "
				     "have the same types",
				     e->key, f->id, config_type_word(f->type),
				     first->name,
				     config_type_word(other->fields[k].type),
				     other->name);
		return false;
	}
	if (other->nfields == first->nfields)
		return true;
	for (size_t k = 0; k < other->nfields; k++) {
		if (config_find_field(first, other->fields[k].id) >= 0)
			continue;
		config_error(&load->report, e->place,
			     "%s: %s has a field '%s', which %s has not; the "
			     "resources of one source have the same fields",
			     e->key, other->name, other->fields[k].id,
			     first->name);
		break;
	}
	return false;
}

/* The field of a resource that holds the subject: 'by', else what its
 * descriptor says; -1 when there is none. */
static int
find_subject(struct config_load *load, const struct config_entry *e,
	     const struct config_resource *resource, const char *by)
{
	int field =
		*by ? config_load_field(load, e->place, e->key, resource, by)
		    : resource->subject;

	if (field < 0 && !*by && resource->nfields)
		config_error(&load->report, e->place,
			     "%s: %s does not say which field holds the "
			     "subject; add 'subject = FIELD' to its descriptor "
			     "or 'by FIELD' to this line",
			     e->key, resource->name);
	if (field >= 0 &&
	    !config_theme_may_show(load, e->place, e->key, resource,
				   &resource->fields[field]))
		return -1;
	return field;
}

/* All keys of a theme have one type; the first member decides it. */
static void
check_subject_type(struct config_load *load, const struct config_entry *e,
		   const struct config_theme *theme,
		   const struct config_member *member)
{
	enum config_type type = member->resource->fields[member->subject].type;
	const struct config_member *first = NULL;

	for (size_t i = 0; i < theme->nsources && !first; i++) {
		if (theme->sources[i].nmembers)
			first = theme->sources[i].members;
	}
	if (!first || first->resource->fields[first->subject].type == type)
		return;
	config_error(
		&load->report, e->place,
		"%s: the subject '%s' of %s is of type %s, that of %s is "
		"of type %s; all keys of a theme have one type",
		e->key, member->resource->fields[member->subject].id,
		member->resource->name, config_type_word(type),
		first->resource->name,
		config_type_word(first->resource->fields[first->subject].type));
}

static void
add_member(struct config_load *load, const struct config_entry *e,
	   struct config_theme *theme, struct config_source *source,
	   const char *name, const char *by)
{
	struct config_member member, *members;
	int subject;

	member.resource = config_load_reference(load, e->place, e->key, name);
	if (!member.resource)
		return;
	if (member.resource->sharing == CONFIG_NONE) {
		config_error(&load->report, e->place,
			     "%s: %s has 'sharing = none' and never leaves its "
			     "department; remove it from the theme",
			     e->key, name);
		return;
	}
	for (size_t i = 0; i < source->nmembers; i++) {
		if (source->members[i].resource == member.resource) {
			config_error(&load->report, e->place,
				     "%s: %s stands there twice", e->key, name);
			return;
		}
	}
	subject = find_subject(load, e, member.resource, by);
	if (subject < 0)
		return;
	member.subject = (size_t)subject;
	if (source->nmembers &&
	    !check_schema(load, e, source->members[0].resource,
			  member.resource))
		return;
	check_subject_type(load, e, theme, &member);
	members = config_arena_grow(load->arena, source->members,
				    source->nmembers, sizeof(*members));
	if (!members)
		return;
	source->members = members;
	members[source->nmembers++] = member;
}

static struct config_source *
get_source(struct config_load *load, const struct config_entry *e,
	   struct config_theme *theme, const char *name)
{
	int found = config_theme_source(theme, name);
	struct config_source *sources;

	if (found >= 0)
		return &theme->sources[found];
	sources = config_arena_grow(load->arena, theme->sources,
				    theme->nsources, sizeof(*sources));
	if (!sources)
		return NULL;
	theme->sources = sources;
	sources[theme->nsources] =
		(struct config_source){.name = name, .place = e->place};
	return &sources[theme->nsources++];
}

/* DEPARTMENT/RESOURCE … [by FIELD]: 'by' is for all resources of its line;
 * the key may be repeated for others. */
static void
add_source(struct config_load *load, const struct config_entry *e,
	   struct config_theme *theme, const char *name)
{
	struct config_list words = {0};
	struct config_source *source;
	struct error err = ERROR_INIT;
	const char *by = "";

	if (config_check_column(name, &err)) {
		config_error(&load->report, e->place, "%s: %s", e->key,
			     err.text);
		return;
	}
	config_value_words(load->arena, e->value, &words);
	if (words.n > 2 && strcmp(words.items[words.n - 2], "by") == 0) {
		by = words.items[words.n - 1];
		words.n -= 2;
	}
	if (words.n == 0)
		config_error(&load->report, e->place,
			     "'%s' names no resource; write "
			     "DEPARTMENT/RESOURCE … [by FIELD]",
			     e->key);
	source = get_source(load, e, theme, name);
	if (!source)
		return;
	for (size_t i = 0; i < words.n; i++) {
		if (strcmp(words.items[i], "by") == 0)
			config_error(&load->report, e->place,
				     "%s: 'by FIELD' stands once, at the end "
				     "of the line; repeat the key for "
				     "resources with another field",
				     e->key);
		else
			add_member(load, e, theme, source, words.items[i], by);
	}
}

static void
fill_base(struct config_load *load, const struct config_section *s,
	  const char *base, struct config_theme *theme)
{
	struct config_near near = CONFIG_NEAR_INIT(base);

	theme->base = *base ? config_theme_source(theme, base) : -1;
	if (!*base || theme->base >= 0)
		return;
	for (size_t i = 0; i < theme->nsources; i++)
		config_near_offer(&near, theme->sources[i].name);
	if (near.name)
		config_error(&load->report, config_section_place(s, "base"),
			     "base: there is no source '%s'; did you mean "
			     "'%s'?",
			     base, near.name);
}

/* The rest of a theme when its own lines are applied. */
static void
fill_parts(struct config_load *load, const struct config_section *s,
	   struct config_theme_draft *draft)
{
	struct config_theme *theme = &draft->theme;
	const char *name;

	for (size_t i = 0; i < s->nentries; i++) {
		name = config_theme_part(s->entries[i].key, "source.");
		if (name)
			add_source(load, &s->entries[i], theme, name);
	}
	if (!theme->nsources)
		config_error(&load->report, s->place,
			     "[%s] has no source; add 'source.NAME = "
			     "DEPARTMENT/RESOURCE'",
			     s->name);
	fill_base(load, s, draft->base, theme);
	for (size_t i = 0; i < s->nentries; i++) {
		name = config_theme_part(s->entries[i].key, "link.");
		if (name)
			config_theme_add_link(load, &s->entries[i], theme,
					      name);
	}
	config_theme_check_links(load, theme);
	for (size_t i = 0; i < s->nentries; i++) {
		name = config_theme_part(s->entries[i].key, "field.");
		if (name)
			config_theme_add_rule(load, &s->entries[i], theme,
					      name);
	}
	for (size_t i = 0; i < theme->nsources; i++) {
		const struct config_source *source = &theme->sources[i];

		if (!source->nmembers)
			continue;
		theme->subject_type =
			source->members[0]
				.resource->fields[source->members[0].subject]
				.type;
		break;
	}
	theme->rules_text = config_theme_text(load->arena, theme);
}

/* ---- what SQLite cannot take --------------------------------------------- */

#define SQLITE_COLUMNS 2000 /* of a table, the subject's too */

static const char *
column_of(const struct config_theme *theme, size_t i)
{
	return i ? theme->rules[i - 1].name : theme->subject;
}

/* SQLite knows no difference between 'Name' and 'name'. */
static void
check_columns(struct config_load *load, const struct config_theme *theme,
	      struct config_place place)
{
	for (size_t i = 1; i <= theme->nrules; i++) {
		for (size_t k = 0; k < i; k++) {
			const char *a = column_of(theme, k);
			const char *b = column_of(theme, i);

			if (strcasecmp(a, b) == 0)
				config_error(&load->report, place,
					     "sqlite: '%s' and '%s' are one "
					     "column for SQLite; rename one, "
					     "or write 'sqlite = no'",
					     a, b);
		}
	}
}

static void
check_sqlite(struct config_load *load, const struct config_section *s,
	     const struct config_theme *theme)
{
	struct config_place place = config_section_place(s, "sqlite");

	if (!theme->sqlite)
		return;
	if (strncasecmp(theme->id, "sqlite_", strlen("sqlite_")) == 0)
		config_error(&load->report, place,
			     "sqlite: SQLite keeps names like '%s' for "
			     "itself; rename the theme, or write 'sqlite = no'",
			     theme->id);
	if (theme->nrules + 1 > SQLITE_COLUMNS) {
		config_error(&load->report, place,
			     "sqlite: '%s' has %zu columns, and a table of "
			     "SQLite at most %d; write 'sqlite = no'",
			     theme->id, theme->nrules + 1, SQLITE_COLUMNS);
		return;
	}
	check_columns(load, theme, place);
}

static void
fill_theme(struct config_load *load, const struct config_section *s)
{
	struct config *c = load->config;
	struct config_theme_draft draft = {
		.theme = {.id = s->argument, .place = s->place}};
	struct config_theme *themes;

	config_apply(load, s, &draft);
	if (!*draft.theme.title)
		draft.theme.title = s->argument;
	if (!*draft.theme.subject)
		config_error(&load->report, s->place,
			     "[%s] has no 'subject'; name the first column, "
			     "for example 'subject = uscc'",
			     s->name);
	fill_parts(load, s, &draft);
	check_sqlite(load, s, &draft.theme);
	themes = config_arena_grow(load->arena, c->themes, c->nthemes,
				   sizeof(*themes));
	if (!themes)
		return;
	c->themes = themes;
	themes[c->nthemes++] = draft.theme;
}

void
config_load_themes(struct config_load *load)
{
	config_load_each(load, "theme", fill_theme);
}
