/*
 * Stage 4, one row per subject: functions of memory (SPEC 8). Given all rows
 * of one subject, the theme's row, its conflicts and where every value came
 * from. No database, no clock.
 */
#ifndef INTEGRATE_INTEGRATE_H
#define INTEGRATE_INTEGRATE_H

#include "base/cells.h"
#include "config/config.h"

#include <stdint.h>

/* One current record of a source, already found by its subject. */
struct integrate_row {
	size_t source;		/* index in the theme */
	size_t member;		/* index of the resource in the source */
	struct slice key;	/* packed key */
	struct slice cells;	/* packed, the resource's fields in order */
	const char *submission; /* id of the one that last changed the row;
				 * its first 8 digits are the day used where
				 * a row has no as_of */
};

/* Where one value of the theme comes from. */
struct integrate_origin {
	const char *source;	/* source name; "" for count, sum … and for an
				 * empty value */
	struct slice as_of;	/* the day or time used; empty if none */
	const char *submission; /* the row's; for count sum list min max the
				 * newest that contributed; "" none */
};

/* Conflicts are packed: for each line five cells: field, winner_source,
 * winner_value, source, value (the columns of conflicts.csv after subject),
 * in field order, then source order. */
struct integrate_scratch;
struct integrate_result {
	struct buf cells;     /* packed: subject, then one cell a rule */
	struct buf conflicts; /* packed lines, empty when none */
	struct integrate_origin *origins;  /* one a rule */
	struct integrate_scratch *scratch; /* internal; kept between subjects */
};
#define INTEGRATE_RESULT_INIT ((struct integrate_result){0})
void integrate_result_release(struct integrate_result *r);

/*
 * Computes one subject. 'rows' must be sorted by (source, member, key) and
 * not be empty. 'ret' starts as INTEGRATE_RESULT_INIT and is cleared and
 * filled; use the same one for subject after subject, of any theme, so that
 * its memory is used again. What it points to in 'rows' stays the caller's,
 * and an origin's as_of holds until the next call. ERR_NOMEM, ERR_LIMIT (a
 * sum beyond INTEGRATE_DECIMAL_MAX digits), ERR_CORRUPT (a row's cells are
 * not packed cells). Any thread, with a result of its own; does not block.
 */
MUST_CHECK int integrate_subject(const struct config_theme *theme,
				 struct slice subject,
				 const struct integrate_row *rows, size_t nrows,
				 struct integrate_result *ret,
				 struct error *err);

/* Whether the rows put the subject into the theme: there are any, and with
 * 'base' at least one is of the base source. Otherwise all are orphans. */
bool integrate_is_member(const struct config_theme *theme,
			 const struct integrate_row *rows, size_t nrows);

/* The type of a theme field, for JSON: integer for count, number for sum,
 * string for list, else the operands' common type, number for integers with
 * numbers, or string. */
enum config_type integrate_rule_type(const struct config_theme *theme,
				     size_t rule);

/* The rule as configured: "first registration.name rating.taxpayer_name".
 * ERR_NOMEM. */
MUST_CHECK int integrate_rule_text(const struct config_theme *theme,
				   size_t rule, struct buf *out);

/* Whether every reader of a theme may see this field of a source: sharing
 * unconditional, neither personal nor secret (SPEC 9). */
bool integrate_field_shown(const struct config_field *field);
/* Whether the resource is unconditional and has at least one such field. */
bool integrate_resource_shown(const struct config_resource *resource);

/*
 * subjects/KEY.json (SPEC 8): pretty-printed with two blanks, LF at the end.
 * 'version' is the one that last changed the subject. A source of which
 * nothing is shown is left out of 'sources' as a whole, so that not even the
 * number of its rows is told; one with several resources begins each row with
 * "_resource" (no field's id begins with '_'). ERR_NOMEM, ERR_CORRUPT.
 */
MUST_CHECK int integrate_subject_json(const struct config_theme *theme,
				      struct slice subject, int64_t version,
				      const struct integrate_row *rows,
				      size_t nrows,
				      const struct integrate_result *result,
				      struct buf *out);

/* How many bytes that text has, without writing it: the sizes of a theme's
 * subjects are computed when they change, and told when they are listed. The
 * theme must live as long as this. 'ret' is NULL after a failure (ERR_NOMEM,
 * ERR_CORRUPT). Any thread may use it. */
struct integrate_sizer;
MUST_CHECK int integrate_sizer_new(const struct config_theme *theme,
				   struct integrate_sizer **ret);
void integrate_sizer_free(struct integrate_sizer *sizer);
/* ERR_CORRUPT for rows that are no packed cells. */
MUST_CHECK int integrate_subject_size(const struct integrate_sizer *sizer,
				      struct slice subject, int64_t version,
				      const struct integrate_row *rows,
				      size_t nrows,
				      const struct integrate_result *result,
				      int64_t *ret);

/* ---- exact decimals (decimal.c) ------------------------------------------ */

#define INTEGRATE_DECIMAL_MAX 4096 /* digits of a value or a sum */

/* Sum of canonical integers and numbers, exact, with the scale of the finest
 * operand; a zero sum has no minus. Starts zeroed. */
struct integrate_decimal {
	struct buf digits; /* internal: 0 to 9, least significant first */
	int scale;	   /* digits after the point */
	bool negative, any;
};
void integrate_decimal_release(struct integrate_decimal *d);
/* Forgets the sum, keeps the memory. */
void integrate_decimal_clear(struct integrate_decimal *d);
/* An empty value adds nothing. ERR_NOMEM; ERR_LIMIT; ERR_INVALID for what is
 * no canonical number. After a failure the sum is only good for clearing. */
MUST_CHECK int integrate_decimal_add(struct integrate_decimal *d,
				     struct slice value, struct error *err);
/* Appends the sum; nothing when no value was added. ERR_NOMEM. */
MUST_CHECK int integrate_decimal_text(const struct integrate_decimal *d,
				      struct buf *out);
/* Numeric order of two canonical integers or numbers: <0, 0, >0. */
int integrate_decimal_cmp(struct slice a, struct slice b);

#endif
