/*
 * A fix file that came back (SPEC 6.5): see internal.h; round_read.c reads it.
 * What is left here is what it means for the verdict on its submission.
 */
#include "flow/round.h"

#include "base/clock.h"
#include "base/scope.h"
#include "base/sentence.h"

int
flow_round_begin(struct flow_judgement *j, struct error *err)
{
	struct store_fix_round given = {0};
	const struct store_submission *s = j->submission;
	scope_reader reader = {0};
	int rc = store_reader_get(j->store, &reader, err);

	if (!rc)
		rc = store_fix_pending(reader.db, s->number, &given, err);
	if (rc <= 0)
		return rc;
	j->round = calloc(1, sizeof(*j->round));
	if (!j->round) {
		store_fix_round_release(&given);
		return error_nomem(err);
	}
	j->round->given = given;
	j->release = strcmp(given.was, "partial") == 0;
	if (j->resource->mode != CONFIG_SNAPSHOT)
		return 0;
	return store_submission_has_later(reader.db, s->resource, s->number,
					  &j->round->moot, err);
}

void
flow_round_end(struct flow_judgement *j)
{
	struct flow_round *r = j->round;

	if (!r)
		return;
	flow_fix_forget(j->store, r->given.blob);
	store_fix_rows_close(r->rows);
	store_fix_round_release(&r->given);
	validate_faults_free(r->faults);
	buf_release(&r->packed);
	buf_release(&r->flaws);
	free(r->flawed);
	for (size_t i = 0; i < r->ntold; i++)
		free(r->by[i]);
	for (size_t i = 0; i < r->nmade; i++)
		free(r->datasets[i]);
	free(r->by);
	free(r->told);
	free(r->datasets);
	free(r->made);
	free(r->columns);
	free(r->cells);
	free(r);
	j->round = NULL;
}

bool
flow_round_is_unreadable(const struct flow_judgement *j)
{
	return j->round && j->round->unreadable;
}

bool
flow_round_is_secret(const struct flow_judgement *j)
{
	return j->round && j->round->secret;
}

int64_t
flow_round_blob(const struct flow_judgement *j)
{
	return j->round ? j->round->given.blob : 0;
}

bool
flow_round_is_moot(const struct flow_judgement *j)
{
	return j->round && j->round->moot;
}

/* ---- its rows ------------------------------------------------------------ */

/* The column of the fix file that stands for one of the original, which may be
 * a member with an order of its own; -1 none. */
static ptrdiff_t
find_column(const struct flow_judgement *j, size_t column)
{
	const struct flow_round *r = j->round;
	int field = column < j->ncolumns ? j->columns[column] : DECODE_EXTRA;

	if (field == DECODE_EXTRA)
		return -1;
	for (size_t i = 0; i < r->ncolumns; i++) {
		if (r->columns[i] == field)
			return (ptrdiff_t)i;
	}
	return -1;
}

/* Keeps the order of the cells. */
static void
insert_flaw(struct flow_round *r, struct decode_flaw flaw)
{
	size_t i = r->nflawed;

	while (i && r->flawed[i - 1].cell > flaw.cell)
		i--;
	if (i && r->flawed[i - 1].cell == flaw.cell)
		return;
	memmove(r->flawed + i + 1, r->flawed + i,
		(r->nflawed - i) * sizeof(*r->flawed));
	r->flawed[i] = flaw;
	r->nflawed++;
}

/* What the texts do not show: of cells that came back, and of those that are
 * what the original has: the text of an error is none. */
static int
add_flaws(struct flow_judgement *j, const struct decode_row *r,
	  struct decode_row *ret)
{
	struct flow_round *round = j->round;
	size_t back = round->flaws.len / sizeof(*round->flawed);
	void *more = realloc(round->flawed,
			     (back + r->nflaws + 1) * sizeof(*round->flawed));

	if (!more)
		return ERR_NOMEM;
	round->flawed = more;
	round->nflawed = back;
	if (back)
		memcpy(more, round->flaws.data, round->flaws.len);
	for (size_t i = 0; i < r->nflaws; i++) {
		ptrdiff_t at = find_column(j, r->flaws[i].cell);

		if (at >= 0 && (size_t)at < ret->ncells &&
		    slice_eq(ret->cells[at], r->cells[r->flaws[i].cell]))
			insert_flaw(round,
				    (struct decode_flaw){(size_t)at,
							 r->flaws[i].kind});
	}
	ret->flaws = round->flawed;
	ret->nflaws = round->nflawed;
	return 0;
}

int
flow_round_row(struct flow_judgement *j, const struct decode_row *r,
	       struct decode_row *ret, enum store_fix_kind *ret_kind,
	       struct error *err)
{
	struct flow_round *round = j->round;
	int rc;

	buf_clear(&round->packed);
	buf_clear(&round->flaws);
	rc = store_fix_rows_get(round->rows, r->row, ret_kind, &round->packed,
				&round->flaws, err);
	if (rc || *ret_kind == STORE_FIX_OTHER)
		return rc;
	*ret = (struct decode_row){.row = r->row, .line = r->line};
	rc = flow_round_split(round, buf_slice(&round->packed), &ret->cells,
			      &ret->ncells, err);
	return rc || !add_flaws(j, r, ret) ? rc : error_nomem(err);
}

int
flow_round_header(struct flow_judgement *j, const int *columns, size_t n)
{
	struct flow_round *r = j->round;

	if (!r || r->columns)
		return 0;
	r->columns = calloc(n + 1, sizeof(*r->columns));
	if (!r->columns)
		return ERR_NOMEM;
	memcpy(r->columns, columns, n * sizeof(*columns));
	r->ncolumns = n;
	return 0;
}

const int *
flow_round_columns(const struct flow_judgement *j, size_t *ret_n)
{
	*ret_n = j->round->ncolumns;
	return j->round->columns;
}

int
flow_round_may_refuse(struct flow_judgement *j, int64_t row, bool *ret,
		      struct error *err)
{
	enum store_fix_kind kind = STORE_FIX_BACK;
	int rc = 0;

	if (j->round)
		rc = store_fix_rows_kind(j->round->rows, row, &kind, err);
	*ret = kind == STORE_FIX_BACK;
	return rc;
}

int
flow_is_overtaken(struct flow_judgement *j, struct slice key, bool *ret,
		  struct error *err)
{
	int64_t last = 0;
	int rc = 0;

	if (j->resource->mode != CONFIG_SNAPSHOT)
		rc = store_touched_get(store_records(j->store), j->planned->id,
				       key, &last, err);
	*ret = last > j->submission->number || flow_round_is_moot(j);
	return rc;
}

/* ---- the verdict --------------------------------------------------------- */

static int
add_warning(struct flow_judgement *j, enum validate_cross kind,
	    const struct flow_odd *odd, struct error *err)
{
	struct validate_sentences text;
	struct validate_fault fault;

	if (!odd->n)
		return 0;
	validate_fault_cross_counted(kind, odd->n, odd->first, &fault, &text);
	return validate_faults_add(j->warnings, j->resource, &fault)
		       ? error_nomem(err)
		       : 0;
}

static int
add_faults(struct flow_judgement *j, struct error *err)
{
	const struct validate_fault *kept;
	size_t n = validate_faults_kept(j->round->faults, &kept);

	for (size_t i = 0; i < n; i++) {
		if (validate_faults_add(j->errors, j->resource, &kept[i]))
			return error_nomem(err);
	}
	return 0;
}

struct counting {
	struct flow_judgement *j;
	struct store_txn *txn; /* NULL: they are only counted */
	struct error *err;
};

/* A row that came back and is good: it counts, or is kept. */
static int
take_good(void *ctx, int64_t row, struct slice cells)
{
	struct counting *c = ctx;
	struct store_fix_round *given = &c->j->round->given;
	enum store_staged_status status;
	int rc = store_staging_status(c->j->staging, row, &status, c->err);

	if (rc || status == STORE_STAGED_REFUSED)
		return rc;
	if (c->txn)
		return store_fixed_add(c->txn, given->submission, row, cells,
				       c->err);
	given->accepted++;
	return 0;
}

/* A later snapshot is the whole truth: there is nothing left to take in. */
static void
supersede(struct flow_judgement *j)
{
	j->state = VALIDATE_S_SUPERSEDED;
	sentence_write(j->reason, sizeof(j->reason), false, MSG_LATER_IS_WHOLE,
		       "");
	sentence_write(j->reason_zh, sizeof(j->reason_zh), true,
		       MSG_LATER_IS_WHOLE, "");
}

int
flow_round_weigh(struct flow_judgement *j, struct error *err)
{
	struct flow_round *r = j->round;
	struct counting c = {.j = j, .err = err};
	int rc;

	r->given.back = r->back;
	r->given.accepted = 0;
	rc = store_fix_rows_each(r->rows, take_good, &c, err);
	if (!rc)
		rc = add_warning(j, VALIDATE_CROSS_FIX_UNKNOWN, &r->unknown,
				 err);
	if (!rc)
		rc = add_warning(j, VALIDATE_CROSS_FIX_TWICE, &r->twice, err);
	if (!rc)
		rc = add_warning(j, VALIDATE_CROSS_FIX_NAMELESS, &r->nameless,
				 err);
	if (!rc)
		rc = add_faults(j, err);
	if (!rc && r->moot && !j->release)
		supersede(j);
	return rc;
}

int
flow_round_conclude(struct flow_judgement *j, struct store_txn *txn,
		    int64_t now, int64_t seq, struct error *err)
{
	struct counting c = {.j = j, .txn = txn, .err = err};
	struct store_fix_round *given = &j->round->given;
	int rc;

	given->judged_at = now;
	given->seq = seq;
	given->refused = j->counts.refused;
	snprintf(given->state, sizeof(given->state), "%s",
		 validate_state_word(j->state));
	rc = store_fix_end(txn, given, err);
	return rc ? rc
		  : store_fix_rows_each(j->round->rows, take_good, &c, err);
}

int
flow_round_cancel(struct flow_judgement *j, struct error *err)
{
	scope_txn txn = {0};
	int rc = store_begin(j->store, &txn, err);

	if (!rc)
		rc = store_fix_cancel(&txn, &j->round->given, err);
	return rc ? rc : store_commit(&txn, err);
}

/* ---- the whole story ----------------------------------------------------- */

/* The strings of a round or a version go to an array of their own. */
static int
keep_text(char ***texts, size_t n, const char *text)
{
	char **more = realloc(*texts, (n + 1) * sizeof(*more));

	if (!more)
		return ERR_NOMEM;
	*texts = more;
	more[n] = strdup(text);
	return more[n] ? 0 : ERR_NOMEM;
}

static int
tell_round(void *ctx, const struct store_fix_round *x)
{
	struct flow_round *r = ctx;
	struct validate_round *more =
		realloc(r->told, (r->ntold + 1) * sizeof(*more));

	if (!more)
		return ERR_NOMEM;
	r->told = more;
	if (keep_text(&r->by, r->ntold, x->submitted_by))
		return ERR_NOMEM;
	more[r->ntold] = (struct validate_round){
		.round = x->round,
		.bytes = x->bytes,
		.submitted_by = r->by[r->ntold],
		.received_at = x->received_at,
		.judged_at = x->judged_at,
		.state = validate_state_word(
			(enum validate_state)validate_state_parse(x->state)),
		.back = x->back,
		.accepted = x->accepted,
		.refused = x->refused,
	};
	r->ntold++;
	return 0;
}

static int
tell_made(void *ctx, const char *dataset, int64_t version)
{
	struct flow_round *r = ctx;
	struct validate_published *more =
		realloc(r->made, (r->nmade + 1) * sizeof(*more));

	if (!more)
		return ERR_NOMEM;
	r->made = more;
	if (keep_text(&r->datasets, r->nmade, dataset))
		return ERR_NOMEM;
	more[r->nmade].dataset = r->datasets[r->nmade];
	more[r->nmade].version = version;
	r->nmade++;
	return 0;
}

static int
tell_earlier(struct flow_judgement *j, struct store_rows_told *told,
	     struct error *err)
{
	const struct store_submission *s = j->submission;
	scope_reader reader = {0};
	int rc = store_reader_get(j->store, &reader, err);

	if (!rc)
		rc = store_submission_rows_told(reader.db, s->number, told,
						err);
	if (!rc)
		rc = store_fix_each(reader.db, s->number, tell_round, j->round,
				    err);
	if (!rc)
		rc = store_submission_made(reader.db, s->id, tell_made,
					   j->round, err);
	return rc == ERR_NOMEM ? error_nomem(err) : rc;
}

/* What was stored before and is now, together; the rest of the good rows was
 * there. */
static void
add_up(struct flow_judgement *j, const struct store_rows_told *told,
       struct validate_counts *ret)
{
	ret->inserted += told->inserted;
	ret->updated += told->updated;
	ret->deleted += told->deleted;
	ret->unchanged = ret->accepted - ret->inserted - ret->updated;
	if (j->resource->mode == CONFIG_UPSERT)
		ret->unchanged -= ret->deleted;
	if (ret->unchanged < 0 || !j->release)
		ret->unchanged = j->counts.unchanged;
}

int
flow_round_tell(struct flow_judgement *j, int64_t now,
		struct validate_receipt *receipt, struct error *err)
{
	struct flow_round *r = j->round;
	struct store_fix_round this = r->given;
	struct store_rows_told told;
	int rc = tell_earlier(j, &told, err);

	if (rc)
		return rc;
	add_up(j, &told, &receipt->rows);
	for (size_t i = 0; i < receipt->npublished; i++) {
		if (tell_made(r, receipt->published[i].dataset,
			      receipt->published[i].version))
			return error_nomem(err);
	}
	this.judged_at = now;
	this.refused = j->counts.refused;
	snprintf(this.state, sizeof(this.state), "%s",
		 validate_state_word(j->state));
	if (tell_round(r, &this))
		return error_nomem(err);
	receipt->published = r->made;
	receipt->npublished = r->nmade;
	receipt->rounds = r->told;
	receipt->nrounds = r->ntold;
	return 0;
}
