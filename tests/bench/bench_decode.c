/*
 * How fast a file is decoded: prints MB/s and rows/s of the core into a sink
 * that counts, and of the whole way through a decoder process and its frames.
 *
 *   bench_decode [FILE LABEL…]      else 200 MB of plain CSV, made here
 */
#include "base/clock.h"
#include "base/io.h"
#include "base/scope.h"
#include "decode/decode.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>

#define ROWS 3000000
#define MAX_LABELS 64

struct count {
	int64_t rows;
	int64_t cells;
};

static int
on_header(void *ctx, const struct decode_header *h)
{
	(void)ctx;
	(void)h;
	return 0;
}

static int
on_row(void *ctx, const struct decode_row *r)
{
	struct count *c = ctx;

	c->rows++;
	c->cells += (int64_t)r->ncells;
	return 0;
}

static int
on_fault(void *ctx, const struct decode_fault *f)
{
	(void)ctx;
	printf("%s: %s\n", f->code, f->message);
	return 0;
}

static int
make_file(struct decode_label *labels, size_t *ret_n)
{
	static const char *const ids[] = {"id",	  "name", "street", "date",
					  "kind", "sum",  "code",   "note"};
	int fd = memfd_create("bench", MFD_CLOEXEC);
	scope_buf text = BUF_INIT;
	int rc = buf_adds(&text, "id,name,street,date,kind,sum,code,note\n");

	for (int i = 0; !rc && i < ROWS; i++)
		rc = buf_addf(&text,
			      "%d,row%d,Shanghai road 12,2024-01-02,abc,123.45,"
			      "xyz%d,end\n",
			      i, i, i % 97);
	*ret_n = sizeof(ids) / sizeof(ids[0]);
	for (size_t i = 0; i < *ret_n; i++)
		labels[i] = (struct decode_label){ids[i], ""};
	if (rc || fd < 0 || io_pwrite(fd, text.data, text.len, 0, NULL))
		return -1;
	return fd;
}

static int
decode_apart(const struct decode_request *req, int fd,
	     const struct decode_sink *sink, enum decode_end *ret_end,
	     struct error *err)
{
	scope_buf bytes = BUF_INIT;
	int ask[2], answer[2], rc;
	pid_t pid;

	if (decode_request_write(req, &bytes) || pipe(ask) || pipe(answer))
		return error_set(err, ERR_IO, "no pipes");
	pid = fork();
	if (pid == 0)
		decode_process(fd, ask[0], answer[1], &DECODE_PROCESS);
	close(ask[0]);
	close(answer[1]);
	rc = io_write(ask[1], bytes.data, bytes.len, err);
	close(ask[1]);
	if (!rc)
		rc = decode_frames_read(answer[0], -1, req, sink, ret_end, err);
	close(answer[0]);
	waitpid(pid, NULL, 0);
	return rc;
}

static int
measure(const char *what, bool apart, const struct decode_request *req, int fd,
	int64_t size)
{
	struct count c = {0};
	struct decode_sink sink = {.header = on_header,
				   .row = on_row,
				   .fault = on_fault,
				   .ctx = &c};
	struct error err = ERROR_INIT;
	int64_t start = clock_monotonic();
	enum decode_end end;
	double seconds;
	int rc;

	rc = apart ? decode_apart(req, fd, &sink, &end, &err)
		   : decode_file(req, fd, size, DECODE_NO_ROOM, &sink, &end,
				 &err);
	if (rc) {
		printf("%s: %s\n", what, err.text);
		return 1;
	}
	seconds = (double)(clock_monotonic() - start) / (double)CLOCK_NS;
	printf("%-8s %6.0f MB/s %10.0f rows/s %11.0f cells/s\n", what,
	       (double)size / seconds / 1e6, (double)c.rows / seconds,
	       (double)c.cells / seconds);
	return 0;
}

int
main(int argc, char **argv)
{
	struct decode_label labels[MAX_LABELS];
	struct decode_request req = {.labels = labels, .limits = DECODE_LIMITS};
	scope_fd fd = -1;
	struct stat st;

	if (argc < 2)
		fd = make_file(labels, &req.nlabels);
	else
		fd = open(argv[1], O_RDONLY | O_CLOEXEC);
	for (int i = 2; i < argc && i - 2 < MAX_LABELS; i++)
		labels[req.nlabels++] = (struct decode_label){argv[i], ""};
	if (fd < 0 || fstat(fd, &st)) {
		perror(argc < 2 ? "cannot make a file" : argv[1]);
		return 2;
	}
	return measure("core", false, &req, fd, st.st_size) |
	       measure("process", true, &req, fd, st.st_size);
}
