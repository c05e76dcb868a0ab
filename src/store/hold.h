/*
 * Keeps things from being removed: who copies or checks the state shares a
 * lock (flock(2) on 'gc.lock' in the state's folder), and what removes takes
 * it alone for each of its short steps. The kernel gives the lock back when
 * its holder dies. Between two steps the state is whole.
 */
#ifndef STORE_HOLD_H
#define STORE_HOLD_H

#include "base/error.h"

#include <stdbool.h>

/* A descriptor for the two below, the caller's; the file is made when there is
 * none, and belongs to whom the folder does. ERR_IO. */
MUST_CHECK int store_hold_open(int state_fd, int *ret_fd, struct error *err);
/* Nothing is removed until the descriptor is closed. Waits for a step that is
 * under way. */
MUST_CHECK int store_hold_share(int fd, struct error *err);
/* For a step: 1 had, 0 somebody shares it, ERR_IO. */
MUST_CHECK int store_hold_try(int fd, struct error *err);
void store_hold_drop(int fd);

#endif
