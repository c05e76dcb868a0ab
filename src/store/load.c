/* Many rows at once: see record.h and run.h. */
#include "store/record.h"

#include "base/cells.h"
#include "base/digest.h"
#include "base/sorter.h"
#include "store/run.h"

#include <stdio.h>
#include <stdlib.h>

#define SHELVES_MEMORY (2 << 20)

struct store_load {
	struct sql *db;
	struct run run;
	enum run_kind kind;
	struct run_builder *rows;
	struct run_builder *names; /* of a theme: from 'shelves' */
	struct sorter *shelves;	   /* of a theme: shelf and subject */
	struct digest *digest;
	const struct breath *breath;
	struct buf value, shelf;
};

static const enum run_kind kinds[] = {
	[STORE_LOAD_RECORDS] = RUN_RECORD,
	[STORE_LOAD_LINKS] = RUN_LINK,
	[STORE_LOAD_THEME] = RUN_SUBJECT,
	[STORE_LOAD_ORPHANS] = RUN_ORPHAN,
};

void
store_load_free(struct store_load *load)
{
	if (!load)
		return;
	run_build_free(load->rows);
	run_build_free(load->names);
	sorter_free(load->shelves);
	digest_free(load->digest);
	buf_release(&load->value);
	buf_release(&load->shelf);
	free(load);
}

static int
begin(struct store_load *load, struct error *err)
{
	int rc = run_build(load->db, load->kind, &load->run, &load->rows, err);

	if (rc || load->kind != RUN_SUBJECT)
		return rc;
	load->digest = digest_new();
	if (!load->digest)
		return error_nomem(err);
	return sorter_new(SHELVES_MEMORY, &load->shelves, err);
}

int
store_load_begin(struct sql *db, const struct store_load_of *of,
		 struct store_load **ret, struct error *err)
{
	struct store_load *load = calloc(1, sizeof(*load));
	int rc;

	if (!load)
		return error_nomem(err);
	load->db = db;
	load->kind = kinds[of->kind];
	load->breath = of->breath;
	load->run = (struct run){
		.owner = of->owner, .since = of->seq, .version = of->version};
	snprintf(load->run.submission, sizeof(load->run.submission), "%s",
		 of->submission);
	rc = begin(load, err);
	if (rc) {
		store_load_free(load);
		return rc;
	}
	*ret = load;
	return 0;
}

static int
add_shelf(struct store_load *load, struct slice subject, struct error *err)
{
	unsigned char sha256[DIGEST_SIZE];
	int shelf;

	digest_restart(load->digest);
	digest_add(load->digest, subject.p, subject.n);
	digest_end(load->digest, sha256);
	shelf = store_theme_shelf(sha256);
	buf_clear(&load->shelf);
	if (buf_addc(&load->shelf, (char)(shelf >> 8)) ||
	    buf_addc(&load->shelf, (char)shelf) ||
	    buf_addslice(&load->shelf, subject))
		return error_nomem(err);
	return sorter_add(load->shelves, buf_slice(&load->shelf), SLICE_NONE,
			  err);
}

int
store_load_add(struct store_load *load, struct slice key, struct slice cells,
	       struct slice conflicts, struct error *err)
{
	int rc;

	if (load->kind != RUN_SUBJECT)
		return run_build_add(load->rows, key, cells, false, err);
	buf_clear(&load->value);
	if (cells_add(&load->value, cells) ||
	    buf_addslice(&load->value, conflicts))
		return error_nomem(err);
	rc = run_build_add(load->rows, key, buf_slice(&load->value),
			   conflicts.n != 0, err);
	return rc ? rc : add_shelf(load, key, err);
}

static int
load_shelves(struct store_load *load, struct error *err)
{
	struct slice key, ignored;
	int rc = run_build(load->db, RUN_SHELF, &load->run, &load->names, err);

	if (!rc)
		rc = sorter_sort(load->shelves, err);
	while (!rc &&
	       (rc = sorter_next(load->shelves, &key, &ignored, err)) > 0) {
		breathe(load->breath);
		rc = run_build_add(load->names, key, SLICE_NONE, false, err);
	}
	return rc ? rc : run_build_end(load->names, err);
}

int
store_load_end(struct store_load *load, struct error *err)
{
	int rc = run_build_end(load->rows, err);

	return rc || !load->shelves ? rc : load_shelves(load, err);
}

int
store_load_tell(struct store_load *load, struct error *err)
{
	int rc = run_build_tell(load->rows, err);

	return rc || !load->names ? rc : run_build_tell(load->names, err);
}

int
store_load_has_room(struct sql *db, enum store_load_kind kind, int64_t owner,
		    int64_t at, bool *ret, struct error *err)
{
	return run_has_room(db, kinds[kind], owner, at, ret, err);
}
