/* What /proc says of a process: see proc.h and proc(5), stat. */
#include "daemon/proc.h"

#include "base/io.h"
#include "base/scope.h"

#include <fcntl.h>

#define START_FIELD 22

int
daemon_proc_read(pid_t pid, struct daemon_proc *ret)
{
	char path[64], text[1024];
	const char *at;
	ssize_t n;
	scope_fd fd = -1;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	n = io_read(fd, text, sizeof(text) - 1, NULL);
	if (n <= 0)
		return -1;
	text[n] = '\0';
	at = strrchr(text, ')'); /* the name before it may hold anything */
	if (!at || at[1] != ' ')
		return -1;
	ret->state = at[2];
	for (int field = 2; at && field < START_FIELD; field++)
		at = strchr(at + 1, ' ');
	ret->started = at ? strtoll(at, NULL, 10) : -1;
	return 0;
}
