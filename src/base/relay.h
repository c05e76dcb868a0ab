/*
 * A thread beside its owner's, for work that comes in pieces: while one piece
 * is worked off, the owner makes the next. Starting a piece costs a wake-up,
 * not a thread.
 */
#ifndef BASE_RELAY_H
#define BASE_RELAY_H

#include "base/error.h"

#include <stdbool.h>
#include <stdint.h>

/* Works off the piece that 'ctx' holds. */
typedef void relay_fn(void *ctx);

struct relay;
/* NULL without memory. Where there can be no thread, relay_start() does the
 * work itself. */
struct relay *relay_new(relay_fn *work, void *ctx);
/* Waits for the piece under way. NULL is allowed. */
void relay_free(struct relay *r);

/* One piece, which must be complete; none is under way: relay_wait() was
 * called since the last one. */
void relay_start(struct relay *r);
/* Until no piece is under way: what it has written is the owner's now. */
void relay_wait(struct relay *r);
/* The same, but not for longer than 'ns': whether none is under way. */
MUST_CHECK bool relay_wait_some(struct relay *r, int64_t ns);

#endif
