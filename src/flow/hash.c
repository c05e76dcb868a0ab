/* The hash of a delivered file, beside its judgement: see hash.h. */
#include "flow/hash.h"

#include "base/clock.h"
#include "base/io.h"
#include "base/relay.h"
#include "base/scope.h"

#include <stdlib.h>

#define STEP ((size_t)256 << 10) /* bytes */
#define WORTH_A_THREAD ((int64_t)1 << 20)
#define WAIT (CLOCK_NS / 100) /* until the next breath */

struct flow_hash {
	int fd;
	struct relay *relay; /* NULL: done at once */
	atomic_bool given_up;
	unsigned char hash[DIGEST_SIZE];
	int rc;
	struct error err;
};

static int
hash_file(struct flow_hash *h, struct error *err)
{
	scope_digest d = digest_new();
	scope_free char *step = malloc(STEP);
	off_t at = 0;
	ssize_t n;

	if (!d || !step)
		return error_nomem(err);
	while (!atomic_load(&h->given_up)) {
		n = io_pread(h->fd, step, STEP, at, err);
		if (n < 0)
			return (int)n;
		if (n == 0)
			break;
		digest_add(d, step, (size_t)n);
		at += n;
	}
	digest_end(d, h->hash);
	return 0;
}

static void
work(void *ctx)
{
	struct flow_hash *h = ctx;

	h->rc = hash_file(h, &h->err);
}

int
flow_hash_begin(int fd, int64_t bytes, struct flow_hash **ret,
		struct error *err)
{
	struct flow_hash *h = calloc(1, sizeof(*h));

	if (!h)
		return error_nomem(err);
	*ret = h;
	h->fd = fd;
	if (bytes < WORTH_A_THREAD) {
		work(h);
		return 0;
	}
	h->relay = relay_new(work, h);
	if (!h->relay)
		return error_nomem(err);
	relay_start(h->relay);
	return 0;
}

int
flow_hash_end(struct flow_hash *h, const struct breath *breath,
	      unsigned char ret[static DIGEST_SIZE], struct error *err)
{
	while (h->relay && !relay_wait_some(h->relay, WAIT)) {
		int rc = breathe(breath, err);

		if (rc)
			return rc;
	}
	if (h->rc)
		return error_set(err, h->rc, "%s", h->err.text);
	memcpy(ret, h->hash, DIGEST_SIZE);
	return 0;
}

void
flow_hash_free(struct flow_hash *h)
{
	if (!h)
		return;
	atomic_store(&h->given_up, true);
	relay_free(h->relay);
	free(h);
}
