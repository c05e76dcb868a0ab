/* catalogue/: index.csv, tableschema.json, template.csv, status.json, and the
 * README of the root. */
#include "mount/catalogue.h"

#include "base/clock.h"
#include "base/jsonout.h"
#include "base/scope.h"
#include "base/text.h"

int
mount_catalogue_fill(struct buf *out, const char *text, mount_word_fn *value,
		     const void *ctx)
{
	const char *open, *close;

	while ((open = strchr(text, '{')) && (close = strchr(open, '}'))) {
		struct slice word = {open + 1, (size_t)(close - open - 1)};
		const char *with = value(ctx, word);

		if (buf_add(out, text, (size_t)(open - text)))
			return ERR_NOMEM;
		if (with ? buf_adds(out, with)
			 : buf_add(out, open, (size_t)(close - open + 1)))
			return ERR_NOMEM;
		text = close + 1;
	}
	return buf_adds(out, text);
}

struct root_words {
	const struct config *config;
	const struct layout *layout;
};

static const char *
root_word(const void *ctx, struct slice word)
{
	const struct root_words *w = ctx;
	int key;

	if (slice_is(word, "title"))
		return w->config->title;
	key = layout_key(word.p, word.n);
	return key < 0 ? NULL : w->layout->names[key];
}

int
mount_catalogue_root_readme(const struct config *config,
			    const struct layout *layout, struct buf *out)
{
	const struct root_words words = {config, layout};

	return mount_catalogue_fill(out, layout->readme, root_word, &words);
}

int
mount_catalogue_index(const struct config *config, struct buf *out)
{
	int rc = buf_adds(out, "department,department_title,resource,title,"
			       "abstract,classification,code,format,sharing,"
			       "sharing_condition,sharing_mode,open,"
			       "open_condition,update_cycle,published_on,"
			       "related\n");

	for (size_t i = 0; i < config->nresources && !rc; i++) {
		const struct config_resource *r = &config->resources[i];
		const struct config_department *d =
			config_find_department(config, r->department);
		const struct slice cells[] = {
			slice_str(r->department),
			slice_str(d ? d->title : ""),
			slice_str(r->id),
			slice_str(r->title),
			slice_str(r->abstract),
			slice_str(r->classification),
			slice_str(r->code),
			slice_str(r->format),
			slice_str(config_sharing_word(r->sharing)),
			slice_str(r->sharing_condition),
			slice_str(r->sharing_mode),
			slice_str(config_open_word(r->open)),
			slice_str(r->open_condition),
			slice_str(config_cycle_word(r->update_cycle)),
			slice_str(r->published_on),
			slice_str(r->related),
		};

		rc = text_csv_line(out, cells, sizeof(cells) / sizeof(*cells));
	}
	return rc;
}

int
mount_catalogue_template(const struct config_resource *r, struct buf *out)
{
	size_t n = 0;
	int rc = 0;

	for (size_t i = 0; i < r->nfields && !rc; i++) {
		if (!config_field_is_sent(&r->fields[i]))
			continue;
		if (n++)
			rc = buf_addc(out, ',');
		if (!rc)
			rc = text_csv_cell(out, slice_str(r->fields[i].id));
	}
	return rc ? rc : buf_addc(out, '\n');
}

/* ---- tableschema.json ---------------------------------------------------- */

static const char *
schema_type(enum config_type type)
{
	switch (type) {
	case CONFIG_INTEGER:
		return "integer";
	case CONFIG_NUMBER:
		return "number";
	case CONFIG_BOOLEAN:
		return "boolean";
	case CONFIG_DATE:
		return "date";
	case CONFIG_DATETIME:
		return "datetime";
	default:
		return "string"; /* codes are texts to other programs */
	}
}

/* A canonical value as JSON: numbers and booleans bare. */
static void
put_value(struct jsonout *j, enum config_type type, const char *value)
{
	if (type == CONFIG_INTEGER || type == CONFIG_NUMBER ||
	    type == CONFIG_BOOLEAN)
		jsonout_raw(j, slice_str(value));
	else
		jsonout_string(j, slice_str(value));
}

static void
put_constraints(struct jsonout *j, const struct config_resource *r,
		const struct config_field *f)
{
	const struct {
		const char *key, *value;
	} bounds[] = {{"minimum", f->min}, {"maximum", f->max}};
	const struct {
		const char *key;
		int64_t value;
	} lengths[] = {{"minLength", f->min_length},
		       {"maxLength", f->max_length}};
	bool is_key = false;

	for (size_t i = 0; i < r->nkey; i++)
		is_key |= &r->fields[r->key[i]] == f;
	jsonout_key(j, "constraints");
	jsonout_object(j);
	jsonout_key(j, "required");
	jsonout_raw(j, f->required || is_key ? SLICE("true") : SLICE("false"));
	if (f->unique) {
		jsonout_key(j, "unique");
		jsonout_raw(j, SLICE("true"));
	}
	if (f->allow.n) {
		jsonout_key(j, "enum");
		jsonout_array(j);
		for (size_t i = 0; i < f->allow.n; i++)
			put_value(j, f->type, f->allow.items[i]);
		jsonout_end(j);
	}
	if (f->pattern[0])
		jsonout_pair(j, "pattern", f->pattern);
	for (size_t i = 0; i < 2; i++) {
		if (bounds[i].value[0]) {
			jsonout_key(j, bounds[i].key);
			put_value(j, f->type, bounds[i].value);
		}
	}
	for (size_t i = 0; i < 2; i++) {
		if (lengths[i].value >= 0) {
			jsonout_key(j, lengths[i].key);
			jsonout_integer(j, lengths[i].value);
		}
	}
	jsonout_end(j);
}

static void
put_field(struct jsonout *j, const struct config_resource *r,
	  const struct config_field *f)
{
	jsonout_object(j);
	jsonout_pair(j, "name", f->id);
	jsonout_pair(j, "title", f->title);
	jsonout_pair(j, "type", schema_type(f->type));
	put_constraints(j, r, f);
	jsonout_end(j);
}

int
mount_catalogue_schema(const struct config_resource *r, struct buf *out)
{
	struct jsonout j = jsonout_begin(out, true);
	int rc;

	jsonout_object(&j);
	jsonout_key(&j, "fields");
	jsonout_array(&j);
	for (size_t i = 0; i < r->nfields; i++) {
		if (config_field_is_sent(&r->fields[i]))
			put_field(&j, r, &r->fields[i]);
	}
	jsonout_end(&j);
	jsonout_key(&j, "missingValues");
	jsonout_array(&j);
	jsonout_string(&j, SLICE(""));
	for (size_t i = 0; i < r->missing.n; i++)
		jsonout_string(&j, slice_str(r->missing.items[i]));
	jsonout_end(&j);
	if (r->nkey) {
		jsonout_key(&j, "primaryKey");
		jsonout_array(&j);
		for (size_t i = 0; i < r->nkey; i++)
			jsonout_string(&j, slice_str(r->fields[r->key[i]].id));
		jsonout_end(&j);
	}
	rc = jsonout_end_text(&j);
	return rc ? rc : buf_addc(out, '\n');
}

/* ---- status.json --------------------------------------------------------- */

static void
put_time(struct jsonout *j, const char *key, int64_t ns)
{
	char text[CLOCK_TEXT_MAX];

	jsonout_key(j, key);
	if (ns)
		jsonout_string(j, slice_str(clock_rfc3339(ns, text)));
	else
		jsonout_raw(j, SLICE("null"));
}

int
mount_catalogue_status(const struct config_resource *r,
		       const struct store_submission *newest, struct buf *out)
{
	struct jsonout j = jsonout_begin(out, true);
	int rc;

	jsonout_object(&j);
	jsonout_pair(&j, "department", r->department);
	jsonout_pair(&j, "resource", r->id);
	jsonout_pair(&j, "update_cycle", config_cycle_word(r->update_cycle));
	jsonout_key(&j, "newest");
	if (newest) {
		jsonout_object(&j);
		jsonout_pair(&j, "submission", newest->id);
		jsonout_pair(&j, "file", newest->name);
		jsonout_pair(&j, "state", newest->state);
		put_time(&j, "received_at", newest->received_at);
		put_time(&j, "judged_at", newest->judged_at);
		jsonout_end(&j);
	} else {
		jsonout_raw(&j, SLICE("null"));
	}
	rc = jsonout_end_text(&j);
	return rc ? rc : buf_addc(out, '\n');
}
