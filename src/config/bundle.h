/*
 * The files of a configuration as they were read at one moment, as one run of
 * bytes: what one process has checked can be handed to another, which then
 * uses these very bytes, whatever has become of the files. files.c makes it
 * of the files, bundle.c goes through it.
 *
 *   PATH NUL FOLDER NUL, then for each file
 *   KIND NAME NUL UID NUL MODE NUL MTIME NUL SIZE NUL bytes
 *
 * NAME is the path of the file from the configuration's folder, MTIME in
 * nanoseconds. Folders stand among the files for whose they are: who may
 * write to one may add a file. Reading it back trusts nothing.
 */
#ifndef CONFIG_BUNDLE_H
#define CONFIG_BUNDLE_H

#include "config/load.h"

enum config_bundle_kind {
	CONFIG_BUNDLE_SECTIONS = 's',	/* civicfs.conf, conf.d */
	CONFIG_BUNDLE_DESCRIPTOR = 'd', /* resources.d/DEPARTMENT/ID.ini */
	CONFIG_BUNDLE_MISPLACED = 'm',	/* only its name: it is not read */
	CONFIG_BUNDLE_FOLDER = 'f'	/* "" the configuration's own */
};

struct config_bundle_file {
	enum config_bundle_kind kind;
	const char *name;
	uid_t uid;
	mode_t mode; /* of the link itself where it is one */
	int64_t mtime;
	struct slice bytes;
};

/* Make one: the head first, then the files. ERR_NOMEM. */
MUST_CHECK int config_bundle_begin(struct buf *bundle, const char *path,
				   const char *folder);
MUST_CHECK int config_bundle_add(struct buf *bundle,
				 const struct config_bundle_file *file);

/* Take the files of a bundle into 'load': docs, descriptors, path, folder,
 * digest and time. ERR_CORRUPT when it is none; ERR_NOMEM. */
MUST_CHECK int config_bundle_load(struct config_load *load, struct slice bundle,
				  struct error *err);

#endif
