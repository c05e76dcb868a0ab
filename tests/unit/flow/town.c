/* A whole town without a mount and without a keeper: see town.h. */
#include "tests/unit/flow/town.h"

#include "validate/validate.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
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
	check(inbox_open(t->store, t->config, t->plan->resource_ids,
			 t->plan->trial_ids, t->session, &t->inbox, &err),
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
	if (t->large)
		flow_set_large(t->flow, t->large);
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

void
town_submission(struct town *t, int64_t number, struct store_submission *ret)
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

	town_submission(t, number, &s);
	check(flow_release(t->flow, s.id, &err), &err);
	store_submission_release(&s);
	town_settle(t);
}

const char *
town_state(struct town *t, int64_t number)
{
	struct store_submission s;

	town_submission(t, number, &s);
	store_submission_release(&s);
	return validate_state_word(
		(enum validate_state)validate_state_parse(s.state));
}
