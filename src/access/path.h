/* A path of the tree, as the rules see it: for people who ask who may. */
#ifndef ACCESS_PATH_H
#define ACCESS_PATH_H

#include "access/access.h"

#define ACCESS_STEPS_MAX 4

/* The places on the way from the root to the end, both included: who may read
 * the end may read each of them. */
struct access_path {
	struct access_at steps[ACCESS_STEPS_MAX];
	size_t nsteps;
	bool writable; /* inbox/D/R and what is in it, but for receipts */
	/* Not writable: why, for people. */
	const char *read_only;
};

/*
 * 'path' begins at the root of the tree; blanks are part of names, slashes at
 * its ends and doubled ones count for nothing. What lies deeper than the rules
 * look (a version, a key, a file of an inbox) need not exist. ERR_NOTFOUND
 * says which name there is not.
 */
MUST_CHECK int access_path_find(const struct config *config, const char *path,
				struct access_path *ret, struct error *err);

/* Whether 'who' may do all of 'want' with it: every step has to allow reading,
 * and the last one 'want'. The reason is that of the deepest step that
 * refuses, else of the last; 'ret' may be NULL. */
bool access_path_may(const struct access *access,
		     const struct access_path *path,
		     const struct access_who *who, unsigned want,
		     struct access_reason *ret);

/* "access.ini:3: theme.credit = department:tax, user:li", and the like; for a
 * refusal, what the line lacks. ERR_NOMEM. */
MUST_CHECK int access_reason_text(const struct access_reason *reason,
				  struct buf *out);

#endif
