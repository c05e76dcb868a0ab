/* Finding layouts and names. The layouts themselves are fs-layout/names.c,
 * made from the files beside it when civicfs is built. */
#include "base/layout.h"

#include <string.h>

static const char *const keys[LAYOUT_NAMES] = {
	[LAYOUT_ROOT_README] = "root_readme",
	[LAYOUT_CATALOGUE] = "catalogue",
	[LAYOUT_INBOX] = "inbox",
	[LAYOUT_THEMES] = "themes",
	[LAYOUT_CATALOGUE_INDEX] = "catalogue_index",
	[LAYOUT_RESOURCE_README] = "resource_readme",
	[LAYOUT_DESCRIPTOR] = "descriptor",
	[LAYOUT_SCHEMA] = "schema",
	[LAYOUT_TEMPLATE] = "template",
	[LAYOUT_TEMPLATE_WORKBOOK] = "template_workbook",
	[LAYOUT_STATUS] = "status",
	[LAYOUT_ARCHIVE] = "archive",
	[LAYOUT_TRIAL] = "trial",
	[LAYOUT_README] = "readme",
	[LAYOUT_DATAPACKAGE] = "datapackage",
	[LAYOUT_SUMS] = "sums",
	[LAYOUT_DATA] = "data",
	[LAYOUT_JSONL] = "jsonl",
	[LAYOUT_CONFLICTS] = "conflicts",
	[LAYOUT_ORPHANS] = "orphans",
	[LAYOUT_SQLITE] = "sqlite",
	[LAYOUT_SOURCES] = "sources",
	[LAYOUT_SUBJECTS] = "subjects",
	[LAYOUT_CHANGES] = "changes",
	[LAYOUT_VERSIONS] = "versions",
	[LAYOUT_VERSION_INDEX] = "version_index",
	[LAYOUT_CURRENT] = "current",
};

const struct layout *
layout_of(const char *language)
{
	for (unsigned i = 0; i < layout_count; i++) {
		if (strcmp(layout_all[i].language, language) == 0)
			return &layout_all[i];
	}
	return &layout_all[0];
}

int
layout_key(const char *key, unsigned long n)
{
	for (int i = 0; i < LAYOUT_NAMES; i++) {
		if (strlen(keys[i]) == n && strncmp(keys[i], key, n) == 0)
			return i;
	}
	return -1;
}
