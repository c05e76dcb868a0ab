"""B2: stock SQLite asks a published data.sqlite, row by row by its key; the
same file on the file system below. And what it costs to publish it."""

import os
import shutil
import time

from benchlib import sha256
from cities import REGISTER, City, before, used

NAMES = {"B2": "point queries of a published SQLite file"}
QUERY = "SELECT name FROM register WHERE uscc = ?"


class Published(City):
    """A register that is published as data.sqlite, too, or not."""

    def __init__(self, bench, name, sqlite, file):
        super().__init__(bench, name, ["registry/entries"],
                         [REGISTER + "sqlite = %s\n" % sqlite], mode="upsert")
        self.start()
        target = self.send(file, "registry/entries", "first.csv")
        self.load = self.measure(lambda: self.wait(target))
        bench.note_peaks(self.load.peaks)

    def change(self, file):
        """Seconds until one changed row is published."""
        target = self.send(file, "registry/entries", "one.csv")
        began = time.monotonic()
        self.wait(target)
        return time.monotonic() - began


class Ask:
    def __init__(self, bench, path, pids):
        self.bench, self.path, self.pids = bench, path, pids
        self.count = bench.sized(100000, 100000, 50)
        self.sums = set()

    def __call__(self, suffix=""):
        start = before(self.pids())
        ended = self.bench.tool("point_queries", "file:%s%s"
                                % (self.path, suffix), QUERY,
                                self.bench.path("keys"), self.count,
                                watch=self.pids()[:1])
        self.bench.same("rows found", ended.json["found"], self.count)
        self.sums.add(ended.json["sum"])
        return used(start, ended, ended.json["ns"] / 1e9)


def copied(bench, path):
    """The same file on the file system below, and as far below: two names are
    looked up for each query."""
    folder = bench.path("plain", "mnt", "themes", "register")
    os.makedirs(folder)
    return shutil.copyfile(path, os.path.join(folder, "data.sqlite"))


def one_row(bench, file):
    """The last row again, at another address."""
    path = bench.path("one.csv")
    with open(file, encoding="utf-8") as lines, \
            open(path, "w", encoding="utf-8") as out:
        out.write(next(lines))
        row = list(lines)[-1].rstrip("\n")
        out.write(row[:row.rindex(",")] + ",elsewhere\n")
    return path


def costs(bench, city, file):
    """Against the same city without it, which is removed again."""
    without = Published(bench, "without", "no", file)
    one = one_row(bench, file)
    bench.note("B2", "to publish it: the load took %.1f s (%.1f s of CPU)"
               " with and %.1f s (%.1f) without it; one changed row"
               " %.2f s and %.2f s" % (
                   city.load.seconds, city.load.cpu, without.load.seconds,
                   without.load.cpu, city.change(one), without.change(one)))
    without.remove()


def run(bench, _):
    rows = bench.sized(bench.rows, bench.rows // 2, 200)
    file = bench.rows_file("published.csv", "registry", rows)
    bench.rows_file("keys", "subjects", min(rows, 100000), rows)
    city = Published(bench, "published", "yes", file)
    try:
        path = city.theme("register", "data.sqlite")
        plain = copied(bench, path)
        bench.same("the bytes of data.sqlite and of its copy", sha256(path),
                   sha256(plain))
        ours, theirs = Ask(bench, path, city.pids), \
            Ask(bench, plain, lambda: [])
        samples = bench.alternate({
            "civicfs": ours, "ext4": theirs,
            "civicfs, immutable": lambda: ours("?immutable=1"),
            "ext4, immutable": lambda: theirs("?immutable=1")})
        bench.same("the answers", *ours.sums, *theirs.sums)
        what = "%d point queries of %d rows" % (ours.count, rows)
        bench.compare("B2", what, "ext4", samples, "civicfs", "ext4",
                      (">=", 0.90))
        bench.compare("B2", "the same, immutable=1", "ext4", samples,
                      "civicfs, immutable", "ext4, immutable", (">=", 0.98))
        bench.note("B2", "all queries: " + bench.said(
            bench.requests(city.mount, ours)))
        bench.note("B2", "the same, immutable=1: " + bench.said(
            bench.requests(city.mount, lambda: ours("?immutable=1"))))
        bench.same("the bytes after all queries", sha256(path), sha256(plain))
        costs(bench, city, file)
    finally:
        city.remove()
        shutil.rmtree(bench.path("plain"))
