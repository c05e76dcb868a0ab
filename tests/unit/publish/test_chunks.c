/*
 * Chunks against a rebuild: random rows come, change and go, the rows that
 * begin chunks most of all. After each publish every file must have the bytes
 * that its rows give when written in one go, and the chunks and digest of a
 * file that was cut from nothing. Fails if a border is missed, a chunk is
 * left behind, a version changes later, or unchanged chunks are written again.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "unit/publish/world.h"

#include "base/scope.h"
#include "publish/rows.h"
#include "store/chunk.h"
#include "store/sql.h"

#include <fcntl.h>
#include <sys/stat.h>

#define SUBJECTS 2000
#define ROUNDS 24
#define BORDERS_MAX 64

/* Numbers that are the same on every machine (splitmix64). */
static uint64_t
next(uint64_t *seed)
{
	uint64_t z = *seed += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

static unsigned int
below(uint64_t *seed, unsigned int n)
{
	return (unsigned int)(next(seed) % n);
}

/* ---- the bytes a file must have ------------------------------------------ */

struct whole {
	const struct publish_rows *rows;
	struct buf bytes;
};

static int
add_row(void *ctx, const struct publish_row *row)
{
	struct whole *whole = ctx;
	int64_t lines;

	return publish_rows_format(whole->rows, row, &whole->bytes, &lines);
}

static void
check_file(struct world *w, const struct publish_rows *rows, const char *part,
	   int64_t version)
{
	struct whole whole = {rows, BUF_INIT};
	scope_buf bytes = BUF_INIT;
	scope_reader reader = {0};

	assert_int_equal(store_reader_get(w->store, &reader, NULL), 0);
	assert_int_equal(publish_rows_header(rows, &whole.bytes), 0);
	assert_int_equal(publish_rows_each(
				 reader.db, rows, store_published(w->store),
				 SLICE_NONE, SLICE_NONE, add_row, &whole, NULL),
			 0);
	world_read(w, rows->kind, part, version, &bytes);
	assert_int_equal(bytes.len, whole.bytes.len);
	assert_memory_equal(bytes.data, whole.bytes.data, bytes.len);
	buf_release(&whole.bytes);
}

static uint64_t
border_of(const struct world *w)
{
	uint64_t border = 0;

	assert_int_equal(
		store_chunk_border(store_records(w->store), &border, NULL), 0);
	return border;
}

/* The digest by doc/format.md, from the bytes of data.csv alone; its subjects
 * need no quotes here. */
static void
check_digest(struct world *w, int64_t version)
{
	const uint64_t border = border_of(w);
	scope_digest total = digest_new();
	scope_digest chunk = digest_new();
	unsigned char sha256[DIGEST_SIZE];
	struct publish_version v;
	scope_buf bytes = BUF_INIT;
	scope_reader reader = {0};
	const char *line, *end;
	bool any = false;

	world_read(w, PUBLISH_DATA, "", version, &bytes);
	line = strchr(buf_str(&bytes), '\n') + 1;
	for (; *line; line = end + 1) {
		size_t subject = strcspn(line, ",");

		end = strchr(line, '\n');
		if (any &&
		    publish_is_border((struct slice){line, subject}, border)) {
			digest_end(chunk, sha256);
			digest_add(total, sha256, DIGEST_SIZE);
			digest_restart(chunk);
		}
		digest_add(chunk, line, (size_t)(end + 1 - line));
		any = true;
	}
	digest_end(chunk, sha256);
	if (any)
		digest_add(total, sha256, DIGEST_SIZE);
	digest_end(total, sha256);
	assert_int_equal(store_reader_get(w->store, &reader, NULL), 0);
	assert_int_equal(
		publish_version_get(reader.db, w->theme.id, version, &v, NULL),
		1);
	assert_memory_equal(v.digest, sha256, DIGEST_SIZE);
}

static void
check_version(struct world *w, int64_t version)
{
	char problem[256] = "";

	check_digest(w, version);

	for (int kind = PUBLISH_DATA; kind <= PUBLISH_ORPHANS; kind++) {
		struct publish_rows rows = {.theme = &w->theme,
					    .kind = (enum publish_kind)kind};

		check_file(w, &rows, "", version);
	}
	for (size_t s = 0; s < 3; s++) {
		struct publish_rows rows = {.theme = &w->theme,
					    .kind = PUBLISH_SOURCE,
					    .source = s};
		const struct config_member *m =
			&w->sample.theme.sources[s].members[0];

		check_file(w, &rows, m->resource->name, version);
	}
	/* chunk by chunk, and the digest */
	if (world_verify(w, problem, sizeof(problem)))
		fail_msg("%s", problem);
}

/* ---- random rows --------------------------------------------------------- */

struct borders {
	unsigned int at[BORDERS_MAX];
	unsigned int n;
};

static void
find_borders(const struct world *w, struct borders *b)
{
	const uint64_t border = border_of(w);

	for (unsigned int i = 0; i < SUBJECTS && b->n < BORDERS_MAX; i++) {
		char subject[16];

		snprintf(subject, sizeof(subject), "S%05u", i);
		if (publish_is_border(slice_str(subject), border))
			b->at[b->n++] = i;
	}
	assert_true(b->n > 8);
}

/* A submission says what becomes of a key once. */
struct said {
	bool of[3][SUBJECTS];
};

static bool
say(struct said *said, size_t source, unsigned int key)
{
	bool first = !said->of[source][key];

	said->of[source][key] = true;
	return first;
}

static void
change_one(struct world *w, const struct borders *b, struct said *said,
	   uint64_t *seed)
{
	unsigned int what = below(seed, 6), i = below(seed, SUBJECTS);
	unsigned int penalty = below(seed, SUBJECTS), name = below(seed, 3);
	size_t source = what < 2 ? 0 : what < 4 ? 1 : what < 5 ? 2 : 0;
	char text[128];

	if (below(seed, 4) == 0)
		i = b->at[below(seed, b->n)];
	if (!say(said, source, source == 2 ? penalty : i))
		return;
	switch (what) {
	case 0:
	case 1:
		snprintf(text, sizeof(text),
			 "L%05u;S%05u;Name %u;%u;2026-01-01;", i, i, name, i);
		world_put(w, 0, 0, text);
		return;
	case 2:
		snprintf(text, sizeof(text), "S%05u;Name %u;A;1;true", i, name);
		world_put(w, 1, 0, text);
		return;
	case 3:
		snprintf(text, sizeof(text), "S%05u", i);
		world_remove(w, 1, 0, text);
		return;
	case 4:
		snprintf(text, sizeof(text), "P%05u;S%05u;1;1;2026-01-01",
			 penalty, i);
		world_put(w, 2, 0, text);
		return;
	default:
		snprintf(text, sizeof(text), "L%05u", i);
		world_remove(w, 0, 0, text);
	}
}

static void
fill(struct world *w, unsigned int step)
{
	char cells[128];

	for (unsigned int i = 0; i < SUBJECTS; i += step) {
		snprintf(cells, sizeof(cells),
			 "L%05u;S%05u;Name %u;%u;2026-01-01;", i, i, i % 3, i);
		world_put(w, 0, 0, cells);
	}
}

static void
hash_data(struct world *w, int64_t version,
	  unsigned char ret[static DIGEST_SIZE])
{
	scope_buf bytes = BUF_INIT;

	world_read(w, PUBLISH_DATA, "", version, &bytes);
	assert_int_equal(digest_bytes(bytes.data, bytes.len, ret), 0);
}

/* What one random history does: sometimes from a full theme, sometimes from a
 * nearly empty one; with and without a base. */
static void
random_history(struct world *w, uint64_t seed)
{
	unsigned char hashes[ROUNDS + 1][DIGEST_SIZE], now[DIGEST_SIZE];
	struct borders borders = {.n = 0};
	int64_t version;

	find_borders(w, &borders);
	w->sample.theme.base = below(&seed, 2) ? 0 : -1;
	world_begin(w, "20260101-000001");
	fill(w, below(&seed, 2) ? 1 : 100);
	version = world_end(w);
	hash_data(w, version, hashes[version]);
	for (unsigned int round = 0; round < ROUNDS; round++) {
		unsigned int n = 1 + below(&seed, round % 4 ? 12 : 400);
		struct said said = {0};

		world_begin(w, "20260101-000002");
		while (n--)
			change_one(w, &borders, &said, &seed);
		version = world_end(w);
		if (!version)
			continue;
		hash_data(w, version, hashes[version]);
		if (round % 6 == 0)
			check_version(w, version);
	}
	assert_true(version > 1);
	check_version(w, version);
	for (int64_t v = 1; v <= version; v++) {
		hash_data(w, v, now);
		assert_memory_equal(now, hashes[v], DIGEST_SIZE);
	}
	/* written again as a whole there is nothing to write */
	world_begin(w, "");
	assert_int_equal(publish_dirty_all(w->publish, &w->theme, NULL), 0);
	assert_int_equal(world_end(w), 0);
}

static void
test_random_1(void **state)
{
	random_history(*state, 1);
}

static void
test_random_2(void **state)
{
	random_history(*state, 2);
}

static void
test_random_3(void **state)
{
	random_history(*state, 3);
}

/* A state that was begun when borders had seven bits goes on with them. */
static void
test_random_older(void **state)
{
	struct world *w = *state;

	assert_int_equal(border_of(w), 63);
	assert_int_equal(sql_exec(store_records(w->store),
				  "UPDATE format SET border = 127", NULL),
			 0);
	world_close(w);
	world_open(w);
	assert_int_equal(border_of(w), 127);
	random_history(w, 4);
}

/* Every row that begins a chunk goes at once, and comes back. */
static void
test_all_borders(void **state)
{
	struct world *w = *state;
	struct borders borders = {.n = 0};
	struct publish_version v[2];
	scope_reader reader = {0};
	char text[64];

	find_borders(w, &borders);
	world_begin(w, "20260101-000001");
	fill(w, 1);
	assert_int_equal(world_end(w), 1);
	check_version(w, 1);
	world_begin(w, "20260101-000002");
	for (unsigned int i = 0; i < borders.n; i++) {
		snprintf(text, sizeof(text), "L%05u", borders.at[i]);
		world_remove(w, 0, 0, text);
	}
	assert_int_equal(world_end(w), 2);
	check_version(w, 2);
	world_begin(w, "20260101-000003");
	fill(w, 1);
	assert_int_equal(world_end(w), 3);
	check_version(w, 3);
	/* the same rows, the same digest */
	assert_int_equal(store_reader_get(w->store, &reader, NULL), 0);
	for (int i = 0; i < 2; i++)
		assert_int_equal(publish_version_get(reader.db, w->theme.id,
						     1 + 2 * i, &v[i], NULL),
				 1);
	assert_memory_equal(v[0].digest, v[1].digest, DIGEST_SIZE);
	assert_int_equal(v[1].inserted, borders.n);
}

static void
test_everything_goes(void **state)
{
	struct world *w = *state;
	char key[16];

	world_begin(w, "20260101-000001");
	fill(w, 1);
	assert_int_equal(world_end(w), 1);
	world_begin(w, "20260101-000002");
	for (unsigned int i = 0; i < SUBJECTS; i++) {
		snprintf(key, sizeof(key), "L%05u", i);
		world_remove(w, 0, 0, key);
	}
	assert_int_equal(world_end(w), 2);
	check_version(w, 2);
	world_expect(w, PUBLISH_DATA, "", 2, "uscc,name,penalties\n");
}

static int64_t
pack_bytes(struct world *w, int64_t seq)
{
	struct stat st;
	char name[64];

	snprintf(name, sizeof(name), "packs/%012lld.pack", (long long)seq);
	assert_int_equal(fstatat(w->dir, name, &st, 0), 0);
	return st.st_size;
}

/* Cost follows the change: one row writes one chunk of each file it is in. */
static void
test_little_is_written(void **state)
{
	struct world *w = *state;

	world_begin(w, "20260101-000001");
	fill(w, 1);
	assert_int_equal(world_end(w), 1);
	world_begin(w, "20260101-000002");
	world_put(w, 0, 0, "L01000;S01000;Changed;1;2026-01-01;");
	assert_int_equal(world_end(w), 2);
	/* data, data.jsonl, the source and the change: a chunk of each */
	assert_in_range(pack_bytes(w, w->seq), 1, pack_bytes(w, 1) / 8);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_random_1, world_setup,
						world_teardown),
		cmocka_unit_test_setup_teardown(test_random_2, world_setup,
						world_teardown),
		cmocka_unit_test_setup_teardown(test_random_3, world_setup,
						world_teardown),
		cmocka_unit_test_setup_teardown(test_random_older, world_setup,
						world_teardown),
		cmocka_unit_test_setup_teardown(test_all_borders, world_setup,
						world_teardown),
		cmocka_unit_test_setup_teardown(test_everything_goes,
						world_setup, world_teardown),
		cmocka_unit_test_setup_teardown(test_little_is_written,
						world_setup, world_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
