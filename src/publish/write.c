/*
 * One publish: collects what changed, then writes the chunks, states and
 * versions of all themes it touches. See publish.h; chunks.h does one file.
 */
#include "publish/publish.h"

#include "base/scope.h"
#include "publish/changes.h"
#include "publish/chunks.h"
#include "publish/packs.h"
#include "publish/write.h"
#include "store/retain.h"

#include <inttypes.h>

#define ROWS_LARGE 16384 /* a megabyte or more */

int
publish_begin(struct store *store, const struct config *config, int64_t seq,
	      struct publish **ret, struct error *err)
{
	struct publish *p = calloc(1, sizeof(*p));
	int rc;

	if (!p)
		return error_nomem(err);
	p->store = store;
	p->db = store_records(store);
	p->config = config;
	p->seq = seq;
	rc = publish_packs_new(store_dir_fd(store), seq, &p->packs, err);
	if (!rc)
		rc = store_chunk_border(p->db, &p->border, err);
	if (!rc)
		rc = store_dirty_clear(p->db, err);
	if (rc) {
		publish_free(p);
		return rc;
	}
	*ret = p;
	return 0;
}

void
publish_done(struct publish *p)
{
	p->done = true;
}

void
publish_free(struct publish *p)
{
	if (!p)
		return;
	/* then publish_recover() removes them, if it came to nothing */
	if (store_is_doubtful(p->store))
		p->done = true;
	if (!p->done)
		publish_packs_remove(p->packs);
	publish_whole_free(p);
	publish_packs_free(p->packs);
	for (size_t i = 0; i < p->nworks; i++) {
		publish_portable_drop(p, &p->works[i]);
		free(p->works[i].files);
	}
	free(p->works);
	free(p->made);
	free(p);
}

/* ---- what changed -------------------------------------------------------- */

static size_t
count_members(const struct config_theme *theme)
{
	size_t n = 0;

	for (size_t i = 0; i < theme->nsources; i++)
		n += theme->sources[i].nmembers;
	return n;
}

static int
rows_of(struct publish *p, const struct file_work *f, int64_t at, int64_t *ret,
	struct error *err)
{
	struct store_file_state state;
	int rc = store_file_state_at(p->db, f->file, at, &state, err);

	*ret = rc > 0 ? state.rows : 0;
	return rc < 0 ? rc : 0;
}

static int
add_file(struct publish *p, struct theme_work *w, enum publish_kind kind,
	 size_t source, size_t member, const char *part, struct error *err)
{
	struct file_work *f = &w->files[w->nfiles];
	int rc;

	f->rows = (struct publish_rows){.theme = w->theme,
					.kind = kind,
					.source = source,
					.member = member};
	rc = store_file_intern(p->db, w->theme->id, publish_kind_word(kind),
			       part, &f->file, err);
	if (!rc)
		rc = rows_of(p, f, p->seq - 1, &f->had, err);
	/* the same subjects change in both forms of the data */
	f->dirty = kind == PUBLISH_JSONL ? publish_data_of(w)->file : f->file;
	if (!rc)
		w->nfiles++;
	return rc;
}

static int
add_files(struct publish *p, struct theme_work *w, struct error *err)
{
	static const enum publish_kind kinds[] = {PUBLISH_DATA, PUBLISH_JSONL,
						  PUBLISH_CONFLICTS,
						  PUBLISH_ORPHANS};
	const size_t n = sizeof(kinds) / sizeof(*kinds);
	const struct config_theme *t = w->theme->theme;
	int rc = 0;

	w->files = calloc(n + 1 + count_members(t), sizeof(*w->files));
	if (!w->files)
		return error_nomem(err);
	for (size_t i = 0; !rc && i < n; i++)
		rc = add_file(p, w, kinds[i], 0, 0, "", err);
	if (!rc && t->sqlite)
		rc = add_file(p, w, PUBLISH_SQLITE, 0, 0, "", err);
	for (size_t s = 0; s < t->nsources; s++) {
		for (size_t m = 0; !rc && m < t->sources[s].nmembers; m++) {
			if (publish_rows_is_shown(w->theme, s, m))
				rc = add_file(
					p, w, PUBLISH_SOURCE, s, m,
					t->sources[s].members[m].resource->name,
					err);
		}
	}
	return rc;
}

static int
load_newest(struct publish *p, struct theme_work *w, struct error *err)
{
	scope_reader reader = {0};
	int64_t above = 0;
	int rc = store_reader_get(p->store, &reader, err);

	if (!rc)
		rc = store_version_newest(reader.db, w->theme->id, &w->newest,
					  err);
	if (rc >= 0)
		rc = store_retained_above(reader.db, w->theme->id, &above, err);
	w->next = 1 + (above > w->newest.number ? above : w->newest.number);
	return rc;
}

/* The work on a theme, begun when it is first named. */
static int
work_on(struct publish *p, const struct publish_theme *theme,
	struct theme_work **ret, struct error *err)
{
	struct theme_work *works, *w;
	int rc;

	for (size_t i = 0; i < p->nworks; i++) {
		*ret = &p->works[i];
		if ((*ret)->theme->id == theme->id)
			return 0;
	}
	works = realloc(p->works, (p->nworks + 1) * sizeof(*works));
	if (!works)
		return error_nomem(err);
	p->works = works;
	w = &works[p->nworks];
	*w = (struct theme_work){.theme = theme};
	rc = load_newest(p, w, err);
	if (!rc)
		rc = add_files(p, w, err);
	if (rc) {
		free(w->files);
		return rc;
	}
	w->all = w->newest.number == 0;
	p->nworks++;
	*ret = w;
	return 0;
}

int
publish_next_version(struct publish *p, const struct publish_theme *theme,
		     int64_t *ret, struct error *err)
{
	struct theme_work *w;
	int rc = work_on(p, theme, &w, err);

	if (!rc)
		*ret = w->next;
	return rc;
}

static struct file_work *
find_file(struct theme_work *w, enum publish_kind kind, size_t source,
	  size_t member)
{
	for (size_t i = 0; i < w->nfiles; i++) {
		struct file_work *f = &w->files[i];

		if (f->rows.kind == kind &&
		    (kind != PUBLISH_SOURCE ||
		     (f->rows.source == source && f->rows.member == member)))
			return f;
	}
	return NULL;
}

struct file_work *
publish_data_of(struct theme_work *w)
{
	return &w->files[0];
}

struct file_work *
publish_file_of(struct theme_work *w, enum publish_kind kind)
{
	return find_file(w, kind, 0, 0);
}

/* The same rows in other forms change with data.csv. */
static void
touch_forms(struct theme_work *w, bool all)
{
	static const enum publish_kind forms[] = {PUBLISH_JSONL,
						  PUBLISH_SQLITE};

	for (size_t i = 0; i < sizeof(forms) / sizeof(*forms); i++) {
		struct file_work *f = publish_file_of(w, forms[i]);

		if (!f)
			continue;
		f->touched = true;
		f->all |= all;
	}
}

/* Says that a file changes; NULL if the theme has no such file. */
static int
touch(struct publish *p, const struct publish_theme *theme,
      enum publish_kind kind, size_t source, size_t member, bool all,
      struct file_work **ret, struct error *err)
{
	struct theme_work *w;
	int rc = work_on(p, theme, &w, err);

	if (rc)
		return rc;
	*ret = find_file(w, kind, source, member);
	if (!*ret)
		return 0;
	w->dirty = true;
	(*ret)->touched = true;
	(*ret)->all |= all || w->all;
	if (kind == PUBLISH_DATA)
		touch_forms(w, all);
	return 0;
}

/* So many rows have changed that there is one in most chunks (of 'rows' each,
 * about): a walk through all of them costs less than to look for each. */
static void
note_place(struct theme_work *w, struct file_work *f, int64_t rows)
{
	if (++f->noted <= f->had / rows)
		return;
	f->all = true;
	if (f->rows.kind == PUBLISH_DATA)
		touch_forms(w, true);
}

int
publish_dirty(struct publish *p, const struct publish_theme *theme,
	      enum publish_kind kind, size_t source, size_t member,
	      struct slice place, struct error *err)
{
	struct theme_work *w;
	struct file_work *f = NULL;
	int rc = touch(p, theme, kind, source, member, false, &f, err);

	if (rc || !f || f->all)
		return rc;
	rc = work_on(p, theme, &w, err);
	if (!rc)
		rc = store_dirty_add(p->db, f->dirty, place, err);
	if (!rc)
		note_place(w, f, (int64_t)p->border + 1);
	return rc;
}

int
publish_dirty_file(struct publish *p, const struct publish_theme *theme,
		   enum publish_kind kind, size_t source, size_t member,
		   struct error *err)
{
	struct file_work *f;

	p->many = true;
	return touch(p, theme, kind, source, member, true, &f, err);
}

int
publish_dirty_all(struct publish *p, const struct publish_theme *theme,
		  struct error *err)
{
	struct theme_work *w;
	int rc = work_on(p, theme, &w, err);

	if (rc)
		return rc;
	w->dirty = true;
	w->all = true;
	return 0;
}

int
publish_dirty_subject(struct publish *p, const struct publish_theme *theme,
		      struct error *err)
{
	struct theme_work *w;
	int rc = work_on(p, theme, &w, err);

	if (!rc)
		w->dirty = true;
	if (!rc)
		w->subjects++;
	return rc;
}

/* ---- writing ------------------------------------------------------------- */

static int
count_row(void *ctx, const struct publish_row *row)
{
	int64_t *left = ctx;

	(void)row;
	return --*left == 0;
}

/* Whether a file gets so many first rows that it is to lie in one piece. */
static int
is_first_large(struct publish *p, const struct file_work *f, bool *ret,
	       struct error *err)
{
	struct store_file_state old = {0};
	int64_t left = ROWS_LARGE;
	int rc = 0;

	if (f->rows.kind != PUBLISH_CHANGES)
		rc = store_file_state_at(p->db, f->file, p->seq - 1, &old, err);
	if (rc < 0 || old.rows || f->rows.kind == PUBLISH_CHANGES)
		return rc < 0 ? rc : 0;
	rc = publish_rows_each(p->db, &f->rows, p->seq, PUBLISH_BEFORE_BORDER,
			       SLICE_NONE, count_row, &left, err);
	*ret = left == 0;
	return rc < 0 ? rc : 0;
}

static int
write_file(struct publish *p, struct theme_work *w, const struct file_work *f,
	   struct error *err)
{
	struct publish_chunks_job job = {
		.db = p->db,
		.breath = p->breath,
		.pack = publish_packs_shared(p->packs),
		.seq = p->seq,
		.file = f->file,
		.dirty = f->dirty,
		.all = w->all || f->all,
		.rows = &f->rows,
	};
	bool changed = false;
	int rc = is_first_large(p, f, &job.whole, err);

	if (!rc && job.whole)
		rc = publish_packs_own(p->packs, &job.pack, err);
	job.all |= job.whole;
	if (!rc)
		rc = publish_chunks_write(&job, &changed, err);
	w->changed |= changed;
	return rc;
}

struct stale {
	struct publish *p;
	struct theme_work *work;
	struct error *err;
};

/* A resource that is a source no longer, or not to be shown any more, has no
 * file from here on; so has a form of the data that is published no more. */
static int
end_if_stale(void *ctx, int64_t file, const char *kind, const char *part)
{
	const struct stale *s = ctx;
	bool changed = false;
	int rc;

	(void)part;
	if (strcmp(kind, publish_kind_word(PUBLISH_CHANGES)) == 0)
		return 0;
	for (size_t i = 0; i < s->work->nfiles; i++) {
		if (s->work->files[i].file == file)
			return 0;
	}
	rc = publish_chunks_end(s->p->db, file, s->p->seq, &changed, s->err);
	s->work->changed |= changed;
	return rc;
}

static int
write_files(struct publish *p, struct theme_work *w, struct error *err)
{
	struct stale stale = {p, w, err};
	int rc = 0;

	for (size_t i = 0; !rc && i < w->nfiles; i++) {
		const struct file_work *f = &w->files[i];

		if (f->rows.kind != PUBLISH_SQLITE && !f->written &&
		    (w->all || f->touched))
			rc = write_file(p, w, f, err);
	}
	if (!rc)
		rc = publish_portable_renew(p, w, err);
	if (!rc && w->all)
		rc = store_file_each(p->db, w->theme->id, end_if_stale, &stale,
				     err);
	return rc;
}

/* Whether there is a version to make: before the first, only when some file
 * has a row. */
static int
is_version(struct publish *p, struct theme_work *w, bool *ret,
	   struct error *err)
{
	int64_t rows = 0;
	int rc = 0;

	*ret = w->subjects || (w->changed && w->newest.number);
	for (size_t i = 0; !rc && !*ret && w->changed && i < w->nfiles; i++) {
		rc = rows_of(p, &w->files[i], p->seq, &rows, err);
		*ret = rows > 0;
	}
	return rc;
}

int
publish_find_changes(struct publish *p, struct theme_work *w, struct error *err)
{
	char part[32];

	w->changes = (struct file_work){
		.rows = {.theme = w->theme,
			 .kind = PUBLISH_CHANGES,
			 .from = w->newest.rows ? w->newest.seq : 0,
			 .counts = &w->counts,
			 .breath = p->breath},
		.touched = true,
	};
	snprintf(part, sizeof(part), "%" PRId64, w->next);
	return store_file_intern(p->db, w->theme->id,
				 publish_kind_word(PUBLISH_CHANGES), part,
				 &w->changes.file, err);
}

static int
write_changes(struct publish *p, struct theme_work *w, struct error *err)
{
	int rc;

	if (w->changes.written)
		return 0;
	rc = publish_find_changes(p, w, err);
	if (!rc)
		rc = publish_same_columns(p->db, w->theme, w->newest.seq,
					  &w->changes.rows.same_columns, err);
	return rc ? rc : write_file(p, w, &w->changes, err);
}

static int
make_version(struct publish *p, struct theme_work *w, struct error *err)
{
	struct publish_made *made = &p->made[p->nmade];
	const struct file_work *data = publish_data_of(w);
	int rc;

	*made = (struct publish_made){.theme = w->theme, .version = w->next};
	rc = rows_of(p, data, p->seq, &made->rows, err);
	if (!rc)
		rc = publish_chunks_digest(p->db, data->file, p->seq,
					   made->digest, err);
	if (!rc)
		rc = write_changes(p, w, err);
	if (rc)
		return rc;
	made->inserted = w->counts.inserted;
	made->updated = w->counts.updated;
	made->deleted = w->counts.deleted;
	made->subjects = w->subjects;
	p->nmade++;
	return 0;
}

static int
write_theme(struct publish *p, struct theme_work *w, struct error *err)
{
	bool version = false;
	int rc = write_files(p, w, err);

	if (!rc)
		rc = is_version(p, w, &version, err);
	if (!rc && version)
		rc = make_version(p, w, err);
	return rc ? error_prefix(err, rc, "publishing theme '%s'",
				 w->theme->theme->id)
		  : 0;
}

/* Other connections must see the rows first. */
static int
write_wholes(struct publish *p, struct error *err)
{
	int rc = publish_whole_begin(p, err);

	if (!rc && p->wholes) {
		rc = store_records_show(p->store, p->seq, err);
		if (!rc)
			rc = publish_whole_work(p, err);
	}
	return rc ? rc : publish_whole_end(p, err);
}

int
publish_write(struct publish *p, const struct breath *breath, struct error *err)
{
	int rc;

	p->breath = breath;
	p->made = calloc(p->nworks + 1, sizeof(*p->made));
	if (!p->made)
		return error_nomem(err);
	rc = write_wholes(p, err);
	for (size_t i = 0; !rc && i < p->nworks; i++) {
		if (p->works[i].dirty)
			rc = write_theme(p, &p->works[i], err);
	}
	if (!rc)
		rc = store_dirty_clear(p->db, err);
	return rc ? rc : publish_packs_sync(p->packs, err);
}

size_t
publish_made(const struct publish *p, const struct publish_made **ret)
{
	*ret = p->made;
	return p->nmade;
}

/* ---- the versions -------------------------------------------------------- */

static int
insert_texts(struct publish *p, struct store_txn *txn,
	     const struct publish_made *made, struct error *err)
{
	scope_buf readme = BUF_INIT;
	scope_buf package = BUF_INIT;
	int rc;

	if (publish_format_readme(p->config, made->theme->theme, made->version,
				  &readme) ||
	    publish_format_datapackage(made->theme->theme, made->version,
				       &package))
		return error_nomem(err);
	rc = store_version_text_insert(txn, made->theme->id, made->version,
				       PUBLISH_README, buf_slice(&readme), err);
	return rc ? rc
		  : store_version_text_insert(
			    txn, made->theme->id, made->version,
			    PUBLISH_DATAPACKAGE, buf_slice(&package), err);
}

/* The rules, if they are not those of the version before. */
static int
insert_rules(struct store_txn *txn, const struct publish_made *made,
	     struct error *err)
{
	const char *rules = made->theme->theme->rules_text;
	scope_buf before = BUF_INIT;
	int rc = store_version_rules_get(txn->db, made->theme->id,
					 made->version, &before, err);

	if (rc < 0 || (rc && slice_is(buf_slice(&before), rules)))
		return rc < 0 ? rc : 0;
	return store_version_rules_insert(txn, made->theme->id, made->version,
					  rules, err);
}

int
publish_commit(struct publish *p, struct store_txn *txn, const char *submission,
	       int64_t published_at, struct error *err)
{
	int rc = 0;

	for (size_t i = 0; !rc && i < p->nmade; i++) {
		const struct publish_made *made = &p->made[i];
		struct store_version v = {
			.number = made->version,
			.seq = p->seq,
			.published_at = published_at,
			.rows = made->rows,
			.inserted = made->inserted,
			.updated = made->updated,
			.deleted = made->deleted,
		};

		snprintf(v.submission, sizeof(v.submission), "%s", submission);
		memcpy(v.digest, made->digest, DIGEST_SIZE);
		rc = store_version_insert(txn, made->theme->id, &v, err);
		if (!rc)
			rc = insert_texts(p, txn, made, err);
		if (!rc)
			rc = insert_rules(txn, made, err);
	}
	return rc;
}
