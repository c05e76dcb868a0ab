/*
 * What a backup is (doc/backup.md): a folder with
 *
 *   civicfs.db  records/records.db  packs/  intake/  audit/  config/
 *   SHA256SUMS     of all of these, for sha256sum -c
 *   BACKUP.json    written last: its sequence, and the hash of SHA256SUMS
 *
 * A folder without BACKUP.json is none: it was not finished.
 */
#ifndef CTL_BACKUP_H
#define CTL_BACKUP_H

#include "base/digest.h"
#include "base/error.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#define BACKUP_FORM 1
#define BACKUP_MANIFEST "BACKUP.json"
#define BACKUP_SUMS "SHA256SUMS"

/* ---- copying files (backup_file.c) --------------------------------------- */

/* How bytes come from one folder to another: what does not work once is not
 * tried again. Starts zeroed. */
struct backup_way {
	bool no_clone; /* the file system cannot share bytes */
	bool no_link;  /* another file system */
	int64_t files, bytes;
};
/*
 * 'name' of folder 'from' as 'as' of folder 'to', where there is none: by
 * sharing its bytes, by a second name if 'immutable', else by copying. *ret is
 * the SHA-256 of what is there then. ERR_NOTFOUND when there is none in
 * 'from'. Not yet durable.
 */
MUST_CHECK int backup_file(struct backup_way *way, int from, const char *name,
			   int to, const char *as, bool immutable,
			   unsigned char ret[static DIGEST_SIZE],
			   struct error *err);
/* SHA-256 of a file. */
MUST_CHECK int backup_hash(int folder, const char *name,
			   unsigned char ret[static DIGEST_SIZE],
			   int64_t *ret_bytes, struct error *err);
/* Makes the folders above 'name' in 'folder'. */
MUST_CHECK int backup_make_folders(int folder, const char *name,
				   struct error *err);
/* A new file with these bytes, not yet durable. */
MUST_CHECK int backup_write(int folder, const char *name, const void *p,
			    size_t n, struct error *err);
/* Everything on the file system of 'folder' on stable storage. */
MUST_CHECK int backup_sync(int folder, struct error *err);

/* ---- progress ------------------------------------------------------------ */

/* A line of standard error that is written again, where that is a terminal;
 * at most every fifth of a second. Starts zeroed. */
struct backup_progress {
	int64_t shown_at;
	bool shown;
};
void backup_progress_show(struct backup_progress *p, const char *what,
			  int64_t files, int64_t bytes);
void backup_progress_end(struct backup_progress *p);

#endif
