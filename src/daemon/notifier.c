/*
 * The notifier: every invalidation, in a process of its own. A worker killed
 * while a thread of it waits in an invalidation would never be reaped, and
 * the mount would hang (DESIGN 2).
 */
#include "daemon/roles.h"

#include "base/scope.h"
#include "daemon/log.h"
#include "mount/mount.h"

#include <errno.h>
#include <sys/socket.h>
#include <syslog.h>

int
daemon_notifier(const struct daemon_shared *shared)
{
	scope_free char *message = malloc(MOUNT_MESSAGE_MAX);

	if (!message)
		return 1;
	for (;;) {
		struct error err = ERROR_INIT;
		ssize_t n =
			recv(shared->notices[0], message, MOUNT_MESSAGE_MAX, 0);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return 0;
		if (n == sizeof(int)) {
			(void)!send(shared->notices[0], message, (size_t)n,
				    MSG_DONTWAIT | MSG_NOSIGNAL);
			continue;
		}
		if (mount_notify_write(shared->fuse_fd, message, (size_t)n,
				       &err))
			daemon_log("notifier", LOG_WARNING, "%s", err.text);
	}
}
