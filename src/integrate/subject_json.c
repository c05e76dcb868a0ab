/*
 * subjects/KEY.json: all that is known of one subject, with its origin
 * (SPEC 5, 8). Values are typed as in data.jsonl.
 */
#include "integrate/internal.h"

#include "base/jsonout.h"
#include "base/scope.h"

/* A canonical value: null when empty, digits and booleans as they are. */
static void
put_value(struct jsonout *j, enum config_type type, struct slice value)
{
	if (value.n == 0)
		jsonout_raw(j, SLICE("null"));
	else if (integrate_is_bare(type))
		jsonout_raw(j, value);
	else
		jsonout_string(j, value);
}

static void
put_text(struct jsonout *j, const char *key, struct slice text)
{
	jsonout_key(j, key);
	put_value(j, CONFIG_STRING, text);
}

static int
put_fields(struct jsonout *j, const struct config_theme *theme,
	   const struct integrate_result *result)
{
	struct slice rest = buf_slice(&result->cells), value;
	scope_buf text = BUF_INIT;

	if (!cells_next(&rest, &value)) /* the subject */
		return ERR_CORRUPT;
	jsonout_key(j, "fields");
	jsonout_object(j);
	for (size_t r = 0; r < theme->nrules; r++) {
		const struct integrate_origin *from = &result->origins[r];

		buf_clear(&text);
		if (!cells_next(&rest, &value))
			return ERR_CORRUPT;
		if (integrate_rule_text(theme, r, &text))
			return ERR_NOMEM;
		jsonout_key(j, theme->rules[r].name);
		jsonout_object(j);
		jsonout_key(j, "value");
		put_value(j, integrate_rule_type(theme, r), value);
		put_text(j, "source", slice_str(from->source));
		put_text(j, "as_of", from->as_of);
		put_text(j, "submission", slice_str(from->submission));
		put_text(j, "rule", buf_slice(&text));
		jsonout_end(j);
	}
	jsonout_end(j);
	return 0;
}

static int
put_conflicts(struct jsonout *j, const struct config_theme *theme,
	      struct slice rest)
{
	struct slice field, winner, winner_value, source, value;

	jsonout_key(j, "conflicts");
	jsonout_array(j);
	while (cells_next(&rest, &field)) {
		enum config_type type = integrate_field_type(theme, field);

		if (!cells_next(&rest, &winner) ||
		    !cells_next(&rest, &winner_value) ||
		    !cells_next(&rest, &source) || !cells_next(&rest, &value))
			return ERR_CORRUPT;
		jsonout_object(j);
		put_text(j, "field", field);
		put_text(j, "winner_source", winner);
		jsonout_key(j, "winner_value");
		put_value(j, type, winner_value);
		put_text(j, "source", source);
		jsonout_key(j, "value");
		put_value(j, type, value);
		jsonout_end(j);
	}
	jsonout_end(j);
	return rest.n ? ERR_CORRUPT : 0;
}

static int
put_row(struct jsonout *j, const struct config_source *source,
	const struct integrate_row *row)
{
	const struct config_resource *r = source->members[row->member].resource;
	struct slice rest = row->cells, value;

	if (!integrate_resource_shown(r))
		return 0;
	jsonout_object(j);
	if (source->nmembers > 1)
		jsonout_pair(j, "_resource", r->name);
	for (size_t f = 0; f < r->nfields; f++) {
		if (!cells_next(&rest, &value)) {
			if (rest.n)
				return ERR_CORRUPT;
			value = SLICE_NONE;
		}
		if (!integrate_field_shown(&r->fields[f]))
			continue;
		jsonout_key(j, r->fields[f].id);
		put_value(j, r->fields[f].type, value);
	}
	jsonout_end(j);
	return 0;
}

static bool
source_shown(const struct config_source *source)
{
	for (size_t m = 0; m < source->nmembers; m++) {
		if (integrate_resource_shown(source->members[m].resource))
			return true;
	}
	return false;
}

static int
put_sources(struct jsonout *j, const struct config_theme *theme,
	    const struct integrate_row *rows, size_t nrows)
{
	size_t at = 0;

	jsonout_key(j, "sources");
	jsonout_object(j);
	for (size_t s = 0; s < theme->nsources; s++) {
		const struct config_source *source = &theme->sources[s];
		bool shown = source_shown(source);

		if (shown) {
			jsonout_key(j, source->name);
			jsonout_array(j);
		}
		for (; at < nrows && rows[at].source == s; at++) {
			int rc = put_row(j, source, &rows[at]);

			if (rc)
				return rc;
		}
		if (shown)
			jsonout_end(j);
	}
	jsonout_end(j);
	return 0;
}

int
integrate_subject_json(const struct config_theme *theme, struct slice subject,
		       int64_t version, const struct integrate_row *rows,
		       size_t nrows, const struct integrate_result *result,
		       struct buf *out)
{
	struct jsonout j = jsonout_begin(out, true);
	size_t was = out->len;
	int rc;

	jsonout_object(&j);
	jsonout_pair(&j, "theme", theme->id);
	jsonout_key(&j, "subject");
	put_value(&j, theme->subject_type, subject);
	jsonout_key(&j, "version");
	jsonout_integer(&j, version);
	rc = put_fields(&j, theme, result);
	if (!rc)
		rc = put_conflicts(&j, theme, buf_slice(&result->conflicts));
	if (!rc)
		rc = put_sources(&j, theme, rows, nrows);
	if (!rc)
		rc = jsonout_end_text(&j);
	if (!rc)
		rc = buf_addc(out, '\n');
	if (rc)
		out->len = was;
	return rc;
}
