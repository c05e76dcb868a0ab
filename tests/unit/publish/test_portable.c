/* data.sqlite from version to version: when it is another file, and that no
 * other than a version's rows are in it. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "unit/publish/world.h"

#include "base/scope.h"
#include "publish/pack.h"
#include "publish/portable.h"
#include "store/chunk.h"

#include <dirent.h>
#include <fcntl.h>

static int
set_up(void **state)
{
	struct world *w;

	if (world_setup(state))
		return -1;
	w = *state;
	w->sample.theme.sqlite = true;
	world_say(w);
	return 0;
}

static void
put_first(struct world *w)
{
	world_begin(w, "20260101-000001");
	world_put(w, 0, 0, "L1;B;Beta, Ltd;5;2026-01-01;");
	world_put(w, 0, 0, "L2;A;Alpha;7;2026-01-01;");
	world_put(w, 2, 0, "P1;A;10.50;1;2026-01-02");
}

static void
first_version(struct world *w)
{
	put_first(w);
	assert_int_equal(world_end(w), 1);
}

/* The file of a publish; 'bytes' is -1 when there is none. */
static struct publish_file
file_at(struct world *w, int64_t seq)
{
	struct error err = ERROR_INIT;
	scope_reader reader = {0};
	struct publish_file f = {0};

	assert_int_equal(store_reader_get(w->store, &reader, NULL), 0);
	assert_int_equal(publish_file_at(reader.db, &w->theme, PUBLISH_SQLITE,
					 "", seq, &f, &err),
			 0);
	return f;
}

static int
note_pack(void *ctx, const struct store_chunk *c)
{
	*(int64_t *)ctx = c->pack;
	return 0;
}

/* Whether the file of a publish has the rows of another. */
static bool
has_rows(struct world *w, int64_t seq, int64_t of)
{
	const struct publish_rows rows = {.theme = &w->theme,
					  .kind = PUBLISH_SQLITE};
	char name[PUBLISH_PACK_NAME_MAX];
	struct error err = ERROR_INIT;
	scope_reader reader = {0};
	int64_t file = 0, pack = 0;
	bool same = false;

	assert_int_equal(store_reader_get(w->store, &reader, NULL), 0);
	assert_int_equal(store_file_find(reader.db, w->theme.id, "sqlite", "",
					 &file, &err),
			 1);
	assert_int_equal(
		store_chunk_each(reader.db, file, seq, note_pack, &pack, &err),
		0);
	publish_pack_name(pack, name);
	assert_int_equal(publish_portable_match(
				 &(struct publish_portable_job){
					 .db = reader.db,
					 .rows = &rows,
					 .at = of,
					 .name = name,
				 },
				 &same, &err),
			 0);
	return same;
}

static int
count_packs(struct world *w)
{
	int fd = openat(w->dir, "packs", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fdopendir(fd);
	const struct dirent *e;
	int n = 0;

	assert_non_null(dir);
	while ((e = readdir(dir)))
		n += e->d_name[0] != '.';
	closedir(dir);
	return n;
}

static void
test_versions(void **state)
{
	struct world *w = *state;
	scope_buf first = BUF_INIT;
	scope_buf again = BUF_INIT;
	char problem[256] = "";

	first_version(w);
	assert_int_equal(file_at(w, 1).rows, 2);
	world_read(w, PUBLISH_SQLITE, "", 1, &first);
	assert_int_equal(first.len, file_at(w, 1).bytes);
	assert_true(has_rows(w, 1, 1));

	/* provenance alone, then a conflict alone: the same file */
	world_begin(w, "20260101-000002");
	world_put(w, 2, 0, "P1;A;10.50;2;2026-01-02");
	assert_int_equal(world_end(w), 2);
	world_begin(w, "20260101-000003");
	world_put(w, 1, 0, "A;2025;Alfa;A;2026-01-01;");
	assert_int_equal(world_end(w), 3);
	assert_int_equal(file_at(w, 3).state, file_at(w, 1).state);

	/* a row; and back */
	world_begin(w, "20260101-000004");
	world_put(w, 0, 0, "L2;A;Alpha II;7;2026-01-01;");
	assert_int_equal(world_end(w), 4);
	assert_int_not_equal(file_at(w, 4).state, file_at(w, 1).state);
	assert_true(has_rows(w, 4, 4));
	assert_false(has_rows(w, 4, 3));
	assert_int_equal(world_verify(w, problem, sizeof(problem)), 0);
	world_begin(w, "20260101-000005");
	world_put(w, 0, 0, "L2;A;Alpha;7;2026-01-01;");
	assert_int_equal(world_end(w), 5);
	world_close(w);
	world_open(w);
	for (int64_t v = 1; v <= 5; v += 4) {
		world_read(w, PUBLISH_SQLITE, "", v, &again);
		assert_true(slice_eq(buf_slice(&first), buf_slice(&again)));
	}
	assert_int_equal(world_verify(w, problem, sizeof(problem)), 0);
}

/* Without rows it is what it was before the first. */
static void
test_no_rows(void **state)
{
	struct world *w = *state;
	scope_buf before = BUF_INIT;
	scope_buf after = BUF_INIT;

	world_read(w, PUBLISH_SQLITE, "", 0, &before);
	assert_true(before.len > 0);
	first_version(w);
	world_begin(w, "20260101-000002");
	world_remove(w, 0, 0, "L1");
	world_remove(w, 0, 0, "L2");
	world_remove(w, 2, 0, "P1");
	assert_int_equal(world_end(w), 2);
	world_read(w, PUBLISH_SQLITE, "", 2, &after);
	assert_true(slice_eq(buf_slice(&before), buf_slice(&after)));
	/* and its pack stays */
	world_close(w);
	world_open(w);
	assert_true(has_rows(w, 2, 2));
}

static void
test_switch(void **state)
{
	struct world *w = *state;
	scope_buf bytes = BUF_INIT;
	char problem[256] = "";

	w->sample.theme.sqlite = false;
	world_say(w);
	assert_int_equal(file_at(w, 0).bytes, -1);
	first_version(w);
	assert_int_equal(file_at(w, 1).bytes, -1);
	w->sample.theme.sqlite = true;
	world_say(w);
	/* not published yet: verify does not mistake it for damage */
	assert_int_equal(world_verify(w, problem, sizeof(problem)), 0);
	assert_int_equal(world_rules(w), 2);
	assert_true(has_rows(w, 2, 2));
	assert_int_equal(file_at(w, 1).bytes, -1);
	w->sample.theme.sqlite = false;
	world_say(w);
	assert_int_equal(world_rules(w), 3);
	assert_int_equal(file_at(w, 3).bytes, -1);
	world_read(w, PUBLISH_SQLITE, "", 2, &bytes);
	assert_int_equal(bytes.len, file_at(w, 2).bytes);
	/* rules that leave it as it was */
	w->sample.theme.sqlite = true;
	world_say(w);
	assert_int_equal(world_rules(w), 4);
	w->sample.theme.bom = true;
	world_say(w);
	assert_int_equal(world_rules(w), 5);
	assert_int_equal(file_at(w, 5).state, file_at(w, 4).state);
	assert_int_equal(world_verify(w, problem, sizeof(problem)), 0);
}

/* What comes to nothing leaves no pack; nor does a kill, after a restart. */
static void
test_given_up(void **state)
{
	struct world *w = *state;
	struct error err = ERROR_INIT;
	int packs;

	first_version(w);
	packs = count_packs(w);
	world_begin(w, "20260101-000002");
	world_put(w, 0, 0, "L9;Z;Zeta;5;2026-01-01;");
	assert_int_equal(publish_write(w->publish, NULL, &err), 0);
	assert_true(count_packs(w) > packs);
	publish_free(w->publish);
	store_records_rollback(w->store);
	assert_int_equal(count_packs(w), packs);

	world_begin(w, "20260101-000003");
	world_put(w, 0, 0, "L9;Z;Zeta;5;2026-01-01;");
	world_write(w);
	publish_done(w->publish);
	publish_free(w->publish);
	assert_true(count_packs(w) > packs);
	world_close(w);
	world_open(w);
	assert_int_equal(count_packs(w), packs);
	assert_true(has_rows(w, 1, 1));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_versions, set_up,
						world_teardown),
		cmocka_unit_test_setup_teardown(test_no_rows, set_up,
						world_teardown),
		cmocka_unit_test_setup_teardown(test_switch, set_up,
						world_teardown),
		cmocka_unit_test_setup_teardown(test_given_up, set_up,
						world_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
