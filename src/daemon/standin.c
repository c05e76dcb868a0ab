/*
 * The stand-in: while no worker can be started, calls on the tree fail with
 * EIO instead of waiting for ever. What tells that a file was closed is left
 * to the next worker, to whom the kernel sends it again: a file that was
 * complete stays so.
 */
#include "daemon/roles.h"

#include "base/scope.h"
#include "daemon/log.h"
#include "mount/mount.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <syslog.h>

static void
on_end(int signal)
{
	(void)signal;
}

static int
refuse_one(const struct daemon_shared *shared, char *request)
{
	struct error err = ERROR_INIT;
	int rc = mount_refuse(shared->fuse_fd, request, &err);

	if (rc < 0)
		daemon_log("stand-in", LOG_ERR, "%s", err.text);
	return rc;
}

int
daemon_standin(const struct daemon_shared *shared)
{
	scope_free char *request = malloc(MOUNT_REQUEST_MAX);
	const struct sigaction end = {.sa_handler = on_end};
	struct error err = ERROR_INIT;
	sigset_t blocked, open;

	/* it ends between two requests only */
	sigemptyset(&blocked);
	sigaddset(&blocked, SIGTERM);
	sigprocmask(SIG_BLOCK, &blocked, &open);
	sigdelset(&open, SIGTERM);
	sigaction(SIGTERM, &end, NULL);
	signal(SIGINT, SIG_IGN);
	if (!request || mount_ask_again(shared->fuse_fd, &err))
		return 1;
	for (;;) {
		struct pollfd p = {.fd = shared->fuse_fd, .events = POLLIN};

		if (ppoll(&p, 1, NULL, &open) < 0)
			return errno == EINTR ? 0 : 1;
		if (refuse_one(shared, request) <= 0)
			return 0;
	}
}
