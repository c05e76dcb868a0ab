#!/usr/bin/env python3
"""Power cuts under load: what was acknowledged is there after each of them.

    power_cut.py FOLDER [--cuts N] [--seed N] [--clients N] [--way clone|drop]

FOLDER is a private folder. The city lies on ext4, on a loop device that does
not cache, in an image on XFS. A cut is a clone of the image: it is made at one
moment and has what had reached the device by then, nothing of what only the
page cache of ext4 knew. civicfsd starts on the clone; every second time that
beginning is cut off too, and it starts on a clone of the clone. Meanwhile the
clients rest, and then they go on with the first image.

--way drop: the city lies on XFS, which drops whatever was not synced when it
is shut down; it goes on with what was left.

Ends with 77 where there are no loop devices or no XFS."""

import argparse
import collections
import contextlib
import fcntl
import hashlib
import os
import random
import shutil
import signal
import struct
import subprocess
import sys
import threading
import time

import crashlib
import state_check
from crashlib import Failure, kill, until

IMAGE = "96M"
BASE = "1500M"
GRADES = "ABCD"
FICLONE = 0x40049409  # linux/fs.h
GOING_DOWN = 0x8004587d  # XFS_IOC_GOINGDOWN
NO_LOG_FLUSH = 2


class Skip(Exception):
    pass


def run(*command):
    done = subprocess.run(command, capture_output=True, text=True,
                          check=False)
    if done.returncode:
        raise OSError("%s: %s" % (" ".join(command), done.stderr.strip()))
    return done.stdout.strip()


class Disk:
    """An image that is mounted through a loop device."""

    def __init__(self, image, mount):
        self.image = image
        self.mount = mount
        self.loop = None
        os.makedirs(mount, exist_ok=True)

    def make(self, size, *mkfs):
        run("truncate", "-s", size, self.image)
        run(*mkfs, self.image)

    def attach(self):
        self.loop = run("losetup", "--direct-io=on", "--show", "-f",
                        self.image)
        run("mount", self.loop, self.mount)

    def is_mounted(self):
        """Also when the file system answers nothing any more."""
        with open("/proc/self/mountinfo", encoding="utf-8") as file:
            return any(line.split()[4] == self.mount for line in file)

    def detach(self, seconds=crashlib.PATIENCE):
        if not self.loop:
            return
        # a writer of the kernel may still hold it
        until("umount of %s" % self.mount, lambda: subprocess.run(
            ["umount", self.mount], check=False,
            capture_output=True).returncode == 0 or not self.is_mounted(),
              seconds)
        run("losetup", "-d", self.loop)
        self.loop = None

    def give_up(self):
        """Where something of this process holds it after a failure."""
        subprocess.run(["umount", "-l", self.mount], check=False)
        subprocess.run(["losetup", "-d", self.loop], check=False)
        self.loop = None

    # Both without another process: one that is started while a client has a
    # file open closes its copy of it, and a file that is closed when the power
    # fails is complete.

    def clone(self, path):
        with open(self.image, "rb") as source, open(path, "wb") as target:
            fcntl.ioctl(target.fileno(), FICLONE, source.fileno())

    def shut_down(self):
        folder = os.open(self.mount, os.O_RDONLY)
        try:
            fcntl.ioctl(folder, GOING_DOWN, struct.pack("=I", NO_LOG_FLUSH))
        finally:
            os.close(folder)


class Ledger:
    """What the clients have sent, and what they were told of it."""

    def __init__(self):
        self.lock = threading.Lock()
        self.sent = {}  # sha256: ("rate", rows) or ("register", names)
        self.closed = {}  # (folder, name): sha256 of the last acknowledged
        self.closes = 0
        self.accepted = {}  # submission: sha256

    def send(self, what, content):
        digest = hashlib.sha256(content).hexdigest()
        with self.lock:
            self.sent[digest] = what
        return digest

    def close(self, folder, name, digest):
        with self.lock:
            self.closed[folder, name] = digest
            self.closes += 1

    def receipt(self, receipt):
        with self.lock:
            self.accepted[receipt["submission"]] = receipt["sha256"]

    def copy(self):
        with self.lock:
            return dict(self.closed), dict(self.accepted)


class Clients:
    """Deliver until they are told to rest."""

    def __init__(self, mount, ledger, seed, count):
        self.mount = mount
        self.ledger = ledger
        self.going = threading.Event()
        self.ending = threading.Event()
        self.failures = []
        self.excused = False  # the disk is gone: errors are right
        self.resting = threading.Semaphore(0)
        bodies = [self.registrar] + [self.deliverer] * count
        self.threads = [threading.Thread(target=self.live, args=(
            body, n, random.Random(seed * 100 + n)), daemon=True)
                        for n, body in enumerate(bodies)]
        for thread in self.threads:
            thread.start()

    def live(self, body, number, rng):
        n = 0
        while not self.ending.is_set():
            if not self.going.is_set():
                self.resting.release()
                self.going.wait()
                continue
            n += 1
            try:
                body(number, n, rng)
            except OSError as error:
                if not self.excused:
                    self.failures.append(error)
                    self.going.clear()
            time.sleep(rng.random() * 0.01)

    def go(self):
        self.excused = False
        self.going.set()

    def rest(self):
        self.going.clear()
        for _ in self.threads:
            if not self.resting.acquire(timeout=crashlib.PATIENCE):
                raise Failure("a client hangs")
        if self.failures:
            raise Failure("a client failed: %r" % self.failures[0])

    def end(self):
        self.ending.set()
        self.going.set()
        for thread in self.threads:
            thread.join(crashlib.PATIENCE)

    def put(self, folder, name, content, digest, rng):
        path = os.path.join(self.mount, "inbox", folder, name)
        part = path + ".part" if rng.randrange(2) else path
        fd = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
        try:
            step = len(content) // rng.randint(1, 3) + 1
            for at in range(0, len(content), step):
                os.write(fd, content[at:at + step])
        except OSError:
            with contextlib.suppress(OSError):
                os.close(fd)
            raise
        os.close(fd)
        if part != path:
            os.rename(part, path)
        self.ledger.close(folder, name, digest)
        return path

    def look(self, path):
        receipt = crashlib.read_receipt(path)
        if receipt and receipt["state"] == "accepted":
            self.ledger.receipt(receipt)

    def deliverer(self, number, n, rng):
        rows = {("E%d" % (number - 1), 1000 + 5 * n + i): rng.choice(GRADES)
                for i in range(rng.randint(1, 5))}
        content = crashlib.Model().rate(rows)
        digest = self.ledger.send(("rate", rows), content)
        path = self.put("tax/ratings", "c%d-%d.csv" % (number, n), content,
                        digest, rng)
        if rng.randrange(2):
            time.sleep(0.15)
            self.look(path)

    def registrar(self, number, n, rng):
        names = {"E%d" % i: "name %d.%d" % (i, n) for i in range(4)}
        content = crashlib.Model().register(names)
        digest = self.ledger.send(("register", names), content)
        path = self.put("aic/registrations", "all%d.csv" % n, content, digest,
                        rng)
        time.sleep(0.1)
        self.look(path)


class Cuts:
    def __init__(self, args):
        self.args = args
        self.rng = random.Random(args.seed)
        self.ledger = Ledger()
        self.base = Disk(os.path.join(args.folder, "base.xfs"),
                         os.path.join(args.folder, "base"))
        inside = os.path.join(args.folder, "base")
        self.disk = Disk(os.path.join(inside, "city.img"),
                         os.path.join(args.folder, "disk"))
        self.copy = Disk(os.path.join(inside, "cut.img"),
                         os.path.join(args.folder, "cut"))
        self.counts = collections.Counter()
        self.daemon = None
        self.clients = None

    def city(self, disk):
        """The daemon of the city on a disk; its mount and log are not."""
        daemon = crashlib.Daemon(os.path.join(disk.mount, "city"))
        daemon.mount = disk.mount + ".tree"
        daemon.log = disk.mount + ".log"
        os.makedirs(daemon.mount, exist_ok=True)
        return daemon

    def begin(self):
        clone = self.args.way == "clone"
        try:
            self.base.make(BASE, "mkfs.xfs", "-q", "-m", "reflink=1")
            self.base.attach()
            if clone:
                self.disk.make(IMAGE, "mkfs.ext4", "-q", "-F", "-b", "4096")
                self.disk.attach()
            else:
                self.disk = self.base
        except OSError as error:
            raise Skip(str(error)) from error
        folder = os.path.join(self.disk.mount, "city")
        os.makedirs(folder)
        crashlib.make_city(folder, "20ms")
        run("sync")
        self.daemon = self.city(self.disk)
        self.daemon.start()

    def end(self):
        for pid in self.workers():
            kill(pid)
        for disk in (self.copy, self.disk, self.base):
            tree = disk.mount + ".tree"
            subprocess.run(["umount", "-l", tree], check=False,
                           capture_output=True)
            try:
                disk.detach(5)
            except Failure:
                disk.give_up()

    def workers(self):
        found = []
        for entry in os.listdir("/proc"):
            with contextlib.suppress(OSError):
                if entry.isdecimal() and self.args.folder.encode() in \
                        crashlib.read("/proc/%s/cmdline" % entry) and \
                        crashlib.stat_of(int(entry))[0] in ("worker",
                                                            "keeper"):
                    found.append(int(entry))
        return found

    # --- what must be true after a cut -------------------------------------------

    def check(self, daemon, closed, accepted):
        daemon.settle()
        state = state_check.Check(daemon.state, True, True)
        rows = state.rows("SELECT id, name, lower(hex(sha256)), state"
                          " FROM submission ORDER BY number")
        state.db.close()
        judged = {}
        model = crashlib.Model()
        for number, name, digest, verdict in rows:
            judged[number] = digest
            if digest not in self.ledger.sent:
                if verdict != "incomplete":
                    raise Failure("%s, which nobody sent, is %s: %r" % (
                        name, verdict, self.bytes_of(daemon, number)))
                self.counts["incomplete"] += 1
                continue
            if verdict == "accepted":
                kind, what = self.ledger.sent[digest]
                (model.rate if kind == "rate" else model.register)(what)
            elif verdict != "incomplete":
                raise Failure("%s is %s" % (name, verdict))
        for number, digest in accepted.items():
            if judged.get(number) != digest:
                raise Failure("submission %s was accepted, and is lost" %
                              number)
        for (folder, name), digest in closed.items():
            path = os.path.join(daemon.mount, "inbox", folder, name)
            got = hashlib.sha256(crashlib.read(path)).hexdigest()
            if got != digest:
                raise Failure("%s was closed and has other bytes" % name)
            receipt = crashlib.read_receipt(path)
            if not receipt or receipt["state"] != "accepted":
                raise Failure("%s was closed and is %r" % (name, receipt))
        double = [d for d, n in collections.Counter(
            digest for _, _, digest, verdict in rows
            if verdict == "accepted").items() if n > 1]
        if double:
            raise Failure("judged twice: %r" % double)
        crashlib.compare(daemon.mount, model)
        daemon.civicfs("verify")
        daemon.stop()
        if state_check.check(daemon.state):
            raise Failure("the state is not sound")

    def bytes_of(self, daemon, number):
        with state_check.Check(daemon.state, True, True).db as db:
            blob = db.execute("SELECT blob FROM submission WHERE id = ?",
                              (number,)).fetchone()[0]
        return crashlib.read(os.path.join(daemon.state, "intake", str(blob)))

    def kill_all(self, daemon):
        pids = [daemon.process.pid, daemon.role("worker")]
        for pid in pids:
            if pid:
                kill(pid)
        daemon.process.wait()
        until("the end of the worker", lambda: not crashlib.stat_of(pids[1])
              if pids[1] else True)
        subprocess.run(["umount", "-l", daemon.mount], check=False,
                       capture_output=True)

    def cut_again(self):
        """While civicfsd takes up what the first cut left."""
        daemon = self.city(self.copy)
        daemon.process = daemon.spawn()
        time.sleep(self.rng.random() * 0.5)
        image = self.copy.image + ".again"
        self.copy.clone(image)
        self.kill_all(daemon)
        self.copy.detach()
        os.rename(image, self.copy.image)
        self.copy.attach()
        self.counts["second cuts"] += 1

    def clone(self, again):
        closed, accepted = self.ledger.copy()
        self.disk.clone(self.copy.image)
        self.clients.rest()
        self.copy.attach()
        if again:
            self.cut_again()
        daemon = self.city(self.copy)
        try:
            daemon.start()
            self.check(daemon, closed, accepted)
        finally:
            daemon.end()
        self.copy.detach()
        os.unlink(self.copy.image)

    def drop(self, _):
        closed, accepted = self.ledger.copy()
        self.clients.excused = True
        self.disk.shut_down()
        # whoever was told after this is believed too
        self.clients.going.clear()
        self.kill_all(self.daemon)
        self.clients.rest()
        self.disk.detach()
        self.disk.attach()
        self.daemon.start()
        self.check(self.daemon, closed, accepted)
        self.daemon.start()

    def run(self):
        self.begin()
        self.clients = Clients(self.daemon.mount, self.ledger, self.args.seed,
                               self.args.clients)
        try:
            for n in range(self.args.cuts):
                self.clients.go()
                time.sleep(0.1 + self.rng.random() * 0.7)
                getattr(self, self.args.way)(n % 2 == 1)
                self.counts["cuts"] += 1
        finally:
            self.clients.excused = True
            self.clients.end()
            self.daemon.end()
        print("%d files closed, %d seen accepted, %s" % (
            self.ledger.closes, len(self.ledger.accepted), ", ".join(
                "%d %s" % (n, what) for what, n in self.counts.items())))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("folder")
    parser.add_argument("--cuts", type=int, default=10)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--clients", type=int, default=3)
    parser.add_argument("--way", choices=("clone", "drop"), default="clone")
    args = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    shutil.rmtree(args.folder, ignore_errors=True)
    os.makedirs(args.folder)
    cuts = Cuts(args)
    try:
        cuts.run()
    except Skip as why:
        print("skipped: %s" % why)
        sys.exit(77)
    except (Failure, OSError) as error:
        sys.exit("failed: %s" % error)
    finally:
        cuts.end()


if __name__ == "__main__":
    main()
