/*
 * The loop: which submission is next, what is tried again and when. See
 * flow.h; submission.c takes one of them through the stages.
 */
#include "flow/internal.h"

#include "base/clock.h"
#include "base/pulse.h"
#include "base/scope.h"
#include "store/withdrawal.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <strings.h>
#include <time.h>
#include <unistd.h>

#define LARGE_BYTES (4 << 20) /* half a second's work, about */
#define PACKED_TIMES 8	      /* so much smaller is a table that is packed */
#define RETRY_NS (CLOCK_NS / 2)
#define RETRY_MAX_NS (32 * CLOCK_NS)
#define RETRY_ROOM_NS (2 * CLOCK_NS) /* whether the disk has room again */

struct flow {
	struct flow_shop shop;
	struct inbox *inbox;
	struct flow_gc *gc;
	struct flow_merging merging;

	pthread_mutex_t lock; /* of what follows */
	pthread_cond_t woken;
	bool stop, wake;
	bool arrived;  /* an inbox has changed */
	bool settling; /* a file may be about to become a submission */
	bool stirred;  /* one of wake and settling was set */
	bool busy;     /* work is under way or was found */
	/* of judging, and of collecting the inboxes */
	char trouble[ERROR_TEXT_MAX], hindrance[ERROR_TEXT_MAX];
	struct flow_watch *watches;
	struct flow_progress progress[FLOW_JUDGES];

	/* only the thread that judges */
	bool rebuilt;
	bool *held; /* per resource: one failed, and the next ones wait for it
		     * until it is tried again */
	int64_t large;	    /* bytes */
	atomic_bool wanted; /* some may wait to pass; any thread sets it */
	struct breath breath;
	struct flow_passing passing;
	struct error passed;	  /* the first failure of those that passed */
	bool *waits;		  /* per resource: what may not pass now */
	struct flow_early *early; /* NULL: none */
};

/* ---- what is next -------------------------------------------------------- */

typedef int next_fn(struct sql *db, int64_t after, struct store_submission *ret,
		    struct error *err);

/* The first whose resource is registered and, with 'held', not held. Those of
 * other resources do not wait for it. 1, 0 or negative. */
static int
find_next(struct sql *db, const struct flow_plan *plan, const bool *held,
	  next_fn *next, struct store_submission *ret, struct error *err)
{
	int64_t after = 0;
	int rc;

	while ((rc = next(db, after, ret, err)) > 0) {
		const struct flow_resource *r =
			flow_plan_resource(plan, ret->resource);

		if (r && !(held && held[r - plan->resources]))
			break;
		after = ret->number;
		store_submission_release(ret);
	}
	return rc;
}

/* A submission, or one to be released; 1, 0 or negative. */
static int
find_work(struct store *store, const struct flow_plan *plan, const bool *held,
	  struct store_submission *ret, bool *ret_release, struct error *err)
{
	scope_reader reader = {0};
	int rc = store_reader_get(store, &reader, err);

	*ret_release = false;
	if (!rc)
		rc = find_next(reader.db, plan, held, store_submission_next,
			       ret, err);
	if (rc)
		return rc;
	rc = find_next(reader.db, plan, held, store_submission_next_release,
		       ret, err);
	*ret_release = rc <= 0 || ret->released;
	return rc ? rc
		  : find_next(reader.db, plan, held,
			      store_submission_next_withdraw, ret, err);
}

static bool
is_stopping(struct flow *flow)
{
	bool stop;

	pthread_mutex_lock(&flow->lock);
	stop = flow->stop;
	pthread_mutex_unlock(&flow->lock);
	return stop;
}

/* ---- those who wait ------------------------------------------------------ */

/* Something has changed. The lock is held. */
static void
wake_watches(struct flow *flow)
{
	const uint64_t one = 1;

	for (struct flow_watch *w = flow->watches; w; w = w->next)
		(void)!write(w->fd, &one, sizeof(one));
}

static void
tell_watches(struct flow *flow)
{
	pthread_mutex_lock(&flow->lock);
	wake_watches(flow);
	pthread_mutex_unlock(&flow->lock);
}

void
flow_watch(struct flow *flow, struct flow_watch *watch)
{
	pthread_mutex_lock(&flow->lock);
	watch->next = flow->watches;
	flow->watches = watch;
	pthread_mutex_unlock(&flow->lock);
}

void
flow_unwatch(struct flow *flow, struct flow_watch *watch)
{
	struct flow_watch **at = &flow->watches;

	pthread_mutex_lock(&flow->lock);
	while (*at && *at != watch)
		at = &(*at)->next;
	if (*at)
		*at = watch->next;
	pthread_mutex_unlock(&flow->lock);
}

/* ---- the loop ------------------------------------------------------------ */

/* What it would have as a text, about. It need not be right: whether others
 * may pass changes no verdict. */
static int64_t
bytes_of(const struct store_submission *s)
{
	static const char *const packed[] = {".xlsx", ".ods", ".zip", ".gz",
					     ".tgz",  ".xz",  ".zst"};
	const char *name = s->name ? s->name : "";
	size_t n = strlen(name);

	for (size_t i = 0; i < sizeof(packed) / sizeof(*packed); i++) {
		size_t m = strlen(packed[i]);

		if (n > m && strcasecmp(name + n - m, packed[i]) == 0)
			return s->bytes * PACKED_TIMES;
	}
	return s->bytes;
}

/* 'passes': while a large one is under way. */
static int
judge(struct flow *flow, const struct store_submission *s, bool release,
      bool passes, struct error *err)
{
	struct flow_shop shop = flow->shop;
	int rc;

	if (passes) {
		shop.progress = &flow->progress[1];
	} else if (bytes_of(s) >= flow->large ||
		   flow_turn_is_long(&shop, s->resource, flow->large)) {
		shop.early = flow->early;
		shop.breath = &flow->breath;
		shop.passing = &flow->passing;
		atomic_store(&flow->wanted, true);
	}
	/* what is not whole only gets its receipt */
	rc = s->killed ? 0
		       : inbox_room_to_judge(flow->inbox, s->id, s->bytes, err);
	if (!rc) {
		rc = s->withdrawing
			     ? flow_withdrawal(&shop, s, err)
			     : flow_submission_judge(&shop, s, release, err);
		if (rc && err->errnum == ENOSPC)
			store_records_shrink(flow->shop.store);
	}
	if (flow_early_resource(flow->early) == s->resource) {
		flow_early_free(flow->early);
		flow->early = NULL;
	}
	tell_watches(flow);
	store_records_settle(flow->shop.store);
	return rc;
}

static size_t
index_of(const struct flow *flow, int64_t resource)
{
	const struct flow_plan *plan = flow->shop.plan;

	return (size_t)(flow_plan_resource(plan, resource) - plan->resources);
}

/* ---- those that pass a large one ----------------------------------------- */

/* What is held, what the large one has, and what would wait for itself. */
static void
find_waiting(struct flow *flow)
{
	const struct flow_plan *plan = flow->shop.plan;
	const struct flow_passing *p = &flow->passing;

	for (size_t i = 0; i < plan->config->nresources; i++) {
		const struct flow_resource *r = &plan->resources[i];

		flow->waits[i] =
			flow->held[i] || !flow_may_pass(p, r, plan->nthemes);
	}
}

static bool
is_too_large(const struct flow *flow, const struct store_submission *s)
{
	return bytes_of(s) >= flow->large || s->withdrawing;
}

static void
pass_one(struct flow *flow, const struct store_submission *s, bool release)
{
	struct error err = ERROR_INIT;
	size_t at = index_of(flow, s->resource);

	if (is_too_large(flow, s)) {
		flow->waits[at] = true;
		return;
	}
	if (!judge(flow, s, release, true, &err))
		return;
	flow->waits[at] = flow->held[at] = true;
	if (!flow->passed.code)
		flow->passed = err;
}

/* What they fail at is none of the large one's. */
static int
pass_all(void *ctx, struct error *ignored)
{
	struct flow *flow = ctx;
	struct error err = ERROR_INIT;
	int rc = 1;

	(void)ignored;
	while (rc > 0 && !is_stopping(flow) &&
	       store_may_pass(flow->shop.store)) {
		struct store_submission s = {0};
		bool release = false;

		rc = find_work(flow->shop.store, flow->shop.plan, flow->waits,
			       &s, &release, &err);
		if (rc > 0)
			pass_one(flow, &s, release);
		store_submission_release(&s);
	}
	if (rc < 0 && !flow->passed.code)
		flow->passed = err;
	return 0;
}

/* Whether one waits that may pass; a larger one never does. A failure to look
 * is told by the loop, whose next look fails as well. */
static bool
is_one_waiting(struct flow *flow)
{
	struct error ignored = ERROR_INIT;
	struct store_submission s = {0};
	bool release = false, found = false;

	while (!found && find_work(flow->shop.store, flow->shop.plan,
				   flow->waits, &s, &release, &ignored) > 0) {
		found = !is_too_large(flow, &s);
		if (!found)
			flow->waits[index_of(flow, s.resource)] = true;
		store_submission_release(&s);
	}
	return found;
}

/* The large one takes a breath. */
static int
pass(void *ctx, struct error *err)
{
	struct flow *flow = ctx;

	if (!flow->passing.any)
		return 0;
	atomic_store(&flow->wanted, false);
	find_waiting(flow);
	return is_one_waiting(flow)
		       ? flow_turn_breathe(flow->shop.store, &flow->passing,
					   pass_all, flow, err)
		       : 0;
}

/* ---- one after the other ------------------------------------------------- */

/* One that fails holds up its resource and nobody else; the first failure is
 * the one that is told. */
static int
judge_all(struct flow *flow, struct error *err)
{
	const struct flow_plan *plan = flow->shop.plan;
	struct error first = ERROR_INIT;

	memset(flow->held, 0, plan->config->nresources * sizeof(*flow->held));
	while (!is_stopping(flow)) {
		struct error failure = ERROR_INIT;
		struct store_submission s = {0};
		bool release = false;
		int rc = find_work(flow->shop.store, plan, flow->held, &s,
				   &release, &failure);

		if (rc < 0 && !first.code)
			first = failure;
		if (rc <= 0)
			break;
		rc = judge(flow, &s, release, false, &failure);
		if (rc)
			flow->held[index_of(flow, s.resource)] = true;
		else
			failure = ERROR_INIT;
		store_submission_release(&s);
		if (!first.code)
			first = flow->passed.code ? flow->passed : failure;
		flow->passed = ERROR_INIT;
	}
	if (first.code && err)
		*err = first;
	return first.code;
}

/* What an earlier worker, or a disk that failed, has left. */
static int
erase_secrets(struct flow *flow, struct error *err)
{
	int rc = inbox_secret_erase(flow->inbox, err);

	tell_watches(flow);
	return rc;
}

/* Those that pass and fail are tried again by judge_all(). */
static int
rebuild(struct flow *flow, struct error *err)
{
	struct flow_shop shop = flow->shop;
	int rc;

	memset(flow->held, 0, shop.plan->config->nresources);
	shop.breath = &flow->breath;
	shop.passing = &flow->passing;
	atomic_store(&flow->wanted, true);
	rc = flow_rebuild(&shop, err);
	flow->passed = ERROR_INIT;
	flow->rebuilt = rc == 0;
	store_records_settle(shop.store);
	return rc;
}

static int
work(struct flow *flow, struct error *err)
{
	struct error failure = ERROR_INIT;
	int erased = erase_secrets(flow, &failure);
	int rc;

	if (!flow->rebuilt) {
		rc = rebuild(flow, err);
		if (rc)
			return rc;
	}
	rc = judge_all(flow, err);
	if (!rc && erased && err)
		*err = failure;
	return rc ? rc : erased;
}

/* Sleeps until *flag, or until 'until' (CLOCK_REALTIME, 0 for ever). The lock
 * is held. */
static void
sleep_until(struct flow *flow, const bool *flag, int64_t until)
{
	const struct timespec ts = {until / CLOCK_NS, until % CLOCK_NS};

	pulse_turn(PULSE_RESTING);
	while (!flow->stop && !*flag) {
		if (!until)
			pthread_cond_wait(&flow->woken, &flow->lock);
		else if (pthread_cond_timedwait(&flow->woken, &flow->lock, &ts))
			break;
	}
	pulse_turn(PULSE_WORKING);
}

/* A step of what is no longer kept, or of what may stand better, if there is
 * one to do. It is nothing that anybody waits for. */
static void
tidy(struct flow *flow)
{
	struct error err = ERROR_INIT;
	int64_t now = clock_now();
	int rc = 0;

	if (flow_gc_next(flow->gc) <= now)
		rc = flow_gc_step(flow->gc, now, &err);
	if (rc < 0) {
		error_prefix(&err, rc, "removing what is no longer kept");
		flow->shop.hooks.failed(flow->shop.hooks.ctx, &err);
	}
	flow_merging_step(&flow->merging, flow->shop.store, now,
			  &flow->shop.hooks);
}

/* A large file that settles is begun with. */
static void
begin_early(struct flow *flow)
{
	struct error ignored = ERROR_INIT;
	struct flow_shop shop = flow->shop;
	struct inbox_settling f;

	if (inbox_settling(flow->inbox, clock_now(), flow->large, &f,
			   &ignored) <= 0 ||
	    inbox_room_to_judge(flow->inbox, "", f.bytes, &ignored))
		return;
	flow_early_free(flow->early);
	memset(flow->held, 0, flow->shop.plan->config->nresources);
	shop.breath = &flow->breath;
	shop.passing = &flow->passing;
	flow->early = flow_early_judge(&shop, f.blob, f.resource, f.bytes);
}

/* Until there is something to judge, or until 'until' (0 for ever). */
static void
rest(struct flow *flow, int64_t until)
{
	bool done = false;

	flow_merging_again(&flow->merging);
	pthread_mutex_lock(&flow->lock);
	flow->busy = false;
	wake_watches(flow);
	pthread_mutex_unlock(&flow->lock);
	while (!done) {
		bool settling;
		int64_t next;

		tidy(flow);
		next = flow_gc_next(flow->gc);
		if (flow->merging.next < next)
			next = flow->merging.next;
		if (until && until < next)
			next = until;
		pthread_mutex_lock(&flow->lock);
		sleep_until(flow, &flow->stirred, next ? next : 1);
		flow->stirred = false;
		settling = flow->settling && !until;
		flow->settling = false;
		done = flow->wake || flow->stop ||
		       (until && clock_now() >= until);
		if (done) {
			flow->wake = false;
			flow->busy = true;
		}
		pthread_mutex_unlock(&flow->lock);
		if (!done && settling)
			begin_early(flow);
	}
}

/* A failure that goes on is told once. */
static void
set_trouble(struct flow *flow, char at[static ERROR_TEXT_MAX], int rc,
	    const struct error *err)
{
	const char *text = rc ? err->text : "";
	bool news;

	pthread_mutex_lock(&flow->lock);
	news = strcmp(at, text) != 0;
	snprintf(at, ERROR_TEXT_MAX, "%s", text);
	if (news)
		wake_watches(flow);
	pthread_mutex_unlock(&flow->lock);
	if (rc && news)
		flow->shop.hooks.failed(flow->shop.hooks.ctx, err);
}

/* When to try again: more and more patiently, but soon when there is room.
 * *wait_ns is 0 after a success. */
static int64_t
retry_at(int64_t *wait_ns, const struct error *err)
{
	int64_t most = err->errnum == ENOSPC ? RETRY_ROOM_NS : RETRY_MAX_NS;

	*wait_ns = *wait_ns ? 2 * *wait_ns : RETRY_NS;
	if (*wait_ns > most)
		*wait_ns = most;
	return clock_now() + *wait_ns;
}

void
flow_run(struct flow *flow)
{
	int64_t wait_ns = 0;

	while (!is_stopping(flow)) {
		struct error err = ERROR_INIT;
		int rc = work(flow, &err);

		set_trouble(flow, flow->trouble, rc, &err);
		wait_ns = rc ? wait_ns : 0;
		rest(flow, rc ? retry_at(&wait_ns, &err) : 0);
	}
}

void
flow_run_collecting(struct flow *flow)
{
	int64_t wait_ns = 0;

	while (!is_stopping(flow)) {
		struct error err = ERROR_INIT;
		int64_t next = 0;
		int bound = 0;
		int rc = inbox_collect(flow->inbox, clock_now(), &bound, &next,
				       &err);

		set_trouble(flow, flow->hindrance, rc, &err);
		/* also after a failure: earlier batches may be bound */
		if (bound || rc)
			flow_wake(flow);
		wait_ns = rc ? wait_ns : 0;
		if (rc)
			next = retry_at(&wait_ns, &err);
		pthread_mutex_lock(&flow->lock);
		wake_watches(flow);
		if (next && !rc) {
			flow->settling = flow->stirred = true;
			pthread_cond_broadcast(&flow->woken);
		}
		sleep_until(flow, &flow->arrived, next);
		flow->arrived = false;
		pthread_mutex_unlock(&flow->lock);
	}
}

/* ---- for other threads --------------------------------------------------- */

static void
on_inbox_change(void *ctx)
{
	struct flow *flow = ctx;

	pthread_mutex_lock(&flow->lock);
	flow->arrived = true;
	pthread_cond_broadcast(&flow->woken);
	pthread_mutex_unlock(&flow->lock);
}

int
flow_new(struct store *store, const struct flow_plan *plan, struct inbox *inbox,
	 const struct flow_decoder *decoder, const struct flow_hooks *hooks,
	 struct flow **ret, struct error *err)
{
	struct flow *flow = calloc(1, sizeof(*flow));
	int rc;

	if (!flow)
		return error_nomem(err);
	flow->held = calloc(plan->config->nresources + 1, sizeof(bool));
	flow->waits = calloc(plan->config->nresources + 1, sizeof(bool));
	rc = flow->held && flow->waits ? 0 : error_nomem(err);
	if (!rc)
		rc = flow_gc_new(store, plan->config, inbox, &flow->gc, err);
	if (rc) {
		free(flow->held);
		free(flow->waits);
		free(flow);
		return rc;
	}
	flow->shop = (struct flow_shop){.store = store,
					.plan = plan,
					.decoder = *decoder,
					.hooks = *hooks,
					.inbox = inbox,
					.progress = &flow->progress[0]};
	flow->breath = (struct breath){pass, flow, &flow->wanted};
	flow->large = LARGE_BYTES;
	flow->inbox = inbox;
	flow->busy = true;
	pthread_mutex_init(&flow->lock, NULL);
	pthread_cond_init(&flow->woken, NULL);
	inbox_on_change(inbox, on_inbox_change, flow);
	*ret = flow;
	return 0;
}

void
flow_free(struct flow *flow)
{
	if (!flow)
		return;
	inbox_on_change(flow->inbox, NULL, NULL);
	pthread_cond_destroy(&flow->woken);
	pthread_mutex_destroy(&flow->lock);
	flow_merging_end(&flow->merging);
	flow_gc_free(flow->gc);
	flow_early_free(flow->early);
	free(flow->held);
	free(flow->waits);
	free(flow);
}

void
flow_set_large(struct flow *flow, int64_t bytes)
{
	flow->large = bytes;
}

void
flow_stop(struct flow *flow)
{
	pthread_mutex_lock(&flow->lock);
	flow->stop = true;
	pthread_cond_broadcast(&flow->woken);
	pthread_mutex_unlock(&flow->lock);
}

void
flow_wake(struct flow *flow)
{
	pthread_mutex_lock(&flow->lock);
	flow->wake = flow->stirred = true;
	atomic_store(&flow->wanted, true);
	pthread_cond_broadcast(&flow->woken);
	pthread_mutex_unlock(&flow->lock);
}

int
flow_is_settled(struct flow *flow, bool *ret, struct error *err)
{
	struct store_submission s;
	int64_t arriving = 0;
	bool release, busy;
	int rc;

	/* in the order of the way, so that nothing slips past the question */
	rc = inbox_waiting(flow->inbox, &arriving, err);
	if (!rc)
		rc = find_work(flow->shop.store, flow->shop.plan, NULL, &s,
			       &release, err);
	if (rc < 0)
		return rc;
	if (rc)
		store_submission_release(&s);
	pthread_mutex_lock(&flow->lock);
	busy = flow->busy || flow->wake || *flow->trouble || *flow->hindrance;
	pthread_mutex_unlock(&flow->lock);
	*ret = !arriving && !rc && !busy;
	return 0;
}

size_t
flow_under_way(const struct flow *flow,
	       struct flow_progress_view ret[static FLOW_JUDGES])
{
	size_t n = 0;

	for (size_t i = 0; i < FLOW_JUDGES; i++)
		n += flow_progress_see(&flow->progress[i], &ret[n]);
	return n;
}

void
flow_trouble(struct flow *flow, char *ret, size_t size)
{
	pthread_mutex_lock(&flow->lock);
	snprintf(ret, size, "%s",
		 *flow->trouble ? flow->trouble : flow->hindrance);
	pthread_mutex_unlock(&flow->lock);
}

int
flow_release(struct flow *flow, const char *id, struct error *err)
{
	struct store_submission s;
	scope_txn txn = {0};
	int rc = store_begin(flow->shop.store, &txn, err);

	if (rc)
		return rc;
	rc = store_submission_find(txn.db, id, &s, err);
	if (rc < 0)
		return rc;
	if (rc == 0)
		return error_set(err, ERR_NOTFOUND,
				 "no submission '%s': 'civicfs submissions' "
				 "lists them",
				 id);
	if (s.number > STORE_TRIAL)
		rc = flow_refuse_trial(&s, err);
	else if (strcmp(s.state, "quarantined") != 0)
		rc = error_set(err, ERR_INVALID,
			       "submission %s is %s, not quarantined: there "
			       "is nothing to release",
			       id, s.state);
	else
		rc = store_submission_ask_release(&txn, s.number, err);
	store_submission_release(&s);
	if (!rc)
		rc = store_commit(&txn, err);
	if (!rc)
		flow_wake(flow);
	return rc;
}

/* What is wrong with a withdrawal is said at once. */
int
flow_withdraw(struct flow *flow, const char *id, const char *by,
	      struct error *err)
{
	struct store_submission s;
	scope_txn txn = {0};
	int rc = store_begin(flow->shop.store, &txn, err);

	if (rc)
		return rc;
	rc = store_submission_find(txn.db, id, &s, err);
	if (rc < 0)
		return rc;
	if (rc == 0)
		return error_set(err, ERR_NOTFOUND,
				 "no submission '%s': 'civicfs submissions' "
				 "lists them",
				 id);
	rc = flow_may_withdraw(flow->shop.store, &s, err);
	if (!rc)
		rc = store_submission_ask_withdraw(&txn, s.number, by, err);
	store_submission_release(&s);
	if (!rc)
		rc = store_commit(&txn, err);
	if (!rc)
		flow_wake(flow);
	return rc;
}

/* ---- what is no longer kept ---------------------------------------------- */

void
flow_keep(struct flow *flow, const struct flow_keeping *keeping)
{
	flow_gc_set(flow->gc, keeping);
}

int64_t
flow_gc_begin(struct flow *flow)
{
	int64_t number = flow_gc_ask(flow->gc);

	flow_wake(flow);
	return number;
}

int
flow_gc_result(struct flow *flow, int64_t number, struct flow_gc_report *ret,
	       struct error *err)
{
	return flow_gc_ended(flow->gc, number, ret, err);
}
