/* Facts for people and for programs. */
#ifndef CTL_PRINT_H
#define CTL_PRINT_H

#include "base/slice.h"
#include "ctl/ctl.h"

#include <jansson.h>

/* A column: which member, its heading, and its form. */
struct ctl_column {
	const char *key, *heading;
	enum ctl_form { CTL_TEXT, CTL_NUMBER, CTL_TIME } form;
};

/* A table of objects, a row each; nothing but the heading without rows.
 * CTL_DONE, or CTL_NO (said) without memory. */
MUST_CHECK int ctl_table(const json_t *rows, const struct ctl_column *columns,
			 size_t n);

/* Two columns without heading: the members of an object, but for empty
 * texts. */
MUST_CHECK int ctl_facts(const json_t *facts);

/* Appends a value as a person reads it: yes and no, lists joined by commas,
 * nothing for null. ERR_NOMEM. */
MUST_CHECK int ctl_value_text(const json_t *value, struct buf *out);

/* Indented JSON and LF. CTL_DONE, or CTL_NO (said). */
MUST_CHECK int ctl_json(const json_t *value);

/* The same on one line. */
MUST_CHECK int ctl_json_line(const json_t *value);

/* Text as it is. */
MUST_CHECK int ctl_print(struct slice text);

/* JSON with every number as a text of the same digits, because values are
 * exact; NULL when it is no JSON, or without memory. */
json_t *ctl_json_exact(struct slice text);

#endif
