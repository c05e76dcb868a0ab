/* A VFS that takes names as they are: see vfs.h. */
#include "store/vfs.h"

#include <pthread.h>
#include <sqlite3.h>
#include <string.h>

static int
full_pathname(sqlite3_vfs *vfs, const char *name, int size, char *out)
{
	size_t len = strlen(name);

	(void)vfs;
	if (len + 1 > (size_t)size)
		return SQLITE_CANTOPEN;
	memcpy(out, name, len + 1);
	return SQLITE_OK;
}

static void
register_once(void)
{
	static sqlite3_vfs vfs;
	const sqlite3_vfs *stock = sqlite3_vfs_find("unix");

	if (!stock)
		return;
	vfs = *stock;
	vfs.pNext = NULL;
	vfs.zName = STORE_VFS_NAME;
	vfs.xFullPathname = full_pathname;
	sqlite3_vfs_register(&vfs, 0);
}

int
store_vfs_register(struct error *err)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, register_once);
	if (!sqlite3_vfs_find(STORE_VFS_NAME))
		return error_set(err, ERR_INTERNAL,
				 "SQLite has no unix VFS here");
	return 0;
}
