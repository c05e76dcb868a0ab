/* The header of a table: see header.h. */
#include "decode/header.h"

#include "base/scope.h"
#include "base/sentence.h"
#include "base/text.h"
#include "decode/fault.h"
#include "decode/source.h"

#include <stdio.h>

#define SHOWN 80 /* characters of a label that a message repeats */

/* The best header so far. */
struct choice {
	int way;
	int record;   /* from 0 */
	size_t named; /* registered fields it names; 0 none was found */
	bool whole;   /* these are all that must be there */
};

struct search {
	const struct decode_request *req;
	const struct decode_names *names;
	const struct decode_reader *reader;
	const struct decode_sink *sink;
	bool *seen; /* per field */

	struct choice best;
	int failed; /* ways that ended in a fault */
	int64_t first_line;
	enum sentence first; /* of these faults */
};

/* ---- finding ------------------------------------------------------------- */

static bool
may_miss(const struct search *s, size_t field)
{
	return s->req->optional && s->req->optional[field];
}

/* Whether every field that must have a column has been seen. */
static bool
is_whole(const struct search *s)
{
	for (size_t i = 0; i < s->req->nlabels; i++) {
		if (!s->seen[i] && !may_miss(s, i))
			return false;
	}
	return true;
}

static int
count_named(struct search *s, const struct decode_record *record, size_t *ret,
	    struct error *err)
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

static void
note_fault(struct search *s)
{
	struct decode_why why;

	if (s->failed++)
		return;
	why = s->reader->why(s->reader->ctx);
	s->first_line = why.line;
	s->first = why.message;
}

/* Looks at the first records in one way. A fault ends the look, not the
 * search: in the right way there may be none. */
static int
try_way(struct search *s, int way, struct error *err)
{
	const struct decode_reader *reader = s->reader;
	struct decode_record record;
	int rc = reader->start(reader->ctx, way, err);

	for (int i = 0; !rc && i < DECODE_HEADER_RECORDS; i++) {
		size_t named;

		rc = reader->next(reader->ctx, &record, err);
		if (rc != DECODE_RECORD)
			break;
		rc = count_named(s, &record, &named, err);
		if (rc)
			return rc;
		if (named && is_whole(s)) {
			s->best = (struct choice){way, i, named, true};
			return 0;
		}
		if (named > s->best.named)
			s->best = (struct choice){way, i, named, false};
	}
	if (rc == DECODE_RECORD_FAULT)
		note_fault(s);
	return rc < 0 ? rc : 0;
}

static int
find_header(struct search *s, struct error *err)
{
	for (int i = 0; i < s->reader->ways; i++) {
		int rc = try_way(s, i, err);

		if (rc)
			return rc;
		if (s->best.whole)
			break;
	}
	return 0;
}

/* The cause, if every way to read the text ran into one, or if one found too
 * many cells: a wrong separator makes fewer. Else that no record looks like a
 * header.
 */
static int
report_none(const struct search *s)
{
	const struct decode_label *label = s->req->labels;

	if (s->failed == s->reader->ways ||
	    (s->failed && s->first == MSG_CSV_CELLS))
		return decode_fault_report(
			s->sink, DECODE_FAULT_FORMAT,
			(struct decode_place){.line = s->first_line}, s->first,
			"");
	return decode_fault_report(
		s->sink, DECODE_FAULT_FORMAT, (struct decode_place){.line = 1},
		MSG_NO_HEADER, "%d" AND "%s", DECODE_HEADER_RECORDS,
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

	if (title)
		return decode_fault_report(
			s->sink, DECODE_FAULT_MISSING_LABEL, place,
			MSG_NO_COLUMN_OR, "%s" AND "%s" AND "%lld",
			label->title, label->id, (long long)line);
	return decode_fault_report(s->sink, DECODE_FAULT_MISSING_LABEL, place,
				   MSG_NO_COLUMN, "%s" AND "%lld", label->id,
				   (long long)line);
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
		return decode_fault_report(s->sink, DECODE_FAULT_EXTRA_LABEL,
					   place, MSG_COLUMN_NAMELESS, "%zu",
					   column + 1);
	return decode_fault_report(s->sink, DECODE_FAULT_EXTRA_LABEL, place,
				   MSG_COLUMN_EXTRA, "%zu" AND "%s", column + 1,
				   place.field);
}

/* The first column of this name that nobody registered; h->nlabels: none. */
static size_t
find_extra(const struct decode_header *h, struct slice name)
{
	for (size_t i = 0; i < h->nlabels; i++) {
		if (h->field[i] == DECODE_EXTRA &&
		    slice_eq(decode_names_trim(h->labels[i]), name))
			return i;
	}
	return h->nlabels;
}

/* A fix file under another name is a small part of a table, which as a snapshot
 * would delete the rest: also where extra columns are ignored. */
static int
check_fix(const struct search *s, const struct decode_header *h, bool *ret_bad)
{
	size_t row = find_extra(h, SLICE("_row"));
	size_t errors = find_extra(h, SLICE("_errors"));

	if (s->req->fix_file || row == h->nlabels ||
	    (s->req->extra_ignore && errors == h->nlabels))
		return 0;
	*ret_bad = true;
	return decode_fault_report(
		s->sink, DECODE_FAULT_EXTRA_LABEL,
		(struct decode_place){.line = h->line, .field = "_row"},
		MSG_COLUMN_OF_FIX, "%zu", row + 1);
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
	return decode_fault_report(s->sink, DECODE_FAULT_DUPLICATE_LABEL, place,
				   MSG_COLUMN_TWICE, "%zu" AND "%zu" AND "%s",
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
	int rc = check_fix(s, h, &bad);

	if (rc || bad) {
		/* what else is wrong with its columns is of no use then */
		*ret_end = DECODE_REJECTED;
		return rc;
	}
	memset(s->seen, 0, s->req->nlabels * sizeof(*s->seen));
	rc = check_columns(s, h, &bad, err);
	for (size_t i = 0; !rc && i < s->req->nlabels; i++) {
		if (s->seen[i] || may_miss(s, i))
			continue;
		bad = true;
		rc = report_missing(s, &s->req->labels[i], h->line);
	}
	*ret_end = bad ? DECODE_REJECTED : DECODE_DONE;
	return rc;
}

static int
give_header(struct search *s, const struct decode_record *record,
	    enum decode_end *ret_end, struct error *err)
{
	const struct decode_reader *reader = s->reader;
	struct decode_header h = {
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
	if (reader->describe) {
		reader->describe(reader->ctx, &h);
	} else {
		h.format = reader->format;
		h.encoding = decode_encodings[DECODE_UTF8].name;
		h.delimiter[0] = ',';
	}
	if (!rc)
		rc = s->sink->header(s->sink->ctx, &h);
	if (!rc)
		rc = check_labels(s, &h, ret_end, err);
	if (reader->widen)
		reader->widen(reader->ctx, record->ncells);
	return rc;
}

/* Reads the table again up to the record that was chosen. */
static int
read_chosen(struct search *s, struct decode_record *ret, struct error *err)
{
	const struct decode_reader *reader = s->reader;
	int rc = reader->start(reader->ctx, s->best.way, err);

	for (int i = 0; !rc && i <= s->best.record; i++) {
		rc = reader->next(reader->ctx, ret, err);
		if (rc == DECODE_RECORD)
			rc = 0;
	}
	if (rc > 0)
		return error_set(err, ERR_CORRUPT,
				 "the file changed while it was read");
	return rc;
}

int
decode_header_read(const struct decode_request *req,
		   const struct decode_reader *reader,
		   const struct decode_sink *sink, enum decode_end *ret_end,
		   struct error *err)
{
	struct search s = {.req = req, .reader = reader, .sink = sink};
	scope_names names = NULL;
	scope_free bool *seen = calloc(req->nlabels + 1, sizeof(*seen));
	struct decode_record record = {0};
	int rc;

	if (!seen)
		return error_nomem(err);
	rc = decode_names_new(req, &names, err);
	if (rc)
		return rc;
	s.names = names;
	s.seen = seen;
	rc = find_header(&s, err);
	if (rc)
		return rc;
	if (!s.best.named) {
		*ret_end = DECODE_REJECTED;
		return report_none(&s);
	}
	*ret_end = DECODE_DONE;
	rc = read_chosen(&s, &record, err);
	return rc ? rc : give_header(&s, &record, ret_end, err);
}
