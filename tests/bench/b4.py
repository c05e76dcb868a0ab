"""B4: one subject of ten million by its key, each for the first time: the
file is opened, read and closed; SQLite opens the database, prepares, steps and
closes; ext4 has the same files."""

import os
import shutil

from cities import Other, before, big, table, used

NAMES = {"B4": "one subject by key"}


class One:
    def __init__(self, bench):
        self.bench = bench
        self.city = big(bench)
        self.database = table(bench, self.city)
        self.count = bench.sized(10000, 2000, 20)
        self.root = os.path.join(self.city.mount, "themes/register/subjects")
        self.plain = bench.path("files")
        self.round = {}
        path = bench.rows_file("all-keys", "subjects",
                               self.count * (bench.rounds + 1),
                               self.city.rows)
        with open(path, encoding="ascii") as file:
            self.keys = file.read().splitlines(True)
        self.copied = {}

    def some(self, name):
        """The next keys of a party."""
        number = self.round.setdefault(name, 0)
        self.round[name] += 1
        path = self.bench.path("keys-%d" % number)
        with open(path, "w", encoding="ascii") as out:
            out.writelines(self.keys[number * self.count:][:self.count])
        return number, path

    def check(self, ended):
        self.bench.same("keys found", ended.json["found"], self.count)
        return ended

    def ours(self):
        number, keys = self.some("civicfs")
        start = before(self.city.pids())
        ended = self.check(self.bench.tool("open_keys", "files", self.root,
                                           ".json", keys,
                                           watch=self.city.pids()[:1]))
        self.copied.setdefault(number, set()).add(ended.json["sum"])
        return used(start, ended, ended.json["ns"] / 1e9)

    def sqlite(self):
        _, keys = self.some("sqlite3")
        ended = self.check(self.bench.tool(
            "open_keys", "sqlite", self.database,
            "SELECT * FROM entries WHERE uscc = ?", keys))
        return ended.sample(ended.json["ns"] / 1e9)

    def both(self):
        """On ext4, and behind a daemon that knows every answer beforehand, the
        floor; the same keys as ours, which must be the first to see them."""
        number, keys = self.some("files")
        os.mkdir(self.plain)
        for key in self.keys[number * self.count:][:self.count]:
            name = key.strip() + ".json"
            shutil.copyfile(os.path.join(self.root, name),
                            os.path.join(self.plain, name))
        ended = self.check(self.bench.tool("open_keys", "files", self.plain,
                                           ".json", keys))
        self.copied.setdefault(number, set()).add(ended.json["sum"])
        other = Other(self.bench, "bare_mount", self.plain)
        other.start()
        try:
            start = before(other.pids())
            bare = self.check(self.bench.tool("open_keys", "files",
                                              other.mount, ".json", keys))
            self.copied.setdefault(number, set()).add(bare.json["sum"])
            bare = used(start, bare, bare.json["ns"] / 1e9)
        finally:
            other.stop()
        shutil.rmtree(self.plain)
        return ended.sample(ended.json["ns"] / 1e9), bare


def run(bench, _):
    one = One(bench)
    # the round's first party must be ours, so it does not turn
    samples = {"civicfs": [], "sqlite3": [], "ext4": [], "bare": []}
    for number in range(bench.rounds):
        samples["civicfs"].append(one.ours())
        samples["sqlite3"].append(one.sqlite())
        for name, sample in zip(("ext4", "bare"), one.both()):
            samples[name].append(sample)
        bench.progress(number, samples)
    for sums in one.copied.values():
        bench.same("the bytes of the subjects", *sums)
    what = "%d subjects of %d, first" % (one.count, one.city.rows)
    bench.compare("B4", what, "sqlite3 open, prepare, step, close", samples,
                  "civicfs", "sqlite3", ("<=", 1.0), "time")
    bench.compare("B4", what, "ext4 files (in memory)", samples, "civicfs",
                  "ext4", None, "time")
    bench.compare("B4", what, "bare FUSE daemon", samples, "civicfs", "bare",
                  None, "time")
    number, keys = one.some("civicfs")
    counts = bench.requests(one.city.mount, lambda: bench.tool(
        "open_keys", "files", one.root, ".json", keys))
    if counts:
        bench.ratio("B4", "requests for one subject, first", "-",
                    [(counts["all"] - counts["release"] - counts["forget"])
                     / one.count], ("<=", 2.05))
    bench.note("B4", "%d subjects, first: %s" % (one.count,
                                                 bench.said(counts)))
    bench.note("B4", "a subject took %s us (median of rounds)" % ", ".join(
        "%s %.1f" % (name, sorted(s.seconds for s in some)[len(some) // 2]
                     / one.count * 1e6) for name, some in samples.items()))
