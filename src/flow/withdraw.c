/*
 * A submission is withdrawn (SPEC 6.6): its effect is undone as a new version.
 * What the records are without it is worked out by replay.c; here they become
 * so, and the receipt says what that means.
 */
#include "flow/fold.h"
#include "flow/replay.h"

#include "base/clock.h"
#include "base/scope.h"
#include "store/fix.h"
#include "store/follow.h"
#include "store/withdrawal.h"

#include <stdlib.h>

static bool
is_one_of(const char *state, const char *const words[])
{
	while (*words && strcmp(state, *words) != 0)
		words++;
	return *words;
}

static bool
has_effect(const struct store_submission *s)
{
	return is_one_of(s->state, (const char *const[]){"accepted", "partial",
							 "unchanged", NULL});
}

int
flow_refuse_trial(const struct store_submission *s, struct error *err)
{
	return error_set(err, ERR_INVALID,
			 "'%s' is a trial: nothing of it is stored; copy '%s' "
			 "into the resource's inbox to submit it",
			 s->id, s->name);
}

/* What follows another platform is what that says: without one of its changes
 * the records would be of no version. */
static int
may_be_undone(struct store *store, const struct store_submission *s,
	      struct error *err)
{
	scope_reader reader = {0};
	bool follows = false;
	int rc = store_reader_get(store, &reader, err);

	if (!rc)
		rc = store_follow_any(reader.db, s->resource, &follows, err);
	if (rc || !follows)
		return rc;
	return error_set(err, ERR_INVALID,
			 "submission %s cannot be withdrawn: its resource "
			 "follows a theme of another platform (follows); "
			 "withdraw it there, and submit the changes that "
			 "come of it",
			 s->id);
}

int
flow_may_withdraw(struct store *store, const struct store_submission *s,
		  struct error *err)
{
	struct flow_replay plan;
	int rc;

	if (s->number > STORE_TRIAL)
		return flow_refuse_trial(s, err);
	if (strcmp(s->state, "judging") == 0)
		return error_set(err, ERR_INVALID,
				 "submission %s is being judged: 'civicfs wait "
				 "%s' waits for its verdict, then ask again",
				 s->id, s->id);
	if (!has_effect(s) && strcmp(s->state, "quarantined") != 0)
		return error_set(err, ERR_INVALID,
				 "submission %s is %s: it has no effect that "
				 "could be withdrawn",
				 s->id, s->state);
	if (!has_effect(s))
		return 0;
	rc = may_be_undone(store, s, err);
	return rc ? rc : flow_replay_plan(store, s, &plan, err);
}

/* ---- records ------------------------------------------------------------- */

struct undoing {
	struct flow_fold *f;
	struct store_target *target;
	struct store_target *keys; /* of the records that may change; NULL:
				    * all may */
	struct store_target_row row;
	int more; /* 1: 'row' stands */
	struct error *err;
};

static int
next_row(struct undoing *u)
{
	u->more = store_target_next(u->target, &u->row, u->err);
	return u->more < 0 ? u->more : 0;
}

static int
insert_row(struct undoing *u)
{
	const struct flow_change c = {
		.key = u->row.key,
		.has_new = true,
		.new_cells = u->row.cells,
		.submission = u->row.submission,
	};

	return flow_fold_apply(u->f, &c, u->err);
}

/* The record as it is, and as it is to be, if it is. */
static int
change_record(struct undoing *u, const struct store_record *r, bool met)
{
	const struct flow_change c = {
		.key = r->key,
		.old_id = r->id,
		.old_cells = r->cells,
		.has_new = met,
		.new_cells = met ? u->row.cells : SLICE_NONE,
		.submission = met ? u->row.submission : NULL,
	};

	if (met && slice_eq(r->cells, u->row.cells) &&
	    strcmp(r->submission, u->row.submission) == 0)
		return 0;
	return flow_fold_apply(u->f, &c, u->err);
}

static int
take_record(void *ctx, const struct store_record *r)
{
	struct undoing *u = ctx;
	int rc = breathe(u->f->j->breath, u->err);

	while (!rc && u->more && slice_cmp(u->row.key, r->key) < 0) {
		rc = insert_row(u);
		if (!rc)
			rc = next_row(u);
	}
	if (rc)
		return rc;
	if (!u->more || !slice_eq(u->row.key, r->key))
		return change_record(u, r, false);
	rc = change_record(u, r, true);
	return rc ? rc : next_row(u);
}

static int
take_found(void *ctx, const struct store_record *r)
{
	struct undoing *u = ctx;

	return change_record(u, r, u->more);
}

/* The record of one key, as it is to be: u->more says whether. */
static int
change_key(struct undoing *u, struct slice key)
{
	scope_buf cells = BUF_INIT, whose = BUF_INIT;
	int rc = store_target_get(u->target, key, &cells, u->err);

	u->more = rc > 0;
	if (rc > 0)
		rc = store_target_whose(u->target, key, &whose, u->err);
	if (rc < 0)
		return rc;
	if (!buf_str(&whose))
		return error_nomem(u->err);
	u->row = (struct store_target_row){key, buf_slice(&cells), whose.data};
	rc = store_record_look(u->f->db, u->f->j->planned->id, u->f->seq - 1,
			       key, take_found, u, u->err);
	return rc ? (rc < 0 ? rc : 0) : u->more ? insert_row(u) : 0;
}

static int
change_keys(struct undoing *u)
{
	struct store_target_row row;
	int rc = store_target_first(u->keys, u->err);

	while (!rc && (rc = store_target_next(u->keys, &row, u->err)) > 0) {
		rc = breathe(u->f->j->breath, u->err);
		if (!rc)
			rc = change_key(u, row.key);
	}
	return rc;
}

/* Both in key order; what is written is not met, because it begins later. */
static int
change_all(struct undoing *u)
{
	int rc = store_target_first(u->target, u->err);

	if (!rc)
		rc = next_row(u);
	if (!rc)
		rc = store_record_each(u->f->db, u->f->j->planned->id,
				       u->f->seq - 1, take_record, u, u->err);
	while (!rc && u->more) {
		rc = insert_row(u);
		if (!rc)
			rc = next_row(u);
	}
	return rc;
}

/* ---- keys that it has touched -------------------------------------------- */

/* The number in "YYYYMMDD-NNNNNN". */
static int64_t
number_of(const char *id)
{
	const char *at = strchr(id, '-');

	return at ? strtoll(at + 1, NULL, 10) : 0;
}

/* An earlier one that is released later is not overtaken by what never was. */
static int
forget_key(void *ctx, struct slice key)
{
	struct undoing *u = ctx;
	const int64_t resource = u->f->j->planned->id;
	scope_buf whose = BUF_INIT;
	int rc = store_target_whose(u->target, key, &whose, u->err);

	if (rc < 0)
		return rc;
	if (!rc)
		return store_touched_remove(u->f->db, resource, key, u->err);
	if (!buf_str(&whose))
		return error_nomem(u->err);
	return store_touched_add(u->f->db, resource, key, number_of(whose.data),
				 u->err);
}

/* ---- the publish --------------------------------------------------------- */

static int
write_publish(const struct flow_shop *shop, struct undoing *u)
{
	struct flow_fold *f = u->f;
	struct flow_judgement *j = f->j;
	int rc = publish_begin(shop->store, shop->plan->config, f->seq,
			       &j->publish, u->err);

	if (!rc)
		rc = store_subject_clear(f->db, u->err);
	if (!rc)
		rc = flow_link(shop->store, j->planned, f->seq, j->breath,
			       u->err);
	if (!rc)
		rc = u->keys ? change_keys(u) : change_all(u);
	if (!rc)
		rc = flow_settle(f, u->err);
	if (!rc)
		rc = store_touched_each(f->db, j->planned->id,
					j->submission->number, forget_key, u,
					u->err);
	if (!rc && j->changed)
		rc = flow_subjects(&(struct flow_work){.store = shop->store,
						       .plan = shop->plan,
						       .publish = j->publish,
						       .seq = f->seq,
						       .breath = j->breath,
						       .judgement = j},
				   u->err);
	if (!rc && j->changed)
		rc = publish_write(j->publish, j->breath, u->err);
	return rc ? rc : flow_turn_end(shop, j->changed ? f->seq : 0, u->err);
}

/* *ret_seq: the publish, 0 when nothing changes. */
static int
undo(const struct flow_shop *shop, struct flow_judgement *j, int64_t *ret_seq,
     struct error *err)
{
	struct flow_fold f = {
		.j = j, .plan = shop->plan, .db = store_records(shop->store)};
	struct undoing u = {.f = &f, .err = err};
	struct flow_replay plan;
	int rc = flow_replay_plan(shop->store, j->submission, &plan, err);

	if (!rc)
		rc = flow_replay(shop, j->submission, &plan, &u.target, &u.keys,
				 err);
	if (!rc)
		rc = flow_turn_begin(shop, &f.seq, err);
	if (!rc)
		rc = write_publish(shop, &u);
	if (rc)
		flow_turn_drop(shop);
	store_target_close(u.target);
	store_target_close(u.keys);
	flow_fold_release(&f);
	*ret_seq = j->changed ? f.seq : 0;
	return rc;
}

/* ---- the receipt --------------------------------------------------------- */

/* Which versions of the datasets it has shown up in. */
static int
find_versions(struct flow_judgement *j, const struct publish_made *made,
	      size_t n, int64_t *from, int64_t *until, struct error *err)
{
	int64_t first = 0, ignored;
	scope_reader reader = {0};
	int rc = store_reader_get(j->store, &reader, err);

	if (!rc)
		rc = store_submission_first_seq(
			reader.db, j->submission->number, &first, err);
	for (size_t i = 0; !rc && i < n; i++) {
		rc = store_version_around(reader.db, made[i].theme->id, first,
					  &ignored, &from[i], err);
		until[i] = made[i].version - 1;
	}
	return rc;
}

static int
restate(struct flow_judgement *j, const char *by, int64_t now, int64_t seq,
	struct buf *json, struct buf *text, struct error *err)
{
	const struct publish_made *made = NULL;
	size_t n = seq ? publish_made(j->publish, &made) : 0;
	scope_free struct validate_published *published =
		calloc(n + 1, sizeof(*published));
	scope_free int64_t *from = calloc(2 * n + 1, sizeof(*from));
	struct flow_withdrawn w = {.by = by,
				   .at = now,
				   .made = published,
				   .from = from,
				   .nmade = n};
	int64_t number = j->submission->number;
	int rc;

	if (!published || !from)
		return error_nomem(err);
	w.until = from + n;
	for (size_t i = 0; i < n; i++)
		published[i] = (struct validate_published){
			made[i].theme->theme->id, made[i].version};
	rc = find_versions(j, made, n, from, from + n, err);
	if (!rc) {
		scope_reader reader = {0};

		rc = store_reader_get(j->store, &reader, err);
		if (!rc)
			rc = store_submission_receipt(reader.db, number,
						      STORE_RECEIPT_JSON, json,
						      err);
		if (rc >= 0)
			rc = store_submission_receipt(reader.db, number,
						      STORE_RECEIPT_TEXT, text,
						      err);
	}
	if (rc < 0)
		return rc;
	return flow_restate_withdrawn(json, text, &w, j->language)
		       ? error_nomem(err)
		       : 0;
}

static int
conclude(const struct flow_shop *shop, struct flow_judgement *j, int64_t seq,
	 struct error *err)
{
	const struct store_submission *s = j->submission;
	struct inbox_fix_gone gone = {.n = 0};
	int64_t now = clock_now();
	scope_buf json = BUF_INIT;
	scope_buf text = BUF_INIT;
	scope_buf by = BUF_INIT;
	scope_txn txn = {0};
	int rc;

	{
		scope_reader reader = {0};

		rc = store_reader_get(shop->store, &reader, err);
		if (!rc)
			rc = store_submission_withdrawing(reader.db, s->number,
							  &by, err);
	}
	if (rc >= 0)
		rc = buf_str(&by)
			     ? restate(j, by.data, now, seq, &json, &text, err)
			     : error_nomem(err);
	if (!rc)
		rc = store_begin(shop->store, &txn, err);
	if (!rc && seq)
		rc = publish_commit(j->publish, &txn, s->id, now, err);
	if (!rc && seq)
		rc = store_publish(&txn, seq, err);
	if (!rc)
		rc = store_withdrawal_add(&txn, s->number, seq, now, by.data,
					  buf_slice(&json), buf_slice(&text),
					  err);
	if (!rc)
		rc = inbox_fix_show(&txn, s, 0, false, &gone, err);
	if (!rc)
		rc = store_commit(&txn, err);
	if (rc)
		return rc;
	if (seq)
		publish_done(j->publish);
	inbox_fix_shown(shop->inbox, &gone);
	return 0;
}

static void
tell(const struct flow_shop *shop, const struct flow_judgement *j, int64_t seq)
{
	const struct publish_made *made = NULL;
	size_t n = seq ? publish_made(j->publish, &made) : 0;

	if (n)
		shop->hooks.published(shop->hooks.ctx, made, n);
	shop->hooks.judged(shop->hooks.ctx, j->planned->id,
			   j->submission->number);
}

/* It has become impossible since it was asked for: it is not asked any more. */
static int
refuse(const struct flow_shop *shop, const struct store_submission *s,
       const struct error *why, struct error *err)
{
	scope_txn txn = {0};
	int rc = store_begin(shop->store, &txn, err);

	if (!rc)
		rc = store_submission_keep(&txn, s->number, err);
	if (!rc)
		rc = store_commit(&txn, err);
	if (!rc)
		shop->hooks.failed(shop->hooks.ctx, why);
	return rc;
}

int
flow_withdrawal(const struct flow_shop *shop, const struct store_submission *s,
		struct error *err)
{
	struct error why = ERROR_INIT;
	struct flow_judgement j;
	int64_t seq = 0;
	int rc = flow_may_withdraw(shop->store, s, &why);

	if (rc == ERR_INVALID)
		return refuse(shop, s, &why, err);
	flow_judgement_begin(&j, shop, s, true);
	if (shop->passing)
		*shop->passing = (struct flow_passing){.any = true,
						       .resource = j.planned};
	if (rc)
		*err = why;
	if (!rc && has_effect(s))
		rc = undo(shop, &j, &seq, err);
	if (!rc)
		rc = flow_turn_flip(shop, seq, err);
	if (!rc)
		rc = conclude(shop, &j, seq, err);
	flow_turn_over(shop);
	if (!rc)
		tell(shop, &j, seq);
	flow_judgement_release(&j);
	return rc ? error_prefix(err, rc, "withdrawing submission %s", s->id)
		  : 0;
}
