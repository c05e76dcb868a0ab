/* Exact sums and numeric order against Python's decimal (generate.py wrote
 * tests/cases/integrate/decimal.txt). Fails if one digit of a sum, its scale
 * or its sign differs, or if two numbers are ordered otherwise. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/io.h"
#include "base/scope.h"
#include "integrate/integrate.h"

#include <fcntl.h>
#include <stdlib.h>

/* "sum RESULT VALUE …" */
static void
check_sum(struct integrate_decimal *sum, char *words)
{
	char *save = NULL, *want = strtok_r(words, " ", &save), *word;
	scope_buf text = BUF_INIT;

	integrate_decimal_clear(sum);
	while ((word = strtok_r(NULL, " ", &save)))
		assert_int_equal(
			integrate_decimal_add(sum, slice_str(word), NULL), 0);
	assert_int_equal(integrate_decimal_text(sum, &text), 0);
	assert_string_equal(buf_str(&text), want);
}

/* "cmp ORDER A B" */
static void
check_order(char *words)
{
	char *save = NULL;
	int want = atoi(strtok_r(words, " ", &save));
	struct slice a = slice_str(strtok_r(NULL, " ", &save));
	struct slice b = slice_str(strtok_r(NULL, " ", &save));
	int order = integrate_decimal_cmp(a, b);
	int back = integrate_decimal_cmp(b, a);

	assert_int_equal((order > 0) - (order < 0), want);
	assert_int_equal((back > 0) - (back < 0), -want);
}

static void
test_against_python(void **state)
{
	scope_fd dir = open(TEST_CASES "/integrate", O_PATH | O_DIRECTORY);
	struct integrate_decimal sum = {0};
	scope_buf in = BUF_INIT;
	char *save = NULL;
	int n = 0;

	(void)state;
	assert_int_equal(io_slurp(dir, "decimal.txt", 1 << 20, &in, NULL), 0);
	assert_non_null(buf_str(&in));
	for (char *line = strtok_r(in.data, "\n", &save); line;
	     line = strtok_r(NULL, "\n", &save), n++) {
		if (line[0] == 's')
			check_sum(&sum, line + 4);
		else
			check_order(line + 4);
	}
	assert_int_equal(n, 800);
	integrate_decimal_release(&sum);
}

static void
test_nothing(void **state)
{
	struct integrate_decimal sum = {0};
	scope_buf text = BUF_INIT;

	(void)state;
	assert_int_equal(integrate_decimal_text(&sum, &text), 0);
	assert_int_equal(integrate_decimal_add(&sum, SLICE_NONE, NULL), 0);
	assert_int_equal(integrate_decimal_text(&sum, &text), 0);
	assert_int_equal(text.len, 0);
	assert_int_equal(integrate_decimal_add(&sum, SLICE("0.00"), NULL), 0);
	assert_int_equal(integrate_decimal_text(&sum, &text), 0);
	assert_string_equal(buf_str(&text), "0.00");
	integrate_decimal_release(&sum);
}

static void
test_refused(void **state)
{
	static const char *const wrong[] = {"1e5", "12a", "--1", "1.2.3", " 1"};
	struct integrate_decimal sum = {0};
	struct error err = ERROR_INIT;

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_int_equal(
			integrate_decimal_add(&sum, slice_str(wrong[i]), &err),
			ERR_INVALID);
	assert_non_null(strstr(err.text, "' 1'"));
	integrate_decimal_release(&sum);
}

/* The limit is on the digits of the sum, the point not counted. */
static void
test_limit(void **state)
{
	struct integrate_decimal sum = {0};
	char nines[INTEGRATE_DECIMAL_MAX + 1];

	(void)state;
	memset(nines, '9', sizeof(nines));
	assert_int_equal(integrate_decimal_add(
				 &sum,
				 (struct slice){nines, INTEGRATE_DECIMAL_MAX},
				 NULL),
			 0);
	assert_int_equal(integrate_decimal_add(&sum, SLICE("1"), NULL),
			 ERR_LIMIT);
	integrate_decimal_clear(&sum);
	assert_int_equal(
		integrate_decimal_add(
			&sum, (struct slice){nines, sizeof(nines)}, NULL),
		ERR_LIMIT);
	integrate_decimal_clear(&sum);
	assert_int_equal(
		integrate_decimal_add(&sum, (struct slice){nines, 4000}, NULL),
		0);
	assert_int_equal(integrate_decimal_add(&sum, SLICE("0.5"), NULL), 0);
	integrate_decimal_release(&sum);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_against_python),
		cmocka_unit_test(test_nothing),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
