/* One published file under 'verify': see verify.h. */
#include "publish/verify.h"

#include "base/scope.h"
#include "publish/pack.h"

#include <inttypes.h>

/* Bytes and rows that come (or, negative, go) with a publish. */
struct event {
	int64_t seq, bytes, rows;
};

struct check {
	struct publish_verify *v;
	char path[PUBLISH_PATH_MAX];
	struct event *events; /* by seq, once all chunks have been seen */
	size_t n, cap;
	size_t done; /* events up to the state under way */
	int64_t bytes, rows;
};

void
publish_verify_release(struct publish_verify *v)
{
	if (v->has_pack)
		close(v->pack_fd);
	v->has_pack = false;
	buf_release(&v->bytes);
}

/* ---- chunks against their hashes ----------------------------------------- */

static int
open_pack(struct publish_verify *v, int64_t number, struct error *err)
{
	int rc;

	if (v->has_pack && v->pack == number)
		return 0;
	if (v->has_pack)
		close(v->pack_fd);
	v->has_pack = false;
	rc = publish_pack_open(store_dir_fd(v->store), number, &v->pack_fd,
			       err);
	v->has_pack = rc == 0;
	v->pack = number;
	return rc;
}

static int
read_chunk(struct publish_verify *v, const struct store_chunk *c,
	   struct error *err)
{
	int rc = open_pack(v, c->pack, err);

	if (rc)
		return rc;
	buf_clear(&v->bytes);
	if (c->length < 0 || buf_reserve(&v->bytes, (size_t)c->length))
		return error_nomem(err);
	v->bytes.len = (size_t)c->length;
	return publish_pack_read(v->pack_fd, c->pack, v->bytes.data,
				 v->bytes.len, c->offset, err);
}

static int
verify_chunk(struct check *k, const struct store_chunk *c)
{
	char name[PUBLISH_PACK_NAME_MAX];
	unsigned char sha256[DIGEST_SIZE];
	struct error err = ERROR_INIT;
	int rc = read_chunk(k->v, c, &err);

	if (!rc && digest_bytes(k->v->bytes.data, k->v->bytes.len, sha256))
		rc = error_nomem(&err);
	if (!rc && memcmp(sha256, c->sha256, DIGEST_SIZE) == 0)
		return 0;
	if (rc == ERR_NOMEM) {
		if (k->v->err)
			*k->v->err = err;
		return rc;
	}
	publish_pack_name(c->pack, name);
	if (rc)
		return publish_verify_problem(k->v, "theme '%s', '%s': %s",
					      k->v->theme->theme->id, k->path,
					      err.text);
	return publish_verify_problem(
		k->v,
		"theme '%s', '%s': bytes %" PRId64 " to %" PRId64
		" of '%s' are not what was published: restore a backup",
		k->v->theme->theme->id, k->path, c->offset,
		c->offset + c->length, name);
}

static int
add_event(struct check *k, int64_t seq, int64_t bytes, int64_t rows)
{
	if (k->n == k->cap) {
		size_t cap = k->cap ? k->cap * 2 : 256;
		struct event *events =
			realloc(k->events, cap * sizeof(*events));

		if (!events)
			return error_nomem(k->v->err);
		k->events = events;
		k->cap = cap;
	}
	k->events[k->n++] = (struct event){seq, bytes, rows};
	return 0;
}

static int
see_chunk(void *ctx, const struct store_chunk *c)
{
	struct check *k = ctx;
	int rc;

	if (c->since > k->v->published)
		return 0;
	rc = add_event(k, c->since, c->length, c->rows);
	if (!rc && c->until)
		rc = add_event(k, c->until, -c->length, -c->rows);
	return rc ? rc : verify_chunk(k, c);
}

/* ---- states against chunks ----------------------------------------------- */

static int
by_seq(const void *a, const void *b)
{
	int64_t x = ((const struct event *)a)->seq;
	int64_t y = ((const struct event *)b)->seq;

	return x < y ? -1 : x > y;
}

/* Counts what came and went up to a sequence. */
static void
go_to(struct check *k, int64_t seq)
{
	for (; k->done < k->n && k->events[k->done].seq <= seq; k->done++) {
		k->bytes += k->events[k->done].bytes;
		k->rows += k->events[k->done].rows;
	}
}

static int
verify_hash(struct check *k, const struct store_file_state *s)
{
	unsigned char known[DIGEST_SIZE], now[DIGEST_SIZE];
	struct publish_reader *r = NULL;
	struct error err = ERROR_INIT;
	int rc = store_file_hash_get(k->v->db, s->id, known, k->v->err);

	if (rc <= 0)
		return rc;
	rc = publish_reader_open(k->v->store, s->id, &r, &err);
	if (!rc) {
		publish_reader_plain(r);
		rc = publish_reader_sha256(r, now, &err);
	}
	publish_reader_close(r);
	if (!rc && memcmp(known, now, DIGEST_SIZE) == 0)
		return 0;
	return publish_verify_problem(
		k->v, "theme '%s', '%s': %s", k->v->theme->theme->id, k->path,
		rc ? err.text
		   : "its hash in SHA256SUMS is not that of its "
		     "bytes: restore a backup");
}

static int
see_state(void *ctx, const struct store_file_state *s)
{
	struct check *k = ctx;
	int rc = 0;

	if (s->since > k->v->published)
		return 0;
	go_to(k, s->until ? s->until - 1 : k->v->published);
	if (k->bytes != s->bytes || k->rows != s->rows)
		rc = publish_verify_problem(
			k->v,
			"theme '%s', '%s', publish %" PRId64 ": %" PRId64
			" bytes and %" PRId64 " rows, but its chunks have "
			"%" PRId64 " and %" PRId64,
			k->v->theme->theme->id, k->path, s->since, s->bytes,
			s->rows, k->bytes, k->rows);
	if (!rc && !s->until)
		rc = verify_hash(k, s);
	return rc ? rc : publish_verify_flat(k->v, k->path, s);
}

int
publish_verify_file(void *ctx, int64_t file, const char *kind, const char *part)
{
	struct publish_verify *v = ctx;
	struct check k = {.v = v};
	enum publish_kind of;
	int rc;

	if (!publish_kind_find(kind, &of))
		return publish_verify_problem(
			v, "theme '%s': a file of unknown kind '%s'",
			v->theme->theme->id, kind);
	publish_kind_path(of, part, k.path);
	rc = store_chunk_each_ever(v->db, file, see_chunk, &k, v->err);
	if (k.n)
		qsort(k.events, k.n, sizeof(*k.events), by_seq);
	if (!rc)
		rc = store_file_state_each(v->db, file, see_state, &k, v->err);
	free(k.events);
	return rc;
}
