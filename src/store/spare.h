/*
 * A full disk must not keep the state from being opened, or nobody could read:
 * SQLite then needs some room for its own files. A file of zeros keeps it.
 */
#ifndef STORE_SPARE_H
#define STORE_SPARE_H

#include <stdbool.h>

#define SPARE_START "spare"	    /* for opening the state */
#define SPARE_REMOVE "spare.remove" /* for removing files */

/* Whether there is such a file in the folder from now on. */
bool spare_keep(int dir, const char *name);

#endif
