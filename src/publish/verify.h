/* What the two halves of 'verify' share: see publish_verify(). */
#ifndef PUBLISH_VERIFY_H
#define PUBLISH_VERIFY_H

#include "publish/rows.h"
#include "store/chunk.h"
#include "store/version.h"

struct publish_verify {
	struct store *store;
	int64_t published;
	int (*report)(void *ctx, const char *text);
	void *ctx;
	struct error *err;
	bool problems;
	/* the theme under way */
	const struct publish_theme *theme;
	struct sql *db;
	struct store_version newest;
	/* the pack that was read last */
	bool has_pack;
	int64_t pack;
	int pack_fd;
	struct buf bytes;
};

/* Reports a line; what 'report' returned. */
int publish_verify_problem(struct publish_verify *v, const char *fmt, ...)
	PRINTF_LIKE(2, 3);

/* Every chunk of a file against its hash, every state against its chunks, a
 * known hash against the bytes. A store_file_each_fn over a publish_verify. */
int publish_verify_file(void *ctx, int64_t file, const char *kind,
			const char *part);

/* The contiguous copy of a state, if there is one, against the chunks. */
int publish_verify_flat(struct publish_verify *v, const char *path,
			const struct store_file_state *s);

/* The rows of data.sqlite against the store: of the newest version, when the
 * theme's rules are those of today. */
int publish_verify_portable(struct publish_verify *v);

void publish_verify_release(struct publish_verify *v);

#endif
