/* What a zip is: a workbook or an archive of files. */
#include "decode/job.h"
#include "decode/zip.h"

int
decode_zip(struct decode_job *job, const struct decode_bytes *bytes)
{
	scope_members m = {.packing = DECODE_PACKED_ZIP};
	int rc = decode_zip_read(job, bytes, &m);

	return rc ? rc : decode_members_run(job, bytes, &m);
}
