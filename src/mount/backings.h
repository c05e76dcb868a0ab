/*
 * The worker's side of reading and writing by the kernel itself (mount.h):
 * which nodes are open so, with how many handles, and when the keeper is asked
 * for a number.
 *
 * A handle is noted in pins.h, which outlives the worker; how many a node has
 * is what the notes say. The kernel takes one number for a node at a time, so a
 * node keeps it as long as one handle is noted, whoever noted it. What cannot
 * be passed through is ESTALE to OPEN: the kernel then looks the name up once
 * more, and is given the node that is read in the ordinary way.
 */
#ifndef MOUNT_BACKINGS_H
#define MOUNT_BACKINGS_H

#include "mount/call.h"

struct pins;

/* Takes up what an earlier worker left, and gives back what nobody has open.
 * Both outlive it. ERR_NOMEM. */
MUST_CHECK int mount_backings_new(const struct mount_context *context,
				  struct pins *pins, struct backings **ret,
				  struct error *err);
void mount_backings_free(struct backings *b);

/* As which kind of node published bytes of a theme are shown: NODE_FLAT or
 * NODE_FILE. */
enum node_kind mount_backings_kind(const struct mount *m, int64_t theme,
				   int64_t state);

/* Whether an upload may be opened so: not for a moment after that has failed.
 */
bool mount_backings_are_on(const struct backings *b);

/* Notes a handle of a NODE_FLAT or NODE_WRITTEN, and that it is gone. */
uint64_t mount_backings_hold(struct backings *b, uint64_t node, uint64_t unique,
			     bool resent);
void mount_backings_drop(struct backings *b, uint64_t node, uint64_t handle);
/* Its copy has gone: a number that nobody uses is given back, and the room on
 * the disk with it. */
void mount_backings_forget(struct backings *b, uint64_t node);
/* The number for a node whose handle is noted; -ESTALE. Blocks for a moment on
 * the keeper. */
int mount_backings_use(struct call *call, uint64_t node, uint64_t handle,
		       int32_t *ret_id);

/* The same for a NODE_WRITTEN. False: the kernel is to ask for each read and
 * write of this handle, because others of the node do so, or it 'may' not be
 * otherwise, or cannot. So one node is never open in both ways. */
bool mount_backings_write(struct call *call, uint64_t node, uint64_t handle,
			  bool may, int32_t *ret_id);
/* Its only handle, which is being opened, asks after all. False: there are
 * others. */
bool mount_backings_unwrite(struct backings *b, uint64_t node);

/* How many were opened so, since this worker began: published files, uploads.
 */
void mount_backings_count(const struct backings *b, uint64_t *ret_read,
			  uint64_t *ret_written);

#endif
