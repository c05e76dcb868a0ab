"""B9: 16 readers (subjects, ranges, stat) while files of a million rows are
loaded and a version of the theme that they read is published each second; the
same readers on ext4 beside the same work, and on civicfs with nothing else
going on."""

import os
import shutil
import threading

from benchlib import Missing, Sample, Wrong
from cities import REGISTER, City, before, used

NAMES = {"B9": "readers while files are loaded and versions published"}
READERS = 16


class Busy:
    """What goes on beside the readers: loads one after the other, and a
    small change each second."""

    def __init__(self, bench, city):
        self.bench, self.city = bench, city
        self.loads = [bench.rows_file("seven-%d.csv" % i, "seven",
                                      bench.rows + i) for i in (0, 1)]
        self.number = 0
        self.done = 0

    def load(self):
        turn = 0
        while not self.ended.is_set():
            self.city.wait(self.city.send(self.loads[turn % 2],
                                          "seven/entries", "load.csv"))
            self.done += 1
            turn += 1

    def publish(self):
        while not self.ended.wait(1.0):
            self.number += 1
            self.city.send(self.bench.rows_file(
                "second-%d.csv" % self.number, "changes", 10,
                self.city.bench.rows, 0, self.number),
                "registry/entries", "s%d.csv" % self.number)

    def guarded(self, function):
        try:
            function()
        except Exception as error:  # pylint: disable=broad-except
            self.failed = error

    def __enter__(self):
        self.failed = None
        self.ended = threading.Event()
        self.threads = [threading.Thread(target=self.guarded, args=(of,))
                        for of in (self.load, self.publish)]
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.ended.set()
        for thread in self.threads:
            thread.join()
        if self.failed:
            raise Wrong("what went on beside the readers: %s" % self.failed)


class Mix:
    def __init__(self, bench):
        self.bench = bench
        self.city = City(bench, "mixed", ["registry/entries",
                                          "seven/entries"], [REGISTER],
                         mode="upsert")
        self.city.start()
        self.city.wait(self.city.send(bench.rows_file(
            "registry.csv", "registry", bench.rows), "registry/entries"))
        self.busy = Busy(bench, self.city)
        self.seconds = bench.sized(10, 3, 1)
        self.keys = bench.rows_file("mixed-keys", "subjects",
                                    min(2000, bench.rows // 2), bench.rows)
        self.root = os.path.join(self.city.mount, "themes/register/subjects")
        self.data = self.city.theme("register")
        self.plain = bench.path("mixed-plain")
        self.copy()
        self.p99 = {}

    def copy(self):
        os.mkdir(self.plain)
        with open(self.keys, encoding="ascii") as file:
            for line in file:
                name = line.strip() + ".json"
                shutil.copyfile(os.path.join(self.root, name),
                                os.path.join(self.plain, name))
        self.copied = self.bench.path("mixed.csv")
        shutil.copyfile(self.data, self.copied)

    def read(self, name, subjects, data):
        """The sample of one operation: its time is the round's by count."""
        start = before(self.city.pids())
        ended = self.bench.tool("mixed_readers", subjects, data, self.keys,
                                READERS, self.seconds,
                                watch=self.city.pids()[:1])
        if ended.json["wrong"]:
            raise Wrong("%d of %d answers of %s" % (
                ended.json["wrong"], ended.json["operations"], name))
        self.p99.setdefault(name, []).append(
            Sample(ended.json["one_p99"] / 1e9))
        return used(start, ended, self.seconds / ended.json["operations"])

    def quiet(self):
        return self.read("quiet", self.root, self.data)

    def ours(self):
        with self.busy:
            return self.read("civicfs", self.root, self.data)

    def ext4(self):
        with self.busy:
            return self.read("ext4", self.plain, self.copied)


def run(bench, _):
    mix = Mix(bench)
    try:
        samples = bench.alternate({"quiet": mix.quiet, "civicfs": mix.ours,
                                   "ext4": mix.ext4},
                                  bench.sized(bench.rounds, 2, 1))
        what = "%d readers, %d s: " % (READERS, mix.seconds)
        bench.compare("B9", what + "operations", "ext4, the same work beside",
                      samples, "civicfs", "ext4", (">=", 0.8))
        bench.compare("B9", what + "p99", "ext4, the same work beside",
                      mix.p99, "civicfs", "ext4", ("<=", 2.0), "time")
        bench.compare("B9", what + "p99", "itself with no work beside",
                      mix.p99, "civicfs", "quiet", ("<=", 1.5), "time")
        bench.note("B9", "operations a second: " + ", ".join(
            "%s %.0f" % (name, 1 / sorted(s.seconds for s in some)[
                len(some) // 2]) for name, some in samples.items()
            if not isinstance(some, Missing)))
        bench.note("B9", "%d loads of %d rows and %d versions beside" % (
            mix.busy.done, bench.rows, mix.busy.number))
    finally:
        mix.city.remove()
        shutil.rmtree(mix.plain)
