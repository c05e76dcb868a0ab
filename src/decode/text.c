/* Delimited text as a reader: see text.h. */
#include "decode/text.h"

#include "base/sentence.h"
#include "decode/csv.h"
#include "decode/fault.h"
#include "decode/format.h"

#include <stdlib.h>
#include <strings.h>
#include <utf8proc.h>

/* A first line 'sep=;' as spreadsheets write and read it. */
struct sep {
	bool found;
	char delimiter[DECODE_DELIMITER_SIZE];
	struct decode_csv_lead lead;
};

struct decode_text {
	struct decode_source *source; /* borrowed */
	struct decode_csv *csv;
	struct sep sep;
	const char *delimiter; /* the one it is read by */
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
	return decode_fault_report(sink, DECODE_FAULT_FORMAT,
				   (struct decode_place){.line = 1}, MSG_SEP,
				   "");
}

/* ---- the reader ---------------------------------------------------------- */

int
decode_text_open(struct decode_source *source, const struct decode_sink *sink,
		 struct decode_text **ret, enum decode_end *ret_end,
		 struct error *err)
{
	scope_text text = calloc(1, sizeof(*text));
	int rc;

	if (!text)
		return error_nomem(err);
	text->source = source;
	rc = decode_csv_new(source, &text->csv, err);
	if (!rc)
		rc = read_sep(source, sink, &text->sep, ret_end, err);
	if (rc)
		return rc;
	*ret = text;
	text = NULL;
	return 0;
}

void
decode_text_close(struct decode_text *text)
{
	if (!text)
		return;
	decode_csv_free(text->csv);
	free(text);
}

static int
start(void *ctx, int way, struct error *err)
{
	struct decode_text *text = ctx;

	(void)err;
	text->delimiter =
		text->sep.found ? text->sep.delimiter : decode_delimiters[way];
	decode_csv_start(text->csv, text->delimiter, text->sep.lead);
	return 0;
}

static int
next(void *ctx, struct decode_record *ret, struct error *err)
{
	return decode_csv_next(((struct decode_text *)ctx)->csv, ret, err);
}

static struct decode_why
why(const void *ctx)
{
	return decode_csv_fault(((const struct decode_text *)ctx)->csv);
}

static void
describe(const void *ctx, struct decode_header *h)
{
	const struct decode_text *text = ctx;
	enum decode_encoding encoding = decode_source_encoding(text->source);

	h->format = decode_format_names[*text->delimiter == '\t'
						? DECODE_FORMAT_TSV
						: DECODE_FORMAT_CSV];
	h->encoding = decode_encodings[encoding].name;
	h->sep_line = text->sep.found;
	h->crlf = decode_csv_crlf(text->csv);
	memcpy(h->delimiter, text->delimiter, strlen(text->delimiter));
}

struct decode_reader
decode_text_reader(struct decode_text *text)
{
	return (struct decode_reader){
		.ctx = text,
		.ways = text->sep.found ? 1 : DECODE_DELIMITERS,
		.start = start,
		.next = next,
		.why = why,
		.describe = describe,
	};
}
