/*
 * Opening what may be removed later (SPEC 3, keep_versions, keep_archive): the
 * open file is noted, then it is looked whether its version or submission is
 * kept. What hides them does it the other way round: hides, then looks what is
 * open. So either the file is found to be open, or the opening fails.
 */
#include "mount/tree.h"

#include <errno.h>

#include "mount/backings.h"
#include "mount/pins.h"

/* 1 it holds something that may be removed, 0 it does not. */
static bool
is_held(uint64_t node)
{
	switch (mount_node_kind(node)) {
	case NODE_RECEIPT_TEXT:
	case NODE_RECEIPT_JSON:
	case NODE_ORIGINAL:
	case NODE_KEPT_TEXT:
	case NODE_KEPT_JSON:
	case NODE_KEPT_FIX:
	case NODE_README:
	case NODE_DATAPACKAGE:
	case NODE_SUMS:
	case NODE_FILE:
	case NODE_FLAT:
	case NODE_SUBJECT:
	case NODE_NET:
		return true;
	default:
		return false;
	}
}

static int
submission_is_kept(struct sql *db, int64_t number, struct error *err)
{
	struct store_submission s;
	int rc = store_submission_get(db, number, &s, err);

	if (rc <= 0)
		return rc;
	store_submission_release(&s);
	return !s.expired;
}

static int
net_is_kept(struct sql *db, uint64_t node, struct error *err)
{
	struct node_net net;
	int rc;

	rc = mount_net_of(db, node, &net, err);
	if (rc)
		return rc == ERR_NOTFOUND ? 0 : rc;
	rc = publish_version_is_kept(db, net.theme, net.to, err);
	return rc <= 0 || !net.from
		       ? rc
		       : publish_version_is_kept(db, net.theme, net.from, err);
}

static int
is_kept(struct sql *db, uint64_t node, struct error *err)
{
	int64_t id = (int64_t)mount_node_payload(node);
	int64_t theme, version;

	switch (mount_node_kind(node)) {
	case NODE_FILE:
	case NODE_FLAT:
		return publish_file_is_kept(db, id, err);
	case NODE_SUBJECT:
		return publish_subject_is_kept(db, id, err);
	case NODE_NET:
		return net_is_kept(db, node, err);
	case NODE_README:
	case NODE_DATAPACKAGE:
	case NODE_SUMS:
		mount_node_version_get(node, &theme, &version);
		return publish_version_is_kept(db, theme, version, err);
	default:
		return submission_is_kept(db, id, err);
	}
}

/*
 * A subject that has been looked up a moment ago was found to be kept then. It
 * still is, or will be for us, unless it has been begun since to look what is
 * open: whoever begins it now finds what has been noted before.
 */
static bool
was_kept(const struct mount *m, const struct cache_item *item)
{
	const struct text *text = item ? item->value : NULL;

	atomic_thread_fence(memory_order_seq_cst);
	return text && atomic_load(&text->kept) == atomic_load(&m->looks);
}

static uint64_t
note(struct mount *m, uint64_t node, uint64_t unique, bool resent)
{
	bool is_new;

	if (mount_node_kind(node) == NODE_FLAT && m->backings)
		return mount_backings_hold(m->backings, node, unique, resent);
	return mount_pins_add(m->pins, unique, resent, node, &is_new);
}

int
mount_hold(struct call *call, uint64_t node, uint64_t unique, bool resent,
	   uint64_t *ret)
{
	scope_cached item = NULL;
	struct sql *db;
	int rc;

	*ret = 0;
	if (!is_held(node) || !call->m->pins)
		return 0;
	*ret = note(call->m, node, unique, resent);
	if (mount_node_kind(node) == NODE_SUBJECT)
		item = mount_cache_get(call->m->texts, node);
	if (was_kept(call->m, item))
		return 0;
	/* what is read must be of after that */
	mount_call_end(call);
	rc = mount_call_db(call, &db);
	if (!rc) {
		rc = is_kept(db, node, &call->err);
		rc = rc > 0 ? 0 : rc ? mount_call_errno(call, rc) : -ESTALE;
	}
	if (rc)
		mount_drop(call->m, node, *ret);
	return rc;
}

void
mount_drop(struct mount *m, uint64_t node, uint64_t handle)
{
	if (!handle || !m->pins)
		return;
	if (mount_node_kind(node) == NODE_FLAT && m->backings)
		mount_backings_drop(m->backings, node, handle);
	else
		mount_pins_remove(m->pins, handle);
}

/* ---- for whoever removes ------------------------------------------------- */

static int
pin_of_net(struct sql *db, uint64_t node, struct flow_pin *ret,
	   struct error *err)
{
	struct node_net net;
	int rc = mount_net_of(db, node, &net, err);

	if (rc)
		return rc == ERR_NOTFOUND ? 0 : rc;
	*ret = (struct flow_pin){FLOW_PIN_NET, net.theme, net.to, net.from};
	return 1;
}

/* 1, 0 when it holds nothing, or a negative code. */
static int
pin_of(struct sql *db, uint64_t node, struct flow_pin *ret, struct error *err)
{
	*ret = (struct flow_pin){.kind = FLOW_PIN_SUBMISSION,
				 .id = (int64_t)mount_node_payload(node)};
	switch (mount_node_kind(node)) {
	case NODE_FILE:
	case NODE_FLAT:
		ret->kind = FLOW_PIN_FILE;
		return 1;
	case NODE_SUBJECT:
		ret->kind = FLOW_PIN_SUBJECT;
		return 1;
	case NODE_NET:
		return pin_of_net(db, node, ret, err);
	case NODE_README:
	case NODE_DATAPACKAGE:
	case NODE_SUMS:
		ret->kind = mount_node_kind(node) == NODE_SUMS ? FLOW_PIN_SUMS
							       : FLOW_PIN_TEXT;
		mount_node_version_get(node, &ret->id, &ret->version);
		return 1;
	default:
		return is_held(node);
	}
}

struct giving {
	flow_pin_fn *each;
	void *ctx;
	struct sql *db;
	struct error *err;
};

static int
give(void *ctx, uint64_t node)
{
	const struct giving *g = ctx;
	struct flow_pin pin;
	int rc = pin_of(g->db, node, &pin, g->err);

	return rc > 0 ? g->each(g->ctx, &pin) : rc;
}

int
mount_each_open(struct mount *m, flow_pin_fn *each, void *ctx,
		struct error *err)
{
	struct giving g = {.each = each, .ctx = ctx, .err = err};
	scope_reader reader = {0};
	int rc = m->pins ? store_reader_get(m->context.store, &reader, err) : 0;

	atomic_fetch_add(&m->looks, 1);
	g.db = reader.db;
	return rc || !m->pins ? rc : mount_pins_each(m->pins, give, &g, err);
}
