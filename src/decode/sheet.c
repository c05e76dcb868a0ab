/* Cells of workbooks: see sheet.h. */
#include "decode/sheet.h"

#include "base/clock.h"
#include "base/text.h"
#include "decode/names.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define NUMBER_MAX 64	 /* characters of a stored number */
#define DIGITS_KEPT 1e15 /* from here on a workbook has lost digits */
#define LAST_DAY 2958465 /* 9999-12-31, counted from 1900 */
#define DAY_MS 86400000

/* ---- number formats ------------------------------------------------------ */

static const struct {
	unsigned int from, to;
	enum decode_style style;
} builtin[] = {
	/* 27 to 36 and 50 to 58 are those of Chinese editions */
	{14, 17, DECODE_STYLE_DATE},	 {18, 21, DECODE_STYLE_TIME},
	{22, 22, DECODE_STYLE_DATETIME}, {27, 31, DECODE_STYLE_DATE},
	{32, 35, DECODE_STYLE_TIME},	 {36, 36, DECODE_STYLE_DATE},
	{45, 47, DECODE_STYLE_TIME},	 {50, 54, DECODE_STYLE_DATE},
	{55, 56, DECODE_STYLE_TIME},	 {57, 58, DECODE_STYLE_DATE},
};

unsigned char
decode_style_builtin(unsigned int number)
{
	for (size_t i = 0; i < sizeof(builtin) / sizeof(builtin[0]); i++) {
		if (number >= builtin[i].from && number <= builtin[i].to)
			return builtin[i].style;
	}
	return DECODE_STYLE_NUMBER;
}

/* Passes over what is shown as it stands, and colours, conditions and locales
 * in brackets; [h], [mm], [ss] are times. NULL at the end of the section. */
static const char *
next_letter(const char *p, bool *ret_elapsed)
{
	*ret_elapsed = false;
	for (; *p && *p != ';'; p++) {
		if (*p == '"') {
			p = strchr(p + 1, '"');
		} else if (*p == '\\' || *p == '_' || *p == '*') {
			p += p[1] != '\0';
		} else if (*p == '[') {
			*ret_elapsed = strchr("hms", tolower(p[1])) &&
				       (p[2] == ']' || p[2] == p[1]);
			if (*ret_elapsed)
				return p + 1;
			p = strchr(p, ']');
		} else if (isalpha((unsigned char)*p)) {
			return p;
		}
		if (!p)
			return NULL;
	}
	return NULL;
}

unsigned char
decode_style_parse(const char *format)
{
	size_t zeros = strspn(format, "0");
	bool day = false, clock = false, months = false, elapsed;

	if (zeros > 1 && zeros <= DECODE_ZEROS_MAX &&
	    (!format[zeros] || format[zeros] == ';'))
		return (unsigned char)(DECODE_STYLE_ZEROS + zeros);
	if (!strncasecmp(format, "general", 7))
		return DECODE_STYLE_NUMBER;
	for (const char *p = format; (p = next_letter(p, &elapsed)); p++) {
		char c = (char)tolower(*p);

		/* an exponent, not a year of an era */
		if (c == 'e' && (p[1] == '+' || p[1] == '-'))
			return DECODE_STYLE_NUMBER;
		day |= c == 'y' || c == 'd' || c == 'e';
		clock |= c == 'h' || c == 's' || elapsed;
		months |= c == 'm';
	}
	day |= months && !clock;
	return day && clock ? DECODE_STYLE_DATETIME
	       : day	    ? DECODE_STYLE_DATE
	       : clock	    ? DECODE_STYLE_TIME
			    : DECODE_STYLE_NUMBER;
}

/* ---- numbers ------------------------------------------------------------- */

/* Writes 'n' digits. */
static char *
put(char *to, int n, int64_t value)
{
	for (int i = n; i--; value /= 10)
		to[i] = (char)('0' + value % 10);
	return to + n;
}

static int
add_clock(int64_t ms, struct buf *out)
{
	char text[16], *to = text;

	to = put(to, 2, ms / 3600000);
	*to++ = ':';
	to = put(to, 2, ms / 60000 % 60);
	*to++ = ':';
	to = put(to, 2, ms / 1000 % 60);
	if (ms % 1000) {
		*to++ = '.';
		to = put(to, 3, ms % 1000);
	}
	return buf_add(out, text, (size_t)(to - text));
}

static int
add_day(int64_t day, bool from_1904, struct buf *out)
{
	char text[16], *to = text;
	int year, month, d;

	if (from_1904)
		day += clock_days_from_civil(1904, 1, 1);
	else if (day == 60) /* a day that never was, but has this number */
		return buf_adds(out, "1900-02-29");
	else
		day += clock_days_from_civil(1899, 12, day < 60 ? 31 : 30);
	clock_civil_from_days(day, &year, &month, &d);
	to = put(to, 4, year);
	*to++ = '-';
	to = put(to, 2, month);
	*to++ = '-';
	to = put(to, 2, d);
	return buf_add(out, text, (size_t)(to - text));
}

/* 1: it is none. */
static int
add_moment(double value, enum decode_style style, bool from_1904,
	   struct buf *out, enum decode_flaw_kind *ret_flaw)
{
	int64_t day, ms;
	int rc = 0;

	if (value < 0 || value >= LAST_DAY + 1)
		return 1;
	day = (int64_t)value;
	ms = (int64_t)llround((value - (double)day) * DAY_MS);
	day += ms / DAY_MS;
	ms %= DAY_MS;
	if (style == DECODE_STYLE_TIME && day == 0)
		return add_clock(ms, out);
	if (day == 0 && !from_1904)
		return 1;
	rc = add_day(day, from_1904, out);
	if (rc || (!ms && style == DECODE_STYLE_DATE))
		return rc;
	if (!ms)
		*ret_flaw = DECODE_FLAW_MIDNIGHT;
	rc = buf_addc(out, 'T');
	return rc ? rc : add_clock(ms, out);
}

int
decode_sheet_double(double value, unsigned char style, bool from_1904,
		    struct buf *out, enum decode_flaw_kind *ret_flaw)
{
	*ret_flaw = 0;
	if (style > DECODE_STYLE_NUMBER && style < DECODE_STYLE_ZEROS) {
		int rc = add_moment(value, style, from_1904, out, ret_flaw);

		if (rc <= 0)
			return rc;
	}
	if (style > DECODE_STYLE_ZEROS && value >= 0 && value < DIGITS_KEPT &&
	    value == floor(value))
		return buf_addf(out, "%0*.0f", style - DECODE_STYLE_ZEROS,
				value);
	if (fabs(value) >= DIGITS_KEPT)
		*ret_flaw = DECODE_FLAW_DIGITS;
	return buf_addf(out, "%.15G", value);
}

/* Digits that can be taken as they stand: no more than are kept, written as
 * printf() would. */
static bool
is_plain(struct slice s)
{
	size_t i = s.n && s.p[0] == '-', first = i, digits = 0;
	bool point = false;

	for (; i < s.n; i++) {
		if (s.p[i] >= '0' && s.p[i] <= '9')
			digits++;
		else if (s.p[i] == '.' && !point && i > first)
			point = true;
		else
			return false;
	}
	if (!digits || digits > 15)
		return false;
	if (point && (s.p[s.n - 1] == '0' || s.p[s.n - 1] == '.'))
		return false;
	/* no zeros in front, and not so small that an exponent is shorter */
	if (s.p[first] != '0')
		return true;
	return s.n == 1 || (s.n - first > 2 && s.p[first + 1] == '.' &&
			    s.p[first + 2] != '0');
}

int
decode_sheet_number(struct slice text, unsigned char style, bool from_1904,
		    struct buf *out, enum decode_flaw_kind *ret_flaw)
{
	char copy[NUMBER_MAX + 1], *end = copy;
	double value;

	*ret_flaw = 0;
	text = decode_names_trim(text);
	if (style == DECODE_STYLE_NUMBER && is_plain(text))
		return buf_addslice(out, text);
	if (!text.n || text.n > NUMBER_MAX)
		return buf_addslice(out, text);
	memcpy(copy, text.p, text.n);
	copy[text.n] = '\0';
	value = strspn(copy, "0123456789+-.eE") == text.n ? strtod(copy, &end)
							  : NAN;
	if (!isfinite(value) || *end)
		return buf_addslice(out, text);
	return decode_sheet_double(value, style, from_1904, out, ret_flaw);
}

struct slice
decode_sheet_moment(struct slice text)
{
	if (!text.n || !memchr(text.p, 'T', text.n))
		return text;
	if (text.p[text.n - 1] == 'Z')
		text.n--;
	if (!memchr(text.p, '.', text.n))
		return text;
	while (text.p[text.n - 1] == '0')
		text.n--;
	text.n -= text.p[text.n - 1] == '.';
	return text;
}

/* ---- rows ---------------------------------------------------------------- */

void
decode_sheet_row_begin(struct decode_sheet_row *row)
{
	buf_clear(&row->text);
	row->n = 0;
	row->nflaws = 0;
}

bool
decode_sheet_row_end_cell(struct decode_sheet_row *row, size_t column,
			  enum decode_flaw_kind flaw)
{
	size_t start = row->n ? row->ends[row->n - 1] : 0;
	struct slice text = SLICE_NONE;

	if (row->text.len > start)
		text = (struct slice){row->text.data + start,
				      row->text.len - start};
	if (!decode_names_trim(text).n) {
		row->text.len = start;
		if (!flaw)
			return true;
	}
	if (column < row->n || column >= DECODE_MAX_CELLS)
		return false;
	while (row->n < column)
		row->ends[row->n++] = start;
	row->ends[row->n++] = row->text.len;
	if (flaw)
		row->flaws[row->nflaws++] = (struct decode_flaw){column, flaw};
	return true;
}

void
decode_sheet_row_record(struct decode_sheet_row *row, int64_t line,
			struct decode_record *ret)
{
	size_t n = row->n > row->least ? row->n : row->least;
	size_t start = 0;

	n = n ? n : 1;
	for (size_t i = 0; i < n; i++) {
		size_t end = i < row->n ? row->ends[i] : start;

		row->cells[i] = (struct slice){
			end > start ? row->text.data + start : NULL,
			end - start,
		};
		start = end;
	}
	*ret = (struct decode_record){
		.line = line,
		.cells = row->cells,
		.ncells = n,
		.flaws = row->flaws,
		.nflaws = row->nflaws,
	};
}

void
decode_sheet_column(size_t column, char ret[static DECODE_COLUMN_SIZE])
{
	char text[DECODE_COLUMN_SIZE];
	size_t n = 0;

	for (size_t c = column + 1; c && n + 1 < sizeof(text); c = (c - 1) / 26)
		text[n++] = (char)('A' + (c - 1) % 26);
	for (size_t i = 0; i < n; i++)
		ret[i] = text[n - 1 - i];
	ret[n] = '\0';
}
