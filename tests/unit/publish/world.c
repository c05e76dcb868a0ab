/* The flow in small: see world.h. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "unit/publish/world.h"

#include "base/clock.h"
#include "base/scope.h"
#include "config/theme.h"
#include "store/object.h"

#include <fcntl.h>
#include <ftw.h>
#include <inttypes.h>

#define ROWS_MAX 64

static void
check(int rc, const struct error *err)
{
	if (rc < 0)
		fail_msg("%d: %s", rc, err->text);
}

/* ---- the state ----------------------------------------------------------- */

/* Objects and lenses get the same numbers whenever they are asked for. */
static void
intern(struct world *w)
{
	const struct config_theme *t = &w->sample.theme;
	struct sql *db = store_records(w->store);
	struct error err = ERROR_INIT;
	scope_txn txn = {0};

	/* in this order: the first takes the writer for a moment */
	check(store_records_begin(w->store, &err), &err);
	check(store_begin(w->store, &txn, &err), &err);
	check(store_object_intern(&txn, STORE_THEME, t->id, &w->theme.id, &err),
	      &err);
	for (size_t s = 0; s < t->nsources; s++) {
		for (size_t m = 0; m < t->sources[s].nmembers; m++) {
			const struct config_member *member =
				&t->sources[s].members[m];
			const struct config_resource *r = member->resource;

			check(store_object_intern(&txn, STORE_RESOURCE, r->name,
						  &w->resource[s][m], &err),
			      &err);
			check(store_lens_intern(db, w->resource[s][m],
						r->fields[member->subject].id,
						&w->lens[s][m], &err),
			      &err);
		}
	}
	check(store_records_commit(w->store, 0, &err), &err);
	check(store_commit(&txn, &err), &err);
}

void
world_say(struct world *w)
{
	w->sample.theme.rules_text =
		config_theme_text(&w->arena, &w->sample.theme);
}

void
world_open(struct world *w)
{
	struct error err = ERROR_INIT;

	check(store_open(w->dir, true, &w->store, &err), &err);
	check(publish_recover(w->store, &err), &err);
	intern(w);
}

void
world_close(struct world *w)
{
	store_close(w->store);
	w->store = NULL;
}

int
world_setup(void **state)
{
	struct world *w = calloc(1, sizeof(*w));

	if (!w)
		return -1;
	w->home = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	snprintf(w->path, sizeof(w->path), "/tmp/civicfs-publish-XXXXXX");
	if (w->home < 0 || !mkdtemp(w->path))
		return -1;
	w->dir = open(w->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (w->dir < 0)
		return -1;
	if (clock_set_zone("UTC", NULL))
		return -1;
	sample_init(&w->sample);
	sample_rule(&w->sample, "name = first registration.name "
				"rating.taxpayer_name");
	sample_rule(&w->sample, "penalties = count penalty");
	world_say(w);
	for (size_t s = 0; s < 3; s++) {
		w->lens[s] = w->ids[0][s];
		w->resource[s] = w->ids[1][s];
	}
	w->theme = (struct publish_theme){.theme = &w->sample.theme,
					  .lens = w->lens,
					  .resource = w->resource};
	w->now = INT64_C(1767225600) * 1000000000; /* 2026-01-01 in UTC */
	world_open(w);
	*state = w;
	return 0;
}

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

int
world_teardown(void **state)
{
	struct world *w = *state;
	int rc = fchdir(w->home);

	if (w->store)
		store_close(w->store);
	integrate_result_release(&w->result);
	sample_release(&w->sample);
	config_arena_release(&w->arena);
	close(w->dir);
	close(w->home);
	rc |= nftw(w->path, remove_one, 8, FTW_DEPTH | FTW_PHYS);
	free(w);
	return rc;
}

/* ---- records ------------------------------------------------------------- */

void
world_begin(struct world *w, const char *submission)
{
	struct error err = ERROR_INIT;

	w->seq = store_published(w->store) + 1;
	w->submission = submission;
	check(store_records_begin(w->store, &err), &err);
	check(store_subject_clear(store_records(w->store), &err), &err);
	check(publish_begin(w->store, &w->sample.config, w->seq, &w->publish,
			    &err),
	      &err);
	check(publish_next_version(w->publish, &w->theme, &w->version, &err),
	      &err);
}

static size_t
subject_column(const struct world *w, size_t source, size_t member)
{
	return w->sample.theme.sources[source].members[member].subject;
}

/* A record came or went: its place and its subject are dirty. */
static void
touch(struct world *w, size_t source, size_t member, struct slice key,
      struct slice cells, int64_t record)
{
	struct slice subject =
		cells_get(cells, subject_column(w, source, member));
	int64_t lens = w->lens[source][member];
	struct sql *db = store_records(w->store);
	struct error err = ERROR_INIT;
	scope_buf place = BUF_INIT;

	assert_int_equal(publish_source_place(subject, key, &place), 0);
	check(record ? store_link_insert(db, lens, w->seq, buf_slice(&place),
					 record, &err)
		     : store_link_end(db, lens, w->seq, buf_slice(&place),
				      &err),
	      &err);
	check(publish_dirty(w->publish, &w->theme, PUBLISH_SOURCE, source,
			    member, buf_slice(&place), &err),
	      &err);
	check(store_subject_add(db, w->theme.id, subject, &err), &err);
}

static bool
end_record(struct world *w, size_t source, size_t member, struct slice key)
{
	struct sql *db = store_records(w->store);
	struct error err = ERROR_INIT;
	scope_buf cells = BUF_INIT;
	int64_t id = 0;
	int rc = store_record_find(db, w->resource[source][member], w->seq, key,
				   &id, &cells, &err);

	check(rc, &err);
	if (!rc)
		return false;
	check(store_record_end(db, id, w->seq, &err), &err);
	touch(w, source, member, key, buf_slice(&cells), 0);
	return true;
}

void
world_put(struct world *w, size_t source, size_t member, const char *cells)
{
	struct sql *db = store_records(w->store);
	struct error err = ERROR_INIT;
	struct integrate_row row;
	struct sample_row r;
	int64_t id = 0;

	sample_row_init(&w->sample, source, member, w->submission, cells, &r,
			&row);
	end_record(w, source, member, row.key);
	check(store_record_insert(db, w->resource[source][member], w->seq,
				  row.key, row.cells, w->submission, &id, &err),
	      &err);
	touch(w, source, member, row.key, row.cells, id);
	sample_row_release(&r);
}

void
world_remove(struct world *w, size_t source, size_t member, const char *key)
{
	end_record(w, source, member, slice_str(key));
}

/* ---- one subject again --------------------------------------------------- */

struct rows {
	struct world *w;
	size_t source, member, n;
	struct sample_row held[ROWS_MAX];
	struct integrate_row rows[ROWS_MAX];
};

static int
keep_record(void *ctx, struct slice place, const struct store_record *r)
{
	struct rows *rows = ctx;
	struct sample_row *held = &rows->held[rows->n];

	(void)place;
	assert_true(rows->n < ROWS_MAX);
	*held = (struct sample_row){0};
	snprintf(held->submission, sizeof(held->submission), "%s",
		 r->submission);
	assert_int_equal(buf_addslice(&held->key, r->key), 0);
	assert_int_equal(buf_addslice(&held->cells, r->cells), 0);
	rows->rows[rows->n++] = (struct integrate_row){
		rows->source, rows->member, buf_slice(&held->key),
		buf_slice(&held->cells), held->submission};
	return 0;
}

static void
add_ends(struct buf *lo, struct buf *hi, struct slice prefix)
{
	assert_int_equal(buf_addslice(lo, prefix), 0);
	assert_int_equal(buf_addc(lo, '\0'), 0);
	assert_int_equal(buf_addslice(hi, prefix), 0);
	assert_int_equal(buf_addc(hi, '\1'), 0);
}

static void
find_records(struct rows *rows, struct slice subject)
{
	struct world *w = rows->w;
	struct error err = ERROR_INIT;
	scope_buf lo = BUF_INIT;
	scope_buf hi = BUF_INIT;

	add_ends(&lo, &hi, subject);
	for (size_t s = 0; s < w->sample.theme.nsources; s++) {
		size_t n = w->sample.theme.sources[s].nmembers;

		for (size_t m = 0; m < n; m++) {
			rows->source = s;
			rows->member = m;
			check(store_link_each(store_records(w->store),
					      w->lens[s][m], w->seq,
					      buf_slice(&lo), buf_slice(&hi),
					      keep_record, rows, &err),
			      &err);
		}
	}
}

struct places {
	struct buf bytes; /* packed: one cell a place */
};

static int
keep_place(void *ctx, struct slice place, int64_t id)
{
	(void)id;
	return cells_add(&((struct places *)ctx)->bytes, place);
}

static bool
has_place(const struct places *places, struct slice place)
{
	struct slice rest = buf_slice(&places->bytes), cell;

	while (cells_next(&rest, &cell)) {
		if (slice_eq(cell, place))
			return true;
	}
	return false;
}

static void
old_orphans(struct world *w, struct slice subject, struct places *ret)
{
	struct error err = ERROR_INIT;

	for (size_t s = 0; s < w->sample.theme.nsources; s++) {
		scope_buf prefix = BUF_INIT;
		scope_buf lo = BUF_INIT;
		scope_buf hi = BUF_INIT;

		assert_int_equal(buf_addc(&prefix, 0), 0);
		assert_int_equal(buf_addc(&prefix, (char)s), 0);
		assert_int_equal(buf_addslice(&prefix, subject), 0);
		add_ends(&lo, &hi, buf_slice(&prefix));
		check(store_orphan_each(store_records(w->store), w->theme.id,
					w->seq, buf_slice(&lo), buf_slice(&hi),
					keep_place, ret, &err),
		      &err);
	}
}

static void
replace_orphans(struct world *w, const struct places *old,
		const struct places *now)
{
	struct sql *db = store_records(w->store);
	struct error err = ERROR_INIT;
	struct slice rest = buf_slice(&old->bytes), cell;

	while (cells_next(&rest, &cell)) {
		if (has_place(now, cell))
			continue;
		check(store_orphan_end(db, w->theme.id, w->seq, cell, &err),
		      &err);
		check(publish_dirty(w->publish, &w->theme, PUBLISH_ORPHANS, 0,
				    0, cell, &err),
		      &err);
	}
	rest = buf_slice(&now->bytes);
	while (cells_next(&rest, &cell)) {
		if (has_place(old, cell))
			continue;
		check(store_orphan_insert(db, w->theme.id, w->seq, cell, &err),
		      &err);
		check(publish_dirty(w->publish, &w->theme, PUBLISH_ORPHANS, 0,
				    0, cell, &err),
		      &err);
	}
}

static void
set_orphans(struct world *w, const struct rows *rows, struct slice subject,
	    bool member)
{
	struct places old = {BUF_INIT}, now = {BUF_INIT};

	old_orphans(w, subject, &old);
	for (size_t i = 0; !member && i < rows->n; i++) {
		const struct integrate_row *r = &rows->rows[i];
		scope_buf place = BUF_INIT;

		assert_int_equal(publish_orphan_place(r->source, r->member,
						      subject, r->key, &place),
				 0);
		assert_int_equal(cells_add(&now.bytes, buf_slice(&place)), 0);
	}
	replace_orphans(w, &old, &now);
	buf_release(&old.bytes);
	buf_release(&now.bytes);
}

struct old_row {
	int64_t id;
	struct buf cells, conflicts;
};

static int
keep_old(void *ctx, const struct store_theme_row *r)
{
	struct old_row *old = ctx;

	old->id = r->id;
	assert_int_equal(buf_addslice(&old->cells, r->cells), 0);
	assert_int_equal(buf_addslice(&old->conflicts, r->conflicts), 0);
	return 0;
}

static void
dirty(struct world *w, enum publish_kind kind, struct slice subject)
{
	struct error err = ERROR_INIT;

	check(publish_dirty(w->publish, &w->theme, kind, 0, 0, subject, &err),
	      &err);
}

static void
set_row(struct world *w, struct slice subject, bool member)
{
	struct old_row old = {0, BUF_INIT, BUF_INIT};
	struct sql *db = store_records(w->store);
	struct slice cells = buf_slice(&w->result.cells);
	struct slice conflicts = buf_slice(&w->result.conflicts);
	struct error err = ERROR_INIT;

	check(store_theme_row_find(db, w->theme.id, w->seq, subject, keep_old,
				   &old, &err),
	      &err);
	if (!member)
		cells = conflicts = SLICE_NONE;
	if (old.id)
		check(store_theme_row_end(db, old.id, w->seq, &err), &err);
	if (member) {
		const struct store_theme_row row = {
			.version = w->version,
			.subject = subject,
			.cells = cells,
			.conflicts = conflicts,
			.bytes = STORE_UNKNOWN,
		};

		check(store_theme_row_insert(db, w->theme.id, w->seq, &row,
					     &err),
		      &err);
	}
	if (!slice_eq(cells, buf_slice(&old.cells)))
		dirty(w, PUBLISH_DATA, subject);
	else if (old.id)
		check(publish_dirty_subject(w->publish, &w->theme, &err), &err);
	if (!slice_eq(conflicts, buf_slice(&old.conflicts)))
		dirty(w, PUBLISH_CONFLICTS, subject);
	buf_release(&old.cells);
	buf_release(&old.conflicts);
}

static int
integrate_again(void *ctx, struct slice subject)
{
	struct rows rows = {.w = ctx};
	struct error err = ERROR_INIT;
	bool member;

	find_records(&rows, subject);
	member = subject.n &&
		 integrate_is_member(&rows.w->sample.theme, rows.rows, rows.n);
	if (member)
		check(integrate_subject(&rows.w->sample.theme, subject,
					rows.rows, rows.n, &rows.w->result,
					&err),
		      &err);
	set_row(rows.w, subject, member);
	set_orphans(rows.w, &rows, subject, member);
	for (size_t i = 0; i < rows.n; i++)
		sample_row_release(&rows.held[i]);
	return 0;
}

/* ---- publishing ---------------------------------------------------------- */

void
world_write(struct world *w)
{
	struct error err = ERROR_INIT;

	check(store_subject_each(store_records(w->store), w->theme.id,
				 integrate_again, w, &err),
	      &err);
	check(publish_write(w->publish, NULL, &err), &err);
	check(store_records_commit(w->store, w->seq, &err), &err);
}

int64_t
world_flip(struct world *w)
{
	const struct publish_made *made = NULL;
	struct error err = ERROR_INIT;
	scope_txn txn = {0};
	int64_t version = 0;

	w->now += INT64_C(3600) * 1000000000;
	check(store_begin(w->store, &txn, &err), &err);
	check(publish_commit(w->publish, &txn, w->submission, w->now, &err),
	      &err);
	check(store_publish(&txn, w->seq, &err), &err);
	check(store_commit(&txn, &err), &err);
	publish_done(w->publish);
	if (publish_made(w->publish, &made))
		version = made->version;
	publish_free(w->publish);
	w->publish = NULL;
	return version;
}

int64_t
world_end(struct world *w)
{
	world_write(w);
	return world_flip(w);
}

static int
note_subject(void *ctx, const struct store_theme_row *r)
{
	return cells_add(ctx, r->subject);
}

int64_t
world_rules(struct world *w)
{
	struct sql *db = store_records(w->store);
	struct error err = ERROR_INIT;
	scope_buf subjects = BUF_INIT;
	struct slice rest, subject;

	world_say(w);
	world_begin(w, "");
	check(store_theme_row_each(db, w->theme.id, w->seq, SLICE_NONE,
				   SLICE_NONE, note_subject, &subjects, &err),
	      &err);
	rest = buf_slice(&subjects);
	while (cells_next(&rest, &subject))
		check(store_subject_add(db, w->theme.id, subject, &err), &err);
	check(publish_dirty_all(w->publish, &w->theme, &err), &err);
	return world_end(w);
}

/* ---- reading ------------------------------------------------------------- */

static void
read_state(struct world *w, const struct publish_file *f, struct buf *ret)
{
	struct publish_reader *r = NULL;
	struct error err = ERROR_INIT;
	char part[1000]; /* no divisor of anything: pieces cross extents */
	ssize_t n;

	check(publish_reader_open(w->store, f->state, &r, &err), &err);
	while ((n = publish_reader_read(r, part, sizeof(part),
					(int64_t)ret->len, &err)) > 0)
		assert_int_equal(
			buf_addslice(ret, (struct slice){part, (size_t)n}), 0);
	check((int)n, &err);
	publish_reader_close(r);
	assert_int_equal(ret->len, f->bytes);
}

void
world_read(struct world *w, enum publish_kind kind, const char *part,
	   int64_t version, struct buf *ret)
{
	struct publish_version v = {0};
	struct error err = ERROR_INIT;
	struct publish_file f;

	buf_clear(ret);
	{
		scope_reader reader = {0};

		check(store_reader_get(w->store, &reader, &err), &err);
		if (version)
			assert_int_equal(publish_version_get(reader.db,
							     w->theme.id,
							     version, &v, &err),
					 1);
		check(publish_file_at(reader.db, &w->theme, kind, part, v.seq,
				      &f, &err),
		      &err);
	}
	assert_true(f.bytes >= 0);
	if (f.state) {
		read_state(w, &f, ret);
		return;
	}
	assert_int_equal(publish_header(&w->theme, kind, part, ret), 0);
	assert_int_equal(ret->len, f.bytes);
}

void
world_expect(struct world *w, enum publish_kind kind, const char *part,
	     int64_t version, const char *text)
{
	scope_buf bytes = BUF_INIT;

	world_read(w, kind, part, version, &bytes);
	assert_string_equal(buf_str(&bytes), text);
}

struct report {
	int n;
	char *text;
	size_t size;
};

static int
report(void *ctx, const char *text)
{
	struct report *r = ctx;

	if (!r->n++)
		snprintf(r->text, r->size, "%s", text);
	return 0;
}

int
world_verify(struct world *w, char *ret_text, size_t size)
{
	struct report r = {0, ret_text, size};
	struct error err = ERROR_INIT;
	int rc = publish_verify(w->store, &w->sample.config, &w->theme, 1,
				report, &r, &err);

	check(rc, &err);
	assert_int_equal(rc, r.n > 0);
	return r.n;
}
