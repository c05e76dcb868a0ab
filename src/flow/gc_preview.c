/* What a run would remove, without removing it: see gc.h. What is open now is
 * not left out: it will be closed. */
#include "flow/gc_run.h"

#include "base/clock.h"
#include "base/scope.h"

struct preview {
	struct sql *db;
	const struct config *config;
	int64_t now;
	int64_t published, horizon;
	struct flow_gc_report *ret;
	struct error *err;
};

static int64_t
before(const struct preview *p, int64_t kept_s)
{
	return kept_s < p->now / CLOCK_NS ? p->now - kept_s * CLOCK_NS : 0;
}

static int
count_file(void *ctx, const struct store_due_file *f)
{
	struct preview *p = ctx;

	(void)f; /* its bytes stay in archive/ */
	p->ret->inbox_files++;
	return 0;
}

static int
count_submission(void *ctx, const struct store_due_submission *s)
{
	struct preview *p = ctx;

	p->ret->submissions++;
	p->ret->bytes += s->bytes;
	return 0;
}

static int
count_rows(struct preview *p, enum store_retain_table table, int64_t dataset,
	   int64_t horizon)
{
	int64_t n = 0, bytes = 0;
	int rc = store_retain_count(p->db, table, dataset, horizon, &n, &bytes,
				    p->err);

	p->ret->rows += n;
	p->ret->bytes += bytes;
	return rc;
}

static int
count_dataset(void *ctx, int64_t dataset)
{
	struct preview *p = ctx;
	int64_t was = 0, first = 0, horizon = 0, n = 0;
	int rc = store_retained_first(p->db, dataset, &was, p->err);

	if (!rc)
		rc = flow_gc_first(p->db, p->config, dataset, p->now, &first,
				   p->err);
	if (!rc)
		rc = store_version_count(p->db, dataset, was, first, &n,
					 p->err);
	if (!rc)
		rc = flow_gc_horizon(p->db, p->published, dataset, first,
				     &horizon, p->err);
	p->ret->versions += n;
	if (horizon < p->horizon)
		p->horizon = horizon;
	for (int t = 0; !rc && t < STORE_RETAIN_LINK; t++)
		rc = count_rows(p, (enum store_retain_table)t, dataset,
				horizon);
	return rc;
}

int
flow_gc_preview(struct store *store, const struct config *config,
		struct inbox *inbox, int64_t now, struct flow_gc_report *ret,
		struct error *err)
{
	scope_reader reader = {0};
	struct preview p = {.config = config,
			    .now = now,
			    .published = store_published(store),
			    .ret = ret,
			    .err = err};
	struct inbox_left left = {0};
	int rc = store_reader_get(store, &reader, err);

	*ret = (struct flow_gc_report){0};
	p.horizon = p.published;
	p.db = reader.db;
	if (!rc)
		rc = store_due_inbox_each(p.db,
					  before(&p, config->keep_inbox_s), 0,
					  count_file, &p, err);
	if (!rc)
		rc = inbox_count_temporary(
			inbox, before(&p, config->keep_inbox_s), &left, err);
	ret->inbox_files += left.files;
	ret->bytes += left.bytes;
	if (!rc)
		rc = store_due_archive_each(p.db,
					    before(&p, config->keep_archive_s),
					    count_submission, &p, err);
	if (!rc)
		rc = store_dataset_each(p.db, count_dataset, &p, err);
	for (int t = STORE_RETAIN_LINK; !rc && t < STORE_RETAIN_TABLES; t++)
		rc = count_rows(&p, (enum store_retain_table)t, 0, p.horizon);
	return rc ? rc : store_free_bytes(p.db, &ret->reusable, err);
}
