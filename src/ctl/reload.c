/* reload: has the files of the configuration checked, and waits until the tree
 * follows them. */
#include "base/clock.h"
#include "base/scope.h"
#include "ctl/ask.h"
#include "ctl/keeper.h"
#include "ctl/print.h"

#include <poll.h>

#define LOOK_MS 10
#define PATIENCE_NS (60 * CLOCK_NS)

static const char *
text_of(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? text : "";
}

/* What was found wrong, or worth a word; the last item of a reload that was
 * begun has the digest and is returned. */
static const json_t *
print_findings(const struct ctl *ctl, const json_t *items)
{
	const json_t *begun = NULL;

	for (size_t i = 0; i < json_array_size(items); i++) {
		const json_t *item = json_array_get(items, i);

		if (json_object_get(item, "digest"))
			begun = item;
		else if (!ctl->json)
			fprintf(stderr, "%s%s\n",
				json_is_true(json_object_get(item, "warning"))
					? "warning: "
					: "",
				text_of(item, "text"));
	}
	return begun;
}

/* The configuration as the next worker tells it: CTL_DONE with *ret, which is
 * the caller's. */
static int
wait_for_next(struct ctl *ctl, const json_t *begun, json_t **ret)
{
	static const struct ctl_question ask = {
		.request = {.verb = "configuration"}};
	int64_t deadline = clock_monotonic() + PATIENCE_NS;
	json_t *before = json_object_get(begun, "worker_pid");

	while (clock_monotonic() < deadline) {
		struct ctl_question q = ask;
		scope_answer answer = {0};
		json_t *now;
		int rc = ctl_ask(ctl, &q, &answer);

		if (rc)
			return rc;
		now = json_array_get(answer.items, 0);
		if (!json_equal(json_object_get(now, "worker_pid"), before) &&
		    json_is_true(json_object_get(now, "forgotten"))) {
			*ret = json_incref(now);
			return CTL_DONE;
		}
		if (!ctl_keeper(ctl->state))
			return ctl_refuse(CTL_NO,
					  "the keeper died before the worker "
					  "changed to the new configuration: "
					  "start civicfsd again");
		poll(NULL, 0, LOOK_MS);
	}
	return ctl_refuse(CTL_NO,
			  "the new configuration is good, but the worker does "
			  "not change to it: 'civicfs status' shows what is "
			  "under way");
}

static int
judge(struct ctl *ctl, const json_t *begun, json_t *items)
{
	json_t *now = NULL;
	int rc = wait_for_next(ctl, begun, &now);

	if (rc)
		return rc;
	if (strcmp(text_of(now, "digest"), text_of(begun, "digest")) != 0)
		rc = ctl_refuse(CTL_NO, "the configuration stays as it was: %s",
				*text_of(now, "refused")
					? text_of(now, "refused")
					: "another reload came between");
	if (!rc && ctl->json)
		rc = ctl_json(json_array_append(items, now) ? now : items);
	json_decref(now);
	return rc;
}

static bool
is_busy(const json_t *items)
{
	return json_is_true(json_object_get(json_array_get(items, 0), "busy"));
}

/* Again while another reload is under way: this one may find other files. */
static int
ask(struct ctl *ctl, struct ctl_answer *ret)
{
	int64_t deadline = clock_monotonic() + PATIENCE_NS;
	int rc;

	for (;;) {
		struct ctl_question q = ctl_question_of(ctl);

		q.quiet = true;
		*ret->why = '\0';
		rc = ctl_ask(ctl, &q, ret);
		if (!rc || !is_busy(ret->items) ||
		    clock_monotonic() >= deadline)
			return rc;
		poll(NULL, 0, LOOK_MS);
	}
}

int
ctl_reload(struct ctl *ctl)
{
	scope_answer answer = {0};
	int rc = ask(ctl, &answer);
	const json_t *begun;

	if (rc && !*answer.why)
		return rc;
	begun = print_findings(ctl, answer.items);
	if (!rc)
		return judge(ctl, begun, answer.items);
	if (ctl->json && ctl_json(answer.items))
		return CTL_NO;
	return ctl_refuse(rc, "%s", answer.why);
}
