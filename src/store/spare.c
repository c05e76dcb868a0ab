/* Room that is kept: see spare.h. */
#include "store/spare.h"

#include "base/scope.h"

#include <fcntl.h>
#include <unistd.h>

#define BYTES (1 << 20)

bool
spare_keep(int dir, const char *name)
{
	scope_fd fd = openat(dir, name, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	if (fd < 0)
		return false;
	/* Half a spare is none; it is made later. */
	if (!posix_fallocate(fd, 0, BYTES))
		return true;
	unlinkat(dir, name, 0);
	return false;
}
