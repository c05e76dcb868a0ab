/* The fixed names of the tree, by language (SPEC 3, 5): data from fs-layout/,
 * compiled in. */
#ifndef BASE_LAYOUT_H
#define BASE_LAYOUT_H

enum layout_name {
	LAYOUT_ROOT_README,
	LAYOUT_CATALOGUE,
	LAYOUT_INBOX,
	LAYOUT_THEMES,
	LAYOUT_CATALOGUE_INDEX,
	LAYOUT_RESOURCE_README,
	LAYOUT_DESCRIPTOR,
	LAYOUT_SCHEMA,
	LAYOUT_TEMPLATE,
	LAYOUT_TEMPLATE_WORKBOOK,
	LAYOUT_STATUS,
	LAYOUT_ARCHIVE,
	LAYOUT_TRIAL,
	LAYOUT_README,
	LAYOUT_DATAPACKAGE,
	LAYOUT_SUMS,
	LAYOUT_DATA,
	LAYOUT_JSONL,
	LAYOUT_CONFLICTS,
	LAYOUT_ORPHANS,
	LAYOUT_SQLITE,
	LAYOUT_SOURCES,
	LAYOUT_SUBJECTS,
	LAYOUT_CHANGES,
	LAYOUT_VERSIONS,
	LAYOUT_VERSION_INDEX,
	LAYOUT_CURRENT,
	LAYOUT_NAMES /* how many there are */
};

struct layout {
	const char *language;
	const char *names[LAYOUT_NAMES];
	const char *readme; /* of the root: {title} and {KEY} are filled in */
};

extern const struct layout layout_all[]; /* English first */
extern const unsigned layout_count;

/* The layout of a language ("en", "zh"); English for any other. */
const struct layout *layout_of(const char *language);

/* The number of a key ("catalogue_index"), as the texts use it; -1 none. */
int layout_key(const char *key, unsigned long n);

#endif
