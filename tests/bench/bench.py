#!/usr/bin/python3
"""All benchmarks, or those that are named, and their one table.

    bench.py [--quick=yes] [--rows=N] [--rounds=N] [--peers=DIR] [--out=FILE]
             [--where=DIR] BUILD [ID …]

BUILD is a folder where civicfs and the programs of tests/bench were built
without sanitizers ('make bench' does it). Needs root, for the mounts. Works
in a private folder, below --where or TMPDIR, which it removes; two runs may
go at once, but then measure each other. Ends with 1 when an answer was wrong;
never because something was slow."""

import argparse
import importlib
import os
import platform
import signal
import subprocess
import sys
import time

import benchlib

MODULES = ["b0", "b1", "b2", "b3", "b4", "b5", "b6", "b7", "b8",
           "b9", "b11", "b10"]


def arguments():
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", default="")
    parser.add_argument("--tiny", action="store_true",
                        help="sizes that measure nothing, for a test")
    parser.add_argument("--rows", type=lambda n: int(n or 0), default=0)
    parser.add_argument("--rounds", type=lambda n: int(n or 0), default=0)
    parser.add_argument("--peers", default="",
                        help="a folder of tests/bench/peers")
    parser.add_argument("--out", default="",
                        help="the report goes there too")
    parser.add_argument("--where", default=None,
                        help="on which file system to measure")
    parser.add_argument("build")
    parser.add_argument("ids", nargs="*", metavar="ID")
    args = parser.parse_args()
    args.quick = args.quick not in ("", "0", "no")
    return args


def modules(ids):
    """Which files to run and which of their ids, in their order."""
    found, known = [], []
    for name in MODULES:
        module = importlib.import_module(name)
        known += module.NAMES
        wanted = [i for i in module.NAMES if not ids or i in ids]
        if wanted:
            found.append((module, wanted))
    unknown = [i for i in ids if i not in known]
    if unknown:
        sys.exit("bench: no benchmark '%s'; there are %s"
                 % (unknown[0], " ".join(known)))
    return found


def machine():
    model = [line.split(":", 1)[1].strip() for line
             in benchlib.read_text("/proc/cpuinfo").splitlines()
             if line.startswith("model name")]
    memory = benchlib.read_text("/proc/meminfo").split()[1]
    return "%d cores (%s), %d MiB, Linux %s" % (
        os.cpu_count(), model[0] if model else "?", int(memory) // 1024,
        platform.release())


def file_system(folder):
    return subprocess.run(["findmnt", "-n", "-o", "FSTYPE", "-T", folder], check=True,
                          capture_output=True, text=True).stdout.strip()


def report(bench, began, load):
    text = ["", time.strftime("%Y-%m-%d %H:%M", time.localtime())
            + ", " + machine() + ", %s" % file_system(bench.folder),
            "sizes: %s, %d rows, %d rounds; load %s at the start, %s at the"
            " end; %d s" % (bench.size, bench.rows, bench.rounds, load,
                            benchlib.load_average(),
                            time.monotonic() - began), "",
            benchlib.table(bench.lines), ""]
    text += ["%s: %s" % note for note in bench.notes]
    return "\n".join(text) + "\n"


def end(number, _):
    """What has been measured is still said, and what was made removed."""
    raise KeyboardInterrupt(number)


def measure(bench, todo, began):
    """1 when an answer was wrong, or when it was ended."""
    status = 0
    try:
        for module, wanted in todo:
            print("== %s (%d s)" % ("; ".join(
                "%s: %s" % (i, module.NAMES[i]) for i in wanted),
                time.monotonic() - began), flush=True)
            what = module.NAMES[wanted[0]]
            try:
                module.run(bench, wanted)
            except benchlib.Missing as reason:
                bench.without(wanted[0], what, "missing: %s" % reason)
            except (benchlib.Wrong, OSError,
                    subprocess.SubprocessError) as error:
                print("WRONG: %s: %s" % (wanted[0], error), flush=True)
                bench.without(wanted[0], what, "WRONG, see above")
                status = 1
    except KeyboardInterrupt:
        print("ended by a signal", flush=True)
        status = 1
    return status


def main():
    args = arguments()
    if os.getuid() != 0:
        sys.exit("bench: needs root, for the mounts")
    todo = modules(args.ids)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, end)
    began, load = time.monotonic(), benchlib.load_average()
    bench = benchlib.Bench(args)
    try:
        status = measure(bench, todo, began)
        text = report(bench, began, load)
    finally:
        bench.clean()
    sys.stdout.write(text)
    if args.out:
        with open(args.out, "a", encoding="utf-8") as out:
            out.write(text)
    return status


if __name__ == "__main__":
    sys.exit(main())
