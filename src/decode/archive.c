/* Packed bytes: see archive.h. */
#include "decode/archive.h"

#include "base/sentence.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK ((size_t)256 * 1024)
#define TAR_BLOCK 512

struct decode_archive {
	struct archive *lib;
	struct decode_bytes bytes;
	int64_t at;	    /* the next byte to read */
	struct error error; /* why reading failed, if it did */
	int64_t given;	    /* bytes of the entry, for holes */
	char block[BLOCK];
};

/* ---- what libarchive reads by -------------------------------------------- */

static la_ssize_t
on_read(struct archive *lib, void *ctx, const void **ret)
{
	struct decode_archive *a = ctx;
	ssize_t n =
		decode_bytes_read(&a->bytes, a->block, BLOCK, a->at, &a->error);

	(void)lib;
	if (n < 0)
		return -1;
	a->at += n;
	*ret = a->block;
	return n;
}

static la_int64_t
on_skip(struct archive *lib, void *ctx, la_int64_t n)
{
	struct decode_archive *a = ctx;
	int64_t left = a->bytes.size - a->at;

	(void)lib;
	if (n > left)
		n = left;
	a->at += n;
	return n;
}

static la_int64_t
on_seek(struct archive *lib, void *ctx, la_int64_t n, int whence)
{
	struct decode_archive *a = ctx;
	int64_t from = whence == SEEK_SET   ? 0
		       : whence == SEEK_CUR ? a->at
					    : a->bytes.size;

	(void)lib;
	if (n < -from || n > a->bytes.size - from)
		return ARCHIVE_FATAL;
	a->at = from + n;
	return a->at;
}

/* ---- what is wrong ------------------------------------------------------- */

/* libarchive's own words may repeat bytes of the file: only plain ones are
 * shown. */
static int
explain(const struct decode_archive *a, struct error *err)
{
	const char *words = archive_error_string(a->lib);

	if (a->error.code)
		return error_set(err, a->error.code, "%s", a->error.text);
	if (archive_errno(a->lib) == ENOMEM)
		return error_nomem(err);
	for (const char *p = words; p && *p; p++) {
		if (*p < ' ' || *p > '~')
			words = NULL;
	}
	if (words)
		return sentence_error(err, ERR_INVALID, MSG_PACKED_DAMAGED_WHY,
				      "%s", words);
	return sentence_error(err, ERR_INVALID, MSG_PACKED_DAMAGED, "");
}

/* ---- open ---------------------------------------------------------------- */

static int
allow(struct archive *lib, enum decode_packing packing)
{
	if (packing == DECODE_PACKED_ZIP)
		return archive_read_support_format_zip_seekable(lib);
	if (packing == DECODE_PACKED_TAR)
		return archive_read_support_format_tar(lib);
	if (archive_read_support_filter_gzip(lib) != ARCHIVE_OK ||
	    archive_read_support_filter_xz(lib) != ARCHIVE_OK ||
	    archive_read_support_filter_zstd(lib) != ARCHIVE_OK ||
	    archive_read_support_format_empty(lib) != ARCHIVE_OK)
		return ARCHIVE_FATAL;
	return archive_read_support_format_raw(lib);
}

int
decode_archive_open(const struct decode_bytes *bytes,
		    enum decode_packing packing, struct decode_archive **ret,
		    struct error *err)
{
	scope_archive a = malloc(sizeof(*a));

	if (!a)
		return error_nomem(err);
	a->bytes = *bytes;
	a->at = 0;
	a->error = ERROR_INIT;
	a->lib = archive_read_new();
	if (!a->lib || allow(a->lib, packing) != ARCHIVE_OK)
		return error_nomem(err);
	archive_read_set_read_callback(a->lib, on_read);
	archive_read_set_skip_callback(a->lib, on_skip);
	archive_read_set_seek_callback(a->lib, on_seek);
	archive_read_set_callback_data(a->lib, a);
	if (archive_read_open1(a->lib) != ARCHIVE_OK)
		return explain(a, err);
	/* it goes on while what comes out is compressed again */
	if (packing == DECODE_PACKED_STREAM && archive_filter_count(a->lib) > 2)
		return sentence_error(err, ERR_INVALID, MSG_PACKED_TWICE, "");
	*ret = a;
	a = NULL;
	return 0;
}

void
decode_archive_close(struct decode_archive *a)
{
	if (!a)
		return;
	if (a->lib)
		archive_read_free(a->lib);
	free(a);
}

int
decode_archive_next(struct decode_archive *a, struct archive_entry **ret,
		    struct error *err)
{
	int rc = archive_read_next_header(a->lib, ret);

	a->given = 0;
	if (rc == ARCHIVE_EOF)
		return 0;
	/* a warning is about a name, which is looked at elsewhere */
	return rc == ARCHIVE_OK || rc == ARCHIVE_WARN ? 1 : explain(a, err);
}

int
decode_archive_ended(const struct decode_archive *a, struct error *err)
{
	static const char nuls[TAR_BLOCK];
	char block[TAR_BLOCK] = {1};
	int64_t at = archive_filter_bytes(a->lib, 0) - TAR_BLOCK;
	ssize_t n = 0;

	/* the block that it has read last: NULs, or the end of an entry */
	if (at >= 0)
		n = decode_bytes_read(&a->bytes, block, TAR_BLOCK, at, err);
	if (n < 0)
		return (int)n;
	if (n == TAR_BLOCK && !memcmp(block, nuls, TAR_BLOCK))
		return 0;
	return sentence_error(err, ERR_INVALID, MSG_TAR_NO_END, "");
}

ssize_t
decode_archive_block(struct decode_archive *a, const char **ret,
		     struct error *err)
{
	const void *block;
	size_t n = 0;
	la_int64_t at;
	int rc;

	do {
		rc = archive_read_data_block(a->lib, &block, &n, &at);
	} while (rc == ARCHIVE_OK && !n);
	if (rc == ARCHIVE_EOF)
		return 0;
	/* also a warning: a wrong checksum is one */
	if (rc != ARCHIVE_OK)
		return explain(a, err);
	if (at != a->given)
		return sentence_error(err, ERR_INVALID, MSG_MEMBER_HOLES, "");
	a->given += (int64_t)n;
	*ret = block;
	return (ssize_t)n;
}
