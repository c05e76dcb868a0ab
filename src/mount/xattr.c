/*
 * user.civicfs.*: where a file comes from (SPEC 5). Each attribute is a row of
 * the table; what is not known yet, or does not apply, is ENODATA. Files of an
 * inbox folder have theirs from src/inbox.
 */
#include "mount/tree.h"

#include <errno.h>

#include "base/digest.h"
#include "base/scope.h"
#include "store/chunk.h"
#include "store/version.h"

#define NO_DATA (-ENODATA)

/* What there is to say about a node; empty and 0: nothing. */
struct facts {
	int64_t version;
	char submission[STORE_SUBMISSION_ID_MAX];
	char status[16];
	char source[2 * CONFIG_ID_MAX + 2];
	bool has_sha256;
	unsigned char sha256[DIGEST_SIZE];
};

/* ---- finding them -------------------------------------------------------- */

static void
take_text(char *to, size_t n, const char *from)
{
	snprintf(to, n, "%s", from);
}

static void
facts_of_version(struct facts *f, const struct theme_at *at)
{
	f->version = at->v.number;
	take_text(f->submission, sizeof(f->submission), at->v.submission);
}

static int
facts_of_theme(struct call *call, uint64_t node, struct facts *f)
{
	int64_t theme, version;
	struct theme_at at;
	int rc;

	mount_node_version_get(node, &theme, &version);
	rc = mount_theme_version(call, theme, version & NODE_VERSION_MAX, &at);
	if (!rc)
		facts_of_version(f, &at);
	return rc;
}

struct wanted_file {
	int64_t file;
	struct facts *f;
};

static int
take_part(void *ctx, int64_t file, const char *kind, const char *part)
{
	struct wanted_file *wanted = ctx;

	if (file == wanted->file && strcmp(kind, "source") == 0)
		take_text(wanted->f->source, sizeof(wanted->f->source), part);
	return 0;
}

/* The version and submission that first published these bytes. */
static int
facts_of_file(struct call *call, uint64_t node, struct facts *f)
{
	int64_t id = (int64_t)mount_node_payload(node);
	struct store_file_state state;
	struct store_version v;
	struct wanted_file wanted = {.f = f};
	struct sql *db;
	int rc = mount_call_db(call, &db);

	if (rc < 0)
		return rc;
	rc = store_file_state_get(db, id, &state, &call->err);
	if (rc <= 0)
		return rc ? mount_call_errno(call, rc) : -ESTALE;
	rc = store_version_since(db, state.dataset, state.since, &v,
				 &call->err);
	if (rc > 0) {
		f->version = v.number;
		take_text(f->submission, sizeof(f->submission), v.submission);
	}
	if (rc >= 0)
		rc = store_file_hash_get(db, id, f->sha256, &call->err);
	f->has_sha256 = rc > 0;
	wanted.file = state.file;
	if (rc >= 0)
		rc = store_file_each(db, state.dataset, take_part, &wanted,
				     &call->err);
	return mount_call_errno(call, rc);
}

static int
facts_of_submission(struct call *call, uint64_t node, struct facts *f)
{
	const struct config_resource *r;
	struct store_submission s;
	struct sql *db;
	int rc = mount_call_db(call, &db);

	if (rc < 0)
		return rc;
	rc = store_submission_get(db, (int64_t)mount_node_payload(node), &s,
				  &call->err);
	if (rc <= 0)
		return rc ? mount_call_errno(call, rc) : -ESTALE;
	take_text(f->submission, sizeof(f->submission), s.id);
	take_text(f->status, sizeof(f->status), s.state);
	r = mount_resource(call->m, s.resource);
	if (r)
		take_text(f->source, sizeof(f->source), r->name);
	if (s.has_sha256 && mount_node_kind(node) == NODE_ORIGINAL) {
		f->has_sha256 = true;
		memcpy(f->sha256, s.sha256, DIGEST_SIZE);
	}
	store_submission_release(&s);
	return 0;
}

static int
facts_of_resource(struct call *call, uint64_t node, struct facts *f)
{
	const struct config_resource *r =
		mount_resource(call->m, (int64_t)mount_node_payload(node));

	if (!r)
		return -ESTALE;
	take_text(f->source, sizeof(f->source), r->name);
	return 0;
}

/* Texts are at hand or quickly made; not so SHA256SUMS, which reads all. */
static int
facts_of_text(struct call *call, uint64_t node, struct facts *f)
{
	scope_cached item = NULL;
	const struct text *text;
	struct theme_at at;
	int rc = 0;

	switch (mount_node_kind(node)) {
	case NODE_SUBJECT:
		rc = mount_subject_version(call, node, &at);
		if (!rc)
			facts_of_version(f, &at);
		break;
	case NODE_SUMS:
		return facts_of_theme(call, node, f);
	case NODE_README:
	case NODE_DATAPACKAGE:
	case NODE_VERSION_INDEX:
	case NODE_CURRENT:
		rc = facts_of_theme(call, node, f);
		break;
	default:
		break;
	}
	if (!rc)
		rc = mount_text_get(call, node, &item);
	if (rc)
		return rc;
	text = item->value;
	f->has_sha256 = true;
	return digest_bytes(text->bytes.data, text->bytes.len, f->sha256)
		       ? -ENOMEM
		       : 0;
}

static int
find_facts(struct call *call, uint64_t node, struct facts *f)
{
	*f = (struct facts){0};
	switch (mount_node_kind(node)) {
	case NODE_FILE:
	case NODE_FLAT:
		return facts_of_file(call, node, f);
	case NODE_DATASET:
	case NODE_SOURCES:
	case NODE_SUBJECTS:
		return facts_of_theme(call, node, f);
	case NODE_CATALOGUE_RESOURCE:
	case NODE_INBOX_RESOURCE:
	case NODE_ARCHIVE_RESOURCE:
		return facts_of_resource(call, node, f);
	case NODE_ARCHIVE_SUBMISSION:
	case NODE_ORIGINAL:
	case NODE_KEPT_TEXT:
	case NODE_KEPT_JSON:
	case NODE_KEPT_FIX:
		return facts_of_submission(call, node, f);
	default:
		if (mount_tree_is_text(node))
			return facts_of_text(call, node, f);
		return mount_tree_type(node) ? 0 : -ESTALE;
	}
}

/* ---- saying them --------------------------------------------------------- */

static int
say_version(const struct facts *f, struct buf *out)
{
	return f->version ? buf_addf(out, "%lld", (long long)f->version)
			  : NO_DATA;
}

static int
say_sha256(const struct facts *f, struct buf *out)
{
	char hex[DIGEST_HEX];

	if (!f->has_sha256)
		return NO_DATA;
	digest_hex(f->sha256, DIGEST_SIZE, hex);
	return buf_adds(out, hex);
}

static int
say_submission(const struct facts *f, struct buf *out)
{
	return f->submission[0] ? buf_adds(out, f->submission) : NO_DATA;
}

static int
say_status(const struct facts *f, struct buf *out)
{
	return f->status[0] ? buf_adds(out, f->status) : NO_DATA;
}

static int
say_source(const struct facts *f, struct buf *out)
{
	return f->source[0] ? buf_adds(out, f->source) : NO_DATA;
}

static const struct {
	const char *name;
	int (*say)(const struct facts *f, struct buf *out);
} attributes[] = {
	{"user.civicfs.version", say_version},
	{"user.civicfs.sha256", say_sha256},
	{"user.civicfs.submission", say_submission},
	{"user.civicfs.status", say_status},
	{"user.civicfs.source", say_source},
};
#define ATTRIBUTES (sizeof(attributes) / sizeof(*attributes))

/* NO_DATA is the only other code that say() gives besides ERR_NOMEM. */
int
mount_xattr_get(struct call *call, uint64_t node, const char *name,
		struct buf *out)
{
	struct facts f;
	int rc;

	for (size_t i = 0; i < ATTRIBUTES; i++) {
		if (strcmp(attributes[i].name, name) != 0)
			continue;
		rc = find_facts(call, node, &f);
		if (rc < 0)
			return rc;
		rc = attributes[i].say(&f, out);
		return rc == NO_DATA || !rc ? rc : -ENOMEM;
	}
	return -ENODATA;
}

int
mount_xattr_list(struct call *call, uint64_t node, struct buf *out)
{
	scope_buf value = BUF_INIT;
	struct facts f;
	int rc = find_facts(call, node, &f);

	for (size_t i = 0; i < ATTRIBUTES && rc >= 0; i++) {
		const char *name = attributes[i].name;

		buf_clear(&value);
		if (attributes[i].say(&f, &value))
			continue;
		if (buf_add(out, name, strlen(name) + 1))
			return -ENOMEM;
	}
	return rc < 0 ? rc : 0;
}
