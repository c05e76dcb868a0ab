/*
 * close() that answers with the verdict (SPEC 6.9): the FLUSH of a file whose
 * resource asks for it completes the file, and is answered by whoever judges,
 * so that no thread waits meanwhile. One that is unanswered when the worker
 * ends is sent again by the kernel to the next.
 */
#ifndef MOUNT_CLOSING_H
#define MOUNT_CLOSING_H

#include "mount/call.h"
#include "mount/fuse_ops.h"

struct closings *mount_closings_new(void); /* NULL: no memory */
void mount_closings_free(struct closings *c);
/* Requests are answered from now on; no more: those that wait are let go. */
void mount_closings_begin(struct closings *c);
void mount_closings_end(struct closings *c);

/* After the bytes of an upload have been made durable: whether its FLUSH is
 * answered here, now or once there is a verdict. */
bool mount_close_waits(struct mount *m, fuse_req_t req, int64_t file);

#endif
