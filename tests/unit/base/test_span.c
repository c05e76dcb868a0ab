/* Names of files of changes. Fails if a name that says no versions is taken
 * for one that does, or the other way round. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/span.h"

static void
good_names(void **state)
{
	static const struct {
		const char *name;
		int64_t from, to;
	} names[] = {
		{"1.csv", 0, 1},
		{"0..1.csv", 0, 1},
		{"007", 6, 7},
		{"12.csv.gz", 11, 12},
		{"3..9.csv.fix.csv", 3, 9},
		{"999999999999999999.csv", 999999999999999998,
		 999999999999999999},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		struct span s = {-1, -1};

		assert_true(span_parse(names[i].name, &s));
		assert_int_equal(s.from, names[i].from);
		assert_int_equal(s.to, names[i].to);
	}
}

static void
other_names(void **state)
{
	static const char *const names[] = {
		"",	     "0.csv",
		"june.csv",  "-1.csv",
		"1x.csv",    "..2.csv",
		"1..",	     "2..2.csv",
		"3..2.csv",  "1 (2).csv",
		"1...2.csv", "1..2..3.csv",
		"1..-2.csv", "1000000000000000000.csv",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		struct span s = {-1, -1};

		if (span_parse(names[i], &s))
			fail_msg("'%s' is none", names[i]);
		assert_int_equal(s.from, -1);
	}
}

static void
names_of_spans(void **state)
{
	char name[SPAN_NAME];

	(void)state;
	span_name(&(struct span){4, 5}, name);
	assert_string_equal(name, "5.csv");
	span_name(&(struct span){4, 6}, name);
	assert_string_equal(name, "4..6.csv");
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(good_names),
		cmocka_unit_test(other_names),
		cmocka_unit_test(names_of_spans),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
