/*
 * Whether a worker lives, beyond being there. It beats in memory that the
 * keeper shares with it, from a thread that does nothing else: a worker that
 * was stopped does not. And its threads that answer the kernel and that judge
 * have a pulse there (base/pulse.h): one that works without a step is caught
 * in a loop or hangs, however well the others are. Work that gets on is never
 * silence, however long it takes.
 */
#ifndef DAEMON_WATCH_H
#define DAEMON_WATCH_H

#include "base/error.h"
#include "base/pulse.h"

#define DAEMON_PULSES 16

struct daemon_beat {
	_Atomic uint64_t count;
	struct pulse pulses[DAEMON_PULSES];
};

/* Memory for it, which children inherit; NULL without memory. */
struct daemon_beat *daemon_beat_new(void);

/* Starts the thread that beats, until the process ends: before the state is
 * open, which may take long. 0, or an errno. */
MUST_CHECK int daemon_beat_start(struct daemon_beat *beat);

/* Nobody's again, for the next worker. */
void daemon_beat_clear(struct daemon_beat *beat);

/* What the keeper has seen. Zeroed for a new worker. */
struct daemon_watch {
	uint64_t count;	   /* the beat as it was */
	int64_t looked_at; /* clock_monotonic() */
	int64_t silent;	   /* ns without a beat while the keeper ran */
	struct {
		uint64_t steps; /* as they were */
		int64_t silent; /* ns at work without one */
	} pulses[DAEMON_PULSES];
};

/*
 * Looks; how long there was no beat, in ns. Time in which the keeper itself
 * did not run (a machine that was suspended or overloaded) does not count:
 * at most 'pause_ns' are added for one look.
 */
int64_t daemon_watch_look(struct daemon_watch *w,
			  const struct daemon_beat *beat, int64_t now,
			  int64_t pause_ns);

/*
 * After a look: the thread that has made no step for 'patience_ns' of the
 * keeper's time; 0 when there is none. One that waits for another has ten
 * times as long, because that other is watched as well.
 */
pid_t daemon_watch_stuck(const struct daemon_watch *w,
			 const struct daemon_beat *beat, int64_t patience_ns);

/* There was a reason for the silence of this thread: counts anew. */
void daemon_watch_forgive(struct daemon_watch *w,
			  const struct daemon_beat *beat, pid_t thread);

#endif
