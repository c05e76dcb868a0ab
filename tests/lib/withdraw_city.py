#!/usr/bin/env python3
"""Withdraws submissions of a random city that drive_city.py has sent, one
after the other, and compares what is published with what the oracle computes
as if they had never come.

    withdraw_city.py CITY MOUNT CIVICFS OUT SEED NUMBER

Only those are withdrawn without which the verdicts on the others would be the
same: a verdict stays as it was given. Prints how many of which kind."""

import collections
import datetime
import json
import os
import random
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "oracle"))

import civic_oracle

COMPARED = ("data.csv", "conflicts.csv", "orphans.csv", "sources/")


def fold(city, order):
    """The oracle's city, and the verdict on each of 'order'."""
    oracle = civic_oracle.City(city)
    today = datetime.date.today().isoformat()
    for _, name, path in order:
        oracle.submit(name, os.path.join(city, path), today)
    verdicts = []
    for verdict in oracle.verdicts:
        said = verdict.as_json()
        state = said["state"].replace("superseded", "quarantined")
        state = state.replace("unchanged", "accepted")
        verdicts.append((state, json.dumps(said["errors"])))
    return oracle, verdicts


def compare(oracle, mount, what):
    wrong = 0
    for theme in oracle.themes.values():
        for name, expected in theme.files.items():
            if not name.startswith(COMPARED):
                continue
            path = os.path.join(mount, "themes", theme.config.id, name)
            with open(path, "rb") as file:
                got = file.read()
            if got != expected:
                wrong += 1
                print("%s: %s/%s\n  mount:  %r\n  oracle: %r" % (
                    what, theme.config.id, name, got[:2000],
                    expected[:2000]))
    return wrong


def main():
    city, mount, civicfs, out, seed, number = sys.argv[1:]
    chance = random.Random(int(seed))
    with open(os.path.join(out, "receipts.json"), encoding="utf-8") as file:
        sent = json.load(file)
    order = [(one["receipt"].get("submission"), one["resource"], one["path"])
             for one in sent]
    states = {one["receipt"].get("submission"): one["receipt"]["state"]
              for one in sent}
    _, verdicts = fold(city, order)
    kinds = collections.Counter()
    wrong = 0
    candidates = [one for one in order if states[one[0]] in
                  ("accepted", "partial", "unchanged")]
    chance.shuffle(candidates)
    for one in candidates:
        if sum(kinds.values()) == int(number):
            break
        at = order.index(one)
        rest = order[:at] + order[at + 1:]
        oracle, after = fold(city, rest)
        if after != verdicts[:at] + verdicts[at + 1:]:
            continue
        subprocess.run([civicfs, "-c", os.path.join(city, "civicfs.conf"),
                        "withdraw", one[0]], check=True,
                       stdout=subprocess.DEVNULL)
        subprocess.run([civicfs, "-c", os.path.join(city, "civicfs.conf"),
                        "wait", "--timeout", "60"], check=True)
        wrong += compare(oracle, mount, "without %s (%s)" % (one[0], one[1]))
        order, verdicts = rest, after
        kinds[oracle.config.resources[one[1]].mode] += 1
    print("withdrawn: %s" % dict(kinds))
    sys.exit(1 if wrong or not kinds else 0)


if __name__ == "__main__":
    main()
