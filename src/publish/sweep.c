/* Removing packs and writing them again: see sweep.h. */
#include "publish/sweep.h"

#include "base/digest.h"
#include "base/scope.h"
#include "publish/pack.h"
#include "store/retain.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sys/stat.h>

#define SEEN_AT_ONCE 256
#define MOVED_AT_ONCE 256	      /* chunks */
#define MOVED_BYTES ((size_t)8 << 20) /* of them */
#define PACK_BYTES ((int64_t)1 << 30) /* then the next one is begun */
#define META_NUMBER "pack_rewritten"

struct publish_sweep {
	struct store *store;
	int64_t *packs; /* of the folder */
	size_t n, cap, at;
	struct publish_pack *into; /* NULL: not begun */
	int64_t written;	   /* bytes of it */
	int64_t copied;		   /* of all packs */
	int64_t moving;		   /* the pack under way; 0 none */
	int fd;			   /* of it */
};

/* ---- which there are ----------------------------------------------------- */

static int
note_pack(void *ctx, int64_t number, int64_t bytes)
{
	struct publish_sweep *s = ctx;

	(void)bytes;
	if (s->n == s->cap) {
		size_t cap = s->cap ? 2 * s->cap : 256;
		int64_t *packs = realloc(s->packs, cap * sizeof(*packs));

		if (!packs)
			return ERR_NOMEM;
		s->packs = packs;
		s->cap = cap;
	}
	s->packs[s->n++] = number;
	return 0;
}

static int
by_number(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return x < y ? -1 : x > y;
}

int
publish_sweep_new(struct store *store, struct publish_sweep **ret,
		  struct error *err)
{
	struct publish_sweep *s = calloc(1, sizeof(*s));
	int rc;

	if (!s)
		return error_nomem(err);
	s->store = store;
	s->fd = -1;
	rc = publish_pack_each(store_dir_fd(store), note_pack, s, err);
	if (rc) {
		publish_sweep_free(s);
		return rc == ERR_NOMEM ? error_nomem(err) : rc;
	}
	if (s->n)
		qsort(s->packs, s->n, sizeof(*s->packs), by_number);
	*ret = s;
	return 0;
}

static void
end_moving(struct publish_sweep *s)
{
	if (s->fd >= 0)
		close(s->fd);
	s->fd = -1;
	s->moving = 0;
}

void
publish_sweep_free(struct publish_sweep *s)
{
	if (!s)
		return;
	end_moving(s);
	publish_pack_free(s->into);
	free(s->packs);
	free(s);
}

/* ---- writing again ------------------------------------------------------- */

int
publish_pack_numbers(struct store *store, int64_t n, int64_t *ret_first,
		     struct error *err)
{
	scope_txn txn = {0};
	int64_t last = 0;
	int rc = store_begin(store, &txn, err);

	if (!rc)
		rc = store_meta_get(txn.db, META_NUMBER, 0, &last, err);
	if (!rc)
		rc = store_meta_set(txn.db, META_NUMBER, last + n, err);
	*ret_first = PUBLISH_REWRITTEN + last + 1;
	return rc ? rc : store_commit(&txn, err);
}

static int
begin_pack(struct publish_sweep *s, struct error *err)
{
	int64_t number = 0;
	int rc;

	if (s->into && s->written < PACK_BYTES)
		return 0;
	publish_pack_free(s->into);
	s->into = NULL;
	s->written = 0;
	rc = publish_pack_numbers(s->store, 1, &number, err);
	return rc ? rc
		  : publish_pack_new(store_dir_fd(s->store), number, &s->into,
				     err);
}

/* Chunks on their way: the bytes of their firsts lie one after the other. */
struct move {
	struct store_placed_chunk chunks[MOVED_AT_ONCE];
	int64_t offsets[MOVED_AT_ONCE];
	struct buf firsts;
	size_t n, bytes;
	struct error *err;
};

static int
take_chunk(void *ctx, const struct store_placed_chunk *c)
{
	struct move *m = ctx;

	if (buf_addslice(&m->firsts, c->first))
		return error_nomem(m->err);
	m->chunks[m->n++] = *c;
	m->bytes += (size_t)c->length;
	return m->n == MOVED_AT_ONCE || m->bytes >= MOVED_BYTES;
}

/* 1 there are chunks to move, 0 none. */
static int
take_chunks(struct publish_sweep *s, struct move *m, struct error *err)
{
	scope_reader reader = {0};
	size_t at = 0;
	int rc = store_reader_get(s->store, &reader, err);

	if (!rc)
		rc = store_pack_chunks(reader.db, s->moving, take_chunk, m,
				       err);
	if (rc < 0)
		return rc;
	for (size_t i = 0; i < m->n; i++) {
		m->chunks[i].first.p = m->firsts.data + at;
		at += m->chunks[i].first.n;
	}
	return m->n > 0;
}

/* What was damaged is not spread. */
static int
copy_chunk(struct publish_sweep *s, const struct store_placed_chunk *c,
	   struct buf *bytes, int64_t *ret_offset, struct error *err)
{
	unsigned char sha256[DIGEST_SIZE];
	char name[PUBLISH_PACK_NAME_MAX];
	int rc;

	buf_clear(bytes);
	if (buf_reserve(bytes, (size_t)c->length + 1))
		return error_nomem(err);
	rc = publish_pack_read(s->fd, s->moving, bytes->data, (size_t)c->length,
			       c->offset, err);
	if (rc)
		return rc;
	if (digest_bytes(bytes->data, (size_t)c->length, sha256))
		return error_nomem(err);
	publish_pack_name(s->moving, name);
	if (memcmp(sha256, c->sha256, DIGEST_SIZE) != 0)
		return error_set(err, ERR_CORRUPT,
				 "bytes %" PRId64 " to %" PRId64
				 " of '%s' are not what was published: run "
				 "'civicfs verify'",
				 c->offset, c->offset + c->length, name);
	rc = publish_pack_add(s->into, bytes->data, (size_t)c->length,
			      ret_offset, err);
	s->written += c->length;
	s->copied += c->length;
	return rc;
}

static int
tell_chunks(struct publish_sweep *s, const struct move *m, struct error *err)
{
	struct sql *db = store_records(s->store);
	int rc = store_records_begin(s->store, err);

	for (size_t i = 0; !rc && i < m->n; i++)
		rc = store_chunk_move(db, &m->chunks[i],
				      publish_pack_number(s->into),
				      m->offsets[i], err);
	if (!rc)
		rc = store_records_commit(s->store, 0, err);
	if (rc)
		store_records_rollback(s->store);
	return rc;
}

static int
move_some(struct publish_sweep *s, struct move *m, struct error *err)
{
	scope_buf bytes = BUF_INIT;
	int rc = take_chunks(s, m, err);

	if (rc <= 0)
		return rc;
	rc = begin_pack(s, err);
	for (size_t i = 0; !rc && i < m->n; i++)
		rc = copy_chunk(s, &m->chunks[i], &bytes, &m->offsets[i], err);
	if (!rc)
		rc = publish_pack_sync(s->into, err);
	if (!rc)
		rc = tell_chunks(s, m, err);
	return rc ? rc : 1;
}

/* 1 some were moved, 0 there are none left. */
static int
move(struct publish_sweep *s, struct error *err)
{
	struct move *m = calloc(1, sizeof(*m));
	int rc;

	if (!m)
		return error_nomem(err);
	m->err = err;
	rc = move_some(s, m, err);
	buf_release(&m->firsts);
	free(m);
	return rc;
}

/* ---- one pack ------------------------------------------------------------ */

static int
remove_pack(struct publish_sweep *s, int64_t number, struct publish_swept *ret,
	    struct error *err)
{
	char name[PUBLISH_PACK_NAME_MAX];
	struct stat st;

	publish_pack_name(number, name);
	if (fstatat(store_dir_fd(s->store), name, &st, AT_SYMLINK_NOFOLLOW) ||
	    unlinkat(store_dir_fd(s->store), name, 0))
		return errno == ENOENT
			       ? 0
			       : error_errno(err, errno, "cannot remove '%s'",
					     name);
	ret->packs++;
	if (st.st_nlink == 1) /* else it lies in one piece, too: flatten.h */
		ret->bytes += st.st_size;
	return 0;
}

/* A pack above the published number is being written. */
static bool
is_ours(const struct publish_sweep *s, int64_t number)
{
	if (s->into && number == publish_pack_number(s->into))
		return false;
	return publish_pack_seq(number) <= store_published(s->store);
}

static int
size_of(struct publish_sweep *s, int64_t number, int64_t *ret,
	struct error *err)
{
	char name[PUBLISH_PACK_NAME_MAX];
	struct stat st;

	publish_pack_name(number, name);
	if (fstatat(store_dir_fd(s->store), name, &st, AT_SYMLINK_NOFOLLOW)) {
		*ret = 0;
		return errno == ENOENT ? 0
				       : error_errno(err, errno, "'%s'", name);
	}
	*ret = st.st_size;
	return 0;
}

/* Removes it, lets it be, or begins to move what it holds. */
static int
look_at(struct publish_sweep *s, int64_t number, struct publish_swept *ret,
	struct error *err)
{
	int64_t live = 0, chunks = 0, bytes = 0;
	int rc;

	if (!is_ours(s, number))
		return 0;
	{
		scope_reader reader = {0};

		rc = store_reader_get(s->store, &reader, err);
		if (!rc)
			rc = store_pack_live(reader.db, number,
					     store_published(s->store), &live,
					     &chunks, err);
	}
	if (rc)
		return rc;
	if (!chunks)
		return remove_pack(s, number, ret, err);
	rc = size_of(s, number, &bytes, err);
	if (rc || bytes - live < PUBLISH_DEAD_LEAST || bytes - live < live)
		return rc;
	rc = publish_pack_open(store_dir_fd(s->store), number, &s->fd, err);
	if (!rc)
		s->moving = number;
	return rc;
}

static int
go_on_moving(struct publish_sweep *s, struct publish_swept *ret,
	     struct error *err)
{
	int64_t number = s->moving, before = s->copied;
	int rc = move(s, err);

	if (rc > 0) {
		ret->bytes -= s->copied - before;
		return 1;
	}
	end_moving(s);
	if (rc < 0)
		return rc;
	ret->rewritten++;
	return remove_pack(s, number, ret, err);
}

int
publish_sweep_step(struct publish_sweep *s, struct publish_swept *ret,
		   struct error *err)
{
	int rc = 0;

	if (s->moving) {
		rc = go_on_moving(s, ret, err);
		return rc < 0 ? rc : 1;
	}
	for (int i = 0; !rc && i < SEEN_AT_ONCE && s->at < s->n && !s->moving;
	     i++)
		rc = look_at(s, s->packs[s->at++], ret, err);
	return rc ? rc : s->moving || s->at < s->n;
}
