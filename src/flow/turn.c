/*
 * A publish's turn at records.db. That of large work takes long: in its breaths
 * others are judged and published (store_records_wait()), unless they are of
 * its resource or change what it reads.
 */
#include "flow/internal.h"

#include "base/scope.h"

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

static bool
share_theme(const struct flow_resource *a, const struct flow_resource *b)
{
	for (size_t i = 0; i < a->nlenses; i++) {
		for (size_t k = 0; k < a->lenses[i].nuses; k++) {
			if (uses(b, a->lenses[i].uses[k].theme))
				return true;
		}
	}
	return false;
}

bool
flow_may_pass(const struct flow_passing *p, const struct flow_resource *r,
	      size_t nthemes)
{
	bool shares = p->resource && share_theme(r, p->resource);

	for (size_t t = 0; p->themes && !shares && t < nthemes; t++)
		shares = p->themes[t] && uses(r, t);
	return r != p->resource && !(p->stores && shares);
}

/* What data.sqlite of a theme has in bytes, 0 without. */
static int64_t
portable_bytes(struct store *store, const struct publish_theme *theme)
{
	struct publish_file f = {0};
	scope_reader reader = {0};
	int rc = 0;

	if (!theme->theme->sqlite)
		return 0;
	rc = store_reader_get(store, &reader, NULL);
	if (!rc)
		rc = publish_file_at(reader.db, theme, PUBLISH_SQLITE, "",
				     store_published(store), &f, NULL);
	return rc ? 0 : f.bytes;
}

bool
flow_turn_is_long(const struct flow_shop *shop, int64_t resource, int64_t bytes)
{
	const struct flow_plan *plan = shop->plan;
	const struct flow_resource *r = flow_plan_resource(plan, resource);

	for (size_t t = 0; r && t < plan->nthemes; t++) {
		if (uses(r, t) &&
		    portable_bytes(shop->store, &plan->themes[t]) >= bytes)
			return true;
	}
	return false;
}

int
flow_turn_begin(const struct flow_shop *shop, int64_t *ret_seq,
		struct error *err)
{
	struct flow_passing *p = shop->passing;
	int rc;

	if (!p) {
		*ret_seq = store_published(shop->store) + 1;
		return store_records_begin(shop->store, err);
	}
	*ret_seq = store_ahead(shop->store);
	rc = store_records_begin_ahead(shop->store, *ret_seq, err);
	p->stores = true;
	p->seq = rc ? 0 : *ret_seq;
	return rc;
}

int
flow_turn_end(const struct flow_shop *shop, int64_t seq, struct error *err)
{
	if (!shop->passing || !seq)
		return store_records_commit(shop->store, seq, err);
	shop->passing->seq = 0;
	return store_records_wait(shop->store, seq, err);
}

void
flow_turn_drop(const struct flow_shop *shop)
{
	store_records_rollback(shop->store);
	if (shop->passing)
		shop->passing->seq = 0;
}

int
flow_turn_flip(const struct flow_shop *shop, int64_t seq, struct error *err)
{
	int rc;

	if (!shop->passing || !seq)
		return 0;
	rc = store_records_go_on(shop->store, err);
	if (!rc)
		rc = store_records_commit(shop->store, seq, err);
	if (rc)
		store_records_rollback(shop->store);
	return rc;
}

void
flow_turn_over(const struct flow_shop *shop)
{
	if (!shop->passing)
		return;
	store_records_give_up(shop->store);
	*shop->passing = (struct flow_passing){0};
}

int
flow_turn_breathe(struct store *store, const struct flow_passing *p,
		  int (*let_pass)(void *ctx, struct error *err), void *ctx,
		  struct error *err)
{
	int rc;

	if (!p->seq)
		return let_pass(ctx, err);
	rc = store_records_wait(store, p->seq, err);
	if (!rc)
		rc = let_pass(ctx, err);
	return rc ? rc : store_records_go_on(store, err);
}
