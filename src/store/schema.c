/* The tables of both databases: see schema.h, and store.h for what the
 * columns since and until mean. Times are nanoseconds since 1970. */
#include "store/schema.h"

const char *const store_schema_main[] = {
	/* 1 */
	"CREATE TABLE meta("
	"  name TEXT PRIMARY KEY, value INTEGER NOT NULL"
	") STRICT, WITHOUT ROWID;"

	/* Numbers for node ids: departments, resources, themes. An id is never
	 * used for another name. 'text' is what the configuration said when it
	 * was last published (rules of a theme, fields of a resource). */
	"CREATE TABLE object("
	"  id INTEGER PRIMARY KEY AUTOINCREMENT,"
	"  kind TEXT NOT NULL CHECK(kind IN('department','resource','theme')),"
	"  name TEXT NOT NULL,"
	"  text TEXT,"
	"  UNIQUE(kind, name)"
	") STRICT;"

	/* Files of intake/: uploads, originals, fix files. */
	"CREATE TABLE blob("
	"  id INTEGER PRIMARY KEY AUTOINCREMENT,"
	"  made_at INTEGER NOT NULL"
	") STRICT;"

	"CREATE TABLE submission("
	"  number INTEGER PRIMARY KEY," /* order of completion; never falls */
	"  id TEXT NOT NULL UNIQUE,"
	"  resource INTEGER NOT NULL REFERENCES object(id),"
	"  name TEXT NOT NULL," /* of the file, when it was complete */
	"  blob INTEGER REFERENCES blob(id)," /* NULL: given up */
	"  bytes INTEGER NOT NULL,"
	"  uid INTEGER NOT NULL,"
	"  submitted_by TEXT NOT NULL,"
	"  received_at INTEGER NOT NULL,"
	"  killed INTEGER NOT NULL," /* 1: its writer died: incomplete */
	"  state TEXT NOT NULL,"
	"  judged_at INTEGER,"
	"  seq INTEGER,"			 /* of its publish */
	"  released INTEGER NOT NULL DEFAULT 0," /* 1: asked to be released,
						  * 2: to be judged again */
	"  receipt_json BLOB, receipt_text BLOB,"
	"  fix_blob INTEGER REFERENCES blob(id), fix_bytes INTEGER,"
	"  sha256 BLOB"
	") STRICT;"
	"CREATE INDEX submission_state ON submission(state, number);"
	"CREATE INDEX submission_resource ON submission(resource, number);"

	/* Files of the inboxes. 'submission' is the one that judged, or
	 * judges, its present bytes; then the blob is immutable. 'key' is the
	 * name in NFC, NULL once the file is unlinked and still open. */
	"CREATE TABLE inbox_file("
	"  id INTEGER PRIMARY KEY AUTOINCREMENT,"
	"  resource INTEGER NOT NULL REFERENCES object(id),"
	"  name TEXT NOT NULL," /* as sent */
	"  key TEXT,"
	"  blob INTEGER NOT NULL REFERENCES blob(id),"
	"  mode INTEGER NOT NULL, uid INTEGER NOT NULL, gid INTEGER NOT NULL,"
	"  writer INTEGER NOT NULL," /* uid that last opened it for writing */
	"  submission INTEGER REFERENCES submission(number),"
	"  killed INTEGER NOT NULL DEFAULT 0,"
	"  quiet_since INTEGER," /* last touch after the last writer closed;
				  * NULL: not a candidate */
	"  UNIQUE(resource, key)"
	") STRICT;"
	"CREATE INDEX inbox_file_quiet ON inbox_file(quiet_since)"
	"  WHERE quiet_since IS NOT NULL;"
	"CREATE INDEX inbox_file_submission ON inbox_file(submission);"
	/* Whether a blob is still needed is asked at every unlink. */
	"CREATE INDEX inbox_file_blob ON inbox_file(blob);"
	"CREATE INDEX submission_blob ON submission(blob);"
	"CREATE INDEX submission_fix_blob ON submission(fix_blob)"
	"  WHERE fix_blob IS NOT NULL;"

	/* Receipts and fix files that a person has tidied away. */
	"CREATE TABLE inbox_hidden("
	"  submission INTEGER NOT NULL REFERENCES submission(number)"
	"    ON DELETE CASCADE,"
	"  part INTEGER NOT NULL CHECK(part IN(1, 2, 4))," /* text json fix */
	"  PRIMARY KEY(submission, part)"
	") STRICT, WITHOUT ROWID;"

	"CREATE TABLE inbox_xattr("
	"  file INTEGER NOT NULL REFERENCES inbox_file(id) ON DELETE CASCADE,"
	"  name TEXT NOT NULL, value BLOB NOT NULL,"
	"  PRIMARY KEY(file, name)"
	") STRICT, WITHOUT ROWID;"

	/* Who has an inbox file open for writing: the unique of the OPEN or
	 * CREATE request, in the life of one mount. 'closed_at': when a
	 * close() was answered after which nothing was written. */
	"CREATE TABLE handle("
	"  session INTEGER NOT NULL, id INTEGER NOT NULL,"
	"  file INTEGER NOT NULL REFERENCES inbox_file(id) ON DELETE CASCADE,"
	"  closed_at INTEGER,"
	"  PRIMARY KEY(session, id)"
	") STRICT, WITHOUT ROWID;"
	"CREATE INDEX handle_file ON handle(file);"

	/* Answers given to requests that must not be done twice. */
	"CREATE TABLE done("
	"  id INTEGER PRIMARY KEY AUTOINCREMENT,"
	"  session INTEGER NOT NULL, request INTEGER NOT NULL,"
	"  result INTEGER NOT NULL," /* 0 or a negative errno */
	"  node INTEGER NOT NULL,"
	"  UNIQUE(session, request)"
	") STRICT;"

	"CREATE TABLE version("
	"  dataset INTEGER NOT NULL REFERENCES object(id),"
	"  number INTEGER NOT NULL,"
	"  seq INTEGER NOT NULL,"
	"  published_at INTEGER NOT NULL,"
	"  submission TEXT NOT NULL," /* '' when rules changed */
	"  rows INTEGER NOT NULL,"
	"  inserted INTEGER NOT NULL, updated INTEGER NOT NULL,"
	"  deleted INTEGER NOT NULL,"
	"  digest BLOB NOT NULL,"
	"  PRIMARY KEY(dataset, number)"
	") STRICT, WITHOUT ROWID;"
	"CREATE INDEX version_seq ON version(dataset, seq);"

	/* README.txt and datapackage.json as they were at each version. */
	"CREATE TABLE version_text("
	"  id INTEGER PRIMARY KEY AUTOINCREMENT,"
	"  dataset INTEGER NOT NULL, number INTEGER NOT NULL,"
	"  name TEXT NOT NULL, body BLOB NOT NULL,"
	"  UNIQUE(dataset, number, name)"
	") STRICT;"

	/* The rules of a dataset from a version on: rules_text of the
	 * configuration. A row where they changed. */
	"CREATE TABLE version_rules("
	"  dataset INTEGER NOT NULL, number INTEGER NOT NULL,"
	"  body TEXT NOT NULL,"
	"  PRIMARY KEY(dataset, number)"
	") STRICT, WITHOUT ROWID;"

	/* SHA-256 of whole published files, from when somebody first asked:
	 * here and not in file_state, because readers ask, and the writer of
	 * records.db belongs to the thread that judges. */
	"CREATE TABLE file_hash("
	"  state INTEGER PRIMARY KEY, sha256 BLOB NOT NULL"
	") STRICT;",

	/* 2 */
	/* What the originals of a resource come to, so that quotas need not
	 * add them up at every start. Whoever drops a blob keeps it right. */
	"CREATE TABLE usage("
	"  resource INTEGER PRIMARY KEY REFERENCES object(id),"
	"  bytes INTEGER NOT NULL"
	") STRICT;"
	"INSERT INTO usage SELECT resource, sum(bytes) FROM submission"
	"  WHERE blob IS NOT NULL GROUP BY resource;"
	"CREATE TRIGGER usage_added AFTER INSERT ON submission"
	"  WHEN new.blob IS NOT NULL BEGIN"
	"  INSERT INTO usage VALUES(new.resource, new.bytes)"
	"    ON CONFLICT(resource) DO UPDATE SET bytes = bytes + new.bytes;"
	" END;"
	"CREATE TRIGGER usage_changed AFTER UPDATE OF blob ON submission"
	"  WHEN (old.blob IS NULL) <> (new.blob IS NULL) BEGIN"
	"  UPDATE usage SET bytes = bytes + CASE WHEN new.blob IS NULL"
	"    THEN -old.bytes ELSE new.bytes END WHERE resource = new.resource;"
	" END;"
	"CREATE TRIGGER usage_removed AFTER DELETE ON submission"
	"  WHEN old.blob IS NOT NULL BEGIN"
	"  UPDATE usage SET bytes = bytes - old.bytes"
	"    WHERE resource = old.resource;"
	" END;",

	/* 3 */
	/* 'first' is the oldest version of a dataset that is kept: readers see
	 * no older one. The rows of table version stay, for what is still shown
	 * of their time. After a restore, no version up to 'above' is made. */
	"CREATE TABLE retained("
	"  dataset INTEGER PRIMARY KEY REFERENCES object(id),"
	"  first INTEGER NOT NULL DEFAULT 0,"
	"  above INTEGER NOT NULL DEFAULT 0"
	") STRICT;"
	/* 1: it has left archive/; 2: and its bytes are gone. */
	"ALTER TABLE submission ADD COLUMN expired INTEGER NOT NULL DEFAULT 0;"
	"CREATE INDEX submission_judged ON submission(judged_at)"
	"  WHERE expired = 0;"
	"CREATE INDEX submission_expired ON submission(number)"
	"  WHERE expired = 1;",

	/* 4 */
	/* 1: the bytes are the fix file of 'submission', or came back as one.
	 * Fix files were no files of the inbox before. */
	"ALTER TABLE inbox_file ADD COLUMN fix INTEGER NOT NULL DEFAULT 0;"
	"INSERT OR IGNORE INTO inbox_file(resource, name, key, blob, mode, uid,"
	"  gid, writer, submission, fix)"
	" SELECT f.resource, f.name || '.fix.csv', f.key || '.fix.csv',"
	"  s.fix_blob, f.mode, f.uid, f.gid, f.writer, f.submission, 1"
	" FROM inbox_file f JOIN submission s ON s.number = f.submission"
	" WHERE s.fix_blob IS NOT NULL AND f.key IS NOT NULL"
	"  AND NOT EXISTS(SELECT 1 FROM inbox_hidden"
	"   WHERE submission = s.number AND part = 4);"
	"DELETE FROM inbox_hidden WHERE part = 4;"
	/* Whose refused rows may still come back. */
	"CREATE INDEX submission_fixable ON submission(resource)"
	"  WHERE fix_blob IS NOT NULL AND expired = 0;"
	/* Fix files that came back. 'was': the state of the submission before.
	 */
	"CREATE TABLE fix_round("
	"  submission INTEGER NOT NULL REFERENCES submission(number),"
	"  round INTEGER NOT NULL,"	      /* from 1 */
	"  blob INTEGER REFERENCES blob(id)," /* NULL: it is judged */
	"  bytes INTEGER NOT NULL,"
	"  submitted_by TEXT NOT NULL, received_at INTEGER NOT NULL,"
	"  was TEXT NOT NULL,"
	"  judged_at INTEGER, state TEXT, seq INTEGER," /* of its publish */
	"  back INTEGER, accepted INTEGER, refused INTEGER," /* rows */
	"  PRIMARY KEY(submission, round)"
	") STRICT, WITHOUT ROWID;"
	"CREATE INDEX fix_round_blob ON fix_round(blob)"
	"  WHERE blob IS NOT NULL;"
	/* The rows of a submission that are good since they came back: their
	 * cells as sent, in the order of its header. */
	"CREATE TABLE fixed("
	"  submission INTEGER NOT NULL REFERENCES submission(number),"
	"  row INTEGER NOT NULL, cells BLOB NOT NULL,"
	"  PRIMARY KEY(submission, row)"
	") STRICT, WITHOUT ROWID;",

	/* 5 */
	/* Who has asked for a submission to be withdrawn; NULL nobody. */
	"ALTER TABLE submission ADD COLUMN withdrawing TEXT;"
	"CREATE INDEX submission_withdrawing ON submission(number)"
	"  WHERE withdrawing IS NOT NULL;"
	"CREATE TABLE withdrawal("
	"  submission INTEGER PRIMARY KEY REFERENCES submission(number),"
	"  seq INTEGER," /* of its publish; NULL: it changed nothing */
	"  withdrawn_at INTEGER NOT NULL, asked_by TEXT NOT NULL"
	") STRICT;",

	/* 6 */
	/* 1: the fix file is a workbook. */
	"ALTER TABLE submission ADD COLUMN fix_workbook INTEGER NOT NULL"
	"  DEFAULT 0;",

	/* 7 */
	/* Blobs that hold what must not be here: no name leads to them any
	 * more, and their bytes are still to be overwritten. */
	"CREATE TABLE erasure("
	"  blob INTEGER PRIMARY KEY REFERENCES blob(id),"
	"  submission INTEGER NOT NULL REFERENCES submission(number)"
	") STRICT;"
	"CREATE INDEX erasure_submission ON erasure(submission);",

	/* 8 */
	/* The version of another platform's theme that the records of a
	 * resource are of (descriptor: follows). */
	"CREATE TABLE follow("
	"  resource INTEGER PRIMARY KEY REFERENCES object(id),"
	"  theme TEXT NOT NULL, last INTEGER NOT NULL"
	") STRICT;",

	/* 9 */
	/* Of a file that was opened for writing: whose bytes it had, and when
	 * its own were last changed by that (store_inbox_was). */
	"ALTER TABLE inbox_file ADD COLUMN was INTEGER;"
	"ALTER TABLE inbox_file ADD COLUMN was_blob INTEGER;"
	"ALTER TABLE inbox_file ADD COLUMN was_changed INTEGER;"
	"ALTER TABLE inbox_file ADD COLUMN was_fix INTEGER;",

	/* 10 */
	/* The digest of what the file held at 'closed_at', if that was written
	 * down before the bytes were durable; NULL after it. */
	"ALTER TABLE handle ADD COLUMN content BLOB;",
};
const size_t store_schema_main_n =
	sizeof(store_schema_main) / sizeof(*store_schema_main);

const char *const store_schema_records[] = {
	/* 1 */
	/* The last publish that wrote here, flipped or not. */
	"CREATE TABLE mark(seq INTEGER NOT NULL) STRICT;"
	"INSERT INTO mark VALUES(0);"

	/* The rows of resources. 'key' and 'cells' are packed
	 * (base/cells.h). */
	"CREATE TABLE record("
	"  id INTEGER PRIMARY KEY,"
	"  resource INTEGER NOT NULL,"
	"  key BLOB NOT NULL,"
	"  since INTEGER NOT NULL, until INTEGER,"
	"  submission TEXT NOT NULL,"
	"  cells BLOB NOT NULL"
	") STRICT;"
	"CREATE INDEX record_key ON record(resource, key, since);"
	"CREATE INDEX record_until ON record(until) WHERE until IS NOT NULL;"
	"CREATE INDEX record_since ON record(since);"

	/* Keys that submissions wrote or deleted while an earlier submission
	 * of the resource was quarantined: its release must not touch them. */
	"CREATE TABLE touched("
	"  resource INTEGER NOT NULL, key BLOB NOT NULL,"
	"  submission INTEGER NOT NULL," /* number of the last */
	"  PRIMARY KEY(resource, key)"
	") STRICT, WITHOUT ROWID;"

	/* Records by subject. A lens is a resource seen by one of its fields;
	 * its links exist from the publish 'linked' on. 'place' is subject,
	 * NUL, key: the order of sources/. */
	"CREATE TABLE lens("
	"  id INTEGER PRIMARY KEY,"
	"  resource INTEGER NOT NULL, field TEXT NOT NULL, linked INTEGER,"
	"  UNIQUE(resource, field)"
	") STRICT;"
	"CREATE TABLE link("
	"  lens INTEGER NOT NULL, place BLOB NOT NULL,"
	"  since INTEGER NOT NULL, until INTEGER,"
	"  record INTEGER NOT NULL,"
	"  PRIMARY KEY(lens, place, since)"
	") STRICT, WITHOUT ROWID;"

	/* The rows of themes: one a subject and state. 'shelf' is the first
	 * twelve bits of the subject's SHA-256, 'conflicts' is packed, NULL
	 * when there are none. 'version' is the theme's that made it. */
	"CREATE TABLE theme_row("
	"  id INTEGER PRIMARY KEY,"
	"  theme INTEGER NOT NULL, subject BLOB NOT NULL,"
	"  since INTEGER NOT NULL, until INTEGER,"
	"  version INTEGER NOT NULL, shelf INTEGER NOT NULL,"
	"  cells BLOB NOT NULL, conflicts BLOB"
	") STRICT;"
	"CREATE UNIQUE INDEX theme_row_subject"
	"  ON theme_row(theme, subject, since);"
	"CREATE INDEX theme_row_shelf ON theme_row(theme, shelf, subject);"
	"CREATE INDEX theme_row_conflicts ON theme_row(theme, subject)"
	"  WHERE conflicts IS NOT NULL;"
	"CREATE INDEX theme_row_since ON theme_row(theme, since);"
	"CREATE INDEX theme_row_until ON theme_row(theme, until)"
	"  WHERE until IS NOT NULL;"

	/* 'place' is the source's number in the theme (two bytes, big endian),
	 * subject, NUL, key, and what tells the members of a source apart: the
	 * order of orphans.csv (publish_orphan_place). */
	"CREATE TABLE orphan("
	"  theme INTEGER NOT NULL, place BLOB NOT NULL,"
	"  since INTEGER NOT NULL, until INTEGER,"
	"  PRIMARY KEY(theme, place, since)"
	") STRICT, WITHOUT ROWID;"

	/* Published files: 'kind' is data, jsonl, conflicts, orphans, source
	 * (part: D/R) or changes (part: the version). */
	"CREATE TABLE file("
	"  id INTEGER PRIMARY KEY,"
	"  dataset INTEGER NOT NULL, kind TEXT NOT NULL, part TEXT NOT NULL,"
	"  UNIQUE(dataset, kind, part)"
	") STRICT;"
	/* The states of a file: equal bytes, one row. Its id is the inode. */
	"CREATE TABLE file_state("
	"  id INTEGER PRIMARY KEY AUTOINCREMENT,"
	"  file INTEGER NOT NULL REFERENCES file(id),"
	"  since INTEGER NOT NULL, until INTEGER,"
	"  bytes INTEGER NOT NULL, rows INTEGER NOT NULL,"
	"  UNIQUE(file, since)"
	") STRICT;"
	/* The extent map. 'first' is the first key of the chunk: empty for the
	 * header, X'00' for the rows before the first border. */
	"CREATE TABLE chunk("
	"  file INTEGER NOT NULL, first BLOB NOT NULL,"
	"  since INTEGER NOT NULL, until INTEGER,"
	"  pack INTEGER NOT NULL, offset INTEGER NOT NULL,"
	"  length INTEGER NOT NULL, rows INTEGER NOT NULL,"
	"  sha256 BLOB NOT NULL,"
	"  PRIMARY KEY(file, first, since)"
	") STRICT, WITHOUT ROWID;",

	/* 2 */
	/* Rows that came in one load, in a file of their own: see run.h for
	 * 'kind' and 'owner'. */
	"CREATE TABLE run("
	"  id INTEGER PRIMARY KEY AUTOINCREMENT,"
	"  kind INTEGER NOT NULL, owner INTEGER NOT NULL,"
	"  since INTEGER NOT NULL, until INTEGER,"
	"  version INTEGER NOT NULL, submission TEXT NOT NULL,"
	"  rows INTEGER NOT NULL"
	") STRICT;"
	"CREATE INDEX run_owner ON run(kind, owner);"
	/* Rows of runs that hold no longer. */
	"CREATE TABLE gone(id INTEGER PRIMARY KEY, until INTEGER NOT NULL)"
	" STRICT;"
	"CREATE INDEX gone_until ON gone(until);",

	/* 3 */
	/* What no version shows any more is found by its end. */
	"CREATE INDEX link_until ON link(until) WHERE until IS NOT NULL;"
	"CREATE INDEX orphan_until ON orphan(theme, until)"
	"  WHERE until IS NOT NULL;"
	"CREATE INDEX chunk_until ON chunk(file, until)"
	"  WHERE until IS NOT NULL;"
	"CREATE INDEX file_state_until ON file_state(file, until)"
	"  WHERE until IS NOT NULL;"
	"CREATE INDEX chunk_pack ON chunk(pack);",

	/* 4 */
	/* What holds now, without what has ended between: sql_is_writing(). */
	"CREATE INDEX link_now ON link(lens, place, record)"
	"  WHERE until IS NULL;"
	"CREATE INDEX theme_row_now ON theme_row(theme, subject)"
	"  WHERE until IS NULL;"
	"CREATE INDEX orphan_now ON orphan(theme, place)"
	"  WHERE until IS NULL;",

	/* 5 */
	/* The size of the subject's text; NULL in rows that are older. */
	"ALTER TABLE theme_row ADD COLUMN bytes INTEGER;",

	/* 6 */
	/* Loads that had no number yet were kept under this one. */
	"DELETE FROM run WHERE since = 1 << 62;",

	/* 7 */
	/* Where a chunk begins: the bits of its place's hash that are 0. They
	 * were seven; what was cut so stays so. */
	"CREATE TABLE format(border INTEGER NOT NULL) STRICT;"
	"INSERT INTO format SELECT CASE WHEN EXISTS(SELECT 1 FROM chunk)"
	"  THEN 127 ELSE 63 END;",

	/* 8 */
	/* 1: its rows came from others (merge.h), and say themselves since when
	 * they hold, and whose they are. 'merged_into': where the rows are that
	 * held when it ended. */
	"ALTER TABLE run ADD COLUMN merged INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE run ADD COLUMN merged_into INTEGER;",

	/* 9 */
	/* Rows of runs that hold no longer: for those of 128 in a row that
	 * ended together, a byte each (run_gone.c). They were a row each. */
	"DROP INDEX gone_until;"
	"ALTER TABLE gone RENAME TO gone_one;"
	"CREATE TABLE gone("
	"  stretch INTEGER NOT NULL, until INTEGER NOT NULL,"
	"  places BLOB NOT NULL, PRIMARY KEY(stretch, until)"
	") STRICT, WITHOUT ROWID;"
	"INSERT INTO gone SELECT id >> 7, until,"
	"  CAST(group_concat(char(id & 127), '') AS BLOB) FROM gone_one"
	"  GROUP BY id >> 7, until;"
	"DROP TABLE gone_one;"
	"CREATE INDEX gone_until ON gone(until);",
};
const size_t store_schema_records_n =
	sizeof(store_schema_records) / sizeof(*store_schema_records);

const char store_schema_temporary[] =
	"CREATE TEMP TABLE dirty(seq INTEGER NOT NULL,"
	"  file INTEGER NOT NULL, place BLOB NOT NULL,"
	"  PRIMARY KEY(seq, file, place)"
	") STRICT, WITHOUT ROWID;"
	"CREATE TEMP TABLE subject(seq INTEGER NOT NULL,"
	"  theme INTEGER NOT NULL, subject BLOB NOT NULL,"
	"  PRIMARY KEY(seq, theme, subject)"
	") STRICT, WITHOUT ROWID;"
	"CREATE TEMP TABLE linked(seq INTEGER NOT NULL,"
	"  theme INTEGER NOT NULL, source INTEGER NOT NULL,"
	"  value BLOB NOT NULL, place BLOB NOT NULL,"
	"  sides INTEGER NOT NULL,"
	"  PRIMARY KEY(seq, theme, source, value, place)"
	") STRICT, WITHOUT ROWID;"
	"CREATE TEMP TABLE stray(seq INTEGER NOT NULL,"
	"  theme INTEGER NOT NULL, place BLOB NOT NULL,"
	"  sides INTEGER NOT NULL,"
	"  PRIMARY KEY(seq, theme, place)"
	") STRICT, WITHOUT ROWID;";
