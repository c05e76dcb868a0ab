/* The scanner. Fails if a cell, a row number or a line is wrong, also where
 * the text runs over the end of a block, or if a broken file gives rows only.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/scope.h"
#include "tests/lib/decode_collect.h"

static const char *const ab[] = {"a", "b", NULL};

static void
expect(const char *file, int line, struct slice bytes, const char *rows,
       const char *faults)
{
	struct collected c scope_collected = {0};

	collect(&c, bytes, "", ab);
	if (c.rc)
		print_error("%s:%d: %s\n", file, line, c.err.text);
	assert_int_equal(c.rc, 0);
	_assert_string_equal(buf_str(&c.rows), rows, file, line);
	_assert_string_equal(buf_str(&c.faults), faults, file, line);
	_assert_int_equal(c.end, *faults ? DECODE_REJECTED : DECODE_DONE, file,
			  line);
}
#define EXPECT(text, rows, faults) \
	expect(__FILE__, __LINE__, SLICE(text), rows, faults)

static void
test_lines(void **state)
{
	(void)state;
	EXPECT("a,b\n1,2\n", "1@2 1|2\n", "");
	EXPECT("a,b\n1,2", "1@2 1|2\n", "");
	EXPECT("a,b\r\n1,2\r\n", "1@2 1|2\n", "");
	EXPECT("a,b\r1,2\r", "1@2 1|2\n", "");
	EXPECT("a,b\r1,2\r\n3,4\n\r5,6", "1@2 1|2\n2@3 3|4\n3@4 \n4@5 5|6\n",
	       "");
	EXPECT("a,b\n\n1,2\n\n", "1@2 \n2@3 1|2\n3@4 \n", "");
	EXPECT("a,b\n1\xe2\x80\xa8x,2\n", "1@2 1\xe2\x80\xa8x|2\n", "");
	EXPECT("a,b\n", "", "");
	EXPECT("a,b", "", "");
	EXPECT("a,b\n,\n1,\n,2", "1@2 |\n2@3 1|\n3@4 |2\n", "");
	EXPECT("a,b\n1\n1,2,3\n", "1@2 1\n2@3 1|2|3\n", "");
	EXPECT("a;b\n1;2,3\n", "1@2 1|2,3\n", "");
	EXPECT("a\tb\n1\t2\n", "1@2 1|2\n", "");
	EXPECT("a，b\n1，。2\n", "1@2 1|。2\n", "");
	EXPECT("sep=;\r\na;b\r\n1;2\r\n", "1@3 1|2\n", "");
	EXPECT("sep=^\na^b\n1,^\"2^\"\n", "1@3 1,|2^\n", "");
	EXPECT("sep=💡\na💡b\n1💢💡2\n", "1@3 1💢|2\n", "");
}

static void
test_quotes(void **state)
{
	(void)state;
	EXPECT("a,b\n\"1\",\"2\"\n", "1@2 1|2\n", "");
	EXPECT("a,b\n\"\",\"\"\n\"\"", "1@2 |\n2@3 \n", "");
	EXPECT("a,b\n\"1,\"\"2\"\"\",\"\"\"\"\n", "1@2 1,\"2\"|\"\n", "");
	EXPECT("a,b\n\"\"\"x\"\"\"\"y\",z\n", "1@2 \"x\"\"y|z\n", "");
	EXPECT("a,b\n\"1\n\r\n\r2\",3\n4,5\n", "1@2 1\n\r\n\r2|3\n2@6 4|5\n",
	       "");
	EXPECT("a,b\n\"1\r\",\"\n\"\n4,5\n", "1@2 1\r|\n\n2@5 4|5\n", "");
	EXPECT("a,b\n1,\"2\"", "1@2 1|2\n", "");
	EXPECT("a，b\n\"，\"，2\n", "1@2 ，|2\n", "");
	EXPECT("\"a\",\"b\"\n1,2\n", "1@2 1|2\n", "");
	/* in a cell that does not begin with one, a quote is text */
	EXPECT("a,b\n1,2\"3\"\n", "1@2 1|2\"3\"\n", "");
	EXPECT("a,b\n1, \"3\"\n", "1@2 1| \"3\"\n", "");
	EXPECT("a,b\n1\",\"2\"\n\"3\",4\"\n", "1@2 1\"|2\n2@3 3|4\"\n", "");
}

static void
test_faults(void **state)
{
	(void)state;
	EXPECT("a,b\n1,2\n3,\"x\ny\n", "1@2 1|2\n",
	       "format-error row=2 line=3 field= value=\n");
	EXPECT("a,b\n\"1\n\" ,2\n", "",
	       "format-error row=1 line=3 field= value=\n");
	EXPECT("a，b\n\"1\"。，2\n", "",
	       "format-error row=1 line=2 field= value=\n");
	EXPECT("a,b\n1,2\n3,x\0y\n5,6\n", "1@2 1|2\n",
	       "format-error row=2 line=3 field= value=\n");
	EXPECT("a,b\n\"1\n\n\0\",2\n", "",
	       "format-error row=1 line=4 field= value=\n");
	/* with no header to be found, the reason is the fault itself */
	EXPECT("\"a,b\n1,2\n", "", "format-error row=0 line=1 field= value=\n");
	EXPECT("x,y\n1,2\n", "", "format-error row=0 line=1 field= value=\n");
	EXPECT("\n", "", "format-error row=0 line=1 field= value=\n");
	EXPECT("\xef\xbb\xbf", "", "format-error row=0 line=1 field= value=\n");
}

/* Every piece of syntax at every place around the end of the first block: the
 * window is 256 KiB. */
static void
test_blocks(void **state)
{
	static const char piece[] = "\"x\"\"y\r\nz\"，\"\"\r\nx，y\r\r\n";
	const char *const want[] = {"x\"y\r\nz|", "x|y", ""};

	(void)state;
	for (size_t shift = 0; shift < sizeof(piece) + 8; shift++) {
		struct collected c scope_collected = {0};
		scope_buf text = BUF_INIT;
		scope_buf rows = BUF_INIT;
		size_t fill = 256 * 1024 - shift - 8;

		assert_int_equal(buf_adds(&text, "a，b\n"), 0);
		assert_int_equal(buf_reserve(&text, fill + 1), 0);
		memset(text.data + text.len, 'f', fill);
		text.len += fill;
		assert_int_equal(buf_addc(&text, '\n'), 0);
		assert_int_equal(buf_add(&text, piece, sizeof(piece) - 1), 0);
		collect(&c, buf_slice(&text), "", ab);
		assert_int_equal(c.rc, 0);
		assert_int_equal(c.end, DECODE_DONE);
		assert_int_equal(buf_addf(&rows, "\n2@3 %s\n3@5 %s\n4@6 %s\n",
					  want[0], want[1], want[2]),
				 0);
		assert_true(c.rows.len > rows.len);
		assert_string_equal(buf_str(&c.rows) + c.rows.len - rows.len,
				    buf_str(&rows));
	}
}

static void
add_repeated(struct buf *b, const char *text, size_t n)
{
	for (size_t i = 0; i < n; i++)
		assert_int_equal(buf_adds(b, text), 0);
}

/* Limits end a file, and stand where decode.h says. */
static void
test_limits(void **state)
{
	(void)state;
	for (int over = 0; over < 2; over++) {
		struct collected c scope_collected = {.count_only = true};
		scope_buf text = BUF_INIT;

		assert_int_equal(buf_adds(&text, "a,b\n1,2\n"), 0);
		add_repeated(&text, ",", (size_t)DECODE_MAX_CELLS - 1 + over);
		collect(&c, buf_slice(&text), "", ab);
		assert_int_equal(c.rc, 0);
		assert_int_equal(c.nrows, over ? 1 : 2);
		assert_int_equal(c.end, over ? DECODE_REJECTED : DECODE_DONE);
		if (over)
			assert_string_equal(
				buf_str(&c.faults),
				"format-error row=2 line=3 field= value=\n");
	}
	for (int over = 0; over < 2; over++) {
		struct collected c scope_collected = {.count_only = true};
		scope_buf text = BUF_INIT;
		size_t fill = (size_t)DECODE_MAX_RECORD - 1 + over;

		assert_int_equal(buf_adds(&text, "a,b\n"), 0);
		assert_int_equal(buf_reserve(&text, fill), 0);
		memset(text.data + text.len, 'f', fill);
		text.data[text.len + 3] = ',';
		text.len += fill;
		assert_int_equal(buf_adds(&text, "\n1,2\n"), 0);
		collect(&c, buf_slice(&text), "", ab);
		assert_int_equal(c.rc, 0);
		assert_int_equal(c.nrows, over ? 0 : 2);
		assert_int_equal(c.end, over ? DECODE_REJECTED : DECODE_DONE);
		if (over)
			assert_string_equal(
				buf_str(&c.faults),
				"format-error row=1 line=2 field= value=\n");
	}
}

/* A record that grows over many blocks keeps its cells. */
static void
test_long_record(void **state)
{
	struct collected c scope_collected = {0};
	scope_buf text = BUF_INIT;
	scope_buf want = BUF_INIT;

	(void)state;
	assert_int_equal(buf_adds(&text, "a,b\n"), 0);
	assert_int_equal(buf_adds(&want, "1@2 "), 0);
	for (int i = 0; i < 4000; i++) {
		assert_int_equal(
			buf_addf(&text, "%s\"%d \"\"", i ? "," : "", i), 0);
		add_repeated(&text, "0123456789\"\"abcdefg", 30);
		assert_int_equal(buf_addc(&text, '"'), 0);
		assert_int_equal(buf_addf(&want, "%s%d \"", i ? "|" : "", i),
				 0);
		add_repeated(&want, "0123456789\"abcdefg", 30);
	}
	assert_int_equal(buf_adds(&text, "\r\n7,8"), 0);
	assert_int_equal(buf_adds(&want, "\n2@3 7|8\n"), 0);
	collect(&c, buf_slice(&text), "", ab);
	assert_int_equal(c.end, DECODE_DONE);
	assert_true(slice_eq(buf_slice(&c.rows), buf_slice(&want)));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_quotes),
		cmocka_unit_test(test_faults),
		cmocka_unit_test(test_blocks),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_long_record),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
