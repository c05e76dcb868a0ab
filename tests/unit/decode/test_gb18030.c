/* GB18030 by a table gives what iconv gives. Fails if a pair, a four or a
 * wrong byte is read otherwise, wherever input and room end. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "decode/gb18030.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define TEXT_MAX 4096

/* Where a conversion stopped, and why. */
struct stop {
	size_t nin;
	size_t made;
	int why;
	char text[TEXT_MAX];
};

static struct stop
by_iconv(iconv_t conv, char *in, size_t nin, size_t room)
{
	struct stop s = {.nin = nin, .made = room};
	char *out = s.text;

	errno = 0;
	if (iconv(conv, &in, &s.nin, &out, &s.made) != (size_t)-1)
		errno = 0;
	s.why = errno;
	s.made = room - s.made;
	iconv(conv, NULL, NULL, NULL, NULL);
	return s;
}

static struct stop
by_table(const struct decode_gb18030 *table, iconv_t conv, char *in, size_t nin,
	 size_t room)
{
	struct stop s = {.nin = nin, .made = room};
	char *out = s.text;

	errno = 0;
	decode_gb18030_convert(table, conv, &in, &s.nin, &out, &s.made);
	s.why = errno;
	s.made = room - s.made;
	iconv(conv, NULL, NULL, NULL, NULL);
	return s;
}

static void
same(const struct decode_gb18030 *table, iconv_t conv, char *in, size_t nin,
     size_t room)
{
	struct stop expected = by_iconv(conv, in, nin, room);
	struct stop got = by_table(table, conv, in, nin, room);

	assert_int_equal(got.why, expected.why);
	assert_int_equal(got.nin, expected.nin);
	assert_int_equal(got.made, expected.made);
	assert_memory_equal(got.text, expected.text, expected.made);
}

static void
test_every_pair(void **state)
{
	iconv_t conv = iconv_open("UTF-8", "GB18030");
	struct decode_gb18030 *table = decode_gb18030_new(conv);

	(void)state;
	assert_non_null(table);
	for (int lead = 0; lead < 256; lead++) {
		for (int second = 0; second < 256; second++) {
			char in[] = {'a', (char)lead, (char)second, 'z', '1'};

			same(table, conv, in, sizeof(in), TEXT_MAX);
		}
	}
	free(table);
	iconv_close(conv);
}

/* What a department sends, with one byte in a hundred that it does not. */
static size_t
make_text(char *in, size_t size, unsigned *seed)
{
	size_t n = 0;

	while (n + 4 <= size) {
		switch (rand_r(seed) % 100) {
		case 0:
			in[n++] = (char)rand_r(seed);
			break;
		case 1 ... 10: /* Mongolian, Tibetan */
			in[n++] = (char)0x81;
			in[n++] = (char)(0x32 + rand_r(seed) % 4);
			in[n++] = (char)(0x81 + rand_r(seed) % 126);
			in[n++] = (char)(0x30 + rand_r(seed) % 10);
			break;
		case 11 ... 50:
			in[n++] = (char)(' ' + rand_r(seed) % 95);
			break;
		default:
			in[n++] = (char)(0xb0 + rand_r(seed) % 0x40);
			in[n++] = (char)(0xa1 + rand_r(seed) % 0x5e);
		}
	}
	return n;
}

static void
test_texts(void **state)
{
	iconv_t conv = iconv_open("UTF-8", "GB18030");
	struct decode_gb18030 *table = decode_gb18030_new(conv);
	unsigned seed = 7;
	char in[600];

	(void)state;
	assert_non_null(table);
	for (int i = 0; i < 4000; i++) {
		size_t n = make_text(in, 4 + (size_t)i % 596, &seed);

		same(table, conv, in, n, TEXT_MAX);
	}
	free(table);
	iconv_close(conv);
}

/* Where the room ends, iconv may stop some bytes sooner or later: what both
 * give in the end is the same. */
static void
test_little_room(void **state)
{
	iconv_t conv = iconv_open("UTF-8", "GB18030");
	struct decode_gb18030 *table = decode_gb18030_new(conv);
	unsigned seed = 11;
	char in[600];

	(void)state;
	assert_non_null(table);
	for (size_t room = 16; room < 80; room++) {
		size_t n = make_text(in, sizeof(in), &seed);
		struct stop whole = by_iconv(conv, in, n, TEXT_MAX);
		size_t made = 0, left = n;

		for (;;) {
			struct stop s = by_table(table, conv, in + n - left,
						 left, room);

			assert_memory_equal(s.text, whole.text + made, s.made);
			made += s.made;
			left = s.nin;
			if (!s.made || !left)
				break;
		}
		assert_int_equal(made, whole.made);
		assert_int_equal(left, whole.nin);
	}
	free(table);
	iconv_close(conv);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_pair),
		cmocka_unit_test(test_texts),
		cmocka_unit_test(test_little_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
