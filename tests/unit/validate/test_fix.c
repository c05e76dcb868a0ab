/* Fix files. Fails if a cell does not come back as it was sent, in the
 * original's encoding, delimiter and line breaks. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/scope.h"
#include "validate/validate.h"

#include <iconv.h>

static const struct slice labels[] = {SLICE("编号"), SLICE("na;me"),
				      SLICE("金额")};

static struct decode_header
header_of(const char *encoding, const char *delimiter)
{
	struct decode_header h = {.format = "csv",
				  .encoding = encoding,
				  .labels = labels,
				  .nlabels = 3};

	memcpy(h.delimiter, delimiter, strlen(delimiter));
	return h;
}

/* The header and two rows. */
static void
write_fix(const struct decode_header *h, struct buf *out)
{
	const struct slice whole[] = {SLICE("1"), SLICE("say \"x\", 東莞㐀𠮷"),
				      SLICE("a\r\nb")};
	const struct slice ragged[] = {SLICE("2,;\t，"), SLICE_NONE, SLICE_NONE,
				       SLICE("beyond")};
	struct validate_fix *fix;

	assert_int_equal(validate_fix_new(h, &fix, NULL), 0);
	assert_int_equal(validate_fix_header(fix, out, NULL), 0);
	assert_int_equal(validate_fix_row(fix, whole, 3, 12,
					  SLICE("字段 金额：不是数值"), out,
					  NULL),
			 0);
	assert_int_equal(
		validate_fix_row(fix, ragged, 1, 13, SLICE("short"), out, NULL),
		0);
	assert_int_equal(
		validate_fix_row(fix, ragged, 4, 14, SLICE("long"), out, NULL),
		0);
	validate_fix_free(fix);
}

static void
test_comma(void **state)
{
	struct decode_header h = header_of("utf-8", ",");
	scope_buf out = BUF_INIT;

	(void)state;
	write_fix(&h, &out);
	assert_string_equal(buf_str(&out),
			    "\xef\xbb\xbf编号,na;me,金额,_row,_errors\n"
			    "1,\"say \"\"x\"\", 東莞㐀𠮷\",\"a\r\nb\",12,字段 "
			    "金额：不是数值\n"
			    "\"2,;\t，\",,,13,short\n"
			    "\"2,;\t，\",,,14,long,beyond\n");
}

static void
test_delimiters(void **state)
{
	struct decode_header h = header_of("utf-8-bom", ";");
	scope_buf out = BUF_INIT;

	(void)state;
	h.crlf = true;
	h.sep_line = true;
	write_fix(&h, &out);
	assert_string_equal(buf_str(&out),
			    "\xef\xbb\xbfsep=;\r\n"
			    "编号;\"na;me\";金额;_row;_errors\r\n"
			    "1;\"say \"\"x\"\", 東莞㐀𠮷\";\"a\r\nb\";12;字段 "
			    "金额：不是数值\r\n"
			    "\"2,;\t，\";;;13;short\r\n"
			    "\"2,;\t，\";;;14;long;beyond\r\n");
	h = header_of("utf-8", "，");
	buf_clear(&out);
	write_fix(&h, &out);
	assert_non_null(strstr(buf_str(&out), "编号，na;me，金额，_row，"));
	assert_non_null(strstr(buf_str(&out), "\"2,;\t，\"，，，13，"));
	h = header_of("utf-8", "\t");
	buf_clear(&out);
	write_fix(&h, &out);
	assert_non_null(strstr(buf_str(&out), "\"2,;\t，\"\t\t\t13\t"));
}

/* Every encoding, converted back by iconv(3), is the UTF-8 file without its
 * byte order mark. */
static void
test_encodings(void **state)
{
	static const struct {
		const char *name, *iconv, *bom;
	} encodings[] = {
		{"gb18030", "GB18030", ""},
		{"utf-16le", "UTF-16LE", "\xff\xfe"},
		{"utf-16be", "UTF-16BE", "\xfe\xff"},
	};
	struct decode_header h = header_of("utf-8", ",");
	scope_buf utf8 = BUF_INIT;

	(void)state;
	write_fix(&h, &utf8);
	for (size_t i = 0; i < sizeof(encodings) / sizeof(*encodings); i++) {
		scope_buf out = BUF_INIT;
		char back[1024], *from, *to = back;
		size_t room = sizeof(back), left;
		size_t bom = strlen(encodings[i].bom);
		iconv_t cd = iconv_open("UTF-8", encodings[i].iconv);

		h = header_of(encodings[i].name, ",");
		write_fix(&h, &out);
		assert_memory_equal(out.data, encodings[i].bom, bom);
		from = out.data + bom;
		left = out.len - bom;
		assert_int_equal(iconv(cd, &from, &left, &to, &room), 0);
		assert_int_equal(left, 0);
		assert_int_equal(to - back, utf8.len - 3);
		assert_memory_equal(back, utf8.data + 3, utf8.len - 3);
		iconv_close(cd);
	}
}

static void
test_refusals(void **state)
{
	struct decode_header h = header_of("koi8-r", ",");
	struct error err = ERROR_INIT;
	struct validate_fix *fix = NULL;
	scope_buf out = BUF_INIT;
	const struct slice broken = SLICE("\xff");

	(void)state;
	assert_int_equal(validate_fix_new(&h, &fix, &err), ERR_INVALID);
	assert_non_null(strstr(err.text, "'koi8-r'"));
	/* what is no UTF-8 has no place; the output stays as it was */
	h = header_of("gb18030", ",");
	assert_int_equal(validate_fix_new(&h, &fix, NULL), 0);
	assert_int_equal(validate_fix_header(fix, &out, NULL), 0);
	h.line = (int64_t)out.len;
	assert_int_equal(
		validate_fix_row(fix, &broken, 1, 1, SLICE_NONE, &out, &err),
		ERR_INVALID);
	assert_int_equal(out.len, h.line);
	validate_fix_free(fix);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_comma),
		cmocka_unit_test(test_delimiters),
		cmocka_unit_test(test_encodings),
		cmocka_unit_test(test_refusals),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
