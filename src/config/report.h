/*
 * What is wrong with a configuration, collected while it is read: every
 * error, not only the first, each with its place and the next step.
 */
#ifndef CONFIG_REPORT_H
#define CONFIG_REPORT_H

#include "config/config.h"

struct config_report {
	struct config_problems *problems; /* the caller's */
	size_t nerrors;
	bool nomem; /* something could not be noted */
};

/* Add "file:line: text"; the same text twice is noted once. */
void config_error(struct config_report *r, struct config_place place,
		  const char *fmt, ...) PRINTF_LIKE(3, 4);
void config_warning(struct config_report *r, struct config_place place,
		    const char *fmt, ...) PRINTF_LIKE(3, 4);

/*
 * The nearest of many names to one that does not exist. Start with
 * CONFIG_NEAR_INIT, offer every valid name, then use 'name' (NULL when none
 * was offered). Upper and lower case count as near.
 */
struct config_near {
	const char *wrong;
	const char *name;
	size_t distance;
};
#define CONFIG_NEAR_INIT(w) ((struct config_near){.wrong = (w)})
void config_near_offer(struct config_near *near, const char *name);

/* Whether the nearest is near enough to be what was meant: at most half of
 * it differs. */
bool config_near_is_close(const struct config_near *near);

/* The edit distance of two texts in bytes (insert, delete, replace, swap of
 * neighbours); what is beyond 255 bytes does not count. */
size_t config_distance(const char *a, const char *b);

#endif
