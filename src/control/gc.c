/* gc: what has been kept long enough goes now, or is only counted. See call.h.
 */
#include "control/call.h"

#include "base/clock.h"

#define LOOK_MS 20

static int
say(struct control_call *call, const struct flow_gc_report *r, bool dry_run)
{
	struct jsonout *j = control_item(call);

	control_member_bool(j, "dry_run", dry_run);
	control_member_int(j, "inbox_files", r->inbox_files);
	control_member_int(j, "submissions", r->submissions);
	control_member_int(j, "versions", r->versions);
	control_member_int(j, "rows", r->rows);
	control_member_int(j, "packs", r->packs);
	control_member_int(j, "packs_rewritten", r->packs_rewritten);
	control_member_int(j, "bytes_freed", r->bytes);
	control_member_int(j, "bytes_reusable", r->reusable);
	control_member_int(j, "open_files", r->open_files);
	return control_item_end(call);
}

int
control_verb_gc(struct control_call *call)
{
	const struct control_context *c = call->context;
	struct flow_gc_report report;
	int64_t number;
	int rc;

	if (control_request_option(call->request, "dry_run")) {
		rc = flow_gc_preview(c->store, c->config, c->inbox, clock_now(),
				     &report, &call->err);
		return rc ? rc : say(call, &report, true);
	}
	number = flow_gc_begin(c->flow);
	while (!(rc = flow_gc_result(c->flow, number, &report, &call->err))) {
		rc = control_sleep(call, -1, LOOK_MS);
		if (rc)
			return rc;
	}
	return rc < 0 ? rc : say(call, &report, false);
}
