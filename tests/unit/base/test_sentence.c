/* The sentences of receipts. Fails if one lacks a language, if the two do not
 * take the same arguments, or if an argument is lost on the way. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/scope.h"
#include "base/sentence.h"
#include "base/text.h"

#include <stdio.h>

/* The arguments it takes, as bits; -1 for a brace that is of none. */
static int
arguments(const char *text)
{
	int found = 0;

	while (*(text += strcspn(text, "{}"))) {
		if (text[0] != '{' || text[1] < '1' ||
		    text[1] > '0' + SENTENCE_ARGS || text[2] != '}')
			return -1;
		found |= 1 << (text[1] - '1');
		text += 3;
	}
	return found;
}

/* A character, or a mark, that Chinese has and English has not. */
static bool
has_chinese(const char *text)
{
	while ((unsigned char)*text && (unsigned char)*text < 0xe2)
		text++;
	return *text;
}

static void
test_every_sentence(void **state)
{
	(void)state;
	for (int id = MSG_NONE + 1; id < SENTENCES; id++) {
		const char *en = sentence_text(id, false);
		const char *zh = sentence_text(id, true);
		int takes;

		assert_non_null(en);
		assert_non_null(zh);
		takes = arguments(en);
		if (!*en || !has_chinese(zh) || takes != arguments(zh) ||
		    /* numbered without a gap */
		    takes < 0 || (takes & (takes + 1)) ||
		    !text_is_utf8(slice_str(zh), NULL))
			fail_msg("sentence %d: '%s', '%s'", id, en, zh);
	}
}

static void
test_arguments(void **state)
{
	struct error err = ERROR_INIT;
	scope_buf out = BUF_INIT;
	char text[200];

	(void)state;
	assert_int_equal(sentence_add(&out, false, MSG_ZIP_MOST,
				      "%lld" AND "%s", 7LL, "{1}"),
			 0);
	assert_string_equal(buf_str(&out),
			    "the zip has 7 entries, more than {1} "
			    "(max_members): send it in parts");
	/* one that is a sentence, in the language of the other */
	assert_int_equal(sentence_error(&err, ERR_INVALID, MSG_ZIP_DIRECTORY,
					A_SENTENCE, MSG_ZIP_CUT),
			 ERR_INVALID);
	sentence_tell(err.text, text, sizeof(text), true);
	assert_string_equal(
		text,
		"zip 文件的目录有误（条目不完整），请重新压缩或保存后提交");
	sentence_tell(err.text, text, sizeof(text), false);
	assert_non_null(strstr(text, "(an entry is cut off)"));
	/* what is missing is empty, what is too much is left out, what is none
	 * stands as it is */
	sentence_write(text, sizeof(text), false, MSG_CELL_AT, "A1");
	assert_string_equal(text, "cell A1 ");
	sentence_write(text, sizeof(text), false, MSG_PACKED_TWICE, "more");
	assert_null(strstr(text, "more"));
	sentence_tell("out of memory", text, sizeof(text), true);
	assert_string_equal(text, "out of memory");
	snprintf(text, sizeof(text), SENTENCE_MARK "%d", SENTENCES);
	sentence_tell(text, text + 100, 100, true);
	assert_string_equal(text + 100, text);
}

/* What is appended is never cut. */
static void
test_long(void **state)
{
	scope_buf out = BUF_INIT;
	char name[5000];

	(void)state;
	memset(name, 'x', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	assert_int_equal(sentence_add(&out, false, MSG_STEP_FIX, "%s", name),
			 0);
	assert_non_null(strstr(buf_str(&out), "x' and save it"));
	assert_int_equal(out.len, strlen(sentence_text(MSG_STEP_FIX, false)) -
					  3 + strlen(name));
}

static void
test_cut(void **state)
{
	char text[64];

	(void)state;
	for (size_t size = 1; size < sizeof(text); size++) {
		memset(text, 'x', sizeof(text));
		sentence_write(text, size, true, MSG_MEMBER_TWICE, "%s",
			       "六月的数据");
		assert_true(strlen(text) < size);
		assert_true(text_is_utf8(slice_str(text), NULL));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_sentence),
		cmocka_unit_test(test_arguments),
		cmocka_unit_test(test_long),
		cmocka_unit_test(test_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
