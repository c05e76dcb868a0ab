/*
 * What a worker has the kernel forget: messages (mount.h) by way of the
 * notifier. Any thread.
 */
#ifndef DAEMON_TELL_H
#define DAEMON_TELL_H

#include "base/buf.h"
#include "daemon/roles.h"

#include <pthread.h>

struct daemon_teller {
	const struct daemon_shared *shared;
	pthread_mutex_t lock; /* one question at a time */
	int mark;	      /* of the last one */
};
void daemon_tell_init(struct daemon_teller *t,
		      const struct daemon_shared *shared);

/* Does not wait; lost when the notifier is far behind. */
void daemon_tell(struct daemon_teller *t, const struct buf *message);

/* What must have reached the kernel before anybody is told: waits for it. A
 * notifier that has died is replaced, as long as there is a keeper and not
 * '*stopping'; else it is tried once. */
void daemon_tell_surely(struct daemon_teller *t, const struct buf *message,
			const _Atomic bool *stopping);

#endif
