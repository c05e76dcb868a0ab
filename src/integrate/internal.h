/*
 * What the files of integrate/ share: the columns of one subject that its
 * rules work on, made once a subject by integrate.c.
 */
#ifndef INTEGRATE_INTERNAL_H
#define INTEGRATE_INTERNAL_H

#include "integrate/integrate.h"

#include <assert.h>

#define INTEGRATE_DAY 10 /* bytes of YYYY-MM-DD */

/* The values of one operand: its source's rows, and the cell of each. */
struct column {
	const struct config_operand *operand;
	const struct integrate_row *rows;
	struct slice *values; /* one a row; for count without meaning */
	size_t n;
};

/* The value that 'first' or 'latest' picked; row is NULL when there is none. */
struct pick {
	struct slice value;
	const struct integrate_row *row;
};

/* What a rule found. 'row' is where the value comes from; NULL for the rules
 * over many rows, which have a submission only. */
struct finding {
	struct slice value;
	const struct integrate_row *row;
	const char *submission;
};

/* Memory that is used again, subject after subject. */
struct integrate_scratch {
	struct range {
		size_t from, to;
	} * ranges; /* per source: its rows */
	size_t ranges_cap;
	struct column *columns; /* per operand, rule after rule */
	size_t ncolumns, columns_cap;
	struct slice *values; /* those of all columns */
	size_t values_cap;
	struct slice *cells; /* those of one row */
	size_t cells_cap;
	struct slice *sorted; /* those of a list */
	size_t sorted_cap;
	char (*days)[INTEGRATE_DAY]; /* per rule: an origin's day */
	size_t days_cap;
	size_t origins_cap; /* of integrate_result.origins */
	struct integrate_decimal sum;
	struct buf text; /* the value of count, sum or list */
};

/* Makes room for 'want' items of 'size' bytes at *p; ERR_NOMEM. */
MUST_CHECK int integrate_grow(void *p, size_t *cap, size_t want, size_t size);

/* The row's as_of, or the day of its submission, written to 'day'. */
struct slice integrate_as_of(const struct config_theme *theme,
			     const struct integrate_row *row,
			     char day[static INTEGRATE_DAY]);

/* The type of the theme's field with this name; string for none. */
enum config_type integrate_field_type(const struct config_theme *theme,
				      struct slice name);
/* Whether JSON has its values without quotes. */
bool integrate_is_bare(enum config_type type);

/* ---- rules.c ------------------------------------------------------------- */

#define ANY_SOURCE SIZE_MAX

/* What one source says by a rule over 'n' columns, or all of them. */
typedef struct pick rule_pick(const struct config_theme *theme,
			      const struct column *columns, size_t n,
			      size_t source);

/* The pick of 'first' or 'latest'; NULL for the others, which have no
 * conflicts. */
rule_pick *integrate_rule_pick(enum config_rule_kind kind);

/* Applies a rule to its columns. 'ret' may point into the scratch until the
 * next call. ERR_NOMEM, ERR_LIMIT, ERR_INVALID. */
MUST_CHECK int integrate_rule_apply(const struct config_theme *theme,
				    const struct config_rule *rule,
				    const struct column *columns,
				    struct integrate_scratch *scratch,
				    struct finding *ret, struct error *err);

/* ---- conflicts.c --------------------------------------------------------- */

/* Appends a packed line for each source whose own pick is another value than
 * the winner's. ERR_NOMEM. */
MUST_CHECK int integrate_conflicts(const struct config_theme *theme,
				   const struct config_rule *rule,
				   const struct column *columns,
				   const struct finding *winner,
				   struct buf *out);

#endif
