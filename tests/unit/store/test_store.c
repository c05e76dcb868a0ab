/*
 * The state: transactions, the flip, recovery, records by sequence. Fails if
 * rows of a publish that was not flipped survive a restart, if a reader sees
 * them, or if a half state is opened as an empty one.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/scope.h"
#include "store/object.h"
#include "store/record.h"
#include "store/submission.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

struct place {
	char path[64];
	int home; /* to come back to */
	int dir;
};

static int
setup(void **state)
{
	struct place *p = calloc(1, sizeof(*p));

	if (!p)
		return -1;
	p->home = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	strcpy(p->path, "/tmp/civicfs-store-XXXXXX");
	if (!mkdtemp(p->path))
		return -1;
	p->dir = open(p->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	*state = p;
	return p->dir < 0 || p->home < 0;
}

static int
teardown(void **state)
{
	struct place *p = *state;
	char command[128];
	int rc = fchdir(p->home);

	close(p->dir);
	close(p->home);
	snprintf(command, sizeof(command), "rm -rf %s", p->path);
	rc |= system(command);
	free(p);
	return rc;
}

static struct store *
open_store(struct place *p)
{
	struct store *store = NULL;
	struct error err = ERROR_INIT;

	if (store_open(p->dir, true, &store, &err))
		fail_msg("%s", err.text);
	return store;
}

static int
count_one(void *ctx, const struct store_record *r)
{
	(void)r;
	++*(int *)ctx;
	return 0;
}

static int
records_at(struct store *store, int64_t at)
{
	scope_reader reader = {0};
	int n = 0;

	assert_int_equal(store_reader_get(store, &reader, NULL), 0);
	assert_int_equal(
		store_record_each(reader.db, 1, at, count_one, &n, NULL), 0);
	return n;
}

static void
write_records(struct store *store, int64_t seq, const char *key)
{
	int64_t id;

	assert_int_equal(store_records_begin(store, NULL), 0);
	assert_int_equal(store_record_insert(store_records(store), 1, seq,
					     slice_str(key), SLICE("\x01x"),
					     "20260101-000001", &id, NULL),
			 0);
	assert_int_equal(store_records_commit(store, seq, NULL), 0);
}

static void
flip(struct store *store, int64_t seq)
{
	scope_txn txn = {0};

	assert_int_equal(store_begin(store, &txn, NULL), 0);
	assert_int_equal(store_publish(&txn, seq, NULL), 0);
	assert_int_equal(store_commit(&txn, NULL), 0);
	assert_int_equal(store_published(store), seq);
}

static void
test_flip_and_recovery(void **state)
{
	struct store *store = open_store(*state);
	int64_t id = 0;

	write_records(store, 1, "a");
	flip(store, 1);
	write_records(store, 2, "b");
	assert_int_equal(records_at(store, store_published(store)), 1);
	assert_int_equal(store_records_begin(store, NULL), 0);
	assert_int_equal(store_record_find(store_records(store), 1, 1,
					   SLICE("a"), &id, NULL, NULL),
			 1);
	assert_int_equal(store_record_end(store_records(store), id, 2, NULL),
			 0);
	assert_int_equal(store_records_commit(store, 2, NULL), 0);
	store_close(store);

	/* publish 2 never flipped: nobody sees it, the next that writes removes
	 * it, and what it ended holds */
	store = open_store(*state);
	assert_int_equal(store_published(store), 1);
	assert_int_equal(records_at(store, 1), 1);
	assert_int_equal(store_records_begin(store, NULL), 0);
	assert_int_equal(store_records_commit(store, 0, NULL), 0);
	assert_int_equal(records_at(store, 1), 1);
	assert_int_equal(records_at(store, 2), 1);
	store_close(store);
}

/* A large publish has written 'key', and waits. */
static int64_t
wait_with(struct store *store, const char *key)
{
	int64_t seq = store_ahead(store), id;

	assert_int_equal(store_records_begin_ahead(store, seq, NULL), 0);
	assert_int_equal(store_record_insert(store_records(store), 1, seq,
					     slice_str(key), SLICE("\x01x"),
					     "20260101-000002", &id, NULL),
			 0);
	assert_int_equal(
		store_subject_add(store_records(store), 1, SLICE("L"), NULL),
		0);
	assert_int_equal(store_records_wait(store, seq, NULL), 0);
	return seq;
}

static int
note_subject(void *ctx, struct slice subject)
{
	char *found = ctx;

	strncat(found, subject.p, subject.n);
	return 0;
}

/* Another publish of its own: the large one's work is not in it. */
static void
pass(struct store *store, const char *key)
{
	char found[8] = "";
	int64_t id;

	assert_true(store_may_pass(store));
	assert_int_equal(store_records_begin(store, NULL), 0);
	assert_int_equal(store_subject_clear(store_records(store), NULL), 0);
	assert_int_equal(
		store_subject_add(store_records(store), 2, SLICE("S"), NULL),
		0);
	assert_int_equal(store_subject_each(store_records(store), 1,
					    note_subject, found, NULL),
			 0);
	assert_string_equal(found, "");
	assert_int_equal(store_record_insert(store_records(store), 1,
					     store_published(store) + 1,
					     slice_str(key), SLICE("\x01x"),
					     "20260101-000003", &id, NULL),
			 0);
	assert_int_equal(
		store_records_commit(store, store_published(store) + 1, NULL),
		0);
}

/* Fails if those that pass see what waits, undo it or lose what it has
 * collected, or if one of them that came to nothing is shown with it. */
static void
test_others_pass(void **state)
{
	struct store *store = open_store(*state);
	char found[8] = "";
	int64_t seq;

	write_records(store, 1, "a");
	flip(store, 1);
	seq = wait_with(store, "large");
	pass(store, "b");
	assert_int_equal(records_at(store, store_published(store)), 1);
	flip(store, 2);
	assert_int_equal(records_at(store, 2), 2);
	pass(store, "came to nothing");
	pass(store, "c");
	flip(store, 3);
	pass(store, "to nothing, too");
	assert_int_equal(store_records_go_on(store, NULL), 0);
	assert_int_equal(store_subject_each(store_records(store), 1,
					    note_subject, found, NULL),
			 0);
	assert_string_equal(found, "L");
	assert_int_equal(store_records_commit(store, seq, NULL), 0);
	assert_int_equal(records_at(store, 3), 3);
	flip(store, seq);
	assert_int_equal(records_at(store, 3), 3);
	assert_int_equal(records_at(store, seq), 4);
	write_records(store, seq + 1, "after");
	flip(store, seq + 1);
	assert_int_equal(records_at(store, seq + 1), 5);
	store_close(store);
}

/* Fails if a large one that failed, or died, leaves anything to the next. */
static void
test_what_waited_is_undone(void **state)
{
	struct store *store = open_store(*state);
	int64_t seq = wait_with(store, "large");

	pass(store, "a");
	flip(store, 1);
	store_records_give_up(store);
	write_records(store, 2, "b");
	flip(store, 2);
	assert_int_equal(records_at(store, seq), 2);

	seq = wait_with(store, "large");
	pass(store, "c");
	flip(store, 3);
	store_close(store);
	store = open_store(*state);
	assert_int_equal(store_published(store), 3);
	assert_int_equal(records_at(store, 3), 3);
	write_records(store, 4, "d");
	flip(store, 4);
	assert_int_equal(records_at(store, seq), 4);
	store_close(store);
}

/* Fails if what a publish left that could not be flipped (a full disk) looks
 * to the next one, under the same sequence, like rows of today. */
static void
test_unpublished_is_undone(void **state)
{
	struct store *store = open_store(*state);
	int64_t id = 0;

	write_records(store, 1, "a");
	flip(store, 1);
	write_records(store, 2, "b");
	assert_int_equal(store_records_begin(store, NULL), 0);
	assert_int_equal(store_record_find(store_records(store), 1, 1,
					   SLICE("b"), &id, NULL, NULL),
			 0);
	assert_int_equal(store_records_commit(store, 0, NULL), 0);
	write_records(store, 2, "c");
	flip(store, 2);
	assert_int_equal(records_at(store, 2), 2);
	store_close(store);
}

static void
test_rollback(void **state)
{
	struct store *store = open_store(*state);
	int64_t first = 0, again = 0, value = 0;

	{
		scope_txn txn = {0};

		assert_int_equal(store_begin(store, &txn, NULL), 0);
		assert_int_equal(store_object_intern(&txn, STORE_THEME, "t",
						     &first, NULL),
				 0);
		assert_int_equal(store_meta_next(&txn, "n", &value, NULL), 0);
	}
	{
		scope_txn txn = {0};

		assert_int_equal(store_begin(store, &txn, NULL), 0);
		assert_int_equal(store_meta_next(&txn, "n", &value, NULL), 0);
		assert_int_equal(value, 1);
		assert_int_equal(store_object_intern(&txn, STORE_THEME, "t",
						     &first, NULL),
				 0);
		assert_int_equal(store_object_intern(&txn, STORE_THEME, "t",
						     &again, NULL),
				 0);
		assert_int_equal(first, again);
		assert_int_equal(store_commit(&txn, NULL), 0);
	}
	store_close(store);
}

static void
test_submissions(void **state)
{
	struct store *store = open_store(*state);
	char name[] = "a.csv", user[] = "root";
	struct store_submission s = {.name = name, .submitted_by = user};
	struct store_submission found;
	struct store_verdict verdict = {.state = "accepted",
					.judged_at = 5,
					.receipt_json = SLICE("{}\n"),
					.receipt_text = SLICE("accepted\n")};
	scope_buf receipt = BUF_INIT;

	{
		scope_txn txn = {0};

		assert_int_equal(store_begin(store, &txn, NULL), 0);
		assert_int_equal(store_object_intern(&txn, STORE_RESOURCE,
						     "d/r", &s.resource, NULL),
				 0);
		assert_int_equal(store_blob_add(&txn, 1, &s.blob, NULL), 0);
		assert_int_equal(store_submission_add(&txn, &s, 0, NULL), 0);
		assert_int_equal(store_commit(&txn, NULL), 0);
	}
	assert_string_equal(s.id, "19700101-000001");
	{
		scope_txn txn = {0};

		assert_int_equal(store_begin(store, &txn, NULL), 0);
		assert_int_equal(store_submission_next(txn.db, 0, &found, NULL),
				 1);
		assert_int_equal(found.number, s.number);
		assert_string_equal(found.name, "a.csv");
		store_submission_release(&found);
		assert_int_equal(
			store_submission_judged(&txn, s.number, &verdict, NULL),
			0);
		assert_int_equal(store_submission_next(txn.db, 0, &found, NULL),
				 0);
		assert_int_equal(store_submission_receipt(txn.db, s.number,
							  STORE_RECEIPT_TEXT,
							  &receipt, NULL),
				 1);
		assert_int_equal(store_commit(&txn, NULL), 0);
	}
	assert_string_equal(buf_str(&receipt), "accepted\n");
	store_close(store);
}

struct seen {
	char text[128];
};

static int
note_change(void *ctx, const struct store_theme_row *old,
	    const struct store_theme_row *now)
{
	struct seen *seen = ctx;
	const struct store_theme_row *any = now ? now : old;
	size_t len = strlen(seen->text);

	snprintf(seen->text + len, sizeof(seen->text) - len, "%c%.*s ",
		 !old  ? '+'
		 : now ? '~'
		       : '-',
		 (int)any->subject.n, any->subject.p);
	return 0;
}

static int
note_id(void *ctx, const struct store_theme_row *r)
{
	*(int64_t *)ctx = r->id;
	return 0;
}

static void
put_row(struct store *store, int64_t seq, const char *subject,
	const char *cells)
{
	struct sql *db = store_records(store);
	int64_t id = 0;

	if (store_theme_row_find(db, 9, seq, slice_str(subject), note_id, &id,
				 NULL) == 1)
		assert_int_equal(store_theme_row_end(db, id, seq, NULL), 0);
	const struct store_theme_row row = {.version = seq,
					    .subject = slice_str(subject),
					    .cells = slice_str(cells)};

	if (cells)
		assert_int_equal(store_theme_row_insert(db, 9, seq, &row, NULL),
				 0);
}

static void
test_theme_changes(void **state)
{
	struct store *store = open_store(*state);
	struct seen seen = {""};

	assert_int_equal(store_records_begin(store, NULL), 0);
	put_row(store, 1, "a", "1");
	put_row(store, 1, "c", "1");
	put_row(store, 2, "b", "1");
	put_row(store, 2, "c", NULL);
	put_row(store, 3, "a", "2");
	put_row(store, 3, "d", "1");
	put_row(store, 4, "d", NULL);
	assert_int_equal(store_records_commit(store, 4, NULL), 0);
	assert_int_equal(store_theme_changes(store_records(store), 9, 1, 4,
					     NULL, note_change, &seen, NULL),
			 0);
	assert_string_equal(seen.text, "~a +b -c ");
	store_close(store);
}

static void
test_half_state(void **state)
{
	struct place *p = *state;
	struct store *store = open_store(p);
	struct error err = ERROR_INIT;

	store_close(store);
	assert_int_equal(unlinkat(p->dir, "civicfs.db", 0), 0);
	assert_int_equal(store_open(p->dir, true, &store, &err), ERR_CORRUPT);
}

static void
empty(struct place *p, const char *name)
{
	int fd = openat(p->dir, name, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	assert_true(fd >= 0);
	close(fd);
}

/* What is left of a state is not taken for a new one, whichever file went. */
static void
test_lost_files(void **state)
{
	struct place *p = *state;
	struct store *store = open_store(p);
	struct error err = ERROR_INIT;
	scope_txn txn = {0};

	store_close(store);
	/* Nothing is lost yet. */
	assert_int_equal(unlinkat(p->dir, "records/records.db", 0), 0);
	store = open_store(p);
	assert_int_equal(store_begin(store, &txn, NULL), 0);
	assert_int_equal(store_publish(&txn, 7, NULL), 0);
	assert_int_equal(store_commit(&txn, NULL), 0);
	store_close(store);
	assert_int_equal(unlinkat(p->dir, "records/records.db", 0), 0);
	assert_int_equal(store_open(p->dir, true, &store, &err), ERR_CORRUPT);
	assert_non_null(strstr(err.text, "'records/records.db' is missing, "
					 "though 7 submissions were"));
	empty(p, "records/records.db");
	assert_int_equal(store_open(p->dir, true, &store, &err), ERR_CORRUPT);
	assert_non_null(strstr(err.text, "is empty"));
	assert_int_equal(unlinkat(p->dir, "records/records.db", 0), 0);
	empty(p, "intake/1");
	empty(p, "civicfs.db");
	assert_int_equal(store_open(p->dir, true, &store, &err), ERR_CORRUPT);
	assert_non_null(strstr(err.text, "'civicfs.db' is empty"));
	assert_int_equal(unlinkat(p->dir, "civicfs.db", 0), 0);
	assert_int_equal(store_open(p->dir, true, &store, &err), ERR_CORRUPT);
	assert_int_equal(unlinkat(p->dir, "intake/1", 0), 0);
	store_close(open_store(p));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_flip_and_recovery, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_unpublished_is_undone,
						setup, teardown),
		cmocka_unit_test_setup_teardown(test_others_pass, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_what_waited_is_undone,
						setup, teardown),
		cmocka_unit_test_setup_teardown(test_rollback, setup, teardown),
		cmocka_unit_test_setup_teardown(test_submissions, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_theme_changes, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_lost_files, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_half_state, setup,
						teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
