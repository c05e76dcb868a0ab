"""B10: the most memory a process took in all that was measured before, and
with files of 20 MiB and of 2 GiB; how long it takes from the start of the
daemon with ten million rows to its first answer."""

import os
import time

from benchlib import MIB, Sample
from cities import City, big, table

NAMES = {"B10": "memory, and start with many rows"}
ROW = 141  # bytes of a row of registry, about
LIMIT = 64  # MiB


class Memory:
    """Loads of two files that differ by a hundred times."""

    def __init__(self, bench):
        self.bench = bench

    def load(self, size):
        rows = size // ROW
        path = self.bench.rows_file("of-%d.csv" % size, "registry", rows)
        city = City(self.bench, "memory", ["registry/entries"], [])
        city.start()
        try:
            target = city.send(path, "registry/entries")
            sample = city.measure(lambda: self.timed(city, target))
        finally:
            city.remove()
            os.unlink(path)
        self.bench.note("B10", "a file of %d MiB: %.1f s, %s" % (
            size >> 20, sample.seconds, said(sample.peaks)))
        return sample.peaks

    @staticmethod
    def timed(city, target):
        began = time.monotonic()
        city.wait(target)
        return time.monotonic() - began


def said(peaks):
    return ", ".join("%s %.1f MiB" % (name, peak)
                     for name, peak in sorted(peaks.items()))


def start(bench):
    city = big(bench)
    database = table(bench, city)

    def ours():
        city.stop()
        return Sample(city.start())

    def sqlite():
        return bench.run("sqlite3", database, "SELECT 1").sample()

    samples = bench.alternate({"civicfs": ours, "sqlite3": sqlite})
    more = [(a.seconds - b.seconds) * 1e3 for a, b
            in zip(samples["civicfs"], samples["sqlite3"])]
    bench.ratio("B10", "start with %d rows: ms to the first answer"
                % city.rows, "minus sqlite3 'SELECT 1'", more, ("<=", 20.0))


def run(bench, _):
    start(bench)
    memory = Memory(bench)
    few, many = bench.sized((20 * MIB, 2048 * MIB), (20 * MIB, 200 * MIB),
                            (MIB // 8, MIB))
    of_few, of_many = memory.load(few), memory.load(many)
    for name in sorted(of_few):
        if name in of_many and of_few[name] >= 2:
            bench.ratio("B10", "%s: memory for a file of %d MiB" % (
                name, many >> 20), "a file of %d MiB" % (few >> 20),
                [of_many[name] / of_few[name]])
    bench.note_peaks(of_few)
    bench.note_peaks(of_many)
    for name, peak in sorted(bench.peaks.items()):
        if name in ("keeper", "worker", "notifier", "decoder", "checker"):
            bench.ratio("B10", "%s: most MiB in this run" % name,
                        "%d MiB" % LIMIT, [peak], ("<=", float(LIMIT)))
    bench.note("B10", "most memory of peers: " + said(bench.peer_peaks))
