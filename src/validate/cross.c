/* Faults that no row has alone, ready-made in both languages. */
#include "validate/message.h"

#include <inttypes.h>
#include <stdio.h>

#define KEY_SHOWN 60	/* bytes of a key in a sentence */
#define THEME_SHOWN 128 /* an id, with a key */

static void
fill_texts(enum sentence id, const char *arg1, const char *arg2,
	   struct validate_fault *ret, struct validate_sentences *text)
{
	struct validate_value_fault filled;

	validate_message_fill(id, arg1, arg2, &filled);
	memcpy(text->en, filled.message, sizeof(filled.message));
	memcpy(text->zh, filled.message_zh, sizeof(filled.message_zh));
	ret->code = filled.code;
	ret->message = text->en;
	ret->message_zh = text->zh;
}

static void
fill(enum sentence id, int64_t arg1, int64_t arg2, struct validate_fault *ret,
     struct validate_sentences *text)
{
	char first[24], second[24];

	snprintf(first, sizeof(first), "%" PRId64, arg1);
	snprintf(second, sizeof(second), "%" PRId64, arg2);
	fill_texts(id, first, second, ret, text);
}

static const enum sentence messages[] = {
	[VALIDATE_CROSS_PRIMARY_KEY] = MSG_PRIMARY_KEY,
	[VALIDATE_CROSS_STORED_KEY] = MSG_STORED_KEY,
	[VALIDATE_CROSS_FIXED_KEY] = MSG_FIXED_KEY,
	[VALIDATE_CROSS_NOT_BACK] = MSG_NOT_BACK,
	[VALIDATE_CROSS_NOTHING_TO_FIX] = MSG_NOTHING_TO_FIX,
	[VALIDATE_CROSS_FIX_UNKNOWN] = MSG_FIX_UNKNOWN,
	[VALIDATE_CROSS_FIX_TWICE] = MSG_FIX_TWICE,
	[VALIDATE_CROSS_FIX_NAMELESS] = MSG_FIX_NAMELESS,
	[VALIDATE_CROSS_FIX_NO_ROW] = MSG_FIX_NO_ROW,
	[VALIDATE_CROSS_DUPLICATE_ROW] = MSG_DUPLICATE_ROW,
	[VALIDATE_CROSS_BLANK_ROW] = MSG_BLANK_ROW,
	[VALIDATE_CROSS_UNIQUE] = MSG_UNIQUE,
};

void
validate_fault_cross(enum validate_cross kind, int64_t row, int64_t line,
		     const char *field, struct slice value, int64_t other_row,
		     struct validate_fault *ret,
		     struct validate_sentences *text)
{
	bool ordered = kind == VALIDATE_CROSS_PRIMARY_KEY && other_row > row;

	*ret = (struct validate_fault){.row = row,
				       .line = line,
				       .field = field ? field : "",
				       .value = value};
	/* "rows 3 and 7" reads the same in both rows' faults */
	if (kind == VALIDATE_CROSS_PRIMARY_KEY)
		fill(messages[kind], ordered ? row : other_row,
		     ordered ? other_row : row, ret, text);
	else
		fill(messages[kind], other_row, 0, ret, text);
}

void
validate_fault_cross_counted(enum validate_cross kind, int64_t n, int64_t first,
			     struct validate_fault *ret,
			     struct validate_sentences *text)
{
	*ret = (struct validate_fault){.field = ""};
	fill(messages[kind], n, first, ret, text);
}

void
validate_fault_sequence(enum validate_sequence why, const char *theme,
			int64_t last, int64_t other, struct validate_fault *ret,
			struct validate_sentences *text)
{
	static const enum sentence reasons[] = {
		[VALIDATE_SEQUENCE_GAP] = MSG_SEQUENCE_GAP,
		[VALIDATE_SEQUENCE_OVERLAP] = MSG_SEQUENCE_OVERLAP,
		[VALIDATE_SEQUENCE_NAME] = MSG_SEQUENCE_NAME,
		[VALIDATE_SEQUENCE_PAST] = MSG_SEQUENCE_PAST,
	};
	char here[THEME_SHOWN], wanted[THEME_SHOWN];

	snprintf(here, sizeof(here), "%" PRId64, last);
	snprintf(wanted, sizeof(wanted),
		 "%s/changes/%" PRId64 "..%" PRId64 ".csv", theme, last, other);
	if (why == VALIDATE_SEQUENCE_NAME)
		snprintf(here, sizeof(here), "%s", theme);
	*ret = (struct validate_fault){.field = ""};
	fill_texts(reasons[why], here, wanted, ret, text);
}

void
validate_fault_astray(enum validate_astray why, const char *theme,
		      const char *key, const char *other,
		      struct validate_fault *ret,
		      struct validate_sentences *text)
{
	static const enum sentence reasons[] = {
		[VALIDATE_ASTRAY_EMPTY] = MSG_ASTRAY_EMPTY,
		[VALIDATE_ASTRAY_BASE] = MSG_ASTRAY_BASE,
		[VALIDATE_ASTRAY_NO_ROW] = MSG_ASTRAY_NO_ROW,
		[VALIDATE_ASTRAY_SEVERAL] = MSG_ASTRAY_SEVERAL,
		[VALIDATE_ASTRAY_OTHER_EMPTY] = MSG_ASTRAY_OTHER_EMPTY,
	};
	char shown[THEME_SHOWN];
	size_t n = strlen(key);

	if (n > KEY_SHOWN)
		n = KEY_SHOWN;
	while (n && ((unsigned char)key[n] & 0xc0) == 0x80)
		n--;
	snprintf(shown, sizeof(shown), *key ? "'%s' (%.*s%s)" : "'%s'", theme,
		 (int)n, key, key[n] ? "…" : "");
	*ret = (struct validate_fault){.field = ""};
	fill_texts(reasons[why], shown, other, ret, text);
}

void
validate_fault_shrink(int64_t deleted, int64_t records,
		      struct validate_fault *ret,
		      struct validate_sentences *text)
{
	*ret = (struct validate_fault){.field = ""};
	fill(MSG_SHRINK, deleted, records, ret, text);
}

void
validate_fault_fix(const struct decode_fault *fault, struct validate_fault *ret,
		   struct validate_sentences *text)
{
	sentence_write(text->en, sizeof(text->en), false, MSG_FIX_UNREADABLE,
		       "%s", fault->message);
	sentence_write(text->zh, sizeof(text->zh), true, MSG_FIX_UNREADABLE,
		       "%s", fault->message_zh);
	*ret = (struct validate_fault){.code = fault->code,
				       .field =
					       fault->field ? fault->field : "",
				       .message = text->en,
				       .message_zh = text->zh};
}

void
validate_fault_decode(const struct decode_fault *fault,
		      struct validate_fault *ret)
{
	*ret = (struct validate_fault){.row = fault->row,
				       .line = fault->line,
				       .code = fault->code,
				       .field =
					       fault->field ? fault->field : "",
				       .value = slice_str(fault->value),
				       .message = fault->message,
				       .message_zh = fault->message_zh};
}
