/*
 * Versions, the rows and texts that only they showed, and packs: see gc_run.h.
 *
 * A row of a theme or resource may go when it ended with a publish that is not
 * after the horizon: the oldest version that is kept, or, where that is the
 * newest, the publish of now, at which the newest is what it was. Records are
 * the sources of every theme, so theirs is the lowest of all horizons. What a
 * kept version tells of a subject is computed from the records that hold when
 * its row holds last (publish_subject_tell), which is not before the horizon;
 * whenever one of them changes, the row ends (flow_subjects). Runs that were
 * merged have ended, too.
 */
#include "flow/gc_run.h"

#include "base/clock.h"
#include "base/scope.h"
#include "store/version.h"

#include <stdlib.h>
#include <string.h>

#define ROWS_AT_ONCE 1000
#define TEXTS_AT_ONCE 500
#define HASHES_AT_ONCE 500

/* ---- versions ------------------------------------------------------------ */

int
flow_gc_first(struct sql *db, const struct config *config, int64_t dataset,
	      int64_t now, int64_t *ret, struct error *err)
{
	int64_t kept_s = config->keep_versions_s;
	struct store_version v = {0};
	int rc = store_retained_first(db, dataset, ret, err);

	if (rc || kept_s >= now / CLOCK_NS)
		return rc;
	rc = store_version_before(db, dataset, now - kept_s * CLOCK_NS, &v,
				  err);
	if (rc > 0 && v.number > *ret)
		*ret = v.number;
	return rc < 0 ? rc : 0;
}

int
flow_gc_horizon(struct sql *db, int64_t published, int64_t dataset,
		int64_t first, int64_t *ret, struct error *err)
{
	struct store_version oldest = {0}, newest = {0};
	int rc = store_version_newest(db, dataset, &newest, err);

	*ret = 0; /* nothing has been dropped: nothing may go */
	if (rc > 0 && first)
		rc = store_version_get(db, dataset, first, &oldest, err);
	if (rc < 0)
		return rc;
	if (rc > 0 && first)
		*ret = first < newest.number ? oldest.seq : published;
	return 0;
}

struct datasets {
	struct flow_gc_run *run;
	struct error *err;
};

static int
note_dataset(void *ctx, int64_t dataset)
{
	const struct datasets *d = ctx;
	struct flow_gc_run *run = d->run;
	struct flow_gc_dataset *more =
		realloc(run->datasets, (run->n + 1) * sizeof(*run->datasets));

	if (!more)
		return error_nomem(d->err);
	run->datasets = more;
	run->datasets[run->n++] = (struct flow_gc_dataset){.id = dataset};
	return 0;
}

/* What is to be kept of each dataset, and how many versions that drops. */
static int
look(struct flow_gc_run *run, int64_t *ret_n, struct error *err)
{
	struct datasets d = {run, err};
	scope_reader reader = {0};
	int rc = store_reader_get(run->store, &reader, err);

	*ret_n = 0;
	run->n = 0;
	if (!rc)
		rc = store_dataset_each(reader.db, note_dataset, &d, err);
	for (size_t i = 0; !rc && i < run->n; i++) {
		struct flow_gc_dataset *set = &run->datasets[i];
		int64_t was = 0, n = 0;

		rc = store_retained_first(reader.db, set->id, &was, err);
		if (!rc)
			rc = flow_gc_first(reader.db, run->config, set->id,
					   run->now, &set->first, err);
		if (!rc)
			rc = store_version_count(reader.db, set->id, was,
						 set->first, &n, err);
		set->horizon = was; /* until the next phase */
		*ret_n += n;
	}
	return rc;
}

static int
keep_from(struct flow_gc_run *run, struct error *err)
{
	scope_txn txn = {0};
	int rc = store_begin(run->store, &txn, err);

	for (size_t i = 0; !rc && i < run->n; i++) {
		if (run->datasets[i].first > run->datasets[i].horizon)
			rc = store_retained_set_first(&txn, run->datasets[i].id,
						      run->datasets[i].first,
						      err);
	}
	return rc ? rc : store_commit(&txn, err);
}

int
flow_gc_drop_versions(struct flow_gc_run *run, struct error *err)
{
	const struct flow_keeping *k = run->keeping;
	int64_t n = 0;
	int rc = look(run, &n, err);

	if (!rc && n)
		rc = keep_from(run, err);
	for (size_t i = 0; !rc && n && i < run->n; i++) {
		const struct flow_gc_dataset *set = &run->datasets[i];

		if (k->dropped && set->first > set->horizon)
			k->dropped(k->ctx, set->id, set->horizon,
				   set->first - 1);
	}
	run->report.versions += rc ? 0 : n;
	return rc;
}

/* ---- rows ---------------------------------------------------------------- */

/* What is done for each dataset, then once for all: links go before the
 * records they lead to. */
enum {
	DATASET_CHANGES = STORE_RETAIN_LINK, /* in the place of it */
	DATASET_END,
	ALL_RUNS = STORE_RETAIN_TABLES,
	ALL_END
};

static int
drop_of_dataset(struct flow_gc_run *run, struct sql *db, int64_t *ret_n,
		struct error *err)
{
	const struct flow_gc_dataset *set = &run->datasets[run->at];

	if (run->table == DATASET_CHANGES)
		return store_retain_drop_changes(db, set->id, set->first,
						 ROWS_AT_ONCE, ret_n, err);
	return store_retain_drop(db, (enum store_retain_table)run->table,
				 set->id, set->horizon, ROWS_AT_ONCE, ret_n,
				 err);
}

static int
drop_of_all(struct flow_gc_run *run, struct sql *db, int64_t *ret_n,
	    struct error *err)
{
	if (run->table == ALL_RUNS)
		return store_retain_end_runs(db, run->horizon, err);
	return store_retain_drop(db, (enum store_retain_table)run->table, 0,
				 run->horizon, ROWS_AT_ONCE, ret_n, err);
}

static int
drop_some(struct flow_gc_run *run, int64_t *ret_n, struct error *err)
{
	struct sql *db = store_records(run->store);
	int rc = store_records_begin(run->store, err);

	if (rc)
		return rc;
	rc = run->at < run->n ? drop_of_dataset(run, db, ret_n, err)
			      : drop_of_all(run, db, ret_n, err);
	if (!rc)
		rc = store_records_commit(run->store, 0, err);
	if (rc)
		store_records_rollback(run->store);
	return rc;
}

/* The next table, of the next dataset; false at the end. */
static bool
go_on(struct flow_gc_run *run)
{
	run->table++;
	if (run->at == run->n)
		return run->table < ALL_END;
	if (run->table == DATASET_END) {
		run->at++;
		run->table = run->at < run->n ? 0 : STORE_RETAIN_LINK;
	}
	return true;
}

int
flow_gc_drop_rows(struct flow_gc_run *run, struct error *err)
{
	int64_t n = 0;
	int rc;

	if (!run->n)
		return 0; /* nothing was ever published */
	rc = drop_some(run, &n, err);
	if (rc)
		return rc;
	run->report.rows += n;
	return n >= ROWS_AT_ONCE || go_on(run);
}

/* ---- texts and hashes ---------------------------------------------------- */

static int
open_texts(const struct flow_gc_run *run, int64_t dataset, int64_t **ret,
	   size_t *ret_n, struct error *err)
{
	const struct flow_gc_list *list = &run->texts;

	*ret_n = 0;
	*ret = calloc(list->n + 1, sizeof(**ret));
	if (!*ret)
		return error_nomem(err);
	for (size_t i = 0; i < list->n; i++) {
		if (list->items[i].of == dataset)
			(*ret)[(*ret_n)++] = list->items[i].number;
	}
	return 0;
}

int
flow_gc_drop_texts(struct flow_gc_run *run, struct error *err)
{
	scope_free int64_t *open = NULL;
	scope_txn txn = {0};
	size_t n_open = 0;
	int64_t dataset, n = 0;
	int rc;

	if (run->at >= run->n)
		return 0;
	dataset = run->datasets[run->at].id;
	rc = open_texts(run, dataset, &open, &n_open, err);
	if (!rc)
		rc = store_begin(run->store, &txn, err);
	if (!rc)
		rc = store_version_texts_drop(&txn, dataset, open, n_open,
					      TEXTS_AT_ONCE, &n, err);
	if (!rc)
		rc = store_version_rules_drop(&txn, dataset, err);
	if (!rc)
		rc = store_commit(&txn, err);
	if (rc)
		return rc;
	run->report.rows += n;
	run->at += n < TEXTS_AT_ONCE;
	return run->at < run->n;
}

int
flow_gc_drop_hashes(struct flow_gc_run *run, struct error *err)
{
	int64_t lost[HASHES_AT_ONCE];
	scope_txn txn = {0};
	size_t n = 0;
	int rc;

	{
		scope_reader reader = {0};

		rc = store_reader_get(run->store, &reader, err);
		if (!rc)
			rc = store_hash_lost(reader.db, lost, HASHES_AT_ONCE,
					     &n, err);
	}
	if (rc || !n)
		return rc;
	rc = store_begin(run->store, &txn, err);
	if (!rc)
		rc = store_hash_drop(&txn, lost, n, err);
	if (!rc)
		rc = store_commit(&txn, err);
	run->report.rows += rc ? 0 : (int64_t)n;
	return rc ? rc : n == HASHES_AT_ONCE;
}

/* ---- packs --------------------------------------------------------------- */

static int
free_pages(struct flow_gc_run *run, struct error *err)
{
	scope_reader reader = {0};
	int rc = store_reader_get(run->store, &reader, err);

	return rc ? rc
		  : store_free_bytes(reader.db, &run->report.reusable, err);
}

int
flow_gc_sweep(struct flow_gc_run *run, struct error *err)
{
	struct publish_swept swept = {0};
	struct error damage = ERROR_INIT;
	int rc = run->sweep ? 0
			    : publish_sweep_new(run->store, &run->sweep, err);

	if (rc)
		return rc;
	rc = publish_sweep_step(run->sweep, &swept, &damage);
	run->report.packs += swept.packs;
	run->report.packs_rewritten += swept.rewritten;
	run->report.bytes += swept.bytes;
	if (rc == ERR_CORRUPT) {
		/* it stays as it is, and the others are seen to */
		if (!run->damage.code)
			run->damage = damage;
		return 1;
	}
	if (rc < 0 && err)
		*err = damage;
	return rc ? rc : free_pages(run, err);
}
