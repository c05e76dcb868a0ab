/*
 * The rules of access, compiled from a configuration made by hand for a
 * machine made by hand. Fails if somebody may who is not named or may not who
 * is, if the ACL would make the kernel decide otherwise than access_may(), or
 * if a reason names another line.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <endian.h>
#include <linux/posix_acl.h>
#include <linux/posix_acl_xattr.h>
#include <stdlib.h>
#include <string.h>

#include "access/path.h"
#include "base/scope.h"

/* ---- a machine ----------------------------------------------------------- */

/* li (1001) and wang (1002) are users of their own groups; wang is in tax
 * (2001) and court (2002) too. u0 … u999 are 5000 … 5999. */
static int
find_user(void *ctx, const char *name, uid_t *ret_uid, gid_t *ret_gid)
{
	(void)ctx;
	if (strcmp(name, "li") == 0)
		*ret_uid = 1001;
	else if (strcmp(name, "wang") == 0)
		*ret_uid = 1002;
	else if (name[0] == 'u')
		*ret_uid = 5000 + (uid_t)atoi(name + 1);
	else
		return 0;
	*ret_gid = *ret_uid;
	return 1;
}

static int
find_group(void *ctx, const char *name, gid_t *ret_gid)
{
	(void)ctx;
	if (strcmp(name, "tax") == 0)
		*ret_gid = 2001;
	else if (strcmp(name, "court") == 0)
		*ret_gid = 2002;
	else
		return 0;
	return 1;
}

static int
groups_of(void *ctx, const char *name, gid_t gid, gid_t **ret_groups,
	  size_t *ret_n)
{
	gid_t *groups = calloc(3, sizeof(*groups));

	(void)ctx;
	if (!groups)
		return ERR_NOMEM;
	groups[0] = gid;
	groups[1] = 2001;
	groups[2] = 2002;
	*ret_groups = groups;
	*ret_n = strcmp(name, "wang") == 0 ? 3 : 1;
	return 0;
}

static const struct access_resolver machine = {
	.user = find_user,
	.group = find_group,
	.groups_of = groups_of,
};

/* ---- a city -------------------------------------------------------------- */

#define WORDS_MOST 1100

struct city {
	struct config config;
	struct config_department departments[3];
	struct config_theme themes[2];
	struct config_resource resources[3];
	struct config_grant grants[6];
	char texts[8192];
	size_t used;
	const char *words[WORDS_MOST];
	size_t nwords;
	struct access *access;
};

/* A list of words that blanks separate. */
static struct config_list
list(struct city *c, const char *text)
{
	struct config_list l = {.items = &c->words[c->nwords]};
	char *copy = c->texts + c->used, *save = NULL;

	assert_true(c->used + strlen(text) + 1 < sizeof(c->texts));
	strcpy(copy, text);
	c->used += strlen(text) + 1;
	for (char *w = strtok_r(copy, " ", &save); w;
	     w = strtok_r(NULL, " ", &save)) {
		assert_true(c->nwords < WORDS_MOST);
		c->words[c->nwords++] = w;
		l.n++;
	}
	return l;
}

static void
department(struct city *c, const char *id, const char *members)
{
	size_t i = c->config.ndepartments++;

	c->departments[i] = (struct config_department){
		.id = id,
		.members = list(c, members),
		.members_place = {"departments.ini", (int)i + 1},
		.place = {"departments.ini", 100},
	};
}

static void
grant(struct city *c, const char *key, const char *principals)
{
	size_t i = c->config.ngrants++;

	c->grants[i] = (struct config_grant){
		.key = key,
		.principals = list(c, principals),
		.place = {"access.ini", (int)i + 1},
	};
}

static void
resource(struct city *c, const char *name, enum config_sharing sharing)
{
	c->resources[c->config.nresources++] = (struct config_resource){
		.name = name,
		.sharing = sharing,
		.place = {"resource.ini", 1},
	};
}

/* Two themes and three resources; the test adds who may what. */
static void
begin(struct city *c)
{
	*c = (struct city){
		.config = {.path = "civicfs.conf",
			   .departments = c->departments,
			   .themes = c->themes,
			   .nthemes = 2,
			   .resources = c->resources,
			   .grants = c->grants},
		.themes = {{.id = "credit", .place = {"themes.ini", 1}},
			   {.id = "penalties", .place = {"themes.ini", 9}}},
	};
	resource(c, "aic/registrations", CONFIG_UNCONDITIONAL);
	resource(c, "court/cases", CONFIG_NONE);
	resource(c, "tax/ratings", CONFIG_CONDITIONAL);
}

static void
compile(struct city *c)
{
	struct error err = ERROR_INIT;

	if (access_compile(&c->config, &machine, &c->access, &err))
		fail_msg("%s", err.text);
}

static bool
may(const struct city *c, struct access_at at, uid_t uid, gid_t group,
    unsigned want)
{
	const struct access_who who = {
		.uid = uid, .gid = uid, .groups = &group, .ngroups = 1};

	return access_may(c->access, at, &who, want, NULL);
}

static struct access_at
at(enum access_place place)
{
	return (struct access_at){.place = place};
}

/* ---- the kernel ---------------------------------------------------------- */

/* As fs/posix_acl.c, posix_acl_permission(), for neither owner nor member of
 * the owning group. */
static bool
kernel_may(const struct buf *acl, mode_t mode, uid_t uid, gid_t group,
	   unsigned want)
{
	const struct posix_acl_xattr_entry *e;
	unsigned mask = 7;
	bool matched = false, granted = false;
	size_t n;

	if (!acl->len)
		return (mode & want) == want;
	e = (const void *)(acl->data + sizeof(struct posix_acl_xattr_header));
	n = (acl->len - sizeof(struct posix_acl_xattr_header)) / sizeof(*e);
	for (size_t i = 0; i < n; i++) {
		if (le16toh(e[i].e_tag) == ACL_MASK)
			mask = le16toh(e[i].e_perm);
	}
	for (size_t i = 0; i < n; i++) {
		unsigned id = le32toh(e[i].e_id), perm = le16toh(e[i].e_perm);

		switch (le16toh(e[i].e_tag)) {
		case ACL_USER:
			if (id == uid)
				return (perm & mask & want) == want;
			break;
		case ACL_GROUP:
			if (id != uid && id != group)
				break;
			matched = true;
			granted = granted || (perm & want) == want;
			break;
		case ACL_OTHER:
			if (matched)
				return granted && (mask & want) == want;
			return (perm & want) == want;
		default:
			break;
		}
	}
	return false;
}

/* Both answers, which have to be the same. */
static bool
both(const struct city *c, struct access_at place, bool writable, uid_t uid,
     gid_t group, unsigned want)
{
	const struct access_form form = {.folder = true, .writable = writable};
	mode_t mode = access_mode(c->access, place, form);
	unsigned bits =
		(want & ACCESS_READ ? 5 : 0) | (want & ACCESS_WRITE ? 2 : 0);
	scope_buf acl = BUF_INIT;
	bool kernel, ours = may(c, place, uid, group, want);

	assert_int_equal(access_acl(c->access, place, form, &acl), 0);
	kernel = kernel_may(&acl, mode, uid, group, bits);
	assert_int_equal(ours, kernel);
	return ours;
}

/* ---- tests --------------------------------------------------------------- */

static void
test_nothing_is_allowed_that_is_not_written(void **state)
{
	struct city c;
	const enum access_place places[] = {
		ACCESS_NOWHERE, ACCESS_CATALOGUE, ACCESS_INBOXES, ACCESS_INBOX,
		ACCESS_THEMES,	ACCESS_THEME,	  ACCESS_SOURCE,
	};

	(void)state;
	begin(&c);
	department(&c, "aic", "");
	compile(&c);
	for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++) {
		assert_false(
			both(&c, at(places[i]), true, 1001, 2001, ACCESS_READ));
		assert_true(may(&c, at(places[i]), 0, 0, ACCESS_READ));
	}
	assert_true(both(&c, at(ACCESS_ROOT), false, 1001, 2001, ACCESS_READ));
	access_free(c.access);
}

static void
test_members(void **state)
{
	struct access_at aic;
	struct city c;

	(void)state;
	begin(&c);
	department(&c, "aic", "user:li group:tax");
	department(&c, "court", "group:court");
	compile(&c);
	aic = access_inbox(&c.config, "aic");
	assert_true(both(&c, aic, true, 1001, 9, ACCESS_READ | ACCESS_WRITE));
	assert_true(both(&c, aic, true, 77, 2001, ACCESS_READ | ACCESS_WRITE));
	assert_false(both(&c, aic, true, 77, 2002, ACCESS_READ));
	/* inbox/ is entered by members of any, and written by nobody */
	assert_true(both(&c, at(ACCESS_INBOXES), false, 77, 2002, ACCESS_READ));
	assert_false(may(&c, at(ACCESS_INBOXES), 77, 2002, ACCESS_WRITE));
	assert_false(both(&c, at(ACCESS_INBOXES), false, 77, 9, ACCESS_READ));
	assert_int_equal(access_inbox(&c.config, "env").place, ACCESS_NOWHERE);
	access_free(c.access);
}

/* The kernel looks at the entry for the user alone: it has to have what his
 * groups have. wang is in tax by his account, whatever process he runs. */
static void
test_a_named_user_has_what_his_groups_have(void **state)
{
	struct city c;
	struct access_at credit;
	scope_buf acl = BUF_INIT;

	(void)state;
	begin(&c);
	department(&c, "aic", "user:wang");
	grant(&c, "theme.credit", "user:wang");
	grant(&c, "theme.credit", "group:tax everyone");
	grant(&c, "theme.penalties", "user:wang group:court");
	compile(&c);
	credit = access_theme(&c.config, "credit");
	assert_true(both(&c, credit, false, 1002, 9, ACCESS_READ));
	/* everyone may what the others may: the mode says it */
	assert_int_equal(access_acl(c.access, credit,
				    (struct access_form){.folder = true}, &acl),
			 0);
	assert_int_equal(acl.len, 0);
	assert_int_equal(access_mode(c.access, credit,
				     (struct access_form){.folder = true}),
			 0555);
	assert_true(both(&c, access_theme(&c.config, "penalties"), false, 77,
			 2002, ACCESS_READ));
	access_free(c.access);
}

static void
test_principals(void **state)
{
	struct city c;

	(void)state;
	begin(&c);
	department(&c, "aic", "user:li");
	department(&c, "tax", "group:tax");
	c.config.roles[ACCESS_AUDITOR] = list(&c, "department:tax user:u7");
	c.config.roles_places[ACCESS_AUDITOR] =
		(struct config_place){"civicfs.conf", 5};
	grant(&c, "catalogue", "departments");
	grant(&c, "theme.credit", "department:aic");
	grant(&c, "theme.penalties", "role:auditor");
	compile(&c);
	assert_true(
		both(&c, at(ACCESS_CATALOGUE), false, 77, 2001, ACCESS_READ));
	assert_true(
		both(&c, at(ACCESS_CATALOGUE), false, 1001, 9, ACCESS_READ));
	assert_false(
		both(&c, at(ACCESS_CATALOGUE), false, 5007, 9, ACCESS_READ));
	assert_true(both(&c, access_theme(&c.config, "credit"), false, 1001, 9,
			 ACCESS_READ));
	assert_false(both(&c, access_theme(&c.config, "credit"), false, 77,
			  2001, ACCESS_READ));
	assert_true(both(&c, access_theme(&c.config, "penalties"), false, 77,
			 2001, ACCESS_READ));
	assert_true(both(&c, access_theme(&c.config, "penalties"), false, 5007,
			 9, ACCESS_READ));
	assert_true(access_has_role(c.access, ACCESS_AUDITOR,
				    &(struct access_who){.uid = 5007}, NULL));
	assert_false(access_has_role(c.access, ACCESS_COORDINATOR,
				     &(struct access_who){.uid = 5007}, NULL));
	access_free(c.access);
}

static void
test_sources(void **state)
{
	struct access_at open_to_all, granted, never;
	struct city c;

	(void)state;
	begin(&c);
	department(&c, "aic", "user:li");
	grant(&c, "theme.credit", "user:li group:tax");
	grant(&c, "source.tax/ratings", "user:li user:u1");
	compile(&c);
	open_to_all = access_source(&c.config, "credit", "aic/registrations");
	granted = access_source(&c.config, "credit", "tax/ratings");
	never = access_source(&c.config, "credit", "court/cases");
	assert_true(both(&c, open_to_all, false, 77, 2001, ACCESS_READ));
	assert_false(both(&c, open_to_all, false, 5001, 9, ACCESS_READ));
	assert_true(both(&c, granted, false, 1001, 9, ACCESS_READ));
	assert_false(both(&c, granted, false, 77, 2001, ACCESS_READ));
	/* a grant of the source alone does not lead through the theme */
	assert_false(may(&c, granted, 5001, 9, ACCESS_READ));
	assert_false(both(&c, never, false, 1001, 9, ACCESS_READ));
	assert_int_equal(access_source(&c.config, "credit", "env/none").place,
			 ACCESS_NOWHERE);
	access_free(c.access);
}

/* What the machine does not know is nobody, never everyone. */
static void
test_unresolved_names(void **state)
{
	struct city c;
	struct access_at credit;

	(void)state;
	begin(&c);
	department(&c, "aic", "user:nobody-here group:none");
	grant(&c, "theme.credit", "user:xu group:none department:aic");
	compile(&c);
	credit = access_theme(&c.config, "credit");
	assert_false(both(&c, credit, false, 1001, 2001, ACCESS_READ));
	/* nor root's group, which is the number 0 */
	assert_false(both(&c, credit, false, 77, 0, ACCESS_READ));
	assert_int_equal(access_mode(c.access, credit,
				     (struct access_form){.folder = true}),
			 0500);
	access_free(c.access);
}

static void
test_five_hundred(void **state)
{
	for (size_t n = 499; n <= 501; n++) {
		struct city c;
		struct error err = ERROR_INIT;
		scope_buf text = BUF_INIT;
		int rc;

		(void)state;
		begin(&c);
		for (size_t i = 0; i < n; i++)
			assert_int_equal(buf_addf(&text, "user:u%zu ", i), 0);
		grant(&c, "theme.credit", buf_str(&text));
		rc = access_compile(&c.config, &machine, &c.access, &err);
		assert_int_equal(rc, n > 500 ? ERR_INVALID : 0);
		if (rc) {
			assert_non_null(strstr(err.text, "access.ini:1: "
							 "theme.credit: "));
			continue;
		}
		assert_true(both(&c, access_theme(&c.config, "credit"), false,
				 5000 + (uid_t)n - 1, 9, ACCESS_READ));
		access_free(c.access);
	}
}

static void
test_reasons(void **state)
{
	const struct access_who li = {.uid = 1001}, xu = {.uid = 77};
	struct access_reason why;
	struct access_at credit;
	struct city c;

	(void)state;
	begin(&c);
	department(&c, "tax", "user:li");
	grant(&c, "theme.credit", "group:court");
	grant(&c, "theme.credit", "department:tax");
	compile(&c);
	credit = access_theme(&c.config, "credit");
	assert_true(access_may(c.access, credit, &li, ACCESS_READ, &why));
	assert_string_equal(why.key, "theme.credit");
	assert_string_equal(why.place.file, "access.ini");
	assert_int_equal(why.place.line, 2);
	assert_string_equal(why.how,
			    "department:tax (departments.ini:1), user:li");
	assert_false(access_may(c.access, credit, &xu, ACCESS_READ, &why));
	assert_int_equal(why.place.line, 2);
	assert_string_equal(why.how, "");
	/* a theme without any line: where it is declared */
	assert_false(access_may(c.access, access_theme(&c.config, "penalties"),
				&li, ACCESS_READ, &why));
	assert_string_equal(why.key, "theme.penalties");
	assert_string_equal(why.place.file, "themes.ini");
	access_free(c.access);
}

/* In a list of several lines, the one where the principal stands decides. */
static void
test_lines(void **state)
{
	const struct access_who li = {.uid = 1001}, wang = {.uid = 1002};
	int members[] = {7, 9}, credit[] = {30, 31, 33};
	struct access_reason why;
	struct access_at at;
	struct city c;

	(void)state;
	begin(&c);
	department(&c, "tax", "group:tax user:li");
	c.departments[c.config.ndepartments - 1].members.lines = members;
	grant(&c, "theme.credit", "group:court department:tax user:wang");
	c.grants[c.config.ngrants - 1].principals.lines = credit;
	compile(&c);
	at = access_theme(&c.config, "credit");
	assert_true(access_may(c.access, at, &li, ACCESS_READ, &why));
	assert_int_equal(why.place.line, 31);
	assert_string_equal(why.how,
			    "department:tax (departments.ini:9), user:li");
	assert_true(access_may(c.access, at, &wang, ACCESS_READ, &why));
	assert_int_equal(why.place.line, 33);
	at = access_inbox(&c.config, "tax");
	assert_true(access_may(c.access, at, &li, ACCESS_WRITE, &why));
	assert_int_equal(why.place.line, 9);
	access_free(c.access);
}

/* The order that the kernel checks, and modes that go with it. */
static void
test_form(void **state)
{
	const struct access_form file = {.writable = true};
	const struct posix_acl_xattr_header *header;
	const struct posix_acl_xattr_entry *e;
	static const struct {
		unsigned tag, perm, id;
	} expected[] = {
		{ACL_USER_OBJ, 6, ~0u}, {ACL_USER, 6, 1001},
		{ACL_USER, 6, 1002},	{ACL_GROUP_OBJ, 0, ~0u},
		{ACL_GROUP, 6, 2001},	{ACL_MASK, 6, ~0u},
		{ACL_OTHER, 0, ~0u},
	};
	scope_buf acl = BUF_INIT;
	struct city c;

	(void)state;
	begin(&c);
	department(&c, "aic", "user:wang group:tax user:li");
	compile(&c);
	assert_int_equal(access_acl(c.access, access_inbox(&c.config, "aic"),
				    file, &acl),
			 0);
	header = (const void *)acl.data;
	assert_int_equal(le32toh(header->a_version), 2);
	e = (const void *)(acl.data + sizeof(*header));
	assert_int_equal(acl.len, sizeof(*header) + 7 * sizeof(*e));
	for (size_t i = 0; i < 7; i++) {
		assert_int_equal(le16toh(e[i].e_tag), expected[i].tag);
		assert_int_equal(le16toh(e[i].e_perm), expected[i].perm);
		assert_int_equal(le32toh(e[i].e_id), expected[i].id);
	}
	assert_int_equal(
		access_mode(c.access, access_inbox(&c.config, "aic"), file),
		0660);
	assert_int_equal(access_mode(c.access, at(ACCESS_ROOT),
				     (struct access_form){.folder = true}),
			 0505);
	access_free(c.access);
}

/* ---- paths --------------------------------------------------------------- */

static bool
path_may(struct city *c, const char *text, uid_t uid, unsigned want,
	 const char *reason)
{
	const struct access_who who = {.uid = uid, .gid = uid};
	struct access_reason why;
	struct access_path path;
	struct error err = ERROR_INIT;
	scope_buf said = BUF_INIT;
	bool may_;

	if (access_path_find(&c->config, text, &path, &err))
		fail_msg("%s: %s", text, err.text);
	may_ = access_path_may(c->access, &path, &who, want, &why) &&
	       (path.writable || !(want & ACCESS_WRITE));
	assert_int_equal(access_reason_text(&why, &said), 0);
	if (reason && !strstr(buf_str(&said), reason))
		fail_msg("%s: '%s' does not say '%s'", text, said.data, reason);
	return may_;
}

static void
begin_paths(struct city *c)
{
	begin(c);
	c->config.language = "en";
	department(c, "aic", "user:li");
	grant(c, "theme.credit", "user:li user:wang");
	grant(c, "source.tax/ratings", "user:li");
	compile(c);
}

static void
test_paths(void **state)
{
	static const char *const read[] = {
		"",
		"/",
		"README.txt",
		"/themes/",
		"themes//credit/./data.csv",
		"themes/credit/versions/17/subjects/abc/E1.json",
		"themes/credit/sources/aic.registrations.csv",
	};
	struct city c;

	(void)state;
	begin_paths(&c);
	for (size_t i = 0; i < sizeof(read) / sizeof(*read); i++) {
		assert_true(path_may(&c, read[i], 1002, ACCESS_READ, NULL));
		assert_false(path_may(&c, read[i], 1002, ACCESS_WRITE, NULL));
	}
	assert_true(path_may(&c, "inbox/aic/registrations/june.csv", 1001,
			     ACCESS_READ | ACCESS_WRITE,
			     "departments.ini:1: [department aic] members = "
			     "user:li"));
	assert_false(path_may(&c, "inbox/aic/archive/registrations", 1001,
			      ACCESS_WRITE, NULL));
	assert_false(path_may(&c, "inbox/aic/registrations/a.RECEIPT.txt", 1001,
			      ACCESS_WRITE, NULL));
	/* both in the newest version and in an older one */
	assert_true(path_may(&c, "themes/credit/sources/tax.ratings.csv", 1001,
			     ACCESS_READ, "access.ini:2: source.tax/ratings"));
	assert_false(path_may(&c, "themes/credit/sources/tax.ratings.csv", 1002,
			      ACCESS_READ, "access.ini:2"));
	assert_false(
		path_may(&c, "themes/credit/versions/2/sources/tax.ratings.csv",
			 1002, ACCESS_READ, "access.ini:2"));
	/* not 'the folder of the themes', which only adds up */
	assert_false(path_may(&c, "themes/penalties", 77, ACCESS_READ,
			      "themes.ini:9: no line 'theme.penalties ='"));
	assert_false(path_may(&c, "themes/credit", 77, ACCESS_READ,
			      "access.ini:1: theme.credit does not name"));
	access_free(c.access);
}

static void
test_paths_that_are_none(void **state)
{
	static const struct {
		const char *path, *why;
	} none[] = {
		{"theme/credit", "no 'theme' in the root"},
		{"themes/creidt", "no theme 'creidt'"},
		{"themes/credit/date.csv", "no 'date.csv' in a theme"},
		{"themes/credit/versions/1/date.csv", "no 'date.csv'"},
		{"themes/credit/sources/tax.csv", "DEPARTMENT.RESOURCE.csv"},
		{"themes/credit/sources/tax.rating.csv", "'tax/rating'"},
		{"inbox/env", "no department 'env'"},
		{"inbox/aic/ratings/a.csv", "no resource 'aic/ratings'"},
		{"themes/../inbox", "'..'"},
	};
	struct city c;

	(void)state;
	begin_paths(&c);
	for (size_t i = 0; i < sizeof(none) / sizeof(*none); i++) {
		struct error err = ERROR_INIT;
		struct access_path path;

		assert_int_equal(
			access_path_find(&c.config, none[i].path, &path, &err),
			ERR_NOTFOUND);
		if (!strstr(err.text, none[i].why))
			fail_msg("%s: %s", none[i].path, err.text);
	}
	access_free(c.access);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nothing_is_allowed_that_is_not_written),
		cmocka_unit_test(test_members),
		cmocka_unit_test(test_a_named_user_has_what_his_groups_have),
		cmocka_unit_test(test_principals),
		cmocka_unit_test(test_sources),
		cmocka_unit_test(test_unresolved_names),
		cmocka_unit_test(test_five_hundred),
		cmocka_unit_test(test_reasons),
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_form),
		cmocka_unit_test(test_paths),
		cmocka_unit_test(test_paths_that_are_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
