/*
 * The directory of a zip, read by ourselves and compared with what stands
 * before each entry, because libarchive takes what does not fit together for
 * fine: overlapping entries, two names for one, bytes in front.
 */
#ifndef DECODE_ZIP_H
#define DECODE_ZIP_H

#include "decode/members.h"

/* Fills 'ret' with every entry. ERR_INVALID with a sentence when the directory
 * breaks a rule or a limit of the job; the sizes it announces are counted. */
MUST_CHECK int decode_zip_read(struct decode_job *job,
			       const struct decode_bytes *bytes,
			       struct decode_members *ret);

#endif
