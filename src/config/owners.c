/*
 * Who could have changed the files of a configuration. They say who may do
 * what: whoever can write to one of them, or put another beside it, may do
 * everything.
 */
#include "config/load.h"

#include <sys/stat.h>

struct owners {
	uid_t reader;
	const char *user; /* [platform] user */
	uid_t user_id;
	bool has_user;
};

static bool
is_trusted(const struct owners *o, uid_t uid)
{
	return uid == 0 || uid == o->reader ||
	       (o->has_user && uid == o->user_id);
}

static void
check_file(const struct config_file *file, const struct owners *owners,
	   struct config_report *report)
{
	const struct config_place place = {file->path, 1};
	const char *what = S_ISDIR(file->mode) ? "folder" : "file";

	if (S_ISLNK(file->mode)) {
		config_error(report, place,
			     "a symbolic link, which leads to what others may "
			     "change: put the file or folder itself there");
		return;
	}
	if (!is_trusted(owners, file->uid))
		config_error(report, place,
			     "this %s belongs to the user with number %u, who "
			     "is neither root nor [platform] user = %s: "
			     "'chown root %s'",
			     what, file->uid, owners->user, file->path);
	if (file->mode & (S_IWGRP | S_IWOTH))
		config_error(report, place,
			     "this %s can be written by %s, who could give "
			     "themselves every right: 'chmod go-w %s'",
			     what,
			     file->mode & S_IWOTH ? "everybody" : "its group",
			     file->path);
}

int
config_check_files(const struct config *config, uid_t reader,
		   struct config_problems *problems, struct error *err)
{
	struct owners owners = {.reader = reader, .user = config->user};
	struct config_report report = {.problems = problems};

	owners.has_user =
		config_load_find_user(config->user, &owners.user_id) > 0;
	for (size_t i = 0; i < config->nfiles; i++)
		check_file(&config->files[i], &owners, &report);
	if (report.nomem)
		return error_nomem(err);
	if (!report.nerrors)
		return 0;
	return error_set(err, ERR_INVALID,
			 "others could change what the configuration '%s' is "
			 "made of",
			 config->path);
}
