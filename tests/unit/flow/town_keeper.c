/*
 * A process that forks decoders for the town, as the keeper does: one with
 * threads must not fork and go on. See town.h.
 */
#include "tests/unit/flow/town.h"

#include "decode/decode.h"

#include <errno.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>

#define KEEPER_FDS 3

static _Noreturn void
be_decoder(enum town_decoder how, const int fds[KEEPER_FDS])
{
	switch (how) {
	case TOWN_DECODES:
		decode_process(fds[0], fds[1], fds[2], &DECODE_PROCESS);
	case TOWN_STALLS:
		/* as long as the keeper */
		prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
		for (;;)
			pause();
	default:
		_exit(1);
	}
}

struct order {
	struct msghdr msg;
	struct iovec iov;
	enum town_decoder how;
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(sizeof(int) * KEEPER_FDS)];
	} control;
};

static void
make_order(struct order *o, enum town_decoder how)
{
	*o = (struct order){.how = how};
	o->iov = (struct iovec){&o->how, sizeof(o->how)};
	o->msg.msg_iov = &o->iov;
	o->msg.msg_iovlen = 1;
	o->msg.msg_control = o->control.bytes;
	o->msg.msg_controllen = sizeof(o->control.bytes);
}

static _Noreturn void
be_keeper(int link)
{
	struct order o;

	for (;;) {
		int fds[KEEPER_FDS];

		make_order(&o, TOWN_DIES);
		if (recvmsg(link, &o.msg, MSG_CMSG_CLOEXEC) <= 0)
			_exit(0);
		memcpy(fds, CMSG_DATA(&o.control.header), sizeof(fds));
		if (fork() == 0)
			be_decoder(o.how, fds);
		for (int i = 0; i < KEEPER_FDS; i++)
			close(fds[i]);
	}
}

int
town_start_keeper(struct town *t)
{
	int ends[2];
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends))
		return -1;
	pid = fork();
	if (pid == 0) {
		close(ends[0]);
		be_keeper(ends[1]);
	}
	close(ends[1]);
	t->keeper = ends[0];
	return pid < 0 ? -1 : 0;
}

int
town_start_decoder(void *ctx, int in_fd, int request_fd, int out_fd,
		   struct error *err)
{
	const int fds[KEEPER_FDS] = {in_fd, request_fd, out_fd};
	struct town *t = ctx;
	struct order o;

	make_order(&o, t->decoder);
	if (o.how == TOWN_IS_REFUSED)
		return error_errno(err, EAGAIN, "cannot start a decoder");
	if (o.how == TOWN_DIES_ONCE)
		t->decoder = TOWN_DECODES;
	o.control.header = (struct cmsghdr){.cmsg_level = SOL_SOCKET,
					    .cmsg_type = SCM_RIGHTS,
					    .cmsg_len = CMSG_LEN(sizeof(fds))};
	memcpy(CMSG_DATA(&o.control.header), fds, sizeof(fds));
	if (sendmsg(t->keeper, &o.msg, MSG_NOSIGNAL) < 0)
		return error_errno(err, errno, "cannot start a decoder");
	return 0;
}
