/* What the keeper and the worker say to each other: see link.h. */
#include "daemon/link.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

union control {
	struct cmsghdr align;
	char bytes[CMSG_SPACE(LINK_FDS * sizeof(int))];
};

int
daemon_link_send(int fd, const struct link_message *m, const int *fds, int n,
		 struct error *err)
{
	struct link_message copy = *m;
	struct iovec iov = {&copy, sizeof(copy)};
	union control control = {0};
	struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};

	if (n > 0) {
		struct cmsghdr *c = &control.align;

		msg.msg_control = control.bytes;
		msg.msg_controllen = CMSG_SPACE((size_t)n * sizeof(int));
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN((size_t)n * sizeof(int));
		memcpy(CMSG_DATA(c), fds, (size_t)n * sizeof(int));
	}
	while (sendmsg(fd, &msg, MSG_NOSIGNAL) < 0) {
		if (errno != EINTR)
			return error_errno(err, errno,
					   "the other process does not listen");
	}
	return 0;
}

static void
take_fds(struct msghdr *msg, int fds[LINK_FDS])
{
	struct cmsghdr *c = CMSG_FIRSTHDR(msg);
	size_t n;

	if (!c || c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
		return;
	n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
	if (n > LINK_FDS)
		n = LINK_FDS; /* the buffer holds no more */
	memcpy(fds, CMSG_DATA(c), n * sizeof(int));
}

int
daemon_link_receive(int fd, struct link_message *m, int fds[LINK_FDS],
		    struct error *err)
{
	struct iovec iov = {m, sizeof(*m)};
	union control control = {0};
	struct msghdr msg = {.msg_iov = &iov,
			     .msg_iovlen = 1,
			     .msg_control = control.bytes,
			     .msg_controllen = sizeof(control.bytes)};
	ssize_t n;

	for (int i = 0; i < LINK_FDS; i++)
		fds[i] = -1;
	do {
		n = recvmsg(fd, &msg, MSG_CMSG_CLOEXEC);
	} while (n < 0 && errno == EINTR);
	if (n == 0 || (n < 0 && errno == ECONNRESET))
		return 0;
	if (n < 0)
		return error_errno(err, errno, "receive");
	take_fds(&msg, fds);
	m->text[sizeof(m->text) - 1] = '\0';
	if (n == sizeof(*m) && !(msg.msg_flags & (MSG_TRUNC | MSG_CTRUNC)))
		return 1;
	for (int i = 0; i < LINK_FDS; i++) {
		if (fds[i] >= 0)
			close(fds[i]);
	}
	return error_set(err, ERR_PROTOCOL, "a message of the wrong size");
}
