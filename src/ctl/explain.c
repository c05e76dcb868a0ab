/*
 * explain USER PATH, explain PATH: who may read or write a node of the tree,
 * and which line of the configuration decides it. Works on the configuration
 * alone: what the daemon enforces is that of its last reload.
 */
#include "ctl/explain.h"

#include "base/scope.h"
#include "ctl/keeper.h"
#include "ctl/print.h"

#include <limits.h>

static int
no_memory(void)
{
	return ctl_refuse(CTL_NO, "no memory");
}

int
ctl_explain_user(const char *name, struct access_who *ret, gid_t **groups)
{
	const struct access_resolver *m = &access_machine;
	size_t n = 0;
	int rc = m->user(m->ctx, name, &ret->uid, &ret->gid);

	if (rc <= 0)
		return rc;
	if (m->groups_of(m->ctx, name, ret->gid, groups, &n))
		return -1;
	ret->groups = *groups;
	ret->ngroups = n;
	return 1;
}

/* ---- what decided -------------------------------------------------------- */

static int
set_reason(json_t *to, const struct access_reason *r)
{
	scope_buf text = BUF_INIT;
	json_t *file = r->place.file ? json_string(r->place.file) : json_null();
	json_t *line =
		r->place.file ? json_integer(r->place.line) : json_null();

	if (access_reason_text(r, &text) || !buf_str(&text)) {
		json_decref(file);
		json_decref(line);
		return -1;
	}
	return json_object_set_new(to, "file", file) |
	       json_object_set_new(to, "line", line) |
	       json_object_set_new(to, "key", json_string(r->key)) |
	       json_object_set_new(to, "decided_by", json_string(text.data));
}

int
ctl_explain_facts(const struct explain *e, const struct access_who *who,
		  json_t *ret, bool *ret_read)
{
	struct access_reason why;
	bool write =
		e->path.writable &&
		access_path_may(e->access, &e->path, who, ACCESS_WRITE, NULL);

	*ret_read =
		access_path_may(e->access, &e->path, who, ACCESS_READ, &why);
	return json_object_set_new(ret, "read", json_boolean(*ret_read)) |
	       json_object_set_new(ret, "write", json_boolean(write)) |
	       set_reason(ret, &why);
}

/* ---- explain USER PATH --------------------------------------------------- */

static void
print_one(const struct explain *e, const char *user, const json_t *facts)
{
	bool read = json_is_true(json_object_get(facts, "read"));
	bool write = json_is_true(json_object_get(facts, "write"));

	printf("'%s' may %s '%s'\n  %s\n", user,
	       write  ? "read and write"
	       : read ? "read"
		      : "not read",
	       e->given,
	       json_string_value(json_object_get(facts, "decided_by")));
	if (read && !write && !e->path.writable)
		printf("  nobody writes here: %s\n", e->path.read_only);
}

static int
explain_one(struct explain *e, const char *user)
{
	scope_free gid_t *groups = NULL;
	struct access_who who = {0};
	bool read = false;
	json_t *facts;
	int rc = ctl_explain_user(user, &who, &groups);

	if (rc == 0)
		return ctl_refuse(CTL_NO,
				  "this machine has no user '%s': 'getent "
				  "passwd' lists those it has; without an "
				  "account nobody may do anything",
				  user);
	facts = json_pack("{s:s, s:s}", "user", user, "path", e->given);
	if (rc < 0 || !facts || ctl_explain_facts(e, &who, facts, &read)) {
		json_decref(facts);
		return no_memory();
	}
	rc = CTL_DONE;
	if (e->ctl->json)
		rc = ctl_json(facts);
	else
		print_one(e, user, facts);
	json_decref(facts);
	return rc ? rc : read ? CTL_DONE : CTL_NO;
}

/* ---- the path ------------------------------------------------------------ */

/* A path of the file system that lies on a mounted tree becomes one from the
 * root of that tree. */
static int
take_path(struct explain *e, const char *path)
{
	char here[PATH_MAX] = "";
	scope_buf full = BUF_INIT;
	const char *text;
	size_t root;

	if (*path != '/' && !getcwd(here, sizeof(here)))
		*here = '\0';
	if (buf_addf(&full, "%s%s%s", here, *here ? "/" : "", path))
		return no_memory();
	text = buf_str(&full);
	if (!text)
		return no_memory();
	root = ctl_mount_prefix(text);
	/* no such mount: it is meant from the root of the tree */
	text = root ? text + root : path;
	while (*text == '/')
		text++;
	if (asprintf(&e->given, "/%s", text) < 0) {
		e->given = NULL;
		return no_memory();
	}
	return CTL_DONE;
}

static int
prepare(struct explain *e, const char *path)
{
	struct error err = ERROR_INIT;
	int rc = take_path(e, path);

	if (rc)
		return rc;
	rc = access_path_find(e->ctl->config, e->given, &e->path, &err);
	if (!rc)
		rc = access_compile(e->ctl->config, &access_machine, &e->access,
				    &err);
	if (!rc)
		return CTL_DONE;
	return ctl_refuse(rc == ERR_INVALID ? CTL_USAGE : CTL_NO, "%s",
			  err.text);
}

int
ctl_explain(struct ctl *ctl)
{
	struct explain e = {.ctl = ctl};
	int rc = prepare(&e, ctl->args[ctl->nargs - 1]);

	if (!rc)
		rc = ctl->nargs == 2 ? explain_one(&e, ctl->args[0])
				     : ctl_explain_all(&e);
	access_free(e.access);
	free(e.given);
	return rc;
}
