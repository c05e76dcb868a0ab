/* verify: every byte that readers can see, originals too, and every index, read
 * again. See
 * call.h. */
#include "control/call.h"

#include "base/scope.h"
#include "store/hold.h"

struct verify {
	struct control_call *call;
	int64_t problems;
};

/* A problem is sent when it is found: the rest may take long. */
static int
report(void *ctx, const char *text)
{
	struct verify *v = ctx;
	struct jsonout *j = control_item(v->call);
	int rc;

	v->problems++;
	jsonout_pair(j, "problem", text);
	rc = control_item_end(v->call);
	if (!rc)
		rc = control_flush(v->call);
	return rc ? rc : control_sleep(v->call, -1, 0);
}

static int
summary(struct verify *v, const struct publish_disk *disk)
{
	const struct control_context *c = v->call->context;
	struct jsonout *j = control_item(v->call);

	control_member_int(j, "themes", (int64_t)c->plan->nthemes);
	control_member_int(j, "published_sequence", store_published(c->store));
	control_member_int(j, "problems", v->problems);
	control_member_int(j, "unused_packs", disk->packs);
	control_member_int(j, "unused_blobs", disk->blobs);
	control_member_int(j, "unused_bytes", disk->bytes);
	return control_item_end(v->call);
}

int
control_verb_verify(struct control_call *call)
{
	const struct control_context *c = call->context;
	struct verify v = {.call = call};
	struct publish_disk disk = {0};
	scope_fd hold = -1;
	int rc = store_hold_open(store_dir_fd(c->store), &hold, &call->err);

	/* what is being looked at does not go meanwhile */
	if (!rc)
		rc = store_hold_share(hold, &call->err);
	if (!rc)
		rc = store_check(c->store, report, &v, &call->err);
	if (rc >= 0)
		rc = publish_verify(c->store, c->config, c->plan->themes,
				    c->plan->nthemes, report, &v, &call->err);
	if (rc >= 0)
		rc = flow_verify_originals(c->store, report, &v, &call->err);
	if (rc >= 0)
		rc = publish_verify_disk(c->store, &disk, report, &v,
					 &call->err);
	if (rc >= 0)
		rc = summary(&v, &disk);
	if (rc < 0)
		return rc;
	if (!v.problems)
		return CONTROL_DONE;
	return control_refuse(call, CONTROL_NO,
			      "%lld problems: restore a backup of the state, "
			      "and look for what damaged it",
			      (long long)v.problems);
}
