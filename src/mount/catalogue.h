/* The texts of catalogue/ and of the root, as functions of memory. ERR_NOMEM
 * throughout. */
#ifndef MOUNT_CATALOGUE_H
#define MOUNT_CATALOGUE_H

#include "config/config.h"
#include "base/layout.h"
#include "store/submission.h"

/* README.txt of the root. */
MUST_CHECK int mount_catalogue_root_readme(const struct config *config,
					   const struct layout *layout,
					   struct buf *out);

/* index.csv: one line a resource, with the core metadata of its descriptor. */
MUST_CHECK int mount_catalogue_index(const struct config *config,
				     struct buf *out);

/* README.txt of a resource, in its department's language: what it is, where
 * its files go, its fields, when they are due. */
MUST_CHECK int mount_catalogue_readme(const struct config *config,
				      const struct layout *layout,
				      const struct config_resource *r,
				      struct buf *out);

/* tableschema.json: a Frictionless Table Schema. */
MUST_CHECK int mount_catalogue_schema(const struct config_resource *r,
				      struct buf *out);

/* template.csv: a header to begin with. */
MUST_CHECK int mount_catalogue_template(const struct config_resource *r,
					struct buf *out);

/* template.xlsx: the same as a workbook to fill in, in the department's
 * language, under the titles of the fields where these tell them apart. Also
 * ERR_IO. */
MUST_CHECK int mount_catalogue_workbook(const struct config *config,
					const struct config_resource *r,
					struct buf *out, struct error *err);

/* status.json: the newest submission (NULL: none yet). */
MUST_CHECK int mount_catalogue_status(const struct config_resource *r,
				      const struct store_submission *newest,
				      struct buf *out);

/* Adds a text with its {words} filled in: 'value' gives what stands for a
 * word, or NULL, and then the braces stay as they are. */
typedef const char *mount_word_fn(const void *ctx, struct slice word);
MUST_CHECK int mount_catalogue_fill(struct buf *out, const char *text,
				    mount_word_fn *value, const void *ctx);

#endif
