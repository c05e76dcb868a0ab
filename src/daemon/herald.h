/*
 * What a worker tells those who watch folders, by way of the herald: that there
 * are new versions, and receipts. Does not wait; lost when the herald is far
 * behind. Any thread.
 */
#ifndef DAEMON_HERALD_H
#define DAEMON_HERALD_H

#include "daemon/roles.h"
#include "mount/mount.h"
#include "store/submission.h"

void daemon_herald_published(const struct daemon_shared *shared,
			     const struct mount *m,
			     const struct publish_made *made, size_t n);
void daemon_herald_judged(const struct daemon_shared *shared, struct mount *m,
			  const struct store_submission *s);

#endif
