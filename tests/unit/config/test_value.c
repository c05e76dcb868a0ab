/* Values, ids, canonical constants and nearest names. Fails if a value is
 * rounded or guessed, an id that cannot be a folder is taken, or a constant
 * is not canonical. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "config/canon.h"
#include "config/value.h"

static void
test_durations(void **state)
{
	int64_t v = -7;

	(void)state;
	assert_true(config_value_duration("500ms", &v) && v == 500);
	assert_true(config_value_duration("2s", &v) && v == 2000);
	assert_true(config_value_duration("12h", &v) && v == 12 * 3600000);
	assert_true(config_value_duration("30d", &v) && v == 30 * 86400000LL);
	assert_true(config_value_duration("5y", &v) &&
		    v == 5 * 365 * 86400000LL);
	v = -7;
	assert_false(config_value_duration("5", &v));
	assert_false(config_value_duration("5 d", &v));
	assert_false(config_value_duration("1.5d", &v));
	assert_false(config_value_duration("-5d", &v));
	assert_false(config_value_duration("5D", &v));
	assert_false(config_value_duration("", &v));
	assert_false(config_value_duration("9223372036854775807d", &v));
	assert_false(config_value_duration("99999999999999999999s", &v));
	assert_int_equal(v, -7);
}

static void
test_amounts(void **state)
{
	int64_t v = -7;

	(void)state;
	assert_true(config_value_size("20G", &v) && v == 20LL << 30);
	assert_true(config_value_size("500M", &v) && v == 500LL << 20);
	assert_true(config_value_size("0", &v) && v == 0);
	assert_true(config_value_share("2%", &v) && v == 20000);
	assert_true(config_value_share("0.5%", &v) && v == 5000);
	assert_true(config_value_share("100%", &v) && v == 1000000);
	assert_true(config_value_share("0.0001%", &v) && v == 1);
	assert_true(config_value_share("1.50000%", &v) && v == 15000);
	assert_true(config_value_count("20", &v) && v == 20);
	v = -7;
	assert_false(config_value_size("20g", &v));
	assert_false(config_value_size("8388608T", &v));
	assert_false(config_value_share("2", &v));
	assert_false(config_value_share("0.00001%", &v));
	assert_false(config_value_share("101%", &v));
	assert_false(config_value_share("1.%", &v));
	assert_false(config_value_share(".5%", &v));
	assert_false(config_value_share("2% ", &v));
	assert_false(config_value_count("-1", &v));
	assert_false(config_value_count("1 ", &v));
	assert_int_equal(v, -7);
}

static void
test_shown(void **state)
{
	char text[CONFIG_VALUE_SHOWN];

	(void)state;
	assert_string_equal(config_value_show(OPTION_MS, 500, text), "500ms");
	assert_string_equal(config_value_show(OPTION_MS, 60000, text), "1m");
	assert_string_equal(config_value_show(OPTION_SECONDS, 86400, text),
			    "1d");
	assert_string_equal(config_value_show(OPTION_SIZE, 1 << 30, text),
			    "1G");
	assert_string_equal(config_value_show(OPTION_SHARE, 25000, text),
			    "2.5%");
	assert_string_equal(config_value_show(OPTION_COUNT, 7, text), "7");
}

static void
test_rooms(void **state)
{
	struct config_room r = {.bytes = 7};
	char text[CONFIG_ROOM_SHOWN];

	(void)state;
	assert_false(config_value_room("2.5", &r));
	assert_false(config_value_room("", &r));
	assert_false(config_value_room("5GB", &r));
	assert_int_equal(r.bytes, 7);
	assert_true(config_value_room("2.5%", &r));
	assert_int_equal(r.bytes, 0);
	assert_int_equal(config_room_bytes(&r, 1000), 25);
	assert_string_equal(config_room_show(&r, text), "2.5%");
	assert_true(config_value_room("20G", &r));
	assert_int_equal(r.share, 0);
	assert_int_equal(config_room_bytes(&r, 1000), INT64_C(20) << 30);
	assert_string_equal(config_room_show(&r, text), "20G");
	assert_true(config_value_room("0", &r));
	assert_int_equal(config_room_bytes(&r, 1000), 0);
}

static void
test_days(void **state)
{
	(void)state;
	assert_true(config_value_day("2012-02-29"));
	assert_false(config_value_day("2013-02-29"));
	assert_false(config_value_day("2012-2-9"));
	assert_false(config_value_day("2012/02/09"));
	assert_false(config_value_day("0000-01-01"));
	assert_false(config_value_day("2012-13-01"));
	assert_false(config_value_day("2012-01-00"));
}

static void
test_code_formats(void **state)
{
	(void)state;
	assert_true(config_value_code_format("{classification}/{number:06}"));
	assert_true(config_value_code_format("DG-{department}-{number}"));
	assert_false(config_value_code_format("{classification}"));
	assert_false(config_value_code_format("{number}{number}"));
	assert_false(config_value_code_format("{nummer}"));
	assert_false(config_value_code_format("{number:6}"));
	assert_false(config_value_code_format("{number"));
	assert_false(config_value_code_format("}{number}"));
}

static void
test_ids(void **state)
{
	static const char *const good[] = {
		"a",	  "aic",     "le_heading_degT",
		"企业",	  "2012-11", "二〇一二",
		"Straße", "é",	     "abcdefghijabcdefghijabcdefghijabcdefghij",
		"change"};
	static const char *const bad[] = {
		"",	     "-a",
		"_row",	     "a.b",
		"a/b",	     "a b",
		"..",	     "a:b",
		"a\n",	     "Inbox",
		"audit",     "收件箱",
		"①",	     "a　b",
		"e\xcc\x81", "\xff",
		"secrecy",   "abcdefghijabcdefghijabcdefghijabcdefghijk"};
	struct error err = ERROR_INIT;

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++)
		assert_int_equal(config_check_id(good[i], &err), 0);
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		assert_int_equal(config_check_id(bad[i], &err), ERR_INVALID);
		assert_string_not_equal(err.text, "");
	}
	/* a column is no folder, but the tree's own names stay its own */
	assert_int_equal(config_check_column("supervisor", &err), 0);
	assert_int_equal(config_check_column("版本", &err), 0);
	assert_int_equal(config_check_column("versions", &err), ERR_INVALID);
	assert_int_equal(config_check_column("a b", &err), ERR_INVALID);
}

/* "" stands for a refusal. */
static void
canon(struct config_arena *arena, enum config_type type, const char *text,
      const char *expected)
{
	const char *value = config_canon(arena, type, text);

	assert_string_equal(value ? value : "", expected);
}

static void
test_canonical(void **state)
{
	struct config_arena a = {0};

	(void)state;
	canon(&a, CONFIG_INTEGER, "+007", "7");
	canon(&a, CONFIG_INTEGER, "-0", "0");
	canon(&a, CONFIG_INTEGER, "-12", "-12");
	canon(&a, CONFIG_INTEGER, "1.0", "");
	canon(&a, CONFIG_INTEGER, "1e3", "");
	canon(&a, CONFIG_INTEGER, "-", "");
	canon(&a, CONFIG_NUMBER, "122.90", "122.90");
	canon(&a, CONFIG_NUMBER, ".5", "0.5");
	canon(&a, CONFIG_NUMBER, "5.", "5");
	canon(&a, CONFIG_NUMBER, "-0.00", "0.00");
	canon(&a, CONFIG_NUMBER, "-00.10", "-0.10");
	canon(&a, CONFIG_NUMBER, ".", "");
	canon(&a, CONFIG_BOOLEAN, "是", "true");
	canon(&a, CONFIG_BOOLEAN, "maybe", "");
	canon(&a, CONFIG_DATE, "2012-11-15", "2012-11-15");
	canon(&a, CONFIG_DATE, "2012/11/15", "");
	canon(&a, CONFIG_DATETIME, "2012-11-15T08:30:00",
	      "2012-11-15T08:30:00");
	canon(&a, CONFIG_DATETIME, "2012-11-15T08:30:00.125",
	      "2012-11-15T08:30:00.125");
	canon(&a, CONFIG_DATETIME, "2012-11-15", "");
	canon(&a, CONFIG_DATETIME, "2012-11-15T8:30:00", "");
	canon(&a, CONFIG_DATETIME, "2012-11-15T08:60:00", "");
	canon(&a, CONFIG_DATETIME, "2012-11-15T08:30:00.", "");
	canon(&a, CONFIG_USCC, "91441900ma4uq3cg7x", "91441900MA4UQ3CG7X");
	canon(&a, CONFIG_USCC, "91441900", "");
	canon(&a, CONFIG_ORG_CODE, "1234567-8x", "12345678X");
	canon(&a, CONFIG_ID_NUMBER, "11010519491231002x", "11010519491231002X");
	canon(&a, CONFIG_REGION, "441900", "441900");
	canon(&a, CONFIG_REGION, "4419", "");
	canon(&a, CONFIG_STRING, "x", "x");
	config_arena_release(&a);
}

static void
test_order(void **state)
{
	static const char *const up[] = {"-12", "-2.50", "-2.5", "0",	 "0.05",
					 "0.5", "2",	 "10",	 "10.01"};

	(void)state;
	for (size_t i = 0; i + 1 < sizeof(up) / sizeof(*up); i++) {
		int c = config_canon_cmp(CONFIG_NUMBER, up[i], up[i + 1]);

		assert_true(i == 1 ? c == 0 : c < 0);
		assert_true(i == 1 || config_canon_cmp(CONFIG_NUMBER, up[i + 1],
						       up[i]) > 0);
	}
	assert_true(config_canon_cmp(CONFIG_DATE, "2012-02-01", "2012-10-01") <
		    0);
}

static void
test_nearest(void **state)
{
	struct config_near near = CONFIG_NEAR_INIT("tilte");

	(void)state;
	assert_int_equal(config_distance("settle", "settel"), 1);
	assert_int_equal(config_distance("Title", "title"), 0);
	assert_int_equal(config_distance("", "abc"), 3);
	assert_int_equal(config_distance("kitten", "sitting"), 3);
	config_near_offer(&near, "settle");
	config_near_offer(&near, "title");
	config_near_offer(&near, "state");
	assert_string_equal(near.name, "title");
}

/* Every row of the table can be parsed into something and has its texts. */
static void
test_table(void **state)
{
	size_t n, ns;
	const struct option *options = config_options(&n);
	const struct option_section *sections = config_option_sections(&ns);

	(void)state;
	for (size_t i = 0; i < n; i++) {
		const struct option *o = &options[i];

		assert_non_null(config_option_section(o->section));
		assert_non_null(o->preset);
		assert_true(strlen(o->sentence) > 8);
		assert_non_null(config_option_form(o->type));
		assert_true(!o->words == (o->type != OPTION_CHOICE &&
					  o->type != OPTION_WORD &&
					  o->type != OPTION_SWITCH));
		for (size_t k = 0; k < i; k++)
			assert_false(strcmp(o->key, options[k].key) == 0 &&
				     strcmp(o->section, options[k].section) ==
					     0);
	}
	for (size_t i = 0; i < ns; i++)
		assert_true(strlen(sections[i].sentence) > 8);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_durations),
		cmocka_unit_test(test_amounts),
		cmocka_unit_test(test_shown),
		cmocka_unit_test(test_rooms),
		cmocka_unit_test(test_days),
		cmocka_unit_test(test_code_formats),
		cmocka_unit_test(test_ids),
		cmocka_unit_test(test_canonical),
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_nearest),
		cmocka_unit_test(test_table),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
