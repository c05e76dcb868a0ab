/*
 * datapackage.json: Data Package v2 (https://datapackage.org) with a Table
 * Schema for every file of a version. No hashes and no build time: the same
 * configuration and version give the same bytes.
 */
#include "publish/format.h"

#include "base/jsonout.h"
#include "base/scope.h"
#include "integrate/integrate.h"

#define SCHEMA "https://datapackage.org/profiles/2.0/datapackage.json"

/* Types of SPEC 4 in Table Schema; what it has no word for is described. */
static const struct {
	const char *type;
	const char *description;
} types[] = {
	[CONFIG_STRING] = {"string", ""},
	[CONFIG_INTEGER] = {"integer", ""},
	[CONFIG_NUMBER] = {"number", ""},
	[CONFIG_BOOLEAN] = {"boolean", ""},
	[CONFIG_DATE] = {"date", ""},
	[CONFIG_DATETIME] = {"datetime", "in the platform's time zone"},
	[CONFIG_USCC] = {"string", "unified social credit code, GB 32100"},
	[CONFIG_ORG_CODE] = {"string", "organization code without hyphen"},
	[CONFIG_ID_NUMBER] = {"string", "citizen's number, GB 11643"},
	[CONFIG_REGION] = {"string", "code of a region: 6, 9 or 12 digits"},
};

static bool
is_numeric(enum config_type type)
{
	return type == CONFIG_INTEGER || type == CONFIG_NUMBER;
}

static void
put_true(struct jsonout *j, const char *key)
{
	jsonout_key(j, key);
	jsonout_raw(j, SLICE("true"));
}

/* One resource of the package, up to and into the fields of its schema. */
static void
begin_table(struct jsonout *j, const char *name, const char *path, bool lines,
	    const char *description)
{
	jsonout_object(j);
	jsonout_pair(j, "name", name);
	jsonout_pair(j, "path", path);
	jsonout_pair(j, "type", "table");
	if (description[0])
		jsonout_pair(j, "description", description);
	jsonout_pair(j, "format", lines ? "jsonl" : "csv");
	jsonout_pair(j, "mediatype", lines ? "application/jsonl" : "text/csv");
	jsonout_pair(j, "encoding", "utf-8");
	jsonout_key(j, "schema");
	jsonout_object(j);
	jsonout_key(j, "fields");
	jsonout_array(j);
}

/* Between the fields and the end of a table: its primary key, if it has one. */
static void
begin_key(struct jsonout *j)
{
	jsonout_end(j); /* fields */
	jsonout_key(j, "primaryKey");
	jsonout_array(j);
}

static void
end_table(struct jsonout *j)
{
	jsonout_end(j); /* fields or primaryKey */
	jsonout_end(j); /* schema */
	jsonout_end(j);
}

static void
begin_field(struct jsonout *j, const char *name, enum config_type type)
{
	jsonout_object(j);
	jsonout_pair(j, "name", name);
	jsonout_pair(j, "type", types[type].type);
}

static void
put_field(struct jsonout *j, const char *name, enum config_type type,
	  const char *description, bool required)
{
	begin_field(j, name, type);
	jsonout_pair(j, "description", description);
	if (required) {
		jsonout_key(j, "constraints");
		jsonout_object(j);
		put_true(j, "required");
		jsonout_end(j);
	}
	jsonout_end(j);
}

/* ---- data, conflicts, orphans -------------------------------------------- */

static void
put_subject_field(struct jsonout *j, const struct config_theme *theme)
{
	begin_field(j, theme->subject, theme->subject_type);
	jsonout_pair(j, "description", "subject key of the theme");
	jsonout_key(j, "constraints");
	jsonout_object(j);
	put_true(j, "required");
	put_true(j, "unique");
	jsonout_end(j);
	jsonout_end(j);
}

/* Theme fields have their rule as description. */
static int
put_data(struct jsonout *j, const struct config_theme *theme, bool lines)
{
	scope_buf rule = BUF_INIT;

	begin_table(j, lines ? "data-jsonl" : "data",
		    lines ? "data.jsonl" : "data.csv", lines,
		    "one row a subject, sorted by subject");
	put_subject_field(j, theme);
	for (size_t i = 0; i < theme->nrules; i++) {
		const char *text;

		buf_clear(&rule);
		if (integrate_rule_text(theme, i, &rule))
			return ERR_NOMEM;
		text = buf_str(&rule);
		if (!text)
			return ERR_NOMEM;
		put_field(j, theme->rules[i].name,
			  integrate_rule_type(theme, i), text,
			  theme->rules[i].kind == CONFIG_COUNT);
	}
	begin_key(j);
	jsonout_string(j, slice_str(theme->subject));
	end_table(j);
	return 0;
}

/* No table of Table Schema: its tables say themselves what they are. */
static void
put_sqlite(struct jsonout *j)
{
	jsonout_object(j);
	jsonout_pair(j, "name", "data-sqlite");
	jsonout_pair(j, "path", "data.sqlite");
	jsonout_pair(j, "description",
		     "the rows of data.csv as a SQLite file; its tables _about "
		     "and _fields say what they are");
	jsonout_pair(j, "format", "sqlite");
	jsonout_pair(j, "mediatype", "application/vnd.sqlite3");
	jsonout_end(j);
}

static void
put_conflicts(struct jsonout *j, const struct config_theme *theme)
{
	begin_table(j, "conflicts", "conflicts.csv", false,
		    "where sources disagree, a line for each source that "
		    "differs from the winner");
	put_field(j, "subject", theme->subject_type, "subject key", true);
	put_field(j, "field", CONFIG_STRING, "field of the theme", true);
	put_field(j, "winner_source", CONFIG_STRING,
		  "source whose value the theme shows", true);
	put_field(j, "winner_value", CONFIG_STRING, "the value it shows", true);
	put_field(j, "source", CONFIG_STRING, "source that differs", true);
	put_field(j, "value", CONFIG_STRING, "what that source says", true);
	begin_key(j);
	jsonout_string(j, SLICE("subject"));
	jsonout_string(j, SLICE("field"));
	jsonout_string(j, SLICE("source"));
	end_table(j);
}

static void
put_orphans(struct jsonout *j)
{
	begin_table(j, "orphans", "orphans.csv", false,
		    "records of sources that belong to no subject of the "
		    "theme");
	put_field(j, "source", CONFIG_STRING, "source of the record", true);
	put_field(j, "subject", CONFIG_STRING,
		  "its subject key, empty when it has none", false);
	put_field(j, "key", CONFIG_STRING, "its key, fields joined by |",
		  false);
	end_table(j);
}

/* ---- sources ------------------------------------------------------------- */

static void
put_bound(struct jsonout *j, const char *key, enum config_type type,
	  const char *bound)
{
	if (!bound[0])
		return;
	jsonout_key(j, key);
	if (is_numeric(type))
		jsonout_raw(j, slice_str(bound));
	else
		jsonout_string(j, slice_str(bound));
}

static void
put_length(struct jsonout *j, const char *key, int64_t length)
{
	if (length < 0)
		return;
	jsonout_key(j, key);
	jsonout_integer(j, length);
}

static void
put_allowed(struct jsonout *j, const struct config_field *f)
{
	bool bare = is_numeric(f->type) || f->type == CONFIG_BOOLEAN;

	if (!f->allow.n)
		return;
	jsonout_key(j, "enum");
	jsonout_array(j);
	for (size_t i = 0; i < f->allow.n; i++) {
		struct slice value = slice_str(f->allow.items[i]);

		if (bare)
			jsonout_raw(j, value);
		else
			jsonout_string(j, value);
	}
	jsonout_end(j);
}

static bool
has_constraints(const struct config_field *f)
{
	return f->required || f->unique || f->allow.n || f->pattern[0] ||
	       f->min[0] || f->max[0] || f->min_length >= 0 ||
	       f->max_length >= 0;
}

static void
put_source_field(struct jsonout *j, const struct config_field *f)
{
	begin_field(j, f->id, f->type);
	if (strcmp(f->title, f->id) != 0)
		jsonout_pair(j, "title", f->title);
	if (types[f->type].description[0])
		jsonout_pair(j, "description", types[f->type].description);
	if (has_constraints(f)) {
		jsonout_key(j, "constraints");
		jsonout_object(j);
		if (f->required)
			put_true(j, "required");
		if (f->unique)
			put_true(j, "unique");
		put_allowed(j, f);
		if (f->pattern[0])
			jsonout_pair(j, "pattern", f->pattern);
		put_bound(j, "minimum", f->type, f->min);
		put_bound(j, "maximum", f->type, f->max);
		put_length(j, "minLength", f->min_length);
		put_length(j, "maxLength", f->max_length);
		jsonout_end(j);
	}
	jsonout_end(j);
}

/* The key, when all of it is shown. With append and no key every field is of
 * the key, and a key of Table Schema may not be empty: none then. */
static bool
key_shown(const struct config_resource *r)
{
	if (r->mode == CONFIG_APPEND && r->nkey == r->nfields)
		return false;
	for (size_t i = 0; i < r->nkey; i++) {
		if (!integrate_field_shown(&r->fields[r->key[i]]))
			return false;
	}
	return true;
}

static int
put_source(struct jsonout *j, const struct config_resource *r)
{
	scope_buf name = BUF_INIT;
	scope_buf path = BUF_INIT;

	if (buf_addf(&name, "source-%s.%s", r->department, r->id) ||
	    buf_addf(&path, "sources/%s.%s.csv", r->department, r->id) ||
	    !buf_str(&name) || !buf_str(&path))
		return ERR_NOMEM;
	begin_table(j, name.data, path.data, false, r->title);
	for (size_t i = 0; i < r->nfields; i++) {
		if (integrate_field_shown(&r->fields[i]))
			put_source_field(j, &r->fields[i]);
	}
	if (key_shown(r)) {
		begin_key(j);
		for (size_t i = 0; i < r->nkey; i++)
			jsonout_string(j, slice_str(r->fields[r->key[i]].id));
	}
	end_table(j);
	return 0;
}

/* Whether the resource came before: two sources may be made of one. */
static bool
seen_before(const struct config_theme *theme, size_t source, size_t member)
{
	const struct config_resource *r =
		theme->sources[source].members[member].resource;

	for (size_t s = 0; s <= source; s++) {
		const struct config_source *other = &theme->sources[s];
		size_t n = s == source ? member : other->nmembers;

		for (size_t m = 0; m < n; m++) {
			if (other->members[m].resource == r)
				return true;
		}
	}
	return false;
}

static int
put_sources(struct jsonout *j, const struct config_theme *theme)
{
	for (size_t s = 0; s < theme->nsources; s++) {
		const struct config_source *source = &theme->sources[s];

		for (size_t m = 0; m < source->nmembers; m++) {
			const struct config_resource *r =
				source->members[m].resource;

			if (!integrate_resource_shown(r) ||
			    seen_before(theme, s, m))
				continue;
			if (put_source(j, r))
				return ERR_NOMEM;
		}
	}
	return 0;
}

int
publish_format_datapackage(const struct config_theme *theme, int64_t version,
			   struct buf *out)
{
	struct jsonout j = jsonout_begin(out, true);
	char number[24];

	snprintf(number, sizeof(number), "%lld", (long long)version);
	jsonout_object(&j);
	jsonout_pair(&j, "$schema", SCHEMA);
	jsonout_pair(&j, "name", theme->id);
	jsonout_pair(&j, "title", theme->title);
	jsonout_pair(&j, "version", number);
	jsonout_key(&j, "resources");
	jsonout_array(&j);
	if (put_data(&j, theme, false) || put_data(&j, theme, true))
		return ERR_NOMEM;
	if (theme->sqlite)
		put_sqlite(&j);
	put_conflicts(&j, theme);
	put_orphans(&j);
	if (put_sources(&j, theme) || jsonout_end_text(&j))
		return ERR_NOMEM;
	return buf_addc(out, '\n');
}
