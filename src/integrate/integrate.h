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
	size_t source;		 /* index in the theme */
	size_t member;		 /* index of the resource in the source */
	struct slice key;	 /* packed key */
	struct slice cells;	 /* packed, the resource's fields in order */
	const char *submission;	 /* id of the one that last changed the row;
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
struct integrate_result {
	struct buf cells;     /* packed: subject, then one cell a rule */
	struct buf conflicts; /* packed lines, empty when none */
	struct integrate_origin *origins; /* one a rule */
};
void integrate_result_release(struct integrate_result *r);

/*
 * Computes one subject. 'rows' must be sorted by (source, member, key) and
 * not be empty. 'ret' is cleared and filled; what it points to in 'rows'
 * stays the caller's. ERR_NOMEM, ERR_LIMIT (a sum beyond 4096 digits).
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
 * string for list, else the operands' common type or string. */
enum config_type integrate_rule_type(const struct config_theme *theme,
				     size_t rule);

/* subjects/KEY.json (SPEC 8): pretty-printed with two blanks, LF at the end.
 * 'version' is the one that last changed the subject. Rows of resources that
 * are not unconditional, and personal or secret fields, are left out of
 * 'sources'. ERR_NOMEM. */
MUST_CHECK int integrate_subject_json(const struct config_theme *theme,
				      struct slice subject, int64_t version,
				      const struct integrate_row *rows,
				      size_t nrows,
				      const struct integrate_result *result,
				      struct buf *out);

/* ---- exact decimals (decimal.c) ------------------------------------------ */

/* Sum of canonical integers and numbers, exact, scale of the finest operand.
 * acc starts zeroed with decimal_init. */
struct integrate_decimal {
	struct buf digits; /* internal */
	int scale;
	bool negative, any;
};
void integrate_decimal_release(struct integrate_decimal *d);
MUST_CHECK int integrate_decimal_add(struct integrate_decimal *d,
				     struct slice value, struct error *err);
MUST_CHECK int integrate_decimal_text(const struct integrate_decimal *d,
				      struct buf *out);
/* Numeric order of two canonical integers or numbers: <0, 0, >0. */
int integrate_decimal_cmp(struct slice a, struct slice b);

#endif
