/* What a folder shows: uploads, and the receipts and fix files beside them. */
#include "inbox/state.h"

#include <errno.h>
#include <stdio.h>

#define RECEIPT_MODE 0444

int
inbox_row(struct inbox *inbox, int64_t id, struct store_inbox_file *ret)
{
	struct error err = ERROR_INIT;
	scope_reader reader = {0};
	int rc = store_reader_get(inbox->store, &reader, &err);

	if (!rc)
		rc = store_inbox_get(reader.db, id, ret, &err);
	if (rc < 0)
		return inbox_errno(rc, &err);
	return rc ? 0 : -ESTALE;
}

void
inbox_fall_quiet(struct store_inbox_file *f, int64_t since)
{
	f->quiet_since = inbox_is_temporary(f->name) ? 0 : since;
}

/* A judged file whose bytes are missing, though the archive should have them,
 * keeps its name and size: reading it fails, and it can be removed. */
static bool
is_damaged(struct inbox *inbox, const struct store_inbox_file *f,
	   struct stat *ret)
{
	scope_reader reader = {0};
	struct store_submission s = {0};
	bool damaged;

	if (!f->submission || store_reader_get(inbox->store, &reader, NULL) ||
	    store_submission_get(reader.db, f->submission, &s, NULL) <= 0)
		return false;
	damaged = s.blob == f->blob;
	*ret = (struct stat){.st_size = s.bytes,
			     .st_mtim.tv_sec = s.received_at / CLOCK_NS};
	store_submission_release(&s);
	return damaged;
}

int
inbox_entry_of(struct inbox *inbox, const struct store_inbox_file *f,
	       struct inbox_entry *ret)
{
	struct stat st;
	int rc = inbox_blob_stat(inbox, f->blob, &st);

	if (rc == -ENOENT && is_damaged(inbox, f, &st))
		rc = 0;
	if (rc)
		return rc;
	ret->part = INBOX_FILE;
	ret->id = f->id;
	ret->resource = f->resource;
	ret->blob = f->submission || f->killed ? 0 : f->blob;
	snprintf(ret->name, sizeof(ret->name), "%s",
		 f->name + inbox_holding_of(f->name));
	ret->st = (struct stat){
		.st_mode = S_IFREG | (f->mode & 0777),
		.st_nlink = *f->key ? 1 : 0,
		.st_uid = f->uid,
		.st_gid = f->gid,
		.st_size = st.st_size,
		.st_blksize = st.st_blksize,
		.st_blocks = st.st_blocks,
		.st_atim = st.st_atim,
		.st_mtim = st.st_mtim,
		.st_ctim = st.st_ctim,
	};
	return 0;
}

/* ---- companions ---------------------------------------------------------- */

struct sizes {
	int64_t text, json, fix; /* -1: there is none */
};

static int64_t
size_of(const struct sizes *sizes, enum inbox_part part)
{
	switch (part) {
	case INBOX_RECEIPT_TEXT:
		return sizes->text;
	case INBOX_RECEIPT_JSON:
		return sizes->json;
	case INBOX_FIX:
		return sizes->fix;
	default:
		return -1;
	}
}

/* The size of what stands beside a file; -1 when it is not there: not judged,
 * nothing to fix, or tidied away. */
static int64_t
companion_size(const struct inbox *inbox, const struct store_inbox_file *f,
	       const struct inbox_companion *c)
{
	const struct sizes sizes = {f->text_bytes, f->json_bytes, -1};

	if (!f->submission || f->fix || (f->hidden & c->bit) ||
	    f->told_seq > inbox->told || strcmp(f->state, "judging") == 0)
		return -1;
	return size_of(&sizes, c->part);
}

bool
inbox_has_companion(const struct inbox *inbox, const struct store_inbox_file *f,
		    const struct inbox_companion *c)
{
	return companion_size(inbox, f, c) >= 0;
}

static void
companion_stat(int64_t size, int64_t judged_at, int64_t uid, struct stat *ret)
{
	struct timespec at = {judged_at / CLOCK_NS, judged_at % CLOCK_NS};

	*ret = (struct stat){
		.st_mode = S_IFREG | RECEIPT_MODE,
		.st_nlink = 1,
		.st_uid = (uid_t)uid,
		.st_size = size,
		.st_blksize = 4096,
		.st_blocks = (size + 511) / 512,
		.st_atim = at,
		.st_mtim = at,
		.st_ctim = at,
	};
}

/* False when there is none. A name always fits: an upload's has at most
 * INBOX_NAME_BYTES. */
static bool
companion_of(const struct inbox *inbox, const struct store_inbox_file *f,
	     const struct inbox_companion *c, struct inbox_entry *ret)
{
	int64_t size = companion_size(inbox, f, c);
	int n;

	if (size < 0)
		return false;
	ret->part = c->part;
	ret->id = f->submission;
	ret->resource = f->resource;
	n = snprintf(ret->name, sizeof(ret->name), "%s%s", f->name, c->suffix);
	if (n < 0 || (size_t)n >= sizeof(ret->name))
		return false;
	companion_stat(size, f->judged_at, f->submitted_uid, &ret->st);
	ret->st.st_gid = f->gid;
	return true;
}

int
inbox_lookup(struct inbox *inbox, int64_t resource, const char *name,
	     struct inbox_entry *ret)
{
	char key[STORE_INBOX_KEY_MAX];
	struct error err = ERROR_INIT;
	scope_reader reader = {0};
	struct store_inbox_file f = {0};
	const struct inbox_companion *companion;
	size_t base = inbox_fix_base(name);
	int rc = inbox_name_key(name, key);

	if (rc)
		return rc;
	base = base ? base : strlen(name);
	companion = inbox_name_split(key, &base);
	if (companion)
		key[base] = '\0';
	else if (base > INBOX_NAME_BYTES)
		return -ENAMETOOLONG;
	rc = store_reader_get(inbox->store, &reader, &err);
	if (!rc)
		rc = store_inbox_find(reader.db, resource, key, &f, &err);
	if (rc < 0)
		return inbox_errno(rc, &err);
	if (!rc)
		return -ENOENT;
	if (companion)
		return companion_of(inbox, &f, companion, ret) ? 0 : -ENOENT;
	return inbox_entry_of(inbox, &f, ret);
}

/* A receipt by its submission, whether or not its file is still there: it may
 * be open. */
static int
stat_companion(struct inbox *inbox, enum inbox_part part, int64_t number,
	       struct inbox_entry *ret)
{
	const struct inbox_companion *c = inbox_companion_of(part);
	const char *suffix;
	struct error err = ERROR_INIT;
	scope_reader reader = {0};
	struct store_submission s = {0};
	struct sizes sizes;
	int64_t size;
	int rc = store_reader_get(inbox->store, &reader, &err);

	if (!rc)
		rc = store_submission_get(reader.db, number, &s, &err);
	if (rc < 0)
		return inbox_errno(rc, &err);
	if (!rc || (!c && part != INBOX_FIX))
		return -ESTALE;
	suffix = c ? c->suffix : inbox_fix_suffix(s.fix_workbook);
	sizes = (struct sizes){s.receipt_text_bytes, s.receipt_json_bytes,
			       s.fix_blob ? s.fix_bytes : -1};
	size = size_of(&sizes, part);
	ret->part = part;
	ret->id = number;
	ret->resource = s.resource;
	snprintf(ret->name, sizeof(ret->name), "%.240s%s", s.name, suffix);
	companion_stat(size, s.judged_at, s.uid, &ret->st);
	store_submission_release(&s);
	return size < 0 ? -ESTALE : 0;
}

int
inbox_stat(struct inbox *inbox, enum inbox_part part, int64_t id,
	   struct inbox_entry *ret)
{
	struct store_inbox_file f = {0};
	int rc = 0;

	if (part != INBOX_FILE)
		return stat_companion(inbox, part, id, ret);
	/* Twice: the row may get another blob between the two looks. */
	for (int i = 0; i < 2; i++) {
		rc = inbox_row(inbox, id, &f);
		if (!rc)
			rc = inbox_entry_of(inbox, &f, ret);
		if (rc != -ENOENT)
			break;
	}
	return rc == -ENOENT ? -EIO : rc;
}

/* ---- listing ------------------------------------------------------------- */

/*
 * Files come from the database in the order of their keys. A file's
 * companions sort after it, but others may come between: "a.csv", "a.csv-2",
 * "a.csv.receipt.txt". So companions wait in 'pending' until the next file's
 * key has passed them; since each key there begins with the key of its file,
 * few do.
 */
struct pending {
	struct pending *next; /* the next key */
	char key[STORE_INBOX_KEY_MAX + sizeof(".receipt.json")];
	struct inbox_entry entry;
};

struct listing {
	struct inbox *inbox;
	const char *after; /* in NFC */
	struct pending *pending;
	int (*each)(void *ctx, const struct inbox_entry *e);
	void *ctx;
	bool stopped;
	bool nomem;
};

static void
release_pending(struct listing *l)
{
	while (l->pending) {
		struct pending *p = l->pending;

		l->pending = p->next;
		free(p);
	}
}

/* Emits what sorts before 'key'; everything for NULL. */
static int
emit_pending(struct listing *l, const char *key)
{
	while (l->pending && (!key || strcmp(l->pending->key, key) < 0)) {
		struct pending *p = l->pending;

		l->stopped = l->each(l->ctx, &p->entry) != 0;
		if (l->stopped)
			return 1;
		l->pending = p->next;
		free(p);
	}
	return 0;
}

static int
add_pending(struct listing *l, const struct store_inbox_file *f)
{
	for (size_t i = 0; i < INBOX_COMPANIONS; i++) {
		struct pending *p, **at = &l->pending;
		struct inbox_entry e;

		if (!companion_of(l->inbox, f, &inbox_companions[i], &e))
			continue;
		p = malloc(sizeof(*p));
		if (!p) {
			l->nomem = true;
			return 1;
		}
		p->entry = e;
		snprintf(p->key, sizeof(p->key), "%s%s", f->key,
			 inbox_companions[i].suffix);
		if (strcmp(p->key, l->after) <= 0) {
			free(p);
			continue;
		}
		while (*at && strcmp((*at)->key, p->key) < 0)
			at = &(*at)->next;
		p->next = *at;
		*at = p;
	}
	return 0;
}

static int
list_file(void *ctx, const struct store_inbox_file *f)
{
	struct listing *l = ctx;
	struct inbox_entry e;

	if (inbox_holding_of(f->key))
		return 0;
	if (emit_pending(l, f->key))
		return 1;
	/* A file that went since this moment of the database is left out. */
	if (inbox_entry_of(l->inbox, f, &e) == 0) {
		l->stopped = l->each(l->ctx, &e) != 0;
		if (l->stopped)
			return 1;
	}
	return add_pending(l, f);
}

/* Companions after 'after' of files up to it: their files' keys are where
 * 'after' begins, and it goes on with nothing above the suffixes' dot. */
static int
list_prefixes(struct listing *l, struct sql *db, int64_t resource,
	      struct error *err)
{
	char key[STORE_INBOX_KEY_MAX];
	size_t n = strlen(l->after);

	for (size_t i = 1; i <= n; i++) {
		struct store_inbox_file f;
		int rc;

		if (l->after[i] > '.' || (signed char)l->after[i] < 0)
			continue;
		memcpy(key, l->after, i);
		key[i] = '\0';
		rc = store_inbox_find(db, resource, key, &f, err);
		if (rc > 0)
			rc = add_pending(l, &f);
		if (rc)
			return rc;
	}
	return 0;
}

int
inbox_list(struct inbox *inbox, int64_t resource, const char *after,
	   int (*each)(void *ctx, const struct inbox_entry *e), void *ctx)
{
	char key[STORE_INBOX_KEY_MAX];
	struct listing l = {
		.inbox = inbox, .after = key, .each = each, .ctx = ctx};
	struct error err = ERROR_INIT;
	scope_reader reader = {0};
	int rc = inbox_name_key(after, key);

	if (rc)
		return rc;
	rc = store_reader_get(inbox->store, &reader, &err);
	if (!rc)
		rc = list_prefixes(&l, reader.db, resource, &err);
	if (!rc)
		rc = store_inbox_each(reader.db, resource, key, list_file, &l,
				      &err);
	if (!rc)
		(void)emit_pending(&l, NULL);
	release_pending(&l);
	if (l.nomem)
		return -ENOMEM;
	return rc < 0 ? inbox_errno(rc, &err) : 0;
}

/* ---- a holding folder ---------------------------------------------------- */

struct held {
	struct inbox *inbox;
	const char *prefix;
	int (*each)(void *ctx, const struct inbox_entry *e);
	void *ctx;
};

/* They have no companions: they are never judged. */
static int
list_held(void *ctx, const struct store_inbox_file *f)
{
	const struct held *h = ctx;
	struct inbox_entry e;

	if (strncmp(f->key, h->prefix, strlen(h->prefix)) != 0)
		return 1;
	return inbox_entry_of(h->inbox, f, &e) == 0 && h->each(h->ctx, &e);
}

int
inbox_list_held(struct inbox *inbox, int64_t resource, const char *holding,
		int (*each)(void *ctx, const struct inbox_entry *e), void *ctx)
{
	char prefix[STORE_INBOX_NAME_MAX];
	struct held h = {inbox, prefix, each, ctx};
	struct error err = ERROR_INIT;
	scope_reader reader = {0};
	int rc = store_reader_get(inbox->store, &reader, &err);

	snprintf(prefix, sizeof(prefix), "%s/", holding);
	if (!rc)
		rc = store_inbox_each(reader.db, resource, prefix, list_held,
				      &h, &err);
	return rc < 0 ? inbox_errno(rc, &err) : 0;
}
