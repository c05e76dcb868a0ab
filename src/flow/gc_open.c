/*
 * What is open holds what only it shows: see gc_run.h. A published file holds
 * its own chunks. What is made from rows when it is read (a subject, net
 * changes, SHA256SUMS) holds all rows of its publish, which is rare and short.
 */
#include "flow/gc_run.h"

#include "base/scope.h"
#include "store/chunk.h"
#include "store/version.h"

#include <stdlib.h>

int
flow_gc_list_add(struct flow_gc_list *list, int64_t of, int64_t number,
		 struct error *err)
{
	if (list->n == list->cap) {
		size_t cap = list->cap ? 2 * list->cap : 64;
		struct flow_gc_number *items =
			realloc(list->items, cap * sizeof(*items));

		if (!items)
			return error_nomem(err);
		list->items = items;
		list->cap = cap;
	}
	list->items[list->n++] = (struct flow_gc_number){of, number};
	return 0;
}

bool
flow_gc_list_has(const struct flow_gc_list *list, int64_t of, int64_t number)
{
	for (size_t i = 0; i < list->n; i++) {
		if (list->items[i].of == of && list->items[i].number == number)
			return true;
	}
	return false;
}

struct look {
	struct flow_gc_run *run;
	struct sql *db; /* a reader */
	struct error *err;
};

/* Rows that hold at 'seq' are shown by something open. */
static void
hold_rows(struct look *l, int64_t dataset, int64_t seq)
{
	struct flow_gc_run *run = l->run;

	for (size_t i = 0; i < run->n; i++) {
		struct flow_gc_dataset *set = &run->datasets[i];

		if (set->id == dataset && seq < set->horizon)
			set->horizon = seq;
	}
	if (seq < run->horizon)
		run->horizon = seq;
	run->report.open_files++;
}

static int
hold_file(struct look *l, int64_t state)
{
	struct store_file_state s;
	int kept = publish_file_is_kept(l->db, state, l->err);
	int rc = kept;

	if (rc >= 0)
		rc = store_file_state_get(l->db, state, &s, l->err);
	if (rc <= 0)
		return rc;
	l->run->report.open_files += !kept;
	/* also of one that is kept: a sooner end is no harm */
	return store_held_add(store_records(l->run->store), s.file, s.since,
			      l->err);
}

static int
hold_subject(struct look *l, int64_t row)
{
	int64_t theme, since, until;
	int rc = store_theme_row_span(l->db, row, &theme, &since, &until,
				      l->err);

	if (rc > 0 && until)
		hold_rows(l, theme, until - 1);
	return rc < 0 ? rc : 0;
}

static int
hold_version(struct look *l, int64_t dataset, int64_t number)
{
	struct store_version v;
	int rc = store_version_get(l->db, dataset, number, &v, l->err);

	if (rc > 0 && v.dropped)
		hold_rows(l, dataset, v.seq);
	return rc < 0 ? rc : 0;
}

static int
hold_net(struct look *l, const struct flow_pin *pin)
{
	int rc = hold_version(l, pin->id, pin->version);

	return rc || !pin->from ? rc : hold_version(l, pin->id, pin->from);
}

static int
hold_text(struct look *l, const struct flow_pin *pin)
{
	int kept =
		publish_version_is_kept(l->db, pin->id, pin->version, l->err);

	if (kept)
		return kept < 0 ? kept : 0;
	l->run->report.open_files++;
	return flow_gc_list_add(&l->run->texts, pin->id, pin->version, l->err);
}

static int
hold(void *ctx, const struct flow_pin *pin)
{
	struct look *l = ctx;

	switch (pin->kind) {
	case FLOW_PIN_FILE:
		return hold_file(l, pin->id);
	case FLOW_PIN_SUBJECT:
		return hold_subject(l, pin->id);
	case FLOW_PIN_TEXT:
		return hold_text(l, pin);
	case FLOW_PIN_SUMS: {
		int rc = hold_text(l, pin);

		return rc ? rc : hold_version(l, pin->id, pin->version);
	}
	case FLOW_PIN_NET:
		return hold_net(l, pin);
	case FLOW_PIN_SUBMISSION:
		return flow_gc_list_add(&l->run->submissions, 0, pin->id,
					l->err);
	}
	return error_set(l->err, ERR_INTERNAL, "something unknown is open");
}

/* Nothing is looked at twice: what is hidden cannot be opened any more. */
static int
set_horizons(struct look *l)
{
	struct flow_gc_run *run = l->run;
	int64_t published = store_published(run->store);
	int rc = 0;

	run->horizon = published;
	for (size_t i = 0; !rc && i < run->n; i++) {
		struct flow_gc_dataset *set = &run->datasets[i];
		int64_t number = 0;

		rc = flow_gc_horizon(l->db, published, set->id, set->first,
				     &set->horizon, l->err);
		if (!rc && set->horizon < run->horizon)
			run->horizon = set->horizon;
		(void)number;
	}
	return rc;
}

int
flow_gc_see_open(struct flow_gc_run *run, struct error *err)
{
	const struct flow_keeping *k = run->keeping;
	scope_reader reader = {0};
	struct look l = {.run = run, .err = err};
	int rc = store_held_clear(store_records(run->store), err);

	if (!rc)
		rc = store_reader_get(run->store, &reader, err);
	l.db = reader.db;
	if (!rc)
		rc = set_horizons(&l);
	if (!rc && k->each_pin)
		rc = k->each_pin(k->ctx, hold, &l, err);
	return rc;
}
