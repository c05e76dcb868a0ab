/* Whether a worker lives: see watch.h. */
#include "daemon/watch.h"

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/mman.h>

#define BEAT_MS 100
#define WAITING_TIMES 10

struct daemon_beat *
daemon_beat_new(void)
{
	void *p = mmap(NULL, sizeof(struct daemon_beat), PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	return p == MAP_FAILED ? NULL : p;
}

static void *
beat_on(void *ctx)
{
	struct daemon_beat *beat = ctx;

	for (;;) {
		atomic_fetch_add(&beat->count, 1);
		poll(NULL, 0, BEAT_MS);
	}
	return NULL;
}

int
daemon_beat_start(struct daemon_beat *beat)
{
	pthread_t thread;
	int rc = pthread_create(&thread, NULL, beat_on, beat);

	return rc ? rc : pthread_detach(thread);
}

void
daemon_beat_clear(struct daemon_beat *beat)
{
	for (size_t i = 0; i < DAEMON_PULSES; i++)
		atomic_store(&beat->pulses[i].thread, 0);
}

static void
look_at_pulses(struct daemon_watch *w, const struct daemon_beat *beat,
	       int64_t passed)
{
	for (size_t i = 0; i < DAEMON_PULSES; i++) {
		const struct pulse *pulse = &beat->pulses[i];
		uint64_t steps = atomic_load(&pulse->steps);
		bool silent = atomic_load(&pulse->thread) &&
			      atomic_load(&pulse->state) != PULSE_RESTING &&
			      steps == w->pulses[i].steps;

		w->pulses[i].steps = steps;
		w->pulses[i].silent = silent ? w->pulses[i].silent + passed : 0;
	}
}

int64_t
daemon_watch_look(struct daemon_watch *w, const struct daemon_beat *beat,
		  int64_t now, int64_t pause_ns)
{
	uint64_t count = atomic_load(&beat->count);
	int64_t passed = w->looked_at ? now - w->looked_at : 0;

	if (passed > pause_ns)
		passed = pause_ns;
	w->looked_at = now;
	if (count != w->count) {
		w->count = count;
		w->silent = 0;
	} else {
		w->silent += passed;
	}
	look_at_pulses(w, beat, passed);
	return w->silent;
}

pid_t
daemon_watch_stuck(const struct daemon_watch *w, const struct daemon_beat *beat,
		   int64_t patience_ns)
{
	for (size_t i = 0; i < DAEMON_PULSES; i++) {
		const struct pulse *pulse = &beat->pulses[i];
		bool waits = atomic_load(&pulse->state) == PULSE_WAITING;
		int64_t most =
			waits ? WAITING_TIMES * patience_ns : patience_ns;

		if (w->pulses[i].silent >= most)
			return atomic_load(&pulse->thread);
	}
	return 0;
}

void
daemon_watch_forgive(struct daemon_watch *w, const struct daemon_beat *beat,
		     pid_t thread)
{
	for (size_t i = 0; i < DAEMON_PULSES; i++) {
		if (atomic_load(&beat->pulses[i].thread) == thread)
			w->pulses[i].silent = 0;
	}
}
