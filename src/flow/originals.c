/* The originals in the archive, read again for 'verify': their readers see
 * them like everything that is published. See flow.h. */
#include "flow/flow.h"

#include "base/digest.h"
#include "base/io.h"
#include "base/scope.h"
#include "store/submission.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>

#define READ_STEP ((size_t)256 << 10)

struct originals {
	struct store *store;
	struct digest *digest;
	char *chunk; /* READ_STEP */
	int (*report)(void *ctx, const char *text);
	void *ctx;
	int problems;
};

/* The next number after one, 0 none: a restore leaves many out. */
static int
next_number(struct store *store, int64_t after, int64_t *ret, struct error *err)
{
	scope_reader reader = {0};
	int rc = store_reader_get(store, &reader, err);

	return rc ? rc : store_submission_after(reader.db, after, ret, err);
}

/* A moment each: a reader that stays would keep the log from being emptied. */
static int
get(struct store *store, int64_t number, struct store_submission *ret,
    struct error *err)
{
	scope_reader reader = {0};
	int rc = store_reader_get(store, &reader, err);

	return rc ? rc : store_submission_get(reader.db, number, ret, err);
}

static int
complain(struct originals *o, const struct store_submission *s,
	 const char *what)
{
	char text[512];

	o->problems = 1;
	snprintf(text, sizeof(text),
		 "submission %s: the original 'intake/%" PRId64
		 "' of '%.200s' %s: restore a backup",
		 s->id, s->blob, s->name, what);
	return o->report(o->ctx, text);
}

/* The bytes of 'fd': *ret_bytes and the digest, or ERR_IO. */
static int
read_all(struct originals *o, int fd, int64_t *ret_bytes,
	 unsigned char hash[static DIGEST_SIZE], struct error *err)
{
	int64_t bytes = 0;
	ssize_t n;

	digest_restart(o->digest);
	while ((n = io_pread(fd, o->chunk, READ_STEP, bytes, err)) > 0) {
		digest_add(o->digest, o->chunk, (size_t)n);
		bytes += n;
	}
	if (n < 0)
		return (int)n;
	digest_end(o->digest, hash);
	*ret_bytes = bytes;
	return 0;
}

/* 0, a problem or not, or what report says. */
static int
check(struct originals *o, const struct store_submission *s)
{
	unsigned char hash[DIGEST_SIZE];
	struct error err = ERROR_INIT;
	char path[STORE_BLOB_PATH_MAX];
	int64_t bytes = 0;
	scope_fd fd = -1;

	store_blob_path(s->blob, path);
	fd = openat(store_dir_fd(o->store), path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT)
		return complain(o, s, "is missing");
	if (fd < 0 || read_all(o, fd, &bytes, hash, &err))
		return complain(o, s, "cannot be read");
	if (bytes != s->bytes ||
	    (s->has_sha256 && memcmp(hash, s->sha256, sizeof(hash)) != 0))
		return complain(o, s, "has other bytes than were judged");
	return 0;
}

/* One that was erased while it was looked at is none. */
static int
check_one(struct originals *o, int64_t number, struct error *err)
{
	struct store_submission s = {0};
	char path[STORE_BLOB_PATH_MAX];
	int rc = get(o->store, number, &s, err);

	if (rc > 0 && s.blob) {
		store_blob_path(s.blob, path);
		if (faccessat(store_dir_fd(o->store), path, F_OK, 0)) {
			store_submission_release(&s);
			rc = get(o->store, number, &s, err);
		}
	}
	if (rc <= 0)
		return rc;
	/* what was never whole may have changed since it was looked at */
	rc = s.blob && !s.killed ? check(o, &s) : 0;
	store_submission_release(&s);
	return rc;
}

int
flow_verify_originals(struct store *store,
		      int (*report)(void *ctx, const char *text), void *ctx,
		      struct error *err)
{
	scope_free char *chunk = malloc(READ_STEP);
	scope_digest digest = digest_new();
	struct originals o = {store, digest, chunk, report, ctx, 0};
	int64_t number = 0;
	int rc;

	if (!chunk || !digest)
		return error_nomem(err);
	rc = next_number(store, 0, &number, err);
	while (rc >= 0 && number) {
		rc = check_one(&o, number, err);
		if (rc >= 0)
			rc = next_number(store, number, &number, err);
	}
	return rc < 0 ? rc : o.problems;
}
