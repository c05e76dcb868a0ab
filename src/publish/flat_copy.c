/* Copying a published file into one piece: see flat_copy.h. */
#include "publish/flat_copy.h"

#include "base/clock.h"
#include "base/digest.h"
#include "base/io.h"
#include "base/scope.h"
#include "publish/flatten.h"
#include "publish/pack.h"
#include "publish/publish.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sys/stat.h>

#define CHUNKS_AT_ONCE 256

/* ---- one copy ------------------------------------------------------------ */

struct copy {
	struct store *store;
	const struct store_file_state *state;
	publish_flat_pace_fn *pace;
	void *ctx;
	struct publish_reader *reader;
	int fd;
	int64_t at;	  /* bytes that have been copied */
	int64_t since;	  /* clock_monotonic() */
	struct buf next;  /* the first of the chunk that comes next */
	struct buf bytes; /* of a chunk */
	struct store_chunk chunks[CHUNKS_AT_ONCE];
	size_t n;
	struct error *err;
};

static int
take_chunk(void *ctx, const struct store_chunk *c)
{
	struct copy *copy = ctx;

	if (copy->n == CHUNKS_AT_ONCE) {
		buf_clear(&copy->next);
		return buf_addslice(&copy->next, c->first)
			       ? error_nomem(copy->err)
			       : 1;
	}
	copy->chunks[copy->n++] = *c;
	return 0;
}

/* 1 there are more after these, 0 there are not. */
static int
take_chunks(struct copy *copy)
{
	scope_reader reader = {0};
	int rc = store_reader_get(copy->store, &reader, copy->err);

	copy->n = 0;
	if (rc)
		return rc;
	return store_chunk_each_from(reader.db, copy->state->file,
				     copy->state->since, buf_slice(&copy->next),
				     take_chunk, copy, copy->err);
}

static int
copy_chunk(struct copy *copy, const struct store_chunk *c)
{
	unsigned char sha256[DIGEST_SIZE];
	size_t length = (size_t)c->length;
	ssize_t n;

	buf_clear(&copy->bytes);
	if (buf_reserve(&copy->bytes, length + 1))
		return error_nomem(copy->err);
	n = publish_reader_read(copy->reader, copy->bytes.data, length,
				copy->at, copy->err);
	if (n < 0)
		return (int)n;
	if (digest_bytes(copy->bytes.data, (size_t)n, sha256))
		return error_nomem(copy->err);
	if ((size_t)n < length || memcmp(sha256, c->sha256, DIGEST_SIZE) != 0)
		return error_set(copy->err, ERR_CORRUPT,
				 "bytes %" PRId64 " to %" PRId64
				 " of a published file are not what was "
				 "published: run 'civicfs verify'",
				 copy->at, copy->at + c->length);
	copy->at += c->length;
	return io_write(copy->fd, copy->bytes.data, length, copy->err);
}

static int
keep_pace(struct copy *copy)
{
	return copy->pace(copy->ctx, copy->since, copy->at)
		       ? 0
		       : error_set(copy->err, ERR_BUSY, "ending");
}

static int
copy_chunks(struct copy *copy)
{
	int more, rc = 0;

	copy->since = clock_monotonic();
	do {
		more = take_chunks(copy);
		rc = more < 0 ? more : 0;
		for (size_t i = 0; !rc && i < copy->n; i++)
			rc = copy_chunk(copy, &copy->chunks[i]);
		if (!rc)
			rc = keep_pace(copy);
	} while (!rc && more);
	if (!rc && copy->at != copy->state->bytes)
		rc = error_set(copy->err, ERR_CORRUPT,
			       "a published file has %" PRId64
			       " bytes, its chunks %" PRId64
			       ": run 'civicfs verify'",
			       copy->state->bytes, copy->at);
	return rc;
}

/* In one piece, if the file system can: ENOSPC comes before the work. */
static int
open_part(struct copy *copy)
{
	int dir = store_dir_fd(copy->store);

	(void)unlinkat(dir, PUBLISH_FLAT_PART, 0);
	copy->fd = openat(dir, PUBLISH_FLAT_PART,
			  O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
			  0400);
	if (copy->fd < 0)
		return error_errno(copy->err, errno, "'" PUBLISH_FLAT_PART "'");
	if (fallocate(copy->fd, 0, 0, copy->state->bytes) &&
	    errno != EOPNOTSUPP)
		return error_errno(copy->err, errno, "'" PUBLISH_FLAT_PART "'");
	return 0;
}

/* The name comes once the bytes are on the disk; the name itself may be lost.
 */
static int
give_name(struct copy *copy)
{
	char name[PUBLISH_FLAT_NAME_MAX];
	int dir = store_dir_fd(copy->store);

	publish_flat_name(copy->state->id, name);
	if (fsync(copy->fd) || renameat(dir, PUBLISH_FLAT_PART, dir, name))
		return error_errno(copy->err, errno, "'%s'", name);
	return 0;
}

static int
make(struct copy *copy)
{
	int rc = publish_reader_open(copy->store, copy->state->id,
				     &copy->reader, copy->err);

	if (!rc) {
		publish_reader_plain(copy->reader);
		rc = open_part(copy);
	}
	if (!rc)
		rc = copy_chunks(copy);
	if (!rc)
		rc = give_name(copy);
	publish_reader_close(copy->reader);
	if (copy->fd >= 0)
		close(copy->fd);
	if (rc)
		(void)unlinkat(store_dir_fd(copy->store), PUBLISH_FLAT_PART, 0);
	return rc;
}

int
publish_flat_copy(struct store *store, const struct store_file_state *state,
		  publish_flat_pace_fn *pace, void *ctx, struct error *err)
{
	struct copy *copy = calloc(1, sizeof(*copy));
	int rc;

	if (!copy)
		return error_nomem(err);
	copy->store = store;
	copy->state = state;
	copy->pace = pace;
	copy->ctx = ctx;
	copy->fd = -1;
	copy->err = err;
	rc = make(copy);
	buf_release(&copy->next);
	buf_release(&copy->bytes);
	free(copy);
	return rc;
}

/* ---- what lies in one piece already -------------------------------------- */

/* One chunk after the other, from the pack's first byte on. */
struct piece {
	int64_t pack, end;
	bool whole;
};

static int
add_chunk(void *ctx, const struct store_chunk *c)
{
	struct piece *piece = ctx;

	if (!piece->end)
		piece->pack = c->pack;
	piece->whole = c->pack == piece->pack && c->offset == piece->end;
	piece->end += c->length;
	return !piece->whole;
}

static int
find_piece(struct store *store, const struct store_file_state *state,
	   struct piece *ret, struct error *err)
{
	scope_reader reader = {0};
	int rc = store_reader_get(store, &reader, err);

	*ret = (struct piece){0};
	if (!rc)
		rc = store_chunk_each(reader.db, state->file, state->since,
				      add_chunk, ret, err);
	return rc < 0 ? rc : 0;
}

/* A pack that has no other byte holds the file. */
int
publish_flat_link(struct store *store, const struct store_file_state *state,
		  struct error *err)
{
	char pack_name[PUBLISH_PACK_NAME_MAX], name[PUBLISH_FLAT_NAME_MAX];
	int dir = store_dir_fd(store);
	struct piece piece;
	struct stat st;
	int rc = find_piece(store, state, &piece, err);

	if (rc || !piece.whole || piece.end != state->bytes)
		return rc;
	publish_pack_name(piece.pack, pack_name);
	publish_flat_name(state->id, name);
	if (fstatat(dir, pack_name, &st, AT_SYMLINK_NOFOLLOW) ||
	    st.st_size != state->bytes)
		return 0;
	if (linkat(dir, pack_name, dir, name, 0) && errno != EEXIST)
		return error_errno(err, errno, "'%s'", name);
	return 1;
}
