/*
 * Contiguous copies. Fails when a copy has other bytes than the published file,
 * is made of bytes that are damaged, outgrows its room, does not outlive the
 * worker, or stays when no version shows it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "base/io.h"
#include "base/scope.h"
#include "publish/flatten.h"
#include "publish/pack.h"
#include "unit/publish/world.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/stat.h>
#include <unistd.h>

struct copies {
	struct world *w;
	struct publish_flat *flat;
	struct config config;
	pthread_t thread;
	_Atomic int changes, failures;
};

static void
on_changed(void *ctx, int64_t state)
{
	struct copies *c = ctx;

	assert_true(state > 0);
	c->changes++;
}

static void
on_failed(void *ctx, const struct error *err)
{
	struct copies *c = ctx;

	assert_true(err->text[0]);
	c->failures++;
}

static void *
run(void *ctx)
{
	struct copies *c = ctx;

	publish_flat_run(c->flat);
	return NULL;
}

/* 'room' bytes for copies of any size. */
static void
begin(struct copies *c, struct world *w, int64_t room)
{
	const struct publish_flat_hooks hooks = {on_changed, on_failed, c};

	*c = (struct copies){.w = w};
	c->config.flatten_room.bytes = room;
	c->config.flatten_rate = 1 << 30;
	c->config.flatten_from = 1;
	assert_int_equal(
		publish_flat_new(w->store, &c->config, &hooks, &c->flat, NULL),
		0);
	assert_int_equal(pthread_create(&c->thread, NULL, run, c), 0);
}

static void
end(struct copies *c)
{
	publish_flat_stop(c->flat);
	pthread_join(c->thread, NULL);
	publish_flat_free(c->flat);
}

static void
file_at(struct world *w, enum publish_kind kind, int64_t version,
	struct publish_file *ret)
{
	scope_reader reader = {0};
	struct publish_version v;

	assert_int_equal(store_reader_get(w->store, &reader, NULL), 0);
	assert_int_equal(
		publish_version_get(reader.db, w->theme.id, version, &v, NULL),
		1);
	assert_int_equal(publish_file_at(reader.db, &w->theme, kind, "", v.seq,
					 ret, NULL),
			 0);
}

/* Until it has been copied, or was given up. */
static void
want(struct copies *c, const struct publish_file *file)
{
	struct publish_flat_count count;

	publish_flat_want(c->flat, file->state, file->bytes);
	do {
		poll(NULL, 0, 1);
		publish_flat_count(c->flat, &count);
	} while (count.waiting);
}

static void
expect_copy(struct copies *c, const struct publish_file *file,
	    enum publish_kind kind, int64_t version)
{
	scope_buf bytes = BUF_INIT;
	scope_free char *got = malloc((size_t)file->bytes + 1);
	scope_fd fd = -1;

	assert_true(publish_flat_has(c->flat, file->state));
	assert_int_equal(publish_flat_open(c->flat, file->state, &fd, NULL), 0);
	world_read(c->w, kind, "", version, &bytes);
	assert_int_equal(bytes.len, file->bytes);
	assert_int_equal(io_pread(fd, got, bytes.len + 1, 0, NULL), bytes.len);
	assert_memory_equal(got, bytes.data, bytes.len);
}

/* So many rows that they make several chunks. */
static int64_t
publish_rows(struct world *w, const char *name)
{
	world_begin(w, "20240101-000001");
	for (int i = 0; i < 2000; i++) {
		char cells[96];

		snprintf(cells, sizeof(cells),
			 "L%d;S%04d;%s %d;%d;2026-01-01;Li", i, i, name, i, i);
		world_put(w, 0, 0, cells);
	}
	return world_end(w);
}

static void
test_bytes(void **state)
{
	struct world *w = *state;
	struct publish_file data, jsonl;
	struct copies c;
	int64_t version = publish_rows(w, "one");

	file_at(w, PUBLISH_DATA, version, &data);
	file_at(w, PUBLISH_JSONL, version, &jsonl);
	begin(&c, w, 1 << 30);
	assert_false(publish_flat_has(c.flat, data.state));
	want(&c, &data);
	want(&c, &jsonl);
	expect_copy(&c, &data, PUBLISH_DATA, version);
	expect_copy(&c, &jsonl, PUBLISH_JSONL, version);
	assert_int_equal(c.failures, 0);
	end(&c);
	/* the next worker has them */
	begin(&c, w, 1 << 30);
	expect_copy(&c, &data, PUBLISH_DATA, version);
	publish_flat_ignore(c.flat, data.state);
	assert_false(publish_flat_has(c.flat, data.state));
	end(&c);
}

/* No copy helps a database: none is made, none is found in a pack. */
static void
test_database(void **state)
{
	struct world *w = *state;
	struct publish_flat_count count;
	struct publish_file file, data;
	struct copies c;
	int64_t version;

	w->sample.theme.sqlite = true;
	world_say(w);
	version = publish_rows(w, "one");
	file_at(w, PUBLISH_SQLITE, version, &file);
	file_at(w, PUBLISH_DATA, version, &data);
	assert_true(file.bytes > 0);
	begin(&c, w, 1 << 30);
	want(&c, &data);
	for (int again = 0; again < 2; again++) {
		want(&c, &file);
		assert_false(publish_flat_has(c.flat, file.state));
	}
	publish_flat_count(c.flat, &count);
	assert_int_equal(count.files, 1);
	assert_int_equal(count.bytes, data.bytes);
	assert_int_equal(c.failures, 0);
	end(&c);
}

static void
test_room(void **state)
{
	struct world *w = *state;
	struct publish_file data, jsonl;
	struct copies c;
	int64_t version = publish_rows(w, "one");

	file_at(w, PUBLISH_DATA, version, &data);
	file_at(w, PUBLISH_JSONL, version, &jsonl);
	begin(&c, w, jsonl.bytes + data.bytes - 1);
	want(&c, &data);
	assert_true(publish_flat_has(c.flat, data.state));
	want(&c, &jsonl);
	assert_true(publish_flat_has(c.flat, jsonl.state));
	assert_false(publish_flat_has(c.flat, data.state));
	end(&c);
	begin(&c, w, jsonl.bytes - 1);
	want(&c, &data); /* it must give way to that */
	assert_true(publish_flat_has(c.flat, data.state));
	want(&c, &jsonl);
	assert_false(publish_flat_has(c.flat, jsonl.state));
	end(&c);
}

static void
test_damaged(void **state)
{
	struct world *w = *state;
	struct publish_file data;
	struct copies c;
	int64_t version = publish_rows(w, "one");
	char name[PUBLISH_PACK_NAME_MAX];
	scope_fd pack = -1;

	file_at(w, PUBLISH_DATA, version, &data);
	publish_pack_name(w->seq, name);
	pack = openat(w->dir, name, O_WRONLY | O_CLOEXEC);
	assert_true(pack >= 0);
	assert_int_equal(pwrite(pack, "#", 1, data.bytes / 2), 1);
	begin(&c, w, 1 << 30);
	want(&c, &data);
	assert_false(publish_flat_has(c.flat, data.state));
	assert_int_equal(c.failures, 1);
	assert_int_equal(faccessat(w->dir, "cache/flat/part", F_OK, 0), -1);
	end(&c);
}

/* What lies there under a number that no kept version shows, and what another
 * life has begun. */
static void
test_leftovers(void **state)
{
	static const char *const names[] = {"cache/flat/4711",
					    "cache/flat/part"};
	struct world *w = *state;
	struct copies c;

	publish_rows(w, "one");
	begin(&c, w, 1 << 30);
	end(&c);
	for (size_t i = 0; i < 2; i++)
		close(openat(w->dir, names[i], O_CREAT | O_WRONLY, 0600));
	begin(&c, w, 1 << 30);
	while (publish_flat_has(c.flat, 4711))
		poll(NULL, 0, 1);
	end(&c);
	for (size_t i = 0; i < 2; i++)
		assert_int_equal(faccessat(w->dir, names[i], F_OK, 0), -1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_bytes, world_setup,
						world_teardown),
		cmocka_unit_test_setup_teardown(test_database, world_setup,
						world_teardown),
		cmocka_unit_test_setup_teardown(test_room, world_setup,
						world_teardown),
		cmocka_unit_test_setup_teardown(test_damaged, world_setup,
						world_teardown),
		cmocka_unit_test_setup_teardown(test_leftovers, world_setup,
						world_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
