/*
 * subjects/: any key is answered, and the folders named by the first three
 * hexadecimal digits of a key's SHA-256 list the keys (SPEC 5).
 *
 * A key over 240 bytes has its hash for a name; it is found on its shelf, as
 * the store calls what such a folder lists.
 */
#include "mount/tree.h"

#include <errno.h>

#include "base/digest.h"
#include "base/scope.h"
#include "mount/notify.h"
#include "mount/session.h"

#define PREFIX_DIGITS 3
#define PREFIXES 4096
#define ENDING ".json"
#define HASHED "sha256-"
/* A key of fewer bytes has a name of 240 at most: three for each byte. */
#define HASHED_KEY_LEAST 81

/* ---- walking a theme's subjects ------------------------------------------ */

struct walk {
	struct call *call;
	const struct publish_theme *theme;
	int64_t version, mtime; /* of the row before; version 0: none */
	struct digest *digest;
	const unsigned char *wanted; /* the hash to find, or NULL */
	struct listing *out;
	struct buf name;
	int64_t row; /* found */
};

/* Most rows of a folder are of one version, or of a few. */
static bool
knows_version(struct walk *w, int64_t version)
{
	struct theme_at at;

	if (w->version == version)
		return true;
	if (mount_theme_version(w->call, w->theme->id, version, &at) < 0)
		return false;
	w->version = version;
	w->mtime = at.mtime;
	return true;
}

static int
list_one(struct walk *w, const struct store_theme_row *r)
{
	const char *name;

	buf_clear(&w->name);
	if (publish_format_key_name(r->subject, &w->name) ||
	    buf_adds(&w->name, ENDING))
		return ERR_NOMEM;
	name = buf_str(&w->name);
	if (!name || mount_list_add(w->out, mount_list_offset(name),
				    mount_node_make(NODE_SUBJECT, r->id), name))
		return ERR_NOMEM;
	if (r->bytes != STORE_UNKNOWN && knows_version(w, r->version))
		mount_list_know(w->out, r->bytes, w->mtime);
	return 0;
}

static int
visit(void *ctx, const struct store_theme_row *r)
{
	struct walk *w = ctx;
	unsigned char digest[DIGEST_SIZE];

	if (!w->wanted)
		return list_one(w, r);
	if (r->subject.n < HASHED_KEY_LEAST)
		return 0;
	digest_restart(w->digest);
	digest_add(w->digest, r->subject.p, r->subject.n);
	digest_end(w->digest, digest);
	if (memcmp(digest, w->wanted, DIGEST_SIZE) == 0)
		w->row = r->id;
	return 0;
}

static int
walk(struct call *call, const struct theme_at *at, int shelf, struct walk *w)
{
	scope_digest digest = digest_new();
	struct sql *db;
	int rc = mount_call_db(call, &db);

	if (rc < 0)
		return rc;
	if (!digest)
		return -ENOMEM;
	w->call = call;
	w->theme = at->theme;
	w->digest = digest;
	rc = store_theme_shelf_each(db, at->theme->id, at->v.seq, shelf, visit,
				    w, &call->err);
	buf_release(&w->name);
	return mount_call_errno(call, rc);
}

/* ---- one key ------------------------------------------------------------- */

/* The text of a row. */
static int
tell(struct call *call, const struct publish_subject_row *row, struct text *out)
{
	struct theme_at at = {0};
	struct sql *db;
	int rc = mount_theme_version(call, row->theme, row->version, &at);

	if (!rc)
		rc = mount_call_db(call, &db);
	if (!rc)
		rc = mount_call_errno(
			call, publish_subject_tell(db, at.theme, row,
						   &out->bytes, &call->err));
	if (rc)
		return rc;
	out->mtime = at.mtime;
	out->theme = row->theme;
	return 0;
}

struct found {
	int64_t id; /* 0: none */
	struct publish_subject_row row;
};

static int
take_row(void *ctx, const struct store_theme_row *r)
{
	struct found *found = ctx;

	found->id = r->id;
	return publish_subject_take(&found->row, r);
}

/* Whoever looks a subject up wants its size, which needs its text, if not the
 * text itself: the row is here, and need not be searched again by its number.
 */
static int
keep_text(struct call *call, struct found *found)
{
	uint64_t node = mount_node_make(NODE_SUBJECT, found->id);
	scope_cached item = mount_cache_get(call->m->texts, node);
	struct text text = {0};
	int rc = item ? 0 : tell(call, &found->row, &text);

	if (rc)
		buf_release(&text.bytes);
	else if (!item)
		rc = mount_text_keep(call, node, &text, &item);
	if (!rc)
		atomic_store(&((struct text *)item->value)->kept, call->looks);
	return rc;
}

static int
hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool
parse_hash(struct slice hex, unsigned char digest[DIGEST_SIZE])
{
	if (hex.n != 2 * DIGEST_SIZE)
		return false;
	for (size_t i = 0; i < DIGEST_SIZE; i++) {
		int high = hex_digit(hex.p[2 * i]);
		int low = hex_digit(hex.p[2 * i + 1]);

		if (high < 0 || low < 0)
			return false;
		digest[i] = (unsigned char)(high << 4 | low);
	}
	return true;
}

/* A hash names a key only if the key's own name is the hash. */
static int
find_hashed(struct call *call, const struct theme_at *at,
	    const unsigned char digest[DIGEST_SIZE], int64_t *ret_row)
{
	struct walk w = {.wanted = digest};
	int rc = walk(call, at, store_theme_shelf(digest), &w);

	*ret_row = w.row;
	return rc;
}

/* 1, 0. 'prefix' -1: any. */
static int
is_on_shelf(struct slice key, int prefix)
{
	unsigned char digest[DIGEST_SIZE];

	if (prefix < 0)
		return 1;
	if (digest_bytes(key.p, key.n, digest))
		return -ENOMEM;
	return store_theme_shelf(digest) == prefix;
}

static int
find_key(struct call *call, const struct theme_at *at, int prefix,
	 struct slice name, int64_t *ret_row)
{
	struct found found = {.row.theme = at->theme->id};
	scope_buf key = BUF_INIT;
	struct sql *db;
	int rc = publish_format_key_parse(name, &key);

	if (rc < 0)
		return mount_call_errno(call, rc);
	rc = is_on_shelf(buf_slice(&key), prefix);
	if (rc <= 0)
		return rc;
	rc = mount_call_db(call, &db);
	if (rc < 0)
		return rc;
	rc = store_theme_row_find(db, at->theme->id, at->v.seq, buf_slice(&key),
				  take_row, &found, &call->err);
	rc = rc < 0 ? mount_call_errno(call, rc) : 0;
	if (!rc && found.id)
		rc = keep_text(call, &found);
	publish_subject_release(&found.row);
	*ret_row = found.id;
	return rc;
}

/* 'prefix' -1: whatever the key. A key with '.' at an edge is encoded, so the
 * ending is never part of it. */
static int
find_subject(struct call *call, const struct theme_at *at, int prefix,
	     const char *file, uint64_t *ret_node)
{
	struct slice name = slice_str(file), hashed = SLICE(HASHED);
	unsigned char digest[DIGEST_SIZE];
	int64_t row = 0;
	int rc;

	if (name.n <= strlen(ENDING) ||
	    strcmp(file + name.n - strlen(ENDING), ENDING) != 0)
		return -ENOENT;
	name.n -= strlen(ENDING);
	if (slice_starts(name, hashed) &&
	    parse_hash((struct slice){name.p + hashed.n, name.n - hashed.n},
		       digest)) {
		if (prefix >= 0 && store_theme_shelf(digest) != prefix)
			return -ENOENT;
		rc = find_hashed(call, at, digest, &row);
	} else {
		rc = find_key(call, at, prefix, name, &row);
	}
	if (rc < 0)
		return rc;
	*ret_node = mount_node_make(NODE_SUBJECT, row);
	return row ? 0 : -ENOENT;
}

/* Where a publish changes many, all names of the mount are ended at once, if
 * that can be. */
static double
keep_subjects(const struct mount *m)
{
	return mount_session_has_epochs(m->session) ? TREE_PUBLISHED : TREE_NOT;
}

/* ---- subjects/ ----------------------------------------------------------- */

static int
parse_prefix(const char *name)
{
	int prefix = 0;

	for (int i = 0; i < PREFIX_DIGITS; i++) {
		int digit = hex_digit(name[i]);

		if (digit < 0)
			return -1;
		prefix = prefix << 4 | digit;
	}
	return name[PREFIX_DIGITS] ? -1 : prefix;
}

static uint64_t
part_node(const struct theme_at *at, int prefix)
{
	return mount_node_part(&(struct node_part){
		.theme = (uint16_t)at->theme->id,
		.prefix = (uint16_t)prefix,
		.version = at->named,
	});
}

int
mount_subject_places(const struct publish_theme *theme, struct slice subject,
		     uint64_t *ret_part, struct buf *ret_name)
{
	const struct theme_at newest = {.theme = theme};
	unsigned char digest[DIGEST_SIZE];

	if (digest_bytes(subject.p, subject.n, digest) ||
	    publish_format_key_name(subject, ret_name) ||
	    buf_adds(ret_name, ENDING))
		return ERR_NOMEM;
	*ret_part = part_node(&newest, store_theme_shelf(digest));
	return 0;
}

int
mount_subject_parts(int64_t theme, struct buf *message)
{
	struct node_part part = {.theme = (uint16_t)theme};
	int rc = 0;

	for (int i = 0; i < PREFIXES && !rc; i++) {
		part.prefix = (uint16_t)i;
		rc = mount_notify_add_node(message, mount_node_part(&part));
	}
	return rc;
}

int
mount_subjects_find(struct call *call, uint64_t folder, const char *name,
		    uint64_t *ret_node, double *timeout)
{
	struct theme_at at;
	int prefix = parse_prefix(name);
	int rc = mount_theme_at(call, folder, &at);

	if (rc < 0)
		return rc;
	if (prefix < 0) {
		rc = find_subject(call, &at, -1, name, ret_node);
		if (!rc && !at.named)
			*timeout = keep_subjects(call->m);
		return rc;
	}
	*ret_node = part_node(&at, prefix);
	if (!at.named)
		*timeout = TREE_TOLD;
	return 0;
}

/* All names, also of folders that are empty: to look would cost a walk. */
int
mount_subjects_list(struct call *call, uint64_t folder, struct listing *out)
{
	struct theme_at at;
	int rc = mount_theme_at(call, folder, &at);

	out->plain = true;
	for (int i = 0; i < PREFIXES && !rc; i++) {
		char name[PREFIX_DIGITS + 1];

		snprintf(name, sizeof(name), "%03x", (unsigned)i & 0xfff);
		rc = mount_list_add(out, LIST_FIRST + i, part_node(&at, i),
				    name);
	}
	return rc;
}

/* ---- subjects/abc/ ------------------------------------------------------- */

static int
part_at(struct call *call, uint64_t folder, struct node_part *part,
	struct theme_at *at)
{
	mount_node_part_get(folder, part);
	return mount_theme_kept(call, part->theme, part->version, at);
}

int
mount_subjects_part_stat(struct call *call, uint64_t node,
			 struct tree_entry *ret)
{
	struct node_part part;
	struct theme_at at;
	int rc = part_at(call, node, &part, &at);

	if (rc < 0)
		return rc;
	mount_fill_folder(ret, node, at.mtime);
	if (!at.named && call->m->context.nthemes <= MOUNT_PARTS_THEMES)
		ret->attr_timeout = TREE_TOLD;
	return 0;
}

int
mount_subjects_part_find(struct call *call, uint64_t folder, const char *name,
			 uint64_t *ret_node, double *timeout)
{
	struct node_part part;
	struct theme_at at;
	int rc = part_at(call, folder, &part, &at);

	(void)timeout;
	return rc ? rc : find_subject(call, &at, part.prefix, name, ret_node);
}

int
mount_subjects_part_list(struct call *call, uint64_t folder,
			 struct listing *out)
{
	struct node_part part;
	struct theme_at at;
	struct walk w = {.out = out};
	int rc = part_at(call, folder, &part, &at);

	if (rc < 0)
		return rc;
	out->theme = at.theme->id;
	rc = walk(call, &at, part.prefix, &w);
	mount_list_sort(out);
	return rc;
}

/* ---- KEY.json ------------------------------------------------------------ */

struct row_facts {
	int64_t version;
};

static int
take_facts(void *ctx, const struct store_theme_row *r)
{
	((struct row_facts *)ctx)->version = r->version;
	return 0;
}

int
mount_subject_version(struct call *call, uint64_t node, struct theme_at *ret)
{
	struct row_facts facts = {0};
	struct sql *db;
	int64_t theme;
	int rc = mount_call_db(call, &db);

	if (rc < 0)
		return rc;
	rc = store_theme_row_get(db, (int64_t)mount_node_payload(node), &theme,
				 take_facts, &facts, &call->err);
	if (rc < 0)
		return mount_call_errno(call, rc);
	return rc ? mount_theme_version(call, theme, facts.version, ret)
		  : -ESTALE;
}

int
mount_subject_text(struct call *call, uint64_t node, struct text *out)
{
	struct publish_subject_row row;
	struct sql *db;
	int rc = mount_call_db(call, &db);

	if (rc < 0)
		return rc;
	rc = publish_subject_find(db, (int64_t)mount_node_payload(node), &row,
				  &call->err);
	rc = rc < 0 ? mount_call_errno(call, rc) : rc ? 0 : -ESTALE;
	if (!rc)
		rc = tell(call, &row, out);
	publish_subject_release(&row);
	return rc;
}
