/*
 * Fix files in an inbox folder (SPEC 6.4, 6.5). With a verdict that refuses
 * rows a file appears beside the judged one, bound to the same submission.
 * Whoever opens it for writing gets a copy, as of any judged file, and editors
 * may save in whatever way they do: what is complete under such a name is a
 * round of the submission that the name belongs to.
 */
#include "inbox/state.h"

#include "store/fix.h"

#include <errno.h>
#include <stdio.h>
#include <utf8proc.h>

/* ---- with the file it belongs to ----------------------------------------- */

/* The row that is a judged file's fix file, if nobody has written it since. */
static int
find_fix_as(struct inbox_change *c, const struct store_inbox_file *f,
	    bool workbook, struct store_inbox_file *ret)
{
	char key[STORE_INBOX_KEY_MAX];
	int n = snprintf(key, sizeof(key), "%s%s", f->key,
			 inbox_fix_suffix(workbook));
	int rc;

	if (n < 0 || (size_t)n >= sizeof(key))
		return 0;
	rc = store_inbox_find(c->txn.db, f->resource, key, ret, &c->err);
	if (rc < 0)
		return inbox_errno(rc, &c->err);
	return rc && ret->fix && ret->submission == f->submission;
}

static int
find_fix(struct inbox_change *c, const struct store_inbox_file *f,
	 bool *ret_workbook, struct store_inbox_file *ret)
{
	int rc;

	if (!f->submission || f->fix || !*f->key)
		return 0;
	*ret_workbook = false;
	rc = find_fix_as(c, f, false, ret);
	if (rc)
		return rc;
	*ret_workbook = true;
	return find_fix_as(c, f, true, ret);
}

int
inbox_fix_unlink(struct inbox_change *c, const struct store_inbox_file *f)
{
	struct store_inbox_file fix;
	bool workbook;
	int rc = find_fix(c, f, &workbook, &fix);

	if (rc > 0)
		rc = inbox_change_unlink(c, &fix);
	return rc < 0 ? rc : 0;
}

int
inbox_fix_stands(struct inbox_change *c, const struct store_inbox_file *f)
{
	struct store_inbox_file fix;
	bool workbook;

	return find_fix(c, f, &workbook, &fix);
}

int
inbox_fix_rename(struct inbox_change *c, const struct store_inbox_file *f,
		 const char *to)
{
	struct store_inbox_file fix, there;
	bool workbook = false;
	int rc = find_fix(c, f, &workbook, &fix);
	int n;

	if (rc <= 0)
		return rc;
	n = snprintf(fix.name, sizeof(fix.name), "%s%s", to,
		     inbox_fix_suffix(workbook));
	if (n < 0 || (size_t)n >= sizeof(fix.name))
		return -ENAMETOOLONG;
	rc = inbox_name_key(fix.name, fix.key);
	if (rc)
		return rc;
	rc = store_inbox_find(c->txn.db, f->resource, fix.key, &there, &c->err);
	if (rc > 0 && there.id != fix.id)
		rc = inbox_change_unlink(c, &there);
	if (rc < 0)
		return c->err.code ? inbox_errno(rc, &c->err) : rc;
	rc = store_inbox_set(&c->txn, &fix, &c->err);
	return rc ? inbox_errno(rc, &c->err) : 0;
}

/* ---- it has come back ---------------------------------------------------- */

/* By its name: a file is known under the name it was sent with, and the name
 * of its fix file may come back in another normal form. */
static int
find_named(struct sql *db, int64_t resource, const char *name,
	   struct store_submission *ret, struct error *err)
{
	scope_free utf8proc_uint8_t *nfd = NULL;
	char key[STORE_INBOX_KEY_MAX];

	if (inbox_name_key(name, key))
		return 0;
	nfd = utf8proc_NFD((const utf8proc_uint8_t *)name);
	if (!nfd)
		return error_nomem(err);
	return store_submission_named(
		db, resource, (const char *[]){name, key, (const char *)nfd},
		ret, err);
}

/* The newest submission of the name: of the file beside it, which may have
 * been renamed since, or else of the last file that was called so. */
static int
find_submission(struct sql *db, const struct store_inbox_file *f,
		struct store_submission *ret, struct error *err)
{
	char base[STORE_INBOX_NAME_MAX], key[STORE_INBOX_KEY_MAX];
	struct store_inbox_file file;
	size_t n = inbox_fix_base(f->name);
	int rc;

	if (!n)
		return 0;
	memcpy(base, f->name, n);
	base[n] = '\0';
	if (inbox_name_key(base, key))
		return 0;
	rc = store_inbox_find(db, f->resource, key, &file, err);
	if (rc < 0)
		return rc;
	if (rc && file.submission && !file.fix)
		return store_submission_get(db, file.submission, ret, err);
	return find_named(db, f->resource, base, ret, err);
}

bool
inbox_fix_is_awaited(const struct store_submission *s)
{
	return s->fix_blob && !s->expired &&
	       (strcmp(s->state, "partial") == 0 ||
		strcmp(s->state, "quarantined") == 0);
}

static int
begin_round(struct store_txn *txn, struct store_inbox_file *f,
	    const struct store_submission *s, struct store_fix_round *round,
	    struct error *err)
{
	round->submission = s->number;
	memcpy(round->was, s->state, sizeof(round->was));
	f->submission = s->number;
	f->fix = true;
	return store_fix_begin(txn, round, err);
}

int
inbox_fix_bind(struct store_txn *txn, struct store_inbox_file *f, int64_t bytes,
	       const char *user, int64_t now, enum inbox_fate *ret,
	       struct error *err)
{
	scope_free char *by = strdup(user);
	struct store_fix_round round = {.blob = f->blob,
					.bytes = bytes,
					.submitted_by = by,
					.received_at = now};
	struct store_submission s;
	int rc = find_submission(txn->db, f, &s, err);

	*ret = INBOX_FATE_SUBMISSION;
	if (rc <= 0)
		return rc;
	rc = by ? 0 : error_nomem(err);
	if (strcmp(s.state, "judging") == 0 || s.released || s.again) {
		*ret = INBOX_FATE_LATER;
	} else if (!rc && inbox_fix_is_awaited(&s)) {
		*ret = INBOX_FATE_ROUND;
		rc = begin_round(txn, f, &s, &round, err);
	}
	store_submission_release(&s);
	return rc;
}

/* ---- it appears ---------------------------------------------------------- */

/* Of several verdicts of one submission the last one's is shown, and what came
 * back has been judged. A copy under a name of its own is its owner's. */
static int
clear(struct store_txn *txn, int64_t submission, struct inbox_fix_gone *gone,
      struct error *err)
{
	struct store_inbox_file f = {.id = 0};
	int rc;

	while ((rc = store_inbox_fix_of(txn->db, submission, f.id, &f, err)) >
	       0) {
		if (!inbox_is_fix(f.name))
			continue;
		f.key[0] = '\0';
		f.quiet_since = 0;
		rc = store_inbox_set(txn, &f, err);
		if (rc)
			break;
		if (gone->n < sizeof(gone->files) / sizeof(*gone->files))
			gone->files[gone->n++] = f.id;
	}
	return rc;
}

int
inbox_fix_add(struct store_txn *txn, const struct store_inbox_file *f,
	      int64_t fix_blob, bool workbook, struct error *err)
{
	struct store_inbox_file there, fix = {.resource = f->resource,
					      .blob = fix_blob,
					      .mode = f->mode,
					      .uid = f->uid,
					      .gid = f->gid,
					      .writer = f->writer,
					      .submission = f->submission,
					      .fix = true};
	int n = snprintf(fix.name, sizeof(fix.name), "%s%s", f->name,
			 inbox_fix_suffix(workbook));
	int rc;

	if (n < 0 || (size_t)n >= sizeof(fix.name) ||
	    inbox_name_key(fix.name, fix.key))
		return 0;
	rc = store_inbox_find(txn->db, fix.resource, fix.key, &there, err);
	return rc ? (rc < 0 ? rc : 0) : store_inbox_add(txn, &fix, err);
}

int
inbox_fix_show(struct store_txn *txn, const struct store_submission *s,
	       int64_t fix_blob, bool workbook, struct inbox_fix_gone *ret,
	       struct error *err)
{
	struct store_inbox_file f;
	int rc;

	ret->n = 0;
	rc = clear(txn, s->number, ret, err);
	if (rc || !fix_blob)
		return rc;
	rc = store_inbox_of(txn->db, s->number, &f, err);
	/* replaced or removed: the archive has it */
	return rc <= 0 ? rc : inbox_fix_add(txn, &f, fix_blob, workbook, err);
}

void
inbox_fix_shown(struct inbox *inbox, const struct inbox_fix_gone *gone)
{
	for (size_t i = 0; i < gone->n; i++)
		(void)!inbox_reap(inbox, gone->files[i], false);
}
