/*
 * From principals to sets: each key of [access], each department's members and
 * each role become a set of users and groups with the line that put them there.
 */
#include "access/rules.h"

#include "base/scope.h"
#include "config/words.h"

#include <string.h>

/* What a line gives, and to whom; 'path' is how it got to the principal under
 * way, for people. */
struct line {
	struct access *access;
	struct access_set *set;
	unsigned rights;
	struct config_place place;
	const char *key;
};

/* The text lives as long as the rules; NULL without memory. */
static const char *
keep(struct access *a, struct buf *text)
{
	const char *end = buf_str(text);
	char **texts =
		end ? reallocarray(a->texts, a->ntexts + 1, sizeof(*texts))
		    : NULL;

	if (!texts)
		return NULL;
	a->texts = texts;
	texts[a->ntexts++] = text->data;
	*text = BUF_INIT;
	return end;
}

/* "department:tax (conf.d/10.ini:4), group:dept-tax" */
static const char *
say(struct access *a, const char *path, const char *principal)
{
	scope_buf text = BUF_INIT;

	if (buf_addf(&text, "%s%s%s", path, *path ? ", " : "", principal))
		return NULL;
	return keep(a, &text);
}

static const char *
say_list(struct access *a, const char *path, const char *principal,
	 struct config_place place)
{
	scope_buf text = BUF_INIT;

	if (buf_addf(&text, "%s%s%s (%s:%d)", path, *path ? ", " : "",
		     principal, place.file, place.line))
		return NULL;
	return keep(a, &text);
}

static const char *
behind(const char *text, const char *prefix)
{
	size_t n = strlen(prefix);

	return strncmp(text, prefix, n) == 0 ? text + n : NULL;
}

/* A name that the machine does not know is nobody; config has warned. */
static int
add_name(struct line *l, const char *path, const char *principal,
	 const char *text, bool is_group)
{
	const struct access_name *name;
	struct access_entry e = {
		.kind = is_group ? ACCESS_GROUP : ACCESS_USER,
		.rights = l->rights,
		.reason = {.place = l->place, .key = l->key},
	};
	int rc = access_names_get(&l->access->names, text, is_group, &name);

	if (rc)
		return rc;
	if (!name->found)
		return 0;
	e.id = name->id;
	e.reason.how = say(l->access, path, principal);
	return e.reason.how ? access_set_add(l->set, &e) : ERR_NOMEM;
}

static int add_principal(struct line *l, const char *path,
			 const char *principal);

/* What a line names, each with the line where it stands. */
static int
add_line(struct line *l, const struct config_list *list)
{
	const struct config_place first = l->place;
	int rc = 0;

	for (size_t i = 0; i < list->n && !rc; i++) {
		l->place = config_list_place(list, i, first);
		rc = add_principal(l, "", list->items[i]);
	}
	return rc;
}

/* What stands for a principal, in a list whose first line is at 'first'. */
static int
add_list(struct line *l, const char *path, const char *principal,
	 const struct config_list *list, struct config_place first)
{
	const char *longer = NULL;
	int line = 0, rc = 0;

	for (size_t i = 0; i < list->n && !rc; i++) {
		struct config_place at = config_list_place(list, i, first);

		if (!longer || at.line != line)
			longer = say_list(l->access, path, principal, at);
		line = at.line;
		rc = longer ? add_principal(l, longer, list->items[i])
			    : ERR_NOMEM;
	}
	return rc;
}

static int
add_department(struct line *l, const char *path, const char *principal,
	       const struct config_department *d)
{
	return add_list(l, path, principal, &d->members, d->members_place);
}

static int
add_departments(struct line *l, const char *path)
{
	const struct config *c = l->access->config;
	int rc = 0;

	for (size_t i = 0; i < c->ndepartments && !rc; i++) {
		scope_buf principal = BUF_INIT;

		if (buf_addf(&principal, "departments, department:%s",
			     c->departments[i].id) ||
		    !buf_str(&principal))
			return ERR_NOMEM;
		rc = add_department(l, path, principal.data,
				    &c->departments[i]);
	}
	return rc;
}

static int
add_everyone(struct line *l, const char *path)
{
	struct access_entry e = {
		.kind = ACCESS_EVERYONE,
		.rights = l->rights,
		.reason = {.place = l->place, .key = l->key},
	};

	e.reason.how = say(l->access, path, "everyone");
	return e.reason.how ? access_set_add(l->set, &e) : ERR_NOMEM;
}

/* A role's principals name no roles, and a department's members no
 * departments (config has seen to that), so this ends. */
static int
add_role(struct line *l, const char *path, const char *principal,
	 const char *role)
{
	const struct config *c = l->access->config;
	int i = config_word_find(config_role_words, role);

	if (i < 0)
		return 0;
	return add_list(l, path, principal, &c->roles[i], c->roles_places[i]);
}

/* What is none of these was refused when the configuration was loaded. */
static int
add_principal(struct line *l, const char *path, const char *principal)
{
	const struct config *c = l->access->config;
	const struct config_department *d;
	const char *name;

	if ((name = behind(principal, "user:")))
		return add_name(l, path, principal, name, false);
	if ((name = behind(principal, "group:")))
		return add_name(l, path, principal, name, true);
	if ((name = behind(principal, "role:")))
		return add_role(l, path, principal, name);
	if ((name = behind(principal, "department:"))) {
		d = config_find_department(c, name);
		return d ? add_department(l, path, principal, d) : 0;
	}
	if (strcmp(principal, "departments") == 0)
		return add_departments(l, path);
	return strcmp(principal, "everyone") == 0 ? add_everyone(l, path) : 0;
}

/* ---- the sets ------------------------------------------------------------ */

/* All lines of one key of [access]. Whom they do not name is told the last of
 * them, or 'fallback', where the thing is declared. */
static int
compile_key(struct access *a, const char *prefix, const char *id,
	    struct config_place fallback, struct access_set *set)
{
	const struct config *c = a->config;
	scope_buf key = BUF_INIT;
	const char *kept;
	int rc = 0;

	if (buf_addf(&key, "%s%s", prefix, id))
		return ERR_NOMEM;
	kept = keep(a, &key);
	if (!kept)
		return ERR_NOMEM;
	set->none = (struct access_reason){fallback, kept, NULL};
	for (size_t i = 0; i < c->ngrants && !rc; i++) {
		struct line l = {a, set, ACCESS_READ, c->grants[i].place, kept};

		if (strcmp(c->grants[i].key, kept) != 0)
			continue;
		set->none = (struct access_reason){l.place, kept, ""};
		rc = add_line(&l, &c->grants[i].principals);
	}
	return rc;
}

static int
compile_inbox(struct access *a, const struct config_department *d,
	      struct access_set *set)
{
	struct line l = {.access = a,
			 .set = set,
			 .rights = ACCESS_READ | ACCESS_WRITE,
			 .place = d->members_place};
	scope_buf key = BUF_INIT;

	if (buf_addf(&key, "[department %s] members", d->id))
		return ERR_NOMEM;
	l.key = keep(a, &key);
	if (!l.key)
		return ERR_NOMEM;
	set->none = (struct access_reason){l.place, l.key,
					   d->members.n ? "" : NULL};
	return add_line(&l, &d->members);
}

static int
compile_role(struct access *a, size_t role, struct access_set *set)
{
	struct line l = {.access = a,
			 .set = set,
			 .rights = ACCESS_READ,
			 .place = a->config->roles_places[role]};
	scope_buf key = BUF_INIT;

	if (buf_addf(&key, "[roles] %s", config_role_words[role]))
		return ERR_NOMEM;
	l.key = keep(a, &key);
	if (!l.key)
		return ERR_NOMEM;
	set->none = (struct access_reason){
		l.place, l.key, a->config->roles[role].n ? "" : NULL};
	return add_line(&l, &a->config->roles[role]);
}

static void
compile_root(struct access_set *set)
{
	set->everyone = ACCESS_READ;
	set->everyone_reason = (struct access_reason){
		.key = "the root", .how = "everyone may enter it"};
	set->none = set->everyone_reason;
}

static int
compile_all(struct access *a)
{
	const struct config *c = a->config;
	const struct config_place top = {c->path, 1};
	int rc = compile_key(a, "catalogue", "", top, &a->catalogue);

	compile_root(&a->root);
	a->inboxes.none = (struct access_reason){
		.key = "the folder of the inboxes",
		.how = "it is for members of departments"};
	a->themes.none = (struct access_reason){
		.key = "the folder of the themes",
		.how = "it is for those who may read one"};
	a->nowhere.none = (struct access_reason){
		.key = "the configuration", .how = "it allows this to nobody"};
	for (size_t i = 0; i < c->ndepartments && !rc; i++) {
		rc = compile_inbox(a, &c->departments[i], &a->inbox[i]);
		if (!rc)
			rc = access_set_join(&a->inboxes, &a->inbox[i],
					     ACCESS_READ);
	}
	for (size_t i = 0; i < c->nthemes && !rc; i++) {
		rc = compile_key(a, "theme.", c->themes[i].id,
				 c->themes[i].place, &a->theme[i]);
		if (!rc)
			rc = access_set_join(&a->themes, &a->theme[i],
					     ACCESS_READ);
	}
	for (size_t i = 0; i < c->nresources && !rc; i++)
		rc = compile_key(a, "source.", c->resources[i].name,
				 c->resources[i].place, &a->source[i]);
	for (size_t i = 0; i < ACCESS_ROLES && !rc; i++)
		rc = compile_role(a, i, &a->roles[i]);
	return rc;
}

/* ---- closing them -------------------------------------------------------- */

static bool
has_group(const struct access_name *user, gid_t gid)
{
	for (size_t i = 0; user && i < user->ngroups; i++) {
		if (user->groups[i] == gid)
			return true;
	}
	return false;
}

static void
add_groups(const struct access *a, const struct access_set *s,
	   struct access_entry *entry)
{
	const struct access_name *user =
		access_names_user(&a->names, entry->id);

	for (size_t g = 0; g < s->ngroups; g++) {
		if (has_group(user, s->groups[g].id))
			entry->rights |= s->groups[g].rights;
	}
}

/* What the kernel does not add by itself: see access.h. */
static int
close_set(const struct access *a, struct access_set *s, struct error *err)
{
	s->plain = true;
	for (size_t i = 0; i < s->nusers; i++) {
		add_groups(a, s, &s->users[i]);
		s->plain = s->plain && !(s->users[i].rights & ~s->everyone);
		s->users[i].rights |= s->everyone;
	}
	for (size_t g = 0; g < s->ngroups; g++) {
		s->plain = s->plain && !(s->groups[g].rights & ~s->everyone);
		s->groups[g].rights |= s->everyone;
	}
	if (s->plain || !s->beyond.place.line)
		return 0;
	return error_set(err, ERR_INVALID,
			 "%s:%d: %s: more than %d users and groups; the "
			 "kernel holds no more for one folder: name unix "
			 "groups instead of users",
			 s->beyond.place.file, s->beyond.place.line,
			 s->beyond.key, ACCESS_ENTRIES_MAX);
}

static int
close_many(const struct access *a, struct access_set *sets, size_t n,
	   struct error *err)
{
	int rc = 0;

	for (size_t i = 0; i < n && !rc; i++)
		rc = close_set(a, &sets[i], err);
	return rc;
}

static int
close_all(struct access *a, struct error *err)
{
	struct access_set *const single[] = {&a->root,	  &a->catalogue,
					     &a->inboxes, &a->themes,
					     &a->nowhere, NULL};
	int rc = close_many(a, a->inbox, a->config->ndepartments, err);

	if (!rc)
		rc = close_many(a, a->theme, a->config->nthemes, err);
	if (!rc)
		rc = close_many(a, a->source, a->config->nresources, err);
	for (size_t i = 0; single[i] && !rc; i++)
		rc = close_set(a, single[i], err);
	return rc;
}

static struct access *
make(const struct config *config, const struct access_resolver *resolver)
{
	struct access *a = calloc(1, sizeof(*a));

	if (!a)
		return NULL;
	a->config = config;
	a->names.resolver = resolver;
	a->inbox = calloc(config->ndepartments + 1, sizeof(*a->inbox));
	a->theme = calloc(config->nthemes + 1, sizeof(*a->theme));
	a->source = calloc(config->nresources + 1, sizeof(*a->source));
	if (a->inbox && a->theme && a->source)
		return a;
	access_free(a);
	return NULL;
}

int
access_compile(const struct config *config,
	       const struct access_resolver *resolver, struct access **ret,
	       struct error *err)
{
	struct access *a = make(config, resolver);
	int rc;

	if (!a)
		return error_nomem(err);
	rc = compile_all(a);
	if (rc)
		rc = error_nomem(err);
	else
		rc = close_all(a, err);
	if (rc) {
		access_free(a);
		return rc;
	}
	*ret = a;
	return 0;
}

int
access_check(const struct config *config, struct error *err)
{
	struct access *a = NULL;
	int rc = access_compile(config, &access_machine, &a, err);

	access_free(a);
	return rc;
}

static void
release_many(struct access_set *sets, size_t n)
{
	for (size_t i = 0; sets && i < n; i++)
		access_set_release(&sets[i]);
}

void
access_free(struct access *a)
{
	if (!a)
		return;
	release_many(a->inbox, a->config->ndepartments);
	release_many(a->theme, a->config->nthemes);
	release_many(a->source, a->config->nresources);
	release_many(a->roles, ACCESS_ROLES);
	access_set_release(&a->catalogue);
	access_set_release(&a->inboxes);
	access_set_release(&a->themes);
	free(a->inbox);
	free(a->theme);
	free(a->source);
	access_names_release(&a->names);
	for (size_t i = 0; i < a->ntexts; i++)
		free(a->texts[i]);
	free(a->texts);
	free(a);
}
