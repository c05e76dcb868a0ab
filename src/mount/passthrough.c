/* The keeper's two calls of the kernel: see mount.h. */
#include "mount/mount.h"

#include <errno.h>

#include "mount/kernel.h"

int
mount_backing_open(int fuse_fd, int fd, int32_t *ret_id, struct error *err)
{
	struct kernel_backing backing = {.fd = fd};
	int id = ioctl(fuse_fd, KERNEL_BACKING_OPEN, &backing);

	if (id <= 0)
		return error_errno(err, id < 0 ? errno : EPROTO,
				   "the kernel does not take a file to read");
	*ret_id = id;
	return 0;
}

void
mount_backing_close(int fuse_fd, int32_t id)
{
	uint32_t number = (uint32_t)id;

	(void)ioctl(fuse_fd, KERNEL_BACKING_CLOSE, &number);
}
