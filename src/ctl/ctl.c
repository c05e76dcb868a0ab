/* What the verbs share: see ctl.h. */
#include "ctl/ask.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* ---- saying no ----------------------------------------------------------- */

int
ctl_refuse(int exit_status, const char *fmt, ...)
{
	va_list ap;

	fflush(stdout);
	fputs("civicfs: ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	return exit_status;
}

int
ctl_failed(int code, const struct error *err)
{
	(void)code;
	return ctl_refuse(CTL_NO, "%s", err->text);
}

const char *
ctl_value(const struct ctl *ctl, const char *name)
{
	const struct ctl_option *options = ctl->verb->options;

	for (size_t i = 0; i < CTL_OPTIONS_MAX && options[i].name; i++) {
		if (strcmp(options[i].name, name) == 0)
			return ctl->values[i];
	}
	return NULL;
}

/* ---- the configuration --------------------------------------------------- */

/* The files may be wrong while the daemon serves under what they were. */
static bool
find_daemon(struct ctl *ctl)
{
	if (ctl->verb->needs != CTL_NEEDS_DAEMON ||
	    config_find_state(ctl->config_path, &ctl->found_state, NULL))
		return false;
	ctl->state = ctl->found_state;
	return ctl_has_daemon(ctl);
}

static int
refuse_config(int rc, const struct config_problems *problems,
	      const struct error *err)
{
	for (size_t i = 0; i < problems->n; i++) {
		if (!problems->items[i].warning)
			fprintf(stderr, "%s\n", problems->items[i].text);
	}
	return ctl_refuse(rc == ERR_NOMEM ? CTL_NO : CTL_USAGE, "%s",
			  err->text);
}

int
ctl_load(struct ctl *ctl)
{
	struct config_problems problems = {0};
	struct error err = ERROR_INIT;
	int rc;

	if (!ctl->config_path)
		return ctl_refuse(CTL_USAGE,
				  "no configuration: name it, civicfs -c "
				  "CONFIG %s",
				  ctl->verb->name);
	rc = config_load(ctl->config_path, &ctl->config, &problems, &err);
	if (!rc)
		ctl->state = ctl->config->state;
	else if (find_daemon(ctl))
		rc = CTL_DONE;
	else
		rc = refuse_config(rc, &problems, &err);
	config_problems_release(&problems);
	return rc;
}
