"""B2: stock SQLite asks a published data.sqlite; where civicfs does not
publish one yet, a database that lies in the archive, read-only too."""

import os
import shutil
import subprocess

from benchlib import Wrong
from cities import PLATFORM, City, before, table, small, used

NAMES = {"B2": "point queries of a published SQLite file"}
QUERY = "SELECT name FROM entries WHERE uscc = ?"


def publishes_sqlite(bench):
    """Whether a theme may say 'sqlite = yes'."""
    folder = bench.path("probe")
    os.mkdir(folder)
    conf = os.path.join(folder, "civicfs.conf")
    with open(conf, "w", encoding="utf-8") as out:
        out.write(PLATFORM % "0ms" + "[department d]\ntitle = D\n"
                  "[theme t]\ntitle = T\nsubject = k\nsqlite = yes\n")
    done = subprocess.run([bench.program("civicfs"), "-c", conf,
                           "check-config"], check=False, capture_output=True,
                          text=True)
    return "sqlite" not in done.stdout + done.stderr


def archived(bench, city, plain):
    """The path of a copy of the database in the archive."""
    target = city.send(plain, "registry/entries", "all.sqlite")
    subprocess.run([bench.program("civicfs"), "-c", city.conf, "wait",
                    target], check=False, stdout=subprocess.DEVNULL,
                   stderr=subprocess.DEVNULL)
    archive = os.path.join(city.mount, "inbox/registry/archive/entries")
    for folder in os.listdir(archive):
        path = os.path.join(archive, folder, "all.sqlite")
        if os.path.exists(path):
            return path
    raise Wrong("no database in '%s'" % archive)


class Ask:
    def __init__(self, bench, path, pids):
        self.bench, self.path, self.pids = bench, path, pids
        self.count = bench.sized(100000, 10000, 50)
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


def run(bench, _):
    plain = bench.path("plain.sqlite")
    register = small(bench)
    shutil.copyfile(table(bench, register), plain)
    bench.rows_file("keys", "subjects", min(register.rows, 100000),
                    register.rows)
    if publishes_sqlite(bench):
        raise Wrong("this benchmark reads the archive, but data.sqlite is"
                    " published now")
    city = City(bench, "archived", ["registry/entries"], [])
    city.start()
    try:
        ours = Ask(bench, archived(bench, city, plain), city.pids)
        theirs = Ask(bench, plain, lambda: [])
        what = "%d point queries" % ours.count
        samples = bench.alternate({
            "civicfs": ours, "ext4": theirs,
            "civicfs, immutable": lambda: ours("?immutable=1"),
            "ext4, immutable": lambda: theirs("?immutable=1")})
        bench.same("the answers", *ours.sums, *theirs.sums)
        bench.compare("B2", what, "ext4", samples, "civicfs", "ext4",
                      (">=", 0.90))
        bench.compare("B2", what + ", immutable=1", "ext4", samples,
                      "civicfs, immutable", "ext4, immutable", (">=", 0.98))
        bench.note("B2", "'sqlite = yes' is not supported yet: asked of a"
                   " database of %d rows in the archive" % register.rows)
        bench.note("B2", "all queries: " + bench.said(
            bench.requests(city.mount, ours)))
    finally:
        city.remove()
        os.unlink(plain)
