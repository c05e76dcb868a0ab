/* The write-ahead log of a database: see log.h. */
#include "store/log.h"

#include "store/sql.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

void
store_log_open(struct store_log *log, const char *path)
{
	log->fd = open(path, O_RDONLY | O_CLOEXEC);
}

void
store_log_close(struct store_log *log)
{
	if (log->fd >= 0)
		close(log->fd);
	log->fd = -1;
}

int
store_log_sync(struct store_log *log, struct error *err)
{
	if (fdatasync(log->fd) == 0)
		return 0;
	atomic_store(&log->torn, true);
	return error_errno(err, errno, "the log of the database");
}

int
store_log_mend(struct store_log *log, struct sql *db, struct error *err)
{
	if (!atomic_load(&log->torn))
		return 0;
	if (sqlite3_wal_checkpoint_v2(sql_handle(db), NULL,
				      SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL))
		return error_prefix(err, sql_fail(db, err),
				    "the log of the database is not durable");
	atomic_store(&log->torn, false);
	return 0;
}
