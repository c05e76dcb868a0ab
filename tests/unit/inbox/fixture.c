/* A state with one inbox: see fixture.h. */
#include "tests/unit/inbox/fixture.h"

#include <dirent.h>
#include <ftw.h>
#include <stdio.h>
#include <sys/stat.h>

static int
count_entries(const char *path)
{
	DIR *dir = opendir(path);
	struct dirent *e;
	int n = 0;

	assert_non_null(dir);
	while ((e = readdir(dir)))
		n += e->d_name[0] != '.';
	closedir(dir);
	return n;
}

static void
open_inbox(struct box *b)
{
	struct error err = ERROR_INIT;

	if (inbox_open(b->store, &b->config, &b->resource, &b->trial,
		       b->session, &b->inbox, &err))
		fail_msg("%s", err.text);
}

static void
open_all(struct box *b)
{
	struct error err = ERROR_INIT;
	scope_txn txn = {0};

	if (store_open(b->dir, true, &b->store, &err))
		fail_msg("%s", err.text);
	assert_int_equal(store_begin(b->store, &txn, &err), 0);
	assert_int_equal(store_object_intern(&txn, STORE_RESOURCE, "aic/r",
					     &b->resource, &err),
			 0);
	assert_int_equal(store_object_intern(&txn, STORE_RESOURCE,
					     "trial/aic/r", &b->trial, &err),
			 0);
	assert_int_equal(store_commit(&txn, &err), 0);
	open_inbox(b);
}

int
box_setup(void **state)
{
	struct box *b = calloc(1, sizeof(*b));

	if (!b)
		return -1;
	b->fds = count_entries("/proc/self/fd");
	b->home = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	snprintf(b->path, sizeof(b->path), "/tmp/civicfs-inbox-XXXXXX");
	if (!mkdtemp(b->path))
		return -1;
	b->dir = open(b->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	b->config.settle_ms = 500;
	b->resource_aic =
		(struct config_resource){.name = "aic/r", .department = "aic"};
	b->config.resources = &b->resource_aic;
	b->config.nresources = 1;
	b->department = (struct config_department){.id = "aic"};
	b->config.departments = &b->department;
	b->config.ndepartments = 1;
	b->session = 7;
	open_all(b);
	*state = b;
	return 0;
}

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

int
box_teardown(void **state)
{
	struct box *b = *state;
	int rc;

	inbox_close(b->inbox);
	store_close(b->store);
	rc = fchdir(b->home);
	close(b->dir);
	close(b->home);
	rc |= nftw(b->path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	assert_int_equal(count_entries("/proc/self/fd"), b->fds);
	free(b);
	return rc;
}

void
box_restart(struct box *b, bool same_mount)
{
	inbox_close(b->inbox);
	store_close(b->store);
	b->inbox = NULL;
	b->store = NULL;
	if (!same_mount)
		b->session++;
	open_all(b);
}

struct inbox_request
box_request(struct box *b)
{
	b->unique += 2;
	return (struct inbox_request){
		.unique = b->unique, .uid = UID, .gid = GID, .pid = getpid()};
}

struct inbox_request
box_again(const struct inbox_request *req)
{
	struct inbox_request again = *req;

	again.resent = true;
	return again;
}

struct inbox_entry
box_lookup(struct box *b, const char *name)
{
	struct inbox_entry e = {.id = 0};

	assert_int_equal(inbox_lookup(b->inbox, b->resource, name, &e), 0);
	return e;
}

int
box_has(struct box *b, const char *name)
{
	struct inbox_entry e;

	return inbox_lookup(b->inbox, b->resource, name, &e);
}

static int
join(void *ctx, const struct inbox_entry *e)
{
	char *names = ctx;

	if (*names)
		strncat(names, " ", 1023 - strlen(names));
	strncat(names, e->name, 1023 - strlen(names));
	return 0;
}

char *
box_names(struct box *b, char ret[static 1024])
{
	*ret = '\0';
	assert_int_equal(inbox_list(b->inbox, b->resource, "", join, ret), 0);
	return ret;
}

int64_t
box_create(struct box *b, const char *name, uint64_t *fh)
{
	struct inbox_request req = box_request(b);
	struct inbox_entry e = {.id = 0};

	assert_int_equal(inbox_create(b->inbox, &req, b->resource, name, 0644,
				      O_WRONLY | O_CREAT | O_TRUNC, &e, fh),
			 0);
	return e.id;
}

void
box_write(struct box *b, int64_t id, const char *text, off_t offset)
{
	ssize_t n = (ssize_t)strlen(text);

	assert_int_equal(inbox_write(b->inbox, id, text, strlen(text), offset),
			 n);
}

void
box_close(struct box *b, int64_t id, uint64_t fh)
{
	struct inbox_request req = box_request(b);

	assert_int_equal(inbox_flush(b->inbox, &req, id, fh), 0);
	req.pid = 0;
	assert_int_equal(inbox_release(b->inbox, &req, id, fh), 0);
}

int64_t
box_copy(struct box *b, const char *name, const char *text)
{
	uint64_t fh;
	int64_t id = box_create(b, name, &fh);

	box_write(b, id, text, 0);
	box_close(b, id, fh);
	return id;
}

uint64_t
box_open(struct box *b, int64_t id, int flags)
{
	struct inbox_request req = box_request(b);
	uint64_t fh = 0;

	assert_int_equal(
		inbox_open_file(b->inbox, &req, INBOX_FILE, id, flags, &fh), 0);
	return fh;
}

int
box_rename(struct box *b, const char *from, const char *to)
{
	struct inbox_request req = box_request(b);

	return inbox_rename(b->inbox, &req, b->resource, from, to, 0);
}

int
box_unlink(struct box *b, const char *name)
{
	struct inbox_request req = box_request(b);

	return inbox_unlink(b->inbox, &req, b->resource, name);
}

void
box_expect(struct box *b, enum inbox_part part, int64_t id, const char *text)
{
	struct inbox_entry e;
	char got[256] = "";

	assert_true(inbox_read(b->inbox, part, id, got, sizeof(got) - 1, 0) >=
		    0);
	assert_string_equal(got, text);
	assert_int_equal(inbox_stat(b->inbox, part, id, &e), 0);
	assert_int_equal(e.st.st_size, strlen(text));
}

int
box_collect(struct box *b, int64_t now)
{
	struct error err = ERROR_INIT;
	int64_t next = 0;
	int bound = 0;

	if (inbox_collect(b->inbox, now, &bound, &next, &err))
		fail_msg("%s", err.text);
	return bound;
}

int
box_blobs(struct box *b)
{
	char path[96];

	snprintf(path, sizeof(path), "%s/intake", b->path);
	return count_entries(path);
}

int64_t
box_submissions(struct box *b, const char *state)
{
	scope_reader reader = {0};
	int64_t n = -1;

	assert_int_equal(store_reader_get(b->store, &reader, NULL), 0);
	assert_int_equal(store_submission_count(reader.db, 0, state, &n, NULL),
			 0);
	return n;
}

struct store_inbox_file
box_row(struct box *b, int64_t id)
{
	scope_reader reader = {0};
	struct store_inbox_file f = {.id = 0};

	assert_int_equal(store_reader_get(b->store, &reader, NULL), 0);
	assert_true(store_inbox_get(reader.db, id, &f, NULL) >= 0);
	return f;
}

void
box_judge(struct box *b, int64_t number, const char *state, const char *fix)
{
	struct store_verdict v = {.state = state,
				  .judged_at = 1000 * CLOCK_NS,
				  .receipt_json = SLICE("{}\n"),
				  .receipt_text = SLICE("well\n")};
	struct store_submission s = {.number = number};
	struct inbox_fix_gone gone;
	scope_txn txn = {0};

	assert_int_equal(store_begin(b->store, &txn, NULL), 0);
	if (fix) {
		char path[STORE_BLOB_PATH_MAX];
		FILE *f;

		assert_int_equal(store_blob_add(&txn, 1, &v.fix_blob, NULL), 0);
		store_blob_path(v.fix_blob, path);
		f = fopen(path, "w");
		assert_non_null(f);
		fputs(fix, f);
		fclose(f);
		v.fix_bytes = (int64_t)strlen(fix);
	}
	assert_int_equal(store_submission_judged(&txn, number, &v, NULL), 0);
	assert_int_equal(inbox_fix_show(&txn, &s, v.fix_blob, v.fix_workbook,
					&gone, NULL),
			 0);
	assert_int_equal(store_commit(&txn, NULL), 0);
	inbox_fix_shown(b->inbox, &gone);
}
