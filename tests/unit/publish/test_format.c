/* The bytes of published files. Fails if a header, a row, a name or a
 * description is not byte for byte what SPEC 5 and 15 say. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/io.h"
#include "base/scope.h"
#include "publish/format.h"
#include "lib/sample_theme.h"

#include <fcntl.h>

#define BOM "\xef\xbb\xbf"

static void
start(struct sample *s)
{
	sample_init(s);
	sample_rule(s, "name = first registration.name rating.taxpayer_name");
	sample_rule(s, "rating = latest rating.grade");
	sample_rule(s, "penalties = count penalty");
	sample_rule(s, "fined = sum penalty.amount");
	sample_rule(s, "value = first rating.listed");
	sample_rule(s, "all = list penalty.amount");
}

static void
pack(struct buf *row, const char *cells)
{
	const char *end;

	buf_clear(row);
	do {
		end = strchrnul(cells, ';');
		assert_int_equal(
			cells_add(row,
				  (struct slice){cells, (size_t)(end - cells)}),
			0);
		cells = end + 1;
	} while (*end);
}

static void
expect(struct buf *out, const char *text)
{
	assert_string_equal(buf_str(out), text);
	buf_clear(out);
}

static void
test_headers(void **state)
{
	scope_buf out = BUF_INIT;
	struct sample s;
	const struct config_resource *r;

	(void)state;
	start(&s);
	r = s.theme.sources[0].members[0].resource;
	assert_int_equal(publish_format_data_header(&s.theme, &out), 0);
	expect(&out, "uscc,name,rating,penalties,fined,value,all\n");
	assert_int_equal(publish_format_changes_header(&s.theme, &out), 0);
	expect(&out, "change,uscc,name,rating,penalties,fined,value,all\n");
	assert_int_equal(publish_format_source_header(&s.theme, r, &out), 0);
	expect(&out, "licence_no,uscc,name,capital,updated_on\n");
	s.theme.bom = true;
	assert_int_equal(publish_format_data_header(&s.theme, &out), 0);
	expect(&out, BOM "uscc,name,rating,penalties,fined,value,all\n");
	assert_int_equal(publish_format_conflicts_header(&s.theme, &out), 0);
	expect(&out, BOM "subject,field,winner_source,winner_value,source,"
			 "value\n");
	assert_int_equal(publish_format_orphans_header(&s.theme, &out), 0);
	expect(&out, BOM "source,subject,key\n");
	assert_int_equal(publish_format_source_header(&s.theme, r, &out), 0);
	expect(&out, BOM "licence_no,uscc,name,capital,updated_on\n");
	sample_release(&s);
}

static void
test_csv_rows(void **state)
{
	scope_buf out = BUF_INIT;
	scope_buf row = BUF_INIT;
	int64_t lines = -1;
	struct sample s;

	(void)state;
	start(&s);
	pack(&row, "U;a,b;say \"x\";;1.50;line\nbreak; kept \r");
	assert_int_equal(publish_format_data_csv(buf_slice(&row), &out), 0);
	expect(&out, "U,\"a,b\",\"say \"\"x\"\"\",,1.50,\"line\nbreak\", kept "
		     "\r\n");
	assert_int_equal(
		publish_format_change_csv("delete", buf_slice(&row), &out), 0);
	assert_true(slice_starts(buf_slice(&out), SLICE("delete,U,\"a,b\",")));
	buf_clear(&out);
	pack(&row, "");
	assert_int_equal(publish_format_data_csv(buf_slice(&row), &out), 0);
	expect(&out, "\"\"\n");
	pack(&row, "L1;U;N;1;2026-01-01;138");
	assert_int_equal(publish_format_source_csv(
				 s.theme.sources[0].members[0].resource,
				 buf_slice(&row), &out),
			 0);
	expect(&out, "L1,U,N,1,2026-01-01\n");
	pack(&row, "f;w;1;s;2;g;w;a,b;t;");
	assert_int_equal(publish_format_conflicts_csv(
				 SLICE("U"), buf_slice(&row), &out, &lines),
			 0);
	expect(&out, "U,f,w,1,s,2\nU,g,w,\"a,b\",t,\n");
	assert_int_equal(lines, 2);
	assert_int_equal(publish_format_conflicts_csv(SLICE("U"), SLICE_NONE,
						      &out, &lines),
			 0);
	assert_int_equal(lines, 0);
	assert_int_equal(out.len, 0);
	sample_release(&s);
}

static void
test_orphans(void **state)
{
	struct config_field fields[] = {
		{.id = "a"},
		{.id = "b", .sensitivity = CONFIG_PERSONAL},
		{.id = "c", .sharing = CONFIG_CONDITIONAL},
	};
	size_t key[] = {0, 1, 2};
	struct config_resource r = {
		.fields = fields, .key = key, .nkey = 3, .subject = -1};
	struct slice packed = SLICE("1,5\0two\0three");
	scope_buf out = BUF_INIT;
	scope_buf shown = BUF_INIT;

	(void)state;
	assert_int_equal(
		publish_format_orphan_csv("s", SLICE_NONE, SLICE("k"), &out),
		0);
	expect(&out, "s,,k\n");
	assert_int_equal(
		publish_format_orphan_csv("s", SLICE("U"), packed, &out), 0);
	expect(&out, "s,U,\"1,5|two|three\"\n");
	assert_int_equal(publish_format_orphan_key(&r, packed, &shown), 0);
	assert_true(slice_eq(buf_slice(&shown), SLICE("1,5\0\0three")));
	buf_clear(&shown);
	r.subject = 1;
	assert_int_equal(publish_format_orphan_key(&r, packed, &shown), 0);
	assert_true(slice_eq(buf_slice(&shown), packed));
}

static void
test_jsonl(void **state)
{
	scope_buf out = BUF_INIT;
	scope_buf row = BUF_INIT;
	struct sample s;

	(void)state;
	start(&s);
	pack(&row, "U;华为 \"x\";A;2;-0.50;true;1|2");
	assert_int_equal(
		publish_format_data_jsonl(&s.theme, buf_slice(&row), &out), 0);
	expect(&out, "{\"uscc\":\"U\",\"name\":\"华为 \\\"x\\\"\","
		     "\"rating\":\"A\",\"penalties\":2,\"fined\":-0.50,"
		     "\"value\":true,\"all\":\"1|2\"}\n");
	s.theme.subject_type = CONFIG_INTEGER;
	pack(&row, "7;;;0;;;");
	assert_int_equal(
		publish_format_data_jsonl(&s.theme, buf_slice(&row), &out), 0);
	expect(&out, "{\"uscc\":7,\"name\":null,\"rating\":null,"
		     "\"penalties\":0,\"fined\":null,\"value\":null,"
		     "\"all\":null}\n");
	sample_release(&s);
}

static void
test_key_names(void **state)
{
	static const struct {
		const char *key, *name;
	} table[] = {
		{"91440000MA", "91440000MA"},
		{"华为", "华为"},
		{"a b", "a b"},
		{"a/b\\c:d", "a%2Fb%5Cc%3Ad"},
		{"*?\"<>|%", "%2A%3F%22%3C%3E%7C%25"},
		{".hidden", "%2Ehidden"},
		{".", "%2E"},
		{"..", "%2E%2E"},
		{"a.b.", "a.b%2E"},
		{"  a  ", "%20%20a%20%20"},
		{"\n\x7f", "%0A%7F"},
		{"\xc2\x85", "%C2%85"},
		{"\xc2\xa9", "\xc2\xa9"},
		{"\xc3\x85", "\xc3\x85"},
		{"sha256-1", "sha256-1"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		scope_buf name = BUF_INIT;
		scope_buf key = BUF_INIT;

		assert_int_equal(
			publish_format_key_name(slice_str(table[i].key), &name),
			0);
		assert_string_equal(buf_str(&name), table[i].name);
		assert_int_equal(publish_format_key_parse(
					 slice_str(table[i].name), &key),
				 0);
		assert_string_equal(buf_str(&key), table[i].key);
	}
}

static void
test_names_without_key(void **state)
{
	static const char *const names[] = {
		"",   "%",  "%4", "%41", "%2f", "a/b",	"%00",
		".a", "a.", " a", "%G0", "%C2", "\xc2", "%80",
	};
	scope_buf key = BUF_INIT;

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		assert_int_equal(
			publish_format_key_parse(slice_str(names[i]), &key),
			ERR_INVALID);
	assert_int_equal(key.len, 0);
}

/* 240 bytes are a name, 241 a hash; what looks like one is no hash. */
static void
test_long_keys(void **state)
{
	char key[241];
	scope_buf name = BUF_INIT;
	scope_buf back = BUF_INIT;
	struct slice hash;

	(void)state;
	memset(key, 'x', sizeof(key));
	assert_int_equal(
		publish_format_key_name((struct slice){key, 240}, &name), 0);
	assert_int_equal(name.len, 240);
	buf_clear(&name);
	assert_int_equal(
		publish_format_key_name((struct slice){key, 241}, &name), 0);
	hash = buf_slice(&name);
	assert_true(slice_is(hash, "sha256-7dbf05774ebc8b0213e8f74d789e3447"
				   "14ca95a03e019d92c8d48365045b7989"));
	assert_true(publish_format_key_is_hash(hash));
	assert_int_equal(publish_format_key_parse(hash, &back), ERR_INVALID);
	memcpy(key, hash.p, hash.n);
	buf_clear(&name);
	assert_int_equal(
		publish_format_key_name((struct slice){key, 71}, &name), 0);
	assert_true(slice_starts(buf_slice(&name), SLICE("%73ha256-")));
	assert_int_equal(publish_format_key_parse(buf_slice(&name), &back), 0);
	assert_true(slice_eq(buf_slice(&back), (struct slice){key, 71}));
}

static void
expect_file(const char *name, struct buf *out)
{
	scope_fd dir = open(TEST_CASES "/publish", O_PATH | O_DIRECTORY);
	scope_buf want = BUF_INIT;
	struct error err = ERROR_INIT;

	if (io_slurp(dir, name, 1 << 20, &want, &err))
		fail_msg("%s", err.text);
	assert_string_equal(buf_str(out), buf_str(&want));
	buf_clear(out);
}

static void
test_descriptions(void **state)
{
	scope_buf out = BUF_INIT;
	struct sample s;

	(void)state;
	start(&s);
	assert_int_equal(publish_format_datapackage(&s.theme, 3, &out), 0);
	expect_file("datapackage.json", &out);
	assert_int_equal(publish_format_readme(&s.config, &s.theme, 3, &out),
			 0);
	expect_file("readme.en.txt", &out);
	s.config.language = "zh";
	s.theme.base = 0;
	assert_int_equal(publish_format_readme(&s.config, &s.theme, 3, &out),
			 0);
	expect_file("readme.zh.txt", &out);
	sample_release(&s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_headers),
		cmocka_unit_test(test_csv_rows),
		cmocka_unit_test(test_orphans),
		cmocka_unit_test(test_jsonl),
		cmocka_unit_test(test_key_names),
		cmocka_unit_test(test_names_without_key),
		cmocka_unit_test(test_long_keys),
		cmocka_unit_test(test_descriptions),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
