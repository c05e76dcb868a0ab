/*
 * Records by subject, where records were there before anybody asked for them
 * by this field, or nobody has for a while. See internal.h.
 */
#include "flow/internal.h"

#include "base/sorter.h"

#include <stdio.h>
#include <stdlib.h>

#define PILE_MEMORY (2 << 20)

/* Links of records that came in one load go into one again: those of each
 * submission by themselves. */
struct pile {
	char submission[STORE_SUBMISSION_ID_MAX];
	struct sorter *places; /* place: cells */
};

struct link {
	struct sql *db;
	const struct flow_lens *lens;
	int64_t seq;
	const struct breath *breath;
	struct pile *piles;
	size_t npiles;
	struct buf place;
	struct error *err;
};

static void
link_release(struct link *l)
{
	for (size_t i = 0; i < l->npiles; i++)
		sorter_free(l->piles[i].places);
	free(l->piles);
	buf_release(&l->place);
}

static int
find_pile(struct link *l, const char *submission, struct pile **ret)
{
	struct pile *piles;

	for (size_t i = 0; i < l->npiles; i++) {
		*ret = &l->piles[i];
		if (strcmp((*ret)->submission, submission) == 0)
			return 0;
	}
	piles = reallocarray(l->piles, l->npiles + 1, sizeof(*piles));
	if (!piles)
		return error_nomem(l->err);
	l->piles = piles;
	*ret = &piles[l->npiles++];
	**ret = (struct pile){0};
	snprintf((*ret)->submission, sizeof((*ret)->submission), "%s",
		 submission);
	return sorter_new(PILE_MEMORY, &(*ret)->places, l->err);
}

static int
link_record(void *ctx, const struct store_record *r)
{
	struct link *l = ctx;
	struct slice subject = cells_get(r->cells, l->lens->field);
	struct pile *pile = NULL;
	int rc = breathe(l->breath, l->err);

	if (rc)
		return rc;
	if (publish_source_place(subject, r->key, &l->place))
		return error_nomem(l->err);
	if (!r->loaded)
		return store_link_insert(l->db, l->lens->id, l->seq,
					 buf_slice(&l->place), r->id, l->err);
	rc = find_pile(l, r->submission, &pile);
	return rc ? rc
		  : sorter_add(pile->places, buf_slice(&l->place), r->cells,
			       l->err);
}

static int
load_pile(struct link *l, struct pile *pile)
{
	const struct store_load_of of = {
		.kind = STORE_LOAD_LINKS,
		.owner = l->lens->id,
		.seq = l->seq,
		.submission = pile->submission,
		.breath = l->breath,
	};

	struct store_load *links = NULL;
	int rc = flow_load_links(l->db, &of, pile->places, &links, l->err);

	if (!rc)
		rc = store_load_tell(links, l->err);
	store_load_free(links);
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
	for (size_t i = 0; !rc && i < l->npiles; i++)
		rc = load_pile(l, &l->piles[i]);
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
