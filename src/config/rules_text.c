/*
 * What decides the bytes of a theme as one canonical text, and back: rules_text
 * of config.h. A version keeps the text it was made by, so that it can be told
 * again when the configuration has changed. One line each, words separated by a
 * blank:
 *
 *	subject NAME TYPE
 *	bom yes|no
 *	sqlite TITLE			data.sqlite is published and says so
 *	base SOURCE|-
 *	source NAME			then its members, each with its columns:
 *	member D/R by FIELD sharing WORD as_of FIELD|- key FIELD …
 *	column FIELD TYPE SENSITIVITY SHARING
 *	link SOURCE FIELD OTHER.FIELD	after the sources
 *	field NAME RULE OPERAND …
 */
#include "config/theme.h"

#include "base/scope.h"
#include "config/value.h"
#include "config/words.h"

#include <stdlib.h>

static int
add_member_text(struct buf *out, const struct config_member *m)
{
	const struct config_resource *r = m->resource;
	int rc = buf_addf(out, "member %s by %s sharing %s as_of %s key",
			  r->name, r->fields[m->subject].id,
			  config_sharing_word(r->sharing),
			  r->as_of < 0 ? "-" : r->fields[r->as_of].id);

	for (size_t i = 0; i < r->nkey && !rc; i++)
		rc = buf_addf(out, " %s", r->fields[r->key[i]].id);
	for (size_t i = 0; i < r->nfields && !rc; i++) {
		const struct config_field *f = &r->fields[i];

		rc = buf_addf(out, "\ncolumn %s %s %s %s", f->id,
			      config_type_word(f->type),
			      config_sensitivity_word(f->sensitivity),
			      config_sharing_word(f->sharing));
	}
	return rc ? rc : buf_addc(out, '\n');
}

static int
add_rule_text(struct buf *out, const struct config_theme *theme,
	      const struct config_rule *rule)
{
	int rc = buf_addf(out, "field %s %s", rule->name,
			  config_rule_word(rule->kind));

	for (size_t i = 0; i < rule->noperands && !rc; i++) {
		const struct config_operand *o = &rule->operands[i];

		rc = buf_addf(out, " %s%s%s", theme->sources[o->source].name,
			      *o->field ? "." : "", o->field);
	}
	return rc ? rc : buf_addc(out, '\n');
}

static int
add_link_text(struct buf *out, const struct config_theme *theme, size_t source)
{
	const struct config_link *link = theme->sources[source].link;

	return link ? buf_addf(out, "link %s %s %s.%s\n",
			       theme->sources[source].name, link->field,
			       theme->sources[link->other].name,
			       link->other_field)
		    : 0;
}

static int
add_source_text(struct buf *out, const struct config_source *source)
{
	int rc = buf_addf(out, "source %s\n", source->name);

	for (size_t i = 0; i < source->nmembers && !rc; i++)
		rc = add_member_text(out, &source->members[i]);
	return rc;
}

const char *
config_theme_text(struct config_arena *arena, const struct config_theme *theme)
{
	scope_buf out = BUF_INIT;
	int rc = buf_addf(&out, "subject %s %s\nbom %s\n", theme->subject,
			  config_type_word(theme->subject_type),
			  config_yes_no_words[theme->bom]);

	if (!rc && theme->sqlite)
		rc = buf_addf(&out, "sqlite %s\n", theme->title);
	if (!rc)
		rc = buf_addf(&out, "base %s\n",
			      theme->base < 0
				      ? "-"
				      : theme->sources[theme->base].name);
	for (size_t i = 0; i < theme->nsources && !rc; i++)
		rc = add_source_text(&out, &theme->sources[i]);
	for (size_t i = 0; i < theme->nsources && !rc; i++)
		rc = add_link_text(&out, theme, i);
	for (size_t i = 0; i < theme->nrules && !rc; i++)
		rc = add_rule_text(&out, theme, &theme->rules[i]);
	if (rc) {
		arena->nomem = true;
		return "";
	}
	return config_arena_text(arena, buf_slice(&out));
}

/* ---- and back ------------------------------------------------------------ */

#define NO_FIELD SIZE_MAX

/* What config_theme_parse() hands out, and the memory it lies in. */
struct told {
	struct config_theme theme; /* first: config_theme_free() gets it */
	struct config_arena arena;
};

/* One text while it is read. */
struct telling {
	struct config_arena *arena;
	struct config_theme *theme;
	struct config_resource *resource; /* of the last member */
	const char *subject, *as_of;	  /* fields of it, "-" none */
	struct config_list key;		  /* fields of it */
	const char *base;
	struct slice line;
	struct config_list words; /* of it */
};

static const char *
word(const struct telling *t, size_t i)
{
	return i < t->words.n ? t->words.items[i] : "";
}

/* A word of the line among those of an enumerator; false when it is none. */
static bool
number(const struct telling *t, size_t i, const char *const *words, int *ret)
{
	*ret = config_word_find(words, word(t, i));
	return *ret >= 0;
}

static struct config_source *
last_source(const struct telling *t)
{
	return t->theme->nsources ? &t->theme->sources[t->theme->nsources - 1]
				  : NULL;
}

static bool
tell_subject(struct telling *t)
{
	int type;

	t->theme->subject = word(t, 1);
	if (!number(t, 2, config_type_words, &type))
		return false;
	t->theme->subject_type = (enum config_type)type;
	return true;
}

static bool
tell_bom(struct telling *t)
{
	int bom;

	if (!number(t, 1, config_yes_no_words, &bom))
		return false;
	t->theme->bom = bom > 0;
	return true;
}

/* A title may have any blanks and commas. */
static bool
tell_sqlite(struct telling *t)
{
	const size_t skip = strlen("sqlite ");

	if (t->line.n <= skip)
		return false;
	t->theme->sqlite = true;
	t->theme->title = config_arena_text(
		t->arena, (struct slice){t->line.p + skip, t->line.n - skip});
	return true;
}

static bool
tell_base(struct telling *t)
{
	t->base = word(t, 1);
	return true;
}

static bool
tell_source(struct telling *t)
{
	struct config_theme *theme = t->theme;
	struct config_source *sources = config_arena_grow(
		t->arena, theme->sources, theme->nsources, sizeof(*sources));

	if (!sources)
		return false;
	theme->sources = sources;
	sources[theme->nsources++] = (struct config_source){.name = word(t, 1)};
	return true;
}

/* member D/R by FIELD sharing WORD as_of FIELD key … */
static bool
tell_member(struct telling *t)
{
	struct config_source *source = last_source(t);
	struct config_resource *r = config_arena_alloc(t->arena, sizeof(*r));
	struct config_member *members;
	int sharing;

	if (!source || !r || t->words.n < 9 ||
	    !number(t, 5, config_sharing_words, &sharing))
		return false;
	members = config_arena_grow(t->arena, source->members, source->nmembers,
				    sizeof(*members));
	t->key = (struct config_list){.items = t->words.items + 9,
				      .n = t->words.n - 9};
	r->key = config_arena_alloc(t->arena, t->words.n * sizeof(*r->key));
	if (!members || !r->key)
		return false;
	r->name = word(t, 1);
	r->sharing = (enum config_sharing)sharing;
	r->subject = r->as_of = -1;
	while (r->nkey < t->key.n)
		r->key[r->nkey++] = NO_FIELD;
	t->resource = r;
	t->subject = word(t, 3);
	t->as_of = word(t, 7);
	source->members = members;
	members[source->nmembers++] = (struct config_member){.resource = r};
	return true;
}

/* A field that the member's line has named before its column came. */
static void
note_named(struct telling *t, const char *id, size_t at)
{
	struct config_resource *r = t->resource;
	struct config_source *source = last_source(t);

	if (strcmp(id, t->subject) == 0) {
		r->subject = (int)at;
		source->members[source->nmembers - 1].subject = at;
	}
	if (strcmp(id, t->as_of) == 0)
		r->as_of = (int)at;
	for (size_t i = 0; i < t->key.n; i++) {
		if (strcmp(id, t->key.items[i]) == 0)
			r->key[i] = at;
	}
}

static bool
tell_column(struct telling *t)
{
	struct config_resource *r = t->resource;
	struct config_field *fields;
	int type, sensitivity, sharing;

	if (!r || !number(t, 2, config_type_words, &type) ||
	    !number(t, 3, config_sensitivity_words, &sensitivity) ||
	    !number(t, 4, config_sharing_words, &sharing))
		return false;
	fields = config_arena_grow(t->arena, r->fields, r->nfields,
				   sizeof(*fields));
	if (!fields)
		return false;
	note_named(t, word(t, 1), r->nfields);
	r->fields = fields;
	fields[r->nfields++] = (struct config_field){
		.id = word(t, 1),
		.title = word(t, 1),
		.type = (enum config_type)type,
		.sensitivity = (enum config_sensitivity)sensitivity,
		.sharing = (enum config_sharing)sharing,
	};
	return true;
}

/* The column of every member: NULL when one of them has none. */
static size_t *
find_columns(struct telling *t, size_t source, const char *field,
	     enum config_type *ret_type)
{
	const struct config_source *s = &t->theme->sources[source];
	size_t *columns = config_arena_alloc(
		t->arena, (s->nmembers + 1) * sizeof(*columns));

	for (size_t i = 0; columns && i < s->nmembers; i++) {
		const struct config_resource *r = s->members[i].resource;
		int at = config_find_field(r, field);

		if (at < 0)
			return NULL;
		columns[i] = (size_t)at;
		*ret_type = r->fields[at].type;
	}
	return s->nmembers ? columns : NULL;
}

/* SOURCE or SOURCE.FIELD; *ret_field is "" for the first. */
static bool
split_operand(struct telling *t, const char *text, size_t *ret_source,
	      const char **ret_field)
{
	size_t n = strcspn(text, ".");
	const char *name = config_arena_text(t->arena, (struct slice){text, n});
	int source = config_theme_source(t->theme, name);

	*ret_source = source < 0 ? 0 : (size_t)source;
	*ret_field = text[n] ? text + n + 1 : "";
	return source >= 0;
}

static bool
tell_operand(struct telling *t, const char *text, struct config_operand *o)
{
	*o = (struct config_operand){.type = CONFIG_INTEGER};
	if (!split_operand(t, text, &o->source, &o->field))
		return false;
	if (!*o->field)
		return true;
	o->columns = find_columns(t, o->source, o->field, &o->type);
	return o->columns != NULL;
}

/* link SOURCE FIELD OTHER.FIELD */
static bool
tell_link(struct telling *t)
{
	struct config_link *link = config_arena_alloc(t->arena, sizeof(*link));
	int source = config_theme_source(t->theme, word(t, 1));
	enum config_type ignored;

	if (!link || source < 0 ||
	    !split_operand(t, word(t, 3), &link->other, &link->other_field))
		return false;
	link->field = word(t, 2);
	link->columns = find_columns(t, (size_t)source, link->field, &ignored);
	link->other_columns =
		find_columns(t, link->other, link->other_field, &ignored);
	t->theme->sources[source].link = link;
	return link->columns && link->other_columns;
}

static bool
tell_field(struct telling *t)
{
	struct config_theme *theme = t->theme;
	struct config_rule *rules, *rule;
	int kind;

	if (!number(t, 2, config_rule_words, &kind) || t->words.n < 4)
		return false;
	rules = config_arena_grow(t->arena, theme->rules, theme->nrules,
				  sizeof(*rules));
	if (!rules)
		return false;
	theme->rules = rules;
	rule = &rules[theme->nrules++];
	*rule = (struct config_rule){.name = word(t, 1),
				     .kind = (enum config_rule_kind)kind};
	rule->operands = config_arena_alloc(
		t->arena, (t->words.n - 3) * sizeof(*rule->operands));
	for (size_t i = 3; rule->operands && i < t->words.n; i++) {
		if (!tell_operand(t, word(t, i),
				  &rule->operands[rule->noperands++]))
			return false;
	}
	return rule->operands != NULL;
}

static bool
tell_line(struct telling *t, struct slice line)
{
	static const struct {
		const char *word;
		bool (*tell)(struct telling *t);
	} lines[] = {
		{"subject", tell_subject}, {"bom", tell_bom},
		{"base", tell_base},	   {"source", tell_source},
		{"member", tell_member},   {"column", tell_column},
		{"link", tell_link},	   {"field", tell_field},
		{"sqlite", tell_sqlite},
	};

	t->line = line;
	t->words = (struct config_list){0};
	config_value_words(t->arena, config_arena_text(t->arena, line),
			   &t->words);
	for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++) {
		if (strcmp(lines[i].word, word(t, 0)) == 0)
			return lines[i].tell(t);
	}
	return false;
}

/* Whether every field that the member's line names has had its column. */
static bool
has_named(const struct config_resource *r)
{
	for (size_t i = 0; i < r->nkey; i++) {
		if (r->key[i] == NO_FIELD)
			return false;
	}
	return r->subject >= 0;
}

/* What only the whole text can say. */
static bool
is_whole(struct telling *t)
{
	struct config_theme *theme = t->theme;

	if (!theme->subject || !t->base)
		return false;
	theme->base = strcmp(t->base, "-") == 0
			      ? -1
			      : config_theme_source(theme, t->base);
	for (size_t s = 0; s < theme->nsources; s++) {
		for (size_t m = 0; m < theme->sources[s].nmembers; m++) {
			if (!has_named(theme->sources[s].members[m].resource))
				return false;
		}
	}
	return theme->base >= 0 || strcmp(t->base, "-") == 0;
}

static void
free_theme(struct config_theme **theme)
{
	config_theme_free(*theme);
}
#define scope_theme __attribute__((cleanup(free_theme))) struct config_theme *

int
config_theme_parse(const char *id, struct slice text, struct config_theme **ret,
		   struct error *err)
{
	struct told *told = calloc(1, sizeof(*told));
	scope_theme theme = told ? &told->theme : NULL;
	struct telling t = {.theme = theme};
	bool good = true;

	if (!told)
		return error_nomem(err);
	t.arena = &told->arena;
	theme->id = theme->title = config_arena_text(t.arena, slice_str(id));
	theme->rules_text = config_arena_text(t.arena, text);
	while (good && text.n) {
		const char *end = memchr(text.p, '\n', text.n);
		size_t n = end ? (size_t)(end - text.p) : text.n;

		good = tell_line(&t, (struct slice){text.p, n});
		text.p += n + (end != NULL);
		text.n -= n + (end != NULL);
	}
	good = good && is_whole(&t);
	if (t.arena->nomem)
		return error_nomem(err);
	if (!good)
		return error_set(err, ERR_CORRUPT,
				 "the rules kept with a version of theme '%s' "
				 "cannot be read",
				 id);
	*ret = theme;
	theme = NULL;
	return 0;
}

void
config_theme_free(struct config_theme *theme)
{
	struct told *told = (struct told *)theme;

	if (!told)
		return;
	config_arena_release(&told->arena);
	free(told);
}
