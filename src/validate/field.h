/*
 * A field made ready, and what the types do with one cell: the inside of
 * validate, for its own files and tests. value.c leads a cell through form,
 * missing words, type and constraints; codes.c, numbers.c and dates.c hold
 * the types.
 */
#ifndef VALIDATE_FIELD_H
#define VALIDATE_FIELD_H

#include "validate/message.h"
#include "validate/validate.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

/* Words of a descriptor, measured once. */
struct validate_words {
	struct slice *items;
	size_t n;
};
MUST_CHECK int validate_words_init(struct validate_words *w,
				   const struct config_list *list);
void validate_words_release(struct validate_words *w);

/* Where a row's run of bytes lies in a buffer. */
struct validate_span {
	size_t off, n;
};

/* Memory that is used again for every cell; one a thread. */
struct validate_scratch {
	struct buf nfc;
	struct buf narrow;
	struct buf digits;
	pcre2_match_data *match;
	/* of judge.c, for one row */
	struct buf values;
	struct validate_span *spans; /* per field, into 'values' */
	bool *read;		     /* per field: its cell could be read */
	size_t nfields;
};
void validate_scratch_release(struct validate_scratch *s);

/* What was found in a cell. */
struct validate_finding {
	enum sentence fault;
	enum sentence warning;
	int64_t length; /* characters of a value that is too short or long */
};

/*
 * A type: appends the canonical form of 's' (trimmed, not empty) to 'out', or
 * sets a fault. Returns 0, 1 with a fault, ERR_NOMEM. On a fault what was
 * appended is the caller's to take back.
 */
typedef int validate_type(const struct validate_field *field, struct slice s,
			  struct validate_scratch *scratch, struct buf *out,
			  struct validate_finding *ret);

validate_type validate_uscc, validate_org_code, validate_id_number,
	validate_region;
validate_type validate_integer, validate_number;
validate_type validate_date, validate_datetime;

/* Whether it is written as a spreadsheet shows a number that is too long for
 * it, such as 9.14419E+17; half-width input. */
bool validate_number_is_shortened(struct slice s);

/* Order of two canonical numbers, exactly: below, at or above 0. */
int validate_number_cmp(struct slice a, struct slice b);

/* The rule of a type. */
validate_type *validate_type_of(enum config_type type);

struct validate_field {
	const struct config_field *config;
	const struct validate_words *missing; /* the resource's */
	validate_type *type;
	pcre2_code *pattern;	     /* NULL none */
	pcre2_match_context *limits; /* of the pattern */
	struct slice *allow; /* canonical, sorted; they point into 'texts' */
	size_t nallow;
	bool has_min, has_max;
	struct buf min, max; /* canonical */
	struct buf texts;
	bool constrained; /* any of enum, pattern, min, max, lengths */
};

/* Makes a field ready; ERR_NOMEM, ERR_INVALID (a bound, an allowed value or a
 * pattern that is none). Release it in either case. */
MUST_CHECK int validate_field_init(struct validate_field *f,
				   const struct config_field *config,
				   const struct validate_words *missing,
				   struct error *err);
void validate_field_release(struct validate_field *f);

/* The constraints but 'required' and 'unique', for a canonical value that is
 * not empty. Returns 0, 1 with a fault, ERR_NOMEM. */
MUST_CHECK int validate_constrain(const struct validate_field *f,
				  struct slice value,
				  struct validate_scratch *scratch,
				  struct validate_finding *ret);

/* One cell from raw to canonical, appended to 'out'; on 1 nothing is
 * appended. */
MUST_CHECK int validate_cell(const struct validate_field *f, struct slice raw,
			     struct validate_scratch *scratch, struct buf *out,
			     struct validate_finding *ret);

/* The sentences for one half of a finding; a NULL code for MSG_NONE. */
void validate_finding_fill(const struct validate_field *f,
			   const struct validate_finding *found,
			   enum sentence id, struct validate_value_fault *ret);

#endif
