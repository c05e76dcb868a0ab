/* Names of inbox files. Fails if a program's temporary file would be judged,
 * if a final name would not, if two forms of one name coexist, or if a name
 * is refused with another errno than SPEC 5 says. */
#include "tests/unit/inbox/fixture.h"

#define LONG40 "0123456789012345678901234567890123456789"
#define LONG240 LONG40 LONG40 LONG40 LONG40 LONG40 LONG40

static void
test_temporary(void **state)
{
	static const char *const yes[] = {
		"~$june.xlsx",
		".~lock.june.ods#",
		"june.csv~",
		"#june.csv#",
		"4913",
		"~WRL0001.tmp",
		"A.TMP",
		"june.csv.part",
		"june.filepart",
		"june.crdownload",
		".june.csv.swp",
		".x",
		"F1E2D3C4",
		"0a1b2c3d",
		"Thumbs.db",
		"desktop.ini",
		".june.csv.Xy12Za",
	};
	static const char *const no[] = {
		"june.csv",	 "~june.csv", "49130",	  "4913.csv",
		"F1E2D3C4.csv",	 "F1E2D3C",   "F1E2D3CG", "#",
		"june.part.csv", "tmp",	      "六月.csv",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(yes) / sizeof(*yes); i++) {
		if (!inbox_is_temporary(yes[i]))
			fail_msg("'%s' is temporary", yes[i]);
	}
	for (size_t i = 0; i < sizeof(no) / sizeof(*no); i++) {
		if (inbox_is_temporary(no[i]))
			fail_msg("'%s' is final", no[i]);
	}
}

static void
test_refused(void **state)
{
	static const struct {
		const char *name;
		int expected;
	} cases[] = {
		{LONG240, 0},
		{LONG240 "1", -ENAMETOOLONG},
		{"\xb5.csv", -EILSEQ},
		{"x.receipt.txt", -EPERM},
		{"x.receipt.json", -EPERM},
		{"x.RECEIPT.TXT", -EPERM},
		{"receipt.txt", -EPERM},
		{"x.fix.csv", 0},
		{LONG240 ".fix.csv", 0},
		{LONG240 "1.fix.csv", -ENAMETOOLONG},
		{"new\nline \xe2\x80\x8f.csv", 0},
	};
	struct box *b = *state;

	box_copy(b, "plain.csv", "a\n");
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		const char *name = cases[i].name;
		int expected = cases[i].expected;
		struct inbox_request req = box_request(b);
		struct inbox_entry e;
		uint64_t fh;
		int rc = inbox_create(b->inbox, &req, b->resource, name, 0600,
				      O_WRONLY | O_CREAT, &e, &fh);

		assert_int_equal(rc, expected);
		if (!rc)
			box_close(b, e.id, fh);
		req = box_request(b);
		rc = inbox_mknod(b->inbox, &req, b->resource, name, 0600, &e);
		assert_int_equal(rc, expected ? expected : -EEXIST);
		if (expected)
			assert_int_equal(box_rename(b, "plain.csv", name),
					 expected);
	}
	assert_int_equal(box_has(b, "\xb5.csv"), -EILSEQ);
	assert_int_equal(box_has(b, LONG240 "1"), -ENAMETOOLONG);
	assert_int_equal(box_has(b, LONG240 ".receipt.json"), -ENOENT);
	assert_int_equal(box_has(b, LONG240), 0);
}

static void
test_longest_name_has_receipts(void **state)
{
	struct box *b = *state;
	int64_t id = box_copy(b, LONG240, "a\n");

	assert_int_equal(box_collect(b, SETTLED), 1);
	box_judge(b, box_row(b, id).submission, "partial", "fix\n");
	assert_int_equal(box_has(b, LONG240 ".receipt.json"), 0);
	assert_int_equal(box_has(b, LONG240 ".receipt.txt"), 0);
	assert_int_equal(box_has(b, LONG240 ".fix.csv"), 0);
}

/* é as one character and as two. */
static void
test_normal_forms(void **state)
{
	static const char nfc[] = "caf\xc3\xa9.csv";
	static const char nfd[] = "cafe\xcc\x81.csv";
	struct box *b = *state;
	int64_t id = box_copy(b, nfd, "a\n");
	struct inbox_request req = box_request(b);
	struct inbox_entry e;

	assert_int_equal(box_lookup(b, nfc).id, id);
	assert_int_equal(box_lookup(b, nfd).id, id);
	assert_string_equal(box_lookup(b, nfc).name, nfd);
	assert_int_equal(
		inbox_mknod(b->inbox, &req, b->resource, nfc, 0600, &e),
		-EEXIST);
	assert_int_equal(box_rename(b, nfd, nfc), 0);
	assert_string_equal(box_lookup(b, nfd).name, nfc);
	assert_int_equal(box_unlink(b, nfd), 0);
	assert_int_equal(box_has(b, nfc), -ENOENT);
}

static int
stop_after(void *ctx, const struct inbox_entry *e)
{
	memcpy(ctx, e->name, sizeof(e->name));
	return 1;
}

/* One entry at a time, as with the smallest buffer, gives the same names as
 * all at once. */
static void
test_list_in_steps(void **state)
{
	static const char *const names[] = {"a.csv",   "a.csv-2", "a.csv.b",
					    "a.csv.z", "a",	  "b"};
	struct box *b = *state;
	char all[1024], steps[1024] = "", at[256] = "", before[256];

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		int64_t id = box_copy(b, names[i], "x\n");

		assert_int_equal(box_collect(b, SETTLED), 1);
		box_judge(b, box_row(b, id).submission, "partial", "fix\n");
	}
	for (;;) {
		memcpy(before, at, sizeof(at));
		assert_int_equal(
			inbox_list(b->inbox, b->resource, at, stop_after, at),
			0);
		if (strcmp(before, at) == 0)
			break;
		assert_true(strcmp(before, at) < 0);
		if (*steps)
			strncat(steps, " ", 1023 - strlen(steps));
		strncat(steps, at, 1023 - strlen(steps));
	}
	assert_string_equal(steps, box_names(b, all));
	assert_true(strstr(all, "a.csv a.csv-2 a.csv-2.fix.csv "
				"a.csv-2.receipt.json a.csv-2.receipt.txt "
				"a.csv.b "));
	assert_true(strstr(all, "a.csv.fix.csv a.csv.receipt.json "
				"a.csv.receipt.txt a.csv.z "));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_temporary),
		cmocka_unit_test_setup_teardown(test_refused, box_setup,
						box_teardown),
		cmocka_unit_test_setup_teardown(test_longest_name_has_receipts,
						box_setup, box_teardown),
		cmocka_unit_test_setup_teardown(test_normal_forms, box_setup,
						box_teardown),
		cmocka_unit_test_setup_teardown(test_list_in_steps, box_setup,
						box_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
