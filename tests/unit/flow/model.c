/* Four resources by the plainest means: see model.h. */
#include "tests/unit/flow/model.h"

#include "base/cells.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* In the order of their names, as a configuration has them. */
const struct model_resource model_resources[MODEL_RESOURCES] = {
	{"aic/reg", "no,uscc,name,grade,updated", MODEL_SNAPSHOT, 1, 20, 50},
	{"env/fine", "no,day,uscc,amount,office", MODEL_APPEND, 2, 20, 0},
	{"humen/fine", "no,day,uscc,amount,office", MODEL_APPEND, 2, 20, 0},
	{"tax/rating", "id,uscc,name,grade,score", MODEL_UPSERT, 1, 20, 0},
};

static bool
same_key(const struct model_file *f, const struct model_row *a,
	 const struct model_row *b)
{
	for (int i = 0; i < model_resources[f->resource].nkey; i++) {
		if (strcmp(a->cells[i], b->cells[i]) != 0)
			return false;
	}
	return true;
}

/* Of a delete only the key counts. */
static bool
same_row(const struct model_row *a, const struct model_row *b)
{
	return a->deletes == b->deletes &&
	       (a->deletes ||
		memcmp(a->cells, b->cells, sizeof(a->cells)) == 0);
}

/* ---- one file by itself -------------------------------------------------- */

static void
settle_rows(struct model_file *f)
{
	for (int i = 0; i < f->nrows; i++)
		f->rows[i].status = f->rows[i].bad ? MODEL_REFUSED : MODEL_GOOD;
	for (int i = 0; i < f->nrows; i++) {
		struct model_row *a = &f->rows[i];
		bool differ = a->bad, repeats = false;

		if (a->bad || a->no_key)
			continue;
		for (int k = 0; k < f->nrows; k++) {
			const struct model_row *b = &f->rows[k];

			if (k == i || b->no_key || !same_key(f, a, b))
				continue;
			differ |= b->bad || !same_row(a, b);
			repeats |= k < i;
		}
		if (differ)
			a->status = MODEL_REFUSED;
		else if (repeats)
			a->status = MODEL_REPEATED;
	}
}

/* ---- the fold ------------------------------------------------------------ */

/* Where the row's key is; -1 nowhere. */
static int
find(const struct model_table *t, const struct model_file *f,
     const struct model_row *row)
{
	for (int i = 0; i < t->n; i++) {
		if (same_key(f, t->records[i].row, row))
			return i;
	}
	return -1;
}

/* Whether the table says of the row's key what the row says. */
static bool
holds(const struct model_table *t, const struct model_file *f,
      const struct model_row *row)
{
	int at = find(t, f, row);

	return at >= 0 && same_row(t->records[at].row, row);
}

static void
write_row(struct model_table *t, const struct model_file *f,
	  const struct model_row *row)
{
	int at = find(t, f, row);

	if (row->deletes) {
		if (at >= 0)
			t->records[at] = t->records[--t->n];
		return;
	}
	if (holds(t, f, row))
		return;
	if (at < 0)
		at = t->n++;
	t->records[at] = (struct model_record){row, f};
}

static void
fold_snapshot(struct model_table *t, const struct model_file *f)
{
	struct model_table was = *t;

	t->n = 0;
	for (int i = 0; i < was.n; i++) {
		for (int k = 0; k < f->nrows; k++) {
			if (f->rows[k].no_key ||
			    !same_key(f, was.records[i].row, &f->rows[k]))
				continue;
			t->records[t->n++] = was.records[i];
			break;
		}
	}
	for (int k = 0; k < f->nrows; k++) {
		if (f->rows[k].status == MODEL_GOOD)
			write_row(t, f, &f->rows[k]);
	}
}

static void
fold_file(struct model_table *t, const struct model_file *f)
{
	if (model_resources[f->resource].mode == MODEL_SNAPSHOT) {
		fold_snapshot(t, f);
		return;
	}
	for (int k = 0; k < f->nrows; k++) {
		if (f->rows[k].status == MODEL_GOOD)
			write_row(t, f, &f->rows[k]);
	}
}

static bool
counts(const struct model_file *f)
{
	return strcmp(f->state, "accepted") == 0 ||
	       strcmp(f->state, "partial") == 0;
}

/* In order of completion; appends in that of their verdicts, because a row
 * that came in does not make room for one that is released later. */
void
model_fold(const struct model *m, int resource, struct model_table *ret)
{
	bool by_turn = model_resources[resource].mode == MODEL_APPEND;
	int64_t last = -1;

	ret->n = 0;
	for (;;) {
		const struct model_file *next = NULL;

		for (int i = 0; i < m->n; i++) {
			const struct model_file *f = &m->files[i];
			int64_t at = by_turn ? f->turn : f->number;

			if (f->resource == resource && counts(f) && at > last &&
			    (!next ||
			     at < (by_turn ? next->turn : next->number)))
				next = f;
		}
		if (!next)
			return;
		last = by_turn ? next->turn : next->number;
		fold_file(ret, next);
	}
}

/* ---- the verdict --------------------------------------------------------- */

struct tally {
	int64_t accepted, refused, inserted, updated, deleted, unchanged;
};

static void
refuse_stored_keys(struct model_file *f, const struct model_table *now)
{
	for (int i = 0; i < f->nrows; i++) {
		struct model_row *row = &f->rows[i];

		if (row->status == MODEL_GOOD && find(now, f, row) >= 0 &&
		    !holds(now, f, row))
			row->status = MODEL_REFUSED;
	}
}

/* What a file has done, by what was there before it and after it. */
static void
compare(const struct model_file *f, const struct model_table *was,
	const struct model_table *is, struct tally *t)
{
	for (int i = 0; i < f->nrows; i++) {
		const struct model_row *row = &f->rows[i];
		int a, b;

		if (row->status != MODEL_GOOD)
			continue;
		a = find(was, f, row);
		b = find(is, f, row);
		if (a < 0 && b < 0)
			t->unchanged++;
		else if (a < 0)
			t->inserted++;
		else if (b < 0)
			t->deleted++;
		else if (same_row(was->records[a].row, is->records[b].row))
			t->unchanged++;
		else
			t->updated++;
	}
	if (model_resources[f->resource].mode != MODEL_SNAPSHOT)
		return;
	for (int i = 0; i < was->n; i++)
		t->deleted += find(is, f, was->records[i].row) < 0;
}

static void
supersede(struct model *m, const struct model_file *f)
{
	for (int i = 0; i < m->n; i++) {
		struct model_file *other = &m->files[i];

		if (other->resource == f->resource &&
		    other->number < f->number &&
		    strcmp(other->state, "quarantined") == 0)
			other->state = "superseded";
	}
}

static void
decide(struct model *m, struct model_file *f, bool release, struct tally *t)
{
	const struct model_resource *r = &model_resources[f->resource];
	struct model_table was, is;

	model_fold(m, f->resource, &was);
	settle_rows(f);
	if (r->mode == MODEL_APPEND)
		refuse_stored_keys(f, &was);
	for (int i = 0; i < f->nrows; i++) {
		t->accepted += f->rows[i].status == MODEL_GOOD;
		t->refused += f->rows[i].status == MODEL_REFUSED;
	}
	if (!release && t->refused * 100 > r->tolerance * f->nrows) {
		f->state = "quarantined";
		return;
	}
	f->turn = ++m->turns;
	f->state = t->refused ? "partial" : "accepted";
	model_fold(m, f->resource, &is);
	compare(f, &was, &is, t);
	if (r->mode == MODEL_SNAPSHOT && !release &&
	    t->deleted * 100 > r->max_shrink * was.n) {
		*t = (struct tally){t->accepted, t->refused, 0, 0, 0, 0};
		f->state = "quarantined";
		return;
	}
	if (!t->refused && !t->inserted && !t->updated && !t->deleted)
		f->state = "unchanged";
	if (r->mode == MODEL_SNAPSHOT)
		supersede(m, f);
}

void
model_judge(struct model *m, struct model_file *f, bool release,
	    char ret[static 128])
{
	struct tally t = {0};

	decide(m, f, release, &t);
	snprintf(ret, 128, "%s %d %lld %lld %lld %lld %lld %lld", f->state,
		 f->nrows, (long long)t.accepted, (long long)t.refused,
		 (long long)t.inserted, (long long)t.updated,
		 (long long)t.deleted, (long long)t.unchanged);
}

/* ---- bytes --------------------------------------------------------------- */

static void
need(int rc)
{
	if (rc)
		abort();
}

void
model_csv(const struct model_file *f, bool change_column, struct buf *out)
{
	need(buf_addf(out, "%s%s\n", change_column ? "change," : "",
		      model_resources[f->resource].header));
	for (int i = 0; i < f->nrows; i++) {
		const struct model_row *row = &f->rows[i];

		if (change_column)
			need(buf_adds(out,
				      row->deletes ? "delete," : "update,"));
		for (int k = 0; k < MODEL_FIELDS; k++)
			need(buf_addf(out, "%s%s", k ? "," : "",
				      row->cells[k]));
		need(buf_addc(out, '\n'));
	}
	if (!buf_str(out))
		abort();
}

void
model_pack(const struct model *m, struct model_packed *ret)
{
	struct buf *bytes = ret->bytes;

	memset(ret, 0, sizeof(*ret));
	for (int i = 0; i < MODEL_RESOURCES; i++) {
		struct model_table t;

		model_fold(m, i, &t);
		ret->tables[i] =
			(struct theme_table){ret->records[i], (size_t)t.n};
		for (int k = 0; k < t.n; k++) {
			const struct model_record *r = &t.records[k];
			struct buf *key = bytes++, *cells = bytes++;

			for (int c = 0; c < MODEL_FIELDS; c++)
				need(cells_add(cells,
					       slice_str(r->row->cells[c])));
			for (int c = 0; c < model_resources[i].nkey; c++)
				need(cells_key_add(key,
						   slice_str(r->row->cells[c]),
						   c == 0));
			ret->records[i][k] = (struct theme_record){
				buf_slice(key), buf_slice(cells), r->file->id};
		}
	}
}

void
model_packed_release(struct model_packed *p)
{
	for (size_t i = 0; i < sizeof(p->bytes) / sizeof(*p->bytes); i++)
		buf_release(&p->bytes[i]);
}
