/*
 * Stage 2, bytes to rows: the contract between a delivered file and the rest.
 *
 * The core (csv.c, encoding.c, header.c) is functions over a descriptor and a
 * sink of callbacks. In production it runs in the decoder, a process that may
 * do nothing but read one descriptor and write frames to another (sandbox.c,
 * decoder.c); the worker reads those frames as hostile bytes (frames.c) and
 * calls the same sink. Unit tests and fuzzers call the core directly.
 */
#ifndef DECODE_DECODE_H
#define DECODE_DECODE_H

#include "base/buf.h"

#include <stdint.h>

/* Limits on what a file may ask of us; 0 means the default. */
#define DECODE_MAX_CELLS 4096		     /* in one record */
#define DECODE_MAX_RECORD (16 * 1024 * 1024) /* bytes of one record */
#define DECODE_HEADER_RECORDS 20	     /* SPEC 4 */

/* What the decoder has to know of the descriptor. Labels are matched after
 * trimming and NFC, exactly, against id and title. */
struct decode_label {
	const char *id;
	const char *title;
};
struct decode_request {
	const struct decode_label *labels;
	size_t nlabels;
	bool extra_ignore;   /* extra = ignore */
	bool change_allowed; /* upsert: a column 'change' is no extra label */
};

/* Serialises a request for the decoder, and back. The result of _parse owns
 * its memory: decode_request_free(). ERR_NOMEM, ERR_PROTOCOL. */
MUST_CHECK int decode_request_write(const struct decode_request *req,
				    struct buf *out);
MUST_CHECK int decode_request_parse(struct slice bytes,
				    struct decode_request **ret,
				    struct error *err);
void decode_request_free(struct decode_request *req);

/* A fault in the file as a whole, with its Frictionless code. */
struct decode_fault {
	const char *code;    /* format-error, encoding-error, missing-label,
			      * extra-label, duplicate-label … */
	int64_t row;	     /* record after the header, from 1; 0 none */
	int64_t line;	     /* physical line, from 1; 0 none */
	const char *field;   /* field id or the label's text; "" none */
	const char *value;   /* what was found; "" none */
	const char *message; /* English, for people: what and what to do */
};

/* Once, before the rows, when a header was found or the best one chosen. */
struct decode_header {
	const char *format;	    /* "csv" */
	const char *encoding;	    /* "utf-8", "utf-8-bom", "utf-16le",
				     * "utf-16be", "gb18030" */
	char delimiter[8];	    /* one character, ended by NUL */
	bool sep_line;		    /* the file began with sep= */
	bool crlf;		    /* its first line break was CR LF */
	int64_t line;		    /* of the header */
	const struct slice *labels; /* its cells as written, UTF-8 */
	size_t nlabels;
	const int *field; /* per label: index into request labels, or
			   * DECODE_EXTRA, DECODE_CHANGE */
};
#define DECODE_EXTRA (-1)
#define DECODE_CHANGE (-2)

struct decode_row {
	int64_t row;  /* record number, 1 = first after the header */
	int64_t line; /* physical line on which it begins */
	const struct slice *cells; /* UTF-8, unquoted, not trimmed */
	size_t ncells;
};

/* How the file ended. */
enum decode_end {
	DECODE_DONE,	  /* every record was given */
	DECODE_REJECTED,  /* faults were given; rows given count for nothing */
	DECODE_INCOMPLETE /* cut off (SPEC 6.1): a tail of NULs, no end record
			   */
};

/* Each callback returns 0 to go on, or a negative code that ends the work and
 * comes back from the caller. Pointers hold during the call only. */
struct decode_sink {
	int (*header)(void *ctx, const struct decode_header *h);
	int (*row)(void *ctx, const struct decode_row *r);
	int (*fault)(void *ctx, const struct decode_fault *f);
	void *ctx;
};

/*
 * Decodes the file on 'fd' (seekable, read from its start, size bytes long).
 * Returns 0 with *ret_end, or ERR_IO, ERR_NOMEM, or what a callback returned.
 * No threads, no clock, no files but fd. Source of the rules: SPEC 4, 6.
 */
MUST_CHECK int decode_file(const struct decode_request *req, int fd,
			   int64_t size, const struct decode_sink *sink,
			   enum decode_end *ret_end, struct error *err);

/* The body of a decoder process: reads the request from request_fd, closes
 * the sandbox, decodes in_fd and writes frames to out_fd. Runs as 'uid'/'gid'
 * (0: do not change, for tests). Never returns; exit status 0 when an END
 * frame was written. Call it in a fresh fork of a single-threaded process. */
_Noreturn void decode_process(int in_fd, int request_fd, int out_fd,
			      unsigned uid, unsigned gid);

/*
 * The worker's side: reads frames from 'fd' (a pipe) to its end and calls the
 * sink. Every length, count, index, code and UTF-8 text is checked; a frame
 * that breaks the rules is ERR_PROTOCOL, an end without END frame ERR_IO
 * "the decoder died". Blocks, but a silence of more than 'patience_ms' (-1:
 * any) ends it with ERR_IO too: a busy decoder is ended by its limits, one
 * that sleeps is not. Any thread.
 */
MUST_CHECK int decode_frames_read(int fd, int patience_ms,
				  const struct decode_request *req,
				  const struct decode_sink *sink,
				  enum decode_end *ret_end, struct error *err);

#endif
