/* Old Office files: see ole.h. Names as in [MS-CFB]. */
#include "decode/ole.h"

#include "base/scope.h"
#include "base/sentence.h"
#include "decode/little.h"

#include <stdlib.h>
#include <string.h>

#define HEADER 512
#define HEADER_DIFAT 109 /* sectors of the FAT that the header names */
#define ENTRY 128	 /* bytes of one of the directory */
#define NAME_BYTES 64
#define MINI_CUTOFF 4096       /* shorter streams lie in the mini stream */
#define SECTOR_MAX 0xfffffff9U /* what is more, ends a chain */
#define END_OF_CHAIN 0xfffffffeU
#define STREAM 2
#define ROOT 5

struct ole {
	struct decode_job *job;
	const struct decode_bytes *bytes;
	unsigned int shift; /* of a sector: 9 or 12 */
	uint32_t first_directory, first_mini, first_difat, ndifat;
	uint32_t *fat;
	size_t nfat;
	char header[HEADER];
	char sector[4096];
};

static int
damaged(const struct ole *o)
{
	return sentence_error(o->job->err, ERR_INVALID, MSG_XLS_DAMAGED, "");
}

static int
read_at(const struct ole *o, void *p, size_t n, int64_t at)
{
	ssize_t got = decode_bytes_read(o->bytes, p, n, at, o->job->err);

	if (got < 0)
		return (int)got;
	return (size_t)got == n ? 0 : damaged(o);
}

static size_t
sector_size(const struct ole *o)
{
	return (size_t)1 << o->shift;
}

/* The last sector of a file may be cut short: what is missing is zeros. */
static int
read_sector(struct ole *o, uint32_t number)
{
	ssize_t got;

	if (number >= SECTOR_MAX)
		return damaged(o);
	got = decode_bytes_read(o->bytes, o->sector, sector_size(o),
				((int64_t)number + 1) << o->shift, o->job->err);
	if (got <= 0)
		return got ? (int)got : damaged(o);
	memset(o->sector + got, 0, sector_size(o) - (size_t)got);
	return 0;
}

/* ---- the table of sectors ------------------------------------------------ */

static int
add_fat_sector(struct ole *o, uint32_t number, size_t *at)
{
	size_t n = sector_size(o) / 4;
	int rc = read_sector(o, number);

	if (rc)
		return rc;
	for (size_t i = 0; i < n && *at < o->nfat; i++)
		o->fat[(*at)++] = decode_u32(o->sector + 4 * i);
	return 0;
}

/* The sectors of the table are named in the header, and in a chain of sectors
 * behind it. */
static int
read_fat(struct ole *o)
{
	size_t at = 0, per = sector_size(o) / 4 - 1;
	uint32_t next = o->first_difat;
	int rc = 0;

	o->nfat = (size_t)(o->bytes->size >> o->shift) + 1;
	o->fat = calloc(o->nfat, sizeof(*o->fat));
	if (!o->fat)
		return error_nomem(o->job->err);
	for (size_t i = 0; !rc && i < HEADER_DIFAT && at < o->nfat; i++) {
		uint32_t number = decode_u32(o->header + 76 + 4 * i);

		if (number < SECTOR_MAX)
			rc = add_fat_sector(o, number, &at);
	}
	for (uint32_t k = 0; !rc && at < o->nfat && k < o->ndifat; k++) {
		char difat[4096];

		rc = read_sector(o, next);
		if (rc)
			break;
		memcpy(difat, o->sector, sector_size(o));
		for (size_t i = 0; !rc && i < per && at < o->nfat; i++) {
			uint32_t number = decode_u32(difat + 4 * i);

			if (number < SECTOR_MAX)
				rc = add_fat_sector(o, number, &at);
		}
		next = decode_u32(difat + 4 * per);
	}
	for (; at < o->nfat; at++)
		o->fat[at] = END_OF_CHAIN;
	return rc;
}

/* A chain goes through no more sectors than there are. */
static int
follow(const struct ole *o, uint32_t *number, size_t *steps)
{
	if (*number >= o->nfat || ++*steps > o->nfat)
		return damaged(o);
	*number = o->fat[*number];
	return 0;
}

/* Copies the first 'size' bytes of a chain into the room. */
static int
copy_chain(struct ole *o, uint32_t first, int64_t size,
	   struct decode_bytes *ret)
{
	int64_t from = o->job->room.at;
	size_t steps = 0;
	int rc = decode_job_count(o->job, size);

	while (!rc && size > 0) {
		size_t n = sector_size(o);

		rc = read_sector(o, first);
		if ((int64_t)n > size)
			n = (size_t)size;
		if (!rc)
			rc = decode_room_add(&o->job->room, o->sector, n,
					     o->job->err);
		size -= (int64_t)n;
		if (!rc && size > 0)
			rc = follow(o, &first, &steps);
	}
	*ret = decode_room_since(&o->job->room, from);
	return rc;
}

/* ---- the directory ------------------------------------------------------- */

struct found {
	int which; /* of the names; -1 none */
	uint32_t first;
	int64_t size;
	uint32_t mini_first; /* of the stream of short streams */
	int64_t mini_size;
};

/* A name of ASCII letters, in UTF-16. */
static bool
is_name(const char *entry, const char *name)
{
	size_t n = strlen(name);

	if (decode_u16(entry + NAME_BYTES) != 2 * (n + 1))
		return false;
	for (size_t i = 0; i < n; i++) {
		if (entry[2 * i] != name[i] || entry[2 * i + 1])
			return false;
	}
	return true;
}

static int64_t
size_of(const struct ole *o, const char *entry)
{
	uint64_t size = decode_u32(entry + 120);

	/* small sectors have sizes of 32 bits, and rubbish behind them */
	if (o->shift != 9)
		size |= (uint64_t)decode_u32(entry + 124) << 32;
	return size > INT64_MAX ? -1 : (int64_t)size;
}

static void
look_at(const struct ole *o, const char *entry, const char *const names[2],
	struct found *ret)
{
	if (entry[66] == ROOT) {
		ret->mini_first = decode_u32(entry + 116);
		ret->mini_size = size_of(o, entry);
	}
	for (int i = 0; entry[66] == STREAM && i < 2; i++) {
		if (!is_name(entry, names[i]) ||
		    (ret->which >= 0 && ret->which <= i))
			continue;
		ret->which = i;
		ret->first = decode_u32(entry + 116);
		ret->size = size_of(o, entry);
	}
}

static int
read_directory(struct ole *o, const char *const names[2], struct found *ret)
{
	uint32_t number = o->first_directory;
	size_t steps = 0;
	int rc = 0;

	*ret = (struct found){.which = -1};
	while (!rc && number < SECTOR_MAX) {
		rc = read_sector(o, number);
		for (size_t i = 0; !rc && i < sector_size(o); i += ENTRY)
			look_at(o, o->sector + i, names, ret);
		if (!rc)
			rc = follow(o, &number, &steps);
	}
	return rc;
}

/* A short stream: sectors of 64 bytes in the mini stream, chained by a table
 * of their own. */
static int
copy_mini(struct ole *o, const struct found *f, struct decode_bytes *ret)
{
	struct decode_bytes mini, table;
	uint32_t number = f->first;
	int64_t size = f->size, from;
	int rc = copy_chain(o, f->mini_first, f->mini_size, &mini);

	if (!rc)
		rc = copy_chain(o, o->first_mini, (f->mini_size + 63) / 64 * 4,
				&table);
	from = o->job->room.at;
	while (!rc && size > 0) {
		int64_t n = size < 64 ? size : 64;
		char part[64], next[4];

		if (decode_bytes_read(&mini, part, (size_t)n,
				      (int64_t)number * 64, o->job->err) != n ||
		    decode_bytes_read(&table, next, 4, (int64_t)number * 4,
				      o->job->err) != 4)
			return damaged(o);
		rc = decode_room_add(&o->job->room, part, (size_t)n,
				     o->job->err);
		number = decode_u32(next);
		size -= n;
	}
	*ret = decode_room_since(&o->job->room, from);
	return rc;
}

static int
open_header(struct ole *o)
{
	int rc = read_at(o, o->header, HEADER, 0);

	if (rc)
		return rc;
	o->shift = decode_u16(o->header + 30);
	o->first_directory = decode_u32(o->header + 48);
	o->first_mini = decode_u32(o->header + 60);
	o->first_difat = decode_u32(o->header + 68);
	o->ndifat = decode_u32(o->header + 72);
	if ((o->shift != 9 && o->shift != 12) ||
	    decode_u16(o->header + 32) != 6 ||
	    decode_u16(o->header + 28) != 0xfffe)
		return damaged(o);
	return read_fat(o);
}

int
decode_ole_stream(struct decode_job *job, const struct decode_bytes *bytes,
		  const char *const names[2], int *ret_which,
		  struct decode_bytes *ret)
{
	scope_free struct ole *o = calloc(1, sizeof(*o));
	struct found found = {0};
	int rc;

	if (!o)
		return error_nomem(job->err);
	o->job = job;
	o->bytes = bytes;
	rc = open_header(o);
	if (!rc)
		rc = read_directory(o, names, &found);
	if (!rc && found.which >= 0) {
		if (found.size < 0 || found.size > bytes->size ||
		    found.mini_size < 0 || found.mini_size > bytes->size)
			rc = damaged(o);
		else if (found.size < MINI_CUTOFF)
			rc = copy_mini(o, &found, ret);
		else
			rc = copy_chain(o, found.first, found.size, ret);
	}
	if (!rc)
		*ret_which = found.which;
	free(o->fat);
	return rc;
}
