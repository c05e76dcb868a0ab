/*
 * Stage 2, bytes to rows: the contract between a delivered file and the rest.
 *
 * The core is functions over a descriptor and a sink of callbacks: what a file
 * is (format.h), what is packed in it (packed.h, members.h), its table
 * (reader.h and a file for each format), its header (header.h). In production
 * it runs in the decoder, a process that may do nothing but read one descriptor
 * and write frames to another (sandbox.c, decoder.c); the worker reads those
 * frames as hostile bytes (frames.c) and calls the same sink. Unit tests and
 * fuzzers call the core directly.
 */
#ifndef DECODE_DECODE_H
#define DECODE_DECODE_H

#include "base/buf.h"

#include <stdint.h>

/* Limits on what a file may ask of us. */
#define DECODE_MAX_CELLS 4096		     /* in one record */
#define DECODE_MAX_RECORD (16 * 1024 * 1024) /* bytes of one record */
#define DECODE_MAX_CELL (1024 * 1024)	     /* bytes of a cell of a workbook */
#define DECODE_HEADER_RECORDS 20	     /* SPEC 4 */
#define DECODE_NAME_MAX 1024		     /* bytes of a member's name */

/* Those that the configuration sets. */
struct decode_limits {
	int64_t unpacked; /* bytes that a packed file may unpack to */
	int64_t ratio;	  /* the same, for each byte of the file */
	int64_t members;  /* entries of an archive */
};
#define DECODE_LIMITS \
	((struct decode_limits){ \
		.unpacked = INT64_C(8) << 30, .ratio = 250, .members = 10000})

/* What the decoder has to know of the descriptor. Labels are matched after
 * trimming and NFC, exactly, against id and title. */
struct decode_label {
	const char *id;
	const char *title;
};
struct decode_request {
	const struct decode_label *labels;
	size_t nlabels;
	const bool *optional; /* per label: a column may be missing; NULL: none
			       * may */
	bool extra_ignore;    /* extra = ignore */
	bool change_allowed;  /* upsert: a column 'change' is no extra label */
	bool fix_file;	      /* one that came back: else its columns _row and
			       * _errors, where nobody registered them, say
			       * that it has another's name */
	bool members_each;    /* members = each: the good ones count alone */
	const char *sheet;    /* of a workbook, by name; "" or NULL: the first
			       * whose header matches */
	struct decode_limits limits;
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
			      * extra-label, duplicate-label …; of a warning:
			      * hidden-sheet */
	int64_t row;	     /* record after the header, from 1; 0 none */
	int64_t line;	     /* physical line, from 1; 0 none */
	const char *field;   /* field id or the label's text; "" none */
	const char *value;   /* what was found; "" none */
	const char *message; /* English, for people: what and what to do */
	const char *message_zh;
};

/* Once, before the rows, when a header was found or the best one chosen. */
struct decode_header {
	const char *format;	    /* "csv", "xlsx", … (format.h) */
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

/* What the text of a cell does not show. */
enum decode_flaw_kind {
	DECODE_FLAW_DIGITS = 1, /* a number of more digits than a workbook
				 * keeps (15) */
	DECODE_FLAW_ERROR,	/* a formula's error; the text is its name */
	DECODE_FLAW_NO_VALUE,	/* a formula whose value was not saved */
	DECODE_FLAW_NESTED,	/* JSON: an object or a list in a field */
	DECODE_FLAW_MIDNIGHT,	/* a whole day of a workbook, under a format
				 * that shows its time too */
	DECODE_FLAWS		/* one more than the last */
};
struct decode_flaw {
	size_t cell;
	enum decode_flaw_kind kind;
};

struct decode_row {
	int64_t row;  /* record number, 1 = first after the header; goes on
		       * through the members of an archive */
	int64_t line; /* physical line on which it begins; the row of a sheet */
	const struct slice *cells; /* UTF-8, unquoted, not trimmed */
	size_t ncells;
	const struct decode_flaw *flaws; /* by cell, ascending */
	size_t nflaws;
};

/* How the file ended. */
enum decode_end {
	DECODE_DONE,	   /* every record was given */
	DECODE_REJECTED,   /* faults were given; rows given count for nothing */
	DECODE_INCOMPLETE, /* cut off (SPEC 6.1): a tail of NULs, no end record
			    */
	DECODE_SOME	   /* members_each: those without faults were given */
};

/* Each callback returns 0 to go on, or a negative code that ends the work and
 * comes back from the caller. Pointers hold during the call only. */
struct decode_sink {
	int (*header)(void *ctx, const struct decode_header *h);
	int (*row)(void *ctx, const struct decode_row *r);
	int (*fault)(void *ctx, const struct decode_fault *f);
	void *ctx;
	/* Before all that concerns a member of an archive; then come its own
	 * header, rows and faults. NULL: nobody asks. */
	int (*member)(void *ctx, const char *name);
	/* Something of the file was passed over. NULL: nobody asks. */
	int (*warning)(void *ctx, const struct decode_fault *f);
};

/* Where what is unpacked goes: 'fd' from 'at' on (room.h). */
struct decode_room {
	int fd;
	int64_t at;
};
#define DECODE_NO_ROOM ((struct decode_room){.fd = -1})

/*
 * Decodes the file on 'fd' (seekable, read from its start, size bytes long).
 * Returns 0 with *ret_end, or ERR_IO, ERR_NOMEM, or what a callback returned.
 * Without room, a file that has to be unpacked is ERR_IO. No threads, no
 * clock, no files but these. Source of the rules: SPEC 4, 6.
 */
MUST_CHECK int decode_file(const struct decode_request *req, int fd,
			   int64_t size, struct decode_room room,
			   const struct decode_sink *sink,
			   enum decode_end *ret_end, struct error *err);

/* What a decoder process is and may use. A zero is the default of
 * DECODE_PROCESS; of uid, that nothing is changed (for tests). */
struct decode_process {
	unsigned uid, gid;
	int64_t seconds; /* of the processor, and one for each MiB of the file
			  */
	int64_t memory;	 /* bytes of address space */
	int64_t room;	 /* bytes of the room, and of the request before it */
};
#define DECODE_PROCESS \
	((struct decode_process){.seconds = 30, \
				 .memory = INT64_C(512) << 20, \
				 .room = INT64_C(16) << 30})

/* The body of a decoder process: reads the request from request_fd, closes
 * the sandbox, decodes in_fd and writes frames to out_fd. The room is the
 * part of request_fd behind the request, if it is a file open for writing.
 * Never returns; exit status 0 when an END frame was written. Call it in a
 * fresh fork of a single-threaded process. */
_Noreturn void decode_process(int in_fd, int request_fd, int out_fd,
			      const struct decode_process *as);

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
