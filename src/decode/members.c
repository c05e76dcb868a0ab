/* Members of archives: see members.h. */
#include "decode/members.h"

#include "base/scope.h"
#include "base/sentence.h"
#include "base/text.h"
#include "decode/fault.h"

#include <assert.h>
#include <errno.h>
#include <iconv.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

void
decode_members_release(struct decode_members *m)
{
	for (size_t i = 0; i < m->n; i++)
		free(m->list[i].name);
	free(m->list);
}

int
decode_members_add(struct decode_members *m, struct slice name,
		   struct decode_member **ret, struct error *err)
{
	struct decode_member *member;

	if (!name.p || !name.n || name.n > DECODE_NAME_MAX ||
	    memchr(name.p, '\0', name.n))
		return sentence_error(err, ERR_INVALID, MSG_MEMBER_NAME,
				      "%zu" AND "%d", m->n + 1,
				      DECODE_NAME_MAX);
	if (m->n == m->cap) {
		size_t cap = m->cap ? 2 * m->cap : 16;
		struct decode_member *more =
			reallocarray(m->list, cap, sizeof(*more));

		if (!more)
			return error_nomem(err);
		m->list = more;
		m->cap = cap;
	}
	member = &m->list[m->n];
	*member = (struct decode_member){.name = strndup(name.p, name.n),
					 .size = -1};
	if (!member->name)
		return error_nomem(err);
	m->n++;
	*ret = member;
	return 0;
}

/* ---- names --------------------------------------------------------------- */

static int
from_gb18030(iconv_t conv, char **name, struct error *err)
{
	char out[4 * DECODE_NAME_MAX], *to = out, *from = *name;
	size_t room = sizeof(out), left;
	char *made;

	assert(from); /* every member has a name */
	left = strlen(from);
	iconv(conv, NULL, NULL, NULL, NULL);
	if (iconv(conv, &from, &left, &to, &room) == (size_t)-1)
		return sentence_error(err, ERR_INVALID, MSG_MEMBER_NAMES, "");
	made = strndup(out, (size_t)(to - out));
	if (!made)
		return error_nomem(err);
	free(*name);
	*name = made;
	return 0;
}

/* One encoding for all that do not say theirs: names are too short to tell it
 * one by one. */
static int
decide_encoding(struct decode_members *m, struct error *err)
{
	bool all = true;
	iconv_t conv;
	int rc = 0;

	for (size_t i = 0; i < m->n; i++) {
		bool so = text_is_utf8(slice_str(m->list[i].name), NULL);

		if (!so && m->list[i].utf8)
			return sentence_error(err, ERR_INVALID,
					      MSG_MEMBER_NO_UTF8, "");
		all &= so;
	}
	if (all)
		return 0;
	conv = iconv_open("UTF-8", "GB18030");
	if (conv == (iconv_t)-1)
		return error_errno(err, errno, "no converter for GB18030");
	for (size_t i = 0; !rc && i < m->n; i++) {
		if (!m->list[i].utf8)
			rc = from_gb18030(conv, &m->list[i].name, err);
	}
	iconv_close(conv);
	return rc;
}

static bool
has_dots(const char *name)
{
	for (const char *p = name; p; p = strchr(p, '/')) {
		p += *p == '/';
		if (p[0] == '.' && p[1] == '.' && (!p[2] || p[2] == '/'))
			return true;
	}
	return false;
}

static int
check_name(const char *name, struct error *err)
{
	for (const char *p = name; *p; p++) {
		if ((unsigned char)*p < ' ' || *p == 0x7f)
			return sentence_error(err, ERR_INVALID,
					      MSG_MEMBER_CONTROL, "");
	}
	if (*name == '/' || strchr(name, '\\') || (*name && name[1] == ':') ||
	    has_dots(name))
		return sentence_error(err, ERR_INVALID, MSG_MEMBER_PATH,
				      "%.200s", name);
	return 0;
}

/* What file managers pack along. */
static bool
is_left_behind(const char *name)
{
	const char *base = strrchr(name, '/');

	base = base ? base + 1 : name;
	return !strncmp(name, "__MACOSX/", 9) || !strncmp(base, "._", 2) ||
	       !strcmp(base, ".DS_Store") || !strcasecmp(base, "Thumbs.db") ||
	       !strcasecmp(base, "desktop.ini");
}

struct sorted {
	const char *name;
};

static int
by_name(const void *a, const void *b)
{
	const struct sorted *x = a, *y = b;

	return strcasecmp(x->name, y->name);
}

static int
check_repeats(const struct decode_members *m, struct error *err)
{
	scope_free struct sorted *sorted = calloc(m->n + 1, sizeof(*sorted));

	if (!sorted)
		return error_nomem(err);
	for (size_t i = 0; i < m->n; i++)
		sorted[i].name = m->list[i].name;
	qsort(sorted, m->n, sizeof(*sorted), by_name);
	for (size_t i = 1; i < m->n; i++) {
		if (!strcasecmp(sorted[i - 1].name, sorted[i].name))
			return sentence_error(err, ERR_INVALID,
					      MSG_MEMBER_TWICE, "%.200s",
					      sorted[i].name);
	}
	return 0;
}

static int
by_place(const void *a, const void *b)
{
	const struct decode_member *x = a, *y = b;

	return (x->place > y->place) - (x->place < y->place);
}

int
decode_members_check(struct decode_members *m, struct error *err)
{
	int rc = decide_encoding(m, err);

	for (size_t i = 0; !rc && i < m->n; i++) {
		rc = check_name(m->list[i].name, err);
		m->list[i].folder |= is_left_behind(m->list[i].name);
	}
	if (rc)
		return rc;
	if (m->n)
		qsort(m->list, m->n, sizeof(*m->list), by_place);
	return check_repeats(m, err);
}

const struct decode_member *
decode_members_find(const struct decode_members *m, const char *name)
{
	for (size_t i = 0; i < m->n; i++) {
		if (!strcasecmp(m->list[i].name, name))
			return &m->list[i];
	}
	return NULL;
}

/* ---- one after the other ------------------------------------------------- */

/* Stands between the core and the caller's sink while members are read. */
struct members_run {
	struct decode_job *job;
	const struct decode_sink *sink;
	bool quiet;   /* nothing is passed on */
	bool no_rows; /* no rows are */
	bool any;     /* a member without fault was given */
	bool faults;  /* of this member or, without members_each, of any */
	bool left;    /* a member with faults was left out */
};

static int
on_header(void *ctx, const struct decode_header *h)
{
	const struct members_run *run = ctx;

	return run->quiet ? 0 : run->sink->header(run->sink->ctx, h);
}

static int
on_row(void *ctx, const struct decode_row *r)
{
	const struct members_run *run = ctx;

	if (run->quiet || run->no_rows)
		return 0;
	return run->sink->row(run->sink->ctx, r);
}

static int
on_fault(void *ctx, const struct decode_fault *f)
{
	struct members_run *run = ctx;

	run->faults = true;
	return run->quiet ? 0 : run->sink->fault(run->sink->ctx, f);
}

static int
on_warning(void *ctx, const struct decode_fault *f)
{
	const struct members_run *run = ctx;

	if (run->quiet || !run->sink->warning)
		return 0;
	return run->sink->warning(run->sink->ctx, f);
}

/* One time through a member; rows that are not given are not counted. */
static int
run_once(struct members_run *run, const struct decode_bytes *bytes)
{
	struct decode_job *job = run->job;
	int64_t row = job->row, room = job->room.at;
	int rc;

	job->end = DECODE_DONE;
	rc = decode_job_run(job, bytes);
	job->room.at = room;
	if (run->quiet || run->no_rows)
		job->row = row;
	if (rc || job->end != DECODE_INCOMPLETE)
		return rc;
	return decode_fault_report(job->sink, DECODE_FAULT_FORMAT,
				   (struct decode_place){0},
				   MSG_MEMBER_NOT_WHOLE, "");
}

/* What counts alone is read twice: its rows are given once it is known that
 * it has no fault. */
static int
run_member(struct members_run *run, const struct decode_bytes *bytes)
{
	int rc;

	if (run->job->req->members_each) {
		run->faults = false;
		run->quiet = true;
		rc = run_once(run, bytes);
		run->quiet = false;
		if (rc)
			return rc;
	}
	run->no_rows = run->faults;
	rc = run_once(run, bytes);
	run->any |= !run->faults;
	run->left |= run->faults;
	return rc;
}

/* Into the room, from where it is read by position. */
static int
unpack_member(struct decode_job *job, struct decode_archive *a,
	      const struct decode_member *member, struct decode_bytes *ret)
{
	int64_t from = job->room.at;

	for (;;) {
		const char *block;
		ssize_t n = decode_archive_block(a, &block, job->err);
		int rc;

		if (n <= 0) {
			*ret = decode_room_since(&job->room, from);
			return (int)n;
		}
		/* a zip's sizes were counted from its directory */
		rc = member->size < 0 ? decode_job_count(job, n) : 0;
		if (!rc && member->size >= 0 &&
		    job->room.at - from + n > member->size)
			rc = sentence_error(job->err, ERR_INVALID,
					    MSG_MEMBER_LARGER, "%.200s",
					    member->name);
		if (!rc)
			rc = decode_room_add(&job->room, block, (size_t)n,
					     job->err);
		if (rc)
			return rc;
	}
}

static int
run_all(struct members_run *run, struct decode_archive *a,
	const struct decode_members *members)
{
	struct decode_job *job = run->job;
	int rc = 0;

	for (size_t i = 0; !rc && i < members->n; i++) {
		const struct decode_member *member = &members->list[i];
		struct archive_entry *entry;
		int64_t room = job->room.at;
		struct decode_bytes bytes;

		rc = decode_archive_next(a, &entry, job->err);
		if (rc == 0)
			rc = sentence_error(job->err, ERR_INVALID,
					    MSG_MEMBER_COUNT, "%zu" AND "%zu",
					    i, members->n);
		rc = rc < 0 ? rc : 0;
		if (rc || member->folder)
			continue;
		if (run->sink->member)
			rc = run->sink->member(run->sink->ctx, member->name);
		if (!rc)
			rc = unpack_member(job, a, member, &bytes);
		if (!rc)
			rc = run_member(run, &bytes);
		job->room.at = room;
	}
	return rc;
}

int
decode_members_run(struct decode_job *job, const struct decode_bytes *bytes,
		   const struct decode_members *members)
{
	struct members_run run = {.job = job, .sink = job->sink};
	const struct decode_sink between = {
		.header = on_header,
		.row = on_row,
		.fault = on_fault,
		.warning = on_warning,
		.ctx = &run,
	};
	scope_archive a = NULL;
	size_t files = 0;
	int rc;

	if (job->inside)
		return sentence_error(job->err, ERR_INVALID, MSG_ARCHIVE_INSIDE,
				      "");
	for (size_t i = 0; i < members->n; i++)
		files += !members->list[i].folder;
	if (!files)
		return sentence_error(job->err, ERR_INVALID, MSG_ARCHIVE_EMPTY,
				      "");
	rc = decode_archive_open(bytes, members->packing, &a, job->err);
	if (rc)
		return rc;
	job->inside = true;
	job->sink = &between;
	rc = run_all(&run, a, members);
	job->sink = run.sink;
	job->inside = false;
	if (rc)
		return rc;
	job->end = !run.left			       ? DECODE_DONE
		   : run.any && job->req->members_each ? DECODE_SOME
						       : DECODE_REJECTED;
	return 0;
}
