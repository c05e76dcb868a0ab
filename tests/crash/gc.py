#!/usr/bin/env python3
"""Kills the worker at its n-th call while what is kept no longer goes, for one
n after the other: what is left is whole, and the next run ends the work.

    gc.py FOLDER [--first N] [--step N] [--rounds N]"""

import json
import os
import sys

import crashlib
import state_check
from crashlib import Failure, until


def collect(daemon):
    def ask():
        try:
            return json.loads(daemon.civicfs("gc", "--json"))
        except Failure as error:
            if "ask again" in str(error):
                return None  # the worker has died
            raise
    return until("the end of a gc", ask)


def run_round(daemon, control, model, n, number):
    inbox = os.path.join(daemon.mount, "inbox/tax/ratings")
    for i in range(3):
        name = os.path.join(inbox, "r%d-%d.csv" % (number, i))
        with open(name, "wb") as file:
            file.write(model.rate({("E%d" % k, 2000 + number): "ABCD"[i]
                                   for k in range(20)}))
    daemon.civicfs("wait", "--timeout", "60")
    kills = control.now.kills
    control.arm(n)
    collect(daemon)
    control.disarm()
    collect(daemon)
    crashlib.compare(daemon.mount, model)
    if state_check.check(daemon.state, inherited=True):
        raise Failure("the state is not sound")
    versions = os.listdir(os.path.join(daemon.mount, "themes/credit/versions"))
    if len([v for v in versions if v.isdecimal()]) != 1:
        raise Failure("versions are left: %r" % versions)
    return control.now.kills - kills


def main():
    args, control, folder = crashlib.begin_rounds()
    conf = os.path.join(folder, "civicfs.conf")
    with open(conf, encoding="utf-8") as file:
        text = file.read()
    with open(conf, "w", encoding="utf-8") as file:
        file.write(text.replace("[platform]\n", "[platform]\n"
                                "keep_inbox = 0s\nkeep_versions = 0s\n"
                                "keep_archive = 0s\n", 1))
    model = crashlib.Model()
    daemon = crashlib.Daemon(folder, control)
    daemon.start()
    total = number = 0
    try:
        with open(os.path.join(daemon.mount, "inbox/aic/registrations/r.csv"),
                  "wb") as file:
            file.write(model.register({"E%d" % i: "n%d" % i
                                       for i in range(20)}))
        while number < args.rounds:
            total += run_round(daemon, control, model,
                               args.first + number * args.step, number)
            number += 1
        daemon.civicfs("verify")
        daemon.stop()
    except (Failure, OSError) as error:
        sys.exit("failed: at call %d: %s" % (args.first + number * args.step,
                                             error))
    finally:
        control.disarm()
        daemon.end()
    print("%d rounds, %d kills" % (number, total))
    if not total:
        sys.exit("failed: nothing was killed")


if __name__ == "__main__":
    main()
