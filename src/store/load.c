/* Many rows at once: see record.h and run.h. */
#include "store/record.h"

#include "base/cells.h"
#include "store/run.h"
#include "store/shelves.h"

#include <stdio.h>
#include <stdlib.h>

struct store_load {
	struct sql *db;
	struct run run;
	enum run_kind kind;
	struct run_builder *rows;
	struct shelves *shelves; /* of a theme, else NULL */
	const struct breath *breath;
	struct buf value;
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
	shelves_free(load->shelves);
	buf_release(&load->value);
	free(load);
}

static int
begin(struct store_load *load, struct error *err)
{
	int rc = run_build(load->db, load->kind, &load->run, &load->rows, err);

	return rc || load->kind != RUN_SUBJECT
		       ? rc
		       : shelves_new(load->db, &load->run, &load->shelves, err);
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
		.owner = of->owner,
		.since = of->seq,
		.version = of->version,
		.mixed = !of->submission,
	};
	snprintf(load->run.submission, sizeof(load->run.submission), "%s",
		 of->submission ? of->submission : "");
	rc = begin(load, err);
	if (rc) {
		store_load_free(load);
		return rc;
	}
	*ret = load;
	return 0;
}

int
store_load_add(struct store_load *load, struct slice key, struct slice cells,
	       struct error *err)
{
	return run_build_add(load->rows, key, cells, false, err);
}

int
store_load_add_of(struct store_load *load, const char *submission,
		  struct slice key, struct slice cells, struct error *err)
{
	buf_clear(&load->value);
	if (run_head_add(&load->value, load->run.since, load->run.version,
			 submission) ||
	    buf_addslice(&load->value, cells))
		return error_nomem(err);
	return run_build_add(load->rows, key, buf_slice(&load->value), false,
			     err);
}

int
store_load_add_row(struct store_load *load, const struct store_theme_row *row,
		   struct error *err)
{
	int rc;

	buf_clear(&load->value);
	if (cells_add(&load->value, row->cells) ||
	    buf_addslice(&load->value, row->conflicts))
		return error_nomem(err);
	rc = run_build_add(load->rows, row->subject, buf_slice(&load->value),
			   row->conflicts.n != 0, err);
	return rc ? rc
		  : shelves_add(load->shelves, row->subject, SLICE_NONE,
				row->bytes, err);
}

int
store_load_end(struct store_load *load, struct error *err)
{
	int rc = load->shelves ? shelves_end(load->shelves, err) : 0;

	if (!rc)
		rc = run_build_end(load->rows, err);
	return rc || !load->shelves
		       ? rc
		       : shelves_wait(load->shelves, load->breath, err);
}

int
store_load_tell(struct store_load *load, struct error *err)
{
	int rc = run_build_tell(load->rows, err);

	return rc || !load->shelves ? rc : shelves_tell(load->shelves, err);
}

int
store_load_room(struct sql *db, enum store_load_kind kind, int64_t owner,
		int64_t at, int64_t *ret, struct error *err)
{
	int64_t live = 0;
	int rc = run_live(db, kinds[kind], owner, at, &live, err);

	*ret = live < RUN_LIVE_MAX ? RUN_LIVE_MAX - live : 0;
	return rc;
}
