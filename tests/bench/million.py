#!/usr/bin/python3
"""A first load of a file of seven columns, from cp to a readable theme, and
'sqlite3 .import' of the same file into a table with a unique index, one after
the other, round by round.

    million.py [--rows N] [--rounds N] BUILD

BUILD is a folder where civicfs was built without sanitizers. Needs root and
sqlite3. Prints a line for each round, then the ratio of the times (median,
least, most), and the peak of the anonymous memory of each process."""

import argparse
import hashlib
import os
import random
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time

CONFIG = """[platform]
title = A million rows
state = state
timezone = Asia/Shanghai
[department registry]
title = Registry
[theme enterprises]
title = Enterprises
subject = code
source.entry = registry/entries
field.name = first entry.name
field.entries = count entry
field.capital = sum entry.capital
[access]
theme.enterprises = everyone
"""

DESCRIPTOR = """[resource]
title = Entries
sharing = unconditional
update_cycle = daily
mode = snapshot
key = number
subject = code
[field number]
title = Number
type = integer
[field code]
title = Code
type = string
[field name]
title = Name
type = string
[field capital]
title = Capital
type = number
[field founded_on]
title = Founded on
type = date
[field town]
title = Town
type = string
[field note]
title = Note
type = string
"""


def write_file(path, rows):
    """About half as many subjects as rows, in no order."""
    rng = random.Random(1)
    with open(path, "w", encoding="utf-8") as out:
        out.write("number,code,name,capital,founded_on,town,note\n")
        for i in range(rows):
            out.write("%d,S%08d,企业名称%d,%d.%02d,20%02d-%02d-%02d,t%d,n%d\n"
                      % (i, rng.randrange(rows * 7 // 10), i % 5000,
                         rng.randrange(10000), rng.randrange(100), i % 25,
                         1 + i % 12, 1 + i % 28, i % 33, i))


def make_city(folder):
    os.makedirs(os.path.join(folder, "resources.d/registry"))
    os.mkdir(os.path.join(folder, "mnt"))
    for name, text in (("civicfs.conf", CONFIG),
                       ("resources.d/registry/entries.ini", DESCRIPTOR)):
        with open(os.path.join(folder, name), "w", encoding="utf-8") as out:
            out.write(text)


def anonymous(pid):
    """KiB of anonymous memory now."""
    try:
        with open("/proc/%d/status" % pid, encoding="ascii") as status:
            for line in status:
                if line.startswith("RssAnon:"):
                    return int(line.split()[1])
    except (FileNotFoundError, ProcessLookupError):
        pass
    return 0


def descendants(pid):
    try:
        with open("/proc/%d/task/%d/children" % (pid, pid),
                  encoding="ascii") as file:
            found = [int(child) for child in file.read().split()]
    except (FileNotFoundError, ProcessLookupError):
        return []
    return found + [grand for child in found for grand in descendants(child)]


def name_of(pid):
    try:
        with open("/proc/%d/comm" % pid, encoding="utf-8") as file:
            return file.read().strip()
    except (FileNotFoundError, ProcessLookupError):
        return "?"


class City:
    def __init__(self, build, folder):
        self.folder = folder
        self.build = build
        self.mount = os.path.join(folder, "mnt")
        self.conf = os.path.join(folder, "civicfs.conf")
        make_city(folder)
        self.daemon = subprocess.Popen(
            [os.path.join(build, "civicfsd"), "-c", self.conf, "-f",
             self.mount], stderr=subprocess.DEVNULL)
        while not os.path.exists(os.path.join(self.mount, "README.txt")):
            time.sleep(0.05)

    def load(self, path, peaks):
        """Seconds from cp to the end of wait; watches the memory."""
        began = time.monotonic()
        inbox = os.path.join(self.mount, "inbox/registry/entries/all.csv")
        subprocess.run(["cp", path, inbox], check=True)
        waiting = subprocess.Popen(
            [os.path.join(self.build, "civicfs"), "-c", self.conf, "wait",
             inbox], stdout=subprocess.DEVNULL)
        while waiting.poll() is None:
            for pid in [self.daemon.pid] + descendants(self.daemon.pid):
                name = name_of(pid)
                peaks[name] = max(peaks.get(name, 0), anonymous(pid))
            time.sleep(0.01)
        took = time.monotonic() - began
        if waiting.returncode:
            sys.exit("the file was not accepted")
        return took

    def subjects(self):
        with open(os.path.join(self.mount, "themes/enterprises/data.csv"),
                  "rb") as file:
            content = file.read()
        return content.count(b"\n") - 1, hashlib.sha256(content).hexdigest()

    def end(self):
        self.daemon.send_signal(signal.SIGTERM)
        self.daemon.wait()


def run_civicfs(args, folder, path, peaks):
    city = City(args.build, os.path.join(folder, "city"))
    try:
        return city.load(path, peaks), city.subjects()
    finally:
        city.end()
        shutil.rmtree(city.folder)


def run_sqlite(folder, path):
    database = os.path.join(folder, "peer.db")
    began = time.monotonic()
    subprocess.run(
        ["sqlite3", database, "-cmd",
         "CREATE TABLE t(number, code, name, capital, founded_on, town, note)",
         "-cmd", "CREATE UNIQUE INDEX i ON t(number)", "-cmd", ".mode csv",
         ".import --skip 1 %s t" % path], check=True)
    took = time.monotonic() - began
    count = subprocess.run(["sqlite3", database, "SELECT count(*),"
                            " count(DISTINCT code) FROM t"], check=True,
                           capture_output=True, text=True).stdout
    os.unlink(database)
    return took, [int(part) for part in count.strip().split("|")]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=1000000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("build")
    args = parser.parse_args()
    args.build = os.path.abspath(args.build)
    ratios, peaks, bytes_seen = [], {}, set()
    with tempfile.TemporaryDirectory(prefix="civicfs-bench-") as folder:
        os.chmod(folder, 0o755)
        path = os.path.join(folder, "all.csv")
        write_file(path, args.rows)
        for i in range(args.rounds):
            ours, (subjects, digest) = run_civicfs(args, folder, path, peaks)
            theirs, (rows, codes) = run_sqlite(folder, path)
            if rows != args.rows or codes != subjects:
                sys.exit("%d rows and %d subjects in the table, %d subjects"
                         " in the theme" % (rows, codes, subjects))
            bytes_seen.add(digest)
            ratios.append(ours / theirs)
            print("round %d: civicfs %.2f s, sqlite3 %.2f s, ratio %.2f"
                  % (i + 1, ours, theirs, ours / theirs), flush=True)
    if len(bytes_seen) != 1:
        sys.exit("the rounds gave different bytes")
    print("%d rows, %d rounds, %d cores: ratio %.2f (%.2f to %.2f)"
          % (args.rows, args.rounds, os.cpu_count(),
             statistics.median(ratios), min(ratios), max(ratios)))
    for name, peak in sorted(peaks.items()):
        print("anonymous memory of %s: %.1f MiB at most"
              % (name, peak / 1024))


if __name__ == "__main__":
    main()
