"""portable_file.py THEME FOLDER …: data.sqlite of each folder says what
data.csv beside it says, opened in every way that a stock SQLite has; otherwise
it ends with 1 and tells what differs."""

import csv
import hashlib
import os
import sqlite3
import sys


def wrong(text):
    sys.exit("failed: " + text)


def key64(place):
    h, ones = 0xcbf29ce484222325, (1 << 64) - 1
    for byte in place:
        h = (h ^ byte) * 0x100000001b3 & ones
    for factor in 0xff51afd7ed558ccd, 0xc4ceb9fe1a85ec53:
        h = (h ^ h >> 33) * factor & ones
    return h ^ h >> 33


def cell(text):
    return '"%s"' % text.replace('"', '""') if set(text) & set(',"\n') \
        else text


def digest(rows):
    """That of the version, as doc/format.md has it."""
    total, chunk = hashlib.sha256(), None
    for row in rows:
        if chunk is None or key64(row[0].encode()) % 64 == 0:
            if chunk:
                total.update(chunk.digest())
            chunk = hashlib.sha256()
        chunk.update((",".join(map(cell, row)) + "\n").encode())
    if chunk:
        total.update(chunk.digest())
    return total.hexdigest()


def expected(word, text):
    """A cell of data.csv as the table has it, and whether it is exact."""
    if text == "":
        return None, True
    if word == "integer":
        exact = -2 ** 63 <= int(text) < 2 ** 63
        return int(text) if exact else float(text), exact
    if word == "number":
        digits = text.lstrip("-").replace(".", "").strip("0")
        return float(text), len(digits) <= 15
    if word == "boolean":
        return {"true": 1, "false": 0}[text], True
    return text, True


def types_of(rows):
    return [[type(value) for value in row] for row in rows]


def compare(theme, path, header, rows):
    for uri in ("file:%s?mode=ro", "file:%s?immutable=1", "file:%s"):
        db = sqlite3.connect(uri % path, uri=True)
        if db.execute("PRAGMA journal_mode").fetchone()[0] != "delete":
            wrong("'%s' has another journal" % path)
        if db.execute("PRAGMA integrity_check").fetchone()[0] != "ok":
            wrong("'%s' is not sound" % path)
        names = [r[0] for r in db.execute("SELECT name FROM sqlite_master "
                                          "WHERE type = 'table'")]
        if names != [theme, "_about", "_fields", "_exact"]:
            wrong("'%s' has the tables %r" % (path, names))
        fields = db.execute("SELECT field, type FROM _fields "
                            "ORDER BY position").fetchall()
        got = db.execute('SELECT * FROM "%s"' % theme)
        if [f[0] for f in fields] != header or \
                [d[0] for d in got.description] != header:
            wrong("'%s' has other columns: %r" % (path, fields))
        words = ["string"] + [f[1] for f in fields[1:]]
        want, exact = [], []
        for row in rows:
            values = [expected(w, t) for w, t in zip(words, row)]
            want.append(tuple(v for v, _ in values))
            exact += [(row[0], header[i], row[i])
                      for i, (_, e) in enumerate(values) if not e]
        got = got.fetchall()
        if got != want:
            wrong("'%s' has other rows than data.csv:\n%r\n%r" % (
                path, [r for r in got if r not in want][:3],
                [r for r in want if r not in got][:3]))
        if types_of(got) != types_of(want):
            wrong("'%s' has values of other types" % path)
        if db.execute("SELECT * FROM _exact ORDER BY key, field").fetchall() \
                != sorted(exact):
            wrong("'%s' does not say which numbers it rounds" % path)
        about = dict(db.execute("SELECT * FROM _about"))
        if (about["theme"], about["rows"], about["digest"]) != (
                theme, str(len(rows)), digest(rows)):
            wrong("'%s' says of itself %r" % (path, about))
        for key in rows[:3] + rows[-3:]:
            one = db.execute('SELECT count(*) FROM "%s" WHERE "%s" = ?' % (
                theme, header[0]), key[:1]).fetchone()
            if one != (1,):
                wrong("'%s' does not find %r" % (path, key[0]))
        plan = db.execute('EXPLAIN QUERY PLAN SELECT * FROM "%s" WHERE "%s" '
                          '= 1' % (theme, header[0])).fetchone()[3]
        if "SEARCH" not in plan:
            wrong("'%s' looks through every row: %s" % (path, plan))
        try:
            db.execute("DELETE FROM _about")
            wrong("'%s' was written to" % path)
        except sqlite3.OperationalError:
            pass
        db.close()


def main():
    theme = sys.argv[1]
    for folder in sys.argv[2:]:
        path = os.path.join(folder, "data.sqlite")
        size = os.stat(path).st_size
        with open(path, "rb") as file:
            if len(file.read()) != size:
                wrong("'%s' has another size than it says" % path)
        with open(os.path.join(folder, "data.csv"), encoding="utf-8",
                  newline="") as lines:
            header, *rows = csv.reader(lines)
        compare(theme, path, header, rows)


main()
