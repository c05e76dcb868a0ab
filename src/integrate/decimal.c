/*
 * Exact sums and the order of canonical integers and numbers of any length
 * (SPEC 4, 8). Sums are kept as sign and magnitude, one decimal digit a byte,
 * least significant first: values are short, and what was written in decimal
 * is added in decimal, so nothing is rounded.
 */
#include "integrate/integrate.h"

/* A value taken apart; points into it. */
struct parts {
	struct slice whole; /* without leading zeros */
	struct slice fraction;
	bool negative;
};

static bool
all_digits(struct slice s)
{
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] < '0' || s.p[i] > '9')
			return false;
	}
	return true;
}

static bool
parts_of(struct slice value, struct parts *ret)
{
	const char *point;

	ret->negative = value.n && value.p[0] == '-';
	if (ret->negative)
		value = (struct slice){value.p + 1, value.n - 1};
	point = value.n ? memchr(value.p, '.', value.n) : NULL;
	ret->whole = value;
	ret->fraction = SLICE("");
	if (point) {
		ret->whole.n = (size_t)(point - value.p);
		ret->fraction.p = point + 1;
		ret->fraction.n = value.n - ret->whole.n - 1;
	}
	if (!all_digits(ret->whole) || !all_digits(ret->fraction))
		return false;
	while (ret->whole.n && ret->whole.p[0] == '0') {
		ret->whole.p++;
		ret->whole.n--;
	}
	return true;
}

void
integrate_decimal_release(struct integrate_decimal *d)
{
	buf_release(&d->digits);
	*d = (struct integrate_decimal){0};
}

void
integrate_decimal_clear(struct integrate_decimal *d)
{
	buf_clear(&d->digits);
	d->scale = 0;
	d->negative = false;
	d->any = false;
}

/* Makes room for 'scale' digits after the point and 'whole' before it. */
static int
widen(struct integrate_decimal *d, size_t scale, size_t whole)
{
	size_t low = 0, len;
	struct buf *digits = &d->digits;

	if (scale > (size_t)d->scale)
		low = scale - (size_t)d->scale;
	else
		scale = (size_t)d->scale;
	len = digits->len + low;
	if (len < scale + whole)
		len = scale + whole;
	if (buf_reserve(digits, len - digits->len + 1)) /* 1: a carry */
		return ERR_NOMEM;
	if (low && digits->len)
		memmove(digits->data + low, digits->data, digits->len);
	memset(digits->data, 0, low);
	memset(digits->data + digits->len + low, 0, len - digits->len - low);
	digits->len = len;
	d->scale = (int)scale;
	return 0;
}

/* Digit 'i' of the value, counted from its end and past its point. */
static int
digit_at(const struct parts *v, size_t i)
{
	if (i < v->fraction.n)
		return v->fraction.p[v->fraction.n - 1 - i] - '0';
	i -= v->fraction.n;
	return i < v->whole.n ? v->whole.p[v->whole.n - 1 - i] - '0' : 0;
}

/* There is room for the carry: see widen(). */
static void
add_magnitude(struct integrate_decimal *d, const struct parts *v, size_t from)
{
	size_t n = v->whole.n + v->fraction.n;
	int carry = 0;

	for (size_t i = 0; from + i < d->digits.len; i++) {
		int sum;

		if (i >= n && !carry)
			return;
		sum = d->digits.data[from + i] + digit_at(v, i) + carry;
		carry = sum > 9;
		d->digits.data[from + i] = (char)(carry ? sum - 10 : sum);
	}
	if (carry)
		d->digits.data[d->digits.len++] = 1;
}

/* Below zero the digits are the ten's complement: turn them and the sign. */
static void
sub_magnitude(struct integrate_decimal *d, const struct parts *v, size_t from)
{
	size_t n = v->whole.n + v->fraction.n;
	int borrow = 0;

	for (size_t i = 0; from + i < d->digits.len; i++) {
		int diff;

		if (i >= n && !borrow)
			return;
		diff = d->digits.data[from + i] - digit_at(v, i) - borrow;
		borrow = diff < 0;
		d->digits.data[from + i] = (char)(borrow ? diff + 10 : diff);
	}
	if (!borrow)
		return;
	d->negative = !d->negative;
	for (size_t i = 0, carry = 1; i < d->digits.len; i++) {
		int turned = 9 - d->digits.data[i] + (int)carry;

		carry = turned > 9;
		d->digits.data[i] = (char)(carry ? 0 : turned);
	}
}

static int
too_long(struct error *err)
{
	return error_set(err, ERR_LIMIT,
			 "a sum has more than %d digits; check its operands "
			 "for a value that is no amount",
			 INTEGRATE_DECIMAL_MAX);
}

int
integrate_decimal_add(struct integrate_decimal *d, struct slice value,
		      struct error *err)
{
	struct parts v;
	size_t from;

	if (value.n == 0)
		return 0;
	if (!parts_of(value, &v))
		return error_set(err, ERR_INVALID,
				 "'%.*s' is no number and cannot be summed",
				 (int)(value.n < 40 ? value.n : 40), value.p);
	if (v.whole.n + v.fraction.n > INTEGRATE_DECIMAL_MAX)
		return too_long(err);
	if (widen(d, v.fraction.n, v.whole.n))
		return error_nomem(err);
	from = (size_t)d->scale - v.fraction.n;
	if (v.negative == d->negative)
		add_magnitude(d, &v, from);
	else
		sub_magnitude(d, &v, from);
	d->any = true;
	return d->digits.len > INTEGRATE_DECIMAL_MAX ? too_long(err) : 0;
}

int
integrate_decimal_text(const struct integrate_decimal *d, struct buf *out)
{
	size_t scale = (size_t)d->scale, top = d->digits.len;
	const char *digits = d->digits.data;

	if (!d->any)
		return 0;
	while (top && digits[top - 1] == 0)
		top--;
	/* sign, a zero before the point, the point */
	if (buf_reserve(out, d->digits.len + 3))
		return ERR_NOMEM;
	if (d->negative && top)
		out->data[out->len++] = '-';
	if (top <= scale)
		out->data[out->len++] = '0';
	for (size_t i = top > scale ? top : scale; i-- > 0;) {
		if (i + 1 == scale)
			out->data[out->len++] = '.';
		out->data[out->len++] = (char)('0' + digits[i]);
	}
	return 0;
}

static int
cmp_magnitude(const struct parts *a, const struct parts *b)
{
	int c;

	if (a->whole.n != b->whole.n)
		return a->whole.n < b->whole.n ? -1 : 1;
	c = slice_cmp(a->whole, b->whole);
	return c ? c : slice_cmp(a->fraction, b->fraction);
}

/* Zeros at the end of a fraction, and the sign of a zero, count for nothing. */
static void
parts_reduce(struct parts *v)
{
	while (v->fraction.n && v->fraction.p[v->fraction.n - 1] == '0')
		v->fraction.n--;
	if (v->whole.n + v->fraction.n == 0)
		v->negative = false;
}

int
integrate_decimal_cmp(struct slice a, struct slice b)
{
	struct parts x, y;

	if (!parts_of(a, &x) || !parts_of(b, &y))
		return slice_cmp(a, b);
	parts_reduce(&x);
	parts_reduce(&y);
	if (x.negative != y.negative)
		return x.negative ? -1 : 1;
	return x.negative ? cmp_magnitude(&y, &x) : cmp_magnitude(&x, &y);
}
