/*
 * Records by subject, where records were there before anybody asked for them
 * by this field, or nobody has for a while. See internal.h.
 */
#include "flow/internal.h"

struct link {
	struct sql *db;
	const struct flow_lens *lens;
	int64_t seq;
	struct buf place;
	struct error *err;
};

static int
link_record(void *ctx, const struct store_record *r)
{
	struct link *l = ctx;
	struct slice subject = cells_get(r->cells, l->lens->field);

	if (publish_source_place(subject, r->key, &l->place))
		return error_nomem(l->err);
	return store_link_insert(l->db, l->lens->id, l->seq,
				 buf_slice(&l->place), r->id, l->err);
}

/* Links that an earlier configuration left may be of any age. */
static int
link_lens(struct link *l, int64_t resource)
{
	int rc = store_link_end_all(l->db, l->lens->id, l->seq, l->err);

	if (!rc)
		rc = store_record_each(l->db, resource, l->seq, link_record, l,
				       l->err);
	return rc ? rc
		  : store_lens_set_linked(l->db, l->lens->id, l->seq, l->err);
}

int
flow_link(struct store *store, const struct flow_resource *r, int64_t seq,
	  struct error *err)
{
	struct sql *db = store_records(store);
	int rc = 0;

	for (size_t i = 0; !rc && i < r->nlenses; i++) {
		struct link l = {db, &r->lenses[i], seq, BUF_INIT, err};
		bool linked = false;

		rc = store_lens_is_linked(db, l.lens->id, &linked, err);
		if (!rc && !linked)
			rc = link_lens(&l, r->id);
		buf_release(&l.place);
	}
	return rc;
}
