/* What is done beside the requests: see inbox_run(). */
#include "inbox/state.h"

#include "base/pulse.h"

#define GROWING_NS (20 * (CLOCK_NS / 1000)) /* between two looks */
#define IDLE_NS (100 * (CLOCK_NS / 1000))

static void
want(struct inbox *inbox, bool *what)
{
	pthread_mutex_lock(&inbox->lock);
	*what = true;
	pthread_cond_signal(&inbox->wanted);
	pthread_mutex_unlock(&inbox->lock);
}

void
inbox_want_fill(struct inbox *inbox)
{
	want(inbox, &inbox->fill);
}

void
inbox_want_look(struct inbox *inbox)
{
	want(inbox, &inbox->look);
}

void
inbox_stop(struct inbox *inbox)
{
	want(inbox, &inbox->stopping);
}

/* The lock is held, and let go in between. */
static void
fill(struct inbox *inbox)
{
	inbox->fill = false;
	pthread_mutex_unlock(&inbox->lock);
	pulse_turn(PULSE_WORKING);
	inbox_pool_fill(inbox);
	pulse_turn(PULSE_RESTING);
	pthread_mutex_lock(&inbox->lock);
}

static void
look(struct inbox *inbox)
{
	bool growing = false;
	size_t n;
	int64_t until;

	inbox->look = false;
	pthread_mutex_unlock(&inbox->lock);
	pulse_turn(PULSE_WORKING);
	n = inbox_pass_look_all(inbox, &growing);
	pulse_turn(PULSE_RESTING);
	until = clock_monotonic() + (growing ? GROWING_NS : IDLE_NS);
	pthread_mutex_lock(&inbox->lock);
	if (!n)
		return;
	while (!inbox->stopping && !inbox->fill && !inbox->look &&
	       clock_monotonic() < until) {
		const struct timespec at = {until / CLOCK_NS, until % CLOCK_NS};

		pthread_cond_clockwait(&inbox->wanted, &inbox->lock,
				       CLOCK_MONOTONIC, &at);
	}
	inbox->look = true;
}

void
inbox_run(struct inbox *inbox)
{
	pthread_mutex_lock(&inbox->lock);
	while (!inbox->stopping) {
		if (inbox->fill)
			fill(inbox);
		else if (inbox->look)
			look(inbox);
		else
			pthread_cond_wait(&inbox->wanted, &inbox->lock);
	}
	pthread_mutex_unlock(&inbox->lock);
}
