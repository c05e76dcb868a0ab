/* Descriptors to resources (SPEC 4): see load.h. */
#include "config/apply.h"
#include "config/draft.h"

#include <stdlib.h>
#include <string.h>

static const struct config_section *
find_section(const struct config_doc *doc, const char *kind)
{
	for (size_t i = 0; i < doc->nsections; i++) {
		if (strcmp(doc->sections[i].kind, kind) == 0)
			return &doc->sections[i];
	}
	return NULL;
}

static struct config_place
top_of(const struct config_descriptor *d)
{
	return (struct config_place){d->doc.file, 1};
}

/* The folder names the department, the file the resource. */
static void
check_names(struct config_load *load, const struct config_descriptor *d)
{
	struct error err = ERROR_INIT;

	if (config_check_id(d->department, &err))
		config_error(&load->report, top_of(d),
			     "the name of its folder: %s", err.text);
	else if (!config_find_department(load->config, d->department))
		config_error(&load->report, top_of(d),
			     "there is no department '%s', whose folder this "
			     "is; add a section [department %s] to '%s' or "
			     "rename the folder",
			     d->department, d->department, load->config->path);
	if (config_check_id(d->id, &err))
		config_error(&load->report, top_of(d),
			     "the name of the file: %s", err.text);
}

static int
by_name(const void *a, const void *b)
{
	const struct config_descriptor *x = a, *y = b;

	return strcmp(x->name, y->name);
}

static const struct config_descriptor *
find_descriptor(const struct config_load *load, const char *name)
{
	struct config_descriptor wanted = {.name = name};

	return bsearch(&wanted, load->descriptors, load->ndescriptors,
		       sizeof(wanted), by_name);
}

static const struct config_entry *
like_of(const struct config_descriptor *d)
{
	const struct config_section *s = find_section(&d->doc, "resource");

	return s ? config_section_find(s, "like") : NULL;
}

/*
 * Whose [field] sections are those of 'd': its own, or by 'like' another's,
 * or that one's by its own 'like'. NULL when the chain ends nowhere; the
 * place is that of the first link.
 */
static const struct config_descriptor *
fields_of(struct config_load *load, const struct config_descriptor *d)
{
	const struct config_entry *first = like_of(d), *like = first;
	size_t steps = 0;

	if (first && find_section(&d->doc, "field"))
		config_error(&load->report, first->place,
			     "'like' and a section [%s]: the fields are either "
			     "those of '%s' or its own; remove one",
			     find_section(&d->doc, "field")->name,
			     first->value);
	while (like) {
		if (!config_load_is_name(like->value))
			return NULL; /* was reported with the line */
		if (!config_load_reference(load, first->place, "like",
					   like->value))
			return NULL;
		d = find_descriptor(load, like->value);
		if (!d)
			return NULL;
		if (++steps > load->ndescriptors) {
			config_error(&load->report, first->place,
				     "'like = %s' leads in a circle; let one "
				     "of them have fields",
				     first->value);
			return NULL;
		}
		like = like_of(d);
	}
	return d;
}

static void
check_sharing(struct config_load *load, const struct config_section *s,
	      const struct config_resource *r)
{
	if (r->sharing != CONFIG_NONE)
		return;
	if (!*r->sharing_condition)
		config_error(&load->report, config_section_place(s, "sharing"),
			     "'sharing = none' without its legal basis; write "
			     "it as 'sharing_condition = …'");
	if (r->open != CONFIG_OPEN_NO)
		config_error(&load->report, config_section_place(s, "open"),
			     "'open = %s' with 'sharing = none'; what no "
			     "department may have the public may not either: "
			     "write 'open = no'",
			     config_open_word(r->open));
}

/* What is told apart by its values must not be one that never comes. */
static int
find_sent(struct config_load *load, struct config_place place, const char *key,
	  const struct config_resource *r, const char *id)
{
	int field = config_load_field(load, place, key, r, id);

	if (field >= 0 && !config_field_is_sent(&r->fields[field]))
		config_error(&load->report, place,
			     "%s: '%s' has 'sensitivity = secret', so no file "
			     "may hold a value of it; name another field",
			     key, id);
	return field;
}

static void
fill_key(struct config_load *load, const struct config_section *s,
	 const struct config_list *ids, struct config_resource *r)
{
	struct config_place place = config_section_place(s, "key");
	size_t n = ids->n ? ids->n : r->nfields;
	size_t *key = config_arena_alloc(load->arena, n * sizeof(*key));

	if (!ids->n && r->mode != CONFIG_APPEND) {
		config_error(&load->report, place,
			     "there is no 'key', which 'mode = %s' needs; "
			     "write the fields that tell its rows apart",
			     config_mode_word(r->mode));
		return;
	}
	if (!key)
		return;
	r->key = key;
	for (size_t i = 0; i < n; i++) {
		int field =
			ids->n ? find_sent(load, place, "key", r, ids->items[i])
			       : (int)i;

		if (field < 0)
			continue;
		for (size_t k = 0; k < r->nkey; k++) {
			if (key[k] == (size_t)field)
				config_error(&load->report, place,
					     "key: '%s' stands there twice",
					     ids->items[i]);
		}
		key[r->nkey++] = (size_t)field;
	}
}

static int
find_named(struct config_load *load, const struct config_section *s,
	   const char *key, const struct config_resource *r, const char *id)
{
	if (!*id)
		return -1;
	return find_sent(load, config_section_place(s, key), key, r, id);
}

/* A snapshot is the whole truth: without one of its members it would delete
 * the records of that one. */
static void
check_members(struct config_load *load, const struct config_section *s,
	      const struct config_resource *r)
{
	if (r->members_each && r->mode == CONFIG_SNAPSHOT)
		config_error(&load->report, config_section_place(s, "members"),
			     "members: 'each' would delete the records of a "
			     "member that cannot be read; set 'mode = upsert' "
			     "or 'append', or leave out 'members'");
}

/* Changes are written by key. */
static void
check_follows(struct config_load *load, const struct config_section *s,
	      const struct config_resource *r)
{
	if (*r->follows && r->mode != CONFIG_UPSERT)
		config_error(&load->report, config_section_place(s, "follows"),
			     "follows: changes say of each row what became of "
			     "it, which 'mode = %s' cannot take; set 'mode = "
			     "upsert'",
			     config_mode_word(r->mode));
}

/* The fields that others name, when the fields are known. */
static void
fill_named(struct config_load *load, const struct config_section *s,
	   struct config_resource_draft *draft)
{
	struct config_resource *r = &draft->resource;
	const struct config_field *f;

	fill_key(load, s, &draft->key, r);
	r->subject = find_named(load, s, "subject", r, draft->subject);
	r->as_of = find_named(load, s, "as_of", r, draft->as_of);
	if (r->as_of < 0)
		return;
	f = &r->fields[r->as_of];
	if (f->type != CONFIG_DATE && f->type != CONFIG_DATETIME)
		config_error(&load->report, config_section_place(s, "as_of"),
			     "as_of: '%s' has 'type = %s'; name a field of "
			     "type date or datetime",
			     f->id, config_type_word(f->type));
}

static void
fill_resource(struct config_load *load, const struct config_descriptor *d,
	      struct config_resource *ret)
{
	const struct config_section *s = find_section(&d->doc, "resource");
	const struct config_section none = {.name = "resource",
					    .kind = "resource",
					    .argument = "",
					    .place = top_of(d)};
	struct config_resource_draft draft = {.resource = *ret};
	struct config_resource *r = &draft.resource;
	const struct config_descriptor *fields;

	check_names(load, d);
	if (!s && d->doc.nsections)
		config_error(&load->report, none.place,
			     "there is no section [resource]; begin the "
			     "descriptor with it");
	s = s ? s : &none;
	config_apply(load, s, &draft);
	if (!*r->title)
		r->title = r->id;
	check_sharing(load, s, r);
	check_members(load, s, r);
	check_follows(load, s, r);
	fields = fields_of(load, d);
	if (fields)
		config_load_fields(load, &fields->doc, r, draft.strict);
	if (r->nfields)
		fill_named(load, s, &draft);
	else if (fields && d->doc.nsections)
		config_error(&load->report, s->place,
			     "%s has no fields; add a section [field ID] for "
			     "each column",
			     r->name);
	*ret = *r;
}

/* First all their names, so that 'like' may name any of them. */
void
config_load_resources(struct config_load *load)
{
	size_t n = load->ndescriptors;
	struct config_resource *all =
		config_arena_alloc(load->arena, n * sizeof(*all));

	if (!all)
		return;
	for (size_t i = 0; i < n; i++) {
		const struct config_descriptor *d = &load->descriptors[i];

		all[i] = (struct config_resource){.department = d->department,
						  .id = d->id,
						  .name = d->name,
						  .subject = -1,
						  .as_of = -1,
						  .place = top_of(d),
						  .descriptor = d->bytes.p,
						  .descriptor_len = d->bytes.n};
	}
	load->config->resources = all;
	load->config->nresources = n;
	for (size_t i = 0; i < n; i++)
		fill_resource(load, &load->descriptors[i], &all[i]);
}
