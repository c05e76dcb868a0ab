/* Types and constraints, by the table values.tsv and by hand. Fails if a value
 * gets another canonical form than the table says, a refusal or a warning
 * another code, or a sentence is missing or too long for its place. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/clock.h"
#include "base/scope.h"
#include "base/text.h"
#include "lib/validate_fixture.h"
#include "validate/field.h"

static const struct validate_words none;

/* Appends a code point of the basic plane. */
static void
add_point(struct buf *out, unsigned long c)
{
	char text[4];
	int n = 0;

	if (c < 0x80) {
		text[n++] = (char)c;
	} else if (c < 0x800) {
		text[n++] = (char)(0xc0 | c >> 6);
		text[n++] = (char)(0x80 | (c & 0x3f));
	} else {
		text[n++] = (char)(0xe0 | c >> 12);
		text[n++] = (char)(0x80 | (c >> 6 & 0x3f));
		text[n++] = (char)(0x80 | (c & 0x3f));
	}
	assert_int_equal(buf_add(out, text, (size_t)n), 0);
}

/* A column of the table with its escapes undone. */
static void
unescape(const char *from, struct buf *out)
{
	if (strcmp(from, "_") == 0)
		return;
	for (; *from; from++) {
		char hex[5] = "";

		if (*from != '\\') {
			assert_int_equal(buf_addc(out, *from), 0);
			continue;
		}
		from++;
		switch (*from) {
		case 'u':
			memcpy(hex, from + 1, 4);
			from += 4;
			add_point(out, strtoul(hex, NULL, 16));
			break;
		case 'n':
			add_point(out, '\n');
			break;
		case 'r':
			add_point(out, '\r');
			break;
		case 't':
			add_point(out, '\t');
			break;
		default:
			add_point(out, (unsigned char)*from);
		}
	}
}

static void
check_texts(const struct validate_value_fault *fault, int line)
{
	if (!fault->code)
		return;
	if (!fault->message[0] || !fault->message_zh[0])
		fail_msg("line %d: no sentence for %s", line, fault->code);
	if (!text_is_utf8(slice_str(fault->message_zh), NULL))
		fail_msg("line %d: a sentence was cut in a character", line);
}

/* "strict!code", "!code", "~code", "strict" or "". */
static void
check_line(const char *type, const char *sent, const char *expected,
	   const char *code, int line)
{
	struct config_field config = FIELD("f", CONFIG_STRING);
	scope_buf raw = BUF_INIT, want = BUF_INIT, got = BUF_INIT;
	struct validate_value_fault fault, warning;
	struct validate_field field;
	bool refused;
	int rc;

	assert_true(fixture_type(type) >= 0);
	config.type = (enum config_type)fixture_type(type);
	config.strict = strncmp(code, "strict", 6) == 0;
	if (config.strict)
		code += 6;
	refused = code[0] == '!';
	unescape(sent, &raw);
	unescape(expected, &want);
	assert_int_equal(validate_field_init(&field, &config, &none, NULL), 0);
	rc = validate_value(&field, buf_slice(&raw), &got, &fault, &warning);
	if (rc != refused || !slice_eq(buf_slice(&got), buf_slice(&want)))
		fail_msg("values.tsv:%d: %s '%s': %d '%s' %s, expected '%s'",
			 line, type, sent, rc, buf_str(&got),
			 fault.code ? fault.code : "", expected);
	if (strcmp(refused ? code + 1 : "", fault.code ? fault.code : ""))
		fail_msg("values.tsv:%d: %s '%s': code %s", line, type, sent,
			 fault.code ? fault.code : "none");
	if (strcmp(code[0] == '~' ? code + 1 : "",
		   warning.code ? warning.code : ""))
		fail_msg("values.tsv:%d: %s '%s': warning %s", line, type, sent,
			 warning.code ? warning.code : "none");
	check_texts(&fault, line);
	check_texts(&warning, line);
	validate_field_release(&field);
}

static void
test_table(void **state)
{
	scope_file f = fopen(CASES "values.tsv", "re");
	scope_free char *text = NULL;
	size_t size = 0;
	int line = 0, cases = 0;

	(void)state;
	assert_non_null(f);
	while (getline(&text, &size, f) > 0) {
		char *column[4], *rest = text;

		line++;
		text[strcspn(text, "\n")] = '\0';
		if (text[0] == '#')
			continue;
		for (int i = 0; i < 4; i++) {
			column[i] = strsep(&rest, "\t");
			if (!column[i])
				fail_msg("values.tsv:%d: too few columns",
					 line);
		}
		check_line(column[0], column[1], column[2], column[3], line);
		cases++;
	}
	assert_true(cases > 300);
}

/* What one field makes of one value: "" accepted, else the code. */
static const char *
verdict(const struct config_field *config, const char *value)
{
	scope_buf out = BUF_INIT;
	struct validate_value_fault fault, warning;
	struct validate_field field;
	struct error err = ERROR_INIT;

	if (validate_field_init(&field, config, &none, &err))
		fail_msg("%s", err.text);
	assert_true(validate_value(&field, slice_str(value), &out, &fault,
				   &warning) >= 0);
	check_texts(&fault, 0);
	validate_field_release(&field);
	return fault.code ? fault.code : "";
}

static void
test_bounds(void **state)
{
	struct config_field number = FIELD("n", CONFIG_NUMBER);
	struct config_field date = FIELD("d", CONFIG_DATE);

	(void)state;
	number.min = "-1.50";
	number.max = "10";
	assert_string_equal(verdict(&number, "-1.5"), "");
	assert_string_equal(verdict(&number, "-1.500"), "");
	assert_string_equal(verdict(&number, "-1.51"), "constraint-error");
	assert_string_equal(verdict(&number, "-2"), "constraint-error");
	assert_string_equal(verdict(&number, "-0"), "");
	assert_string_equal(verdict(&number, "9.99999999999999999999"), "");
	assert_string_equal(verdict(&number, "10.000"), "");
	assert_string_equal(verdict(&number, "10.0000000000000000000001"),
			    "constraint-error");
	assert_string_equal(verdict(&number, "9"), "");
	assert_string_equal(verdict(&number, "1E1"), "");
	assert_string_equal(verdict(&number, "1E2"), "constraint-error");
	date.min = "2012-06-01";
	assert_string_equal(verdict(&date, "2012/5/31"), "constraint-error");
	assert_string_equal(verdict(&date, "2012年6月1日"), "");
}

static void
test_number_order(void **state)
{
	/* ascending */
	static const char *const in_order[] = {
		"-100",	 "-99.5", "-1",	 "-0.5", "-0.05", "0",
		"0.001", "0.01",  "0.1", "9",	 "10",	  "10.5"};
	size_t n = sizeof(in_order) / sizeof(*in_order);

	(void)state;
	for (size_t i = 0; i < n; i++) {
		for (size_t k = 0; k < n; k++) {
			int c = validate_number_cmp(slice_str(in_order[i]),
						    slice_str(in_order[k]));

			assert_int_equal((c > 0) - (c < 0), (i > k) - (i < k));
		}
	}
	assert_int_equal(validate_number_cmp(SLICE("1.0"), SLICE("1")), 0);
	assert_int_equal(validate_number_cmp(SLICE("0.00"), SLICE("0")), 0);
}

static void
test_lengths(void **state)
{
	struct config_field f = FIELD("f", CONFIG_STRING);

	(void)state;
	f.min_length = 2;
	f.max_length = 4;
	assert_string_equal(verdict(&f, "东"), "constraint-error");
	assert_string_equal(verdict(&f, "东莞"), "");
	assert_string_equal(verdict(&f, " 东莞市镇 "), "");
	assert_string_equal(verdict(&f, "东莞市镇街"), "constraint-error");
	assert_string_equal(verdict(&f, "e\xcc\x81"), "constraint-error");
	/* no value, no length */
	assert_string_equal(verdict(&f, ""), "");
}

static void
test_enum(void **state)
{
	const char *grades[] = {"A", "B", "C"};
	const char *numbers[] = {"01", "1,000"};
	struct config_field text = FIELD("f", CONFIG_STRING);
	struct config_field integer = FIELD("f", CONFIG_INTEGER);

	(void)state;
	text.allow = (struct config_list){grades, 3};
	assert_string_equal(verdict(&text, "B"), "");
	assert_string_equal(verdict(&text, "b"), "constraint-error");
	assert_string_equal(verdict(&text, "AB"), "constraint-error");
	assert_string_equal(verdict(&text, ""), "");
	/* canonical values are compared */
	integer.allow = (struct config_list){numbers, 2};
	assert_string_equal(verdict(&integer, "1"), "");
	assert_string_equal(verdict(&integer, "1000"), "");
	assert_string_equal(verdict(&integer, "10"), "constraint-error");
}

static void
test_pattern(void **state)
{
	struct config_field f = FIELD("f", CONFIG_STRING);
	char bomb[200];

	(void)state;
	f.pattern = "粤[A-Z]·?[0-9A-Z]{5}|无";
	assert_string_equal(verdict(&f, "粤S·12345"), "");
	assert_string_equal(verdict(&f, "粤S12345"), "");
	assert_string_equal(verdict(&f, "x粤S12345"), "constraint-error");
	assert_string_equal(verdict(&f, "粤S123456"), "constraint-error");
	assert_string_equal(verdict(&f, "无"), "");
	assert_string_equal(verdict(&f, "无关"), "constraint-error");
	/* nested repeats on what does not match: bounded work, a refusal */
	f.pattern = "(x+x+)+y";
	memset(bomb, 'x', sizeof(bomb));
	bomb[sizeof(bomb) - 1] = '\0';
	assert_string_equal(verdict(&f, bomb), "constraint-error");
}

/* Descriptors that cannot be made ready are refused with their place. */
static void
test_bad_fields(void **state)
{
	static const char *bad[] = {"1", "x"};
	struct config_field fields[] = {
		FIELD("f", CONFIG_STRING), FIELD("f", CONFIG_DATE),
		FIELD("f", CONFIG_NUMBER), FIELD("f", CONFIG_INTEGER)};

	(void)state;
	fields[0].pattern = "(";
	fields[1].min = "yesterday";
	fields[2].max = "1,5";
	fields[3].allow = (struct config_list){bad, 2};
	for (size_t i = 0; i < sizeof(fields) / sizeof(*fields); i++) {
		struct validate_field field;
		struct error err = ERROR_INIT;

		fields[i].place = (struct config_place){"a/b.ini", 7};
		assert_int_equal(
			validate_field_init(&field, &fields[i], &none, &err),
			ERR_INVALID);
		assert_non_null(strstr(err.text, "a/b.ini:7: field 'f'"));
		validate_field_release(&field);
		assert_int_equal(
			validate_field_init(&field, &fields[i], &none, NULL),
			ERR_INVALID);
		validate_field_release(&field);
	}
}

static void
test_missing_words(void **state)
{
	struct slice words[] = {SLICE("无"), SLICE("/"), SLICE("NULL"),
				SLICE("\xc3\xa9")};
	const struct validate_words missing = {words, 4};
	struct config_field config = FIELD("f", CONFIG_INTEGER);
	static const struct {
		const char *sent;
		int rc;
	} cases[] = {{" 无 ", 0}, {"/", 0},    {"NULL", 0}, {"e\xcc\x81", 0},
		     {"null", 1}, {"无无", 1}, {"//", 1},   {"", 0}};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		scope_buf out = BUF_INIT;
		struct validate_value_fault fault, warning;
		struct validate_field field;

		assert_int_equal(
			validate_field_init(&field, &config, &missing, NULL),
			0);
		assert_int_equal(validate_value(&field,
						slice_str(cases[i].sent), &out,
						&fault, &warning),
				 cases[i].rc);
		assert_int_equal(out.len, 0);
		validate_field_release(&field);
	}
}

/* Every sentence exists in both languages and fits its place uncut. */
static void
test_sentences(void **state)
{
	(void)state;
	for (int id = MSG_NONE + 1; id < SENTENCES; id++) {
		struct validate_value_fault fault;

		if (!sentence_code(id))
			continue;
		validate_message_fill(id, "1234567890", "1234567890", &fault);
		check_texts(&fault, id);
		assert_null(strchr(fault.message, '{'));
		assert_null(strchr(fault.message_zh, '{'));
		assert_true(strlen(fault.message) < 250);
		assert_true(strlen(fault.message_zh) < 250);
	}
}

/* An argument that does not fit is cut between characters. */
static void
test_long_argument(void **state)
{
	struct validate_value_fault fault;
	char pattern[400];

	(void)state;
	for (int pad = 0; pad < 4; pad++) {
		memset(pattern, 'x', sizeof(pattern));
		for (int i = pad; i + 3 < (int)sizeof(pattern); i += 3)
			memcpy(pattern + i, "中", 3);
		pattern[pad + 390] = '\0';
		validate_message_fill(MSG_PATTERN, pattern, NULL, &fault);
		check_texts(&fault, pad);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_bounds),
		cmocka_unit_test(test_number_order),
		cmocka_unit_test(test_lengths),
		cmocka_unit_test(test_enum),
		cmocka_unit_test(test_pattern),
		cmocka_unit_test(test_bad_fields),
		cmocka_unit_test(test_missing_words),
		cmocka_unit_test(test_sentences),
		cmocka_unit_test(test_long_argument),
	};

	if (clock_set_zone("Asia/Shanghai", NULL))
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
