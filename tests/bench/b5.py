"""B5: files are copied into an inbox and are durable when the clock stops:
close() does it there, the peers fsync before."""

import os
import subprocess

from benchlib import MIB, Missing, sha256
from cities import City, Other, before, used

NAMES = {"B5": "durable copies into the inbox"}


class Place:
    """A folder that takes files, and how they are made durable in it."""

    def __init__(self, folder, pids, way):
        self.folder, self.pids, self.way = folder, pids, way


class Copy:
    def __init__(self, bench):
        self.bench = bench
        # nothing is judged while it is measured
        self.city = City(bench, "intake", ["registry/entries"], [],
                         settle="1h")
        self.city.start()
        self.source = bench.path("source")
        self.digest = ""
        plain = bench.path("taken")
        os.makedirs(os.path.join(plain, "below"))
        self.places = {
            "civicfs": Place(os.path.dirname(
                self.city.inbox("registry/entries")), self.city.pids, "close"),
            "ext4": Place(plain, lambda: [], "fsync")}
        try:
            other = Other(bench, "passthrough_ll", "-o", "source="
                          + os.path.join(plain, "below"))
            other.start()
            self.places["passthrough_ll"] = Place(other.mount, other.pids,
                                                  "fsync")
        except Missing as reason:
            self.reason = reason

    def make(self, size):
        with open(self.source, "wb") as out:
            block = os.urandom(MIB)
            for left in range(size, 0, -MIB):
                out.write(block[:min(left, MIB)])
        self.digest = sha256(self.source)
        with open(self.source, "rb") as file:
            os.fsync(file.fileno())

    def write(self, name, block, many):
        place = self.places.get(name)
        if not place:
            raise Missing(self.reason)
        target = os.path.join(place.folder, "one.csv")
        names = [target]
        if many:
            names = [os.path.join(place.folder, "%05d.csv" % i)
                     for i in range(many)]
            target = "%d*%s" % (many, place.folder)
        subprocess.run(["sync", "-f", self.bench.folder], check=True)
        start = before(place.pids())
        ended = self.bench.tool("write_files", self.source, block, place.way,
                                target, watch=place.pids()[:1])
        sample = used(start, ended, ended.json["ns"] / 1e9)
        self.bench.same("files written", ended.json["files"], len(names))
        self.bench.same("the bytes of what was copied", self.digest,
                        *(sha256(path) for path in names[:100]))
        for path in names:
            os.unlink(path)
        return sample

    def measure(self, size, block, many=0):
        self.make(size)
        return self.bench.alternate({
            name: lambda name=name: self.write(name, block, many)
            for name in ("civicfs", "ext4", "passthrough_ll")})

    def count(self, what, size, block, many=0):
        self.make(size)
        self.bench.note("B5", "%s: %s" % (what, self.bench.said(
            self.bench.requests(self.city.mount, lambda: self.write(
                "civicfs", block, many)))))


def run(bench, _):
    copy = Copy(bench)
    try:
        size = bench.sized(300, 64, 1) * MIB
        samples = copy.measure(size, 128 << 10)
        what = "%d MiB, 128 KiB writes" % (size >> 20)
        bench.compare("B5", what, "ext4 + fsync", samples, "civicfs", "ext4",
                      (">=", 0.90))
        bench.compare("B5", what, "passthrough_ll + fsync", samples,
                      "civicfs", "passthrough_ll")
        size = bench.sized(64, 16, 1) * MIB
        samples = copy.measure(size, 4096)
        what = "%d MiB, 4 KiB writes" % (size >> 20)
        bench.compare("B5", what, "ext4 + fsync", samples, "civicfs", "ext4",
                      (">=", 0.75))
        bench.compare("B5", what, "passthrough_ll + fsync", samples,
                      "civicfs", "passthrough_ll")
        many = bench.sized(10000, 1000, 5)
        samples = copy.measure(2000, 4096, many)
        what = "%d files of 2 kB" % many
        bench.compare("B5", what, "passthrough_ll + fsync", samples,
                      "civicfs", "passthrough_ll", ("<=", 1.0), "time")
        bench.compare("B5", what, "ext4 + fsync", samples, "civicfs", "ext4",
                      None, "time")
        copy.count("1 MiB, 128 KiB writes", MIB, 128 << 10)
        copy.count("5 files", 2000, 4096, 5)
    finally:
        copy.city.remove()
