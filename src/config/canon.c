/* Canonical constants of descriptors: see canon.h. */
#include "config/canon.h"

#include "config/value.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

static size_t
count_digits(const char *p)
{
	size_t n = 0;

	while (isdigit((unsigned char)p[n]))
		n++;
	return n;
}

/* [+-]DIGITS, and for numbers [.DIGITS]; no plus, no leading zeros, no minus
 * before zero. */
static const char *
canon_number(struct config_arena *arena, const char *text, bool fraction)
{
	bool minus = *text == '-';
	const char *whole, *part = "";
	size_t nwhole, npart = 0;

	text += *text == '-' || *text == '+';
	whole = text;
	nwhole = count_digits(whole);
	text += nwhole;
	if (fraction && *text == '.') {
		part = text + 1;
		npart = count_digits(part);
		text = part + npart;
	}
	if (*text || nwhole + npart == 0)
		return NULL;
	while (nwhole && *whole == '0') {
		whole++;
		nwhole--;
	}
	if (nwhole == 0 && strspn(part, "0") >= npart)
		minus = false;
	return config_arena_printf(arena, "%s%.*s%s%.*s", minus ? "-" : "",
				   nwhole ? (int)nwhole : 1,
				   nwhole ? whole : "0", npart ? "." : "",
				   (int)npart, part);
}

static const char *
canon_integer(struct config_arena *arena, const char *text)
{
	return canon_number(arena, text, false);
}

static const char *
canon_decimal(struct config_arena *arena, const char *text)
{
	return canon_number(arena, text, true);
}

static const char *
canon_boolean(struct config_arena *arena, const char *text)
{
	static const char *const words[][2] = {
		{"true", "true"}, {"false", "false"}, {"是", "true"},
		{"否", "false"},  {"1", "true"},      {"0", "false"},
		{"yes", "true"},  {"no", "false"},    {"Y", "true"},
		{"N", "false"}};

	(void)arena;
	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
		if (strcmp(words[i][0], text) == 0)
			return words[i][1];
	}
	return NULL;
}

static const char *
canon_date(struct config_arena *arena, const char *text)
{
	(void)arena;
	return config_value_day(text) ? text : NULL;
}

/* YYYY-MM-DDThh:mm:ss[.fff] */
static const char *
canon_datetime(struct config_arena *arena, const char *text)
{
	char day[11];
	int hour, minute, second, used = 0;
	size_t n;

	(void)arena;
	snprintf(day, sizeof(day), "%s", text);
	if (!config_value_day(day) || text[10] != 'T')
		return NULL;
	if (sscanf(text + 11, "%2d:%2d:%2d%n", &hour, &minute, &second,
		   &used) != 3 ||
	    used != 8 || strspn(text + 11, "0123456789:") != 8 || hour > 23 ||
	    minute > 59 || second > 59)
		return NULL;
	text += 19;
	if (*text == '\0')
		return text - 19;
	n = *text == '.' ? count_digits(text + 1) : 0;
	return n && text[n + 1] == '\0' ? text - 19 : NULL;
}

struct code {
	size_t lengths[3]; /* those allowed; 0 none */
	const char *letters;
	bool hyphens; /* may be written, are not stored */
};

static const char *
canon_code(struct config_arena *arena, const char *text,
	   const struct code *rule)
{
	char code[32];
	size_t n = 0;

	for (; *text; text++) {
		char c = (char)toupper((unsigned char)*text);

		if (rule->hyphens && c == '-')
			continue;
		if (n == sizeof(code) ||
		    (!isdigit((unsigned char)c) && !strchr(rule->letters, c)))
			return NULL;
		code[n++] = c;
	}
	for (size_t i = 0; i < 3; i++) {
		if (n && n == rule->lengths[i])
			return config_arena_text(arena,
						 (struct slice){code, n});
	}
	return NULL;
}

#define LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZ"

static const char *
canon_uscc(struct config_arena *arena, const char *text)
{
	static const struct code rule = {{18}, LETTERS, false};

	return canon_code(arena, text, &rule);
}

static const char *
canon_org_code(struct config_arena *arena, const char *text)
{
	static const struct code rule = {{9}, LETTERS, true};

	return canon_code(arena, text, &rule);
}

static const char *
canon_id_number(struct config_arena *arena, const char *text)
{
	static const struct code rule = {{18}, "X", false};

	return canon_code(arena, text, &rule);
}

static const char *
canon_region(struct config_arena *arena, const char *text)
{
	static const struct code rule = {{6, 9, 12}, "", false};

	return canon_code(arena, text, &rule);
}

static const char *
canon_string(struct config_arena *arena, const char *text)
{
	(void)arena;
	return text;
}

static const struct {
	const char *(*canon)(struct config_arena *arena, const char *text);
	const char *form;
	bool ordered;
} types[] = {
	[CONFIG_STRING] = {canon_string, "a text", false},
	[CONFIG_INTEGER] = {canon_integer, "an integer such as -12", true},
	[CONFIG_NUMBER] = {canon_decimal, "a number such as 3.50", true},
	[CONFIG_BOOLEAN] = {canon_boolean, "true or false", false},
	[CONFIG_DATE] = {canon_date, "a date such as 2012-11-15", true},
	[CONFIG_DATETIME] = {canon_datetime,
			     "a time such as 2012-11-15T08:30:00", true},
	[CONFIG_USCC] = {canon_uscc, "a code of 18 letters and digits", false},
	[CONFIG_ORG_CODE] = {canon_org_code, "a code of 9 letters and digits",
			     false},
	[CONFIG_ID_NUMBER] = {canon_id_number, "an id number of 18 characters",
			      false},
	[CONFIG_REGION] = {canon_region, "a code of 6, 9 or 12 digits", false},
};

const char *
config_canon(struct config_arena *arena, enum config_type type,
	     const char *text)
{
	return types[type].canon(arena, text);
}

const char *
config_canon_form(enum config_type type)
{
	return types[type].form;
}

bool
config_canon_is_ordered(enum config_type type)
{
	return types[type].ordered;
}

/* Two canonical numbers without their signs. */
static int
cmp_magnitude(const char *a, const char *b)
{
	size_t na = count_digits(a), nb = count_digits(b);
	int c;

	if (na != nb)
		return na < nb ? -1 : 1;
	c = strncmp(a, b, na);
	if (c)
		return c;
	a += na + (a[na] == '.');
	b += nb + (b[nb] == '.');
	for (; *a || *b; a += *a != '\0', b += *b != '\0') {
		int x = *a ? *a : '0', y = *b ? *b : '0';

		if (x != y)
			return x < y ? -1 : 1;
	}
	return 0;
}

int
config_canon_cmp(enum config_type type, const char *a, const char *b)
{
	bool less_a = *a == '-', less_b = *b == '-';

	if (type != CONFIG_INTEGER && type != CONFIG_NUMBER)
		return strcmp(a, b);
	if (less_a != less_b)
		return less_a ? -1 : 1;
	return less_a ? cmp_magnitude(b + 1, a + 1) : cmp_magnitude(a, b);
}
