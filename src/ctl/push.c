/*
 * push: the changes of our themes to the inboxes of another platform, which
 * follows them (SPEC 7): what it has not had yet, in order, and its receipts
 * back. It may be ended at any moment, and called again: what was sent is
 * found there, what was answered here.
 */
#include "ctl/push.h"

#include "base/clock.h"
#include "base/io.h"
#include "base/layout.h"
#include "base/scope.h"
#include "ctl/ask.h"
#include "ctl/print.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define TURNS_MOST 4 /* files that go another way than the one before */
#define PAUSE_MS 50
#define PAUSE_MOST_MS 1000

/* One call of the verb. */
struct call {
	struct ctl *ctl;
	const char *mountpoint;
	json_t *rows;
	bool unfinished; /* not all is as it should be */
};

static const struct ctl_column columns[] = {
	{"upstream", "UPSTREAM", CTL_TEXT}, {"theme", "THEME", CTL_TEXT},
	{"file", "FILE", CTL_TEXT},	    {"state", "STATE", CTL_TEXT},
	{"version", "VERSION", CTL_NUMBER}, {"newest", "NEWEST", CTL_NUMBER},
};

/* A row of the answer; without a file, how far it is. */
static int
add_row(struct call *c, const struct push *p, const char *file,
	const char *state)
{
	json_t *row =
		json_pack("{s:s, s:s, s:s, s:s, s:I, s:I}", "upstream",
			  p->upstream->name, "theme", p->what->theme, "file",
			  file, "state", state, "version", (json_int_t)p->last,
			  "newest", (json_int_t)p->newest);

	return row ? json_array_append_new(c->rows, row) : -1;
}

/* ---- one file ------------------------------------------------------------ */

static void
rest(int64_t *ms)
{
	const struct timespec pause = {.tv_sec = *ms / 1000,
				       .tv_nsec = *ms % 1000 * 1000000};

	nanosleep(&pause, NULL);
	if (*ms < PAUSE_MOST_MS)
		*ms += *ms / 2;
}

/* CTL_DONE with the answer, or CTL_NO, said. */
static int
send_one(const struct push *p, const char *name, struct push_answer *ret)
{
	int64_t patience = p->upstream->patience_s * CLOCK_NS;
	int64_t until = clock_monotonic() + patience, ms = PAUSE_MS;
	unsigned char sha256[DIGEST_SIZE];
	struct error err = ERROR_INIT;
	int rc = push_send(p, name, sha256, &err);

	while (!rc && !(rc = push_fetch(p, name, sha256, ret, &err))) {
		if (clock_monotonic() > until)
			return ctl_refuse(
				CTL_NO,
				"upstream '%s': no receipt for '%s/%s' in "
				"%" PRId64 " s (patience); it lies there, and "
				"another push asks for it again",
				p->upstream->name, p->what->folder, name,
				p->upstream->patience_s);
		rest(&ms);
	}
	return rc < 0 ? ctl_refuse(CTL_NO, "upstream '%s', theme '%s': %s",
				   p->upstream->name, p->what->theme, err.text)
		      : CTL_DONE;
}

/* ---- which one is next --------------------------------------------------- */

/* Version by version; where that is kept no longer, and at first, all at
 * once. */
static struct span
next_span(const struct push *p)
{
	struct span s = {p->last, p->last + 1};
	char name[SPAN_NAME];

	span_name(&s, name);
	if (p->last && push_has(p, name))
		return s;
	s.to = p->newest;
	span_name(&s, name);
	return push_has(p, name) ? s : (struct span){0, p->newest};
}

/* Where the other platform is not where it was thought to be: from there, or
 * everything. */
static struct span
turn(const struct push *p, int64_t wanted)
{
	struct span s = {wanted, p->newest};
	char name[SPAN_NAME];

	if (wanted < 0 || wanted >= p->newest)
		return (struct span){0, p->newest};
	span_name(&s, name);
	return push_has(p, name) ? s : (struct span){0, p->newest};
}

static bool
is_taken(const struct push_answer *a)
{
	return strcmp(a->state, "accepted") == 0 ||
	       strcmp(a->state, "partial") == 0 ||
	       strcmp(a->state, "unchanged") == 0 ||
	       strcmp(a->state, "superseded") == 0;
}

static void
say_refusal(const struct push *p, const char *name, const struct push_answer *a)
{
	ctl_refuse(
		CTL_NO,
		"upstream '%s': '%s' is %s (%s): read '%s/%s/%s.receipt.txt'",
		p->upstream->name, name, a->state, a->code,
		p->upstream->receipts, p->what->theme, name);
}

/* Until it has all; CTL_DONE, or CTL_NO, said. */
static int
push_all(struct call *c, struct push *p)
{
	struct span span = next_span(p);
	int turns = 0;

	while (p->last < p->newest) {
		struct push_answer answer = {0};
		char name[SPAN_NAME];
		int rc;

		span_name(&span, name);
		rc = send_one(p, name, &answer);
		if (rc)
			return rc;
		if (is_taken(&answer))
			p->last = span.to;
		if (add_row(c, p, name, answer.state))
			return ctl_refuse(CTL_NO, "no memory");
		if (is_taken(&answer)) {
			c->unfinished |= answer.refused > 0;
			span = next_span(p);
		} else if (strcmp(answer.code, "sequence") == 0 &&
			   turns++ < TURNS_MOST && span.from > 0) {
			span = turn(p, turns > 1 ? -1 : answer.wanted);
		} else {
			say_refusal(p, name, &answer);
			return CTL_NO;
		}
	}
	return CTL_DONE;
}

/* ---- one theme ----------------------------------------------------------- */

static int
open_folder(const char *path, bool make, int *ret, struct error *err)
{
	if (make && mkdir(path, 0755) && errno != EEXIST)
		return error_errno(err, errno, "'%s'", path);
	*ret = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return *ret < 0 ? error_errno(err, errno, "'%s'", path) : 0;
}

/* Its parents too. */
static int
make_folder(struct buf *path, int *ret, struct error *err)
{
	if (!buf_str(path))
		return error_nomem(err);
	for (char *at = path->data + 1; (at = strchr(at, '/')); at++) {
		*at = '\0';
		(void)mkdir(path->data, 0755);
		*at = '/';
	}
	return open_folder(path->data, true, ret, err);
}

static int
read_newest(struct call *c, struct push *p, struct error *err)
{
	const struct layout *l = layout_of(c->ctl->config->language);
	scope_buf path = BUF_INIT, text = BUF_INIT;
	int rc;

	if (buf_addf(&path, "%s/%s/%s/%s/%s", c->mountpoint,
		     l->names[LAYOUT_THEMES], p->what->theme,
		     l->names[LAYOUT_VERSIONS], l->names[LAYOUT_CURRENT]) ||
	    !buf_str(&path))
		return error_nomem(err);
	rc = io_slurp(AT_FDCWD, path.data, 64, &text, err);
	if (!rc && !buf_str(&text))
		rc = error_nomem(err);
	p->newest = rc ? 0 : strtoll(text.data, NULL, 10);
	return rc;
}

static int
open_changes(struct call *c, struct push *p, struct error *err)
{
	const struct layout *l = layout_of(c->ctl->config->language);
	scope_buf path = BUF_INIT;

	if (buf_addf(&path, "%s/%s/%s/%s", c->mountpoint,
		     l->names[LAYOUT_THEMES], p->what->theme,
		     l->names[LAYOUT_CHANGES]) ||
	    !buf_str(&path))
		return error_nomem(err);
	return open_folder(path.data, false, &p->changes, err);
}

static int
open_there(struct push *p, struct error *err)
{
	scope_buf path = BUF_INIT, kept = BUF_INIT;
	int rc;

	if (buf_addf(&path, "%s/%s", p->upstream->mount, p->what->folder) ||
	    !buf_str(&path) ||
	    buf_addf(&kept, "%s/%s", p->upstream->receipts, p->what->theme))
		return error_nomem(err);
	rc = open_folder(path.data, false, &p->inbox, err);
	if (!rc)
		rc = make_folder(&kept, &p->kept, err);
	if (!rc && flock(p->kept, LOCK_EX | LOCK_NB))
		rc = errno == EWOULDBLOCK
			     ? error_set(err, ERR_BUSY,
					 "another push is under way")
			     : error_errno(err, errno, "'%s'", kept.data);
	return rc;
}

static void
close_all(struct push *p)
{
	int *fds[] = {&p->changes, &p->inbox, &p->kept};

	for (size_t i = 0; i < sizeof(fds) / sizeof(*fds); i++) {
		if (*fds[i] >= 0)
			close(*fds[i]);
	}
}

static int
push_theme(struct call *c, const struct config_upstream *u,
	   const struct config_push *what)
{
	struct push p = {.upstream = u,
			 .what = what,
			 .changes = -1,
			 .inbox = -1,
			 .kept = -1};
	struct error err = ERROR_INIT;
	int exit_status = CTL_DONE;
	int rc = open_changes(c, &p, &err);

	if (!rc)
		rc = read_newest(c, &p, &err);
	if (!rc)
		rc = open_there(&p, &err);
	if (!rc)
		rc = push_find_last(&p, &err);
	if (rc)
		exit_status =
			ctl_refuse(CTL_NO, "upstream '%s', theme '%s': %s",
				   u->name, what->theme, err.text);
	else if (p.last < p.newest)
		exit_status = push_all(c, &p);
	else if (add_row(c, &p, "", "up to date"))
		exit_status = ctl_refuse(CTL_NO, "no memory");
	close_all(&p);
	return exit_status;
}

/* ---- the verb ------------------------------------------------------------ */

static int
push_upstream(struct call *c, const struct config_upstream *u)
{
	int worst = CTL_DONE;

	for (size_t i = 0; i < u->npushes; i++) {
		int rc = push_theme(c, u, &u->pushes[i]);

		worst = rc ? rc : worst;
	}
	return worst;
}

static int
push_named(struct call *c)
{
	const struct config *config = c->ctl->config;
	const char *name = c->ctl->nargs ? c->ctl->args[0] : NULL;
	int worst = CTL_DONE;
	bool found = !name;

	for (size_t i = 0; i < config->nupstreams; i++) {
		const struct config_upstream *u = &config->upstreams[i];
		int rc;

		if (name && strcmp(u->name, name) != 0)
			continue;
		found = true;
		rc = push_upstream(c, u);
		worst = rc ? rc : worst;
	}
	return found ? worst
		     : ctl_refuse(CTL_USAGE,
				  "there is no upstream '%s': [upstream %s] "
				  "would declare it",
				  name, name);
}

/* The mountpoint is the daemon's to know. */
static int
ask_mountpoint(struct ctl *ctl, struct ctl_answer *answer, const char **ret)
{
	struct ctl_question q = {.request = {.verb = "status"}};
	int rc = ctl_ask(ctl, &q, answer);

	if (rc)
		return rc;
	*ret = json_string_value(json_object_get(
		json_array_get(answer->items, 0), "mountpoint"));
	return *ret ? CTL_DONE
		    : ctl_refuse(CTL_NO, "the daemon does not say where it "
					 "is mounted");
}

int
ctl_push(struct ctl *ctl)
{
	scope_answer answer = {0};
	struct call c = {.ctl = ctl};
	int rc, printed;

	if (!ctl->config)
		return ctl_refuse(CTL_USAGE,
				  "the configuration is wrong: 'civicfs "
				  "check-config' says how");
	if (!ctl->config->nupstreams)
		return ctl_refuse(CTL_USAGE,
				  "there is no other platform to push to: "
				  "[upstream NAME] would declare one");
	rc = ask_mountpoint(ctl, &answer, &c.mountpoint);
	if (rc)
		return rc;
	c.rows = json_array();
	if (!c.rows)
		return ctl_refuse(CTL_NO, "no memory");
	rc = push_named(&c);
	printed = ctl->json ? ctl_json(c.rows)
			    : ctl_table(c.rows, columns,
					sizeof(columns) / sizeof(*columns));
	json_decref(c.rows);
	if (rc || printed)
		return rc ? rc : printed;
	return c.unfinished ? CTL_NO : CTL_DONE;
}
