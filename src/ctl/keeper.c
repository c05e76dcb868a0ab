/* Finding the daemon of a state: see keeper.h. */
#include "ctl/keeper.h"

#include "base/io.h"
#include "base/scope.h"
#include "control/control.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>

/* ---- its socket ---------------------------------------------------------- */

static int
open_state(const char *state, int *ret_dir, struct error *err)
{
	int dir = open(state, O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (dir >= 0) {
		*ret_dir = dir;
		return 1;
	}
	if (errno == ENOENT)
		return 0;
	if (errno == EACCES)
		return error_set(err, ERR_DENIED,
				 "the state '%s' cannot be entered: a folder "
				 "on the way is closed to this user",
				 state);
	return error_errno(err, errno, "state '%s'", state);
}

/* The state's folder may have a longer path than an address holds. */
static int
connect_in(int dir, const char *state, int *ret_fd, struct error *err)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	scope_fd fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return error_errno(err, errno, "socket");
	snprintf(at.sun_path, sizeof(at.sun_path),
		 "/proc/self/fd/%d/" CONTROL_SOCKET, dir);
	if (connect(fd, (const struct sockaddr *)&at, sizeof(at)) == 0) {
		*ret_fd = take_fd(&fd);
		return 1;
	}
	if (errno == ENOENT || errno == ECONNREFUSED || errno == EAGAIN)
		return 0;
	if (errno == EACCES)
		return error_set(err, ERR_DENIED,
				 "the daemon on '%s' cannot be asked: "
				 "its " CONTROL_SOCKET
				 " is closed to this user",
				 state);
	return error_errno(err, errno, "'%s/" CONTROL_SOCKET "'", state);
}

int
ctl_connect(const char *state, int *ret_fd, struct error *err)
{
	scope_fd dir = -1;
	int rc = open_state(state, &dir, err);

	return rc <= 0 ? rc : connect_in(dir, state, ret_fd, err);
}

/* ---- its processes ------------------------------------------------------- */

int
ctl_process_open(pid_t pid)
{
	struct pollfd p = {.events = POLLIN};
	scope_fd fd = pid > 0 ? (int)syscall(SYS_pidfd_open, pid, 0) : -1;

	if (fd < 0)
		return -1;
	p.fd = fd;
	if (poll(&p, 1, 0) > 0)
		return -1; /* not yet waited for by its parent */
	return take_fd(&fd);
}

/* Its lock is not tried: that would keep a keeper from starting. */
pid_t
ctl_keeper(const char *state)
{
	scope_fd dir = open(state, O_PATH | O_DIRECTORY | O_CLOEXEC);
	scope_buf text = BUF_INIT, name = BUF_INIT;
	scope_fd process = -1;
	char path[64];
	long pid;

	if (dir < 0 || io_slurp(dir, CONTROL_KEEPER_LOCK, 64, &text, NULL) ||
	    !buf_str(&text))
		return 0;
	pid = strtol(text.data, NULL, 10);
	if (pid <= 0 || pid > INT32_MAX)
		return 0;
	process = ctl_process_open((pid_t)pid);
	snprintf(path, sizeof(path), "/proc/%ld/comm", pid);
	if (process < 0 || io_slurp(AT_FDCWD, path, 64, &name, NULL))
		return 0;
	if (!slice_is(buf_slice(&name), CONTROL_KEEPER_NAME "\n"))
		return 0; /* another process has its number */
	return (pid_t)pid;
}

/* ---- its mount ----------------------------------------------------------- */

/* mountinfo writes blank, tab, LF and backslash as \ooo. */
static void
unescape(char *s)
{
	char *to = s;

	while (*s) {
		if (s[0] == '\\' && s[1] >= '0' && s[1] <= '3' && s[2] &&
		    s[3]) {
			*to++ = (char)((s[1] - '0') << 6 | (s[2] - '0') << 3 |
				       (s[3] - '0'));
			s += 4;
		} else {
			*to++ = *s++;
		}
	}
	*to = '\0';
}

/* The mount point of a line if it is that of a civicfs, else NULL: ID PARENT
 * DEVICE ROOT MOUNTPOINT OPTIONS … - TYPE SOURCE OPTIONS */
static const char *
mount_of(char *line)
{
	const char *type = strstr(line, " - ");
	char *rest = line, *place = NULL;

	if (!type || strncmp(type + 3, "fuse.civicfs ", 13) != 0)
		return NULL;
	for (int i = 0; i < 5; i++)
		place = strsep(&rest, " ");
	if (place)
		unescape(place);
	return place;
}

bool
ctl_is_mounted(const char *mountpoint)
{
	scope_file list = fopen("/proc/self/mountinfo", "re");
	scope_free char *line = NULL;
	size_t size = 0;

	while (list && getline(&line, &size, list) >= 0) {
		const char *place = mount_of(line);

		if (place && strcmp(place, mountpoint) == 0)
			return true;
	}
	return false;
}

size_t
ctl_mount_prefix(const char *path)
{
	scope_file list = fopen("/proc/self/mountinfo", "re");
	scope_free char *line = NULL;
	size_t size = 0, longest = 0;

	while (list && getline(&line, &size, list) >= 0) {
		const char *place = mount_of(line);
		size_t n = place ? strlen(place) : 0;

		if (n > longest && strncmp(path, place, n) == 0 &&
		    (path[n] == '/' || !path[n]))
			longest = n;
	}
	return longest;
}
