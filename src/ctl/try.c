/* try: a dry run of one file, with the configuration alone. */
#include "base/clock.h"
#include "base/scope.h"
#include "ctl/print.h"
#include "ctl/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <sys/stat.h>

static const char *
language_of(const struct config *config, const struct config_resource *r)
{
	const struct config_department *d =
		config_find_department(config, r->department);

	return d && *d->language ? d->language : config->language;
}

static int
open_file(const char *path, int *ret_fd)
{
	struct stat st;
	scope_fd fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	if (fd < 0 || fstat(fd, &st))
		return ctl_refuse(CTL_NO, "'%s': %s", path, strerror(errno));
	if (!S_ISREG(st.st_mode))
		return ctl_refuse(CTL_NO, "'%s' is no regular file", path);
	*ret_fd = take_fd(&fd);
	return CTL_DONE;
}

int
ctl_try(struct ctl *ctl)
{
	const struct config_resource *r =
		config_find_resource(ctl->config, ctl->args[1]);
	const struct flow_decoder decoder = ctl_decoder();
	scope_free char *path = strdup(ctl->args[0]);
	scope_buf json = BUF_INIT, text = BUF_INIT;
	struct error err = ERROR_INIT;
	bool good = false;
	scope_fd fd = -1;
	int rc;

	if (!path)
		return ctl_refuse(CTL_NO, "no memory");
	if (!r)
		return ctl_refuse(CTL_USAGE,
				  "there is no resource '%s' in '%s': its "
				  "descriptor would be resources.d/%s.ini",
				  ctl->args[1], ctl->config_path, ctl->args[1]);
	rc = open_file(ctl->args[0], &fd);
	if (rc)
		return rc;
	rc = flow_try(r, &decoder, basename(path), fd, clock_now(),
		      language_of(ctl->config, r), &json, &text, &good, &err);
	if (rc)
		return ctl_failed(rc, &err);
	rc = ctl_print(buf_slice(ctl->json ? &json : &text));
	if (rc)
		return rc;
	return good ? CTL_DONE : CTL_NO;
}
