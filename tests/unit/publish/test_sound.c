/* Chunks against their hashes while they are read. Fails if a changed byte
 * comes through on the first read of its chunk, wherever the read begins and
 * ends, if good bytes are refused, or if what was found good is read again. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "publish/sound.h"

#include <string.h>

#define SIZE 100000

static const int64_t lengths[] = {7, 1, 40000, 128, 3, 20000, 39861};

/* A file, and what was read of it beside the reader's own bytes. */
struct file {
	unsigned char bytes[SIZE];
	size_t others;
};

static int
read_file(void *ctx, void *p, size_t n, int64_t offset, struct error *err)
{
	struct file *f = ctx;

	(void)err;
	assert_true(offset >= 0 && (size_t)offset + n <= SIZE);
	memcpy(p, f->bytes + offset, n);
	f->others += n;
	return 0;
}

static int
fail_to_read(void *ctx, void *p, size_t n, int64_t offset, struct error *err)
{
	(void)ctx;
	(void)p;
	(void)n;
	(void)offset;
	return error_set(err, ERR_IO, "broken");
}

static void
fill(struct file *f)
{
	for (size_t i = 0; i < SIZE; i++)
		f->bytes[i] = (unsigned char)(i * 31 + i / 251);
	f->others = 0;
}

static void
make(struct sound *s, const struct file *f)
{
	unsigned char sha256[DIGEST_SIZE];
	size_t at = 0;

	*s = (struct sound){0};
	for (size_t i = 0; i < sizeof(lengths) / sizeof(*lengths); i++) {
		assert_int_equal(
			digest_bytes(f->bytes + at, (size_t)lengths[i], sha256),
			0);
		assert_int_equal(sound_add(s, lengths[i], sha256), 0);
		at += (size_t)lengths[i];
	}
	assert_int_equal(at, SIZE);
	assert_int_equal(sound_end(s), 0);
	assert_true(sound_size(s) >= 7 * sizeof(struct sound_chunk));
}

static int
check(struct sound *s, struct file *f, size_t offset, size_t n)
{
	return sound_check(s, f->bytes + offset, n, (int64_t)offset, read_file,
			   f, NULL);
}

static void
good_bytes_are_checked_once(void **state)
{
	static struct file f;
	struct sound s;

	(void)state;
	fill(&f);
	make(&s, &f);
	/* in the middle of the third chunk, which is then read around it */
	assert_int_equal(check(&s, &f, 100, 50), 0);
	assert_int_equal(f.others, 40000 - 50);
	assert_int_equal(check(&s, &f, 8, 40000), 0);
	assert_int_equal(f.others, 40000 - 50);
	/* all of it: nothing else is needed */
	assert_int_equal(check(&s, &f, 0, SIZE), 0);
	assert_int_equal(f.others, 40000 - 50);
	/* broken later: this was not promised */
	f.bytes[50] ^= 1;
	assert_int_equal(check(&s, &f, 0, SIZE), 0);
	sound_release(&s);
}

/* Every place of a flipped bit, and reads of all lengths from everywhere. */
static void
a_flipped_bit_is_found(void **state)
{
	static struct file f;
	uint64_t rng = 1;
	int found = 0;

	(void)state;
	fill(&f);
	for (int i = 0; i < 2000; i++) {
		struct sound s;
		size_t at, offset, n;

		make(&s, &f);
		rng = rng * 6364136223846793005 + 1442695040888963407;
		at = (size_t)(rng >> 33) % SIZE;
		rng = rng * 6364136223846793005 + 1442695040888963407;
		offset = (size_t)(rng >> 33) % SIZE;
		n = 1 + (size_t)(rng >> 20) % (SIZE - offset);
		f.bytes[at] ^= (unsigned char)(1 << (i % 8));
		if (check(&s, &f, offset, n) == ERR_CORRUPT)
			found++;
		else
			assert_true(at < offset || at >= offset + n);
		f.bytes[at] ^= (unsigned char)(1 << (i % 8));
		/* what was refused is not taken for good */
		assert_int_equal(check(&s, &f, offset, n), 0);
		assert_int_equal(check(&s, &f, 0, SIZE), 0);
		sound_release(&s);
	}
	assert_true(found > 500);
}

static void
a_failure_to_read_is_none_of_the_bytes(void **state)
{
	static struct file f;
	struct error err = ERROR_INIT;
	struct sound s;

	(void)state;
	fill(&f);
	make(&s, &f);
	assert_int_equal(
		sound_check(&s, f.bytes, 3, 0, fail_to_read, NULL, &err),
		ERR_IO);
	assert_int_equal(check(&s, &f, 0, 3), 0);
	assert_int_equal(check(&s, &f, 0, 0), 0);
	sound_release(&s);
}

static void
a_file_without_bytes(void **state)
{
	struct sound s = {0};

	(void)state;
	assert_int_equal(sound_end(&s), 0);
	assert_int_equal(sound_check(&s, NULL, 0, 0, fail_to_read, NULL, NULL),
			 0);
	sound_release(&s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good_bytes_are_checked_once),
		cmocka_unit_test(a_flipped_bit_is_found),
		cmocka_unit_test(a_failure_to_read_is_none_of_the_bytes),
		cmocka_unit_test(a_file_without_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
