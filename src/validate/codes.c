/*
 * Types that are codes: uscc (GB 32100), org-code (GB 11714), id-number
 * (GB 11643), region. Codes are half-width, upper case, without inner spaces
 * (SPEC 4). A wrong check character is a warning unless the field is strict,
 * because real codes with wrong check characters exist.
 */
#include "base/clock.h"
#include "validate/field.h"
#include "validate/form.h"

#define CODE_MAX 24 /* more than the longest code has */

/* A code without blanks, line breaks among them, and in upper case; n is
 * CODE_MAX when it is longer than any code is. */
struct code {
	char text[CODE_MAX];
	size_t n;
};

static void
code_of(struct slice s, struct code *ret)
{
	ret->n = 0;
	for (size_t i = 0; i < s.n && ret->n < CODE_MAX; i++) {
		char c = s.p[i];

		if (c == ' ' || c == '\t' || c == '\r' || c == '\n')
			continue;
		if (c == '\xc2' && i + 1 < s.n && s.p[i + 1] == '\xa0') {
			i++;
			continue;
		}
		if (c >= 'a' && c <= 'z')
			c = (char)(c - 'a' + 'A');
		ret->text[ret->n++] = c;
	}
}

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool
is_capital(char c)
{
	return c >= 'A' && c <= 'Z';
}

static bool
all_digits(const char *p, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (!is_digit(p[i]))
			return false;
	}
	return true;
}

/* Refuses what has not the shape of a code: as a spreadsheet's doing if it
 * looks so. */
static int
refuse(struct slice narrow, enum sentence id, struct validate_finding *ret)
{
	ret->fault = validate_number_is_shortened(narrow) ? MSG_CODE_SPREADSHEET
							  : id;
	return 1;
}

/* Ends a code of right shape: canonical, with what its check says. */
static int
accept(const struct validate_field *field, const struct code *code,
       bool check_fits, enum sentence id, struct buf *out,
       struct validate_finding *ret)
{
	if (!check_fits) {
		if (code->n == 18 && all_digits(code->text, 18) &&
		    memcmp(code->text + 15, "000", 3) == 0)
			id = MSG_ROUNDED_CHECK;
		if (field->config->strict) {
			ret->fault = id;
			return 1;
		}
		ret->warning = id;
	}
	return buf_add(out, code->text, code->n);
}

/* The value of a character of GB 32100, which has no I, O, S, V and Z; -1 of
 * another. */
static int
uscc_value(char c)
{
	static const signed char capitals[] = {
		10, 11, 12, 13, 14, 15, 16, 17, -1, 18, 19, 20, 21,
		22, -1, 23, 24, 25, -1, 26, 27, -1, 28, 29, 30, -1,
	};

	if (is_digit(c))
		return c - '0';
	return is_capital(c) ? capitals[c - 'A'] : -1;
}

/* GB 32100: the weights are the powers of 3 modulo 31. */
static bool
uscc_check_fits(const char *p)
{
	int sum = 0, weight = 1;

	for (int i = 0; i < 17; i++) {
		sum += weight * uscc_value(p[i]);
		weight = weight * 3 % 31;
	}
	return (31 - sum % 31) % 31 == uscc_value(p[17]);
}

int
validate_uscc(const struct validate_field *field, struct slice s,
	      struct validate_scratch *scratch, struct buf *out,
	      struct validate_finding *ret)
{
	struct slice narrow;
	struct code code;
	bool letter = false;

	if (validate_form_narrow(s, &scratch->narrow, &narrow))
		return ERR_NOMEM;
	code_of(narrow, &code);
	if (code.n != 18 || !all_digits(code.text + 2, 6))
		return refuse(narrow, MSG_USCC, ret);
	for (size_t i = 0; i < code.n; i++) {
		if (uscc_value(code.text[i]) >= 0)
			continue;
		if (!is_capital(code.text[i]))
			return refuse(narrow, MSG_USCC, ret);
		letter = true;
	}
	if (letter)
		return refuse(narrow, MSG_USCC_LETTER, ret);
	return accept(field, &code, uscc_check_fits(code.text), MSG_USCC_CHECK,
		      out, ret);
}

/* GB 11714: 11 minus the weighted sum modulo 11; 10 is X, 11 is 0. */
static bool
org_code_check_fits(const char *p)
{
	static const int weights[] = {3, 7, 9, 10, 5, 8, 4, 2};
	int sum = 0;

	for (int i = 0; i < 8; i++) {
		int value = is_digit(p[i]) ? p[i] - '0' : p[i] - 'A' + 10;

		sum += weights[i] * value;
	}
	return "0X987654321"[sum % 11] == p[8];
}

int
validate_org_code(const struct validate_field *field, struct slice s,
		  struct validate_scratch *scratch, struct buf *out,
		  struct validate_finding *ret)
{
	struct slice narrow;
	struct code code;

	if (validate_form_narrow(s, &scratch->narrow, &narrow))
		return ERR_NOMEM;
	code_of(narrow, &code);
	/* the only place of the hyphen is before the check character */
	if (code.n == 10 && code.text[8] == '-')
		code.text[8] = code.text[--code.n];
	if (code.n != 9 || !(is_digit(code.text[8]) || code.text[8] == 'X'))
		return refuse(narrow, MSG_ORG_CODE, ret);
	for (int i = 0; i < 8; i++) {
		if (!is_digit(code.text[i]) && !is_capital(code.text[i]))
			return refuse(narrow, MSG_ORG_CODE, ret);
	}
	return accept(field, &code, org_code_check_fits(code.text),
		      MSG_ORG_CODE_CHECK, out, ret);
}

/* GB 11643: the weights are the powers of 2 modulo 11, from the right. */
static bool
id_number_check_fits(const char *p)
{
	static const int weights[] = {7, 9, 10, 5,  8, 4, 2, 1, 6,
				      3, 7, 9,	10, 5, 8, 4, 2};
	int sum = 0;

	for (int i = 0; i < 17; i++)
		sum += weights[i] * (p[i] - '0');
	return "10X98765432"[sum % 11] == p[17];
}

/* Whether digits 7 to 14 are a day of the years 1800 to 2099: nobody who has
 * a number was born before, and there is no clock here to ask for today. */
static bool
birth_is_possible(const char *p)
{
	int year = 0, month, day;

	for (int i = 6; i < 10; i++)
		year = year * 10 + (p[i] - '0');
	month = (p[10] - '0') * 10 + (p[11] - '0');
	day = (p[12] - '0') * 10 + (p[13] - '0');
	return year >= 1800 && year < 2100 && month >= 1 && month <= 12 &&
	       day >= 1 && day <= clock_days_in_month(year, month);
}

int
validate_id_number(const struct validate_field *field, struct slice s,
		   struct validate_scratch *scratch, struct buf *out,
		   struct validate_finding *ret)
{
	struct slice narrow;
	struct code code;

	if (validate_form_narrow(s, &scratch->narrow, &narrow))
		return ERR_NOMEM;
	code_of(narrow, &code);
	if (code.n == 15 && all_digits(code.text, 15))
		return refuse(narrow, MSG_ID_NUMBER_15, ret);
	if (code.n != 18 || !all_digits(code.text, 17) ||
	    !(is_digit(code.text[17]) || code.text[17] == 'X'))
		return refuse(narrow, MSG_ID_NUMBER, ret);
	if (!birth_is_possible(code.text))
		return refuse(narrow, MSG_ID_NUMBER_BIRTH, ret);
	return accept(field, &code, id_number_check_fits(code.text),
		      MSG_ID_NUMBER_CHECK, out, ret);
}

int
validate_region(const struct validate_field *field, struct slice s,
		struct validate_scratch *scratch, struct buf *out,
		struct validate_finding *ret)
{
	struct slice narrow;
	struct code code;

	if (validate_form_narrow(s, &scratch->narrow, &narrow))
		return ERR_NOMEM;
	code_of(narrow, &code);
	if ((code.n != 6 && code.n != 9 && code.n != 12) ||
	    !all_digits(code.text, code.n))
		return refuse(narrow, MSG_REGION, ret);
	return accept(field, &code, true, MSG_NONE, out, ret);
}
