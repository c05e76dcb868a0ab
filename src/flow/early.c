/*
 * A large file is read and checked while it settles: if it then stays as it
 * was, its submission begins with what has come of it. See internal.h.
 */
#include "flow/internal.h"

#include "base/clock.h"
#include "base/scope.h"

#include <stdlib.h>
#include <sys/stat.h>

struct flow_early {
	struct flow_judgement j;
	struct store_submission file; /* as far as it is known */
	struct stat seen;
};

void
flow_early_free(struct flow_early *early)
{
	if (!early)
		return;
	flow_judgement_release(&early->j);
	free(early);
}

/* Any write and any setting of times leaves another time of change. */
static bool
is_same(const struct stat *a, const struct stat *b)
{
	return a->st_ino == b->st_ino && a->st_size == b->st_size &&
	       a->st_mtim.tv_sec == b->st_mtim.tv_sec &&
	       a->st_mtim.tv_nsec == b->st_mtim.tv_nsec &&
	       a->st_ctim.tv_sec == b->st_ctim.tv_sec &&
	       a->st_ctim.tv_nsec == b->st_ctim.tv_nsec;
}

static int
judge_file(const struct flow_shop *shop, struct flow_early *early,
	   struct error *err)
{
	struct stat after;
	scope_fd fd = -1;
	int rc = flow_judgement_init(&early->j, err);

	if (!rc)
		rc = flow_open_original(shop, &early->file, &fd, err);
	if (!rc && fstat(fd, &early->seen))
		rc = error_set(err, ERR_IO, "a file that settles");
	if (!rc)
		rc = flow_judge_file(&early->j, &shop->decoder, fd, err);
	if (!rc && (fstat(fd, &after) || !is_same(&early->seen, &after)))
		rc = error_set(err, ERR_STALE, "a file that settled not");
	return rc;
}

/* A failure is nobody's business: the file will be judged in its turn, and
 * fails again then. */
struct flow_early *
flow_early_judge(const struct flow_shop *shop, int64_t blob, int64_t resource,
		 int64_t bytes)
{
	struct flow_early *early = calloc(1, sizeof(*early));
	struct error ignored = ERROR_INIT;

	if (!early)
		return NULL;
	early->file = (struct store_submission){
		.blob = blob, .resource = resource, .bytes = bytes};
	flow_judgement_begin(&early->j, shop, &early->file, false);
	early->j.progress = NULL;
	*shop->passing = (struct flow_passing){.any = true,
					       .resource = early->j.planned};
	if (judge_file(shop, early, &ignored)) {
		flow_early_free(early);
		early = NULL;
	}
	*shop->passing = (struct flow_passing){0};
	return early;
}

int64_t
flow_early_resource(const struct flow_early *early)
{
	return early ? early->file.resource : 0;
}

bool
flow_early_take(struct flow_early *early, const struct store_submission *s,
		int fd, struct flow_judgement *j)
{
	struct stat now;

	if (!early || early->file.blob != s->blob || s->killed || j->release ||
	    fstat(fd, &now) || !is_same(&early->seen, &now))
		return false;
	early->j.submission = j->submission;
	early->j.progress = j->progress;
	*j = early->j;
	early->j = (struct flow_judgement){0};
	return true;
}
