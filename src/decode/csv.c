/*
 * The CSV scanner: see csv.h. The text goes through a window that begins with
 * the current record and grows only for a record that does not fit. Cells are
 * found eight bytes at a time and point into the window; doubled quotes are
 * taken out in place. Behind the last byte of the window stand line feeds, so
 * that the search needs no bound.
 */
#include "decode/csv.h"

#include <endian.h>
#include <stdio.h>
#include <stdlib.h>
#include <utf8proc.h>

#define WINDOW (256 * 1024)
#define READ_MIN (64 * 1024)
#define SENTINEL 8

const char *const decode_delimiters[DECODE_DELIMITERS] = {",", ";", "\t", "，"};

/* What stands behind a cell. Zero and less are as in decode_csv_next(). */
enum at {
	AT_CELL = 10, /* another cell */
	AT_LINE_END,
	AT_TEXT_END,
	AT_TEXT /* none of these */
};

struct decode_csv {
	struct decode_source *source; /* borrowed */
	char mark[DECODE_DELIMITER_SIZE];
	struct slice delimiter; /* into 'mark' */
	struct decode_csv_lead lead;

	char *window; /* cap bytes and the sentinel */
	size_t cap;
	size_t start; /* of the current record */
	size_t pos;   /* next byte to look at */
	size_t end;   /* of the bytes read */
	bool ended;   /* the source has no more */
	bool nul;     /* because of a NUL behind 'end' */

	int64_t line; /* of the byte at 'pos' */
	bool broken;  /* a line break was seen */
	bool crlf;    /* the first one was CR LF */

	struct decode_why fault;
	size_t ncells;
	struct slice cells[DECODE_MAX_CELLS];
};

bool
decode_delimiter_make(int64_t code_point,
		      char ret[static DECODE_DELIMITER_SIZE])
{
	utf8proc_int32_t c = (utf8proc_int32_t)code_point;

	if (c != code_point || c <= 0 || c == '"' || c == '\n' || c == '\r' ||
	    !utf8proc_codepoint_valid(c))
		return false;
	memset(ret, 0, DECODE_DELIMITER_SIZE);
	return utf8proc_encode_char(c, (utf8proc_uint8_t *)ret) > 0;
}

int
decode_csv_new(struct decode_source *source, struct decode_csv **ret,
	       struct error *err)
{
	struct decode_csv *csv = calloc(1, sizeof(*csv));

	if (!csv)
		return error_nomem(err);
	csv->cap = WINDOW;
	csv->window = malloc(csv->cap + SENTINEL);
	if (!csv->window) {
		free(csv);
		return error_nomem(err);
	}
	csv->source = source;
	decode_csv_start(csv, decode_delimiters[0],
			 (struct decode_csv_lead){0});
	*ret = csv;
	return 0;
}

void
decode_csv_free(struct decode_csv *csv)
{
	if (!csv)
		return;
	free(csv->window);
	free(csv);
}

void
decode_csv_start(struct decode_csv *csv, const char *delimiter,
		 struct decode_csv_lead lead)
{
	decode_source_rewind(csv->source);
	snprintf(csv->mark, sizeof(csv->mark), "%s", delimiter);
	csv->delimiter = slice_str(csv->mark);
	csv->lead = lead;
	csv->start = csv->pos = csv->end = 0;
	csv->ended = csv->nul = false;
	csv->line = lead.n ? 2 : 1;
	csv->broken = lead.n != 0;
	csv->crlf = lead.crlf;
	csv->ncells = 0;
	memset(csv->window, '\n', SENTINEL);
}

struct decode_why
decode_csv_fault(const struct decode_csv *csv)
{
	return csv->fault;
}

bool
decode_csv_crlf(const struct decode_csv *csv)
{
	return csv->crlf;
}

static int
fault_at(struct decode_csv *csv, int64_t line, enum sentence message)
{
	csv->fault = (struct decode_why){line, message};
	return DECODE_RECORD_FAULT;
}

static int
too_long(struct decode_csv *csv, int64_t line)
{
	return fault_at(csv, line, MSG_CSV_LONG);
}

/* ---- the window ---------------------------------------------------------- */

/* The record's bytes now stand at the front of 'to'; so do its cells. */
static void
move_cells(struct decode_csv *csv, char *to)
{
	const char *from = csv->window + csv->start;

	for (size_t i = 0; i < csv->ncells; i++)
		csv->cells[i].p = to + (csv->cells[i].p - from);
	csv->pos -= csv->start;
	csv->end -= csv->start;
	csv->start = 0;
}

static int
grow(struct decode_csv *csv, struct error *err)
{
	char *larger = malloc(2 * csv->cap + SENTINEL);

	if (!larger)
		return error_nomem(err);
	memcpy(larger, csv->window + csv->start, csv->end - csv->start);
	move_cells(csv, larger);
	free(csv->window);
	csv->window = larger;
	csv->cap *= 2;
	return 0;
}

static int
make_room(struct decode_csv *csv, struct error *err)
{
	size_t kept = csv->end - csv->start;

	if (kept > DECODE_MAX_RECORD)
		return too_long(csv, csv->line);
	if (csv->cap - kept < READ_MIN)
		return grow(csv, err);
	if (csv->start) {
		memmove(csv->window, csv->window + csv->start, kept);
		move_cells(csv, csv->window);
	}
	return 0;
}

/* What stops at a NUL; only a tail of them is a copy that was cut off, and
 * such a file does not come here. */
static int
nul_fault(struct decode_csv *csv)
{
	return fault_at(csv, csv->line, MSG_CSV_NUL);
}

/* Reads on: 1 when there are more bytes, 0 at the end of the text, or
 * DECODE_RECORD_FAULT, or an error. */
static int
more(struct decode_csv *csv, struct error *err)
{
	char *at;
	ssize_t n;
	int rc;

	if (csv->nul)
		return nul_fault(csv);
	if (csv->ended)
		return 0;
	rc = make_room(csv, err);
	if (rc)
		return rc;
	at = csv->window + csv->end;
	n = decode_source_read(csv->source, at, csv->cap - csv->end, err);
	if (n < 0)
		return (int)n;
	csv->ended = n == 0;
	if (n && memchr(at, '\0', (size_t)n)) {
		csv->nul = true;
		n = (ssize_t)strlen(at);
	}
	csv->end += (size_t)n;
	memset(csv->window + csv->end, '\n', SENTINEL);
	if (n)
		return 1;
	return csv->nul ? nul_fault(csv) : 0;
}

/* Apart, so that the test before it is all that a cell costs. */
static __attribute__((noinline)) int
fetch(struct decode_csv *csv, size_t n, struct error *err)
{
	while (csv->end - csv->pos < n) {
		int rc = more(csv, err);

		if (rc != 1)
			return rc;
	}
	return 1;
}

/* Whether there are n bytes at 'pos': as more(). */
static inline int
have(struct decode_csv *csv, size_t n, struct error *err)
{
	return csv->end - csv->pos >= n ? 1 : fetch(csv, n, err);
}

/* ---- the search ---------------------------------------------------------- */

#define EACH_BYTE UINT64_C(0x0101010101010101)
#define HIGH_BITS UINT64_C(0x8080808080808080)

/* The high bit of each byte that is 'c', exact up to the first of them. */
static inline uint64_t
bytes_equal(uint64_t word, unsigned char c)
{
	uint64_t x = word ^ (EACH_BYTE * c);

	return (x - EACH_BYTE) & ~x & HIGH_BITS;
}

/* The first quote, line feed, carriage return or 'also' from 'pos' on; the
 * sentinel ends it. */
static inline size_t
find_mark(const char *window, size_t pos, unsigned char also)
{
	for (;; pos += 8) {
		uint64_t word, hits;

		memcpy(&word, window + pos, sizeof(word));
		word = le64toh(word);
		hits = bytes_equal(word, '\n') | bytes_equal(word, '"') |
		       bytes_equal(word, '\r') | bytes_equal(word, also);
		if (hits)
			return pos + (size_t)__builtin_ctzll(hits) / 8;
	}
}

/* ---- records ------------------------------------------------------------- */

/* Takes the line break at 'pos'. 0, or as more(). */
static inline int
take_break(struct decode_csv *csv, bool quoted, struct error *err)
{
	bool crlf = false;

	if (csv->window[csv->pos++] == '\r') {
		int rc = have(csv, 1, err);

		if (rc < 0 || rc == DECODE_RECORD_FAULT)
			return rc;
		crlf = rc == 1 && csv->window[csv->pos] == '\n';
		csv->pos += crlf;
	}
	csv->line++;
	if (!csv->broken && !quoted) {
		csv->broken = true;
		csv->crlf = crlf;
	}
	return 0;
}

/* A delimiter of several bytes, of which the first was found. */
static int
take_wide(struct decode_csv *csv, struct error *err)
{
	struct slice d = csv->delimiter;
	int rc = have(csv, d.n, err);

	if (rc < 0 || rc == DECODE_RECORD_FAULT)
		return rc;
	if (rc == 0 || memcmp(csv->window + csv->pos, d.p, d.n) != 0)
		return AT_TEXT;
	csv->pos += d.n;
	return AT_CELL;
}

/* What stands at 'pos'; takes it unless it is text. */
static inline int
take_end(struct decode_csv *csv, struct error *err)
{
	int rc = have(csv, 1, err);
	char c;

	if (rc != 1)
		return rc ? rc : AT_TEXT_END;
	c = csv->window[csv->pos];
	if (c == csv->delimiter.p[0]) {
		if (csv->delimiter.n > 1)
			return take_wide(csv, err);
		csv->pos++;
		return AT_CELL;
	}
	if (c != '\n' && c != '\r')
		return AT_TEXT;
	rc = take_break(csv, false, err);
	return rc ? rc : AT_LINE_END;
}

/* The cell from 'from' to 'to', both counted from the record's start. */
static inline void
add_cell(struct decode_csv *csv, size_t from, size_t to)
{
	csv->cells[csv->ncells++] = (struct slice){
		csv->window + csv->start + from,
		to - from,
	};
}

static inline int
plain_cell(struct decode_csv *csv, struct error *err)
{
	size_t from = csv->pos - csv->start;

	for (;;) {
		size_t to;
		int at;

		csv->pos = find_mark(csv->window, csv->pos,
				     (unsigned char)csv->delimiter.p[0]);
		/* where a taken delimiter began is where the cell ends */
		to = csv->pos - csv->start;
		at = take_end(csv, err);
		if (at < 0 || at == DECODE_RECORD_FAULT)
			return at;
		if (at != AT_TEXT) {
			add_cell(csv, from, to);
			return at;
		}
		csv->pos++; /* a quote is text here: 5" pipe */
	}
}

/* Moves the text from 'run' to 'pos' down to 'to', where the quotes that were
 * taken out left room; returns the new end. */
static inline size_t
close_gap(struct decode_csv *csv, size_t to, size_t run, size_t pos)
{
	char *record = csv->window + csv->start;

	if (to != run)
		memmove(record + to, record + run, pos - run);
	return to + (pos - run);
}

/* From behind the opening quote to behind the closing one. 0, or as more(). */
static inline int
quoted_text(struct decode_csv *csv, size_t *ret_to, struct error *err)
{
	size_t to = csv->pos - csv->start, run = to;
	int64_t opened = csv->line;

	for (;;) {
		int rc;

		csv->pos = find_mark(csv->window, csv->pos, '"');
		rc = have(csv, 1, err);
		if (rc == 0)
			return fault_at(csv, opened, MSG_CSV_QUOTE_OPEN);
		if (rc != 1)
			return rc;
		if (csv->window[csv->pos] == '\n' ||
		    csv->window[csv->pos] == '\r') {
			rc = take_break(csv, true, err);
			if (rc)
				return rc;
			continue;
		}
		if (csv->window[csv->pos] != '"')
			continue;
		csv->pos++;
		rc = have(csv, 1, err);
		if (rc < 0 || rc == DECODE_RECORD_FAULT)
			return rc;
		if (rc == 0 || csv->window[csv->pos] != '"')
			break;
		to = close_gap(csv, to, run, csv->pos - csv->start);
		csv->pos++;
		run = csv->pos - csv->start;
	}
	*ret_to = close_gap(csv, to, run, csv->pos - csv->start - 1);
	return 0;
}

static int
quoted_cell(struct decode_csv *csv, struct error *err)
{
	size_t from, to;
	int at;

	csv->pos++;
	from = csv->pos - csv->start;
	at = quoted_text(csv, &to, err);
	if (at)
		return at;
	at = take_end(csv, err);
	if (at == AT_TEXT)
		return fault_at(csv, csv->line, MSG_CSV_QUOTE_TEXT);
	if (at == AT_CELL || at == AT_LINE_END || at == AT_TEXT_END)
		add_cell(csv, from, to);
	return at;
}

/* The text before the first record is passed over with the first bytes. */
static int
begin_record(struct decode_csv *csv, struct error *err)
{
	int rc = have(csv, 1 + csv->lead.n, err);

	if (csv->lead.n && rc >= 0 && rc != DECODE_RECORD_FAULT) {
		csv->pos += csv->lead.n;
		csv->lead.n = 0;
	}
	csv->start = csv->pos;
	csv->ncells = 0;
	return rc;
}

int
decode_csv_next(struct decode_csv *csv, struct decode_record *ret,
		struct error *err)
{
	int at = begin_record(csv, err);

	if (at != 1)
		return at ? at : DECODE_TABLE_END;
	ret->line = csv->line;
	do {
		if (csv->ncells == DECODE_MAX_CELLS)
			return fault_at(csv, csv->line, MSG_CSV_CELLS);
		/* a quote is told from the sentinel, but not from what has
		 * not been read yet */
		if (csv->pos == csv->end) {
			at = have(csv, 1, err);
			if (at < 0 || at == DECODE_RECORD_FAULT)
				return at;
		}
		at = csv->pos < csv->end && csv->window[csv->pos] == '"'
			     ? quoted_cell(csv, err)
			     : plain_cell(csv, err);
	} while (at == AT_CELL);
	if (at < 0 || at == DECODE_RECORD_FAULT)
		return at;
	if (csv->pos - csv->start > DECODE_MAX_RECORD)
		return too_long(csv, ret->line);
	ret->cells = csv->cells;
	ret->ncells = csv->ncells;
	ret->nflaws = 0;
	return DECODE_RECORD;
}
