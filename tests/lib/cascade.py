#!/usr/bin/env python3
"""Carries the changes of a theme from platform to platform, badly.

    cascade.py SEED CIVICFS FOLDER NAME NAME …

FOLDER/NAME has city/civicfs.conf and mnt/ of each platform, in the order in
which they follow each other. The first gets random submissions; what comes of
them is copied on with losses, repeats and swaps. A clerk then does what the
receipts say until nothing is quarantined. Fails when the platforms' data.csv
differ in the end, or when a clerk has nothing to go by.
"""

import json
import os
import random
import re
import shutil
import subprocess
import sys


class Platform:
    def __init__(self, civicfs, folder):
        self.civicfs = [civicfs, "-c", folder + "/city/civicfs.conf"]
        self.mnt = folder + "/mnt"
        self.inbox = self.mnt + "/inbox/registry/people"
        self.theme = self.mnt + "/themes/people"
        self.seen = 0  # versions that the next platform was offered

    def wait(self):
        subprocess.run(self.civicfs + ["wait", "--timeout", "60"], check=True,
                       stdout=subprocess.DEVNULL)

    def version(self):
        with open(self.theme + "/versions/current", encoding="ascii") as file:
            return int(file.read())

    def data(self):
        with open(self.theme + "/data.csv", "rb") as file:
            return file.read()

    def take(self, path, name=None):
        shutil.copyfile(path, "%s/%s" % (self.inbox,
                                         name or os.path.basename(path)))

    def quarantined(self):
        out = subprocess.run(self.civicfs + ["submissions", "--json"],
                             check=True, stdout=subprocess.PIPE).stdout
        found = json.loads(out)
        found = found if isinstance(found, list) else found["submissions"]
        return [s for s in found if s["state"] == "quarantined"]


def submit(rng, platform, people, number):
    """A random day of the first platform."""
    lines = ["change,code,name,amount"]
    for key in rng.sample(range(40), rng.randrange(2, 9)):
        code = "P%02d" % key
        if code in people and rng.random() < 0.4:
            people.discard(code)
            lines.append("delete,%s,," % code)
        else:
            people.add(code)
            lines.append("update,%s,name %d,%d" % (
                code, rng.randrange(3), rng.randrange(4)))
    path = "%s/day%d.csv" % (platform.inbox, number)
    with open(path, "w", encoding="utf-8") as file:
        file.write("\n".join(lines) + "\n")
    platform.wait()


def carry(rng, above, below):
    """What is new above to the platform below: some of it, in some order."""
    newest = above.version()
    names = ["%d.csv" % n for n in range(above.seen + 1, newest + 1)]
    above.seen = newest
    names = [name for name in names if rng.random() < 0.75]
    if newest and rng.random() < 0.4:
        names.append("%d.csv" % rng.randrange(1, newest + 1))
    if newest > 1 and rng.random() < 0.3:
        first = rng.randrange(0, newest - 1)
        names.append("%d..%d.csv" % (first, rng.randrange(first + 1,
                                                          newest + 1)))
    rng.shuffle(names)
    for name in names:
        below.take("%s/changes/%s" % (above.theme, name))
        if rng.random() < 0.5:
            below.wait()
    below.wait()


def obey(above, below):
    """The receipts say what is missing."""
    for _ in range(50):
        # only what is new shows that the last ones are missing
        below.take("%s/changes/%d.csv" % (above.theme, above.version()))
        below.wait()
        waiting = below.quarantined()
        if not waiting:
            return
        with open("%s/%s.receipt.txt" % (below.inbox, waiting[0]["file"]),
                  encoding="utf-8") as file:
            text = file.read()
        wanted = re.search(r"submit people/(changes/\S+\.csv)", text)
        if not wanted:
            sys.exit("nothing to go by in: " + text)
        below.take("%s/%s" % (above.theme, wanted.group(1)))
        below.wait()
    sys.exit("receipts lead nowhere")


def main():
    rng = random.Random(int(sys.argv[1]))
    chain = [Platform(sys.argv[2], "%s/%s" % (sys.argv[3], name))
             for name in sys.argv[4:]]
    people = set()
    gaps = 0
    for number in range(1, 15):
        submit(rng, chain[0], people, number)
        for above, below in zip(chain, chain[1:]):
            if rng.random() < 0.6:
                carry(rng, above, below)
        gaps += sum(len(below.quarantined()) for below in chain[1:])
    for above, below in zip(chain, chain[1:]):
        obey(above, below)
    for above, below in zip(chain, chain[1:]):
        if above.data() != below.data():
            sys.exit("%s and %s differ" % (above.theme, below.theme))
    print("%d versions, %d, %d quarantines seen" % (
        chain[0].version(), chain[-1].version(), gaps))
    if not gaps:
        sys.exit("nothing was ever missing")


if __name__ == "__main__":
    main()
