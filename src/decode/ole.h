/*
 * The container of old Office files: a file system in a file, of sectors in
 * chains ([MS-CFB]). One stream of it is copied into the room.
 */
#ifndef DECODE_OLE_H
#define DECODE_OLE_H

#include "decode/job.h"

/* Which of two names there is: *ret_which is 0 or 1, or -1 when neither; the
 * stream's bytes are in *ret. ERR_INVALID when the container is damaged. */
MUST_CHECK int decode_ole_stream(struct decode_job *job,
				 const struct decode_bytes *bytes,
				 const char *const names[2], int *ret_which,
				 struct decode_bytes *ret);

#endif
