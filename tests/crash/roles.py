#!/usr/bin/env python3
"""Kills the notifier, decoders and the keeper, and ends the daemon while
files are open; stops a worker, lets none start, takes the mount away.

    roles.py FOLDER [--rounds N] [CASE …]

FOLDER is a private folder. --rounds: how often the keeper is killed while it
begins."""

import argparse
import errno
import os
import random
import shutil
import signal
import subprocess
import sys
import threading
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
        self.halves = 0
        self.unserved = 0

    def begin(self, options=()):
        shutil.rmtree(self.folder, ignore_errors=True)
        os.makedirs(self.folder)
        crashlib.make_city(self.folder)
        self.model = crashlib.Model()
        self.control = crashlib.Control(os.path.join(self.args.folder,
                                                     "control"))
        self.daemon = crashlib.Daemon(self.folder, self.control, options)
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
            said = self.daemon.civicfs("status")
            if "start civicfsd again" not in said:
                raise Failure("status says nothing of the keeper: " + said)
            try:
                self.daemon.civicfs("stop")
                raise Failure("stop has stopped nothing")
            except Failure as failure:
                if "start civicfsd again" not in str(failure):
                    raise
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

    # --- one after the other takes the mount over --------------------------------

    def pester(self, ended, errors):
        """A client that must not notice anything."""
        n = 0
        credit = os.path.join(self.daemon.mount, "themes/credit")
        while not ended.is_set():
            n += 1
            try:
                path = os.path.join(self.tax, "p%d.tmp" % n)
                self.deliver(path, b"x" * 100)
                os.rename(path, path + "2.tmp")
                crashlib.read(os.path.join(credit, "versions/current"))
                crashlib.read(os.path.join(credit, "data.csv"))
                os.listdir(self.tax)
                os.unlink(path + "2.tmp")
            except OSError as error:
                errors.append(error)
            time.sleep(0.002)

    def unnoticed(self, change):
        """Runs change() while files are open and a client works: the same
        mount, the same bytes, no error."""
        mounts = self.daemon.mount_ids()
        ended, errors = threading.Event(), []
        client = threading.Thread(target=self.pester, args=(ended, errors))
        self.halves += 1
        path = os.path.join(self.tax, "half-%d.csv" % self.halves)
        content = self.model.rate({("E1", 4000 + self.halves): "B"})
        data = os.path.join(self.daemon.mount, "themes/credit/data.csv")
        expected = crashlib.read(data)
        with open(path, "wb", buffering=0) as writer, \
                open(data, "rb", buffering=0) as reader:
            writer.write(content[:10])
            got = reader.read(7)
            client.start()
            try:
                change()
            finally:
                ended.set()
                client.join(crashlib.PATIENCE)
            writer.write(content[10:])
            os.fsync(writer.fileno())
            got += reader.read(1 << 20)
        if errors:
            raise Failure("a client has %d errors, the first: %r" %
                          (len(errors), errors[0]))
        equal("what an open file reads", got, expected)
        equal("the mount", self.daemon.mount_ids(), mounts)
        self.judged(path)

    def replace_keeper(self):
        kill(self.daemon.process.pid)
        self.daemon.process.wait()
        self.daemon.start()

    def adopt(self):
        """The mount of a worker whose keeper has died goes on."""
        for _ in range(3):
            self.unnoticed(self.replace_keeper)
        worker = self.daemon.role("worker")
        kill(worker)
        until("another worker",
              lambda: self.daemon.role("worker") not in (0, worker))
        self.judged(self.rate("after.csv", 2000))
        equal("living workers", len(self.workers()), 1)
        self.examine()

    def adopt_stopped(self):
        """One that hangs is not waited for."""
        following = self.daemon.spawn_later()

        def change():
            kill(self.daemon.role("worker"), signal.SIGSTOP)
            kill(self.daemon.process.pid)
            self.daemon.process.wait()
            self.daemon.process = following
            following.stdin.close()
            until("the tree", self.daemon.is_up)
        self.unnoticed(change)
        equal("living workers", len(self.workers()), 1)
        self.examine()

    def adopt_wrong(self):
        """With a wrong configuration nobody takes over, and all goes on."""
        self.judged(self.rate("early.csv", 2000))
        kill(self.daemon.process.pid)
        self.daemon.process.wait()
        good = crashlib.read(self.daemon.conf)
        descriptor = os.path.join(self.folder, "resources.d/tax/ratings.ini")
        fields = crashlib.read(descriptor)
        late = self.rate("late.csv", 2001)
        for path, text, status in (
                (self.daemon.conf, good + b"nonsense = 1\n", 2),
                (descriptor, fields.replace(b"key = code year",
                                            b"key = code"), 0)):
            before = crashlib.read(path)
            with open(path, "wb") as file:
                file.write(text)
            process = self.daemon.spawn()
            got = process.wait(crashlib.PATIENCE)
            if status:
                equal("exit status", got, status)
            crashlib.read(os.path.join(self.daemon.mount,
                                       "themes/credit/data.csv"))
            equal("living workers", len(self.workers()), 1)
            with open(path, "wb") as file:
                file.write(before)
            if got == 0:
                raise Failure("it has started under '%s'" % path)
            self.deliver(os.path.join(self.tax, "some.tmp"), b"x")
        self.unnoticed(self.daemon.start)
        self.judged(late)
        self.examine()

    def reload(self):
        """Again and again, also while the worker is killed."""
        def change():
            for _ in range(5):
                self.daemon.civicfs("reload")
        self.unnoticed(change)

        def change_under_fire():
            for n in range(5):
                reload = subprocess.Popen(
                    [os.path.join(crashlib.BUILD, "civicfs"), "-c",
                     self.daemon.conf, "reload"])
                time.sleep(0.01 * n)
                worker = self.daemon.role("worker")
                if worker:
                    kill(worker)
                equal("reload", reload.wait(crashlib.PATIENCE), 0)
        self.unnoticed(change_under_fire)
        self.examine()

    def many_reloads(self):
        """The keeper keeps nothing of them."""
        def descriptors():
            return len(os.listdir("/proc/%d/fd" % self.daemon.process.pid))
        self.daemon.civicfs("reload")
        before = descriptors()

        def change():
            for n in range(self.args.rounds):
                text = crashlib.read(self.daemon.conf).decode()
                lines = text.split("\n")
                lines[1] = "title = City %d" % n
                with open(self.daemon.conf, "w", encoding="utf-8") as file:
                    file.write("\n".join(lines))
                self.daemon.civicfs("reload")
                if "City %d" % n not in self.daemon.civicfs("status"):
                    raise Failure("reload %d is not in force" % n)
        self.unnoticed(change)
        equal("descriptors of the keeper", descriptors(), before)
        self.examine()

    def rate_if_served(self, name, year):
        """Nobody serves where the keeper died just when one worker had ended
        and the next could not be found yet: None then."""
        before = dict(self.model.ratings)
        if not self.workers():
            return None
        try:
            return self.rate(name, year)
        except OSError as error:
            if error.errno not in (errno.ENOTCONN, errno.ECONNABORTED):
                raise
        until("the end of the worker", lambda: not self.workers())
        self.unserved += 1
        self.model.ratings = before
        return None

    def dies_in_reload(self):
        """The keeper, at any moment of a reload: the old configuration is in
        force or the new one, and the files are in force after the start."""
        rng = random.Random(2)
        for n in range(self.args.rounds // 2):
            title = "Town %d" % n
            text = crashlib.read(self.daemon.conf).decode().split("\n")
            before, text[1] = text[1], "title = " + title
            with open(self.daemon.conf, "w", encoding="utf-8") as file:
                file.write("\n".join(text))
            reload = subprocess.Popen(
                [os.path.join(crashlib.BUILD, "civicfs"), "-c",
                 self.daemon.conf, "reload"], stderr=subprocess.DEVNULL)
            time.sleep(rng.random() * 0.12)
            kill(self.daemon.process.pid)
            self.daemon.process.wait()
            reload.wait(crashlib.PATIENCE)
            late = self.rate_if_served("late%d.csv" % n, 2000 + n)
            self.daemon.start()
            status = self.daemon.civicfs("status")
            if title not in status:
                raise Failure("neither %r nor %r in %s" %
                              (before, title, status))
            equal("living workers", len(self.workers()), 1)
            equal("mounts", len(self.daemon.mount_ids()), 1)
            if late:
                self.judged(late)
        print("unserved: %d of %d" % (self.unserved, self.args.rounds // 2))
        self.examine()

    # --- a worker that is there, and is not --------------------------------------

    def stopped(self):
        """The keeper sees that it does nothing."""
        worker = self.daemon.role("worker")

        def change():
            kill(worker, signal.SIGSTOP)
            until("another worker",
                  lambda: self.daemon.role("worker") not in (0, worker))
        self.unnoticed(change)
        if not os.path.exists(os.path.join(self.tax, "..")):
            raise Failure("no tree")
        self.examine()

    def caught(self):
        """One thread of it does nothing more, and the others do not know.
        Whoever waits for that one gets its answer from the next worker."""
        self.daemon.stop()
        self.begin(("-o", "patience=1"))

        def another(how, calls):
            worker = self.daemon.role("worker")
            kills = self.control.now.kills
            self.control.now.number = how
            self.control.arm(calls)
            until("call %d" % calls, lambda: self.control.now.kills > kills)
            self.control.now.number = 0
            equal("the worker, at once", self.daemon.role("worker"), worker)
            until("another worker",
                  lambda: self.daemon.role("worker") not in (0, worker))
        for how in (crashlib.LOOP, crashlib.HANG):
            for calls in (1, 40):
                self.unnoticed(lambda: another(how, calls))
            # nobody else: the thread that judges
            path = self.rate("judged%d.csv" % -how, 4000 - 1000 * how, 20000)
            another(how, 150)
            self.judged(path)
        said = crashlib.read(self.daemon.log).decode()
        equal("silent threads", said.count("has made no step for 1 s"), 6)
        # work that gets on may take as long as it takes
        worker = self.daemon.role("worker")
        self.judged(self.rate("long.csv", 8000, 100000))
        equal("the worker", self.daemon.role("worker"), worker)
        self.examine()

    def hunted(self):
        """Each is killed as soon as it begins, and one dies by itself: that
        does not make those before it faulty, and whoever calls waits."""
        now = self.control.now

        def hunt(number, seconds):
            now.number = number
            end = time.monotonic() + seconds
            while time.monotonic() < end:
                if now.left <= 0:
                    self.control.arm(1)
                time.sleep(0.001)

        def change():
            kill(self.daemon.role("worker"))
            hunt(signal.SIGKILL, 6)
            kills = now.kills
            now.number = signal.SIGABRT
            until("one that dies by itself", lambda: now.kills > kills)
            hunt(signal.SIGKILL, 0.5)
            self.control.disarm()
            now.number = 0
        self.unnoticed(change)
        self.examine()

    def never(self):
        """None can start: who calls is told, and what was closed is judged
        once one can."""
        path = self.rate("before.csv", 2000)
        ended = threading.Event()

        def keep_dying():
            while not ended.wait(0.001):
                self.control.now.number = signal.SIGABRT
                if self.control.now.left <= 0:
                    self.control.arm(1)
            self.control.disarm()
        killer = threading.Thread(target=keep_dying)
        with open(path, "rb") as reader:
            killer.start()
            kill(self.daemon.role("worker"))

            def refused():
                try:
                    crashlib.read(os.path.join(self.daemon.mount,
                                               "themes/credit/data.csv"))
                except OSError as error:
                    return error.errno == errno.EIO
                return False
            try:
                until("EIO", refused)
                reader.close()  # which only the next worker hears of
                asked = subprocess.run(
                    [os.path.join(crashlib.BUILD, "civicfs"), "-c",
                     self.daemon.conf, "status"], capture_output=True,
                    text=True, check=False)
            finally:
                ended.set()
                killer.join()
        equal("exit status of 'status'", asked.returncode, 3)
        if "workers have died" not in asked.stderr:
            raise Failure("no reason in %r" % asked.stderr)
        equal("mounts", len(self.daemon.mount_ids()), 1)

        def answers():
            try:
                return crashlib.read(os.path.join(
                    self.daemon.mount, "themes/credit/versions/current"))
            except OSError:
                return False
        until("the tree", answers)
        self.judged(path)
        self.judged(self.rate("after.csv", 2001))
        note = os.path.join(self.daemon.state, "trouble")
        until("the end of the note of the trouble",
              lambda: not os.path.exists(note))
        self.examine()

    def replaced(self, change):
        """A worker of another mount is there after change(worker)."""
        worker = self.daemon.role("worker")
        change(worker)
        until("another worker",
              lambda: self.daemon.role("worker") not in (0, worker))
        until("the tree", self.daemon.is_up)
        equal("mounts", len(self.daemon.mount_ids()), 1)

    def begin_older(self):
        """As on a kernel before 6.9."""
        self.daemon.stop()
        self.begin(("-o", "no_resend"))

    def older(self):
        """What is in order costs nobody anything, a death costs the mount."""
        self.begin_older()
        self.unnoticed(lambda: self.daemon.civicfs("reload"))
        self.unnoticed(self.replace_keeper)
        for n in range(4):
            path = self.rate("d%d.csv" % n, 2000 + n)
            self.replaced(lambda worker: kill(
                worker, signal.SIGSTOP if n == 3 else signal.SIGKILL))
            self.judged(path)
        self.examine(inherited=False)

    # --- the mount goes ----------------------------------------------------------

    def all_dead(self):
        """The dead mount is replaced."""
        path = self.rate("closed.csv", 2000)
        with open(path, "rb") as reader:
            worker = self.daemon.role("worker")
            kill(self.daemon.process.pid)
            kill(worker)
            self.daemon.process.wait()
            until("the end of the worker", lambda: not self.workers())
            try:
                os.stat(os.path.join(self.tax, "nothing"))
            except OSError as error:
                if error.errno not in (errno.ENOTCONN, errno.ECONNABORTED):
                    raise
            self.daemon.start()
            try:
                os.fstat(reader.fileno())
                reader.read()
            except OSError as error:
                equal("errno of an old file", error.errno, errno.ENOTCONN)
        equal("mounts", len(self.daemon.mount_ids()), 1)
        self.judged(path)
        self.examine(inherited=False)

    def aborted(self):
        """By the kernel's own switch: it is made again."""
        folder = os.path.join(self.args.folder, "connections")
        os.makedirs(folder, exist_ok=True)
        subprocess.run(["mount", "-t", "fusectl", "fusectl", folder],
                       check=True)
        path = self.rate("closed.csv", 2000)
        number = os.minor(os.stat(self.daemon.mount).st_dev)

        def abort(_):
            with open(os.path.join(folder, "%d/abort" % number), "w",
                      encoding="utf-8") as switch:
                switch.write("1")
        try:
            self.replaced(abort)
        finally:
            subprocess.run(["umount", folder], check=True)
        self.judged(path)
        self.judged(self.rate("after.csv", 2001))
        self.examine(inherited=False)

    def unmounted(self):
        """Lazily, with files open: they go on, then all ends."""
        path = self.rate("closed.csv", 2000)
        self.judged(path)
        with open(path, "rb", buffering=0) as reader:
            subprocess.run(["umount", "-l", self.daemon.mount], check=True)
            if not reader.read(1 << 20).startswith(b"code,"):
                raise Failure("an open file is not served any more")
            equal("civicfsd", self.daemon.process.poll(), None)
        equal("exit status", self.daemon.process.wait(crashlib.PATIENCE), 0)
        until("the end of the worker", lambda: not self.workers())
        self.daemon.process = None

    CASES = ("notifier", "decoder_once", "decoder_twice", "keeper", "second",
             "term", "beginnings", "adopt", "adopt_stopped", "adopt_wrong",
             "reload", "many_reloads", "dies_in_reload", "stopped", "caught",
             "hunted", "never", "older", "all_dead", "aborted", "unmounted")

    def run(self):
        for name in self.args.cases or self.CASES:
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
    parser.add_argument("--rounds", type=int, default=12)
    parser.add_argument("cases", nargs="*", metavar="CASE",
                        help=", ".join(Roles.CASES))
    try:
        Roles(parser.parse_intermixed_args()).run()
    except Failure as error:
        sys.exit("failed: %s" % error)


if __name__ == "__main__":
    main()
