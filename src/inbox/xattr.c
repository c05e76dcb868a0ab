/* Extended attributes: user.* of uploads are kept for whoever sets them;
 * user.civicfs.* are answered (SPEC 5). */
#include "inbox/state.h"

#include <errno.h>
#include <linux/limits.h>
#include <stdio.h>
#include <sys/xattr.h>

#define OURS "user.civicfs."
#define XATTR_BYTES_MAX 65536 /* of all names and values of one file */

static bool
begins(const char *name, const char *prefix)
{
	return strncmp(name, prefix, strlen(prefix)) == 0;
}

/* Whether a name may be set, on an upload: 0 or what SPEC 5 says. */
static int
check_set(enum inbox_part part, const char *name)
{
	if (!begins(name, "user."))
		return -EOPNOTSUPP;
	if (part != INBOX_FILE || begins(name, OURS))
		return -EPERM;
	if (strlen(name) > XATTR_NAME_MAX)
		return -ERANGE;
	return 0;
}

/* ---- what civicfs says of a file ----------------------------------------- */

struct facts {
	char submission[STORE_SUBMISSION_ID_MAX]; /* "" not yet */
	char status[16];			  /* "" none */
	int64_t seq;				  /* of its publish; 0 none */
};

static int
facts_of_submission(struct sql *db, int64_t number, struct facts *ret,
		    struct error *err)
{
	struct store_submission s;
	int rc = store_submission_get(db, number, &s, err);

	if (rc <= 0)
		return rc;
	snprintf(ret->submission, sizeof(ret->submission), "%s", s.id);
	snprintf(ret->status, sizeof(ret->status), "%s", s.state);
	ret->seq = s.told_seq;
	store_submission_release(&s);
	return 1;
}

/* A file that no submission holds is being received, or was left incomplete;
 * one that has a temporary name will not be judged, so there is nothing to
 * say of it. */
static int
facts_of_upload(struct sql *db, int64_t id, struct facts *ret,
		struct error *err)
{
	struct store_inbox_file f;
	int rc = store_inbox_get(db, id, &f, err);

	if (rc <= 0)
		return rc;
	if (f.submission)
		return facts_of_submission(db, f.submission, ret, err);
	if (!inbox_is_temporary(f.name))
		snprintf(ret->status, sizeof(ret->status), "%s",
			 !f.handles && (f.killed || !f.quiet_since)
				 ? "incomplete"
				 : "receiving");
	return 1;
}

static int
facts_of(struct sql *db, enum inbox_part part, int64_t id, struct facts *ret)
{
	struct error err = ERROR_INIT;
	int rc;

	*ret = (struct facts){0};
	rc = part == INBOX_FILE ? facts_of_upload(db, id, ret, &err)
				: facts_of_submission(db, id, ret, &err);
	if (rc < 0)
		return inbox_errno(rc, &err);
	return rc ? 0 : -ESTALE;
}

static const char *
fact(const struct facts *facts, const char *name)
{
	if (strcmp(name, OURS "submission") == 0)
		return facts->submission;
	if (strcmp(name, OURS "status") == 0)
		return facts->status;
	return "";
}

/* ---- reading ------------------------------------------------------------- */

/* What getxattr(2) and listxattr(2) do with the caller's size. */
static ssize_t
hand_out(struct slice value, void *p, size_t n)
{
	if (n == 0)
		return (ssize_t)value.n;
	if (value.n > n)
		return -ERANGE;
	if (value.n)
		memcpy(p, value.p, value.n);
	return (ssize_t)value.n;
}

ssize_t
inbox_getxattr(struct inbox *inbox, enum inbox_part part, int64_t id,
	       const char *name, void *p, size_t n)
{
	struct error err = ERROR_INIT;
	scope_reader reader = {0};
	scope_buf value = BUF_INIT;
	int rc = store_reader_get(inbox->store, &reader, &err);

	if (rc)
		return inbox_errno(rc, &err);
	if (begins(name, OURS)) {
		struct facts facts;
		const char *text;

		rc = facts_of(reader.db, part, id, &facts);
		if (rc)
			return rc;
		/* the receipt is not there either: inbox_tell() */
		if (facts.seq > inbox->told)
			snprintf(facts.status, sizeof(facts.status), "judging");
		text = fact(&facts, name);
		return *text ? hand_out(slice_str(text), p, n) : -ENODATA;
	}
	if (!begins(name, "user."))
		return -EOPNOTSUPP;
	if (part != INBOX_FILE)
		return -ENODATA;
	rc = store_inbox_xattr_get(reader.db, id, name, &value, &err);
	if (rc < 0)
		return inbox_errno(rc, &err);
	return rc ? hand_out(buf_slice(&value), p, n) : -ENODATA;
}

ssize_t
inbox_listxattr(struct inbox *inbox, enum inbox_part part, int64_t id, char *p,
		size_t n)
{
	struct error err = ERROR_INIT;
	scope_reader reader = {0};
	scope_buf names = BUF_INIT;
	struct facts facts;
	int rc = store_reader_get(inbox->store, &reader, &err);

	if (rc)
		return inbox_errno(rc, &err);
	rc = facts_of(reader.db, part, id, &facts);
	if (rc)
		return rc;
	/* With their NULs. */
	if (*facts.status &&
	    buf_add(&names, OURS "status", sizeof(OURS "status")))
		return -ENOMEM;
	if (*facts.submission &&
	    buf_add(&names, OURS "submission", sizeof(OURS "submission")))
		return -ENOMEM;
	if (part == INBOX_FILE)
		rc = store_inbox_xattr_names(reader.db, id, &names, &err);
	return rc < 0 ? inbox_errno(rc, &err)
		      : hand_out(buf_slice(&names), p, n);
}

/* ---- setting ------------------------------------------------------------- */

/* A settling file waits again: something still touches it. */
static int
touch(struct inbox_change *c, int64_t id)
{
	struct store_inbox_file f;
	int rc = store_inbox_get(c->txn.db, id, &f, &c->err);

	if (rc < 0)
		return inbox_errno(rc, &c->err);
	if (!rc)
		return -ESTALE;
	if (!f.quiet_since || f.submission)
		return 0;
	f.quiet_since = clock_now();
	rc = store_inbox_set(&c->txn, &f, &c->err);
	return rc ? inbox_errno(rc, &c->err) : 0;
}

static int
check_room(struct inbox_change *c, int64_t id, const char *name, bool exists,
	   size_t old, size_t n)
{
	int64_t bytes = 0;
	int rc = store_inbox_xattr_bytes(c->txn.db, id, &bytes, &c->err);

	if (rc)
		return inbox_errno(rc, &c->err);
	bytes += (int64_t)n - (int64_t)old;
	if (!exists)
		bytes += (int64_t)strlen(name);
	return bytes > XATTR_BYTES_MAX ? -ENOSPC : 0;
}

int
inbox_setxattr(struct inbox *inbox, const struct inbox_request *req,
	       enum inbox_part part, int64_t id, const char *name,
	       const void *p, size_t n, int flags)
{
	scope_buf old = BUF_INIT;
	scope_change c;
	int64_t node;
	int exists;
	int rc = inbox_change_begin_light(inbox, &c);

	if (!rc)
		rc = check_set(part, name);
	if (!rc)
		rc = inbox_change_answered(&c, req, &node);
	if (rc)
		return rc < 0 ? rc : 0;
	exists = store_inbox_xattr_get(c.txn.db, id, name, &old, &c.err);
	if (exists < 0)
		return inbox_errno(exists, &c.err);
	if (exists && (flags & XATTR_CREATE))
		return -EEXIST;
	if (!exists && (flags & XATTR_REPLACE))
		return -ENODATA;
	rc = touch(&c, id);
	if (!rc)
		rc = check_room(&c, id, name, exists, old.len, n);
	if (rc)
		return rc;
	rc = store_inbox_xattr_set(&c.txn, id, name, (struct slice){p, n},
				   &c.err);
	if (rc)
		return inbox_errno(rc, &c.err);
	rc = inbox_change_answer(&c, req, id);
	return rc ? rc : inbox_change_commit(&c);
}

int
inbox_removexattr(struct inbox *inbox, const struct inbox_request *req,
		  enum inbox_part part, int64_t id, const char *name)
{
	scope_change c;
	int64_t node;
	int rc = inbox_change_begin_light(inbox, &c);

	if (!rc)
		rc = check_set(part, name);
	if (!rc)
		rc = inbox_change_answered(&c, req, &node);
	if (rc)
		return rc < 0 ? rc : 0;
	rc = touch(&c, id);
	if (rc)
		return rc;
	rc = store_inbox_xattr_remove(&c.txn, id, name, &c.err);
	if (rc <= 0)
		return rc ? inbox_errno(rc, &c.err) : -ENODATA;
	rc = inbox_change_answer(&c, req, id);
	return rc ? rc : inbox_change_commit(&c);
}
