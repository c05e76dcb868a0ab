"""B7: from close() of a file of 10,000 rows to the first read of a changed
record in the theme, against a commit of the same rows by a prepared statement
in SQLite, durable both."""

import os
import subprocess

from benchlib import Sample
from cities import UPSERT, Register, before, table, used

NAMES = {"B7": "close() to the first read of a change"}


class Change:
    def __init__(self, bench):
        self.bench = bench
        self.city = Register(bench, "changing", bench.sized(
            100000, 100000, 200))
        self.rows = bench.sized(10000, 10000, 20)
        self.database = bench.path("changing-peer.db")
        subprocess.run(["cp", table(bench, self.city), self.database],
                       check=True)
        self.number = {"civicfs": 0, "sqlite3": 0}

    def file(self, name):
        self.number[name] += 1
        number = self.number[name]
        return number, self.bench.rows_file(
            "changes-%d.csv" % number, "changes", self.rows, self.city.rows,
            0, number)

    def ours(self):
        number, path = self.file("civicfs")
        with open(path, encoding="utf-8") as file:
            cells = file.readlines()[-1].split(",")
        start = before(self.city.pids())
        target = self.city.inbox("registry/entries", "changes-%d.csv" % number)
        ended = self.bench.tool(
            "change_to_read", path, target,
            self.city.theme("register", "subjects/%s.json" % cells[1]),
            cells[4], 120,
            watch=self.city.pids()[:1])
        self.city.wait(target)
        changes = self.city.theme("register", "changes/%d.csv" % (number + 1))
        with open(changes, "rb") as file:
            self.bench.same("changes", file.read().count(b"\n") - 1, self.rows)
        return used(start, ended, ended.json["ns"] / 1e9)

    def sqlite(self):
        _, path = self.file("sqlite3")
        ended = self.bench.tool("commit_rows", self.database, UPSERT, path)
        self.bench.same("rows changed", ended.json["changes"], self.rows)
        return ended.sample(ended.json["ns"][0] / 1e9)


def quantile(samples, share):
    times = sorted(s.seconds for s in samples)
    return times[min(len(times) - 1, int(len(times) * share))]


def grouped(samples, groups, share):
    """One sample for each group of rounds: a quantile of its times."""
    size = max(1, len(samples) // groups)
    return [Sample(quantile(samples[i:i + size], share),
                   max(s.cpu for s in samples[i:i + size]),
                   samples[i].peaks)
            for i in range(0, size * groups, size)]


def run(bench, _):
    change = Change(bench)
    try:
        times = bench.sized(20, 6, 1) * bench.rounds
        samples = bench.alternate({"civicfs": change.ours,
                                   "sqlite3": change.sqlite}, times)
        for name, share, bound in (("p50", 0.5, 1.5), ("p99", 0.99, 3.0)):
            some = {party: grouped(all_of, bench.rounds, share)
                    for party, all_of in samples.items()}
            bench.compare("B7", "%d rows of %d, %d times, %s" % (
                change.rows, change.city.rows, times, name), "sqlite3 commit, synchronous=FULL",
                some, "civicfs", "sqlite3", ("<=", bound), "time")
        bench.note("B7", "civicfs p50 %.1f ms, p99 %.1f ms" % (
            quantile(samples["civicfs"], 0.5) * 1e3,
            quantile(samples["civicfs"], 0.99) * 1e3))
    finally:
        change.city.remove()
        os.unlink(change.database)
