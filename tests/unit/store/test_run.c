/* Rows that come at once and rows that come one by one, ended by either, at
 * every sequence, against a plain array. Fails if a row is lost, doubled, out
 * of order, or seen when it does not hold. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/cells.h"
#include "base/digest.h"
#include "base/scope.h"
#include "store/merge.h"
#include "store/record.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#define KEYS 300
#define SEQS 40
#define THEME 7
#define RESOURCE 3
#define LENS 5

/* What holds of a key at a sequence; 0: nothing. */
struct model {
	int value[SEQS + 1][KEYS];
	bool conflict[SEQS + 1][KEYS];
	int64_t since[SEQS + 1][KEYS];
};

struct fixture {
	char path[64];
	int dir;
	struct store *store;
	struct sql *db;
	struct model *model;
	unsigned int seed;
	int64_t seq;
};

static void
ok(int rc)
{
	assert_int_equal(rc, 0);
}

/* Long enough that a load fills several blocks; in byte order of 'k'. */
static struct slice
key_of(int k, char text[static 64])
{
	int n = snprintf(text, 64, "%04d%s", k,
			 k % 7 ? "" : "-with-more-behind");

	return (struct slice){text, (size_t)n};
}

/* The digits a key begins with. */
static int
number_of(struct slice key)
{
	int n = 0;

	for (size_t i = 0; i < key.n && key.p[i] >= '0' && key.p[i] <= '9'; i++)
		n = 10 * n + key.p[i] - '0';
	return n;
}

static struct slice
value_of(int v, char text[static 256])
{
	int n = snprintf(text, 256, "value %d %*s", v, v % 180, "");

	return (struct slice){text, (size_t)n};
}

static struct slice
conflicts_of(bool has)
{
	return has ? SLICE("some conflicts") : SLICE_NONE;
}

static int
set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	snprintf(f->path, sizeof(f->path), "/tmp/civicfs-run-XXXXXX");
	assert_non_null(mkdtemp(f->path));
	f->dir = open(f->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(f->dir >= 0);
	ok(store_open(f->dir, true, &f->store, NULL));
	f->db = store_records(f->store);
	f->model = calloc(1, sizeof(*f->model));
	*state = f;
	return 0;
}

static int
tear_down(void **state)
{
	struct fixture *f = *state;
	char command[96];

	store_close(f->store);
	close(f->dir);
	assert_int_equal(chdir("/"), 0);
	snprintf(command, sizeof(command), "rm -r %s", f->path);
	assert_int_equal(system(command), 0);
	free(f->model);
	free(f);
	return 0;
}

/* ---- one table as the test sees it --------------------------------------- */

/* theme_row, record and link have the same ways. */
struct table {
	enum store_load_kind kind;
	int64_t owner;
};

static const struct table tables[] = {
	{STORE_LOAD_THEME, THEME},
	{STORE_LOAD_RECORDS, RESOURCE},
};

struct seen {
	const struct fixture *f;
	int64_t at;
	int last, count;
	int64_t id;
	bool only_conflicts;
};

static void
see(struct seen *s, struct slice key, struct slice cells,
    struct slice conflicts)
{
	char text[256];
	int k = number_of(key);
	const struct model *m = s->f->model;

	assert_true(k > s->last);
	assert_true(slice_eq(key, key_of(k, text)));
	assert_int_not_equal(m->value[s->at][k], 0);
	assert_true(slice_eq(cells, value_of(m->value[s->at][k], text)));
	assert_true(slice_eq(conflicts, conflicts_of(m->conflict[s->at][k])));
	s->last = k;
	s->count++;
}

static int
see_row(void *ctx, const struct store_theme_row *r)
{
	struct seen *s = ctx;

	s->id = r->id;
	see(s, r->subject, r->cells, r->conflicts);
	assert_int_equal(r->since, s->f->model->since[s->at][s->last]);
	assert_int_equal(r->version, r->since);
	return 0;
}

static int
see_record(void *ctx, const struct store_record *r)
{
	struct seen *s = ctx;
	const struct model *m = s->f->model;

	s->id = r->id;
	assert_string_equal(r->submission,
			    r->loaded ? "20260101-000001" : "20260101-000002");
	see(s, r->key, r->cells,
	    conflicts_of(m->conflict[s->at][number_of(r->key)]));
	return 0;
}

static int
count_holding(const struct model *m, int64_t at, int lo, int hi,
	      bool only_conflicts)
{
	int n = 0;

	for (int k = lo; k < hi; k++)
		n += m->value[at][k] && (!only_conflicts || m->conflict[at][k]);
	return n;
}

/* ---- checks -------------------------------------------------------------- */

static void
check_range(struct fixture *f, int64_t at, int lo, int hi, bool conflicts)
{
	struct seen s = {.f = f, .at = at, .last = -1};
	char first[64], last[64];
	struct slice from = key_of(lo, first);
	struct slice to = hi == KEYS ? SLICE_NONE : key_of(hi, last);

	assert_int_equal(
		(conflicts ? store_conflict_each : store_theme_row_each)(
			f->db, THEME, at, from, to, see_row, &s, NULL),
		0);
	assert_int_equal(s.count,
			 count_holding(f->model, at, lo, hi, conflicts));
}

static void
check_keys(struct fixture *f, int64_t at)
{
	for (int k = 0; k < KEYS; k += 1 + rand_r(&f->seed) % 20) {
		bool holds = f->model->value[at][k] != 0;
		struct seen s = {.f = f, .at = at, .last = -1};
		struct seen again = s;
		scope_buf cells = BUF_INIT;
		int64_t id, theme = 0;
		char text[256];

		assert_int_equal(store_theme_row_find(f->db, THEME, at,
						      key_of(k, text), see_row,
						      &s, NULL),
				 holds);
		assert_int_equal(store_record_find(f->db, RESOURCE, at,
						   key_of(k, text), &id, &cells,
						   NULL),
				 holds);
		if (!holds)
			continue;
		assert_true(slice_eq(buf_slice(&cells),
				     value_of(f->model->value[at][k], text)));
		assert_int_equal(store_theme_row_get(f->db, s.id, &theme,
						     see_row, &again, NULL),
				 1);
		assert_int_equal(theme, THEME);
		assert_int_equal(again.id, s.id);
	}
}

/* A shelf gives the row's number and its size; by the number, the row. */
static int
take_shelved(void *ctx, const struct store_theme_row *r)
{
	struct seen *s = ctx;
	int64_t theme = 0;

	s->last = -1;
	assert_int_equal(
		store_theme_row_get(s->f->db, r->id, &theme, see_row, s, NULL),
		1);
	assert_int_equal(r->since, s->f->model->since[s->at][s->last]);
	assert_int_equal(r->version, r->since);
	assert_int_equal(r->bytes,
			 s->f->model->value[s->at][number_of(r->subject)] +
				 1000);
	return 0;
}

static void
check_shelves(struct fixture *f, int64_t at)
{
	struct seen s = {.f = f, .at = at, .last = -1};

	for (int shelf = 0; shelf < 4096; shelf++)
		ok(store_theme_shelf_each(f->db, THEME, at, shelf, take_shelved,
					  &s, NULL));
	assert_int_equal(s.count, count_holding(f->model, at, 0, KEYS, false));
}

struct differences {
	const struct fixture *f;
	int64_t from, to;
	int last;
	bool seen[KEYS];
};

static int
take_difference(void *ctx, const struct store_theme_row *was,
		const struct store_theme_row *is)
{
	struct differences *d = ctx;
	const struct store_theme_row *row = was ? was : is;
	int k = number_of(row->subject);

	assert_true(k > d->last);
	d->last = k;
	d->seen[k] = true;
	assert_int_equal(was != NULL, d->f->model->value[d->from][k] != 0);
	assert_int_equal(is != NULL, d->f->model->value[d->to][k] != 0);
	assert_true(!was || !is || was->since != is->since);
	return 0;
}

static void
check_changes(struct fixture *f, int64_t from, int64_t to)
{
	struct differences d = {.f = f, .from = from, .to = to, .last = -1};

	ok(store_theme_changes(f->db, THEME, from, to, NULL, take_difference,
			       &d, NULL));
	for (int k = 0; k < KEYS; k++)
		assert_true(d.seen[k] ||
			    f->model->value[from][k] == f->model->value[to][k]);
}

static void
check_counts(struct fixture *f, int64_t at)
{
	int expected = count_holding(f->model, at, 0, KEYS, false);
	struct seen s = {.f = f, .at = at, .last = -1};
	int64_t rows = -1, records = -1;
	bool empty;

	ok(store_theme_row_count(f->db, THEME, at, &rows, NULL));
	assert_int_equal(rows, expected);
	ok(store_record_count(f->db, RESOURCE, at, &records, NULL));
	assert_int_equal(records, expected);
	ok(store_theme_is_empty(f->db, THEME, at, &empty, NULL));
	assert_int_equal(empty, expected == 0);
	ok(store_record_each(f->db, RESOURCE, at, see_record, &s, NULL));
	assert_int_equal(s.count, expected);
}

static void
check_all(struct fixture *f)
{
	for (int64_t at = 0; at <= f->seq; at += 1 + rand_r(&f->seed) % 3) {
		int lo = rand_r(&f->seed) % KEYS;
		int hi = lo + rand_r(&f->seed) % (KEYS - lo) + 1;

		check_range(f, at, 0, KEYS, false);
		check_range(f, at, 0, KEYS, true);
		check_range(f, at, lo, hi, false);
		check_range(f, at, lo, hi, true);
		check_keys(f, at);
		check_counts(f, at);
		check_changes(f, at, f->seq);
	}
	check_shelves(f, f->seq);
}

/* ---- changes ------------------------------------------------------------- */

static void
begin_next(struct fixture *f)
{
	f->seq++;
	memcpy(f->model->value[f->seq], f->model->value[f->seq - 1],
	       sizeof(f->model->value[0]));
	memcpy(f->model->conflict[f->seq], f->model->conflict[f->seq - 1],
	       sizeof(f->model->conflict[0]));
	memcpy(f->model->since[f->seq], f->model->since[f->seq - 1],
	       sizeof(f->model->since[0]));
	ok(store_records_begin(f->store, NULL));
}

static void
set_model(struct fixture *f, int k)
{
	f->model->value[f->seq][k] = 1 + rand_r(&f->seed) % 100000;
	f->model->conflict[f->seq][k] = rand_r(&f->seed) % 40 == 0;
	f->model->since[f->seq][k] = f->seq;
}

static struct store_theme_row
row_of(const struct fixture *f, int k, struct slice key, struct slice cells)
{
	return (struct store_theme_row){
		.version = f->seq,
		.subject = key,
		.cells = cells,
		.conflicts = conflicts_of(f->model->conflict[f->seq][k]),
		.bytes = f->model->value[f->seq][k] + 1000,
	};
}

static void
add_to_load(const struct fixture *f, const struct table *t,
	    struct store_load *load, int k)
{
	char key[64], value[256];
	struct slice cells = value_of(f->model->value[f->seq][k], value);
	const struct store_theme_row row = row_of(f, k, key_of(k, key), cells);

	assert_int_equal(
		t->kind == STORE_LOAD_THEME
			? store_load_add_row(load, &row, NULL)
			: store_load_add(load, row.subject, cells, NULL),
		0);
}

static void
load_table(struct fixture *f, const struct table *t, const bool *keys)
{
	const struct store_load_of of = {.kind = t->kind,
					 .owner = t->owner,
					 .seq = f->seq,
					 .version = f->seq,
					 .submission = "20260101-000001"};
	struct store_load *load = NULL;

	ok(store_load_begin(f->db, &of, &load, NULL));
	for (int k = 0; k < KEYS; k++) {
		if (!keys[k])
			continue;
		add_to_load(f, t, load, k);
	}
	ok(store_load_end(load, NULL));
	ok(store_load_tell(load, NULL));
	store_load_free(load);
}

/* Some of the keys that do not hold, at once. */
static void
load_some(struct fixture *f)
{
	int one_in = 1 + rand_r(&f->seed) % 4;
	bool keys[KEYS] = {false};

	for (int k = 0; k < KEYS; k++) {
		keys[k] = !f->model->value[f->seq][k] &&
			  rand_r(&f->seed) % one_in == 0;
		if (keys[k])
			set_model(f, k);
	}
	for (size_t i = 0; i < sizeof(tables) / sizeof(*tables); i++)
		load_table(f, &tables[i], keys);
}

static int
take_id(void *ctx, const struct store_theme_row *r)
{
	*(int64_t *)ctx = r->id;
	return 0;
}

static void
end_one(struct fixture *f, int k)
{
	int64_t row = 0, record = 0;
	char key[64];

	assert_int_equal(store_theme_row_find(f->db, THEME, f->seq,
					      key_of(k, key), take_id, &row,
					      NULL),
			 1);
	ok(store_theme_row_end(f->db, row, f->seq, NULL));
	assert_int_equal(store_record_find(f->db, RESOURCE, f->seq,
					   key_of(k, key), &record, NULL, NULL),
			 1);
	ok(store_record_end(f->db, record, f->seq, NULL));
	f->model->value[f->seq][k] = 0;
}

static void
insert_one(struct fixture *f, int k)
{
	char key[64], value[256];
	struct store_theme_row row;
	struct slice cells;
	int64_t id;

	set_model(f, k);
	cells = value_of(f->model->value[f->seq][k], value);
	row = row_of(f, k, key_of(k, key), cells);
	ok(store_theme_row_insert(f->db, THEME, f->seq, &row, NULL));
	ok(store_record_insert(f->db, RESOURCE, f->seq, key_of(k, key), cells,
			       "20260101-000002", &id, NULL));
}

static void
change_some(struct fixture *f)
{
	for (int k = rand_r(&f->seed) % 10; k < KEYS;
	     k += 1 + rand_r(&f->seed) % 30) {
		bool had = f->model->value[f->seq][k] != 0;

		if (had)
			end_one(f, k);
		if (!had || rand_r(&f->seed) % 2)
			insert_one(f, k);
	}
}

/* The present rows of some keys end together, some of which stand in loads and
 * some not; walked in order. */
static void
end_keys(struct fixture *f, const bool *keys)
{
	struct store_ends *ends = store_ends_new();
	struct store_record_walk *records = NULL;
	struct store_theme_walk *rows = NULL;

	assert_non_null(ends);
	ok(store_record_walk_open(f->db, RESOURCE, f->seq, &records, NULL));
	ok(store_theme_walk_open(f->db, THEME, f->seq, &rows, NULL));
	for (int k = 0; k < KEYS; k++) {
		int has = f->model->value[f->seq][k] != 0;
		int64_t row = 0, record = 0;
		char key[64];

		if (!keys[k])
			continue;
		assert_int_equal(store_theme_walk_find(rows, key_of(k, key),
						       take_id, &row, NULL),
				 has);
		assert_int_equal(store_record_walk_find(records, key_of(k, key),
							&record, NULL, NULL),
				 has);
		if (!has)
			continue;
		ok(store_ends_theme_row(ends, f->db, row, f->seq, NULL));
		ok(store_ends_record(ends, f->db, record, f->seq, NULL));
	}
	store_theme_walk_close(rows);
	store_record_walk_close(records);
	ok(store_ends_tell(ends, f->db, f->seq, NULL, NULL));
	store_ends_free(ends);
}

/* Many keys at once, whether they hold or not; with 'all' loads end as a
 * whole. */
static void
change_many(struct fixture *f, bool all)
{
	bool keys[KEYS] = {false};

	for (int k = 0; k < KEYS; k++)
		keys[k] = all || rand_r(&f->seed) % 3 == 0;
	end_keys(f, keys);
	for (int k = 0; k < KEYS; k++) {
		if (!keys[k])
			continue;
		f->model->value[f->seq][k] = 0;
		keys[k] = rand_r(&f->seed) % 8 != 0;
		if (keys[k])
			set_model(f, k);
	}
	for (size_t i = 0; i < sizeof(tables) / sizeof(*tables); i++)
		load_table(f, &tables[i], keys);
}

static void
end_theme(struct fixture *f)
{
	for (int k = 0; k < KEYS; k++) {
		int64_t record = 0;
		char key[64];

		if (!f->model->value[f->seq][k])
			continue;
		assert_int_equal(store_record_find(f->db, RESOURCE, f->seq,
						   key_of(k, key), &record,
						   NULL, NULL),
				 1);
		ok(store_record_end(f->db, record, f->seq, NULL));
		f->model->value[f->seq][k] = 0;
	}
	ok(store_theme_end_all(f->db, THEME, f->seq, NULL));
}

static void
commit(struct fixture *f)
{
	struct store_txn txn = {0};

	ok(store_records_commit(f->store, f->seq, NULL));
	ok(store_begin(f->store, &txn, NULL));
	ok(store_publish(&txn, f->seq, NULL));
	ok(store_commit(&txn, NULL));
}

/* ---- the tests ----------------------------------------------------------- */

static bool
has_room(struct fixture *f)
{
	int64_t theme = 0, records = 0;

	ok(store_load_room(f->db, STORE_LOAD_THEME, THEME, f->seq, &theme,
			   NULL));
	ok(store_load_room(f->db, STORE_LOAD_RECORDS, RESOURCE, f->seq,
			   &records, NULL));
	return theme && records;
}

static void
test_histories(void **state)
{
	struct fixture *f = *state;

	f->seed = 12;
	while (f->seq < SEQS) {
		begin_next(f);
		switch (rand_r(&f->seed) % 8) {
		case 0:
			end_theme(f);
			break;
		case 1:
		case 2:
			if (has_room(f)) {
				load_some(f);
				break;
			}
			change_some(f);
			break;
		case 3:
		case 4:
			if (has_room(f)) {
				change_many(f, rand_r(&f->seed) % 4 == 0);
				break;
			}
			/* fall through */
		default:
			change_some(f);
		}
		commit(f);
	}
	check_all(f);
}

static int64_t
live_loads(struct fixture *f, enum store_load_kind kind, int64_t owner)
{
	int64_t room = 0;

	ok(store_load_room(f->db, kind, owner, f->seq, &room, NULL));
	return 16 - room;
}

/* A load of which no row is left makes room for another, and its rows are not
 * listed by shelf either. */
static void
test_ends_as_a_whole(void **state)
{
	struct fixture *f = *state;

	f->seed = 5;
	for (int i = 0; i < 12; i++) {
		begin_next(f);
		change_many(f, i % 3 != 1);
		commit(f);
		check_all(f);
	}
	assert_in_range(live_loads(f, STORE_LOAD_THEME, THEME), 0, 1);
}

/* Steps of merging between changes: what holds when is the same, each row has
 * begun when it had, and few loads are left. */
static void
test_merged(void **state)
{
	struct fixture *f = *state;
	struct store_merge *merge = NULL;
	int64_t most = 0;
	int rc = 1;

	f->seed = 21;
	while (f->seq < SEQS) {
		begin_next(f);
		if (rand_r(&f->seed) % 12 == 0)
			end_theme(f);
		else if (rand_r(&f->seed) % 4 && has_room(f))
			change_many(f, rand_r(&f->seed) % 9 == 0);
		else
			change_some(f);
		commit(f);
		if (live_loads(f, STORE_LOAD_THEME, THEME) > most)
			most = live_loads(f, STORE_LOAD_THEME, THEME);
		for (int n = rand_r(&f->seed) % 5; n; n--)
			assert_true(store_merge_step(f->store, &merge, NULL) >=
				    0);
		if (f->seq % 5 == 0)
			check_all(f);
	}
	while (rc > 0)
		rc = store_merge_step(f->store, &merge, NULL);
	assert_int_equal(rc, 0);
	store_merge_free(merge);
	check_all(f);
	assert_true(most > 4);
	assert_in_range(live_loads(f, STORE_LOAD_THEME, THEME), 0, 4);
	assert_in_range(live_loads(f, STORE_LOAD_RECORDS, RESOURCE), 0, 4);
}

/* A publish that was not flipped leaves nothing. */
static void
test_undone(void **state)
{
	struct fixture *f = *state;

	f->seed = 3;
	for (int i = 0; i < 3; i++) {
		begin_next(f);
		i == 1 ? change_some(f) : load_some(f);
		commit(f);
	}
	begin_next(f);
	change_some(f);
	end_theme(f);
	load_some(f);
	ok(store_records_commit(f->store, f->seq, NULL));
	ok(store_records_begin(f->store, NULL));
	f->seq--;
	check_all(f);
	store_records_rollback(f->store);
}

/* Ranges one behind the other, and what lies between. */
struct link_seen {
	int last, count;
};

static int
see_link(void *ctx, struct slice place, const struct store_record *r)
{
	struct link_seen *s = ctx;
	int k = number_of(place);

	assert_true(k > s->last);
	assert_int_equal(number_of(r->key), k);
	s->last = k;
	s->count++;
	return 0;
}

static struct slice
place_of(int k, char text[static 64])
{
	int n = snprintf(text, 64, "%05d", k);

	text[n++] = '\0';
	n += snprintf(text + n, (size_t)(64 - n), "%05d", k);
	return (struct slice){text, (size_t)n};
}

static void
load_links(struct fixture *f, int step)
{
	const struct store_load_of of = {.kind = STORE_LOAD_LINKS,
					 .owner = LENS,
					 .seq = f->seq,
					 .submission = "20260101-000001"};
	struct store_load *load = NULL;
	char text[64];

	ok(store_load_begin(f->db, &of, &load, NULL));
	for (int k = 0; k < 20000; k += step)
		ok(store_load_add(load, place_of(k, text), SLICE("cells"),
				  NULL));
	ok(store_load_end(load, NULL));
	ok(store_load_tell(load, NULL));
	store_load_free(load);
}

static void
test_link_walk(void **state)
{
	struct fixture *f = *state;
	struct store_link_walk *walk = NULL;
	struct link_seen s = {.last = -1};
	int expected = 0;
	char lo[64], hi[64];

	begin_next(f);
	load_links(f, 2);
	ok(store_link_end(f->db, LENS, f->seq, place_of(100, lo), NULL));
	ok(store_link_walk_open(f->db, LENS, f->seq, &walk, NULL));
	for (int k = 0; k + 50 < 20000; k += k % 3 ? 51 : 4000) {
		expected += k % 2 ? 25 : 26;
		expected -= k <= 100 && 100 <= k + 50;
		ok(store_link_walk_each(walk, place_of(k, lo),
					place_of(k + 51, hi), see_link, &s,
					NULL));
		assert_int_equal(s.count, expected);
	}
	store_link_walk_close(walk);
	store_records_rollback(f->store);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_histories, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(test_ends_as_a_whole, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(test_merged, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_undone, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_link_walk, set_up,
						tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
