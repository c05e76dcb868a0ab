/* submissions, receipt, release, withdraw: what came in and what became of it.
 */
#include "base/scope.h"
#include "ctl/ask.h"
#include "ctl/print.h"

/* ---- submissions --------------------------------------------------------- */

static const struct ctl_column columns[] = {
	{"submission", "SUBMISSION", CTL_TEXT},
	{"resource", "RESOURCE", CTL_TEXT},
	{"file", "FILE", CTL_TEXT},
	{"state", "STATE", CTL_TEXT},
	{"bytes", "BYTES", CTL_NUMBER},
	{"submitted_by", "BY", CTL_TEXT},
	{"received_at", "RECEIVED", CTL_TIME},
	{"judged_at", "JUDGED", CTL_TIME},
};

int
ctl_submissions(struct ctl *ctl)
{
	static const char *const options[] = {"department", "resource", "state",
					      "limit"};
	struct ctl_question q = ctl_question_of(ctl);
	scope_answer answer = {0};
	int rc;

	for (size_t i = 0; i < sizeof(options) / sizeof(*options); i++)
		ctl_question_option(&q, options[i], ctl_value(ctl, options[i]));
	rc = ctl_ask(ctl, &q, &answer);
	if (rc)
		return rc;
	if (ctl->json)
		return ctl_json(answer.items);
	return ctl_table(answer.items, columns,
			 sizeof(columns) / sizeof(*columns));
}

/* ---- receipt ------------------------------------------------------------- */

int
ctl_receipt(struct ctl *ctl)
{
	struct ctl_question q = ctl_question_of(ctl);
	scope_answer answer = {0};
	int rc;

	if (ctl->json && ctl_value(ctl, "text"))
		return ctl_refuse(CTL_USAGE, "--text and --json: give one");
	ctl_question_option(&q, "form", ctl->json ? "json" : "text");
	rc = ctl_ask(ctl, &q, &answer);
	return rc ? rc : ctl_print(buf_slice(&answer.text));
}

/* ---- release and withdraw ------------------------------------------------ */

/* Asks for a decision to be carried out; 'done' is what happens now. */
static int
ask_for(struct ctl *ctl, const char *done)
{
	struct ctl_question q = ctl_question_of(ctl);
	scope_answer answer = {0};
	int rc;

	q.once = true;
	rc = ctl_ask(ctl, &q, &answer);
	if (rc)
		return rc;
	if (ctl->json)
		return ctl_json(json_array_get(answer.items, 0));
	printf("submission %s is being %s: 'civicfs wait %s' waits for it\n",
	       ctl->args[0], done, ctl->args[0]);
	return CTL_DONE;
}

int
ctl_release(struct ctl *ctl)
{
	return ask_for(ctl, "released");
}

int
ctl_withdraw(struct ctl *ctl)
{
	return ask_for(ctl, "withdrawn");
}
