/* A thread beside its owner's: see relay.h. */
#include "base/relay.h"

#include "base/clock.h"
#include "base/pulse.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

struct relay {
	relay_fn *work;
	void *ctx;
	pthread_t thread;
	bool has_thread;
	pthread_mutex_t lock; /* of what follows */
	pthread_cond_t changed;
	bool working, ending;
};

static void *
run_relay(void *arg)
{
	struct relay *r = arg;

	pthread_mutex_lock(&r->lock);
	for (;;) {
		while (!r->working && !r->ending)
			pthread_cond_wait(&r->changed, &r->lock);
		if (!r->working)
			break;
		pthread_mutex_unlock(&r->lock);
		r->work(r->ctx);
		pthread_mutex_lock(&r->lock);
		r->working = false;
		pthread_cond_signal(&r->changed);
	}
	pthread_mutex_unlock(&r->lock);
	return NULL;
}

struct relay *
relay_new(relay_fn *work, void *ctx)
{
	struct relay *r = calloc(1, sizeof(*r));

	if (!r)
		return NULL;
	r->work = work;
	r->ctx = ctx;
	pthread_mutex_init(&r->lock, NULL);
	pthread_cond_init(&r->changed, NULL);
	r->has_thread = !pthread_create(&r->thread, NULL, run_relay, r);
	return r;
}

void
relay_free(struct relay *r)
{
	if (!r)
		return;
	if (r->has_thread) {
		pthread_mutex_lock(&r->lock);
		r->ending = true;
		pthread_cond_signal(&r->changed);
		pthread_mutex_unlock(&r->lock);
		pthread_join(r->thread, NULL);
	}
	pthread_cond_destroy(&r->changed);
	pthread_mutex_destroy(&r->lock);
	free(r);
}

void
relay_start(struct relay *r)
{
	if (!r->has_thread) {
		r->work(r->ctx);
		return;
	}
	pthread_mutex_lock(&r->lock);
	r->working = true;
	pthread_cond_signal(&r->changed);
	pthread_mutex_unlock(&r->lock);
}

void
relay_wait(struct relay *r)
{
	enum pulse_state before;

	pthread_mutex_lock(&r->lock);
	if (r->working) {
		before = pulse_turn(PULSE_WAITING);
		while (r->working)
			pthread_cond_wait(&r->changed, &r->lock);
		pulse_turn(before);
	}
	pthread_mutex_unlock(&r->lock);
}

bool
relay_wait_some(struct relay *r, int64_t ns)
{
	int64_t until = clock_monotonic() + ns;
	const struct timespec ts = {until / CLOCK_NS, until % CLOCK_NS};
	bool rests;
	int rc = 0;

	pthread_mutex_lock(&r->lock);
	while (r->working && rc != ETIMEDOUT)
		rc = pthread_cond_clockwait(&r->changed, &r->lock,
					    CLOCK_MONOTONIC, &ts);
	rests = !r->working;
	pthread_mutex_unlock(&r->lock);
	return rests;
}
