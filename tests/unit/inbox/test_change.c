/*
 * Renames, removals, receipts, attributes and refusals. Fails if the way an
 * editor saves a file gives another number of submissions than one, if an
 * open file changes under its reader, if receipts come back after they were
 * tidied away, or if a refusal is not the one of SPEC 5.
 */
#include "tests/unit/inbox/fixture.h"

static int64_t
judged(struct box *b, const char *name, const char *text)
{
	int64_t id = box_copy(b, name, text);

	assert_int_equal(box_collect(b, SETTLED), 1);
	box_judge(b, box_row(b, id).submission, "partial", "_row\n");
	return id;
}

/* ---- how editors save ---------------------------------------------------- */

/* Word and Excel: the new file under a temporary name, the old one aside. */
static void
test_office_saves(void **state)
{
	struct box *b = *state;
	char names[1024];

	judged(b, "june.xlsx", "old");
	box_copy(b, "~$june.xlsx", "owner");
	box_copy(b, "F1E2D3C4", "new");
	assert_int_equal(box_rename(b, "june.xlsx", "~WRL0001.tmp"), 0);
	assert_int_equal(box_rename(b, "F1E2D3C4", "june.xlsx"), 0);
	assert_int_equal(box_unlink(b, "~WRL0001.tmp"), 0);
	assert_int_equal(box_unlink(b, "~$june.xlsx"), 0);
	assert_string_equal(box_names(b, names), "june.xlsx");
	assert_int_equal(box_collect(b, clock_now()), 1);
	assert_int_equal(box_submissions(b, "judging"), 1);
	box_expect(b, INBOX_FILE, box_lookup(b, "june.xlsx").id, "new");
}

/* LibreOffice: a lock, a temporary file, and a rename over the old one. */
static void
test_libreoffice_saves(void **state)
{
	struct box *b = *state;
	char names[1024];

	judged(b, "june.csv", "old");
	box_copy(b, ".~lock.june.csv#", "me");
	box_copy(b, "lu12345.tmp", "new");
	assert_int_equal(box_rename(b, "lu12345.tmp", "june.csv"), 0);
	assert_int_equal(box_unlink(b, ".~lock.june.csv#"), 0);
	assert_string_equal(box_names(b, names), "june.csv");
	assert_int_equal(box_collect(b, SETTLED), 1);
	assert_int_equal(box_submissions(b, "judging"), 1);
}

/* vim: a trial file, a swap file, the old one as a backup, a new one. */
static void
test_vim_saves(void **state)
{
	struct box *b = *state;
	char names[1024];
	uint64_t swap;
	int64_t id;

	judged(b, "june.csv", "old");
	id = box_create(b, ".june.csv.swp", &swap);
	box_write(b, id, "b0VIM", 0);
	box_copy(b, "4913", "");
	assert_int_equal(box_unlink(b, "4913"), 0);
	assert_int_equal(box_rename(b, "june.csv", "june.csv~"), 0);
	box_copy(b, "june.csv", "new");
	assert_int_equal(box_unlink(b, "june.csv~"), 0);
	assert_int_equal(box_unlink(b, ".june.csv.swp"), 0);
	box_close(b, id, swap);
	assert_string_equal(box_names(b, names), "june.csv");
	assert_int_equal(box_collect(b, SETTLED), 1);
	assert_int_equal(box_blobs(b), 3); /* old, its fix file, new */
}

/* ---- renames ------------------------------------------------------------- */

static void
test_judged_file_takes_receipts_along(void **state)
{
	struct box *b = *state;
	char names[1024];

	judged(b, "june.csv", "a\n");
	assert_int_equal(box_rename(b, "june.csv", "may.csv"), 0);
	assert_int_equal(box_collect(b, SETTLED), 0);
	assert_string_equal(box_names(b, names),
			    "may.csv may.csv.fix.csv may.csv.receipt.json "
			    "may.csv.receipt.txt");
}

static void
test_rename_over(void **state)
{
	struct box *b = *state;
	struct inbox_request req = box_request(b);
	struct store_inbox_file old;
	char got[8] = "";
	int64_t id = judged(b, "june.csv", "old");
	uint64_t reader = box_open(b, id, O_RDONLY);

	old = box_row(b, id);
	box_copy(b, "new.csv", "new");
	assert_int_equal(inbox_rename(b->inbox, &req, b->resource, "new.csv",
				      "june.csv", RENAME_NOREPLACE),
			 -EEXIST);
	assert_int_equal(inbox_rename(b->inbox, &req, b->resource, "new.csv",
				      "june.csv", RENAME_EXCHANGE),
			 -EINVAL);
	assert_int_equal(box_rename(b, "new.csv", "june.csv"), 0);
	assert_int_equal(box_has(b, "june.csv.receipt.txt"), -ENOENT);
	/* Who reads the old file goes on reading it. */
	box_expect(b, INBOX_FILE, id, "old");
	assert_int_equal(inbox_release(b->inbox, &req, id, reader), 0);
	assert_int_equal(inbox_read(b->inbox, INBOX_FILE, id, got, 1, 0),
			 -ESTALE);
	/* Its receipt is in the archive. */
	assert_int_equal(inbox_archive_read(b->inbox, old.submission,
					    INBOX_RECEIPT_TEXT, got, 8, 0),
			 5);
	assert_int_equal(box_rename(b, "nothing.csv", "x.csv"), -ENOENT);
	assert_int_equal(box_rename(b, "june.csv", "june.csv"), 0);
}

/* ---- removals ------------------------------------------------------------ */

static void
test_unlink_before_complete(void **state)
{
	struct box *b = *state;
	uint64_t fh;
	int64_t id;

	box_copy(b, "june.csv", "a\n");
	assert_int_equal(box_unlink(b, "june.csv"), 0);
	assert_int_equal(box_unlink(b, "june.csv"), -ENOENT);
	assert_int_equal(box_blobs(b), 0);
	/* While it is written: it can be written on, and then it is gone. */
	id = box_create(b, "june.csv", &fh);
	assert_int_equal(box_unlink(b, "june.csv"), 0);
	box_write(b, id, "abc", 0);
	box_expect(b, INBOX_FILE, id, "abc");
	assert_int_equal(box_blobs(b), 1);
	box_close(b, id, fh);
	assert_int_equal(box_blobs(b), 0);
	assert_int_equal(box_collect(b, SETTLED), 0);
}

static void
test_tidy_receipts(void **state)
{
	struct box *b = *state;
	char names[1024];

	judged(b, "june.csv", "a\n");
	assert_int_equal(box_unlink(b, "june.csv.receipt.txt"), 0);
	assert_int_equal(box_unlink(b, "june.csv.receipt.txt"), -ENOENT);
	assert_string_equal(box_names(b, names),
			    "june.csv june.csv.fix.csv june.csv.receipt.json");
	assert_int_equal(box_unlink(b, "june.csv.fix.csv"), 0);
	assert_int_equal(box_unlink(b, "june.csv.receipt.json"), 0);
	assert_string_equal(box_names(b, names), "june.csv");
	/* The next submission has its own. */
	judged(b, "june.csv", "b\n");
	assert_int_equal(box_has(b, "june.csv.receipt.txt"), 0);
	assert_int_equal(box_unlink(b, "june.csv"), 0);
	assert_string_equal(box_names(b, names), "");
	assert_int_equal(box_unlink(b, "june.csv.receipt.txt"), -ENOENT);
}

/* ---- receipts ------------------------------------------------------------ */

static void
test_receipts(void **state)
{
	struct box *b = *state;
	struct inbox_request req = box_request(b);
	int64_t number = box_row(b, judged(b, "june.csv", "a\n")).submission;
	struct inbox_entry e = box_lookup(b, "june.csv.receipt.txt");
	uint64_t fh;

	assert_int_equal(e.part, INBOX_RECEIPT_TEXT);
	assert_int_equal(e.id, number);
	assert_int_equal(e.st.st_mode, S_IFREG | 0444);
	assert_int_equal(e.st.st_mtim.tv_sec, 1000);
	box_expect(b, INBOX_RECEIPT_TEXT, number, "well\n");
	box_expect(b, INBOX_RECEIPT_JSON, number, "{}\n");
	box_expect(b, INBOX_FIX, number, "_row\n");
	assert_int_equal(inbox_open_file(b->inbox, &req, INBOX_RECEIPT_TEXT,
					 number, O_RDONLY, &fh),
			 0);
	assert_int_equal(fh, 0);
	assert_int_equal(inbox_release(b->inbox, &req, number, fh), 0);
	assert_int_equal(inbox_open_file(b->inbox, &req, INBOX_RECEIPT_TEXT,
					 number, O_WRONLY, &fh),
			 -EPERM);
	assert_int_equal(
		inbox_open_file(b->inbox, &req, INBOX_FIX, number, O_RDWR, &fh),
		-EPERM);
	assert_int_equal(inbox_setattr(b->inbox, &req, INBOX_RECEIPT_JSON,
				       number, &e.st, INBOX_SET_SIZE, &e),
			 -EPERM);
	assert_int_equal(box_rename(b, "june.csv.receipt.txt", "x.csv"),
			 -EPERM);
	assert_int_equal(inbox_setxattr(b->inbox, &req, INBOX_RECEIPT_TEXT,
					number, "user.x", "y", 1, 0),
			 -EPERM);
}

static int
collect_names(void *ctx, const struct inbox_entry *e)
{
	strncat(ctx, e->name, 255 - strlen(ctx));
	strncat(ctx, " ", 255 - strlen(ctx));
	return 0;
}

static void
test_archive(void **state)
{
	struct box *b = *state;
	char names[256] = "";
	int64_t id = box_copy(b, "june.csv", "a\n");
	int64_t number;

	assert_int_equal(box_collect(b, SETTLED), 1);
	number = box_row(b, id).submission;
	assert_int_equal(
		inbox_archive_list(b->inbox, number, collect_names, names), 0);
	assert_string_equal(names, "june.csv ");
	box_judge(b, number, "partial", "_row\n");
	assert_int_equal(box_unlink(b, "june.csv"), 0);
	*names = '\0';
	assert_int_equal(
		inbox_archive_list(b->inbox, number, collect_names, names), 0);
	assert_string_equal(names, "june.csv june.csv.fix.csv receipt.json "
				   "receipt.txt ");
	assert_int_equal(
		inbox_archive_list(b->inbox, number + 1, collect_names, names),
		-ENOENT);
}

/* ---- attributes ---------------------------------------------------------- */

static void
expect_xattr(struct box *b, enum inbox_part part, int64_t id, const char *name,
	     const char *expected)
{
	char value[64] = "";
	ssize_t n = inbox_getxattr(b->inbox, part, id, name, value,
				   sizeof(value) - 1);

	if (!expected) {
		assert_int_equal(n, -ENODATA);
		return;
	}
	assert_int_equal(n, strlen(expected));
	assert_string_equal(value, expected);
	assert_int_equal(inbox_getxattr(b->inbox, part, id, name, NULL, 0), n);
	assert_int_equal(inbox_getxattr(b->inbox, part, id, name, value, 1),
			 -ERANGE);
}

/* Fails if the bytes of a file that was never whole stay for ever, although
 * it was deleted to make room, or sent again. */
static void
test_incomplete_bytes_go(void **state)
{
	struct box *b = *state;
	int before = box_blobs(b);
	int64_t id = box_copy(b, "june.csv", "half");
	char names[256] = "";
	int64_t number;

	assert_int_equal(box_collect(b, SETTLED), 1);
	number = box_row(b, id).submission;
	box_judge(b, number, "incomplete", NULL);
	assert_int_equal(box_copy(b, "june.csv", "half again"), id);
	assert_int_equal(box_blobs(b), before + 1);
	assert_int_equal(
		inbox_archive_list(b->inbox, number, collect_names, names), 0);
	assert_string_equal(names, "receipt.json receipt.txt ");

	assert_int_equal(box_collect(b, SETTLED), 1);
	box_judge(b, box_row(b, id).submission, "incomplete", NULL);
	assert_int_equal(box_unlink(b, "june.csv"), 0);
	assert_int_equal(box_blobs(b), before);
}

static void
test_own_xattrs(void **state)
{
	struct box *b = *state;
	struct inbox_request req = box_request(b);
	int64_t id = box_copy(b, "june.csv", "a\n");
	int64_t number;
	char value[64] = "";

	expect_xattr(b, INBOX_FILE, id, "user.civicfs.submission", NULL);
	expect_xattr(b, INBOX_FILE, id, "user.civicfs.status", "receiving");
	assert_int_equal(box_collect(b, SETTLED), 1);
	expect_xattr(b, INBOX_FILE, id, "user.civicfs.status", "judging");
	number = box_row(b, id).submission;
	box_judge(b, number, "accepted", NULL);
	expect_xattr(b, INBOX_RECEIPT_TEXT, number, "user.civicfs.status",
		     "accepted");
	assert_int_equal(inbox_getxattr(b->inbox, INBOX_FILE, id,
					"user.civicfs.submission", value,
					sizeof(value)),
			 15);
	assert_int_equal(inbox_listxattr(b->inbox, INBOX_FILE, id, NULL, 0),
			 sizeof("user.civicfs.status") +
				 sizeof("user.civicfs.submission"));
	assert_int_equal(inbox_setxattr(b->inbox, &req, INBOX_FILE, id,
					"user.civicfs.status", "x", 1, 0),
			 -EPERM);
	expect_xattr(b, INBOX_FILE, id, "user.civicfs.version", NULL);
}

static void
test_kept_xattrs(void **state)
{
	static const char zone[] = "user.DosStream.Zone.Identifier:$DATA";
	static char big[65536];
	struct box *b = *state;
	struct inbox_request req;
	int64_t id = box_copy(b, "june.tmp", "a\n");
	char list[256] = "";

#define SET(name, value, n, flags) \
	(req = box_request(b), inbox_setxattr(b->inbox, &req, INBOX_FILE, id, \
					      name, value, n, flags))
	assert_int_equal(SET(zone, "33", 2, 0), 0);
	assert_int_equal(SET(zone, "4", 1, XATTR_CREATE), -EEXIST);
	assert_int_equal(SET("user.a", "4", 1, XATTR_REPLACE), -ENODATA);
	assert_int_equal(SET("user.a", "", 0, 0), 0);
	assert_int_equal(SET("user.b", big, sizeof(big), 0), -ENOSPC);
	assert_int_equal(SET("system.posix_acl_access", "x", 1, 0),
			 -EOPNOTSUPP);
	assert_int_equal(SET("security.selinux", "x", 1, 0), -EOPNOTSUPP);
#undef SET
	expect_xattr(b, INBOX_FILE, id, zone, "33");
	assert_int_equal(
		inbox_listxattr(b->inbox, INBOX_FILE, id, list, sizeof(list)),
		sizeof(zone) + sizeof("user.a"));
	assert_string_equal(list, zone);
	req = box_request(b);
	assert_int_equal(
		inbox_removexattr(b->inbox, &req, INBOX_FILE, id, zone), 0);
	req = box_request(b);
	assert_int_equal(
		inbox_removexattr(b->inbox, &req, INBOX_FILE, id, zone),
		-ENODATA);
	assert_int_equal(inbox_getxattr(b->inbox, INBOX_FILE, id,
					"system.posix_acl_access", list, 1),
			 -EOPNOTSUPP);
}

static void
test_owner_and_mode(void **state)
{
	struct box *b = *state;
	struct inbox_request req = box_request(b);
	int64_t id = box_copy(b, "june.csv", "a\n");
	struct inbox_entry e;
	struct stat st = {.st_uid = UID + 1, .st_mode = 06777};

	assert_int_equal(inbox_setattr(b->inbox, &req, INBOX_FILE, id, &st,
				       INBOX_SET_UID, &e),
			 -EPERM);
	assert_int_equal(inbox_setattr(b->inbox, &req, INBOX_FILE, id, &st,
				       INBOX_SET_MODE, &e),
			 0);
	assert_int_equal(e.st.st_mode, S_IFREG | 0777);
	st.st_uid = UID;
	assert_int_equal(inbox_setattr(b->inbox, &req, INBOX_FILE, id, &st,
				       INBOX_SET_UID, &e),
			 0);
	req.uid = 0;
	st.st_uid = UID + 1;
	assert_int_equal(inbox_setattr(b->inbox, &req, INBOX_FILE, id, &st,
				       INBOX_SET_UID, &e),
			 0);
	assert_int_equal(e.st.st_uid, UID + 1);
}

static void
test_refusals(void **state)
{
	struct box *b = *state;
	struct inbox_request req = box_request(b);
	struct inbox_entry e;
	uint64_t fh;
	int64_t id = box_create(b, "june.csv", &fh);

	assert_int_equal(inbox_mknod(b->inbox, &req, b->resource, "fifo",
				     S_IFIFO | 0600, &e),
			 -EPERM);
	assert_int_equal(inbox_create(b->inbox, &req, b->resource, "june.csv",
				      0600, O_WRONLY | O_CREAT | O_EXCL, &e,
				      &fh),
			 -EEXIST);
	assert_int_equal(inbox_stat(b->inbox, INBOX_FILE, 999, &e), -ESTALE);
	assert_int_equal(
		inbox_open_file(b->inbox, &req, INBOX_FILE, 999, O_RDONLY, &fh),
		-ESTALE);
	assert_int_equal(inbox_fallocate(b->inbox, id, 0, 0, 10), 0);
	assert_int_equal(
		inbox_fallocate(b->inbox, id, FALLOC_FL_KEEP_SIZE, 0, 20),
		-EOPNOTSUPP);
	assert_int_equal(
		inbox_fallocate(b->inbox, id,
				FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0,
				10),
		-EOPNOTSUPP);
	assert_int_equal(inbox_stat(b->inbox, INBOX_FILE, id, &e), 0);
	assert_int_equal(e.st.st_size, 10);
	box_write(b, id, "0123456789", 0);
	assert_int_equal(inbox_lseek(b->inbox, id, 3, SEEK_HOLE), 10);
	assert_int_equal(inbox_lseek(b->inbox, id, 11, SEEK_DATA), -ENXIO);
	box_close(b, id, fh);
}

#define BOX_TEST(f) cmocka_unit_test_setup_teardown(f, box_setup, box_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		BOX_TEST(test_office_saves),
		BOX_TEST(test_libreoffice_saves),
		BOX_TEST(test_vim_saves),
		BOX_TEST(test_judged_file_takes_receipts_along),
		BOX_TEST(test_rename_over),
		BOX_TEST(test_unlink_before_complete),
		BOX_TEST(test_tidy_receipts),
		BOX_TEST(test_receipts),
		BOX_TEST(test_archive),
		BOX_TEST(test_incomplete_bytes_go),
		BOX_TEST(test_own_xattrs),
		BOX_TEST(test_kept_xattrs),
		BOX_TEST(test_owner_and_mode),
		BOX_TEST(test_refusals),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
