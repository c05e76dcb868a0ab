/*
 * The write-ahead log of a database, made durable by others than its writer:
 * whoever has committed without a wait for the disk waits here, and lets others
 * write meanwhile.
 *
 * By a descriptor that is open before anything is written, so that it is told
 * of every failure. What lies in the log behind bytes that the disk did not
 * take is not found after a crash: so after a failure the writer brings all of
 * it to its place first, and the log begins anew.
 */
#ifndef STORE_LOG_H
#define STORE_LOG_H

#include "base/error.h"

#include <stdatomic.h>

struct sql;

struct store_log {
	int fd;		  /* -1 none */
	atomic_bool torn; /* it may have a hole */
};

/* Before the first transaction; without a log there is none. */
void store_log_open(struct store_log *log, const char *path);
void store_log_close(struct store_log *log);
/* Any thread; blocks. ERR_IO. */
MUST_CHECK int store_log_sync(struct store_log *log, struct error *err);
/* Where there is a hole: the writer, outside of a transaction. ERR_IO,
 * ERR_BUSY.
 */
MUST_CHECK int store_log_mend(struct store_log *log, struct sql *db,
			      struct error *err);

#endif
