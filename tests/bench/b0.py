"""B0: a first load of a file of seven columns, from cp to a readable theme,
against 'sqlite3 .import' of the same file into a table with a unique index."""

import os
import subprocess
import time

from benchlib import sha256
from cities import SEVEN, City

NAMES = {"B0": "cp + wait of a first load into a theme"}


class Load:
    def __init__(self, bench):
        self.bench = bench
        self.file = bench.rows_file("seven.csv", "seven", bench.rows)
        self.digests = set()
        self.subjects = 0

    def ours(self):
        city = City(self.bench, "seven", ["seven/entries"], [SEVEN])
        city.start()
        try:
            sample = city.measure(lambda: self.load(city))
            data = city.theme("enterprises")
            self.digests.add(sha256(data))
            with open(data, "rb") as file:
                self.subjects = file.read().count(b"\n") - 1
        finally:
            city.remove()
        return sample

    @staticmethod
    def load(city):
        began = time.monotonic()
        city.wait(city.send(city.bench.path("seven.csv"), "seven/entries"))
        return time.monotonic() - began

    def sqlite(self):
        database = self.bench.path("seven.db")
        ended = self.bench.run(
            "sqlite3", database, "-cmd", "CREATE TABLE t(number, code, name,"
            " capital, founded_on, town, note)",
            "-cmd", "CREATE UNIQUE INDEX i ON t(number)", "-cmd", ".mode csv",
            ".import --skip 1 %s t" % self.file)
        count = subprocess.run(
            ["sqlite3", database, "SELECT count(*), count(DISTINCT code)"
             " FROM t"], check=True, capture_output=True, text=True).stdout
        self.bench.same("rows and subjects in the table and the theme",
                        count.strip(), "%d|%d" % (self.bench.rows,
                                                  self.subjects))
        os.unlink(database)
        return ended.sample()


def run(bench, _):
    load = Load(bench)
    bench.progress(-1, {"warm-up": [load.ours()]})
    samples = bench.alternate({"civicfs": load.ours, "sqlite3": load.sqlite})
    bench.same("the rounds' bytes", *load.digests)
    bench.compare("B0", "cp + wait, %d rows of 7 columns, first load"
                  % bench.rows, "sqlite3 .import + unique index", samples,
                  "civicfs", "sqlite3", ("<=", 1.0), "time")
