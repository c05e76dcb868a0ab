/* The files of a configuration as bytes. Fails if a configuration that is made
 * of them is not the one that was read, whatever became of the files, if bytes
 * that are none are taken, or if the digest does not follow the files' names
 * and bytes alone. */
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

static int
enter(void **state)
{
	(void)state;
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

static void
read_files(const char *path, struct buf *files)
{
	struct error err = ERROR_INIT;

	if (config_read_files(path, files, &err))
		fail_msg("%s", err.text);
}

static int
parse(struct slice files, struct config **ret, struct error *err)
{
	struct config_problems problems = {0};
	int rc = config_parse(files, ret, &problems, err);

	config_problems_release(&problems);
	return rc;
}

static struct config *
made_of(const struct buf *files)
{
	struct config *config = NULL;
	struct error err = ERROR_INIT;

	if (parse(buf_slice(files), &config, &err))
		fail_msg("%s", err.text);
	return config;
}

static void
what_was_read_is_what_is_used(void **state)
{
	struct config *before, *after;
	scope_buf files = BUF_INIT;
	char title[200];

	(void)state;
	read_files("civicfs.conf", &files);
	before = made_of(&files);
	snprintf(title, sizeof(title), "%s", before->title);
	city_write("civicfs.conf", "nonsense", 8);
	city_write("conf.d/themes.ini", "nonsense", 8);
	after = made_of(&files);
	assert_string_equal(after->title, title);
	assert_string_equal(after->digest, before->digest);
	assert_string_equal(after->state, before->state);
	assert_int_equal(after->nresources, before->nresources);
	assert_int_equal(after->nthemes, before->nthemes);
	assert_true(after->modified_at > 0);
	assert_int_equal(after->modified_at, before->modified_at);
	for (size_t i = 0; i < after->nresources; i++) {
		assert_string_equal(after->resources[i].descriptor,
				    before->resources[i].descriptor);
		assert_string_equal(after->resources[i].place.file,
				    before->resources[i].place.file);
	}
	config_free(before);
	config_free(after);
}

static int
add_name(void *ctx, const char *name, struct slice bytes)
{
	struct buf *names = ctx;

	assert_true(bytes.n > 0);
	return buf_addf(names, "%s\n", name);
}

/* Without the folders, and without what is only named. */
static void
every_file_is_found_once(void **state)
{
	scope_buf files = BUF_INIT, names = BUF_INIT;

	(void)state;
	city_write("resources.d/lost.ini", "nonsense", 8);
	read_files("civicfs.conf", &files);
	assert_int_equal(config_each_file(buf_slice(&files), add_name, &names),
			 0);
	assert_string_equal(buf_str(&names),
			    "civicfs.conf\n"
			    "conf.d/taxpayers.ini\n"
			    "conf.d/themes.ini\n"
			    "resources.d/aic/registrations.ini\n"
			    "resources.d/env/penalties.ini\n"
			    "resources.d/humen/penalties.ini\n"
			    "resources.d/tax/ratings.ini\n");
	files.len--;
	assert_int_equal(config_each_file(buf_slice(&files), add_name, &names),
			 ERR_CORRUPT);
}

static void
expect_digest(const char *path, const char *digest, bool same)
{
	scope_buf files = BUF_INIT;
	struct config *config;

	read_files(path, &files);
	config = made_of(&files);
	assert_int_equal(strcmp(config->digest, digest) == 0, same);
	config_free(config);
}

static void
the_digest_follows_names_and_bytes(void **state)
{
	scope_buf files = BUF_INIT;
	struct config *config;
	char digest[80];

	(void)state;
	read_files("civicfs.conf", &files);
	config = made_of(&files);
	snprintf(digest, sizeof(digest), "%s", config->digest);
	config_free(config);
	/* the same files by another path, saved at another time */
	assert_int_equal(utimensat(AT_FDCWD, "civicfs.conf", NULL, 0), 0);
	expect_digest("./civicfs.conf", digest, true);
	/* one more, of no meaning */
	city_write("conf.d/zz.ini", "[department zz]\n", 16);
	expect_digest("civicfs.conf", digest, false);
	city_change("conf.d/zz.ini", NULL, NULL);
	expect_digest("civicfs.conf", digest, true);
	assert_int_equal(rename("conf.d/themes.ini", "conf.d/other.ini"), 0);
	expect_digest("civicfs.conf", digest, false);
}

/* Cut off anywhere, or with a byte changed, they give an error or another
 * configuration, and nothing else. */
static void
bytes_that_are_none_are_refused(void **state)
{
	struct error err = ERROR_INIT;
	struct config *config = NULL;
	scope_buf files = BUF_INIT;

	(void)state;
	assert_int_equal(parse(SLICE(""), &config, &err), ERR_CORRUPT);
	assert_int_equal(parse(SLICE("civicfs.conf"), &config, &err),
			 ERR_CORRUPT);
	read_files("civicfs.conf", &files);
	for (size_t n = 0; n < files.len; n += 7) {
		struct config_problems problems = {0};
		int rc = config_parse((struct slice){files.data, n}, &config,
				      &problems, &err);

		assert_true(rc == 0 || rc == ERR_CORRUPT || rc == ERR_INVALID);
		if (rc == 0)
			config_free(config);
		config_problems_release(&problems);
	}
	for (size_t n = 0; n < 400 && n < files.len; n++) {
		struct config_problems problems = {0};
		int rc;

		files.data[n] ^= 0x15;
		rc = config_parse(buf_slice(&files), &config, &problems, &err);
		files.data[n] ^= 0x15;
		assert_true(rc == 0 || rc == ERR_CORRUPT || rc == ERR_INVALID);
		if (rc == 0)
			config_free(config);
		config_problems_release(&problems);
	}
}

static void
the_state_is_found_in_spite_of_errors(void **state)
{
	scope_free char *found = NULL, *again = NULL;
	struct error err = ERROR_INIT;
	scope_buf files = BUF_INIT;
	struct config *config;

	(void)state;
	read_files("civicfs.conf", &files);
	config = made_of(&files);
	city_write("conf.d/themes.ini", "[nonsense]\nx = y\n", 17);
	assert_int_equal(config_find_state("civicfs.conf", &found, &err), 0);
	assert_string_equal(found, config->state);
	config_free(config);
	city_change("civicfs.conf", NULL, NULL);
	assert_true(config_find_state("civicfs.conf", &again, &err) < 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, enter, leave)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_was_read_is_what_is_used),
		TEST(every_file_is_found_once),
		TEST(the_digest_follows_names_and_bytes),
		TEST(bytes_that_are_none_are_refused),
		TEST(the_state_is_found_in_spite_of_errors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
