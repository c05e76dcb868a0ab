#!/usr/bin/env python3
"""Deaths while the kernel reads published files by itself.

    passing.py FOLDER [--seconds S] [--seed N] [--off]

FOLDER is a private folder. A publisher makes one version after the other, in
which every row says which it is. Readers open, read, map and hold files of the
newest and of older versions; workers, notifiers and keepers are killed, copies
are removed. No reader may have an error, a byte of another version in one file,
or other bytes later than at first. --off: the same with passthrough = no."""

import argparse
import json
import mmap
import os
import random
import sys
import threading
import time

import crashlib
import state_check
from crashlib import Failure, kill, until

ROWS = 300
OPTIONS = "flatten_from = 1K\nflatten_rate = 1G\n"


class City:
    def __init__(self, args):
        self.folder = os.path.join(args.folder, "city")
        os.makedirs(self.folder)
        crashlib.make_city(self.folder)
        conf = os.path.join(self.folder, "civicfs.conf")
        text = crashlib.read(conf).decode()
        with open(conf, "w", encoding="utf-8") as file:
            file.write(text.replace("[platform]\n", "[platform]\n" + OPTIONS + (
                "passthrough = no\n" if args.off else ""), 1))
        self.model = crashlib.Model()
        self.daemon = crashlib.Daemon(self.folder)
        self.credit = os.path.join(self.daemon.mount, "themes/credit")
        self.published = 0
        self.ended = threading.Event()
        self.errors = []

    def publish(self):
        number = self.published + 1
        path = os.path.join(self.daemon.mount, "inbox/aic/registrations",
                            "%d.csv" % number)
        content = self.model.register(
            {"E%d" % i: "name of %d" % number for i in range(ROWS)})
        with open(path, "wb") as file:
            file.write(content)
        receipt = until("the receipt of %s" % path,
                        lambda: crashlib.read_receipt(path))
        if receipt["state"] != "accepted":
            raise Failure("%s is %s" % (path, receipt["state"]))
        self.published = number

    def passed(self):
        return json.loads(self.daemon.civicfs("status", "--json"))[
            "passthrough"]


class Reader(threading.Thread):
    def __init__(self, city, seed):
        super().__init__()
        self.city = city
        self.rng = random.Random(seed)
        self.held = []
        self.files = 0

    def check(self, path, content, number):
        lines = content.split(b"\n")
        if len(lines) != ROWS + (2 if path.endswith(".csv") else 1):
            raise Failure("%s has %d lines" % (path, len(lines)))
        tags = {line.split(b"name of ")[1].split(b"," if path.endswith(".csv")
                                                 else b'"')[0]
                for line in lines if b"name of " in line}
        if len(tags) != 1 or (number and tags != {b"%d" % number}):
            raise Failure("%s of version %s has rows of %s" %
                          (path, number, sorted(tags)))

    def slurp(self, fd):
        size = os.fstat(fd).st_size
        if self.rng.random() < 0.3:
            with mmap.mmap(fd, size, prot=mmap.PROT_READ) as mapped:
                return bytes(mapped)
        parts, at, step = [], 0, self.rng.choice((4096, 10007, 1 << 20))
        while True:
            part = os.pread(fd, step, at)
            if not part:
                return b"".join(parts)
            parts.append(part)
            at += len(part)

    def once(self):
        name = self.rng.choice(("data.csv", "data.jsonl"))
        number = self.rng.choice((0, 0, self.rng.randint(
            1, self.city.published)))
        path = os.path.join(self.city.credit, "versions/%d" % number
                            if number else "", name)
        fd = os.open(path, os.O_RDONLY)
        content = self.slurp(fd)
        self.check(path, content, number)
        self.files += 1
        self.held.append((path, fd, content))
        self.rng.shuffle(self.held)
        while len(self.held) > 6:
            self.let_go()

    def let_go(self):
        path, fd, before = self.held.pop()
        content = self.slurp(fd)
        os.close(fd)
        if content != before:
            raise Failure("%s has %d bytes, then other %d" %
                          (path, len(before), len(content)))

    def run(self):
        try:
            while not self.city.ended.is_set():
                self.once()
            while self.held:
                self.let_go()
        except (OSError, Failure, IndexError) as error:
            self.city.errors.append(error)
            self.city.ended.set()


class Killer:
    def __init__(self, city, seed):
        self.city = city
        self.rng = random.Random(seed)
        self.deaths = {}

    def role(self, name):
        """Between two lives there is none."""
        kill(until("a " + name, lambda: self.city.daemon.role(name)))

    def worker(self):
        self.role("worker")

    def notifier(self):
        self.role("notifier")

    def keeper(self):
        """With a worker: when both die the mount is made again, which readers
        do see."""
        self.city.daemon.civicfs("status")
        kill(self.city.daemon.process.pid)
        self.city.daemon.process.wait()
        time.sleep(self.rng.random() * 0.1)
        self.city.daemon.start()

    def copies(self):
        folder = os.path.join(self.city.daemon.state, "cache/flat")
        for name in os.listdir(folder):
            if self.rng.random() < 0.5 and name != "part":
                os.unlink(os.path.join(folder, name))

    def run(self, seconds):
        until_ = time.monotonic() + seconds
        while time.monotonic() < until_ and not self.city.ended.is_set():
            time.sleep(self.rng.random() * 0.25)
            what = self.rng.choice((self.worker, self.worker, self.worker,
                                    self.notifier, self.keeper, self.copies))
            try:
                what()
            except (ProcessLookupError, FileNotFoundError, TypeError):
                continue
            name = what.__name__
            self.deaths[name] = self.deaths.get(name, 0) + 1


def publish_on(city):
    try:
        while not city.ended.is_set():
            city.publish()
            time.sleep(0.1)
    except (OSError, Failure) as error:
        city.errors.append(error)
        city.ended.set()


def run(args):
    city = City(args)
    try:
        city.daemon.start()
        examine(city, args)
    finally:
        city.ended.set()
        city.daemon.end()


def examine(city, args):
    city.publish()
    killer = Killer(city, args.seed)
    publisher = threading.Thread(target=publish_on, args=(city,))
    readers = [Reader(city, args.seed + i) for i in range(3)]
    for thread in (publisher, *readers):
        thread.start()
    killer.run(args.seconds)
    city.ended.set()
    for thread in (publisher, *readers):
        thread.join(crashlib.PATIENCE)
    print("%d versions, %d files read, %s" %
          (city.published, sum(r.files for r in readers), killer.deaths))
    if city.errors:
        raise Failure("%d errors, the first: %r" %
                      (len(city.errors), city.errors[0]))
    city.daemon.civicfs("wait", "--timeout", "60")

    def is_passed():
        for name in ("data.csv", "data.jsonl"):
            crashlib.read(os.path.join(city.credit, name))
        return city.passed()["opened"] > 0
    if city.passed()["on"]:
        until("a file that the kernel reads by itself", is_passed)
    elif not args.off:
        print("not possible here: %s" % city.passed()["why_not"])
    crashlib.compare(city.daemon.mount, city.model)
    if state_check.check(city.daemon.state, inherited=True):
        raise Failure("the state is not sound")
    city.daemon.civicfs("verify")
    city.daemon.stop()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("folder")
    parser.add_argument("--seconds", type=float, default=8)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--off", action="store_true")
    args = parser.parse_args()
    try:
        run(args)
    except Failure as failure:
        print("failed: %s" % failure)
        sys.exit(1)


if __name__ == "__main__":
    main()
