/* Which record is the header. Fails if a column is taken for a wrong field,
 * if a file's label faults are not all told, or if rows follow them. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/scope.h"
#include "tests/lib/decode_collect.h"

static const char *const fields[] = {"uscc=统一社会信用代码", "name=名称",
				     "café", NULL};

static void
expect(int at, const char *options, const char *text, const char *header,
       const char *faults)
{
	struct collected c scope_collected = {0};

	collect(&c, slice_str(text), options, fields);
	_assert_int_equal(c.rc, 0, __FILE__, at);
	_assert_string_equal(buf_str(&c.header), header, __FILE__, at);
	_assert_string_equal(buf_str(&c.faults), faults, __FILE__, at);
	_assert_int_equal(c.end, *faults ? DECODE_REJECTED : DECODE_DONE,
			  __FILE__, at);
	if (*faults)
		_assert_int_equal(c.nrows, 0, __FILE__, at);
}
#define EXPECT(options, text, header, faults) \
	expect(__LINE__, options, text, header, faults)

static void
test_names(void **state)
{
	(void)state;
	EXPECT("", "uscc,name,café\n", "utf-8 , 1 0 1 2", "");
	EXPECT("", "café,名称,uscc\n", "utf-8 , 1 2 1 0", "");
	/* trimmed, and the accent apart */
	EXPECT("", "\" uscc\t\n\",\xc2\xa0名称\xe3\x80\x80,cafe\xcc\x81\n",
	       "utf-8 , 1 0 1 2", "");
	EXPECT("", "Uscc,name,café\n", "utf-8 , 1 -1 1 2",
	       "extra-label row=0 line=1 field=Uscc value=Uscc\n"
	       "missing-label row=0 line=1 field=uscc value=\n");
}

static void
test_place(void **state)
{
	(void)state;
	EXPECT("", "企业登记表\n\n2024,,\nuscc,name,café\n1,2,3\n",
	       "utf-8 , 4 0 1 2", "");
	/* a better record comes later; the best is the first of equals */
	EXPECT("", "uscc,name,x\nuscc,name,café\n", "utf-8 , 2 0 1 2", "");
	EXPECT("e", "uscc,name,x\nname,uscc,y\n", "utf-8 , 1 0 1 -1",
	       "missing-label row=0 line=1 field=café value=\n");
	/* the 20th record counts, the 21st does not */
	EXPECT("", "\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\nuscc,name,café\n",
	       "utf-8 , 20 0 1 2", "");
	EXPECT("", "\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\nuscc,name,café\n",
	       "", "format-error row=0 line=1 field= value=\n");
}

static void
test_delimiters(void **state)
{
	(void)state;
	EXPECT("", "uscc;name;café\n", "utf-8 ; 1 0 1 2", "");
	EXPECT("", "uscc\tname\tcafé\n", "utf-8 \t 1 0 1 2", "");
	EXPECT("", "uscc，name，café\n", "utf-8 ， 1 0 1 2", "");
	EXPECT("", "\"uscc\";\"name\";\"café\"\n", "utf-8 ; 1 0 1 2", "");
	/* a complete header under the semicolon beats a part under comma */
	EXPECT("", "uscc,x\nuscc;name;café\n", "utf-8 ; 2 0 1 2", "");
	EXPECT("", "sep=;\r\nuscc;name;café\n", "utf-8 ; 2 sep crlf 0 1 2", "");
	EXPECT("", "SEP=\t\nuscc\tname\tcafé\n", "utf-8 \t 2 sep 0 1 2", "");
	EXPECT("", "sep=，\nuscc，name，café\n", "utf-8 ， 2 sep 0 1 2", "");
	/* sep= decides, right or wrong */
	EXPECT("", "sep=;\nuscc,name,café\n", "",
	       "format-error row=0 line=1 field= value=\n");
	EXPECT("", "sep=|\nuscc|name|café\n", "utf-8 | 2 sep 0 1 2", "");
	EXPECT("", "sep=；\r\nuscc；name；café\r\n",
	       "utf-8 ； 2 sep crlf 0 1 2", "");
	EXPECT("", "sep=|\nuscc,name,café\n", "",
	       "format-error row=0 line=1 field= value=\n");
	EXPECT("", "sep=\"\nuscc,name,café\n", "",
	       "format-error row=0 line=1 field= value=\n");
	EXPECT("", "sep=,", "", "format-error row=0 line=1 field= value=\n");
	/* which line break comes first is part of the form */
	EXPECT("", "uscc,name,café\r\n1,2,3\n", "utf-8 , 1 crlf 0 1 2", "");
	EXPECT("", "uscc,name,café\n1,2,3\r\n", "utf-8 , 1 0 1 2", "");
}

static void
test_faults(void **state)
{
	(void)state;
	EXPECT("", "x,name\ty,name,\n", "utf-8 , 1 -1 -1 1 -1",
	       "extra-label row=0 line=1 field=x value=x\n"
	       "extra-label row=0 line=1 field=name\\x09y value=name\\x09y\n"
	       "extra-label row=0 line=1 field= value=\n"
	       "missing-label row=0 line=1 field=uscc value=\n"
	       "missing-label row=0 line=1 field=café value=\n");
	EXPECT("e", "x,uscc,name,café,\n", "utf-8 , 1 -1 0 1 2 -1", "");
	EXPECT("e", "uscc,统一社会信用代码,name,café\n", "utf-8 , 1 0 0 1 2",
	       "duplicate-label row=0 line=1 field=uscc "
	       "value=统一社会信用代码\n");
}

static void
test_change(void **state)
{
	static const char *const own[] = {"id", "change", NULL};
	struct collected c scope_collected = {0};

	(void)state;
	EXPECT("c", "change,uscc,name,café\n", "utf-8 , 1 -2 0 1 2", "");
	EXPECT("c", "uscc,name,café\n", "utf-8 , 1 0 1 2", "");
	EXPECT("", "change,uscc,name,café\n", "utf-8 , 1 -1 0 1 2",
	       "extra-label row=0 line=1 field=change value=change\n");
	EXPECT("c", "change,uscc,change,name,café\n", "utf-8 , 1 -2 0 -2 1 2",
	       "duplicate-label row=0 line=1 field=change value=change\n");
	/* a registered field of that name is that field */
	collect(&c, SLICE("id,change\n"), "c", own);
	assert_string_equal(buf_str(&c.header), "utf-8 , 1 0 1");
	assert_int_equal(c.end, DECODE_DONE);
}

/* Messages say what to do, and where. */
static void
test_messages(void **state)
{
	struct collected c scope_collected = {0};

	(void)state;
	collect(&c, SLICE("uscc,name,\n"), "", fields);
	assert_string_equal(
		buf_str(&c.messages),
		"column 3 has no name: name it, or remove the column (also a "
		"separator at the end of each line makes one)\n"
		"第 3 "
		"列没有列名，请填写列名或删去该列（每行末尾多一个分隔符也会"
		"多出一列）\n"
		"no column is named 'café': add the column, or correct its "
		"name in the header (line 1)\n"
		"没有名为“café”的列，请补上这一列，或改正表头（第 1 "
		"行）中的列名\n");
}

/* A column that may be missing, and one that is there all the same. */
static void
test_optional(void **state)
{
	static const char *const some[] = {"id", "?plan=计划", "name", NULL};
	static const struct {
		const char *text, *header, *faults;
	} cases[] = {
		{"id,name\n1,a\n", "utf-8 , 1 0 2", ""},
		{"计划,name,id\n1,a,2\n", "utf-8 , 1 1 2 0", ""},
		/* the first that has all it must have */
		{"id,plan\nid,name\nid,plan,name\n", "utf-8 , 2 0 2", ""},
		{"id,plan\n1,2\n", "utf-8 , 1 0 1",
		 "missing-label row=0 line=1 field=name value=\n"},
		{"plan\n2\n", "utf-8 , 1 1",
		 "missing-label row=0 line=1 field=id value=\n"
		 "missing-label row=0 line=1 field=name value=\n"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct collected c scope_collected = {0};

		collect(&c, slice_str(cases[i].text), "", some);
		assert_int_equal(c.rc, 0);
		assert_string_equal(buf_str(&c.header), cases[i].header);
		assert_string_equal(buf_str(&c.faults), cases[i].faults);
	}
}

static void
test_requests(void **state)
{
	struct decode_request *req = collect_request("ec", fields), *again;
	scope_buf bytes = BUF_INIT;

	(void)state;
	assert_non_null(req);
	assert_int_equal(req->nlabels, 3);
	assert_true(req->extra_ignore && req->change_allowed);
	assert_string_equal(req->labels[0].title, "统一社会信用代码");
	assert_string_equal(req->labels[2].title, "");
	assert_int_equal(decode_request_write(req, &bytes), 0);
	decode_request_free(req);
	/* every cut, and every byte changed: refused, or a whole request */
	for (size_t n = 0; n < bytes.len; n++)
		assert_int_equal(
			decode_request_parse((struct slice){bytes.data, n},
					     &again, NULL),
			ERR_PROTOCOL);
	for (size_t i = 0; i < bytes.len; i++) {
		for (int bit = 0; bit < 8; bit++) {
			bytes.data[i] ^= (char)(1 << bit);
			if (!decode_request_parse(buf_slice(&bytes), &again,
						  NULL)) {
				assert_int_equal(again->nlabels, 3);
				decode_request_free(again);
			}
			bytes.data[i] ^= (char)(1 << bit);
		}
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_place),
		cmocka_unit_test(test_delimiters),
		cmocka_unit_test(test_faults),
		cmocka_unit_test(test_change),
		cmocka_unit_test(test_messages),
		cmocka_unit_test(test_optional),
		cmocka_unit_test(test_requests),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
