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
	[DECODE_FAULT_HIDDEN_SHEET] = "hidden-sheet",
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

static struct decode_fault
make(enum decode_fault_code code, struct decode_place place,
     char message[static MESSAGE_MAX], const char *fmt, va_list ap)
{
	vsnprintf(message, MESSAGE_MAX, fmt, ap);
	drop_cut_character(message);
	return (struct decode_fault){
		.code = words[code],
		.row = place.row,
		.line = place.line,
		.field = place.field ? place.field : "",
		.value = place.value ? place.value : "",
		.message = message,
	};
}

int
decode_fault_report(const struct decode_sink *sink, enum decode_fault_code code,
		    struct decode_place place, const char *fmt, ...)
{
	char message[MESSAGE_MAX];
	struct decode_fault fault;
	va_list ap;

	va_start(ap, fmt);
	fault = make(code, place, message, fmt, ap);
	va_end(ap);
	return sink->fault(sink->ctx, &fault);
}

int
decode_fault_warn(const struct decode_sink *sink, enum decode_fault_code code,
		  struct decode_place place, const char *fmt, ...)
{
	char message[MESSAGE_MAX];
	struct decode_fault fault;
	va_list ap;

	if (!sink->warning)
		return 0;
	va_start(ap, fmt);
	fault = make(code, place, message, fmt, ap);
	va_end(ap);
	return sink->warning(sink->ctx, &fault);
}
