/* Compressed files and tar archives: see job.h. */
#include "base/scope.h"
#include "base/sentence.h"
#include "decode/archive.h"
#include "decode/crc32.h"
#include "decode/job.h"
#include "decode/members.h"

#include <endian.h>
#include <stdlib.h>
#include <string.h>

/* Below this, nobody minds how little it was packed into. */
#define RATIO_FROM ((int64_t)16 << 20)

int
decode_job_count(struct decode_job *job, int64_t n)
{
	const struct decode_limits *limits = &job->req->limits;

	if (n < 0 || n > limits->unpacked - job->unpacked)
		return sentence_error(job->err, ERR_INVALID, MSG_UNPACKED_MOST,
				      "%lld", (long long)limits->unpacked);
	job->unpacked += n;
	if (job->unpacked > RATIO_FROM &&
	    job->unpacked / limits->ratio > job->size)
		return sentence_error(job->err, ERR_INVALID, MSG_UNPACKED_RATIO,
				      "%lld", (long long)limits->ratio);
	return 0;
}

/* ---- tar ----------------------------------------------------------------- */

static enum sentence
refused_kind(struct archive_entry *entry)
{
	if (archive_entry_hardlink(entry) || archive_entry_symlink(entry))
		return MSG_MEMBER_LINK;
	switch (archive_entry_filetype(entry)) {
	case AE_IFREG:
	case AE_IFDIR:
		break;
	case AE_IFLNK:
		return MSG_MEMBER_LINK;
	default:
		return MSG_MEMBER_NO_FILE;
	}
	return archive_entry_sparse_count(entry) > 0 ? MSG_MEMBER_SPARSE
						     : MSG_NONE;
}

static int
add_entry(struct decode_job *job, struct decode_members *m,
	  struct archive_entry *entry)
{
	const char *name = archive_entry_pathname(entry);
	enum sentence kind = refused_kind(entry);
	struct decode_member *member;
	int rc = decode_members_add(m, slice_str(name ? name : ""), &member,
				    job->err);

	if (rc)
		return rc;
	member->place = (int64_t)m->n;
	member->folder = archive_entry_filetype(entry) == AE_IFDIR;
	if (kind)
		return sentence_error(job->err, ERR_INVALID, MSG_MEMBER_KIND,
				      "%zu" AND A_SENTENCE, m->n, kind);
	if ((int64_t)m->n > job->req->limits.members)
		return sentence_error(job->err, ERR_INVALID, MSG_MEMBERS_MOST,
				      "%lld",
				      (long long)job->req->limits.members);
	return 0;
}

int
decode_tar(struct decode_job *job, const struct decode_bytes *bytes)
{
	scope_members m = {.packing = DECODE_PACKED_TAR};
	int64_t before = job->unpacked;
	scope_archive a = NULL;
	int rc = decode_archive_open(bytes, m.packing, &a, job->err);

	while (!rc) {
		struct archive_entry *entry;

		rc = decode_archive_next(a, &entry, job->err);
		if (rc <= 0)
			break;
		/* what is passed over is unpacked, too */
		rc = decode_job_count(job, archive_entry_size(entry));
		if (!rc)
			rc = add_entry(job, &m, entry);
	}
	job->unpacked = before;
	if (!rc)
		rc = decode_archive_ended(a, job->err);
	if (!rc)
		rc = decode_members_check(&m, job->err);
	return rc ? rc : decode_members_run(job, bytes, &m);
}

/* ---- compressed files ---------------------------------------------------- */

/* The last eight bytes of a gzip are checksum and size of what was packed. */
static int
check_gzip(const struct decode_bytes *bytes, uint32_t crc, int64_t size,
	   struct error *err)
{
	uint32_t last[2];
	char head[2];
	ssize_t n = decode_bytes_read(bytes, head, sizeof(head), 0, err);

	if (n < 0 || memcmp(head, "\x1f\x8b", 2) != 0)
		return n < 0 ? (int)n : 0;
	if (bytes->size < (int64_t)sizeof(last))
		n = 0;
	else
		n = decode_bytes_read(bytes, last, sizeof(last),
				      bytes->size - (int64_t)sizeof(last), err);
	if (n < 0)
		return (int)n;
	if ((size_t)n == sizeof(last) && le32toh(last[0]) == crc &&
	    le32toh(last[1]) == (uint32_t)size)
		return 0;
	return sentence_error(err, ERR_INVALID, MSG_PACKED_SEVERAL, "");
}

static int
unpack(struct decode_job *job, const struct decode_bytes *bytes)
{
	scope_archive a = NULL;
	struct archive_entry *entry;
	int64_t from = job->room.at;
	struct decode_crc32 crc;
	int rc = decode_archive_open(bytes, DECODE_PACKED_STREAM, &a, job->err);

	decode_crc32_begin(&crc);
	if (!rc)
		rc = decode_archive_next(a, &entry, job->err);
	while (rc > 0) {
		const char *block;
		ssize_t n = decode_archive_block(a, &block, job->err);

		if (n <= 0)
			return n ? (int)n
				 : check_gzip(bytes, crc.sum,
					      job->room.at - from, job->err);
		decode_crc32_add(&crc, block, (size_t)n);
		rc = decode_job_count(job, n);
		if (!rc)
			rc = decode_room_add(&job->room, block, (size_t)n,
					     job->err);
		rc = rc ? rc : 1;
	}
	return rc;
}

int
decode_packed(struct decode_job *job, const struct decode_bytes *bytes)
{
	int64_t from = job->room.at;
	struct decode_bytes all;
	int rc;

	if (job->packed || job->inside)
		return sentence_error(job->err, ERR_INVALID, MSG_PACKED_INSIDE,
				      "");
	rc = unpack(job, bytes);
	if (rc)
		return rc;
	all = decode_room_since(&job->room, from);
	if (!all.size)
		return sentence_error(job->err, ERR_INVALID, MSG_PACKED_NOTHING,
				      "");
	job->packed = true;
	rc = decode_job_run(job, &all);
	job->packed = false;
	if (rc || job->end != DECODE_INCOMPLETE)
		return rc;
	return sentence_error(job->err, ERR_INVALID, MSG_PACKED_NOT_WHOLE, "");
}
