#!/usr/bin/env python3
"""Delivers changes of many rows to the small city, and compares every version
with what the oracle computes from the same files.

    large_changes.py CITY MOUNT CIVICFS OUT SEED rounds NUMBER
    large_changes.py CITY MOUNT CIVICFS OUT SEED withdraw
    large_changes.py CITY MOUNT CIVICFS OUT SEED check
    large_changes.py CITY MOUNT CIVICFS OUT SEED merged

'rounds' delivers a large file and a small one, in turns to either resource,
and keeps what each version is to be in OUT. 'withdraw' has a large one undone
from the middle of what was sent. 'check' reads every version that is there,
and the changes between some. 'merged' waits until runs have been merged and no
resource, lens or theme has more than four."""

import csv
import datetime
import io
import json
import os
import random
import sqlite3
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "oracle"))

import civic_oracle

CODES = 1800
COMPARED = ("data.csv", "conflicts.csv", "orphans.csv", "sources/")
COLUMNS = {"aic/registrations": "code,name,capital",
           "tax/ratings": "code,year,payer,grade,rated_on"}


class Changes:
    def __init__(self, city, mount, civicfs, out, seed):
        self.city, self.mount, self.out = city, mount, out
        self.command = [civicfs, "-c", os.path.join(city, "civicfs.conf")]
        self.theme = os.path.join(mount, "themes/credit")
        self.seed = seed
        self.log = os.path.join(out, "sent.json")
        self.sent = []  # submission, resource, path
        os.makedirs(os.path.join(out, "versions"), exist_ok=True)
        if os.path.exists(self.log):
            with open(self.log, encoding="utf-8") as file:
                self.sent = json.load(file)
        self.oracle = None

    def fold(self):
        self.oracle = civic_oracle.City(self.city)
        for _, name, path in self.sent:
            self.oracle.submit(name, path, datetime.date.today().isoformat())

    def tool(self, *words):
        subprocess.run(self.command + list(words), check=True,
                       stdout=subprocess.DEVNULL)

    def version(self):
        with open(os.path.join(self.theme, "versions/current"),
                  encoding="utf-8") as file:
            return int(file.read())

    def keep(self):
        """What the version that is there now is to be."""
        folder = os.path.join(self.out, "versions", str(self.version()))
        for name, text in self.oracle.themes["credit"].files.items():
            if name.startswith(COMPARED):
                path = os.path.join(folder, name)
                os.makedirs(os.path.dirname(path), exist_ok=True)
                with open(path, "wb") as file:
                    file.write(text)

    # --- files ---------------------------------------------------------------

    def registrations(self, chance, many):
        """A snapshot; half of it is other than the one before, or little."""
        last = {}
        for _, name, path in self.sent:
            if name == "aic/registrations":
                with open(path, encoding="utf-8") as file:
                    last = dict(line.rstrip("\n").split(",", 1)
                                for line in list(file)[1:])
        for n in range(CODES):
            code = "E%05d" % n
            if code in last and chance.random() > (0.75 if many else 0.005):
                continue
            last[code] = "name %d,%d" % (chance.randrange(50),
                                         chance.randrange(1000))
            if chance.random() < 0.05:
                del last[code]
        return ["%s,%s" % row for row in sorted(last.items())]

    def ratings(self, chance, many):
        """Changes, some without a subject in the other resource."""
        keys = chance.sample(range(2 * CODES), 1500 if many else 12)
        return ["E%05d,%d,payer %d,%s,20%02d-05-01" % (
            n // 2 + chance.choice((0, 0, 0, 200)), 2000 + n % 2,
            chance.randrange(9), chance.choice("ABCD"), chance.randrange(10))
            for n in sorted(keys)]

    def deliver(self, chance, resource, many):
        rows = (self.registrations if resource == "aic/registrations"
                else self.ratings)(chance, many)
        known = set()
        rows = [row for row in rows
                if not (",".join(row.split(",")[:2]) in known or
                        known.add(",".join(row.split(",")[:2])))]
        name = "%d.csv" % len(os.listdir(self.out))
        path = os.path.join(self.out, name)
        with open(path, "w", encoding="utf-8") as file:
            file.write("\n".join([COLUMNS[resource]] + rows) + "\n")
        target = os.path.join(self.mount, "inbox", resource, name)
        with open(target, "wb") as to, open(path, "rb") as file:
            to.write(file.read())
        self.tool("wait", "--timeout", "60", target)
        with open(target + ".receipt.json", encoding="utf-8") as file:
            receipt = json.load(file)
        if receipt["state"] != "accepted":
            sys.exit("failed: '%s' is %s" % (name, receipt["state"]))
        self.sent.append((receipt["submission"], resource, path))
        self.oracle.submit(resource, path, datetime.date.today().isoformat())
        self.keep()

    def rounds(self, number):
        self.fold()
        for _ in range(int(number)):
            chance = random.Random("%s %d" % (self.seed, len(self.sent)))
            resources = list(COLUMNS)
            if len(self.sent) % 4:
                resources.reverse()
            self.deliver(chance, resources[0], True)
            self.deliver(chance, resources[1], False)

    def withdraw(self):
        large = [one for one in self.sent if os.path.getsize(one[2]) > 10000]
        one = large[len(large) // 2]
        self.tool("withdraw", one[0])
        self.tool("wait", "--timeout", "60")
        self.sent.remove(one)
        self.fold()
        self.keep()

    # --- what is there -------------------------------------------------------

    def read(self, *path):
        with open(os.path.join(*path), "rb") as file:
            return file.read()

    def table(self, text):
        rows = list(csv.reader(io.StringIO(text.decode("utf-8"), newline="")))
        return rows[0], {row[0]: row for row in rows[1:]}

    def compare(self, version):
        kept = os.path.join(self.out, "versions", str(version))
        for folder, _, names in os.walk(kept):
            for name in names:
                path = os.path.relpath(os.path.join(folder, name), kept)
                if self.read(kept, path) != self.read(
                        self.theme, "versions", str(version), path):
                    sys.exit("failed: '%s' of version %d is another" % (
                        path, version))

    def net(self, first, last):
        """changes/FROM..TO.csv makes one from the other, and says no more."""
        _, was = self.table(self.read(self.out, "versions", str(first),
                                      "data.csv"))
        _, now = self.table(self.read(self.out, "versions", str(last),
                                      "data.csv"))
        name = "%d..%d.csv" % (first, last)
        text = self.read(self.theme, "changes", name).decode("utf-8")
        listed = set()
        for row in list(csv.reader(io.StringIO(text, newline="")))[1:]:
            listed.add(row[1])
            if row[0] == "delete":
                del was[row[1]]
            else:
                was[row[1]] = row[1:]
        if was != now:
            sys.exit("failed: '%s' does not lead from one to the other" % name)
        _, was = self.table(self.read(self.out, "versions", str(first),
                                      "data.csv"))
        wanted = {code for code in set(was) | set(now)
                  if was.get(code) != now.get(code)}
        if listed != wanted:
            sys.exit("failed: '%s' lists %d subjects, not %d" % (
                name, len(listed), len(wanted)))

    def provenance(self):
        """The submission of a value is the one that brought it last."""
        last = {}
        for submission, name, path in self.sent:
            if name == "tax/ratings":
                with open(path, encoding="utf-8") as file:
                    for line in file:
                        key = tuple(line.split(",")[:2])
                        if last.get(key, ("",))[0] != line:
                            last[key] = (line, submission)
        chance = random.Random(self.seed)
        with open(os.path.join(self.theme, "data.csv"),
                  encoding="utf-8") as file:
            codes = [line.split(",")[0] for line in list(file)[1:]]
        seen = 0
        for code in chance.sample(codes, 200):
            path = os.path.join(self.theme, "subjects", code + ".json")
            with open(path, encoding="utf-8") as file:
                subject = json.load(file)
            rows = subject["sources"].get("rating", [])
            if len(rows) != 1:
                continue
            said = subject["fields"]["grade"]["submission"]
            brought = last[(code, str(rows[0]["year"]))][1]
            if said != brought:
                sys.exit("failed: '%s' says %s, not %s" % (path, said,
                                                           brought))
            seen += 1
        if not seen:
            sys.exit("failed: no row was looked at")

    def merged(self):
        name = os.path.join(self.city, "state/records/records.db")
        for _ in range(1200):
            db = sqlite3.connect("file:%s?mode=ro" % name, uri=True)
            (merged,) = db.execute("SELECT sum(merged) FROM run").fetchone()
            (most,) = db.execute(
                "SELECT max(n) FROM (SELECT count(*) AS n FROM run"
                " WHERE until IS NULL GROUP BY kind, owner)").fetchone()
            db.close()
            if merged and most <= 4:
                return
            time.sleep(0.05)
        sys.exit("failed: %s merged, up to %s runs" % (merged, most))

    def check(self):
        kept = sorted(int(name) for name in
                      os.listdir(os.path.join(self.out, "versions")))
        there = [n for n in kept if os.path.exists(
            os.path.join(self.theme, "versions", str(n)))]
        if not there or there[-1] != self.version():
            sys.exit("failed: the last version is %d" % self.version())
        for version in there:
            self.compare(version)
        chance = random.Random(self.seed)
        for _ in range(12):
            first, last = sorted((chance.choice(there), chance.choice(there)))
            if first < last:
                self.net(first, last)
        if len(there) > 1:
            self.net(there[0], there[-1])
        self.provenance()
        print("%d versions are what they were" % len(there))


def main():
    began = time.monotonic()
    changes = Changes(*sys.argv[1:6])
    getattr(changes, sys.argv[6])(*sys.argv[7:])
    with open(changes.log, "w", encoding="utf-8") as file:
        json.dump(changes.sent, file)
    print("%s: %.1f s" % (sys.argv[6], time.monotonic() - began))


if __name__ == "__main__":
    main()
