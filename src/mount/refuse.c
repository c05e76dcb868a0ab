/* Answers without a tree, for a mount that nobody can serve: see mount.h. */
#include "mount/mount.h"

#include <errno.h>
#include <linux/fuse.h>
#include <string.h>
#include <unistd.h>

#include "mount/kernel.h"

int
mount_ask_again(int fuse_fd, struct error *err)
{
	struct fuse_out_header header = {
		.len = sizeof(header),
		.error = KERNEL_NOTIFY_RESEND,
	};

	/* EINVAL: a kernel before 6.9. The keeper knows, from INIT. */
	if (write(fuse_fd, &header, sizeof(header)) < 0 && errno != EINVAL)
		return error_errno(err, errno,
				   "cannot ask the kernel for the requests of "
				   "the earlier worker");
	return 0;
}

/* Requests that nobody waits for. RELEASE says that a file is complete: it
 * stays unanswered, so that the next worker hears of it. */
static bool
wants_answer(uint32_t opcode)
{
	static const uint32_t silent[] = {FUSE_FORGET, FUSE_BATCH_FORGET,
					  FUSE_INTERRUPT, FUSE_RELEASE,
					  FUSE_RELEASEDIR};

	for (size_t i = 0; i < sizeof(silent) / sizeof(*silent); i++) {
		if (silent[i] == opcode)
			return false;
	}
	return true;
}

int
mount_refuse(int fuse_fd, void *request, struct error *err)
{
	struct fuse_in_header in;
	struct fuse_out_header out = {.len = sizeof(out), .error = -EIO};
	ssize_t n = read(fuse_fd, request, MOUNT_REQUEST_MAX);

	if (n < 0 && errno == ENODEV)
		return 0;
	/* ENOENT: the one who asked has given up before it was read */
	if (n < 0 && (errno == EINTR || errno == EAGAIN || errno == ENOENT))
		return 1;
	if (n < 0)
		return error_errno(err, errno, "'/dev/fuse'");
	if (n < (ssize_t)sizeof(in))
		return error_set(err, ERR_PROTOCOL,
				 "the kernel's request has %zd bytes", n);
	memcpy(&in, request, sizeof(in));
	out.unique = in.unique;
	if (wants_answer(in.opcode) && write(fuse_fd, &out, sizeof(out)) < 0 &&
	    errno != ENOENT)
		return error_errno(err, errno, "'/dev/fuse'");
	return 1;
}
