/*
 * The stages 2 to 4 in memory: reads a configuration, judges one file for each
 * resource (as the first it ever sent) and writes the files of every theme
 * below OUT/THEME/, for comparison with what another program computed. No
 * database, no mount, no order in time.
 *
 *	city_memory CONFIG OUT D/R=FILE …
 *
 * Prints what became of each file; ends with 0 unless something failed.
 */
#include "base/scope.h"
#include "publish/format.h"
#include "tests/lib/theme_files.h"
#include "validate/validate.h"

#include <err.h>
#include <fcntl.h>
#include <sys/stat.h>

/* 'at' is where its key, then its cells, lie in the table's bytes; the slices
 * point there once the table is whole. */
struct record {
	size_t at;
	struct slice key, cells;
	bool good; /* no fault alone */
	bool deletes;
};

/* One resource and the file that was given for it. */
struct table {
	const struct config_resource *resource;
	struct record *records;
	size_t n, cap;
	struct buf bytes;
	int64_t read, accepted, refused;
	char submission[32];
};

/* One file being judged. */
struct judging {
	struct table *table;
	struct validate *validate;
	struct validate_row row;
	int *columns;
	size_t ncolumns;
	bool ended; /* a footer was met */
};

static void *
need(void *p)
{
	if (!p)
		errx(2, "out of memory");
	return p;
}

static void
ok(int rc)
{
	if (rc)
		errx(2, "failed with code %d", rc);
}

/* ---- files to records ---------------------------------------------------- */

static int
on_header(void *ctx, const struct decode_header *h)
{
	struct judging *j = ctx;

	j->ncolumns = h->nlabels;
	j->columns = need(calloc(h->nlabels + 1, sizeof(*j->columns)));
	memcpy(j->columns, h->field, h->nlabels * sizeof(*j->columns));
	return 0;
}

static void
add_record(struct table *t, const struct validate_row *row)
{
	struct slice key = buf_slice(&row->key);
	struct slice cells = buf_slice(&row->cells);

	if (t->n == t->cap) {
		t->cap = t->cap ? 2 * t->cap : 1024;
		t->records = need(
			reallocarray(t->records, t->cap, sizeof(*t->records)));
	}
	t->records[t->n++] = (struct record){
		.at = t->bytes.len,
		.key = key,
		.cells = cells,
		.good = row->kind == VALIDATE_ACCEPTED,
		.deletes = row->change == VALIDATE_DELETE,
	};
	ok(buf_addslice(&t->bytes, key));
	ok(buf_addslice(&t->bytes, cells));
}

static int
ignore_report(void *ctx, const struct validate_fault *fault)
{
	(void)ctx;
	(void)fault;
	return 0;
}

static int
on_row(void *ctx, const struct decode_row *record)
{
	struct judging *j = ctx;
	struct table *t = j->table;

	if (j->ended)
		return 0;
	ok(validate_judge(j->validate, j->columns, j->ncolumns, record, &j->row,
			  ignore_report, ignore_report, NULL));
	j->ended = j->row.kind == VALIDATE_FOOTER;
	if (j->ended || j->row.kind == VALIDATE_BLANK)
		return 0;
	t->read++;
	t->refused += j->row.kind == VALIDATE_REFUSED;
	if (j->row.has_key)
		add_record(t, &j->row);
	return 0;
}

static int
on_fault(void *ctx, const struct decode_fault *f)
{
	struct judging *j = ctx;

	fprintf(stderr, "%s: %s: %s\n", j->table->resource->name, f->code,
		f->message);
	return 0;
}

static int
cmp_records(const void *a, const void *b)
{
	const struct record *x = a, *y = b;
	int c = slice_cmp(x->key, y->key);

	if (!c)
		c = slice_cmp(x->cells, y->cells);
	return c ? c : x->deletes - y->deletes;
}

/* The cells of refused rows are empty: such a row differs from a good one. */
static bool
same_rows(const struct record *a, const struct record *b)
{
	return a->good && b->good && a->deletes == b->deletes &&
	       slice_eq(a->cells, b->cells);
}

/* Equal rows count once; rows of one key that differ are all refused. */
static void
settle_keys(struct table *t)
{
	size_t kept = 0, end;

	for (size_t i = 0; i < t->n; i++) {
		struct record *r = &t->records[i];

		r->key.p = t->bytes.data + r->at;
		r->cells.p = r->key.p + r->key.n;
	}
	if (t->n)
		qsort(t->records, t->n, sizeof(*t->records), cmp_records);
	for (size_t i = 0; i < t->n; i = end) {
		const struct record first = t->records[i];
		bool same = first.good;
		int64_t good = first.good;

		for (end = i + 1; end < t->n; end++) {
			if (!slice_eq(first.key, t->records[end].key))
				break;
			same &= same_rows(&first, &t->records[end]);
			good += t->records[end].good;
		}
		if (same)
			t->records[kept++] = first;
		else
			t->refused += good;
	}
	t->n = kept;
}

struct holder {
	struct slice value;
	size_t record;
};

static int
cmp_holders(const void *a, const void *b)
{
	const struct holder *x = a, *y = b;

	return slice_cmp(x->value, y->value);
}

/* Marks the records that share a value of a unique field. */
static void
mark_shared(struct table *t, size_t field, bool *shared)
{
	struct holder *holders = need(calloc(t->n + 1, sizeof(*holders)));
	size_t n = 0;

	for (size_t i = 0; i < t->n; i++) {
		struct slice value = cells_get(t->records[i].cells, field);

		if (!t->records[i].deletes && value.n)
			holders[n++] = (struct holder){value, i};
	}
	qsort(holders, n, sizeof(*holders), cmp_holders);
	for (size_t i = 1; i < n; i++) {
		if (!slice_eq(holders[i].value, holders[i - 1].value))
			continue;
		shared[holders[i - 1].record] = true;
		shared[holders[i].record] = true;
	}
	free(holders);
}

/* A value of a unique field that several rows have refuses them all. What is
 * left takes effect; deletes find nothing. */
static void
settle_unique(struct table *t)
{
	bool *shared = need(calloc(t->n + 1, sizeof(*shared)));
	size_t kept = 0;

	for (size_t f = 0; f < t->resource->nfields; f++) {
		if (t->resource->fields[f].unique)
			mark_shared(t, f, shared);
	}
	for (size_t i = 0; i < t->n; i++) {
		t->refused += shared[i];
		t->accepted += !shared[i];
		if (!shared[i] && !t->records[i].deletes)
			t->records[kept++] = t->records[i];
	}
	t->n = kept;
	free(shared);
}

static void
decode_into(struct judging *j, const char *path, enum decode_end *ret_end)
{
	const struct config_resource *r = j->table->resource;
	struct decode_label *labels = need(calloc(r->nfields, sizeof(*labels)));
	struct decode_request request = {
		.labels = labels,
		.nlabels = r->nfields,
		.extra_ignore = r->extra_ignore,
		.change_allowed = r->mode == CONFIG_UPSERT,
		.limits = DECODE_LIMITS,
	};
	struct decode_sink sink = {.header = on_header,
				   .row = on_row,
				   .fault = on_fault,
				   .ctx = j};
	scope_fd fd = open(path, O_RDONLY | O_CLOEXEC);
	struct error error = ERROR_INIT;
	struct stat st;

	for (size_t i = 0; i < r->nfields; i++)
		labels[i] = (struct decode_label){r->fields[i].id,
						  r->fields[i].title};
	if (fd < 0 || fstat(fd, &st) < 0)
		err(2, "%s", path);
	if (decode_file(&request, fd, st.st_size, DECODE_NO_ROOM, &sink,
			ret_end, &error))
		errx(2, "%s: %s", path, error.text);
	free(labels);
}

static void
load(struct table *t, const char *path)
{
	struct judging j = {.table = t};
	enum decode_end end = DECODE_REJECTED;
	struct error error = ERROR_INIT;
	const char *verdict = "unchanged";

	if (validate_new(t->resource, &j.validate, &error))
		errx(2, "%s: %s", t->resource->name, error.text);
	decode_into(&j, path, &end);
	settle_keys(t);
	settle_unique(t);
	if (end != DECODE_DONE)
		verdict = end == DECODE_REJECTED ? "rejected" : "incomplete";
	else if (t->refused * 1000000 > t->resource->tolerance * t->read)
		verdict = "quarantined";
	else if (t->refused)
		verdict = "partial";
	else if (t->n)
		verdict = "accepted";
	if (verdict[0] != 'a' && verdict[0] != 'p')
		t->n = 0;
	if (end == DECODE_DONE)
		printf("%s: %s, %lld read, %lld accepted, %lld refused\n",
		       t->resource->name, verdict, (long long)t->read,
		       (long long)t->accepted, (long long)t->refused);
	else
		printf("%s: %s\n", t->resource->name, verdict);
	validate_row_release(&j.row);
	validate_free(j.validate);
	free(j.columns);
}

/* ---- records to files ---------------------------------------------------- */

static void
save(const char *folder, const char *name, const struct buf *b)
{
	scope_buf path = BUF_INIT;
	scope_file f = NULL;

	ok(buf_addf(&path, "%s/%s", folder, name));
	if (buf_str(&path))
		f = fopen(path.data, "w");
	if (!f || (b->len && fwrite(b->data, b->len, 1, f) != 1) || fflush(f))
		err(2, "%s", path.data);
}

static void
write_sources(const struct config *config, const struct config_theme *theme,
	      const struct theme_table *tables, const char *folder)
{
	for (size_t s = 0; s < theme->nsources; s++) {
		const struct config_source *source = &theme->sources[s];

		for (size_t m = 0; m < source->nmembers; m++) {
			const struct config_member *member =
				&source->members[m];
			const struct config_resource *r = member->resource;
			scope_buf out = BUF_INIT;
			scope_buf name = BUF_INIT;

			if (!publish_format_source_shown(r))
				continue;
			theme_files_source(theme, member,
					   &tables[r - config->resources],
					   &out);
			ok(buf_addf(&name, "sources/%s.%s.csv", r->department,
				    r->id));
			save(folder, buf_str(&name), &out);
		}
	}
}

static void
make_folder(const char *path)
{
	if (mkdir(path, 0777) < 0 && access(path, W_OK) < 0)
		err(2, "%s", path);
}

static void
write_theme(const struct config *config, const struct config_theme *theme,
	    const struct theme_table *tables, const char *out)
{
	struct theme_files f;
	scope_buf folder = BUF_INIT;
	scope_buf sources = BUF_INIT;

	ok(buf_addf(&folder, "%s/%s", out, theme->id));
	ok(buf_addf(&sources, "%s/%s/sources", out, theme->id));
	make_folder(buf_str(&folder));
	make_folder(buf_str(&sources));
	theme_files_make(config, theme, tables, &f);
	save(folder.data, "data.csv", &f.data);
	save(folder.data, "data.jsonl", &f.jsonl);
	save(folder.data, "conflicts.csv", &f.conflicts);
	save(folder.data, "orphans.csv", &f.orphans);
	write_sources(config, theme, tables, folder.data);
	theme_files_release(&f);
}

/* The judged rows as the files' maker wants them. */
static struct theme_record *
list_records(const struct table *t)
{
	struct theme_record *list = need(calloc(t->n + 1, sizeof(*list)));

	for (size_t i = 0; i < t->n; i++)
		list[i] = (struct theme_record){
			t->records[i].key, t->records[i].cells, t->submission};
	return list;
}

static void
write_themes(const struct config *config, const struct table *tables,
	     const char *out)
{
	struct theme_table *lists =
		need(calloc(config->nresources + 1, sizeof(*lists)));
	struct theme_record **records =
		need(calloc(config->nresources + 1, sizeof(*records)));

	for (size_t i = 0; i < config->nresources; i++) {
		records[i] = list_records(&tables[i]);
		lists[i] = (struct theme_table){records[i], tables[i].n};
	}
	for (size_t i = 0; i < config->nthemes; i++)
		write_theme(config, &config->themes[i], lists, out);
	for (size_t i = 0; i < config->nresources; i++)
		free(records[i]);
	free(records);
	free(lists);
}

/* ---- the whole ----------------------------------------------------------- */

static struct config *
read_config(const char *folder)
{
	struct config_problems problems = {0};
	struct config *config = NULL;
	struct error error = ERROR_INIT;
	scope_buf path = BUF_INIT;

	ok(buf_addf(&path, "%s/civicfs.conf", folder));
	if (config_load(buf_str(&path), &config, &problems, &error)) {
		for (size_t i = 0; i < problems.n; i++)
			fprintf(stderr, "%s\n", problems.items[i].text);
		errx(2, "%s: %s", folder, error.text);
	}
	config_problems_release(&problems);
	return config;
}

static void
release_table(struct table *t)
{
	free(t->records);
	buf_release(&t->bytes);
	*t = (struct table){0};
}

int
main(int argc, char **argv)
{
	struct config *config;
	struct table *tables;

	if (argc < 3)
		errx(2, "usage: city_memory CONFIG OUT D/R=FILE ...");
	config = read_config(argv[1]);
	tables = need(calloc(config->nresources + 1, sizeof(*tables)));
	for (size_t i = 0; i < config->nresources; i++)
		tables[i].resource = &config->resources[i];
	for (int i = 3; i < argc; i++) {
		char *path = strchr(argv[i], '=');
		const struct config_resource *r;
		struct table *t;

		if (!path)
			errx(2, "'%s' is not D/R=FILE", argv[i]);
		*path++ = '\0';
		r = config_find_resource(config, argv[i]);
		if (!r)
			errx(2, "no resource '%s'", argv[i]);
		t = &tables[r - config->resources];
		release_table(t);
		t->resource = r;
		snprintf(t->submission, sizeof(t->submission), "20260101-%06d",
			 i);
		load(t, path);
	}
	make_folder(argv[2]);
	write_themes(config, tables, argv[2]);
	for (size_t i = 0; i < config->nresources; i++)
		release_table(&tables[i]);
	free(tables);
	config_free(config);
	return 0;
}
