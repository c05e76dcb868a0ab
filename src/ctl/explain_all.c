/*
 * explain PATH: everybody who may. The entries of the deciding rules, as the
 * kernel has them: users, and groups with the people who are in them. Where
 * two rules have to allow it (the source of a conditional resource), each
 * entry is asked again; people whom only two groups together let in are named
 * by themselves.
 */
#include "ctl/explain.h"

#include "base/scope.h"
#include "ctl/print.h"

#include <grp.h>
#include <pwd.h>

struct all {
	struct explain *e;
	json_t *rows;
	bool nomem;
};

static const struct ctl_column columns[] = {
	{"who", "WHO", CTL_TEXT},
	{"may", "MAY", CTL_TEXT},
	{"decided_by", "DECIDED BY", CTL_TEXT},
	{"members", "MEMBERS", CTL_TEXT},
};

/* ---- names --------------------------------------------------------------- */

static int
add_row(struct all *a, const char *kind, const char *name, json_t *row)
{
	scope_buf who = BUF_INIT;
	bool write = json_is_true(json_object_get(row, "write"));

	if (buf_addf(&who, "%s%s%s", kind, *name ? " " : "", name) ||
	    !buf_str(&who))
		return -1;
	return json_object_set_new(row, "who", json_string(who.data)) |
	       json_object_set_new(row, "kind", json_string(kind)) |
	       json_object_set_new(row, "name", json_string(name)) |
	       json_object_set_new(
		       row, "may",
		       json_string(write ? "read, write" : "read")) |
	       json_array_append(a->rows, row);
}

/* A row when 'who' may read; takes 'members', which may be NULL. */
static int
offer(struct all *a, const char *kind, const char *name,
      const struct access_who *who, json_t *members)
{
	json_t *row = json_object();
	bool read = false;
	int rc = row ? ctl_explain_facts(a->e, who, row, &read) : -1;

	if (!rc && members)
		rc = json_object_set(row, "members", members);
	if (!rc && read)
		rc = add_row(a, kind, name, row);
	json_decref(row);
	json_decref(members);
	return rc;
}

/* A name for a number, in 'room' if the machine has none. */
static const char *
user_name(uid_t uid, char room[static 16])
{
	const struct passwd *pw = getpwuid(uid);

	snprintf(room, 16, "%u", uid);
	return pw ? pw->pw_name : room;
}

static bool
has(const json_t *list, const char *name)
{
	size_t i;
	const json_t *item;

	json_array_foreach(list, i, item)
	{
		if (strcmp(json_string_value(item), name) == 0)
			return true;
	}
	return false;
}

static int
add_member(json_t *list, const char *name)
{
	return has(list, name) ? 0
			       : json_array_append_new(list, json_string(name));
}

/* Everybody in a group: those it lists, and those whose first group it is. */
static json_t *
members_of(gid_t gid)
{
	json_t *list = json_array();
	const struct group *group = getgrgid(gid);
	const struct passwd *pw;
	int rc = list ? 0 : -1;

	for (char **m = group ? group->gr_mem : NULL; !rc && m && *m; m++)
		rc = add_member(list, *m);
	setpwent();
	while (!rc && (pw = getpwent())) {
		if (pw->pw_gid == gid)
			rc = add_member(list, pw->pw_name);
	}
	endpwent();
	if (!rc)
		return list;
	json_decref(list);
	return NULL;
}

/* ---- entries ------------------------------------------------------------- */

static int
offer_user(struct all *a, const char *name)
{
	scope_free gid_t *groups = NULL;
	struct access_who who = {0};
	int rc = ctl_explain_user(name, &who, &groups);

	return rc > 0 ? offer(a, "user", name, &who, NULL) : rc;
}

/* Whether a process with this group and nothing else may. */
static bool
group_may(const struct all *a, gid_t gid)
{
	const struct access_who who = {.uid = (uid_t)-2, .gid = gid};

	return access_path_may(a->e->access, &a->e->path, &who, ACCESS_READ,
			       NULL);
}

static int
offer_group(struct all *a, gid_t gid)
{
	const struct access_who who = {.uid = (uid_t)-2, .gid = gid};
	const struct group *group = getgrgid(gid);
	scope_free char *name = strdup(group ? group->gr_name : "?");
	json_t *members = members_of(gid);
	int rc = name && members ? 0 : -1;

	if (!rc && group_may(a, gid))
		return offer(a, "group", name, &who, members);
	for (size_t i = 0; !rc && i < json_array_size(members); i++)
		rc = offer_user(a,
				json_string_value(json_array_get(members, i)));
	json_decref(members);
	return rc;
}

static int
offer_entry(void *ctx, const struct access_entry *entry)
{
	const struct access_who anybody = {.uid = (uid_t)-2,
					   .gid = ACCESS_NO_GROUP};
	struct all *a = ctx;
	scope_free char *name = NULL;
	char room[16];

	switch (entry->kind) {
	case ACCESS_USER:
		name = strdup(user_name(entry->id, room));
		return name ? offer_user(a, name) : -1;
	case ACCESS_GROUP:
		return offer_group(a, entry->id);
	default:
		return offer(a, "everyone", "", &anybody, NULL);
	}
}

/* ---- the answer ---------------------------------------------------------- */

static int
print(const struct all *a)
{
	const struct explain *e = a->e;

	if (e->ctl->json) {
		json_t *answer = json_pack("{s:s, s:O}", "path", e->given,
					   "readers", a->rows);
		int rc = answer ? ctl_json(answer) : CTL_NO;

		json_decref(answer);
		return rc;
	}
	if (json_array_size(a->rows))
		return ctl_table(a->rows, columns,
				 sizeof(columns) / sizeof(*columns));
	printf("nobody but root may read '%s'\n", e->given);
	return CTL_DONE;
}

/* Why nobody may: what a stranger is told. */
static int
print_nobody(const struct explain *e)
{
	const struct access_who stranger = {.uid = (uid_t)-2,
					    .gid = ACCESS_NO_GROUP};
	struct access_reason why;
	scope_buf text = BUF_INIT;

	(void)access_path_may(e->access, &e->path, &stranger, ACCESS_READ,
			      &why);
	if (access_reason_text(&why, &text) || !buf_str(&text))
		return CTL_NO;
	printf("  %s\n", text.data);
	return CTL_DONE;
}

int
ctl_explain_all(struct explain *e)
{
	struct all a = {.e = e, .rows = json_array()};
	struct access_at end = e->path.steps[e->path.nsteps - 1];
	int rc = a.rows ? access_each(e->access, end, offer_entry, &a) : -1;

	if (rc)
		rc = ctl_refuse(CTL_NO, "no memory");
	else
		rc = print(&a);
	if (!rc && !e->ctl->json && !json_array_size(a.rows))
		rc = print_nobody(e);
	json_decref(a.rows);
	return rc;
}
