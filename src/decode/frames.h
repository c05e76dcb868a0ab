/*
 * Rows between two processes. The decoder writes frames; the worker reads
 * them as hostile bytes (decode_frames_read() in decode.h).
 *
 * A frame is {u32 length of the payload, u8 type, payload}, little-endian;
 * numbers in payloads are LEB128, at most ten bytes. 'texts' are a count, the
 * length of each, and then their bytes, all together, UTF-8 without NUL.
 *
 *   MEMBER  texts (name)
 *   HEADER  format, encoding, delimiter (its code point), flags, line, texts
 *           (labels), field + 2 each
 *   ROW     row, line, texts (cells), the number of flaws, cell and kind of
 *           each
 *   FAULT   code, row, line, texts (field, value, message, the same in
 *           Chinese)
 *   WARNING the same
 *   END     enum decode_end
 *   FAILED  texts (why the decoder gives up: no memory, a read error)
 *
 * Order: at most one HEADER, then ROWs numbered without a gap (only if the
 * header's labels are without fault), whose lines do not fall, then FAULTs;
 * exactly one END or FAILED, last. A file of members has this order in each,
 * after its MEMBER; rows are numbered from 1 through all of them. A WARNING may
 * stand anywhere but behind a FAULT of its member. DONE follows no FAULT,
 * REJECTED at least one, SOME at least one and a row or header without one,
 * and only where it is asked for; INCOMPLETE nothing at all.
 */
#ifndef DECODE_FRAMES_H
#define DECODE_FRAMES_H

#include "decode/decode.h"

enum decode_frame {
	DECODE_FRAME_HEADER = 1,
	DECODE_FRAME_ROW,
	DECODE_FRAME_FAULT,
	DECODE_FRAME_END,
	DECODE_FRAME_FAILED,
	DECODE_FRAME_MEMBER,
	DECODE_FRAME_WARNING
};

#define DECODE_FRAME_HEAD 5 /* bytes before the payload */

/* Flags of HEADER. */
#define DECODE_FRAME_SEP 1
#define DECODE_FRAME_CRLF 2

/* The most a payload can be; each cell has a length of up to four bytes and a
 * flaw of three, and a header's label one field number. */
#define DECODE_FRAME_MAX (DECODE_MAX_RECORD + 8 * DECODE_MAX_CELLS + 64)
#define DECODE_FAULT_TEXT_MAX 4096 /* bytes of one text of a FAULT */
#define DECODE_FAULTS_MAX 65536	   /* FAULT and WARNING frames of a file */
#define DECODE_MEMBERS_MAX 1000000 /* MEMBER frames of a file */

/* A sink that writes frames to a descriptor, a block at a time. */
struct decode_frames;

/* The descriptor is borrowed. ERR_NOMEM. */
MUST_CHECK int decode_frames_new(int fd, struct decode_frames **ret,
				 struct error *err);
void decode_frames_free(struct decode_frames *frames);

/* The sink, whose context is 'frames' and which it must not outlive. Its
 * callbacks return ERR_IO, ERR_NOMEM. */
struct decode_sink decode_frames_sink(struct decode_frames *frames);

/* Writes the last frame and everything before it: END, or FAILED with the
 * reason. ERR_IO, ERR_NOMEM. */
MUST_CHECK int decode_frames_end(struct decode_frames *frames,
				 enum decode_end end);
MUST_CHECK int decode_frames_fail(struct decode_frames *frames,
				  const char *why);

#endif
