/* The rows of one submission while it is judged: see staging.h. */
#include "store/staging.h"

#include "base/cells.h"
#include "base/leb.h"
#include "base/scope.h"
#include "base/sorter.h"
#include "store/sql.h"

#include <stdlib.h>

#define SORT_MEMORY (6 << 20)

struct store_staging {
	struct sorter *rows; /* that have a key: by (key, row) */
	struct sql *db;	     /* refused rows, reasons, unique values */
	struct store_staging_counts counts;
	/* A bit for each row that is not good: its status is in the database.
	 */
	unsigned char *marks;
	size_t nmarks;	    /* bytes */
	bool refused_later; /* rows that were good when they were added */
	bool walking;
};

static const char tables[] =
	"CREATE TABLE status("
	"  row INTEGER PRIMARY KEY, status INTEGER NOT NULL"
	") STRICT;"
	"CREATE TABLE refused("
	"  row INTEGER PRIMARY KEY, line INTEGER NOT NULL,"
	"  deletes INTEGER NOT NULL,"
	"  key BLOB, cells BLOB NOT NULL, sent BLOB NOT NULL"
	") STRICT;"
	"CREATE TABLE reason("
	"  row INTEGER PRIMARY KEY, texts BLOB NOT NULL" /* packed */
	") STRICT;"
	"CREATE TABLE several("
	"  row INTEGER PRIMARY KEY, differ INTEGER NOT NULL"
	") STRICT;"
	"CREATE TABLE unique_value("
	"  field INTEGER NOT NULL, value BLOB NOT NULL, row INTEGER NOT NULL,"
	"  line INTEGER NOT NULL"
	") STRICT;"
	"CREATE TABLE not_unique("
	"  field INTEGER NOT NULL, value BLOB NOT NULL, row INTEGER NOT NULL,"
	"  line INTEGER NOT NULL, first INTEGER NOT NULL"
	") STRICT;"
	"BEGIN;";

int
store_staging_open(struct store_staging **ret, struct error *err)
{
	struct store_staging *staging = calloc(1, sizeof(*staging));
	int rc;

	if (!staging)
		return error_nomem(err);
	rc = sorter_new(SORT_MEMORY, &staging->rows, err);
	if (!rc)
		rc = sql_open("", SQL_SCRATCH, &staging->db, err);
	if (!rc)
		rc = sql_exec(staging->db, tables, err);
	if (rc) {
		store_staging_close(staging);
		return rc;
	}
	*ret = staging;
	return 0;
}

void
store_staging_close(struct store_staging *staging)
{
	if (!staging)
		return;
	sorter_free(staging->rows);
	sql_close(staging->db);
	free(staging->marks);
	free(staging);
}

/* ---- rows, as the sorter has them ---------------------------------------- */

/* Of the byte behind row, line and the length of the cells; those as sent
 * follow the cells. */
#define STATUS 3
#define DELETES 4
#define LEFT 8

static int
sort_row(struct store_staging *staging, const struct store_staged *row,
	 struct error *err)
{
	char bytes[3 * LEB_MAX + 1];
	struct buf head = {.data = bytes, .cap = sizeof(bytes)};
	struct slice parts[] = {SLICE_NONE, row->cells, row->sent};

	leb_put(&head, (uint64_t)row->row);
	leb_put(&head, (uint64_t)row->line);
	leb_put(&head, row->cells.n);
	head.data[head.len++] =
		(char)((int)row->status | (row->deletes ? DELETES : 0) |
		       (row->left ? LEFT : 0));
	parts[0] = buf_slice(&head);
	return sorter_add_parts(staging->rows, row->key, parts, 3, err);
}

static int
staged_of(struct slice key, struct slice value, struct store_staged *ret,
	  struct error *err)
{
	uint64_t row, line, cells;
	unsigned char flags;

	if (!leb_take(&value, &row) || !leb_take(&value, &line) ||
	    !leb_take(&value, &cells) || !value.n || cells > value.n - 1)
		return error_set(err, ERR_CORRUPT, "a staged row is cut off");
	flags = (unsigned char)*value.p;
	value.p++;
	value.n--;
	*ret = (struct store_staged){
		.row = (int64_t)row,
		.line = (int64_t)line,
		.status = (enum store_staged_status)(flags & STATUS),
		.deletes = flags & DELETES,
		.left = flags & LEFT,
		.has_key = true,
		.key = key,
		.cells = {value.p, (size_t)cells},
		.sent = {value.p + cells, value.n - (size_t)cells},
	};
	return 0;
}

/* ---- what is not good ---------------------------------------------------- */

static bool
is_marked(const struct store_staging *staging, int64_t row)
{
	size_t byte = (size_t)row / 8;

	return byte < staging->nmarks &&
	       (staging->marks[byte] >> (row % 8) & 1);
}

static int
mark(struct store_staging *staging, int64_t row, struct error *err)
{
	size_t byte = (size_t)row / 8, n = staging->nmarks;
	unsigned char *marks;

	if (byte >= n) {
		n = 2 * byte + 64;
		marks = realloc(staging->marks, n);
		if (!marks)
			return error_nomem(err);
		memset(marks + staging->nmarks, 0, n - staging->nmarks);
		staging->marks = marks;
		staging->nmarks = n;
	}
	staging->marks[byte] |= (unsigned char)(1 << (row % 8));
	return 0;
}

static int
put_status(struct store_staging *staging, int64_t row,
	   enum store_staged_status status, struct error *err)
{
	static const char text[] =
		"INSERT INTO status(row, status) VALUES(?1, ?2)"
		" ON CONFLICT(row) DO UPDATE SET status = excluded.status";
	scope_stmt *stmt = NULL;
	int rc = sql_get(staging->db, text, &stmt, err);

	if (rc)
		return rc;
	sql_bind_int(stmt, 1, row);
	sql_bind_int(stmt, 2, status);
	rc = sql_run(staging->db, stmt, err);
	return rc ? rc : mark(staging, row, err);
}

static int
get_status(struct store_staging *staging, int64_t row,
	   enum store_staged_status *ret, struct error *err)
{
	static const char text[] = "SELECT status FROM status WHERE row = ?1";
	scope_stmt *stmt = NULL;
	int rc;

	*ret = STORE_STAGED_GOOD;
	if (!is_marked(staging, row))
		return 0;
	rc = sql_get(staging->db, text, &stmt, err);
	if (rc)
		return rc;
	sql_bind_int(stmt, 1, row);
	rc = sql_step(staging->db, stmt, err);
	if (rc > 0)
		*ret = (enum store_staged_status)sql_int(stmt, 0);
	return rc < 0 ? rc : 0;
}

static int64_t *
counter(struct store_staging *staging, enum store_staged_status status)
{
	switch (status) {
	case STORE_STAGED_GOOD:
		return &staging->counts.good;
	case STORE_STAGED_REFUSED:
		return &staging->counts.refused;
	case STORE_STAGED_REPEATED:
		break;
	}
	return &staging->counts.repeated;
}

int
store_staging_status(struct store_staging *staging, int64_t row,
		     enum store_staged_status *ret, struct error *err)
{
	return get_status(staging, row, ret, err);
}

int
store_staging_set_status(struct store_staging *staging, int64_t row,
			 enum store_staged_status status, struct error *err)
{
	enum store_staged_status was;
	int rc = get_status(staging, row, &was, err);

	if (!rc)
		rc = put_status(staging, row, status, err);
	if (rc)
		return rc;
	--*counter(staging, was);
	++*counter(staging, status);
	staging->refused_later |= status == STORE_STAGED_REFUSED;
	return 0;
}

/* A refused row as the fix file wants it. */
static int
keep_refused(struct store_staging *staging, const struct store_staged *row,
	     struct error *err)
{
	static const char text[] =
		"INSERT OR IGNORE INTO refused(row, line, deletes, key, cells,"
		" sent) VALUES(?1, ?2, ?3, ?4, ?5, ?6)";
	scope_stmt *stmt = NULL;
	int rc = sql_get(staging->db, text, &stmt, err);

	if (rc)
		return rc;
	sql_bind_int(stmt, 1, row->row);
	sql_bind_int(stmt, 2, row->line);
	sql_bind_int(stmt, 3, row->deletes);
	if (row->has_key)
		sql_bind_blob(stmt, 4, row->key);
	sql_bind_blob(stmt, 5, row->cells);
	sql_bind_blob(stmt, 6, row->sent);
	return sql_run(staging->db, stmt, err);
}

int
store_staging_add(struct store_staging *staging, const struct store_staged *row,
		  struct error *err)
{
	int rc = 0;

	if (row->status == STORE_STAGED_REFUSED) {
		rc = keep_refused(staging, row, err);
		if (!rc)
			rc = put_status(staging, row->row, row->status, err);
	}
	++*counter(staging, row->status);
	return rc || !row->has_key ? rc : sort_row(staging, row, err);
}

int
store_staging_index(struct store_staging *staging, struct error *err)
{
	return sorter_sort(staging->rows, err);
}

int
store_staging_add_reason(struct store_staging *staging, int64_t row,
			 const char *field, const char *reason,
			 struct error *err)
{
	static const char text[] =
		"INSERT INTO reason(row, texts) VALUES(?1, ?2)"
		" ON CONFLICT(row) DO UPDATE SET"
		" texts = CAST(texts || excluded.texts AS BLOB)";
	scope_buf packed = BUF_INIT;
	scope_stmt *stmt = NULL;
	int rc = sql_get(staging->db, text, &stmt, err);

	if (rc)
		return rc;
	if (cells_add(&packed, slice_str(field)) ||
	    cells_add(&packed, slice_str(reason)))
		return error_nomem(err);
	sql_bind_int(stmt, 1, row);
	sql_bind_blob(stmt, 2, buf_slice(&packed));
	return sql_run(staging->db, stmt, err);
}

/* ---- in key order -------------------------------------------------------- */

int
store_staging_first(struct store_staging *staging, struct error *err)
{
	staging->walking = true;
	return sorter_rewind(staging->rows, err);
}

int
store_staging_next(struct store_staging *staging, struct store_staged *ret,
		   struct error *err)
{
	struct slice key, value;
	int rc = staging->walking
			 ? sorter_next(staging->rows, &key, &value, err)
			 : 0;

	staging->walking = rc > 0;
	if (rc <= 0)
		return rc;
	rc = staged_of(key, value, ret, err);
	if (!rc)
		rc = get_status(staging, ret->row, &ret->status, err);
	return rc ? rc : 1;
}

/* ---- rows that share a key ----------------------------------------------- */

/* The first of the rows that share a key, as they are walked. */
struct group {
	struct buf key, cells;
	int64_t first;
	bool any, several;
	bool good, deletes; /* of the first */
	bool differ;
};

static void
group_release(struct group *g)
{
	buf_release(&g->key);
	buf_release(&g->cells);
}

#define scope_group __attribute__((cleanup(group_release))) struct group

static int
end_group(struct store_staging *staging, const struct group *g,
	  struct error *err)
{
	static const char text[] =
		"INSERT INTO several(row, differ) VALUES(?1, ?2)";
	scope_stmt *stmt = NULL;
	int rc;

	if (!g->several)
		return 0;
	rc = sql_get(staging->db, text, &stmt, err);
	if (rc)
		return rc;
	sql_bind_int(stmt, 1, g->first);
	sql_bind_int(stmt, 2, g->differ);
	return sql_run(staging->db, stmt, err);
}

static int
begin_group(struct group *g, const struct store_staged *row, struct error *err)
{
	buf_clear(&g->key);
	buf_clear(&g->cells);
	if (buf_addslice(&g->key, row->key) ||
	    buf_addslice(&g->cells, row->cells))
		return error_nomem(err);
	g->first = row->row;
	g->good = row->status == STORE_STAGED_GOOD;
	g->deletes = row->deletes;
	g->several = g->differ = false;
	g->any = true;
	return 0;
}

int
store_staging_find_equal(struct store_staging *staging,
			 const struct breath *breath, bool *ret_any,
			 struct error *err)
{
	scope_group g = {0};
	struct store_staged row;
	int rc = store_staging_first(staging, err);

	*ret_any = false;
	while (!rc && (rc = store_staging_next(staging, &row, err)) > 0) {
		rc = breathe(breath, err);
		if (rc || row.left)
			continue;
		if (g.any && slice_eq(row.key, buf_slice(&g.key))) {
			*ret_any = g.several = true;
			g.differ |= !g.good ||
				    row.status != STORE_STAGED_GOOD ||
				    row.deletes != g.deletes ||
				    !slice_eq(row.cells, buf_slice(&g.cells));
			continue;
		}
		rc = end_group(staging, &g, err);
		if (!rc)
			rc = begin_group(&g, &row, err);
	}
	return rc ? rc : end_group(staging, &g, err);
}

int
store_staging_differs(struct store_staging *staging, int64_t first, bool *ret,
		      struct error *err)
{
	static const char text[] = "SELECT differ FROM several WHERE row = ?1";
	scope_stmt *stmt = NULL;
	int rc = sql_get(staging->db, text, &stmt, err);

	if (rc)
		return rc;
	sql_bind_int(stmt, 1, first);
	rc = sql_step(staging->db, stmt, err);
	if (rc < 0)
		return rc;
	*ret = rc && sql_int(stmt, 0);
	return 0;
}

/* ---- refused rows -------------------------------------------------------- */

/* Those that were good when they were added. */
static int
keep_refused_later(struct store_staging *staging, struct error *err)
{
	struct store_staged row;
	int rc = store_staging_first(staging, err);

	while (!rc && (rc = store_staging_next(staging, &row, err)) > 0)
		rc = row.status == STORE_STAGED_REFUSED
			     ? keep_refused(staging, &row, err)
			     : 0;
	return rc;
}

int
store_staging_refused(struct store_staging *staging,
		      store_staging_refused_fn *each, void *ctx,
		      struct error *err)
{
	static const char text[] =
		"SELECT s.row, line, deletes, key, cells, sent,"
		" coalesce(texts, x'')"
		" FROM refused s LEFT JOIN reason r ON r.row = s.row"
		" ORDER BY s.row";
	scope_stmt *stmt = NULL;
	int rc = staging->refused_later ? keep_refused_later(staging, err) : 0;

	if (!rc)
		rc = sql_get(staging->db, text, &stmt, err);
	if (rc)
		return rc;
	while ((rc = sql_step(staging->db, stmt, err)) > 0) {
		const struct store_staged row = {
			.row = sql_int(stmt, 0),
			.line = sql_int(stmt, 1),
			.status = STORE_STAGED_REFUSED,
			.deletes = sql_int(stmt, 2),
			.has_key = !sql_is_null(stmt, 3),
			.key = sql_bytes(stmt, 3),
			.cells = sql_bytes(stmt, 4),
			.sent = sql_bytes(stmt, 5),
		};

		rc = each(ctx, &row, sql_bytes(stmt, 6));
		if (rc)
			return rc;
	}
	return rc;
}

/* ---- unique fields ------------------------------------------------------- */

int
store_staging_add_unique(struct store_staging *staging, int64_t field,
			 struct slice value, int64_t row, int64_t line,
			 struct error *err)
{
	static const char text[] =
		"INSERT INTO unique_value(field, value, row, line)"
		" VALUES(?1, ?2, ?3, ?4)";
	scope_stmt *stmt = NULL;
	int rc = sql_get(staging->db, text, &stmt, err);

	if (rc)
		return rc;
	sql_bind_int(stmt, 1, field);
	sql_bind_blob(stmt, 2, value);
	sql_bind_int(stmt, 3, row);
	sql_bind_int(stmt, 4, line);
	return sql_run(staging->db, stmt, err);
}

/* Kept in a table of their own, so that statuses may change while they are
 * walked. Of equal rows one counts. */
static int
find_not_unique(struct store_staging *staging, struct error *err)
{
	static const char text[] =
		"INSERT INTO not_unique(field, value, row, line, first)"
		" SELECT field, value, row, line, first FROM"
		" (SELECT field, value, row, line,"
		"  count(*) OVER same AS n, min(row) OVER same AS first"
		"  FROM unique_value WHERE row NOT IN(SELECT row FROM status)"
		"  WINDOW same AS (PARTITION BY field, value))"
		" WHERE n > 1 ORDER BY field, value, row";
	scope_stmt *stmt = NULL;
	int rc = sql_get(staging->db, text, &stmt, err);

	return rc ? rc : sql_run(staging->db, stmt, err);
}

int
store_staging_not_unique(struct store_staging *staging,
			 store_staging_unique_fn *each, void *ctx,
			 struct error *err)
{
	static const char text[] = "SELECT field, value, row, line, first"
				   " FROM not_unique ORDER BY rowid";
	scope_stmt *stmt = NULL;
	int rc = find_not_unique(staging, err);

	if (!rc)
		rc = sql_get(staging->db, text, &stmt, err);
	while (!rc && (rc = sql_step(staging->db, stmt, err)) > 0)
		rc = each(ctx, sql_int(stmt, 0), sql_bytes(stmt, 1),
			  sql_int(stmt, 2), sql_int(stmt, 3), sql_int(stmt, 4));
	return rc;
}

void
store_staging_count(const struct store_staging *staging,
		    struct store_staging_counts *ret)
{
	*ret = staging->counts;
}
