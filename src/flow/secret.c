/*
 * Values of secret fields on their way in (SPEC 9): a file that carries one is
 * rejected, whatever else is in it, and erased with the verdict. See
 * internal.h; verdict.c has it erased.
 */
#include "flow/internal.h"

#include <stdlib.h>

/* What was published before a field was secret is judged as it was. */
static bool
is_published(const struct flow_judgement *j)
{
	return j->replay || (j->round && j->release);
}

void
flow_secret_header(struct flow_judgement *j, const int *columns, size_t n)
{
	const char *column = validate_secret_column(j->resource, columns, n);

	if (column)
		j->secret.column = column;
}

int
flow_secret_leave_out(struct flow_judgement *j, const int *columns,
		      size_t ncolumns, struct decode_row *r)
{
	struct flow_secret *s = &j->secret;

	if (!validate_secret_column(j->resource, columns, ncolumns))
		return 0;
	if (s->cap < r->ncells) {
		void *more = realloc(s->cells, r->ncells * sizeof(*s->cells));

		if (!more)
			return error_nomem(&j->sink_error);
		s->cells = more;
		s->cap = r->ncells;
	}
	if (r->ncells)
		memcpy(s->cells, r->cells, r->ncells * sizeof(*s->cells));
	validate_secrets_leave_out(j->resource, columns, ncolumns, s->cells,
				   r->ncells);
	r->cells = s->cells;
	return 0;
}

/* From the first one on, nothing is said but where such values are. */
static int
on_secret(void *ctx, const struct validate_fault *fault)
{
	struct flow_judgement *j = ctx;
	struct validate_fault placed = *fault;

	if (!j->secret.found && flow_judge_renew_faults(j, &j->sink_error))
		return ERR_NOMEM;
	j->secret.found = true;
	placed.member = flow_members_name(j->members, fault->row);
	return validate_faults_add(j->errors, j->resource, &placed);
}

int
flow_secret_row(struct flow_judgement *j, const struct decode_row **r,
		struct decode_row *without)
{
	int rc;

	if (!j->secret.column)
		return 0;
	if (is_published(j)) {
		*without = **r;
		*r = without;
		return flow_secret_leave_out(j, j->columns, j->ncolumns,
					     without);
	}
	rc = validate_secrets(j->resource, j->columns, j->ncolumns, *r,
			      on_secret, j);
	return rc < 0 ? rc : j->secret.found;
}

int
flow_secret_weigh(struct flow_judgement *j, bool *ret, struct error *err)
{
	struct validate_sentences text;
	struct validate_fault fault;

	*ret = j->secret.found;
	if (*ret || !j->secret.column || is_published(j) ||
	    j->end == DECODE_DONE)
		return 0;
	*ret = j->secret.found = true;
	validate_fault_secret(VALIDATE_SECRET_UNREAD, j->secret.column, 0, 0,
			      &fault, &text);
	return validate_faults_add(j->errors, j->resource, &fault)
		       ? error_nomem(err)
		       : 0;
}
