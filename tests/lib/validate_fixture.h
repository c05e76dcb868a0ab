/* Resources made by hand, and the words of types, for the tests of validate. */
#ifndef TESTS_LIB_VALIDATE_FIXTURE_H
#define TESTS_LIB_VALIDATE_FIXTURE_H

#include "config/config.h"

#include <string.h>

/* A field without constraints. */
#define FIELD(name, kind) \
	{ \
		.id = (name), .title = (name), .type = (kind), .pattern = "", \
		.min = "", .max = "", .min_length = -1, .max_length = -1 \
	}

static inline int
fixture_type(const char *word)
{
	static const char *const words[] = {
		"string",   "integer", "number",   "boolean",	"date",
		"datetime", "uscc",    "org-code", "id-number", "region"};

	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
		if (strcmp(words[i], word) == 0)
			return (int)i;
	}
	return -1;
}

#endif
