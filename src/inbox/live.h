/*
 * What the worker remembers of open inbox files: descriptors of their blobs,
 * how often they are open, and what became of their writes. Everything here
 * can be lost with the worker; what must not be lost is in store/handle.h.
 * Any thread; nothing here blocks on more than a short lock.
 */
#ifndef INBOX_LIVE_H
#define INBOX_LIVE_H

#include "base/error.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

struct inbox_live; /* the table */

struct inbox_live *inbox_live_new(void); /* NULL without memory */
void inbox_live_free(struct inbox_live *live);

/* A descriptor shared by those who read and write at the moment. */
struct inbox_live_fd {
	int fd;
	atomic_uint users;
	atomic_bool named; /* its name in intake/ is known to be durable */
	int64_t blob;	   /* whose bytes these are */
	bool bound;	   /* a submission's: only to be read */
	size_t department; /* quota.h */
};
void inbox_live_fd_put(struct inbox_live_fd *fd);
static inline void
inbox_live_fd_putp(struct inbox_live_fd **fd)
{
	if (*fd)
		inbox_live_fd_put(*fd);
}
#define scope_live_fd \
	__attribute__((cleanup(inbox_live_fd_putp))) struct inbox_live_fd

/* The kept descriptor of a file; NULL when there is none. Then open one and
 * give it to inbox_live_keep() with the generation from before you looked which
 * blob the file has. */
struct inbox_live_fd *inbox_live_find(struct inbox_live *live, int64_t file,
				      uint64_t *ret_generation);
/* Takes 'given' (its fd, blob and department) in any case. 1: *ret is the
 * shared descriptor; 0: a blob has changed hands since, look again;
 * ERR_NOMEM. */
MUST_CHECK int inbox_live_keep(struct inbox_live *live, int64_t file,
			       const struct inbox_live_fd *given,
			       uint64_t generation, struct inbox_live_fd **ret);
/* The file has another blob, or may not be written any more: its descriptor
 * is forgotten (and closed after its last user). */
void inbox_live_rebind(struct inbox_live *live, int64_t file);
/* Its descriptor is not kept while nobody uses it. */
void inbox_live_rest(struct inbox_live *live, int64_t file);

/* Counts openings. ERR_STALE when the file is being removed; ERR_NOMEM. */
MUST_CHECK int inbox_live_open(struct inbox_live *live, int64_t file);
void inbox_live_close(struct inbox_live *live, int64_t file);
/* Whether nobody has it open: then nobody can open it from now on, until
 * inbox_live_forget (it is gone) or inbox_live_unretire (it stays after all).
 */
bool inbox_live_retire(struct inbox_live *live, int64_t file);
void inbox_live_unretire(struct inbox_live *live, int64_t file);
void inbox_live_forget(struct inbox_live *live, int64_t file);

/* Something is about to be written. Whether a close may have been answered
 * since the last write: then the handles must be marked open again first. */
bool inbox_live_writing(struct inbox_live *live, int64_t file);
/* Notes n bytes written. */
void inbox_live_wrote(struct inbox_live *live, int64_t file, off_t offset,
		      size_t n);
/* All written so far is about to be made durable; a failure is noted by
 * inbox_live_lost(). 'now' is the file as it is. */
void inbox_live_syncing(struct inbox_live *live, int64_t file,
			const struct stat *now);
/* Whether it is, for certain: not after a restart. */
bool inbox_live_is_synced(struct inbox_live *live, int64_t file,
			  const struct stat *now);
/* Bytes at an offset were refused, or could not be made durable (offset -1):
 * the file is not whole until they are written, or cut off. */
void inbox_live_lost(struct inbox_live *live, int64_t file, off_t offset,
		     int errnum);
/* The errno of the loss; 0 none. */
int inbox_live_loss(struct inbox_live *live, int64_t file);
/* The file was cut to 'size'. */
void inbox_live_truncated(struct inbox_live *live, int64_t file, off_t size);
/* A close is being answered. Whether one had been, and nothing written
 * since. */
bool inbox_live_closing(struct inbox_live *live, int64_t file);
/* How many bytes from the start on were written since inbox_live_restart(),
 * which is called when a file gets its first writer. */
off_t inbox_live_rewritten(struct inbox_live *live, int64_t file);
void inbox_live_restart(struct inbox_live *live, int64_t file);

/* The kernel may write the file by itself, unseen, from now on; it no longer
 * has it open so. Until its bytes are another's, what is known of them is what
 * the file says. ERR_NOMEM. */
MUST_CHECK int inbox_live_pass(struct inbox_live *live, int64_t file);
void inbox_live_passed(struct inbox_live *live, int64_t file);
/* Whether the kernel may have written it. */
bool inbox_live_is_passed(struct inbox_live *live, int64_t file);
/* Up to n files that the kernel has open so, with a number above 'after', in
 * order. */
size_t inbox_live_passing(struct inbox_live *live, int64_t after,
			  int64_t *files, size_t n);
/* Whether the size is another than when it was last asked. */
bool inbox_live_grew(struct inbox_live *live, int64_t file, off_t size);

#endif
