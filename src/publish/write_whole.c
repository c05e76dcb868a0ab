/* The files of a publish that are written as a whole: which they are, and what
 * comes of them. See write.h; whole.h writes them. */
#include "publish/write.h"

#include "base/scope.h"
#include "publish/sweep.h"
#include "publish/whole.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

/* Files of which no row is published. */
struct publish_wholes {
	struct publish_whole *items;
	struct file_work **works; /* of the same files */
	size_t n;
	int64_t first; /* pack of the first; the others follow */
};

static void
add(struct publish_wholes *all, struct file_work *f, bool begun)
{
	all->items[all->n] = (struct publish_whole){
		.rows = &f->rows, .file = f->file, .begun = begun};
	all->works[all->n++] = f;
}

int
publish_is_fresh(struct publish *p, int64_t file, bool *ret_begun,
		 struct error *err)
{
	struct store_file_state old;
	int rc = store_file_state_at(p->db, file, p->seq - 1, &old, err);

	*ret_begun = rc > 0;
	return rc < 0 ? rc : !rc || !old.rows;
}

static int
add_if_fresh(struct publish *p, struct file_work *f, struct error *err)
{
	bool begun;
	int rc = publish_is_fresh(p, f->file, &begun, err);

	if (rc > 0)
		add(p->wholes, f, begun);
	return rc < 0 ? rc : 0;
}

static bool
is_whole(const struct theme_work *w, const struct file_work *f)
{
	return !f->ahead && (w->all || (f->touched && f->all));
}

/* Where a theme had no rows, its changes are all of them, and whether there
 * will be a version is known by a subject. */
static int
add_theme(struct publish *p, struct theme_work *w, struct error *err)
{
	int rc = 0;

	for (size_t i = 0; !rc && i < w->nfiles; i++) {
		if (is_whole(w, &w->files[i]))
			rc = add_if_fresh(p, &w->files[i], err);
	}
	if (rc || w->newest.rows || !w->subjects)
		return rc;
	rc = publish_find_changes(p, w, err);
	if (!rc)
		add(p->wholes, &w->changes, false);
	return rc;
}

static int
find_all(struct publish *p, struct error *err)
{
	struct publish_wholes *all = calloc(1, sizeof(*all));
	size_t most = 0;
	int rc = 0;

	if (!all)
		return error_nomem(err);
	p->wholes = all;
	for (size_t i = 0; i < p->nworks; i++)
		most += p->works[i].nfiles + 1;
	all->items = calloc(most + 1, sizeof(*all->items));
	all->works = calloc(most + 1, sizeof(struct file_work *));
	if (!all->items || !all->works)
		return error_nomem(err);
	for (size_t i = 0; !rc && i < p->nworks; i++) {
		if (p->works[i].dirty)
			rc = add_theme(p, &p->works[i], err);
	}
	return rc;
}

/* Nobody else ever gets these numbers. */
static int
number_packs(struct publish *p, struct error *err)
{
	struct publish_wholes *all = p->wholes;
	int rc = publish_pack_numbers(p->store, (int64_t)all->n, &all->first,
				      err);

	for (size_t i = 0; !rc && i < all->n; i++)
		all->items[i].pack = all->first + (int64_t)i;
	return rc;
}

int
publish_whole_begin(struct publish *p, struct error *err)
{
	int rc = p->many && !p->wholes ? find_all(p, err) : 0;

	return rc || !p->wholes || p->wholes->first || !p->wholes->n
		       ? rc
		       : number_packs(p, err);
}

/* A header that stays alone stays what it was. */
bool
publish_whole_has_come(const struct publish_whole *w)
{
	return w->lines || !w->begun;
}

int
publish_whole_work(struct publish *p, struct error *err)
{
	struct publish_wholes *all = p->wholes;
	int rc = 0;

	if (all && all->n)
		rc = publish_whole_write(p->store, all->items, all->n, p->seq,
					 p->breath, err);
	for (size_t i = 0; all && !rc && i < all->n; i++)
		all->works[i]->written = publish_whole_has_come(&all->items[i]);
	return rc ? rc : publish_ahead_wait(p, err);
}

struct theme_work *
publish_theme_of(struct publish *p, const struct publish_theme *theme)
{
	struct theme_work *w = p->works;

	while (w->theme != theme)
		w++;
	return w;
}

int
publish_whole_end(struct publish *p, struct error *err)
{
	struct publish_wholes *all = p->wholes;
	int rc = 0;

	for (size_t i = 0; all && !rc && i < all->n; i++) {
		if (!publish_whole_has_come(&all->items[i]))
			continue;
		rc = publish_whole_tell(p->db, &all->items[i], p->seq, err);
		publish_theme_of(p, all->works[i]->rows.theme)->changed = true;
	}
	return rc ? rc : publish_ahead_end(p, err);
}

void
publish_whole_drop(struct publish *p, struct publish_whole *w)
{
	char name[PUBLISH_PACK_NAME_MAX];

	publish_whole_release(w);
	publish_pack_name(w->pack, name);
	if ((!p->done || !publish_whole_has_come(w)) && w->pack)
		(void)unlinkat(store_dir_fd(p->store), name, 0);
}

void
publish_whole_free(struct publish *p)
{
	struct publish_wholes *all = p->wholes;

	publish_ahead_free(p);
	for (size_t i = 0; all && i < all->n; i++)
		publish_whole_drop(p, &all->items[i]);
	if (all) {
		free(all->items);
		free(all->works);
	}
	free(all);
}
