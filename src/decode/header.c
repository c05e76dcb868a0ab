/* The header of a table: see header.h. */
#include "decode/header.h"

#include "base/scope.h"
#include "base/text.h"
#include "decode/fault.h"

#include <strings.h>
#include <utf8proc.h>

#define SHOWN 80 /* characters of a label that a message repeats */

/* A first line 'sep=;' as spreadsheets write and read it. */
struct sep {
	bool found;
	char delimiter[DECODE_DELIMITER_SIZE];
	struct decode_csv_lead lead;
};

/* The best header so far. */
struct choice {
	const char *delimiter; /* NULL: none */
	int record;	       /* from 0 */
	size_t named;	       /* registered fields it names */
};

struct search {
	const struct decode_request *req;
	const struct decode_names *names;
	struct decode_csv *csv;
	const struct decode_sink *sink;
	struct sep sep;
	bool *seen; /* per field */

	struct choice best;
	int tried;  /* delimiters */
	int failed; /* of them ended in a fault */
	struct decode_csv_fault first;
};

/* ---- sep= ---------------------------------------------------------------- */

/* The line is 'sep=', one character and a line end, and nothing else. */
static bool
split_sep(struct slice text, utf8proc_int32_t *ret_character,
	  struct decode_csv_lead *ret_lead)
{
	utf8proc_ssize_t k;
	size_t at;

	if (text.n < 5 || strncasecmp(text.p, "sep=", 4))
		return false;
	k = utf8proc_iterate((const utf8proc_uint8_t *)text.p + 4,
			     (utf8proc_ssize_t)text.n - 4, ret_character);
	if (k <= 0 || text.p[4] == '\r' || text.p[4] == '\n')
		return false;
	at = 4 + (size_t)k;
	*ret_lead = (struct decode_csv_lead){0};
	if (at < text.n && text.p[at] == '\r') {
		at++;
		ret_lead->crlf = at < text.n && text.p[at] == '\n';
		at += ret_lead->crlf;
	} else if (at < text.n && text.p[at] == '\n') {
		at++;
	} else if (at < text.n) {
		return false;
	}
	ret_lead->n = at;
	return true;
}

/* 0 also after a fault: then *ret_end says so. */
static int
read_sep(struct decode_source *source, const struct decode_sink *sink,
	 struct sep *ret, enum decode_end *ret_end, struct error *err)
{
	utf8proc_int32_t character;
	char text[16];
	ssize_t n;

	*ret = (struct sep){0};
	*ret_end = DECODE_DONE;
	decode_source_rewind(source);
	n = decode_source_read(source, text, sizeof(text), err);
	if (n < 0)
		return (int)n;
	if (!split_sep((struct slice){text, (size_t)n}, &character, &ret->lead))
		return 0;
	ret->found = decode_delimiter_make(character, ret->delimiter);
	if (ret->found)
		return 0;
	*ret_end = DECODE_REJECTED;
	return decode_fault_report(
		sink, DECODE_FAULT_FORMAT, (struct decode_place){.line = 1},
		"the line 'sep=' names a character that cannot separate cells: "
		"name the one that does, or remove the line");
}

/* ---- finding ------------------------------------------------------------- */

static int
count_named(struct search *s, const struct decode_csv_record *record,
	    size_t *ret, struct error *err)
{
	*ret = 0;
	memset(s->seen, 0, s->req->nlabels * sizeof(*s->seen));
	for (size_t i = 0; i < record->ncells; i++) {
		int field, rc;

		rc = decode_names_find(s->names, record->cells[i], &field, err);
		if (rc)
			return rc;
		if (field < 0 || s->seen[field])
			continue;
		s->seen[field] = true;
		++*ret;
	}
	return 0;
}

/* Looks at the first records under one delimiter. A fault ends the look, not
 * the search: under the right delimiter there may be none. */
static int
try_delimiter(struct search *s, const char *delimiter, struct error *err)
{
	struct decode_csv_record record;

	s->tried++;
	decode_csv_start(s->csv, delimiter, s->sep.lead);
	for (int i = 0; i < DECODE_HEADER_RECORDS; i++) {
		int rc = decode_csv_next(s->csv, &record, err);
		size_t named;

		if (rc < 0)
			return rc;
		if (rc == DECODE_CSV_FAULT && !s->failed++)
			s->first = decode_csv_fault(s->csv);
		if (rc != DECODE_CSV_RECORD)
			return 0;
		rc = count_named(s, &record, &named, err);
		if (rc)
			return rc;
		if (named > s->best.named)
			s->best = (struct choice){delimiter, i, named};
		if (named && named == s->req->nlabels)
			return 0;
	}
	return 0;
}

static int
find_header(struct search *s, struct error *err)
{
	if (s->sep.found)
		return try_delimiter(s, s->sep.delimiter, err);
	for (int i = 0; i < DECODE_DELIMITERS; i++) {
		int rc = try_delimiter(s, decode_delimiters[i], err);

		if (rc)
			return rc;
		if (s->best.named && s->best.named == s->req->nlabels)
			break;
	}
	return 0;
}

/* The cause, if every way to read the text ran into one; else that no record
 * looks like a header. */
static int
report_none(const struct search *s)
{
	const struct decode_label *label = s->req->labels;

	if (s->failed == s->tried)
		return decode_fault_report(
			s->sink, DECODE_FAULT_FORMAT,
			(struct decode_place){.line = s->first.line}, "%s",
			s->first.message);
	return decode_fault_report(
		s->sink, DECODE_FAULT_FORMAT, (struct decode_place){.line = 1},
		"none of the first %d records names a registered field (such "
		"as '%s'): put the header of template.csv above the rows",
		DECODE_HEADER_RECORDS,
		!s->req->nlabels  ? ""
		: *label[0].title ? label[0].title
				  : label[0].id);
}

/* ---- the columns --------------------------------------------------------- */

static int
report_missing(const struct search *s, const struct decode_label *label,
	       int64_t line)
{
	struct decode_place place = {.line = line, .field = label->id};
	bool title = *label->title && strcmp(label->title, label->id) != 0;

	return decode_fault_report(
		s->sink, DECODE_FAULT_MISSING_LABEL, place,
		"no column is named '%s'%s%s%s: add the column, or correct its "
		"name in the header (line %lld)",
		title ? label->title : label->id, title ? " or '" : "",
		title ? label->id : "", title ? "'" : "", (long long)line);
}

static int
report_extra(const struct search *s, struct slice label, size_t column,
	     int64_t line, struct error *err)
{
	scope_buf shown = BUF_INIT;
	struct decode_place place = {.line = line};

	label = decode_names_trim(label);
	if (text_visible(&shown, label, SHOWN) || !buf_str(&shown))
		return error_nomem(err);
	place.field = buf_str(&shown);
	place.value = place.field;
	if (!label.n)
		return decode_fault_report(
			s->sink, DECODE_FAULT_EXTRA_LABEL, place,
			"column %zu has no name: name it, or remove the column "
			"(also a separator at the end of each line makes one)",
			column + 1);
	return decode_fault_report(
		s->sink, DECODE_FAULT_EXTRA_LABEL, place,
		"column %zu, '%s', is not registered: remove it, or register "
		"the field, or set 'extra = ignore' in the descriptor",
		column + 1, place.field);
}

static int
report_duplicate(const struct search *s, const struct decode_header *h,
		 size_t first, size_t second, struct error *err)
{
	int field = h->field[second];
	scope_buf shown = BUF_INIT;
	struct decode_place place = {
		.line = h->line,
		.field = field < 0 ? "change" : s->req->labels[field].id,
	};

	if (text_visible(&shown, decode_names_trim(h->labels[second]), SHOWN) ||
	    !buf_str(&shown))
		return error_nomem(err);
	place.value = buf_str(&shown);
	return decode_fault_report(
		s->sink, DECODE_FAULT_DUPLICATE_LABEL, place,
		"columns %zu and %zu both name the field '%s': keep one",
		first + 1, second + 1, place.field);
}

/* Faults of the columns that are there; marks the fields they name. */
static int
check_columns(const struct search *s, const struct decode_header *h,
	      bool *ret_bad, struct error *err)
{
	size_t change = h->nlabels;

	for (size_t i = 0; i < h->nlabels; i++) {
		int field = h->field[i], rc;
		size_t first = 0;

		if (field == DECODE_EXTRA && s->req->extra_ignore)
			continue;
		if (field == DECODE_EXTRA) {
			*ret_bad = true;
			rc = report_extra(s, h->labels[i], i, h->line, err);
			if (rc)
				return rc;
			continue;
		}
		if (field == DECODE_CHANGE && change == h->nlabels) {
			change = i;
			continue;
		}
		if (field >= 0 && !s->seen[field]) {
			s->seen[field] = true;
			continue;
		}
		while (h->field[first] != field)
			first++;
		*ret_bad = true;
		rc = report_duplicate(s, h, first, i, err);
		if (rc)
			return rc;
	}
	return 0;
}

/* All label faults of the file, in the order: extra and duplicate by column,
 * then missing by field. */
static int
check_labels(const struct search *s, const struct decode_header *h,
	     enum decode_end *ret_end, struct error *err)
{
	bool bad = false;
	int rc;

	memset(s->seen, 0, s->req->nlabels * sizeof(*s->seen));
	rc = check_columns(s, h, &bad, err);
	for (size_t i = 0; !rc && i < s->req->nlabels; i++) {
		if (s->seen[i])
			continue;
		bad = true;
		rc = report_missing(s, &s->req->labels[i], h->line);
	}
	*ret_end = bad ? DECODE_REJECTED : DECODE_DONE;
	return rc;
}

static int
give_header(struct search *s, const struct decode_csv_record *record,
	    enum decode_encoding encoding, enum decode_end *ret_end,
	    struct error *err)
{
	struct decode_header h = {
		.format = "csv",
		.encoding = decode_encodings[encoding].name,
		.sep_line = s->sep.found,
		.crlf = decode_csv_crlf(s->csv),
		.line = record->line,
		.labels = record->cells,
		.nlabels = record->ncells,
	};
	scope_free int *field = calloc(record->ncells + 1, sizeof(*field));
	int rc = 0;

	if (!field)
		return error_nomem(err);
	for (size_t i = 0; !rc && i < record->ncells; i++)
		rc = decode_names_find(s->names, record->cells[i], &field[i],
				       err);
	h.field = field;
	memcpy(h.delimiter, s->best.delimiter, strlen(s->best.delimiter));
	if (!rc)
		rc = s->sink->header(s->sink->ctx, &h);
	return rc ? rc : check_labels(s, &h, ret_end, err);
}

/* Reads the text again up to the record that was chosen. */
static int
read_chosen(struct search *s, struct decode_csv_record *ret, struct error *err)
{
	int rc = 0;

	decode_csv_start(s->csv, s->best.delimiter, s->sep.lead);
	for (int i = 0; i <= s->best.record; i++) {
		rc = decode_csv_next(s->csv, ret, err);
		if (rc < 0)
			return rc;
		if (rc != DECODE_CSV_RECORD)
			return error_set(err, ERR_CORRUPT,
					 "the file changed while it was read");
	}
	return 0;
}

int
decode_header_read(const struct decode_request *req,
		   struct decode_source *source, struct decode_csv *csv,
		   const struct decode_sink *sink, enum decode_end *ret_end,
		   struct error *err)
{
	struct search s = {.req = req, .csv = csv, .sink = sink};
	scope_names names = NULL;
	scope_free bool *seen = calloc(req->nlabels + 1, sizeof(*seen));
	struct decode_csv_record record = {0};
	int rc;

	if (!seen)
		return error_nomem(err);
	rc = decode_names_new(req, &names, err);
	if (rc)
		return rc;
	s.names = names;
	s.seen = seen;
	rc = read_sep(source, sink, &s.sep, ret_end, err);
	if (rc || *ret_end != DECODE_DONE)
		return rc;
	rc = find_header(&s, err);
	if (rc)
		return rc;
	if (!s.best.delimiter) {
		*ret_end = DECODE_REJECTED;
		return report_none(&s);
	}
	rc = read_chosen(&s, &record, err);
	if (rc)
		return rc;
	return give_header(&s, &record, decode_source_encoding(source), ret_end,
			   err);
}
