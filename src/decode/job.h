/*
 * One file on its way through the core: what the formats share. Each returns
 * 0 with job->end, ERR_INVALID with a sentence for the receipt (decode.c makes
 * a format-error of it), or another code that ends the work.
 */
#ifndef DECODE_JOB_H
#define DECODE_JOB_H

#include "decode/bytes.h"
#include "decode/reader.h"
#include "decode/room.h"

struct decode_zip;

struct decode_job {
	const struct decode_request *req;
	const struct decode_sink *sink;
	struct decode_room room;
	int64_t size;	  /* of the delivered file */
	int64_t unpacked; /* bytes of it so far */
	int64_t row;	  /* the last that was given */
	bool packed;	  /* it was unpacked once: not again */
	bool inside;	  /* of an archive: another is not opened */
	enum decode_end end;
	struct error *err; /* never NULL */
};

/* decode.c: one file or member, whatever it is; its faults go to the sink. */
MUST_CHECK int decode_job_run(struct decode_job *job,
			      const struct decode_bytes *bytes);

/* decode.c: header and rows of a table. */
MUST_CHECK int decode_job_table(struct decode_job *job,
				const struct decode_reader *reader);

/* packed.c: counts bytes that were unpacked, or that a directory announces;
 * ERR_INVALID past a limit. */
MUST_CHECK int decode_job_count(struct decode_job *job, int64_t n);

/* packed.c: one compressed file, or a tar; a tar; a zip that is no workbook. */
MUST_CHECK int decode_packed(struct decode_job *job,
			     const struct decode_bytes *bytes);
MUST_CHECK int decode_tar(struct decode_job *job,
			  const struct decode_bytes *bytes);
/* zip.c: a workbook, or an archive. */
MUST_CHECK int decode_zip(struct decode_job *job,
			  const struct decode_bytes *bytes);

/* xls.c: an old workbook. */
MUST_CHECK int decode_xls(struct decode_job *job,
			  const struct decode_bytes *bytes);

/* members.c */
struct decode_members;
MUST_CHECK int decode_members_run(struct decode_job *job,
				  const struct decode_bytes *bytes,
				  const struct decode_members *members);

#endif
