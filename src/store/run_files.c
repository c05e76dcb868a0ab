/* The files of all runs: see run_files.h. */
#include "store/run_files.h"

#include "base/scope.h"
#include "store/run_format.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define KEPT 32 /* open though nobody uses them */

struct slot {
	struct run_file *file; /* NULL: free */
	int users;
	uint64_t used; /* when, by 'clock' */
};

struct list {
	int64_t *runs;
	size_t n;
};

struct run_files {
	pthread_mutex_t lock; /* of what follows */
	struct slot slots[KEPT];
	uint64_t clock;

	/* only the writer of records.db */
	int64_t last; /* number that was given */
	struct list made, dropped;
};

struct run_files *
run_files_new(void)
{
	struct run_files *files = calloc(1, sizeof(*files));

	if (files)
		pthread_mutex_init(&files->lock, NULL);
	return files;
}

void
run_files_free(struct run_files *files)
{
	if (!files)
		return;
	for (size_t i = 0; i < KEPT; i++)
		run_file_close(files->slots[i].file);
	free(files->made.runs);
	free(files->dropped.runs);
	pthread_mutex_destroy(&files->lock);
	free(files);
}

void
run_files_number_from(struct run_files *files, int64_t last)
{
	files->last = last;
}

int64_t
run_files_number(struct run_files *files)
{
	return ++files->last;
}

/* ---- those that are open ------------------------------------------------- */

static struct slot *
find_slot(struct run_files *files, int64_t run)
{
	for (size_t i = 0; i < KEPT; i++) {
		struct slot *s = &files->slots[i];

		if (s->file && run_file_run(s->file) == run)
			return s;
	}
	return NULL;
}

static struct run_file *
take_open(struct run_files *files, int64_t run)
{
	struct run_file *f = NULL;
	struct slot *s;

	pthread_mutex_lock(&files->lock);
	s = find_slot(files, run);
	if (s) {
		s->users++;
		s->used = ++files->clock;
		f = s->file;
	}
	pthread_mutex_unlock(&files->lock);
	return f;
}

/* The slot to use next: a free one, or that of the file nobody uses that was
 * used longest ago; NULL when all are in use. */
static struct slot *
spare_slot(struct run_files *files)
{
	struct slot *ret = NULL;

	for (size_t i = 0; i < KEPT; i++) {
		struct slot *s = &files->slots[i];

		if (!s->file)
			return s;
		if (!s->users && (!ret || s->used < ret->used))
			ret = s;
	}
	return ret;
}

/* The file is kept unless another thread was faster, or all are in use. */
static void
keep_open(struct run_files *files, struct run_file *f)
{
	struct run_file *old = NULL;
	struct slot *s;

	pthread_mutex_lock(&files->lock);
	s = find_slot(files, run_file_run(f)) ? NULL : spare_slot(files);
	if (s) {
		old = s->file;
		*s = (struct slot){f, 1, ++files->clock};
	}
	pthread_mutex_unlock(&files->lock);
	run_file_close(old);
}

int
run_files_get(struct run_files *files, int64_t run, struct run_file **ret,
	      struct error *err)
{
	int rc;

	*ret = take_open(files, run);
	if (*ret)
		return 0;
	rc = run_file_open(run, ret, err);
	if (!rc)
		keep_open(files, *ret);
	return rc;
}

void
run_files_put(struct run_files *files, struct run_file *f)
{
	bool kept = false;

	pthread_mutex_lock(&files->lock);
	for (size_t i = 0; i < KEPT && !kept; i++) {
		struct slot *s = &files->slots[i];

		kept = s->file == f;
		s->users -= kept;
	}
	pthread_mutex_unlock(&files->lock);
	if (!kept)
		run_file_close(f);
}

/* Those who use it have it still, and close it in the end. */
static void
forget(struct run_files *files, int64_t run)
{
	struct run_file *unused = NULL;
	struct slot *s;

	pthread_mutex_lock(&files->lock);
	s = find_slot(files, run);
	if (s) {
		unused = s->users ? NULL : s->file;
		*s = (struct slot){0};
	}
	pthread_mutex_unlock(&files->lock);
	run_file_close(unused);
}

void
run_files_remove(struct run_files *files, int64_t run)
{
	char name[RUN_FILE_NAME_MAX];

	forget(files, run);
	run_file_name(run, name);
	(void)unlink(name);
}

/* ---- with a transaction -------------------------------------------------- */

static int
add(struct list *list, int64_t run, struct error *err)
{
	int64_t *runs =
		reallocarray(list->runs, list->n + 1, sizeof(*list->runs));

	if (!runs)
		return error_nomem(err);
	list->runs = runs;
	runs[list->n++] = run;
	return 0;
}

int
run_files_made(struct run_files *files, int64_t run, struct error *err)
{
	forget(files, run); /* of a number that was rolled back */
	return add(&files->made, run, err);
}

int
run_files_dropped(struct run_files *files, int64_t run, struct error *err)
{
	return add(&files->dropped, run, err);
}

void
run_files_end(struct run_files *files, bool committed)
{
	const struct list *gone = committed ? &files->dropped : &files->made;

	for (size_t i = 0; i < gone->n; i++)
		run_files_remove(files, gone->runs[i]);
	files->made.n = files->dropped.n = 0;
}

/* ---- the folder ---------------------------------------------------------- */

/* The number in a file's name, or -1 for what is none. */
static int64_t
number_of(const char *name)
{
	char again[RUN_FILE_NAME_MAX];
	char *end;
	long long number;

	errno = 0;
	number = strtoll(name, &end, 10);
	if (errno || number < 0)
		return -1;
	run_file_name(number, again);
	return strcmp(again + strlen(RUN_FOLDER "/"), name) == 0 ? number : -1;
}

static void
close_dir(DIR **dir)
{
	if (*dir)
		closedir(*dir);
}

int
run_files_each(int (*each)(void *ctx, int64_t run, int64_t bytes), void *ctx,
	       struct error *err)
{
	__attribute__((cleanup(close_dir))) DIR *dir = opendir(RUN_FOLDER);
	const struct dirent *e;
	int rc = 0;

	if (!dir && errno == ENOENT) /* a backup without a run */
		return 0;
	if (!dir)
		return error_errno(err, errno, "cannot list '" RUN_FOLDER "'");
	while (!rc && (errno = 0, e = readdir(dir))) {
		int64_t run = number_of(e->d_name);
		struct stat st;

		if (run < 0 ||
		    fstatat(dirfd(dir), e->d_name, &st, AT_SYMLINK_NOFOLLOW))
			continue;
		rc = each(ctx, run, st.st_size);
		errno = 0;
	}
	if (!rc && errno)
		rc = error_errno(err, errno, "cannot list '" RUN_FOLDER "'");
	return rc;
}
