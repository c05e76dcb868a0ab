/*
 * Whether a worker lives, beyond being there: it beats in memory that the
 * keeper shares with it, from a thread that does nothing else. A worker that
 * judges, publishes or waits for a disk beats; one that was stopped does not.
 */
#ifndef DAEMON_WATCH_H
#define DAEMON_WATCH_H

#include "base/error.h"

#include <stdatomic.h>
#include <stdint.h>

#define DAEMON_BEAT_MS 100

struct daemon_beat {
	_Atomic uint64_t count;
};

/* Memory for it, which children inherit; NULL without memory. */
struct daemon_beat *daemon_beat_new(void);

/* What the keeper has seen. Zeroed for a new worker. */
struct daemon_watch {
	uint64_t count;	   /* the beat as it was */
	int64_t looked_at; /* clock_monotonic() */
	int64_t silent;	   /* ns without a beat while the keeper ran */
};

/*
 * Looks; how long there was no beat, in ns. Time in which the keeper itself
 * did not run (a machine that was suspended or overloaded) does not count:
 * at most 'pause_ns' are added for one look.
 */
int64_t daemon_watch_look(struct daemon_watch *w,
			  const struct daemon_beat *beat, int64_t now,
			  int64_t pause_ns);

#endif
