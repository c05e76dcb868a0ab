#!/usr/bin/env python3
"""Deaths while small submissions pass large ones.

    large.py FOLDER [--seconds S] [--seed N] [--pause S] [--rows N]

FOLDER is a private folder. One client delivers a large snapshot after the
other, in each of which half of the rows are others; two deliver small files,
one to a theme of its own, one to the theme of the large ones; one reads that
theme. Workers are killed all the time. No call may fail, what is read must be
one of the snapshots as a whole, every file must have its verdict, and at the
end everything is what was delivered."""

import argparse
import hashlib
import os
import random
import sys
import time

import crashlib
import state_check
from crashlib import Failure, kill, until

PERMITS = """\
[resource]
title = Permits
sharing = unconditional
mode = upsert
key = number
subject = code
[field number]
title = number
type = string
[field code]
title = code
type = string
"""

THEME = """\
[department env]
title = Environment
members = user:root

[theme permits]
title = Permits
subject = code
source.permit = env/permits
field.permits = count permit

[access]
theme.permits = everyone
"""

NAME = "The enterprise number %d, named for the %dth time, and %s"
LONG = "a few words more, " * 3 + "and so on"


def names_of(data):
    """The hash of code and name in data.csv."""
    lines = data.decode().splitlines()[1:]
    return hashlib.sha256("\n".join(
        line[:line.rindex('"')] for line in lines).encode()).digest()


class Large:
    def __init__(self, args):
        self.args = args
        self.folder = crashlib.new_city(args.folder)
        os.makedirs(os.path.join(self.folder, "resources.d/env"))
        with open(os.path.join(self.folder, "resources.d/env/permits.ini"),
                  "w", encoding="utf-8") as file:
            file.write(PERMITS)
        crashlib.change_conf(self.folder, "[access]\n", THEME)
        self.daemon = crashlib.Daemon(self.folder)
        self.end = 0.0
        self.errors = []
        self.counts = {"large": 0, "permits": 0, "ratings": 0, "reads": 0,
                       "deaths": 0}
        self.names = {}      # code: name, as the last large one says
        self.versions = {hashlib.sha256(b"").digest()}
        self.permits = {}    # number: code
        self.ratings = set()  # (code, year)

    # --- clients ---------------------------------------------------------

    def deliver(self, path, text):
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        receipt = until("the receipt of '%s'" % path,
                        lambda: crashlib.read_receipt(path), seconds=240)
        if receipt["state"] not in ("accepted", "unchanged"):
            raise Failure("'%s' is %s" % (path, receipt["state"]))

    def large(self, rng):
        inbox = os.path.join(self.daemon.mount, "inbox/aic/registrations")
        n = self.counts["large"] + 1
        rows = range(self.args.rows)
        for i in rows:
            code = "C%08d" % i
            if rng.randrange(2) or code not in self.names:
                self.names[code] = NAME % (i, n, LONG)
            if rng.randrange(50) == 0:
                del self.names[code]
        lines = ['%s,"%s"' % row for row in sorted(self.names.items())]
        self.versions.add(hashlib.sha256("\n".join(
            line.rstrip('"') for line in lines).encode()).digest())
        self.deliver(os.path.join(inbox, "%d.csv" % n),
                     "code,name\n" + "\n".join(lines) + "\n")
        self.counts["large"] = n

    def small_permits(self, rng):
        inbox = os.path.join(self.daemon.mount, "inbox/env/permits")
        n = self.counts["permits"] + 1
        rows = {"N%d" % rng.randrange(1000): "C%08d" % rng.randrange(300)
                for _ in range(20)}
        self.deliver(os.path.join(inbox, "%d.csv" % n), "number,code\n" +
                     "".join("%s,%s\n" % row for row in rows.items()))
        self.permits.update(rows)
        self.counts["permits"] = n

    def small_ratings(self, rng):
        inbox = os.path.join(self.daemon.mount, "inbox/tax/ratings")
        n = self.counts["ratings"] + 1
        rows = {("C%08d" % rng.randrange(self.args.rows), 1990 + n)
                for _ in range(20)}
        self.deliver(os.path.join(inbox, "%d.csv" % n),
                     "code,year,payer,grade,rated_on\n" +
                     "".join("%s,%d,,A,2020-05-01\n" % row for row in rows))
        self.ratings |= rows
        self.counts["ratings"] = n

    def read(self, _):
        data = crashlib.read(os.path.join(self.daemon.mount,
                                          "themes/credit/data.csv"))
        if names_of(data) not in self.versions:
            raise Failure("what is read is no snapshot: %d lines" %
                          data.count(b"\n"))
        self.counts["reads"] += 1

    def murder(self, rng):
        time.sleep(rng.expovariate(1 / self.args.pause))
        worker = self.daemon.role("worker")
        if worker:
            kill(worker)
            self.counts["deaths"] += 1

    def again(self, what):
        rng = random.Random("%d %s" % (self.args.seed, what.__name__))
        try:
            while time.monotonic() < self.end and not self.errors:
                what(rng)
        except (Failure, OSError) as error:
            self.errors.append(error)

    # --- what must come of it --------------------------------------------

    def expect(self, theme, lines):
        data = crashlib.read(os.path.join(self.daemon.mount, "themes", theme,
                                          "data.csv")).decode().splitlines()
        if data != lines:
            wrong = [pair for pair in zip(data, lines) if pair[0] != pair[1]]
            raise Failure("data.csv of '%s' has %d lines, not %d: %s" % (
                theme, len(data), len(lines), wrong[:3]))

    def compare(self):
        years = {}
        for code, year in self.ratings:
            years[code] = years.get(code, 0) + 1
        self.expect("credit", ["code,name,grade,ratings"] + [
            '%s,"%s",%s,%d' % (code, name, "A" if code in years else "",
                               years.get(code, 0))
            for code, name in sorted(self.names.items())])
        permits = {}
        for code in self.permits.values():
            permits[code] = permits.get(code, 0) + 1
        self.expect("permits", ["code,permits"] + [
            "%s,%d" % row for row in sorted(permits.items())])

    def run(self):
        self.daemon.start()
        try:
            self.end = time.monotonic() + self.args.seconds
            crashlib.run_all(
                [(self.again, what) for what in (
                    self.large, self.small_permits, self.small_ratings,
                    self.read, self.murder)], self.errors)
            self.daemon.settle()
            self.compare()
            self.daemon.civicfs("verify")
            if state_check.check(self.daemon.state, inherited=True):
                raise Failure("the state is not sound")
            self.daemon.stop()
        finally:
            self.daemon.end()
        print(", ".join("%d %s" % (n, what)
                        for what, n in self.counts.items()))
        if not all(self.counts.values()):
            raise Failure("nothing was tried")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("folder")
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--pause", type=float, default=2)
    parser.add_argument("--rows", type=int, default=50000)
    try:
        Large(parser.parse_args()).run()
    except (Failure, OSError) as error:
        sys.exit("failed: %s" % error)


if __name__ == "__main__":
    main()
