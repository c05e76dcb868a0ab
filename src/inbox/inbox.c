/* An inbox comes and goes: recovery, and what all its functions share. */
#include "inbox/state.h"

#include <errno.h>
#include <fcntl.h>

#define META_SESSION "inbox_session"
#define WORTH_BEGINNING (1 << 20) /* bytes: while it settles */

static int
compare_ids(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return x < y ? -1 : x > y;
}

static int64_t *
copy_sorted(const int64_t *ids, size_t n)
{
	int64_t *ret = calloc(n + 1, sizeof(*ret));

	if (ret && n) {
		memcpy(ret, ids, n * sizeof(*ret));
		qsort(ret, n, sizeof(*ret), compare_ids);
	}
	return ret;
}

static int
copy_resources(struct inbox *inbox, const int64_t *resources,
	       const int64_t *trials, size_t n, struct error *err)
{
	inbox->resources = copy_sorted(resources, n);
	inbox->trials = copy_sorted(trials, n);
	if (!inbox->resources || !inbox->trials)
		return error_nomem(err);
	inbox->nresources = n;
	return 0;
}

/* ---- recovery ------------------------------------------------------------ */

/* What an upload has counts. A row may outlive the name of its blob when the
 * machine dies between the two and nobody had been told that the file is
 * safe. */
static int
restore_blob(void *ctx, const struct store_inbox_file *f)
{
	struct inbox *inbox = ctx;
	struct stat st;
	int fd;

	if (inbox_blob_stat(inbox, f->blob, &st) == 0)
		return inbox_quota_set(
			       inbox->quota,
			       inbox_quota_of(inbox->quota, f->resource),
			       f->blob, st.st_size)
			       ? ERR_NOMEM
			       : 0;
	fd = inbox_blob_open(inbox, f->blob, O_RDWR | O_CREAT | O_EXCL);
	if (fd >= 0)
		close(fd);
	return 0;
}

static int
restore_blobs(struct inbox *inbox, struct error *err)
{
	scope_reader reader = {0};
	int rc = store_reader_get(inbox->store, &reader, err);

	return rc ? rc
		  : store_inbox_each_unbound(reader.db, restore_blob, inbox,
					     err);
}

/* The machine may have died between the two things that a close() of a small
 * file waits for at once: that it is known, and that its bytes are durable. 1
 * when it has other bytes, or none that can be read; 0. */
static int
has_other_content(struct inbox *inbox, struct store_txn *txn,
		  const struct store_inbox_file *f, struct error *err)
{
	unsigned char closed[DIGEST_SIZE], now[DIGEST_SIZE];
	scope_fd fd = -1;
	int rc = store_handle_content(txn->db, f->id, closed, err);

	if (rc <= 0)
		return rc;
	fd = inbox_blob_open(inbox, f->blob, O_RDONLY);
	return fd < 0 || inbox_blob_content(fd, now) <= 0 ||
	       memcmp(closed, now, sizeof(now)) != 0;
}

/* What the kernel wrote by itself after the last close() that was answered,
 * nobody was told of; but a file's ctime is that of its last change. */
static int
reopen_changed(struct inbox *inbox, struct store_txn *txn,
	       const struct store_inbox_file *f, struct error *err)
{
	int64_t all = 0, closed = 0;
	struct stat st;
	int rc = has_other_content(inbox, txn, f, err);

	if (rc)
		return rc < 0 ? rc : store_handle_reopened(txn, f->id, err);
	if (inbox_blob_stat(inbox, f->blob, &st))
		return 0;
	rc = store_handle_count(txn->db, f->id,
				st.st_ctim.tv_sec * CLOCK_NS +
					st.st_ctim.tv_nsec,
				&all, &closed, err);
	if (rc || !all || closed)
		return rc;
	return store_handle_reopened(txn, f->id, err);
}

struct reopening {
	struct inbox *inbox;
	struct store_txn *txn;
	struct error *err;
};

static int
reopen_if_changed(void *ctx, const struct store_inbox_file *f)
{
	const struct reopening *r = ctx;

	return f->handles ? reopen_changed(r->inbox, r->txn, f, r->err) : 0;
}

static int
recover_handles(struct inbox *inbox, struct store_txn *txn, struct error *err)
{
	struct reopening r = {inbox, txn, err};
	int rc = store_inbox_each_unbound(txn->db, reopen_if_changed, &r, err);

	return rc ? rc
		  : store_handle_recover(txn, inbox->session, clock_now(), err);
}

/* The first worker of a mount ends what earlier mounts left; a later one
 * takes over what is open. Nobody waits for the disk: what is lost with the
 * machine, the next mount finds as it was, and does again. */
static int
begin_session(struct inbox *inbox, struct error *err)
{
	scope_txn txn = {0};
	int64_t before = 0;
	int rc = store_begin_light(inbox->store, &txn, err);

	if (!rc)
		rc = store_meta_get(txn.db, META_SESSION, ~inbox->session,
				    &before, err);
	if (rc)
		return rc;
	if (before == inbox->session) {
		rc = store_inbox_newest(txn.db, &inbox->inherited, err);
	} else {
		rc = recover_handles(inbox, &txn, err);
		if (!rc)
			rc = store_meta_set(txn.db, META_SESSION,
					    inbox->session, err);
	}
	if (!rc)
		rc = store_blob_drop_unused(&txn, err);
	return rc ? rc : store_commit(&txn, err);
}

int
inbox_open(struct store *store, const struct config *config,
	   const int64_t *resources, const int64_t *trials, int64_t session,
	   struct inbox **ret, struct error *err)
{
	struct inbox *inbox = calloc(1, sizeof(*inbox));
	int rc;

	if (!inbox)
		return error_nomem(err);
	pthread_mutex_init(&inbox->lock, NULL);
	pthread_cond_init(&inbox->wanted, NULL);
	inbox->store = store;
	inbox->session = session;
	inbox->settle = config->settle_ms * (CLOCK_NS / 1000);
	inbox->reserve = config->reserve;
	inbox->told = INT64_MAX;
	inbox->live = inbox_live_new();
	rc = inbox->live ? copy_resources(inbox, resources, trials,
					  config->nresources, err)
			 : error_nomem(err);
	if (!rc)
		rc = inbox_pool_new(&inbox->pool, err);
	if (!rc)
		rc = inbox_log_new(store, &inbox->log, err);
	if (!rc)
		rc = inbox_quota_new(store, config, resources, trials,
				     &inbox->quota, err);
	if (!rc)
		rc = begin_session(inbox, err);
	if (!rc)
		rc = inbox_blob_sweep(inbox, err);
	if (!rc)
		rc = restore_blobs(inbox, err);
	if (!rc)
		rc = inbox_quota_refresh(inbox->quota, err);
	if (rc) {
		inbox_close(inbox);
		return error_prefix(err, rc, "opening the inboxes");
	}
	*ret = inbox;
	return 0;
}

void
inbox_close(struct inbox *inbox)
{
	if (!inbox)
		return;
	while (inbox->late) {
		struct inbox_late *late = inbox->late;

		inbox->late = late->next;
		free(late);
	}
	inbox_log_free(inbox->log);
	inbox_live_free(inbox->live);
	inbox_quota_free(inbox->quota);
	inbox_pool_free(inbox->pool);
	pthread_cond_destroy(&inbox->wanted);
	pthread_mutex_destroy(&inbox->lock);
	free(inbox->resources);
	free(inbox->trials);
	free(inbox);
}

/* ---- telling the flow ---------------------------------------------------- */

void
inbox_on_change(struct inbox *inbox, void (*changed)(void *ctx), void *ctx)
{
	pthread_mutex_lock(&inbox->lock);
	inbox->changed = changed;
	inbox->changed_ctx = ctx;
	pthread_mutex_unlock(&inbox->lock);
}

void
inbox_changed(struct inbox *inbox)
{
	void (*changed)(void *ctx);
	void *ctx;

	pthread_mutex_lock(&inbox->lock);
	changed = inbox->changed;
	ctx = inbox->changed_ctx;
	pthread_mutex_unlock(&inbox->lock);
	if (changed)
		changed(ctx);
}

/* Each look costs as much as there are files that wait. */
void
inbox_changed_later(struct inbox *inbox, int64_t bytes)
{
	int64_t next = atomic_load(&inbox->next);

	if (!next || next > clock_now() + inbox->settle ||
	    bytes >= WORTH_BEGINNING)
		inbox_changed(inbox);
}

void
inbox_tell(struct inbox *inbox, int64_t seq)
{
	atomic_store(&inbox->told, seq);
	inbox_changed(inbox);
}

bool
inbox_is_told(const struct inbox *inbox, const struct store_submission *s)
{
	return s->told_seq <= inbox->told;
}
