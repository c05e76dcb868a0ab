/* Principals, and references to what other sections declare: see load.h. */
#include "config/load.h"

#include "base/scope.h"
#include "config/options.h"
#include "config/words.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>

#define ENTRY_MAX ((size_t)1 << 20) /* a group of very many members */

bool
config_load_is_user(const char *name)
{
	uid_t uid;

	return config_load_find_user(name, &uid) != 0;
}

int
config_load_find_user(const char *name, uid_t *ret)
{
	struct passwd entry, *found = NULL;

	for (size_t size = 4096; size <= ENTRY_MAX; size *= 4) {
		scope_free char *text = malloc(size);
		int rc = text ? getpwnam_r(name, &entry, text, size, &found)
			      : ENOMEM;

		if (rc == 0 && found)
			*ret = found->pw_uid;
		if (rc != ERANGE)
			return rc ? ERR_IO : found != NULL;
	}
	return ERR_LIMIT;
}

/* As for users. */
static bool
is_group(const char *name)
{
	struct group entry, *found = NULL;

	for (size_t size = 4096; size <= ENTRY_MAX; size *= 4) {
		scope_free char *text = malloc(size);
		int rc = text ? getgrnam_r(name, &entry, text, size, &found)
			      : ENOMEM;

		if (rc != ERANGE)
			return rc != 0 || found;
	}
	return true;
}

/* What stands behind "PREFIX:"; NULL when the text begins otherwise or
 * nothing does. */
static const char *
behind(const char *text, const char *prefix)
{
	size_t n = strlen(prefix);

	return strncmp(text, prefix, n) == 0 && text[n] ? text + n : NULL;
}

static void
check_department(struct config_load *load, struct config_place place,
		 const char *key, const char *id)
{
	struct config_near near = CONFIG_NEAR_INIT(id);

	if (config_find_department(load->config, id))
		return;
	for (size_t i = 0; i < load->config->ndepartments; i++)
		config_near_offer(&near, load->config->departments[i].id);
	if (config_near_is_close(&near))
		config_error(&load->report, place,
			     "%s: there is no department '%s'; did you mean "
			     "'%s'?",
			     key, id, near.name);
	else
		config_error(&load->report, place,
			     "%s: there is no department '%s'; declare it in a "
			     "section [department %s]",
			     key, id, id);
}

static void
check_role(struct config_load *load, struct config_place place, const char *key,
	   const char *role)
{
	struct config_near near = CONFIG_NEAR_INIT(role);

	if (config_word_find(config_role_words, role) >= 0)
		return;
	for (size_t i = 0; config_role_words[i]; i++)
		config_near_offer(&near, config_role_words[i]);
	config_error(&load->report, place,
		     "%s: there is no role '%s'; did you mean '%s'?", key, role,
		     near.name ? near.name : "");
}

void
config_load_principal(struct config_load *load, struct config_place place,
		      const char *key, const char *principal,
		      enum config_principals allowed)
{
	static const enum option_type forms[] = {OPTION_MEMBERS, OPTION_OFFICE,
						 OPTION_READERS};
	const char *name;

	if ((name = behind(principal, "user:"))) {
		if (!config_load_is_user(name))
			config_warning(&load->report, place,
				       "%s: this machine has no user '%s'; "
				       "nobody gets anything by it until it "
				       "exists",
				       key, name);
	} else if ((name = behind(principal, "group:"))) {
		if (!is_group(name))
			config_warning(&load->report, place,
				       "%s: this machine has no group '%s'; "
				       "nobody gets anything by it until it "
				       "exists",
				       key, name);
	} else if (allowed >= CONFIG_OFFICE &&
		   (name = behind(principal, "department:"))) {
		check_department(load, place, key, name);
	} else if (allowed == CONFIG_READERS &&
		   (name = behind(principal, "role:"))) {
		check_role(load, place, key, name);
	} else if (allowed != CONFIG_READERS ||
		   (strcmp(principal, "departments") != 0 &&
		    strcmp(principal, "everyone") != 0)) {
		config_error(&load->report, place,
			     "%s: '%s' is nobody; write %s", key, principal,
			     config_option_form(forms[allowed]));
	}
}

bool
config_load_is_name(const char *text)
{
	const char *slash = strchr(text, '/');

	return slash && slash > text && slash[1] && !strchr(slash + 1, '/');
}

const struct config_resource *
config_load_reference(struct config_load *load, struct config_place place,
		      const char *key, const char *name)
{
	const struct config_resource *found =
		config_find_resource(load->config, name);
	struct config_near near = CONFIG_NEAR_INIT(name);

	if (found)
		return found;
	if (!config_load_is_name(name)) {
		config_error(&load->report, place,
			     "%s: '%s' names no resource; write "
			     "DEPARTMENT/RESOURCE",
			     key, name);
		return NULL;
	}
	for (size_t i = 0; i < load->config->nresources; i++)
		config_near_offer(&near, load->config->resources[i].name);
	if (config_near_is_close(&near))
		config_error(&load->report, place,
			     "%s: there is no resource '%s'; did you mean "
			     "'%s'?",
			     key, name, near.name);
	else
		config_error(&load->report, place,
			     "%s: there is no resource '%s'; add "
			     "resources.d/%s.ini",
			     key, name, name);
	return NULL;
}
