/* One row for each kind of node: see tree.h. */
#include "mount/tree.h"

#include <errno.h>

#include "mount/rights.h"
#include "mount/session.h"

#define CLOCK_PARTS 1000000000

/* What a kind of node is and can do. 'names' is how long the kernel may keep
 * a name of the folder, unless the node is immutable. */
struct kind {
	mode_t type;
	tree_stat_fn *stat; /* NULL: a text */
	tree_find_fn *find;
	tree_list_fn *list;
	tree_text_fn *text;
	double names;
};

static const struct kind kinds[] = {
	[NODE_FIXED] = {S_IFDIR, mount_top_stat, mount_top_find, mount_top_list,
			.names = TREE_CONFIGURED},
	[NODE_TEXT] = {S_IFREG, .text = mount_made_text},

	[NODE_CATALOGUE_DEPARTMENT] = {S_IFDIR, mount_catalogue_stat,
				       mount_catalogue_department_find,
				       mount_catalogue_department_list,
				       .names = TREE_CONFIGURED},
	[NODE_CATALOGUE_RESOURCE] = {S_IFDIR, mount_catalogue_stat,
				     mount_catalogue_resource_find,
				     mount_catalogue_resource_list},

	[NODE_INBOX_DEPARTMENT] = {S_IFDIR, mount_inbox_folder_stat,
				   mount_inbox_department_find,
				   mount_inbox_department_list,
				   .names = TREE_CONFIGURED},
	[NODE_INBOX_RESOURCE] = {S_IFDIR, mount_inbox_folder_stat,
				 mount_inbox_resource_find,
				 mount_inbox_resource_list},
	[NODE_HOLDING] = {S_IFDIR, mount_inbox_folder_stat, mount_holding_find,
			  mount_holding_list},
	[NODE_ARCHIVE] = {S_IFDIR, mount_inbox_folder_stat, mount_archive_find,
			  mount_archive_list, .names = TREE_CONFIGURED},
	[NODE_TRIAL] = {S_IFDIR, mount_inbox_folder_stat, mount_trial_find,
			mount_trial_list, .names = TREE_CONFIGURED},
	[NODE_ARCHIVE_RESOURCE] = {S_IFDIR, mount_inbox_folder_stat,
				   mount_archive_resource_find,
				   mount_archive_resource_list},
	[NODE_ARCHIVE_SUBMISSION] = {S_IFDIR, mount_archive_submission_stat,
				     mount_archive_submission_find,
				     mount_archive_submission_list},

	[NODE_UPLOAD] = {S_IFREG, mount_inbox_file_stat},
	[NODE_WRITTEN] = {S_IFREG, mount_inbox_file_stat},
	[NODE_RECEIPT_TEXT] = {S_IFREG, mount_inbox_file_stat},
	[NODE_RECEIPT_JSON] = {S_IFREG, mount_inbox_file_stat},
	[NODE_ORIGINAL] = {S_IFREG, mount_archive_file_stat},
	[NODE_KEPT_TEXT] = {S_IFREG, mount_archive_file_stat},
	[NODE_KEPT_JSON] = {S_IFREG, mount_archive_file_stat},
	[NODE_KEPT_FIX] = {S_IFREG, mount_archive_file_stat},

	[NODE_DATASET] = {S_IFDIR, mount_theme_folder_stat, mount_dataset_find,
			  mount_dataset_list, .names = TREE_PUBLISHED},
	[NODE_SOURCES] = {S_IFDIR, mount_theme_folder_stat, mount_sources_find,
			  mount_sources_list, .names = TREE_PUBLISHED},
	[NODE_SUBJECTS] = {S_IFDIR, mount_theme_folder_stat,
			   mount_subjects_find, mount_subjects_list},
	[NODE_CHANGES] = {S_IFDIR, mount_theme_folder_stat, mount_changes_find,
			  mount_changes_list},
	[NODE_VERSIONS] = {S_IFDIR, mount_theme_folder_stat,
			   mount_versions_find, mount_versions_list,
			   .names = TREE_PUBLISHED},
	[NODE_SUBJECTS_PART] = {S_IFDIR, mount_subjects_part_stat,
				mount_subjects_part_find,
				mount_subjects_part_list,
				.names = TREE_PUBLISHED},

	[NODE_README] = {S_IFREG, .text = mount_version_text},
	[NODE_DATAPACKAGE] = {S_IFREG, .text = mount_version_text},
	[NODE_SUMS] = {S_IFREG, mount_sums_stat, .text = mount_version_text},
	[NODE_VERSION_INDEX] = {S_IFREG, .text = mount_version_text},
	[NODE_CURRENT] = {S_IFREG, .text = mount_version_text},
	[NODE_DAY] = {S_IFLNK, mount_day_stat},

	[NODE_FILE] = {S_IFREG, mount_file_stat},
	[NODE_FLAT] = {S_IFREG, mount_file_stat},
	[NODE_HEADER] = {S_IFREG, .text = mount_header_text},
	[NODE_SUBJECT] = {S_IFREG, .text = mount_subject_text},
	[NODE_NET] = {S_IFREG, mount_net_stat},
};

static const struct kind *
kind_of(uint64_t node)
{
	unsigned k = mount_node_kind(node);

	if (k >= sizeof(kinds) / sizeof(*kinds) || !kinds[k].type)
		return NULL;
	return &kinds[k];
}

/* Where every name can be ended at once (kernel 6.16), it is when another
 * worker begins, and only such a one has another configuration. */
static double
configured(const struct mount *m, double timeout)
{
	return timeout == TREE_CONFIGURED &&
			       mount_session_has_epochs(m->session)
		       ? TREE_TOLD
		       : timeout;
}

double
mount_tree_names_timeout(const struct mount *m, uint64_t folder)
{
	const struct kind *k = kind_of(folder);

	if (!k)
		return TREE_NOT;
	/* too many to be ended one by one: only where all can be at once */
	if (mount_node_kind(folder) == NODE_SUBJECTS_PART &&
	    !mount_node_is_immutable(folder) &&
	    !mount_session_has_epochs(m->session))
		return TREE_NOT;
	return mount_node_is_immutable(folder) ? TREE_FOR_EVER
					       : configured(m, k->names);
}

/* A folder that is the newest version's, or the configuration's: when it
 * changes, the kernel is told (mount_invalidate_theme(), …_rights()). */
static bool
is_told(uint64_t folder)
{
	switch (mount_node_kind(folder)) {
	case NODE_FIXED:
	case NODE_CATALOGUE_DEPARTMENT:
	case NODE_INBOX_DEPARTMENT:
	case NODE_ARCHIVE:
	case NODE_TRIAL:
	case NODE_DATASET:
	case NODE_SOURCES:
	case NODE_SUBJECTS:
	case NODE_CHANGES:
	case NODE_VERSIONS:
		return true;
	default:
		return false;
	}
}

bool
mount_tree_keeps_list(uint64_t folder)
{
	return mount_node_is_immutable(folder) || is_told(folder) ||
	       mount_node_kind(folder) == NODE_SUBJECTS_PART;
}

mode_t
mount_tree_type(uint64_t node)
{
	const struct kind *k = kind_of(node);

	return k ? k->type : 0;
}

bool
mount_tree_is_text(uint64_t node)
{
	const struct kind *k = kind_of(node);

	return k && k->text;
}

bool
mount_tree_is_inbox(uint64_t node)
{
	switch (mount_node_kind(node)) {
	case NODE_UPLOAD:
	case NODE_WRITTEN:
	case NODE_RECEIPT_TEXT:
	case NODE_RECEIPT_JSON:
		return true;
	default:
		return false;
	}
}

void
mount_set_time(struct stat *st, int64_t ns)
{
	struct timespec t = {ns / CLOCK_PARTS, ns % CLOCK_PARTS};

	st->st_mtim = st->st_ctim = st->st_atim = t;
}

/* A link count of 1 says that it does not count folders; 2 would promise that
 * there are none, and some walkers would not look for them. */
void
mount_fill_folder(struct tree_entry *ret, uint64_t node, int64_t mtime)
{
	*ret = (struct tree_entry){.node = node};
	ret->st.st_ino = node;
	ret->st.st_mode = S_IFDIR | 0555;
	ret->st.st_nlink = 1;
	ret->st.st_blksize = 4096;
	mount_set_time(&ret->st, mtime);
	ret->attr_timeout = mount_rights_keep(
		node, mount_node_is_immutable(node) ? TREE_FOR_EVER
		      : is_told(node)		    ? TREE_TOLD
						    : TREE_MOMENT);
}

void
mount_fill_file(struct tree_entry *ret, uint64_t node, int64_t bytes,
		int64_t mtime)
{
	*ret = (struct tree_entry){.node = node};
	ret->st.st_ino = mount_node_plain(node);
	ret->st.st_mode = S_IFREG | 0444;
	ret->st.st_nlink = 1;
	ret->st.st_size = bytes;
	ret->st.st_blksize = 4096;
	ret->st.st_blocks = (bytes + 511) / 512;
	mount_set_time(&ret->st, mtime);
	ret->attr_timeout = mount_rights_keep(
		node, mount_node_is_immutable(node) ? TREE_FOR_EVER : TREE_NOT);
}

static int
stat_text(struct call *call, uint64_t node, struct tree_entry *ret)
{
	scope_cached item = NULL;
	const struct text *text;
	int rc = mount_text_get(call, node, &item);

	if (rc < 0)
		return rc;
	text = item->value;
	mount_fill_file(ret, node, (int64_t)text->bytes.len, text->mtime);
	if (text->theme)
		ret->at = mount_rights_theme(call->m, text->theme);
	return 0;
}

static void
fill_rights(struct call *call, uint64_t node, struct tree_entry *ret)
{
	if (ret->at.place == ACCESS_NOWHERE)
		ret->at = mount_rights_node(call->m, node);
	mount_rights_fill(call->m, ret);
}

int
mount_tree_stat(struct call *call, uint64_t node, struct tree_entry *ret)
{
	const struct kind *k = kind_of(node);
	int rc;

	if (!k)
		return -ESTALE;
	rc = k->stat ? k->stat(call, node, ret) : stat_text(call, node, ret);
	if (rc < 0)
		return rc;
	fill_rights(call, node, ret);
	return 0;
}

void
mount_tree_fill_like(const struct tree_entry *like, uint64_t node,
		     int64_t bytes, int64_t mtime, struct tree_entry *ret)
{
	mount_fill_file(ret, node, bytes, mtime);
	ret->at = like->at;
	ret->st.st_mode = like->st.st_mode;
	ret->st.st_gid = like->st.st_gid;
}

void
mount_tree_fill(struct call *call, uint64_t node, int64_t bytes, int64_t mtime,
		int64_t theme, struct tree_entry *ret)
{
	mount_fill_file(ret, node, bytes, mtime);
	ret->at = mount_rights_theme(call->m, theme);
	fill_rights(call, node, ret);
}

int
mount_tree_lookup(struct call *call, uint64_t folder, const char *name,
		  struct tree_entry *ret)
{
	const struct kind *k = kind_of(folder);
	uint64_t node = 0;
	double timeout, usual;
	int rc;

	*ret = (struct tree_entry){0};
	if (!k)
		return -ESTALE;
	if (!k->find)
		return -ENOTDIR;
	usual = timeout = mount_tree_names_timeout(call->m, folder);
	rc = k->find(call, folder, name, &node, &timeout);
	if (!rc)
		rc = mount_tree_stat(call, node, ret);
	/* a name that is none now may come with the next publish */
	if (rc == -ENOENT && timeout == usual && k->names != TREE_CONFIGURED &&
	    !mount_node_is_immutable(folder))
		timeout = TREE_NOT;
	ret->entry_timeout = configured(call->m, timeout);
	return rc;
}

int
mount_tree_make(struct call *call, uint64_t node, struct text *out)
{
	const struct kind *k = kind_of(node);

	return k && k->text ? k->text(call, node, out) : -ESTALE;
}

int
mount_tree_list(struct call *call, uint64_t folder, struct listing *out)
{
	const struct kind *k = kind_of(folder);

	if (!k)
		return -ESTALE;
	return k->list ? k->list(call, folder, out) : -ENOTDIR;
}
