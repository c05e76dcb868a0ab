/* What the daemon says while it runs: see log.h. */
#include "daemon/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <syslog.h>
#include <unistd.h>

static bool to_syslog;

void
daemon_log_open(bool foreground)
{
	to_syslog = !foreground;
	if (to_syslog)
		openlog("civicfsd", LOG_PID, LOG_DAEMON);
}

void
daemon_log(const char *role, int priority, const char *fmt, ...)
{
	char text[ERROR_TEXT_MAX + 64];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	/* in the background the launcher reads this until the tree answers */
	dprintf(STDERR_FILENO, "civicfsd %s[%d]: %s\n", role, getpid(), text);
	if (to_syslog)
		syslog(priority, "%s: %s", role, text);
}
