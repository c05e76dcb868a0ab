/* The file of a run: every block found by key, by row and in order, however
 * many pages the index has; damage anywhere is told. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/scope.h"
#include "store/run_file.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define RUN 12
#define LARGE 3000 /* blocks: several batches, and several pages */

static int
set_up(void **state)
{
	char *path = strdup("/tmp/civicfs-runfile-XXXXXX");

	if (!path || !mkdtemp(path) || chdir(path) || mkdir("runs", 0700))
		return -1;
	*state = path;
	return 0;
}

static int
tear_down(void **state)
{
	char name[RUN_FILE_NAME_MAX];

	run_file_name(RUN, name);
	unlink(name);
	rmdir("runs");
	if (chdir("/") || rmdir(*state))
		return -1;
	free(*state);
	return 0;
}

/* Block i begins with an even key; it has i % 5 + 1 rows, of which every
 * seventh block has a marked one. */
static struct slice
key_of(int i, char text[static 64])
{
	int n = snprintf(text, 64, "%06d%.*s", 2 * i, i % 40,
			 "........................................");

	return (struct slice){text, (size_t)n};
}

static void
body_of(int i, struct buf *b)
{
	buf_clear(b);
	for (int k = 0; k < i % 300; k++)
		assert_int_equal(buf_addf(b, "body %d ", i), 0);
}

static void
write_blocks(int n)
{
	struct error err = ERROR_INIT;
	struct run_writer *w = NULL;
	scope_buf body = BUF_INIT;
	char text[64];

	assert_int_equal(run_writer_new(RUN, &w, &err), 0);
	for (int i = 0; i < n; i++) {
		body_of(i, &body);
		assert_int_equal(run_writer_add(w, key_of(i, text), i % 5 + 1,
						i % 7 == 0, buf_slice(&body),
						&err),
				 0);
	}
	assert_int_equal(run_writer_end(w, &err), 0);
	run_writer_free(w);
}

static int64_t
ordinal_of(int i)
{
	return i / 5 * 15 + (i % 5) * (i % 5 + 1) / 2;
}

static void
is_block(const struct run_file *f, const struct run_block *b, int i)
{
	struct error err = ERROR_INIT;
	scope_buf body = BUF_INIT;
	scope_buf found = BUF_INIT;

	body_of(i, &body);
	assert_int_equal(run_file_read(f, b, &found, &err), 0);
	assert_true(slice_eq(buf_slice(&body), buf_slice(&found)));
	assert_int_equal(b->rows, i % 5 + 1);
	assert_int_equal(b->marked, i % 7 == 0);
	assert_int_equal(b->ordinal, ordinal_of(i));
}

static void
finds_every_block(int n)
{
	struct error err = ERROR_INIT;
	struct run_file *f = NULL;
	struct run_places p = {0};
	struct run_block b;
	char text[64];

	write_blocks(n);
	assert_int_equal(run_file_open(RUN, &f, &err), 0);
	assert_int_equal(run_file_rows(f), n ? ordinal_of(n) : 0);
	p.file = f;
	for (int i = 0; i < n; i++) {
		assert_int_equal(run_places_next(&p, &b, &err), 1);
		is_block(f, &b, i);
	}
	assert_int_equal(run_places_next(&p, &b, &err), 0);
	assert_int_equal(run_places_find(&p, SLICE(""), &b, &err), 0);
	for (int k = 0; k < n; k++) {
		int i = (int)((k * 7919LL) % n);
		struct slice key = key_of(i, text);

		assert_int_equal(run_places_find(&p, key, &b, &err), 1);
		is_block(f, &b, i);
		/* a key between this block's and the next one's */
		text[5]++;
		assert_int_equal(run_places_find(&p, key, &b, &err), 1);
		is_block(f, &b, i);
		assert_int_equal(run_places_next(&p, &b, &err), i + 1 < n);
		if (i + 1 < n)
			is_block(f, &b, i + 1);
		assert_int_equal(run_places_find_row(&p, ordinal_of(i + 1) - 1,
						     &b, &err),
				 1);
		is_block(f, &b, i);
	}
	assert_int_equal(
		run_places_find_row(&p, n ? ordinal_of(n) : 0, &b, &err), 0);
	run_places_release(&p);
	run_file_close(f);
}

static void
test_blocks_are_found(void **state)
{
	static const int sizes[] = {0, 1, 2, 200, LARGE};

	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++)
		finds_every_block(sizes[i]);
}

/* Reads all of a file: 0, or what is wrong with it. */
static int
read_all(struct error *err)
{
	struct run_file *f = NULL;
	struct run_places p = {0};
	struct run_block b;
	scope_buf body = BUF_INIT;
	int rc = run_file_open(RUN, &f, err);

	if (rc)
		return rc;
	p.file = f;
	while ((rc = run_places_next(&p, &b, err)) > 0) {
		rc = run_file_read(f, &b, &body, err);
		if (rc)
			break;
	}
	run_places_release(&p);
	run_file_close(f);
	return rc;
}

static void
flip(int fd, off_t at)
{
	char c;

	assert_int_equal(pread(fd, &c, 1, at), 1);
	c ^= 0x10;
	assert_int_equal(pwrite(fd, &c, 1, at), 1);
}

static void
test_damage_is_told(void **state)
{
	char name[RUN_FILE_NAME_MAX];
	struct error err = ERROR_INIT;
	struct stat st;
	scope_fd fd = -1;

	(void)state;
	write_blocks(20);
	run_file_name(RUN, name);
	fd = open(name, O_RDWR);
	assert_true(fd >= 0);
	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(read_all(&err), 0);
	for (off_t at = 0; at < st.st_size; at++) {
		err = ERROR_INIT;
		flip(fd, at);
		assert_int_equal(read_all(&err), ERR_CORRUPT);
		assert_non_null(strstr(err.text, name));
		flip(fd, at);
	}
	assert_int_equal(read_all(&err), 0);
	for (off_t size = st.st_size - 1; size >= 0; size -= 37) {
		err = ERROR_INIT;
		assert_int_equal(ftruncate(fd, size), 0);
		assert_int_equal(read_all(&err), ERR_CORRUPT);
	}
	assert_int_equal(unlink(name), 0);
	assert_int_equal(read_all(&err), ERR_CORRUPT);
}

static void
test_half_a_file_is_none(void **state)
{
	char name[RUN_FILE_NAME_MAX];
	struct error err = ERROR_INIT;
	struct run_writer *w = NULL;

	(void)state;
	assert_int_equal(run_writer_new(RUN, &w, &err), 0);
	assert_int_equal(
		run_writer_add(w, SLICE("key"), 1, 0, SLICE("body"), &err), 0);
	run_file_name(RUN, name);
	assert_int_equal(access(name, F_OK), 0);
	run_writer_free(w);
	assert_int_equal(access(name, F_OK), -1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_blocks_are_found),
		cmocka_unit_test(test_damage_is_told),
		cmocka_unit_test(test_half_a_file_is_none),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
