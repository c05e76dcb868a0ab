/* The list of open files. Fails if a worker does not find what the one before
 * it noted, if a mount finds what an earlier mount left in the file, or if a
 * list that an earlier version wrote is taken for an empty one. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "mount/pins.h"

#define LIST "cache/open-files"
#define MANY 1000

struct place {
	char path[64];
	int fd;
};

static int
setup(void **state)
{
	struct place *p = calloc(1, sizeof(*p));

	if (!p)
		return -1;
	snprintf(p->path, sizeof(p->path), "/tmp/civicfs-pins-XXXXXX");
	if (!mkdtemp(p->path))
		return -1;
	p->fd = open(p->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	*state = p;
	return p->fd < 0 ? -1 : 0;
}

static int
teardown(void **state)
{
	struct place *p = *state;
	int rc = unlinkat(p->fd, LIST, 0) |
		 unlinkat(p->fd, "cache", AT_REMOVEDIR) | rmdir(p->path) |
		 close(p->fd);

	free(p);
	return rc;
}

static struct pins *
begin(const struct place *p, int64_t session)
{
	struct error err = ERROR_INIT;
	struct pins *pins = NULL;

	if (mount_pins_open(p->fd, session, &pins, &err))
		fail_msg("%s", err.text);
	return pins;
}

static uint64_t
add(struct pins *p, uint64_t unique, uint64_t node)
{
	bool is_new = false;
	uint64_t handle = mount_pins_add(p, unique, false, node, &is_new);

	assert_true(is_new);
	assert_true(mount_pins_is_noted(handle));
	return handle;
}

static int
sum_up(void *ctx, uint64_t node)
{
	*(uint64_t *)ctx += node;
	return 0;
}

/* Of the nodes that are open. */
static uint64_t
sum(struct pins *p)
{
	struct error err = ERROR_INIT;
	uint64_t ret = 0;

	assert_int_equal(mount_pins_each(p, sum_up, &ret, &err), 0);
	return ret;
}

static void
test_outlives_the_worker(void **state)
{
	struct pins *p = begin(*state, 7);
	uint64_t first = add(p, 2, 10), second = add(p, 4, 200);
	bool is_new = true;

	assert_true(mount_pins_remove(p, first));
	assert_false(mount_pins_remove(p, first));
	mount_pins_close(p);
	p = begin(*state, 7);
	assert_int_equal(sum(p), 200);
	/* the same OPEN again, then others */
	assert_true(mount_pins_add(p, 4, true, 200, &is_new) == second);
	assert_false(is_new);
	assert_int_equal(sum(p), 200);
	add(p, 6, 3000);
	add(p, 8, 40000);
	assert_int_equal(sum(p), 43200);
	assert_true(mount_pins_remove(p, second));
	assert_int_equal(sum(p), 43000);
	mount_pins_close(p);
}

static void
test_ends_with_the_mount(void **state)
{
	struct pins *p = begin(*state, 7);
	uint64_t old = 0;
	bool is_new = false;

	for (uint64_t i = 1; i <= MANY; i++)
		old = add(p, 2 * i, i);
	assert_int_equal(sum(p), MANY * (MANY + 1) / 2);
	mount_pins_close(p);
	p = begin(*state, 8);
	assert_int_equal(sum(p), 0);
	assert_false(mount_pins_remove(p, old));
	/* its number is another's request now */
	mount_pins_add(p, 2 * MANY, true, 5, &is_new);
	assert_true(is_new);
	assert_int_equal(sum(p), 5);
	mount_pins_close(p);
	p = begin(*state, 8);
	assert_int_equal(sum(p), 5);
	mount_pins_close(p);
}

/* It did not say how many were ever taken. */
static void
test_of_an_earlier_version(void **state)
{
	const struct place *place = *state;
	const off_t size = 16 + 16 * (off_t)MOUNT_PINS_SLOTS;
	struct pins *p = begin(place, 7);
	int fd;

	add(p, 2, 10);
	add(p, 4, 200);
	mount_pins_close(p);
	fd = openat(place->fd, LIST, O_RDWR | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, size), 0);
	close(fd);
	p = begin(place, 7);
	assert_int_equal(sum(p), 210);
	add(p, 6, 3000);
	assert_int_equal(sum(p), 3210);
	mount_pins_close(p);
}

static void
test_full(void **state)
{
	struct pins *p = begin(*state, 7);
	struct error err = ERROR_INIT;
	uint64_t last = 0, none = 0;
	bool is_new = false;

	for (uint64_t i = 1; i < MOUNT_PINS_SLOTS; i++)
		last = add(p, 2 * i, 1);
	assert_int_equal(sum(p), MOUNT_PINS_SLOTS - 1);
	none = mount_pins_add(p, 2 * MOUNT_PINS_SLOTS, false, 1, &is_new);
	assert_false(mount_pins_is_noted(none));
	assert_false(mount_pins_remove(p, none));
	assert_true(mount_pins_remove(p, last));
	assert_int_equal(mount_pins_each(p, sum_up, &none, &err), ERR_BUSY);
	mount_pins_close(p);
	p = begin(*state, 8);
	assert_int_equal(sum(p), 0);
	mount_pins_close(p);
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_outlives_the_worker),
		TEST(test_ends_with_the_mount),
		TEST(test_of_an_earlier_version),
		TEST(test_full),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
