/* Which rows of runs have ended, when one by one and when many at once, and in
 * a state of before a byte stood for each. Fails if one is lost, or told of
 * another row or sequence. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/scope.h"
#include "store/run.h"
#include "store/schema.h"

#define RUN 3
#define ROWS 400
#define OLDER 8 /* migrations, until rows were told in stretches */

/* When each row of RUN ends; 0: it does not. */
static int64_t
until_of(int64_t ordinal)
{
	if (ordinal >= 256 && ordinal < 384)
		return 7;
	return ordinal % 5 ? 0 : 6 + ordinal % 3;
}

static void
ok(int rc)
{
	assert_int_equal(rc, 0);
}

static struct sql *
open_at(size_t migrations)
{
	struct error err = ERROR_INIT;
	struct sql *db;

	ok(sql_open("", SQL_CREATE, &db, &err));
	ok(sql_migrate(db, store_schema_records, migrations, &err));
	return db;
}

struct told {
	int64_t next;
};

static int
check_told(void *ctx, int64_t id, int64_t until)
{
	struct told *told = ctx;

	while (!until_of(told->next))
		told->next++;
	assert_int_equal(id, run_row_id(RUN, told->next));
	assert_int_equal(until, until_of(told->next));
	told->next++;
	return 0;
}

static void
check_bits(struct sql *db, int64_t first, int64_t n, int64_t at)
{
	struct error err = ERROR_INIT;
	scope_buf bits = BUF_INIT;

	ok(run_gone_bits(db, run_row_id(RUN, first), n, at, &bits, &err));
	for (int64_t i = 0; i < n; i++) {
		int64_t until = until_of(first + i);

		assert_int_equal(bits.data[i / 8] >> i % 8 & 1,
				 until && until <= at);
	}
}

static void
check_all(struct sql *db)
{
	struct error err = ERROR_INIT;
	struct told told = {0};
	bool some = true;

	for (int64_t i = 0; i < ROWS; i++) {
		int64_t until = 0;
		int rc = run_row_until(db, run_row_id(RUN, i), &until, &err);

		assert_int_equal(rc, until_of(i) != 0);
		assert_int_equal(until, until_of(i));
	}
	ok(run_gone_each(db, RUN, 0, INT64_MAX, check_told, &told, &err));
	while (told.next < ROWS && !until_of(told.next))
		told.next++;
	assert_int_equal(told.next, ROWS);
	for (int64_t at = 5; at < 10; at++) {
		check_bits(db, 0, ROWS, at);
		check_bits(db, 120, 17, at);
		check_bits(db, 383, 1, at);
	}
	ok(run_gone_some(db, RUN, &some, &err));
	assert_true(some);
	ok(run_gone_some(db, RUN - 1, &some, &err));
	assert_false(some);
	ok(run_gone_some(db, RUN + 1, &some, &err));
	assert_false(some);
}

static void
test_one_by_one(void **state)
{
	struct sql *db = open_at(store_schema_records_n);
	struct error err = ERROR_INIT;

	(void)state;
	for (int64_t i = ROWS - 1; i >= 0; i--) {
		if (until_of(i))
			ok(run_end_row(db, run_row_id(RUN, i), until_of(i),
				       &err));
	}
	check_all(db);
	sql_close(db);
}

static void
test_many_at_once(void **state)
{
	struct sql *db = open_at(store_schema_records_n);
	struct error err = ERROR_INIT;

	(void)state;
	for (int64_t seq = 6; seq < 9; seq++) {
		for (int64_t first = 0; first < ROWS; first += RUN_STRETCH) {
			unsigned char bits[RUN_STRETCH / 8] = {0};

			for (int i = 0; i < RUN_STRETCH; i++) {
				if (first + i < ROWS &&
				    until_of(first + i) == seq)
					bits[i / 8] |=
						(unsigned char)(1 << i % 8);
			}
			ok(run_end_rows(db, run_row_id(RUN, first), bits, seq,
					&err));
		}
	}
	check_all(db);
	sql_close(db);
}

static void
test_older_state(void **state)
{
	static const char text[] = "INSERT INTO gone(id, until) VALUES(?1, ?2)";
	struct sql *db = open_at(OLDER);
	struct error err = ERROR_INIT;

	(void)state;
	for (int64_t i = 0; i < ROWS; i++) {
		scope_stmt *stmt = NULL;

		if (!until_of(i))
			continue;
		ok(sql_get(db, text, &stmt, &err));
		sql_bind_int(stmt, 1, run_row_id(RUN, i));
		sql_bind_int(stmt, 2, until_of(i));
		ok(sql_run(db, stmt, &err));
	}
	ok(sql_migrate(db, store_schema_records, store_schema_records_n, &err));
	check_all(db);
	sql_close(db);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_one_by_one),
		cmocka_unit_test(test_many_at_once),
		cmocka_unit_test(test_older_state),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
