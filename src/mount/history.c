/* themes/THEME/versions/ and changes/: what was, by number, day and range. */
#include "mount/tree.h"

#include <errno.h>

#include "base/clock.h"
#include "mount/backings.h"
#include "store/retain.h"

/* Offsets: index.csv, current, then the versions by number. */
#define OFFSET_INDEX LIST_FIRST
#define OFFSET_CURRENT (LIST_FIRST + 1)
#define OFFSET_VERSION (LIST_FIRST + 2)

/* ---- versions/ ----------------------------------------------------------- */

/* YYYY-MM-DD as the number YYYYMMDD; 0 for what is no day. */
static int
parse_day(const char *name)
{
	int part[3], at = 0;
	static const int widths[] = {4, 2, 2};

	for (int i = 0; i < 3; i++) {
		part[i] = 0;
		for (int k = 0; k < widths[i]; k++, at++) {
			if (name[at] < '0' || name[at] > '9')
				return 0;
			part[i] = 10 * part[i] + (name[at] - '0');
		}
		if (name[at++] != (i < 2 ? '-' : '\0'))
			return 0;
	}
	if (part[1] < 1 || part[1] > 12 || part[2] < 1 ||
	    part[2] > clock_days_in_month(part[0], part[1]))
		return 0;
	return 10000 * part[0] + 100 * part[1] + part[2];
}

/* A day that has not begun has no end: its name is none yet. */
static int
find_day(struct call *call, int64_t theme, int day, uint64_t *ret_node)
{
	struct publish_version v;
	struct sql *db;
	int rc;

	if (day > clock_day(clock_now()))
		return -ENOENT;
	rc = mount_call_db(call, &db);
	if (rc < 0)
		return rc;
	rc = publish_version_on(db, theme, day, &v, &call->err);
	if (rc < 0)
		return mount_call_errno(call, rc);
	*ret_node = mount_node_version(NODE_DAY, theme, v.number);
	return rc ? 0 : -ENOENT;
}

static int
find_version(struct call *call, int64_t theme, int64_t number,
	     uint64_t *ret_node)
{
	struct publish_version v;
	struct sql *db;
	int rc = mount_call_db(call, &db);

	if (rc < 0)
		return rc;
	if (number < 1 || number > NODE_VERSION_MAX)
		return -ENOENT;
	rc = publish_version_get(db, theme, number, &v, &call->err);
	if (rc < 0)
		return mount_call_errno(call, rc);
	*ret_node = mount_node_version(NODE_DATASET, theme, number);
	return rc && !v.dropped ? 0 : -ENOENT;
}

/* index.csv is another file when a version comes or goes. */
static int
index_node(struct call *call, const struct theme_at *at, uint64_t *ret)
{
	struct sql *db;
	int64_t first = 0;
	int rc = mount_call_db(call, &db);

	if (rc < 0)
		return rc;
	rc = store_retained_first(db, at->theme->id, &first, &call->err);
	*ret = mount_node_index(at->theme->id, first, at->v.number);
	return mount_call_errno(call, rc);
}

int
mount_versions_find(struct call *call, uint64_t folder, const char *name,
		    uint64_t *ret_node, double *timeout)
{
	struct theme_at at;
	int64_t number;
	int day, rc = mount_theme_at(call, folder, &at);

	if (rc < 0)
		return rc;
	if (strcmp(name, mount_name(call->m, LAYOUT_VERSION_INDEX)) == 0) {
		return index_node(call, &at, ret_node);
	}
	if (strcmp(name, mount_name(call->m, LAYOUT_CURRENT)) == 0) {
		*ret_node = mount_node_version(NODE_CURRENT, at.theme->id,
					       at.v.number);
		return 0;
	}
	day = parse_day(name);
	if (day) { /* of today there may be another one in a moment */
		*timeout = TREE_NOT;
		return find_day(call, at.theme->id, day, ret_node);
	}
	number = mount_parse_number(slice_str(name));
	rc = find_version(call, at.theme->id, number, ret_node);
	if (!rc)
		*timeout = TREE_FOR_EVER;
	return rc;
}

struct versions {
	struct listing *out;
	int64_t theme;
};

static int
add_version(void *ctx, const struct publish_version *v)
{
	struct versions *l = ctx;
	char name[24];

	snprintf(name, sizeof(name), "%lld", (long long)v->number);
	return mount_list_add(
		       l->out, OFFSET_VERSION + v->number,
		       mount_node_version(NODE_DATASET, l->theme, v->number),
		       name)
		       ? ERR_NOMEM
		       : 0;
}

int
mount_versions_list(struct call *call, uint64_t folder, struct listing *out)
{
	struct theme_at at;
	struct versions l = {.out = out};
	uint64_t index = 0;
	struct sql *db;
	int rc = mount_theme_at(call, folder, &at);

	if (rc)
		return rc;
	l.theme = at.theme->id;
	rc = index_node(call, &at, &index);
	if (!rc)
		rc = mount_list_add(out, OFFSET_INDEX, index,
				    mount_name(call->m, LAYOUT_VERSION_INDEX));
	if (!rc)
		rc = mount_list_add(
			out, OFFSET_CURRENT,
			mount_node_version(NODE_CURRENT, l.theme, at.v.number),
			mount_name(call->m, LAYOUT_CURRENT));
	if (!rc)
		rc = mount_call_db(call, &db);
	if (rc)
		return rc;
	rc = publish_version_each(db, l.theme, add_version, &l, &call->err);
	return mount_call_errno(call, rc);
}

/* ---- changes/ ------------------------------------------------------------ */

/* N.csv: 1; FROM..TO.csv: 2; else 0. */
static int
parse_changes(const char *name, int64_t *from, int64_t *to)
{
	struct slice rest = slice_str(name);
	const char *dots;

	if (rest.n < 5 || strcmp(name + rest.n - 4, ".csv") != 0)
		return 0;
	rest.n -= 4;
	dots = memmem(rest.p, rest.n, "..", 2);
	if (!dots) {
		*to = mount_parse_number(rest);
		return *to > 0 ? 1 : 0;
	}
	*from = mount_parse_number(
		(struct slice){rest.p, (size_t)(dots - rest.p)});
	*to = mount_parse_number(
		(struct slice){dots + 2, rest.n - (size_t)(dots + 2 - rest.p)});
	return *from >= 0 && *to > *from ? 2 : 0;
}

static int
find_net(struct call *call, int64_t theme, int64_t from, int64_t to,
	 uint64_t *ret_node)
{
	struct node_net net = {
		.theme = (uint16_t)theme, .from = from, .to = to};
	struct sql *db;
	uint64_t version;
	int rc = find_version(call, theme, to, &version);

	if (!rc && from)
		rc = find_version(call, theme, from, &version);
	if (rc < 0)
		return rc;
	*ret_node = mount_node_net(&net);
	rc = mount_call_db(call, &db);
	if (rc < 0)
		return rc;
	rc = mount_net_of(db, *ret_node, &net, &call->err);
	return rc == ERR_LIMIT ? -EOVERFLOW : mount_call_errno(call, rc);
}

/* changes/N.csv is the same for ever, so it is looked for as of N. */
static int
find_changes(struct call *call, int64_t theme, int64_t number,
	     uint64_t *ret_node)
{
	struct theme_at at;
	struct publish_file file;
	struct sql *db;
	char part[24];
	int rc;

	if (number > NODE_VERSION_MAX)
		return -ENOENT;
	rc = mount_theme_kept(call, theme, number, &at);
	if (rc < 0)
		return rc == -ESTALE ? -ENOENT : rc;
	rc = mount_call_db(call, &db);
	if (rc < 0)
		return rc;
	snprintf(part, sizeof(part), "%lld", (long long)number);
	rc = publish_file_at(db, at.theme, PUBLISH_CHANGES, part, at.v.seq,
			     &file, &call->err);
	if (rc < 0)
		return mount_call_errno(call, rc);
	if (file.bytes < 0 || !file.state)
		return -ENOENT;
	*ret_node = mount_node_make(
		mount_backings_kind(call->m, theme, file.state), file.state);
	return 0;
}

int
mount_changes_find(struct call *call, uint64_t folder, const char *name,
		   uint64_t *ret_node, double *timeout)
{
	int64_t theme, version, from = 0, to = 0;
	int rc;

	mount_node_version_get(folder, &theme, &version);
	if (!mount_theme(call->m, theme))
		return -ESTALE;
	switch (parse_changes(name, &from, &to)) {
	case 1:
		rc = find_changes(call, theme, to, ret_node);
		break;
	case 2:
		rc = find_net(call, theme, from, to, ret_node);
		if (!rc) /* nobody can name them all when they go */
			*timeout = TREE_MOMENT;
		return rc;
	default:
		return -ENOENT;
	}
	if (!rc)
		*timeout = TREE_FOR_EVER;
	return rc;
}

struct changes {
	struct call *call;
	struct listing *out;
	int64_t theme;
};

static int
add_changes(void *ctx, const struct publish_version *v)
{
	struct changes *c = ctx;
	char name[32];
	uint64_t node = 0;
	int rc = find_changes(c->call, c->theme, v->number, &node);

	if (rc == -ENOENT)
		return 0;
	snprintf(name, sizeof(name), "%lld.csv", (long long)v->number);
	if (!rc)
		rc = mount_list_add(c->out, LIST_FIRST + v->number, node, name);
	return rc ? ERR_INTERNAL : 0;
}

int
mount_changes_list(struct call *call, uint64_t folder, struct listing *out)
{
	struct changes c = {.call = call, .out = out};
	int64_t version;
	struct sql *db;
	int rc = mount_call_db(call, &db);

	if (rc < 0)
		return rc;
	mount_node_version_get(folder, &c.theme, &version);
	if (!mount_theme(call->m, c.theme))
		return -ESTALE;
	rc = publish_version_each(db, c.theme, add_changes, &c, &call->err);
	return mount_call_errno(call, rc);
}
