/* Contiguous copies under 'verify': readers are given their bytes as they are,
 * by the kernel. */
#include "publish/verify.h"

#include "base/io.h"
#include "base/scope.h"
#include "publish/flatten.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sys/stat.h>

struct compare {
	struct publish_verify *v;
	const char *path; /* of the published file */
	char name[PUBLISH_FLAT_NAME_MAX];
	int fd;
	int64_t at;
};

static int
wrong(const struct compare *k, int64_t from, int64_t to)
{
	return publish_verify_problem(
		k->v,
		"theme '%s', '%s': bytes %" PRId64 " to %" PRId64
		" of the copy '%s' are not what was published: remove that "
		"copy, it is made again",
		k->v->theme->theme->id, k->path, from, to, k->name);
}

static int
see_chunk(void *ctx, const struct store_chunk *c)
{
	struct compare *k = ctx;
	unsigned char sha256[DIGEST_SIZE];
	size_t length = (size_t)c->length;
	int64_t at = k->at;
	ssize_t n;

	buf_clear(&k->v->bytes);
	if (buf_reserve(&k->v->bytes, length + 1))
		return error_nomem(k->v->err);
	n = io_pread(k->fd, k->v->bytes.data, length, at, NULL);
	if (n > 0 && digest_bytes(k->v->bytes.data, (size_t)n, sha256))
		return error_nomem(k->v->err);
	k->at += c->length;
	if ((size_t)n == length && memcmp(sha256, c->sha256, DIGEST_SIZE) == 0)
		return 0;
	return wrong(k, at, k->at);
}

int
publish_verify_flat(struct publish_verify *v, const char *path,
		    const struct store_file_state *s)
{
	struct compare k = {.v = v, .path = path};
	scope_fd fd = -1;
	struct stat st;
	int rc;

	publish_flat_name(s->id, k.name);
	fd = openat(store_dir_fd(v->store), k.name,
		    O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT)
		return 0;
	if (fd < 0 || fstat(fd, &st))
		return publish_verify_problem(
			v, "theme '%s', '%s': its copy '%s' cannot be read",
			v->theme->theme->id, path, k.name);
	if (st.st_nlink > 1)
		return 0; /* a pack, which is read as such */
	k.fd = fd;
	rc = store_chunk_each(v->db, s->file, s->since, see_chunk, &k, v->err);
	if (!rc && st.st_size > k.at)
		rc = wrong(&k, k.at, st.st_size);
	return rc;
}
