/* The files of a publish that are written as a whole: which they are, and what
 * comes of them. See write.h; whole.h writes them. */
#include "publish/write.h"

#include "base/scope.h"
#include "publish/sweep.h"
#include "publish/whole.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

struct wholes {
	struct publish *p;
	struct publish_whole *items;
	struct file_work **works; /* of the same files */
	size_t n, cap;
	struct error *err;
};

static void
release_wholes(struct wholes *all)
{
	for (size_t i = 0; i < all->n; i++)
		publish_whole_release(&all->items[i]);
	free(all->items);
	free(all->works);
}

#define scope_wholes __attribute__((cleanup(release_wholes))) struct wholes

static int
add(struct wholes *all, struct file_work *f)
{
	all->items[all->n] =
		(struct publish_whole){.rows = &f->rows, .file = f->file};
	all->works[all->n++] = f;
	return 0;
}

static int
add_if_fresh(struct wholes *all, struct file_work *f)
{
	struct store_file_state old;
	int rc = store_file_state_at(all->p->db, f->file, all->p->seq - 1, &old,
				     all->err);

	return rc ? (rc < 0 ? rc : 0) : add(all, f);
}

/* Before its first version a theme has no rows: its changes are all of them,
 * and whether there will be a version is known by a subject. */
static int
add_theme(struct wholes *all, struct theme_work *w)
{
	int rc = 0;

	for (size_t i = 0; !rc && i < w->nfiles; i++) {
		struct file_work *f = &w->files[i];

		if (w->all || (f->touched && f->all))
			rc = add_if_fresh(all, f);
	}
	if (rc || w->newest.number || !w->subject)
		return rc;
	rc = publish_find_changes(all->p, w, all->err);
	return rc ? rc : add(all, &w->changes);
}

static int
find_all(struct wholes *all)
{
	const struct publish *p = all->p;
	size_t most = 0;
	int rc = 0;

	for (size_t i = 0; i < p->nworks; i++)
		most += p->works[i].nfiles + 1;
	all->items = calloc(most + 1, sizeof(*all->items));
	all->works = calloc(most + 1, sizeof(*all->works));
	if (!all->items || !all->works)
		return error_nomem(all->err);
	for (size_t i = 0; !rc && i < p->nworks; i++) {
		if (p->works[i].dirty)
			rc = add_theme(all, &p->works[i]);
	}
	return rc;
}

/* Nobody else ever gets these numbers. */
static int
number_packs(struct wholes *all)
{
	struct publish *p = all->p;
	int64_t first = 0;
	int rc = publish_pack_numbers(p->store, (int64_t)all->n, &first,
				      all->err);

	if (rc)
		return rc;
	p->whole = first;
	p->nwhole = (int64_t)all->n;
	for (size_t i = 0; i < all->n; i++)
		all->items[i].pack = first + (int64_t)i;
	return 0;
}

static struct theme_work *
theme_of(struct publish *p, const struct file_work *f)
{
	struct theme_work *w = p->works;

	while (w->theme != f->rows.theme)
		w++;
	return w;
}

int
publish_write_whole(struct publish *p, struct error *err)
{
	scope_wholes all = {.p = p, .err = err};
	int rc = p->many ? find_all(&all) : 0;

	if (rc || !all.n)
		return rc;
	rc = number_packs(&all);
	if (!rc)
		rc = store_records_show(p->store, p->seq, err);
	if (!rc)
		rc = publish_whole_write(p->store, all.items, all.n, p->seq,
					 err);
	for (size_t i = 0; !rc && i < all.n; i++) {
		rc = publish_whole_tell(p->db, &all.items[i], p->seq, err);
		all.works[i]->written = true;
		theme_of(p, all.works[i])->changed = true;
	}
	return rc;
}

void
publish_forget_whole(struct publish *p)
{
	for (int64_t i = 0; i < p->nwhole; i++) {
		char name[PUBLISH_PACK_NAME_MAX];

		publish_pack_name(p->whole + i, name);
		(void)unlinkat(store_dir_fd(p->store), name, 0);
	}
}
