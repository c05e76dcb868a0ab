/*
 * Whether the files of a state are all there. The state's folder is the working
 * directory. Used within this folder only.
 */
#ifndef STORE_PRESENCE_H
#define STORE_PRESENCE_H

#include "store/store.h"

#define MAIN_NAME "civicfs.db"
#define RECORDS_DIR "records"
#define RECORDS_NAME RECORDS_DIR "/records.db"

/* Before anything is opened: ERR_CORRUPT when only a part is there,
 * ERR_NOTFOUND when nothing is and nothing may be made. */
MUST_CHECK int store_presence_check(bool create, struct error *err);
/* The same for the records, when civicfs.db is open. */
MUST_CHECK int store_presence_check_records(struct sql *main,
					    struct error *err);

#endif
