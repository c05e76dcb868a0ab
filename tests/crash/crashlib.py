"""What the crash tests share: a small city and what must come of it, its
daemon, and the control of kill_at.so."""

import argparse
import contextlib
import ctypes
import json
import mmap
import os
import shutil
import signal
import sqlite3
import subprocess
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
BUILD = os.environ.get("top_builddir", os.getcwd())
PATIENCE = 60  # seconds that anything may take on a busy machine


class Failure(Exception):
    pass


def until(what, test, seconds=PATIENCE, pause=0.01):
    """Waits for test() to say something that is not false, and returns it."""
    end = time.monotonic() + seconds
    while True:
        value = test()
        if value:
            return value
        if time.monotonic() > end:
            raise Failure("waited %d s in vain: %s" % (seconds, what))
        time.sleep(pause)


# --- the library that kills --------------------------------------------------

# what a thread does instead of dying
LOOP = -1
HANG = -2


class Layout(ctypes.Structure):
    _fields_ = [("left", ctypes.c_int64), ("again", ctypes.c_int64),
                ("kills", ctypes.c_int64), ("calls", ctypes.c_int64),
                ("torn", ctypes.c_int64), ("number", ctypes.c_int64),
                ("where", ctypes.c_char * 32)]


class Control:
    """The memory that the workers share with the test (kill_at.c)."""

    def __init__(self, path):
        self.path = path
        with open(path, "w+b") as file:
            file.truncate(mmap.PAGESIZE)
            self.memory = mmap.mmap(file.fileno(), mmap.PAGESIZE)
        os.chmod(path, 0o666)
        self.now = Layout.from_buffer(self.memory)

    def arm(self, left, again=0, torn=False):
        self.now.left = 0
        self.now.torn = int(torn)
        self.now.again = again
        self.now.left = left

    def disarm(self):
        self.now.left = 0
        self.now.again = 0

    def environment(self):
        return {"CIVICFS_KILL_AT": self.path,
                "LD_PRELOAD": os.path.join(BUILD, "tests/crash/kill_at.so")}


# --- processes ---------------------------------------------------------------

def stat_of(pid):
    """(name, state, parent) of a process; None when there is none."""
    try:
        with open("/proc/%d/stat" % pid, encoding="utf-8") as file:
            text = file.read()
    except (FileNotFoundError, ProcessLookupError):
        return None
    name = text[text.index("(") + 1:text.rindex(")")]
    rest = text[text.rindex(")") + 2:].split()
    return name, rest[0], int(rest[1])


def children(parent, name):
    try:
        with open("/proc/%d/task/%d/children" % (parent, parent),
                  encoding="utf-8") as file:
            pids = [int(pid) for pid in file.read().split()]
    except (FileNotFoundError, ProcessLookupError):
        return []
    found = []
    for pid in pids:
        got = stat_of(pid)
        if got and got[0] == name and got[1] != "Z":
            found.append(pid)
    return found


def kill(pid, number=signal.SIGKILL):
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)


class Daemon:
    """civicfsd in the foreground, on the city in 'folder'."""

    def __init__(self, folder, control=None, options=()):
        self.folder = folder
        self.conf = os.path.join(folder, "civicfs.conf")
        self.state = os.path.join(folder, "state")
        self.mount = os.path.join(folder, "mnt")
        self.log = os.path.join(folder, "daemon.log")
        self.control = control
        self.options = list(options)
        self.process = None
        os.makedirs(self.mount, exist_ok=True)

    def environment(self):
        env = dict(os.environ)
        env["CIVICFS_LAYOUT_DIR"] = os.path.join(TOP, "fs-layout")
        env["ASAN_OPTIONS"] = env.get("ASAN_OPTIONS", "") + \
            ":verify_asan_link_order=0"
        if self.control:
            env.update(self.control.environment())
        return env

    def spawn(self, gate=()):
        with open(self.log, "ab") as log:
            return subprocess.Popen(
                [*gate, os.path.join(BUILD, "civicfsd"), "-c", self.conf,
                 "-f", *self.options, self.mount], stdout=log, stderr=log,
                stdin=subprocess.PIPE if gate else None,
                env=self.environment())

    def spawn_later(self):
        """One that begins when its standard input is closed: a process that
        is started while files are open closes them, and waits for that."""
        return self.spawn(("sh", "-c", "read _; exec \"$@\"", "sh"))

    def is_mounted(self):
        with open("/proc/self/mountinfo", encoding="utf-8") as file:
            return any(line.split()[4] == self.mount for line in file)

    def mount_ids(self):
        with open("/proc/self/mountinfo", encoding="utf-8") as file:
            return [line.split()[0] for line in file
                    if line.split()[4] == self.mount]

    def start(self):
        self.process = self.spawn()
        until("the tree", self.is_up)

    def is_up(self):
        if self.process.poll() is not None:
            raise Failure("civicfsd has ended with %d" %
                          self.process.returncode)
        # the tree of a worker that was left behind is not meant
        return self.role("worker") and self.is_mounted() and \
            os.path.exists(os.path.join(self.mount, "README.txt"))

    def role(self, name):
        """Its process; 0 while there is none."""
        found = children(self.process.pid, name)
        return found[0] if found else 0

    def stop(self, seconds=PATIENCE):
        """SIGTERM; everything must be gone after it."""
        self.process.send_signal(signal.SIGTERM)
        status = self.process.wait(seconds)
        if status != 0:
            raise Failure("civicfsd ended with %d" % status)
        if self.is_mounted():
            raise Failure("the mount is left")
        if os.path.exists(os.path.join(self.state, "control.sock")):
            raise Failure("the socket is left")
        self.process = None

    def end(self):
        """For whatever way a test ends."""
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
        if self.is_mounted():
            subprocess.run(["umount", "-l", self.mount], check=False)

    def settle(self):
        """Until everything has its verdict; also what 'wait' does not wait
        for, the files of writers that were killed."""
        self.civicfs("wait", "--timeout", "120")
        uri = "file:%s?mode=ro" % os.path.join(self.state, "civicfs.db")

        def none_is_judged():
            with contextlib.closing(sqlite3.connect(uri, uri=True)) as db:
                return db.execute("SELECT count(*) = 0 FROM submission"
                                  " WHERE state = 'judging'").fetchone()[0]
        until("the last verdict", none_is_judged)

    def civicfs(self, *args):
        """Runs the command line; a worker that has just been killed has
        nobody to answer (exit status 3): asked again."""
        for _ in range(200):
            done = subprocess.run(
                [os.path.join(BUILD, "civicfs"), "-c", self.conf, *args],
                capture_output=True, text=True, check=False,
                env={**os.environ, "CIVICFS_LAYOUT_DIR":
                     os.path.join(TOP, "fs-layout")})
            if done.returncode != 3:
                break
            time.sleep(0.05)
        if done.returncode != 0:
            raise Failure("civicfs %s ended with %d: %s%s" %
                          (" ".join(args), done.returncode, done.stdout,
                           done.stderr))
        return done.stdout


# --- a city, and what must come of it ----------------------------------------

CONF = """\
[platform]
title = Small city
state = state
language = en
timezone = UTC
registration = automatic
settle = %(settle)s

[department aic]
title = Industry and commerce
members = user:root

[department tax]
title = Tax
members = user:root

[theme credit]
title = Credit
subject = code
source.registration = aic/registrations
source.rating = tax/ratings
field.name = first registration.name rating.payer
field.grade = latest rating.grade
field.ratings = count rating
sqlite = yes
base = registration

[access]
catalogue = departments
theme.credit = everyone
"""

REGISTRATIONS = """\
[resource]
title = Registrations
abstract = Enterprises
format = csv
sharing = unconditional
open = no
update_cycle = daily
mode = snapshot
key = code
subject = code
max_shrink = 100%

[field code]
title = code
type = string
required = yes
[field name]
title = name
type = string
required = yes
"""

RATINGS = """\
[resource]
title = Ratings
abstract = Tax ratings of enterprises
format = csv
sharing = unconditional
open = no
update_cycle = daily
mode = upsert
key = code year
subject = code
as_of = rated_on
tolerance = 60%

[field code]
title = code
type = string
required = yes
[field year]
title = year
type = integer
[field payer]
title = payer
type = string
[field grade]
title = grade
type = string
[field rated_on]
title = rated_on
type = date
"""


def begin_rounds():
    """For a program that dies at a later call in each round: its arguments, the
    control, and the folder of a new city."""
    parser = argparse.ArgumentParser()
    parser.add_argument("folder")
    parser.add_argument("--first", type=int, default=1)
    parser.add_argument("--step", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=1000000)
    args = parser.parse_args()
    os.makedirs(args.folder, exist_ok=True)
    folder = os.path.join(args.folder, "city")
    os.makedirs(folder)
    make_city(folder)
    return args, Control(os.path.join(args.folder, "control")), folder


def new_city(folder):
    """The folder of a city that takes the place of an earlier one."""
    city = os.path.join(folder, "city")
    shutil.rmtree(city, ignore_errors=True)
    os.makedirs(city)
    make_city(city)
    return city


def change_conf(city, what, by):
    """Replaces the first of 'what' in its civicfs.conf."""
    path = os.path.join(city, "civicfs.conf")
    text = read(path).decode().replace(what, by, 1)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


def run_all(targets, errors):
    """Until all of them have ended; raises the first of their errors."""
    threads = [threading.Thread(target=target, args=args)
               for target, *args in targets]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]


def make_city(folder, settle="50ms"):
    for name, text in (("civicfs.conf", CONF % {"settle": settle}),
                       ("resources.d/aic/registrations.ini", REGISTRATIONS),
                       ("resources.d/tax/ratings.ini", RATINGS)):
        path = os.path.join(folder, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)


class Model:
    """What the published files must be, by what was delivered."""

    def __init__(self):
        self.registered = {}
        self.ratings = {}

    def register(self, names):
        """The bytes of a snapshot."""
        self.registered = dict(names)
        return ("code,name\n" + "".join(
            "%s,%s\n" % row for row in sorted(names.items()))).encode()

    def rate(self, rows):
        """The bytes of an upsert of {(code, year): grade}."""
        self.ratings.update(rows)
        return ("code,year,payer,grade,rated_on\n" + "".join(
            "%s,%d,payer of %s,%s,%d-05-01\n" % (code, year, code, grade,
                                                 year)
            for (code, year), grade in rows.items())).encode()

    def data(self):
        lines = ["code,name,grade,ratings"]
        for code, name in sorted(self.registered.items()):
            years = sorted(y for c, y in self.ratings if c == code)
            grade = self.ratings[code, years[-1]] if years else ""
            lines.append("%s,%s,%s,%d" % (code, name, grade, len(years)))
        return ("\n".join(lines) + "\n").encode()

    def orphans(self):
        keys = sorted((c, str(y)) for c, y in self.ratings
                      if c not in self.registered)
        return "".join(["source,subject,key\n"] + [
            "rating,%s,%s|%s\n" % (c, c, y) for c, y in keys]).encode()


def read(path):
    with open(path, "rb") as file:
        return file.read()


def read_receipt(path):
    """The receipt beside a file, or None."""
    try:
        return json.loads(read(path + ".receipt.json"))
    except FileNotFoundError:
        return None


def rows_of(folder):
    """The rows of data.sqlite as data.csv has them."""
    db = sqlite3.connect("file:%s/data.sqlite?mode=ro" % folder, uri=True)
    with contextlib.closing(db):
        return [",".join("" if cell is None else str(cell) for cell in row)
                for row in db.execute("SELECT * FROM credit")]


def compare(mount, model):
    """Raises when what is published is not what the model says."""
    credit = os.path.join(mount, "themes", "credit")
    for name, expected in (("data.csv", model.data()),
                           ("orphans.csv", model.orphans())):
        got = read(os.path.join(credit, name))
        if got != expected:
            raise Failure("%s is\n%s\nnot\n%s" % (name, got.decode(),
                                                  expected.decode()))
    lines = ["code,name,grade,ratings"] + rows_of(credit)
    if "\n".join(lines + [""]).encode() != model.data():
        raise Failure("data.sqlite has the rows\n%s\nnot\n%s" % (
            "\n".join(lines), model.data().decode()))
    done = subprocess.run(["sha256sum", "--quiet", "-c", "SHA256SUMS"],
                          cwd=credit, capture_output=True, text=True,
                          check=False)
    if done.returncode:
        raise Failure("SHA256SUMS: %s%s" % (done.stdout, done.stderr))
