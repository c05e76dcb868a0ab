/* Sorting in memory and beyond it. Fails if an entry is lost or doubled, if
 * keys come out of order, or if equal keys change places. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/scope.h"
#include "base/sorter.h"

#include <stdio.h>
#include <stdlib.h>

/* Keys from a small set, so that many are equal; the value is the number of
 * the entry, and now and then something long. */
static struct slice
key_of(unsigned int *seed, char key[static 64])
{
	int n = snprintf(key, 64, "%s%d", rand_r(seed) % 3 ? "subject-" : "s",
			 rand_r(seed) % 500);

	if (rand_r(seed) % 5 == 0)
		key[n++] = '\0';
	if (rand_r(seed) % 50 == 0)
		n = 0;
	return (struct slice){key, (size_t)n};
}

static void
add_all(struct sorter *s, int n, int long_every)
{
	scope_free char *filler = calloc(1, 200000);
	unsigned int seed = 7;

	for (int i = 0; i < n; i++) {
		size_t more = long_every && i % long_every == 0 ? 150000 : 0;
		char key[64];
		struct slice k = key_of(&seed, key);

		memcpy(filler, &i, sizeof(i));
		assert_int_equal(
			sorter_add(s, k,
				   (struct slice){filler, sizeof(i) + more},
				   NULL),
			0);
	}
}

static void
check_all(struct sorter *s, int n)
{
	scope_buf before = BUF_INIT;
	scope_free char *seen = calloc(1, (size_t)n);
	struct slice key, value;
	int count = 0, last = -1, rc;

	while ((rc = sorter_next(s, &key, &value, NULL)) > 0) {
		int order = slice_cmp(buf_slice(&before), key);
		int i;

		memcpy(&i, value.p, sizeof(i));
		assert_true(i >= 0 && i < n && !seen[i]);
		seen[i] = 1;
		assert_true(order < 0 || (order == 0 && i > last));
		last = i;
		buf_clear(&before);
		assert_int_equal(buf_addslice(&before, key), 0);
		count++;
	}
	assert_int_equal(rc, 0);
	assert_int_equal(count, n);
	assert_int_equal(sorter_next(s, &key, &value, NULL), 0);
}

static void
sort_some(size_t memory, int n, int long_every)
{
	scope_sorter *s = NULL;

	assert_int_equal(sorter_new(memory, &s, NULL), 0);
	add_all(s, n, long_every);
	assert_int_equal(sorter_sort(s, NULL), 0);
	check_all(s, n);
	assert_int_equal(sorter_rewind(s, NULL), 0);
	check_all(s, n);
}

static void
test_in_memory(void **state)
{
	(void)state;
	sort_some(1 << 20, 0, 0);
	sort_some(1 << 20, 1, 0);
	sort_some(1 << 20, 5000, 0);
}

static void
test_many_runs(void **state)
{
	(void)state;
	sort_some(4096, 20000, 0);
	sort_some(1, 50, 0); /* each entry a run */
}

static void
test_longer_than_memory(void **state)
{
	(void)state;
	sort_some(20000, 2000, 97);
}

/* What the thread has merged ahead is not what comes after the first. */
static void
test_again_from_anywhere(void **state)
{
	const int n = 20000;

	(void)state;
	for (int taken = 0; taken < n; taken = 3 * taken + 1) {
		scope_sorter *s = NULL;
		struct slice key, value;

		assert_int_equal(sorter_new(40000, &s, NULL), 0);
		add_all(s, n, 0);
		assert_int_equal(sorter_sort(s, NULL), 0);
		for (int i = 0; i < taken; i++)
			assert_int_equal(sorter_next(s, &key, &value, NULL), 1);
		assert_int_equal(sorter_rewind(s, NULL), 0);
		check_all(s, n);
		assert_int_equal(sorter_rewind(s, NULL), 0);
		for (int i = 0; i < taken; i++)
			assert_int_equal(sorter_next(s, &key, &value, NULL), 1);
	}
}

/* Keys that begin alike, for ever shorter: the last begins as none does. */
static void
sort_alike(size_t memory)
{
	static const char *const begins[] = {"20261124-000001 of the registry",
					     "20261124-000001 of",
					     "20261124-000001", "2026", ""};
	scope_sorter *s = NULL;
	int n = 0;

	assert_int_equal(sorter_new(memory, &s, NULL), 0);
	for (size_t b = 0; b < sizeof(begins) / sizeof(*begins); b++) {
		unsigned int seed = 7;

		for (int i = 0; i < 4000; i++, n++) {
			char key[128];
			int len = snprintf(key, sizeof(key), "%s", begins[b]);

			if (i % 7)
				len += snprintf(key + len, 64, "%d",
						rand_r(&seed) % 3000);
			assert_int_equal(
				sorter_add(
					s, (struct slice){key, (size_t)len},
					(struct slice){(char *)&n, sizeof(n)},
					NULL),
				0);
		}
	}
	assert_int_equal(sorter_sort(s, NULL), 0);
	check_all(s, n);
}

static void
test_alike(void **state)
{
	(void)state;
	sort_alike(8 << 20);
	sort_alike(100000);
	sort_alike(5000);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_in_memory),
		cmocka_unit_test(test_many_runs),
		cmocka_unit_test(test_longer_than_memory),
		cmocka_unit_test(test_again_from_anywhere),
		cmocka_unit_test(test_alike),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
