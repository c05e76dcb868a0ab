/*
 * The rules of SPEC 8, a small function each behind a table. They see the
 * columns of their operands, in the order written; a column's rows are in the
 * order of member and key.
 */
#include "integrate/internal.h"

#include <stdio.h>
#include <stdlib.h>

static struct pick
pick_first(const struct config_theme *theme, const struct column *columns,
	   size_t n, size_t source)
{
	(void)theme;
	for (size_t c = 0; c < n; c++) {
		const struct column *col = &columns[c];

		if (source != ANY_SOURCE && col->operand->source != source)
			continue;
		for (size_t i = 0; i < col->n; i++) {
			if (col->values[i].n)
				return (struct pick){col->values[i],
						     &col->rows[i]};
		}
	}
	return (struct pick){SLICE_NONE, NULL};
}

/* Only what is newer replaces: ties stay with the first. */
static struct pick
pick_latest(const struct config_theme *theme, const struct column *columns,
	    size_t n, size_t source)
{
	struct pick best = {SLICE_NONE, NULL};
	struct slice best_as_of = SLICE_NONE, as_of;
	char days[2][INTEGRATE_DAY];
	int spare = 0;

	for (size_t c = 0; c < n; c++) {
		const struct column *col = &columns[c];

		if (source != ANY_SOURCE && col->operand->source != source)
			continue;
		for (size_t i = 0; i < col->n; i++) {
			if (col->values[i].n == 0)
				continue;
			as_of = integrate_as_of(theme, &col->rows[i],
						days[spare]);
			if (best.row && slice_cmp(as_of, best_as_of) <= 0)
				continue;
			best = (struct pick){col->values[i], &col->rows[i]};
			best_as_of = as_of;
			spare = !spare;
		}
	}
	return best;
}

/* Numbers of submissions never fall and may grow past six digits. */
static const char *
newer_submission(const char *a, const char *b)
{
	const char *x = strchr(a, '-'), *y = strchr(b, '-');
	size_t nx, ny;

	if (a == b || *a == '\0')
		return b;
	if (!x || !y)
		return strcmp(a, b) < 0 ? b : a;
	nx = strlen(x);
	ny = strlen(y);
	if (nx != ny)
		return nx < ny ? b : a;
	return strcmp(x, y) < 0 ? b : a;
}

struct fold {
	const struct column *columns;
	size_t n;
	struct integrate_scratch *scratch;
};

static int
fold_count(const struct fold *f, struct finding *ret, struct error *err)
{
	char text[24];
	size_t count = 0;

	for (size_t c = 0; c < f->n; c++) {
		const struct column *col = &f->columns[c];

		count += col->n;
		for (size_t i = 0; i < col->n; i++)
			ret->submission = newer_submission(
				ret->submission, col->rows[i].submission);
	}
	snprintf(text, sizeof(text), "%zu", count);
	if (buf_adds(&f->scratch->text, text))
		return error_nomem(err);
	ret->value = buf_slice(&f->scratch->text);
	return 0;
}

static int
fold_sum(const struct fold *f, struct finding *ret, struct error *err)
{
	struct integrate_decimal *sum = &f->scratch->sum;
	int rc;

	integrate_decimal_clear(sum);
	for (size_t c = 0; c < f->n; c++) {
		const struct column *col = &f->columns[c];

		for (size_t i = 0; i < col->n; i++) {
			if (col->values[i].n == 0)
				continue;
			rc = integrate_decimal_add(sum, col->values[i], err);
			if (rc)
				return rc;
			ret->submission = newer_submission(
				ret->submission, col->rows[i].submission);
		}
	}
	if (integrate_decimal_text(sum, &f->scratch->text))
		return error_nomem(err);
	ret->value = buf_slice(&f->scratch->text);
	return 0;
}

static bool
is_numeric(enum config_type type)
{
	return type == CONFIG_INTEGER || type == CONFIG_NUMBER;
}

static bool
all_numeric(const struct fold *f)
{
	for (size_t c = 0; c < f->n; c++) {
		if (!is_numeric(f->columns[c].operand->type))
			return false;
	}
	return true;
}

/* sign: -1 for the least value, 1 for the greatest. */
static void
fold_extreme(const struct fold *f, int sign, struct finding *ret)
{
	bool numeric = all_numeric(f);

	for (size_t c = 0; c < f->n; c++) {
		const struct column *col = &f->columns[c];

		for (size_t i = 0; i < col->n; i++) {
			struct slice v = col->values[i];
			int order;

			if (v.n == 0)
				continue;
			ret->submission = newer_submission(
				ret->submission, col->rows[i].submission);
			if (ret->value.n == 0) {
				ret->value = v;
				continue;
			}
			order = sign *
				(numeric ? integrate_decimal_cmp(v, ret->value)
					 : slice_cmp(v, ret->value));
			if (order > 0 ||
			    (order == 0 && slice_cmp(v, ret->value) < 0))
				ret->value = v;
		}
	}
}

static int
fold_min(const struct fold *f, struct finding *ret, struct error *err)
{
	(void)err;
	fold_extreme(f, -1, ret);
	return 0;
}

static int
fold_max(const struct fold *f, struct finding *ret, struct error *err)
{
	(void)err;
	fold_extreme(f, 1, ret);
	return 0;
}

static int
cmp_slices(const void *a, const void *b)
{
	return slice_cmp(*(const struct slice *)a, *(const struct slice *)b);
}

/* The non-empty values of all columns, in the scratch. */
static int
collect(const struct fold *f, size_t *ret_n, struct finding *ret)
{
	struct integrate_scratch *s = f->scratch;
	size_t most = 0, n = 0;

	for (size_t c = 0; c < f->n; c++)
		most += f->columns[c].n;
	if (integrate_grow(&s->sorted, &s->sorted_cap, most,
			   sizeof(*s->sorted)))
		return ERR_NOMEM;
	for (size_t c = 0; c < f->n; c++) {
		const struct column *col = &f->columns[c];

		for (size_t i = 0; i < col->n; i++) {
			if (col->values[i].n == 0)
				continue;
			s->sorted[n++] = col->values[i];
			ret->submission = newer_submission(
				ret->submission, col->rows[i].submission);
		}
	}
	*ret_n = n;
	return 0;
}

static int
fold_list(const struct fold *f, struct finding *ret, struct error *err)
{
	struct integrate_scratch *s = f->scratch;
	struct buf *text = &s->text;
	size_t n;

	if (collect(f, &n, ret))
		return error_nomem(err);
	if (n > 1)
		qsort(s->sorted, n, sizeof(*s->sorted), cmp_slices);
	for (size_t i = 0; i < n; i++) {
		if (i && slice_eq(s->sorted[i], s->sorted[i - 1]))
			continue;
		if ((i && buf_addc(text, '|')) ||
		    buf_addslice(text, s->sorted[i]))
			return error_nomem(err);
	}
	ret->value = buf_slice(text);
	return 0;
}

/* A rule either picks one row's value or folds the values of many. */
static const struct {
	rule_pick *pick;
	int (*fold)(const struct fold *f, struct finding *ret,
		    struct error *err);
} rules[] = {
	[CONFIG_FIRST] = {pick_first, NULL},
	[CONFIG_LATEST] = {pick_latest, NULL},
	[CONFIG_COUNT] = {NULL, fold_count},
	[CONFIG_SUM] = {NULL, fold_sum},
	[CONFIG_MIN] = {NULL, fold_min},
	[CONFIG_MAX] = {NULL, fold_max},
	[CONFIG_LIST] = {NULL, fold_list},
};

rule_pick *
integrate_rule_pick(enum config_rule_kind kind)
{
	return rules[kind].pick;
}

int
integrate_rule_apply(const struct config_theme *theme,
		     const struct config_rule *rule,
		     const struct column *columns,
		     struct integrate_scratch *scratch, struct finding *ret,
		     struct error *err)
{
	struct fold f = {columns, rule->noperands, scratch};
	struct pick pick;

	*ret = (struct finding){SLICE_NONE, NULL, ""};
	buf_clear(&scratch->text);
	if (rules[rule->kind].fold)
		return rules[rule->kind].fold(&f, ret, err);
	pick = rules[rule->kind].pick(theme, columns, f.n, ANY_SOURCE);
	ret->value = pick.value;
	ret->row = pick.row;
	if (pick.row)
		ret->submission = pick.row->submission;
	return 0;
}
