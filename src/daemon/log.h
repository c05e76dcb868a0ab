/*
 * What the daemon says while it runs: to standard error and, in the
 * background, to the system log. Only the shells (daemon/) log; library code
 * returns errors. Any thread, any process of the daemon.
 */
#ifndef DAEMON_LOG_H
#define DAEMON_LOG_H

#include "base/error.h"

#include <stdbool.h>

/* Once, in the launcher, before the roles are forked. */
void daemon_log_open(bool foreground);

/* 'role' is who speaks ("keeper"); priority is one of syslog(3)'s. */
void daemon_log(const char *role, int priority, const char *fmt, ...)
	PRINTF_LIKE(3, 4);

#endif
