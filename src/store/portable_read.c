/* The rows of a SQLite file for others, compared: see portable.h. */
#include "store/portable.h"

#include "base/cells.h"
#include "base/scope.h"
#include "store/portable_cell.h"
#include "store/sql.h"

#include <stdlib.h>

struct store_portable_reader {
	struct sql *db;
	const struct store_portable_column *columns;
	size_t n;
	sqlite3_stmt *rows;
	struct buf number;
};

static int
prepare(struct store_portable_reader *r, const char *table, struct error *err)
{
	scope_buf text = BUF_INIT;

	if (buf_adds(&text, "SELECT * FROM ") ||
	    store_portable_name(table, &text) ||
	    buf_adds(&text, " ORDER BY ") ||
	    store_portable_name(r->columns[0].name, &text) || !buf_str(&text))
		return error_nomem(err);
	if (sqlite3_prepare_v2(sql_handle(r->db), text.data, -1, &r->rows,
			       NULL))
		return sql_fail(r->db, err);
	return 0;
}

int
store_portable_open(const char *name, const char *table,
		    const struct store_portable_column *columns, size_t n,
		    struct store_portable_reader **ret, struct error *err)
{
	scope_portable_reader r = calloc(1, sizeof(*r));
	int rc;

	if (!r)
		return error_nomem(err);
	r->columns = columns;
	r->n = n;
	rc = sql_open(name, SQL_FOREIGN, &r->db, err);
	if (!rc)
		rc = prepare(r, table, err);
	if (rc)
		return rc;
	*ret = r;
	r = NULL;
	return 0;
}

void
store_portable_close(struct store_portable_reader *r)
{
	if (!r)
		return;
	sqlite3_finalize(r->rows);
	sql_close(r->db);
	buf_release(&r->number);
	free(r);
}

/* A REAL that is whole comes back as one, however it lies in the file. */
static bool
is_same(sqlite3_stmt *row, int at, struct slice cell,
	const struct store_portable_value *v)
{
	switch (v->kind) {
	case STORE_PORTABLE_NULL:
		return sql_is_null(row, at);
	case STORE_PORTABLE_WHOLE:
		return sqlite3_column_type(row, at) == SQLITE_INTEGER &&
		       sql_int(row, at) == v->whole;
	case STORE_PORTABLE_DOUBLE:
	case STORE_PORTABLE_NEAREST:
		return sqlite3_column_type(row, at) == SQLITE_FLOAT &&
		       sqlite3_column_double(row, at) == v->real;
	default:
		return sqlite3_column_type(row, at) == SQLITE_TEXT &&
		       slice_eq(sql_bytes(row, at), cell);
	}
}

int
store_portable_match(struct store_portable_reader *r, struct slice cells,
		     bool *ret_same, struct error *err)
{
	int rc = sql_step(r->db, r->rows, err);

	*ret_same = rc > 0 && sqlite3_column_count(r->rows) == (int)r->n;
	for (size_t i = 0; *ret_same && i < r->n; i++) {
		struct store_portable_value v;
		struct slice cell;

		if (!cells_next(&cells, &cell))
			cell = SLICE_NONE;
		if (store_portable_value(r->columns[i].type, cell, &r->number,
					 &v))
			return error_nomem(err);
		*ret_same = is_same(r->rows, (int)i, cell, &v);
	}
	return rc < 0 ? rc : 0;
}

int
store_portable_match_end(struct store_portable_reader *r, bool *ret_same,
			 struct error *err)
{
	int rc = sql_step(r->db, r->rows, err);

	*ret_same = rc == 0;
	return rc < 0 ? rc : 0;
}
