/*
 * Contiguous copies of published files: 'cache/flat/STATE' in the state's
 * folder holds the bytes of one file_state from the first to the last, so that
 * the kernel can read it by itself (DESIGN 3, 4). A file that somebody reads
 * is copied in the background, chunk by chunk against the chunks' hashes, with
 * no more room and no faster than the configuration says ([platform]
 * flatten_room, flatten_rate, flatten_from).
 *
 * A large file's first bytes lie in a pack of their own (packs.h): then the
 * copy is another name of that pack, and costs nothing.
 *
 * They are a cache. Any of them may go at any moment: who has it open keeps
 * its bytes, everybody else is served from the packs. No table knows of them,
 * no backup has them. What has its final name is whole and on the disk.
 */
#ifndef PUBLISH_FLATTEN_H
#define PUBLISH_FLATTEN_H

#include "config/config.h"
#include "store/store.h"

#include <stdbool.h>

#define PUBLISH_FLAT_NAME_MAX 48

/* The name of a copy, relative to the state's folder. */
void publish_flat_name(int64_t state, char name[static PUBLISH_FLAT_NAME_MAX]);

/* What the shell hears, from the thread of publish_flat_run(); NULL members
 * are left out. */
struct publish_flat_hooks {
	/* There is a copy of these bytes from now on, or no longer. */
	void (*changed)(void *ctx, int64_t state);
	void (*failed)(void *ctx, const struct error *err);
	void *ctx;
};

/* Any thread may call what follows. */
struct publish_flat;

/* Finds the copies that are there; removes what an earlier life has left half
 * done. ERR_IO, ERR_NOMEM. */
MUST_CHECK int publish_flat_new(struct store *store,
				const struct config *config,
				const struct publish_flat_hooks *hooks,
				struct publish_flat **ret, struct error *err);
void publish_flat_free(struct publish_flat *f);

/* Whether there is a copy to be read. */
bool publish_flat_has(struct publish_flat *f, int64_t state);
/* To be read only; ERR_NOTFOUND when there is none (any more). */
MUST_CHECK int publish_flat_open(struct publish_flat *f, int64_t state,
				 int *ret_fd, struct error *err);
/* It is of no use: as if there were none, until the next start. */
void publish_flat_ignore(struct publish_flat *f, int64_t state);
/* Somebody reads these bytes: a copy is made if it is worth it. */
void publish_flat_want(struct publish_flat *f, int64_t state, int64_t bytes);

/* A dataset (0: every one) has a new version: what of it lies in one piece
 * already is given its name. */
void publish_flat_offer(struct publish_flat *f, int64_t dataset);

/* What there is, for people. */
struct publish_flat_count {
	int64_t files;
	int64_t bytes;	 /* on the disk, where they are not packs */
	int64_t waiting; /* to be copied */
};
void publish_flat_count(struct publish_flat *f, struct publish_flat_count *ret);

/* Makes and removes copies until publish_flat_stop(). */
void publish_flat_run(struct publish_flat *f);
void publish_flat_stop(struct publish_flat *f);
/* Versions went: their copies go too, soon. */
void publish_flat_prune(struct publish_flat *f);

#endif
