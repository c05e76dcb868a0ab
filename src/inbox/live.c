/* The table of open files: see live.h. */
#include "inbox/live.h"

#include "base/clock.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <unistd.h>

#define BUCKETS 1024
#define KEPT_MAX 256 /* descriptors kept although nobody uses them */

struct entry {
	TAILQ_ENTRY(entry) lru; /* linked while 'fd' is kept */
	struct entry *next;	/* of its bucket */
	int64_t file;
	struct inbox_live_fd *fd;
	unsigned opens;
	bool retired;
	bool unclosed; /* known: no close answered since the last write */
	bool synced;   /* known: nothing written since the last sync */
	bool passed;   /* the kernel may have written, unseen */
	bool passing;  /* and still may */
	off_t seen;    /* the size when it was last looked at */
	struct timespec ctime; /* at the last sync */
	int lost;	       /* errno, 0 none */
	off_t lost_at;	       /* -1: unknown which bytes */
	off_t rewritten;
};

TAILQ_HEAD(entries, entry);

struct inbox_live {
	pthread_mutex_t lock;
	struct entry *buckets[BUCKETS];
	struct entries lru; /* least recently used first */
	size_t kept;
	uint64_t generation; /* counts inbox_live_rebind() */
};

struct inbox_live *
inbox_live_new(void)
{
	struct inbox_live *live = calloc(1, sizeof(*live));

	if (!live)
		return NULL;
	pthread_mutex_init(&live->lock, NULL);
	TAILQ_INIT(&live->lru);
	return live;
}

static struct entry **
bucket(struct inbox_live *live, int64_t file)
{
	return &live->buckets[(uint64_t)file % BUCKETS];
}

static struct entry *
find(struct inbox_live *live, int64_t file)
{
	struct entry *e = *bucket(live, file);

	while (e && e->file != file)
		e = e->next;
	return e;
}

static struct entry *
find_or_add(struct inbox_live *live, int64_t file)
{
	struct entry *e = find(live, file);

	if (e)
		return e;
	e = calloc(1, sizeof(*e));
	if (!e)
		return NULL;
	e->file = file;
	e->next = *bucket(live, file);
	*bucket(live, file) = e;
	return e;
}

static void
drop_fd(struct inbox_live *live, struct entry *e)
{
	if (!e->fd)
		return;
	TAILQ_REMOVE(&live->lru, e, lru);
	live->kept--;
	inbox_live_fd_put(e->fd);
	e->fd = NULL;
}

static void
remove_entry(struct inbox_live *live, struct entry *e)
{
	struct entry **at = bucket(live, e->file);

	while (*at != e)
		at = &(*at)->next;
	*at = e->next;
	drop_fd(live, e);
	free(e);
}

/* An entry that says nothing any more goes. */
static void
tidy(struct inbox_live *live, struct entry *e)
{
	if (!e->fd && !e->opens && !e->retired && !e->lost && !e->passed)
		remove_entry(live, e);
}

void
inbox_live_free(struct inbox_live *live)
{
	if (!live)
		return;
	for (size_t i = 0; i < BUCKETS; i++) {
		while (live->buckets[i])
			remove_entry(live, live->buckets[i]);
	}
	pthread_mutex_destroy(&live->lock);
	free(live);
}

/* ---- descriptors --------------------------------------------------------- */

void
inbox_live_fd_put(struct inbox_live_fd *fd)
{
	if (atomic_fetch_sub(&fd->users, 1) > 1)
		return;
	close(fd->fd);
	free(fd);
}

static void
keep_fd(struct inbox_live *live, struct entry *e, struct inbox_live_fd *fd)
{
	e->fd = fd;
	TAILQ_INSERT_TAIL(&live->lru, e, lru);
	live->kept++;
	while (live->kept > KEPT_MAX) {
		struct entry *oldest = TAILQ_FIRST(&live->lru);

		drop_fd(live, oldest);
		tidy(live, oldest);
	}
}

struct inbox_live_fd *
inbox_live_find(struct inbox_live *live, int64_t file, uint64_t *ret_generation)
{
	struct inbox_live_fd *fd = NULL;
	struct entry *e;

	pthread_mutex_lock(&live->lock);
	*ret_generation = live->generation;
	e = find(live, file);
	if (e && e->fd) {
		fd = e->fd;
		atomic_fetch_add(&fd->users, 1);
		TAILQ_REMOVE(&live->lru, e, lru);
		TAILQ_INSERT_TAIL(&live->lru, e, lru);
	}
	pthread_mutex_unlock(&live->lock);
	return fd;
}

int
inbox_live_keep(struct inbox_live *live, int64_t file,
		const struct inbox_live_fd *given, uint64_t generation,
		struct inbox_live_fd **ret)
{
	int fd = given->fd;
	struct inbox_live_fd *shared = malloc(sizeof(*shared));
	struct entry *e = NULL;
	int rc = ERR_NOMEM;

	pthread_mutex_lock(&live->lock);
	if (shared && live->generation != generation)
		rc = 0;
	else if (shared)
		e = find_or_add(live, file);
	if (e && e->fd) {
		/* Another thread was faster. */
		*ret = e->fd;
		atomic_fetch_add(&e->fd->users, 1);
		rc = 1;
	} else if (e) {
		shared->fd = fd;
		shared->blob = given->blob;
		shared->bound = given->bound;
		shared->department = given->department;
		atomic_init(&shared->users, 2); /* the table and the caller */
		atomic_init(&shared->named, false);
		keep_fd(live, e, shared);
		*ret = shared;
		shared = NULL;
		fd = -1;
		rc = 1;
	}
	pthread_mutex_unlock(&live->lock);
	if (fd >= 0)
		close(fd);
	free(shared);
	return rc;
}

void
inbox_live_rebind(struct inbox_live *live, int64_t file)
{
	struct entry *e;

	pthread_mutex_lock(&live->lock);
	live->generation++;
	e = find(live, file);
	if (e) {
		drop_fd(live, e);
		e->passed = e->passing = false;
		tidy(live, e);
	}
	pthread_mutex_unlock(&live->lock);
}

void
inbox_live_rest(struct inbox_live *live, int64_t file)
{
	struct entry *e;

	pthread_mutex_lock(&live->lock);
	e = find(live, file);
	if (e)
		drop_fd(live, e);
	pthread_mutex_unlock(&live->lock);
}

/* ---- openings ------------------------------------------------------------ */

int
inbox_live_open(struct inbox_live *live, int64_t file)
{
	struct entry *e;
	int rc = 0;

	pthread_mutex_lock(&live->lock);
	e = find_or_add(live, file);
	if (!e)
		rc = ERR_NOMEM;
	else if (e->retired)
		rc = ERR_STALE;
	else
		e->opens++;
	pthread_mutex_unlock(&live->lock);
	return rc;
}

void
inbox_live_close(struct inbox_live *live, int64_t file)
{
	struct entry *e;

	pthread_mutex_lock(&live->lock);
	e = find(live, file);
	/* Openings of an earlier worker were not counted here. */
	if (e && e->opens)
		e->opens--;
	if (e && !e->opens) {
		e->lost = 0;
		tidy(live, e);
	}
	pthread_mutex_unlock(&live->lock);
}

bool
inbox_live_retire(struct inbox_live *live, int64_t file)
{
	struct entry *e;
	bool retired = false;

	pthread_mutex_lock(&live->lock);
	e = find_or_add(live, file);
	if (e && !e->opens) {
		e->retired = true;
		retired = true;
	}
	pthread_mutex_unlock(&live->lock);
	return retired;
}

void
inbox_live_unretire(struct inbox_live *live, int64_t file)
{
	struct entry *e;

	pthread_mutex_lock(&live->lock);
	e = find(live, file);
	if (e) {
		e->retired = false;
		tidy(live, e);
	}
	pthread_mutex_unlock(&live->lock);
}

void
inbox_live_forget(struct inbox_live *live, int64_t file)
{
	struct entry *e;

	pthread_mutex_lock(&live->lock);
	live->generation++;
	e = find(live, file);
	if (e)
		remove_entry(live, e);
	pthread_mutex_unlock(&live->lock);
}

/* ---- what became of writes ----------------------------------------------- */

bool
inbox_live_writing(struct inbox_live *live, int64_t file)
{
	struct entry *e;
	bool closed = true;

	pthread_mutex_lock(&live->lock);
	e = find(live, file);
	if (e) {
		closed = !e->unclosed;
		e->unclosed = true;
		e->synced = false;
	}
	pthread_mutex_unlock(&live->lock);
	return closed;
}

void
inbox_live_wrote(struct inbox_live *live, int64_t file, off_t offset, size_t n)
{
	off_t end = offset + (off_t)n;
	struct entry *e;

	pthread_mutex_lock(&live->lock);
	e = find(live, file);
	if (e) {
		if (e->lost && e->lost_at >= offset && e->lost_at < end)
			e->lost = 0;
		if (offset <= e->rewritten && end > e->rewritten)
			e->rewritten = end;
	}
	pthread_mutex_unlock(&live->lock);
}

void
inbox_live_syncing(struct inbox_live *live, int64_t file,
		   const struct stat *now)
{
	struct entry *e;

	pthread_mutex_lock(&live->lock);
	e = find(live, file);
	if (e) {
		e->synced = true;
		e->ctime = now->st_ctim;
	}
	pthread_mutex_unlock(&live->lock);
}

/* Nothing changes a file without changing its ctime. */
static bool
is_same_time(const struct entry *e, const struct stat *now)
{
	return e->ctime.tv_sec == now->st_ctim.tv_sec &&
	       e->ctime.tv_nsec == now->st_ctim.tv_nsec;
}

bool
inbox_live_is_synced(struct inbox_live *live, int64_t file,
		     const struct stat *now)
{
	struct entry *e;
	bool synced;

	pthread_mutex_lock(&live->lock);
	e = find(live, file);
	synced = e && e->synced && (!e->passed || is_same_time(e, now));
	pthread_mutex_unlock(&live->lock);
	return synced;
}

void
inbox_live_lost(struct inbox_live *live, int64_t file, off_t offset, int errnum)
{
	struct entry *e;

	pthread_mutex_lock(&live->lock);
	e = find_or_add(live, file);
	if (e)
		e->synced = false;
	/* Of several losses the first stands; unknown bytes outweigh it. */
	if (e && (!e->lost || (offset < 0 && e->lost_at >= 0) ||
		  (e->lost_at >= 0 && offset < e->lost_at))) {
		e->lost = errnum;
		e->lost_at = offset;
	}
	pthread_mutex_unlock(&live->lock);
}

int
inbox_live_loss(struct inbox_live *live, int64_t file)
{
	struct entry *e;
	int lost;

	pthread_mutex_lock(&live->lock);
	e = find(live, file);
	lost = e ? e->lost : 0;
	pthread_mutex_unlock(&live->lock);
	return lost;
}

void
inbox_live_truncated(struct inbox_live *live, int64_t file, off_t size)
{
	struct entry *e;

	pthread_mutex_lock(&live->lock);
	e = find(live, file);
	if (e) {
		e->synced = false;
		if (size == 0 || e->lost_at >= size)
			e->lost = 0;
		if (e->rewritten > size)
			e->rewritten = size;
	}
	pthread_mutex_unlock(&live->lock);
}

bool
inbox_live_closing(struct inbox_live *live, int64_t file)
{
	struct entry *e;
	bool known = false;

	pthread_mutex_lock(&live->lock);
	e = find(live, file);
	if (e) {
		known = !e->unclosed && !e->passed;
		e->unclosed = false;
	}
	pthread_mutex_unlock(&live->lock);
	return known;
}

off_t
inbox_live_rewritten(struct inbox_live *live, int64_t file)
{
	struct entry *e;
	off_t rewritten;

	pthread_mutex_lock(&live->lock);
	e = find(live, file);
	rewritten = e ? e->rewritten : 0;
	pthread_mutex_unlock(&live->lock);
	return rewritten;
}

void
inbox_live_restart(struct inbox_live *live, int64_t file)
{
	struct entry *e;

	pthread_mutex_lock(&live->lock);
	e = find(live, file);
	if (e) {
		e->rewritten = 0;
		e->unclosed = true;
	}
	pthread_mutex_unlock(&live->lock);
}

/* ---- what the kernel writes by itself ------------------------------------ */

int
inbox_live_pass(struct inbox_live *live, int64_t file)
{
	struct entry *e;

	pthread_mutex_lock(&live->lock);
	e = find_or_add(live, file);
	if (e)
		e->passed = e->passing = true;
	pthread_mutex_unlock(&live->lock);
	return e ? 0 : ERR_NOMEM;
}

void
inbox_live_passed(struct inbox_live *live, int64_t file)
{
	struct entry *e;

	pthread_mutex_lock(&live->lock);
	e = find(live, file);
	if (e)
		e->passing = false;
	pthread_mutex_unlock(&live->lock);
}

bool
inbox_live_is_passed(struct inbox_live *live, int64_t file)
{
	struct entry *e;
	bool passed;

	pthread_mutex_lock(&live->lock);
	e = find(live, file);
	passed = e && e->passed;
	pthread_mutex_unlock(&live->lock);
	return passed;
}

/* Puts a number in its place among the n least. */
static size_t
insert(int64_t *files, size_t have, size_t n, int64_t file)
{
	size_t at = have;

	while (at > 0 && files[at - 1] > file)
		at--;
	if (at == n)
		return have;
	have += have < n;
	memmove(files + at + 1, files + at, (have - at - 1) * sizeof(*files));
	files[at] = file;
	return have;
}

size_t
inbox_live_passing(struct inbox_live *live, int64_t after, int64_t *files,
		   size_t n)
{
	size_t have = 0;

	pthread_mutex_lock(&live->lock);
	for (size_t i = 0; i < BUCKETS; i++) {
		for (struct entry *e = live->buckets[i]; e; e = e->next) {
			if (e->passing && e->file > after)
				have = insert(files, have, n, e->file);
		}
	}
	pthread_mutex_unlock(&live->lock);
	return have;
}

bool
inbox_live_grew(struct inbox_live *live, int64_t file, off_t size)
{
	struct entry *e;
	bool grew = true;

	pthread_mutex_lock(&live->lock);
	e = find(live, file);
	if (e) {
		grew = e->seen != size;
		e->seen = size;
	}
	pthread_mutex_unlock(&live->lock);
	return grew;
}
