/* Whether a worker beats, and its threads get on. Fails if one that does is
 * taken for one that hangs, if silence is not counted, or if time in which the
 * keeper itself did not run is held against the worker. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "daemon/watch.h"

#include <unistd.h>

#define PAUSE 100

static int64_t
look(struct daemon_watch *w, const struct daemon_beat *beat, int64_t now)
{
	return daemon_watch_look(w, beat, now, PAUSE);
}

static void
silence_is_counted_from_the_first_look(void **state)
{
	struct daemon_beat *beat = daemon_beat_new();
	struct daemon_watch w = {0};

	(void)state;
	assert_non_null(beat);
	assert_int_equal(look(&w, beat, 1000), 0);
	assert_int_equal(look(&w, beat, 1050), 50);
	assert_int_equal(look(&w, beat, 1120), 120);
	atomic_fetch_add(&beat->count, 1);
	assert_int_equal(look(&w, beat, 1130), 0);
	assert_int_equal(look(&w, beat, 1140), 10);
}

static void
a_pause_of_the_keeper_is_not_the_workers(void **state)
{
	struct daemon_beat *beat = daemon_beat_new();
	struct daemon_watch w = {0};

	(void)state;
	assert_non_null(beat);
	assert_int_equal(look(&w, beat, 1000), 0);
	/* the machine slept */
	assert_int_equal(look(&w, beat, 9000000), PAUSE);
	assert_int_equal(look(&w, beat, 9000010), PAUSE + 10);
}

static void
a_new_worker_begins_anew(void **state)
{
	struct daemon_beat *beat = daemon_beat_new();
	struct daemon_watch w = {0};

	(void)state;
	assert_non_null(beat);
	atomic_fetch_add(&beat->count, 7);
	assert_int_equal(look(&w, beat, 1000), 0);
	assert_int_equal(look(&w, beat, 1090), 90);
	w = (struct daemon_watch){0};
	assert_int_equal(look(&w, beat, 1200), 0);
	assert_int_equal(look(&w, beat, 1210), 10);
}

/* The thread that has been silent for long at 'now'. */
static pid_t
stuck(struct daemon_watch *w, const struct daemon_beat *beat, int64_t now)
{
	(void)look(w, beat, now);
	return daemon_watch_stuck(w, beat, 2 * PAUSE);
}

static struct daemon_beat *
one_works(struct daemon_watch *w)
{
	struct daemon_beat *beat = daemon_beat_new();

	assert_non_null(beat);
	*w = (struct daemon_watch){0};
	pulse_take(&beat->pulses[3]);
	assert_int_equal(stuck(w, beat, 1000), 0);
	assert_int_equal(stuck(w, beat, 1100), 0);
	pulse_turn(PULSE_WORKING);
	assert_int_equal(stuck(w, beat, 1200), 0);
	return beat;
}

static void
work_without_a_step_is_noticed(void **state)
{
	struct daemon_watch w;
	struct daemon_beat *beat = one_works(&w);

	(void)state;
	assert_int_equal(stuck(&w, beat, 1300), 0);
	assert_int_equal(stuck(&w, beat, 1400), gettid());
	/* there was a reason */
	daemon_watch_forgive(&w, beat, gettid());
	assert_int_equal(stuck(&w, beat, 1500), 0);
	assert_int_equal(stuck(&w, beat, 1600), gettid());
	/* the others do not count for it */
	atomic_fetch_add(&beat->count, 1);
	atomic_fetch_add(&beat->pulses[4].steps, 1);
	assert_int_equal(stuck(&w, beat, 1700), gettid());
	daemon_beat_clear(beat);
	assert_int_equal(stuck(&w, beat, 1800), 0);
	pulse_take(NULL);
}

static void
work_that_gets_on_is_none_of_it(void **state)
{
	struct daemon_watch w;
	struct daemon_beat *beat = one_works(&w);

	(void)state;
	for (int i = 3; i < 50; i++) {
		pulse_step();
		assert_int_equal(stuck(&w, beat, 1000 + i * PAUSE), 0);
	}
	/* done, and nothing to do */
	pulse_turn(PULSE_RESTING);
	for (int i = 50; i < 100; i++)
		assert_int_equal(stuck(&w, beat, 1000 + i * PAUSE), 0);
	pulse_take(NULL);
}

static void
who_waits_for_another_has_longer(void **state)
{
	struct daemon_watch w;
	struct daemon_beat *beat = one_works(&w);
	int i = 3;

	(void)state;
	pulse_turn(PULSE_WAITING);
	for (; i < 3 + 20; i++)
		assert_int_equal(stuck(&w, beat, 1000 + i * PAUSE), 0);
	assert_int_equal(stuck(&w, beat, 1000 + i * PAUSE), gettid());
	pulse_take(NULL);
}

static void
a_thread_that_ended_is_nobody(void **state)
{
	struct daemon_watch w;
	struct daemon_beat *beat = one_works(&w);

	(void)state;
	pulse_take(NULL);
	assert_int_equal(stuck(&w, beat, 1300), 0);
	assert_int_equal(stuck(&w, beat, 1400), 0);
	assert_int_equal(stuck(&w, beat, 1500), 0);
	/* without a pulse, nothing happens */
	pulse_step();
	assert_int_equal(pulse_turn(PULSE_WORKING), PULSE_RESTING);
}

static void *
take_it(void *ctx)
{
	pulse_lock(ctx);
	pthread_mutex_unlock(ctx);
	return NULL;
}

static void *
with_a_pulse(void *ctx)
{
	void **args = ctx;

	pulse_take(args[0]);
	pulse_turn(PULSE_WORKING);
	take_it(args[1]);
	return NULL;
}

/* Waiting for a lock is seen as waiting; having it is work again. */
static void
a_lock_is_waited_for(void **state)
{
	pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
	struct pulse pulse = {0};
	void *args[] = {&pulse, &lock};
	pthread_t thread;

	(void)state;
	pthread_mutex_lock(&lock);
	assert_int_equal(pthread_create(&thread, NULL, with_a_pulse, args), 0);
	while (atomic_load(&pulse.state) != PULSE_WAITING)
		sched_yield();
	pthread_mutex_unlock(&lock);
	pthread_join(thread, NULL);
	assert_int_equal(atomic_load(&pulse.state), PULSE_WORKING);
	take_it(&lock); /* nobody has it */
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(silence_is_counted_from_the_first_look),
		cmocka_unit_test(a_pause_of_the_keeper_is_not_the_workers),
		cmocka_unit_test(a_new_worker_begins_anew),
		cmocka_unit_test(work_without_a_step_is_noticed),
		cmocka_unit_test(work_that_gets_on_is_none_of_it),
		cmocka_unit_test(who_waits_for_another_has_longer),
		cmocka_unit_test(a_thread_that_ended_is_nobody),
		cmocka_unit_test(a_lock_is_waited_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
