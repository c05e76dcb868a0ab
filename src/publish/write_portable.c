/*
 * data.sqlite of a publish: it is written as a whole, into a pack of its own,
 * once for all rows that have changed. See write.h and portable.h.
 */
#include "publish/write.h"

#include "publish/sweep.h"

#include <unistd.h>

/* Whether it must be written again: the rows of data.csv have changed with this
 * publish, or the rules, or there is none yet. */
static int
is_due(struct publish *p, struct theme_work *w, const struct file_work *f,
       bool *ret, struct error *err)
{
	const struct file_work *data = publish_data_of(w);
	struct store_file_state state;
	int rc = 0;

	*ret = w->all;
	if (w->all || !f->touched)
		return 0;
	rc = store_file_state_at(p->db, data->file, p->seq, &state, err);
	if (rc > 0 && state.since == p->seq)
		*ret = true;
	if (rc >= 0 && !*ret) {
		rc = store_file_state_at(p->db, f->file, p->seq, &state, err);
		*ret = rc == 0;
	}
	return rc < 0 ? rc : 0;
}

/* ---- what is published against what has been written --------------------- */

struct compare {
	struct sorter *chunks;
	bool same;
	struct error *err;
};

static int
compare_chunk(void *ctx, const struct store_chunk *c)
{
	struct compare *k = ctx;
	unsigned char sha256[DIGEST_SIZE];
	int rc = publish_whole_next(k->chunks, sha256, k->err);

	k->same = rc > 0 && memcmp(sha256, c->sha256, DIGEST_SIZE) == 0;
	return rc < 0 ? rc : !k->same;
}

/* Equal rows give equal bytes: those that are there stay. */
static int
is_published(struct publish *p, struct theme_work *w,
	     const struct store_file_state *old, bool *ret, struct error *err)
{
	struct publish_whole *now = &w->portable;
	struct compare k = {now->chunks, true, err};
	int rc;

	*ret = false;
	if (old->bytes != now->bytes)
		return 0;
	rc = store_chunk_each(p->db, now->file, p->seq - 1, compare_chunk, &k,
			      err);
	if (rc >= 0)
		rc = sorter_rewind(now->chunks, err);
	*ret = k.same;
	return rc;
}

/* ---- one theme ----------------------------------------------------------- */

static void
remove_pack(struct publish *p, struct publish_whole *w)
{
	char name[PUBLISH_PACK_NAME_MAX];

	if (!w->pack)
		return;
	publish_pack_name(w->pack, name);
	(void)unlinkat(store_dir_fd(p->store), name, 0);
	w->pack = 0;
}

void
publish_portable_drop(struct publish *p, struct theme_work *w)
{
	publish_whole_release(&w->portable);
	if (!p->done)
		remove_pack(p, &w->portable);
}

static int
tell(struct publish *p, struct theme_work *w, struct error *err)
{
	struct publish_whole *now = &w->portable;
	struct store_file_state old = {0};
	bool same = false;
	int rc = store_file_state_at(p->db, now->file, p->seq - 1, &old, err);

	now->begun = rc > 0;
	if (rc > 0)
		rc = is_published(p, w, &old, &same, err);
	if (rc < 0)
		return rc;
	if (same) {
		remove_pack(p, now);
		return 0;
	}
	w->changed = true;
	return publish_whole_tell(p->db, now, p->seq, err);
}

int
publish_portable_renew(struct publish *p, struct theme_work *w,
		       struct error *err)
{
	const struct file_work *f = publish_file_of(w, PUBLISH_SQLITE);
	bool due = false;
	int rc = f && !f->written ? is_due(p, w, f, &due, err) : 0;

	if (rc || !due)
		return rc;
	w->portable = (struct publish_whole){.rows = &f->rows, .file = f->file};
	rc = publish_pack_numbers(p->store, 1, &w->portable.pack, err);
	if (!rc)
		rc = publish_whole_write_here(p->store, p->db, &w->portable,
					      p->seq, p->breath, err);
	return rc ? rc : tell(p, w, err);
}
