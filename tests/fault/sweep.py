#!/usr/bin/env python3
"""Makes the worker's n-th call that stores something fail while files are
delivered, replaced, appended to and removed, for one n after the other. A
client that is told of an error tries again once the fault is gone; nobody is
told of success that is none.

    sweep.py FOLDER [--errno NAME] [--always] [--broken] [--first N]
                    [--die N] [--step N] [--rounds N] [--renew N] [--syncs]

FOLDER is a private folder. --always: all calls from the n-th on fail, until
the client has been told (or has waited a moment). --die: N calls after the
failure the worker dies, and the next one looks at what is there. --broken:
instead, every write is interrupted or short, and nobody may notice. --renew:
a new state after that many rounds. --syncs: only calls that make durable are
counted, and fail."""

import argparse
import ctypes
import errno
import mmap
import os
import shutil
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "crash"))

import crashlib  # noqa: E402
import state_check  # noqa: E402
from crashlib import Failure, until  # noqa: E402

GRADES = "ABCD"
MOMENT = 0.3  # seconds that a fault lasts nobody is told of


class Layout(ctypes.Structure):
    _fields_ = [("left", ctypes.c_int64), ("always", ctypes.c_int64),
                ("errnum", ctypes.c_int64), ("fails", ctypes.c_int64),
                ("calls", ctypes.c_int64), ("broken", ctypes.c_int64),
                ("die", ctypes.c_int64), ("syncs", ctypes.c_int64),
                ("where", ctypes.c_char * 32)]


class Control:
    """The memory that the workers share with the test (fail_at.c)."""

    def __init__(self, path):
        self.path = path
        with open(path, "w+b") as file:
            file.truncate(mmap.PAGESIZE)
            self.memory = mmap.mmap(file.fileno(), mmap.PAGESIZE)
        os.chmod(path, 0o666)
        self.now = Layout.from_buffer(self.memory)

    def arm(self, left, errnum, always, die):
        self.now.fails = 0
        self.now.die = die
        self.now.errnum = errnum
        self.now.always = int(always)
        self.now.left = left

    def disarm(self):
        self.now.always = 0
        self.now.left = 0

    def environment(self):
        return {"CIVICFS_FAIL_AT": self.path,
                "LD_PRELOAD": os.path.join(crashlib.BUILD,
                                           "tests/fault/fail_at.so")}


class Sweep:
    def __init__(self, args):
        self.args = args
        os.makedirs(args.folder, exist_ok=True)
        self.control = Control(os.path.join(args.folder, "control"))
        self.daemon = None
        self.round = self.told = self.remounts = 0

    def begin(self):
        folder = os.path.join(self.args.folder, "city")
        shutil.rmtree(folder, ignore_errors=True)
        os.makedirs(folder)
        crashlib.make_city(folder)
        self.model = crashlib.Model()
        self.round = 0
        self.daemon = crashlib.Daemon(folder, self.control)
        self.daemon.start()
        self.worker = self.daemon.role("worker")
        self.tax = os.path.join(self.daemon.mount, "inbox/tax/ratings")
        self.aic = os.path.join(self.daemon.mount, "inbox/aic/registrations")

    # --- what a client does ---------------------------------------------------

    def do(self, step, *args):
        """Until it succeeds. What a step does again must do no harm."""
        while True:
            try:
                return step(*args)
            except OSError as error:
                if error.errno not in (errno.EIO, errno.ENOSPC, errno.EROFS):
                    raise
                if not self.control.now.fails:
                    raise Failure("an error without a fault: %s" %
                                  error) from error
                self.told += 1
                self.look()
                self.control.disarm()

    def look(self):
        """Reading goes on, whatever cannot be written."""
        for name in ("data.csv", "README.txt", "versions/index.csv"):
            crashlib.read(os.path.join(self.daemon.mount, "themes/credit",
                                       name))
        os.listdir(self.tax)
        self.daemon.civicfs("status")

    def write(self, path, content, flags):
        """Success only if every call says so; then the bytes are there."""
        fd = os.open(path, os.O_WRONLY | flags, 0o644)
        try:
            half = len(content) // 2
            for part in (content[:half], content[half:]):
                if os.write(fd, part) != len(part):
                    raise OSError(errno.ENOSPC, "a short write", path)
        finally:
            os.close(fd)  # which may be the first to tell

    def settle(self, path, content, before=None):
        """What was acknowledged is there, and gets its verdict."""
        if crashlib.read(path) != content:
            raise Failure("%s: other bytes than were acknowledged" % path)

        def look():
            if self.control.now.always and self.control.now.fails:
                time.sleep(MOMENT)
                self.look()
                self.control.disarm()
            receipt = crashlib.read_receipt(path)
            return receipt and receipt["submission"] != before and receipt
        receipt = self.wait_for(path, look)
        if receipt["state"] not in ("accepted", "unchanged"):
            raise Failure("%s: %s, though it was acknowledged" %
                          (path, receipt["state"]))
        self.daemon.civicfs("wait", "--timeout", "60")
        crashlib.compare(self.daemon.mount, self.model)
        return receipt["submission"]

    def wait_for(self, path, look):
        what = "the receipt of %s" % os.path.basename(path)
        if not self.args.die:
            return until(what, look)
        try:
            return until(what, look, 3)
        except Failure:
            # The worker died with a RELEASE that it could not write down,
            # and the kernel will not send it again.
            self.control.disarm()
            self.daemon.stop()
            self.daemon.start()
            self.remounts += 1
            return until(what, look)

    def deliver(self, path, content, before=None):
        self.do(self.write, path, content, os.O_CREAT | os.O_TRUNC)
        return self.settle(path, content, before)

    def deliver_and_rename(self, path, content):
        self.do(self.write, path + ".part", content, os.O_CREAT | os.O_TRUNC)
        self.do(self.rename, path)
        return self.settle(path, content)

    @staticmethod
    def rename(path):
        """An error may come after the deed."""
        if os.path.exists(path + ".part"):
            os.rename(path + ".part", path)

    def append(self, path, content, before):
        whole = crashlib.read(path) + content

        def step():
            try:
                self.write(path, content, os.O_APPEND)
            except OSError:
                # as a careful client: what was there, and all of it again
                self.do(self.write, path, whole, os.O_TRUNC)
        self.do(step)
        return self.settle(path, whole, before)

    def remove(self, path):
        def step():
            if os.path.exists(path):
                os.unlink(path)
        self.do(step)
        if os.path.exists(path):
            raise Failure("%s is still there" % path)

    def flow(self):
        n = self.round
        name = os.path.join(self.tax, "r%05d.csv" % n)
        first = self.deliver_and_rename(name, self.model.rate(
            {("E%d" % (n % 7), 2000 + n): GRADES[n % 4],
             ("X%d" % n, 2001): "A"}))
        second = self.deliver(name, self.model.rate(
            {("E%d" % (n % 7), 2000 + n): GRADES[(n + 1) % 4]}), first)
        more = self.model.rate({("E0", 1000 + n): "D"})
        self.append(name, more.split(b"\n", 1)[1], second)
        snapshot = os.path.join(self.aic, "now.csv")
        self.remove(snapshot)
        self.deliver(snapshot, self.model.register(
            {"E%d" % i: "name %d" % (n % 5 + i) for i in range(n % 3, 7)}))
        self.remove(name)

    # --- rounds ----------------------------------------------------------------

    def examine(self):
        self.daemon.civicfs("wait", "--timeout", "60")
        crashlib.compare(self.daemon.mount, self.model)
        if not self.args.die and self.daemon.role("worker") != self.worker:
            raise Failure("the worker died of it")
        for folder, expected in ((self.tax, []), (self.aic, ["now.csv"])):
            got = sorted(name for name in os.listdir(folder)
                         if ".receipt." not in name)
            if got != expected:
                raise Failure("%s holds %r, not %r" % (folder, got, expected))

    def run_round(self, n):
        calls = self.control.now.calls
        self.control.now.syncs = int(self.args.syncs)
        if self.args.broken:
            self.control.now.broken = 1
        else:
            self.control.arm(n, getattr(errno, self.args.errno),
                             self.args.always, self.args.die)
        self.flow()
        self.control.disarm()
        self.examine()
        self.round += 1
        return self.control.now.calls - calls, self.control.now.fails

    def close(self):
        self.control.now.broken = 0
        self.daemon.stop()
        self.daemon.start()
        self.daemon.civicfs("verify")
        if state_check.check(self.daemon.state):
            raise Failure("the state is not sound")
        crashlib.compare(self.daemon.mount, self.model)
        self.daemon.stop()

    def run(self):
        args = self.args
        n = args.first
        done = total = 0
        self.begin()
        try:
            while done < args.rounds:
                calls, fails = self.run_round(n)
                total += fails
                if args.verbose:
                    print("call %d of about %d: %d failed, last %s" %
                          (n, calls, fails, self.control.now.where.decode()),
                          flush=True)
                done += 1
                if not fails and not args.broken:
                    break  # the flow has fewer calls
                n += args.step
                if done % args.renew == 0:
                    self.close()
                    self.begin()
            self.close()
        except (Failure, OSError):
            print("at call %d, the last failed in %s" %
                  (n, self.control.now.where.decode()))
            raise
        finally:
            self.control.disarm()
            self.daemon.end()
        print("%s%s: %d rounds, %d calls failed, clients were told %d times,"
              " %d mounts more, calls %d to %d" %
              ("broken" if args.broken else args.errno,
               " always" if args.always else "", done, total, self.told,
               self.remounts,
               args.first, n))
        return total or args.broken


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("folder")
    parser.add_argument("--errno", default="EIO")
    parser.add_argument("--always", action="store_true")
    parser.add_argument("--broken", action="store_true")
    parser.add_argument("--die", type=int, default=0)
    parser.add_argument("--first", type=int, default=1)
    parser.add_argument("--step", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=1000000)
    parser.add_argument("--renew", type=int, default=40)
    parser.add_argument("--syncs", action="store_true")
    parser.add_argument("--verbose", action="store_true")
    args = parser.parse_args()
    try:
        total = Sweep(args).run()
    except (Failure, OSError) as error:
        sys.exit("failed: %s" % error)
    if not total:
        sys.exit("failed: nothing has failed")


if __name__ == "__main__":
    main()
