"""The cities of the benchmarks: a configuration in a private folder, a daemon
that serves it, files that go in."""

import os
import shutil
import signal
import subprocess
import time

from benchlib import Ended, Sample, Watch, Wrong, cpu_of, family, read_text

PLATFORM = """[platform]
title = Measured
state = state
timezone = Asia/Shanghai
registration = automatic
settle = %s
"""

DEPARTMENT = """[department %s]
title = %s
members = user:root
"""

# id: the lines of [resource] and the fields, 'ID TYPE more'
RESOURCES = {
    "registry/entries": (
        "mode = %(mode)s\nkey = licence_no\nsubject = uscc\n"
        "tolerance = 1%%\n",
        ["licence_no string required = yes, max_length = 20",
         "uscc uscc required = yes",
         "name string required = yes, max_length = 200",
         "status string enum = 存续 吊销 注销 迁出",
         "capital number min = 0",
         "founded_on date required = yes",
         "region region",
         "address string max_length = 300"]),
    "tax/ratings": (
        "mode = snapshot\nkey = uscc year\nsubject = uscc\n"
        "as_of = rated_on\n",
        ["uscc uscc required = yes",
         "year integer",
         "taxpayer string",
         "grade string enum = A B C D",
         "rated_on date"]),
    "env/penalties": (
        "mode = snapshot\nkey = case_no\nsubject = uscc\n",
        ["case_no string required = yes",
         "uscc uscc required = yes",
         "amount number min = 0",
         "decided_on date"]),
    "seven/entries": (
        "mode = snapshot\nkey = number\nsubject = code\n",
        ["number integer", "code string", "name string", "capital number",
         "founded_on date", "town string", "note string"]),
}

# Of one source.
REGISTER = """[theme register]
title = Register
subject = uscc
source.entry = registry/entries
field.name = first entry.name
field.status = first entry.status
field.capital = sum entry.capital
field.founded_on = first entry.founded_on
field.region = first entry.region
field.address = first entry.address
"""

# Of three.
CREDIT = """[theme credit]
title = Credit
subject = uscc
source.entry = registry/entries
source.rating = tax/ratings
source.penalty = env/penalties
field.name = first entry.name rating.taxpayer
field.capital = sum entry.capital
field.grade = latest rating.grade
field.penalties = count penalty
field.fined = sum penalty.amount
base = entry
"""

SEVEN = """[theme enterprises]
title = Enterprises
subject = code
source.entry = seven/entries
field.name = first entry.name
field.entries = count entry
field.capital = sum entry.capital
"""


def descriptor(resource, mode):
    head, fields = RESOURCES[resource]
    text = ["[resource]\ntitle = %s\nsharing = unconditional\n"
            "update_cycle = daily\n" % resource,
            head % {"mode": mode} if "%" in head else head]
    for field in fields:
        ident, kind, *more = field.split(" ", 2)
        text.append("[field %s]\ntitle = %s\ntype = %s\n"
                    % (ident, ident, kind))
        if more:
            text.append("\n".join(more[0].split(", ")) + "\n")
    return "".join(text)


class City:
    """A daemon of its own; the state outlives stop()."""

    def __init__(self, bench, name, resources, themes, mode="snapshot",
                 settle="0ms"):
        self.bench = bench
        self.folder = bench.path(name)
        self.mount = bench.path(name, "mnt")
        self.state = bench.path(name, "state")
        self.conf = bench.path(name, "civicfs.conf")
        self.log = bench.path(name + ".log")
        self.daemon = None
        self.write(resources, themes, mode, settle)
        bench.at_end(self.remove)

    def write(self, resources, themes, mode, settle):
        os.makedirs(self.mount)
        text = PLATFORM % settle
        for department in sorted({r.split("/")[0] for r in resources}):
            text += DEPARTMENT % (department, department)
        for theme in themes:
            text += theme
        text += "[access]\ncatalogue = departments\n"
        for theme in themes:
            text += "theme.%s = everyone\n" % theme.split()[1].rstrip("]")
        with open(self.conf, "w", encoding="utf-8") as out:
            out.write(text)
        for resource in resources:
            path = os.path.join(self.folder, "resources.d", resource + ".ini")
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "w", encoding="utf-8") as out:
                out.write(descriptor(resource, mode))

    def start(self):
        """Seconds until the tree answers."""
        began = time.monotonic()
        with open(self.log, "ab") as log:
            # pylint: disable=consider-using-with
            self.daemon = subprocess.Popen(
                [self.bench.program("civicfsd"), "-c", self.conf, "-f",
                 self.mount], stderr=log, stdout=log)
        while not os.path.exists(os.path.join(self.mount, "README.txt")):
            if self.daemon.poll() is not None:
                raise Wrong("civicfsd ended: " + read_text(self.log)[-2000:])
            time.sleep(0.001)
        return time.monotonic() - began

    def stop(self):
        if self.daemon:
            self.daemon.send_signal(signal.SIGTERM)
            self.daemon.wait()
            self.daemon = None

    def remove(self):
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def pids(self):
        return family(self.daemon.pid)

    def verb(self, *args):
        return Ended([self.bench.program("civicfs"), "-c", self.conf]
                     + list(args))

    def inbox(self, resource, name="all.csv"):
        return os.path.join(self.mount, "inbox", resource, name)

    def theme(self, name, file="data.csv"):
        return os.path.join(self.mount, "themes", name, file)

    def measure(self, function):
        """Runs it; what it, its commands and the daemon used."""
        before = cpu_of(self.pids())
        own = sum(os.times()[:4])
        with Watch(self.daemon.pid) as watch:
            began = time.monotonic()
            seconds = function()
            if seconds is None:
                seconds = time.monotonic() - began
        cpu = cpu_of(self.pids()) - before + sum(os.times()[:4]) - own
        return Sample(seconds, cpu, watch.peaks)

    def send(self, path, resource, name="all.csv"):
        """Copies a file in."""
        target = self.inbox(resource, name)
        subprocess.run(["cp", path, target], check=True)
        return target

    def wait(self, target, partial=False):
        """Until what was sent has its verdict, and the right one."""
        done = subprocess.run([self.bench.program("civicfs"), "-c", self.conf,
                               "wait", target], check=False,
                              stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL)
        if bool(done.returncode) != partial:
            raise Wrong("'%s': %s" % (target, read_text(
                target + ".receipt.txt")[:1000]))


class Register(City):
    """A city with one theme of as many subjects as rows, loaded from one
    file; 'rebuild' is how long that took, from close() to the verdict."""

    def __init__(self, bench, name, rows):
        super().__init__(bench, name, ["registry/entries"], [REGISTER],
                         mode="upsert")
        self.rows = rows
        self.file = bench.rows_file("%s.csv" % name, "registry", rows)
        self.start()
        target = self.send(self.file, "registry/entries", "first.csv")
        self.sample = self.measure(lambda: self.wait(target))
        self.rebuild = self.sample.seconds
        bench.note_peaks(self.sample.peaks)
        bench.note("city", "%d rows loaded and published in %.1f s, %.1f s"
                   " of CPU" % (rows, self.rebuild, self.sample.cpu))


def big(bench):
    return bench.once("big", lambda: Register(
        bench, "big", bench.sized(10 * bench.rows, 5 * bench.rows, 2000)))


def small(bench):
    return bench.once("small", lambda: Register(
        bench, "small", bench.sized(bench.rows, bench.rows // 2, 200)))


def table(bench, city):
    """The rows of a Register city in SQLite, with both keys indexed."""
    def make():
        database = bench.path(os.path.basename(city.folder) + ".db")
        subprocess.run(
            ["sqlite3", database,
             "-cmd", "CREATE TABLE entries(licence_no, uscc, name, status,"
             " capital, founded_on, region, address)",
             "-cmd", ".mode csv",
             ".import --skip 1 %s entries" % city.file,
             "CREATE UNIQUE INDEX l ON entries(licence_no);"
             "CREATE UNIQUE INDEX u ON entries(uscc);"], check=True)
        return database
    return bench.once("table " + city.folder, make)


UPSERT = ("INSERT INTO entries VALUES(?, ?, ?, ?, ?, ?, ?, ?)"
          " ON CONFLICT(licence_no) DO UPDATE SET uscc = excluded.uscc,"
          " name = excluded.name, status = excluded.status,"
          " capital = excluded.capital, founded_on = excluded.founded_on,"
          " region = excluded.region, address = excluded.address")


class Other:
    """A peer's file system on a folder: passthrough_ll or squashfuse; or
    bare_mount, which is built here."""

    def __init__(self, bench, name, *args):
        self.bench, self.args = bench, args
        self.program = (bench.program(name) if name == "bare_mount"
                        else bench.peer(name))
        self.options = [] if name == "bare_mount" else ["-f"]
        self.mount = bench.path("mnt-" + name)
        self.daemon = None
        os.makedirs(self.mount, exist_ok=True)
        bench.at_end(self.stop)

    def start(self):
        device = os.stat(self.mount).st_dev
        # pylint: disable=consider-using-with
        self.daemon = subprocess.Popen(
            [self.program, *self.options, *self.args, self.mount],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        while os.stat(self.mount).st_dev == device:
            if self.daemon.poll() is not None:
                raise Wrong("'%s' ended" % self.program)
            time.sleep(0.001)

    def stop(self):
        if self.daemon:
            subprocess.run(["umount", self.mount], check=False)
            self.daemon.wait()
            self.daemon = None

    def pids(self):
        return [self.daemon.pid]


def used(daemon, ended, seconds):
    """The sample of a command of which some seconds count and which asked a
    daemon: 'daemon' is what cpu_of() said before, with its processes."""
    pids, before = daemon
    return Sample(seconds, ended.cpu + cpu_of(pids) - before, ended.peaks)


def before(pids):
    return pids, cpu_of(pids)
