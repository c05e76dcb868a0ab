/*
 * One subject: its rows are turned into one column an operand, each rule
 * works on its columns (rules.c), and what it found becomes the theme's cell,
 * its origin and its conflicts (conflicts.c).
 *
 * Each row is unpacked once, whatever the number of rules; nothing is
 * allocated once the scratch has met the largest subject.
 */
#include "integrate/internal.h"

#include <stdint.h>
#include <stdlib.h>

/* The pointer is read and written as bytes: its type is the caller's. */
int
integrate_grow(void *p, size_t *cap, size_t want, size_t size)
{
	size_t more = *cap ? *cap : 16;
	void *items, *grown;

	if (*cap && want <= *cap)
		return 0;
	while (more < want)
		more *= 2;
	if (more > SIZE_MAX / size)
		return ERR_NOMEM;
	memcpy(&items, p, sizeof(items));
	grown = realloc(items, more * size);
	if (!grown)
		return ERR_NOMEM;
	memcpy(p, &grown, sizeof(grown));
	*cap = more;
	return 0;
}

void
integrate_result_release(struct integrate_result *r)
{
	struct integrate_scratch *s = r->scratch;

	if (s) {
		free(s->ranges);
		free(s->columns);
		free(s->values);
		free(s->cells);
		free(s->sorted);
		free(s->days);
		integrate_decimal_release(&s->sum);
		buf_release(&s->text);
		free(s);
	}
	buf_release(&r->cells);
	buf_release(&r->conflicts);
	free(r->origins);
	*r = INTEGRATE_RESULT_INIT;
}

bool
integrate_is_member(const struct config_theme *theme,
		    const struct integrate_row *rows, size_t nrows)
{
	if (theme->base < 0)
		return nrows > 0;
	for (size_t i = 0; i < nrows; i++) {
		if (rows[i].source == (size_t)theme->base)
			return true;
	}
	return false;
}

struct slice
integrate_as_of(const struct config_theme *theme,
		const struct integrate_row *row, char day[static INTEGRATE_DAY])
{
	const struct config_resource *r =
		theme->sources[row->source].members[row->member].resource;
	const char *id = row->submission;

	if (r->as_of >= 0) {
		struct slice cell = cells_get(row->cells, (size_t)r->as_of);

		if (cell.n)
			return cell;
	}
	if (strnlen(id, 8) < 8)
		return SLICE_NONE;
	memcpy(day, id, 4);
	day[4] = '-';
	memcpy(day + 5, id + 4, 2);
	day[7] = '-';
	memcpy(day + 8, id + 6, 2);
	return (struct slice){day, INTEGRATE_DAY};
}

/* How many fields the widest resource of the theme has. */
static size_t
widest(const struct config_theme *theme)
{
	size_t most = 0;

	for (size_t s = 0; s < theme->nsources; s++) {
		const struct config_source *source = &theme->sources[s];

		for (size_t m = 0; m < source->nmembers; m++) {
			size_t n = source->members[m].resource->nfields;

			most = n > most ? n : most;
		}
	}
	return most;
}

static int
find_ranges(const struct config_theme *theme, const struct integrate_row *rows,
	    size_t nrows, struct integrate_scratch *s)
{
	size_t at = 0;

	if (integrate_grow(&s->ranges, &s->ranges_cap, theme->nsources,
			   sizeof(*s->ranges)))
		return ERR_NOMEM;
	for (size_t i = 0; i < theme->nsources; i++) {
		s->ranges[i].from = at;
		while (at < nrows && rows[at].source == i)
			at++;
		s->ranges[i].to = at;
	}
	assert(at == nrows); /* sorted by source, and all of this theme */
	return 0;
}

static size_t
range_rows(const struct integrate_scratch *s, size_t source)
{
	return s->ranges[source].to - s->ranges[source].from;
}

/* Makes room for the columns of all rules and for their values. */
static int
reserve_columns(const struct config_theme *theme, struct integrate_scratch *s)
{
	size_t ncolumns = 0, nvalues = 0;

	for (size_t r = 0; r < theme->nrules; r++) {
		const struct config_rule *rule = &theme->rules[r];

		ncolumns += rule->noperands;
		for (size_t o = 0; o < rule->noperands; o++)
			nvalues += range_rows(s, rule->operands[o].source);
	}
	s->ncolumns = ncolumns;
	if (integrate_grow(&s->columns, &s->columns_cap, ncolumns,
			   sizeof(*s->columns)) ||
	    integrate_grow(&s->values, &s->values_cap, nvalues,
			   sizeof(*s->values)))
		return ERR_NOMEM;
	return 0;
}

static void
lay_columns(const struct config_theme *theme, const struct integrate_row *rows,
	    struct integrate_scratch *s)
{
	struct slice *values = s->values;
	struct column *col = s->columns;

	for (size_t r = 0; r < theme->nrules; r++) {
		const struct config_rule *rule = &theme->rules[r];

		for (size_t o = 0; o < rule->noperands; o++, col++) {
			col->operand = &rule->operands[o];
			col->rows = rows + s->ranges[col->operand->source].from;
			col->n = range_rows(s, col->operand->source);
			col->values = values;
			values += col->n;
		}
	}
}

/* One row's cells into the columns of its source. A row written before the
 * descriptor got its last fields has fewer: these are empty. */
static int
fill_row(const struct integrate_row *row, size_t index,
	 struct integrate_scratch *s, struct error *err)
{
	long n = cells_split(row->cells, s->cells, s->cells_cap);
	size_t i = index - s->ranges[row->source].from;

	if (n < 0)
		return error_set(err, ERR_CORRUPT,
				 "a stored row of submission '%s' is damaged; "
				 "run civicfs verify",
				 row->submission);
	for (size_t c = 0; c < s->ncolumns; c++) {
		struct column *col = &s->columns[c];
		size_t at;

		if (col->operand->source != row->source ||
		    !col->operand->columns)
			continue;
		at = col->operand->columns[row->member];
		assert(at < s->cells_cap);
		col->values[i] = at < (size_t)n ? s->cells[at] : SLICE_NONE;
	}
	return 0;
}

static int
make_columns(const struct config_theme *theme, const struct integrate_row *rows,
	     size_t nrows, struct integrate_scratch *s, struct error *err)
{
	if (find_ranges(theme, rows, nrows, s) ||
	    integrate_grow(&s->cells, &s->cells_cap, widest(theme),
			   sizeof(*s->cells)) ||
	    reserve_columns(theme, s))
		return error_nomem(err);
	lay_columns(theme, rows, s);
	for (size_t i = 0; i < nrows; i++) {
		int rc = fill_row(&rows[i], i, s, err);

		if (rc)
			return rc;
	}
	return 0;
}

static void
set_origin(const struct config_theme *theme, const struct finding *found,
	   char day[static INTEGRATE_DAY], struct integrate_origin *ret)
{
	ret->source = "";
	ret->as_of = SLICE_NONE;
	ret->submission = found->submission;
	if (!found->row)
		return;
	ret->source = theme->sources[found->row->source].name;
	ret->as_of = integrate_as_of(theme, found->row, day);
}

static int
apply_rules(const struct config_theme *theme, struct integrate_result *ret,
	    struct error *err)
{
	struct integrate_scratch *s = ret->scratch;
	const struct column *columns = s->columns;

	for (size_t r = 0; r < theme->nrules; r++) {
		const struct config_rule *rule = &theme->rules[r];
		struct finding found;
		int rc;

		rc = integrate_rule_apply(theme, rule, columns, s, &found, err);
		if (rc)
			return error_prefix(err, rc, "theme '%s', field '%s'",
					    theme->id, rule->name);
		if (cells_add(&ret->cells, found.value) ||
		    integrate_conflicts(theme, rule, columns, &found,
					&ret->conflicts))
			return error_nomem(err);
		set_origin(theme, &found, s->days[r], &ret->origins[r]);
		columns += rule->noperands;
	}
	return 0;
}

int
integrate_subject(const struct config_theme *theme, struct slice subject,
		  const struct integrate_row *rows, size_t nrows,
		  struct integrate_result *ret, struct error *err)
{
	struct integrate_scratch *s = ret->scratch;
	int rc;

	assert(nrows > 0);
	if (!s) {
		s = ret->scratch = calloc(1, sizeof(*s));
		if (!s)
			return error_nomem(err);
	}
	buf_clear(&ret->cells);
	buf_clear(&ret->conflicts);
	if (integrate_grow(&ret->origins, &s->origins_cap, theme->nrules,
			   sizeof(*ret->origins)) ||
	    integrate_grow(&s->days, &s->days_cap, theme->nrules,
			   sizeof(*s->days)))
		return error_nomem(err);
	rc = make_columns(theme, rows, nrows, s, err);
	if (rc)
		return rc;
	if (cells_add(&ret->cells, subject))
		return error_nomem(err);
	return apply_rules(theme, ret, err);
}
