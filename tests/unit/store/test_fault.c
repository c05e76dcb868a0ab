/*
 * A disk that fails below the database. Fails if a commit that was refused is
 * found again after a crash, once somebody may have acted upon its failure.
 * The program's own fdatasync() comes before the library's, for SQLite too.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/io.h"
#include "base/scope.h"
#include "store/store.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static int failing;

int
fdatasync(int fd)
{
	if (failing) {
		failing--;
		errno = EIO;
		return -1;
	}
	return (int)syscall(SYS_fdatasync, fd);
}

struct place {
	int home;
	char path[64], copy[64];
	int dir;
	struct store *store;
};

static int
enter(const char *path)
{
	int dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	assert_true(dir >= 0);
	return dir;
}

static int
setup(void **state)
{
	static struct place p;

	p = (struct place){.home = enter(".")};
	snprintf(p.path, sizeof(p.path), "/tmp/civicfs-fault-XXXXXX");
	snprintf(p.copy, sizeof(p.copy), "/tmp/civicfs-after-XXXXXX");
	if (!mkdtemp(p.path) || !mkdtemp(p.copy))
		return -1;
	p.dir = enter(p.path);
	assert_int_equal(store_open(p.dir, true, &p.store, NULL), 0);
	*state = &p;
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

static int
teardown(void **state)
{
	struct place *p = *state;
	int rc;

	failing = 0;
	store_close(p->store);
	close(p->dir);
	rc = fchdir(p->home);
	close(p->home);
	rc |= nftw(p->path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	rc |= nftw(p->copy, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	return rc;
}

static int
set(struct place *p, int64_t value)
{
	scope_txn txn = {0};
	int rc = store_begin(p->store, &txn, NULL);

	if (!rc)
		rc = store_meta_set(txn.db, "fact", value, NULL);
	return rc ? rc : store_commit(&txn, NULL);
}

static int64_t
get(struct store *store)
{
	scope_reader reader = {0};
	int64_t value = -1;

	assert_int_equal(store_reader_get(store, &reader, NULL), 0);
	assert_int_equal(store_meta_get(reader.db, "fact", 0, &value, NULL), 0);
	return value;
}

static void
copy_file(struct place *p, const char *name)
{
	scope_buf bytes = BUF_INIT;
	char path[128];
	FILE *f;

	assert_int_equal(io_slurp(p->dir, name, 1 << 24, &bytes, NULL), 0);
	snprintf(path, sizeof(path), "%s/%s", p->copy, name);
	f = fopen(path, "w");
	assert_non_null(f);
	assert_int_equal(fwrite(bytes.data, 1, bytes.len, f), bytes.len);
	fclose(f);
}

/* What a start would find if the machine died now. */
static int64_t
after_a_crash(struct place *p)
{
	static const char *const names[] = {"civicfs.db", "civicfs.db-wal",
					    "records/records.db",
					    "records/records.db-wal"};
	struct store *store = NULL;
	int64_t value;
	char path[128];
	int dir;

	snprintf(path, sizeof(path), "%s/records", p->copy);
	assert_true(mkdir(path, 0700) == 0 || errno == EEXIST);
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		copy_file(p, names[i]);
	dir = enter(p->copy);
	assert_int_equal(store_open(dir, true, &store, NULL), 0);
	value = get(store);
	store_close(store);
	close(dir);
	assert_int_equal(fchdir(p->dir), 0);
	return value;
}

static void
test_refused_commit_stays_refused(void **state)
{
	struct place *p = *state;

	assert_int_equal(set(p, 1), 0);
	failing = 1;
	assert_int_equal(set(p, 2), ERR_IO);
	assert_int_equal(failing, 0);
	assert_int_equal(get(p->store), 1);
	/* Whoever is told acts upon it: it is true at once. */
	assert_false(store_is_doubtful(p->store));
	assert_int_equal(after_a_crash(p), 1);
	assert_int_equal(store_records_begin(p->store, NULL), 0);
	store_records_rollback(p->store);
	assert_int_equal(after_a_crash(p), 1);

	failing = 1;
	assert_int_equal(set(p, 3), ERR_IO);
	{
		scope_txn txn = {0};

		assert_int_equal(store_begin(p->store, &txn, NULL), 0);
	}
	assert_int_equal(after_a_crash(p), 1);
}

/* While it cannot be ruled out, nobody can begin anything. */
static void
test_nothing_begins_before(void **state)
{
	struct place *p = *state;
	struct error err = ERROR_INIT;

	failing = 4;
	assert_int_equal(set(p, 2), ERR_IO);
	assert_true(store_is_doubtful(p->store));
	assert_int_equal(store_records_begin(p->store, &err), ERR_IO);
	assert_non_null(strstr(err.text, "cannot be ruled out"));
	assert_int_equal(set(p, 2), ERR_IO);
	assert_int_equal(failing, 0);
	assert_int_equal(set(p, 4), 0);
	assert_false(store_is_doubtful(p->store));
	assert_int_equal(after_a_crash(p), 4);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			test_refused_commit_stays_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(test_nothing_begins_before,
						setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
