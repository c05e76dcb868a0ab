/*
 * One submission through the stages, to its verdict: bytes, rows, records,
 * subjects, versions, receipt. See internal.h; flow.c says which one is next.
 */
#include "flow/internal.h"

#include "base/clock.h"
#include "base/scope.h"
#include "base/sentence.h"
#include "flow/follow.h"
#include "flow/hash.h"
#include "store/fix.h"

#include <errno.h>
#include <fcntl.h>

#define MILLION 1000000

/* ---- bytes to a state ---------------------------------------------------- */

static void
quarantine(struct flow_judgement *j)
{
	const long long refused = (long long)j->counts.refused;
	const long long read = (long long)j->counts.read;
	const double percent = (double)j->resource->tolerance / 10000;

	j->state = VALIDATE_S_QUARANTINED;
	sentence_write(j->reason, sizeof(j->reason), false,
		       MSG_MORE_THAN_TOLERANCE, "%lld" AND "%lld" AND "%g",
		       refused, read, percent);
	sentence_write(j->reason_zh, sizeof(j->reason_zh), true,
		       MSG_MORE_THAN_TOLERANCE, "%lld" AND "%lld" AND "%g",
		       refused, read, percent);
}

/* Counts the staged rows, and asks how many may be refused. */
static void
weigh(struct flow_judgement *j)
{
	struct store_staging_counts n;

	store_staging_count(j->staging, &n);
	j->counts = (struct validate_counts){
		.read = j->read, .accepted = n.good, .refused = n.refused};
	j->state = n.refused || j->end == DECODE_SOME ? VALIDATE_S_PARTIAL
						      : VALIDATE_S_ACCEPTED;
	if (!j->release &&
	    n.refused * MILLION > j->resource->tolerance * j->read)
		quarantine(j);
}

static int
judge_rows(struct flow_judgement *j, const struct flow_decoder *decoder, int fd,
	   struct error *err)
{
	bool secret = false;
	int rc = flow_judge_rows(j, decoder, fd, err);

	if (!rc)
		rc = flow_secret_weigh(j, &secret, err);
	if (rc || (j->end == DECODE_INCOMPLETE && !secret))
		return rc;
	j->state = VALIDATE_S_REJECTED;
	if (j->end == DECODE_REJECTED || secret)
		return 0;
	flow_progress_stage(j->progress, FLOW_CHECKING, j->read, 0,
			    clock_monotonic());
	rc = flow_cross(j, err);
	if (!rc)
		weigh(j);
	if (!rc && j->round)
		rc = flow_round_weigh(j, err);
	return rc;
}

int
flow_judge_file(struct flow_judgement *j, const struct flow_decoder *decoder,
		int fd, struct error *err)
{
	scope_hash *hash = NULL;
	int rc = flow_hash_begin(fd, j->submission->bytes, &hash, err);

	j->state = VALIDATE_S_INCOMPLETE;
	if (!rc && !j->submission->killed)
		rc = judge_rows(j, decoder, fd, err);
	return rc ? rc : flow_hash_end(hash, j->breath, j->sha256, err);
}

/* ---- rows to records and versions ---------------------------------------- */

/* Stages 4 and 5 inside the records' transaction; what comes of it is not
 * visible before flow_conclude() flips. */
static int
publish_rows(const struct flow_shop *shop, struct flow_judgement *j,
	     int64_t seq, struct error *err)
{
	struct validate_counts judged = j->counts;
	int rc = store_subject_clear(store_records(shop->store), err);

	if (!rc)
		rc = flow_fold(j, shop->plan, seq, err);
	if (!rc && j->state == VALIDATE_S_QUARANTINED) {
		j->counts = judged;
		j->changed = false;
		return 0;
	}
	flow_progress_stage(j->progress, FLOW_PUBLISHING, j->read, 0,
			    clock_monotonic());
	if (!rc && j->changed)
		rc = flow_subjects(&(struct flow_work){.store = shop->store,
						       .plan = shop->plan,
						       .publish = j->publish,
						       .seq = seq,
						       .breath = j->breath,
						       .judgement = j},
				   err);
	if (!rc && j->changed)
		rc = publish_write(j->publish, j->breath, err);
	if (!rc && !j->changed && j->state == VALIDATE_S_ACCEPTED &&
	    !j->release)
		j->state = VALIDATE_S_UNCHANGED;
	return rc;
}

/* Keys touched while something is quarantined are kept even when no record
 * changed; a quarantine of this very file keeps nothing. */
static int
keep_or_forget(const struct flow_shop *shop, struct flow_judgement *j,
	       int64_t seq, struct error *err)
{
	if (j->changed || j->resource->mode != CONFIG_SNAPSHOT)
		return flow_turn_end(shop, j->changed ? seq : 0, err);
	flow_turn_drop(shop);
	return 0;
}

static int
store_rows(const struct flow_shop *shop, struct flow_judgement *j,
	   int64_t *ret_seq, struct error *err)
{
	int64_t seq;
	int rc = flow_turn_begin(shop, &seq, err);

	flow_progress_stage(j->progress, FLOW_STORING, j->read,
			    j->counts.accepted, clock_monotonic());
	if (!rc)
		rc = publish_begin(shop->store, shop->plan->config, seq,
				   &j->publish, err);
	if (!rc)
		rc = publish_rows(shop, j, seq, err);
	if (!rc)
		rc = keep_or_forget(shop, j, seq, err);
	if (rc)
		flow_turn_drop(shop);
	else if (j->changed)
		*ret_seq = seq;
	return rc;
}

/* After the last quarantine of a resource is gone, nobody asks any more which
 * keys were touched meanwhile. What is left of them does no harm, because
 * numbers never fall, so that a failure is none of the verdict's. */
static void
forget_touched(const struct flow_shop *shop, const struct flow_judgement *j)
{
	struct error err = ERROR_INIT;
	int64_t waiting = 0;
	int rc;

	{
		scope_reader reader = {0};

		rc = store_reader_get(shop->store, &reader, &err);
		if (!rc)
			rc = store_submission_awaited(reader.db, j->planned->id,
						      0, true, &waiting, &err);
	}
	if (rc || waiting)
		return;
	rc = store_records_begin(shop->store, &err);
	if (!rc)
		rc = store_touched_clear(store_records(shop->store),
					 j->planned->id, &err);
	if (!rc)
		rc = store_records_commit(shop->store, 0, &err);
	if (rc)
		store_records_rollback(shop->store);
}

/* ---- all of it ----------------------------------------------------------- */

int
flow_open_original(const struct flow_shop *shop,
		   const struct store_submission *s, int *ret_fd,
		   struct error *err)
{
	char path[STORE_BLOB_PATH_MAX];

	store_blob_path(s->blob, path);
	*ret_fd = openat(store_dir_fd(shop->store), path, O_RDONLY | O_CLOEXEC);
	return *ret_fd < 0 ? error_errno(err, errno, "original '%s'", path) : 0;
}

static bool
is_to_be_stored(const struct flow_judgement *j)
{
	return (j->state == VALIDATE_S_ACCEPTED ||
		j->state == VALIDATE_S_PARTIAL) &&
	       !flow_round_is_moot(j);
}

/* Unchanged, too, it is what the records say. */
static bool
is_stored(const struct flow_judgement *j)
{
	return is_to_be_stored(j) ||
	       (j->state == VALIDATE_S_UNCHANGED && !j->step.past);
}

/* What has the name of a fix file, and belongs to nothing that waits for one.
 */
static int
reject_fix(struct flow_judgement *j)
{
	struct validate_sentences text;
	struct validate_fault fault;

	j->state = VALIDATE_S_REJECTED;
	validate_fault_cross(VALIDATE_CROSS_NOTHING_TO_FIX, 0, 0, "",
			     SLICE_NONE, 0, &fault, &text);
	return validate_faults_add(j->errors, j->resource, &fault);
}

static int
judge_hash(struct flow_judgement *j, int fd, struct error *err)
{
	scope_hash *hash = NULL;
	int rc = flow_hash_begin(fd, j->submission->bytes, &hash, err);

	return rc ? rc : flow_hash_end(hash, j->breath, j->sha256, err);
}

/* It is looked at only for what must not be here. */
static int
judge_fix(const struct flow_shop *shop, struct flow_judgement *j, int fd,
	  struct error *err)
{
	int rc;

	if (!validate_has_secrets(j->resource)) {
		rc = judge_hash(j, fd, err);
		return rc ? rc : reject_fix(j);
	}
	rc = flow_judge_file(j, &shop->decoder, fd, err);
	if (rc || j->secret.found)
		return rc;
	j->counts = (struct validate_counts){0};
	rc = flow_judge_renew_faults(j, err);
	return rc ? rc : reject_fix(j);
}

static int
judge_bytes(const struct flow_shop *shop, struct flow_judgement *j, int fd,
	    struct error *err)
{
	const struct store_submission *s = j->submission;
	int rc;

	if (!j->round && flow_early_take(shop->early, s, fd, j))
		return 0;
	rc = flow_judgement_init(j, err);
	if (rc)
		return rc;
	if (!j->round && !s->killed && inbox_is_fix(s->name))
		return judge_fix(shop, j, fd, err);
	return flow_judge_file(j, &shop->decoder, fd, err);
}

/* The refused rows as they are now; of a fix file that could not be read it
 * stays the one that was there. */
static int
make_fix_file(const struct flow_shop *shop, struct flow_judgement *j,
	      struct error *err)
{
	if (flow_round_is_unreadable(j)) {
		j->fix_blob = j->submission->fix_blob;
		j->fix_bytes = j->submission->fix_bytes;
		j->fix_workbook = j->submission->fix_workbook;
		return 0;
	}
	return j->counts.refused && j->fix && !j->step.past
		       ? flow_fix_file(shop, j, err)
		       : 0;
}

static int
judge(const struct flow_shop *shop, struct flow_judgement *j, int64_t *ret_seq,
      struct error *err)
{
	bool same = false;
	scope_fd fd = -1;
	int rc = flow_open_original(shop, j->submission, &fd, err);

	if (!rc)
		rc = flow_round_begin(j, err);
	if (!rc && j->round)
		rc = flow_round_read(shop, j, &same, err);
	if (rc || same)
		return rc ? rc : flow_round_cancel(j, err);
	rc = judge_bytes(shop, j, fd, err);
	if (!rc)
		rc = flow_follow_weigh(j, err);
	if (!rc && is_to_be_stored(j) && j->dry)
		rc = flow_fold_dry(j, shop->plan, err);
	else if (!rc && is_to_be_stored(j))
		rc = store_rows(shop, j, ret_seq, err);
	if (!rc && is_stored(j))
		rc = flow_astray_explain(
			j, shop->plan,
			*ret_seq ? *ret_seq : store_published(shop->store),
			err);
	if (!rc)
		rc = make_fix_file(shop, j, err);
	if (!rc)
		rc = flow_turn_flip(shop, *ret_seq, err);
	if (!rc)
		rc = flow_conclude(shop, j, *ret_seq, err);
	/* that of the quarantine when released, or what came to nothing */
	flow_fix_forget(shop->store,
			rc ? j->fix_blob : j->submission->fix_blob);
	return rc;
}

static void
tell(const struct flow_shop *shop, const struct flow_judgement *j, int64_t seq)
{
	const struct publish_made *made = NULL;
	size_t n = seq ? publish_made(j->publish, &made) : 0;

	if (n)
		shop->hooks.published(shop->hooks.ctx, made, n);
	shop->hooks.judged(shop->hooks.ctx, j->submission->resource,
			   j->submission->number);
}

const char *
flow_language(const struct config *config, const char *department)
{
	const struct config_department *d =
		config_find_department(config, department);

	return d && *d->language ? d->language : config->language;
}

void
flow_judgement_begin(struct flow_judgement *j, const struct flow_shop *shop,
		     const struct store_submission *s, bool release)
{
	const struct flow_resource *planned =
		flow_plan_resource(shop->plan, s->resource);

	*j = (struct flow_judgement){
		.store = shop->store,
		.resource = planned->resource,
		.planned = planned,
		.submission = s,
		.language = flow_language(shop->plan->config,
					  planned->resource->department),
		.release = release,
		.dry = s->resource == planned->trial,
		.progress = shop->progress,
		.breath = shop->breath,
	};
}

int
flow_submission_judge(const struct flow_shop *shop,
		      const struct store_submission *s, bool release,
		      struct error *err)
{
	struct flow_judgement j;
	int64_t seq = 0;
	int rc, erased;

	flow_judgement_begin(&j, shop, s, release);
	if (shop->passing)
		*shop->passing = (struct flow_passing){.any = true,
						       .resource = j.planned};
	flow_progress_begin(j.progress, s->number, s->bytes, clock_monotonic());
	rc = judge(shop, &j, &seq, err);
	flow_progress_end(j.progress, !rc && seq, clock_monotonic());
	flow_turn_over(shop);
	erased = !rc && (j.secret.found || flow_round_is_secret(&j))
			 ? inbox_secret_erase(shop->inbox, err)
			 : 0;
	if (!rc)
		tell(shop, &j, seq);
	if (!rc && !j.dry && (release || s->again || j.round))
		forget_touched(shop, &j);
	flow_round_end(&j);
	flow_judgement_release(&j);
	rc = rc ? rc : erased;
	return rc ? error_prefix(err, rc, "submission %s", s->id) : 0;
}
