/* Regular expressions of the configuration: see pattern.h. */
#include "config/pattern.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

int
config_pattern_check(const char *pattern, struct error *err)
{
	unsigned char why[256];
	int code;
	size_t at;
	pcre2_code *compiled =
		pcre2_compile((PCRE2_SPTR)pattern, PCRE2_ZERO_TERMINATED,
			      PCRE2_UTF | PCRE2_ANCHORED | PCRE2_ENDANCHORED,
			      &code, &at, NULL);

	if (compiled) {
		pcre2_code_free(compiled);
		return 0;
	}
	if (code == PCRE2_ERROR_NOMEMORY || code == PCRE2_ERROR_HEAP_FAILED)
		return error_nomem(err);
	pcre2_get_error_message(code, why, sizeof(why));
	return error_set(err, ERR_INVALID,
			 "'%s' is no regular expression: %s at byte %zu",
			 pattern, (const char *)why, at + 1);
}
