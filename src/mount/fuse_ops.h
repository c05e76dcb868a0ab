/* The table of operations that libfuse calls; userdata is the struct mount.
 * Only files of this folder that include fuse_lowlevel.h include this. */
#ifndef MOUNT_FUSE_OPS_H
#define MOUNT_FUSE_OPS_H

#define FUSE_USE_VERSION 314
#include <fuse_lowlevel.h>

extern const struct fuse_lowlevel_ops mount_fuse_ops;

#endif
