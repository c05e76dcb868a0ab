/* Faults of a file as a whole: see fault.h. */
#include "decode/fault.h"

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

static struct decode_fault
make(enum decode_fault_code code, struct decode_place place, const char *en,
     const char *zh)
{
	return (struct decode_fault){
		.code = words[code],
		.row = place.row,
		.line = place.line,
		.field = place.field ? place.field : "",
		.value = place.value ? place.value : "",
		.message = en,
		.message_zh = zh,
	};
}

int
decode_fault_report(const struct decode_sink *sink, enum decode_fault_code code,
		    struct decode_place place, enum sentence id,
		    const char *args, ...)
{
	char joined[MESSAGE_MAX], en[MESSAGE_MAX], zh[MESSAGE_MAX];
	struct decode_fault fault = make(code, place, en, zh);
	va_list ap;

	va_start(ap, args);
	vsnprintf(joined, sizeof(joined), args, ap);
	va_end(ap);
	sentence_write(en, sizeof(en), false, id, "%s", joined);
	sentence_write(zh, sizeof(zh), true, id, "%s", joined);
	return sink->fault(sink->ctx, &fault);
}

int
decode_fault_warn(const struct decode_sink *sink, enum decode_fault_code code,
		  struct decode_place place, enum sentence id, const char *args,
		  ...)
{
	char joined[MESSAGE_MAX], en[MESSAGE_MAX], zh[MESSAGE_MAX];
	struct decode_fault fault = make(code, place, en, zh);
	va_list ap;

	if (!sink->warning)
		return 0;
	va_start(ap, args);
	vsnprintf(joined, sizeof(joined), args, ap);
	va_end(ap);
	sentence_write(en, sizeof(en), false, id, "%s", joined);
	sentence_write(zh, sizeof(zh), true, id, "%s", joined);
	return sink->warning(sink->ctx, &fault);
}

int
decode_fault_tell(const struct decode_sink *sink, enum decode_fault_code code,
		  const char *untold)
{
	char en[MESSAGE_MAX], zh[MESSAGE_MAX];
	const struct decode_fault fault =
		make(code, (struct decode_place){0}, en, zh);

	sentence_tell(untold, en, sizeof(en), false);
	sentence_tell(untold, zh, sizeof(zh), true);
	return sink->fault(sink->ctx, &fault);
}
