#!/usr/bin/env python3
"""What must be true of a state between two requests, whatever died before.

    state_check.py [--open] [--inherited] [--restored] STATE

Prints each violation and ends with 1 when there is one. Nothing may be under
way while it looks. --open: files may be open for writing. --inherited: a
worker has died since the mount began, so a file that was removed stays until
the mount ends, because a reader of before may still have it. --restored: it was
put back from a backup, so numbers were left out.

Read-only: the databases are opened where they are, with mode=ro."""

import argparse
import hashlib
import os
import sqlite3
import sys

from state_runs import Runs

JUDGED = ("accepted", "partial", "unchanged", "quarantined", "rejected",
          "incomplete", "superseded", "withdrawn")

# what held a secret value has neither bytes nor their hash
NOT_ERASED = (" AND NOT (state = 'rejected' AND sha256 IS NULL"
              " AND blob IS NULL AND fix_blob IS NULL)")


class Check:
    def __init__(self, state, may_be_open, inherited, restored=False):
        self.state = state
        self.may_be_open = may_be_open
        self.inherited = inherited
        self.restored = restored
        self.violations = 0
        uri = "file:%s?mode=ro" % os.path.join(state, "civicfs.db")
        self.db = sqlite3.connect(uri, uri=True, isolation_level=None)
        self.db.execute("ATTACH ? AS r", ("file:%s?mode=ro" % os.path.join(
            state, "records", "records.db"),))
        self.db.execute("BEGIN")
        self.published = self.one(
            "SELECT coalesce((SELECT value FROM meta"
            " WHERE name = 'published'), 0)")
        Runs(self).load()

    def say(self, text, *values):
        self.violations += 1
        if self.violations <= 40:
            print("state: " + text % values)

    def rows(self, sql, *values):
        return self.db.execute(sql, values).fetchall()

    def one(self, sql, *values):
        return self.db.execute(sql, values).fetchone()[0]

    def none(self, what, sql, *values):
        """A query that must give no row."""
        for row in self.rows(sql, *values)[:5]:
            self.say("%s: %r", what, row)

    # --- both files ----------------------------------------------------------

    def databases(self):
        for name in ("main", "r"):
            for (text,) in self.rows("PRAGMA %s.integrity_check" % name):
                if text != "ok":
                    self.say("integrity of %s: %s", name, text)
            self.none("a reference to nothing",
                      "PRAGMA %s.foreign_key_check" % name)

    # --- civicfs.db ----------------------------------------------------------

    def submissions(self):
        number = self.one("SELECT coalesce((SELECT value FROM meta"
                          " WHERE name = 'submission'), 0)")
        count, last = self.rows("SELECT count(*), coalesce(max(number), 0)"
                                " FROM submission")[0]
        if not self.restored and (count != number or last != number):
            self.say("%d submissions up to %d, counted to %d", count, last,
                     number)
        marks = ",".join("?" * len(JUDGED))
        self.none("not judged", "SELECT number, state FROM submission"
                  " WHERE state NOT IN(%s)" % marks, *JUDGED)
        self.none("given up and not incomplete", "SELECT number, state FROM"
                  " submission WHERE blob IS NULL AND state <> 'incomplete'"
                  " AND expired <> 2" + NOT_ERASED)
        self.none("to be erased", "SELECT blob, submission FROM erasure")
        self.none("judged without receipt, hash or time",
                  "SELECT number FROM submission WHERE expired <> 2"
                  " AND (receipt_json IS NULL OR receipt_text IS NULL)"
                  " OR judged_at IS NULL OR (sha256 IS NULL" + NOT_ERASED +
                  ")")
        self.none("expired, and its bytes are still here",
                  "SELECT number FROM submission WHERE expired = 2 AND"
                  " coalesce(blob, fix_blob, receipt_json, receipt_text)"
                  " IS NOT NULL")
        self.none("expired, and waiting for a decision",
                  "SELECT number FROM submission WHERE expired <> 0"
                  " AND state IN('judging', 'quarantined')")
        self.none("two submissions of one publish",
                  "SELECT seq, count(*) FROM submission WHERE seq IS NOT NULL"
                  " GROUP BY seq HAVING count(*) > 1")
        self.none("published beyond the published sequence",
                  "SELECT number, seq FROM submission WHERE seq > ?",
                  self.published)
        self.none("published without a right to",
                  "SELECT number, state FROM submission WHERE seq IS NOT NULL"
                  " AND state NOT IN('accepted', 'partial', 'withdrawn')"
                  " AND number NOT IN(SELECT submission FROM fix_round"
                  "  WHERE judged_at IS NULL)")
        self.none("a fix file came back and nobody judges it, or did twice",
                  "SELECT submission, round FROM fix_round f JOIN submission"
                  " ON number = submission WHERE (f.judged_at IS NULL)"
                  " <> (f.blob IS NOT NULL)"
                  " OR (f.judged_at IS NULL"
                  "  AND submission.state <> 'judging')")
        for number, blob, size, sha256 in self.rows(
                "SELECT number, blob, bytes, sha256 FROM submission"
                " WHERE blob IS NOT NULL"):
            content = self.blob(blob)
            if content is None:
                self.say("submission %d has lost its original", number)
            elif len(content) != size or \
                    hashlib.sha256(content).digest() != sha256:
                self.say("submission %d: other bytes than those judged",
                         number)

    def usage(self):
        self.none("the sum of a resource's originals is another",
                  "SELECT o.name, u.bytes, s.bytes FROM object o"
                  " LEFT JOIN usage u ON u.resource = o.id"
                  " LEFT JOIN (SELECT resource, sum(bytes) AS bytes"
                  "  FROM submission WHERE blob IS NOT NULL"
                  "  GROUP BY resource) s ON s.resource = o.id"
                  " WHERE coalesce(u.bytes, 0) <> coalesce(s.bytes, 0)")

    def blob(self, number):
        try:
            with open(os.path.join(self.state, "intake", str(number)),
                      "rb") as file:
                return file.read()
        except FileNotFoundError:
            return None

    def blobs(self):
        known = {number for (number,) in self.rows("SELECT id FROM blob")}
        for name in os.listdir(os.path.join(self.state, "intake")):
            if not name.isdecimal() or int(name) not in known:
                self.say("intake/%s belongs to nothing", name)
        # some are prepared for what comes next
        for (number,) in self.rows(
                "SELECT id FROM blob WHERE id NOT IN("
                " SELECT blob FROM inbox_file WHERE blob IS NOT NULL"
                " UNION SELECT blob FROM submission WHERE blob IS NOT NULL"
                " UNION SELECT fix_blob FROM submission"
                "  WHERE fix_blob IS NOT NULL"
                " UNION SELECT blob FROM fix_round"
                "  WHERE blob IS NOT NULL)"):
            known.discard(number)
            if self.blob(number):
                self.say("nothing refers to the bytes of blob %d", number)
        for number in known:
            if self.blob(number) is None:
                self.say("blob %d has no file", number)
        self.none("two files write to one blob",
                  "SELECT blob, count(*) FROM inbox_file GROUP BY blob"
                  " HAVING count(*) > 1")

    def inbox(self):
        self.none("a file shows other bytes than its submission",
                  "SELECT f.id, f.name FROM inbox_file f JOIN submission s"
                  " ON s.number = f.submission WHERE s.blob <> f.blob"
                  " AND NOT f.fix")
        self.none("a fix file shows other bytes than its submission",
                  "SELECT f.id, f.name FROM inbox_file f JOIN submission s"
                  " ON s.number = f.submission WHERE f.fix"
                  " AND f.key IS NOT NULL AND s.fix_blob IS NOT f.blob"
                  " AND NOT EXISTS(SELECT 1 FROM fix_round"
                  "  WHERE submission = s.number)")
        self.none("an upload writes into a submission",
                  "SELECT f.id, f.name FROM inbox_file f JOIN submission s"
                  " ON s.blob = f.blob WHERE f.submission IS NULL")
        self.none("a bound file is a candidate again",
                  "SELECT id, name FROM inbox_file"
                  " WHERE submission IS NOT NULL AND quiet_since IS NOT NULL")
        if not self.may_be_open:
            self.none("open, with nobody to close it",
                      "SELECT h.session, h.id, f.name FROM handle h"
                      " JOIN inbox_file f ON f.id = h.file")
            self.none("still a candidate",
                      "SELECT id, name FROM inbox_file"
                      " WHERE quiet_since IS NOT NULL AND key IS NOT NULL"
                      " AND name NOT LIKE '%.part'")
            if not self.inherited:
                self.none("removed, and still here",
                          "SELECT id, name FROM inbox_file"
                          " WHERE key IS NULL")
        self.none("a handle of another mount",
                  "SELECT * FROM handle WHERE session <>"
                  " (SELECT value FROM meta WHERE name = 'inbox_session')")

    # the oldest version that is kept
    FIRST = ("coalesce((SELECT first FROM retained k"
             " WHERE k.dataset = v.dataset), 0)")

    def versions(self):
        self.none("a version beyond the published sequence",
                  "SELECT dataset, number FROM version WHERE seq > ?",
                  self.published)
        for dataset, count, first, last in self.rows(
                "SELECT dataset, count(*), min(number), max(number)"
                " FROM version GROUP BY dataset"):
            if not self.restored and (first, last) != (1, count):
                self.say("dataset %d has %d versions, from %d to %d", dataset,
                         count, first, last)
        self.none("versions out of order",
                  "SELECT a.dataset, a.number FROM version a JOIN version b"
                  " ON b.dataset = a.dataset AND b.number = a.number + 1"
                  " WHERE b.seq <= a.seq")
        self.none("a version of a submission that published nothing",
                  "SELECT v.dataset, v.number FROM version v"
                  " WHERE v.submission <> '' AND NOT EXISTS(SELECT 1"
                  " FROM submission s WHERE s.id = v.submission"
                  " AND (s.seq = v.seq OR EXISTS(SELECT 1 FROM fix_round"
                  "  WHERE submission = s.number AND seq = v.seq)"
                  " OR EXISTS(SELECT 1 FROM withdrawal"
                  "  WHERE submission = s.number AND seq = v.seq)))")
        self.none("a withdrawal and the state of its submission differ",
                  "SELECT number FROM submission WHERE (state = 'withdrawn')"
                  " <> (number IN(SELECT submission FROM withdrawal))"
                  " OR (state = 'withdrawn' AND withdrawing IS NOT NULL)")
        self.none("a version without its texts",
                  "SELECT dataset, number FROM version v WHERE number >= %s"
                  " AND (SELECT count(*) FROM version_text t WHERE"
                  " t.dataset = v.dataset AND t.number = v.number) <> 2"
                  % self.FIRST)
        self.none("a version counts other rows than its file",
                  "SELECT v.dataset, v.number, v.rows, s.rows FROM version v"
                  " JOIN r.file f ON f.dataset = v.dataset"
                  " AND f.kind = 'data' JOIN r.file_state s ON s.file = f.id"
                  " AND s.since <= v.seq"
                  " AND (s.until IS NULL OR s.until > v.seq)"
                  " WHERE s.rows <> v.rows")
        self.none("a version without its changes",
                  "SELECT dataset, number FROM version v WHERE number >= %s"
                  " AND NOT EXISTS(SELECT 1 FROM r.file f JOIN r.file_state s"
                  " ON s.file = f.id WHERE f.dataset = v.dataset"
                  " AND f.kind = 'changes' AND f.part = v.number"
                  " AND s.since = v.seq)" % self.FIRST)
        self.none("the newest version is not kept",
                  "SELECT dataset, first FROM retained WHERE first >"
                  " (SELECT max(number) FROM version v"
                  "  WHERE v.dataset = retained.dataset)")

    # --- records.db ----------------------------------------------------------

    # what one row at a time may hold of
    INTERVALS = {
        "record": "resource, key",
        "link": "lens, place",
        "theme_row": "theme, subject",
        "orphan": "theme, place",
        "chunk": "file, first",
        "file_state": "file",
    }

    def intervals(self):
        mark = self.one("SELECT seq FROM r.mark")
        if mark > self.published:
            self.say("publish %d was begun, %d is published", mark,
                     self.published)
        for table, key in self.INTERVALS.items():
            self.none("%s beyond the published sequence" % table,
                      "SELECT %s, since, until FROM %s"
                      " WHERE since > ?1 OR until > ?1" % (key, table),
                      self.published)
            self.none("%s ends before it begins" % table,
                      "SELECT %s, since, until FROM %s"
                      " WHERE until <= since AND until <> 0" % (key, table))
            self.none("%s holds twice" % table,
                      "SELECT * FROM (SELECT %s, since, lag(coalesce(until,"
                      " 9e18)) OVER (PARTITION BY %s ORDER BY since) AS"
                      " before FROM %s) WHERE before > since"
                      % (key, key, table))
        self.none("a lens beyond the published sequence",
                  "SELECT id FROM r.lens WHERE linked > ?", self.published)

    def links(self):
        self.none("a link to no record",
                  "SELECT lens, place FROM temp.link WHERE record NOT IN"
                  " (SELECT id FROM temp.record)")
        self.none("a link outlives its record",
                  "SELECT l.lens, l.place, l.until, d.until FROM temp.link l"
                  " JOIN temp.record d ON d.id = l.record"
                  " WHERE l.until IS NOT d.until OR l.since < d.since")
        self.none("a record without its one link",
                  "SELECT s.id, d.id FROM r.lens s JOIN temp.record d"
                  " ON d.resource = s.resource AND d.until IS NULL"
                  " LEFT JOIN (SELECT lens, record, count(*) AS n"
                  "  FROM temp.link WHERE until IS NULL GROUP BY lens, record) l"
                  " ON l.lens = s.id AND l.record = d.id"
                  " WHERE s.linked IS NOT NULL AND coalesce(n, 0) <> 1")
        self.none("a record of no submission",
                  "SELECT id, submission FROM temp.record WHERE submission"
                  " NOT IN(SELECT id FROM submission)")

    def themes(self):
        for kind, table, what in (("data", "theme_row", "1"),
                                  ("conflicts", "theme_row",
                                   "conflicts IS NOT NULL"),
                                  ("orphans", "orphan", "1")):
            if kind == "conflicts":
                continue  # a row may have several lines
            self.none("%s has other rows than its file" % table,
                      "SELECT f.dataset, s.rows,"
                      " (SELECT count(*) FROM %s t WHERE t.theme ="
                      "  f.dataset AND t.until IS NULL AND %s) AS n"
                      " FROM r.file f JOIN r.file_state s ON s.file = f.id"
                      " WHERE f.kind = ? AND s.until IS NULL AND s.rows <> n"
                      % (table, what), kind)
        self.none("a theme's row of a version that is none",
                  "SELECT theme, version FROM temp.theme_row t WHERE"
                  " NOT EXISTS(SELECT 1 FROM version v WHERE v.dataset ="
                  " t.theme AND v.number = t.version AND v.seq = t.since)"
                  " AND theme <> 0")

    def files(self):
        for state, file, since, size, rows in self.rows(
                "SELECT id, file, since, bytes, rows FROM r.file_state"):
            got = self.rows(
                "SELECT coalesce(sum(length), 0), coalesce(sum(rows), 0)"
                " FROM r.chunk WHERE file = ?1 AND since <= ?2"
                " AND (until IS NULL OR until > ?2)", file, since)[0]
            if got != (size, rows):
                self.say("state %d of file %d says %r, its chunks %r", state,
                         file, (size, rows), got)
        packs = {}
        for file, pack, offset, length, sha256 in self.rows(
                "SELECT file, pack, offset, length, sha256 FROM r.chunk"):
            if pack not in packs:
                packs[pack] = self.pack(pack)
            content = packs[pack][offset:offset + length]
            if hashlib.sha256(content).digest() != sha256:
                self.say("a chunk of file %d is not in pack %d", file, pack)
        for name in os.listdir(os.path.join(self.state, "packs")):
            if int(name.split(".")[0]) not in packs:
                self.say("packs/%s belongs to nothing", name)

    def pack(self, number):
        path = os.path.join(self.state, "packs", "%012d.pack" % number)
        try:
            with open(path, "rb") as file:
                return file.read()
        except FileNotFoundError:
            self.say("pack %d is missing", number)
            return b""

    def run(self):
        for look in (self.databases, self.submissions, self.usage, self.blobs,
                     self.inbox,
                     self.versions, self.intervals, self.links, self.themes,
                     self.files):
            look()
        self.db.close()
        return self.violations


def check(state, may_be_open=False, inherited=False, restored=False):
    """How many violations there are; each is printed."""
    return Check(state, may_be_open, inherited, restored).run()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("state")
    parser.add_argument("--open", action="store_true")
    parser.add_argument("--inherited", action="store_true")
    parser.add_argument("--restored", action="store_true")
    args = parser.parse_args()
    sys.exit(1 if check(args.state, args.open, args.inherited,
                        args.restored) else 0)


if __name__ == "__main__":
    main()
