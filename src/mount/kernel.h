/* Parts of the kernel's FUSE interface that are newer than the headers of
 * Debian 12 (include/uapi/linux/fuse.h of Linux 6.9). */
#ifndef MOUNT_KERNEL_H
#define MOUNT_KERNEL_H

#include <stdint.h>
#include <sys/ioctl.h>

/* flags2 of INIT: unanswered requests can be had again. */
#define KERNEL_HAS_RESEND (1u << 7)

/* flags2 of INIT (6.9): open files may be read and written by the kernel
 * itself, on a file system at most so many layers below. */
#define KERNEL_HAS_PASSTHROUGH (1u << 5)
#define KERNEL_STACK_DEPTH 1

/* Flag of an answer to OPEN and CREATE, whose last four bytes are then the
 * number of what the kernel reads and writes. */
#define KERNEL_OPEN_PASSTHROUGH (1u << 7)

/* ioctl()s of /dev/fuse that make and end such a number. */
struct kernel_backing {
	int32_t fd;
	uint32_t flags;
	uint64_t zero;
};
#define KERNEL_BACKING_OPEN _IOW(229, 1, struct kernel_backing)
#define KERNEL_BACKING_CLOSE _IOW(229, 2, uint32_t)

/* Notification code: send them. */
#define KERNEL_NOTIFY_RESEND 7

/* Notification code (6.16, for which there is no bit of INIT): every name is
 * looked up again when next used. */
#define KERNEL_MINOR_EPOCHS 44
#define KERNEL_NOTIFY_INC_EPOCH 8

/* The bit of a request's number that says it may have been done. */
#define KERNEL_RESENT (UINT64_C(1) << 63)

#endif
