/* Which sections a file may have: see load.h and the table of options.h. */
#include "config/load.h"

#include "config/options.h"

#include <string.h>

static void
refuse_unknown(struct config_load *load, const struct config_section *s,
	       enum option_file file)
{
	struct config_near near = CONFIG_NEAR_INIT(s->kind);
	const struct option_section *meant;
	size_t n;
	const struct option_section *all = config_option_sections(&n);

	for (size_t i = 0; i < n; i++) {
		if (all[i].file == file && !all[i].later)
			config_near_offer(&near, all[i].kind);
	}
	meant = near.name ? config_option_section(near.name) : NULL;
	if (!meant)
		return;
	config_error(&load->report, s->place,
		     "unknown section [%s]; did you mean '[%s%s%s]'?", s->name,
		     meant->kind, *meant->argument_word ? " " : "",
		     *meant->argument_word && *s->argument
			     ? s->argument
			     : meant->argument_word);
}

static int
check_id(const struct config_section *s, struct error *err)
{
	return strcmp(s->kind, "field") == 0
		       ? config_check_column(s->argument, err)
		       : config_check_id(s->argument, err);
}

static void
check_argument(struct config_load *load, const struct config_section *s,
	       const struct option_section *known)
{
	struct error err = ERROR_INIT;

	if (known->argument == OPTION_NO_ARGUMENT) {
		if (*s->argument)
			config_error(&load->report, s->place,
				     "'[%s]' takes no name; write [%s]",
				     s->name, s->kind);
		return;
	}
	if (!*s->argument)
		config_error(&load->report, s->place,
			     "'[%s]' lacks its %s; write [%s %s]", s->kind,
			     known->argument_word, s->kind,
			     known->argument_word);
	else if (known->argument == OPTION_ARG_ID && check_id(s, &err))
		config_error(&load->report, s->place, "[%s]: %s", s->name,
			     err.text);
}

static void
check_section(struct config_load *load, const struct config_section *s,
	      enum option_file file)
{
	const struct option_section *known = config_option_section(s->kind);

	if (!known) {
		refuse_unknown(load, s, file);
		return;
	}
	if (known->file != file) {
		config_error(&load->report, s->place,
			     "'[%s]' belongs into %s; move it there", s->name,
			     file == OPTION_DESCRIPTOR
				     ? "civicfs.conf or conf.d/"
				     : "a descriptor, "
				       "resources.d/DEPARTMENT/RESOURCE.ini");
		return;
	}
	if (known->later) {
		config_error(&load->report, s->place,
			     "'[%s]' is not supported by this version; remove "
			     "the section",
			     s->name);
		return;
	}
	check_argument(load, s, known);
}

/* A section among those that came before it: in the same file, and in the
 * others unless it may occur once in each. */
static void
check_repeated(struct config_load *load, const struct config_section *s,
	       const struct config_section *first)
{
	const struct option_section *known = config_option_section(s->kind);
	bool same = strcmp(s->place.file, first->place.file) == 0;

	if (strcmp(s->name, first->name) != 0 || !known)
		return;
	if (known->each_file && !same)
		return;
	config_error(&load->report, s->place,
		     "the section [%s] stands in %s:%d already; join the two",
		     s->name, first->place.file, first->place.line);
}

/* Each section against all that came before it. */
static void
check_doc(struct config_load *load, const struct config_doc *docs, size_t n,
	  enum option_file file)
{
	const struct config_doc *doc = &docs[n];

	for (size_t i = 0; i < doc->nsections; i++) {
		const struct config_section *s = &doc->sections[i];

		check_section(load, s, file);
		for (size_t d = 0; d <= n; d++) {
			size_t end = d < n ? docs[d].nsections : i;

			for (size_t k = 0; k < end; k++)
				check_repeated(load, s, &docs[d].sections[k]);
		}
	}
}

void
config_load_sections(struct config_load *load)
{
	for (size_t i = 0; i < load->ndocs; i++)
		check_doc(load, load->docs, i, OPTION_CONF);
	for (size_t i = 0; i < load->ndescriptors; i++)
		check_doc(load, &load->descriptors[i].doc, 0,
			  OPTION_DESCRIPTOR);
}

void
config_load_each(struct config_load *load, const char *kind,
		 config_section_fn *fn)
{
	for (size_t d = 0; d < load->ndocs; d++) {
		const struct config_doc *doc = &load->docs[d];

		for (size_t i = 0; i < doc->nsections; i++) {
			if (strcmp(doc->sections[i].kind, kind) == 0)
				fn(load, &doc->sections[i]);
		}
	}
}

const struct config_entry *
config_section_find(const struct config_section *s, const char *key)
{
	for (size_t i = 0; i < s->nentries; i++) {
		if (strcmp(s->entries[i].key, key) == 0 && *s->entries[i].value)
			return &s->entries[i];
	}
	return NULL;
}

struct config_place
config_section_place(const struct config_section *s, const char *key)
{
	const struct config_entry *e = config_section_find(s, key);

	return e ? e->place : s->place;
}
