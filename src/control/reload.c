/* reload, and what the configuration in force is: see call.h. */
#include "control/call.h"

void
control_configuration(const struct control_call *call, struct jsonout *j)
{
	const struct control_context *c = call->context;

	jsonout_pair(j, "path", c->config->path);
	jsonout_pair(j, "digest", c->config->digest);
	control_member_time(j, "since", c->config_since);
	control_member(j, "refused", c->refused);
}

/* What a reload waits for: whose word this is, and whether all follow it. */
int
control_verb_configuration(struct control_call *call)
{
	const struct control_context *c = call->context;
	struct jsonout *j = control_item(call);

	control_configuration(call, j);
	control_member_int(j, "worker_pid", c->worker);
	control_member_bool(j, "forgotten", !c->is_new || c->is_new(c->ctx));
	return control_item_end(call);
}

struct telling {
	struct control_call *call;
	int rc;
};

static void
tell(void *ctx, bool warning, const char *text)
{
	struct telling *t = ctx;
	struct jsonout *j;

	if (t->rc)
		return;
	j = control_item(t->call);
	control_member_bool(j, "warning", warning);
	jsonout_pair(j, "text", text);
	t->rc = control_item_end(t->call);
}

int
control_verb_reload(struct control_call *call)
{
	const struct control_context *c = call->context;
	struct telling t = {.call = call};
	char digest[DIGEST_HEX] = "";
	struct jsonout *j;
	int rc = c->reload(c->ctx, tell, &t, digest, &call->err);

	if (rc == ERR_BUSY) {
		j = control_item(call);
		control_member_bool(j, "busy", true);
		return control_item_end(call) ? ERR_NOMEM : rc;
	}
	if (rc > 0)
		return control_refuse(call, (enum control_exit)rc,
				      "the configuration stays as it was");
	if (rc || t.rc)
		return rc ? rc : t.rc;
	j = control_item(call);
	jsonout_pair(j, "digest", digest);
	control_member_int(j, "worker_pid", c->worker);
	return control_item_end(call);
}
