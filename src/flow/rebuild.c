/*
 * Themes whose rules have changed since their last version, and new themes
 * over records that are there already: one publish for all of them. Where
 * there is nothing to show, it makes no version.
 */
#include "flow/internal.h"

#include "base/clock.h"
#include "base/scope.h"
#include "flow/linked.h"
#include "store/object.h"

struct rebuild {
	const struct flow_shop *shop;
	struct store *store; /* the shop's, as the next */
	const struct flow_plan *plan;
	struct publish *publish;
	bool *changed; /* per theme */
	int64_t seq;
};

static int
find_changed(struct rebuild *b, bool *ret_any, struct error *err)
{
	scope_reader reader = {0};
	int rc = store_reader_get(b->store, &reader, err);

	for (size_t t = 0; !rc && t < b->plan->nthemes; t++) {
		const struct publish_theme *theme = &b->plan->themes[t];
		scope_buf then = BUF_INIT;

		rc = store_object_text(reader.db, theme->id, &then, err);
		if (rc < 0)
			return rc;
		b->changed[t] = rc == 0 || !slice_is(buf_slice(&then),
						     theme->theme->rules_text);
		*ret_any = *ret_any || b->changed[t];
		rc = 0;
	}
	return rc;
}

static int
collect_subjects(struct rebuild *b, const struct publish_theme *t,
		 struct error *err)
{
	struct sql *db = store_records(b->store);
	int rc = 0;

	for (size_t s = 0; s < t->theme->nsources; s++) {
		size_t members = t->theme->sources[s].nmembers;

		for (size_t m = 0; !rc && m < members; m++)
			rc = store_subject_add_lens(db, t->id, t->lens[s][m],
						    b->seq, b->shop->breath,
						    err);
	}
	return rc;
}

/* ---- rows without subject, which no subject leads to --------------------- */

struct homeless {
	struct sql *db;
	const struct flow_plan *plan;
	struct flow_use use;
	int64_t seq;
	const struct breath *breath;
	struct buf place;
	struct error *err;
};

/* Where the source has a link, it is known once every value has been looked
 * up: flow_linked_settle(). */
static int
add_homeless(void *ctx, struct slice place, const struct store_record *r)
{
	struct homeless *h = ctx;
	int rc = breathe(h->breath, h->err);

	(void)place;
	if (rc)
		return rc;
	if (flow_use_link(h->plan, &h->use))
		return flow_linked_row(h->db, h->plan, &h->use, r->key,
				       r->cells, STORE_IS, h->err);
	if (publish_orphan_place(h->use.source, h->use.member, SLICE_NONE,
				 r->key, &h->place))
		return error_nomem(h->err);
	return store_orphan_insert(h->db, h->plan->themes[h->use.theme].id,
				   h->seq, buf_slice(&h->place), h->err);
}

static int
collect_homeless(struct rebuild *b, size_t theme, struct error *err)
{
	const struct publish_theme *t = &b->plan->themes[theme];
	struct homeless h = {.db = store_records(b->store),
			     .plan = b->plan,
			     .use = {.theme = theme},
			     .seq = b->seq,
			     .breath = b->shop->breath,
			     .err = err};
	struct flow_use *use = &h.use;
	int rc = 0;

	for (; use->source < t->theme->nsources; use->source++) {
		size_t members = t->theme->sources[use->source].nmembers;

		for (use->member = 0; !rc && use->member < members;
		     use->member++)
			rc = store_link_each(
				h.db, t->lens[use->source][use->member], b->seq,
				SLICE_NONE, SLICE("\1"), add_homeless, &h, err);
	}
	buf_release(&h.place);
	return rc;
}

/* ---- one publish --------------------------------------------------------- */

static int
rebuild_theme(struct rebuild *b, size_t theme, struct error *err)
{
	const struct publish_theme *t = &b->plan->themes[theme];
	int rc = store_theme_end_all(store_records(b->store), t->id, b->seq,
				     err);

	if (!rc)
		rc = collect_subjects(b, t, err);
	if (!rc)
		rc = collect_homeless(b, theme, err);
	return rc ? rc : publish_dirty_all(b->publish, t, err);
}

static int
write_themes(struct rebuild *b, struct error *err)
{
	struct sql *db = store_records(b->store);
	int rc = store_subject_clear(db, err);

	for (size_t i = 0; !rc && i < b->plan->config->nresources; i++)
		rc = flow_link(b->store, &b->plan->resources[i], b->seq,
			       b->shop->breath, err);
	for (size_t t = 0; !rc && t < b->plan->nthemes; t++) {
		if (b->changed[t])
			rc = rebuild_theme(b, t, err);
	}
	if (!rc)
		rc = flow_subjects(
			&(struct flow_work){.store = b->store,
					    .plan = b->plan,
					    .publish = b->publish,
					    .seq = b->seq,
					    .breath = b->shop->breath},
			err);
	if (!rc)
		rc = publish_write(b->publish, b->shop->breath, err);
	return rc;
}

static int
keep_rules(struct rebuild *b, struct store_txn *txn, struct error *err)
{
	int rc = 0;

	for (size_t t = 0; !rc && t < b->plan->nthemes; t++) {
		const struct publish_theme *theme = &b->plan->themes[t];

		if (b->changed[t])
			rc = store_object_set_text(
				txn, theme->id, theme->theme->rules_text, err);
	}
	return rc;
}

static int
flip(struct rebuild *b, struct error *err)
{
	scope_txn txn = {0};
	int rc = store_begin(b->store, &txn, err);

	if (!rc)
		rc = publish_commit(b->publish, &txn, "", clock_now(), err);
	if (!rc)
		rc = store_publish(&txn, b->seq, err);
	if (!rc)
		rc = keep_rules(b, &txn, err);
	if (!rc)
		rc = store_commit(&txn, err);
	return rc;
}

static int
publish_changed(struct rebuild *b, struct error *err)
{
	int rc = flow_turn_begin(b->shop, &b->seq, err);

	if (!rc)
		rc = publish_begin(b->store, b->plan->config, b->seq,
				   &b->publish, err);
	if (!rc)
		rc = write_themes(b, err);
	if (!rc)
		rc = flow_turn_end(b->shop, b->seq, err);
	if (rc)
		flow_turn_drop(b->shop);
	if (!rc)
		rc = flow_turn_flip(b->shop, b->seq, err);
	if (!rc)
		rc = flip(b, err);
	if (!rc)
		publish_done(b->publish);
	return rc;
}

int
flow_rebuild(const struct flow_shop *shop, struct error *err)
{
	const struct flow_hooks *hooks = &shop->hooks;
	scope_free bool *changed =
		calloc(shop->plan->nthemes + 1, sizeof(*changed));
	struct rebuild b = {
		.shop = shop,
		.store = shop->store,
		.plan = shop->plan,
		.changed = changed,
	};
	const struct publish_made *made = NULL;
	bool any = false;
	size_t n;
	int rc;

	if (!changed)
		return error_nomem(err);
	rc = find_changed(&b, &any, err);
	if (rc || !any)
		return rc;
	*shop->passing = (struct flow_passing){.any = true, .themes = changed};
	rc = publish_changed(&b, err);
	flow_turn_over(shop);
	n = rc ? 0 : publish_made(b.publish, &made);
	if (n)
		hooks->published(hooks->ctx, made, n);
	publish_free(b.publish);
	return rc;
}
