/* Receipts and the faults they list. Fails if a receipt is another text than
 * the one in tests/cases/validate, the kept faults are not the first ones, a
 * personal value is kept, or a message between rows lacks its numbers. With
 * VALIDATE_WRITE_CASES set, the expected texts are written instead. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/clock.h"
#include "base/io.h"
#include "base/scope.h"
#include "base/text.h"
#include "lib/validate_fixture.h"
#include "validate/validate.h"

#include <fcntl.h>
#include <sys/stat.h>

static struct config_field fields[] = {FIELD("licence_no", CONFIG_STRING),
				       FIELD("amount", CONFIG_NUMBER),
				       FIELD("owner", CONFIG_ID_NUMBER)};
static struct config_resource resource = {.fields = fields, .nfields = 3};

static void
expect(const char *name, struct buf *got)
{
	scope_buf want = BUF_INIT;
	scope_fd dir = open(CASES, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	assert_true(dir >= 0);
	if (getenv("VALIDATE_WRITE_CASES")) {
		scope_fd fd =
			openat(dir, name,
			       O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

		assert_int_equal(io_write(fd, got->data, got->len, NULL), 0);
		return;
	}
	assert_int_equal(io_slurp(dir, name, 1 << 20, &want, NULL), 0);
	assert_string_equal(buf_str(got), buf_str(&want));
}

static void
expect_text(const struct validate_receipt *r, const char *language,
	    const char *name)
{
	scope_buf out = BUF_INIT;

	assert_int_equal(validate_receipt_text(r, language, &out), 0);
	assert_true(text_is_utf8(buf_slice(&out), NULL));
	expect(name, &out);
}

static void
expect_json(const struct validate_receipt *r, const char *name)
{
	scope_buf out = BUF_INIT;

	assert_int_equal(validate_receipt_json(r, &out), 0);
	expect(name, &out);
}

static struct validate_receipt
receipt(enum validate_state state)
{
	return (struct validate_receipt){
		.submission = "20120601-000042",
		.department = "aic",
		.resource = "registrations",
		.file = "june.csv",
		.bytes = 48213,
		.sha256 = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca4"
			  "95991b7852b855",
		.format = "csv",
		.encoding = "gb18030",
		.submitted_by = "li",
		.received_at = 1338514200 * CLOCK_NS,
		.judged_at = 1338514201 * CLOCK_NS,
		.state = state,
		.next_due = "",
		.fix_file = ""};
}

static void
add(struct validate_faults *f, int64_t row, const char *field, const char *code,
    const char *value)
{
	const struct validate_fault fault = {row,
					     row ? row + 1 : 0,
					     code,
					     field,
					     slice_str(value),
					     "not a number: write digits",
					     "不是数值，请填数字"};

	assert_int_equal(validate_faults_add(f, &resource, &fault), 0);
}

static void
test_accepted(void **state)
{
	const struct validate_published published[] = {
		{"aic/registrations", 7}, {"enterprise-credit", 31}};
	struct validate_receipt r = receipt(VALIDATE_S_ACCEPTED);

	(void)state;
	r.rows = (struct validate_counts){120, 120, 0, 3, 4, 1, 113};
	r.published = published;
	r.npublished = 2;
	r.next_due = "2012-06-04";
	expect_text(&r, "en", "accepted.en.txt");
	expect_text(&r, "zh", "accepted.zh.txt");
	expect_json(&r, "accepted.json");
}

static void
test_partial(void **state)
{
	struct validate_receipt r = receipt(VALIDATE_S_PARTIAL);
	struct validate_faults *errors = validate_faults_new();
	struct validate_faults *warnings = validate_faults_new();
	struct validate_sentences text;
	struct validate_fault fault;

	(void)state;
	fields[2].sensitivity = CONFIG_PERSONAL;
	add(errors, 12, "amount", "type-error", "12,3");
	add(errors, 13, "owner", "type-error", "44052418800101001X");
	add(errors, 14, "amount", "type-error",
	    "\x1b[31mred\nline \"quoted\"\t中文");
	validate_fault_cross(VALIDATE_CROSS_PRIMARY_KEY, 9, 10, "", SLICE_NONE,
			     7, &fault, &text);
	assert_int_equal(validate_faults_add(errors, &resource, &fault), 0);
	validate_fault_cross(VALIDATE_CROSS_DUPLICATE_ROW, 20, 21, NULL,
			     SLICE_NONE, 19, &fault, &text);
	assert_int_equal(validate_faults_add(warnings, &resource, &fault), 0);
	validate_fault_cross(VALIDATE_CROSS_BLANK_ROW, 30, 31, NULL, SLICE_NONE,
			     0, &fault, &text);
	assert_int_equal(validate_faults_add(warnings, &resource, &fault), 0);
	r.rows = (struct validate_counts){120, 116, 4, 116, 0, 0, 0};
	r.errors = errors;
	r.warnings = warnings;
	r.fix_file = "june.csv.fix.csv";
	expect_text(&r, "en", "partial.en.txt");
	expect_text(&r, "zh", "partial.zh.txt");
	expect_json(&r, "partial.json");
	validate_faults_free(errors);
	validate_faults_free(warnings);
	fields[2].sensitivity = CONFIG_PUBLIC;
}

static void
test_shrink(void **state)
{
	struct validate_receipt r = receipt(VALIDATE_S_QUARANTINED);
	struct validate_faults *errors = validate_faults_new();
	struct validate_sentences text;
	struct validate_fault fault;

	(void)state;
	validate_fault_shrink(812, 900, &fault, &text);
	assert_int_equal(validate_faults_add(errors, &resource, &fault), 0);
	r.rows = (struct validate_counts){88, 88, 0, 0, 0, 812, 88};
	r.errors = errors;
	r.reason = "the file would delete 812 of 900 records";
	r.reason_zh = "将删除现有 900 条记录中的 812 条";
	expect_text(&r, "en", "shrink.en.txt");
	expect_text(&r, "zh", "shrink.zh.txt");
	validate_faults_free(errors);
}

static void
test_quarantined(void **state)
{
	struct validate_receipt r = receipt(VALIDATE_S_QUARANTINED);
	struct validate_faults *errors = validate_faults_new();

	(void)state;
	for (int64_t row = 1; row <= 60; row++)
		add(errors, row, "amount", "type-error", "x");
	r.rows = (struct validate_counts){120, 60, 60, 0, 0, 0, 0};
	r.errors = errors;
	r.fix_file = "june.csv.fix.csv";
	expect_text(&r, "en", "quarantined.en.txt");
	expect_text(&r, "zh", "quarantined.zh.txt");
	validate_faults_free(errors);
}

static void
test_rejected(void **state)
{
	const struct decode_fault found = {
		.code = "missing-label",
		.line = 3,
		.field = "amount",
		.value = "",
		.message = "no column is named 'amount': add the column",
		.message_zh = "没有名为“amount”的列，请补上这一列"};
	struct validate_receipt r = receipt(VALIDATE_S_REJECTED);
	struct validate_faults *errors = validate_faults_new();
	struct validate_fault fault;

	(void)state;
	validate_fault_decode(&found, &fault);
	assert_int_equal(validate_faults_add(errors, &resource, &fault), 0);
	r.errors = errors;
	r.format = r.encoding = "";
	r.file = "六月\n.csv";
	expect_text(&r, "en", "rejected.en.txt");
	expect_text(&r, "zh", "rejected.zh.txt");
	expect_json(&r, "rejected.json");
	validate_faults_free(errors);
}

/* Each state has its word, a verdict and a next step in both languages. */
static void
test_states(void **state)
{
	scope_buf all = BUF_INIT;

	(void)state;
	for (int s = VALIDATE_RECEIVING; s <= VALIDATE_S_WITHDRAWN; s++) {
		static const char *const languages[] = {"en", "zh"};
		struct validate_receipt r = receipt((enum validate_state)s);

		assert_int_equal(validate_state_parse(validate_state_word(s)),
				 s);
		for (int i = 0; i < 2; i++) {
			scope_buf out = BUF_INIT;
			const char *end;

			r.rows.read = r.rows.accepted = 1;
			assert_int_equal(
				validate_receipt_text(&r, languages[i], &out),
				0);
			end = strstr(buf_str(&out), "\n\n");
			assert_non_null(end);
			assert_int_equal(buf_add(&all, out.data,
						 (size_t)(end - out.data) + 2),
					 0);
		}
	}
	assert_int_equal(validate_state_parse("lost"), -1);
	expect("states.txt", &all);
}

/* The first thousand by row are kept, however late they come. */
static void
test_kept(void **state)
{
	struct validate_faults *f = validate_faults_new();
	const struct validate_fault *kept;

	(void)state;
	for (int64_t row = 2000; row > 500; row--)
		add(f, row, "amount", "type-error", "x");
	add(f, 501, "licence_no", "constraint-error", "");
	add(f, 0, "", "shrink", "");
	assert_int_equal(validate_faults_count(f), 1502);
	assert_int_equal(validate_faults_kept(f, &kept), VALIDATE_KEPT);
	assert_int_equal(kept[0].row, 0);
	assert_int_equal(kept[1].row, 501);
	/* in one row, in the order of adding */
	assert_string_equal(kept[1].field, "amount");
	assert_string_equal(kept[2].field, "licence_no");
	for (size_t i = 3; i < VALIDATE_KEPT; i++)
		assert_int_equal(kept[i].row, 499 + (int64_t)i);
	validate_faults_free(f);
}

static void
test_values_kept(void **state)
{
	struct validate_faults *f = validate_faults_new();
	const struct validate_fault *kept;
	char big[3001] = "";

	(void)state;
	for (int i = 0; i < 1000; i++)
		memcpy(big + 3L * i, "中", 3);
	fields[2].sensitivity = CONFIG_SECRET;
	add(f, 1, "owner", "type-error", "44052418800101001X");
	add(f, 2, "amount", "type-error", big);
	/* of no registered field: it may be anything */
	add(f, 3, "", "extra-cell", "44052418800101001X");
	add(f, 4, big, "extra-label", "");
	fields[2].sensitivity = CONFIG_INTERNAL;
	add(f, 5, "owner", "type-error", "shown");
	add(f, 6, "", "extra-cell", "shown");
	fields[2].sensitivity = CONFIG_PUBLIC;
	assert_int_equal(validate_faults_kept(f, &kept), 6);
	assert_int_equal(kept[0].value.n, 0);
	assert_true(kept[1].value.n <= VALIDATE_VALUE_MAX + 3);
	assert_true(text_is_utf8(kept[1].value, NULL));
	assert_int_equal(kept[2].value.n, 0);
	assert_true(strlen(kept[3].field) <= VALIDATE_VALUE_MAX + 3);
	assert_true(slice_is(kept[4].value, "shown"));
	assert_true(slice_is(kept[5].value, "shown"));
	validate_faults_free(f);
}

static void
test_cross(void **state)
{
	struct validate_sentences text, other;
	struct validate_fault fault, twin;

	(void)state;
	validate_fault_cross(VALIDATE_CROSS_PRIMARY_KEY, 3, 4, "", SLICE_NONE,
			     7, &fault, &text);
	validate_fault_cross(VALIDATE_CROSS_PRIMARY_KEY, 7, 8, "", SLICE_NONE,
			     3, &twin, &other);
	assert_string_equal(fault.code, "primary-key");
	assert_string_equal(fault.message, twin.message);
	assert_non_null(strstr(fault.message, "rows 3 and 7"));
	assert_non_null(strstr(fault.message_zh, "第 3 条与第 7 条"));
	validate_fault_cross(VALIDATE_CROSS_UNIQUE, 7, 8, "licence_no",
			     SLICE("A1"), 3, &fault, &text);
	assert_string_equal(fault.code, "constraint-error");
	assert_string_equal(fault.field, "licence_no");
	assert_true(slice_is(fault.value, "A1"));
	assert_non_null(strstr(fault.message, "row 3"));
	validate_fault_cross(VALIDATE_CROSS_STORED_KEY, 7, 8, "", SLICE_NONE, 0,
			     &fault, &text);
	assert_string_equal(fault.code, "primary-key");
	validate_fault_cross(VALIDATE_CROSS_FIXED_KEY, 7, 8, "", SLICE_NONE, 0,
			     &fault, &text);
	assert_string_equal(fault.code, "primary-key");
	validate_fault_cross(VALIDATE_CROSS_BLANK_ROW, 7, 8, "", SLICE_NONE, 0,
			     &fault, &text);
	assert_string_equal(fault.code, "blank-row");
	validate_fault_shrink(812, 900, &fault, &text);
	assert_string_equal(fault.code, "shrink");
	assert_non_null(strstr(fault.message, "delete 812 of 900"));
	assert_non_null(strstr(fault.message_zh, "900 条记录中的 812 条"));
}

/* Old editors see lines, and know that it is Chinese; and back. */
static void
test_dressed(void **state)
{
	scope_buf text = BUF_INIT;

	(void)state;
	assert_int_equal(buf_adds(&text, "已接收\n\nnext\n"), 0);
	assert_int_equal(validate_receipt_dress(&text), 0);
	assert_true(
		slice_eq(buf_slice(&text), SLICE("\xef\xbb\xbf"
						 "已接收\r\n\r\nnext\r\n")));
	validate_receipt_undress(&text);
	assert_true(slice_eq(buf_slice(&text), SLICE("已接收\n\nnext\n")));
	validate_receipt_undress(&text);
	assert_true(slice_eq(buf_slice(&text), SLICE("已接收\n\nnext\n")));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_accepted),
		cmocka_unit_test(test_partial),
		cmocka_unit_test(test_shrink),
		cmocka_unit_test(test_quarantined),
		cmocka_unit_test(test_rejected),
		cmocka_unit_test(test_states),
		cmocka_unit_test(test_kept),
		cmocka_unit_test(test_values_kept),
		cmocka_unit_test(test_cross),
		cmocka_unit_test(test_dressed),
	};

	if (clock_set_zone("Asia/Shanghai", NULL))
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
