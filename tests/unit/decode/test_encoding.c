/* The ladder of encodings and what a file is by content. Fails if a file is
 * read in a wrong encoding, if damage does not name its byte, or if a copy
 * that was cut off is judged. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/scope.h"
#include "tests/lib/decode_collect.h"

#include <iconv.h>

static const char *const names[] = {"a", "b=名称", NULL};
static const char text[] = "a,名称\n1,统一社会信用代码\n2,\xf0\x9f\x98\x80é\n";
static const char rows[] = "1@2 1|统一社会信用代码\n2@3 2|\xf0\x9f\x98\x80é\n";

static void
convert(struct buf *out, const char *charset, struct slice in)
{
	iconv_t conv = iconv_open(charset, "UTF-8");
	char *from = (char *)(uintptr_t)in.p, *to;
	size_t nfrom = in.n, nto;

	assert_true(conv != (iconv_t)-1);
	assert_int_equal(buf_reserve(out, 4 * in.n), 0);
	to = out->data + out->len;
	nto = out->cap - out->len;
	assert_int_equal(iconv(conv, &from, &nfrom, &to, &nto), 0);
	out->len = (size_t)(to - out->data);
	iconv_close(conv);
}

static void
test_whole_files(void **state)
{
	static const struct {
		const char *charset;
		struct slice bom;
		const char *header;
	} files[] = {
		{"UTF-8", {"", 0}, "utf-8 , 1 0 1"},
		{"UTF-8", {"\xef\xbb\xbf", 3}, "utf-8-bom , 1 0 1"},
		{"UTF-16LE", {"\xff\xfe", 2}, "utf-16le , 1 0 1"},
		{"UTF-16BE", {"\xfe\xff", 2}, "utf-16be , 1 0 1"},
		{"GB18030", {"", 0}, "gb18030 , 1 0 1"},
		{"GB18030", {"\x84\x31\x95\x33", 4}, "gb18030 , 1 0 1"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		struct collected c scope_collected = {0};
		scope_buf bytes = BUF_INIT;

		assert_int_equal(buf_addslice(&bytes, files[i].bom), 0);
		convert(&bytes, files[i].charset, SLICE(text));
		collect(&c, buf_slice(&bytes), "", names);
		assert_int_equal(c.rc, 0);
		assert_int_equal(c.end, DECODE_DONE);
		assert_string_equal(buf_str(&c.header), files[i].header);
		assert_string_equal(buf_str(&c.rows), rows);
	}
}

/* Characters of every length over the ends of blocks, in every encoding. */
static void
test_blocks(void **state)
{
	static const char *const charsets[] = {"UTF-8", "GB18030"};

	(void)state;
	for (size_t i = 0; i < 2 * 8; i++) {
		struct collected c scope_collected = {0};
		scope_buf utf8 = BUF_INIT;
		scope_buf bytes = BUF_INIT;

		assert_int_equal(buf_adds(&utf8, "a,b\n"), 0);
		for (size_t j = 0; j < i / 2; j++)
			assert_int_equal(buf_addc(&utf8, 'x'), 0);
		assert_int_equal(buf_adds(&utf8, "1,"), 0);
		for (int j = 0; j < 60000; j++)
			assert_int_equal(buf_adds(&utf8, "中é\xf0\x9f\x98\x80"),
					 0);
		convert(&bytes, charsets[i % 2], buf_slice(&utf8));
		collect(&c, buf_slice(&bytes), "", names);
		assert_int_equal(c.end, DECODE_DONE);
		assert_int_equal(c.rows.len, 4 + utf8.len - 4 + 1);
		assert_memory_equal(c.rows.data + 4 + i / 2 + 2,
				    utf8.data + 4 + i / 2 + 2,
				    utf8.len - 4 - i / 2 - 2);
	}
}

static void
expect(int at, struct slice bytes, enum decode_end end, const char *faults)
{
	struct collected c scope_collected = {0};

	collect(&c, bytes, "", names);
	_assert_int_equal(c.rc, 0, __FILE__, at);
	_assert_string_equal(buf_str(&c.faults), faults, __FILE__, at);
	_assert_int_equal(c.end, end, __FILE__, at);
	_assert_int_equal(c.nrows, 0, __FILE__, at);
}
#define REJECTED(bytes, faults) \
	expect(__LINE__, SLICE(bytes), DECODE_REJECTED, faults)
#define INCOMPLETE(bytes) expect(__LINE__, SLICE(bytes), DECODE_INCOMPLETE, "")

static void
test_wrong_bytes(void **state)
{
	(void)state;
	/* a lone 0x80 is not GB18030 */
	REJECTED("a,b\n1,\x80\n",
		 "encoding-error row=0 line=2 field= value=0x80\n");
	REJECTED("a,b\r\n1,2\r\n\xff",
		 "encoding-error row=0 line=3 field= value=0xFF\n");
	/* overlong, surrogate, beyond the last; none is GB18030 either */
	REJECTED("a,b\n\xc0\x20,\n",
		 "encoding-error row=0 line=2 field= value=0xC0\n");
	REJECTED("a,b\n\xed\xa0\xff,\n",
		 "encoding-error row=0 line=2 field= value=0xFF\n");
	/* with the mark of UTF-8 there is no second try */
	REJECTED("\xef\xbb\xbf"
		 "a,b\n\xc4\xbf\xc2\xbc\xb0\xa1\n",
		 "encoding-error row=0 line=2 field= value=0xB0\n");
	/* UTF-16: half a pair, half a unit */
	REJECTED("\xff\xfe\x61\0\n\0\x00\xd8\n\0",
		 "encoding-error row=0 line=0 field= value=0x00\n");
	REJECTED("\xff\xfe\x61\0\n\0\x61",
		 "encoding-error row=0 line=0 field= value=0x61\n");
}

/* UTF-8 cut in its last character is often valid GB18030, and must not be
 * read as such. */
static void
test_cut_utf8(void **state)
{
	scope_buf bytes = BUF_INIT;

	(void)state;
	assert_int_equal(buf_add(&bytes, text, sizeof(text) - 1), 0);
	/* "…信用代" loses its last byte: valid GB18030, as it happens */
	bytes.len = (size_t)(strstr(text, "代") - text) + 2;
	expect(__LINE__, buf_slice(&bytes), DECODE_REJECTED,
	       "encoding-error row=0 line=2 field= value=0xE4\n");
}

/* A word that is UTF-8 by accident may be the only one of thousands of rows:
 * the file is GBK all the same. */
static void
test_repeated_gbk(void **state)
{
	struct collected c scope_collected = {0};
	scope_buf text_buf = BUF_INIT;
	scope_buf bytes = BUF_INIT;

	(void)state;
	assert_int_equal(buf_adds(&text_buf, "a,名称\n啊,目录\n"), 0);
	for (int i = 0; i < 1000; i++)
		assert_int_equal(buf_adds(&text_buf, "1,目录\n"), 0);
	convert(&bytes, "GB18030", buf_slice(&text_buf));
	collect(&c, buf_slice(&bytes), "", names);
	assert_string_equal(buf_str(&c.header), "gb18030 , 1 0 1");
}

/* GBK text of which some cells are valid UTF-8 is GBK. */
static void
test_gbk(void **state)
{
	struct collected c scope_collected = {0};
	scope_buf bytes = BUF_INIT;

	(void)state;
	convert(&bytes, "GB18030", SLICE("a,名称\n目录,目录\n啊,企业\n"));
	collect(&c, buf_slice(&bytes), "", names);
	assert_string_equal(buf_str(&c.header), "gb18030 , 1 0 1");
	assert_string_equal(buf_str(&c.rows), "1@2 目录|目录\n2@3 啊|企业\n");
}

static void
test_cut_off(void **state)
{
	(void)state;
	INCOMPLETE("");
	INCOMPLETE("\0");
	INCOMPLETE("\0\0\0\0\0\0");
	INCOMPLETE("a,b\n1,2\n\0");
	INCOMPLETE("a,b\n1,2\n\0\0\0\0");
	INCOMPLETE("\xff\xfe"
		   "a\0,\0b\0\n\0\0\0");
	INCOMPLETE("\xfe\xff"
		   "\0a\0,\0b\0\n\0\0\0\0");
	INCOMPLETE("PK\3\4 the rest is not there");
	INCOMPLETE("PK\3\4PK\5\6"
		   "0123456789abcdef\0\0\0\0\0\0");
	INCOMPLETE("PK\3\4PK\5\6"
		   "0123456789abcdef\3\0x");
}

#define FORMAT_ERROR "format-error row=0 line=0 field= value=\n"

static void
test_other_formats(void **state)
{
	(void)state;
	REJECTED("PK\3\4PK\5\6"
		 "0123456789abcdef\0\0",
		 FORMAT_ERROR);
	REJECTED("PK\3\4PK\5\6"
		 "0123456789abcdef\1\0x",
		 FORMAT_ERROR);
	REJECTED("PK\3\4PK\5\6"
		 "0123456789abcdef\0\0\0x",
		 FORMAT_ERROR);
	REJECTED("\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1\0\0", FORMAT_ERROR);
	REJECTED("\x1f\x8b\x08\0\0", FORMAT_ERROR);
	REJECTED("\xfd\x37zXZ\0\0", FORMAT_ERROR);
	REJECTED("\x28\xb5\x2f\xfd\0", FORMAT_ERROR);
	REJECTED("%PDF-1.7", FORMAT_ERROR);
	REJECTED("\n<!DOCTYPE html>", FORMAT_ERROR);
	REJECTED("<HTML><table>", FORMAT_ERROR);
	REJECTED("<?xml version='1.0'?>", FORMAT_ERROR);
	REJECTED("a\0,\0b\0\n\0",
		 "encoding-error row=0 line=0 field= value=\n");
	REJECTED("\0a\0,\0b\0\n",
		 "encoding-error row=0 line=0 field= value=\n");
	REJECTED("\xff\xfe\0\0a\0\0\0",
		 "encoding-error row=0 line=0 field= value=\n");
	REJECTED("\0\0\xfe\xff\0\0\0a",
		 "encoding-error row=0 line=0 field= value=\n");
}

/* A size that the file does not have is an error, not an end. */
static void
test_short_file(void **state)
{
	struct decode_request *req = collect_request("", names);
	struct collected c scope_collected = {0};
	struct decode_sink sink = collect_sink(&c);
	scope_fd fd = collect_file(SLICE("a,b\n1,2\n"));

	(void)state;
	assert_int_equal(decode_file(req, fd, 100, DECODE_NO_ROOM, &sink,
				     &c.end, &c.err),
			 ERR_IO);
	assert_true(*c.err.text);
	decode_request_free(req);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_whole_files),
		cmocka_unit_test(test_blocks),
		cmocka_unit_test(test_wrong_bytes),
		cmocka_unit_test(test_cut_utf8),
		cmocka_unit_test(test_repeated_gbk),
		cmocka_unit_test(test_gbk),
		cmocka_unit_test(test_cut_off),
		cmocka_unit_test(test_other_formats),
		cmocka_unit_test(test_short_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
