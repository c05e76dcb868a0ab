/* Files leave the inboxes, and submissions the archive: see gc_run.h. */
#include "flow/gc_run.h"

#include "base/clock.h"
#include "base/scope.h"

#include <string.h>

#define FILES_AT_ONCE 8 /* a transaction each */
#define SUBMISSIONS_AT_ONCE 64

static int64_t
before(const struct flow_gc_run *run, int64_t kept_s)
{
	int64_t now_s = run->now / CLOCK_NS;

	return kept_s < now_s ? run->now - kept_s * CLOCK_NS : 0;
}

/* ---- inboxes ------------------------------------------------------------- */

struct file {
	int64_t id, resource;
	char name[256];
};

struct files {
	struct file items[FILES_AT_ONCE];
	size_t n;
};

static int
take_file(void *ctx, const struct store_due_file *f)
{
	struct files *files = ctx;
	struct file *file = &files->items[files->n++];

	file->id = f->id;
	file->resource = f->resource;
	snprintf(file->name, sizeof(file->name), "%s", f->name);
	return files->n == FILES_AT_ONCE;
}

static int
take_files(struct flow_gc_run *run, int64_t since, struct files *ret,
	   struct error *err)
{
	scope_reader reader = {0};
	int rc = store_reader_get(run->store, &reader, err);

	return rc ? rc
		  : store_due_inbox_each(reader.db, since, run->after,
					 take_file, ret, err);
}

int
flow_gc_leave_inbox(struct flow_gc_run *run, struct error *err)
{
	int64_t since = before(run, run->config->keep_inbox_s);
	struct files files = {.n = 0};
	int more = take_files(run, since, &files, err);
	int rc = more < 0 ? more : 0;

	for (size_t i = 0; rc >= 0 && i < files.n; i++) {
		const struct file *f = &files.items[i];

		run->after = f->id;
		rc = inbox_leave(run->inbox, f->id, since, err);
		if (rc <= 0)
			continue;
		run->report.inbox_files++;
		if (run->keeping->left)
			run->keeping->left(run->keeping->ctx, f->resource,
					   f->name);
	}
	return rc < 0 ? rc : more;
}

int
flow_gc_leave_temporary(struct flow_gc_run *run, struct error *err)
{
	struct inbox_left left = {0};
	int rc = inbox_leave_temporary(run->inbox,
				       before(run, run->config->keep_inbox_s),
				       &run->after, &left, err);

	run->report.inbox_files += left.files;
	run->report.bytes += left.bytes;
	return rc;
}

/* ---- the archive --------------------------------------------------------- */

struct submissions {
	const struct flow_gc_run *run;
	struct {
		int64_t number, resource;
		char id[STORE_SUBMISSION_ID_MAX];
	} items[SUBMISSIONS_AT_ONCE];
	size_t n;
};

static int
take_submission(void *ctx, const struct store_due_submission *s)
{
	struct submissions *all = ctx;

	/* by number alone: when erasing, those that are open stay */
	if (flow_gc_list_has(&all->run->submissions, 0, s->number))
		return 0;
	all->items[all->n].number = s->number;
	all->items[all->n].resource = s->resource;
	snprintf(all->items[all->n].id, sizeof(all->items->id), "%s", s->id);
	return ++all->n == SUBMISSIONS_AT_ONCE;
}

static int
expire_all(struct flow_gc_run *run, const struct submissions *all,
	   struct error *err)
{
	scope_txn txn = {0};
	int rc = store_begin(run->store, &txn, err);

	for (size_t i = 0; !rc && i < all->n; i++)
		rc = store_submission_expire(&txn, all->items[i].number, err);
	return rc ? rc : store_commit(&txn, err);
}

int
flow_gc_expire(struct flow_gc_run *run, struct error *err)
{
	int64_t since = before(run, run->config->keep_archive_s);
	struct submissions all = {.run = run};
	int rc, more;

	{
		scope_reader reader = {0};

		more = store_reader_get(run->store, &reader, err);
		if (!more)
			more = store_due_archive_each(
				reader.db, since, take_submission, &all, err);
	}
	if (more < 0 || !all.n)
		return more;
	rc = expire_all(run, &all, err);
	for (size_t i = 0; !rc && i < all.n && run->keeping->expired; i++)
		run->keeping->expired(run->keeping->ctx, all.items[i].resource,
				      all.items[i].id);
	return rc ? rc : more;
}

int
flow_gc_erase(struct flow_gc_run *run, struct error *err)
{
	struct submissions all = {.run = run};
	int rc = 0, more;

	{
		scope_reader reader = {0};

		more = store_reader_get(run->store, &reader, err);
		if (!more)
			more = store_expired_each(reader.db, run->after,
						  take_submission, &all, err);
	}
	if (more < 0)
		return more;
	for (size_t i = 0; !rc && i < all.n; i++) {
		int64_t bytes = 0;

		run->after = all.items[i].number;
		rc = inbox_erase(run->inbox, run->after, &bytes, err);
		run->report.submissions += !rc;
		run->report.bytes += bytes;
	}
	return rc ? rc : more;
}
