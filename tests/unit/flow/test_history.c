/*
 * Histories by lot: hundreds of files over four resources and two themes,
 * released, repeated, with restarts and broken publishes in between, compared
 * after every step with a model that folds everything again from the first.
 * Fails if a receipt counts otherwise, if one byte of one file of one theme is
 * another, or if a version appears without a difference.
 */
#include "tests/unit/flow/model.h"
#include "tests/unit/flow/town.h"

#define STEPS 60

static const char *const descriptors[] = {
	"resources.d/aic/reg.ini",
	"[resource]\nmode = snapshot\nkey = no\nsubject = uscc\n"
	"as_of = updated\nmax_shrink = 50%\ntolerance = 20%\n"
	"sharing = unconditional\n[field no]\ntype = string\n[field uscc]\n"
	"type = string\n[field name]\ntype = string\n[field grade]\n"
	"type = string\n[field updated]\ntype = date\n",
	"resources.d/tax/rating.ini",
	"[resource]\nmode = upsert\nkey = id\nsubject = uscc\n"
	"tolerance = 20%\nsharing = unconditional\n[field id]\n"
	"type = string\n[field uscc]\ntype = string\n[field name]\n"
	"type = string\n[field grade]\ntype = string\nenum = A B C D\n"
	"[field score]\ntype = integer\n",
	"resources.d/env/fine.ini",
	"[resource]\nmode = append\nkey = no day\nsubject = uscc\n"
	"tolerance = 20%\nsharing = unconditional\n[field no]\n"
	"type = string\n[field day]\ntype = date\n[field uscc]\n"
	"type = string\n[field amount]\ntype = number\n[field office]\n"
	"type = string\n",
	"resources.d/humen/fine.ini",
	"[resource]\nmode = append\nlike = env/fine\nkey = no day\n"
	"subject = uscc\ntolerance = 20%\nsharing = unconditional\n",
};

struct history {
	struct town *t;
	struct model *m;
	unsigned seed;
	char before[2][8192]; /* every file of each theme, as it was */
	int64_t versions[2];
};

static int
lot(struct history *h, int n)
{
	return (int)((unsigned)rand_r(&h->seed) >> 4) % n;
}

/* ---- files by lot -------------------------------------------------------- */

static void
set(struct model_row *row, int at, const char *format, int value)
{
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	snprintf(row->cells[at], sizeof(row->cells[at]), format, value);
#pragma GCC diagnostic pop
}

static void
fill_subject(struct history *h, struct model_row *row, int at)
{
	int n = lot(h, 8);

	if (n)
		set(row, at, "S%d", n);
}

static void
fill_reg(struct history *h, struct model_row *row)
{
	set(row, 0, "k%d", lot(h, 10));
	fill_subject(h, row, 1);
	if (lot(h, 5))
		set(row, 2, "Name %d", lot(h, 3));
	if (lot(h, 2))
		set(row, 3, "%c", 'A' + lot(h, 3));
	if (lot(h, 3))
		set(row, 4, "2026-01-%02d", 1 + lot(h, 9));
	if (lot(h, 25) == 0) {
		row->bad = true;
		strcpy(row->cells[4], "never");
	} else if (lot(h, 40) == 0) {
		row->bad = row->no_key = true;
		row->cells[0][0] = '\0';
	}
}

static void
fill_rating(struct history *h, struct model_row *row)
{
	set(row, 0, "r%d", lot(h, 10));
	fill_subject(h, row, 1);
	if (lot(h, 3))
		set(row, 2, "Name %d", lot(h, 3));
	if (lot(h, 2))
		set(row, 3, "%c", 'A' + lot(h, 4));
	if (lot(h, 2))
		set(row, 4, "%d", lot(h, 30) - 10);
	if (lot(h, 12) == 0) {
		row->bad = true;
		strcpy(row->cells[3], "Z");
	}
}

static void
fill_fine(struct history *h, struct model_row *row)
{
	set(row, 0, "%d", lot(h, 9));
	set(row, 1, "2026-02-%02d", 1 + lot(h, 3));
	/* mostly the same again: an append does not change */
	fill_subject(h, row, 2);
	if (lot(h, 4)) {
		int n = row->cells[0][0] - '0' + 7 * row->cells[1][9];

		set(row, 2, "S%d", 1 + n % 7);
		set(row, 3, "%d.50", n % 5);
		set(row, 4, "%c", 'a' + n % 3);
	} else if (lot(h, 15) == 0) {
		row->bad = row->no_key = true;
		strcpy(row->cells[1], "never");
	}
}

static void
make_rows(struct history *h, struct model_file *f, bool changes)
{
	static void (*const fill[MODEL_RESOURCES])(struct history *,
						   struct model_row *) = {
		fill_reg, fill_fine, fill_fine, fill_rating};

	f->nrows = lot(h, MODEL_ROWS - 4);
	for (int i = 0; i < f->nrows; i++) {
		struct model_row *row = &f->rows[i];

		if (i && lot(h, 12) == 0) {
			*row = f->rows[lot(h, i)];
			continue;
		}
		fill[f->resource](h, row);
		/* keys that differ, mostly */
		for (int k = 0; k < i && lot(h, 8); k++) {
			if (strcmp(f->rows[k].cells[0], row->cells[0]) != 0)
				continue;
			*row = (struct model_row){0};
			fill[f->resource](h, row);
			k = -1;
		}
		row->deletes = changes && !row->bad && lot(h, 3) == 0;
		if (row->deletes)
			memset(row->cells[1], 0,
			       sizeof(row->cells) - sizeof(row->cells[0]));
	}
}

/* Of a row that cannot be read the model keeps what was sent. */
static struct model_file *
make_file(struct history *h, bool *ret_changes)
{
	struct model_file *f = &h->m->files[h->m->n];

	assert_true(h->m->n < MODEL_FILES);
	*f = (struct model_file){.resource = lot(h, MODEL_RESOURCES),
				 .state = "judging"};
	*ret_changes =
		model_resources[f->resource].mode == MODEL_UPSERT && lot(h, 2);
	make_rows(h, f, *ret_changes);
	h->m->n++;
	return f;
}

/* ---- steps --------------------------------------------------------------- */

static void
note_submission(struct history *h, struct model_file *f)
{
	struct store_submission s;

	f->number = town_last(h->t);
	town_submission(h->t, f->number, &s);
	snprintf(f->id, sizeof(f->id), "%s", s.id);
	store_submission_release(&s);
}

/* The records are committed, and the machine stops before the flip. */
static void
submit_and_stop(struct history *h, const char *resource, const char *name,
		const char *text)
{
	struct town *t = h->t;

	town_stop(t);
	town_copy_in(t, resource, name, text);
	assert_int_equal(town_collect(t), 1);
	town_close(t);
	town_keep_main(t);
	town_start(t);
	town_settle(t);
	town_close(t);
	town_lose_main(t);
	town_start(t);
	town_settle(t);
}

static void
submit(struct history *h)
{
	scope_buf text = BUF_INIT;
	char expected[128], name[32];
	bool changes;
	struct model_file *f = make_file(h, &changes);
	const char *resource = model_resources[f->resource].name;

	model_csv(f, changes, &text);
	snprintf(name, sizeof(name), "file %d.csv", lot(h, 5));
	if (lot(h, 12) == 0)
		submit_and_stop(h, resource, name, text.data);
	else
		town_submit(h->t, resource, name, text.data);
	note_submission(h, f);
	model_judge(h->m, f, false, expected);
	town_expect(h->t, f->number, expected);
}

static void
release(struct history *h)
{
	int from = lot(h, h->m->n + 1);

	for (int i = 0; i < h->m->n; i++) {
		struct model_file *f = &h->m->files[(from + i) % h->m->n];
		char expected[128];

		if (strcmp(f->state, "quarantined") != 0)
			continue;
		town_release(h->t, f->number);
		model_judge(h->m, f, true, expected);
		town_expect(h->t, f->number, expected);
		return;
	}
}

/* ---- every file of every theme ------------------------------------------- */

static void
expect_file(struct history *h, const char *theme, enum publish_kind kind,
	    const char *part, struct buf *want, struct buf *all)
{
	scope_buf got = BUF_INIT;

	town_file(h->t, theme, kind, part, &got);
	assert_non_null(buf_str(want));
	if (strcmp(got.data, want->data) != 0)
		fail_msg("%s, kind %d %s:\n%s\ninstead of:\n%s", theme, kind,
			 part, got.data, want->data);
	assert_int_equal(buf_addslice(all, buf_slice(&got)), 0);
}

static void
expect_theme(struct history *h, size_t at, const struct model_packed *p)
{
	const struct config *c = h->t->config;
	const struct config_theme *theme = &c->themes[at];
	struct theme_files f;
	struct publish_version v = {0};
	scope_buf all = BUF_INIT;
	bool same;

	theme_files_make(c, theme, p->tables, &f);
	expect_file(h, theme->id, PUBLISH_DATA, "", &f.data, &all);
	expect_file(h, theme->id, PUBLISH_JSONL, "", &f.jsonl, &all);
	expect_file(h, theme->id, PUBLISH_CONFLICTS, "", &f.conflicts, &all);
	expect_file(h, theme->id, PUBLISH_ORPHANS, "", &f.orphans, &all);
	theme_files_release(&f);
	for (size_t s = 0; s < theme->nsources; s++) {
		for (size_t m = 0; m < theme->sources[s].nmembers; m++) {
			const struct config_member *member =
				&theme->sources[s].members[m];
			scope_buf want = BUF_INIT;

			theme_files_source(
				theme, member,
				&p->tables[member->resource - c->resources],
				&want);
			expect_file(h, theme->id, PUBLISH_SOURCE,
				    member->resource->name, &want, &all);
		}
	}
	town_version(h->t, theme->id, &v);
	assert_true(all.len < sizeof(h->before[at]));
	assert_non_null(buf_str(&all));
	same = !*h->before[at] || strcmp(h->before[at], all.data) == 0;
	assert_true(v.number - h->versions[at] <= 1);
	if (!same)
		assert_int_equal(v.number, h->versions[at] + 1);
	strcpy(h->before[at], all.data);
	h->versions[at] = v.number;
}

static void
expect_all(struct history *h)
{
	struct model_packed *p = malloc(sizeof(*p));

	assert_non_null(p);
	model_pack(h->m, p);
	for (size_t i = 0; i < h->t->config->nthemes; i++)
		expect_theme(h, i, p);
	model_packed_release(p);
	free(p);
	for (int i = 0; i < h->m->n; i++)
		assert_string_equal(town_state(h->t, h->m->files[i].number),
				    h->m->files[i].state);
}

/* A history in which nothing happens proves nothing. */
static void
expect_variety(const struct model *m)
{
	static const char *const states[] = {"accepted", "partial", "unchanged",
					     "quarantined", "superseded"};

	for (size_t i = 0; i < sizeof(states) / sizeof(*states); i++) {
		int n = 0;

		for (int k = 0; k < m->n; k++)
			n += strcmp(m->files[k].state, states[i]) == 0;
		if (getenv("CIVICFS_SEED"))
			print_message("%s %d\n", states[i], n);
		else
			assert_true(n > 0);
	}
}

static void
live(struct town *t, unsigned seed)
{
	struct history h = {.t = t, .seed = seed};

	h.m = calloc(1, sizeof(*h.m));
	assert_non_null(h.m);
	town_copy(t, "town");
	for (size_t i = 0; i < 8; i += 2)
		town_write(t, descriptors[i], descriptors[i + 1]);
	t->large = seed % 2; /* every file is, or none */
	town_start(t);
	town_settle(t);
	/* the headers, before there is anything */
	expect_all(&h);
	for (int step = 0; step < STEPS; step++) {
		if (h.m->n && lot(&h, 6) == 0)
			release(&h);
		else
			submit(&h);
		if (lot(&h, 20) == 0)
			town_restart(t);
		expect_all(&h);
	}
	town_verify(t);
	expect_variety(h.m);
	free(h.m);
}

static void
the_first_history(void **state)
{
	live(*state, 20121115);
}

static void
the_second_history(void **state)
{
	live(*state, 4711);
}

static void
the_third_history(void **state)
{
	const char *seed = getenv("CIVICFS_SEED");

	live(*state, seed ? (unsigned)strtoul(seed, NULL, 10) : 815);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, town_setup, town_teardown)
		T(the_first_history),
		T(the_second_history),
		T(the_third_history),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
