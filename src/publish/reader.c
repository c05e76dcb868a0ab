/*
 * Reading a published file: its extents once into memory, then pread. Any
 * number of threads may read, so packs are kept open in a few slots under a
 * lock; a pack that is being read is not closed.
 */
#include "publish/publish.h"

#include "base/io.h"
#include "base/scope.h"
#include "publish/pack.h"
#include "publish/sound.h"
#include "store/chunk.h"

#include <assert.h>
#include <inttypes.h>
#include <pthread.h>

#define SLOTS 16

/* Bytes of the file from 'at' to the next extent's. */
struct extent {
	int64_t at;
	int64_t pack, offset, length;
};

struct slot {
	int fd; /* -1: empty */
	int users;
	int64_t pack;
	uint64_t used; /* when, by the reader's count */
};

/* Where the bytes lie: never changed once it is loaded. */
struct extents {
	struct extent *items;
	size_t n, cap;
	int64_t bytes;
	int users; /* under the reader's lock */
	struct sound sound;
};

struct publish_reader {
	struct store *store;
	int64_t state;
	bool plain;		 /* who reads checks the bytes */
	struct extents *extents; /* under the lock */
	pthread_mutex_t lock;
	struct slot slots[SLOTS];
	uint64_t uses;
};

/* ---- extents ------------------------------------------------------------- */

static int
grow(struct extents *x)
{
	size_t cap = x->cap ? x->cap * 2 : 16;
	struct extent *items = realloc(x->items, cap * sizeof(*items));

	if (!items)
		return ERR_NOMEM;
	x->items = items;
	x->cap = cap;
	return 0;
}

/* Chunks that follow each other in a pack are one extent. */
static int
add_chunk(void *ctx, const struct store_chunk *c)
{
	struct extents *x = ctx;
	struct extent *last = x->n ? &x->items[x->n - 1] : NULL;

	if (last && last->pack == c->pack &&
	    last->offset + last->length == c->offset) {
		last->length += c->length;
	} else {
		if (x->n == x->cap && grow(x))
			return ERR_NOMEM;
		assert(x->items);
		x->items[x->n++] = (struct extent){x->bytes, c->pack, c->offset,
						   c->length};
	}
	x->bytes += c->length;
	return sound_add(&x->sound, c->length, c->sha256);
}

static int
load(struct extents *x, struct store *store, int64_t state, struct error *err)
{
	struct store_file_state found = {0};
	scope_reader reader = {0};
	int rc = store_reader_get(store, &reader, err);

	if (!rc)
		rc = store_file_state_get(reader.db, state, &found, err);
	if (rc < 0)
		return rc;
	if (!rc)
		return error_set(err, ERR_STALE,
				 "the file is no longer in the state");
	rc = store_chunk_each(reader.db, found.file, found.since, add_chunk, x,
			      err);
	if (!rc)
		rc = sound_end(&x->sound);
	if (rc == ERR_NOMEM)
		return error_nomem(err);
	if (!rc && x->bytes != found.bytes)
		rc = error_set(err, ERR_CORRUPT,
			       "a published file has %" PRId64
			       " bytes, its chunks %" PRId64
			       ": run 'civicfs verify'",
			       found.bytes, x->bytes);
	return rc;
}

static void
free_extents(struct extents *x)
{
	if (!x)
		return;
	free(x->items);
	sound_release(&x->sound);
	free(x);
}

static int
load_new(struct publish_reader *r, struct extents **ret, struct error *err)
{
	struct extents *x = calloc(1, sizeof(*x));
	int rc;

	if (!x)
		return error_nomem(err);
	rc = load(x, r->store, r->state, err);
	if (rc) {
		free_extents(x);
		return rc;
	}
	x->users = 1; /* the reader */
	*ret = x;
	return 0;
}

static struct extents *
take_extents(struct publish_reader *r)
{
	struct extents *x;

	pthread_mutex_lock(&r->lock);
	x = r->extents;
	x->users++;
	pthread_mutex_unlock(&r->lock);
	return x;
}

static void
give_extents(struct publish_reader *r, struct extents *x)
{
	bool last;

	pthread_mutex_lock(&r->lock);
	last = --x->users == 0;
	pthread_mutex_unlock(&r->lock);
	if (last)
		free_extents(x);
}

/* A pack that was written again is gone: the bytes lie in another one. */
static int
reload(struct publish_reader *r, struct error *err)
{
	struct extents *x = NULL, *old;
	int rc = load_new(r, &x, err);

	if (rc)
		return rc;
	pthread_mutex_lock(&r->lock);
	old = r->extents;
	r->extents = x;
	pthread_mutex_unlock(&r->lock);
	give_extents(r, old);
	return 0;
}

int
publish_reader_open(struct store *store, int64_t state,
		    struct publish_reader **ret, struct error *err)
{
	struct publish_reader *r = calloc(1, sizeof(*r));
	int rc;

	if (!r)
		return error_nomem(err);
	r->store = store;
	r->state = state;
	pthread_mutex_init(&r->lock, NULL);
	for (size_t i = 0; i < SLOTS; i++)
		r->slots[i].fd = -1;
	rc = load_new(r, &r->extents, err);
	if (rc) {
		publish_reader_close(r);
		return rc;
	}
	*ret = r;
	return 0;
}

void
publish_reader_close(struct publish_reader *r)
{
	if (!r)
		return;
	for (size_t i = 0; i < SLOTS; i++) {
		if (r->slots[i].fd >= 0)
			close(r->slots[i].fd);
	}
	pthread_mutex_destroy(&r->lock);
	free_extents(r->extents);
	free(r);
}

void
publish_reader_plain(struct publish_reader *r)
{
	r->plain = true;
}

size_t
publish_reader_size(struct publish_reader *r)
{
	struct extents *x = take_extents(r);
	size_t size = sizeof(*r) + sizeof(*x) + x->cap * sizeof(*x->items) +
		      sound_size(&x->sound);

	give_extents(r, x);
	return size;
}

/* The extent that holds a byte below the end. */
static size_t
find_extent(const struct extents *x, int64_t offset)
{
	size_t lo = 0, hi = x->n;

	while (hi - lo > 1) {
		size_t mid = lo + (hi - lo) / 2;

		if (x->items[mid].at <= offset)
			lo = mid;
		else
			hi = mid;
	}
	return lo;
}

/* ---- packs --------------------------------------------------------------- */

/* The slot of a pack, or the one to use for it: empty, or the longest unused;
 * NULL when all are being read. Under the lock. */
static struct slot *
choose_slot(struct publish_reader *r, int64_t pack)
{
	struct slot *best = NULL;

	for (size_t i = 0; i < SLOTS; i++) {
		struct slot *s = &r->slots[i];

		if (s->fd >= 0 && s->pack == pack)
			return s;
		if (!s->users && (!best || s->used < best->used))
			best = s;
	}
	return best;
}

/* Takes a pack's descriptor; *ret_slot is NULL when it is the caller's. */
static int
take_pack(struct publish_reader *r, int64_t pack, struct slot **ret_slot,
	  int *ret_fd, struct error *err)
{
	struct slot *s;
	int rc = 0;

	pthread_mutex_lock(&r->lock);
	s = choose_slot(r, pack);
	if (!s) {
		rc = publish_pack_open(store_dir_fd(r->store), pack, ret_fd,
				       err);
	} else if (s->fd < 0 || s->pack != pack) {
		int fd = -1;

		rc = publish_pack_open(store_dir_fd(r->store), pack, &fd, err);
		if (!rc && s->fd >= 0)
			close(s->fd);
		if (!rc)
			*s = (struct slot){.fd = fd, .pack = pack};
	}
	if (!rc && s) {
		s->users++;
		s->used = ++r->uses;
		*ret_fd = s->fd;
	}
	*ret_slot = s;
	pthread_mutex_unlock(&r->lock);
	return rc;
}

static void
give_pack(struct publish_reader *r, struct slot *s, int fd)
{
	if (!s) {
		close(fd);
		return;
	}
	pthread_mutex_lock(&r->lock);
	s->users--;
	pthread_mutex_unlock(&r->lock);
}

static int
read_extent(struct publish_reader *r, const struct extent *e, int64_t within,
	    void *p, size_t n, struct error *err)
{
	struct slot *slot = NULL;
	int fd = -1;
	int rc = take_pack(r, e->pack, &slot, &fd, err);

	if (rc)
		return rc;
	rc = publish_pack_read(fd, e->pack, p, n, e->offset + within, err);
	give_pack(r, slot, fd);
	return rc;
}

static ssize_t
read_extents(struct publish_reader *r, const struct extents *x, void *p,
	     size_t n, int64_t offset, struct error *err)
{
	size_t done = 0;

	if (offset < 0 || offset >= x->bytes)
		return 0;
	if (n > (uint64_t)(x->bytes - offset))
		n = (size_t)(x->bytes - offset);
	for (size_t i = find_extent(x, offset); done < n; i++) {
		const struct extent *e = &x->items[i];
		int64_t within = offset + (int64_t)done - e->at;
		size_t part = n - done;
		int rc;

		if ((int64_t)part > e->length - within)
			part = (size_t)(e->length - within);
		rc = read_extent(r, e, within, (char *)p + done, part, err);
		if (rc)
			return rc;
		done += part;
	}
	return (ssize_t)done;
}

struct whole {
	struct publish_reader *r;
	const struct extents *x;
};

static int
read_whole(void *ctx, void *p, size_t n, int64_t offset, struct error *err)
{
	const struct whole *w = ctx;
	ssize_t got = read_extents(w->r, w->x, p, n, offset, err);

	return got < 0 ? (int)got : 0;
}

static ssize_t
read_sound(struct publish_reader *r, void *p, size_t n, int64_t offset,
	   struct error *err)
{
	struct extents *x = take_extents(r);
	struct whole whole = {r, x};
	ssize_t got = read_extents(r, x, p, n, offset, err);
	int rc = 0;

	if (got > 0 && !r->plain)
		rc = sound_check(&x->sound, p, (size_t)got, offset, read_whole,
				 &whole, err);
	give_extents(r, x);
	return rc ? rc : got;
}

ssize_t
publish_reader_read(struct publish_reader *r, void *p, size_t n, int64_t offset,
		    struct error *err)
{
	ssize_t got = read_sound(r, p, n, offset, err);
	int rc;

	if (got != ERR_CORRUPT)
		return got;
	/* the pack may have been written again since it was looked up */
	rc = reload(r, err);
	if (rc)
		return rc;
	return read_sound(r, p, n, offset, err);
}

/* ---- the hash of the whole ----------------------------------------------- */

#define HASH_BYTES ((size_t)256 << 10)

int
publish_reader_sha256(struct publish_reader *r,
		      unsigned char ret[static DIGEST_SIZE], struct error *err)
{
	scope_digest digest = digest_new();
	scope_free char *bytes = malloc(HASH_BYTES);
	int64_t at = 0;
	ssize_t n;

	if (!digest || !bytes)
		return error_nomem(err);
	while ((n = publish_reader_read(r, bytes, HASH_BYTES, at, err)) > 0) {
		digest_add(digest, bytes, (size_t)n);
		at += n;
	}
	if (n < 0)
		return (int)n;
	digest_end(digest, ret);
	return 0;
}

int
publish_file_sha256_known(struct sql *db, int64_t state,
			  unsigned char ret[static DIGEST_SIZE],
			  struct error *err)
{
	return store_file_hash_get(db, state, ret, err);
}

static int
remember(struct store *store, int64_t state,
	 const unsigned char sha256[static DIGEST_SIZE])
{
	scope_txn txn = {0};
	int rc = store_begin(store, &txn, NULL);

	if (!rc)
		rc = store_file_hash_set(&txn, state, sha256, NULL);
	return rc ? rc : store_commit(&txn, NULL);
}

int
publish_file_sha256(struct store *store, int64_t state,
		    unsigned char ret[static DIGEST_SIZE], struct error *err)
{
	struct publish_reader *r = NULL;
	int rc;

	{
		scope_reader reader = {0};

		rc = store_reader_get(store, &reader, err);
		if (!rc)
			rc = store_file_hash_get(reader.db, state, ret, err);
		if (rc)
			return rc < 0 ? rc : 0;
	}
	rc = publish_reader_open(store, state, &r, err);
	if (!rc)
		rc = publish_reader_sha256(r, ret, err);
	publish_reader_close(r);
	/* a full disk does not stop reading: it is computed again next time */
	if (!rc)
		(void)!remember(store, state, ret);
	return rc;
}
