/*
 * A record to a verdict: which cells belong to which field, what is missing
 * or too much, the key, and every fault with its place.
 */
#include "base/scope.h"
#include "validate/field.h"
#include "validate/form.h"

#include <stdio.h>
#include <strings.h>

struct validate {
	const struct config_resource *resource;
	struct validate_field *fields; /* nfields of the resource */
	size_t ready;		       /* of them made ready */
	bool *in_key;		       /* per field */
	bool *needed;		       /* per field: must not be empty */
	size_t *key;		       /* indexes, in the key's order */
	size_t nkey;
	struct validate_words missing, footer;
	bool sensitive; /* has a field whose values are not repeated */
};

static bool
is_sensitive(const struct config_field *f)
{
	return f->sensitivity >= CONFIG_PERSONAL;
}

/* Append without key: every field is the key, and may be empty. */
static bool
is_keyless(const struct config_resource *r)
{
	return r->nkey == 0 ||
	       (r->mode == CONFIG_APPEND && r->nkey == r->nfields);
}

static void
init_key(struct validate *v)
{
	const struct config_resource *r = v->resource;
	bool keyless = is_keyless(r);

	v->nkey = r->nkey ? r->nkey : r->nfields;
	for (size_t i = 0; i < v->nkey; i++) {
		v->key[i] = r->nkey ? r->key[i] : i;
		v->in_key[v->key[i]] = true;
	}
	for (size_t i = 0; i < r->nfields; i++) {
		v->needed[i] =
			r->fields[i].required || (v->in_key[i] && !keyless);
		v->sensitive |= is_sensitive(&r->fields[i]);
	}
}

int
validate_new(const struct config_resource *resource, struct validate **ret,
	     struct error *err)
{
	struct validate *v = calloc(1, sizeof(*v));
	size_t n = resource->nfields;
	int rc = 0;

	if (!v)
		return error_nomem(err);
	v->resource = resource;
	/* one more, so that a resource without fields is no special case */
	v->fields = calloc(n + 1, sizeof(*v->fields));
	v->in_key = calloc(n + 1, sizeof(*v->in_key));
	v->needed = calloc(n + 1, sizeof(*v->needed));
	v->key = calloc(n + resource->nkey + 1, sizeof(*v->key));
	if (!v->fields || !v->in_key || !v->needed || !v->key ||
	    validate_words_init(&v->missing, &resource->missing) ||
	    validate_words_init(&v->footer, &resource->footer))
		rc = error_nomem(err);
	while (!rc && v->ready < n) {
		rc = validate_field_init(&v->fields[v->ready],
					 &resource->fields[v->ready],
					 &v->missing, err);
		v->ready++;
	}
	if (rc) {
		validate_free(v);
		return rc;
	}
	init_key(v);
	*ret = v;
	return 0;
}

void
validate_free(struct validate *v)
{
	if (!v)
		return;
	for (size_t i = 0; i < v->ready; i++)
		validate_field_release(&v->fields[i]);
	validate_words_release(&v->missing);
	validate_words_release(&v->footer);
	free(v->fields);
	free(v->in_key);
	free(v->needed);
	free(v->key);
	free(v);
}

void
validate_row_release(struct validate_row *row)
{
	buf_release(&row->key);
	buf_release(&row->cells);
	if (row->scratch)
		validate_scratch_release(row->scratch);
	free(row->scratch);
	*row = (struct validate_row){0};
}

/* One call of validate_judge(). */
struct judging {
	const struct validate *v;
	const int *columns;
	size_t ncolumns;
	const struct decode_row *record;
	struct validate_row *row;
	struct validate_scratch *scratch;
	validate_report *on_fault, *on_warning;
	void *ctx;
	bool bad;      /* a fault was reported */
	bool in_order; /* the values stand as the row is packed */
};

/* Room for the spans of every field; nothing has been read. */
static int
prepare(struct judging *j)
{
	struct validate_scratch *s = j->row->scratch;
	size_t n = j->v->resource->nfields;

	if (!s)
		s = j->row->scratch = calloc(1, sizeof(*s));
	if (!s)
		return ERR_NOMEM;
	if (s->nfields < n) {
		void *spans = realloc(s->spans, n * sizeof(*s->spans));
		void *read;

		if (!spans)
			return ERR_NOMEM;
		s->spans = spans;
		read = realloc(s->read, n * sizeof(*s->read));
		if (!read)
			return ERR_NOMEM;
		s->read = read;
		s->nfields = n;
	}
	buf_clear(&s->values);
	if (n) {
		memset(s->spans, 0, n * sizeof(*s->spans));
		memset(s->read, 0, n * sizeof(*s->read));
	}
	j->scratch = s;
	return 0;
}

static int
report(struct judging *j, validate_report *to, const char *field,
       struct slice value, const struct validate_value_fault *text)
{
	struct validate_fault fault = {.row = j->record->row,
				       .line = j->record->line,
				       .code = text->code,
				       .field = field,
				       .value = value,
				       .message = text->message,
				       .message_zh = text->message_zh};

	/* in a row of the wrong length, cells may stand in the wrong column */
	if (j->v->sensitive && j->record->ncells != j->ncolumns)
		fault.value = SLICE_NONE;
	return to ? to(j->ctx, &fault) : 0;
}

static int
report_message(struct judging *j, enum sentence id, const char *field,
	       struct slice value)
{
	struct validate_value_fault text;
	char cells[24], columns[24];

	j->bad = true;
	snprintf(cells, sizeof(cells), "%zu", j->record->ncells);
	snprintf(columns, sizeof(columns), "%zu", j->ncolumns);
	validate_message_fill(id, cells, columns, &text);
	return report(j, j->on_fault, field, value, &text);
}

static struct slice
value_of(const struct judging *j, size_t field)
{
	const struct validate_span *span = &j->scratch->spans[field];

	if (!span->n)
		return SLICE_NONE;
	return (struct slice){j->scratch->values.data + span->off, span->n};
}

/* What a cell's text does not show: MSG_NONE where it does not matter. A
 * number may have lost digits; where it is an amount, it is what it is. */
static enum sentence
flaw_message(enum decode_flaw_kind kind, enum config_type type)
{
	switch (kind) {
	case DECODE_FLAW_ERROR:
		return MSG_CELL_ERROR;
	case DECODE_FLAW_NO_VALUE:
		return MSG_CELL_NO_VALUE;
	case DECODE_FLAW_NESTED:
		return MSG_CELL_NESTED;
	case DECODE_FLAW_MIDNIGHT:
		return MSG_NONE;
	case DECODE_FLAW_DIGITS:
	case DECODE_FLAWS:
		break;
	}
	return type == CONFIG_NUMBER	? MSG_NONE
	       : type == CONFIG_INTEGER ? MSG_INTEGER_SPREADSHEET
					: MSG_CODE_SPREADSHEET;
}

/* Zero when it has none. */
static enum decode_flaw_kind
flaw_at(const struct judging *j, size_t cell)
{
	const struct decode_row *r = j->record;

	for (size_t i = 0; i < r->nflaws; i++) {
		if (r->flaws[i].cell == cell)
			return r->flaws[i].kind;
	}
	return 0;
}

/* A day that a workbook shows with its midnight is a day where one is asked
 * for. */
static struct slice
without_midnight(struct slice raw, enum config_type type)
{
	const size_t day = strlen("2012-06-01");

	if (type == CONFIG_DATE && raw.n > day)
		raw.n = day;
	return raw;
}

static int
judge_cell(struct judging *j, size_t index, struct slice raw)
{
	const struct validate_field *f = &j->v->fields[index];
	struct buf *values = &j->scratch->values;
	struct validate_span *span = &j->scratch->spans[index];
	struct validate_value_fault text;
	struct validate_finding found;
	size_t place, first;
	int rc;

	if (cells_open(values, &place))
		return ERR_NOMEM;
	rc = validate_cell(f, raw, j->scratch, values, &found);
	if (rc < 0)
		return rc;
	if (cells_close(values, place, &first))
		return ERR_NOMEM;
	if (found.warning) {
		validate_finding_fill(f, &found, found.warning, &text);
		rc = report(j, j->on_warning, f->config->id, raw, &text);
		if (rc)
			return rc;
	}
	if (found.fault) {
		j->bad = true;
		validate_finding_fill(f, &found, found.fault, &text);
		return report(j, j->on_fault, f->config->id, raw, &text);
	}
	*span = (struct validate_span){first, values->len - first};
	if (!span->n && j->v->needed[index])
		return report_message(
			j, f->config->required ? MSG_REQUIRED : MSG_KEY_EMPTY,
			f->config->id, raw);
	j->scratch->read[index] = true;
	j->row->as_sent &= slice_eq(value_of(j, index), raw);
	return 0;
}

static int
judge_column(struct judging *j, size_t column, size_t index)
{
	const struct config_field *f = j->v->fields[index].config;
	struct slice raw = j->record->cells[column];
	enum decode_flaw_kind flaw = flaw_at(j, column);
	enum sentence refusal = MSG_NONE;

	if (flaw == DECODE_FLAW_MIDNIGHT)
		raw = without_midnight(raw, f->type);
	else if (flaw)
		refusal = flaw_message(flaw, f->type);
	return refusal ? report_message(j, refusal, f->id, raw)
		       : judge_cell(j, index, raw);
}

/* Whether a delete leaves this field alone. */
static bool
is_skipped(const struct judging *j, size_t index)
{
	return j->row->change == VALIDATE_DELETE && !j->v->in_key[index];
}

static int
judge_cells(struct judging *j)
{
	size_t n = j->record->ncells < j->ncolumns ? j->record->ncells
						   : j->ncolumns;

	j->in_order = n == j->v->resource->nfields &&
		      j->row->change == VALIDATE_WRITE;
	j->row->as_sent = true;
	for (size_t i = 0; i < n; i++) {
		int field = j->columns[i], rc;

		j->in_order &= field == (int)i;
		if (field < 0 || is_skipped(j, (size_t)field))
			continue;
		rc = judge_column(j, i, (size_t)field);
		if (rc)
			return rc;
	}
	j->row->as_sent &= j->in_order && n == j->ncolumns;
	return 0;
}

/* Too few cells: a fault for each registered field that has none, or one for
 * the row when only unregistered columns are short. Too many: one. */
static int
judge_length(struct judging *j)
{
	size_t have = j->record->ncells;
	bool named = false;

	for (size_t i = have; i < j->ncolumns; i++) {
		int field = j->columns[i], rc;

		if (field < 0)
			continue;
		named = true;
		rc = report_message(j, MSG_MISSING_CELL,
				    j->v->resource->fields[field].id,
				    SLICE_NONE);
		if (rc)
			return rc;
	}
	if (have < j->ncolumns && !named)
		return report_message(j, MSG_MISSING_CELL, "", SLICE_NONE);
	if (have > j->ncolumns)
		return report_message(j, MSG_EXTRA_CELL, "",
				      j->record->cells[j->ncolumns]);
	return 0;
}

/* Upsert's column 'change', if the header has it. */
static int
judge_change(struct judging *j)
{
	struct slice raw, word;
	size_t i = 0;

	j->row->change = VALIDATE_WRITE;
	while (i < j->ncolumns && j->columns[i] != DECODE_CHANGE)
		i++;
	if (i == j->ncolumns || i >= j->record->ncells)
		return 0;
	raw = j->record->cells[i];
	word = validate_form_trim(raw);
	if (word.n == 6 && strncasecmp(word.p, "delete", 6) == 0)
		j->row->change = VALIDATE_DELETE;
	else if (word.n != 6 || (strncasecmp(word.p, "insert", 6) &&
				 strncasecmp(word.p, "update", 6)))
		return report_message(j, word.n ? MSG_CHANGE : MSG_CHANGE_EMPTY,
				      "change", raw);
	return 0;
}

static int
pack_key(struct judging *j)
{
	for (size_t i = 0; i < j->v->nkey; i++) {
		size_t field = j->v->key[i];

		if (!j->scratch->read[field]) {
			buf_clear(&j->row->key);
			return 0;
		}
		if (cells_key_add(&j->row->key, value_of(j, field), i == 0))
			return ERR_NOMEM;
	}
	j->row->has_key = true;
	return 0;
}

static int
pack_cells(struct judging *j)
{
	struct buf unpacked = j->row->cells;

	if (j->in_order) {
		j->row->cells = j->scratch->values;
		j->scratch->values = unpacked;
		return 0;
	}
	for (size_t i = 0; i < j->v->resource->nfields; i++) {
		if (cells_add(&j->row->cells, value_of(j, i)))
			return ERR_NOMEM;
	}
	return 0;
}

/* The first cell that is not empty after trimming; empty when none is. */
static struct slice
first_text(const struct decode_row *record)
{
	struct slice s = SLICE_NONE;

	for (size_t i = 0; i < record->ncells && !s.n; i++)
		s = validate_form_trim(record->cells[i]);
	return s;
}

static bool
is_footer(const struct validate_words *words, struct slice first)
{
	for (size_t i = 0; i < words->n; i++) {
		struct slice word = words->items[i];

		if (word.n && slice_starts(first, word))
			return true;
	}
	return false;
}

static int
judge_record(struct judging *j)
{
	int rc;

	if ((rc = prepare(j)) || (rc = judge_change(j)) ||
	    (rc = judge_cells(j)) || (rc = judge_length(j)) ||
	    (rc = pack_key(j)))
		return rc;
	j->row->kind = j->bad ? VALIDATE_REFUSED : VALIDATE_ACCEPTED;
	return j->bad ? 0 : pack_cells(j);
}

int
validate_judge(const struct validate *v, const int *columns, size_t ncolumns,
	       const struct decode_row *record, struct validate_row *ret,
	       validate_report *on_fault, validate_report *on_warning,
	       void *ctx)
{
	struct judging j = {.v = v,
			    .columns = columns,
			    .ncolumns = ncolumns,
			    .record = record,
			    .row = ret,
			    .on_fault = on_fault,
			    .on_warning = on_warning,
			    .ctx = ctx};
	struct slice first = first_text(record);

	buf_clear(&ret->key);
	buf_clear(&ret->cells);
	ret->change = VALIDATE_WRITE;
	ret->has_key = false;
	ret->as_sent = false;
	ret->kind = VALIDATE_BLANK;
	if (!first.n)
		return 0;
	ret->kind = VALIDATE_FOOTER;
	if (is_footer(&v->footer, first))
		return 0;
	return judge_record(&j);
}
