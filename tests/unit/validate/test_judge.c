/* Records to verdicts. Fails if a row is taken for another kind, a fault is
 * lost or without place, a key is read that is not there, or a value that may
 * be personal is repeated. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/scope.h"
#include "lib/validate_fixture.h"
#include "validate/validate.h"

/* What the reports were told: "row/line field code value|" one after the
 * other; warnings begin with '~'. */
struct heard {
	struct buf text;
	int stop_with; /* what a report returns */
};

static int
hear(struct heard *h, const char *mark, const struct validate_fault *f)
{
	assert_true(f->message[0] != '\0');
	assert_true(f->message_zh[0] != '\0');
	assert_int_equal(buf_addf(&h->text, "%s%d/%d %s %s %.*s|", mark,
				  (int)f->row, (int)f->line, f->field, f->code,
				  (int)f->value.n, f->value.p),
			 0);
	return h->stop_with;
}

static int
on_fault(void *ctx, const struct validate_fault *f)
{
	return hear(ctx, "", f);
}

static int
on_warning(void *ctx, const struct validate_fault *f)
{
	return hear(ctx, "~", f);
}

/* A licence: id and name are the key, amount is a number. */
struct licences {
	struct config_field fields[4];
	size_t key[4];
	const char *missing[2], *footer[2];
	struct config_resource resource;
};

static void
licences_init(struct licences *l)
{
	static const struct config_field fields[] = {
		FIELD("id", CONFIG_INTEGER), FIELD("name", CONFIG_STRING),
		FIELD("amount", CONFIG_NUMBER), FIELD("uscc", CONFIG_USCC)};

	memset(l, 0, sizeof(*l));
	memcpy(l->fields, fields, sizeof(fields));
	l->fields[2].required = true;
	l->key[0] = 1;
	l->key[1] = 0;
	l->missing[0] = "无";
	l->missing[1] = "-";
	l->footer[0] = "合计";
	l->footer[1] = "填表人";
	l->resource = (struct config_resource){.mode = CONFIG_SNAPSHOT,
					       .fields = l->fields,
					       .nfields = 4,
					       .key = l->key,
					       .nkey = 2,
					       .missing = {l->missing, 2},
					       .footer = {l->footer, 2}};
}

/* Cells separated by '|'. */
static size_t
split(const char *cells, struct slice parts[static 16])
{
	size_t found = 0;

	for (;;) {
		size_t n = strcspn(cells, "|");

		parts[found++] = (struct slice){cells, n};
		if (!cells[n])
			return found;
		cells += n + 1;
	}
}

/* Judges cells separated by '|'. Several rows may be judged with one 'row'. */
static void
judge(const struct config_resource *r, const int *columns, size_t ncolumns,
      const char *cells, struct validate_row *row, struct heard *h)
{
	struct slice parts[16];
	struct decode_row record = {12, 13, parts, split(cells, parts)};
	struct validate *v;

	buf_clear(&h->text);
	assert_int_equal(validate_new(r, &v, NULL), 0);
	assert_int_equal(validate_judge(v, columns, ncolumns, &record, row,
					on_fault, on_warning, h),
			 h->stop_with);
	validate_free(v);
}

static void
assert_heard(struct heard *h, const char *expected)
{
	assert_string_equal(buf_str(&h->text), expected);
}

/* The packed cells, joined by '|'. */
static void
assert_cells(const struct validate_row *row, const char *expected)
{
	scope_buf text = BUF_INIT;
	struct slice rest = buf_slice(&row->cells), cell;

	while (cells_next(&rest, &cell)) {
		assert_int_equal(buf_addslice(&text, cell), 0);
		assert_int_equal(buf_addc(&text, '|'), 0);
	}
	assert_int_equal(rest.n, 0);
	assert_string_equal(buf_str(&text), expected);
}

static const int straight[] = {0, 1, 2, 3};
static const int turned[] = {2, DECODE_EXTRA, 1, 0, 3};

static void
test_accepted(void **state)
{
	struct validate_row row = {0};
	struct heard h = {0};
	struct licences l;

	(void)state;
	licences_init(&l);
	judge(&l.resource, straight, 4, "7|a|1.50|91110000600037341L", &row,
	      &h);
	assert_int_equal(row.kind, VALIDATE_ACCEPTED);
	assert_heard(&h, "");
	assert_cells(&row, "7|a|1.50|91110000600037341L|");
	/* the key in the key's order, not the descriptor's */
	assert_true(slice_eq(buf_slice(&row.key), SLICE("a\0"
							"7")));
	assert_true(row.has_key);
	assert_true(row.as_sent);
	judge(&l.resource, straight, 4, "07| a |1.50|", &row, &h);
	assert_int_equal(row.kind, VALIDATE_ACCEPTED);
	assert_false(row.as_sent);
	assert_cells(&row, "7|a|1.50||");
	judge(&l.resource, turned, 5, "1.50|ignored|a|7|", &row, &h);
	assert_int_equal(row.kind, VALIDATE_ACCEPTED);
	assert_false(row.as_sent);
	assert_cells(&row, "7|a|1.50||");
	validate_row_release(&row);
	buf_release(&h.text);
}

static void
test_faults(void **state)
{
	struct validate_row row = {0};
	struct heard h = {0};
	struct licences l;

	(void)state;
	licences_init(&l);
	/* every fault of the row; its key can be read */
	judge(&l.resource, straight, 4, "7|a|x| 9E+17 ", &row, &h);
	assert_int_equal(row.kind, VALIDATE_REFUSED);
	assert_heard(&h, "12/13 amount type-error x|"
			 "12/13 uscc spreadsheet-number  9E+17 |");
	assert_true(row.has_key);
	assert_true(slice_eq(buf_slice(&row.key), SLICE("a\0"
							"7")));
	assert_int_equal(row.cells.len, 0);
	/* required and key cells may not be empty, also by a missing word */
	judge(&l.resource, straight, 4, "7|无| |", &row, &h);
	assert_heard(&h, "12/13 name constraint-error 无|"
			 "12/13 amount constraint-error  |");
	assert_false(row.has_key);
	assert_int_equal(row.key.len, 0);
	/* a key that breaks its type was not read */
	judge(&l.resource, straight, 4, "x|a|1|", &row, &h);
	assert_heard(&h, "12/13 id type-error x|");
	assert_false(row.has_key);
	/* a warning does not refuse */
	judge(&l.resource, straight, 4, "7|a|1|91110000600037341A", &row, &h);
	assert_int_equal(row.kind, VALIDATE_ACCEPTED);
	assert_heard(&h, "~12/13 uscc uscc-checksum 91110000600037341A|");
	l.fields[3].strict = true;
	judge(&l.resource, straight, 4, "7|a|1|91110000600037341A", &row, &h);
	assert_int_equal(row.kind, VALIDATE_REFUSED);
	assert_heard(&h, "12/13 uscc uscc-checksum 91110000600037341A|");
	validate_row_release(&row);
	buf_release(&h.text);
}

static void
test_row_length(void **state)
{
	struct validate_row row = {0};
	struct heard h = {0};
	struct licences l;

	(void)state;
	licences_init(&l);
	judge(&l.resource, straight, 4, "7|a", &row, &h);
	assert_int_equal(row.kind, VALIDATE_REFUSED);
	assert_heard(&h, "12/13 amount missing-cell |"
			 "12/13 uscc missing-cell |");
	assert_true(row.has_key);
	/* the key is what is missing */
	judge(&l.resource, turned, 5, "1|x|a", &row, &h);
	assert_heard(&h, "12/13 id missing-cell |12/13 uscc missing-cell |");
	assert_false(row.has_key);
	judge(&l.resource, straight, 4, "7|a|1||y|z", &row, &h);
	assert_int_equal(row.kind, VALIDATE_REFUSED);
	assert_heard(&h, "12/13  extra-cell y|");
	assert_true(row.has_key);
	/* only an unregistered column is short */
	judge(&l.resource, (const int[]){0, 1, 2, 3, DECODE_EXTRA}, 5, "7|a|1|",
	      &row, &h);
	assert_int_equal(row.kind, VALIDATE_REFUSED);
	assert_heard(&h, "12/13  missing-cell |");
	validate_row_release(&row);
	buf_release(&h.text);
}

/* A shifted row shows a personal value under an innocent name. */
static void
test_shifted_row_hides_values(void **state)
{
	struct validate_row row = {0};
	struct heard h = {0};
	struct licences l;

	(void)state;
	licences_init(&l);
	l.fields[3].sensitivity = CONFIG_PERSONAL;
	judge(&l.resource, straight, 4, "7|a|secret|1|secret", &row, &h);
	assert_heard(&h, "12/13 amount type-error |12/13 uscc type-error |"
			 "12/13  extra-cell |");
	judge(&l.resource, straight, 4, "7|a|x|", &row, &h);
	assert_heard(&h, "12/13 amount type-error x|");
	validate_row_release(&row);
	buf_release(&h.text);
}

static void
test_blank_and_footer(void **state)
{
	static const struct {
		const char *cells;
		enum validate_kind kind;
	} cases[] = {
		{"|||", VALIDATE_BLANK},
		{" |\t|\u3000|\u00a0\r\n", VALIDATE_BLANK},
		{"", VALIDATE_BLANK},
		{"|", VALIDATE_BLANK},
		{"|||||||", VALIDATE_BLANK},
		/* a missing word is something */
		{"无|||", VALIDATE_REFUSED},
		{"合计|||", VALIDATE_FOOTER},
		{"|| 合计：12|", VALIDATE_FOOTER},
		{"填表人：李某", VALIDATE_FOOTER},
		{"7|合计|1|", VALIDATE_ACCEPTED},
		{"总合计|||", VALIDATE_REFUSED},
	};
	struct validate_row row = {0};
	struct heard h = {0};
	struct licences l;

	(void)state;
	licences_init(&l);
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		judge(&l.resource, straight, 4, cases[i].cells, &row, &h);
		assert_int_equal(row.kind, cases[i].kind);
		if (row.kind != VALIDATE_REFUSED)
			assert_heard(&h, "");
	}
	validate_row_release(&row);
	buf_release(&h.text);
}

static void
test_change(void **state)
{
	static const int columns[] = {DECODE_CHANGE, 0, 1, 2, 3};
	struct validate_row row = {0};
	struct heard h = {0};
	struct licences l;

	(void)state;
	licences_init(&l);
	l.resource.mode = CONFIG_UPSERT;
	judge(&l.resource, columns, 5, " Insert |7|a|1|", &row, &h);
	assert_int_equal(row.kind, VALIDATE_ACCEPTED);
	assert_int_equal(row.change, VALIDATE_WRITE);
	assert_false(row.as_sent);
	judge(&l.resource, columns, 5, "UPDATE|7|a|1|", &row, &h);
	assert_int_equal(row.change, VALIDATE_WRITE);
	assert_int_equal(row.kind, VALIDATE_ACCEPTED);
	/* a delete is judged by its key alone */
	judge(&l.resource, columns, 5, "delete|07|a|rubbish|9E+17", &row, &h);
	assert_int_equal(row.kind, VALIDATE_ACCEPTED);
	assert_int_equal(row.change, VALIDATE_DELETE);
	assert_heard(&h, "");
	assert_cells(&row, "7|a|||");
	assert_true(row.has_key);
	judge(&l.resource, columns, 5, "delete|x|a||", &row, &h);
	assert_int_equal(row.kind, VALIDATE_REFUSED);
	assert_false(row.has_key);
	judge(&l.resource, columns, 5, "remove|7|a|1|", &row, &h);
	assert_int_equal(row.kind, VALIDATE_REFUSED);
	assert_heard(&h, "12/13 change constraint-error remove|");
	assert_true(row.has_key);
	judge(&l.resource, columns, 5, "|7|a|1|", &row, &h);
	assert_int_equal(row.kind, VALIDATE_REFUSED);
	assert_heard(&h, "12/13 change constraint-error |");
	/* without the column every row is written */
	judge(&l.resource, straight, 4, "7|a|1|", &row, &h);
	assert_int_equal(row.kind, VALIDATE_ACCEPTED);
	assert_int_equal(row.change, VALIDATE_WRITE);
	validate_row_release(&row);
	buf_release(&h.text);
}

/* Append without key: all fields are the key, and may be empty. */
static void
test_append(void **state)
{
	struct validate_row row = {0};
	struct heard h = {0};
	struct licences l;

	(void)state;
	licences_init(&l);
	l.resource.mode = CONFIG_APPEND;
	for (size_t i = 0; i < 4; i++)
		l.key[i] = i;
	for (l.resource.nkey = 0; l.resource.nkey <= 4; l.resource.nkey += 4) {
		judge(&l.resource, straight, 4, "||1|", &row, &h);
		assert_int_equal(row.kind, VALIDATE_ACCEPTED);
		assert_true(row.has_key);
		assert_true(slice_eq(buf_slice(&row.key), SLICE("\0\0"
								"1\0")));
	}
	/* what is required stays so */
	l.resource.nkey = 4;
	judge(&l.resource, straight, 4, "1|a||", &row, &h);
	assert_heard(&h, "12/13 amount constraint-error |");
	/* a key that was written may not be empty */
	l.resource.nkey = 1;
	judge(&l.resource, straight, 4, "|a|1|", &row, &h);
	assert_heard(&h, "12/13 id constraint-error |");
	validate_row_release(&row);
	buf_release(&h.text);
}

static void
test_report_ends_the_work(void **state)
{
	struct validate_row row = {0};
	struct heard h = {.stop_with = ERR_IO};
	struct licences l;

	(void)state;
	licences_init(&l);
	judge(&l.resource, straight, 4, "x|a|y|", &row, &h);
	assert_heard(&h, "12/13 id type-error x|");
	validate_row_release(&row);
	buf_release(&h.text);
}

static void
test_bad_pattern(void **state)
{
	struct error err = ERROR_INIT;
	struct validate *v = NULL;
	struct licences l;

	(void)state;
	licences_init(&l);
	l.fields[2].pattern = "[";
	l.fields[2].place = (struct config_place){"aic/licences.ini", 30};
	assert_int_equal(validate_new(&l.resource, &v, &err), ERR_INVALID);
	assert_null(v);
	assert_non_null(strstr(err.text, "aic/licences.ini:30"));
	assert_non_null(strstr(err.text, "'amount'"));
}

/* Values of a secret field: in any row, never repeated; what is empty is none.
 */
static void
test_secrets(void **state)
{
	static const int columns[] = {0, 1, 2, -1};
	static const struct {
		const char *cells;
		int found;
		const char *heard;
	} cases[] = {
		{"1|a|4711|x", 1, "12/13 amount secret |"},
		{"||0|", 1, "12/13 amount secret |"},
		{"合计||7|", 1, "12/13 amount secret |"},
		{"x|y|not a number|", 1, "12/13 amount secret |"},
		{"1|a||4711", 0, ""},
		{"1|a| \t\xe3\x80\x80|x", 0, ""},
		{"1|a| 无 |x", 0, ""},
		{"1|a", 0, ""},
		{"1|a||x|| ", 0, ""},
		{"1|a||x||b", 1, "12/13 amount secret |"},
	};
	struct heard h = {0};
	struct licences l;

	(void)state;
	licences_init(&l);
	assert_false(validate_has_secrets(&l.resource));
	assert_null(validate_secret_column(&l.resource, columns, 4));
	l.fields[2].sensitivity = CONFIG_SECRET;
	assert_true(validate_has_secrets(&l.resource));
	assert_string_equal(validate_secret_column(&l.resource, columns, 4),
			    "amount");
	assert_null(validate_secret_column(&l.resource, columns, 2));
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct slice parts[16];
		struct decode_row record = {
			12, 13, parts, split(cases[i].cells, parts), NULL, 0};

		buf_clear(&h.text);
		assert_int_equal(validate_secrets(&l.resource, columns, 4,
						  &record, on_fault, &h),
				 cases[i].found);
		assert_heard(&h, cases[i].heard);
		validate_secrets_leave_out(&l.resource, columns, 4, parts,
					   record.ncells);
		record.ncells = record.ncells < 4 ? record.ncells : 4;
		assert_int_equal(validate_secrets(&l.resource, columns, 4,
						  &record, on_fault, &h),
				 0);
	}
	/* a cell whose text is not all of it */
	{
		const struct decode_flaw flaw = {2, DECODE_FLAW_NO_VALUE};
		struct slice parts[] = {SLICE("1"), SLICE("a"), SLICE_NONE};
		const struct decode_row record = {12, 13, parts, 3, &flaw, 1};

		assert_int_equal(validate_secrets(&l.resource, columns, 4,
						  &record, on_fault, &h),
				 1);
	}
	h.stop_with = ERR_NOMEM;
	{
		struct slice parts[] = {SLICE("1"), SLICE("a"), SLICE("b")};
		const struct decode_row record = {12, 13, parts, 3, NULL, 0};

		assert_int_equal(validate_secrets(&l.resource, columns, 4,
						  &record, on_fault, &h),
				 ERR_NOMEM);
	}
	buf_release(&h.text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_accepted),
		cmocka_unit_test(test_faults),
		cmocka_unit_test(test_row_length),
		cmocka_unit_test(test_shifted_row_hides_values),
		cmocka_unit_test(test_blank_and_footer),
		cmocka_unit_test(test_change),
		cmocka_unit_test(test_append),
		cmocka_unit_test(test_report_ends_the_work),
		cmocka_unit_test(test_bad_pattern),
		cmocka_unit_test(test_secrets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
