/* Regular expressions of the configuration. */
#ifndef CONFIG_PATTERN_H
#define CONFIG_PATTERN_H

#include "base/error.h"

/* Whether PCRE2 compiles it as one that matches the whole value;
 * ERR_INVALID says where not, ERR_NOMEM. */
MUST_CHECK int config_pattern_check(const char *pattern, struct error *err);

#endif
