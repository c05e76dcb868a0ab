/*
 * The size of subjects/KEY.json without its bytes. What every such text of a
 * theme has in common is measured once, on texts that say nothing: without
 * rows, with one and with two; so the layout is known to subject_json.c alone.
 */
#include "integrate/internal.h"

#include "base/scope.h"
#include "base/text.h"

#include <stdlib.h>

#define NULL_LENGTH 4 /* of a value that is not there */
#define CONFLICT_CELLS 5

/* What another element of an array takes when it says nothing. */
struct element {
	int64_t first, next;
};

struct integrate_sizer {
	const struct config_theme *theme;
	enum config_type *types; /* of the rules */
	int64_t bare;		 /* no value, no conflict, no row */
	struct element conflict;
	struct element **rows; /* [source][member] */
};

/* ---- what all have in common --------------------------------------------- */

static int
measure(const struct config_theme *theme, const struct integrate_row *rows,
	size_t nrows, const struct integrate_result *result, int64_t *ret)
{
	scope_buf text = BUF_INIT;
	int rc = integrate_subject_json(theme, SLICE_NONE, 0, rows, nrows,
					result, &text);

	*ret = (int64_t)text.len;
	return rc;
}

static int
measure_conflicts(struct integrate_sizer *s, struct integrate_result *nothing)
{
	static const char line[CONFLICT_CELLS];
	int64_t one = 0, two = 0;
	int rc = buf_add(&nothing->conflicts, line, sizeof(line));

	if (!rc)
		rc = measure(s->theme, NULL, 0, nothing, &one);
	if (!rc)
		rc = buf_add(&nothing->conflicts, line, sizeof(line));
	if (!rc)
		rc = measure(s->theme, NULL, 0, nothing, &two);
	buf_clear(&nothing->conflicts);
	s->conflict = (struct element){one - s->bare, two - one};
	return rc;
}

static int
measure_rows(struct integrate_sizer *s, const struct integrate_result *nothing,
	     size_t source)
{
	const size_t n = s->theme->sources[source].nmembers;
	int rc = 0;

	s->rows[source] = calloc(n, sizeof(*s->rows[source]));
	if (!s->rows[source])
		return ERR_NOMEM;
	for (size_t m = 0; !rc && m < n; m++) {
		const struct integrate_row row = {.source = source,
						  .member = m};
		const struct integrate_row both[] = {row, row};
		int64_t one = 0, two = 0;

		rc = measure(s->theme, both, 1, nothing, &one);
		if (!rc)
			rc = measure(s->theme, both, 2, nothing, &two);
		s->rows[source][m] = (struct element){one - s->bare, two - one};
	}
	return rc;
}

static int
measure_all(struct integrate_sizer *s, struct integrate_result *nothing)
{
	int rc = 0;

	for (size_t r = 0; r <= s->theme->nrules && !rc; r++)
		rc = cells_add(&nothing->cells, SLICE_NONE);
	for (size_t r = 0; r < s->theme->nrules; r++) {
		s->types[r] = integrate_rule_type(s->theme, r);
		nothing->origins[r] = (struct integrate_origin){
			.source = "", .submission = ""};
	}
	if (!rc)
		rc = measure(s->theme, NULL, 0, nothing, &s->bare);
	if (!rc)
		rc = measure_conflicts(s, nothing);
	for (size_t i = 0; !rc && i < s->theme->nsources; i++)
		rc = measure_rows(s, nothing, i);
	return rc;
}

int
integrate_sizer_new(const struct config_theme *theme,
		    struct integrate_sizer **ret)
{
	struct integrate_sizer *s = calloc(1, sizeof(*s));
	struct integrate_result nothing = INTEGRATE_RESULT_INIT;
	int rc = ERR_NOMEM;

	*ret = NULL;
	if (!s)
		return ERR_NOMEM;
	s->theme = theme;
	s->types = calloc(theme->nrules + 1, sizeof(*s->types));
	s->rows = calloc(theme->nsources + 1, sizeof(struct element *));
	nothing.origins = calloc(theme->nrules + 1, sizeof(*nothing.origins));
	if (s->types && s->rows && nothing.origins)
		rc = measure_all(s, &nothing);
	integrate_result_release(&nothing);
	if (rc)
		integrate_sizer_free(s);
	else
		*ret = s;
	return rc;
}

void
integrate_sizer_free(struct integrate_sizer *s)
{
	if (!s)
		return;
	for (size_t i = 0; s->rows && i < s->theme->nsources; i++)
		free(s->rows[i]);
	free(s->rows);
	free(s->types);
	free(s);
}

/* ---- what one of them says ----------------------------------------------- */

/* What a value takes beyond the null that stands for none. */
static int64_t
beyond_null(enum config_type type, struct slice value)
{
	if (value.n == 0)
		return 0;
	return (int64_t)(integrate_is_bare(type) ? value.n
						 : text_json_length(value)) -
	       NULL_LENGTH;
}

static int64_t
of_text(struct slice text)
{
	return beyond_null(CONFIG_STRING, text);
}

static int
add_fields(const struct integrate_sizer *s,
	   const struct integrate_result *result, int64_t *size)
{
	struct slice rest = buf_slice(&result->cells), value;

	if (!cells_next(&rest, &value)) /* the subject */
		return ERR_CORRUPT;
	for (size_t r = 0; r < s->theme->nrules; r++) {
		const struct integrate_origin *from = &result->origins[r];

		if (!cells_next(&rest, &value))
			return ERR_CORRUPT;
		*size += beyond_null(s->types[r], value) +
			 of_text(slice_str(from->source)) +
			 of_text(from->as_of) +
			 of_text(slice_str(from->submission));
	}
	return 0;
}

static int
add_conflicts(const struct integrate_sizer *s, struct slice rest, int64_t *size)
{
	struct slice cell[CONFLICT_CELLS];
	bool first = true;

	while (cells_next(&rest, &cell[0])) {
		enum config_type type = integrate_field_type(s->theme, cell[0]);

		for (size_t i = 1; i < CONFLICT_CELLS; i++) {
			if (!cells_next(&rest, &cell[i]))
				return ERR_CORRUPT;
		}
		*size += first ? s->conflict.first : s->conflict.next;
		*size += of_text(cell[0]) + of_text(cell[1]) +
			 beyond_null(type, cell[2]) + of_text(cell[3]) +
			 beyond_null(type, cell[4]);
		first = false;
	}
	return rest.n ? ERR_CORRUPT : 0;
}

static int
add_row(const struct integrate_sizer *s, const struct integrate_row *row,
	int64_t *size)
{
	const struct config_source *source = &s->theme->sources[row->source];
	const struct config_resource *r = source->members[row->member].resource;
	struct slice rest = row->cells, value;

	for (size_t f = 0; f < r->nfields; f++) {
		if (!cells_next(&rest, &value))
			return rest.n ? ERR_CORRUPT : 0;
		if (integrate_field_shown(&r->fields[f]))
			*size += beyond_null(r->fields[f].type, value);
	}
	return 0;
}

static int
add_rows(const struct integrate_sizer *s, const struct integrate_row *rows,
	 size_t nrows, int64_t *size)
{
	size_t source = s->theme->nsources; /* of the row before */
	int rc = 0;

	for (size_t i = 0; !rc && i < nrows; i++) {
		const struct element *e =
			&s->rows[rows[i].source][rows[i].member];

		if (!e->first) /* not shown */
			continue;
		*size += source == rows[i].source ? e->next : e->first;
		source = rows[i].source;
		rc = add_row(s, &rows[i], size);
	}
	return rc;
}

static int64_t
count_digits(int64_t n)
{
	int64_t digits = 1;

	while (n /= 10)
		digits++;
	return digits;
}

int
integrate_subject_size(const struct integrate_sizer *s, struct slice subject,
		       int64_t version, const struct integrate_row *rows,
		       size_t nrows, const struct integrate_result *result,
		       int64_t *ret)
{
	int64_t size = s->bare + beyond_null(s->theme->subject_type, subject) +
		       count_digits(version) - 1;
	int rc = add_fields(s, result, &size);

	if (!rc)
		rc = add_conflicts(s, buf_slice(&result->conflicts), &size);
	if (!rc)
		rc = add_rows(s, rows, nrows, &size);
	*ret = size;
	return rc;
}
