/*
 * Many rows into a resource that has no record yet: nothing is compared, and
 * records and links are written in order (store_load_begin()). The themes that
 * use the resource are told once, not for each row.
 */
#include "flow/fold.h"

#include "base/scope.h"
#include "base/sorter.h"
#include "flow/linked.h"

/* Fewer rows are as well off one by one. */
#define FEWEST 8
#define SORT_MEMORY (6 << 20) /* for all lenses */
/* So many rows are worth a thread and a commit. */
#define AHEAD 5000

struct load {
	struct flow_fold *f;
	struct store_load *records;
	struct sorter **places;	   /* one a lens: place, cells */
	struct store_load **links; /* the same */
	struct error *err;
};

int
flow_load_is_wanted(struct flow_fold *f, bool *ret, struct error *err)
{
	struct flow_judgement *j = f->j;
	bool awaited = false;
	int64_t room = 0;
	int rc;

	*ret = false;
	if (j->release || j->counts.accepted < FEWEST)
		return 0;
	rc = flow_fold_is_awaited(j, &awaited, err);
	if (rc || awaited)
		return rc;
	rc = store_record_is_empty(f->db, j->planned->id, f->seq, ret, err);
	if (rc || !*ret)
		return rc;
	rc = flow_load_room(f, &room, err);
	*ret = room > 0;
	return rc;
}

/* ---- rows ---------------------------------------------------------------- */

static int
tell_homeless(struct load *l, const struct flow_lens *lens, struct slice key,
	      struct slice cells)
{
	struct flow_fold *f = l->f;
	int rc = 0;

	for (size_t i = 0; !rc && i < lens->nuses; i++) {
		const struct flow_use *use = &lens->uses[i];
		bool told = false;

		if (flow_use_link(f->plan, use))
			rc = flow_linked_loaded_row(f->db, f->plan, use, cells,
						    &told, l->err);
		if (rc || told)
			continue;
		if (publish_orphan_place(use->source, use->member, SLICE_NONE,
					 key, &f->old_place))
			return error_nomem(l->err);
		rc = flow_orphan_later(f->j, use->theme,
				       buf_slice(&f->old_place), l->err);
	}
	return rc;
}

static int
add_row(struct load *l, const struct store_staged *row)
{
	const struct flow_resource *r = l->f->j->planned;
	struct buf *place = &l->f->place;
	int rc = store_load_add(l->records, row->key, row->cells, l->err);

	for (size_t i = 0; !rc && i < r->nlenses; i++) {
		struct slice subject =
			cells_get(row->cells, r->lenses[i].field);

		if (publish_source_place(subject, row->key, place))
			return error_nomem(l->err);
		rc = sorter_add(l->places[i], buf_slice(place), row->cells,
				l->err);
		if (!rc && !subject.n)
			rc = tell_homeless(l, &r->lenses[i], row->key,
					   row->cells);
	}
	return rc;
}

static int
add_rows(struct load *l)
{
	struct flow_judgement *j = l->f->j;
	struct store_staged row;
	int rc = store_staging_first(j->staging, l->err);

	while (!rc && (rc = store_staging_next(j->staging, &row, l->err)) > 0) {
		flow_progress_add(j->progress, 1);
		rc = breathe(j->breath, l->err);
		if (rc || row.status != STORE_STAGED_GOOD)
			continue;
		if (row.deletes) { /* what is not there */
			j->counts.unchanged++;
			continue;
		}
		rc = add_row(l, &row);
		j->counts.inserted++;
	}
	return rc;
}

/* ---- links, and whom they concern ---------------------------------------- */

static int
add_links(struct sql *db, const struct store_load_of *of, struct sorter *places,
	  struct store_load **ret, struct error *err)
{
	struct slice place, cells;
	int rc = sorter_sort(places, err);

	if (!rc)
		rc = store_load_begin(db, of, ret, err);
	while (!rc && (rc = sorter_next(places, &place, &cells, err)) > 0) {
		rc = breathe(of->breath, err);
		if (!rc)
			rc = store_load_add(*ret, place, cells, err);
	}
	return rc ? rc : store_load_end(*ret, err);
}

static int
load_links(struct load *l, size_t lens)
{
	const struct flow_judgement *j = l->f->j;
	const struct store_load_of of = {
		.kind = STORE_LOAD_LINKS,
		.owner = j->planned->lenses[lens].id,
		.seq = l->f->seq,
		.submission = j->submission->id,
		.breath = j->breath,
	};
	int rc = add_links(l->f->db, &of, l->places[lens], &l->links[lens],
			   l->err);

	sorter_free(l->places[lens]);
	l->places[lens] = NULL;
	return rc;
}

static int
tell_sources(struct load *l, const struct flow_lens *lens)
{
	struct flow_fold *f = l->f;
	int rc = 0;

	for (size_t i = 0; !rc && i < lens->nuses; i++) {
		const struct flow_use *use = &lens->uses[i];

		rc = publish_dirty_file(
			f->j->publish, &f->plan->themes[use->theme],
			PUBLISH_SOURCE, use->source, use->member, l->err);
	}
	return rc;
}

/* ---- all of it ----------------------------------------------------------- */

static int
begin(struct load *l)
{
	const struct flow_judgement *j = l->f->j;
	const size_t nlenses = j->planned->nlenses;
	const struct store_load_of of = {
		.kind = STORE_LOAD_RECORDS,
		.owner = j->planned->id,
		.seq = l->f->seq,
		.submission = j->submission->id,
		.breath = j->breath,
	};
	int rc = store_load_begin(l->f->db, &of, &l->records, l->err);

	l->places = calloc(nlenses + 1, sizeof(struct sorter *));
	l->links = calloc(nlenses + 1, sizeof(struct store_load *));
	if (!l->places || !l->links)
		return error_nomem(l->err);
	for (size_t i = 0; !rc && i < nlenses; i++)
		rc = sorter_new(SORT_MEMORY / nlenses, &l->places[i], l->err);
	return rc;
}

static int
load_all(struct load *l)
{
	const struct flow_resource *r = l->f->j->planned;
	int rc = begin(l);

	if (!rc)
		rc = add_rows(l);
	if (!rc)
		rc = store_load_end(l->records, l->err);
	for (size_t i = 0; !rc && i < r->nlenses; i++) {
		rc = load_links(l, i);
		if (!rc)
			rc = tell_sources(l, &r->lenses[i]);
	}
	return rc;
}

static int
tell_all(const struct load *l)
{
	int rc = store_load_tell(l->records, l->err);

	for (size_t i = 0; !rc && i < l->f->j->planned->nlenses; i++)
		rc = store_load_tell(l->links[i], l->err);
	return rc;
}

static int
write_ahead(struct load *l)
{
	const struct flow_judgement *j = l->f->j;
	int rc;

	if (j->counts.inserted < AHEAD)
		return 0;
	rc = store_records_show(j->store, l->f->seq, l->err);
	return rc ? rc : publish_write_ahead(j->publish, l->err);
}

static void
release(struct load *l)
{
	const size_t nlenses = l->f->j->planned->nlenses;

	store_load_free(l->records);
	for (size_t i = 0; l->places && i < nlenses; i++)
		sorter_free(l->places[i]);
	for (size_t i = 0; l->links && i < nlenses; i++)
		store_load_free(l->links[i]);
	free(l->places);
	free(l->links);
}

int
flow_load(struct flow_fold *f, struct error *err)
{
	struct load l = {.f = f, .err = err};
	int rc = load_all(&l);

	if (!rc)
		rc = tell_all(&l);
	if (!rc)
		rc = flow_linked_loaded_other(f->db, f->plan, f->j->planned,
					      f->seq, err);
	if (!rc)
		rc = write_ahead(&l);
	release(&l);
	f->j->changed = f->j->counts.inserted != 0;
	f->j->loaded = f->j->changed;
	return rc;
}
