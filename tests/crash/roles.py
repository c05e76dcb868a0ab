#!/usr/bin/env python3
"""Kills the notifier, decoders and the keeper, and ends the daemon while
files are open.

    roles.py FOLDER [--only NAME] [--rounds N]

FOLDER is a private folder. --rounds: how often the keeper is killed while it
begins."""

import argparse
import os
import random
import shutil
import subprocess
import sys
import time

import crashlib
import state_check
from crashlib import Failure, children, kill, until


def equal(what, got, expected):
    if got != expected:
        raise Failure("%s: %r, not %r" % (what, got, expected))


class Roles:
    def __init__(self, args):
        self.args = args
        self.folder = os.path.join(args.folder, "city")
        self.daemon = None

    def begin(self):
        shutil.rmtree(self.folder, ignore_errors=True)
        os.makedirs(self.folder)
        crashlib.make_city(self.folder)
        self.model = crashlib.Model()
        self.daemon = crashlib.Daemon(self.folder)
        self.daemon.start()
        self.tax = os.path.join(self.daemon.mount, "inbox/tax/ratings")
        self.deliver(os.path.join(self.daemon.mount, "inbox/aic/registrations",
                                  "all.csv"),
                     self.model.register({"E%d" % i: "n" for i in range(5)}))
        self.judged(os.path.join(self.daemon.mount,
                                 "inbox/aic/registrations/all.csv"))

    def deliver(self, path, content):
        with open(path, "wb") as file:
            file.write(content)

    def judged(self, path, state="accepted"):
        receipt = until("the receipt of %s" % path,
                        lambda: crashlib.read_receipt(path))
        equal("state of %s" % path, receipt["state"], state)
        return receipt

    def rate(self, name, year, rows=1):
        path = os.path.join(self.tax, name)
        self.deliver(path, self.model.rate(
            {("E%d" % (i // 1000), year + i % 1000): "A"
             for i in range(rows)}))
        return path

    def examine(self, inherited=True):
        self.daemon.civicfs("wait", "--timeout", "60")
        crashlib.compare(self.daemon.mount, self.model)
        if state_check.check(self.daemon.state, inherited=inherited):
            raise Failure("the state is not sound")

    # --- the cases -------------------------------------------------------------

    def notifier(self):
        """It is started again, and what it says reaches the kernel."""
        for year in range(2000, 2005):
            old = until("a notifier", lambda: self.daemon.role("notifier"))
            kill(old)
            self.judged(self.rate("n%d.csv" % year, year))
            until("another notifier",
                  lambda: self.daemon.role("notifier") not in (0, old))
        self.examine(inherited=False)

    def kill_decoders(self, most, path):
        """Kills the first 'most' decoders, until there is a receipt."""
        killed = set()

        def look():
            for pid in children(self.daemon.process.pid, "decoder"):
                if len(killed) < most:
                    kill(pid)
                    killed.add(pid)
            return crashlib.read_receipt(path)
        until("the receipt of %s" % path, look, pause=0)
        return len(killed)

    def decoder_once(self):
        """The file is judged again."""
        path = self.rate("once.csv", 3000, 60000)
        equal("decoders killed", self.kill_decoders(1, path), 1)
        self.judged(path)
        self.examine(inherited=False)

    def decoder_twice(self):
        """The file is to blame, and nothing of it is in."""
        before = dict(self.model.ratings)
        path = self.rate("twice.csv", 3000, 60000)
        self.model.ratings = before
        equal("decoders killed", self.kill_decoders(2, path), 2)
        receipt = self.judged(path, "rejected")
        equal("code", receipt["errors"][0]["code"], "format-error")
        self.judged(self.rate("after.csv", 2000))
        self.examine(inherited=False)

    def keeper(self):
        """The worker serves on; the next civicfsd takes its place."""
        path = self.rate("before.csv", 2000)
        self.judged(path)
        with open(path, "rb") as reader:
            kill(self.daemon.process.pid)
            self.daemon.process.wait()
            equal("notifier of a dead keeper",
                  until("the notifier's end", lambda: not self.daemon.role(
                      "notifier")), True)
            late = self.rate("late.csv", 2001)
            os.rename(late, late + ".tmp")
            os.rename(late + ".tmp", late)
            if not reader.read().startswith(b"code,"):
                raise Failure("an open file is not served any more")
            crashlib.read(os.path.join(self.daemon.mount,
                                       "themes/credit/data.csv"))
        self.daemon.start()
        self.judged(late)
        self.examine(inherited=False)
        with open("/proc/self/mountinfo", encoding="utf-8") as file:
            equal("mounts", sum(self.daemon.mount + " " in line
                                for line in file), 1)

    def second(self):
        """Beside a living keeper, it says whose turn it is."""
        args = [os.path.join(crashlib.BUILD, "civicfsd"), "-c",
                self.daemon.conf, self.daemon.mount]
        done = subprocess.run(args, capture_output=True, text=True,
                              check=False, env=self.daemon.environment())
        equal("exit status", done.returncode, 1)
        if str(self.daemon.process.pid) not in done.stderr:
            raise Failure("no pid in %r" % done.stderr)
        self.judged(self.rate("still.csv", 2000))
        # another state on the same mount point
        other = os.path.join(self.args.folder, "other")
        shutil.rmtree(other, ignore_errors=True)
        crashlib.make_city(other)
        args[2] = os.path.join(other, "civicfs.conf")
        done = subprocess.run(args, capture_output=True, text=True,
                              check=False, env=self.daemon.environment())
        equal("exit status of another city", done.returncode, 1)
        self.examine(inherited=False)

    def term(self):
        """Open files do not hold the end up, and are no submissions."""
        closed = self.rate("closed.csv", 2000)
        unclosed = os.path.join(self.tax, "unclosed.csv")
        # before the writer: a child closes what it inherits
        here = subprocess.Popen(["sleep", "60"], cwd=self.tax)
        with open(unclosed, "wb") as writer, open(closed, "rb"):
            writer.write(self.model.rate({})[:20])
            writer.flush()
            try:
                self.daemon.stop()
            finally:
                here.kill()
                here.wait()
            if subprocess.run(["pgrep", "-f", "civicfsd.*" + self.folder],
                              check=False, capture_output=True).stdout:
                raise Failure("a process is left")
            try:
                writer.close()
            except OSError:
                pass  # its mount is gone
        self.daemon.start()
        self.judged(closed)
        self.judged(unclosed, "incomplete")
        self.deliver(unclosed, self.model.rate({("E1", 2050): "C"}))
        until("the verdict on whole bytes", lambda: (
            crashlib.read_receipt(unclosed) or {}).get("state") == "accepted")
        self.examine(inherited=False)

    def beginnings(self):
        """The keeper dies at any moment of its beginning: the next one finds
        what it left."""
        rng = random.Random(1)
        self.daemon.stop()
        for i in range(self.args.rounds):
            self.daemon.process = self.daemon.spawn()
            time.sleep(rng.random() * 0.12)
            if i % 3 == 0:
                worker = self.daemon.role("worker")
                if worker:
                    kill(worker)
            kill(self.daemon.process.pid)
            self.daemon.process.wait()
        self.daemon.start()
        equal("living workers", len(self.workers()), 1)
        self.judged(self.rate("after.csv", 2000))
        self.examine(inherited=False)
        self.daemon.stop()
        equal("living workers", len(self.workers()), 0)

    def workers(self):
        """Of this city, whoever started them."""
        found = []
        for entry in os.listdir("/proc"):
            try:
                command = crashlib.read("/proc/%s/cmdline" % entry)
                if entry.isdecimal() and self.folder.encode() in command and \
                        crashlib.stat_of(int(entry))[0] == "worker":
                    found.append(int(entry))
            except (OSError, TypeError):
                continue
        return found

    CASES = ("notifier", "decoder_once", "decoder_twice", "keeper", "second",
             "term", "beginnings")

    def run(self):
        for name in [self.args.only] if self.args.only else self.CASES:
            try:
                self.begin()
                getattr(self, name)()
                if self.daemon.process:
                    self.daemon.stop()
                print("%s: as it should be" % name, flush=True)
            except (Failure, OSError) as error:
                raise Failure("%s: %s" % (name, error)) from error
            finally:
                self.daemon.end()
                for pid in self.workers():
                    kill(pid)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("folder")
    parser.add_argument("--only", choices=Roles.CASES)
    parser.add_argument("--rounds", type=int, default=12)
    try:
        Roles(parser.parse_args()).run()
    except Failure as error:
        sys.exit("failed: %s" % error)


if __name__ == "__main__":
    main()
