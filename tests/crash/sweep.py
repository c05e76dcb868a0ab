#!/usr/bin/env python3
"""Kills the worker at its n-th call while one file is delivered, replaced,
renamed and removed, for one n after the other: the end is always the same.

    sweep.py FOLDER [--first N] [--step N] [--rounds N] [--again N] [--torn]
                    [--renew N]

FOLDER is a private folder. --again: the worker that follows dies too, N calls
later. --torn: half of the call's bytes are written. --renew: a new state
after that many rounds; with 1 the flow always begins with the first file that
the state ever gets."""

import argparse
import os
import shutil
import sys

import crashlib
import state_check
from crashlib import Failure, until

GRADES = "ABCD"


class Sweep:
    def __init__(self, args):
        self.args = args
        os.makedirs(args.folder, exist_ok=True)
        self.control = crashlib.Control(os.path.join(args.folder, "control"))
        self.daemon = None
        self.submissions = self.round = 0

    def begin(self):
        folder = os.path.join(self.args.folder, "city")
        shutil.rmtree(folder, ignore_errors=True)
        os.makedirs(folder)
        crashlib.make_city(folder)
        self.model = crashlib.Model()
        self.submissions = self.round = 0
        self.daemon = crashlib.Daemon(folder, self.control)
        self.daemon.start()
        self.tax = os.path.join(self.daemon.mount, "inbox/tax/ratings")
        self.aic = os.path.join(self.daemon.mount, "inbox/aic/registrations")

    # --- what a client does ---------------------------------------------------

    def judged(self, path, not_id=None, state="accepted"):
        def look():
            receipt = crashlib.read_receipt(path)
            return receipt and receipt["submission"] != not_id and receipt
        receipt = until("the receipt of %s" % os.path.basename(path), look)
        self.submissions += 1
        number = int(receipt["submission"].split("-")[1])
        if number != self.submissions:
            raise Failure("submission %d, not %d" % (number,
                                                     self.submissions))
        if receipt["state"] != state:
            raise Failure("%s: %s, not %s" % (path, receipt["state"], state))
        people = crashlib.read(path + ".receipt.txt").decode("utf-8-sig")
        if not people.startswith(state):
            raise Failure("the receipt for people says %r" % people[:40])
        return receipt

    def write(self, path, content, flags):
        fd = os.open(path, os.O_WRONLY | flags, 0o644)
        try:
            half = len(content) // 2
            os.write(fd, content[:half])
            os.write(fd, content[half:])
            os.fsync(fd)
            os.setxattr(fd, "user.note", b"one of many", os.XATTR_CREATE)
        finally:
            os.close(fd)

    def deliver_and_rename(self, path, content):
        """As rsync and many programs do."""
        self.write(path + ".part", content, os.O_CREAT | os.O_EXCL)
        os.rename(path + ".part", path)
        return self.judged(path)

    def deliver(self, path, content):
        """As cp does."""
        self.write(path, content, os.O_CREAT | os.O_EXCL)
        return self.judged(path)

    def replace(self, path, content, before):
        fd = os.open(path, os.O_WRONLY | os.O_TRUNC)
        if crashlib.read_receipt(path):
            raise Failure("a receipt stands beside other bytes")
        os.write(fd, content)
        os.close(fd)
        return self.judged(path, before["submission"])

    def append(self, path, content, before):
        """The bytes that were judged stay what they were."""
        with open(path, "ab") as file:
            file.write(content)
        return self.judged(path, before["submission"])

    def remove(self, path):
        with open(path, "rb") as reader:
            os.unlink(path)
            if os.path.exists(path):
                raise Failure("%s is still there" % path)
            reader.read()

    def rate_badly(self, good, bad):
        """Some of its rows are to be refused."""
        content = self.model.rate(good)
        return content + b"".join(b"E1,no year %d,,A,\n" % i
                                  for i in range(bad))

    def refuse_rows(self, path):
        """A part is in, and the rest comes back."""
        self.write(path, self.rate_badly({("E2", 3000 + self.round): "C"}, 1),
                   os.O_CREAT)
        self.judged(path, state="partial")
        fix = crashlib.read(path + ".fix.csv")
        if fix.count(b"no year") != 1:
            raise Failure("the fix file holds other rows")
        self.correct(path, fix)
        self.remove(path)

    def correct(self, path, fix):
        """The row gets in, once, as a round of the same submission."""
        year = 4000 + self.round
        self.model.ratings.update({("E1", year): "A"})
        self.write(path + ".part", fix.replace(b"no year 0,,A,", (
            "%d,payer of E1,A,%d-05-01" % (year, year)).encode()),
            os.O_CREAT | os.O_EXCL)
        os.rename(path + ".part", path + ".fix.csv")

        def look():
            receipt = crashlib.read_receipt(path)
            return receipt and receipt["state"] == "accepted" and receipt
        receipt = until("the receipt of the fix file", look)
        if [r["round"] for r in receipt["rounds"]] != [1] or \
                os.path.exists(path + ".fix.csv"):
            raise Failure("not one round: %r" % receipt["rounds"])

    def release(self, path):
        """Too much is refused, and let in all the same."""
        self.write(path, self.rate_badly({("E3", 3000 + self.round): "D"}, 2),
                   os.O_CREAT)
        receipt = self.judged(path, state="quarantined")

        def ask():
            try:
                self.daemon.civicfs("release", receipt["submission"])
            except Failure as error:
                if "not quarantined" in str(error):
                    return True  # done, and the answer was lost
                if "ask again" in str(error):
                    return False
                raise
            return True
        until("an answer to the release", ask)
        until("the release", lambda: os.getxattr(
            path, "user.civicfs.status") == b"partial")
        self.remove(path)

    def withdraw(self, path):
        """As if it had never come."""
        before = dict(self.model.ratings)
        self.write(path, self.model.rate({("E4", 3000 + self.round): "C"}),
                   os.O_CREAT)
        receipt = self.judged(path)

        def ask():
            try:
                self.daemon.civicfs("withdraw", receipt["submission"])
            except Failure as error:
                if "is withdrawn" in str(error):
                    return True  # done, and the answer was lost
                if "ask again" in str(error):
                    return False
                raise
            return True
        until("an answer to the withdrawal", ask)
        until("the withdrawal", lambda: os.getxattr(
            path, "user.civicfs.status") == b"withdrawn")
        self.model.ratings = before
        self.remove(path)

    def flow(self):
        """One round of everything; each kind of call at least once."""
        n = self.round
        name = os.path.join(self.tax, "r%05d.csv" % n)
        grade = GRADES[n % 4]
        first = self.deliver_and_rename(name, self.model.rate(
            {("E%d" % (n % 7), 2000 + n): grade, ("X%d" % n, 2001): "A"}))
        second = self.replace(name, self.model.rate(
            {("E%d" % (n % 7), 2000 + n): GRADES[(n + 1) % 4]}), first)
        more = self.model.rate({("E0", 1000 + n): "D"})
        self.append(name, more.split(b"\n", 1)[1], second)
        snapshot = os.path.join(self.aic, "now.csv")
        if os.path.exists(snapshot):
            self.remove(snapshot)
        receipt = self.deliver(snapshot, self.model.register(
            {"E%d" % i: "name %d" % (n % 5 + i) for i in range(n % 3, 7)}))
        if [p["dataset"] for p in receipt["published"]] != ["credit"]:
            raise Failure("not published: %r" % (receipt["published"],))
        self.remove(name)
        self.refuse_rows(os.path.join(self.tax, "some.csv"))
        self.release(os.path.join(self.tax, "most.csv"))
        self.withdraw(os.path.join(self.tax, "none.csv"))

    # --- rounds ----------------------------------------------------------------

    def examine(self):
        self.daemon.civicfs("wait", "--timeout", "60")
        crashlib.compare(self.daemon.mount, self.model)
        for folder, expected in ((self.tax, []), (self.aic, ["now.csv"])):
            got = sorted(name for name in os.listdir(folder)
                         if ".receipt." not in name)
            if got != expected:
                raise Failure("%s holds %r, not %r" % (folder, got, expected))
        if state_check.check(self.daemon.state, inherited=True):
            raise Failure("the state is not sound")

    def run_round(self, n, again):
        calls = self.control.now.calls
        kills = self.control.now.kills
        self.control.arm(n, again, self.args.torn)
        self.flow()
        self.control.disarm()
        self.examine()
        self.round += 1
        return (self.control.now.calls - calls,
                self.control.now.kills - kills)

    def close(self):
        self.daemon.stop()
        self.daemon.start()
        if state_check.check(self.daemon.state):
            raise Failure("the state is not sound after a restart")
        self.daemon.civicfs("verify")
        self.daemon.stop()

    def run(self):
        args = self.args
        n = args.first
        total = done = 0
        self.begin()
        try:
            while done < args.rounds:
                calls, kills = self.run_round(n, args.again)
                total += kills
                if args.verbose:
                    print("call %d of about %d: %d kills, last at %s" %
                          (n, calls, kills, self.control.now.where.decode()),
                          flush=True)
                done += 1
                if not kills:
                    break  # the flow has fewer calls
                n += args.step
                if done % args.renew == 0:
                    self.close()
                    self.begin()
            self.close()
        except Failure:
            print("at call %d, killed in %s" %
                  (n, self.control.now.where.decode()))
            raise
        finally:
            self.control.disarm()
            self.daemon.end()
        print("%d rounds, %d kills, calls %d to %d, %d submissions" %
              (done, total, args.first, n, self.submissions))
        return total


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("folder")
    parser.add_argument("--first", type=int, default=1)
    parser.add_argument("--step", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=1000000)
    parser.add_argument("--again", type=int, default=0)
    parser.add_argument("--torn", action="store_true")
    parser.add_argument("--renew", type=int, default=40)
    parser.add_argument("--verbose", action="store_true")
    args = parser.parse_args()
    try:
        total = Sweep(args).run()
    except (Failure, OSError) as error:
        sys.exit("failed: %s" % error)
    if not total:
        sys.exit("failed: nothing was killed")


if __name__ == "__main__":
    main()
