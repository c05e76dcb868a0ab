/* A server and its clients: see server.h. */
#include "tests/unit/control/server.h"

#include "store/submission.h"

#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <sys/socket.h>
#include <sys/un.h>

static int
count_entries(const char *path)
{
	DIR *dir = opendir(path);
	int n = 0;

	assert_non_null(dir);
	while (readdir(dir))
		n++;
	closedir(dir);
	return n;
}

/* ---- the server ---------------------------------------------------------- */

static int
no_decoder(void *ctx, int in_fd, int request_fd, int out_fd, struct error *err)
{
	(void)ctx;
	(void)in_fd;
	(void)request_fd;
	(void)out_fd;
	return error_set(err, ERR_INTERNAL, "nothing is judged here");
}

static void
on_stop(void *ctx)
{
	struct server *s = ctx;

	s->stops++;
}

static void
on_count(void *ctx, struct control_counts *ret)
{
	(void)ctx;
	*ret = (struct control_counts){.requests = 40, .resent = 2};
}

static int
on_reload(void *ctx, control_tell_fn *tell, void *tell_ctx,
	  char ret_digest[static DIGEST_HEX], struct error *err)
{
	struct server *s = ctx;

	if (s->reloads < 0)
		return error_set(err, s->reloads, "nobody is there to ask");
	tell(tell_ctx, true, "civicfs.conf:3: there is no such user");
	if (s->reloads > 0)
		tell(tell_ctx, false, "civicfs.conf:4: unknown key");
	else
		snprintf(ret_digest, DIGEST_HEX, "cafe");
	return s->reloads;
}

static bool
on_is_new(void *ctx)
{
	const struct server *s = ctx;

	return !s->is_older;
}

static bool
on_has_keeper(void *ctx)
{
	const struct server *s = ctx;

	return !s->is_orphan;
}

static void *
serve(void *ctx)
{
	struct server *s = ctx;

	control_serve(s->control);
	return NULL;
}

static int
open_control(struct server *s, struct error *err)
{
	static const char *const warnings[] = {"the moon is full"};
	struct control_context context = {
		.store = s->store,
		.config = s->config,
		.plan = s->plan,
		.flow = s->flow,
		.inbox = s->inbox,
		.mountpoint = "/mnt/city",
		.keeper = 11,
		.worker = 12,
		.notifier = 13,
		.generation = 3,
		.started_at = clock_now(),
		.service_uid = geteuid(),
		.warnings = warnings,
		.nwarnings = 1,
		.count = on_count,
		.cannot_pass = "the kernel cannot",
		.has_keeper = on_has_keeper,
		.stop = on_stop,
		.reload = on_reload,
		.is_new = on_is_new,
		.config_since = clock_now(),
		.ctx = s,
	};

	context.access = s->access;
	return control_new(&context, &s->control, err);
}

static int
open_all(struct server *s, struct error *err)
{
	const struct flow_decoder decoder = {.start = no_decoder};
	const struct flow_hooks hooks = {0};
	struct config_problems problems = {0};
	int rc = config_load(TEST_CASES "/config/city/civicfs.conf", &s->config,
			     &problems, err);

	config_problems_release(&problems);
	if (!rc)
		rc = access_compile(s->config, &access_machine, &s->access,
				    err);
	if (!rc)
		rc = store_open(s->dir, true, &s->store, err);
	if (!rc)
		rc = flow_plan_new(s->store, s->config, &s->plan, err);
	if (!rc)
		rc = inbox_open(s->store, s->config, s->plan->resource_ids,
				s->plan->trial_ids, 7, &s->inbox, err);
	if (!rc)
		rc = flow_new(s->store, s->plan, s->inbox, &decoder, &hooks,
			      &s->flow, err);
	return rc ? rc : open_control(s, err);
}

int
server_setup(void **state)
{
	struct server *s = calloc(1, sizeof(*s));
	struct error err = ERROR_INIT;

	if (!s)
		return -1;
	s->fds = count_entries("/proc/self/fd");
	s->home = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	strcpy(s->path, "/tmp/civicfs-control-XXXXXX");
	if (!mkdtemp(s->path))
		return -1;
	s->dir = open(s->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (open_all(s, &err))
		fail_msg("%s", err.text);
	assert_int_equal(pthread_create(&s->thread, NULL, serve, s), 0);
	s->running = true;
	*state = s;
	return 0;
}

void
server_stop(struct server *s)
{
	control_stop(s->control);
	pthread_join(s->thread, NULL);
	s->running = false;
}

void
server_hand_over(struct server *s)
{
	control_hand_over(s->control);
	pthread_join(s->thread, NULL);
	s->running = false;
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
server_teardown(void **state)
{
	struct server *s = *state;
	int rc;

	if (s->running)
		server_stop(s);
	control_free(s->control);
	assert_int_not_equal(access(CONTROL_SOCKET, F_OK), 0);
	flow_free(s->flow);
	inbox_close(s->inbox);
	flow_plan_free(s->plan);
	store_close(s->store);
	access_free(s->access);
	config_free(s->config);
	rc = fchdir(s->home);
	close(s->dir);
	close(s->home);
	rc |= nftw(s->path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	assert_int_equal(count_entries("/proc/self/fd"), s->fds);
	free(s);
	return rc;
}

/* ---- submissions --------------------------------------------------------- */

static int64_t
resource_id(const struct server *s, const char *name)
{
	for (size_t i = 0; i < s->config->nresources; i++) {
		if (strcmp(s->config->resources[i].name, name) == 0)
			return s->plan->resources[i].id;
	}
	fail_msg("no resource '%s'", name);
	return 0;
}

int64_t
server_submit(struct server *s, const char *resource, const char *file,
	      const char *verdict)
{
	char name[256], by[] = "li";
	struct store_submission sub = {.resource = resource_id(s, resource),
				       .name = name,
				       .bytes = 5,
				       .submitted_by = by,
				       .received_at = clock_now()};
	const struct store_verdict v = {
		.state = verdict,
		.judged_at = clock_now(),
		.receipt_json = SLICE("{\"a\": 1}\n"),
		.receipt_text = SLICE("a verdict\n"),
	};
	struct error err = ERROR_INIT;
	scope_txn txn = {0};
	int rc;

	snprintf(name, sizeof(name), "%s", file);
	rc = store_begin(s->store, &txn, &err);
	if (!rc)
		rc = store_blob_add(&txn, clock_now(), &sub.blob, &err);
	if (!rc)
		rc = store_submission_add(&txn, &sub, clock_now(), &err);
	if (!rc && *verdict)
		rc = store_submission_judged(&txn, sub.number, &v, &err);
	if (!rc)
		rc = store_commit(&txn, &err);
	if (rc)
		fail_msg("%s", err.text);
	return sub.number;
}

/* ---- clients ------------------------------------------------------------- */

int
server_connect(void)
{
	const struct sockaddr_un at = {.sun_family = AF_UNIX,
				       .sun_path = CONTROL_SOCKET};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	assert_int_equal(connect(fd, (const struct sockaddr *)&at, sizeof(at)),
			 0);
	return fd;
}

void
server_send(int fd, const char *line)
{
	size_t n = strlen(line);

	assert_int_equal(send(fd, line, n, MSG_NOSIGNAL), n);
}

static void
take_line(struct server_answer *a, struct slice text)
{
	json_t *line = json_loadb(text.p, text.n, 0, NULL);
	json_t *item = json_object_get(line, "item");
	const char *piece = json_string_value(json_object_get(line, "text"));

	if (!line)
		fail_msg("no JSON: %.*s", (int)text.n, text.p);
	if (item)
		json_array_append(a->items, item);
	else if (piece)
		strncat(a->text, piece, sizeof(a->text) - strlen(a->text) - 1);
	else if (json_is_true(json_object_get(line, "done")))
		a->exit_status =
			(int)json_integer_value(json_object_get(line, "exit"));
	else
		fail_msg("an unknown line: %.*s", (int)text.n, text.p);
	if (a->exit_status >= 0)
		snprintf(a->error, sizeof(a->error), "%s",
			 json_string_value(json_object_get(line, "error")));
	json_decref(line);
}

struct server_answer
server_read(int fd)
{
	struct control_lines lines = {.fd = fd};
	struct server_answer a = {.items = json_array(), .exit_status = -1};
	struct slice line;

	while (a.exit_status < 0 &&
	       control_lines_next(&lines, CONTROL_ANSWER_MAX, 0, &line, NULL) >
		       0)
		take_line(&a, line);
	control_lines_release(&lines);
	close(fd);
	return a;
}

struct server_answer
server_ask(const char *line)
{
	int fd = server_connect();

	server_send(fd, line);
	server_send(fd, "\n");
	return server_read(fd);
}

void
server_answer_release(struct server_answer *a)
{
	json_decref(a->items);
	a->items = NULL;
}
