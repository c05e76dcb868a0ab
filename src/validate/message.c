/* The sentences of cells and rows, filled in: see message.h. */
#include "validate/message.h"

void
validate_message_fill(enum sentence id, const char *arg1, const char *arg2,
		      struct validate_value_fault *ret)
{
	const char *first = arg1 ? arg1 : "", *second = arg2 ? arg2 : "";

	ret->code = sentence_code(id);
	if (!ret->code)
		return;
	sentence_write(ret->message, sizeof(ret->message), false, id,
		       "%s" AND "%s", first, second);
	sentence_write(ret->message_zh, sizeof(ret->message_zh), true, id,
		       "%s" AND "%s", first, second);
}
