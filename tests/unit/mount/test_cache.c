/* The cache and listings. Fails if the longest unused does not go first, if a
 * value in use is released, if any is released twice or never (the leak
 * checker says so), or if a listing repeats or leaves out a name while others
 * come and go. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#include "mount/cache.h"
#include "mount/list.h"

static void *
value(int n)
{
	int *p = malloc(sizeof(*p));

	assert_non_null(p);
	*p = n;
	return p;
}

static void
put(struct cache *c, int key)
{
	struct cache_item *item =
		mount_cache_put(c, (uint64_t)key, value(key), 1);

	assert_non_null(item);
	mount_cache_done(&item);
}

static int
has(struct cache *c, int key)
{
	struct cache_item *item = mount_cache_get(c, (uint64_t)key);
	int found = item != NULL;

	if (item)
		assert_int_equal(*(int *)item->value, key);
	mount_cache_done(&item);
	return found;
}

static void
test_order_of_use(void **state)
{
	struct cache *c = mount_cache_new(3, free);

	(void)state;
	put(c, 1);
	put(c, 2);
	put(c, 3);
	assert_true(has(c, 1));
	put(c, 4);
	assert_false(has(c, 2));
	assert_true(has(c, 1) && has(c, 3) && has(c, 4));
	mount_cache_free(c);
}

static void
test_in_use(void **state)
{
	struct cache *c = mount_cache_new(1, free);
	struct cache_item *item = mount_cache_put(c, 1, value(1), 1);

	(void)state;
	put(c, 2);
	assert_int_equal(*(int *)item->value, 1);
	mount_cache_drop(c, 1);
	assert_int_equal(*(int *)item->value, 1);
	assert_false(has(c, 1));
	mount_cache_done(&item);
	put(c, 3);
	assert_true(has(c, 3));
	mount_cache_free(c);
}

static void
test_same_key(void **state)
{
	struct cache *c = mount_cache_new(9, free);
	struct cache_item *first = mount_cache_put(c, 5, value(5), 1);
	struct cache_item *second = mount_cache_put(c, 5, value(6), 1);

	(void)state;
	assert_ptr_equal(first, second);
	assert_int_equal(*(int *)second->value, 5);
	mount_cache_done(&first);
	mount_cache_done(&second);
	mount_cache_drop(c, 6);
	mount_cache_free(c);
}

/* A value dearer than the whole cache serves whoever made it. */
static void
test_too_dear(void **state)
{
	struct cache *c = mount_cache_new(3, free);
	struct cache_item *item = mount_cache_put(c, 1, value(1), 100);

	(void)state;
	assert_int_equal(*(int *)item->value, 1);
	mount_cache_done(&item);
	assert_false(has(c, 1));
	mount_cache_free(c);
}

static struct listing *
names(int from, int to)
{
	struct listing *l = calloc(1, sizeof(*l));

	assert_non_null(l);
	for (int i = from; i < to; i++) {
		char name[16];

		snprintf(name, sizeof(name), "f%d", i);
		assert_int_equal(mount_list_add(l, mount_list_offset(name),
						(uint64_t)i, name),
				 0);
	}
	mount_list_sort(l);
	return l;
}

/* Names 50 to 99 are in every listing; read ten, from a new listing with
 * other company each time. */
static void
test_stable_offsets(void **state)
{
	int seen[100] = {0};
	int64_t offset = 2;

	(void)state;
	for (int round = 0;; round++) {
		struct listing *l = names(50 - round % 7, 100);
		size_t i = mount_list_after(l, offset);
		size_t end = i + 10 < l->n ? i + 10 : l->n;

		for (; i < end; i++) {
			seen[l->items[i].node]++;
			offset = l->items[i].offset;
		}
		end = mount_list_after(l, offset) == l->n;
		mount_listing_free(l);
		if (end)
			break;
	}
	for (int i = 50; i < 100; i++)
		assert_int_equal(seen[i], 1);
}

static void
test_list_names(void **state)
{
	struct listing *l = names(0, 40);

	(void)state;
	for (size_t i = 0; i < l->n; i++) {
		char name[16];

		snprintf(name, sizeof(name), "f%d", (int)l->items[i].node);
		assert_string_equal(mount_list_name(l, i), name);
		assert_true(l->items[i].offset >= LIST_FIRST);
	}
	mount_listing_free(l);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_order_of_use),
		cmocka_unit_test(test_in_use),
		cmocka_unit_test(test_same_key),
		cmocka_unit_test(test_too_dear),
		cmocka_unit_test(test_stable_offsets),
		cmocka_unit_test(test_list_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
