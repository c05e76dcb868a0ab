/*
 * The files of sources that change as a whole, written while the subjects of
 * their themes are computed: what they say is known as soon as the records
 * are. See write.h and publish.h.
 */
#include "publish/write.h"

#include "base/scope.h"
#include "publish/sweep.h"

#include <stdlib.h>

struct publish_ahead {
	struct publish_whole *items;
	struct publish_rows *rows; /* theirs: those of the publish may move */
	size_t n;
	struct publish_whole_crew *crew; /* NULL: has been waited for */
};

static int
add(struct publish *p, struct file_work *f, struct error *err)
{
	struct publish_ahead *a = p->ahead;
	bool begun;
	int rc;

	if (f->rows.kind != PUBLISH_SOURCE || !f->touched || !f->all)
		return 0;
	rc = publish_is_fresh(p, f->file, &begun, err);
	if (rc <= 0)
		return rc;
	f->ahead = true;
	a->rows[a->n] = f->rows;
	a->items[a->n] = (struct publish_whole){
		.rows = &a->rows[a->n], .file = f->file, .begun = begun};
	a->n++;
	return 0;
}

static int
find_all(struct publish *p, struct error *err)
{
	struct publish_ahead *a = p->ahead;
	size_t most = 0;
	int rc = 0;

	for (size_t t = 0; t < p->nworks; t++)
		most += p->works[t].nfiles;
	a->items = calloc(most + 1, sizeof(*a->items));
	a->rows = calloc(most + 1, sizeof(*a->rows));
	if (!a->items || !a->rows)
		return error_nomem(err);
	for (size_t t = 0; t < p->nworks; t++) {
		struct theme_work *w = &p->works[t];

		for (size_t i = 0; !rc && i < w->nfiles; i++)
			rc = add(p, &w->files[i], err);
	}
	return rc;
}

int
publish_write_ahead(struct publish *p, struct error *err)
{
	struct publish_ahead *a = calloc(1, sizeof(*a));
	int64_t first = 0;
	int rc;

	if (!a)
		return error_nomem(err);
	p->ahead = a;
	rc = find_all(p, err);
	if (rc || !a->n)
		return rc;
	rc = publish_pack_numbers(p->store, (int64_t)a->n, &first, err);
	if (rc)
		return rc;
	for (size_t i = 0; i < a->n; i++)
		a->items[i].pack = first + (int64_t)i;
	return publish_whole_start(p->store, a->items, a->n, p->seq, &a->crew,
				   err);
}

static struct file_work *
work_of(struct theme_work *w, int64_t file)
{
	struct file_work *f = w->files;

	while (f->file != file)
		f++;
	return f;
}

int
publish_ahead_wait(struct publish *p, struct error *err)
{
	struct publish_ahead *a = p->ahead;
	int rc;

	if (!a || !a->crew)
		return 0;
	rc = publish_whole_wait(a->crew, false, p->breath, err);
	a->crew = NULL;
	for (size_t i = 0; !rc && i < a->n; i++) {
		struct theme_work *w = publish_theme_of(p, a->rows[i].theme);

		work_of(w, a->items[i].file)->written =
			publish_whole_has_come(&a->items[i]);
	}
	return rc;
}

int
publish_ahead_end(struct publish *p, struct error *err)
{
	struct publish_ahead *a = p->ahead;
	int rc = 0;

	for (size_t i = 0; a && !rc && i < a->n; i++) {
		if (!publish_whole_has_come(&a->items[i]))
			continue;
		rc = publish_whole_tell(p->db, &a->items[i], p->seq, err);
		publish_theme_of(p, a->rows[i].theme)->changed = true;
	}
	return rc;
}

void
publish_ahead_free(struct publish *p)
{
	struct publish_ahead *a = p->ahead;
	struct error ignored = ERROR_INIT;

	if (!a)
		return;
	(void)!publish_whole_wait(a->crew, true, NULL, &ignored);
	for (size_t i = 0; i < a->n; i++)
		publish_whole_drop(p, &a->items[i]);
	free(a->items);
	free(a->rows);
	free(a);
}
