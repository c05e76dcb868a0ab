/*
 * One worker's life on /dev/fuse: libfuse's session over reads and writes of
 * our own, INIT given to it from memory, the loop of threads (DESIGN 2).
 */
#ifndef MOUNT_SESSION_H
#define MOUNT_SESSION_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct session;

/* What mount_serve() says in mount.h. 'mount' is the struct mount, userdata of
 * the handlers. */
struct session *mount_session_new(void);
void mount_session_free(struct session *s);
MUST_CHECK int mount_session_run(struct session *s, int fuse_fd,
				 const void *init, size_t init_len, bool first,
				 unsigned threads, void *mount,
				 struct error *err);
void mount_session_stop(struct session *s);
void mount_session_resume(struct session *s);
struct mount_counts;
void mount_session_count(const struct session *s, struct mount_counts *ret);

/* Whether the kernel can be told that every name is to be looked up again. */
bool mount_session_has_epochs(const struct session *s);

/* The number of the request that this thread answers, without the bit that
 * says it came again. libfuse does not hand it on. */
uint64_t mount_session_unique(bool *ret_resent);

/* Gives the kernel the first bytes of a file that it knows. Blocks while it
 * reads the same bytes: one thread at a time. False when it does not know it,
 * or the threads are ending. */
bool mount_session_give(struct session *s, uint64_t node, void *p, size_t n);

/* The answer to OPEN or CREATE that this thread gives next says that the
 * kernel reads and writes by itself, by this number. */
struct fuse_file_info;
void mount_session_pass(struct fuse_file_info *fi, int32_t id);

#endif
