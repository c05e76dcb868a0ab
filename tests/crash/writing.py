#!/usr/bin/env python3
"""Deaths while the kernel writes what is delivered by itself.

    writing.py FOLDER [--seconds S] [--seed N] [--pause S] [--off]

FOLDER is a private folder. Clients deliver files in the ways of
tests/lib/pass_ways.py, wait for the receipt of the bytes that they wrote, and
compare what they read; some remove the file then. Workers are killed all the
time. No call may fail, no file may have other bytes or another verdict, and
every original is what was judged. --off: with passthrough = no."""

import argparse
import hashlib
import os
import random
import subprocess
import sys
import time

import crashlib
import state_check
from crashlib import Failure, kill, until

WAYS = os.path.join(crashlib.TOP, "tests/lib/pass_ways.py")


class Writing:
    def __init__(self, args):
        self.args = args
        self.folder = crashlib.new_city(args.folder)
        if args.off:
            crashlib.change_conf(self.folder, "[platform]\n",
                                 "[platform]\npassthrough = no\n")
        self.daemon = crashlib.Daemon(self.folder)
        self.tax = os.path.join(self.daemon.mount, "inbox/tax/ratings")
        self.end = 0.0
        self.deliveries = self.deaths = 0
        self.errors = []

    def deliver(self, way, path):
        done = subprocess.run([sys.executable, WAYS, way, path], text=True,
                              capture_output=True, check=False)
        if done.returncode:
            raise Failure("%s of '%s': %s" % (way, path, done.stderr))
        wanted = done.stdout.strip()

        def judged():
            receipt = crashlib.read_receipt(path)
            return receipt if receipt and receipt["sha256"] == wanted else None
        receipt = until("the receipt of '%s'" % path, judged)
        if receipt["state"] != "accepted":
            raise Failure("'%s' is %s" % (path, receipt["state"]))
        if hashlib.sha256(crashlib.read(path)).hexdigest() != wanted:
            raise Failure("'%s' has other bytes" % path)
        self.deliveries += 1

    def client(self, number):
        rng = random.Random(self.args.seed * 100 + number)
        name = 0
        try:
            while time.monotonic() < self.end and not self.errors:
                name += 1
                path = os.path.join(self.tax, "%d-%d.csv" % (number, name))
                self.deliver(rng.choice(("blocks", "renamed", "truncated",
                                         "rewritten")), path)
                if rng.randrange(2):
                    os.unlink(path)
        except (Failure, OSError) as error:
            self.errors.append(error)

    def murder(self):
        rng = random.Random(self.args.seed)
        while time.monotonic() < self.end and not self.errors:
            time.sleep(rng.expovariate(1 / self.args.pause))
            worker = self.daemon.role("worker")
            if worker:
                kill(worker)
                self.deaths += 1

    def run(self):
        self.daemon.start()
        try:
            self.end = time.monotonic() + self.args.seconds
            crashlib.run_all([(self.client, n) for n in range(3)] +
                             [(self.murder,)], self.errors)
            self.daemon.settle()
            self.daemon.civicfs("verify")
            if state_check.check(self.daemon.state, inherited=True):
                raise Failure("the state is not sound")
            self.daemon.stop()
        finally:
            self.daemon.end()
        print("%d files delivered, %d deaths" % (self.deliveries, self.deaths))
        if not self.deliveries or not self.deaths:
            raise Failure("nothing was tried")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("folder")
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--pause", type=float, default=0.3)
    parser.add_argument("--off", action="store_true")
    try:
        Writing(parser.parse_args()).run()
    except (Failure, OSError) as error:
        sys.exit("failed: %s" % error)


if __name__ == "__main__":
    main()
