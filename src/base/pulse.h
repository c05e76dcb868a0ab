/*
 * Whether a thread gets on. A thread that others depend on has a pulse, in
 * memory that another process may look at: it counts the steps of its work.
 * One that works and makes no step for long is caught in a loop, or waits for
 * what will never come (daemon/watch.h).
 *
 * Steps are made where all long work passes: a row of the database, bytes to
 * or from a file, bytes that are hashed. Code without such a step must not
 * take longer than seconds, or make one itself.
 */
#ifndef BASE_PULSE_H
#define BASE_PULSE_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <sys/types.h>

enum pulse_state {
	PULSE_RESTING, /* for work, or for a process that is watched itself */
	PULSE_WORKING,
	PULSE_WAITING /* for what another thread has, which may take long */
};

/* Zeroed: nobody's. One thread writes. */
struct pulse {
	_Atomic uint64_t steps;
	_Atomic int state;
	_Atomic pid_t thread; /* gettid(2); 0: nobody's */
};

/* This thread's pulse from now on, resting; NULL: it has none any more, and
 * all below does nothing. */
void pulse_take(struct pulse *pulse);

/* What this thread does now; what it did before. Both are steps. */
enum pulse_state pulse_turn(enum pulse_state state);

/* Work gets on. */
void pulse_step(void);

/* Locks a mutex that others may hold for as long as they work. */
void pulse_lock(pthread_mutex_t *lock);

#endif
