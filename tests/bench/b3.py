"""B3: folders of subjects are listed with a stat of every name: for the first
time in a fresh mount, and again."""

import os
import shutil
import subprocess

from benchlib import Missing, Sample
from cities import Other, before, big, used

NAMES = {"B3": "list and stat of many entries"}


class List:
    """Folders of a theme's subjects, and the same names and sizes on ext4 and
    in a squashfs image."""

    def __init__(self, bench):
        self.bench = bench
        self.city = big(bench)
        self.wanted = bench.sized(100000, 20000, 100)
        self.root = os.path.join(self.city.mount, "themes/register/subjects")
        self.plain = bench.path("subjects")
        self.image = bench.path("subjects.squashfs")
        self.folders = bench.path("folders")
        self.again = {}
        self.seen = set()
        self.copy()

    def copy(self):
        entries = 0
        os.mkdir(self.plain)
        with open(self.folders, "w", encoding="ascii") as out:
            for number in range(4096):
                if entries >= self.wanted:
                    break
                name = "%03x" % number
                out.write(name + "\n")
                os.mkdir(os.path.join(self.plain, name))
                with os.scandir(os.path.join(self.root, name)) as found:
                    for entry in found:
                        path = os.path.join(self.plain, name, entry.name)
                        with open(path, "wb") as file:
                            file.truncate(entry.stat().st_size)
                        entries += 1
        self.entries = entries

    def list(self, name, root, pids):
        start = before(pids)
        ended = self.bench.tool("list_tree", root, self.folders, 2,
                                watch=pids[:1])
        answer = ended.json
        self.bench.same("entries", answer["entries"], self.entries)
        self.seen.add((answer["bytes"], answer["names"]))
        first, again = answer["ns"]
        self.again.setdefault(name, []).append(Sample(again / 1e9))
        return used(start, ended, first / 1e9)

    def ours(self):
        self.city.stop()
        self.city.start()
        return self.list("civicfs", self.root, self.city.pids())

    def ext4(self):
        return self.list("ext4", self.plain, [])

    def bare(self):
        """The floor: a daemon that knows every answer beforehand."""
        other = Other(self.bench, "bare_mount", self.plain)
        other.start()
        try:
            return self.list("bare", other.mount, other.pids())
        finally:
            other.stop()

    def squashfuse(self):
        if not os.path.exists(self.image):
            subprocess.run([self.bench.peer("mksquashfs"), self.plain,
                            self.image, "-no-progress", "-quiet"], check=True,
                           stdout=subprocess.DEVNULL)
        other = Other(self.bench, "squashfuse", self.image)
        other.start()
        try:
            return self.list("squashfuse", other.mount, other.pids())
        finally:
            other.stop()


def run(bench, _):
    both = List(bench)
    both.ext4()
    both.again.clear()
    samples = bench.alternate({"civicfs": both.ours, "ext4": both.ext4,
                               "bare": both.bare,
                               "squashfuse": both.squashfuse})
    bench.same("names and sizes", *both.seen)
    what = "%d entries in %d folders" % (
        both.entries, len(os.listdir(both.plain)))
    bench.compare("B3", what + ", first", "ext4 (in memory)", samples,
                  "civicfs", "ext4", ("<=", 2.7), "time")
    bench.compare("B3", "the same again", "ext4 (in memory)", both.again,
                  "civicfs", "ext4", ("<=", 1.0), "time")
    bench.compare("B3", what + ", first", "bare FUSE daemon", samples,
                  "civicfs", "bare", None, "time")
    bench.compare("B3", "the same again", "bare FUSE daemon", both.again,
                  "civicfs", "bare", None, "time")
    bench.compare("B3", what + ", first", "squashfuse", samples, "civicfs",
                  "squashfuse", None, "time")
    if not isinstance(samples["squashfuse"], Missing):
        bench.compare("B3", "the same again", "squashfuse", both.again,
                      "civicfs", "squashfuse", None, "time")
    both.city.stop()
    both.city.start()
    for which in ("first", "again"):
        bench.note("B3", which + ": " + bench.said(bench.requests(
            both.city.mount, lambda: bench.tool("list_tree", both.root,
                                                both.folders))))
    shutil.rmtree(both.plain)
