/* The fixed names. Fails if a language lacks a name, if two nodes of one
 * folder have the same name, if a file that SHA256SUMS names is called
 * otherwise in another language, or if a README has a word that is none. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "base/layout.h"
#include "base/scope.h"
#include "base/text.h"
#include "mount/catalogue.h"

static const char *const languages[] = {"en", "zh"};

/* The names of one folder, from first to last. */
static const struct {
	enum layout_name first, last;
} folders[] = {
	{LAYOUT_ROOT_README, LAYOUT_THEMES},
	{LAYOUT_RESOURCE_README, LAYOUT_STATUS},
	{LAYOUT_README, LAYOUT_VERSIONS},
	{LAYOUT_VERSION_INDEX, LAYOUT_CURRENT},
};

static void
test_names(void **state)
{
	(void)state;
	for (size_t l = 0; l < 2; l++) {
		const struct layout *layout = layout_of(languages[l]);

		assert_string_equal(layout->language, languages[l]);
		for (int i = 0; i < LAYOUT_NAMES; i++) {
			assert_non_null(layout->names[i]);
			assert_true(text_is_utf8(slice_str(layout->names[i]),
						 NULL));
		}
	}
	assert_string_equal(layout_of("fr")->language, "en");
}

static void
test_unique(void **state)
{
	(void)state;
	for (size_t l = 0; l < 2; l++) {
		const char *const *n = layout_of(languages[l])->names;

		for (size_t f = 0; f < sizeof(folders) / sizeof(*folders); f++)
			for (int i = folders[f].first; i < (int)folders[f].last;
			     i++)
				for (int k = i + 1; k <= (int)folders[f].last;
				     k++)
					assert_string_not_equal(n[i], n[k]);
	}
}

static void
test_same_in_all(void **state)
{
	const struct layout *en = layout_of("en"), *zh = layout_of("zh");

	(void)state;
	for (int i = LAYOUT_README; i <= LAYOUT_SUBJECTS; i++)
		assert_string_equal(en->names[i], zh->names[i]);
	assert_string_equal(en->names[LAYOUT_DATA], "data.csv");
	assert_string_equal(en->names[LAYOUT_SUMS], "SHA256SUMS");
}

static void
test_keys(void **state)
{
	(void)state;
	assert_int_equal(layout_key("catalogue_index", 15),
			 LAYOUT_CATALOGUE_INDEX);
	assert_int_equal(layout_key("catalogue", 9), LAYOUT_CATALOGUE);
	assert_int_equal(layout_key("catalogues", 10), -1);
	assert_int_equal(layout_key("", 0), -1);
}

static void
test_readme(void **state)
{
	const struct config config = {.title = "{Test} city"};

	(void)state;
	for (size_t l = 0; l < 2; l++) {
		const struct layout *layout = layout_of(languages[l]);
		scope_buf out = BUF_INIT;
		const char *text;

		assert_int_equal(
			mount_catalogue_root_readme(&config, layout, &out), 0);
		text = buf_str(&out);
		assert_ptr_equal(strstr(text, "{Test} city\n"), text);
		assert_null(strchr(text + 7, '{'));
		assert_non_null(strstr(text, layout->names[LAYOUT_INBOX]));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_unique),
		cmocka_unit_test(test_same_in_all),
		cmocka_unit_test(test_keys),
		cmocka_unit_test(test_readme),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
