/*
 * Datasets with 'recheck = yes' (SPEC 9): the kernel keeps no byte of their
 * files and reads none by itself; each read is asked for here, and asks the
 * rules again.
 *
 * A read is answered while the process that reads may read, and whoever opened
 * the file may, as the rules and the groups of his account are now: those in
 * force since the last reload. Who opened which file lies in 'cache/openers' of
 * the state's folder, by the place of its handle in pins.h, so that it outlives
 * the worker.
 *
 * The kernel marks a read that fills its own pages (a mapping, sendfile) by
 * saying of no owner; those are refused, because from these pages others would
 * be served unasked.
 */
#ifndef MOUNT_RECHECK_H
#define MOUNT_RECHECK_H

#include "mount/tree.h"

struct fuse_file_info;
struct fuse_req;
struct recheck;

/* NULL in *ret when no dataset of the configuration asks for it. 'session' as
 * for pins.h; 0: nothing outlives this worker. ERR_IO, ERR_NOMEM. */
MUST_CHECK int mount_recheck_new(const struct mount_context *context,
				 struct recheck **ret, struct error *err);
void mount_recheck_free(struct recheck *r);

/* Whether the files of a place are served so. */
bool mount_recheck_is_on(const struct mount *m, struct access_at at);

/* Of a published file that is being opened, after mount_hold(): its node must
 * be one that is asked for (-ESTALE: look again). Notes who opens it, and has
 * the kernel ask for each read. */
int mount_recheck_open(struct fuse_req *req, uint64_t node, struct access_at at,
		       struct fuse_file_info *fi);
/* Whether this read may be answered: 0, -EACCES, or -EINVAL for one that the
 * kernel would keep. Also 0 where nothing is asked. */
int mount_recheck_read(struct fuse_req *req, uint64_t node,
		       const struct fuse_file_info *fi);

#endif
