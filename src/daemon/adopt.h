/*
 * A keeper that takes over the mount of a dead one.
 *
 * A worker outlives its keeper and serves on. It holds /dev/fuse, and a memfd
 * with what a keeper must know of the mount (the kernel's first request, the
 * number of the session); worker.pid says under which numbers. The next
 * keeper, being root, copies both descriptors from it (pidfd_getfd(2)), has
 * the worker end its requests, and starts one of its own: the mount stays, and
 * open files go on. Nothing is asked of the old worker but to end, so one that
 * hangs can be replaced too.
 */
#ifndef DAEMON_ADOPT_H
#define DAEMON_ADOPT_H

#include "daemon/roles.h"

/* Makes 'handover' for the mount of 'shared'. ERR_IO. */
MUST_CHECK int daemon_adopt_prepare(struct daemon_shared *shared,
				    struct error *err);

/*
 * Takes over the mount from the worker that a dead keeper left, and waits for
 * the end of that worker. Returns 1 with fuse_fd, init, session, generation,
 * kernel_resends and handover set; 0 when there is no such worker, or its
 * mount cannot be had: then it was ended, and its mount with it.
 * *ret_clean says whether the worker left no request unanswered.
 */
int daemon_adopt(struct daemon_shared *shared, bool *ret_clean);

#endif
