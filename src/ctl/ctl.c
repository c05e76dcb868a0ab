/* What the verbs share: see ctl.h. */
#include "ctl/ctl.h"

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
	for (size_t i = 0; rc && i < problems.n; i++) {
		if (!problems.items[i].warning)
			fprintf(stderr, "%s\n", problems.items[i].text);
	}
	config_problems_release(&problems);
	if (!rc)
		return CTL_DONE;
	return ctl_refuse(rc == ERR_NOMEM ? CTL_NO : CTL_USAGE, "%s", err.text);
}
