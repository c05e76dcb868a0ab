/* Loading a configuration whole or not at all, and asking it: see
 * config.h. */
#include "config/config.h"

#include "base/clock.h"
#include "base/scope.h"
#include "config/bundle.h"

/* What config_load() hands out: the tree, and the memory it lies in. */
struct owner {
	struct config config; /* first: config_free() gets its address */
	struct config_arena arena;
};

void
config_free(struct config *config)
{
	struct owner *owner = (struct owner *)config;

	if (!owner)
		return;
	config_arena_release(&owner->arena);
	free(owner);
}

static void
free_config(struct config **config)
{
	config_free(*config);
}
#define scope_config __attribute__((cleanup(free_config))) struct config *

static void
keep_warnings(struct config_load *load)
{
	const struct config_problems *p = load->report.problems;

	for (size_t i = 0; i < p->n; i++) {
		if (p->items[i].warning)
			config_list_add(
				load->arena, &load->config->warnings,
				config_arena_text(load->arena,
						  slice_str(p->items[i].text)));
	}
}

/* The order is that of what they refer to. */
static void
make(struct config_load *load)
{
	config_load_sections(load);
	config_load_departments(load);
	config_load_platform(load);
	config_load_resources(load);
	config_load_themes(load);
	config_load_upstreams(load);
	config_load_access(load);
	keep_warnings(load);
}

static size_t
count_errors(const struct config_problems *p)
{
	size_t n = 0;

	for (size_t i = 0; i < p->n; i++)
		n += !p->items[i].warning;
	return n;
}

static int
refuse(const char *path, const struct config_problems *p, struct error *err)
{
	size_t n = count_errors(p), first = 0;

	while (first < p->n && p->items[first].warning)
		first++;
	return error_set(err, ERR_INVALID,
			 "the configuration '%s' has %zu error%s: %s", path, n,
			 n == 1 ? "" : "s",
			 first < p->n ? p->items[first].text : "");
}

int
config_parse(struct slice files, struct config **ret_config,
	     struct config_problems *problems, struct error *err)
{
	struct owner *owner = calloc(1, sizeof(*owner));
	scope_config config = owner ? &owner->config : NULL;
	struct config_load load = {.config = config,
				   .report = {.problems = problems}};
	int rc;

	if (!owner)
		return error_nomem(err);
	load.arena = &owner->arena;
	rc = config_bundle_load(&load, files, err);
	if (rc)
		return rc;
	make(&load);
	if (owner->arena.nomem || load.report.nomem)
		return error_nomem(err);
	if (load.report.nerrors)
		return refuse(config->path, problems, err);
	rc = clock_set_zone(config->timezone, err);
	if (rc)
		return rc;
	*ret_config = config;
	config = NULL;
	return 0;
}

int
config_load(const char *path, struct config **ret_config,
	    struct config_problems *problems, struct error *err)
{
	scope_buf files = BUF_INIT;
	int rc = config_read_files(path, &files, err);

	return rc ? rc
		  : config_parse(buf_slice(&files), ret_config, problems, err);
}

static int
find_state(struct slice files, struct config_load *load, char **ret_state,
	   struct error *err)
{
	int rc = config_bundle_load(load, files, err);

	if (rc)
		return rc;
	config_load_platform(load);
	if (load->arena->nomem || load->report.nomem)
		return error_nomem(err);
	if (!*load->config->state)
		return error_set(err, ERR_INVALID,
				 "'%s' has no [platform] state",
				 load->config->path);
	*ret_state = strdup(load->config->state);
	return *ret_state ? 0 : error_nomem(err);
}

int
config_find_state(const char *path, char **ret_state, struct error *err)
{
	scope_buf files = BUF_INIT;
	struct config_problems problems = {0};
	struct config_arena arena = {0};
	struct config config = {0};
	struct config_load load = {.config = &config,
				   .arena = &arena,
				   .report = {.problems = &problems}};
	int rc = config_read_files(path, &files, err);

	if (!rc)
		rc = find_state(buf_slice(&files), &load, ret_state, err);
	config_problems_release(&problems);
	config_arena_release(&arena);
	return rc;
}

static int
by_name(const void *name, const void *resource)
{
	return strcmp(name, ((const struct config_resource *)resource)->name);
}

const struct config_resource *
config_find_resource(const struct config *config, const char *name)
{
	if (!config->nresources)
		return NULL;
	return bsearch(name, config->resources, config->nresources,
		       sizeof(*config->resources), by_name);
}

const struct config_theme *
config_find_theme(const struct config *config, const char *id)
{
	for (size_t i = 0; i < config->nthemes; i++) {
		if (strcmp(config->themes[i].id, id) == 0)
			return &config->themes[i];
	}
	return NULL;
}

const struct config_department *
config_find_department(const struct config *config, const char *id)
{
	for (size_t i = 0; i < config->ndepartments; i++) {
		if (strcmp(config->departments[i].id, id) == 0)
			return &config->departments[i];
	}
	return NULL;
}

int
config_find_field(const struct config_resource *resource, const char *id)
{
	for (size_t i = 0; i < resource->nfields; i++) {
		if (strcmp(resource->fields[i].id, id) == 0)
			return (int)i;
	}
	return -1;
}
