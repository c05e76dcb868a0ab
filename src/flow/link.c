/*
 * Records by subject, where records were there before anybody asked for them
 * by this field, or nobody has for a while. See internal.h.
 */
#include "flow/internal.h"

#include "base/sorter.h"

#include <string.h>

#define MEMORY (2 << 20)

struct link {
	struct sql *db;
	const struct flow_lens *lens;
	int64_t seq;
	const struct breath *breath;
	/* of records that came in loads, whose links go into one again: place;
	 * submission, cells. NULL: none yet */
	struct sorter *loaded;
	struct buf place;
	struct error *err;
};

static void
link_release(struct link *l)
{
	sorter_free(l->loaded);
	buf_release(&l->place);
}

static int
link_later(struct link *l, const struct store_record *r)
{
	const struct slice parts[] = {
		{r->submission, strlen(r->submission) + 1}, r->cells};
	int rc = l->loaded ? 0 : sorter_new(MEMORY, &l->loaded, l->err);

	return rc ? rc
		  : sorter_add_parts(l->loaded, buf_slice(&l->place), parts, 2,
				     l->err);
}

static int
link_record(void *ctx, const struct store_record *r)
{
	struct link *l = ctx;
	struct slice subject = cells_get(r->cells, l->lens->field);
	int rc = breathe(l->breath, l->err);

	if (rc)
		return rc;
	if (publish_source_place(subject, r->key, &l->place))
		return error_nomem(l->err);
	return r->loaded
		       ? link_later(l, r)
		       : store_link_insert(l->db, l->lens->id, l->seq,
					   buf_slice(&l->place), r->id, l->err);
}

static int
load_rows(struct link *l, struct store_load *load)
{
	struct slice place, cells;
	int rc = sorter_sort(l->loaded, l->err);

	while (!rc &&
	       (rc = sorter_next(l->loaded, &place, &cells, l->err)) > 0) {
		const char *submission = cells.p;
		size_t behind = strlen(submission) + 1;

		cells.p += behind;
		cells.n -= behind;
		rc = breathe(l->breath, l->err);
		if (!rc)
			rc = store_load_add_of(load, submission, place, cells,
					       l->err);
	}
	return rc ? rc : store_load_end(load, l->err);
}

static int
load(struct link *l)
{
	const struct store_load_of of = {
		.kind = STORE_LOAD_LINKS,
		.owner = l->lens->id,
		.seq = l->seq,
		.breath = l->breath,
	};
	struct store_load *load = NULL;
	int rc = store_load_begin(l->db, &of, &load, l->err);

	if (!rc)
		rc = load_rows(l, load);
	if (!rc)
		rc = store_load_tell(load, l->err);
	store_load_free(load);
	return rc;
}

/* Links that an earlier configuration left may be of any age. */
static int
link_lens(struct link *l, int64_t resource)
{
	int rc = store_link_end_all(l->db, l->lens->id, l->seq, l->err);

	if (!rc)
		rc = store_record_each(l->db, resource, l->seq, link_record, l,
				       l->err);
	if (!rc && l->loaded)
		rc = load(l);
	return rc ? rc
		  : store_lens_set_linked(l->db, l->lens->id, l->seq, l->err);
}

int
flow_link(struct store *store, const struct flow_resource *r, int64_t seq,
	  const struct breath *breath, struct error *err)
{
	struct sql *db = store_records(store);
	int rc = 0;

	for (size_t i = 0; !rc && i < r->nlenses; i++) {
		struct link l = {.db = db,
				 .lens = &r->lenses[i],
				 .seq = seq,
				 .breath = breath,
				 .err = err};
		bool linked = false;

		rc = store_lens_is_linked(db, l.lens->id, &linked, err);
		if (!rc && !linked)
			rc = link_lens(&l, r->id);
		link_release(&l);
	}
	return rc;
}
