/* data.sqlite under 'verify': its rows against the store. See verify.h. */
#include "publish/verify.h"

#include "publish/pack.h"
#include "publish/portable.h"

#include <inttypes.h>

struct place {
	int64_t pack;
	size_t n;
};

static int
note_pack(void *ctx, const struct store_chunk *c)
{
	struct place *place = ctx;

	place->pack = c->pack;
	place->n++;
	return 0;
}

/* data.sqlite has its pack alone (doc/format.md), so the pack is one too. */
static int
compare_portable(struct publish_verify *v, const struct publish_rows *rows,
		 int64_t pack)
{
	char name[PUBLISH_PACK_NAME_MAX];
	const struct publish_portable_job job = {
		.db = v->db, .rows = rows, .at = v->newest.seq, .name = name};
	struct error err = ERROR_INIT;
	bool same = false;
	int rc;

	publish_pack_name(pack, name);
	rc = publish_portable_match(&job, &same, &err);
	if (rc == ERR_NOMEM)
		return error_nomem(v->err);
	if (!rc && same)
		return 0;
	return publish_verify_problem(
		v,
		"theme '%s', version %" PRId64
		": 'data.sqlite' differs from the records it was made of%s%s",
		v->theme->theme->id, v->newest.number, rc ? ": " : "",
		rc ? err.text : "");
}

int
publish_verify_portable(struct publish_verify *v)
{
	const struct publish_rows rows = {.theme = v->theme,
					  .kind = PUBLISH_SQLITE};
	struct place place = {0};
	int64_t file = 0;
	int rc = v->theme->theme->sqlite
			 ? store_file_find(v->db, v->theme->id,
					   publish_kind_word(PUBLISH_SQLITE),
					   "", &file, v->err)
			 : 0;

	if (rc <= 0)
		return rc;
	rc = store_chunk_each(v->db, file, v->newest.seq, note_pack, &place,
			      v->err);
	return rc || !place.n ? rc : compare_portable(v, &rows, place.pack);
}
