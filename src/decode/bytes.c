/* Runs of bytes: see bytes.h. */
#include "decode/bytes.h"

#include "base/io.h"

ssize_t
decode_bytes_read(const struct decode_bytes *bytes, void *p, size_t n,
		  int64_t at, struct error *err)
{
	int64_t left = bytes->size - at;
	ssize_t got;

	if (left <= 0)
		return 0;
	if ((int64_t)n > left)
		n = (size_t)left;
	got = io_pread(bytes->fd, p, n, bytes->from + at, err);
	if (got >= 0 && (size_t)got < n)
		return error_set(err, ERR_IO,
				 "the file ends at byte %lld of %lld",
				 (long long)(at + got), (long long)bytes->size);
	return got;
}
