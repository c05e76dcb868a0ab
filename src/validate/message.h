/*
 * What validate says to people, in one table: each text has its code of SPEC
 * 6 and a sentence in English and in Chinese. Sentences never hold a value of
 * the file, because a value may be personal; {1} and {2} stand for a bound, a
 * count or another row's number.
 */
#ifndef VALIDATE_MESSAGE_H
#define VALIDATE_MESSAGE_H

#include "validate/validate.h"

enum validate_message {
	MSG_NONE,
	MSG_UTF8,
	MSG_INTEGER,
	MSG_INTEGER_POINT,
	MSG_INTEGER_SPREADSHEET,
	MSG_NUMBER,
	MSG_NUMBER_COMMAS,
	MSG_NUMBER_SPACE,
	MSG_NUMBER_LONG,
	MSG_BOOLEAN,
	MSG_DATE,
	MSG_DATE_TIME,
	MSG_DAY,
	MSG_DATETIME,
	MSG_DATETIME_DAY,
	MSG_DATETIME_CLOCK,
	MSG_DATETIME_FRACTION,
	MSG_DATETIME_RANGE,
	MSG_CODE_SPREADSHEET,
	MSG_USCC,
	MSG_USCC_LETTER,
	MSG_USCC_CHECK,
	MSG_ORG_CODE,
	MSG_ORG_CODE_CHECK,
	MSG_ID_NUMBER,
	MSG_ID_NUMBER_15,
	MSG_ID_NUMBER_BIRTH,
	MSG_ID_NUMBER_CHECK,
	MSG_ROUNDED_CHECK,
	MSG_REGION,
	MSG_REQUIRED,
	MSG_KEY_EMPTY,
	MSG_ENUM,
	MSG_PATTERN,
	MSG_PATTERN_LIMIT,
	MSG_MIN,
	MSG_MAX,
	MSG_MIN_LENGTH,
	MSG_MAX_LENGTH,
	MSG_CELL_ERROR,
	MSG_CELL_NO_VALUE,
	MSG_CELL_NESTED,
	MSG_MISSING_CELL,
	MSG_EXTRA_CELL,
	MSG_CHANGE,
	MSG_CHANGE_EMPTY,
	MSG_PRIMARY_KEY,
	MSG_STORED_KEY,
	MSG_FIXED_KEY,
	MSG_NOT_BACK,
	MSG_NOTHING_TO_FIX,
	MSG_FIX_UNKNOWN,
	MSG_FIX_TWICE,
	MSG_FIX_NAMELESS,
	MSG_FIX_NO_ROW,
	MSG_DUPLICATE_ROW,
	MSG_BLANK_ROW,
	MSG_UNIQUE,
	MSG_SHRINK,
	MSG_SECRET,
	MSG_SECRET_UNREAD,
	MSG_SECRET_FIX,
	MSG_ASTRAY_EMPTY,
	MSG_ASTRAY_BASE,
	MSG_ASTRAY_NO_ROW,
	MSG_ASTRAY_SEVERAL,
	MSG_ASTRAY_OTHER_EMPTY,
	MSG_COUNT
};

/* The code of a text; NULL for MSG_NONE. */
const char *validate_message_code(enum validate_message id);

/* Fills code and both sentences; a NULL argument is an empty one. A sentence
 * that does not fit is cut between characters. */
void validate_message_fill(enum validate_message id, const char *arg1,
			   const char *arg2, struct validate_value_fault *ret);

/* The Chinese sentence for a code that decode reports; never NULL. */
const char *validate_message_zh(const char *code);

#endif
