/* SQLite files for others: which cell is which number, and files whose bytes
 * depend on nothing but the calls that made them. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/cells.h"
#include "base/io.h"
#include "base/scope.h"
#include "store/portable.h"
#include "store/portable_cell.h"

#include <fcntl.h>
#include <float.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define ROWS 3000 /* more than a page, and than what fits into some */
#define FILE_MAX (4 << 20)

static int
set_up(void **state)
{
	char *path = strdup("/tmp/civicfs-portable-XXXXXX");

	if (!path || !mkdtemp(path) || chdir(path))
		return -1;
	*state = path;
	return 0;
}

static int
tear_down(void **state)
{
	unlink("a");
	unlink("b");
	if (chdir("/") || rmdir(*state))
		return -1;
	free(*state);
	return 0;
}

/* ---- cells --------------------------------------------------------------- */

static struct store_portable_value
value_of(enum store_portable_type type, const char *cell)
{
	struct store_portable_value v;
	scope_buf room = BUF_INIT;

	assert_int_equal(store_portable_value(type, slice_str(cell), &room, &v),
			 0);
	return v;
}

static void
test_cells(void **state)
{
	static const struct {
		const char *cell;
		enum store_portable_type type;
		enum store_portable_kind kind;
	} cases[] = {
		{"", STORE_PORTABLE_TEXT, STORE_PORTABLE_NULL},
		{"", STORE_PORTABLE_REAL, STORE_PORTABLE_NULL},
		{"12", STORE_PORTABLE_TEXT, STORE_PORTABLE_AS_IT_IS},
		{"12", STORE_PORTABLE_INTEGER, STORE_PORTABLE_WHOLE},
		{"-9223372036854775808", STORE_PORTABLE_INTEGER,
		 STORE_PORTABLE_WHOLE},
		{"9223372036854775808", STORE_PORTABLE_INTEGER,
		 STORE_PORTABLE_NEAREST},
		{"1000000000000000000000", STORE_PORTABLE_INTEGER,
		 STORE_PORTABLE_NEAREST},
		{"x", STORE_PORTABLE_INTEGER, STORE_PORTABLE_AS_IT_IS},
		{"0", STORE_PORTABLE_REAL, STORE_PORTABLE_DOUBLE},
		{"0.00", STORE_PORTABLE_REAL, STORE_PORTABLE_DOUBLE},
		{"-122.90", STORE_PORTABLE_REAL, STORE_PORTABLE_DOUBLE},
		{"0.000123456789012345000", STORE_PORTABLE_REAL,
		 STORE_PORTABLE_DOUBLE},
		{"1234567890123456", STORE_PORTABLE_REAL,
		 STORE_PORTABLE_NEAREST},
		{"0.1234567890123456", STORE_PORTABLE_REAL,
		 STORE_PORTABLE_NEAREST},
		{"x", STORE_PORTABLE_REAL, STORE_PORTABLE_AS_IT_IS},
		{"1.5x", STORE_PORTABLE_REAL, STORE_PORTABLE_AS_IT_IS},
		{"true", STORE_PORTABLE_BOOLEAN, STORE_PORTABLE_WHOLE},
		{"false", STORE_PORTABLE_BOOLEAN, STORE_PORTABLE_WHOLE},
		{"yes", STORE_PORTABLE_BOOLEAN, STORE_PORTABLE_AS_IT_IS},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		if (value_of(cases[i].type, cases[i].cell).kind !=
		    cases[i].kind)
			fail_msg("'%s'", cases[i].cell);
	}
	assert_int_equal(value_of(STORE_PORTABLE_INTEGER, "-7").whole, -7);
	assert_int_equal(value_of(STORE_PORTABLE_BOOLEAN, "true").whole, 1);
	assert_int_equal(value_of(STORE_PORTABLE_BOOLEAN, "false").whole, 0);
	assert_true(value_of(STORE_PORTABLE_REAL, "122.90").real == 122.9);
}

/* Beyond what a double has in size: the nearest all the same. */
static void
test_sizes(void **state)
{
	char large[402], small[402];
	struct store_portable_value v;

	(void)state;
	memset(large, '9', 400);
	memset(small, '0', 400);
	large[400] = small[401] = '\0';
	small[1] = '.';
	small[400] = '1';
	v = value_of(STORE_PORTABLE_REAL, large);
	assert_int_equal(v.kind, STORE_PORTABLE_NEAREST);
	assert_true(v.real == DBL_MAX);
	v = value_of(STORE_PORTABLE_REAL, small);
	assert_int_equal(v.kind, STORE_PORTABLE_NEAREST);
	assert_true(v.real == 0);
}

/* ---- files --------------------------------------------------------------- */

static const struct store_portable_column columns[] = {
	{"code", STORE_PORTABLE_TEXT, "string", "subject"},
	{"na\"me", STORE_PORTABLE_TEXT, "string", "first r.name"},
	{"n", STORE_PORTABLE_INTEGER, "integer", "count r"},
	{"sum", STORE_PORTABLE_REAL, "number", "sum r.amount"},
};
#define COLUMNS (sizeof(columns) / sizeof(*columns))

/* Row i, of which a few hold numbers that no column can. */
static void
row_of(int i, struct buf *ret)
{
	char text[4][64];

	snprintf(text[0], sizeof(text[0]), "K%06d", i);
	snprintf(text[1], sizeof(text[1]), "企业 %0*d", i % 50 + 1, i);
	snprintf(text[2], sizeof(text[2]), "%d", i % 3 ? i : 0);
	snprintf(text[3], sizeof(text[3]),
		 i % 1000 ? "%d.25" : "%d12345678901234567.50", i);
	buf_clear(ret);
	for (size_t c = 0; c < COLUMNS; c++)
		assert_int_equal(cells_add(ret, slice_str(text[c])), 0);
}

static void
write_rows(const char *name, int n, struct buf *out)
{
	struct store_portable *p = NULL;
	struct error err = ERROR_INIT;
	scope_buf row = BUF_INIT;

	if (*name) {
		int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC, 0600);

		assert_true(fd >= 0);
		close(fd);
	}
	assert_int_equal(store_portable_new(name, "a \"theme\"", columns,
					    COLUMNS, &p, &err),
			 0);
	for (int i = 0; i < n; i++) {
		row_of(i, &row);
		assert_int_equal(store_portable_add(p, buf_slice(&row), &err),
				 0);
	}
	assert_int_equal(store_portable_say(p, "title", "T", &err), 0);
	assert_int_equal(store_portable_end(p, out, &err), 0);
	store_portable_free(p);
}

static void
slurp(const char *name, struct buf *ret)
{
	buf_clear(ret);
	assert_int_equal(io_slurp(AT_FDCWD, name, FILE_MAX, ret, NULL), 0);
}

static void
test_bytes(void **state)
{
	scope_buf a = BUF_INIT;
	scope_buf b = BUF_INIT;
	scope_buf memory = BUF_INIT;

	(void)state;
	write_rows("a", ROWS, NULL);
	write_rows("b", ROWS, NULL);
	write_rows("", ROWS, &memory);
	slurp("a", &a);
	slurp("b", &b);
	assert_true(a.len > 100000 && a.len % 4096 == 0);
	assert_true(slice_eq(buf_slice(&a), buf_slice(&b)));
	assert_true(slice_eq(buf_slice(&a), buf_slice(&memory)));
	/* neither WAL nor the release of this library */
	assert_memory_equal(a.data, "SQLite format 3", 16);
	assert_memory_equal(a.data + 18, "\1\1", 2);
	assert_memory_equal(a.data + 96, "\0\x2d\xe6\2", 4);
	assert_int_equal(access("a-journal", F_OK), -1);
	write_rows("b", ROWS - 1, NULL);
	slurp("b", &b);
	assert_false(slice_eq(buf_slice(&a), buf_slice(&b)));
}

static bool
matches(const char *name, int from, int n)
{
	scope_portable_reader r = NULL;
	struct error err = ERROR_INIT;
	scope_buf row = BUF_INIT;
	bool same = true;

	assert_int_equal(store_portable_open(name, "a \"theme\"", columns,
					     COLUMNS, &r, &err),
			 0);
	for (int i = from; same && i < n; i++) {
		row_of(i, &row);
		assert_int_equal(
			store_portable_match(r, buf_slice(&row), &same, &err),
			0);
	}
	if (same)
		assert_int_equal(store_portable_match_end(r, &same, &err), 0);
	return same;
}

static void
test_match(void **state)
{
	struct store_portable_reader *r = NULL;
	struct error err = ERROR_INIT;

	(void)state;
	write_rows("a", ROWS, NULL);
	assert_true(matches("a", 0, ROWS));
	assert_false(matches("a", 0, ROWS - 1));
	assert_false(matches("a", 0, ROWS + 1));
	assert_false(matches("a", 1, ROWS));
	assert_true(store_portable_open("a", "another", columns, COLUMNS, &r,
					&err) < 0);
	assert_true(store_portable_open("none", "a", columns, COLUMNS, &r,
					&err) < 0);
	assert_int_equal(access("none", F_OK), -1);
}

/* Rows with one key are no rows of a theme. */
static void
test_failures(void **state)
{
	struct store_portable *p = NULL;
	struct error err = ERROR_INIT;
	scope_buf row = BUF_INIT;

	(void)state;
	assert_true(store_portable_new("no/folder", "t", columns, COLUMNS, &p,
				       &err) < 0);
	assert_null(p);
	assert_int_equal(
		store_portable_new("", "t", columns, COLUMNS, &p, &err), 0);
	row_of(1, &row);
	assert_int_equal(store_portable_add(p, buf_slice(&row), &err), 0);
	assert_int_equal(store_portable_add(p, buf_slice(&row), &err),
			 ERR_EXISTS);
	store_portable_free(p);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cells),
		cmocka_unit_test(test_sizes),
		cmocka_unit_test_setup_teardown(test_bytes, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_match, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_failures, set_up,
						tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
