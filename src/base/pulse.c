/* The pulse of a thread: see pulse.h. */
#include "base/pulse.h"

#include <stddef.h>
#include <unistd.h>

static _Thread_local struct pulse *mine;

void
pulse_take(struct pulse *pulse)
{
	if (mine)
		atomic_store(&mine->thread, 0);
	mine = pulse;
	if (!mine)
		return;
	atomic_store(&mine->state, PULSE_RESTING);
	atomic_store(&mine->thread, gettid());
}

/* One thread writes, so this need be no operation that locks a bus. */
void
pulse_step(void)
{
	uint64_t steps;

	if (!mine)
		return;
	steps = atomic_load_explicit(&mine->steps, memory_order_relaxed);
	atomic_store_explicit(&mine->steps, steps + 1, memory_order_relaxed);
}

enum pulse_state
pulse_turn(enum pulse_state state)
{
	if (!mine)
		return PULSE_RESTING;
	pulse_step();
	return (enum pulse_state)atomic_exchange(&mine->state, (int)state);
}

void
pulse_lock(pthread_mutex_t *lock)
{
	enum pulse_state before;

	if (!mine) {
		pthread_mutex_lock(lock);
		return;
	}
	if (pthread_mutex_trylock(lock) == 0)
		return;
	before = pulse_turn(PULSE_WAITING);
	pthread_mutex_lock(lock);
	pulse_turn(before);
}
