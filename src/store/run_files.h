/*
 * The files of all runs of a state: those that are open, so that one row costs
 * no opening; and those that come or go with the transaction on records.db
 * that is under way. Of this folder only; any thread, but for what says
 * otherwise.
 */
#ifndef STORE_RUN_FILES_H
#define STORE_RUN_FILES_H

#include "store/run_file.h"

struct run_files;
/* NULL without memory. */
struct run_files *run_files_new(void);
void run_files_free(struct run_files *files);

/* The next run's number, of which none was ever given; 'last' is the highest
 * that the state has seen. Only the writer of records.db. */
void run_files_number_from(struct run_files *files, int64_t last);
int64_t run_files_number(struct run_files *files);

/* Open, and so until it is put back. ERR_CORRUPT, ERR_IO, ERR_NOMEM. */
MUST_CHECK int run_files_get(struct run_files *files, int64_t run,
			     struct run_file **ret, struct error *err);
void run_files_put(struct run_files *files, struct run_file *f);

/* What the writer's transaction does: the file of this run is new, or goes.
 * ERR_NOMEM. */
MUST_CHECK int run_files_made(struct run_files *files, int64_t run,
			      struct error *err);
MUST_CHECK int run_files_dropped(struct run_files *files, int64_t run,
				 struct error *err);
/* The transaction has ended: removes what was dropped, or what was made. */
void run_files_end(struct run_files *files, bool committed);

/* Every file in the folder that is the file of a run; 'each' returns 0 to go
 * on. */
MUST_CHECK int run_files_each(int (*each)(void *ctx, int64_t run,
					  int64_t bytes),
			      void *ctx, struct error *err);
/* A file nobody refers to; whoever has it open keeps its bytes. */
void run_files_remove(struct run_files *files, int64_t run);

#endif
