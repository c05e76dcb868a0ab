/*
 * One moment of both databases, copied while others write; and the numbers of
 * a state that was put back. What a backup is made of is in ctl/backup.h.
 *
 * The moment is a snapshot of each file, taken while nobody can commit to
 * civicfs.db. records.db may hold a publish that was not flipped: the first
 * start undoes it, as after a crash.
 */
#ifndef STORE_BACKUP_H
#define STORE_BACKUP_H

#include "store/store.h"

struct store_backup;

/*
 * Begins: sets the process's working directory to the state's folder, as
 * store_open() does, and waits for the writer of civicfs.db. 'keep' is called
 * with each blob that may be removed while the copy is made, before anybody
 * can; it returns 0 or a negative code. The snapshot is held until
 * store_backup_end(); meanwhile the logs of both files grow. ERR_NOTFOUND
 * when there is no state.
 */
typedef int store_backup_keep_fn(void *ctx, int64_t blob);
MUST_CHECK int store_backup_begin(int state_fd, store_backup_keep_fn *keep,
				  void *ctx, struct store_backup **ret,
				  struct error *err);
void store_backup_end(struct store_backup *b);
/* The published sequence of the moment. */
int64_t store_backup_sequence(const struct store_backup *b);
/* A connection that sees the moment (retain.h, submission.h …). */
struct sql *store_backup_db(struct store_backup *b);

/* Copies a database to a path that does not exist yet; 'each' is told how many
 * bytes there are and how many are done, and returns 0 to go on. What was
 * being uploaded at the moment is marked as incomplete in the copy: its bytes
 * may have changed since. Not yet durable. */
enum store_backup_file { STORE_BACKUP_MAIN, STORE_BACKUP_RECORDS };
MUST_CHECK int store_backup_copy(struct store_backup *b,
				 enum store_backup_file which, const char *to,
				 int (*each)(void *ctx, int64_t done,
					     int64_t all),
				 void *ctx, struct error *err);

/* ---- putting back -------------------------------------------------------- */

/* While this file lies in the state's folder, the state is being put back and
 * store_open() refuses it. */
#define STORE_RESTORING "restoring"
/* No number of a state goes beyond what a node number can hold. */
#define STORE_ABOVE_MAX INT64_C(100000000)

/* What numbers go on after. */
struct store_numbers {
	int64_t sequence, submission;
};
/*
 * Opens a state whose files are all there again, undoes what was not flipped,
 * and lets every number go on above 'above', or a million higher for
 * 'above' 0: submissions, versions, sequences, blobs, and what names nodes.
 * STORE_RESTORING may be removed after it. Sets the working directory.
 */
MUST_CHECK int store_restore_numbers(int state_fd, int64_t above,
				     struct store_numbers *ret,
				     struct error *err);

#endif
