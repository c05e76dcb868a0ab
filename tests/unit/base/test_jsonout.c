/* JSON text, compact and pretty. Fails if a comma, a blank, a level or an
 * escape is wrong, or if a failure is forgotten. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/jsonout.h"
#include "base/scope.h"
#include "base/text.h"

static void
write_sample(struct jsonout *j)
{
	jsonout_object(j);
	jsonout_pair(j, "a", "中\"");
	jsonout_key(j, "b");
	jsonout_array(j);
	jsonout_integer(j, -7);
	jsonout_raw(j, SLICE("122.90"));
	jsonout_array(j);
	jsonout_end(j);
	jsonout_object(j);
	jsonout_end(j);
	jsonout_end(j);
	jsonout_key(j, "c");
	jsonout_raw(j, SLICE("null"));
}

static void
test_compact(void **state)
{
	scope_buf out = BUF_INIT;
	struct jsonout j = jsonout_begin(&out, false);

	(void)state;
	write_sample(&j);
	assert_int_equal(jsonout_end_text(&j), 0);
	assert_string_equal(
		buf_str(&out),
		"{\"a\":\"中\\\"\",\"b\":[-7,122.90,[],{}],\"c\":null}");
}

static void
test_pretty(void **state)
{
	scope_buf out = BUF_INIT;
	struct jsonout j = jsonout_begin(&out, true);

	(void)state;
	write_sample(&j);
	assert_int_equal(jsonout_end_text(&j), 0);
	assert_string_equal(buf_str(&out), "{\n"
					   "  \"a\": \"中\\\"\",\n"
					   "  \"b\": [\n"
					   "    -7,\n"
					   "    122.90,\n"
					   "    [],\n"
					   "    {}\n"
					   "  ],\n"
					   "  \"c\": null\n"
					   "}");
}

static void
test_escapes(void **state)
{
	const struct slice text = SLICE("\b\t\n\v\f\r\x1f\"\\/\x7f\xc2\x85"
					"中💡");
	scope_buf out = BUF_INIT;

	(void)state;
	assert_int_equal(text_json_string(&out, text), 0);
	assert_int_equal(text_json_length(text), out.len);
	for (size_t i = 0; i < text.n; i++) {
		char one[] = "twenty-one bytes long";
		const struct slice all = {one, sizeof(one) - 1};
		scope_buf alone = BUF_INIT;

		one[i % all.n] = text.p[i];
		assert_int_equal(text_json_string(&alone, all), 0);
		assert_int_equal(text_json_length(all), alone.len);
	}
	assert_string_equal(
		buf_str(&out),
		"\"\\b\\t\\n\\u000b\\f\\r\\u001f\\\"\\\\/\x7f\xc2\x85"
		"中💡\"");
}

static void
test_too_deep(void **state)
{
	scope_buf out = BUF_INIT;
	struct jsonout j = jsonout_begin(&out, false);

	(void)state;
	for (int i = 0; i <= JSONOUT_DEPTH; i++)
		jsonout_array(&j);
	jsonout_integer(&j, 1);
	assert_int_equal(jsonout_end_text(&j), ERR_INTERNAL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_compact),
		cmocka_unit_test(test_pretty),
		cmocka_unit_test(test_escapes),
		cmocka_unit_test(test_too_deep),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
