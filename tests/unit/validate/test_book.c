/* Workbooks that people fill in. Fails if a text does not come back as it was
 * given, if equal rows make other bytes, if a table that no workbook can hold
 * is written all the same, or if a descriptor stays open. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/io.h"
#include "base/scope.h"
#include "lib/decode_collect.h"
#include "lib/validate_fixture.h"
#include "validate/validate.h"

#include <dirent.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static struct config_field fields[] = {
	FIELD("code", CONFIG_STRING),
	FIELD("listed", CONFIG_BOOLEAN),
	FIELD("grade", CONFIG_STRING),
};
/* a name that no sheet may have, and too long for one */
static const struct config_resource resource = {
	.id = "registrations",
	.sheet = "a/b:c*d?e[f]登记登记登记登记登记登记登记登记登记登记登记",
	.fields = fields,
	.nfields = 3,
};
static const struct slice labels[] = {SLICE("code"), SLICE("listed"),
				      SLICE("grade"), SLICE("more")};
static const int columns[] = {0, 1, 2, DECODE_EXTRA};

static struct decode_header
header(void)
{
	return (struct decode_header){.format = "ods",
				      .encoding = "utf-8",
				      .delimiter = ",",
				      .labels = labels,
				      .field = columns,
				      .nlabels = 4};
}

static struct validate_book *
begin(int fd)
{
	const struct decode_header h = header();
	struct validate_book *book = NULL;
	struct validate_fix *fix;

	assert_int_equal(validate_fix_new(&h, &fix, NULL), 0);
	assert_true(validate_fix_is_workbook(fix));
	assert_int_equal(
		validate_fix_book(fix, &resource, "zh", fd, &book, NULL), 0);
	validate_fix_free(fix);
	return book;
}

static int
add(struct validate_book *book, const struct slice *cells, size_t n,
    int64_t row)
{
	const struct validate_reason reasons[] = {
		{SLICE("grade"), SLICE("不在允许的取值范围内")},
		{SLICE("grade"), SLICE("太短")},
		{SLICE_NONE, SLICE("of the row")},
		{SLICE("elsewhere"), SLICE("of no column")},
	};

	return validate_book_fix_row(book, cells, n, row, SLICE("all of it"),
				     reasons, 4, NULL);
}

static int
new_file(void)
{
	int fd = memfd_create("book", MFD_CLOEXEC);

	assert_true(fd >= 0);
	return fd;
}

static void
write_book(struct buf *out)
{
	static const char *grades[] = {"A", "B", "C"};
	const struct slice odd[] = {SLICE("=1+1"), SLICE("_x0041_"),
				    SLICE("a\nb <&> \x01 \"\xf0\xa0\xae\xb7"),
				    SLICE("  edge"), SLICE("beyond")};
	const struct slice few[] = {SLICE("0012")};
	struct stat st;
	scope_fd fd = new_file();
	struct validate_book *book = begin(fd);

	fields[2].allow = (struct config_list){grades, 3};
	assert_int_equal(add(book, odd, 5, 7), 0);
	assert_int_equal(add(book, few, 1, 8), 0);
	assert_int_equal(validate_book_close(book, 2, NULL), 0);
	validate_book_free(book);
	assert_int_equal(fstat(fd, &st), 0);
	buf_clear(out);
	assert_int_equal(buf_reserve(out, (size_t)st.st_size), 0);
	assert_int_equal(io_pread(fd, out->data, (size_t)st.st_size, 0, NULL),
			 st.st_size);
	out->len = (size_t)st.st_size;
}

static void
test_texts(void **state)
{
	static const char *const names[] = {"code", "listed", "grade", NULL};
	scope_collected struct collected c = {0};
	scope_buf first = BUF_INIT;
	scope_buf second = BUF_INIT;

	(void)state;
	write_book(&first);
	collect(&c, buf_slice(&first), "ex", names);
	assert_int_equal(c.rc, 0);
	assert_int_equal(c.end, DECODE_DONE);
	assert_string_equal(buf_str(&c.rows),
			    "1@2 =1+1|_x0041_|a\nb <&> \x01 "
			    "\"\xf0\xa0\xae\xb7|  edge|7|all of it|beyond\n"
			    "2@3 0012||||8|all of it\n");
	write_book(&second);
	assert_true(slice_eq(buf_slice(&first), buf_slice(&second)));
}

static int
open_descriptors(void)
{
	DIR *dir = opendir("/proc/self/fd");
	int n = 0;

	assert_non_null(dir);
	while (readdir(dir))
		n++;
	closedir(dir);
	return n;
}

static void
test_too_large(void **state)
{
	enum { MOST = 32767 };
	int before = open_descriptors();
	scope_free char *text = malloc(MOST + 1);

	(void)state;
	assert_non_null(text);
	memset(text, 'x', MOST + 1);
	{
		const struct slice fits = {text, MOST}, not = {text, MOST + 1};
		scope_fd fd = new_file();
		struct validate_book *book = begin(fd);

		assert_int_equal(add(book, &fits, 1, 1), 0);
		assert_int_equal(add(book, &not, 1, 2), ERR_LIMIT);
		validate_book_free(book);
	}
	{
		scope_free struct slice *many = calloc(16385, sizeof(*many));
		scope_fd fd = new_file();
		struct validate_book *book = begin(fd);

		many[16384] = SLICE("one too many");
		assert_int_equal(add(book, many, 16385, 1), ERR_LIMIT);
		validate_book_free(book);
	}
	assert_int_equal(open_descriptors(), before);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_texts),
		cmocka_unit_test(test_too_large),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
