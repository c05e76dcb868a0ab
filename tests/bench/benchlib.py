"""The frame of the benchmarks: rounds in which subject and peer alternate,
what each of them used, and the one table.

A benchmark is a file bN.py with

    NAMES = {"B6": "what it measures", …}
    def run(bench, wanted): …           # wanted: those of NAMES to measure

that calls bench.compare() for each line of the table. A wrong answer is
bench.differ(), which ends the run: a fast wrong answer has no ratio."""

import hashlib
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time

MIB = 1 << 20


class Wrong(Exception):
    """Subject and peer, or two rounds, gave different answers."""


class Missing(Exception):
    """A peer that cannot be had, or a thing the subject refuses."""


# ---- processes ---------------------------------------------------------------

def read_text(path):
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read()
    except (FileNotFoundError, ProcessLookupError):
        return ""


def family(pid):
    """A process and what descends from it."""
    found = [pid]
    for task in read_text("/proc/%d/task/%d/children" % (pid, pid)).split():
        found += family(int(task))
    return found


def cpu_of(pids):
    """Seconds of these and of the children they have reaped."""
    ticks = 0
    for pid in pids:
        stat = read_text("/proc/%d/stat" % pid)
        if stat:
            ticks += sum(int(part) for part
                         in stat.rsplit(")", 1)[1].split()[11:15])
    return ticks / os.sysconf("SC_CLK_TCK")


def anonymous(pid):
    """MiB of anonymous memory now."""
    for line in read_text("/proc/%d/status" % pid).splitlines():
        if line.startswith("RssAnon:"):
            return int(line.split()[1]) / 1024
    return 0


class Watch:
    """The most anonymous memory of each process below some, by its name;
    looked at fifty times a second."""

    def __init__(self, *pids):
        self.pids = pids
        self.peaks = {}
        self.ended = threading.Event()
        self.thread = threading.Thread(target=self.look, daemon=True)

    def look(self):
        while True:
            for top in self.pids:
                for pid in family(top):
                    name = read_text("/proc/%d/comm" % pid).strip()
                    peak = anonymous(pid)
                    if peak:
                        self.peaks[name] = max(self.peaks.get(name, 0), peak)
            if self.ended.wait(0.02):
                return

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.ended.set()
        self.thread.join()


class Sample:
    """One party in one round: seconds on the clock, seconds of CPU of all its
    processes, the most anonymous memory (MiB) of any of them."""

    def __init__(self, seconds, cpu=0.0, peaks=None):
        self.seconds = seconds
        self.cpu = cpu
        self.peaks = peaks or {}

    @property
    def peak(self):
        return max(self.peaks.values(), default=0)


class Ended:
    """A command that has been run: its output, times and memory."""

    def __init__(self, args, watch=(), **options):
        began = time.monotonic()
        with subprocess.Popen([str(arg) for arg in args],
                              stdout=subprocess.PIPE, **options) as child:
            with Watch(child.pid, *watch) as seen:
                self.out = child.stdout.read().decode()
                _, status, usage = os.wait4(child.pid, 0)
            child.returncode = os.waitstatus_to_exitcode(status)
        self.seconds = time.monotonic() - began
        self.cpu = usage.ru_utime + usage.ru_stime
        self.peaks = seen.peaks
        if child.returncode:
            raise Wrong("'%s' ended with %d" % (" ".join(map(str, args)),
                                                child.returncode))

    @property
    def json(self):
        return json.loads(self.out)

    def sample(self, seconds=None):
        return Sample(self.seconds if seconds is None else seconds,
                      self.cpu, self.peaks)


def sha256(path):
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        for block in iter(lambda: file.read(MIB), b""):
            digest.update(block)
    return digest.hexdigest()


def load_average():
    return read_text("/proc/loadavg").split()[0]


# ---- the table ---------------------------------------------------------------

class Line:
    """One line of the table: a ratio for each round."""

    def __init__(self, ident, what, peer, target, ratios, ours, theirs):
        self.ident, self.what, self.peer = ident, what, peer
        self.target, self.ratios = target, ratios
        self.ours, self.theirs = ours, theirs
        self.reason = ""

    def verdict(self):
        if not self.ratios:
            return self.reason
        if not self.target:
            return ""
        sign, bound = self.target
        median = statistics.median(self.ratios)
        good = median >= bound if sign == ">=" else median <= bound
        return "yes" if good else "no"

    def cells(self):
        def both(of, form):
            parts = [form % max(of(s) for s in some) if some else "-"
                     for some in (self.ours, self.theirs)]
            return " / ".join(parts)

        ratio = spread = "-"
        if self.ratios:
            ratio = short(statistics.median(self.ratios))
            spread = "%s to %s" % (short(min(self.ratios)),
                                   short(max(self.ratios)))
        target = "%s %s" % self.target if self.target else ""
        cpu = [short(statistics.median(s.cpu for s in some)) if some else "-"
               for some in (self.ours, self.theirs)]
        return [self.ident, self.what, self.peer, ratio, spread, target,
                self.verdict(), " / ".join(cpu), both(lambda s: s.peak, "%.0f")]


HEADER = ["id", "subject", "peer", "ratio", "min to max", "target", "reached",
          "CPU s", "peak MiB"]


def short(number):
    return "%.2f" % number if number < 100 else "%.0f" % number


def table(lines):
    rows = [HEADER] + [line.cells() for line in lines]
    widths = [max(len(row[i]) for row in rows) for i in range(len(HEADER))]
    text = []
    for k, row in enumerate(rows):
        text.append("| " + " | ".join(cell.ljust(width) for cell, width
                                      in zip(row, widths)) + " |")
        if k == 0:
            text.append("|" + "|".join("-" * (w + 2) for w in widths) + "|")
    return "\n".join(text)


# ---- one run -----------------------------------------------------------------

class Bench:
    """A run: its sizes, its private folder, its peers, its lines."""

    def __init__(self, args):
        self.build = os.path.abspath(args.build)
        self.source = os.path.dirname(os.path.abspath(__file__))
        self.size = "tiny" if args.tiny else "quick" if args.quick else "full"
        self.rows = args.rows or self.sized(1000000, 100000, 300)
        self.rounds = args.rounds or self.sized(5, 5, 1)
        self.peers = args.peers and os.path.abspath(args.peers)
        self.lines, self.notes, self.peaks, self.peer_peaks = [], [], {}, {}
        self.made, self.cleaners = {}, []
        self.folder = tempfile.mkdtemp(prefix="civicfs-bench-", dir=args.where)
        os.chmod(self.folder, 0o755)

    def sized(self, full, quick, tiny):
        return {"full": full, "quick": quick, "tiny": tiny}[self.size]

    def path(self, *names):
        return os.path.join(self.folder, *names)

    def program(self, name):
        for folder in ("tests/bench", "."):
            path = os.path.join(self.build, folder, name)
            if os.path.exists(path):
                return path
        raise Wrong("no '%s' in '%s': run make bench there"
                    % (name, self.build))

    def peer(self, name):
        """The path of a peer's program or folder, as tests/bench/peers has
        installed it; Missing with its reason when there is none."""
        if not self.peers:
            raise Missing("peers are off")
        path = os.path.join(self.peers, name)
        if not os.path.exists(path):
            reason = read_text(path + ".missing").strip()
            raise Missing(reason or "not installed: see tests/bench/peers")
        return path

    def run(self, *args, **options):
        return Ended(args, **options)

    def tool(self, name, *args, **options):
        """A program of this folder: what it printed, with its usage."""
        return Ended([self.program(name)] + list(args), **options)

    def rows_file(self, name, *args):
        """A file of make_rows, made once in a run."""
        path = self.path(name)
        if path not in self.made:
            with open(path, "wb") as out:
                subprocess.run([self.program("make_rows")]
                               + [str(arg) for arg in args],
                               stdout=out, check=True)
            self.made[path] = True
        return path

    def once(self, name, make):
        """What several benchmarks use and is made by the first."""
        if name not in self.made:
            self.made[name] = make()
        return self.made[name]

    def at_end(self, function):
        self.cleaners.append(function)

    def clean(self):
        for function in reversed(self.cleaners):
            try:
                function()
            except (OSError, subprocess.SubprocessError) as error:
                print("clean-up: %s" % error, file=sys.stderr)
        shutil.rmtree(self.folder, ignore_errors=True)

    # -- what the kernel asks

    def tracefs(self):
        folder = self.path("tracefs")
        os.mkdir(folder)
        done = subprocess.run(["mount", "-t", "tracefs", "tracefs", folder],
                              check=False, capture_output=True)
        if done.returncode:
            return None
        self.at_end(lambda: subprocess.run(["umount", folder], check=True))
        return folder

    def requests(self, mount, function):
        """How often the kernel asked the daemon of a mount, by operation,
        while the function ran; None where that cannot be counted. In a pass
        of its own: counting takes time."""
        folder = self.once("tracefs", self.tracefs)
        if folder is None:
            function()
            return None
        with subprocess.Popen(
                [self.program("count_requests"), folder,
                 str(os.minor(os.stat(mount).st_dev))],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE) as counter:
            counting = counter.stdout.readline() == b"ready\n"
            function()
            out, _ = counter.communicate()
        return json.loads(out) if counting else None

    @staticmethod
    def said(counts):
        if counts is None:
            return "requests not counted (no tracepoint here)"
        rest = ["%d %s" % (counts[name], name) for name in counts
                if name != "all" and counts[name]]
        return "%d requests (%s); %d READ" % (
            counts["all"], ", ".join(rest) or "none", counts["read"])

    # -- measuring

    def alternate(self, parties, rounds=None):
        """Each party once a round, in turning order; the samples of each.
        A party whose function raises Missing is left out, with its reason."""
        samples = {name: [] for name in parties}
        missing = {}
        for number in range(rounds or self.rounds):
            order = list(parties)
            for name in order if number % 2 == 0 else reversed(order):
                if name in missing:
                    continue
                try:
                    samples[name].append(parties[name]())
                except Missing as reason:
                    missing[name] = str(reason)
            self.progress(number, samples)
        for name, reason in missing.items():
            samples[name] = Missing(reason)
        return samples

    def progress(self, number, samples):
        said = ["%s %.3f s" % (name, some[-1].seconds)
                for name, some in samples.items() if some]
        print("   round %d: %s" % (number + 1, ", ".join(said)), flush=True)

    def compare(self, ident, what, peer, samples, ours, theirs, target=None,
                kind="rate"):
        """A line of the table. kind 'rate': the ratio is theirs / ours in
        seconds, more is better; 'time': ours / theirs, less is better."""
        mine, other = samples[ours], samples[theirs]
        line = Line(ident, what, peer, target, [], [], [])
        for some in (mine, other):
            if isinstance(some, Missing):
                line.reason = "missing: %s" % some
        if not isinstance(mine, Missing):
            line.ours = mine
        if not line.reason:
            line.theirs = other
            for a, b in zip(mine, other):
                line.ratios.append(a.seconds / b.seconds if kind == "time"
                                   else b.seconds / a.seconds)
        for sample in line.ours:
            self.note_peaks(sample.peaks)
        name = peer.split()[0]
        if name in ("sqlite3", "DuckDB"):
            for sample in line.theirs:
                self.peer_peaks[name] = max(self.peer_peaks.get(name, 0),
                                            sample.peak)
        self.lines.append(line)

    def ratio(self, ident, what, peer, ratios, target=None):
        """A line whose ratios are not those of two times."""
        self.lines.append(Line(ident, what, peer, target, list(ratios), [],
                               []))

    def without(self, ident, what, reason):
        """A line that says why there is no ratio."""
        line = Line(ident, what, "-", None, [], [], [])
        line.reason = reason
        self.lines.append(line)

    def note_peaks(self, peaks):
        for name, peak in peaks.items():
            self.peaks[name] = max(self.peaks.get(name, 0), peak)

    def note(self, ident, text):
        self.notes.append((ident, text))
        print("   %s: %s" % (ident, text), flush=True)

    @staticmethod
    def same(what, *answers):
        if len(set(answers)) != 1:
            raise Wrong("%s differ: %s" % (what, ", ".join(map(str, answers))))
