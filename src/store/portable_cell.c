/* Cells as numbers, names as SQL: see portable_cell.h. */
#include "store/portable_cell.h"

#include <errno.h>
#include <float.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Digits between the first and the last that is not 0. */
static int
significant(struct slice cell)
{
	int digits = 0, upto = 0;

	for (size_t i = 0; i < cell.n; i++) {
		if (!is_digit(cell.p[i]))
			continue;
		digits += digits || cell.p[i] != '0';
		if (cell.p[i] != '0')
			upto = digits;
	}
	return upto;
}

/* All of the text is a number, of any size. */
static bool
read_real(const char *text, double *ret)
{
	char *end;

	*ret = strtod(text, &end);
	if (isinf(*ret))
		*ret = copysign(DBL_MAX, *ret);
	return end != text && !*end;
}

/* DBL_DIG digits survive the way to a double and back, unless it is so large,
 * or so close to 0, that it is another number. */
static bool
is_told_again(struct slice cell, double real)
{
	return significant(cell) <= DBL_DIG && fabs(real) < DBL_MAX &&
	       (fabs(real) >= DBL_MIN || !significant(cell));
}

static void
set_real(const char *text, struct slice cell, struct store_portable_value *ret)
{
	if (!read_real(text, &ret->real))
		return;
	ret->kind = is_told_again(cell, ret->real) ? STORE_PORTABLE_DOUBLE
						   : STORE_PORTABLE_NEAREST;
}

static void
set_integer(const char *text, struct slice cell,
	    struct store_portable_value *ret)
{
	char *end;

	errno = 0;
	ret->whole = strtoimax(text, &end, 10);
	if (end == text || *end)
		return;
	ret->kind = STORE_PORTABLE_WHOLE;
	if (errno != ERANGE)
		return;
	set_real(text, cell, ret);
	ret->kind = STORE_PORTABLE_NEAREST;
}

static void
set_boolean(struct slice cell, struct store_portable_value *ret)
{
	ret->whole = slice_is(cell, "true");
	if (ret->whole || slice_is(cell, "false"))
		ret->kind = STORE_PORTABLE_WHOLE;
}

int
store_portable_value(enum store_portable_type type, struct slice cell,
		     struct buf *room, struct store_portable_value *ret)
{
	*ret = (struct store_portable_value){.kind = STORE_PORTABLE_AS_IT_IS};
	if (!cell.n)
		ret->kind = STORE_PORTABLE_NULL;
	if (!cell.n || type == STORE_PORTABLE_TEXT)
		return 0;
	if (type == STORE_PORTABLE_BOOLEAN) {
		set_boolean(cell, ret);
		return 0;
	}
	buf_clear(room);
	if (buf_addslice(room, cell) || !buf_str(room))
		return ERR_NOMEM;
	if (type == STORE_PORTABLE_INTEGER)
		set_integer(room->data, cell, ret);
	else
		set_real(room->data, cell, ret);
	return 0;
}

int
store_portable_name(const char *name, struct buf *out)
{
	int rc = buf_addc(out, '"');

	for (; !rc && *name; name++) {
		if (*name == '"')
			rc = buf_addc(out, '"');
		if (!rc)
			rc = buf_addc(out, *name);
	}
	return rc ? rc : buf_addc(out, '"');
}
