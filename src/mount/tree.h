/*
 * The tree by node numbers: attributes of a node, a name in a folder, the
 * names of a folder, the bytes of a made text. tree.c has one row for each
 * kind of node; the functions of the rows are in the files of their branch.
 *
 * All return 0 or a negative errno: ESTALE for a number that names nothing
 * (any more), ENOENT for a name that is none.
 */
#ifndef MOUNT_TREE_H
#define MOUNT_TREE_H

#include "access/access.h"
#include "mount/call.h"
#include "mount/list.h"

#include <sys/stat.h>

/*
 * How long the kernel may keep things, in seconds. What can never change: a
 * day. A folder of which everything that changes it is told to the kernel: an
 * hour. A name that a publish changes: a minute, because one lookup in a
 * million may cross with the word that it has changed; that word goes out
 * before anybody is told of the publish. What only a changed configuration
 * changes: a moment, or TREE_TOLD where the kernel can be told to look up every
 * name again. What is not told: not at all, so that the next open by path sees
 * it.
 */
#define TREE_FOR_EVER 86400.0
#define TREE_TOLD 3600.0
#define TREE_PUBLISHED 60.0
#define TREE_CONFIGURED 10.0
#define TREE_MOMENT 1.0
#define TREE_MADE 0.02 /* by CREATE: its caller looks at the mode at once */
#define TREE_NOT 0.0

struct tree_entry {
	uint64_t node;	     /* 0: none */
	struct access_at at; /* whose it is */
	struct stat st;
	double attr_timeout;
	double entry_timeout; /* of the name; with -ENOENT: that it is none */
};

/* A file that is made, not stored. */
struct text {
	struct buf bytes;
	int64_t mtime; /* ns */
	/* Of what the number does not tell (a subject): its theme; else 0. */
	int64_t theme;
	_Atomic bool given; /* to the kernel, when it was opened */
	/* What it shows was kept when 'looks' of the mount was this; 0: that is
	 * not known. */
	_Atomic uint64_t kept;
};
void mount_text_free(void *text); /* a struct text * */

/* How long a name of this folder may be kept. */
double mount_tree_names_timeout(const struct mount *m, uint64_t folder);
/* Whether the kernel may keep its list: it is the same for everybody, and the
 * kernel is told when it changes. */
bool mount_tree_keeps_list(uint64_t folder);
mode_t mount_tree_type(uint64_t node); /* S_IFDIR, S_IFREG, S_IFLNK, 0 none */
bool mount_tree_is_text(uint64_t node);
bool mount_tree_is_inbox(uint64_t node); /* a file of an inbox folder */

int mount_tree_stat(struct call *call, uint64_t node, struct tree_entry *ret);
/* The same of a theme's file whose size and time are known. */
void mount_tree_fill(struct call *call, uint64_t node, int64_t bytes,
		     int64_t mtime, int64_t theme, struct tree_entry *ret);
/* The same of another file of this kind and theme. */
void mount_tree_fill_like(const struct tree_entry *like, uint64_t node,
			  int64_t bytes, int64_t mtime, struct tree_entry *ret);
int mount_tree_lookup(struct call *call, uint64_t folder, const char *name,
		      struct tree_entry *ret);
int mount_tree_list(struct call *call, uint64_t folder, struct listing *out);
/* Makes a text, whether or not it is in the cache. */
int mount_tree_make(struct call *call, uint64_t node, struct text *out);

/* The bytes of a text: from the cache or made. ESTALE when they would not be
 * those that the number names. */
int mount_text_get(struct call *call, uint64_t node, struct cache_item **ret);
/* The text is about to be read: the kernel is given its bytes, so that it need
 * not ask for them. False: it will ask. */
bool mount_text_give(struct call *call, uint64_t node);
/* The kernel has them no longer. */
void mount_text_given_back(struct mount *m, uint64_t node);
/* Keeps a text that has been made; takes its bytes. */
int mount_text_keep(struct call *call, uint64_t node, struct text *text,
		    struct cache_item **ret);
uint32_t mount_text_hash(const struct buf *bytes);

/* ---- for the branches ---------------------------------------------------- */

void mount_set_time(struct stat *st, int64_t ns);
/* A folder, read-only, with this time. The place in the rules, and by it the
 * mode, are filled in by mount_tree_stat() where the number tells them; other
 * kinds set 'at'. */
void mount_fill_folder(struct tree_entry *ret, uint64_t node, int64_t mtime);
/* A read-only file. */
void mount_fill_file(struct tree_entry *ret, uint64_t node, int64_t bytes,
		     int64_t mtime);

/* The node of a text that is made from the configuration, by making it; the
 * text stays in the cache. */
int mount_text_node(struct call *call, enum node_text_kind what, int64_t object,
		    uint64_t *ret);

/* The resources of a department, as nodes of a kind: catalogue/ and inbox/
 * have the same shape. 'objects' are the numbers of all resources, or of their
 * dry runs. */
int mount_department_resource(struct call *call, int64_t department,
			      enum node_kind kind, const int64_t *objects,
			      const char *name, uint64_t *ret_node);
int mount_department_list(struct call *call, int64_t department,
			  enum node_kind kind, const int64_t *objects,
			  struct listing *out);

/* What the functions of the rows have in common. */
typedef int tree_stat_fn(struct call *call, uint64_t node,
			 struct tree_entry *ret);
/* Only the number: *ret_node, and the timeout of the name if it is not the
 * folder's usual one. */
typedef int tree_find_fn(struct call *call, uint64_t folder, const char *name,
			 uint64_t *ret_node, double *timeout);
typedef int tree_list_fn(struct call *call, uint64_t folder,
			 struct listing *out);
typedef int tree_text_fn(struct call *call, uint64_t node, struct text *out);

tree_stat_fn mount_top_stat;
tree_find_fn mount_top_find;
tree_list_fn mount_top_list;

tree_stat_fn mount_catalogue_stat;
tree_find_fn mount_catalogue_department_find, mount_catalogue_resource_find;
tree_list_fn mount_catalogue_department_list, mount_catalogue_resource_list;
tree_text_fn mount_made_text;

tree_stat_fn mount_inbox_folder_stat, mount_archive_submission_stat;
tree_stat_fn mount_inbox_file_stat, mount_archive_file_stat;
tree_find_fn mount_inbox_department_find, mount_inbox_resource_find;
tree_find_fn mount_trial_find, mount_archive_find, mount_archive_resource_find;
tree_find_fn mount_holding_find;
tree_list_fn mount_holding_list;
tree_find_fn mount_archive_submission_find;
tree_list_fn mount_inbox_department_list, mount_inbox_resource_list;
tree_list_fn mount_trial_list, mount_archive_list, mount_archive_resource_list;
tree_list_fn mount_archive_submission_list;

tree_stat_fn mount_theme_folder_stat;
tree_find_fn mount_dataset_find, mount_sources_find, mount_changes_find;
tree_find_fn mount_versions_find;
tree_list_fn mount_dataset_list, mount_sources_list, mount_changes_list;
tree_list_fn mount_versions_list;
tree_stat_fn mount_file_stat, mount_sums_stat, mount_day_stat;
tree_text_fn mount_version_text, mount_header_text;
tree_text_fn mount_theme_text; /* NODE_TEXT of a theme */

tree_stat_fn mount_subjects_part_stat;
tree_find_fn mount_subjects_find, mount_subjects_part_find;
tree_list_fn mount_subjects_list, mount_subjects_part_list;
tree_text_fn mount_subject_text;

tree_stat_fn mount_net_stat;

/* ---- subjects/ of the newest version ------------------------------------- */

/* As many themes' folders of subjects the kernel is told of by number when
 * rights change: with more of them, nothing is kept that could be. */
#define MOUNT_PARTS_THEMES 32
/* Where a subject has its name: there, and in subjects/ itself. ERR_NOMEM. */
MUST_CHECK int mount_subject_places(const struct publish_theme *theme,
				    struct slice subject, uint64_t *ret_part,
				    struct buf *ret_name);
/* All folders of a theme's subjects. ERR_NOMEM. */
MUST_CHECK int mount_subject_parts(int64_t theme, struct buf *message);

/* ---- an inbox folder ----------------------------------------------------- */

/* What a node of an inbox folder or of archive/ is to src/inbox, whose id is
 * the number's payload. */
enum inbox_part mount_inbox_part(uint64_t node);
/* What src/inbox calls a name of one of its folders; ENAMETOOLONG. */
#define MOUNT_INBOX_NAME_MAX 512
int mount_inbox_name(uint64_t folder, const char *name,
		     char ret[static MOUNT_INBOX_NAME_MAX]);
/* The room there is: inbox/DEPARTMENT and all below shows that department's,
 * everything else the file system's. */
int mount_inbox_statfs(struct call *call, uint64_t node, struct statvfs *ret);
/* Something came to or left an inbox folder now. */
void mount_inbox_mark(struct mount *m, int64_t resource);
/* The node that an entry's name leads to. */
uint64_t mount_inbox_node(const struct mount *m, const struct inbox_entry *e);
void mount_inbox_fill(const struct mount *m, const struct inbox_entry *e,
		      uint64_t node, struct tree_entry *ret);

/* ---- a theme at a version ------------------------------------------------ */

struct theme_at {
	const struct publish_theme *theme;
	int64_t named;		  /* the number of the folder; 0 newest */
	struct publish_version v; /* the version it shows */
	int64_t mtime;
};
/* Of a node whose payload is theme and version; ESTALE, also when the version
 * is kept no longer. The last finds those too: files that are open go on. */
int mount_theme_at(struct call *call, uint64_t node, struct theme_at *ret);
int mount_theme_kept(struct call *call, int64_t theme, int64_t version,
		     struct theme_at *ret);
int mount_theme_version(struct call *call, int64_t theme, int64_t version,
			struct theme_at *ret);
/* The node of one of its published files; 'resource' is the object number of
 * a source's part, else 0. ENOENT when the version has no such file. */
int mount_file_node(struct call *call, const struct theme_at *at,
		    enum publish_kind kind, const char *part, int64_t resource,
		    uint64_t *ret);
/* The version that made a subject's row. */
int mount_subject_version(struct call *call, uint64_t node,
			  struct theme_at *ret);

/* Somebody reads a published file: a contiguous copy may be worth it. */
void mount_want_flat(struct call *call, uint64_t node);

/* ---- what may be removed while it is open -------------------------------- */

/* Notes that a file is open, by the request 'unique': *ret is its handle, 0
 * for a file that needs none. -ESTALE when it is kept no longer. */
int mount_hold(struct call *call, uint64_t node, uint64_t unique, bool resent,
	       uint64_t *ret);
void mount_drop(struct mount *m, uint64_t node, uint64_t handle);

/* ---- net changes --------------------------------------------------------- */

struct net {
	int fd;
	int64_t bytes;
};
void mount_net_free(void *net); /* a struct net * */
int mount_net_get(struct call *call, uint64_t node, struct cache_item **ret);
/* Its versions. ERR_NOTFOUND when they are gone; ERR_LIMIT when two have the
 * same bits, for which they must lie eight millions apart. */
MUST_CHECK int mount_net_of(struct sql *db, uint64_t node, struct node_net *ret,
			    struct error *err);

/* ---- reading and attributes ---------------------------------------------- */

/* Bytes of any file; fewer than n only at its end. */
ssize_t mount_read(struct call *call, uint64_t node, void *p, size_t n,
		   off_t offset);
/* Where the link leads, ended by NUL. */
int mount_readlink(struct call *call, uint64_t node, char *p, size_t n);

/* Extended attributes: the value (appended) or -ENODATA; the names, each with
 * its NUL. For nodes outside the inbox folders. */
int mount_xattr_get(struct call *call, uint64_t node, const char *name,
		    struct buf *out);
int mount_xattr_list(struct call *call, uint64_t node, struct buf *out);

#endif
