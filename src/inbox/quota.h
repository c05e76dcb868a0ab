/*
 * What each department has stored, and whether it may store more (SPEC 3,
 * 'quota'). Counted are the lengths of the files in its inbox and of the
 * originals in its archive; a judged file and its original are the same bytes
 * and count once. A hole counts as its length. Receipts, fix files and
 * extended attributes do not count: they are the platform's answers.
 *
 * What submissions hold is summed up in the database (store_usage_get), in
 * the transactions that change it; the bytes of files that are not bound yet
 * are kept here and counted anew at every start. Bytes are charged before
 * they are written, so writers in parallel never get beyond the quota.
 *
 * Functions that charge return 0 or a NEGATIVE ERRNO. Any thread; a lock is
 * held for moments only, except that a refusal first asks the database.
 */
#ifndef INBOX_QUOTA_H
#define INBOX_QUOTA_H

#include "inbox/inbox.h"

struct inbox_quota;

/* 'resources' are the numbers of config->resources, 'trials' those of their
 * dry runs. */
MUST_CHECK int inbox_quota_new(struct store *store, const struct config *config,
			       const int64_t *resources, const int64_t *trials,
			       struct inbox_quota **ret, struct error *err);
void inbox_quota_free(struct inbox_quota *q);
/* Asks the database what the submissions hold. Also before a refusal. */
MUST_CHECK int inbox_quota_refresh(struct inbox_quota *q, struct error *err);

/* Whose the files of a resource are; INBOX_QUOTA_NOBODY when the
 * configuration does not know it: nothing is counted then. */
#define INBOX_QUOTA_NOBODY ((size_t)-1)
size_t inbox_quota_of(const struct inbox_quota *q, int64_t resource);

/* Whether a department may store anything more: 0 or -EDQUOT. */
MUST_CHECK int inbox_quota_room(struct inbox_quota *q, size_t department);
/* The bytes of a blob are about to reach up to 'end'. After success comes
 * inbox_quota_written(). -EDQUOT, -ENOMEM. */
MUST_CHECK int inbox_quota_charge(struct inbox_quota *q, size_t department,
				  int64_t blob, int64_t end);
/* They do; or 'failed', and then the length of 'fd' is what counts, as soon
 * as nobody else writes. */
void inbox_quota_written(struct inbox_quota *q, int64_t blob, int fd,
			 bool failed);
/* The blob of an upload has this length, whatever the quota says. */
MUST_CHECK int inbox_quota_set(struct inbox_quota *q, size_t department,
			       int64_t blob, int64_t bytes);
/* An unbound blob is gone. */
void inbox_quota_drop(struct inbox_quota *q, int64_t blob);

/* Around a commit that moves bytes into or out of submissions: meanwhile the
 * sums of the database are not taken over. */
void inbox_quota_move(struct inbox_quota *q);
void inbox_quota_moved(struct inbox_quota *q);
/* Between the two, after the commit: bytes that submissions hold now, or
 * (negative) no more. */
void inbox_quota_keep(struct inbox_quota *q, size_t department, int64_t bytes);

/* 0 when there is no such department. */
struct inbox_usage inbox_quota_usage(struct inbox_quota *q, size_t department);
size_t inbox_quota_find(const struct inbox_quota *q, const char *department);
size_t inbox_quota_count(const struct inbox_quota *q);

/* Tells 'told' once when a department is refused something, and again only
 * after there was room in between. */
void inbox_quota_on_refusal(struct inbox_quota *q,
			    void (*told)(void *ctx, const char *text),
			    void *ctx);

#endif
