/*
 * The mount, and one request of the kernel while it is being answered. All
 * functions of the tree return 0 (or a count) or a negative errno; the reason,
 * if it is one of ours, goes to the context's complain().
 */
#ifndef MOUNT_CALL_H
#define MOUNT_CALL_H

#include "mount/cache.h"
#include "base/layout.h"
#include "mount/mount.h"
#include "mount/node.h"

#include <stdatomic.h>

struct recheck;
struct session;

struct mount {
	struct mount_context context;
	const struct layout *layout;
	struct session *session;
	struct closings *closings; /* close() that waits for a verdict */
	struct mount_news *news;
	int64_t made_at;	   /* time of what the configuration says */
	struct pins *pins;	   /* NULL: nothing is ever removed (tests) */
	struct backings *backings; /* NULL: nothing is passed through */
	struct recheck *recheck;   /* NULL: nobody asks for it */
	struct cache *texts;	   /* struct text by node */
	struct cache *readers;	   /* struct publish_reader by file_state */
	struct cache *nets;	   /* struct net by node */
	struct cache *listings;	   /* struct listing by handle of the folder */
	/* By resource: when an entry of its inbox last came or went; 0: not
	 * since this worker began. */
	_Atomic int64_t *inbox_changed;
	/* struct names: in which of two phases they began, and how many of each
	 * are under way */
	_Atomic unsigned phase;
	_Atomic unsigned naming[2];
	atomic_flag giving;	/* a thread is in mount_session_give() */
	_Atomic uint64_t looks; /* how often it was begun to look what is open,
				 * so that the rest may be removed; from 1 on */
};

struct session *mount_session(void *mount);

/* A request that gives names to the kernel, until it has them: so that whoever
 * makes them others can wait for those that still go by the old. */
struct names {
	struct mount *m;
	unsigned phase;
};
struct names mount_names_begin(struct mount *m);
void mount_names_end(struct names *names);
#define scope_names __attribute__((cleanup(mount_names_end))) struct names

/* One request. Whatever it reads of the store is one moment. */
struct call {
	struct mount *m;
	uint64_t looks;		    /* when it began */
	struct store_reader reader; /* had when first needed */
	/* The version that was asked for last: what a name, its attributes and
	 * a list need of a theme is asked several times. */
	struct {
		int64_t theme; /* 0: none */
		bool newest;
		struct publish_version v;
	} known;
	struct error err;
};

static inline struct call
mount_call(struct mount *m)
{
	return (struct call){.m = m, .looks = atomic_load(&m->looks)};
}

static inline void
mount_call_end(struct call *call)
{
	store_reader_put(&call->reader);
	call->known.theme = 0; /* the next reader is of another moment */
}
#define scope_call __attribute__((cleanup(mount_call_end))) struct call

/* The connection that this request reads by: 0 or a negative errno. */
int mount_call_db(struct call *call, struct sql **ret);

/* A failed call of store, publish …, whose reason is in call->err, as a
 * negative errno; what is civicfs's own fault is complained about. 'rc' >= 0
 * comes back as it is. */
int mount_call_errno(struct call *call, int rc);

/* What the object numbers stand for; NULL (-1) when nothing does any more. */
const struct config_resource *mount_resource(const struct mount *m,
					     int64_t object);
const struct config_department *mount_department(const struct mount *m,
						 int64_t object);
const struct publish_theme *mount_theme(const struct mount *m, int64_t object);
int mount_resource_index(const struct mount *m, int64_t object);
/* Whether the number is that of a resource's dry runs. */
bool mount_is_trial(const struct mount *m, int64_t object);

static inline const char *
mount_name(const struct mount *m, enum layout_name name)
{
	return m->layout->names[name];
}

/* Decimal digits without sign, leading zero or more than 18 of them: the
 * number, or -1. */
int64_t mount_parse_number(struct slice text);

#endif
