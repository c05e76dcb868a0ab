/* Faults of a file as a whole: see fault.h. */
#include "decode/fault.h"

#include "base/text.h"

#include <stdarg.h>
#include <stdio.h>

#define MESSAGE_MAX 1024

static const char *const words[DECODE_FAULT_CODES] = {
	[DECODE_FAULT_FORMAT] = "format-error",
	[DECODE_FAULT_ENCODING] = "encoding-error",
	[DECODE_FAULT_MISSING_LABEL] = "missing-label",
	[DECODE_FAULT_EXTRA_LABEL] = "extra-label",
	[DECODE_FAULT_DUPLICATE_LABEL] = "duplicate-label",
};

const char *
decode_fault_word(unsigned int code)
{
	return code < DECODE_FAULT_CODES ? words[code] : NULL;
}

int
decode_fault_number(const char *word)
{
	for (int i = 0; i < DECODE_FAULT_CODES; i++) {
		if (!strcmp(word, words[i]))
			return i;
	}
	return -1;
}

/* A text that did not fit may end inside a character. */
static void
drop_cut_character(char *text)
{
	size_t at;

	if (!text_is_utf8(slice_str(text), &at))
		text[at] = '\0';
}

int
decode_fault_report(const struct decode_sink *sink, enum decode_fault_code code,
		    struct decode_place place, const char *fmt, ...)
{
	char message[MESSAGE_MAX];
	struct decode_fault fault = {
		.code = words[code],
		.row = place.row,
		.line = place.line,
		.field = place.field ? place.field : "",
		.value = place.value ? place.value : "",
		.message = message,
	};
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(message, sizeof(message), fmt, ap);
	va_end(ap);
	drop_cut_character(message);
	return sink->fault(sink->ctx, &fault);
}
