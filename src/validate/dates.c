/*
 * Types date and datetime (SPEC 4). A day may be written with '-', '/' or '.'
 * with or without leading zeros, as YYYY年M月D日, or as YYYYMMDD; the year has
 * four digits. Nothing else is a date: which of 1/2/12 is the year is not
 * guessed.
 *
 * A datetime takes the same days, then T or a blank, hours and minutes,
 * perhaps seconds, thousandths and an offset. With an offset it is an instant
 * and is converted to the platform's zone; without, it is in that zone
 * already. Thousandths that were sent are kept, as three digits.
 */
#include "base/clock.h"
#include "validate/field.h"
#include "validate/form.h"

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Takes off min to max digits; their value, or -1. */
static int
take_number(struct slice *s, size_t min, size_t max)
{
	int value = 0;
	size_t n = 0;

	while (n < max && n < s->n && is_digit(s->p[n]))
		value = value * 10 + (s->p[n++] - '0');
	if (n < min)
		return -1;
	s->p += n;
	s->n -= n;
	return value;
}

static bool
take(struct slice *s, struct slice what)
{
	if (!slice_starts(*s, what))
		return false;
	s->p += what.n;
	s->n -= what.n;
	return true;
}

static bool
take_blanks(struct slice *s)
{
	bool any = false;

	while (take(s, SLICE(" ")))
		any = true;
	return any;
}

/* Month and day after the year, whatever separates them. */
static bool
take_month_and_day(struct slice *s, struct clock_civil *ret)
{
	struct slice mark;

	if (s->n && is_digit(s->p[0])) {
		ret->month = take_number(s, 2, 2);
		ret->day = take_number(s, 2, 2);
		return ret->month >= 0 && ret->day >= 0;
	}
	if (take(s, SLICE("年"))) {
		ret->month = take_number(s, 1, 2);
		if (ret->month < 0 || !take(s, SLICE("月")))
			return false;
		ret->day = take_number(s, 1, 2);
		return ret->day >= 0 && take(s, SLICE("日"));
	}
	if (!s->n || (s->p[0] != '-' && s->p[0] != '/' && s->p[0] != '.'))
		return false;
	mark = (struct slice){s->p, 1};
	(void)take(s, mark);
	ret->month = take_number(s, 1, 2);
	if (ret->month < 0 || !take(s, mark))
		return false;
	ret->day = take_number(s, 1, 2);
	return ret->day >= 0;
}

/* MSG_NONE, 'form' when it does not begin with a day, MSG_DAY when there is
 * no such day. */
static enum sentence
take_day(struct slice *s, enum sentence form, struct clock_civil *ret)
{
	ret->year = take_number(s, 4, 4);
	if (ret->year < 0 || !take_month_and_day(s, ret))
		return form;
	if (s->n && is_digit(s->p[0]))
		return form;
	if (ret->year < 1 || ret->month < 1 || ret->month > 12 ||
	    ret->day < 1 ||
	    ret->day > clock_days_in_month(ret->year, ret->month))
		return MSG_DAY;
	return MSG_NONE;
}

/* 'n' digits with leading zeros. */
static void
put(char *p, int n, int value)
{
	while (n--) {
		p[n] = (char)('0' + value % 10);
		value /= 10;
	}
}

static int
add_day(struct buf *out, const struct clock_civil *c)
{
	char text[] = "0000-00-00";

	put(text, 4, c->year);
	put(text + 5, 2, c->month);
	put(text + 8, 2, c->day);
	return buf_add(out, text, 10);
}

int
validate_date(const struct validate_field *field, struct slice s,
	      struct validate_scratch *scratch, struct buf *out,
	      struct validate_finding *ret)
{
	struct clock_civil c;

	(void)field;
	if (validate_form_narrow(s, &scratch->narrow, &s))
		return ERR_NOMEM;
	ret->fault = take_day(&s, MSG_DATE, &c);
	if (!ret->fault && s.n) {
		bool clock = s.n > 1 && (s.p[0] == ' ' || s.p[0] == 'T') &&
			     is_digit(s.p[1]);

		ret->fault = clock ? MSG_DATE_TIME : MSG_DATE;
	}
	return ret->fault ? 1 : add_day(out, &c);
}

/* The rest of a datetime after its day. */
struct clock_part {
	char fraction[3]; /* digits; fraction[0] is 0 when there are none */
	bool offset;
	int seconds_east;
};

static enum sentence
take_fraction(struct slice *s, struct clock_part *ret)
{
	size_t n = 0;

	ret->fraction[0] = '\0';
	if (!take(s, SLICE(".")))
		return MSG_NONE;
	memset(ret->fraction, '0', 3);
	for (; n < s->n && is_digit(s->p[n]); n++) {
		/* rounding would be a guess; zeros say nothing */
		if (n < 3)
			ret->fraction[n] = s->p[n];
		else if (s->p[n] != '0')
			return MSG_DATETIME_FRACTION;
	}
	s->p += n;
	s->n -= n;
	return n ? MSG_NONE : MSG_DATETIME;
}

/* Z, +08:00, +0800 or +08, perhaps after a blank. */
static enum sentence
take_offset(struct slice *s, struct clock_part *ret)
{
	bool west;
	int hours, minutes = 0;

	take_blanks(s);
	ret->offset = true;
	ret->seconds_east = 0;
	if (take(s, SLICE("Z")) || take(s, SLICE("z")))
		return MSG_NONE;
	west = s->n && s->p[0] == '-';
	if (!take(s, SLICE("+")) && !take(s, SLICE("-")))
		return MSG_DATETIME;
	hours = take_number(s, 2, 2);
	if (hours < 0)
		return MSG_DATETIME;
	if (s->n) {
		(void)take(s, SLICE(":"));
		minutes = take_number(s, 2, 2);
	}
	if (minutes < 0 || minutes > 59 || hours > 23)
		return MSG_DATETIME;
	ret->seconds_east = (hours * 60 + minutes) * (west ? -60 : 60);
	return MSG_NONE;
}

static enum sentence
take_clock(struct slice *s, struct clock_civil *c, struct clock_part *part)
{
	enum sentence fault = MSG_NONE;

	*part = (struct clock_part){0};
	if (!s->n)
		return MSG_DATETIME_DAY;
	if (!take(s, SLICE("T")) && !take(s, SLICE("t")) && !take_blanks(s))
		return MSG_DATETIME;
	c->hour = take_number(s, 1, 2);
	if (c->hour < 0 || !take(s, SLICE(":")))
		return MSG_DATETIME;
	c->min = take_number(s, 2, 2);
	c->sec = 0;
	if (c->min < 0)
		return MSG_DATETIME;
	if (take(s, SLICE(":"))) {
		c->sec = take_number(s, 2, 2);
		if (c->sec < 0)
			return MSG_DATETIME;
		fault = take_fraction(s, part);
	}
	if (!fault && s->n)
		fault = take_offset(s, part);
	if (!fault && s->n)
		fault = MSG_DATETIME;
	if (!fault && (c->hour > 23 || c->min > 59 || c->sec > 59))
		fault = MSG_DATETIME_CLOCK;
	return fault;
}

/* To the process's zone; false outside the years of four digits. */
static bool
to_local(struct clock_civil *c, int seconds_east)
{
	int64_t days = clock_days_from_civil(c->year, c->month, c->day);
	int64_t s = days * 86400 + c->hour * 3600 + c->min * 60 + c->sec;

	return clock_local(s - seconds_east, c);
}

static int
add_clock(struct buf *out, const struct clock_civil *c, const char fraction[3])
{
	char text[] = "T00:00:00.000";

	put(text + 1, 2, c->hour);
	put(text + 4, 2, c->min);
	put(text + 7, 2, c->sec);
	if (fraction[0])
		memcpy(text + 10, fraction, 3);
	return buf_add(out, text, fraction[0] ? 13 : 9);
}

int
validate_datetime(const struct validate_field *field, struct slice s,
		  struct validate_scratch *scratch, struct buf *out,
		  struct validate_finding *ret)
{
	struct clock_civil c;
	struct clock_part part;

	(void)field;
	if (validate_form_narrow(s, &scratch->narrow, &s))
		return ERR_NOMEM;
	ret->fault = take_day(&s, MSG_DATETIME, &c);
	if (!ret->fault)
		ret->fault = take_clock(&s, &c, &part);
	if (!ret->fault && part.offset && !to_local(&c, part.seconds_east))
		ret->fault = MSG_DATETIME_RANGE;
	if (ret->fault)
		return 1;
	if (add_day(out, &c))
		return ERR_NOMEM;
	return add_clock(out, &c, part.fraction);
}
