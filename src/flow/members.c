/*
 * The members of an archive while they are judged: which row is of which, and
 * rows whose columns stand in another order than those of the first member,
 * as the one fix file of the submission needs them. See internal.h.
 */
#include "flow/internal.h"

#include "base/scope.h"

#include <stdlib.h>

struct flow_member {
	char *name;
	int64_t before; /* the last row of those before it */
};

struct flow_members {
	struct flow_member *list;
	size_t n;
	int *columns; /* of the first header */
	size_t ncolumns;
};

void
flow_members_free(struct flow_members *m)
{
	if (!m)
		return;
	for (size_t i = 0; i < m->n; i++)
		free(m->list[i].name);
	free(m->list);
	free(m->columns);
	free(m);
}

int
flow_members_add(struct flow_members **m, const char *name, int64_t before)
{
	struct flow_member *more;
	char *copy;

	if (!*m)
		*m = calloc(1, sizeof(**m));
	if (!*m)
		return ERR_NOMEM;
	more = reallocarray((*m)->list, (*m)->n + 1, sizeof(*more));
	if (!more)
		return ERR_NOMEM;
	(*m)->list = more;
	copy = strdup(name);
	if (!copy)
		return ERR_NOMEM;
	more[(*m)->n++] = (struct flow_member){copy, before};
	return 0;
}

const char *
flow_members_name(const struct flow_members *m, int64_t row)
{
	size_t lo = 0, hi = m ? m->n : 0;

	if (!hi)
		return NULL;
	if (!row)
		return m->list[hi - 1].name;
	/* the last one that begins before the row */
	while (hi - lo > 1) {
		size_t mid = lo + (hi - lo) / 2;

		if (m->list[mid].before < row)
			lo = mid;
		else
			hi = mid;
	}
	return m->list[lo].name;
}

int
flow_members_header(struct flow_members *m, const int *columns, size_t n)
{
	if (!m || m->columns)
		return 0;
	m->columns = calloc(n + 1, sizeof(*m->columns));
	if (!m->columns)
		return ERR_NOMEM;
	memcpy(m->columns, columns, n * sizeof(*columns));
	m->ncolumns = n;
	return 0;
}

static struct slice
cell_of(const struct flow_judgement *j, const struct decode_row *r, int field,
	size_t column)
{
	if (field == DECODE_EXTRA)
		return column < j->ncolumns && column < r->ncells &&
				       j->columns[column] == DECODE_EXTRA
			       ? r->cells[column]
			       : SLICE_NONE;
	for (size_t i = 0; i < j->ncolumns && i < r->ncells; i++) {
		if (j->columns[i] == field)
			return r->cells[i];
	}
	return SLICE_NONE;
}

int
flow_members_sent(const struct flow_judgement *j, const struct decode_row *r,
		  struct buf *out)
{
	const struct flow_members *m = j->members;
	int rc = 0;

	if (!m || (m->ncolumns == j->ncolumns &&
		   !memcmp(m->columns, j->columns,
			   j->ncolumns * sizeof(*j->columns)))) {
		for (size_t i = 0; !rc && i < r->ncells; i++)
			rc = cells_add(out, r->cells[i]);
		return rc;
	}
	for (size_t i = 0; !rc && i < m->ncolumns; i++)
		rc = cells_add(out, cell_of(j, r, m->columns[i], i));
	/* what was too much stays so */
	for (size_t i = j->ncolumns; !rc && i < r->ncells; i++)
		rc = cells_add(out, r->cells[i]);
	return rc;
}
