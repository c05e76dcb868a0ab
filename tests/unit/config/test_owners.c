/* Who may have written a configuration. Fails if a file or folder of it that
 * others can change, of somebody else, or behind a link is accepted, or if one
 * is refused that nobody else can change. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/scope.h"
#include "config/config.h"
#include "tests/unit/config/city.h"

#include <fcntl.h>
#include <sys/stat.h>

#define DESCRIPTOR "resources.d/tax/ratings.ini"
#define SOMEBODY 4242 /* no account */

static int
enter(void **state)
{
	(void)state;
	umask(022);
	city_enter();
	return 0;
}

static int
leave(void **state)
{
	(void)state;
	city_leave();
	return 0;
}

/* What is wrong with the files as they are now; the caller frees it. */
static struct config_problems
look(uid_t reader, int expected)
{
	struct config_problems found = {0}, others = {0};
	struct error err = ERROR_INIT;
	struct config *config = NULL;

	if (config_load("civicfs.conf", &config, &others, &err))
		fail_msg("%s", err.text);
	assert_int_equal(config_check_files(config, reader, &found, &err),
			 expected);
	config_free(config);
	config_problems_release(&others);
	return found;
}

static void
expect_good(void)
{
	struct config_problems found = look(geteuid(), 0);

	assert_int_equal(found.n, 0);
	config_problems_release(&found);
}

static void
expect_bad(const char *place, const char *step)
{
	struct config_problems found = look(geteuid(), ERR_INVALID);

	assert_int_equal(found.n, 1);
	assert_false(found.items[0].warning);
	if (strncmp(found.items[0].text, place, strlen(place)) != 0 ||
	    !strstr(found.items[0].text, step))
		fail_msg("%s", found.items[0].text);
	config_problems_release(&found);
}

static void
what_others_can_write_is_refused(void **state)
{
	static const struct {
		const char *path;
		mode_t good, bad;
		const char *who;
	} cases[] = {
		{"civicfs.conf", 0644, 0664, "its group"},
		{"civicfs.conf", 0600, 0646, "everybody"},
		{"civicfs.conf", 0400, 0666, "everybody"},
		{"conf.d/themes.ini", 0640, 0660, "its group"},
		{DESCRIPTOR, 0644, 0622, "everybody"},
		{"conf.d", 0750, 0770, "its group"},
		{"resources.d", 0755, 01777, "everybody"},
		{"resources.d/tax", 0755, 02775, "its group"},
	};

	(void)state;
	expect_good();
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		char step[100];

		snprintf(step, sizeof(step),
			 "can be written by %s, who could "
			 "give themselves every right: 'chmod go-w %s'",
			 cases[i].who, cases[i].path);
		assert_int_equal(chmod(cases[i].path, cases[i].bad), 0);
		expect_bad(cases[i].path, step);
		assert_int_equal(chmod(cases[i].path, cases[i].good), 0);
		expect_good();
	}
}

/* Whoever can put a conf.d beside civicfs.conf. */
static void
the_folder_itself_counts(void **state)
{
	char folder[400];

	(void)state;
	assert_non_null(getcwd(folder, sizeof(folder)));
	assert_int_equal(chmod(".", 0777), 0);
	expect_bad(folder, "this folder can be written by everybody");
	assert_int_equal(chmod(".", 0700), 0);
	expect_good();
}

static void
what_is_somebody_elses_is_refused(void **state)
{
	(void)state;
	if (geteuid() != 0)
		skip();
	assert_int_equal(chown(DESCRIPTOR, SOMEBODY, 0), 0);
	expect_bad(DESCRIPTOR, "'chown root " DESCRIPTOR "'");
	assert_int_equal(chown(DESCRIPTOR, 0, SOMEBODY), 0);
	expect_good();
	assert_int_equal(chown("conf.d", SOMEBODY, 0), 0);
	expect_bad("conf.d",
		   "this folder belongs to the user with number 4242");
}

/* Root, whoever reads, and the service user. */
static void
three_are_trusted(void **state)
{
	struct config_problems found;

	(void)state;
	if (geteuid() != 0)
		skip();
	assert_int_equal(chown(DESCRIPTOR, SOMEBODY, 0), 0);
	found = look(SOMEBODY, 0);
	assert_int_equal(found.n, 0);
	/* an account of every Debian */
	city_change("civicfs.conf", "user = root", "user = games");
	assert_int_equal(chown(DESCRIPTOR, 5, 0), 0);
	expect_good();
}

static void
all_are_named(void **state)
{
	struct config_problems found;

	(void)state;
	assert_int_equal(chmod("civicfs.conf", 0666), 0);
	assert_int_equal(chmod("conf.d/themes.ini", 0666), 0);
	assert_int_equal(chmod(DESCRIPTOR, 0666), 0);
	found = look(geteuid(), ERR_INVALID);
	assert_int_equal(found.n, 3);
	config_problems_release(&found);
}

static void
links_are_refused(void **state)
{
	(void)state;
	assert_int_equal(rename(DESCRIPTOR, "elsewhere"), 0);
	assert_int_equal(symlink("../../elsewhere", DESCRIPTOR), 0);
	expect_bad(DESCRIPTOR, "a symbolic link");
	assert_int_equal(unlink(DESCRIPTOR), 0);
	assert_int_equal(rename("elsewhere", DESCRIPTOR), 0);
	assert_int_equal(rename("conf.d", "elsewhere"), 0);
	assert_int_equal(symlink("elsewhere", "conf.d"), 0);
	expect_bad("conf.d", "a symbolic link");
	assert_int_equal(unlink("conf.d"), 0);
	assert_int_equal(rename("elsewhere", "conf.d"), 0);
	expect_good();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			what_others_can_write_is_refused, enter, leave),
		cmocka_unit_test_setup_teardown(the_folder_itself_counts, enter,
						leave),
		cmocka_unit_test_setup_teardown(
			what_is_somebody_elses_is_refused, enter, leave),
		cmocka_unit_test_setup_teardown(three_are_trusted, enter,
						leave),
		cmocka_unit_test_setup_teardown(all_are_named, enter, leave),
		cmocka_unit_test_setup_teardown(links_are_refused, enter,
						leave),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
