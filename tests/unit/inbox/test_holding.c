/* Holding folders. Fails if what lies in one is listed beside the inbox's
 * files, judged, or not judged once it has been moved out; if what a submission
 * has can go in; if a name there is refused that is none beside it; or if what
 * is left over stays for ever, or goes although somebody writes it. */
#include "tests/unit/inbox/fixture.h"

#define LONG40 "0123456789012345678901234567890123456789"
#define LONG240 LONG40 LONG40 LONG40 LONG40 LONG40 LONG40
#define JUNE ".~tmp~/june.csv"

static int
join(void *ctx, const struct inbox_entry *e)
{
	char *names = ctx;

	strncat(names, e->name, 1023 - strlen(names));
	strncat(names, " ", 1023 - strlen(names));
	return 0;
}

static void
expect_held(struct box *b, const char *holding, const char *expected)
{
	char names[1024] = "";

	assert_int_equal(
		inbox_list_held(b->inbox, b->resource, holding, join, names),
		0);
	assert_string_equal(names, expected);
}

static void
expect_names(struct box *b, const char *expected)
{
	char names[1024];

	assert_string_equal(box_names(b, names), expected);
}

static void
test_held_until_moved(void **state)
{
	struct box *b = *state;
	int64_t id = box_copy(b, JUNE, "a\n1\n");

	box_copy(b, ".rsync-partial/june.csv", "a\n");
	box_copy(b, ".~tmp~/may.csv", "a\n");
	assert_int_equal(box_collect(b, SETTLED), 0);
	expect_names(b, "");
	expect_held(b, ".~tmp~", "june.csv may.csv ");
	expect_held(b, ".rsync-partial", "june.csv ");
	expect_held(b, ".rsync-tmp", "");
	assert_string_equal(box_lookup(b, JUNE).name, "june.csv");
	assert_int_equal(box_has(b, "june.csv"), -ENOENT);

	box_restart(b, false);
	assert_int_equal(box_rename(b, JUNE, "june.csv"), 0);
	assert_int_equal(box_lookup(b, "june.csv").id, id);
	expect_names(b, "june.csv");
	expect_held(b, ".~tmp~", "may.csv ");
	/* at once: the name is final, and nobody writes */
	assert_int_equal(box_collect(b, clock_now()), 1);
	box_expect(b, INBOX_FILE, id, "a\n1\n");
}

/* Over a file that was judged, as over any other. */
static void
test_replaces(void **state)
{
	struct box *b = *state;
	int64_t id = box_copy(b, "june.csv", "a\n");

	assert_int_equal(box_collect(b, SETTLED), 1);
	box_judge(b, box_row(b, id).submission, "partial", "fix\n");
	id = box_copy(b, JUNE, "a\n2\n");
	assert_int_equal(box_rename(b, JUNE, "june.csv"), 0);
	expect_names(b, "june.csv");
	assert_int_equal(box_lookup(b, "june.csv").id, id);
	assert_int_equal(box_collect(b, clock_now()), 1);
}

static void
test_what_goes_in(void **state)
{
	struct box *b = *state;
	int64_t id = box_copy(b, "june.csv", "a\n");

	box_copy(b, ".june.csv.Xy12Za", "b\n");
	assert_int_equal(box_rename(b, ".june.csv.Xy12Za", JUNE), 0);
	assert_int_equal(box_collect(b, SETTLED), 1);
	box_judge(b, box_row(b, id).submission, "partial", "fix\n");
	assert_int_equal(box_rename(b, "june.csv", JUNE), -EXDEV);
	assert_int_equal(box_rename(b, "june.csv.fix.csv", JUNE), -EXDEV);
	expect_held(b, ".~tmp~", "june.csv ");
	assert_int_equal(box_unlink(b, JUNE), 0);
	expect_held(b, ".~tmp~", "");
	assert_int_equal(box_has(b, "june.csv.receipt.txt"), 0);
}

static void
test_names(void **state)
{
	static const struct {
		const char *name;
		int expected;
	} cases[] = {
		{".rsync-partial/" LONG240, 0},
		{".rsync-partial/" LONG240 "1", -ENAMETOOLONG},
		{".~tmp~/\xb5.csv", -EILSEQ},
		{".~tmp~/x.receipt.txt", -EPERM},
		{".~tmp~/.rsync-tmp", 0},
		{".~tmp~", -EISDIR},
		{".rsync-tmp", -EISDIR},
	};
	struct box *b = *state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct inbox_request req = box_request(b);
		struct inbox_entry e;

		assert_int_equal(inbox_mknod(b->inbox, &req, b->resource,
					     cases[i].name, 0600, &e),
				 cases[i].expected);
	}
	box_copy(b, "june.csv", "a\n");
	assert_int_equal(box_rename(b, "june.csv", ".~tmp~"), -EISDIR);
}

static struct inbox_left
leave(struct box *b, int64_t before)
{
	struct error err = ERROR_INIT;
	struct inbox_left left = {0}, counted;
	int64_t after = 0;
	int rc;

	assert_int_equal(
		inbox_count_temporary(b->inbox, before, &counted, &err), 0);
	while ((rc = inbox_leave_temporary(b->inbox, before, &after, &left,
					   &err)) > 0)
		;
	assert_int_equal(rc, 0);
	assert_int_equal(counted.files, left.files);
	assert_int_equal(counted.bytes, left.bytes);
	return left;
}

static void
test_left_over(void **state)
{
	struct box *b = *state;
	int blobs;
	uint64_t fh;
	int64_t id;

	box_copy(b, "june.csv", "a\n");
	assert_int_equal(box_collect(b, SETTLED), 1);
	box_copy(b, "final.csv", "a\n");
	blobs = box_blobs(b);
	for (int i = 0; i < 40; i++) {
		char name[64];

		snprintf(name, sizeof(name), ".~tmp~/%d.csv", i);
		box_copy(b, name, "123");
	}
	box_copy(b, "june.csv.part", "1234567");
	id = box_create(b, JUNE, &fh);
	assert_int_equal(leave(b, clock_now() - 3600 * CLOCK_NS).files, 0);

	assert_int_equal(leave(b, SETTLED).files, 41);
	expect_held(b, ".~tmp~", "june.csv ");
	expect_names(b, "final.csv june.csv");
	box_close(b, id, fh);
	assert_int_equal(leave(b, SETTLED).bytes, 0);
	assert_int_equal(box_has(b, JUNE), -ENOENT);
	assert_int_equal(box_blobs(b), blobs);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, box_setup, box_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_held_until_moved), TEST(test_replaces),
		TEST(test_what_goes_in),     TEST(test_names),
		TEST(test_left_over),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
