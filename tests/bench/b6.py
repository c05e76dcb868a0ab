"""B6: a file of eight columns, from close() to durable, validated and
key-indexed rows (sqlite3 makes its index after the rows, which is its best way
for keys in no order); the same in GB18030, and with 0.1% bad rows. B6e: the same
to the end, integrated with two other sources and readable as data.csv. B6d:
its first stage alone, which is where the floor of B6 is."""

import json
import os
import subprocess
import time

from benchlib import Ended, Sample, read_text, sha256
from cities import CREDIT, City

NAMES = {"B6": "from close() to durable, validated, key-indexed rows",
         "B6e": "the same, integrated with two sources and read as data.csv",
         "B6d": "decoding alone"}

TABLE = ("CREATE TABLE entries(licence_no, uscc, name, status, capital,"
         " founded_on, region, address)")
COLUMNS = ["licence_no", "uscc", "name", "status", "capital", "founded_on",
           "region", "address"]
RATINGS = "CREATE TABLE ratings(uscc, year, taxpayer, grade, rated_on)"
PENALTIES = "CREATE TABLE penalties(case_no, uscc, amount, decided_on)"
TYPES = ("{'licence_no': 'VARCHAR', 'uscc': 'VARCHAR', 'name': 'VARCHAR',"
         " 'status': 'VARCHAR', 'capital': 'DECIMAL(18,2)',"
         " 'founded_on': 'DATE', 'region': 'VARCHAR', 'address': 'VARCHAR'}")
# What data.csv of the theme has to be. A subject has one entry, one rating
# at most, and some penalties.
JOIN = """SELECT e.uscc AS uscc, e.name AS name, e.capital AS capital,
 %s AS grade, coalesce(p.n, 0) AS penalties,
 %s AS fined
FROM entries e LEFT JOIN ratings r ON r.uscc = e.uscc
LEFT JOIN (SELECT uscc, count(*) AS n, %s AS s FROM penalties
 GROUP BY uscc) p ON p.uscc = e.uscc
ORDER BY e.uscc"""
# exact decimals: in SQLite by whole cents
SQLITE_JOIN = JOIN % (
    "coalesce(r.grade, '')",
    "CASE WHEN p.s IS NULL THEN '' ELSE printf('%d.%02d', p.s / 100,"
    " p.s % 100) END",
    "sum(CAST(replace(amount, '.', '') AS INTEGER))")
DUCK_JOIN = JOIN % ("r.grade", "CAST(p.s AS VARCHAR)", "sum(amount)")


def duck(bench, database, *statements):
    """Sample by its own clock, and the first cell of its last answer."""
    bench.peer("duckdb")
    ended = Ended(["node", os.path.join(bench.source, "duck.mjs"),
                   bench.peers, database] + list(statements))
    return ended.sample(ended.json["milliseconds"] / 1e3), ended.json["cell"]


def remove(*paths):
    for path in paths:
        for suffix in ("", "-wal", "-shm", "-journal", ".wal"):
            if os.path.exists(path + suffix):
                os.unlink(path + suffix)


class Files:
    """One file in three forms, and the two other sources."""

    def __init__(self, bench):
        rows = bench.rows
        self.plain = bench.rows_file("registry.csv", "registry", rows)
        self.faulty = bench.rows_file("faulty.csv", "registry", rows, rows,
                                      100)
        self.gb18030 = bench.path("gb18030.csv")
        with open(self.gb18030, "wb") as out:
            subprocess.run(["iconv", "-f", "UTF-8", "-t", "GB18030",
                            self.plain], stdout=out, check=True)
        self.ratings = bench.rows_file("ratings.csv", "ratings", rows // 2,
                                       rows)
        self.penalties = bench.rows_file("penalties.csv", "penalties",
                                         rows // 5, rows)


class Rows:
    """B6: parties that end with the rows, validated or not."""

    def __init__(self, bench, files):
        self.bench = bench
        self.files = files
        self.bad = len(range(17, bench.rows, 1000))

    def ours(self, path, refused):
        city = City(self.bench, "rows", ["registry/entries"], [])
        city.start()
        try:
            target = city.send(path, "registry/entries")
            sample = city.measure(lambda: self.timed(city, target,
                                                     refused > 0))
            rows = json.loads(read_text(target + ".receipt.json"))["rows"]
            self.bench.same("accepted rows", rows["accepted"],
                            self.bench.rows - refused)
            self.bench.same("refused rows", rows["refused"], refused)
        finally:
            city.remove()
        return sample

    @staticmethod
    def timed(city, target, partial):
        began = time.monotonic()
        city.wait(target, partial)
        return time.monotonic() - began

    def sqlite(self):
        database = self.bench.path("rows.db")
        ended = self.bench.run(
            "sqlite3", database, "-cmd", TABLE, "-cmd", ".mode csv",
            "-cmd", ".import --skip 1 %s entries" % self.files.plain,
            "CREATE UNIQUE INDEX i ON entries(licence_no)")
        count = subprocess.run(["sqlite3", database,
                                "SELECT count(*) FROM entries"], check=True,
                               capture_output=True, text=True).stdout
        self.bench.same("rows in the table", int(count), self.bench.rows)
        remove(database)
        return ended.sample()

    def duck(self):
        database = self.bench.path("rows.duck")
        sample, count = duck(
            self.bench, database,
            "CREATE TABLE entries AS SELECT * FROM read_csv('%s', header ="
            " true, columns = %s)" % (self.files.plain, TYPES),
            "CREATE UNIQUE INDEX i ON entries(licence_no)", "CHECKPOINT",
            "SELECT count(*) FROM entries")
        self.bench.same("rows in DuckDB", int(count), self.bench.rows)
        remove(database)
        return sample


def run_rows(bench, files):
    rows = Rows(bench, files)
    samples = bench.alternate({
        "UTF-8": lambda: rows.ours(files.plain, 0),
        "sqlite3": rows.sqlite,
        "GB18030": lambda: rows.ours(files.gb18030, 0),
        "DuckDB": rows.duck,
        "bad rows": lambda: rows.ours(files.faulty, rows.bad)})
    bench.compare("B6", "%d rows of 8 columns to validated rows" % bench.rows,
                  "sqlite3 .import + unique index", samples, "UTF-8",
                  "sqlite3", (">=", 1.6))
    bench.compare("B6", "the same", "DuckDB read_csv + index", samples,
                  "UTF-8", "DuckDB", (">=", 2.5))
    bench.compare("B6", "the same in GB18030", "itself in UTF-8", samples,
                  "GB18030", "UTF-8", (">=", 0.85))
    bench.compare("B6", "the same with 0.1% bad rows",
                  "sqlite3 .import, no bad rows", samples, "bad rows",
                  "sqlite3", (">=", 1.6))


class Whole:
    """B6e: parties that end with the bytes of data.csv."""

    def __init__(self, bench, files):
        self.bench = bench
        self.files = files
        self.digests = {}

    def ours(self):
        city = City(self.bench, "whole",
                    ["registry/entries", "tax/ratings", "env/penalties"],
                    [CREDIT])
        city.start()
        try:
            city.wait(city.send(self.files.ratings, "tax/ratings"))
            city.wait(city.send(self.files.penalties, "env/penalties"))
            target = city.send(self.files.plain, "registry/entries")
            sample = city.measure(lambda: self.timed(city, target))
            self.digests["civicfs"] = sha256(city.theme("credit"))
        finally:
            city.remove()
        return sample

    @staticmethod
    def timed(city, target):
        began = time.monotonic()
        city.wait(target)
        with open(city.theme("credit"), "rb") as file:
            while file.read(1 << 17):
                pass
        return time.monotonic() - began

    def sqlite(self):
        database, out = self.bench.path("whole.db"), self.bench.path("out.csv")
        commands = [
            "sqlite3", database, "-cmd", TABLE, "-cmd", RATINGS, "-cmd",
            PENALTIES, "-cmd", ".mode csv",
            "-cmd", ".import --skip 1 %s ratings" % self.files.ratings,
            "-cmd", ".import --skip 1 %s penalties" % self.files.penalties,
            "CREATE INDEX r ON ratings(uscc); CREATE INDEX p ON"
            " penalties(uscc);"]
        subprocess.run(commands, check=True)
        ended = self.bench.run(
            "sqlite3", database, "-cmd", ".mode csv",
            "-cmd", ".import --skip 1 %s entries" % self.files.plain,
            "-cmd", "CREATE UNIQUE INDEX i ON entries(licence_no)",
            "-cmd", "CREATE UNIQUE INDEX u ON entries(uscc)",
            "-cmd", ".mode list", "-cmd", ".separator , \\n",
            "-cmd", ".headers on", "-cmd", ".output " + out,
            SQLITE_JOIN)
        self.digests["sqlite3"] = sha256(out)
        remove(database, out)
        return ended.sample()

    def duck(self):
        database, out = self.bench.path("whole.duck"), self.bench.path("o.csv")
        duck(self.bench, database,
             "CREATE TABLE ratings AS SELECT * FROM read_csv('%s', header ="
             " true, all_varchar = true)" % self.files.ratings,
             "CREATE TABLE penalties AS SELECT case_no, uscc,"
             " CAST(amount AS DECIMAL(18,2)) AS amount FROM read_csv('%s',"
             " header = true, all_varchar = true)" % self.files.penalties,
             "CHECKPOINT")
        sample, _ = duck(
            self.bench, database,
            "CREATE TABLE entries AS SELECT * FROM read_csv('%s', header ="
            " true, columns = %s)" % (self.files.plain, TYPES),
            "CREATE UNIQUE INDEX i ON entries(licence_no)",
            "COPY (%s) TO '%s' (HEADER, DELIMITER ',')" % (DUCK_JOIN, out),
            "CHECKPOINT")
        self.digests["DuckDB"] = sha256(out)
        remove(database, out)
        return sample


def run_whole(bench, files):
    whole = Whole(bench, files)
    samples = bench.alternate({"civicfs": whole.ours, "sqlite3": whole.sqlite,
                               "DuckDB": whole.duck})
    bench.same("the bytes of data.csv (%s)" % ", ".join(whole.digests),
               *whole.digests.values())
    what = "%d rows, integrated with two sources, read" % bench.rows
    bench.compare("B6e", what, "DuckDB load + join + export", samples,
                  "civicfs", "DuckDB", (">=", 1.0))
    bench.compare("B6e", "the same", "sqlite3 .import + index + join + export",
                  samples, "civicfs", "sqlite3", (">=", 2.0))


def decoded(bench, path):
    """Seconds for the core in this process, and through a decoder of its
    own, as bench_decode prints them."""
    ended = bench.tool("bench_decode", path, *COLUMNS)
    found = {}
    for line in ended.out.splitlines():
        what, rate, _, rows = line.split()[:4]
        found[what] = Sample(bench.rows / float(rows), ended.cpu, ended.peaks)
        bench.note("B6d", "%s, %s: %s MB/s" % (os.path.basename(path), what,
                                               rate))
    return found


def run_decode(bench, files):
    plain = [decoded(bench, files.plain) for _ in range(bench.rounds)]
    other = [decoded(bench, files.gb18030) for _ in range(bench.rounds)]
    samples = {"core": [f["core"] for f in plain],
               "process": [f["process"] for f in plain],
               "GB18030": [f["process"] for f in other]}
    bench.compare("B6d", "%d rows decoded by a process" % bench.rows,
                  "the same within one", samples, "process", "core")
    bench.compare("B6d", "the same in GB18030", "itself in UTF-8", samples,
                  "GB18030", "process")


def run(bench, wanted):
    files = Files(bench)
    if "B6" in wanted:
        run_rows(bench, files)
    if "B6e" in wanted:
        run_whole(bench, files)
    if "B6d" in wanted:
        run_decode(bench, files)
