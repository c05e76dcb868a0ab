/*
 * SQLite's own unix VFS, but file names are used as they are given. The stock
 * one turns them into absolute paths and looks at every folder on the way,
 * which the service user may not do (a state below /root, a private test
 * folder); the worker reaches its state by its working directory instead.
 */
#ifndef STORE_VFS_H
#define STORE_VFS_H

#include "base/error.h"

#define STORE_VFS_NAME "civicfs"

/* Once is enough; again is harmless. Any thread, before the first open. */
MUST_CHECK int store_vfs_register(struct error *err);

#endif
