#!/usr/bin/env python3
"""The worker is killed again and again while many clients deliver, replace,
rename, remove, read and list: no call fails, every close() that was answered
is judged once, and the bytes are those that the deliveries make.

    load.py FOLDER [--seconds S] [--pause S] [--seed N] [--clients N] [--off]

FOLDER is a private folder. --pause: the mean time between two deaths; 0:
nobody dies. --off: with passthrough = no."""

import argparse
import collections
import hashlib
import os
import random
import subprocess
import sys
import threading
import time
import traceback

import crashlib
import state_check
from crashlib import Failure, kill, until

GRADES = "ABCD"


class Load:
    def __init__(self, args):
        self.args = args
        self.folder = crashlib.new_city(args.folder)
        if args.off:
            crashlib.change_conf(self.folder, "[platform]\n",
                                 "[platform]\npassthrough = no\n")
        self.control = crashlib.Control(os.path.join(args.folder, "control"))
        self.daemon = crashlib.Daemon(self.folder, self.control)
        self.tax = os.path.join(self.daemon.mount, "inbox/tax/ratings")
        self.aic = os.path.join(self.daemon.mount, "inbox/aic/registrations")
        self.credit = os.path.join(self.daemon.mount, "themes/credit")
        self.model = crashlib.Model()
        self.lock = threading.Lock()
        self.ledger = collections.defaultdict(list)  # name: [sha256]
        self.doubtful = {}  # name: (content, rows) of a client that was killed
        self.counts = collections.Counter()
        self.stopping = threading.Event()
        self.failures = []
        self.hoards = False
        self.grown = collections.defaultdict(list)  # role: [(fds, rss)]

    # --- what was acknowledged -------------------------------------------------

    def acknowledge(self, name, content):
        with self.lock:
            self.ledger[name].append(hashlib.sha256(content).hexdigest())
            self.counts["files"] += 1

    def rows(self, client, n):
        """The bytes of n new rows of a client, that nobody else writes."""
        with self.lock:
            self.counts[client] += n
            first = 1000 + self.counts[client] - n
            return self.model.rate(
                {("E%d" % client, first + i): GRADES[(first + i) % 4]
                 for i in range(n)})

    def wait(self, path, content, ever=True):
        """Waits for the receipt of these bytes."""
        wanted = hashlib.sha256(content).hexdigest()

        def look():
            receipt = crashlib.read_receipt(path)
            return receipt and receipt["sha256"] == wanted and receipt
        receipt = until("the receipt of %s" % path, look, pause=0.03)
        if receipt["state"] != "accepted":
            raise Failure("%s is %s" % (path, receipt["state"]))

    # --- clients ----------------------------------------------------------------

    def put(self, path, content, flags=os.O_CREAT | os.O_EXCL, sync=False):
        fd = os.open(path, os.O_WRONLY | flags, 0o644)
        try:
            step = max(1, len(content) // 3)
            for at in range(0, len(content), step):
                os.write(fd, content[at:at + step])
            if sync:
                os.fsync(fd)
        finally:
            os.close(fd)

    def deliverer(self, client, rng):
        for n in range(1000000):
            if self.stopping.is_set() or self.counts[client] > 7000:
                return
            name = "c%d-%d.csv" % (client, n)
            self.one_file(client, rng, name, os.path.join(self.tax, name))
            time.sleep(rng.random() * 0.05)

    def one_file(self, client, rng, name, path):
        content = self.rows(client, rng.randint(1, 4))
        way = rng.randrange(6)
        if way == 0:
            self.put(path + ".part", content, sync=True)
            os.rename(path + ".part", path)
        elif way == 1:
            self.put(os.path.join(self.tax, "." + name), content)
            os.chmod(os.path.join(self.tax, "." + name), 0o600)
            os.rename(os.path.join(self.tax, "." + name), path)
        else:
            self.put(path, content, sync=way == 2)
        self.acknowledge(name, content)
        if way < 3:
            return
        self.wait(path, content)
        if way == 3:
            os.unlink(path)
            if os.path.exists(path):
                raise Failure("%s is still there" % path)
            return
        again = self.rows(client, 2)
        if way == 4:
            self.put(path, again, os.O_TRUNC)
        else:
            self.put(path + ".part", again)
            os.rename(path + ".part", path)
        self.acknowledge(name, again)
        self.wait(path, again)
        os.setxattr(path, "user.note", b"twice", os.XATTR_CREATE)
        if os.getxattr(path, "user.civicfs.status") != b"accepted":
            raise Failure("%s: a status of other bytes" % path)

    def tidier(self, client, rng):
        """Temporary files that come and go are nobody's business."""
        path = os.path.join(self.tax, "t%d.tmp" % client)
        while not self.stopping.is_set():
            self.put(path, b"x" * rng.randint(0, 9000))
            os.truncate(path, 100)
            os.utime(path, (1e9, 1e9))
            state = os.stat(path)
            if (state.st_size, state.st_mtime) != (100, 1e9):
                raise Failure("%s: %r" % (path, state))
            os.rename(path, path + "2.tmp")
            with open(path + "2.tmp", "rb") as reader:
                os.unlink(path + "2.tmp")
                reader.read()
            time.sleep(rng.random() * 0.05)

    def registrar(self, client, rng):
        """Snapshots, one verdict after the other."""
        path = os.path.join(self.aic, "all.csv")
        n = 0
        while not self.stopping.is_set() or n == 0:
            n += 1
            with self.lock:
                content = self.model.register(
                    {"E%d" % i: "name %d.%d" % (i, n)
                     for i in range(self.args.clients + 2)})
            self.put(path, content, os.O_CREAT | os.O_TRUNC)
            self.acknowledge("all.csv", content)
            self.wait(path, content)
            time.sleep(rng.random() * 0.1)

    def victim(self, client, rng):
        """Programs that are killed while they write: their file is whole, or
        it is not judged."""
        n = 0
        while not self.stopping.is_set():
            n += 1
            name = "v%d-%d.csv" % (client, n)
            rows = {("V%d-%d" % (client, n), 2000 + i): "A" for i in range(40)}
            content = crashlib.Model().rate(rows)
            with self.lock:
                self.doubtful[name] = (content, rows)
            source = os.path.join(self.args.folder, name)
            with open(source, "wb") as file:
                file.write(content)
            with subprocess.Popen(
                    ["dd", "if=" + source, "of=" + os.path.join(
                        self.tax, name), "bs=64", "status=none"]) as writer:
                time.sleep(rng.random() * 0.02)
                writer.kill()
            os.unlink(source)
            self.counts["killed clients"] += 1
            time.sleep(rng.random() * 0.1)

    def reader(self, client, rng):
        """A version is the same for ever, and whole."""
        digests = {}
        while not self.stopping.is_set():
            current = int(crashlib.read(os.path.join(
                self.credit, "versions/current")))
            if not current:
                time.sleep(0.05)
                continue
            version = rng.randint(max(1, current - 3), current)
            folder = os.path.join(self.credit, "versions/%d" % version)
            if rng.randrange(8):
                got = hashlib.sha256(crashlib.read(
                    os.path.join(folder, "data.csv"))).hexdigest()
                if digests.setdefault(version, got) != got:
                    raise Failure("version %d has changed" % version)
            elif subprocess.run(["sha256sum", "--quiet", "-c", "SHA256SUMS"],
                                cwd=folder, check=False).returncode:
                raise Failure("version %d is not what its sums say" % version)
            self.counts["reads"] += 1

    def lister(self, client, rng):
        """What stays is listed once in each listing."""
        while not self.stopping.is_set():
            with self.lock:
                before = {name for name in self.ledger if name[0] == "c" and
                          os.path.exists(os.path.join(self.tax, name))}
            names = os.listdir(self.tax)
            double = [name for name, n in collections.Counter(names).items()
                      if n > 1]
            if double:
                raise Failure("listed twice: %r" % double)
            for name in before.difference(names):
                if os.path.exists(os.path.join(self.tax, name)):
                    raise Failure("not listed: %s" % name)
            for name in rng.sample(names, min(20, len(names))):
                try:
                    os.stat(os.path.join(self.tax, name))
                except FileNotFoundError:
                    pass  # removed since
            self.counts["listings"] += 1
            time.sleep(0.02)

    def asker(self, client, rng):
        """The command line, beside everything else; also what replaces the
        worker on purpose."""
        verbs = (("status",), ("themes",), ("submissions",),
                 ("versions", "credit"), ("reload",))
        while not self.stopping.wait(rng.random() * 0.3):
            try:
                self.daemon.civicfs(*rng.choice(verbs), "--json")
            except Failure as error:
                if "ask again" not in str(error):
                    raise
            self.counts["questions"] += 1

    def killer(self, client, rng):
        """By time, and by call."""
        while not self.stopping.wait(rng.expovariate(1 / self.args.pause)):
            if rng.randrange(2):
                kills = self.control.now.kills
                self.control.arm(rng.randint(1, 60), rng.choice((0, 0, 5, 40)),
                                 rng.randrange(2))
                end = time.monotonic() + 1
                while self.control.now.kills == kills and \
                        time.monotonic() < end:
                    time.sleep(0.002)
                self.control.disarm()
                self.counts["kills"] += self.control.now.kills - kills
                continue
            worker = self.daemon.role("worker")
            if worker:
                kill(worker)
                self.counts["kills"] += 1

    def watcher(self, client, rng):
        """Those who live on do not grow."""
        while not self.stopping.wait(0.1):
            for name, pid in (("keeper", self.daemon.process.pid),
                              ("notifier", self.daemon.role("notifier")),
                              ("herald", self.daemon.role("herald"))):
                try:
                    fds = len(os.listdir("/proc/%d/fd" % pid))
                    rss = int(crashlib.read(
                        "/proc/%d/statm" % pid).split()[1])
                except FileNotFoundError:
                    continue
                self.grown[name].append((fds, rss * os.sysconf("SC_PAGESIZE")))
        # a sanitizer keeps what was freed
        self.hoards = b"libasan" in crashlib.read(
            "/proc/%d/maps" % self.daemon.process.pid)

    def compare_growth(self):
        """Between the first and the last quarter of the time."""
        for name, seen in self.grown.items():
            n = len(seen) // 4
            if n < 5:
                continue
            # one is in use now and then
            for what, i, more in (("descriptors", 0, 1),
                                  ("bytes of memory", 1, 2 << 20)):
                if i and self.hoards:
                    continue
                first = sorted(s[i] for s in seen[:n])[n // 2]
                last = sorted(s[i] for s in seen[-n:])[n // 2]
                if last > first + more:
                    raise Failure("the %s had %d %s, then %d" %
                                  (name, first, what, last))

    # --- the end -----------------------------------------------------------------

    def judge_doubtful(self, receipts):
        """A file whose writer was killed is judged by its verdict: only the
        whole bytes can have been accepted."""
        for name, (content, rows) in self.doubtful.items():
            got = receipts.pop(name, [])
            if len(got) > 1:
                raise Failure("%s has %d submissions" % (name, len(got)))
            for sha256, state in got:
                whole = sha256 == hashlib.sha256(content).hexdigest()
                if state == "accepted" and whole:
                    self.model.ratings.update(rows)
                elif state != "incomplete":
                    raise Failure("%s, of a killed writer, is %s" %
                                  (name, state))
                self.counts["killed and " + state] += 1

    def compare_ledger(self):
        check = state_check.Check(self.daemon.state, True, True)
        receipts = collections.defaultdict(list)
        for name, sha256, state in check.rows(
                "SELECT name, lower(hex(sha256)), state FROM submission"
                " ORDER BY number"):
            receipts[name].append((sha256, state))
        check.db.close()
        self.judge_doubtful(receipts)
        for name, sent in self.ledger.items():
            got = receipts.pop(name, [])
            if got != [(sha256, "accepted") for sha256 in sent]:
                raise Failure("%s: sent %r, judged %r" % (name, sent, got))
        if receipts:
            raise Failure("nobody sent %r" % list(receipts))

    def examine(self):
        self.daemon.settle()
        self.compare_ledger()
        crashlib.compare(self.daemon.mount, self.model)
        if state_check.check(self.daemon.state, inherited=True):
            raise Failure("the state is not sound")
        self.daemon.civicfs("verify")
        self.daemon.stop()
        self.daemon.start()
        crashlib.compare(self.daemon.mount, self.model)
        if state_check.check(self.daemon.state):
            raise Failure("the state is not sound after a restart")
        self.daemon.stop()

    def client(self, body, number):
        try:
            body(number, random.Random(self.args.seed * 1000 + number))
        except (Failure, OSError, AssertionError):
            with self.lock:
                self.failures.append("%s: %s" % (body.__name__,
                                                 traceback.format_exc()))
            self.stopping.set()

    def run(self):
        bodies = [self.registrar, self.tidier, self.victim, self.reader,
                  self.reader, self.lister, self.asker, self.watcher]
        if self.args.pause:
            bodies.append(self.killer)
        bodies += [self.deliverer] * self.args.clients
        self.daemon.start()
        try:
            threads = [threading.Thread(target=self.client, args=(
                body, number), daemon=True)
                       for number, body in enumerate(reversed(bodies))]
            for thread in threads:
                thread.start()
            self.stopping.wait(self.args.seconds)
            self.stopping.set()
            for thread in threads:
                thread.join(2 * crashlib.PATIENCE)
                if thread.is_alive():
                    raise Failure("a client hangs")
            self.control.disarm()
            if self.failures:
                raise Failure("; ".join(self.failures))
            self.compare_growth()
            self.examine()
        finally:
            self.control.disarm()
            self.daemon.end()
        print(", ".join("%d %s" % (n, what) for what, n in sorted(
            self.counts.items(), key=str) if isinstance(what, str)))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("folder")
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--pause", type=float, default=0.2)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--clients", type=int, default=4)
    parser.add_argument("--off", action="store_true")
    args = parser.parse_args()
    os.makedirs(args.folder, exist_ok=True)
    load = Load(args)
    try:
        load.run()
    except (Failure, OSError) as error:
        sys.exit("failed: %s" % error)
    if args.pause and not load.counts["kills"]:
        sys.exit("failed: nothing was killed")


if __name__ == "__main__":
    main()
