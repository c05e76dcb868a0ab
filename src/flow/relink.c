/*
 * The links of records that change. They come in the order of the records'
 * keys and are written in the order of their places, when all are known: so
 * neighbours are found and written together. See fold.h.
 */
#include "flow/fold.h"

#include "base/sorter.h"

#include <stdlib.h>

#define MEMORY (2 << 20)

static int
need_sorter(struct flow_fold *f, size_t lens, struct error *err)
{
	if (!f->links)
		f->links =
			calloc(f->j->planned->nlenses, sizeof(struct sorter *));
	if (!f->links)
		return error_nomem(err);
	return f->links[lens] ? 0 : sorter_new(MEMORY, &f->links[lens], err);
}

/* Of equal places what ends comes before what begins, as it was added. */
static int
add(struct flow_fold *f, size_t lens, struct slice place, int64_t record,
    struct error *err)
{
	const struct slice value = {(const char *)&record, sizeof(record)};

	return sorter_add(f->links[lens], place, value, err);
}

int
flow_relink_later(struct flow_fold *f, size_t lens, const struct flow_change *c,
		  int64_t new_id, struct error *err)
{
	int rc = need_sorter(f, lens, err);

	if (!rc && c->old_id)
		rc = add(f, lens, buf_slice(&f->old_place), 0, err);
	if (!rc && c->has_new)
		rc = add(f, lens, buf_slice(&f->place), new_id, err);
	return rc;
}

static int
relink_one(struct flow_fold *f, int64_t lens, struct slice place,
	   struct slice value, struct error *err)
{
	int64_t record;

	memcpy(&record, value.p, sizeof(record));
	return record ? store_link_insert(f->db, lens, f->seq, place, record,
					  err)
		      : store_link_end(f->db, lens, f->seq, place, err);
}

static int
relink_lens(struct flow_fold *f, int64_t lens, struct sorter *links,
	    struct error *err)
{
	struct slice place, value;
	int rc = sorter_sort(links, err);

	while (!rc && (rc = sorter_next(links, &place, &value, err)) > 0) {
		rc = breathe(f->j->breath, err);
		if (!rc)
			rc = relink_one(f, lens, place, value, err);
	}
	return rc;
}

int
flow_relink(struct flow_fold *f, struct error *err)
{
	int rc = 0;

	for (size_t i = 0; !rc && f->links && i < f->j->planned->nlenses; i++) {
		if (f->links[i])
			rc = relink_lens(f, f->j->planned->lenses[i].id,
					 f->links[i], err);
	}
	return rc;
}

void
flow_fold_release(struct flow_fold *f)
{
	for (size_t i = 0; f->links && i < f->j->planned->nlenses; i++)
		sorter_free(f->links[i]);
	free(f->links);
	buf_release(&f->place);
	buf_release(&f->old_place);
}
