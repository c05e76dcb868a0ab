/*
 * The configuration as the rest of the program sees it: one immutable tree,
 * made whole or not at all (SPEC 3, 4, 8). The struct config owns everything
 * that hangs on it; pointers into it hold until config_free(). It may be read
 * from any thread.
 *
 * The structs are their fields. Texts are UTF-8 in NFC, ended by NUL, never
 * NULL (empty instead). Numbers are in the unit their name says.
 */
#ifndef CONFIG_CONFIG_H
#define CONFIG_CONFIG_H

#include "base/buf.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

#define CONFIG_ID_MAX 40 /* bytes of an id, without NUL (SPEC 1) */

enum config_type {
	CONFIG_STRING,
	CONFIG_INTEGER,
	CONFIG_NUMBER,
	CONFIG_BOOLEAN,
	CONFIG_DATE,
	CONFIG_DATETIME,
	CONFIG_USCC,
	CONFIG_ORG_CODE,
	CONFIG_ID_NUMBER,
	CONFIG_REGION
};

enum config_sensitivity {
	CONFIG_PUBLIC,
	CONFIG_INTERNAL,
	CONFIG_PERSONAL,
	CONFIG_SECRET
};

enum config_sharing { CONFIG_UNCONDITIONAL, CONFIG_CONDITIONAL, CONFIG_NONE };

enum config_mode { CONFIG_SNAPSHOT, CONFIG_UPSERT, CONFIG_APPEND };

enum config_open { CONFIG_OPEN_NO, CONFIG_OPEN_YES, CONFIG_OPEN_CONDITIONAL };

enum config_cycle {
	CONFIG_REALTIME,
	CONFIG_DAILY,
	CONFIG_WEEKLY,
	CONFIG_MONTHLY,
	CONFIG_QUARTERLY,
	CONFIG_HALF_YEARLY,
	CONFIG_YEARLY,
	CONFIG_IRREGULAR
};

enum config_rule_kind {
	CONFIG_FIRST,
	CONFIG_LATEST,
	CONFIG_COUNT,
	CONFIG_SUM,
	CONFIG_MIN,
	CONFIG_MAX,
	CONFIG_LIST
};

/* Where something was written, for messages. */
struct config_place {
	const char *file; /* as a person would type it */
	int line;	  /* from 1 */
};

struct config_list {
	const char **items;
	size_t n;
	int *lines; /* of each, in its file; NULL: not kept */
};

/* Where an item stands, in a list whose first line is at 'place'. */
static inline struct config_place
config_list_place(const struct config_list *list, size_t i,
		  struct config_place place)
{
	if (list->lines)
		place.line = list->lines[i];
	return place;
}

/* One [field] of a descriptor. */
struct config_field {
	const char *id;
	const char *title; /* the id when none was given */
	enum config_type type;
	bool required;
	bool unique;
	bool strict;		  /* a wrong check character is an error */
	struct config_list allow; /* the values of 'enum'; none: any */
	const char *pattern;	  /* PCRE2, matches the whole value; "" none */
	const char *min, *max;	  /* canonical values of the type; "" none */
	int64_t min_length;	  /* characters; -1 none */
	int64_t max_length;	  /* characters; -1 none */
	enum config_sensitivity sensitivity;
	enum config_sharing sharing; /* its own or the resource's, stricter */
	enum config_open open;
	struct config_place place;
};

/* Whether files have a column of it: the values of a secret one must not be
 * sent (SPEC 9), so its column may be missing. */
static inline bool
config_field_is_sent(const struct config_field *f)
{
	return f->sensitivity != CONFIG_SECRET;
}

/* One registered descriptor. */
struct config_resource {
	const char *department; /* id */
	const char *id;
	const char *name; /* DEPARTMENT/RESOURCE */
	const char *title;
	const char *abstract, *classification, *code, *format;
	const char *sharing_condition, *sharing_mode, *open_condition;
	const char *published_on, *related;
	enum config_sharing sharing;
	enum config_open open;
	enum config_cycle update_cycle;
	enum config_mode mode;
	struct config_field *fields;
	size_t nfields;
	size_t *key; /* indexes of fields; append without key: all fields */
	size_t nkey;
	int subject; /* index of a field, -1 none */
	int as_of;   /* index of a field, -1 none */
	/* Shares as millionths, so that 2% is 20000 and 100% 1000000. */
	int64_t tolerance;
	int64_t max_shrink;
	bool extra_ignore;
	bool members_each;   /* of an archive: not all or nothing */
	bool verdict_close;  /* close() answers with it */
	int64_t close_limit; /* bytes; 0: the platform's */
	const char *sheet;   /* of a workbook; "" any */
	const char *follows; /* theme of another platform; "" none */
	struct config_list missing;
	struct config_list footer;
	struct config_place place;
	const char *descriptor; /* the file's bytes, for catalogue/ */
	size_t descriptor_len;
};

/* One resource as a source of a theme. */
struct config_member {
	const struct config_resource *resource;
	size_t subject; /* index of the field that holds the subject */
};

/* link.SOURCE = FIELD OTHER.FIELD: where its rows without subject get it. The
 * fields are of one type, and OTHER has no link. */
struct config_link {
	const char *field;
	size_t *columns; /* per member of the source: index of the field */
	size_t other;	 /* index of a source of the theme */
	const char *other_field;
	size_t *other_columns; /* per member of the other */
	struct config_place place;
};

/* source.NAME: one resource, or several of one schema (fields with the same
 * ids and types; their order may differ). */
struct config_source {
	const char *name;
	struct config_member *members;
	size_t nmembers;
	const struct config_link *link; /* NULL: none */
	struct config_place place;
};

/* SOURCE.FIELD of a rule; for 'count' there is no field. */
struct config_operand {
	size_t source;	   /* index into the theme's sources */
	const char *field; /* id; "" for count */
	size_t *columns;   /* per member: index of the field; NULL for count */
	enum config_type type;
};

/* field.NAME = RULE operand … */
struct config_rule {
	const char *name;
	enum config_rule_kind kind;
	struct config_operand *operands;
	size_t noperands;
	struct config_place place;
};

struct config_theme {
	const char *id;
	const char *title;
	const char *subject; /* name of the first column */
	enum config_type subject_type;
	struct config_source *sources;
	size_t nsources;
	struct config_rule *rules;
	size_t nrules;
	int base; /* index of a source, -1 none */
	bool bom;
	bool sqlite;  /* data.sqlite is published */
	bool recheck; /* each read asks the rules again */
	struct config_place place;
	const char *rules_text; /* canonical text of what decides its bytes:
				 * equal texts give equal versions */
};

/* A part of a file system: one of the two, or none. */
struct config_room {
	int64_t share; /* millionths */
	int64_t bytes;
};

struct config_department {
	const char *id;
	const char *title;
	struct config_list members; /* principals */
	struct config_place members_place;
	const char *language; /* en | zh; the platform's when empty */
	int64_t quota;	      /* bytes; 0 none */
	const char *leader, *liaison, *group;
	int64_t expected_resources;
	struct config_place place;
};

/* What one upstream takes of a theme. */
struct config_push {
	const char *theme;  /* id */
	const char *folder; /* below its mount */
};

struct config_upstream {
	const char *name;
	const char *mount;    /* absolute */
	const char *receipts; /* absolute */
	int64_t patience_s;
	struct config_push *pushes;
	size_t npushes;
};

/* One line of an [access], with what it goes on to below. The same key may
 * stand in several lines and files: all of them count. */
struct config_grant {
	const char *key; /* catalogue, theme.ID, source.D/R … */
	struct config_list principals;
	struct config_place place;
};

/* Its bytes, of 'total'; and as a person would write it ("2%", "20G"). */
#define CONFIG_ROOM_SHOWN 32
uint64_t config_room_bytes(const struct config_room *room, uint64_t total);
char *config_room_show(const struct config_room *room,
		       char text[static CONFIG_ROOM_SHOWN]);

/* A file or folder that it was read from, at that moment. */
struct config_file {
	const char *path; /* as a person would type it */
	uid_t uid;
	mode_t mode; /* of the link itself where it is one */
};

struct config {
	const char *path;    /* civicfs.conf as given */
	const char *folder;  /* absolute: relative paths are taken from it */
	const char *digest;  /* SHA-256 of its files' names and bytes */
	int64_t modified_at; /* when the newest of its files was saved, ns */
	const char *title;
	const char *state; /* absolute */
	const char *language;
	const char *timezone;
	const char *user;
	bool automatic_registration;
	int64_t settle_ms;
	int64_t keep_inbox_s, keep_versions_s, keep_archive_s;
	struct config_room reserve; /* of the state's file system */
	bool passthrough;	    /* the kernel reads and writes by itself */
	struct config_room flatten_room; /* of the state's file system */
	int64_t flatten_rate;		 /* bytes a second */
	int64_t flatten_from;		 /* bytes */
	int64_t close_limit;		 /* bytes */
	int64_t max_unpacked;		 /* bytes of a packed file */
	int64_t max_ratio, max_members;
	int64_t decoder_seconds, decoder_memory;
	const char *holidays, *code_format;
	struct config_list
		roles[4]; /* coordinator supervisor secrecy auditor */
	struct config_place roles_places[4]; /* the lines that fill them */
	struct config_department *departments;
	size_t ndepartments;
	struct config_resource *resources; /* by name, bytewise */
	size_t nresources;
	struct config_theme *themes;
	size_t nthemes;
	struct config_upstream *upstreams;
	size_t nupstreams;
	struct config_grant *grants;
	size_t ngrants;
	struct config_file *files;
	size_t nfiles;
	struct config_list warnings; /* "file:line: text" */
};

/* All that is wrong with a configuration, each with its place. */
struct config_problem {
	char *text; /* "file:line: what; what to do" */
	bool warning;
};
struct config_problems {
	struct config_problem *items;
	size_t n;
};
void config_problems_release(struct config_problems *p);

/*
 * Reads PATH, conf.d beside it and resources.d (SPEC 3). On success
 * *ret_config is the caller's. On failure every error found (not only the
 * first) is in 'problems' and ERR_INVALID returned; ERR_NOMEM, ERR_IO as they
 * are. Warnings are in 'problems' either way. Reads files: may block. Sets
 * the process's zone (base/clock.h), so it is called before threads start.
 */
MUST_CHECK int config_load(const char *path, struct config **ret_config,
			   struct config_problems *problems, struct error *err);

/*
 * The same in two steps, so that what was checked is what is used: reading
 * the files into one run of bytes ('ret' is emptied first), and making the
 * tree of these bytes alone, perhaps in another process. The first: ERR_IO,
 * ERR_NOMEM, ERR_INVALID (no regular file); blocks. The second: as
 * config_load(); ERR_CORRUPT when the bytes are none of the first.
 */
MUST_CHECK int config_read_files(const char *path, struct buf *ret,
				 struct error *err);
MUST_CHECK int config_parse(struct slice files, struct config **ret_config,
			    struct config_problems *problems,
			    struct error *err);

/* Calls back with each file among the bytes of the first, named from the
 * configuration's folder, until it returns something else than 0, which is
 * returned. ERR_CORRUPT when they are none. */
typedef int config_file_fn(void *ctx, const char *name, struct slice bytes);
MUST_CHECK int config_each_file(struct slice files, config_file_fn *each,
				void *ctx);

/*
 * Whether nobody else can change what was read: each file and folder belongs
 * to root, to 'reader' who has read them, or to [platform] user; neither its
 * group nor others may write to it, and it is no symbolic link (to a file of
 * somebody else, perhaps). Reports as config_load(). ERR_INVALID, ERR_NOMEM.
 * Asks the machine for the user: may block.
 */
MUST_CHECK int config_check_files(const struct config *config, uid_t reader,
				  struct config_problems *problems,
				  struct error *err);

/*
 * The state's folder that a configuration names, whatever else is wrong with
 * it: for asking the daemon that lives there. The caller frees it. ERR_INVALID
 * when [platform] state cannot be told; as config_read_files().
 */
MUST_CHECK int config_find_state(const char *path, char **ret_state,
				 struct error *err);
void config_free(struct config *config);

/* NULL when there is none. */
const struct config_resource *config_find_resource(const struct config *config,
						   const char *name);
const struct config_theme *config_find_theme(const struct config *config,
					     const char *id);
const struct config_department *
config_find_department(const struct config *config, const char *id);

/*
 * The theme that a rules_text tells of: subject, sources with their resources
 * and fields, rules, base, bom. What does not decide the bytes of a version is
 * not there: titles are ids, resources have no metadata. For versions made
 * under another configuration. The caller frees it. ERR_NOMEM; ERR_CORRUPT
 * when it is no such text.
 */
MUST_CHECK int config_theme_parse(const char *id, struct slice text,
				  struct config_theme **ret, struct error *err);
void config_theme_free(struct config_theme *theme);

/* Index of a field by id; -1. */
int config_find_field(const struct config_resource *resource, const char *id);

/* The word of SPEC for an enumerator ("uscc", "snapshot", "daily" …). */
const char *config_type_word(enum config_type type);
const char *config_mode_word(enum config_mode mode);
const char *config_cycle_word(enum config_cycle cycle);
const char *config_sharing_word(enum config_sharing sharing);
const char *config_sensitivity_word(enum config_sensitivity sensitivity);
const char *config_open_word(enum config_open open);
const char *config_rule_word(enum config_rule_kind kind);

/* Checks the id of a department, resource or theme by SPEC 1: NFC, letters and
 * digits of any script, '-', '_', 1 to 40 bytes, no fixed name of the tree.
 * ERR_INVALID with the reason, ERR_NOMEM. */
MUST_CHECK int config_check_id(const char *id, struct error *err);

/* The same for a field or source: no folder is named after it, so it may be
 * called as an office or as a folder of the Chinese layout. */
MUST_CHECK int config_check_column(const char *id, struct error *err);

#endif
