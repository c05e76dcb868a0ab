/*
 * doctor: whether the machine and the setup are as civicfs needs them. Works
 * without a daemon; looks, and changes nothing.
 */
#include "ctl/doctor.h"

#include "ctl/ask.h"
#include "ctl/print.h"

#include <stdarg.h>

static const char *const words[] = {
	[DOCTOR_GOOD] = "good",
	[DOCTOR_WARNING] = "warning",
	[DOCTOR_BAD] = "bad",
};

static const struct ctl_column columns[] = {
	{"check", "CHECK", CTL_TEXT},
	{"result", "RESULT", CTL_TEXT},
	{"text", "FINDING", CTL_TEXT},
};

int
doctor_say(struct doctor *d, enum doctor_result result, const char *fmt, ...)
{
	char text[ERROR_TEXT_MAX];
	va_list ap;
	json_t *finding;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (result == DOCTOR_BAD)
		d->bad = true;
	finding = json_pack("{s:s, s:s, s:s}", "check", d->check, "result",
			    words[result], "text", text);
	return json_array_append_new(d->findings, finding) ? ERR_NOMEM : 0;
}

int
ctl_doctor(struct ctl *ctl)
{
	struct doctor d = {.ctl = ctl, .findings = json_array()};
	int rc = d.findings ? 0 : ERR_NOMEM;

	for (const struct doctor_check *c = doctor_checks; !rc && c->name;
	     c++) {
		d.check = c->name;
		rc = c->run(&d);
	}
	if (rc)
		rc = ctl_refuse(CTL_NO, "no memory");
	else if (ctl->json)
		rc = ctl_json(d.findings);
	else
		rc = ctl_table(d.findings, columns,
			       sizeof(columns) / sizeof(*columns));
	json_decref(d.findings);
	return rc || !d.bad ? rc : CTL_NO;
}
