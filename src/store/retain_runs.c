/*
 * Rows in blocks that no version shows any more: see retain.h and run.h. A run
 * that has ended goes block by block; of one that has not, those blocks of
 * which every row is in 'gone'. What is left of a run counts no row that went.
 */
#include "store/retain_runs.h"

#include "store/retain.h"
#include "store/sql.h"

/* The ids of the rows from one of a run on, as run.c makes them. */
#define ROW_ID(run, ordinal) "((1 << 55) + (" run " << 28) + " ordinal ")"

static int
run(struct sql *db, const char *text, const int64_t bind[static 4],
    int64_t *ret_n, struct error *err)
{
	scope_stmt *stmt = NULL;
	int rc = sql_get(db, text, &stmt, err);

	if (rc)
		return rc;
	sql_bind_ints(stmt, bind, 4);
	rc = sql_run(db, stmt, err);
	*ret_n = sql_changes(db);
	return rc;
}

/* ---- runs that have ended ------------------------------------------------ */

/* 1 and the run, 0. */
static int
find_ended(struct sql *db, bool of_theme, int64_t owner, int64_t horizon,
	   int64_t *ret, struct error *err)
{
	static const char theme[] = "SELECT id FROM run WHERE kind IN(3, 4)"
				    " AND owner = ?1 AND until <= ?2 LIMIT 1";
	static const char all[] = "SELECT id FROM run WHERE kind IN(1, 2)"
				  " AND until <= ?2 LIMIT 1";
	scope_stmt *stmt = NULL;
	int rc = sql_get(db, of_theme ? theme : all, &stmt, err);

	if (rc)
		return rc;
	sql_bind_int(stmt, 1, owner);
	sql_bind_int(stmt, 2, horizon);
	rc = sql_step(db, stmt, err);
	if (rc > 0)
		*ret = sql_int(stmt, 0);
	return rc;
}

/* Blocks first, then what says which of its rows had ended, then the run. */
static int
drop_run(struct sql *db, int64_t id, int64_t limit, int64_t *ret,
	 struct error *err)
{
	static const char *const texts[] = {
		"DELETE FROM block WHERE id IN"
		" (SELECT id FROM block WHERE run = ?1 LIMIT ?2)",
		"DELETE FROM gone WHERE id IN (SELECT id FROM gone WHERE id "
		">= " ROW_ID("?1", "0") " AND id < " ROW_ID("(?1 + 1)",
							    "0") " LIMIT ?2)",
		"DELETE FROM run WHERE id = ?1",
	};
	int rc = 0;

	for (size_t i = 0; !rc && i < sizeof(texts) / sizeof(*texts); i++) {
		const int64_t bind[4] = {id, limit};
		int64_t n = 0;

		rc = run(db, texts[i], bind, &n, err);
		*ret += n;
		limit -= n;
		if (limit <= 0)
			break;
	}
	return rc;
}

int
store_retain_drop_runs(struct sql *db, bool of_theme, int64_t owner,
		       int64_t horizon, int64_t limit, int64_t *ret,
		       struct error *err)
{
	int64_t id = 0;
	int rc = 0;

	*ret = 0;
	while (*ret < limit &&
	       (rc = find_ended(db, of_theme, owner, horizon, &id, err)) > 0) {
		rc = drop_run(db, id, limit - *ret, ret, err);
		if (rc)
			return rc;
	}
	return rc < 0 ? rc : 0;
}

/* ---- blocks of the others ------------------------------------------------ */

struct block {
	int64_t id, run, ordinal, rows;
};

/* The next block after one, by its id; 1, 0. *ret_dead: all of it has ended. */
static int
next_block(struct sql *db, bool of_theme, const int64_t bind[static 3],
	   struct block *ret, bool *ret_dead, struct error *err)
{
#define DEAD \
	"b.rows = (SELECT count(*) FROM gone WHERE gone.until <= ?2" \
	" AND gone.id >= " ROW_ID( \
		"b.run", "b.ordinal") " AND gone.id < " ROW_ID("b.run", \
							       "b.ordinal + " \
							       "b.rows") ")"
	static const char theme[] =
		"SELECT b.id, b.run, b.ordinal, b.rows, " DEAD
		" FROM block b JOIN run r ON r.id = b.run WHERE b.id > ?3"
		" AND r.kind = 3 AND r.owner = ?1 ORDER BY b.id LIMIT 1";
	static const char all[] =
		"SELECT b.id, b.run, b.ordinal, b.rows, " DEAD
		" FROM block b JOIN run r ON r.id = b.run WHERE b.id > ?3"
		" AND r.kind IN(1, 2) ORDER BY b.id LIMIT 1";
	scope_stmt *stmt = NULL;
	int rc = sql_get(db, of_theme ? theme : all, &stmt, err);

	if (rc)
		return rc;
	sql_bind_ints(stmt, bind, 3);
	rc = sql_step(db, stmt, err);
	if (rc <= 0)
		return rc;
	*ret = (struct block){sql_int(stmt, 0), sql_int(stmt, 1),
			      sql_int(stmt, 2), sql_int(stmt, 3)};
	*ret_dead = sql_int(stmt, 4);
	return 1;
}

/* With the words that its rows have ended: the run counts neither. */
static int
drop_block(struct sql *db, const struct block *b, struct error *err)
{
	const int64_t bind[4] = {b->run, b->ordinal, b->rows};
	const int64_t id[4] = {b->id};
	int64_t n;
	int rc = run(db,
		     "DELETE FROM gone WHERE id >= " ROW_ID(
			     "?1", "?2") " AND id < " ROW_ID("?1", "?2 + ?3"),
		     bind, &n, err);

	if (!rc)
		rc = run(db,
			 "UPDATE run SET rows = rows - ?3"
			 " WHERE id = ?1 AND ?2 >= 0",
			 bind, &n, err);
	if (!rc)
		rc = run(db, "DELETE FROM block WHERE id = ?1", id, &n, err);
	return rc;
}

/* A run without blocks is in the way of others (RUN_LIVE_MAX). The names of its
 * subjects by shelf end with it, and go next time. */
static int
drop_empty(struct sql *db, bool of_theme, int64_t owner, int64_t horizon,
	   struct error *err)
{
	static const char shelves[] =
		"UPDATE run SET until = ?2 WHERE kind = 4 AND owner = ?1"
		" AND until IS NULL AND since < ?2 AND NOT EXISTS("
		"SELECT 1 FROM run s JOIN block b ON b.run = s.id"
		" WHERE s.kind = 3 AND s.owner = run.owner"
		" AND s.since = run.since)";
	static const char theme[] =
		"DELETE FROM run WHERE kind = 3 AND owner = ?1 AND since < ?2"
		" AND NOT EXISTS(SELECT 1 FROM block WHERE block.run = run.id)";
	static const char all[] =
		"DELETE FROM run WHERE kind IN(1, 2) AND ?1 = 0 AND since < ?2"
		" AND NOT EXISTS(SELECT 1 FROM block WHERE block.run = run.id)";
	const int64_t bind[4] = {owner, horizon};
	int64_t n;
	int rc = of_theme ? run(db, shelves, bind, &n, err) : 0;

	return rc ? rc : run(db, of_theme ? theme : all, bind, &n, err);
}

int
store_retain_drop_blocks(struct sql *db, bool of_theme, int64_t owner,
			 int64_t horizon, int64_t limit, int64_t *after,
			 int64_t *ret, struct error *err)
{
	*ret = 0;
	for (int64_t i = 0; i < limit; i++) {
		const int64_t bind[] = {owner, horizon, *after};
		struct block b = {0};
		bool dead = false;
		int rc = next_block(db, of_theme, bind, &b, &dead, err);

		if (rc <= 0) {
			*after = 0;
			return rc ? rc
				  : drop_empty(db, of_theme, owner, horizon,
					       err);
		}
		*after = b.id;
		rc = dead ? drop_block(db, &b, err) : 0;
		if (rc)
			return rc;
		*ret += dead ? b.rows : 0;
	}
	return 0;
}
