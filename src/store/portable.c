/* SQLite files for others: see portable.h. */
#include "store/portable.h"

#include "base/cells.h"
#include "base/io.h"
#include "base/scope.h"
#include "store/portable_cell.h"
#include "store/sql.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>

#define MEMORY "-4096" /* KiB of pages, whatever the file's size */

/*
 * What the header says of the writing, and not of the rows: how often the file
 * has been changed, of which change its size is, and which release wrote it. A
 * reader compares the first two with each other. The third is said to be the
 * oldest that reads it: tables without rowid came with 3.8.2.
 */
static const struct {
	off_t at;
	unsigned char bytes[4];
} signs[] = {
	{24, {0, 0, 0, 1}},
	{92, {0, 0, 0, 1}},
	{96, {0, 0x2d, 0xe6, 0x02}}, /* 3008002 */
};
#define SIGNS (sizeof(signs) / sizeof(*signs))

struct store_portable {
	struct sql *db;
	const char *name;
	const struct store_portable_column *columns;
	size_t n;
	sqlite3_stmt *insert;
	struct buf number; /* a cell with an end, for strtod() */
};

/* ---- tables -------------------------------------------------------------- */

static const char *const type_words[] = {
	[STORE_PORTABLE_TEXT] = "TEXT",
	[STORE_PORTABLE_INTEGER] = "INTEGER",
	[STORE_PORTABLE_REAL] = "REAL",
	[STORE_PORTABLE_BOOLEAN] = "INTEGER",
};

/* What a page held before must not show in the file, and freed bytes differ
 * from one run to the next unless they are overwritten. */
static const char pragmas[] = "PRAGMA page_size=4096;"
			      "PRAGMA cache_size=" MEMORY ";"
			      "PRAGMA secure_delete=ON;"
			      "BEGIN;";

static const char about_tables[] = "CREATE TABLE _about(\n"
				   "  name TEXT PRIMARY KEY NOT NULL,\n"
				   "  value TEXT NOT NULL\n"
				   ") WITHOUT ROWID;"
				   "CREATE TABLE _fields(\n"
				   "  position INTEGER PRIMARY KEY,\n"
				   "  field TEXT NOT NULL,\n"
				   "  type TEXT NOT NULL,\n"
				   "  rule TEXT NOT NULL\n"
				   ");"
				   "CREATE TABLE _exact(\n"
				   "  key TEXT NOT NULL,\n"
				   "  field TEXT NOT NULL,\n"
				   "  value TEXT NOT NULL,\n"
				   "  PRIMARY KEY(key, field)\n"
				   ") WITHOUT ROWID;";

static int
table_text(const struct store_portable *p, const char *table, struct buf *out)
{
	int rc = buf_adds(out, "CREATE TABLE ");

	if (!rc)
		rc = store_portable_name(table, out);
	for (size_t i = 0; !rc && i < p->n; i++) {
		rc = buf_adds(out, i ? ",\n  " : "(\n  ");
		if (!rc)
			rc = store_portable_name(p->columns[i].name, out);
		if (!rc)
			rc = buf_addf(out, " %s%s",
				      type_words[p->columns[i].type],
				      i ? "" : " PRIMARY KEY NOT NULL");
	}
	return rc ? rc : buf_adds(out, "\n) WITHOUT ROWID");
}

static int
insert_text(const struct store_portable *p, const char *table, struct buf *out)
{
	int rc = buf_adds(out, "INSERT INTO ");

	if (!rc)
		rc = store_portable_name(table, out);
	for (size_t i = 0; !rc && i < p->n; i++)
		rc = buf_adds(out, i ? ",?" : " VALUES(?");
	return rc ? rc : buf_addc(out, ')');
}

static int
make_table(struct store_portable *p, const char *table, struct error *err)
{
	scope_buf create = BUF_INIT;
	scope_buf insert = BUF_INIT;
	sqlite3 *db = sql_handle(p->db);
	int rc = 0;

	if (table_text(p, table, &create) || !buf_str(&create) ||
	    insert_text(p, table, &insert) || !buf_str(&insert))
		return error_nomem(err);
	rc = sql_exec(p->db, create.data, err);
	if (!rc)
		rc = sql_exec(p->db, about_tables, err);
	if (!rc &&
	    sqlite3_prepare_v3(db, insert.data, -1, SQLITE_PREPARE_PERSISTENT,
			       &p->insert, NULL))
		rc = sql_fail(p->db, err);
	return rc;
}

static int
describe_columns(struct store_portable *p, struct error *err)
{
	int rc = 0;

	for (size_t i = 0; !rc && i < p->n; i++) {
		const struct store_portable_column *c = &p->columns[i];
		scope_stmt *stmt = NULL;

		rc = sql_get(p->db, "INSERT INTO _fields VALUES(?,?,?,?)",
			     &stmt, err);
		if (rc)
			return rc;
		sql_bind_int(stmt, 1, (int64_t)i + 1);
		sql_bind_text(stmt, 2, c->name);
		sql_bind_text(stmt, 3, c->word);
		sql_bind_text(stmt, 4, c->rule);
		rc = sql_run(p->db, stmt, err);
	}
	return rc;
}

int
store_portable_new(const char *name, const char *table,
		   const struct store_portable_column *columns, size_t n,
		   struct store_portable **ret, struct error *err)
{
	scope_portable p = calloc(1, sizeof(*p));
	int rc;

	if (!p)
		return error_nomem(err);
	p->name = name;
	p->columns = columns;
	p->n = n;
	rc = sql_open(*name ? name : ":memory:", SQL_SCRATCH, &p->db, err);
	if (!rc)
		rc = sql_exec(p->db, pragmas, err);
	if (!rc)
		rc = make_table(p, table, err);
	if (!rc)
		rc = describe_columns(p, err);
	if (rc)
		return rc;
	*ret = p;
	p = NULL;
	return 0;
}

static void
close_database(struct store_portable *p)
{
	sqlite3_finalize(p->insert);
	p->insert = NULL;
	sql_close(p->db);
	p->db = NULL;
}

void
store_portable_free(struct store_portable *p)
{
	if (!p)
		return;
	close_database(p);
	buf_release(&p->number);
	free(p);
}

/* ---- rows ---------------------------------------------------------------- */

static int
add_exact(struct store_portable *p, struct slice key, size_t column,
	  struct slice cell, struct error *err)
{
	scope_stmt *stmt = NULL;
	int rc = sql_get(p->db, "INSERT INTO _exact VALUES(?,?,?)", &stmt, err);

	if (rc)
		return rc;
	sqlite3_bind_text(stmt, 1, key.p, (int)key.n, SQLITE_STATIC);
	sql_bind_text(stmt, 2, p->columns[column].name);
	sqlite3_bind_text(stmt, 3, cell.p, (int)cell.n, SQLITE_STATIC);
	return sql_run(p->db, stmt, err);
}

static int
bind_cell(struct store_portable *p, size_t column, struct slice key,
	  struct slice cell, struct error *err)
{
	struct store_portable_value v;
	int at = (int)column + 1;

	if (store_portable_value(p->columns[column].type, cell, &p->number, &v))
		return error_nomem(err);
	switch (v.kind) {
	case STORE_PORTABLE_NULL:
		sqlite3_bind_null(p->insert, at);
		break;
	case STORE_PORTABLE_WHOLE:
		sqlite3_bind_int64(p->insert, at, v.whole);
		break;
	case STORE_PORTABLE_NEAREST:
		sqlite3_bind_double(p->insert, at, v.real);
		return add_exact(p, key, column, cell, err);
	case STORE_PORTABLE_DOUBLE:
		sqlite3_bind_double(p->insert, at, v.real);
		break;
	default:
		sqlite3_bind_text(p->insert, at, cell.p, (int)cell.n,
				  SQLITE_STATIC);
	}
	return 0;
}

int
store_portable_add(struct store_portable *p, struct slice cells,
		   struct error *err)
{
	struct slice key = cells_get(cells, 0), cell;
	int rc = 0;

	for (size_t i = 0; !rc && i < p->n; i++) {
		if (!cells_next(&cells, &cell))
			cell = SLICE_NONE;
		rc = bind_cell(p, i, key, cell, err);
	}
	if (!rc)
		rc = sql_run(p->db, p->insert, err);
	sqlite3_reset(p->insert);
	return rc;
}

int
store_portable_say(struct store_portable *p, const char *name,
		   const char *value, struct error *err)
{
	scope_stmt *stmt = NULL;
	int rc = sql_get(p->db, "INSERT INTO _about VALUES(?,?)", &stmt, err);

	if (rc)
		return rc;
	sql_bind_text(stmt, 1, name);
	sql_bind_text(stmt, 2, value);
	return sql_run(p->db, stmt, err);
}

/* ---- the end ------------------------------------------------------------- */

static int
sign_file(const struct store_portable *p, struct error *err)
{
	scope_fd fd = open(p->name, O_WRONLY | O_CLOEXEC);
	int rc = 0;

	if (fd < 0)
		return error_errno(err, errno, "cannot open '%s'", p->name);
	for (size_t i = 0; !rc && i < SIGNS; i++)
		rc = io_pwrite(fd, signs[i].bytes, sizeof(signs[i].bytes),
			       signs[i].at, err);
	return rc;
}

static int
take_bytes(struct store_portable *p, struct buf *out, struct error *err)
{
	sqlite3_int64 n = 0;
	unsigned char *bytes =
		sqlite3_serialize(sql_handle(p->db), "main", &n, 0);
	size_t from = out->len;
	int rc;

	if (!bytes)
		return error_nomem(err);
	rc = buf_add(out, bytes, (size_t)n);
	sqlite3_free(bytes);
	if (rc)
		return error_nomem(err);
	for (size_t i = 0; i < SIGNS; i++)
		memcpy(out->data + from + signs[i].at, signs[i].bytes,
		       sizeof(signs[i].bytes));
	return 0;
}

int
store_portable_end(struct store_portable *p, struct buf *out, struct error *err)
{
	int rc = sql_exec(p->db, "COMMIT", err);

	if (!rc && out)
		rc = take_bytes(p, out, err);
	close_database(p);
	return rc || out ? rc : sign_file(p, err);
}
