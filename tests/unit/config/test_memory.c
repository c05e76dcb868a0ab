/* Loading without memory: the n-th request is refused, for every n, until the
 * load passes. Fails if a refusal is not answered by ERR_NOMEM, leaks, or
 * leaves a configuration behind. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/scope.h"
#include "config/config.h"
#include "tests/unit/config/city.h"

void *__real_calloc(size_t n, size_t size);
void *__real_malloc(size_t n);
void *__real_realloc(void *p, size_t n);
void *__real_reallocarray(void *p, size_t n, size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_malloc(size_t n);
void *__wrap_realloc(void *p, size_t n);
void *__wrap_reallocarray(void *p, size_t n, size_t size);

static long left = -1; /* requests that are granted; -1: all */

static bool
is_refused(void)
{
	if (left < 0)
		return false;
	return left == 0 || left-- == 0;
}

void *
__wrap_calloc(size_t n, size_t size)
{
	return is_refused() ? NULL : __real_calloc(n, size);
}

void *
__wrap_malloc(size_t n)
{
	return is_refused() ? NULL : __real_malloc(n);
}

void *
__wrap_realloc(void *p, size_t n)
{
	return is_refused() ? NULL : __real_realloc(p, n);
}

void *
__wrap_reallocarray(void *p, size_t n, size_t size)
{
	return is_refused() ? NULL : __real_reallocarray(p, n, size);
}

/* From the n-th request on nothing is granted. */
static int
load_with(long n)
{
	struct config_problems problems = {0};
	struct config *config = NULL;
	struct error err = ERROR_INIT;
	int rc;

	left = n;
	rc = config_load("civicfs.conf", &config, &problems, &err);
	left = -1;
	assert_true((rc == 0) == (config != NULL));
	config_free(config);
	config_problems_release(&problems);
	return rc;
}

/* Groups and users are looked up with memory of their own; without it they
 * count as known, so refusals there do not end the load. */
static void
refuse_each(int expected)
{
	long n = 0;
	int rc;

	do
		rc = load_with(n++);
	while (rc == ERR_NOMEM && n < 100000);
	assert_int_equal(rc, expected);
	assert_int_equal(load_with(-1), expected);
}

static void
test_good(void **state)
{
	(void)state;
	city_enter();
	refuse_each(0);
	city_leave();
}

static void
test_faulty(void **state)
{
	(void)state;
	city_enter();
	city_change("civicfs.conf", "[roles]", "[rolls]");
	city_change("conf.d/themes.ini", "count penalty", "count penalties");
	city_change("resources.d/aic/registrations.ini", "key = licence_no",
		    "key = licence");
	refuse_each(ERR_INVALID);
	city_leave();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_faulty),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
