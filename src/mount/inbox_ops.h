/* The operations that change something: see inbox_ops.c. Included only by
 * files that include fuse_lowlevel.h. */
#ifndef MOUNT_INBOX_OPS_H
#define MOUNT_INBOX_OPS_H

#include "mount/fuse_ops.h"
#include "mount/tree.h"

/* Who asks, with the number of the request. */
struct inbox_request mount_request(fuse_req_t req);

void mount_op_setattr(fuse_req_t req, fuse_ino_t node, struct stat *st, int set,
		      struct fuse_file_info *fi);
void mount_op_mknod(fuse_req_t req, fuse_ino_t parent, const char *name,
		    mode_t mode, dev_t device);
void mount_op_mkdir(fuse_req_t req, fuse_ino_t parent, const char *name,
		    mode_t mode);
void mount_op_symlink(fuse_req_t req, const char *target, fuse_ino_t parent,
		      const char *name);
void mount_op_link(fuse_req_t req, fuse_ino_t node, fuse_ino_t parent,
		   const char *name);
void mount_op_unlink(fuse_req_t req, fuse_ino_t parent, const char *name);
void mount_op_rmdir(fuse_req_t req, fuse_ino_t parent, const char *name);
void mount_op_rename(fuse_req_t req, fuse_ino_t parent, const char *name,
		     fuse_ino_t new_parent, const char *new_name,
		     unsigned flags);
void mount_op_create(fuse_req_t req, fuse_ino_t parent, const char *name,
		     mode_t mode, struct fuse_file_info *fi);
void mount_op_write(fuse_req_t req, fuse_ino_t node, const char *p, size_t n,
		    off_t offset, struct fuse_file_info *fi);
void mount_op_flush(fuse_req_t req, fuse_ino_t node, struct fuse_file_info *fi);
void mount_op_fsync(fuse_req_t req, fuse_ino_t node, int data_only,
		    struct fuse_file_info *fi);
void mount_op_fallocate(fuse_req_t req, fuse_ino_t node, int mode, off_t offset,
			off_t length, struct fuse_file_info *fi);
void mount_op_setxattr(fuse_req_t req, fuse_ino_t node, const char *name,
		       const char *p, size_t n, int flags);
void mount_op_removexattr(fuse_req_t req, fuse_ino_t node, const char *name);

#endif
