/* The operations that change something: see inbox_ops.c. Included only by
 * files that include fuse_lowlevel.h. */
#ifndef MOUNT_INBOX_OPS_H
#define MOUNT_INBOX_OPS_H

#include "mount/fuse_ops.h"
#include "mount/tree.h"

/* Who asks, with the number of the request. */
struct inbox_request mount_request(fuse_req_t req);

/* inbox_pass.c: uploads that the kernel writes by itself. OPEN of one: 0 and
 * the handle, and the answer is completed; or a negative errno, ESTALE where
 * the kernel has to look the name up again. */
int mount_inbox_open_written(struct call *call, const struct inbox_request *r,
			     uint64_t node, struct fuse_file_info *fi,
			     uint64_t *ret_handle);
/* OPEN for writing of an upload that a submission has: it gets bytes of its
 * own, and where the kernel could write those by itself, -ESTALE. 0: open it as
 * it is. */
int mount_inbox_turn(struct call *call, const struct inbox_request *r,
		     uint64_t node, int flags);
/* The node and handle of a file that CREATE has made or opened. */
uint64_t mount_inbox_created(struct call *call, const struct inbox_request *r,
			     const struct inbox_entry *made,
			     struct fuse_file_info *fi);
/* The request that a handle is of: what src/inbox knows it by. */
uint64_t mount_inbox_handle(uint64_t node, uint64_t handle);
int mount_inbox_release(fuse_req_t req, uint64_t node, uint64_t handle);

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
