/*
 * One cell from raw to canonical: form, missing words, type, constraints.
 * Types string and boolean are here; the others in codes.c, numbers.c and
 * dates.c.
 */
#include "validate/field.h"
#include "validate/form.h"

#include <stdlib.h>
#include <strings.h>

static int
string(const struct validate_field *field, struct slice s,
       struct validate_scratch *scratch, struct buf *out,
       struct validate_finding *ret)
{
	(void)field;
	(void)scratch;
	(void)ret;
	return validate_form_add_lines(out, s);
}

static const struct {
	struct slice word;
	bool value;
} booleans[] = {
	{{"1", 1}, true},      {{"0", 1}, false},  {{"true", 4}, true},
	{{"false", 5}, false}, {{"是", 3}, true},  {{"否", 3}, false},
	{{"yes", 3}, true},    {{"no", 2}, false}, {{"y", 1}, true},
	{{"n", 1}, false},
};

static int
boolean(const struct validate_field *field, struct slice s,
	struct validate_scratch *scratch, struct buf *out,
	struct validate_finding *ret)
{
	(void)field;
	if (validate_form_narrow(s, &scratch->narrow, &s))
		return ERR_NOMEM;
	for (size_t i = 0; i < sizeof(booleans) / sizeof(*booleans); i++) {
		struct slice word = booleans[i].word;

		if (s.n == word.n && strncasecmp(s.p, word.p, s.n) == 0)
			return buf_addslice(out, booleans[i].value
							 ? SLICE("true")
							 : SLICE("false"));
	}
	ret->fault = MSG_BOOLEAN;
	return 1;
}

validate_type *
validate_type_of(enum config_type type)
{
	static validate_type *const types[] = {
		[CONFIG_STRING] = string,
		[CONFIG_INTEGER] = validate_integer,
		[CONFIG_NUMBER] = validate_number,
		[CONFIG_BOOLEAN] = boolean,
		[CONFIG_DATE] = validate_date,
		[CONFIG_DATETIME] = validate_datetime,
		[CONFIG_USCC] = validate_uscc,
		[CONFIG_ORG_CODE] = validate_org_code,
		[CONFIG_ID_NUMBER] = validate_id_number,
		[CONFIG_REGION] = validate_region,
	};

	return types[type];
}

void
validate_scratch_release(struct validate_scratch *s)
{
	buf_release(&s->nfc);
	buf_release(&s->narrow);
	buf_release(&s->digits);
	pcre2_match_data_free(s->match);
	buf_release(&s->values);
	free(s->spans);
	free(s->read);
}

int
validate_words_init(struct validate_words *w, const struct config_list *list)
{
	*w = (struct validate_words){0};
	if (!list->n)
		return 0;
	w->items = calloc(list->n, sizeof(*w->items));
	if (!w->items)
		return ERR_NOMEM;
	for (; w->n < list->n; w->n++)
		w->items[w->n] = slice_str(list->items[w->n]);
	return 0;
}

void
validate_words_release(struct validate_words *w)
{
	free(w->items);
}

static bool
is_missing(const struct validate_field *f, struct slice s)
{
	for (size_t i = 0; i < f->missing->n; i++) {
		struct slice word = f->missing->items[i];

		if (word.n == s.n && word.p[0] == s.p[0] && slice_eq(s, word))
			return true;
	}
	return false;
}

int
validate_cell(const struct validate_field *f, struct slice raw,
	      struct validate_scratch *scratch, struct buf *out,
	      struct validate_finding *ret)
{
	size_t start = out->len;
	struct slice s = validate_form_trim(raw);
	int rc;

	*ret = (struct validate_finding){0};
	if (!s.n)
		return 0;
	rc = validate_form_nfc(s, &scratch->nfc, &s);
	if (rc == ERR_INVALID) {
		ret->fault = MSG_UTF8;
		return 1;
	}
	if (rc)
		return rc;
	if (is_missing(f, s))
		return 0;
	rc = f->type(f, s, scratch, out, ret);
	if (rc == 0 && f->constrained)
		rc = validate_constrain(
			f, (struct slice){out->data + start, out->len - start},
			scratch, ret);
	if (rc)
		out->len = start;
	return rc;
}

int
validate_value(const struct validate_field *field, struct slice raw,
	       struct buf *out, struct validate_value_fault *ret_fault,
	       struct validate_value_fault *ret_warning)
{
	struct validate_scratch scratch = {0};
	struct validate_finding found;
	int rc = validate_cell(field, raw, &scratch, out, &found);

	validate_scratch_release(&scratch);
	if (rc < 0)
		return rc;
	validate_finding_fill(field, &found, found.fault, ret_fault);
	validate_finding_fill(field, &found, found.warning, ret_warning);
	return rc;
}
