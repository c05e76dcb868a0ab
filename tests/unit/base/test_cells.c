/* Packed cells, CSV lines, JSON strings and civil dates. Fails if a row does
 * not come back as it was packed, or a broken one is taken for whole. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/cells.h"
#include "base/clock.h"
#include "base/leb.h"
#include "base/scope.h"
#include "base/text.h"

static void
test_round_trip(void **state)
{
	scope_buf row = BUF_INIT;
	struct slice cells[3];
	char big[300];

	(void)state;
	memset(big, 'x', sizeof(big));
	assert_int_equal(cells_add(&row, SLICE("a")), 0);
	assert_int_equal(cells_add(&row, SLICE_NONE), 0);
	assert_int_equal(cells_add(&row, (struct slice){big, sizeof(big)}), 0);
	assert_int_equal(cells_split(buf_slice(&row), cells, 3), 3);
	assert_true(slice_is(cells[0], "a"));
	assert_int_equal(cells[1].n, 0);
	assert_int_equal(cells[2].n, sizeof(big));
	assert_true(slice_is(cells_get(buf_slice(&row), 0), "a"));
	assert_int_equal(cells_get(buf_slice(&row), 3).n, 0);
}

/* In place, of any length: as if they had been added. */
static void
test_in_place(void **state)
{
	static const size_t lengths[] = {0, 1, 127, 128, 300, 16383, 16384, 5};
	scope_buf added = BUF_INIT;
	scope_buf row = BUF_INIT;
	char big[16384];

	(void)state;
	memset(big, 'x', sizeof(big));
	for (size_t i = 0; i < sizeof(lengths) / sizeof(*lengths); i++) {
		struct slice cell = {big, lengths[i]};
		size_t place, first;

		assert_int_equal(cells_add(&added, cell), 0);
		assert_int_equal(cells_open(&row, &place), 0);
		assert_int_equal(buf_addslice(&row, cell), 0);
		assert_int_equal(cells_close(&row, place, &first), 0);
		assert_int_equal(row.len - first, lengths[i]);
		assert_true(slice_eq(buf_slice(&row), buf_slice(&added)));
	}
}

static void
test_broken_rows(void **state)
{
	struct slice cells[2];

	(void)state;
	assert_int_equal(cells_split((struct slice){"\x05zz", 3}, cells, 2),
			 -1);
	assert_int_equal(
		cells_split((struct slice){"\xff\xff\xff\xff\xff\xff\xff\xff"
					   "\xff\xff\x01",
					   11},
			    cells, 2),
		-1);
	assert_int_equal(cells_split((struct slice){"\x80", 1}, cells, 2), -1);
}

static void
test_numbers(void **state)
{
	static const uint64_t numbers[] = {0,	  1,	 127,	     128,
					   16383, 16384, UINT32_MAX, INT64_MAX};
	char bytes[LEB_MAX];

	(void)state;
	for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++) {
		struct buf out = {.data = bytes, .cap = sizeof(bytes)};
		uint64_t back;
		struct slice rest;

		leb_put(&out, numbers[i]);
		rest = buf_slice(&out);
		assert_true(leb_take(&rest, &back));
		assert_true(back == numbers[i] && rest.n == 0);
		rest = (struct slice){bytes, out.len - 1}; /* cut off */
		assert_false(leb_take(&rest, &back));
		assert_int_equal(rest.n, out.len - 1);
	}
}

static void
test_numbers_in_too_many_bytes(void **state)
{
	static const struct slice wrong[] = {
		{"\x80\x00", 2},
		{"\xff\x80\x00", 3},
		{"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 10},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		struct slice rest = wrong[i];
		uint64_t n;

		assert_false(leb_take(&rest, &n));
		assert_ptr_equal(rest.p, wrong[i].p);
	}
}

static void
test_key_order(void **state)
{
	scope_buf a = BUF_INIT;
	scope_buf b = BUF_INIT;

	(void)state;
	/* field by field: ("a", "z") before ("ab", "a") */
	assert_int_equal(cells_key_add(&a, SLICE("a"), true), 0);
	assert_int_equal(cells_key_add(&a, SLICE("z"), false), 0);
	assert_int_equal(cells_key_add(&b, SLICE("ab"), true), 0);
	assert_int_equal(cells_key_add(&b, SLICE("a"), false), 0);
	assert_true(slice_cmp(buf_slice(&a), buf_slice(&b)) < 0);
}

static void
test_texts(void **state)
{
	scope_buf out = BUF_INIT;
	struct slice cells[] = {SLICE("a,b"), SLICE("say \"x\""), SLICE("r\r"),
				SLICE_NONE};

	(void)state;
	assert_int_equal(text_csv_line(&out, cells, 4), 0);
	assert_string_equal(buf_str(&out), "\"a,b\",\"say \"\"x\"\"\",r\r,\n");
	buf_clear(&out);
	assert_int_equal(text_csv_line(&out, &cells[3], 1), 0);
	assert_string_equal(buf_str(&out), "\"\"\n");
	buf_clear(&out);
	assert_int_equal(text_json_string(&out, SLICE("中\"\\\n\x01")), 0);
	assert_string_equal(buf_str(&out), "\"中\\\"\\\\\\n\\u0001\"");
}

static void
test_utf8(void **state)
{
	size_t at = 0;

	(void)state;
	assert_true(text_is_utf8(SLICE("目录"), NULL));
	assert_false(text_is_utf8(SLICE("a\xc0\xaf"), &at));
	assert_int_equal(at, 1);
	assert_false(text_is_utf8(SLICE("\xed\xa0\x80"), NULL));
	assert_false(text_is_utf8(SLICE("\xf4\x90\x80\x80"), NULL));
	assert_false(text_is_utf8(SLICE("\xe7\x9b"), NULL));
}

static void
test_civil_days(void **state)
{
	int y, m, d;

	(void)state;
	for (int64_t day = -800000; day < 800000; day += 13) {
		clock_civil_from_days(day, &y, &m, &d);
		assert_int_equal(clock_days_from_civil(y, m, d), day);
		assert_in_range(d, 1, clock_days_in_month(y, m));
	}
	assert_int_equal(clock_days_from_civil(1970, 1, 1), 0);
	assert_int_equal(clock_days_from_civil(2000, 2, 29), 11016);
}

/* Every cut of a sequence is cut, not wrong; ASCII runs of every length. */
static void
test_utf8_pieces(void **state)
{
	static const char *const chars[] = {"\u00e9", "\u4e2d", "\uffff",
					    "\U0001f600", "\U0010ffff"};
	char ascii[100];

	(void)state;
	for (size_t i = 0; i < sizeof(chars) / sizeof(chars[0]); i++) {
		struct slice s = slice_str(chars[i]);

		assert_int_equal(text_utf8_next(s), s.n);
		for (size_t n = 0; n < s.n; n++)
			assert_int_equal(text_utf8_next((struct slice){s.p, n}),
					 TEXT_UTF8_CUT);
	}
	assert_int_equal(text_utf8_next(SLICE("\xed\xa0\x80")), 0);
	assert_int_equal(text_utf8_next(SLICE("\xe0\x80")), 0);
	assert_int_equal(text_utf8_next(SLICE("\xf4\x90")), 0);
	assert_int_equal(text_utf8_next(SLICE("\x80")), 0);
	assert_int_equal(text_utf8_next(SLICE("\xc1\x80")), 0);
	for (size_t at = 0; at < sizeof(ascii); at++) {
		memset(ascii, 'x', sizeof(ascii));
		ascii[at] = '\x80';
		assert_int_equal(
			text_ascii_run((struct slice){ascii, sizeof(ascii)}),
			at);
		assert_int_equal(text_ascii_run((struct slice){ascii, at}), at);
	}
}

/* Every sequence behind runs of every length: text_utf8_run() goes as far as
 * text_utf8_next() does, one after the other. */
static void
test_utf8_run(void **state)
{
	static const char *const pieces[] = {"a",
					     "abcdefghij",
					     "é",
					     "目",
					     "目录",
					     "\xee\x80\x80",
					     "\xed\x9f\xbf",
					     "\xe0\xa0\x80",
					     "𠀀",
					     "\xed\xa0\x80",
					     "\xe0\x80",
					     "\xe7\x9b",
					     "\xff",
					     "\x80"};
	const size_t n = sizeof(pieces) / sizeof(pieces[0]);

	(void)state;
	for (size_t i = 0; i < n * n * n; i++) {
		scope_buf text = BUF_INIT;
		bool wide = false, expected_wide = false;
		size_t expected = 0;
		int k;

		assert_int_equal(buf_adds(&text, pieces[i % n]), 0);
		assert_int_equal(buf_adds(&text, pieces[i / n % n]), 0);
		assert_int_equal(buf_adds(&text, pieces[i / n / n]), 0);
		while ((k = text_utf8_next((struct slice){
				text.data + expected, text.len - expected})) >
		       0) {
			expected += (size_t)k;
			expected_wide |= k > 2;
		}
		assert_int_equal(text_utf8_run(buf_slice(&text), &wide),
				 expected);
		assert_int_equal(wide, expected_wide);
	}
}

static void
test_local_time(void **state)
{
	struct clock_civil c;

	(void)state;
	assert_int_equal(clock_set_zone("Asia/Shanghai", NULL), 0);
	assert_true(clock_local(INT64_C(1338514200), &c));
	assert_int_equal(c.year * 10000 + c.month * 100 + c.day, 20120601);
	assert_int_equal(c.hour * 10000 + c.min * 100 + c.sec, 93000);
	/* summer time of 1988 */
	assert_true(clock_local(INT64_C(583729200), &c));
	assert_int_equal(c.hour, 12);
	/* the last second of the year 9999, and the next */
	assert_true(clock_local(INT64_C(253402271999), &c));
	assert_int_equal(c.year, 9999);
	assert_false(clock_local(INT64_C(253402272000), &c));
	assert_false(clock_local(INT64_MIN, &c));
}

static void
test_zones(void **state)
{
	struct error err = ERROR_INIT;

	(void)state;
	assert_int_equal(clock_check_zone("UTC", &err), 0);
	assert_int_equal(clock_check_zone("Asia/Shanghai", &err), 0);
	assert_int_equal(clock_check_zone("Asia", &err), ERR_INVALID);
	assert_int_equal(clock_check_zone("", &err), ERR_INVALID);
	assert_int_equal(clock_check_zone("../../etc/passwd", &err),
			 ERR_INVALID);
}

/* Bytes are looked at eight at once: one that matters is found at every place
 * of a cell of every length, and none where there is none. */
static void
test_each_place(void **state)
{
	static const char special[] = {',', '"', '\n', '\\', '\x1f'};
	char text[24];

	(void)state;
	for (size_t n = 1; n <= sizeof(text); n++) {
		for (size_t i = 0; i < n * sizeof(special); i++) {
			char c = special[i % sizeof(special)];
			struct slice cell = {text, n};
			scope_buf csv = BUF_INIT;
			scope_buf json = BUF_INIT;
			bool quoted = c == ',' || c == '"' || c == '\n';

			memset(text, i % 2 ? 'x' : '\xe4', sizeof(text));
			text[i / sizeof(special)] = c;
			assert_int_equal(text_csv_cell(&csv, cell), 0);
			assert_int_equal(csv.data[0] == '"', quoted);
			assert_int_equal(csv.len,
					 n + (quoted ? 2 : 0) + (c == '"'));
			assert_int_equal(text_json_string(&json, cell), 0);
			assert_int_equal(json.len, text_json_length(cell));
			assert_int_equal(json.len,
					 n + 2 + (c == '\x1f' ? 5 : c != ','));
		}
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_place),
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_in_place),
		cmocka_unit_test(test_broken_rows),
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_numbers_in_too_many_bytes),
		cmocka_unit_test(test_key_order),
		cmocka_unit_test(test_texts),
		cmocka_unit_test(test_utf8),
		cmocka_unit_test(test_utf8_pieces),
		cmocka_unit_test(test_utf8_run),
		cmocka_unit_test(test_civil_days),
		cmocka_unit_test(test_zones),
		cmocka_unit_test(test_local_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
