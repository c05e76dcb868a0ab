/* The order of the stages, and recovery: see flow.h. */
#include "flow/internal.h"

#include "base/clock.h"
#include "base/io.h"
#include "base/scope.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

#define RETRY_NS (CLOCK_NS / 2)
#define HASH_STEP (1 << 20)

struct flow {
	struct store *store;
	const struct flow_plan *plan;
	struct inbox *inbox;
	struct flow_decoder decoder;
	struct flow_hooks hooks;

	pthread_mutex_t lock; /* of what follows */
	pthread_cond_t woken;
	bool stop, wake;
	bool arrived; /* an inbox has changed */
	bool busy;    /* work is under way or was found */
	/* of judging, and of collecting the inboxes */
	char trouble[ERROR_TEXT_MAX], hindrance[ERROR_TEXT_MAX];
	_Atomic int64_t judging;
	bool rebuilt; /* only the flow's thread */
};

/* ---- one submission ------------------------------------------------------ */

static int
hash_file(int fd, unsigned char ret[static DIGEST_SIZE], struct error *err)
{
	scope_digest d = digest_new();
	scope_free char *step = malloc(HASH_STEP);
	off_t at = 0;

	if (!d || !step)
		return error_nomem(err);
	for (;;) {
		ssize_t n = io_pread(fd, step, HASH_STEP, at, err);

		if (n < 0)
			return (int)n;
		if (n == 0)
			break;
		digest_add(d, step, (size_t)n);
		at += n;
	}
	digest_end(d, ret);
	return 0;
}

int
flow_weigh(struct flow_judgement *j, struct error *err)
{
	struct store_staging_counts n;
	int rc = store_staging_count(j->staging, &n, err);

	if (rc)
		return rc;
	j->counts = (struct validate_counts){
		.read = j->read, .accepted = n.good, .refused = n.refused};
	j->state = n.refused ? VALIDATE_S_PARTIAL : VALIDATE_S_ACCEPTED;
	if (j->release ||
	    n.refused * 1000000 <= j->resource->tolerance * j->read)
		return 0;
	j->state = VALIDATE_S_QUARANTINED;
	snprintf(j->reason, sizeof(j->reason),
		 "%lld of %lld rows are refused, more than tolerance = %g%% "
		 "allows",
		 (long long)n.refused, (long long)j->read,
		 (double)j->resource->tolerance / 10000);
	snprintf(j->reason_zh, sizeof(j->reason_zh),
		 "%lld/%lld 行被拒收，超过允许的比例（tolerance = %g%%）",
		 (long long)n.refused, (long long)j->read,
		 (double)j->resource->tolerance / 10000);
	return 0;
}

/* Bytes to a state: what the file says, before the records are asked. */
static int
judge_file(struct flow_judgement *j, const struct flow_decoder *decoder, int fd,
	   struct error *err)
{
	int rc = hash_file(fd, j->sha256, err);

	if (rc)
		return rc;
	if (j->submission->killed) {
		j->state = VALIDATE_S_INCOMPLETE;
		return 0;
	}
	rc = flow_judge_rows(j, decoder, fd, err);
	if (rc)
		return rc;
	switch (j->end) {
	case DECODE_INCOMPLETE:
		j->state = VALIDATE_S_INCOMPLETE;
		return 0;
	case DECODE_REJECTED:
		j->state = VALIDATE_S_REJECTED;
		return 0;
	default:
		break;
	}
	rc = flow_cross(j, err);
	return rc ? rc : flow_weigh(j, err);
}

/* Stages 4 and 5 inside the records' transaction; what comes of it is not
 * visible before flow_conclude() flips. */
static int
publish_rows(struct flow *flow, struct flow_judgement *j, int64_t seq,
	     struct error *err)
{
	struct sql *db = store_records(flow->store);
	struct validate_counts judged = j->counts;
	int rc = store_subject_clear(db, err);

	if (!rc)
		rc = flow_fold(j, flow->plan, seq, err);
	if (!rc && j->state == VALIDATE_S_QUARANTINED) {
		j->counts = judged;
		j->changed = false;
		return 0;
	}
	if (!rc && j->changed)
		rc = flow_subjects(flow->store, flow->plan, j->publish, seq,
				   err);
	if (!rc && j->changed)
		rc = publish_write(j->publish, err);
	if (!rc && !j->changed && j->state == VALIDATE_S_ACCEPTED)
		j->state = VALIDATE_S_UNCHANGED;
	return rc;
}

/* Keys touched while something is quarantined are kept even when no record
 * changed; a quarantine of this very file keeps nothing. */
static int
keep_or_forget(struct flow *flow, struct flow_judgement *j, int64_t seq,
	       struct error *err)
{
	if (j->changed)
		return store_records_commit(flow->store, seq, err);
	if (j->resource->mode != CONFIG_SNAPSHOT &&
	    j->state != VALIDATE_S_QUARANTINED)
		return store_records_commit(flow->store, 0, err);
	store_records_rollback(flow->store);
	return 0;
}

static int
store_rows(struct flow *flow, struct flow_judgement *j, int64_t *ret_seq,
	   struct error *err)
{
	int64_t seq = store_published(flow->store) + 1;
	int rc = publish_begin(flow->store, flow->plan->config, seq,
			       &j->publish, err);

	if (!rc)
		rc = store_records_begin(flow->store, err);
	if (rc)
		return rc;
	rc = publish_rows(flow, j, seq, err);
	if (!rc)
		rc = keep_or_forget(flow, j, seq, err);
	if (rc)
		store_records_rollback(flow->store);
	else if (j->changed)
		*ret_seq = seq;
	return rc;
}

static bool
is_to_be_stored(const struct flow_judgement *j)
{
	return j->state == VALIDATE_S_ACCEPTED ||
	       j->state == VALIDATE_S_PARTIAL;
}

/* After the last quarantine of a resource is gone, nobody asks any more which
 * keys were touched meanwhile. */
static int
forget_touched(struct flow *flow, const struct flow_judgement *j,
	       struct error *err)
{
	int64_t waiting = 0;
	scope_reader reader = {0};
	int rc = store_reader_get(flow->store, &reader, err);

	if (!rc)
		rc = store_submission_count(reader.db, j->planned->id,
					    "quarantined", &waiting, err);
	if (rc || waiting)
		return rc;
	rc = store_records_begin(flow->store, err);
	if (!rc)
		rc = store_touched_clear(store_records(flow->store),
					 j->planned->id, err);
	if (!rc)
		rc = store_records_commit(flow->store, 0, err);
	if (rc)
		store_records_rollback(flow->store);
	return rc;
}

static void
tell(struct flow *flow, const struct flow_judgement *j, int64_t seq)
{
	const struct publish_made *made = NULL;
	size_t n = seq ? publish_made(j->publish, &made) : 0;

	if (n)
		flow->hooks.published(flow->hooks.ctx, made, n);
	flow->hooks.judged(flow->hooks.ctx, j->planned->id,
			   j->submission->number);
}

static int
judge_opened(struct flow *flow, struct flow_judgement *j, struct error *err)
{
	char path[STORE_BLOB_PATH_MAX];
	scope_fd fd = -1;
	int64_t seq = 0;
	int rc = flow_judgement_init(j, err);

	store_blob_path(j->submission->blob, path);
	if (!rc) {
		fd = openat(store_dir_fd(flow->store), path,
			    O_RDONLY | O_CLOEXEC);
		if (fd < 0)
			rc = error_errno(err, errno, "original '%s'", path);
	}
	if (!rc)
		rc = judge_file(j, &flow->decoder, fd, err);
	if (!rc && is_to_be_stored(j))
		rc = store_rows(flow, j, &seq, err);
	if (!rc && j->counts.refused && j->fix)
		rc = flow_fix_file(j, err);
	if (!rc)
		rc = flow_conclude(j, seq, err);
	if (rc && seq) {
		/* committed records that will not be flipped */
		struct error later = ERROR_INIT;

		if (!store_records_begin(flow->store, &later) &&
		    !store_records_undo(flow->store, seq, &later))
			(void)!store_records_commit(flow->store, 0, &later);
		store_records_rollback(flow->store);
	}
	if (!rc)
		tell(flow, j, seq);
	if (!rc && j->release)
		rc = forget_touched(flow, j, err);
	return rc;
}

static const char *
receipt_language(const struct config *config, const char *department)
{
	const struct config_department *d =
		config_find_department(config, department);

	return d && *d->language ? d->language : config->language;
}

static int
judge(struct flow *flow, const struct store_submission *s, bool release,
      struct error *err)
{
	struct flow_judgement j = {
		.store = flow->store,
		.config = flow->plan->config,
		.planned = flow_plan_resource(flow->plan, s->resource),
		.submission = s,
		.release = release,
	};
	int rc;

	if (!j.planned)
		return error_set(err, ERR_INVALID,
				 "submission %s waits for a resource that is "
				 "no longer registered: put its descriptor "
				 "back",
				 s->id);
	j.resource = j.planned->resource;
	j.language = receipt_language(j.config, j.resource->department);
	atomic_store(&flow->judging, s->number);
	rc = judge_opened(flow, &j, err);
	atomic_store(&flow->judging, 0);
	flow_judgement_release(&j);
	return rc ? error_prefix(err, rc, "submission %s", s->id) : 0;
}

/* ---- the loop ------------------------------------------------------------ */

/* The next submission and what to do with it; 1, 0 or negative. */
static int
find_work(struct flow *flow, struct store_submission *ret, bool *ret_release,
	  struct error *err)
{
	scope_reader reader = {0};
	int rc = store_reader_get(flow->store, &reader, err);

	*ret_release = false;
	if (!rc)
		rc = store_submission_next(reader.db, ret, err);
	if (rc)
		return rc;
	*ret_release = true;
	return store_submission_next_release(reader.db, ret, err);
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

static int
work(struct flow *flow, struct error *err)
{
	int rc = 0;

	if (!flow->rebuilt) {
		rc = flow_rebuild(flow->store, flow->plan, &flow->hooks, err);
		flow->rebuilt = rc == 0;
	}
	while (!rc && !is_stopping(flow)) {
		struct store_submission s = {0};
		bool release;

		rc = find_work(flow, &s, &release, err);
		if (rc <= 0)
			break;
		rc = judge(flow, &s, release, err);
		store_submission_release(&s);
	}
	return rc;
}

/* Sleeps until *flag, or until 'until' (CLOCK_REALTIME, 0 for ever). The lock
 * is held. */
static void
sleep_until(struct flow *flow, const bool *flag, int64_t until)
{
	const struct timespec ts = {until / CLOCK_NS, until % CLOCK_NS};

	while (!flow->stop && !*flag) {
		if (!until)
			pthread_cond_wait(&flow->woken, &flow->lock);
		else if (pthread_cond_timedwait(&flow->woken, &flow->lock, &ts))
			break;
	}
}

static void
rest(struct flow *flow, int64_t until)
{
	pthread_mutex_lock(&flow->lock);
	flow->busy = false;
	sleep_until(flow, &flow->wake, until);
	flow->wake = false;
	flow->busy = true;
	pthread_mutex_unlock(&flow->lock);
}

static void
set_trouble(struct flow *flow, char at[static ERROR_TEXT_MAX], int rc,
	    const struct error *err)
{
	pthread_mutex_lock(&flow->lock);
	snprintf(at, ERROR_TEXT_MAX, "%s", rc ? err->text : "");
	pthread_mutex_unlock(&flow->lock);
	if (rc)
		flow->hooks.failed(flow->hooks.ctx, err);
}

void
flow_run(struct flow *flow)
{
	while (!is_stopping(flow)) {
		struct error err = ERROR_INIT;
		int rc = work(flow, &err);

		set_trouble(flow, flow->trouble, rc, &err);
		rest(flow, rc ? clock_now() + RETRY_NS : 0);
	}
}

void
flow_run_collecting(struct flow *flow)
{
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
		pthread_mutex_lock(&flow->lock);
		sleep_until(flow, &flow->arrived,
			    rc ? clock_now() + RETRY_NS : next);
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

	if (!flow)
		return error_nomem(err);
	flow->store = store;
	flow->plan = plan;
	flow->inbox = inbox;
	flow->decoder = *decoder;
	flow->hooks = *hooks;
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
	free(flow);
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
	flow->wake = true;
	pthread_cond_broadcast(&flow->woken);
	pthread_mutex_unlock(&flow->lock);
}

int
flow_is_settled(struct flow *flow, bool *ret, struct error *err)
{
	int64_t arriving = 0, judging = 0;
	struct store_submission s;
	scope_reader reader = {0};
	bool busy;
	int rc;

	/* in the order of the way, so that nothing slips past the question */
	rc = inbox_waiting(flow->inbox, &arriving, err);
	if (!rc)
		rc = store_reader_get(flow->store, &reader, err);
	if (!rc)
		rc = store_submission_count(reader.db, 0, "judging", &judging,
					    err);
	if (!rc)
		rc = store_submission_next_release(reader.db, &s, err);
	if (rc < 0)
		return rc;
	if (rc > 0) {
		store_submission_release(&s);
		judging++;
	}
	pthread_mutex_lock(&flow->lock);
	busy = flow->busy || flow->wake;
	pthread_mutex_unlock(&flow->lock);
	*ret = !arriving && !judging && !busy;
	return 0;
}

int64_t
flow_judging(const struct flow *flow)
{
	return atomic_load(&flow->judging);
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
	int rc = store_begin(flow->store, &txn, err);

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
	if (strcmp(s.state, "quarantined") != 0)
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

/* ---- a dry run ----------------------------------------------------------- */

int
flow_try(const struct config *config, const struct config_resource *resource,
	 const struct flow_decoder *decoder, const char *name, int fd,
	 int64_t now, const char *language, struct buf *json, struct buf *text,
	 bool *ret_good, struct error *err)
{
	scope_free char *copy = strdup(name);
	char nobody[] = "";
	struct store_submission s = {
		.name = copy, .submitted_by = nobody, .received_at = now};
	struct flow_judgement j = {
		.config = config,
		.resource = resource,
		.submission = &s,
		.language = language,
	};
	off_t size = lseek(fd, 0, SEEK_END);
	int rc;

	if (!copy)
		return error_nomem(err);
	if (size < 0)
		return error_errno(err, errno, "'%s'", name);
	s.bytes = size;
	rc = flow_judgement_init(&j, err);
	if (!rc)
		rc = judge_file(&j, decoder, fd, err);
	if (!rc)
		rc = flow_receipts(&j, now, NULL, 0, json, text, err);
	if (!rc)
		*ret_good = j.state == VALIDATE_S_ACCEPTED ||
			    j.state == VALIDATE_S_PARTIAL;
	flow_judgement_release(&j);
	return rc;
}
