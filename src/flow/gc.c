/* When a run begins, its phases one after the other, and who asks for it: see
 * gc.h. */
#include "flow/gc_run.h"

#include "base/clock.h"
#include "base/scope.h"
#include "store/hold.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define EVERY_S 3600
#define AGAIN_NS (2 * CLOCK_NS) /* while a backup holds it up */

/* In this order: what is hidden first is looked for among what is open, and
 * only then removed. */
static flow_gc_phase_fn *const phases[] = {
	flow_gc_leave_inbox,   flow_gc_leave_temporary, flow_gc_expire,
	flow_gc_drop_versions, flow_gc_see_open,	flow_gc_erase,
	flow_gc_drop_rows,     flow_gc_drop_texts,	flow_gc_drop_hashes,
	flow_gc_sweep,
};
#define PHASES (sizeof(phases) / sizeof(*phases))

struct flow_gc {
	struct flow_gc_run run;
	struct flow_keeping keeping;
	size_t phase;  /* PHASES: no run is under way */
	int hold;      /* see store/hold.h */
	int64_t every; /* ns */

	pthread_mutex_t lock; /* of what follows */
	int64_t next;	      /* when the next run is due */
	int64_t paused;	      /* not before this */
	bool under_way;
	int64_t asked, begun, ended;
	struct flow_gc_report report; /* of the run that ended last */
	struct error error;
};

void
flow_gc_run_release(struct flow_gc_run *run)
{
	publish_sweep_free(run->sweep);
	free(run->datasets);
	free(run->texts.items);
	free(run->submissions.items);
}

/* Often enough that what is kept for less than an hour does not stay for much
 * longer. */
static int64_t
interval(const struct config *config)
{
	const int64_t kept[] = {config->keep_inbox_s, config->keep_versions_s,
				config->keep_archive_s};
	int64_t s = EVERY_S;

	for (size_t i = 0; i < sizeof(kept) / sizeof(*kept); i++) {
		if (kept[i] < s)
			s = kept[i];
	}
	return (s > 0 ? s : 1) * CLOCK_NS;
}

int
flow_gc_new(struct store *store, const struct config *config,
	    struct inbox *inbox, struct flow_gc **ret, struct error *err)
{
	struct flow_gc *gc = calloc(1, sizeof(*gc));
	int rc;

	if (!gc)
		return error_nomem(err);
	rc = store_hold_open(store_dir_fd(store), &gc->hold, err);
	if (rc) {
		free(gc);
		return rc;
	}
	gc->run = (struct flow_gc_run){.store = store,
				       .config = config,
				       .inbox = inbox,
				       .keeping = &gc->keeping};
	gc->phase = PHASES;
	gc->every = interval(config);
	pthread_mutex_init(&gc->lock, NULL);
	*ret = gc;
	return 0;
}

void
flow_gc_free(struct flow_gc *gc)
{
	if (!gc)
		return;
	flow_gc_run_release(&gc->run);
	close(gc->hold);
	pthread_mutex_destroy(&gc->lock);
	free(gc);
}

void
flow_gc_set(struct flow_gc *gc, const struct flow_keeping *keeping)
{
	gc->keeping = *keeping;
}

/* ---- when ---------------------------------------------------------------- */

int64_t
flow_gc_next(struct flow_gc *gc)
{
	int64_t next;

	pthread_mutex_lock(&gc->lock);
	next = gc->under_way || gc->asked > gc->begun ? 0 : gc->next;
	if (next < gc->paused)
		next = gc->paused;
	pthread_mutex_unlock(&gc->lock);
	return next;
}

static void
begin(struct flow_gc *gc, int64_t now)
{
	struct flow_gc_run *run = &gc->run;

	flow_gc_run_release(run);
	*run = (struct flow_gc_run){.store = run->store,
				    .config = run->config,
				    .inbox = run->inbox,
				    .keeping = run->keeping,
				    .now = now};
	gc->phase = 0;
	pthread_mutex_lock(&gc->lock);
	gc->begun = gc->asked;
	gc->under_way = true;
	pthread_mutex_unlock(&gc->lock);
}

static void
end(struct flow_gc *gc, int64_t now, const struct error *err)
{
	gc->phase = PHASES;
	pthread_mutex_lock(&gc->lock);
	gc->next = now + gc->every;
	gc->under_way = false;
	gc->ended = gc->begun;
	gc->report = gc->run.report;
	gc->error = *err;
	pthread_mutex_unlock(&gc->lock);
	flow_gc_run_release(&gc->run);
	gc->run.sweep = NULL;
	gc->run.datasets = NULL;
	gc->run.texts = gc->run.submissions = (struct flow_gc_list){0};
}

/* ---- steps --------------------------------------------------------------- */

/* The next phase begins at the beginning. */
static void
go_on(struct flow_gc *gc)
{
	gc->phase++;
	gc->run.after = 0;
	gc->run.at = 0;
	gc->run.table = 0;
}

/* What holds us up may take long: the run waits where it is. */
static void
wait_for_hold(struct flow_gc *gc, int64_t now)
{
	pthread_mutex_lock(&gc->lock);
	gc->paused = now + AGAIN_NS;
	pthread_mutex_unlock(&gc->lock);
}

int
flow_gc_step(struct flow_gc *gc, int64_t now, struct error *err)
{
	struct error failure = ERROR_INIT;
	int rc = store_hold_try(gc->hold, &failure);

	if (!rc) {
		wait_for_hold(gc, now);
		return 0;
	}
	if (gc->phase == PHASES)
		begin(gc, now);
	if (rc > 0)
		rc = phases[gc->phase](&gc->run, &failure);
	store_hold_drop(gc->hold);
	if (rc == 0)
		go_on(gc);
	if (rc >= 0 && gc->phase < PHASES)
		return 1;
	if (rc == 0 && gc->run.damage.code) {
		failure = gc->run.damage;
		rc = failure.code;
	}
	end(gc, now, &failure);
	if (rc < 0 && err)
		*err = failure;
	return rc;
}

/* ---- for other threads --------------------------------------------------- */

int64_t
flow_gc_ask(struct flow_gc *gc)
{
	int64_t number;

	pthread_mutex_lock(&gc->lock);
	number = ++gc->asked;
	pthread_mutex_unlock(&gc->lock);
	return number;
}

int
flow_gc_ended(struct flow_gc *gc, int64_t number, struct flow_gc_report *ret,
	      struct error *err)
{
	int rc = 0;

	pthread_mutex_lock(&gc->lock);
	if (gc->ended >= number) {
		*ret = gc->report;
		rc = gc->error.code ? gc->error.code : 1;
		if (rc < 0 && err)
			*err = gc->error;
	}
	pthread_mutex_unlock(&gc->lock);
	return rc;
}
