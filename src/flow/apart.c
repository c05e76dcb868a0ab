/*
 * A large first load, apart from everybody else: its records, the subjects of
 * its themes and their files are written as pending work (store.h), so that
 * submissions of others are judged meanwhile. Last it takes its turn: a
 * number, and one transaction in which there is little left to do.
 *
 * Nobody may change meanwhile what it reads. So its themes have no version
 * yet, and submissions of their other sources wait (flow_share_theme()).
 */
#include "flow/fold.h"

#include "base/clock.h"
#include "base/scope.h"

/* ---- whether ------------------------------------------------------------- */

static bool
uses(const struct flow_resource *r, size_t theme)
{
	for (size_t i = 0; i < r->nlenses; i++) {
		for (size_t k = 0; k < r->lenses[i].nuses; k++) {
			if (r->lenses[i].uses[k].theme == theme)
				return true;
		}
	}
	return false;
}

bool
flow_share_theme(const struct flow_resource *a, const struct flow_resource *b)
{
	for (size_t i = 0; i < a->nlenses; i++) {
		for (size_t k = 0; k < a->lenses[i].nuses; k++) {
			if (uses(b, a->lenses[i].uses[k].theme))
				return true;
		}
	}
	return false;
}

static int
themes_are_fresh(struct flow_judgement *j, const struct flow_plan *plan,
		 bool *ret, struct error *err)
{
	scope_reader reader = {0};
	int rc = store_reader_get(j->store, &reader, err);

	*ret = true;
	for (size_t t = 0; !rc && *ret && t < plan->nthemes; t++) {
		struct publish_version newest;

		if (!uses(j->planned, t))
			continue;
		rc = publish_newest(reader.db, plan->themes[t].id, &newest,
				    err);
		*ret = rc == 0 && flow_subjects_alone(plan, j->planned, t);
		rc = rc < 0 ? rc : 0;
	}
	return rc;
}

int
flow_apart_is_wanted(struct flow_judgement *j, const struct flow_plan *plan,
		     bool *ret, struct error *err)
{
	struct flow_fold f = {.j = j,
			      .plan = plan,
			      .db = store_records(j->store),
			      .seq = store_published(j->store) + 1};
	int rc;

	*ret = false;
	if (!j->breath)
		return 0;
	rc = flow_load_is_wanted(&f, ret, err);
	return rc || !*ret ? rc : themes_are_fresh(j, plan, ret, err);
}

/* ---- the work ------------------------------------------------------------ */

int
flow_tell(const struct flow_judgement *j, int (*tell)(void *ctx), void *ctx,
	  struct error *err)
{
	int rc = j->apart ? store_records_begin(j->store, err) : 0;

	if (rc)
		return rc;
	rc = tell(ctx);
	if (!rc && j->apart)
		rc = store_records_commit(j->store, 0, err);
	if (rc && j->apart)
		store_records_rollback(j->store);
	return rc;
}

static int
drop_pending(struct store *store, struct error *err)
{
	int rc = store_records_begin(store, err);

	if (!rc)
		rc = store_pending_drop(store, err);
	if (!rc)
		rc = store_records_commit(store, 0, err);
	if (rc)
		store_records_rollback(store);
	return rc;
}

static int
work(const struct flow_shop *shop, struct flow_judgement *j, struct error *err)
{
	struct flow_fold f = {.j = j,
			      .plan = shop->plan,
			      .db = store_records(j->store),
			      .seq = STORE_PENDING};
	int rc = drop_pending(j->store, err);

	if (!rc)
		rc = publish_begin(j->store, shop->plan->config, STORE_PENDING,
				   &j->publish, err);
	if (!rc)
		rc = flow_load(&f, err);
	flow_fold_release(&f);
	flow_progress_stage(j->progress, FLOW_PUBLISHING, j->read, 0,
			    clock_monotonic());
	if (rc || !j->changed)
		return rc;
	rc = flow_subjects_apart(j, shop->plan, err);
	return rc ? rc : publish_prepare(j->publish, j->breath, err);
}

/* ---- its turn ------------------------------------------------------------ */

static int
take_turn(struct flow_judgement *j, int64_t seq, struct error *err)
{
	int rc = store_records_begin(j->store, err);

	if (!rc)
		rc = flow_link(j->store, j->planned, seq, err);
	if (!rc)
		rc = store_pending_adopt(j->store, seq, err);
	if (!rc)
		rc = publish_adopt(j->publish, seq, err);
	if (!rc)
		rc = publish_write(j->publish, err);
	return rc ? rc : store_records_commit(j->store, seq, err);
}

int
flow_store_apart(const struct flow_shop *shop, struct flow_judgement *j,
		 int64_t *ret_seq, struct error *err)
{
	struct error ignored = ERROR_INIT;
	int64_t seq;
	int rc;

	j->apart = true;
	if (shop->passing)
		shop->passing->apart = true;
	rc = work(shop, j, err);
	if (!rc && !j->changed) {
		if (j->state == VALIDATE_S_ACCEPTED)
			j->state = VALIDATE_S_UNCHANGED;
		return drop_pending(j->store, err);
	}
	seq = store_published(j->store) + 1;
	if (!rc)
		rc = take_turn(j, seq, err);
	if (!rc) {
		*ret_seq = seq;
		return 0;
	}
	store_records_rollback(j->store);
	/* what this cannot drop, the next such work or start does */
	(void)!drop_pending(j->store, &ignored);
	return rc;
}
