/*
 * The configuration as the stages need it: every resource, department and
 * theme with its number in the state, and for every resource by which fields
 * (lenses) and for which sources of which themes its records are looked at.
 * Immutable once made; any thread.
 */
#ifndef FLOW_PLAN_H
#define FLOW_PLAN_H

#include "config/config.h"
#include "publish/publish.h"
#include "store/store.h"

/* One source of one theme that a resource feeds. */
struct flow_use {
	size_t theme; /* index into the plan's themes */
	size_t source;
	size_t member;
};

/* A resource seen by one of its fields. */
struct flow_lens {
	int64_t id;
	size_t field;
	struct flow_use *uses;
	size_t nuses;
};

/* One member of a source to which a link goes (link.SOURCE of a theme). */
struct flow_tie {
	size_t theme;	       /* index into the plan's themes */
	size_t source;	       /* that has the link */
	size_t value, subject; /* fields of the resource */
};

struct flow_resource {
	const struct config_resource *resource;
	int64_t id;	    /* object */
	int64_t trial;	    /* object: its dry runs */
	int64_t department; /* object */
	struct flow_lens *lenses;
	size_t nlenses;
	struct flow_tie *ties;
	size_t nties;
};

struct flow_plan {
	const struct config *config;
	struct flow_resource *resources; /* as config->resources */
	int64_t *resource_ids;		 /* the same numbers, in a row */
	int64_t *trial_ids;		 /* the same */
	int64_t *department_ids;	 /* as config->departments */
	struct publish_theme *themes;	 /* as config->themes */
	size_t nthemes;
};

/*
 * Gives numbers to what is new, in the state, and forgets what themes that
 * are gone have looked through. ERR_INVALID when stored records do not hold
 * under their descriptor any more (flow/fields.h). 'config' must outlive the
 * plan. Before the flow runs; blocks.
 */
MUST_CHECK int flow_plan_new(struct store *store, const struct config *config,
			     struct flow_plan **ret, struct error *err);
void flow_plan_free(struct flow_plan *plan);

/*
 * Whether flow_plan_new() would take a configuration, without changing
 * anything: every resource whose stored records do not hold is told to
 * 'report' as a line of text. 0 when there was none, 1 when there were; a
 * negative code, also that of 'report'. 'store' may be one that only reads.
 */
MUST_CHECK int flow_plan_check(struct store *store, const struct config *config,
			       int (*report)(void *ctx, const char *text),
			       void *ctx, struct error *err);

/* The link of the source that a use is of; NULL: it has none. */
const struct config_link *flow_use_link(const struct flow_plan *plan,
					const struct flow_use *use);

/* NULL when the number is none of the configuration's resources, or of their
 * dry runs. */
const struct flow_resource *flow_plan_resource(const struct flow_plan *plan,
					       int64_t id);

#endif
