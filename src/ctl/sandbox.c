/* Decoders of the command line's own: see sandbox.h. */
#include "ctl/sandbox.h"

#include "decode/decode.h"

#include <errno.h>
#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

#define DECODER_ID 65532 /* the daemon's, see daemon/state.c */

static int
start(void *ctx, int in_fd, int request_fd, int out_fd, struct error *err)
{
	unsigned id = geteuid() == 0 ? DECODER_ID : 0;
	const struct decode_process as = {.uid = id, .gid = id};
	pid_t pid;

	(void)ctx;
	fflush(NULL); /* what is buffered is not the child's to write */
	pid = fork();
	if (pid < 0)
		return error_errno(err, errno, "cannot start a decoder");
	if (pid > 0)
		return 0;
	prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	decode_process(in_fd, request_fd, out_fd, &as);
}

struct flow_decoder
ctl_decoder(void)
{
	signal(SIGCHLD, SIG_IGN);
	return (struct flow_decoder){.start = start};
}
