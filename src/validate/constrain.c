/*
 * Constraints of a field: enum, pattern, min, max, min_length, max_length
 * (SPEC 4). They are made ready once and apply to canonical values: numbers
 * are compared as numbers, everything else by its bytes; lengths are counted
 * in characters.
 */
#include "base/scope.h"
#include "validate/field.h"
#include "validate/form.h"

#include <inttypes.h>

/* A pattern may look at a value this many times; beyond, it is refused. */
#define PATTERN_STEPS 1000000
#define PATTERN_DEPTH 100000
#define ENUM_SHOWN 150 /* bytes of the allowed values in a sentence */

static bool
is_numeric(enum config_type type)
{
	return type == CONFIG_INTEGER || type == CONFIG_NUMBER;
}

static int
cmp_values(const struct validate_field *f, struct slice a, struct slice b)
{
	return is_numeric(f->config->type) ? validate_number_cmp(a, b)
					   : slice_cmp(a, b);
}

static int
cmp_slices(const void *a, const void *b)
{
	return slice_cmp(*(const struct slice *)a, *(const struct slice *)b);
}

static int
invalid(const struct validate_field *f, struct error *err, const char *key,
	const char *value, const char *why)
{
	const struct config_field *c = f->config;

	return error_set(err, ERR_INVALID,
			 "%s:%d: field '%s': %s '%s': %s; correct it in the "
			 "descriptor",
			 c->place.file ? c->place.file : "", c->place.line,
			 c->id, key, value, why);
}

/* The canonical form of a value that the descriptor names, after 'out'. */
static int
canonical(const struct validate_field *f, const char *key, const char *value,
	  struct buf *out, struct error *err)
{
	struct validate_scratch scratch = {0};
	struct validate_finding found;
	struct validate_value_fault text;
	int rc = validate_cell(f, slice_str(value), &scratch, out, &found);

	validate_scratch_release(&scratch);
	if (rc < 0)
		return error_nomem(err);
	if (rc == 0)
		return 0;
	validate_finding_fill(f, &found, found.fault, &text);
	return invalid(f, err, key, value, text.message);
}

static int
init_bound(const struct validate_field *f, const char *key, const char *value,
	   struct buf *bound, bool *ret_has, struct error *err)
{
	int rc;

	if (!value || !*value)
		return 0;
	rc = canonical(f, key, value, bound, err);
	if (rc)
		return rc;
	*ret_has = bound->len > 0;
	return 0;
}

static int
init_allow(struct validate_field *f, struct error *err)
{
	const struct config_list *list = &f->config->allow;
	scope_free size_t *ends = NULL;
	size_t from = 0;
	int rc;

	if (!list->n)
		return 0;
	f->allow = calloc(list->n, sizeof(*f->allow));
	ends = calloc(list->n, sizeof(*ends));
	if (!f->allow || !ends)
		return error_nomem(err);
	for (size_t i = 0; i < list->n; i++) {
		rc = canonical(f, "enum", list->items[i], &f->texts, err);
		if (rc)
			return rc;
		ends[i] = f->texts.len;
	}
	/* the texts have stopped moving */
	for (size_t i = 0; i < list->n; i++) {
		f->allow[i] =
			(struct slice){f->texts.data + from, ends[i] - from};
		from = ends[i];
	}
	f->nallow = list->n;
	qsort(f->allow, f->nallow, sizeof(*f->allow), cmp_slices);
	return 0;
}

static int
init_pattern(struct validate_field *f, struct error *err)
{
	const char *pattern = f->config->pattern;
	char why[160];
	PCRE2_SIZE at;
	int code;

	if (!pattern || !*pattern)
		return 0;
	f->pattern =
		pcre2_compile((PCRE2_SPTR)pattern, strlen(pattern),
			      PCRE2_UTF | PCRE2_ANCHORED | PCRE2_ENDANCHORED |
				      PCRE2_NEVER_BACKSLASH_C,
			      &code, &at, NULL);
	if (!f->pattern) {
		pcre2_get_error_message(code, (PCRE2_UCHAR *)why, sizeof(why));
		return invalid(f, err, "pattern", pattern, why);
	}
	/* without the compiler to machine code it is only slower */
	(void)pcre2_jit_compile(f->pattern, PCRE2_JIT_COMPLETE);
	f->limits = pcre2_match_context_create(NULL);
	if (!f->limits)
		return error_nomem(err);
	pcre2_set_match_limit(f->limits, PATTERN_STEPS);
	pcre2_set_depth_limit(f->limits, PATTERN_DEPTH);
	return 0;
}

int
validate_field_init(struct validate_field *f, const struct config_field *config,
		    const struct validate_words *missing, struct error *err)
{
	static const struct validate_words none;
	int rc;

	*f = (struct validate_field){.config = config, .missing = &none};
	f->type = validate_type_of(config->type);
	if ((rc = init_bound(f, "min", config->min, &f->min, &f->has_min,
			     err)) ||
	    (rc = init_bound(f, "max", config->max, &f->max, &f->has_max,
			     err)) ||
	    (rc = init_allow(f, err)) || (rc = init_pattern(f, err)))
		return rc;
	f->missing = missing;
	f->constrained = f->has_min || f->has_max || f->nallow || f->pattern ||
			 config->min_length >= 0 || config->max_length >= 0;
	return 0;
}

void
validate_field_release(struct validate_field *f)
{
	pcre2_match_context_free(f->limits);
	pcre2_code_free(f->pattern);
	free(f->allow);
	buf_release(&f->min);
	buf_release(&f->max);
	buf_release(&f->texts);
}

static bool
is_allowed(const struct validate_field *f, struct slice value)
{
	return bsearch(&value, f->allow, f->nallow, sizeof(*f->allow),
		       cmp_slices) != NULL;
}

/* MSG_NONE, MSG_PATTERN or MSG_PATTERN_LIMIT; ERR_NOMEM. */
static int
match(const struct validate_field *f, struct slice value,
      struct validate_scratch *scratch, enum sentence *ret)
{
	int rc;

	if (!scratch->match)
		scratch->match = pcre2_match_data_create(1, NULL);
	if (!scratch->match)
		return ERR_NOMEM;
	rc = pcre2_match(f->pattern, (PCRE2_SPTR)value.p, value.n, 0, 0,
			 scratch->match, f->limits);
	if (rc == PCRE2_ERROR_NOMEMORY)
		return ERR_NOMEM;
	if (rc >= 0)
		*ret = MSG_NONE;
	else
		*ret = rc == PCRE2_ERROR_NOMATCH ? MSG_PATTERN
						 : MSG_PATTERN_LIMIT;
	return 0;
}

static enum sentence
check_length(const struct validate_field *f, struct slice value,
	     int64_t *ret_length)
{
	const struct config_field *c = f->config;

	if (c->min_length < 0 && c->max_length < 0)
		return MSG_NONE;
	/* a character has one to four bytes: most need no counting */
	if ((int64_t)value.n / 4 >= c->min_length &&
	    (c->max_length < 0 || (int64_t)value.n <= c->max_length))
		return MSG_NONE;
	*ret_length = validate_form_length(value);
	if (c->min_length >= 0 && *ret_length < c->min_length)
		return MSG_MIN_LENGTH;
	if (c->max_length >= 0 && *ret_length > c->max_length)
		return MSG_MAX_LENGTH;
	return MSG_NONE;
}

int
validate_constrain(const struct validate_field *f, struct slice value,
		   struct validate_scratch *scratch,
		   struct validate_finding *ret)
{
	if (f->nallow && !is_allowed(f, value))
		ret->fault = MSG_ENUM;
	else if (f->has_min && cmp_values(f, value, buf_slice(&f->min)) < 0)
		ret->fault = MSG_MIN;
	else if (f->has_max && cmp_values(f, value, buf_slice(&f->max)) > 0)
		ret->fault = MSG_MAX;
	else
		ret->fault = check_length(f, value, &ret->length);
	if (!ret->fault && f->pattern && match(f, value, scratch, &ret->fault))
		return ERR_NOMEM;
	return ret->fault != MSG_NONE;
}

/* The allowed values in the descriptor's order, as many as a sentence can
 * hold. */
static const char *
list_allowed(const struct validate_field *f, char *text, size_t size)
{
	const struct config_list *list = &f->config->allow;
	size_t at = 0;

	text[0] = '\0';
	for (size_t i = 0; i < list->n; i++) {
		size_t n = strlen(list->items[i]);

		if (at + n + 8 > size) {
			snprintf(text + at, size - at, i ? ", …" : "…");
			break;
		}
		if (i) {
			memcpy(text + at, ", ", 2);
			at += 2;
		}
		memcpy(text + at, list->items[i], n + 1);
		at += n;
	}
	return text;
}

void
validate_finding_fill(const struct validate_field *f,
		      const struct validate_finding *found, enum sentence id,
		      struct validate_value_fault *ret)
{
	const struct config_field *c = f->config;
	char arg1[ENUM_SHOWN], arg2[24];
	const char *first = NULL;

	switch (id) {
	case MSG_ENUM:
		first = list_allowed(f, arg1, sizeof(arg1));
		break;
	case MSG_MIN:
		first = c->min;
		break;
	case MSG_MAX:
		first = c->max;
		break;
	case MSG_PATTERN:
		first = c->pattern;
		break;
	case MSG_MIN_LENGTH:
	case MSG_MAX_LENGTH:
		snprintf(arg1, sizeof(arg1), "%" PRId64,
			 id == MSG_MIN_LENGTH ? c->min_length : c->max_length);
		first = arg1;
		break;
	default:
		break;
	}
	snprintf(arg2, sizeof(arg2), "%" PRId64, found->length);
	validate_message_fill(id, first, arg2, ret);
}
