/*
 * The bytes of published files (SPEC 5, 15): headers and rows of CSV and JSON
 * Lines, datapackage.json, README.txt. Functions of memory: the same records
 * give the same bytes on any machine.
 */
#ifndef PUBLISH_FORMAT_H
#define PUBLISH_FORMAT_H

#include "base/cells.h"
#include "config/config.h"

#include <stdint.h>

/* The header of data.csv: the subject, then the theme's fields; with the BOM
 * when the theme says so (also in the next three). ERR_NOMEM throughout. */
MUST_CHECK int publish_format_data_header(const struct config_theme *theme,
					  struct buf *out);
MUST_CHECK int publish_format_conflicts_header(const struct config_theme *theme,
					       struct buf *out);
MUST_CHECK int publish_format_orphans_header(const struct config_theme *theme,
					     struct buf *out);
/* changes/: 'change', then the columns of data.csv. */
MUST_CHECK int publish_format_changes_header(const struct config_theme *theme,
					     struct buf *out);

/* sources/D.R.csv: the fields that are shared as the resource is and neither
 * personal nor secret, in the descriptor's order. Who may read the file of a
 * conditional resource is src/access's business. */
MUST_CHECK int publish_format_source_header(const struct config_theme *theme,
					    const struct config_resource *r,
					    struct buf *out);
bool publish_format_field_shown(const struct config_resource *r,
				const struct config_field *field);
/* Whether the resource has a file in sources/ at all. */
bool publish_format_source_shown(const struct config_resource *r);

/*
 * One line each, from packed cells, as they were stored: trusted to be packed
 * cells; what follows a damaged one is left out. On failure 'out' may end in
 * a part of the line.
 */
MUST_CHECK int publish_format_data_csv(struct slice cells, struct buf *out);
MUST_CHECK int publish_format_data_jsonl(const struct config_theme *theme,
					 struct slice cells, struct buf *out);
MUST_CHECK int publish_format_source_csv(const struct config_resource *r,
					 struct slice cells, struct buf *out);
/* All conflict lines of one subject (integrate/integrate.h, packed).
 * *ret_lines is set to their number. */
MUST_CHECK int publish_format_conflicts_csv(struct slice subject,
					    struct slice conflicts,
					    struct buf *out,
					    int64_t *ret_lines);
/* source name, subject, key fields joined by '|'. 'key' is packed; pass it
 * through publish_format_orphan_key() first. */
MUST_CHECK int publish_format_orphan_csv(const char *source,
					 struct slice subject, struct slice key,
					 struct buf *out);
/* Appends the packed key with its personal and secret fields emptied: they
 * are shown only where a theme names them (SPEC 9), and a key is named by
 * nobody. The resource's subject stays, it is the column beside the key. */
MUST_CHECK int publish_format_orphan_key(const struct config_resource *r,
					 struct slice key, struct buf *out);
/* change is "insert", "update" or "delete"; a delete carries old values. */
MUST_CHECK int publish_format_change_csv(const char *change, struct slice cells,
					 struct buf *out);

/* datapackage.json of a version: Data Package v2, a resource per file with
 * its schema, no hashes, no build time. */
MUST_CHECK int publish_format_datapackage(const struct config_theme *theme,
					  int64_t version, struct buf *out);
/* README.txt of a version in the platform's language: what the theme is, its
 * columns with their rules, its sources, its files, how to check it. Template
 * text comes from 'language' ("en" or "zh"). */
MUST_CHECK int publish_format_readme(const struct config *config,
				     const struct config_theme *theme,
				     int64_t version, struct buf *out);

/* The name under which a key appears in subjects/ (SPEC 5): control
 * characters, % / \ : * ? " < > |, a leading dot, edge spaces and a trailing
 * dot as %XX; over 240 bytes "sha256-HEX". Without ".json". A key that looks
 * like such a name itself gets its 's' encoded, so that every name has one
 * key. */
MUST_CHECK int publish_format_key_name(struct slice key, struct buf *out);
/* Whether the name is "sha256-HEX": the key is found by its hash. */
bool publish_format_key_is_hash(struct slice name);
/* The key behind a name that is not sha256-…; ERR_INVALID when no key has
 * this name. */
MUST_CHECK int publish_format_key_parse(struct slice name, struct buf *out);

#endif
