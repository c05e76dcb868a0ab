/*
 * What the sheets of every kind of workbook have in common: a row of cells, as
 * a record; numbers and days as texts.
 */
#ifndef DECODE_SHEET_H
#define DECODE_SHEET_H

#include "base/buf.h"
#include "decode/reader.h"

/* How a number is to be read, by its cell's number format. */
enum decode_style {
	DECODE_STYLE_NUMBER,
	DECODE_STYLE_DATE,
	DECODE_STYLE_TIME,
	DECODE_STYLE_DATETIME,
	DECODE_STYLE_ZEROS /* and more: digits with leading zeros */
};
#define DECODE_ZEROS_MAX 40

/* By the number of a built-in format, or by its text. DECODE_STYLE_ZEROS + n
 * asks for n digits. */
unsigned char decode_style_builtin(unsigned int number);
unsigned char decode_style_parse(const char *format);

/* Appends a number as its cell means it; *ret_flaw is 0 or DECODE_FLAW_DIGITS.
 * A text that is none is taken as it stands. ERR_NOMEM. */
MUST_CHECK int decode_sheet_number(struct slice text, unsigned char style,
				   bool from_1904, struct buf *out,
				   enum decode_flaw_kind *ret_flaw);
MUST_CHECK int decode_sheet_double(double value, unsigned char style,
				   bool from_1904, struct buf *out,
				   enum decode_flaw_kind *ret_flaw);

/* A day, or a day and a time, that a workbook holds as a text. It is what the
 * cell shows: of no time zone, although some programs end it with Z, and
 * without a fraction of zeros. */
struct slice decode_sheet_moment(struct slice text);

/* A row while its cells come, from left to right. */
struct decode_sheet_row {
	struct buf text;
	size_t n;     /* cells, as far as the last that is not empty */
	size_t least; /* of cells in a record */
	struct decode_flaw flaws[DECODE_MAX_CELLS];
	size_t nflaws;
	size_t ends[DECODE_MAX_CELLS]; /* in 'text' */
	struct slice cells[DECODE_MAX_CELLS];
};

/* Empties it. */
void decode_sheet_row_begin(struct decode_sheet_row *row);
/* What was appended to row->text since the last cell is the cell in 'column'
 * (from 0), which must not be left of another. False: it is, or it is beyond
 * DECODE_MAX_CELLS. Blank cells are not kept. */
bool decode_sheet_row_end_cell(struct decode_sheet_row *row, size_t column,
			       enum decode_flaw_kind flaw);
/* The row as a record, of at least one and row->least cells. */
void decode_sheet_row_record(struct decode_sheet_row *row, int64_t line,
			     struct decode_record *ret);

/* Writes a column as people name it: A, B … AA. */
#define DECODE_COLUMN_SIZE 8
void decode_sheet_column(size_t column, char ret[static DECODE_COLUMN_SIZE]);

#endif
