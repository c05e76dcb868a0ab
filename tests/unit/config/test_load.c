/* A whole configuration, loaded. Fails if a setting, default or reference of
 * the sample city does not arrive as written, if the commented example of
 * conf/ does not load, or if rules_text changes with what changes no byte, or
 * does not change with what does, or does not tell the theme again. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/scope.h"
#include "config/theme.h"
#include "tests/unit/config/city.h"
#include "config/options.h"

static int
enter(void **state)
{
	(void)state;
	city_enter();
	return 0;
}

static int
leave(void **state)
{
	(void)state;
	city_leave();
	return 0;
}

static struct config *
load(size_t warnings)
{
	struct config_problems problems = {0};
	struct config *config = NULL;
	struct error err = ERROR_INIT;
	int rc = config_load("civicfs.conf", &config, &problems, &err);

	for (size_t i = 0; i < problems.n && problems.n != warnings; i++)
		print_message("%s\n", problems.items[i].text);
	assert_int_equal(rc, 0);
	assert_int_equal(problems.n, warnings);
	assert_int_equal(config->warnings.n, warnings);
	config_problems_release(&problems);
	return config;
}

static bool
is_warned(const struct config *c, const char *part)
{
	for (size_t i = 0; i < c->warnings.n; i++) {
		if (strstr(c->warnings.items[i], part))
			return true;
	}
	return false;
}

static void
assert_list(const struct config_list *list, const char *joined)
{
	scope_buf out = BUF_INIT;

	for (size_t i = 0; i < list->n; i++)
		assert_int_equal(
			buf_addf(&out, "%s%s", i ? "|" : "", list->items[i]),
			0);
	assert_string_equal(buf_str(&out), joined);
}

static void
test_platform(void **state)
{
	struct config *c = load(0);
	char cwd[4096];

	(void)state;
	assert_non_null(getcwd(cwd, sizeof(cwd)));
	assert_string_equal(c->path, "civicfs.conf");
	assert_string_equal(c->folder, cwd);
	assert_int_equal(strncmp(c->state, cwd, strlen(cwd)), 0);
	assert_string_equal(c->state + strlen(cwd), "/state");
	assert_string_equal(c->title, "Dongguan shared data platform");
	assert_string_equal(c->language, "en");
	assert_string_equal(c->timezone, "Asia/Shanghai");
	assert_string_equal(getenv("TZ"), "Asia/Shanghai");
	assert_false(c->automatic_registration);
	assert_int_equal(c->settle_ms, 750);
	assert_int_equal(c->keep_inbox_s, 30 * 86400);
	assert_int_equal(c->keep_archive_s, 5 * 365 * 86400);
	assert_int_equal(c->reserve.share, 25000);
	assert_string_equal(c->user, "root");
	assert_string_equal(c->holidays, "");
	assert_list(&c->roles[0], "group:root");
	assert_list(&c->roles[1], "user:root|department:aic");
	assert_list(&c->roles[2], "user:root|group:root");
	assert_list(&c->roles[3], "group:root");
	config_free(c);
}

static void
test_defaults(void **state)
{
	struct config *c;

	(void)state;
	city_change("conf.d/themes.ini", NULL, NULL);
	city_change("conf.d/taxpayers.ini", NULL, NULL);
	city_change("resources.d/aic/registrations.ini", NULL, NULL);
	city_change("resources.d/tax/ratings.ini", NULL, NULL);
	city_change("resources.d/humen/penalties.ini", NULL, NULL);
	city_change("resources.d/env/penalties.ini", NULL,
		    "[resource]\nkey = a\n[field a]\n");
	city_change("civicfs.conf", NULL,
		    "[platform]\nsettle =\n[department env]\n");
	c = load(0);
	assert_string_equal(c->state, "/var/lib/civicfs");
	assert_string_equal(c->timezone, "UTC");
	assert_string_equal(c->user, "civicfs");
	assert_string_equal(c->code_format, "{classification}/{number:06}");
	assert_int_equal(c->settle_ms, 500);
	assert_int_equal(c->keep_versions_s, 400 * 86400);
	assert_int_equal(c->reserve.share, 20000);
	assert_int_equal(c->nthemes, 0);
	assert_int_equal(c->ngrants, 0);
	assert_string_equal(c->departments[0].title, "env");
	assert_string_equal(c->departments[0].language, "");
	assert_int_equal(c->departments[0].quota, 0);
	assert_int_equal(c->resources[0].sharing, CONFIG_CONDITIONAL);
	assert_int_equal(c->resources[0].open, CONFIG_OPEN_NO);
	assert_int_equal(c->resources[0].update_cycle, CONFIG_IRREGULAR);
	assert_int_equal(c->resources[0].mode, CONFIG_SNAPSHOT);
	assert_int_equal(c->resources[0].tolerance, 0);
	assert_int_equal(c->resources[0].max_shrink, 500000);
	assert_int_equal(c->resources[0].subject, -1);
	assert_int_equal(c->resources[0].as_of, -1);
	assert_string_equal(c->resources[0].title, "penalties");
	assert_string_equal(c->resources[0].format, "csv");
	assert_string_equal(c->resources[0].related, "");
	assert_int_equal(c->resources[0].fields[0].type, CONFIG_STRING);
	assert_int_equal(c->resources[0].fields[0].min_length, -1);
	assert_int_equal(c->resources[0].fields[0].max_length, -1);
	assert_string_equal(c->resources[0].fields[0].pattern, "");
	assert_string_equal(c->resources[0].fields[0].min, "");
	config_free(c);
}

static void
test_departments(void **state)
{
	struct config *c = load(0);
	const struct config_department *d = config_find_department(c, "aic");

	(void)state;
	assert_int_equal(c->ndepartments, 4);
	assert_non_null(d);
	assert_string_equal(d->title, "工商行政管理局");
	assert_string_equal(d->language, "zh");
	assert_string_equal(d->leader, "张某, 副局长");
	assert_string_equal(d->liaison, "李某, 信息科, 0769-0000000");
	assert_string_equal(d->group, "市直部门");
	assert_int_equal(d->quota, 20LL << 30);
	assert_int_equal(d->expected_resources, 20);
	assert_list(&d->members, "group:root|user:root");
	assert_string_equal(d->place.file, "civicfs.conf");
	assert_int_equal(d->place.line, 22);
	assert_list(&config_find_department(c, "humen")->members,
		    "user:root|group:root");
	assert_null(config_find_department(c, "court"));
	config_free(c);
}

static void
test_resource(void **state)
{
	struct config *c = load(0);
	const struct config_resource *r =
		config_find_resource(c, "aic/registrations");
	const struct config_field *f;

	(void)state;
	assert_int_equal(c->nresources, 4);
	assert_non_null(r);
	assert_string_equal(r->department, "aic");
	assert_string_equal(r->id, "registrations");
	assert_string_equal(r->published_on, "2012-11-15");
	assert_string_equal(r->sharing_condition, "因履行职责需要");
	assert_int_equal(r->update_cycle, CONFIG_DAILY);
	assert_int_equal(r->nfields, 7);
	assert_int_equal(r->nkey, 1);
	assert_int_equal(r->key[0], config_find_field(r, "licence_no"));
	assert_int_equal(r->subject, config_find_field(r, "uscc"));
	assert_int_equal(r->as_of, config_find_field(r, "updated_on"));
	assert_int_equal(config_find_field(r, "nothing"), -1);
	assert_int_equal(r->tolerance, 5000);
	assert_true(r->extra_ignore);
	assert_list(&r->missing, "无|/|NULL|#N/A|-");
	assert_list(&r->footer, "合计|填表人");
	assert_int_equal(strncmp(r->descriptor, "[resource]", 10), 0);
	assert_int_equal(r->descriptor_len, strlen(r->descriptor));
	f = &r->fields[0];
	assert_string_equal(f->pattern, "[0-9]{6,15}");
	assert_true(f->required && f->unique && !f->strict);
	assert_true(r->fields[1].strict);
	assert_int_equal(r->fields[2].max_length, 200);
	assert_string_equal(r->fields[3].min, "0.5");
	assert_string_equal(r->fields[3].max, "1000000.00");
	assert_list(&r->fields[4].allow, "存续|吊销|注销");
	assert_int_equal(r->fields[5].sensitivity, CONFIG_PERSONAL);
	assert_int_equal(r->fields[5].sharing, CONFIG_NONE);
	assert_int_equal(r->fields[4].sharing, CONFIG_CONDITIONAL);
	assert_string_equal(f->place.file, "resources.d/aic/registrations.ini");
	assert_int_equal(f->place.line, 29);
	/* not public: never open, though its resource is */
	r = config_find_resource(c, "tax/ratings");
	assert_int_equal(r->fields[0].open, CONFIG_OPEN_YES);
	assert_int_equal(r->fields[3].open, CONFIG_OPEN_NO);
	assert_null(config_find_resource(c, "tax/rating"));
	config_free(c);
}

static void
test_like_and_append(void **state)
{
	struct config *c = load(0);
	const struct config_resource *env =
		config_find_resource(c, "env/penalties");
	const struct config_resource *humen =
		config_find_resource(c, "humen/penalties");

	(void)state;
	/* append without key: all fields */
	assert_int_equal(env->nkey, 3);
	assert_int_equal(env->key[2], 2);
	assert_true(env->fields[0].strict);
	assert_int_equal(humen->nfields, 3);
	assert_string_equal(humen->fields[0].id, "统一社会信用代码");
	assert_int_equal(humen->nkey, 2);
	assert_int_equal(humen->key[0], 2);
	assert_int_equal(humen->key[1], 0);
	/* what a field does not say is that of its own resource */
	assert_false(humen->fields[0].strict);
	assert_int_equal(humen->fields[0].sharing, CONFIG_CONDITIONAL);
	assert_int_equal(env->fields[0].sharing, CONFIG_UNCONDITIONAL);
	config_free(c);
}

static void
test_theme(void **state)
{
	struct config *c = load(0);
	const struct config_theme *t =
		config_find_theme(c, "enterprise-credit");

	(void)state;
	assert_non_null(t);
	assert_string_equal(t->subject, "uscc");
	assert_int_equal(t->subject_type, CONFIG_USCC);
	assert_int_equal(t->nsources, 3);
	assert_int_equal(t->base, 0);
	assert_string_equal(t->sources[2].name, "penalty");
	assert_int_equal(t->sources[2].nmembers, 2);
	assert_string_equal(t->sources[2].members[1].resource->name,
			    "humen/penalties");
	assert_int_equal(t->sources[0].members[0].subject, 1);
	assert_int_equal(t->nrules, 5);
	assert_string_equal(t->rules[0].name, "name");
	assert_int_equal(t->rules[0].kind, CONFIG_FIRST);
	assert_int_equal(t->rules[0].noperands, 2);
	assert_int_equal(t->rules[0].operands[1].source, 1);
	assert_string_equal(t->rules[0].operands[1].field, "taxpayer_name");
	assert_int_equal(t->rules[0].operands[1].columns[0], 1);
	assert_int_equal(t->rules[2].kind, CONFIG_COUNT);
	assert_string_equal(t->rules[2].operands[0].field, "");
	assert_null(t->rules[2].operands[0].columns);
	assert_int_equal(t->rules[2].operands[0].type, CONFIG_INTEGER);
	assert_int_equal(t->rules[3].operands[0].type, CONFIG_NUMBER);
	assert_int_equal(t->rules[3].operands[0].columns[1], 1);
	assert_int_equal(t->rules[4].place.line, 11);
	t = config_find_theme(c, "taxpayers");
	assert_int_equal(t->subject_type, CONFIG_STRING);
	assert_int_equal(t->sources[0].members[0].subject, 1);
	assert_string_equal(t->title, "taxpayers");
	assert_int_equal(t->base, -1);
	assert_null(config_find_theme(c, "nothing"));
	config_free(c);
}

static void
test_access(void **state)
{
	struct config *c = load(0);

	(void)state;
	/* in the order of the files: taxpayers.ini, themes.ini */
	assert_int_equal(c->ngrants, 4);
	assert_string_equal(c->grants[0].key, "theme.taxpayers");
	assert_list(&c->grants[0].principals, "role:auditor|everyone");
	assert_string_equal(c->grants[1].key, "catalogue");
	assert_string_equal(c->grants[3].key, "source.aic/registrations");
	assert_string_equal(c->grants[3].place.file, "conf.d/themes.ini");
	assert_int_equal(c->grants[3].place.line, 20);
	config_free(c);
}

/* A repeated list key adds, also for a source whose subject is elsewhere. A
 * repeated grant is one more, so that each can be named as the one that
 * decided. */
static void
test_repeated_lists(void **state)
{
	const struct config_theme *t;
	struct config *c;

	(void)state;
	city_change("conf.d/themes.ini",
		    "source.penalty      = env/penalties humen/penalties\n",
		    "source.penalty = env/penalties\n"
		    "source.penalty = humen/penalties by 统一社会信用代码\n");
	city_change("conf.d/themes.ini",
		    "catalogue               = departments",
		    "catalogue = departments\ncatalogue = user:root");
	c = load(0);
	t = config_find_theme(c, "enterprise-credit");
	assert_int_equal(t->sources[2].nmembers, 2);
	assert_int_equal(t->sources[2].members[1].subject, 0);
	assert_list(&c->grants[1].principals, "departments");
	assert_string_equal(c->grants[2].key, "catalogue");
	assert_list(&c->grants[2].principals, "user:root");
	assert_int_equal(c->grants[2].place.line, c->grants[1].place.line + 1);
	config_free(c);
}

static void
assert_lines(const struct config_list *list, const int *lines, size_t n)
{
	assert_int_equal(list->n, n);
	for (size_t i = 0; i < n; i++)
		assert_int_equal(list->lines[i], lines[i]);
}

/* Each principal has the line where it stands itself, whatever way its list
 * goes on: indented lines, a comment between them, a key that is repeated. */
static void
test_lines_of_principals(void **state)
{
	static const int aic[] = {24, 26, 26}, humen[] = {45, 47};
	static const int roles[] = {18, 19}, grant[] = {18, 18, 19, 20};
	struct config *c;

	(void)state;
	city_change("civicfs.conf", "members = group:root user:root",
		    "members = group:root\nmembers =\n"
		    "\tuser:no-such-user, user:root");
	city_change("conf.d/themes.ini", "= departments\n",
		    "= departments user:root\n\tgroup:root,\n"
		    "\tgroup:no-such-group\n");
	c = load(2);
	assert_lines(&config_find_department(c, "aic")->members, aic, 3);
	assert_lines(&config_find_department(c, "humen")->members, humen, 2);
	assert_lines(&c->roles[2], roles, 2);
	assert_string_equal(c->grants[1].key, "catalogue");
	assert_lines(&c->grants[1].principals, grant, 4);
	assert_true(is_warned(c, "civicfs.conf:26: members: this machine has "
				 "no user 'no-such-user'"));
	assert_true(is_warned(c, "conf.d/themes.ini:20: catalogue: this "
				 "machine has no group 'no-such-group'"));
	config_free(c);
}

static void
test_warnings(void **state)
{
	struct config *c;

	(void)state;
	city_change("civicfs.conf", "auditor     = group:root",
		    "auditor     = group:no-such-group");
	city_change("civicfs.conf", "user = root", "user = no-such-user");
	city_change("resources.d/lost.ini", NULL, "[resource]\n");
	city_change("resources.d/aic/.draft.ini", NULL, "");
	city_change("resources.d/aic/draft.ini~", NULL, "");
	city_change("conf.d/off.ini.disabled", NULL, "");
	c = load(3);
	assert_true(is_warned(c, "resources.d/lost.ini:1: not read"));
	assert_true(is_warned(c, "civicfs.conf:12: user: this machine has no "
				 "user 'no-such-user'; add it"));
	assert_true(is_warned(c, "civicfs.conf:20: auditor: this machine has "
				 "no group 'no-such-group'"));
	config_free(c);
}

static void
rules_text_after(const char *file, const char *from, const char *to,
		 struct buf *out)
{
	struct config *c;

	city_change(file, from, to);
	c = load(0);
	buf_clear(out);
	assert_int_equal(
		buf_adds(out,
			 config_find_theme(c, "enterprise-credit")->rules_text),
		0);
	assert_non_null(buf_str(out));
	config_free(c);
}

/* A theme told from its text gives the same text. */
static void
tell_again(void)
{
	struct config *c = load(0);
	const struct config_theme *theme =
		config_find_theme(c, "enterprise-credit");
	struct config_theme *told = NULL;
	struct config_arena arena = {0};
	struct error err = ERROR_INIT;

	assert_int_equal(config_theme_parse(theme->id,
					    slice_str(theme->rules_text), &told,
					    &err),
			 0);
	assert_string_equal(config_theme_text(&arena, told), theme->rules_text);
	assert_string_equal(told->id, theme->id);
	config_theme_free(told);
	config_arena_release(&arena);
	config_free(c);
}

/* And anything else is refused. */
static void
test_told_theme(void **state)
{
	static const char *const broken[] = {
		"",
		"subject uscc uscc\nbom no\n",
		"subject uscc code\nbom no\nbase -\n",
		"subject uscc uscc\nbom no\nbase x\n",
		"subject uscc uscc\nbom no\nbase -\ncolumn a string public "
		"none\n",
		"subject uscc uscc\nbom no\nbase -\nfield f first a.b\n",
		"subject uscc uscc\nbom no\nbase -\nsource s\nmember a/b by k "
		"sharing none as_of - key k\n",
		"subject uscc uscc\nbom no\nbase -\nlink a b c.d\n",
	};
	struct config_theme *told = NULL;
	struct error err = ERROR_INIT;

	(void)state;
	tell_again();
	city_change("conf.d/themes.ini", "bom = no\n",
		    "link.penalty = decided_on registration.updated_on\n");
	tell_again();
	city_change("conf.d/themes.ini", "sqlite = no\n", "sqlite = yes\n");
	tell_again();
	for (size_t i = 0; i < sizeof(broken) / sizeof(*broken); i++)
		assert_int_equal(config_theme_parse("t", slice_str(broken[i]),
						    &told, &err),
				 ERR_CORRUPT);
}

static void
test_rules_text(void **state)
{
	static const char themes[] = "conf.d/themes.ini";
	static const char ratings[] = "resources.d/tax/ratings.ini";
	scope_buf first = BUF_INIT;
	scope_buf next = BUF_INIT;
	scope_buf with = BUF_INIT;

	(void)state;
	rules_text_after(themes, "bom = no\n", "", &first);
	/* what changes no byte of the theme's data */
	rules_text_after(themes, "title = 企业信用资源库", "title = x", &next);
	assert_string_equal(first.data, next.data);
	rules_text_after(themes, "xlsx = no\n", "bom = no\n ; y\n", &next);
	assert_string_equal(first.data, next.data);
	rules_text_after(ratings, "title = 纳税信用评级", "title = z", &next);
	assert_string_equal(first.data, next.data);
	/* what does */
	rules_text_after(themes, "bom = no\n", "bom = yes\n", &next);
	assert_string_not_equal(first.data, next.data);
	rules_text_after(themes, "bom = yes\n", "", &next);
	assert_string_equal(first.data, next.data);
	rules_text_after(themes, "sqlite = no\n", "sqlite = yes\n", &next);
	assert_string_not_equal(first.data, next.data);
	/* data.sqlite says the title */
	buf_clear(&with);
	assert_int_equal(buf_addslice(&with, buf_slice(&next)), 0);
	assert_non_null(buf_str(&with));
	rules_text_after(themes, "title = x", "title = x,  y", &next);
	assert_string_not_equal(with.data, next.data);
	rules_text_after(themes, "sqlite = yes\n", "sqlite = no\n", &next);
	assert_string_equal(first.data, next.data);
	rules_text_after(ratings, "sharing = unconditional",
			 "sharing = conditional", &next);
	assert_string_not_equal(first.data, next.data);
	rules_text_after(ratings, "sharing = conditional",
			 "sharing = unconditional", &next);
	rules_text_after(ratings, "[field phone]\n", "[field telephone]\n",
			 &next);
	assert_string_not_equal(first.data, next.data);
	rules_text_after(ratings, "[field telephone]\n", "[field phone]\n",
			 &next);
	assert_string_equal(first.data, next.data);
	rules_text_after(themes, "first registration.name rating.taxpayer_name",
			 "first rating.taxpayer_name registration.name", &next);
	assert_string_not_equal(first.data, next.data);
}

static void
test_words(void **state)
{
	(void)state;
	assert_string_equal(config_type_word(CONFIG_ORG_CODE), "org-code");
	assert_string_equal(config_type_word(CONFIG_REGION), "region");
	assert_string_equal(config_mode_word(CONFIG_APPEND), "append");
	assert_string_equal(config_cycle_word(CONFIG_HALF_YEARLY),
			    "half-yearly");
	assert_string_equal(config_cycle_word(CONFIG_IRREGULAR), "irregular");
	assert_string_equal(config_sharing_word(CONFIG_NONE), "none");
	assert_string_equal(config_sensitivity_word(CONFIG_SECRET), "secret");
	assert_string_equal(config_open_word(CONFIG_OPEN_CONDITIONAL),
			    "conditional");
	assert_string_equal(config_rule_word(CONFIG_LIST), "list");
}

static void
test_no_file(void **state)
{
	struct config_problems problems = {0};
	struct config *config = NULL;
	struct error err = ERROR_INIT;

	(void)state;
	assert_int_equal(config_load("nothing.conf", &config, &problems, &err),
			 ERR_IO);
	assert_non_null(strstr(err.text, "nothing.conf"));
	assert_int_equal(config_load("conf.d", &config, &problems, &err),
			 ERR_INVALID);
	assert_null(config);
	config_problems_release(&problems);
}

/* Whether 'key =' stands in the text, at the start of a line or of a comment,
 * or among others. */
static bool
has_key(const char *text, const char *key)
{
	size_t n = strlen(key);
	const char *at = text;

	while ((at = strstr(at, key))) {
		bool begins = at == text || at[-1] == '\n' || at[-1] == ' ';

		if (begins && strncmp(at + n, " =", 2) == 0)
			return true;
		at += n;
	}
	return false;
}

/* conf/civicfs.conf loads, says the true defaults, and names every option. */
static void
test_example(void **state)
{
	scope_buf example = BUF_INIT;
	const struct option *options;
	struct config_problems problems = {0};
	struct config *config = NULL;
	struct error err = ERROR_INIT;
	size_t n;

	(void)state;
	city_source("conf/civicfs.conf", &example);
	city_write("new/civicfs.conf", example.data, example.len);
	assert_int_equal(
		config_load("new/civicfs.conf", &config, &problems, &err), 0);
	config_free(config);
	config_problems_release(&problems);
	options = config_options(&n);
	for (size_t i = 0; i < n; i++) {
		char key[64];
		scope_buf line = BUF_INIT;

		snprintf(key, sizeof(key), "%.*s",
			 (int)strcspn(options[i].key, "*"), options[i].key);
		if (config_option_is_pattern(&options[i])) {
			assert_non_null(strstr(example.data, key));
			continue;
		}
		if (!has_key(example.data, key))
			fail_msg("conf/civicfs.conf lacks '%s'", key);
		assert_int_equal(
			buf_addf(&line, "\n%s = %s", key, options[i].preset),
			0);
		if (strcmp(options[i].section, "platform") == 0 &&
		    *options[i].preset && !options[i].later)
			assert_non_null(strstr(example.data, buf_str(&line)));
	}
}

#define CITY(test) cmocka_unit_test_setup_teardown(test, enter, leave)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CITY(test_platform),
		CITY(test_defaults),
		CITY(test_departments),
		CITY(test_resource),
		CITY(test_like_and_append),
		CITY(test_theme),
		CITY(test_access),
		CITY(test_repeated_lists),
		CITY(test_lines_of_principals),
		CITY(test_warnings),
		CITY(test_rules_text),
		CITY(test_told_theme),
		cmocka_unit_test(test_words),
		CITY(test_no_file),
		CITY(test_example),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
