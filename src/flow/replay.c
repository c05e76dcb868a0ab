/* The fold of a resource's submissions, but for one: see replay.h. */
#include "flow/replay.h"

#include "base/scope.h"
#include "flow/gc_run.h"
#include "store/retain.h"
#include "store/withdrawal.h"

/* ---- where it begins ----------------------------------------------------- */

struct effects {
	struct store_effect *items;
	size_t n;
	struct error *err;
};

static int
note_effect(void *ctx, const struct store_effect *effect)
{
	struct effects *e = ctx;
	struct store_effect *more =
		realloc(e->items, (e->n + 1) * sizeof(*e->items));

	if (!more)
		return error_nomem(e->err);
	e->items = more;
	more[e->n++] = *effect;
	return 0;
}

/*
 * The last publish before the first effect of 'number' such that all that had
 * taken effect by then came before all that did later: a released submission,
 * a fix file, a withdrawal take effect late, at an earlier place.
 */
static void
find_base(const struct effects *e, int64_t number, int64_t horizon,
	  struct flow_replay *ret)
{
	int64_t last = 0;

	*ret = (struct flow_replay){0};
	for (size_t i = 0; i < e->n; i++) {
		const struct store_effect *at = &e->items[i];
		bool clean = at->seq >= horizon;

		if (at->first <= number && number <= at->last)
			break;
		if (at->last > last)
			last = at->last;
		for (size_t k = i + 1; clean && k < e->n; k++)
			clean = e->items[k].first > last;
		if (clean)
			*ret = (struct flow_replay){at->seq, last};
	}
}

struct horizons {
	struct sql *db;
	int64_t published, horizon;
	struct error *err;
};

/* Records that ended up to it may be gone: the lowest of all datasets'. */
static int
take_lowest(void *ctx, int64_t dataset)
{
	struct horizons *h = ctx;
	int64_t first = 0, horizon = 0;
	int rc = store_retained_first(h->db, dataset, &first, h->err);

	if (!rc)
		rc = flow_gc_horizon(h->db, h->published, dataset, first,
				     &horizon, h->err);
	if (!rc && horizon < h->horizon)
		h->horizon = horizon;
	return rc;
}

/* Every original that is to be read again must be there. */
static int
check_originals(struct sql *db, const struct store_submission *without,
		int64_t after, struct error *err)
{
	struct store_submission s = {0};
	int rc;

	while ((rc = store_submission_next_taken(db, without->resource, after,
						 &s, err)) > 0) {
		bool gone = s.expired != 0 || !s.blob;

		after = s.number;
		if (gone && s.number != without->number)
			rc = error_set(
				err, ERR_INVALID,
				"submission %s cannot be withdrawn: what came "
				"since is folded again without it, and the "
				"original of %s is kept no longer ([platform] "
				"keep_archive, keep_versions); submit what the "
				"records are to be",
				without->id, s.id);
		store_submission_release(&s);
		if (rc < 0)
			break;
	}
	return rc < 0 ? rc : 0;
}

int
flow_replay_plan(struct store *store, const struct store_submission *without,
		 struct flow_replay *ret, struct error *err)
{
	struct effects e = {.err = err};
	struct horizons h = {.published = store_published(store),
			     .horizon = INT64_MAX,
			     .err = err};
	scope_reader reader = {0};
	int rc = store_reader_get(store, &reader, err);

	h.db = reader.db;
	if (!rc)
		rc = store_effect_each(reader.db, without->resource,
				       note_effect, &e, err);
	if (!rc)
		rc = store_dataset_each(reader.db, take_lowest, &h, err);
	if (!rc) {
		find_base(&e, without->number,
			  h.horizon == INT64_MAX ? 0 : h.horizon, ret);
		rc = check_originals(reader.db, without, ret->after, err);
	}
	free(e.items);
	return rc;
}

/* ---- one submission ------------------------------------------------------ */

struct folding {
	const struct flow_shop *shop;
	struct store_target *target;
	struct store_target *keys; /* that count; NULL: all */
	bool collecting;	   /* them */
	struct error *err;
};

/* A stored row of the key stays what it is. */
static int
append_row(struct folding *f, const struct store_staged *row, const char *id)
{
	int rc = store_target_get(f->target, row->key, NULL, f->err);

	return rc ? (rc < 0 ? rc : 0)
		  : store_target_put(f->target, row->key, row->cells, id,
				     f->err);
}

static int
fold_row(struct folding *f, const struct flow_judgement *j,
	 const struct store_staged *row)
{
	const char *id = j->submission->id;

	if (f->collecting)
		return row->status == STORE_STAGED_GOOD
			       ? store_target_put(f->keys, row->key, SLICE_NONE,
						  id, f->err)
			       : 0;
	if (f->keys) {
		int rc = store_target_get(f->keys, row->key, NULL, f->err);

		if (rc <= 0)
			return rc;
	}
	if (row->status == STORE_STAGED_REFUSED)
		return j->resource->mode == CONFIG_SNAPSHOT
			       ? store_target_leave(f->target, row->key, f->err)
			       : 0;
	if (row->status != STORE_STAGED_GOOD)
		return 0;
	if (row->deletes)
		return store_target_remove(f->target, row->key, f->err);
	if (j->resource->mode == CONFIG_APPEND)
		return append_row(f, row, id);
	return store_target_put(f->target, row->key, row->cells, id, f->err);
}

static int
fold_rows(struct folding *f, struct flow_judgement *j)
{
	bool snapshot = j->resource->mode == CONFIG_SNAPSHOT;
	struct store_staged row;
	int rc = store_staging_first(j->staging, f->err);

	if (snapshot)
		store_target_begin(f->target);
	while (!rc && (rc = store_staging_next(j->staging, &row, f->err)) > 0)
		rc = fold_row(f, j, &row);
	return rc || !snapshot ? rc : store_target_end(f->target, f->err);
}

static int
judge_again(struct folding *f, struct flow_judgement *j)
{
	scope_fd fd = -1;
	int rc = flow_open_original(f->shop, j->submission, &fd, f->err);

	if (!rc)
		rc = flow_round_replay(f->shop, j, f->err);
	if (!rc)
		rc = flow_judgement_init(j, f->err);
	if (!rc)
		rc = flow_judge_file(j, &f->shop->decoder, fd, f->err);
	return rc;
}

static int
fold(struct folding *f, const struct store_submission *s)
{
	struct flow_judgement j;
	int rc;

	flow_judgement_begin(&j, f->shop, s, true);
	j.progress = NULL;
	j.replay = true;
	rc = judge_again(f, &j);
	if (!rc && j.state != VALIDATE_S_REJECTED &&
	    j.state != VALIDATE_S_INCOMPLETE)
		rc = fold_rows(f, &j);
	flow_round_end(&j);
	flow_judgement_release(&j);
	return rc;
}

/* ---- all of them --------------------------------------------------------- */

static int
take_base(void *ctx, const struct store_record *r)
{
	struct folding *f = ctx;

	return store_target_put(f->target, r->key, r->cells, r->submission,
				f->err);
}

/* A snapshot says something of every key; and what cannot be read any more
 * does not say which it was about. */
static bool
has_keys(const struct flow_shop *shop, const struct store_submission *s)
{
	return flow_plan_resource(shop->plan, s->resource)->resource->mode !=
		       CONFIG_SNAPSHOT &&
	       s->blob && !s->expired;
}

static int
collect_keys(struct folding *f, const struct store_submission *without)
{
	int rc = store_target_open(&f->keys, f->err);

	f->collecting = true;
	if (!rc)
		rc = fold(f, without);
	f->collecting = false;
	return rc;
}

static int
take_all(struct folding *f, const struct store_submission *without,
	 int64_t base)
{
	struct sql *db = store_records(f->shop->store);
	struct store_target_row row;
	int rc;

	if (!f->keys)
		return store_record_each(db, without->resource, base, take_base,
					 f, f->err);
	rc = store_target_first(f->keys, f->err);
	while (!rc && (rc = store_target_next(f->keys, &row, f->err)) > 0) {
		rc = store_record_look(db, without->resource, base, row.key,
				       take_base, f, f->err);
		rc = rc < 0 ? rc : 0;
	}
	return rc;
}

static int
next_taken(struct store *store, int64_t resource, int64_t after,
	   struct store_submission *ret, struct error *err)
{
	scope_reader reader = {0};
	int rc = store_reader_get(store, &reader, err);

	return rc ? rc
		  : store_submission_next_taken(reader.db, resource, after, ret,
						err);
}

int
flow_replay(const struct flow_shop *shop,
	    const struct store_submission *without,
	    const struct flow_replay *plan, struct store_target **ret,
	    struct store_target **ret_keys, struct error *err)
{
	struct folding f = {.shop = shop, .err = err};
	struct store_submission s = {0};
	int64_t after = plan->after;
	int rc = store_target_open(&f.target, err);

	if (!rc && has_keys(shop, without))
		rc = collect_keys(&f, without);
	if (!rc && plan->base)
		rc = take_all(&f, without, plan->base);
	while (!rc && (rc = next_taken(shop->store, without->resource, after,
				       &s, err)) > 0) {
		after = s.number;
		rc = s.number == without->number ? 0 : fold(&f, &s);
		store_submission_release(&s);
	}
	*ret = f.target;
	*ret_keys = f.keys;
	return rc;
}
