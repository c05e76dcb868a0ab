/*
 * Files of intake/ that are prepared before anybody delivers anything: their
 * rows are committed, their names durable, so that a file that is copied into
 * an inbox waits for neither. What is not used when the process ends is removed
 * by the next start, as every blob that nothing refers to.
 */
#include "inbox/state.h"

#include "base/pulse.h"

#include <errno.h>

#define POOL_SIZE 64
#define POOL_STEP 32 /* made at once: the writer waits so long */

struct inbox_pool {
	pthread_mutex_t lock; /* of all that follows */
	int64_t blobs[POOL_SIZE];
	size_t n;
	int64_t named; /* all blobs up to this one have durable names */
};

int
inbox_pool_new(struct inbox_pool **ret, struct error *err)
{
	struct inbox_pool *pool = calloc(1, sizeof(*pool));

	if (!pool)
		return error_nomem(err);
	pthread_mutex_init(&pool->lock, NULL);
	*ret = pool;
	return 0;
}

void
inbox_pool_free(struct inbox_pool *pool)
{
	if (!pool)
		return;
	pthread_mutex_destroy(&pool->lock);
	free(pool);
}

int64_t
inbox_pool_take(struct inbox *inbox)
{
	struct inbox_pool *pool = inbox->pool;
	int64_t blob = 0;
	bool few;

	pthread_mutex_lock(&pool->lock);
	if (pool->n)
		blob = pool->blobs[--pool->n];
	few = pool->n <= POOL_SIZE - POOL_STEP;
	pthread_mutex_unlock(&pool->lock);
	if (few)
		inbox_want_fill(inbox);
	return blob;
}

bool
inbox_pool_is_named(struct inbox_pool *pool, int64_t blob)
{
	bool named;

	pthread_mutex_lock(&pool->lock);
	named = blob <= pool->named;
	pthread_mutex_unlock(&pool->lock);
	return named;
}

/* ---- filling it ---------------------------------------------------------- */

static int
add_rows(struct inbox *inbox, int64_t made[POOL_STEP], struct error *err)
{
	scope_txn txn = {0};
	int64_t now = clock_now();
	int rc = store_begin_light(inbox->store, &txn, err);

	for (int i = 0; !rc && i < POOL_STEP; i++)
		rc = store_blob_add(&txn, now, &made[i], err);
	return rc ? rc : store_commit(&txn, err);
}

/* Without the writer's lock: it takes a while where many were removed. */
static int
make_files(struct inbox *inbox, const int64_t made[POOL_STEP])
{
	for (int i = 0; i < POOL_STEP; i++) {
		scope_fd fd = inbox_blob_create(inbox, made[i]);

		if (fd < 0)
			return fd;
		pulse_step();
	}
	return inbox_blob_sync(inbox);
}

/* Numbers rise, and every other file is made under the lock of the writer that
 * gave it its number: so every file of a lower number was there before. A full
 * disk must not be made fuller. Rows that get no files nothing refers to: the
 * next start drops them. */
void
inbox_pool_fill(struct inbox *inbox)
{
	struct inbox_pool *pool = inbox->pool;
	int64_t made[POOL_STEP];

	if (inbox_room(inbox) || add_rows(inbox, made, NULL) ||
	    make_files(inbox, made))
		return;
	pthread_mutex_lock(&pool->lock);
	for (int i = POOL_STEP; i-- > 0 && pool->n < POOL_SIZE;)
		pool->blobs[pool->n++] = made[i];
	pool->named = made[POOL_STEP - 1];
	pthread_mutex_unlock(&pool->lock);
}
