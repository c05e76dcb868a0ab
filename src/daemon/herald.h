/*
 * What a worker tells those who watch folders, by way of the herald (mount.h,
 * MOUNT_NEWS_…). Any thread.
 */
#ifndef DAEMON_HERALD_H
#define DAEMON_HERALD_H

#include "base/buf.h"
#include "daemon/roles.h"

/* Does not wait; lost when the herald is far behind. An empty one is nothing.
 */
void daemon_herald_tell(const struct daemon_shared *shared,
			const struct buf *news);

#endif
