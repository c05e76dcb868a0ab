/*
 * A thread that makes the log of civicfs.db durable for those who close files:
 * each of them waits for the bytes of its own file meanwhile, and one wait for
 * the log serves all.
 */
#include "inbox/state.h"

#include "base/pulse.h"

struct inbox_log {
	struct store *store;
	pthread_t thread;
	pthread_mutex_t lock; /* of what follows */
	pthread_cond_t asked, ended;
	struct inbox_syncing *first;
	bool runs, stopping;
};

int
inbox_log_new(struct store *store, struct inbox_log **ret, struct error *err)
{
	struct inbox_log *log = calloc(1, sizeof(*log));

	if (!log)
		return error_nomem(err);
	log->store = store;
	pthread_mutex_init(&log->lock, NULL);
	pthread_cond_init(&log->asked, NULL);
	pthread_cond_init(&log->ended, NULL);
	*ret = log;
	return 0;
}

void
inbox_log_free(struct inbox_log *log)
{
	if (!log)
		return;
	pthread_mutex_lock(&log->lock);
	log->stopping = true;
	pthread_cond_signal(&log->asked);
	pthread_mutex_unlock(&log->lock);
	if (log->runs)
		pthread_join(log->thread, NULL);
	pthread_cond_destroy(&log->ended);
	pthread_cond_destroy(&log->asked);
	pthread_mutex_destroy(&log->lock);
	free(log);
}

static int
sync_log(struct inbox_log *log)
{
	struct error err = ERROR_INIT;
	int rc = store_sync_log(log->store, &err);

	return rc ? inbox_errno(rc, &err) : 0;
}

static void
answer(struct inbox_log *log, struct inbox_syncing *s, int rc)
{
	while (s) {
		struct inbox_syncing *next = s->next;

		s->rc = rc;
		s->done = true;
		s = next;
	}
	pthread_cond_broadcast(&log->ended);
}

static void *
run(void *arg)
{
	struct inbox_log *log = arg;

	pthread_mutex_lock(&log->lock);
	while (!log->stopping || log->first) {
		struct inbox_syncing *all = log->first;
		int rc;

		if (!all) {
			pthread_cond_wait(&log->asked, &log->lock);
			continue;
		}
		log->first = NULL;
		pthread_mutex_unlock(&log->lock);
		rc = sync_log(log);
		pthread_mutex_lock(&log->lock);
		answer(log, all, rc);
	}
	pthread_mutex_unlock(&log->lock);
	return NULL;
}

void
inbox_log_ask(struct inbox_log *log, struct inbox_syncing *s)
{
	*s = (struct inbox_syncing){.done = false};
	pthread_mutex_lock(&log->lock);
	if (!log->runs)
		log->runs = !pthread_create(&log->thread, NULL, run, log);
	s->asked = log->runs;
	if (s->asked) {
		s->next = log->first;
		log->first = s;
		pthread_cond_signal(&log->asked);
	}
	pthread_mutex_unlock(&log->lock);
}

int
inbox_log_wait(struct inbox_log *log, struct inbox_syncing *s)
{
	enum pulse_state before;

	if (!s->asked)
		return sync_log(log);
	pthread_mutex_lock(&log->lock);
	before = pulse_turn(PULSE_WAITING);
	while (!s->done)
		pthread_cond_wait(&log->ended, &log->lock);
	pulse_turn(before);
	pthread_mutex_unlock(&log->lock);
	return s->rc;
}
