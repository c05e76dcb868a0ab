/* Whether the files of a state are all there: see presence.h. */
#include "store/presence.h"

#include "store/backup.h"

#include <dirent.h>
#include <inttypes.h>
#include <sys/stat.h>
#include <unistd.h>

/* Bytes of a file; -1 when there is none. */
static int64_t
size_of(const char *name)
{
	struct stat st;

	return stat(name, &st) ? -1 : st.st_size;
}

static void
close_dir(DIR **dir)
{
	if (*dir)
		closedir(*dir);
}

static bool
has_files(const char *folder)
{
	__attribute__((cleanup(close_dir))) DIR *dir = opendir(folder);
	const struct dirent *e;

	while (dir && (e = readdir(dir))) {
		if (e->d_name[0] != '.')
			return true;
	}
	return false;
}

/* Half a state is a damaged one, and must not be taken for a new one: what is
 * left would be swept away. */
int
store_presence_check(bool create, struct error *err)
{
	int64_t size = size_of(MAIN_NAME);

	if (access(STORE_RESTORING, F_OK) == 0)
		return error_set(err, ERR_CORRUPT,
				 "a restore of this state has not come to its "
				 "end: empty the state's folder and run "
				 "'civicfs restore' again");
	if (size > 0)
		return 0;
	if (size_of(RECORDS_NAME) > 0 || has_files("packs") ||
	    has_files("runs") || has_files("intake"))
		return error_set(err, ERR_CORRUPT,
				 "'%s' is %s, though the state has been used: "
				 "restore a backup, or use another state "
				 "folder",
				 MAIN_NAME, size < 0 ? "missing" : "empty");
	if (size < 0 && !create)
		return error_set(err, ERR_NOTFOUND,
				 "there is no state yet: start civicfsd once");
	return 0;
}

/* The same for the other file, once the first says what was published. */
int
store_presence_check_records(struct sql *main, struct error *err)
{
	int64_t published = 0, size = size_of(RECORDS_NAME);
	int rc = size > 0 ? 0
			  : store_meta_get(main, "published", 0, &published,
					   err);

	if (rc || !published)
		return rc;
	return error_set(err, ERR_CORRUPT,
			 "'%s' is %s, though %" PRId64
			 " submissions were published: restore a backup, or "
			 "use another state folder",
			 RECORDS_NAME, size < 0 ? "missing" : "empty",
			 published);
}
