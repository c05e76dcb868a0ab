/* close() that answers with the verdict: see closing.h. */
#include "mount/closing.h"

#include "base/scope.h"
#include "store/submission.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

struct closing {
	struct closing *next;
	fuse_req_t req;
	int64_t submission;
};

struct closings {
	pthread_mutex_t lock;
	struct closing *first;
	bool ended; /* requests cannot be answered */
};

struct closings *
mount_closings_new(void)
{
	struct closings *c = calloc(1, sizeof(*c));

	if (c && pthread_mutex_init(&c->lock, NULL)) {
		free(c);
		return NULL;
	}
	return c;
}

void
mount_closings_free(struct closings *c)
{
	if (!c)
		return;
	pthread_mutex_destroy(&c->lock);
	free(c);
}

void
mount_closings_begin(struct closings *c)
{
	pthread_mutex_lock(&c->lock);
	c->ended = false;
	pthread_mutex_unlock(&c->lock);
}

void
mount_closings_end(struct closings *c)
{
	pthread_mutex_lock(&c->lock);
	c->ended = true;
	while (c->first) {
		struct closing *x = c->first;

		c->first = x->next;
		fuse_reply_none(x->req);
		free(x);
	}
	pthread_mutex_unlock(&c->lock);
}

static int
add(struct closings *c, fuse_req_t req, int64_t submission)
{
	struct closing *x = malloc(sizeof(*x));

	if (!x)
		return -ENOMEM;
	*x = (struct closing){.req = req, .submission = submission};
	pthread_mutex_lock(&c->lock);
	x->next = c->first;
	c->first = x;
	pthread_mutex_unlock(&c->lock);
	return 0;
}

/* Answers those that wait for a submission, 0: for any. */
static void
answer(struct closings *c, int64_t submission, int errnum)
{
	struct closing **at = &c->first;

	pthread_mutex_lock(&c->lock);
	while (*at) {
		struct closing *x = *at;

		if (submission && x->submission != submission) {
			at = &x->next;
			continue;
		}
		*at = x->next;
		fuse_reply_err(x->req, errnum);
		free(x);
	}
	pthread_mutex_unlock(&c->lock);
}

/* ---- the verdict as an errno --------------------------------------------- */

/* 1 there is one, 0 not yet, or negative. */
static int
find_verdict(struct mount *m, int64_t submission, int *ret, struct error *err)
{
	struct store_submission s = {0};
	scope_reader reader = {0};
	char code[32];
	int rc = store_reader_get(m->context.store, &reader, err);

	if (!rc)
		rc = store_submission_get(reader.db, submission, &s, err);
	if (rc <= 0)
		return rc;
	rc = strcmp(s.state, "judging") != 0;
	*ret = 0;
	if (rc && strcmp(s.state, "accepted") != 0 &&
	    strcmp(s.state, "unchanged") != 0)
		*ret = EBADMSG;
	store_submission_release(&s);
	if (!rc || !*ret)
		return rc;
	rc = store_submission_first_code(reader.db, submission, code, err);
	if (!rc && strcmp(code, "encoding-error") == 0)
		*ret = EILSEQ;
	return rc ? rc : 1;
}

void
mount_answer_close(struct mount *m, int64_t submission)
{
	struct error err = ERROR_INIT;
	int errnum = 0;
	int rc = find_verdict(m, submission, &errnum, &err);

	if (rc)
		answer(m->closings, submission, rc < 0 ? EIO : errnum);
}

void
mount_fail_closes(struct mount *m, int errnum)
{
	answer(m->closings, 0, errnum);
}

/* ---- FLUSH --------------------------------------------------------------- */

/* The most bytes of a file whose close() is answered so; 0: none is. */
static int64_t
limit_of(const struct mount *m, int64_t file)
{
	const struct config *config = m->context.config;
	const struct config_resource *r;
	struct inbox_entry e;

	if (inbox_stat(m->context.inbox, INBOX_FILE, file, &e))
		return 0;
	r = mount_resource(m, e.resource);
	if (!r || !r->verdict_close)
		return 0;
	return r->close_limit ? r->close_limit : config->close_limit;
}

static bool
is_asked_for(const struct mount *m)
{
	for (size_t i = 0; i < m->context.config->nresources; i++) {
		if (m->context.config->resources[i].verdict_close)
			return true;
	}
	return false;
}

bool
mount_close_waits(struct mount *m, fuse_req_t req, int64_t file)
{
	int64_t limit = is_asked_for(m) ? limit_of(m, file) : 0;
	int64_t submission = 0;
	int rc = limit ? inbox_complete(m->context.inbox, file, limit,
					&submission)
		       : 0;

	if (!rc && !submission)
		return false;
	if (!rc)
		rc = add(m->closings, req, submission);
	if (rc)
		fuse_reply_err(req, -rc);
	else
		mount_answer_close(m, submission);
	return true;
}
