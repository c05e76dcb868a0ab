/* The rules of SPEC 8, one subject a case: tests/cases/integrate/NAME.in and
 * NAME.expected. Fails if a rule picks another value, takes it from another
 * row, or if a conflict is missing, too many or in another order. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/io.h"
#include "base/scope.h"
#include "lib/sample_theme.h"

#include <fcntl.h>
#include <stdio.h>

#define ROWS_MAX 64

struct one_case {
	struct sample sample;
	struct sample_row owned[ROWS_MAX];
	struct integrate_row rows[ROWS_MAX];
	size_t nrows;
	bool begun;
};

static void
add(struct buf *out, const char *before, struct slice s, const char *after)
{
	assert_int_equal(buf_adds(out, before), 0);
	assert_int_equal(buf_addslice(out, s), 0);
	assert_int_equal(buf_adds(out, after), 0);
}

static void
report(const struct config_theme *theme, const struct integrate_result *result,
       struct buf *out)
{
	struct slice rest = buf_slice(&result->cells), cell;

	assert_true(cells_next(&rest, &cell));
	assert_true(slice_is(cell, "U"));
	for (size_t r = 0; r < theme->nrules; r++) {
		const struct integrate_origin *o = &result->origins[r];

		assert_true(cells_next(&rest, &cell));
		add(out, "", slice_str(theme->rules[r].name), " = ");
		add(out, "[", cell, "]");
		add(out, " [", slice_str(o->source), "]");
		add(out, " [", o->as_of, "]");
		add(out, " [", slice_str(o->submission), "]\n");
	}
	assert_int_equal(rest.n, 0);
	rest = buf_slice(&result->conflicts);
	for (int i = 0; cells_next(&rest, &cell); i++)
		add(out, i % 5 ? " [" : "conflict [", cell,
		    i % 5 == 4 ? "]\n" : "]");
	assert_int_equal(rest.n, 0);
}

/* Fails if a size that is computed is not that of the text. */
static void
check_size(const struct config_theme *theme, struct slice subject,
	   int64_t version, const struct integrate_row *rows, size_t nrows,
	   const struct integrate_result *result)
{
	struct integrate_sizer *sizer;
	scope_buf text = BUF_INIT;
	int64_t size = -1;

	assert_int_equal(integrate_subject_json(theme, subject, version, rows,
						nrows, result, &text),
			 0);
	assert_int_equal(integrate_sizer_new(theme, &sizer), 0);
	assert_int_equal(integrate_subject_size(sizer, subject, version, rows,
						nrows, result, &size),
			 0);
	assert_int_equal(size, text.len);
	integrate_sizer_free(sizer);
}

static void
end_case(struct one_case *c, struct integrate_result *result, struct buf *out)
{
	struct error err = ERROR_INIT;
	const struct config_theme *theme = &c->sample.theme;

	if (!c->begun)
		return;
	if (!integrate_is_member(theme, c->rows, c->nrows)) {
		assert_int_equal(buf_adds(out, "no member\n"), 0);
	} else {
		if (integrate_subject(theme, SLICE("U"), c->rows, c->nrows,
				      result, &err))
			fail_msg("%s", err.text);
		report(theme, result, out);
		check_size(theme, SLICE("U"), 10, c->rows, c->nrows, result);
	}
	for (size_t i = 0; i < c->nrows; i++)
		sample_row_release(&c->owned[i]);
	sample_release(&c->sample);
	c->nrows = 0;
	c->begun = false;
}

/* "row SOURCE MEMBER SUBMISSION CELLS" */
static void
add_row(struct one_case *c, const char *line)
{
	char submission[32];
	size_t source, member, i = c->nrows++;
	int at;

	assert_true(i < ROWS_MAX);
	assert_int_equal(sscanf(line, "%zu %zu %31s %n", &source, &member,
				submission, &at),
			 3);
	sample_row_init(&c->sample, source, member, submission, line + at,
			&c->owned[i], &c->rows[i]);
}

static void
run_line(struct one_case *c, char *line, struct integrate_result *result,
	 struct buf *out)
{
	if (strncmp(line, "case ", 5) == 0) {
		end_case(c, result, out);
		sample_init(&c->sample);
		c->begun = true;
		add(out, "", slice_str(line), "\n");
	} else if (strncmp(line, "rule ", 5) == 0) {
		sample_rule(&c->sample, line + 5);
	} else if (strncmp(line, "base ", 5) == 0) {
		c->sample.theme.base = line[5] - '0';
	} else if (strncmp(line, "row ", 4) == 0) {
		add_row(c, line + 4);
	} else if (line[0] && line[0] != '#') {
		fail_msg("no such line: '%s'", line);
	}
}

static void
slurp(const char *name, struct buf *b)
{
	scope_fd dir = open(TEST_CASES "/integrate", O_PATH | O_DIRECTORY);
	struct error err = ERROR_INIT;

	if (io_slurp(dir, name, 64 << 20, b, &err))
		fail_msg("%s", err.text);
	assert_non_null(buf_str(b));
}

static void
compare(const char *name, struct buf *got, struct buf *expected)
{
	const char *g = buf_str(got), *e = expected->data;
	int line = 1;

	assert_non_null(g);
	while (*g && *e) {
		size_t ng = strcspn(g, "\n"), ne = strcspn(e, "\n");

		if (ng != ne || memcmp(g, e, ng) != 0)
			fail_msg("%s:%d\n got:      %.*s\n expected: %.*s",
				 name, line, (int)ng, g, (int)ne, e);
		g += ng + 1;
		e += ne + 1;
		line++;
	}
	assert_string_equal(g, e);
}

/* One result for all cases: what one subject left in it must not show in the
 * next. */
static void
run_cases(const char *in_name, const char *expected_name)
{
	static struct one_case c;
	struct integrate_result result = INTEGRATE_RESULT_INIT;
	scope_buf in = BUF_INIT;
	scope_buf expected = BUF_INIT;
	scope_buf out = BUF_INIT;
	char *save = NULL;

	slurp(in_name, &in);
	slurp(expected_name, &expected);
	for (char *line = strtok_r(in.data, "\n", &save); line;
	     line = strtok_r(NULL, "\n", &save))
		run_line(&c, line, &result, &out);
	end_case(&c, &result, &out);
	integrate_result_release(&result);
	compare(expected_name, &out, &expected);
}

static void
test_rules(void **state)
{
	(void)state;
	run_cases("rules.in", "rules.expected");
}

/* Computed by generate.py, which knows the rules from SPEC alone. */
static void
test_generated(void **state)
{
	(void)state;
	run_cases("generated.in", "generated.expected");
}

static void
test_damaged_row(void **state)
{
	struct integrate_result result = INTEGRATE_RESULT_INIT;
	struct integrate_row row = {
		0, 0, SLICE("k"), {"\x05zz", 3}, "20260101-000001"};
	struct error err = ERROR_INIT;
	struct sample s;

	(void)state;
	sample_init(&s);
	sample_rule(&s, "name = first registration.name");
	assert_int_equal(
		integrate_subject(&s.theme, SLICE("U"), &row, 1, &result, &err),
		ERR_CORRUPT);
	assert_non_null(strstr(err.text, "20260101-000001"));
	integrate_result_release(&result);
	sample_release(&s);
}

static void
test_descriptions(void **state)
{
	scope_buf text = BUF_INIT;
	struct sample s;

	(void)state;
	sample_init(&s);
	sample_rule(&s, "name = first registration.name rating.taxpayer_name");
	sample_rule(&s, "penalties = count penalty");
	sample_rule(&s, "fined = sum penalty.points");
	sample_rule(&s, "all = list penalty.points");
	sample_rule(&s, "last = max penalty.points penalty.amount");
	sample_rule(&s, "value = first penalty.points registration.name");
	sample_rule(&s, "rating = min rating.score");
	assert_int_equal(integrate_rule_type(&s.theme, 0), CONFIG_STRING);
	assert_int_equal(integrate_rule_type(&s.theme, 1), CONFIG_INTEGER);
	assert_int_equal(integrate_rule_type(&s.theme, 2), CONFIG_NUMBER);
	assert_int_equal(integrate_rule_type(&s.theme, 3), CONFIG_STRING);
	assert_int_equal(integrate_rule_type(&s.theme, 4), CONFIG_NUMBER);
	assert_int_equal(integrate_rule_type(&s.theme, 5), CONFIG_STRING);
	assert_int_equal(integrate_rule_type(&s.theme, 6), CONFIG_INTEGER);
	assert_int_equal(integrate_rule_text(&s.theme, 0, &text), 0);
	assert_int_equal(integrate_rule_text(&s.theme, 1, &text), 0);
	assert_string_equal(buf_str(&text),
			    "first registration.name rating.taxpayer_name"
			    "count penalty");
	sample_release(&s);
}

static void
test_subject_json(void **state)
{
	struct integrate_result result = INTEGRATE_RESULT_INIT;
	struct sample_row owned[5];
	struct integrate_row rows[5];
	scope_buf expected = BUF_INIT;
	scope_buf out = BUF_INIT;
	struct sample s;

	(void)state;
	sample_init(&s);
	sample_rule(&s, "name = first registration.name rating.taxpayer_name");
	sample_rule(&s, "rating = latest rating.score");
	sample_rule(&s, "value = first rating.listed");
	sample_rule(&s, "penalties = count penalty");
	sample_rule(&s, "fined = sum penalty.amount");
	sample_rule(&s, "last = max penalty.decided_on");
	sample_rule(&s, "all = list penalty.no");
	sample_row_init(&s, 0, 0, "20260101-000001",
			"L1;U;华为 \"技术\";12.50;2025-12-31;13800000000",
			&owned[0], &rows[0]);
	sample_row_init(&s, 1, 0, "20260102-000002", "U;Huawei;A;95;true",
			&owned[1], &rows[1]);
	sample_row_init(&s, 2, 0, "20260103-000003", "P1;U;10.5;;2025-01-01",
			&owned[2], &rows[2]);
	sample_row_init(&s, 2, 0, "20260103-000003", "P2;U;;2;", &owned[3],
			&rows[3]);
	sample_row_init(&s, 2, 1, "20260104-000004", "U;H1;2025-02-02;0.25;",
			&owned[4], &rows[4]);
	slurp("subject.json", &expected);
	assert_int_equal(
		integrate_subject(&s.theme, SLICE("U"), rows, 5, &result, NULL),
		0);
	assert_int_equal(integrate_subject_json(&s.theme, SLICE("U"), 7, rows,
						5, &result, &out),
			 0);
	compare("subject.json", &out, &expected);
	check_size(&s.theme, SLICE("U"), 7, rows, 5, &result);
	for (int i = 0; i < 5; i++)
		sample_row_release(&owned[i]);
	integrate_result_release(&result);
	sample_release(&s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rules),
		cmocka_unit_test(test_generated),
		cmocka_unit_test(test_damaged_row),
		cmocka_unit_test(test_descriptions),
		cmocka_unit_test(test_subject_json),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
