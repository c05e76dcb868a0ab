/* Resources that follow a theme of another platform: see follow.h. */
#include "flow/follow.h"

#include "base/scope.h"
#include "base/span.h"
#include "store/follow.h"

#include <stdio.h>
#include <stdlib.h>

/* ---- a file -------------------------------------------------------------- */

static int
quarantine(struct flow_judgement *j, enum validate_sequence why,
	   struct error *err)
{
	const struct flow_step *step = &j->step;
	struct validate_sentences text;
	struct validate_fault fault;

	validate_fault_sequence(why, j->resource->follows, step->last,
				why == VALIDATE_SEQUENCE_GAP ? step->from
							     : step->to,
				&fault, &text);
	j->state = VALIDATE_S_QUARANTINED;
	snprintf(j->reason, sizeof(j->reason), "%s", fault.message);
	snprintf(j->reason_zh, sizeof(j->reason_zh), "%s", fault.message_zh);
	return validate_faults_add(j->errors, j->resource, &fault)
		       ? error_nomem(err)
		       : 0;
}

/* What it says has been said, and more: to say it again would undo that. */
static int
pass_by(struct flow_judgement *j, struct error *err)
{
	struct validate_sentences text;
	struct validate_fault fault;

	j->step.past = true;
	j->state = VALIDATE_S_UNCHANGED;
	j->counts.unchanged = j->counts.accepted;
	validate_fault_sequence(VALIDATE_SEQUENCE_PAST, j->resource->follows,
				j->step.last, j->step.to, &fault, &text);
	return validate_faults_add(j->warnings, j->resource, &fault)
		       ? error_nomem(err)
		       : 0;
}

static int
find_last(struct flow_judgement *j, struct error *err)
{
	scope_reader reader = {0};
	int rc = store_reader_get(j->store, &reader, err);

	return rc ? rc
		  : store_follow_get(reader.db, j->planned->id,
				     j->resource->follows, &j->step.last, err);
}

static bool
is_good(const struct flow_judgement *j)
{
	return j->state == VALIDATE_S_ACCEPTED ||
	       j->state == VALIDATE_S_PARTIAL;
}

/* A fix file for what has been taken in changes rows, not the order. */
static bool
is_concerned(const struct flow_judgement *j)
{
	return *j->resource->follows && j->planned && !j->replay &&
	       is_good(j) &&
	       !(j->round && strcmp(j->submission->state, "quarantined") != 0);
}

int
flow_follow_weigh(struct flow_judgement *j, struct error *err)
{
	struct flow_step *step = &j->step;
	struct span span = {0};
	int rc;

	if (!is_concerned(j))
		return 0;
	step->named = span_parse(j->submission->name, &span);
	step->from = span.from;
	step->to = span.to;
	rc = find_last(j, err);
	if (rc)
		return rc;
	if (!step->named)
		return j->release ? 0
				  : quarantine(j, VALIDATE_SEQUENCE_NAME, err);
	if (step->to < step->last)
		return pass_by(j, err);
	step->whole = step->from == 0;
	if (j->release || step->whole || step->from == step->last ||
	    step->to == step->last)
		return 0;
	return quarantine(j,
			  step->from > step->last ? VALIDATE_SEQUENCE_GAP
						  : VALIDATE_SEQUENCE_OVERLAP,
			  err);
}

/* ---- those that wait ----------------------------------------------------- */

struct waiting {
	struct flow_judgement *j;
	int64_t last;
	int64_t *past; /* submissions that have nothing to say any more */
	size_t npast;
	int64_t next, next_to; /* the one that fits and leads farthest */
	struct error *err;
};

static int
look_at(void *ctx, const struct store_submission *s)
{
	struct waiting *w = ctx;
	struct span span;
	int64_t *more;

	if (s->number == w->j->submission->number ||
	    !span_parse(s->name, &span))
		return 0;
	if (span.to > w->last) {
		if (span.from == w->last && span.to > w->next_to) {
			w->next = s->number;
			w->next_to = span.to;
		}
		return 0;
	}
	more = reallocarray(w->past, w->npast + 1, sizeof(*more));
	if (!more)
		return error_nomem(w->err);
	w->past = more;
	more[w->npast++] = s->number;
	return 0;
}

static int
move_on(struct flow_judgement *j, struct store_txn *txn, int64_t now,
	struct error *err)
{
	struct waiting w = {.j = j, .last = j->step.to, .err = err};
	int rc = store_submission_each(txn->db, j->planned->id, "quarantined",
				       0, look_at, &w, err);

	for (size_t i = 0; !rc && i < w.npast; i++)
		rc = flow_supersede(j, txn, w.past[i], now, err);
	if (!rc && w.next)
		rc = store_submission_ask_again(txn, w.next, err);
	free(w.past);
	return rc;
}

int
flow_follow_conclude(struct flow_judgement *j, struct store_txn *txn,
		     int64_t now, struct error *err)
{
	const struct flow_step *step = &j->step;
	int rc;

	if (!step->named || step->to <= step->last ||
	    (!is_good(j) && j->state != VALIDATE_S_UNCHANGED))
		return 0;
	rc = store_follow_set(txn, j->planned->id, j->resource->follows,
			      step->to, err);
	return rc ? rc : move_on(j, txn, now, err);
}
