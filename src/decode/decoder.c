/*
 * The decoder process: sandbox first, then the request, then the file; the
 * answer goes out as frames. The request is read inside, too: who forks
 * decoders need not trust who asks for them.
 */
#include "decode/decode.h"

#include "base/io.h"
#include "base/scope.h"
#include "decode/frames.h"
#include "decode/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#define PIPE_SIZE (1024 * 1024)
#define REQUEST_MAX (4 * 1024 * 1024)

enum { EXIT_DONE, EXIT_FAILED, EXIT_SANDBOX };

static int
read_request(int fd, struct decode_request **ret, int64_t *ret_size,
	     struct error *err)
{
	scope_buf bytes = BUF_INIT;
	ssize_t n;

	if (buf_reserve(&bytes, REQUEST_MAX + 1))
		return error_nomem(err);
	n = io_read(fd, bytes.data, REQUEST_MAX + 1, err);
	if (n < 0)
		return (int)n;
	if (n > REQUEST_MAX)
		return error_set(err, ERR_LIMIT, "the request is too long");
	bytes.len = (size_t)n;
	*ret_size = n;
	return decode_request_parse(buf_slice(&bytes), ret, err);
}

static int
decode_to_frames(int in_fd, int64_t size, int request_fd,
		 struct decode_frames *frames, enum decode_end *ret_end,
		 struct error *err)
{
	struct decode_sink sink = decode_frames_sink(frames);
	struct decode_request *req = NULL;
	struct decode_room room = {.fd = request_fd};
	int rc = read_request(request_fd, &req, &room.at, err);

	if (rc)
		return rc;
	rc = decode_file(req, in_fd, size, room, &sink, ret_end, err);
	decode_request_free(req);
	return rc;
}

/* Says why, if that can still be said; the status says it otherwise. */
static _Noreturn void
give_up(struct decode_frames *frames, const struct error *err, int status)
{
	if (decode_frames_fail(frames, err->text))
		_exit(EXIT_FAILED);
	_exit(status);
}

void
decode_process(int in_fd, int request_fd, int out_fd,
	       const struct decode_process *as)
{
	struct decode_sandbox box = {
		.in_fd = in_fd,
		.request_fd = request_fd,
		.out_fd = out_fd,
		.as = as,
	};
	struct error err = ERROR_INIT;
	struct decode_frames *frames;
	enum decode_end end;
	struct stat in;
	int rc = 0;

	/* fewer wake-ups of the reader; less will do */
	fcntl(out_fd, F_SETPIPE_SZ, PIPE_SIZE);
	if (decode_frames_new(out_fd, &frames, NULL))
		_exit(EXIT_FAILED);
	if (fstat(in_fd, &in))
		rc = error_errno(&err, errno, "cannot stat the file");
	box.size = in.st_size;
	if (!rc)
		rc = decode_sandbox_close(&box, &err);
	if (rc)
		give_up(frames, &err, EXIT_SANDBOX);
	rc = decode_to_frames(in_fd, in.st_size, request_fd, frames, &end,
			      &err);
	if (rc)
		give_up(frames, &err, EXIT_FAILED);
	_exit(decode_frames_end(frames, end) ? EXIT_FAILED : EXIT_DONE);
}
