"""Rows that came in one load, out of their blocks: temporary tables with all
rows of record, link, theme_row and orphan, whichever way they came."""

import os
import struct

TABLES = {
    "record": "id, resource, key, since, until, submission",
    "link": "lens, place, since, until, record",
    "theme_row": "id, theme, subject, since, until, version, conflicts",
    "orphan": "theme, place, since, until",
}
RECORD, LINK, SUBJECT, SHELF, ORPHAN = 1, 2, 3, 4, 5


def take(body, at):
    """A packed cell and where the next one begins."""
    length = shift = 0
    while True:
        byte = body[at]
        at += 1
        length |= (byte & 0x7f) << shift
        shift += 7
        if byte < 0x80:
            return body[at:at + length], at + length


def number(body, at):
    n = shift = 0
    while True:
        n |= (body[at] & 0x7f) << shift
        shift += 7
        at += 1
        if body[at - 1] < 0x80:
            return n, at


def head(value):
    """Of a row that was merged: since, version, submission, its own value."""
    since, at = number(value, 0)
    version, at = number(value, at)
    submission, at = take(value, at)
    return since, version, submission[:-1].decode(), value[at:]


def entries(body):
    at = 0
    while at < len(body):
        key, at = take(body, at)
        value, at = take(body, at)
        yield key, value


ENTRY = struct.Struct("<QIIIIQQ")  # src/store/run_format.h
TRAILER = struct.Struct("<QQQQQQ")


def index(part):
    """The first keys of a page or of the top, and where what they name is."""
    at = 0
    while at < len(part):
        first, at = take(part, at)
        yield (first,) + ENTRY.unpack_from(part, at)
        at += ENTRY.size


def file_blocks(path):
    """First key, rows and body of every block of a run's file."""
    with open(path, "rb") as file:
        content = file.read()
    top, length, *_ = TRAILER.unpack(content[-TRAILER.size:])
    for _, offset, size, *_ in index(content[top:top + length]):
        for first, at, n, rows, *_ in index(content[offset:offset + size]):
            yield first, rows, content[at:at + n]


class Runs:
    def __init__(self, check):
        self.check = check
        self.gone = {}
        for stretch, until, places in check.rows(
                "SELECT stretch, until, places FROM r.gone"):
            for place in places:
                row = stretch << 7 | place
                if place > 127 or row in self.gone:
                    check.say("%d is gone twice, or none", row)
                self.gone[row] = until
        self.records = {}  # resource, key: the ids it had
        self.subjects, self.shelves = {}, {}
        self.ids = set()
        self.merged = {}  # kind, owner, key, since: what became of the row

    def blocks(self, run, count):
        """Each row's id, key and value; blocks follow each other."""
        number, last = 0, None
        for first, rows, body in file_blocks(os.path.join(
                self.check.state, "runs/%012d.run" % run)):
            found = list(entries(body))
            if len(found) != rows or found[0][0] != first:
                self.check.say("a block of run %d is not what it says", run)
            for key, value in found:
                if last is not None and key <= last:
                    self.check.say("run %d is not in order", run)
                last = key
                row = 1 << 55 | run << 28 | number
                self.ids.add(row)
                yield row, key, value
                number += 1
        if number != count:
            self.check.say("run %d has %d rows, not %d", run, number, count)

    def goes_on(self, kind, row, name, end):
        """A row that was merged is the one it was, and ends when it does."""
        _, owner, key, since = name
        table, where, values = {
            RECORD: ("record", "id = ?", (row,)),
            SUBJECT: ("theme_row", "id = ?", (row,)),
            LINK: ("link", "lens = ? AND place = ? AND since = ?",
                   (owner, key, since)),
            ORPHAN: ("orphan", "theme = ? AND place = ? AND since = ?",
                     (owner, key, since)),
        }[kind]
        self.check.db.execute("UPDATE temp.%s SET until = ? WHERE %s" % (
            table, where), (end,) + values)

    def add(self, kind, run, owner, began, until, version, submission, count,
            mixed, merged_into):
        db = self.check.db
        since = began
        for row, key, value in self.blocks(run, count):
            if mixed:
                since, version, submission, value = head(value)
            end = min(x for x in (self.gone.get(row), until, 1 << 62)
                      if x is not None)
            end = None if end == 1 << 62 else end
            name = kind, owner, key, since
            was = self.merged.pop(name, None)
            if merged_into is not None and \
                    self.gone.get(row, until + 1) > until:
                self.merged[name] = was or row
            if kind == SUBJECT:
                self.subjects.setdefault((owner, began), set()).add(key)
            if was and kind != SHELF:
                self.goes_on(kind, was, name, end)
            elif kind == RECORD:
                self.records.setdefault((owner, key), []).append((since, row))
                db.execute("INSERT INTO temp.record VALUES(?,?,?,?,?,?)",
                           (row, owner, key, since, end, submission))
            elif kind == LINK:
                resource = self.check.one(
                    "SELECT resource FROM r.lens WHERE id = ?", owner)
                db.execute("INSERT INTO temp.link VALUES(?,?,?,?,?)",
                           (owner, key, since, end, self.record_of(
                               resource, key.split(b"\0", 1)[1], since)))
            elif kind == SUBJECT:
                conflicts = value[take(value, 0)[1]:]
                db.execute("INSERT INTO temp.theme_row VALUES(?,?,?,?,?,?,?)",
                           (row, owner, key, since, end, version,
                            conflicts or None))
            elif kind == ORPHAN:
                db.execute("INSERT INTO temp.orphan VALUES(?,?,?,?)",
                           (owner, key, since, end))
            else:
                self.shelves.setdefault((owner, began), set()).add(key[2:])

    def record_of(self, resource, key, since):
        """The record that such a link shows."""
        ids = [row for began, row in self.records.get((resource, key), [])
               if began <= since]
        return ids[-1] if ids else None

    def load(self):
        db = self.check.db
        for table, columns in TABLES.items():
            db.execute("CREATE TEMP TABLE %s AS SELECT %s FROM r.%s"
                       % (table, columns, table))
        for index in ("record(id)", "theme_row(id)",
                      "link(lens, place, since)",
                      "orphan(theme, place, since)"):
            db.execute("CREATE INDEX temp.%s_named ON %s" % (
                index.split("(")[0], index))
        for run in self.check.rows(
                "SELECT kind, id, owner, since, until, version, submission,"
                " rows, merged, merged_into FROM r.run"
                " ORDER BY kind, since, id"):
            self.add(*run)
        if self.subjects != self.shelves:
            self.check.say("shelves hold other subjects than their themes")
        for row in self.gone:
            if row not in self.ids:
                self.check.say("%d is gone and was never there", row)
        for name in os.listdir(os.path.join(self.check.state, "runs")):
            if not self.check.one("SELECT count(*) FROM r.run WHERE id = ?",
                                  int(name.split(".")[0])):
                self.check.say("'%s' is the file of no run", name)
        self.check.none("a run beyond the published sequence",
                        "SELECT id FROM r.run WHERE since > ?1 OR until > ?1",
                        self.check.published)
        self.check.none("gone beyond the published sequence",
                        "SELECT stretch FROM r.gone WHERE until > ?1",
                        self.check.published)
