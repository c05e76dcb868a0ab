/* Whole-database checks for 'verify': see store.h. */
#include "store/store.h"

#include "base/scope.h"
#include "store/retain.h"
#include "store/run.h"

static int
check_one(struct sql *db, const char *text, const char *what,
	  int (*report)(void *ctx, const char *text), void *ctx,
	  struct error *err)
{
	scope_stmt *stmt = NULL;
	int problems = 0;
	int rc = sql_get(db, text, &stmt, err);

	while (!rc && (rc = sql_step(db, stmt, err)) > 0) {
		scope_buf line = BUF_INIT;
		struct slice found = sql_bytes(stmt, 0);

		if (slice_is(found, "ok")) {
			rc = 0;
			continue;
		}
		problems = 1;
		if (buf_addf(&line, "%s: %.*s", what, (int)found.n, found.p) ||
		    !buf_str(&line))
			return error_nomem(err);
		rc = report(ctx, line.data);
	}
	return rc < 0 ? rc : problems;
}

struct run_check {
	struct sql *db;
	int64_t published;
	int (*report)(void *ctx, const char *text);
	void *ctx;
	int problems;
	struct error *err;
};

static int
check_run(void *ctx, int64_t run, int64_t since)
{
	struct run_check *c = ctx;
	struct error found = ERROR_INIT;
	int rc = since > c->published ? 0 : run_check(c->db, run, &found);

	if (rc != ERR_CORRUPT) {
		if (rc)
			*c->err = found;
		return rc;
	}
	c->problems = 1;
	return c->report(c->ctx, found.text);
}

int
store_check(struct store *store, int (*report)(void *ctx, const char *text),
	    void *ctx, struct error *err)
{
	static const struct {
		const char *text, *what;
	} checks[] = {
		{"PRAGMA main.integrity_check", "civicfs.db"},
		{"PRAGMA records.integrity_check", "records/records.db"},
		{"SELECT 'row ' || rowid || ' of ' || \"table\" ||"
		 " ' refers to nothing in ' || parent"
		 " FROM pragma_foreign_key_check",
		 "civicfs.db"},
	};
	scope_reader reader = {0};
	struct run_check runs = {.published = store_published(store),
				 .report = report,
				 .ctx = ctx,
				 .err = err};
	int problems = 0;
	int rc = store_reader_get(store, &reader, err);

	for (size_t i = 0; rc >= 0 && i < sizeof(checks) / sizeof(*checks);
	     i++) {
		rc = check_one(reader.db, checks[i].text, checks[i].what,
			       report, ctx, err);
		if (rc > 0)
			problems = 1;
	}
	runs.db = reader.db;
	if (rc >= 0)
		rc = store_run_each(runs.db, check_run, &runs, err);
	return rc < 0 ? rc : problems | runs.problems;
}
