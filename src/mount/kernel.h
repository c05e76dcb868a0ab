/* Parts of the kernel's FUSE interface that are newer than the headers of
 * Debian 12 (include/uapi/linux/fuse.h of Linux 6.9). */
#ifndef MOUNT_KERNEL_H
#define MOUNT_KERNEL_H

#include <stdint.h>

/* flags2 of INIT: unanswered requests can be had again. */
#define KERNEL_HAS_RESEND (1u << 7)

/* Notification code: send them. */
#define KERNEL_NOTIFY_RESEND 7

/* Notification code (6.16): every name is looked up again when next used. */
#define KERNEL_NOTIFY_INC_EPOCH 8

/* The bit of a request's number that says it may have been done. */
#define KERNEL_RESENT (UINT64_C(1) << 63)

#endif
