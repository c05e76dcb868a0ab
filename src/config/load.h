/*
 * One configuration in the making. The files of config/ work on it one after
 * the other, in the order of these declarations; each reports what is wrong
 * and goes on, and nothing of it is used when anything was.
 */
#ifndef CONFIG_LOAD_H
#define CONFIG_LOAD_H

#include "config/arena.h"
#include "config/reader.h"

/* A descriptor as read, before it has become a resource. */
struct config_descriptor {
	struct config_doc doc;
	const char *department, *id, *name;
	struct slice bytes;
};

struct config_load {
	struct config *config;
	struct config_arena *arena;
	struct config_report report;
	struct config_doc *docs; /* civicfs.conf, then conf.d */
	size_t ndocs;
	struct config_descriptor *descriptors; /* by name */
	size_t ndescriptors;
};

/* Sections that are unknown, repeated, misplaced or of a later version
 * (sections.c). */
void config_load_sections(struct config_load *load);

/* [platform], [roles], [department] (platform.c). */
void config_load_departments(struct config_load *load);
void config_load_platform(struct config_load *load);

/* Descriptors to resources (resource.c). */
void config_load_resources(struct config_load *load);

/* The [field] sections of 'doc' as the fields of 'resource', whose sharing,
 * open and strictness they take where they say nothing (field.c). */
void config_load_fields(struct config_load *load, const struct config_doc *doc,
			struct config_resource *resource, bool strict);

/* The index of the field that 'id' names; reports one that is not there with
 * the nearest id and returns -1 (field.c). */
int config_load_field(struct config_load *load, struct config_place place,
		      const char *key, const struct config_resource *resource,
		      const char *id);

/* [theme], after the resources (theme.c). */
void config_load_themes(struct config_load *load);

/* [upstream], after the themes (upstream.c). */
void config_load_upstreams(struct config_load *load);

/* [access], after everything it names (access.c). */
void config_load_access(struct config_load *load);

/* Calls back for each section of a kind in civicfs.conf and conf.d, in
 * order. */
typedef void config_section_fn(struct config_load *load,
			       const struct config_section *s);
void config_load_each(struct config_load *load, const char *kind,
		      config_section_fn *fn);

/* The first line of a key that has a value; NULL. And its place, or the
 * section's when there is none. */
const struct config_entry *config_section_find(const struct config_section *s,
					       const char *key);
struct config_place config_section_place(const struct config_section *s,
					 const char *key);

/* One principal of the grammar of SPEC 3 in the list named 'key'; unknown
 * departments are errors, missing unix users and groups warnings
 * (principal.c). */
enum config_principals {
	CONFIG_MEMBERS, /* user: group: */
	CONFIG_OFFICE,	/* and department: */
	CONFIG_READERS	/* and departments, role:, everyone */
};
void config_load_principal(struct config_load *load, struct config_place place,
			   const char *key, const char *principal,
			   enum config_principals allowed);

/* Whether the machine has such a user; in doubt it has. And his number: 1, 0
 * when there is none, or a negative code when it cannot be told. */
bool config_load_is_user(const char *name);
MUST_CHECK int config_load_find_user(const char *name, uid_t *ret);

/* Whether the text has the shape DEPARTMENT/RESOURCE. */
bool config_load_is_name(const char *text);

/* The resource that a reference names; reports a dangling one with the
 * nearest name and returns NULL. */
const struct config_resource *config_load_reference(struct config_load *load,
						    struct config_place place,
						    const char *key,
						    const char *name);

#endif
