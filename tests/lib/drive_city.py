#!/usr/bin/env python3
"""Sends the files of a random city to a mounted one, and compares.

    drive_city.py send CITY MOUNT CIVICFS OUT [--together] [--shuffle SEED]
    drive_city.py compare CITY MOUNT OUT [--final]

'send' copies the files of CITY/submissions.list one after the other, waits
for each verdict and keeps the receipts in OUT/receipts.json. --together drops
the files of different resources at once; --shuffle changes the order between
resources, not within one. 'compare' lets the oracle compute the same and
names each difference; --final leaves out what depends on the order between
resources (numbers of versions, changes)."""

import argparse
import collections
import json
import os
import random
import shutil
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "oracle"))

import civic_oracle


def read_list(city):
    with open(os.path.join(city, "submissions.list"), encoding="utf-8") as f:
        return [line.rstrip("\n").split("=", 1) for line in f]


NO_DAEMON = 3


def wait(civicfs, city):
    """A worker that was killed has nobody to answer: asked again."""
    for _ in range(100):
        done = subprocess.run(
            [civicfs, "-c", os.path.join(city, "civicfs.conf"), "wait",
             "--timeout", "60"], capture_output=True, text=True, check=False)
        if done.returncode == 0:
            return
        if done.returncode != NO_DAEMON:
            break
        time.sleep(0.05)
    sys.exit("wait ended with %d: %s%s" % (done.returncode, done.stdout,
                                           done.stderr))


def waves(order, together, shuffle):
    """Groups of submissions that are sent at once."""
    if shuffle is not None:
        queues = collections.defaultdict(list)
        for name, path in order:
            queues[name].append((name, path))
        slots = [name for name, _ in order]
        random.Random(shuffle).shuffle(slots)
        order = [queues[name].pop(0) for name in slots]
    if not together:
        return [[one] for one in order]
    out = []
    for name, path in order:
        if not out or any(name == other for other, _ in out[-1]):
            out.append([])
        out[-1].append((name, path))
    return out


def send(args):
    receipts = []
    for wave in waves(read_list(args.city), args.together, args.shuffle):
        targets = []
        for name, path in wave:
            target = os.path.join(args.mount, "inbox", name,
                                  os.path.basename(path))
            shutil.copyfile(os.path.join(args.city, path), target)
            targets.append((name, path, target))
        wait(args.civicfs, args.city)
        for name, path, target in targets:
            receipt = {"state": "incomplete"}
            try:
                with open(target + ".receipt.json", encoding="utf-8") as f:
                    receipt = json.load(f)
            except FileNotFoundError:
                pass
            receipts.append({"resource": name, "path": path,
                             "receipt": receipt})
    os.makedirs(args.out, exist_ok=True)
    with open(os.path.join(args.out, "receipts.json"), "w",
              encoding="utf-8") as f:
        json.dump(receipts, f, ensure_ascii=False, indent=1)


class Differences:
    def __init__(self):
        self.count = 0

    def say(self, text):
        self.count += 1
        if self.count <= 40:
            print(text)

    def equal(self, what, got, expected):
        if got != expected:
            self.say("%s\n  mount:  %.3000r\n  oracle: %.3000r" % (
                what, got, expected))


# Which cells a short or long row lacks is told in many ways; so are the
# faults beside it.
LOOSE = {"missing-cell", "extra-cell"}
WHOLE_FILE = {"format-error", "encoding-error", "shrink"}


def faults(entries):
    """Comparable faults: {(row, line): {(field, code)}}."""
    out = collections.defaultdict(set)
    for row, line, field, code in entries:
        row = row or 0
        line = line or 0
        if code in WHOLE_FILE:
            row, line, field = 0, 0, ""
        if code in LOOSE or code in ("primary-key", "blank-row",
                                     "duplicate-row"):
            field = ""
        if code in ("missing-label", "extra-label", "duplicate-label"):
            line = 0
        out[row, line].add((field or "", code))
    for found in out.values():
        loose = {pair for pair in found if pair[1] in LOOSE}
        if loose:
            found.intersection_update(loose)
    return dict(out)


def of_receipt(entries):
    return faults((e["row"], e["line"], e["field"], e["code"])
                  for e in entries)


def compare_receipt(diff, what, receipt, verdict):
    mine = verdict.as_json()
    if mine["state"] == "superseded":
        mine["state"] = "quarantined"  # as it was when its receipt was read
    diff.equal(what + ": state", receipt["state"], mine["state"])
    if receipt["state"] != mine["state"] or mine["state"] == "incomplete":
        return
    skip = set()
    if mine["state"] in ("quarantined", "rejected"):
        skip = {"accepted", "inserted", "updated", "deleted", "unchanged"}
    diff.equal(what + ": rows",
               {k: v for k, v in receipt["rows"].items() if k not in skip},
               {k: v for k, v in mine["rows"].items() if k not in skip})
    diff.equal(what + ": errors", of_receipt(receipt["errors"]),
               faults(mine["errors"]))
    if mine["state"] != "rejected":
        told = of_receipt(receipt["warnings"])
        warned = faults(mine["warnings"])
        if receipt["warning_count"] > len(receipt["warnings"]):
            # The first by row: of the last row some may be missing.
            last = receipt["warnings"][-1]["row"]
            told = {at: told[at] for at in told if at[0] < last}
            warned = {at: warned[at] for at in warned if at[0] < last}
        diff.equal(what + ": warnings", told, warned)


def read_bytes(path):
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError as error:
        return str(error).encode()


def compare_bytes(diff, what, got, expected):
    if got == expected:
        return
    got_lines = got.split(b"\n")
    expected_lines = expected.split(b"\n")
    for number, (one, two) in enumerate(zip(got_lines, expected_lines), 1):
        if one != two:
            diff.equal("%s: line %d" % (what, number),
                       one.decode("utf-8", "replace"),
                       two.decode("utf-8", "replace"))
            return
    diff.equal(what + ": lines", len(got_lines), len(expected_lines))


def index_of(path):
    """The columns of versions/index.csv that the oracle knows."""
    lines = read_bytes(path).decode("utf-8").splitlines()
    out = []
    for line in lines[1:]:
        cells = line.split(",")
        out.append([cells[0]] + cells[3:7])
    return out


def compare(args):
    with open(os.path.join(args.out, "receipts.json"), encoding="utf-8") as f:
        receipts = json.load(f)
    city = civic_oracle.City(args.city)
    diff = Differences()
    verdicts = []
    for number, entry in enumerate(receipts, 1):
        receipt = entry["receipt"]
        day = receipt.get("submission", "20260101")[:8]
        verdict = city.submit(entry["resource"],
                              os.path.join(args.city, entry["path"]),
                              "%s-%s-%s" % (day[:4], day[4:6], day[6:]))
        verdicts.append(("%d %s=%s" % (number, entry["resource"],
                                       entry["path"]), receipt, verdict))
    for what, receipt, verdict in verdicts:
        compare_receipt(diff, what, receipt, verdict)
        if not args.final and receipt.get("published") is not None:
            got = sorted((p["dataset"], p["version"])
                         for p in receipt["published"]
                         if p["dataset"] in city.themes)
            diff.equal(what + ": published", got, sorted(verdict.published))

    for theme in city.themes.values():
        folder = os.path.join(args.mount, "themes", theme.config.id)
        for name, content in sorted(theme.files.items()):
            compare_bytes(diff, theme.config.id + "/" + name,
                          read_bytes(os.path.join(folder, name)), content)
        sources = os.listdir(os.path.join(folder, "sources"))
        diff.equal(theme.config.id + "/sources", sorted(sources),
                   sorted(name[8:] for name in theme.files
                          if name.startswith("sources/")))
        if args.final:
            continue
        for number, content in enumerate(theme.changes, 1):
            name = "changes/%d.csv" % number
            compare_bytes(diff, theme.config.id + "/" + name,
                          read_bytes(os.path.join(folder, name)), content)
        current = read_bytes(os.path.join(folder, "versions/current"))
        diff.equal(theme.config.id + "/versions/current", current,
                   b"%d\n" % theme.version)
        diff.equal(theme.config.id + "/versions/index.csv",
                   index_of(os.path.join(folder, "versions/index.csv")),
                   [[str(n)] + [str(c) for c in counts]
                    for n, counts in enumerate(theme.versions, 1)])
    states = collections.Counter(v.state for _, _, v in verdicts)
    print("%d submissions (%s), %d differences" % (
        len(verdicts), ", ".join("%d %s" % (n, s) for s, n in
                                 sorted(states.items())), diff.count))
    sys.exit(1 if diff.count else 0)


def main():
    parser = argparse.ArgumentParser()
    verbs = parser.add_subparsers(dest="verb", required=True)
    one = verbs.add_parser("send")
    for name in ("city", "mount", "civicfs", "out"):
        one.add_argument(name)
    one.add_argument("--together", action="store_true")
    one.add_argument("--shuffle", type=int)
    one.set_defaults(run=send)
    two = verbs.add_parser("compare")
    for name in ("city", "mount", "out"):
        two.add_argument(name)
    two.add_argument("--final", action="store_true")
    two.set_defaults(run=compare)
    args = parser.parse_args()
    args.run(args)


if __name__ == "__main__":
    main()
