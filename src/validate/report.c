/*
 * The receipt for people (SPEC 6): the first line is the verdict, the second
 * the next step, then the facts, then the first faults. Every text is a
 * sentence of base/sentences.def, in the department's language; nothing of the
 * file reaches the reader's terminal unescaped.
 */
#include "base/clock.h"
#include "base/scope.h"
#include "base/sentence.h"
#include "base/text.h"
#include "validate/validate.h"

#define SHOWN_FAULTS 50
#define SHOWN_VALUE 60 /* characters of a value */

struct report {
	const struct validate_receipt *r;
	bool zh;
	struct buf *out;
};

static int64_t
count_of(const struct validate_faults *f)
{
	return f ? validate_faults_count(f) : 0;
}

/* ---- sentences ----------------------------------------------------------- */

/* A sentence with numbers; it takes as many as it has. */
struct saying {
	enum sentence id;
	int64_t n[4];
};

static int
add_saying(const struct report *w, struct buf *out, const struct saying *s)
{
	return sentence_add(out, w->zh, s->id,
			    "%lld" AND "%lld" AND "%lld" AND "%lld",
			    (long long)s->n[0], (long long)s->n[1],
			    (long long)s->n[2], (long long)s->n[3]);
}

/* The sentence takes the place of what has been said so far, which is its
 * first argument. */
static int
wrap(const struct report *w, struct buf *said, enum sentence id,
     const char *more)
{
	scope_buf old = *said;
	const char *text = buf_str(&old);

	*said = BUF_INIT;
	return text && more ? sentence_add(said, w->zh, id, "%s" AND "%s", text,
					   more)
			    : ERR_NOMEM;
}

/* The same with a text from outside, of at most 'max' characters; 0: all. */
static int
wrap_visible(const struct report *w, struct buf *said, enum sentence id,
	     struct slice more, size_t max)
{
	scope_buf visible = BUF_INIT;

	if (text_visible(&visible, more, max))
		return ERR_NOMEM;
	return wrap(w, said, id, buf_str(&visible));
}

static int
add_line(const struct report *w, const struct saying *s)
{
	if (add_saying(w, w->out, s))
		return ERR_NOMEM;
	return buf_addc(w->out, '\n');
}

/* ---- the verdict --------------------------------------------------------- */

static struct saying
of_accepted(const struct validate_counts *c)
{
	if (c->read == 0 && c->deleted)
		return (struct saying){MSG_VERDICT_EMPTIED, {c->deleted}};
	if (c->read == 0)
		return (struct saying){MSG_VERDICT_NIL, {0}};
	if (c->read == 1)
		return (struct saying){MSG_VERDICT_ONE_IN, {0}};
	return (struct saying){MSG_VERDICT_ALL_IN, {c->read}};
}

static struct saying
of_unchanged(const struct validate_counts *c)
{
	return (struct saying){
		c->read ? MSG_VERDICT_UNCHANGED : MSG_VERDICT_NIL, {0}};
}

static struct saying
of_quarantined(const struct validate_receipt *r)
{
	if (r->reason && *r->reason)
		return (struct saying){MSG_VERDICT_HELD, {0}};
	return (struct saying){MSG_VERDICT_HELD_ROWS,
			       {r->rows.refused, r->rows.read}};
}

/* What a command has looked at is not the platform's to erase. */
static struct saying
of_erased(const struct validate_receipt *r)
{
	return (struct saying){*r->submission ? MSG_VERDICT_ERASED
					      : MSG_VERDICT_WOULD_ERASE,
			       {0}};
}

/* Of a dry run: what would become of the file. */
static struct saying
of_trial(const struct validate_receipt *r)
{
	const struct validate_counts *c = &r->rows;

	switch (r->state) {
	case VALIDATE_S_ACCEPTED:
		if (c->read == 1)
			return (struct saying){MSG_TRIAL_ONE_GOOD, {0}};
		return (struct saying){MSG_TRIAL_ALL_GOOD, {c->read}};
	case VALIDATE_S_UNCHANGED:
		return of_unchanged(c);
	case VALIDATE_S_PARTIAL:
		return (struct saying){MSG_TRIAL_SOME_GOOD,
				       {c->accepted, c->read, c->refused}};
	case VALIDATE_S_QUARANTINED:
		return (struct saying){MSG_TRIAL_HELD, {0}};
	case VALIDATE_S_REJECTED:
		if (r->erased)
			return of_erased(r);
		return (struct saying){MSG_TRIAL_UNUSABLE, {0}};
	default:
		return (struct saying){MSG_TRIAL_UNUSABLE, {0}};
	}
}

static struct saying
verdict_of(const struct validate_receipt *r)
{
	const struct validate_counts *c = &r->rows;

	if (r->trial)
		return of_trial(r);
	switch (r->state) {
	case VALIDATE_S_ACCEPTED:
		return of_accepted(c);
	case VALIDATE_S_UNCHANGED:
		return of_unchanged(c);
	case VALIDATE_S_PARTIAL:
		return (struct saying){MSG_VERDICT_SOME_IN,
				       {c->accepted, c->read, c->refused}};
	case VALIDATE_S_QUARANTINED:
		return of_quarantined(r);
	case VALIDATE_S_REJECTED:
		if (r->erased)
			return of_erased(r);
		return (struct saying){MSG_VERDICT_REJECTED, {0}};
	case VALIDATE_S_INCOMPLETE:
		return (struct saying){MSG_VERDICT_INCOMPLETE, {0}};
	case VALIDATE_S_SUPERSEDED:
		return (struct saying){MSG_VERDICT_SUPERSEDED, {0}};
	case VALIDATE_S_WITHDRAWN:
		return (struct saying){MSG_VERDICT_WITHDRAWN, {0}};
	case VALIDATE_RECEIVING:
	case VALIDATE_JUDGING:
		break;
	}
	return (struct saying){MSG_VERDICT_TO_COME, {0}};
}

/* The English words are those of SPEC. */
static const enum sentence states[] = {
	[VALIDATE_RECEIVING] = MSG_STATE_RECEIVING,
	[VALIDATE_JUDGING] = MSG_STATE_JUDGING,
	[VALIDATE_S_ACCEPTED] = MSG_STATE_ACCEPTED,
	[VALIDATE_S_UNCHANGED] = MSG_STATE_UNCHANGED,
	[VALIDATE_S_PARTIAL] = MSG_STATE_PARTIAL,
	[VALIDATE_S_QUARANTINED] = MSG_STATE_QUARANTINED,
	[VALIDATE_S_REJECTED] = MSG_STATE_REJECTED,
	[VALIDATE_S_INCOMPLETE] = MSG_STATE_INCOMPLETE,
	[VALIDATE_S_SUPERSEDED] = MSG_STATE_SUPERSEDED,
	[VALIDATE_S_WITHDRAWN] = MSG_STATE_WITHDRAWN,
};

static int
add_verdict(const struct report *w)
{
	const struct saying verdict = verdict_of(w->r);
	const char *reason = w->zh ? w->r->reason_zh : w->r->reason;
	scope_buf line = BUF_INIT, said = BUF_INIT;

	if (sentence_add(&line, w->zh, states[w->r->state], "%s", "") ||
	    add_saying(w, &said, &verdict) ||
	    wrap(w, &line, MSG_COLON, buf_str(&said)))
		return ERR_NOMEM;
	if (reason && *reason &&
	    wrap_visible(w, &line, MSG_COLON, slice_str(reason), 0))
		return ERR_NOMEM;
	if (w->r->trial && wrap(w, &line, MSG_TRIAL, ""))
		return ERR_NOMEM;
	return buf_addslice(w->out, buf_slice(&line)) || buf_addc(w->out, '\n')
		       ? ERR_NOMEM
		       : 0;
}

/* ---- the next step ------------------------------------------------------- */

static int
say(const struct report *w, struct buf *out, enum sentence id)
{
	return add_saying(w, out, &(struct saying){.id = id});
}

static int
say_fix(const struct report *w, struct buf *out)
{
	scope_buf name = BUF_INIT;

	if (!w->r->fix_file || !*w->r->fix_file)
		return say(w, out, MSG_STEP_CORRECT);
	if (text_visible(&name, slice_str(w->r->fix_file), 0) ||
	    !buf_str(&name))
		return ERR_NOMEM;
	return sentence_add(out, w->zh, MSG_STEP_FIX, "%s", name.data);
}

static bool
is_out_of_sequence(const struct report *w)
{
	const struct validate_fault *errors;

	return w->r->errors && validate_faults_kept(w->r->errors, &errors) &&
	       strcmp(errors[0].code, "sequence") == 0;
}

static int
say_quarantine_step(const struct report *w, struct buf *out)
{
	int rc;

	if (is_out_of_sequence(w))
		rc = say(w, out, MSG_STEP_SEQUENCE);
	else if (w->r->rows.refused == 0)
		rc = say(w, out, MSG_STEP_WHOLE);
	else
		rc = say_fix(w, out) || wrap(w, out, MSG_STEP_OR_RELEASE, "");
	return rc ? ERR_NOMEM
		  : wrap(w, out, MSG_STEP_RELEASE, w->r->submission);
}

static int
say_nothing_to_do(const struct report *w, struct buf *out)
{
	int64_t n = count_of(w->r->warnings);

	return add_saying(
		w, out,
		&(struct saying){n ? MSG_STEP_LOOK : MSG_STEP_NONE, {n}});
}

/* A sentence about DEPARTMENT/RESOURCE. */
static int
add_place_of(const struct report *w, struct buf *out, enum sentence id)
{
	scope_buf department = BUF_INIT, resource = BUF_INIT;

	if (text_visible(&department, slice_str(w->r->department), 0) ||
	    text_visible(&resource, slice_str(w->r->resource), 0) ||
	    !buf_str(&department) || !buf_str(&resource))
		return ERR_NOMEM;
	return sentence_add(out, w->zh, id, "%s" AND "%s", department.data,
			    resource.data);
}

static int
say_trial_step(const struct report *w, struct buf *out)
{
	switch (w->r->state) {
	case VALIDATE_S_ACCEPTED:
		return add_place_of(w, out, MSG_STEP_SUBMIT);
	case VALIDATE_S_UNCHANGED:
		return say(w, out, MSG_STEP_NO_SUBMIT);
	default:
		return say(w, out, MSG_STEP_TRY_AGAIN);
	}
}

static int
say_step(const struct report *w, struct buf *out)
{
	if (w->r->trial)
		return say_trial_step(w, out);
	switch (w->r->state) {
	case VALIDATE_S_ACCEPTED:
	case VALIDATE_S_UNCHANGED:
		return say_nothing_to_do(w, out);
	case VALIDATE_S_PARTIAL:
		return say_fix(w, out);
	case VALIDATE_S_QUARANTINED:
		return say_quarantine_step(w, out);
	case VALIDATE_S_REJECTED:
		return say(w, out,
			   w->r->erased ? MSG_STEP_ERASED : MSG_STEP_REJECTED);
	case VALIDATE_S_INCOMPLETE:
		return say(w, out, MSG_STEP_INCOMPLETE);
	case VALIDATE_S_SUPERSEDED:
		return say(w, out, MSG_STEP_NONE);
	case VALIDATE_S_WITHDRAWN:
		return say(w, out, MSG_STEP_WITHDRAWN);
	case VALIDATE_RECEIVING:
	case VALIDATE_JUDGING:
		break;
	}
	return say(w, out, MSG_STEP_WAIT);
}

static int
add_step(const struct report *w)
{
	scope_buf line = BUF_INIT;

	if (say_step(w, &line) || wrap(w, &line, MSG_NEXT, ""))
		return ERR_NOMEM;
	return buf_addslice(w->out, buf_slice(&line)) ||
			       buf_adds(w->out, "\n\n")
		       ? ERR_NOMEM
		       : 0;
}

/* ---- the facts ----------------------------------------------------------- */

/* A line; nothing when the value is unknown. */
static int
add_fact(const struct report *w, enum sentence id, const char *value)
{
	scope_buf visible = BUF_INIT;

	if (!value || !*value)
		return 0;
	if (text_visible(&visible, slice_str(value), 0) || !buf_str(&visible) ||
	    sentence_add(w->out, w->zh, id, "%s", visible.data))
		return ERR_NOMEM;
	return buf_addc(w->out, '\n');
}

static int
add_time(const struct report *w, enum sentence id, int64_t ns)
{
	char text[CLOCK_TEXT_MAX];

	return ns ? add_fact(w, id, clock_rfc3339(ns, text)) : 0;
}

static int
add_rows(const struct report *w)
{
	const struct validate_counts *c = &w->r->rows;

	/* of a file that was not read as rows there is nothing to count */
	if (c->read == 0)
		return 0;
	if (add_line(w, &(struct saying){MSG_FACT_ROWS,
					 {c->read, c->accepted, c->refused}}))
		return ERR_NOMEM;
	if (w->r->trial && !w->r->compared)
		return 0;
	return add_line(w, &(struct saying){MSG_FACT_RECORDS,
					    {c->inserted, c->updated,
					     c->deleted, c->unchanged}});
}

static int
add_published(const struct report *w)
{
	for (size_t i = 0; i < w->r->npublished; i++) {
		const struct validate_published *p = &w->r->published[i];
		scope_buf name = BUF_INIT;

		if (text_visible(&name, slice_str(p->dataset), 0) ||
		    !buf_str(&name) ||
		    sentence_add(w->out, w->zh, MSG_FACT_PUBLISHED,
				 "%s" AND "%lld", name.data,
				 (long long)p->version) ||
		    buf_addc(w->out, '\n'))
			return ERR_NOMEM;
	}
	return 0;
}

static int
add_rounds(const struct report *w)
{
	char text[CLOCK_TEXT_MAX];

	for (size_t i = 0; i < w->r->nrounds; i++) {
		const struct validate_round *x = &w->r->rounds[i];
		scope_buf who = BUF_INIT;

		if (text_visible(&who, slice_str(x->submitted_by), 0) ||
		    !buf_str(&who) ||
		    sentence_add(w->out, w->zh, MSG_FACT_ROUND,
				 "%lld" AND "%lld" AND "%lld" AND "%lld" AND
				 "%s" AND "%s",
				 (long long)x->round, (long long)x->back,
				 (long long)x->accepted, (long long)x->refused,
				 who.data,
				 clock_rfc3339(x->received_at, text)) ||
		    buf_addc(w->out, '\n'))
			return ERR_NOMEM;
	}
	return 0;
}

static int
add_facts(const struct report *w)
{
	const struct validate_receipt *r = w->r;

	if (add_fact(w, MSG_FACT_SUBMISSION, r->submission) ||
	    add_place_of(w, w->out, MSG_FACT_RESOURCE) ||
	    buf_addc(w->out, '\n') || add_fact(w, MSG_FACT_FILE, r->file) ||
	    add_line(w, &(struct saying){MSG_FACT_BYTES, {r->bytes}}) ||
	    add_fact(w, MSG_FACT_SHA256, r->sha256) ||
	    add_fact(w, MSG_FACT_FORMAT, r->format) ||
	    add_fact(w, MSG_FACT_ENCODING, r->encoding) ||
	    add_fact(w, MSG_FACT_SUBMITTED_BY, r->submitted_by) ||
	    add_time(w, MSG_FACT_RECEIVED_AT, r->received_at) ||
	    add_time(w, MSG_FACT_JUDGED_AT, r->judged_at) || add_rows(w) ||
	    add_published(w) || add_rounds(w))
		return ERR_NOMEM;
	return add_fact(w, MSG_FACT_NEXT_DUE, r->next_due);
}

/* ---- the faults ---------------------------------------------------------- */

static struct saying
place_of(const struct validate_fault *f)
{
	if (f->row && f->line)
		return (struct saying){MSG_AT_ROW_LINE, {f->row, f->line}};
	if (f->row)
		return (struct saying){MSG_AT_ROW, {f->row}};
	if (f->line)
		return (struct saying){MSG_AT_LINE, {f->line}};
	return (struct saying){MSG_AT_FILE, {0}};
}

static int
add_fault(const struct report *w, const struct validate_fault *f)
{
	const struct saying place = place_of(f);
	const char *message = w->zh ? f->message_zh : f->message;
	scope_buf line = BUF_INIT;

	if (add_saying(w, &line, &place))
		return ERR_NOMEM;
	if (f->member &&
	    wrap_visible(w, &line, MSG_OF_MEMBER, slice_str(f->member), 0))
		return ERR_NOMEM;
	if (*f->field &&
	    wrap_visible(w, &line, MSG_OF_FIELD, slice_str(f->field), 0))
		return ERR_NOMEM;
	if (wrap_visible(w, &line, MSG_COLON, slice_str(message), 0))
		return ERR_NOMEM;
	if (f->value.n &&
	    wrap_visible(w, &line, MSG_FOUND, f->value, SHOWN_VALUE))
		return ERR_NOMEM;
	if (buf_addslice(w->out, buf_slice(&line)))
		return ERR_NOMEM;
	return buf_addf(w->out, " [%s]\n", f->code);
}

static int
add_faults(const struct report *w, enum sentence heading,
	   const struct validate_faults *f)
{
	const struct validate_fault *kept;
	int64_t count = count_of(f);
	int64_t shown = count < SHOWN_FAULTS ? count : SHOWN_FAULTS;

	if (!count)
		return 0;
	if (buf_addc(w->out, '\n') ||
	    add_line(w, &(struct saying){heading, {count}}))
		return ERR_NOMEM;
	(void)validate_faults_kept(f, &kept);
	for (int64_t i = 0; i < shown; i++) {
		if (add_fault(w, &kept[i]))
			return ERR_NOMEM;
	}
	if (shown == count)
		return 0;
	return add_line(w, &(struct saying){MSG_FAULTS_MORE,
					    {count - shown, VALIDATE_KEPT}});
}

int
validate_receipt_text(const struct validate_receipt *r, const char *language,
		      struct buf *out)
{
	const struct report w = {r, strcmp(language, "zh") == 0, out};

	if (add_verdict(&w) || add_step(&w) || add_facts(&w) ||
	    add_faults(&w, MSG_ERRORS, r->errors))
		return ERR_NOMEM;
	return add_faults(&w, MSG_WARNINGS, r->warnings);
}
