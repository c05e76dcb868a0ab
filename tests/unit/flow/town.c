/* A whole town without a mount and without a keeper: see town.h. */
#include "tests/unit/flow/town.h"

#include "store/record.h"
#include "validate/validate.h"

#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <errno.h>
#include <signal.h>
#include <sys/stat.h>

#define PATIENCE_MS 60000 /* a hang fails, it is no measurement */

static void
check(int rc, const struct error *err)
{
	if (rc < 0)
		fail_msg("%d: %s", rc, err->text);
}

/* ---- the folder ---------------------------------------------------------- */

static int
count_fds(void)
{
	DIR *dir = opendir("/proc/self/fd");
	int n = 0;

	assert_non_null(dir);
	while (readdir(dir))
		n++;
	closedir(dir);
	return n;
}

/* ---- set-up -------------------------------------------------------------- */

int
town_setup(void **state)
{
	struct town *t = calloc(1, sizeof(*t));

	if (!t)
		return -1;
	signal(SIGCHLD, SIG_IGN); /* decoders are nobody's to wait for */
	t->fds = count_fds();
	t->home = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	t->dir = -1;
	t->session = 7;
	snprintf(t->path, sizeof(t->path), "/tmp/civicfs-flow-XXXXXX");
	if (!mkdtemp(t->path) || town_start_keeper(t))
		return -1;
	*state = t;
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
town_teardown(void **state)
{
	struct town *t = *state;
	int rc;

	town_close(t);
	close(t->home);
	close(t->keeper);
	rc = nftw(t->path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	assert_int_equal(count_fds(), t->fds);
	free(t);
	return rc;
}

static void
make_parents(char *path)
{
	for (char *p = path + 1; *p; p++) {
		if (*p != '/')
			continue;
		*p = '\0';
		if (mkdir(path, 0755) && errno != EEXIST)
			fail_msg("%s: %s", path, strerror(errno));
		*p = '/';
	}
}

void
town_write(struct town *t, const char *path, const char *text)
{
	scope_buf full = BUF_INIT;
	FILE *f;

	assert_int_equal(buf_addf(&full, "%s/conf/%s", t->path, path), 0);
	assert_non_null(buf_str(&full));
	make_parents(full.data);
	f = fopen(full.data, "w");
	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
}

/* nftw() takes no context. */
static struct town *copying;
static size_t copying_prefix;

static int
copy_one(const char *path, const struct stat *st, int type)
{
	scope_free char *text = NULL;
	FILE *f;

	if (type != FTW_F)
		return 0;
	text = calloc(1, (size_t)st->st_size + 1);
	f = fopen(path, "r");
	assert_non_null(text);
	assert_non_null(f);
	assert_int_equal(fread(text, 1, (size_t)st->st_size, f), st->st_size);
	fclose(f);
	town_write(copying, path + copying_prefix, text);
	return 0;
}

void
town_copy(struct town *t, const char *name)
{
	scope_buf from = BUF_INIT;

	assert_int_equal(buf_addf(&from, "%s/flow/%s/", TEST_CASES, name), 0);
	copying = t;
	copying_prefix = from.len;
	from.len--;
	assert_non_null(buf_str(&from));
	assert_int_equal(ftw(from.data, copy_one, 16), 0);
}

/* ---- open and close ------------------------------------------------------ */

static void
load_config(struct town *t)
{
	struct config_problems problems = {0};
	struct error err = ERROR_INIT;
	scope_buf path = BUF_INIT;
	int rc;

	assert_int_equal(buf_addf(&path, "%s/conf/civicfs.conf", t->path), 0);
	rc = config_load(buf_str(&path), &t->config, &problems, &err);
	for (size_t i = 0; rc && i < problems.n; i++)
		print_message("%s\n", problems.items[i].text);
	config_problems_release(&problems);
	check(rc, &err);
}

int
town_try_open(struct town *t, struct error *err)
{
	load_config(t);
	if (mkdir(t->config->state, 0700))
		assert_int_equal(errno, EEXIST);
	t->dir = open(t->config->state, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(t->dir >= 0);
	check(store_open(t->dir, true, &t->store, err), err);
	check(publish_recover(t->store, err), err);
	return flow_plan_new(t->store, t->config, &t->plan, err);
}

void
town_open(struct town *t)
{
	struct error err = ERROR_INIT;

	check(town_try_open(t, &err), &err);
	check(inbox_open(t->store, t->config, t->plan->resource_ids, t->session,
			 &t->inbox, &err),
	      &err);
}

void
town_close(struct town *t)
{
	town_stop(t);
	inbox_close(t->inbox);
	flow_plan_free(t->plan);
	store_close(t->store);
	config_free(t->config);
	t->inbox = NULL;
	t->plan = NULL;
	t->store = NULL;
	t->config = NULL;
	assert_int_equal(fchdir(t->home), 0);
	if (t->dir >= 0)
		close(take_fd(&t->dir));
	t->session++;
}

void
town_restart(struct town *t)
{
	town_close(t);
	town_start(t);
}

static void
copy_file(struct town *t, const char *from, const char *to)
{
	scope_buf a = BUF_INIT;
	scope_buf b = BUF_INIT;
	char bytes[65536];
	size_t n;
	FILE *in, *out;

	assert_int_equal(buf_addf(&a, "%s/conf/state/%s", t->path, from), 0);
	assert_int_equal(buf_addf(&b, "%s/conf/state/%s", t->path, to), 0);
	in = fopen(buf_str(&a), "r");
	out = fopen(buf_str(&b), "w");
	assert_non_null(in);
	assert_non_null(out);
	while ((n = fread(bytes, 1, sizeof(bytes), in)) > 0)
		assert_int_equal(fwrite(bytes, 1, n, out), n);
	fclose(in);
	assert_int_equal(fclose(out), 0);
}

void
town_keep_main(struct town *t)
{
	assert_null(t->store);
	copy_file(t, "civicfs.db", "kept.db");
}

void
town_lose_main(struct town *t)
{
	assert_null(t->store);
	copy_file(t, "kept.db", "civicfs.db");
}

/* ---- the flow ------------------------------------------------------------ */

static void
on_published(void *ctx, const struct publish_made *made, size_t n)
{
	struct town *t = ctx;

	assert_non_null(made);
	atomic_fetch_add(&t->made, (int64_t)n);
}

static void
on_judged(void *ctx, int64_t resource, int64_t submission)
{
	struct town *t = ctx;

	(void)resource;
	(void)submission;
	atomic_fetch_add(&t->judged, 1);
}

static void
on_failed(void *ctx, const struct error *err)
{
	struct town *t = ctx;

	snprintf(t->trouble, sizeof(t->trouble), "%s", err->text);
	atomic_fetch_add(&t->failed, 1);
}

static void *
run(void *ctx)
{
	struct town *t = ctx;

	flow_run(t->flow);
	return NULL;
}

static void *
run_collecting(void *ctx)
{
	struct town *t = ctx;

	flow_run_collecting(t->flow);
	return NULL;
}

void
town_start(struct town *t)
{
	const struct flow_decoder decoder = {.start = town_start_decoder,
					     .ctx = t,
					     .patience_ms = t->patience_ms};
	const struct flow_hooks hooks = {on_published, on_judged, on_failed, t};
	struct error err = ERROR_INIT;

	if (!t->store)
		town_open(t);
	check(flow_new(t->store, t->plan, t->inbox, &decoder, &hooks, &t->flow,
		       &err),
	      &err);
	assert_int_equal(pthread_create(&t->threads[0], NULL, run, t), 0);
	assert_int_equal(
		pthread_create(&t->threads[1], NULL, run_collecting, t), 0);
}

void
town_stop(struct town *t)
{
	if (!t->flow)
		return;
	flow_stop(t->flow);
	pthread_join(t->threads[0], NULL);
	pthread_join(t->threads[1], NULL);
	flow_free(t->flow);
	t->flow = NULL;
}

void
town_settle(struct town *t)
{
	const struct timespec nap = {0, 1000000};
	struct error err = ERROR_INIT;
	bool settled = false;

	for (int i = 0; i < PATIENCE_MS; i++) {
		check(flow_is_settled(t->flow, &settled, &err), &err);
		if (settled)
			return;
		nanosleep(&nap, NULL);
	}
	flow_trouble(t->flow, t->trouble, sizeof(t->trouble));
	fail_msg("it does not settle: %s", t->trouble);
}

/* ---- submissions --------------------------------------------------------- */

static int64_t
resource_id(struct town *t, const char *name)
{
	for (size_t i = 0; i < t->config->nresources; i++) {
		if (strcmp(t->config->resources[i].name, name) == 0)
			return t->plan->resources[i].id;
	}
	fail_msg("no resource '%s'", name);
	return 0;
}

static struct inbox_request
request(struct town *t)
{
	t->unique += 2;
	return (struct inbox_request){.unique = t->unique, .pid = getpid()};
}

void
town_copy_in_bytes(struct town *t, const char *resource, const char *name,
		   struct slice bytes)
{
	struct inbox_request req = request(t);
	struct inbox_entry e = {.id = 0};
	uint64_t fh = 0;

	assert_int_equal(inbox_create(t->inbox, &req, resource_id(t, resource),
				      name, 0644, O_WRONLY | O_CREAT | O_TRUNC,
				      &e, &fh),
			 0);
	if (bytes.n)
		assert_int_equal(
			inbox_write(t->inbox, e.id, bytes.p, bytes.n, 0),
			bytes.n);
	req = request(t);
	assert_int_equal(inbox_flush(t->inbox, &req, e.id, fh), 0);
	assert_int_equal(inbox_release(t->inbox, &req, e.id, fh), 0);
}

void
town_copy_in(struct town *t, const char *resource, const char *name,
	     const char *text)
{
	town_copy_in_bytes(t, resource, name, slice_str(text));
}

int
town_collect(struct town *t)
{
	struct error err = ERROR_INIT;
	int64_t next = 0;
	int bound = 0;

	check(inbox_collect(t->inbox, clock_now() + CLOCK_NS, &bound, &next,
			    &err),
	      &err);
	return bound;
}

int64_t
town_last(struct town *t)
{
	scope_reader reader = {0};
	struct error err = ERROR_INIT;
	int64_t n = 0;

	check(store_reader_get(t->store, &reader, &err), &err);
	check(store_meta_get(reader.db, "submission", 0, &n, &err), &err);
	return n;
}

int64_t
town_submit(struct town *t, const char *resource, const char *name,
	    const char *text)
{
	town_copy_in(t, resource, name, text);
	town_settle(t);
	return town_last(t);
}

static void
get_submission(struct town *t, int64_t number, struct store_submission *ret)
{
	scope_reader reader = {0};
	struct error err = ERROR_INIT;

	check(store_reader_get(t->store, &reader, &err), &err);
	assert_int_equal(store_submission_get(reader.db, number, ret, &err), 1);
}

void
town_release(struct town *t, int64_t number)
{
	struct store_submission s;
	struct error err = ERROR_INIT;

	get_submission(t, number, &s);
	check(flow_release(t->flow, s.id, &err), &err);
	store_submission_release(&s);
	town_settle(t);
}

const char *
town_state(struct town *t, int64_t number)
{
	struct store_submission s;

	get_submission(t, number, &s);
	store_submission_release(&s);
	return validate_state_word(
		(enum validate_state)validate_state_parse(s.state));
}

/* ---- receipts ------------------------------------------------------------ */

void
town_receipt(struct town *t, int64_t number, enum store_receipt which,
	     struct buf *ret)
{
	scope_reader reader = {0};
	struct error err = ERROR_INIT;

	check(store_reader_get(t->store, &reader, &err), &err);
	if (store_submission_receipt(reader.db, number, which, ret, &err) != 1)
		fail_msg("submission %lld has no receipt", (long long)number);
	assert_non_null(buf_str(ret));
}

void
town_receipt_line(struct town *t, int64_t number, const char *key,
		  struct buf *ret)
{
	scope_buf json = BUF_INIT;
	char mark[64];
	const char *at, *end;

	town_receipt(t, number, STORE_RECEIPT_JSON, &json);
	snprintf(mark, sizeof(mark), "\n\"%s\":", key);
	at = strstr(json.data, mark);
	if (!at)
		fail_msg("no key '%s' in %s", key, json.data);
	at += strlen(mark);
	end = strchr(at, '\n');
	assert_non_null(end);
	if (end[-1] == ',')
		end--;
	assert_int_equal(buf_add(ret, at, (size_t)(end - at)), 0);
	assert_non_null(buf_str(ret));
}

void
town_expect(struct town *t, int64_t number, const char *text)
{
	static const char *const names[] = {"read",	"accepted", "refused",
					    "inserted", "updated",  "deleted",
					    "unchanged"};
	scope_buf state = BUF_INIT;
	scope_buf rows = BUF_INIT;
	scope_buf got = BUF_INIT;

	town_receipt_line(t, number, "state", &state);
	town_receipt_line(t, number, "rows", &rows);
	assert_int_equal(buf_add(&got, state.data + 1, state.len - 2), 0);
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		char mark[32];
		const char *at;

		snprintf(mark, sizeof(mark), "\"%s\":", names[i]);
		at = strstr(rows.data, mark);
		assert_non_null(at);
		assert_int_equal(buf_addf(&got, " %lld",
					  strtoll(at + strlen(mark), NULL, 10)),
				 0);
	}
	assert_non_null(buf_str(&got));
	if (strcmp(got.data, text) != 0) {
		scope_buf receipt = BUF_INIT;

		town_receipt(t, number, STORE_RECEIPT_TEXT, &receipt);
		fail_msg("'%s' instead of '%s':\n%s", got.data, text,
			 receipt.data);
	}
	assert_memory_equal(town_state(t, number), text,
			    strlen(town_state(t, number)));
}

void
town_expect_published(struct town *t, int64_t number, const char *text)
{
	scope_buf line = BUF_INIT;
	scope_buf want = BUF_INIT;
	scope_free char *copy = strdup(text);
	char *save = NULL;

	assert_non_null(copy);
	assert_int_equal(buf_adds(&want, "["), 0);
	for (char *p = strtok_r(copy, " ", &save); p;
	     p = strtok_r(NULL, " ", &save)) {
		char *colon = strchr(p, ':');

		assert_non_null(colon);
		*colon = '\0';
		assert_int_equal(
			buf_addf(&want, "%s{\"dataset\":\"%s\",\"version\":%s}",
				 want.len > 1 ? "," : "", p, colon + 1),
			0);
	}
	assert_int_equal(buf_adds(&want, "]"), 0);
	town_receipt_line(t, number, "published", &line);
	assert_string_equal(line.data, buf_str(&want));
}

bool
town_has_fault(struct town *t, int64_t number, const char *list,
	       const char *code, int64_t row)
{
	scope_buf line = BUF_INIT;
	char mark[64], where[32];
	const char *at;

	town_receipt_line(t, number, list, &line);
	snprintf(mark, sizeof(mark), "\"code\":\"%s\"", code);
	snprintf(where, sizeof(where), "{\"row\":%lld,", (long long)row);
	for (at = line.data; (at = strstr(at, mark)); at++) {
		const char *begin = at;

		while (begin > line.data && *begin != '{')
			begin--;
		if (!row || strncmp(begin, where, strlen(where)) == 0)
			return true;
	}
	return false;
}

void
town_fix(struct town *t, int64_t number, struct buf *ret)
{
	struct store_submission s;
	char path[STORE_BLOB_PATH_MAX];
	int fd;

	get_submission(t, number, &s);
	store_submission_release(&s);
	assert_true(s.fix_blob > 0);
	store_blob_path(s.fix_blob, path);
	fd = openat(t->dir, path, O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(buf_reserve(ret, (size_t)s.fix_bytes + 1), 0);
	assert_int_equal(read(fd, ret->data, (size_t)s.fix_bytes + 1),
			 s.fix_bytes);
	ret->len = (size_t)s.fix_bytes;
	close(fd);
	assert_non_null(buf_str(ret));
}

/* ---- what readers see ---------------------------------------------------- */

const struct publish_theme *
town_theme(struct town *t, const char *id)
{
	for (size_t i = 0; i < t->plan->nthemes; i++) {
		if (strcmp(t->plan->themes[i].theme->id, id) == 0)
			return &t->plan->themes[i];
	}
	fail_msg("no theme '%s'", id);
	return NULL;
}

void
town_version(struct town *t, const char *theme, struct publish_version *ret)
{
	scope_reader reader = {0};
	struct error err = ERROR_INIT;

	check(store_reader_get(t->store, &reader, &err), &err);
	check(publish_newest(reader.db, town_theme(t, theme)->id, ret, &err),
	      &err);
}

static void
read_state(struct town *t, int64_t state, int64_t bytes, struct buf *ret)
{
	struct publish_reader *r = NULL;
	struct error err = ERROR_INIT;
	ssize_t n;

	check(publish_reader_open(t->store, state, &r, &err), &err);
	assert_int_equal(buf_reserve(ret, (size_t)bytes + 1), 0);
	n = publish_reader_read(r, ret->data, (size_t)bytes + 1, 0, &err);
	check((int)n, &err);
	assert_int_equal(n, bytes);
	ret->len = (size_t)n;
	publish_reader_close(r);
}

void
town_file(struct town *t, const char *theme, enum publish_kind kind,
	  const char *part, struct buf *ret)
{
	const struct publish_theme *th = town_theme(t, theme);
	struct publish_version v = {0};
	struct publish_file f = {0};
	struct error err = ERROR_INIT;

	{
		scope_reader reader = {0};

		check(store_reader_get(t->store, &reader, &err), &err);
		check(publish_newest(reader.db, th->id, &v, &err), &err);
		check(publish_file_at(reader.db, th, kind, part, v.seq, &f,
				      &err),
		      &err);
	}
	if (f.state)
		read_state(t, f.state, f.bytes, ret);
	else
		check(publish_header(th, kind, part, ret), &err);
	assert_non_null(buf_str(ret));
}

void
town_expect_file(struct town *t, const char *theme, enum publish_kind kind,
		 const char *part, const char *text)
{
	scope_buf got = BUF_INIT;

	town_file(t, theme, kind, part, &got);
	assert_string_equal(got.data, text);
}

void
town_expect_data(struct town *t, const char *theme, const char *text)
{
	town_expect_file(t, theme, PUBLISH_DATA, "", text);
}

void
town_expect_conflicts(struct town *t, const char *theme, const char *text)
{
	town_expect_file(t, theme, PUBLISH_CONFLICTS, "", text);
}

void
town_expect_orphans(struct town *t, const char *theme, const char *text)
{
	town_expect_file(t, theme, PUBLISH_ORPHANS, "", text);
}

static int
note_id(void *ctx, const struct store_theme_row *r)
{
	*(int64_t *)ctx = r->id;
	return 0;
}

bool
town_subject(struct town *t, const char *theme, const char *key,
	     struct buf *ret)
{
	const struct publish_theme *th = town_theme(t, theme);
	struct error err = ERROR_INIT;
	scope_reader reader = {0};
	int64_t row = 0;
	int rc;

	check(store_reader_get(t->store, &reader, &err), &err);
	rc = store_theme_row_find(reader.db, th->id, store_published(t->store),
				  slice_str(key), note_id, &row, &err);
	check(rc, &err);
	if (!rc)
		return false;
	check(publish_subject(reader.db, th, row, ret, &err), &err);
	assert_non_null(buf_str(ret));
	return true;
}

static int
report(void *ctx, const char *text)
{
	(void)ctx;
	print_message("%s\n", text);
	return 0;
}

void
town_verify(struct town *t)
{
	struct error err = ERROR_INIT;
	int rc = publish_verify(t->store, t->config, t->plan->themes,
				t->plan->nthemes, report, NULL, &err);

	check(rc, &err);
	assert_int_equal(rc, 0);
	rc = store_check(t->store, report, NULL, &err);
	check(rc, &err);
	assert_int_equal(rc, 0);
}
