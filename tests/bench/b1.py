"""B1: a published data.csv is read from its beginning to its end in reads of
128 KiB: for the first time, when nothing of the file is in the cache of the
mount but the file below it is in memory, and again."""

import os
import shutil

from benchlib import Missing, Sample, sha256
from cities import Other, before, big, used

NAMES = {"B1": "sequential read of a published data.csv"}
BLOCK = 128 << 10


class Read:
    """The same bytes on civicfs, on the file system below, and there again
    through passthrough_ll."""

    def __init__(self, bench):
        self.bench = bench
        self.city = big(bench)
        self.data = self.city.theme("register")
        self.plain = bench.path("plain", "data.csv")
        os.mkdir(bench.path("plain"))
        shutil.copyfile(self.data, self.plain)
        self.bytes = os.path.getsize(self.plain)
        self.again = {}
        self.other = None
        try:
            self.other = Other(bench, "passthrough_ll", "-o", "source="
                               + bench.path("plain"))
            self.other.start()
        except Missing as reason:
            self.reason = reason
        bench.same("the bytes of data.csv and of its copy",
                   sha256(self.data), sha256(self.plain))

    def read(self, name, path, pids, drop):
        start = before(pids)
        ended = self.bench.tool("read_file", *(["--drop"] if drop else []),
                                path, BLOCK, 2, watch=pids[:1])
        self.bench.same("bytes read", ended.json["bytes"], self.bytes)
        first, again = ended.json["ns"]
        self.again.setdefault(name, []).append(Sample(again / 1e9))
        return used(start, ended, first / 1e9)

    def ours(self):
        return self.read("civicfs", self.data, self.city.pids(), True)

    def ext4(self):
        return self.read("ext4", self.plain, [], False)

    def passthrough(self):
        if not self.other:
            raise Missing(self.reason)
        return self.read("passthrough_ll",
                         os.path.join(self.other.mount, "data.csv"),
                         self.other.pids(), True)


def run(bench, _):
    read = Read(bench)
    samples = bench.alternate({"civicfs": read.ours, "ext4": read.ext4,
                               "passthrough_ll": read.passthrough})
    what = "first read of %d MiB" % (read.bytes >> 20)
    bench.compare("B1", what, "ext4 (in memory)", samples, "civicfs", "ext4",
                  (">=", 0.97))
    bench.compare("B1", what, "passthrough_ll", samples, "civicfs",
                  "passthrough_ll", (">=", 5.0))
    bench.compare("B1", "the same again", "ext4 (in memory)", read.again,
                  "civicfs", "ext4")
    bench.same("the bytes after all reads", sha256(read.data),
               sha256(read.plain))
    bench.note("B1", "one first read: " + bench.said(bench.requests(
        read.city.mount, lambda: bench.tool("read_file", "--drop", read.data,
                                            BLOCK))))
    if read.other:
        read.other.stop()
    shutil.rmtree(bench.path("plain"))
