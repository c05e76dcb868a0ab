"""B8: 1,000 scattered updates in a theme of ten million rows, from close() to
published, against building it from nothing, a theme of a tenth of the rows,
and the same updates in one SQLite transaction."""

import os
import time

from benchlib import Sample
from cities import UPSERT, big, small, table

NAMES = {"B8": "1,000 scattered updates in a large theme"}


def bytes_below(folder):
    return sum(os.path.getsize(os.path.join(top, name))
               for top, _, names in os.walk(folder) for name in names)


def written_by(pids):
    """Bytes that these processes have had written to disk."""
    total = 0
    for pid in pids:
        try:
            with open("/proc/%d/io" % pid, encoding="ascii") as file:
                for line in file:
                    if line.startswith("write_bytes:"):
                        total += int(line.split()[1])
        except OSError:
            pass
    return total


class Update:
    def __init__(self, bench):
        self.bench = bench
        # 1,000 of ten million, the same share of fewer
        self.rows = max(10, big(bench).rows // 10000)
        self.number = {}
        self.shares, self.disk = [], []

    def file(self, name, of):
        # numbers that B7 does not use
        number = self.number[name] = self.number.get(name, 1000) + 1
        return number, self.bench.rows_file(
            "updates-%d-%d.csv" % (of, number), "changes", self.rows, of, 0,
            number)

    def ours(self, city):
        number, path = self.file(city.folder, city.rows)
        packs = os.path.join(city.state, "packs")
        before, disk = bytes_below(packs), written_by(city.pids())
        newest = self.version(city)
        target = city.send(path, "registry/entries", "u%d.csv" % number)

        def timed():
            began = time.monotonic()
            city.wait(target)
            return time.monotonic() - began

        sample = city.measure(timed)
        self.bench.same("the version", self.version(city), newest + 1)
        with open(city.theme("register", "changes/%d.csv" % (newest + 1)),
                  "rb") as file:
            self.bench.same("changes", file.read().count(b"\n") - 1, self.rows)
        folder = os.path.dirname(city.theme("register"))
        whole = sum(os.path.getsize(os.path.join(folder, name)) for name in (
            "data.csv", "data.jsonl", "sources/registry.entries.csv"))
        if city is big(self.bench):
            self.shares.append((bytes_below(packs) - before) / whole)
            self.disk.append((written_by(city.pids()) - disk) / whole)
        return sample

    @staticmethod
    def version(city):
        with open(city.theme("register", "versions/current"),
                  encoding="ascii") as file:
            return int(file.read())

    def sqlite(self):
        city = big(self.bench)
        _, path = self.file("sqlite3", city.rows)
        ended = self.bench.tool("commit_rows", table(self.bench, city),
                                UPSERT, path)
        self.bench.same("rows changed", ended.json["changes"], self.rows)
        return ended.sample(ended.json["ns"][0] / 1e9)


def run(bench, _):
    large, little = big(bench), small(bench)
    update = Update(bench)
    table(bench, large)
    samples = bench.alternate({"large": lambda: update.ours(large),
                               "little": lambda: update.ours(little),
                               "sqlite3": update.sqlite})
    samples["rebuild"] = [Sample(large.rebuild, large.sample.cpu,
                                 large.sample.peaks)] * len(samples["large"])
    what = "%d updates of %d" % (update.rows, large.rows)
    bench.compare("B8", what, "building it from nothing", samples, "large",
                  "rebuild", ("<=", 0.02), "time")
    bench.ratio("B8", what + ": bytes added", "the theme's bytes",
                update.shares, ("<=", 0.02))
    bench.ratio("B8", what + ": written to disk", "the theme's bytes",
                update.disk)
    bench.compare("B8", what, "the same of %d" % little.rows, samples,
                  "large", "little", ("<=", 1.5), "time")
    bench.compare("B8", what, "one sqlite3 transaction", samples, "large",
                  "sqlite3", ("<=", 4.0), "time")
