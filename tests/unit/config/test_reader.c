/* The strict line reader, from memory. Fails if a line that inih would read
 * wrongly in silence is taken, if a good one is refused, or if an error names
 * another line. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/scope.h"
#include "config/reader.h"
#include "tests/unit/config/roundtrip.h"

/* "key=value@line/the line of each continuation", or "/0". */
static void
add_entry(const struct config_entry *e, struct buf *out)
{
	assert_int_equal(buf_addf(out, "%s=%s@%d%s", e->key, e->value,
				  e->place.line, e->ncontinued ? "" : "/0"),
			 0);
	for (size_t i = 0; i < e->ncontinued; i++) {
		size_t at = e->continued[i].at;

		assert_int_equal(config_entry_line(e, at),
				 e->continued[i].line);
		assert_int_equal(config_entry_line(e, strlen(e->value)),
				 e->continued[e->ncontinued - 1].line);
		if (at)
			assert_int_equal(e->value[at - 1], ' ');
		assert_int_equal(buf_addf(out, "/%d", e->continued[i].line), 0);
	}
	assert_int_equal(buf_adds(out, "\n"), 0);
}

/* Everything of a file as text: "[name]@line", "key=value@line", then the
 * problems. */
static void
show(struct slice bytes, struct buf *out)
{
	struct config_arena arena = {0};
	struct config_problems problems = {0};
	struct config_report report = {.problems = &problems};
	struct config_doc doc = {0};

	assert_int_equal(config_read(&arena, &report, "f", bytes, &doc), 0);
	for (size_t i = 0; i < doc.nsections; i++) {
		const struct config_section *s = &doc.sections[i];

		assert_int_equal(buf_addf(out, "[%s|%s]@%d\n", s->kind,
					  s->argument, s->place.line),
				 0);
		for (size_t k = 0; k < s->nentries; k++)
			add_entry(&s->entries[k], out);
	}
	for (size_t i = 0; i < problems.n; i++)
		assert_int_equal(buf_addf(out, "%s\n", problems.items[i].text),
				 0);
	config_problems_release(&problems);
	config_arena_release(&arena);
}

static void
expect(const char *text, const char *expected)
{
	scope_buf out = BUF_INIT;

	show(slice_str(text), &out);
	assert_string_equal(buf_str(&out), expected);
}

/* The problem of one line begins so; nothing else is wrong. */
static void
expect_error_bytes(struct slice bytes, const char *begins)
{
	scope_buf out = BUF_INIT;
	const char *at;

	show(bytes, &out);
	at = strstr(buf_str(&out), "f:");
	assert_non_null(at);
	if (strncmp(at, begins, strlen(begins)) != 0)
		fail_msg("expected '%s', got '%s'", begins, at);
	at = strchr(at, '\n');
	assert_non_null(at);
	assert_string_equal(at, "\n");
}

static void
expect_error(const char *text, const char *begins)
{
	expect_error_bytes(slice_str(text), begins);
}

static void
test_pairs(void **state)
{
	(void)state;
	expect("[platform]\ntitle = a b  c \n\n; x\n# y\nsettle=1s\n",
	       "[platform|]@1\ntitle=a b  c@2/0\nsettle=1s@6/0\n");
	expect("[department  aic ] ; whose\nmembers =\n",
	       "[department|aic]@1\nmembers=@2/0\n");
	/* without LF at the end; '=' and ':' and ']' in values */
	expect("[a]\nk = x=y:z]", "[a|]@1\nk=x=y:z]@2/0\n");
	/* CRLF, and the mark of UTF-8 */
	expect("\xef\xbb\xbf[a]\r\nk = v\r\n", "[a|]@1\nk=v@2/0\n");
	/* 49, 50 and 200 bytes are not cut */
	expect("[department abcdefghijabcdefghijabcdefghijabcdefghij]\n"
	       "abcdefghijabcdefghijabcdefghijabcdefghijabcdefghijabcdef = 1\n"
	       "  2\n",
	       "[department|abcdefghijabcdefghijabcdefghijabcdefghij]@1\n"
	       "abcdefghijabcdefghijabcdefghijabcdefghijabcdefghijabcdef=1 2"
	       "@2/3\n");
}

static void
test_comments(void **state)
{
	(void)state;
	expect("[a]\nk = a;b #c ;d\nl = \"q\" 'r' ; e\nm = ;f\nn =;g\n",
	       "[a|]@1\nk=a;b #c@2/0\nl=\"q\" 'r'@3/0\nm=@4/0\nn=;g@5/0\n");
	expect("[a]\nk = v\t; tab\n", "[a|]@1\nk=v@2/0\n");
}

static void
test_continuation(void **state)
{
	(void)state;
	expect("[a]\nk = a\n  b ; c\n\t#d\n  [e]\n",
	       "[a|]@1\nk=a b #d [e]@2/3/4/5\n");
	/* an indented comment adds nothing and ends nothing */
	expect("[a]\nk =\n  a\n  ; b\n  c\n", "[a|]@1\nk=a c@2/3/5\n");
	expect_error("[a]\nk = v\n\n  w\n", "f:4: an indented line");
	expect_error("[a]\nk = v\n; x\n  w\n", "f:4: an indented line");
	expect_error("[a]\n  k = v\n", "f:2: an indented line");
	expect_error("  [a]\n[b]\n", "f:1: an indented line");
}

static void
test_composed(void **state)
{
	(void)state;
	/* e with a combining acute accent becomes one character */
	expect("[a]\ncafe\xcc\x81 = e\xcc\x81\n",
	       "[a|]@1\ncaf\xc3\xa9=\xc3\xa9@2/0\n");
}

static void
test_sections(void **state)
{
	(void)state;
	expect_error("[a]\nk = v\n[b\nl = w\n", "f:3: ']' is missing");
	expect_error("[a] x\nk = v\n", "f:1: text after ']'");
	expect_error("[]\n", "f:1: '[]' names no section");
	expect_error("[[a]\n", "f:1: '[[a]' names no section");
	expect_error("k = v\n", "f:1: the key 'k' stands before");
	expect_error("", "f:1: the file has no section");
	expect_error("; only\n\n# comments\n", "f:1: the file has no section");
	/* the keys of a refused header do not go to the one before */
	expect("[a]\n[b\nk = v\n",
	       "[a|]@1\nf:2: ']' is missing after '[b'; the keys below would "
	       "go to another section\n");
}

static void
test_lines(void **state)
{
	(void)state;
	expect_error("[a]\nkey\n", "f:2: no '=' in 'key'");
	expect_error("[a]\n= v\n", "f:2: no key before '='");
	expect_error("[a]\nk: v = w\n", "f:2: ':' in the key 'k: v'");
	expect_error("[a]\nk : v\n", "f:2: no '='");
	expect_error("[a]\n<<<<<<< HEAD\n", "f:2: a merge was not finished");
	expect_error("[a]\n=======\n", "f:2: a merge was not finished");
	expect_error("[a]\n>>>>>>> b\n", "f:2: a merge was not finished");
	expect_error("[a]\nk = \x01\n", "f:2: control character 0x01 at byte");
	expect_error("[a]\nk = v\vw\n", "f:2: control character 0x0b");
	expect_error("[a]\nk = \xff\n", "f:2: byte 5 of the line is not");
	expect_error("[a]\nk = \xc0\xaf\n", "f:2: byte 5 of the line is not");
	/* every error of a file, each with its line */
	expect("[a]\nx\ny\nk = v\n",
	       "[a|]@1\nk=v@4/0\n"
	       "f:2: no '=' in 'x'; write 'key = value', or indent the line "
	       "if it continues the value above\n"
	       "f:3: no '=' in 'y'; write 'key = value', or indent the line "
	       "if it continues the value above\n");
}

static void
test_files(void **state)
{
	(void)state;
	expect_error_bytes(SLICE("[a]\nk = v\0w\n"), "f:2: a NUL byte");
	expect_error_bytes(SLICE("[a]\rk = v\r"), "f:1: a line ends with CR");
	expect_error_bytes(SLICE("[a]\nk = v\rl = w\n"), "f:2: a line ends");
	expect_error_bytes(SLICE("[a]\r\nk = v\r"), "f:2: a line ends");
	expect_error_bytes(SLICE("\xff\xfe[\0a\0]\0"), "f:1: the file is UTF");
	expect_error_bytes(SLICE("\xfe\xff\0[\0a\0]"), "f:1: the file is UTF");
	expect_error_bytes(SLICE("[\0a\0]\0"), "f:1: a NUL byte");
}

/* A line of n bytes "k = xxx…", or a comment or a continuation of that
 * length. */
static void
long_line(const char *begin, size_t n, struct buf *out)
{
	size_t used = strlen(begin);

	assert_int_equal(buf_adds(out, "[a]\nj = v\n"), 0);
	assert_int_equal(buf_adds(out, begin), 0);
	for (; used < n; used++)
		assert_int_equal(buf_addc(out, 'x'), 0);
	assert_int_equal(buf_adds(out, "\nl = w\n"), 0);
}

static void
test_long_lines(void **state)
{
	static const char *const begins[] = {"k = ", "; ", "  ", "[b", "k="};
	static const size_t sizes[] = {200, 201, 397, 10000};

	(void)state;
	for (size_t b = 0; b < sizeof(begins) / sizeof(*begins); b++) {
		for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
			scope_buf text = BUF_INIT;

			long_line(begins[b], sizes[i], &text);
			expect_error_bytes(buf_slice(&text), "f:3: the line");
		}
	}
}

static void
test_longest_lines(void **state)
{
	static const char *const begins[] = {"k = ", "k=", "  "};

	(void)state;
	for (size_t b = 0; b < sizeof(begins) / sizeof(*begins); b++) {
		scope_buf text = BUF_INIT;
		scope_buf out = BUF_INIT;
		size_t want = CONFIG_LINE_MAX - strlen(begins[b]);
		const char *x;

		long_line(begins[b], CONFIG_LINE_MAX, &text);
		show(buf_slice(&text), &out);
		assert_null(strstr(buf_str(&out), "f:"));
		x = strchr(out.data, 'x');
		assert_non_null(x);
		assert_int_equal(strspn(x, "x"), want);
		assert_non_null(strstr(out.data, "l=w@4"));
	}
}

/* A small generator of its own, so that a failure comes again (xorshift). */
static uint32_t
next_random(uint32_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 17;
	*seed ^= *seed << 5;
	return *seed;
}

/* Files made of the pieces that matter to the grammar, in any order. */
static void
test_random_files(void **state)
{
	static const char *const pieces[] = {
		"[a]\n",
		"[b c]\n",
		"k = v\n",
		"k=",
		" w",
		"\n",
		"\n  x\n",
		"\t; c\n",
		";",
		"#",
		" ;",
		"=",
		"]",
		"[",
		"\r\n",
		"\r",
		"\xef\xbb\xbf",
		"e\xcc\x81",
		"\xff",
		"  ",
		"目录",
		":",
		"l = 0123456789012345678901234567890123456789",
		"<<<<<<< ",
		"\xe0\xa5\x98"};
	uint32_t seed = 1;

	(void)state;
	for (int round = 0; round < 20000; round++) {
		scope_buf text = BUF_INIT;
		uint32_t n = next_random(&seed) % 24;

		if (round % 2)
			assert_int_equal(buf_adds(&text, "[s]\nk = v"), 0);
		for (uint32_t i = 0; i < n; i++) {
			const char *piece =
				pieces[next_random(&seed) %
				       (sizeof(pieces) / sizeof(*pieces))];

			assert_int_equal(buf_adds(&text, piece), 0);
		}
		roundtrip_check(text.data, text.len);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pairs),
		cmocka_unit_test(test_comments),
		cmocka_unit_test(test_continuation),
		cmocka_unit_test(test_composed),
		cmocka_unit_test(test_sections),
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_files),
		cmocka_unit_test(test_long_lines),
		cmocka_unit_test(test_longest_lines),
		cmocka_unit_test(test_random_files),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
