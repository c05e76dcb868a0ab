/*
 * Types integer and number (SPEC 4): half-width digits, no plus, no leading
 * zeros, commas only in exact groups of three; what stands after the point
 * stays as written. Digits are never rounded and never guessed, so a number
 * is a text here from beginning to end.
 */
#include "validate/field.h"
#include "validate/form.h"

#define WRITTEN_OUT_MAX 100 /* digits of a number that had an exponent */
#define SENT_MAX 1000 /* characters of a number as sent: sums stay small */
#define EXPONENT_MAX INT64_C(1000000000000) /* beyond any cell's length */

/* A number in its parts, as found. */
struct number {
	bool minus;
	struct slice whole; /* digits and commas before the point */
	bool commas;
	bool point;
	struct slice frac; /* digits after it */
	bool exponent;
	int64_t power; /* of ten */
};

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static struct slice
take_digits(struct slice *s, bool commas)
{
	struct slice ret = {s->p, 0};

	while (ret.n < s->n &&
	       (is_digit(s->p[ret.n]) || (commas && s->p[ret.n] == ',')))
		ret.n++;
	s->p += ret.n;
	s->n -= ret.n;
	return ret;
}

/* Takes a sign off; true for a minus. */
static bool
take_sign(struct slice *s)
{
	bool minus;

	if (!s->n || (s->p[0] != '-' && s->p[0] != '+'))
		return false;
	minus = s->p[0] == '-';
	s->p++;
	s->n--;
	return minus;
}

/* 1 to 3 digits, then groups of a comma and exactly three. */
static bool
commas_fit(struct slice whole)
{
	size_t first = whole.n % 4;

	if (first == 0)
		return false;
	for (size_t i = 0; i < whole.n; i++) {
		bool comma = i >= first && (i - first) % 4 == 0;

		if ((whole.p[i] == ',') != comma)
			return false;
	}
	return true;
}

static bool
scan_exponent(struct slice *s, struct number *ret)
{
	bool minus;
	struct slice digits;

	if (!s->n || (s->p[0] != 'e' && s->p[0] != 'E'))
		return true;
	s->p++;
	s->n--;
	minus = take_sign(s);
	digits = take_digits(s, false);
	if (!digits.n)
		return false;
	for (size_t i = 0; i < digits.n && ret->power < EXPONENT_MAX; i++)
		ret->power = ret->power * 10 + (digits.p[i] - '0');
	if (minus)
		ret->power = -ret->power;
	ret->exponent = true;
	return true;
}

/* MSG_NONE, or what keeps it from being a number. */
static enum sentence
scan(struct slice s, struct number *ret)
{
	*ret = (struct number){0};
	if (s.n > SENT_MAX)
		return MSG_NUMBER_LONG;
	ret->minus = take_sign(&s);
	ret->whole = take_digits(&s, true);
	ret->commas = ret->whole.n && memchr(ret->whole.p, ',', ret->whole.n);
	if (s.n && s.p[0] == '.') {
		ret->point = true;
		s.p++;
		s.n--;
		ret->frac = take_digits(&s, true);
		if (ret->frac.n && memchr(ret->frac.p, ',', ret->frac.n))
			return MSG_NUMBER_COMMAS;
	}
	if (ret->whole.n + ret->frac.n == 0)
		return MSG_NUMBER;
	if (!scan_exponent(&s, ret))
		return MSG_NUMBER;
	if (s.n) {
		bool blank = s.p[0] == ' ' || s.p[0] == '\xc2';
		bool digit = is_digit(s.p[s.n - 1]);

		return blank && digit ? MSG_NUMBER_SPACE : MSG_NUMBER;
	}
	if (ret->commas && !commas_fit(ret->whole))
		return MSG_NUMBER_COMMAS;
	return MSG_NONE;
}

/* One digit before the point, and an exponent that moves it behind the last
 * digit shown: some were dropped. */
static bool
is_shortened(const struct number *n)
{
	return n->exponent && n->power > (int64_t)n->frac.n &&
	       n->power < 1000 && n->whole.n == 1 && n->whole.p[0] != '0';
}

bool
validate_number_is_shortened(struct slice s)
{
	struct number n;

	return scan(s, &n) == MSG_NONE && is_shortened(&n);
}

static bool
all_zeros(struct slice s)
{
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] != '0' && s.p[i] != ',')
			return false;
	}
	return true;
}

/* Sign, whole part without commas and leading zeros, fraction as written. */
static int
add_plain(const struct number *n, struct buf *out)
{
	bool minus = n->minus && !(all_zeros(n->whole) && all_zeros(n->frac));
	size_t start, i = 0;

	if (buf_reserve(out, n->whole.n + n->frac.n + 3))
		return ERR_NOMEM;
	if (minus)
		out->data[out->len++] = '-';
	start = out->len;
	while (i < n->whole.n && (n->whole.p[i] == '0' || n->whole.p[i] == ','))
		i++;
	for (; i < n->whole.n; i++) {
		if (n->whole.p[i] != ',')
			out->data[out->len++] = n->whole.p[i];
	}
	if (out->len == start)
		out->data[out->len++] = '0';
	if (n->frac.n) {
		out->data[out->len++] = '.';
		memcpy(out->data + out->len, n->frac.p, n->frac.n);
		out->len += n->frac.n;
	}
	return 0;
}

/* All digits in one run. */
static int
join_digits(const struct number *n, struct buf *ret)
{
	buf_clear(ret);
	if (buf_reserve(ret, n->whole.n + n->frac.n))
		return ERR_NOMEM;
	for (size_t i = 0; i < n->whole.n; i++) {
		if (n->whole.p[i] != ',')
			ret->data[ret->len++] = n->whole.p[i];
	}
	for (size_t i = 0; i < n->frac.n; i++)
		ret->data[ret->len++] = n->frac.p[i];
	return 0;
}

/*
 * A number with an exponent, written out. 'digits' are all its digits,
 * 'point' says before which of them the point falls (it may lie outside).
 */
static int
add_written_out(const struct number *n, struct slice digits, struct buf *out,
		struct validate_finding *ret)
{
	int64_t count = (int64_t)digits.n;
	int64_t point = count - (int64_t)n->frac.n + n->power;
	int64_t first = 0; /* the first that is not zero */
	int64_t whole, frac;

	while (first < count && digits.p[first] == '0')
		first++;
	whole = first == count || point <= first ? 1 : point - first;
	frac = point < count ? count - point : 0;
	if (whole > WRITTEN_OUT_MAX || frac > WRITTEN_OUT_MAX ||
	    whole + frac > WRITTEN_OUT_MAX) {
		ret->fault = MSG_NUMBER_LONG;
		return 1;
	}
	if (buf_reserve(out, (size_t)(whole + frac) + 2))
		return ERR_NOMEM;
	if (n->minus && first < count)
		out->data[out->len++] = '-';
	for (int64_t i = point - whole; i < point; i++)
		out->data[out->len++] =
			i >= first && i < count ? digits.p[i] : '0';
	if (frac)
		out->data[out->len++] = '.';
	for (int64_t i = point; i < count; i++)
		out->data[out->len++] = i >= 0 ? digits.p[i] : '0';
	return 0;
}

/* Whether the text is its own canonical form: digits without leading zero,
 * at most a minus before them that is not that of a zero. */
static bool
is_plain_integer(struct slice s)
{
	size_t i = s.n > 1 && s.p[0] == '-';

	if (!s.n || s.n > SENT_MAX || (s.p[i] == '0' && s.n > 1))
		return false;
	for (; i < s.n; i++) {
		if (!is_digit(s.p[i]))
			return false;
	}
	return true;
}

int
validate_integer(const struct validate_field *field, struct slice s,
		 struct validate_scratch *scratch, struct buf *out,
		 struct validate_finding *ret)
{
	struct number n;

	(void)field;
	if (is_plain_integer(s))
		return buf_addslice(out, s);
	if (validate_form_narrow(s, &scratch->narrow, &s))
		return ERR_NOMEM;
	ret->fault = scan(s, &n);
	if (ret->fault == MSG_NUMBER)
		ret->fault = MSG_INTEGER;
	if (ret->fault)
		return 1;
	if (n.exponent)
		ret->fault = is_shortened(&n) ? MSG_INTEGER_SPREADSHEET
					      : MSG_INTEGER;
	else if (n.point)
		ret->fault = MSG_INTEGER_POINT;
	if (ret->fault)
		return 1;
	return add_plain(&n, out);
}

int
validate_number(const struct validate_field *field, struct slice s,
		struct validate_scratch *scratch, struct buf *out,
		struct validate_finding *ret)
{
	struct number n;

	(void)field;
	if (is_plain_integer(s))
		return buf_addslice(out, s);
	if (validate_form_narrow(s, &scratch->narrow, &s))
		return ERR_NOMEM;
	ret->fault = scan(s, &n);
	if (ret->fault)
		return 1;
	if (!n.exponent)
		return add_plain(&n, out);
	if (join_digits(&n, &scratch->digits))
		return ERR_NOMEM;
	return add_written_out(&n, buf_slice(&scratch->digits), out, ret);
}

/* Order of the sizes of two canonical numbers without sign. */
static int
cmp_size(struct slice a, struct slice b)
{
	const char *pa = a.n ? memchr(a.p, '.', a.n) : NULL;
	const char *pb = b.n ? memchr(b.p, '.', b.n) : NULL;
	size_t wa = pa ? (size_t)(pa - a.p) : a.n;
	size_t wb = pb ? (size_t)(pb - b.p) : b.n;
	int c;

	if (wa != wb)
		return wa < wb ? -1 : 1;
	c = memcmp(a.p, b.p, wa);
	if (c)
		return c;
	for (size_t i = wa + 1; i < a.n || i < b.n; i++) {
		char da = i < a.n ? a.p[i] : '0';
		char db = i < b.n ? b.p[i] : '0';

		if (da != db)
			return da < db ? -1 : 1;
	}
	return 0;
}

int
validate_number_cmp(struct slice a, struct slice b)
{
	bool ma = take_sign(&a);
	bool mb = take_sign(&b);

	if (ma != mb)
		return ma ? -1 : 1;
	return ma ? cmp_size(b, a) : cmp_size(a, b);
}
