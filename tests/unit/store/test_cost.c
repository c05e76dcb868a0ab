/*
 * What a query costs is what it gives or changes, not what the state holds.
 * Fails if SQLite chooses an index by which it walks everything: its steps are
 * counted, not the time.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "base/scope.h"
#include "store/chunk.h"
#include "store/object.h"
#include "store/record.h"
#include "store/retain.h"
#include "store/sql.h"
#include "store/submission.h"

#include <fcntl.h>

#define MANY 1500  /* rows, versions, submissions */
#define CHEAP 1000 /* steps; walking all takes six times as many */
#define THEME 7	   /* any number */

struct place {
	char path[64];
	int home, dir;
	struct store *store;
};

static int
setup(void **state)
{
	struct place *p = calloc(1, sizeof(*p));
	struct error err = ERROR_INIT;

	if (!p)
		return -1;
	*state = p;
	p->home = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	strcpy(p->path, "/tmp/civicfs-cost-XXXXXX");
	if (!mkdtemp(p->path))
		return -1;
	p->dir = open(p->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return store_open(p->dir, true, &p->store, &err);
}

static int
teardown(void **state)
{
	struct place *p = *state;
	char command[128];
	int rc;

	store_close(p->store);
	rc = fchdir(p->home);
	close(p->dir);
	close(p->home);
	snprintf(command, sizeof(command), "rm -rf %s", p->path);
	rc |= system(command);
	free(p);
	return rc;
}

/* ---- counting ------------------------------------------------------------ */

static int
count_step(void *ctx)
{
	++*(int *)ctx;
	return 0;
}

static void
count_steps(struct sql *db, int *steps)
{
	*steps = 0;
	sqlite3_progress_handler(sql_handle(db), 1, count_step, steps);
}

static void
stop_counting(struct sql *db)
{
	sqlite3_progress_handler(sql_handle(db), 0, NULL, NULL);
}

/* ---- themes -------------------------------------------------------------- */

static void
insert_row(struct store *store, int64_t seq, const char *subject)
{
	const struct store_theme_row row = {.version = seq,
					    .subject = slice_str(subject),
					    .cells = SLICE("\x01x")};

	assert_int_equal(store_theme_row_insert(store_records(store), THEME,
						seq, &row, NULL),
			 0);
}

static int
note_id(void *ctx, const struct store_theme_row *r)
{
	*(int64_t *)ctx = r->id;
	return 0;
}

/* MANY subjects at 1, of which 'subject' has another row from 2 on. */
static void
fill_theme(struct store *store, const char *subject)
{
	struct sql *db = store_records(store);
	int64_t id = 0;

	assert_int_equal(store_records_begin(store, NULL), 0);
	for (int i = 0; i < MANY; i++) {
		char name[16];

		snprintf(name, sizeof(name), "S%d", i);
		insert_row(store, 1, name);
	}
	assert_int_equal(store_theme_row_find(db, THEME, 1, slice_str(subject),
					      note_id, &id, NULL),
			 1);
	assert_int_equal(store_theme_row_end(db, id, 2, NULL), 0);
	insert_row(store, 2, subject);
	assert_int_equal(store_records_commit(store, 2, NULL), 0);
}

static int
count_row(void *ctx, const struct store_theme_row *r)
{
	(void)r;
	++*(int *)ctx;
	return 0;
}

static int
count_change(void *ctx, const struct store_theme_row *old,
	     const struct store_theme_row *new_row)
{
	(void)old;
	(void)new_row;
	++*(int *)ctx;
	return 0;
}

static void
test_a_shelf_costs_what_it_holds(void **state)
{
	struct store *store = ((struct place *)*state)->store;
	struct sql *db = store_records(store);
	int steps, n = 0;

	fill_theme(store, "S5");
	count_steps(db, &steps);
	assert_int_equal(
		store_theme_shelf_each(db, THEME, 2, 5, count_row, &n, NULL),
		0);
	stop_counting(db);
	assert_true(n < 10);
	assert_in_range(steps, 1, CHEAP);
}

static void
test_changes_cost_what_changed(void **state)
{
	struct store *store = ((struct place *)*state)->store;
	struct sql *db = store_records(store);
	int steps, n = 0;

	fill_theme(store, "S5");
	count_steps(db, &steps);
	assert_int_equal(store_theme_changes(db, THEME, 1, 2, NULL,
					     count_change, &n, NULL),
			 0);
	stop_counting(db);
	assert_int_equal(n, 1);
	assert_in_range(steps, 1, CHEAP);
}

/* At the start each pack is asked for: that is not to depend on the rows. */
static void
test_a_pack_is_used_or_not(void **state)
{
	struct store *store = ((struct place *)*state)->store;
	struct sql *db = store_records(store);
	int64_t file = 0;
	int steps;

	assert_int_equal(store_records_begin(store, NULL), 0);
	assert_int_equal(store_file_intern(db, THEME, "data", "", &file, NULL),
			 0);
	for (int i = 0; i < MANY; i++) {
		char first[16];
		const struct store_chunk chunk = {
			.first = {first, 7}, .pack = 1 + i % 2, .length = 1};

		snprintf(first, sizeof(first), "S%06d", i);
		assert_int_equal(
			store_chunk_insert(db, file, 1 + i % 2, &chunk, NULL),
			0);
	}
	assert_int_equal(store_records_commit(store, 2, NULL), 0);
	count_steps(db, &steps);
	assert_int_equal(store_pack_is_used(db, 1, 1, NULL), 1);
	assert_int_equal(store_pack_is_used(db, 2, 2, NULL), 1);
	assert_int_equal(store_pack_is_used(db, 3, 2, NULL), 0);
	stop_counting(db);
	assert_in_range(steps, 1, CHEAP);
	assert_int_equal(store_pack_is_used(db, 2, 1, NULL), 0);
}

/* MANY subjects in blocks at 1, none of which holds at 2. */
static void
load_and_end(struct store *store)
{
	const struct store_load_of of = {STORE_LOAD_THEME, THEME, 1, 1, ""};
	struct sql *db = store_records(store);
	char cells[400] = "x";
	struct store_load *load = NULL;

	assert_int_equal(store_records_begin(store, NULL), 0);
	assert_int_equal(store_load_begin(db, &of, &load, NULL), 0);
	for (int i = 0; i < MANY; i++) {
		char name[16];
		const struct store_theme_row row = {
			.subject = {name, 7},
			.cells = {cells, sizeof(cells)},
		};

		snprintf(name, sizeof(name), "S%06d", i);
		assert_int_equal(store_load_add_row(load, &row, NULL), 0);
	}
	assert_int_equal(store_load_end(load, NULL), 0);
	assert_int_equal(store_load_tell(load, NULL), 0);
	store_load_free(load);
	for (int i = 0; i < MANY; i++) {
		char name[16];
		int64_t id = 0;

		snprintf(name, sizeof(name), "S%06d", i);
		assert_int_equal(store_theme_row_find(db, THEME, 1,
						      slice_str(name), note_id,
						      &id, NULL),
				 1);
		assert_int_equal(store_theme_row_end(db, id, 2, NULL), 0);
	}
	insert_row(store, 2, "S000700");
	assert_int_equal(store_records_commit(store, 2, NULL), 0);
}

static void
test_one_subject_costs_little_when_all_others_are_gone(void **state)
{
	struct store *store = ((struct place *)*state)->store;
	struct sql *db = store_records(store);
	int steps, n = 0;

	load_and_end(store);
	count_steps(db, &steps);
	assert_int_equal(store_theme_row_each(db, THEME, 2, SLICE("S000700"),
					      SLICE("S000701"), count_row, &n,
					      NULL),
			 0);
	stop_counting(db);
	assert_int_equal(n, 1);
	assert_in_range(steps, 1, CHEAP);
	/* and what was there before is still there before */
	n = 0;
	assert_int_equal(store_theme_row_each(db, THEME, 1, SLICE("S000700"),
					      SLICE("S000710"), count_row, &n,
					      NULL),
			 0);
	assert_int_equal(n, 10);
}

/* ---- files --------------------------------------------------------------- */

static void
test_a_version_costs_the_same_as_the_last(void **state)
{
	struct store *store = ((struct place *)*state)->store;
	struct sql *db = store_records(store);
	int64_t file = 0;
	int steps = 0;

	assert_int_equal(store_records_begin(store, NULL), 0);
	assert_int_equal(store_file_intern(db, THEME, "data", "", &file, NULL),
			 0);
	for (int seq = 1; seq <= MANY; seq++) {
		count_steps(db, &steps);
		assert_int_equal(store_file_state_end(db, file, seq, NULL), 0);
		assert_int_equal(
			store_file_state_insert(db, file, seq, seq, 1, NULL),
			0);
		stop_counting(db);
	}
	assert_in_range(steps, 1, CHEAP);
	assert_int_equal(store_records_commit(store, MANY, NULL), 0);
}

/* ---- submissions --------------------------------------------------------- */

static void
add_submission(struct store_txn *txn, int64_t resource)
{
	char name[] = "june.csv", clerk[] = "clerk";
	struct store_submission s = {
		.resource = resource, .name = name, .submitted_by = clerk};

	assert_int_equal(store_blob_add(txn, 1, &s.blob, NULL), 0);
	assert_int_equal(store_submission_add(txn, &s, 1, NULL), 0);
}

static int
count_submission(void *ctx, const struct store_submission *s)
{
	(void)s;
	++*(int *)ctx;
	return 0;
}

static void
test_the_newest_of_a_resource_is_not_looked_for(void **state)
{
	struct store *store = ((struct place *)*state)->store;
	int64_t quiet = 0, busy = 0;
	scope_reader reader = {0};
	int steps, n = 0;

	{
		scope_txn txn = {0};

		assert_int_equal(store_begin(store, &txn, NULL), 0);
		assert_int_equal(store_object_intern(&txn, STORE_RESOURCE,
						     "d/quiet", &quiet, NULL),
				 0);
		assert_int_equal(store_object_intern(&txn, STORE_RESOURCE,
						     "d/busy", &busy, NULL),
				 0);
		add_submission(&txn, quiet);
		for (int i = 0; i < MANY; i++)
			add_submission(&txn, busy);
		assert_int_equal(store_commit(&txn, NULL), 0);
	}
	assert_int_equal(store_reader_get(store, &reader, NULL), 0);
	count_steps(reader.db, &steps);
	assert_int_equal(store_submission_each(reader.db, quiet, NULL, 1,
					       count_submission, &n, NULL),
			 0);
	stop_counting(reader.db);
	assert_int_equal(n, 1);
	assert_in_range(steps, 1, CHEAP);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			test_a_shelf_costs_what_it_holds, setup, teardown),
		cmocka_unit_test_setup_teardown(
			test_one_subject_costs_little_when_all_others_are_gone,
			setup, teardown),
		cmocka_unit_test_setup_teardown(test_a_pack_is_used_or_not,
						setup, teardown),
		cmocka_unit_test_setup_teardown(test_changes_cost_what_changed,
						setup, teardown),
		cmocka_unit_test_setup_teardown(
			test_a_version_costs_the_same_as_the_last, setup,
			teardown),
		cmocka_unit_test_setup_teardown(
			test_the_newest_of_a_resource_is_not_looked_for, setup,
			teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
