/* Chunks against their hashes, while they are read: see sound.h. */
#include "publish/sound.h"

#include "base/scope.h"

#include <inttypes.h>

#define PIECE 16384 /* of a chunk that is not in the reader's bytes */
#define WORD_BITS 64

/* ---- filling ------------------------------------------------------------- */

static uint64_t
sum_of(const unsigned char sha256[static DIGEST_SIZE])
{
	uint64_t sum;

	memcpy(&sum, sha256, sizeof(sum));
	return sum;
}

int
sound_add(struct sound *s, int64_t length,
	  const unsigned char sha256[static DIGEST_SIZE])
{
	if (s->n == s->cap) {
		size_t cap = s->cap ? s->cap * 2 : 16;
		struct sound_chunk *chunks =
			reallocarray(s->chunks, cap, sizeof(*chunks));

		if (!chunks)
			return ERR_NOMEM;
		s->chunks = chunks;
		s->cap = cap;
	}
	s->chunks[s->n++] = (struct sound_chunk){s->bytes, sum_of(sha256)};
	s->bytes += length;
	return 0;
}

int
sound_end(struct sound *s)
{
	s->seen = calloc(s->n / WORD_BITS + 1, sizeof(*s->seen));
	return s->seen ? 0 : ERR_NOMEM;
}

void
sound_release(struct sound *s)
{
	free(s->chunks);
	free(s->seen);
	*s = (struct sound){0};
}

size_t
sound_size(const struct sound *s)
{
	return s->cap * sizeof(*s->chunks) +
	       (s->n / WORD_BITS + 1) * sizeof(*s->seen);
}

/* ---- checking ------------------------------------------------------------ */

struct look {
	struct sound *s;
	struct slice bytes; /* as they were read */
	int64_t offset;
	sound_read_fn *read;
	void *ctx;
	struct digest *digest;
	struct error *err;
};

/* The chunk that holds a byte of the file. */
static size_t
find_chunk(const struct sound *s, int64_t offset)
{
	size_t lo = 0, hi = s->n;

	while (hi - lo > 1) {
		size_t mid = lo + (hi - lo) / 2;

		if (s->chunks[mid].at <= offset)
			lo = mid;
		else
			hi = mid;
	}
	return lo;
}

static bool
is_seen(const struct sound *s, size_t i)
{
	return atomic_load_explicit(&s->seen[i / WORD_BITS],
				    memory_order_relaxed) >>
		       (i % WORD_BITS) &
	       1;
}

static void
see(struct sound *s, size_t i)
{
	atomic_fetch_or_explicit(&s->seen[i / WORD_BITS],
				 UINT64_C(1) << (i % WORD_BITS),
				 memory_order_relaxed);
}

/* The file from 'at' to 'end', which the reader has not asked for. */
static int
add_others(struct look *l, int64_t at, int64_t end)
{
	char piece[PIECE];

	while (at < end) {
		size_t n = end - at < PIECE ? (size_t)(end - at) : PIECE;
		int rc = l->read(l->ctx, piece, n, at, l->err);

		if (rc)
			return rc;
		digest_add(l->digest, piece, n);
		at += (int64_t)n;
	}
	return 0;
}

static int64_t
clamp(int64_t x, int64_t lo, int64_t hi)
{
	return x < lo ? lo : x > hi ? hi : x;
}

static int
check_chunk(struct look *l, size_t i)
{
	const struct sound_chunk *c = &l->s->chunks[i];
	int64_t end = i + 1 < l->s->n ? c[1].at : l->s->bytes;
	int64_t from = clamp(l->offset, c->at, end);
	int64_t to = clamp(l->offset + (int64_t)l->bytes.n, from, end);
	unsigned char sha256[DIGEST_SIZE];
	int rc;

	digest_restart(l->digest);
	rc = add_others(l, c->at, from);
	if (!rc && to > from)
		digest_add(l->digest, l->bytes.p + (from - l->offset),
			   (size_t)(to - from));
	if (!rc)
		rc = add_others(l, to, end);
	if (rc)
		return rc;
	digest_end(l->digest, sha256);
	if (sum_of(sha256) != c->sum)
		return error_set(l->err, ERR_CORRUPT,
				 "bytes %" PRId64 " to %" PRId64
				 " of a published file are not what was "
				 "published: run 'civicfs verify', which names "
				 "it, and restore a backup",
				 c->at, end);
	see(l->s, i);
	return 0;
}

int
sound_check(struct sound *s, const void *p, size_t n, int64_t offset,
	    sound_read_fn *read, void *ctx, struct error *err)
{
	struct look l = {.s = s,
			 .bytes = {p, n},
			 .offset = offset,
			 .read = read,
			 .ctx = ctx,
			 .err = err};
	scope_digest digest = NULL;
	int64_t end = offset + (int64_t)n;
	int rc = 0;

	for (size_t i = n ? find_chunk(s, offset) : s->n;
	     !rc && i < s->n && s->chunks[i].at < end; i++) {
		if (is_seen(s, i))
			continue;
		if (!digest) /* seldom needed: most have been seen */
			digest = digest_new();
		if (!digest)
			return error_nomem(err);
		l.digest = digest;
		rc = check_chunk(&l, i);
	}
	return rc;
}
