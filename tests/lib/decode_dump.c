/*
 * Prints what the decoder makes of a file, a JSON object a line: the header,
 * the rows, the faults, the end. For tests that compare with other programs.
 *
 *   decode_dump [-e] [-c] [-f] [-m] [-p] [-q] [-s SHEET] FILE LABEL…
 *   decode_dump -w [-e] [-c] [-m] [-s SHEET] FILE LABEL…
 *
 * LABEL is ID or ID=TITLE; -e ignores extra columns, -c allows the column
 * 'change', -f reads a list of files, -m takes members that are readable, -s
 * names the sheet, -p goes through a decoder process and its frames, -q prints
 * the number of rows instead of them. -w writes the frames themselves.
 */
#include "base/buf.h"
#include "base/io.h"
#include "base/scope.h"
#include "base/text.h"
#include "decode/decode.h"
#include "decode/frames.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>

#define MAX_LABELS 64

struct dump {
	struct buf line;
	int64_t rows;
	bool quiet;
};

static int
put_texts(struct buf *out, const struct slice *texts, size_t n)
{
	int rc = buf_addc(out, '[');

	for (size_t i = 0; !rc && i < n; i++) {
		rc = i ? buf_addc(out, ',') : 0;
		if (!rc)
			rc = text_json_string(out, texts[i]);
	}
	return rc ? rc : buf_addc(out, ']');
}

static int
print(struct dump *d)
{
	bool ok = fwrite(d->line.data, 1, d->line.len, stdout) == d->line.len;

	buf_clear(&d->line);
	return ok ? 0 : ERR_IO;
}

static int
on_header(void *ctx, const struct decode_header *h)
{
	struct dump *d = ctx;
	int rc;

	rc = buf_addf(&d->line,
		      "{\"header\":{\"format\":\"%s\",\"encoding\":\"%s\","
		      "\"delimiter\":",
		      h->format, h->encoding);
	if (!rc)
		rc = text_json_string(&d->line, slice_str(h->delimiter));
	if (!rc)
		rc = buf_addf(&d->line,
			      ",\"sep\":%s,\"crlf\":%s,\"line\":%lld,"
			      "\"field\":[",
			      h->sep_line ? "true" : "false",
			      h->crlf ? "true" : "false", (long long)h->line);
	for (size_t i = 0; !rc && i < h->nlabels; i++)
		rc = buf_addf(&d->line, "%s%d", i ? "," : "", h->field[i]);
	if (!rc)
		rc = buf_adds(&d->line, "],\"labels\":");
	if (!rc)
		rc = put_texts(&d->line, h->labels, h->nlabels);
	if (!rc)
		rc = buf_adds(&d->line, "}}\n");
	return rc ? rc : print(d);
}

static const char *const flaws[DECODE_FLAWS] = {
	"", "digits-at", "error-at", "no-value-at", "nested-at", "midnight-at"};

static int
on_row(void *ctx, const struct decode_row *r)
{
	struct dump *d = ctx;
	int rc;

	d->rows++;
	if (d->quiet)
		return 0;
	rc = buf_addf(&d->line, "{\"row\":%lld,\"line\":%lld,\"cells\":",
		      (long long)r->row, (long long)r->line);
	if (!rc)
		rc = put_texts(&d->line, r->cells, r->ncells);
	for (size_t i = 0; !rc && i < r->nflaws; i++)
		rc = buf_addf(&d->line, ",\"%s\":%zu", flaws[r->flaws[i].kind],
			      r->flaws[i].cell);
	if (!rc)
		rc = buf_adds(&d->line, "}\n");
	return rc ? rc : print(d);
}

static int
on_member(void *ctx, const char *name)
{
	struct dump *d = ctx;
	int rc = buf_adds(&d->line, "{\"member\":");

	if (!rc)
		rc = text_json_string(&d->line, slice_str(name));
	if (!rc)
		rc = buf_adds(&d->line, "}\n");
	return rc ? rc : print(d);
}

static int
put_about(struct dump *d, const char *what, const struct decode_fault *f)
{
	int rc;

	rc = buf_addf(&d->line,
		      "{\"%s\":\"%s\",\"row\":%lld,\"line\":%lld,"
		      "\"field\":",
		      what, f->code, (long long)f->row, (long long)f->line);
	if (!rc)
		rc = text_json_string(&d->line, slice_str(f->field));
	if (!rc)
		rc = buf_adds(&d->line, ",\"value\":");
	if (!rc)
		rc = text_json_string(&d->line, slice_str(f->value));
	if (!rc)
		rc = buf_adds(&d->line, ",\"message\":");
	if (!rc)
		rc = text_json_string(&d->line, slice_str(f->message));
	if (!rc)
		rc = buf_adds(&d->line, ",\"message_zh\":");
	if (!rc)
		rc = text_json_string(&d->line, slice_str(f->message_zh));
	if (!rc)
		rc = buf_adds(&d->line, "}\n");
	return rc ? rc : print(d);
}

static int
on_fault(void *ctx, const struct decode_fault *f)
{
	return put_about(ctx, "fault", f);
}

static int
on_warning(void *ctx, const struct decode_fault *f)
{
	return put_about(ctx, "warning", f);
}

/* The same through a decoder process. */
static int
decode_apart(const struct decode_request *req, int fd,
	     const struct decode_sink *sink, enum decode_end *ret_end,
	     struct error *err)
{
	scope_buf bytes = BUF_INIT;
	scope_fd ask = memfd_create("request", MFD_CLOEXEC);
	int answer[2], rc;
	pid_t pid;

	if (decode_request_write(req, &bytes))
		return error_nomem(err);
	if (ask < 0 || io_pwrite(ask, bytes.data, bytes.len, 0, err) ||
	    pipe(answer))
		return ERR_IO;
	pid = fork();
	if (pid == 0)
		decode_process(fd, ask, answer[1], &DECODE_PROCESS);
	close(answer[1]);
	if (pid < 0)
		return ERR_IO;
	rc = decode_frames_read(answer[0], -1, req, sink, ret_end, err);
	close(answer[0]);
	waitpid(pid, NULL, 0);
	return rc;
}

static int
usage(void)
{
	fputs("usage: decode_dump [-e] [-c] [-f] [-m] [-p] [-q] [-s SHEET] "
	      "FILE LABEL...\n",
	      stderr);
	return 2;
}

/* One file; 0 also when it is refused. */
static int
decode_one(const char *path, const struct decode_request *req, bool apart,
	   bool quiet)
{
	static const char *const ends[] = {"done", "rejected", "incomplete",
					   "some"};
	struct dump d = {.line = BUF_INIT, .quiet = quiet};
	const struct decode_sink sink = {
		.header = on_header,
		.row = on_row,
		.fault = on_fault,
		.member = on_member,
		.warning = on_warning,
		.ctx = &d,
	};
	scope_fd room_fd = memfd_create("room", MFD_CLOEXEC);
	struct decode_room room = {.fd = room_fd};
	struct error err = ERROR_INIT;
	scope_fd fd = open(path, O_RDONLY | O_CLOEXEC);
	enum decode_end end;
	struct stat st;
	int rc;

	if (fd < 0 || fstat(fd, &st)) {
		perror(path);
		return 2;
	}
	fflush(stdout);
	rc = apart ? decode_apart(req, fd, &sink, &end, &err)
		   : decode_file(req, fd, st.st_size, room, &sink, &end, &err);
	buf_release(&d.line);
	if (quiet)
		printf("{\"rows\":%lld}\n", (long long)d.rows);
	if (rc)
		printf("{\"error\":%d,\"text\":\"%s\"}\n", rc, err.text);
	else
		printf("{\"end\":\"%s\"}\n", ends[end]);
	return rc != 0;
}

/* The frames that a decoder would send to the worker. */
static int
write_frames(const char *path, const struct decode_request *req)
{
	scope_fd room_fd = memfd_create("room", MFD_CLOEXEC);
	struct decode_room room = {.fd = room_fd};
	scope_fd fd = open(path, O_RDONLY | O_CLOEXEC);
	struct decode_frames *frames;
	struct decode_sink sink;
	enum decode_end end;
	struct stat st;
	int rc;

	if (fd < 0 || fstat(fd, &st) ||
	    decode_frames_new(STDOUT_FILENO, &frames, NULL))
		return 2;
	sink = decode_frames_sink(frames);
	rc = decode_file(req, fd, st.st_size, room, &sink, &end, NULL);
	if (!rc)
		rc = decode_frames_end(frames, end);
	decode_frames_free(frames);
	return rc != 0;
}

/* Every file of a list, a path a line. */
static int
decode_list(const char *list, const struct decode_request *req, bool apart,
	    bool quiet)
{
	scope_file f = fopen(list, "re");
	char path[4096];

	if (!f) {
		perror(list);
		return 2;
	}
	while (fgets(path, sizeof(path), f)) {
		path[strcspn(path, "\n")] = '\0';
		if (decode_one(path, req, apart, quiet) == 2)
			return 2;
	}
	return 0;
}

int
main(int argc, char **argv)
{
	struct decode_label labels[MAX_LABELS];
	struct decode_request req = {.labels = labels, .limits = DECODE_LIMITS};
	bool apart = false, quiet = false, list = false, frames = false;
	int opt;

	while ((opt = getopt(argc, argv, "ecfmpqs:w")) != -1) {
		if (opt == 's')
			req.sheet = optarg;
		req.members_each |= opt == 'm';
		req.extra_ignore |= opt == 'e';
		req.change_allowed |= opt == 'c';
		apart |= opt == 'p';
		quiet |= opt == 'q';
		list |= opt == 'f';
		frames |= opt == 'w';
		if (opt == '?')
			return usage();
	}
	if (optind >= argc || argc - optind - 1 > MAX_LABELS)
		return usage();
	for (int i = optind + 1; i < argc; i++) {
		char *title = strchr(argv[i], '=');

		if (title)
			*title++ = '\0';
		labels[req.nlabels].id = argv[i];
		labels[req.nlabels++].title = title ? title : "";
	}
	if (frames)
		return write_frames(argv[optind], &req);
	return (list ? decode_list : decode_one)(argv[optind], &req, apart,
						 quiet);
}
