/*
 * One decoder over one file: its request, its pipe, and how long its silence
 * is borne. See internal.h.
 */
#include "flow/internal.h"

#include "base/io.h"
#include "base/scope.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define PIPE_SIZE (1 << 20)

/* A decoder is busy before its first row: it looks at the whole file to tell
 * its encoding. So it may be silent for a while, and longer over more bytes
 * (even from the slowest of disks). */
#define PATIENCE_MS 60000
#define PATIENCE_BYTES (1 << 10) /* for each of these a millisecond more */

static int
patience_ms(const struct flow_judgement *j, const struct flow_decoder *decoder)
{
	int64_t more = j->submission->bytes / PATIENCE_BYTES;

	if (decoder->patience_ms)
		return decoder->patience_ms;
	return more < INT_MAX - PATIENCE_MS ? PATIENCE_MS + (int)more : INT_MAX;
}

/* The request's bytes, in a file that only its descriptor knows; behind them
 * the decoder unpacks what is packed. It lies in the state, not in memory:
 * what is unpacked may be large. A trial may stand in a folder
 * that takes no file: then it is memory after all. */
static int
make_request_file(const struct decode_request *req, int *ret_fd,
		  struct error *err)
{
	scope_buf bytes = BUF_INIT;
	scope_fd fd = io_unnamed(NULL);
	int rc;

	if (fd < 0)
		fd = memfd_create("civicfs-request", MFD_CLOEXEC);
	if (fd < 0)
		return error_errno(err, errno, "request for the decoder");
	if (decode_request_write(req, &bytes))
		return error_nomem(err);
	rc = io_write(fd, bytes.data, bytes.len, err);
	if (rc)
		return rc;
	if (lseek(fd, 0, SEEK_SET) < 0)
		return error_errno(err, errno, "request for the decoder");
	*ret_fd = take_fd(&fd);
	return 0;
}

/* Starts a decoder; *ret_out is where its frames come from, *ret_room what it
 * unpacks to. */
static int
start(const struct flow_decoder *decoder, int fd,
      const struct decode_request *req, int *ret_room, int *ret_out,
      struct error *err)
{
	scope_fd request_fd = -1;
	scope_fd out = -1;
	scope_fd in = -1;
	int ends[2];
	int rc;

	if (lseek(fd, 0, SEEK_SET) < 0)
		return error_errno(err, errno, "the original");
	rc = make_request_file(req, &request_fd, err);
	if (rc)
		return rc;
	if (pipe2(ends, O_CLOEXEC))
		return error_errno(err, errno, "pipe for the decoder");
	out = ends[0];
	in = ends[1];
	/* larger is faster; the default will do */
	(void)fcntl(in, F_SETPIPE_SZ, PIPE_SIZE);
	rc = decoder->start(decoder->ctx, fd, request_fd, in, err);
	if (rc)
		return rc;
	*ret_room = take_fd(&request_fd);
	*ret_out = take_fd(&out);
	return 0;
}

/* What was unpacked of a file that carries a secret value is overwritten before
 * the disk gives its blocks to others. */
static int
erase_room(int room, struct error *err)
{
	static const char zeros[1 << 16];
	struct stat st;
	int rc = fstat(room, &st) ? error_errno(err, errno, "unpacked bytes")
				  : 0;

	for (off_t at = 0; !rc && at < st.st_size; at += sizeof(zeros))
		rc = io_pwrite(room, zeros, sizeof(zeros), at, err);
	if (!rc && fdatasync(room))
		rc = error_errno(err, errno, "unpacked bytes");
	return rc;
}

static int
listen_to(struct flow_judgement *j, int out, int patience,
	  const struct decode_request *req, const struct decode_sink *sink,
	  bool *ret_died, struct error *err)
{
	int rc = decode_frames_read(out, patience, req, sink, &j->end, err);

	if (rc && j->sink_error.code) {
		if (err)
			*err = j->sink_error;
		return j->sink_error.code;
	}
	*ret_died = rc == ERR_IO || rc == ERR_PROTOCOL;
	return rc;
}

int
flow_decode(struct flow_judgement *j, const struct flow_decoder *decoder,
	    int fd, const struct decode_sink *sink, bool *ret_died,
	    struct error *err)
{
	const struct config_resource *r = j->resource;
	scope_free struct decode_label *labels =
		calloc(r->nfields + 1, sizeof(*labels));
	scope_free bool *optional = calloc(r->nfields + 1, sizeof(*optional));
	const struct decode_request req = {
		.labels = labels,
		.nlabels = r->nfields,
		.optional = optional,
		.extra_ignore = r->extra_ignore || j->any_column,
		.change_allowed = r->mode == CONFIG_UPSERT,
		.fix_file = j->any_column,
		/* a fix file may come back under whatever name */
		.sheet = j->any_column ? "" : r->sheet,
		.members_each = r->members_each,
		.limits = decoder->limits.unpacked ? decoder->limits
						   : DECODE_LIMITS,
	};
	scope_fd room = -1;
	scope_fd out = -1;
	int rc, erased;

	if (!labels || !optional)
		return error_nomem(err);
	for (size_t i = 0; i < r->nfields; i++) {
		labels[i] = (struct decode_label){r->fields[i].id,
						  r->fields[i].title};
		optional[i] = !config_field_is_sent(&r->fields[i]);
	}
	rc = start(decoder, fd, &req, &room, &out, err);
	if (rc)
		return rc;
	rc = listen_to(j, out, patience_ms(j, decoder), &req, sink, ret_died,
		       err);
	erased = j->secret.column ? erase_room(room, rc ? NULL : err) : 0;
	return rc ? rc : erased;
}
