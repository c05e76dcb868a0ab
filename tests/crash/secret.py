#!/usr/bin/env python3
"""Kills the worker at its n-th call while files that hold a secret value are
judged and erased, for one n after the other: each has one receipt, which says
so, and the value is nowhere in the state once everything has its verdict.

    secret.py FOLDER [--first N] [--step N] [--rounds N]"""

import os
import sys
import zipfile

import crashlib
import state_check
from crashlib import Failure, read_receipt, until

CANARY = b"0xC0FFEE"
SECRET = "[field plan]\ntitle = plan\ntype = string\nsensitivity = secret\n"


def find_canary(folder):
    found = []
    for top, _, names in os.walk(folder):
        for name in names:
            path = os.path.join(top, name)
            if os.path.isfile(path) and CANARY in crashlib.read(path):
                found.append(path)
    return found


def make_files(folder, number):
    """A text, an archive of it, and one that a fix file would mend."""
    table = b"code,year,payer,grade,rated_on,plan\n"
    rows = b"".join(b"E%d,%d,p,A,,\n" % (i, 1000 + number) for i in range(9))
    plain = table + rows + b"E9,1,p,A,,%s%d\n" % (CANARY, number)
    packed = os.path.join(folder, "packed.zip")
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.csv", plain * 50)
    return {"plain.csv": plain, "packed.zip": crashlib.read(packed),
            "part.csv": table + rows + b"E9,never,p,A,,\n"}


def write(path, content):
    with open(path, "wb") as file:
        file.write(content)


def check_erased(path):
    receipt = read_receipt(path)
    if not receipt or receipt["state"] != "rejected" or \
            receipt["errors"][0]["code"] != "secret" or receipt["sha256"]:
        raise Failure("the receipt of '%s' is %r" % (path, receipt))
    if os.path.getsize(path):
        raise Failure("'%s' still has bytes" % path)


def run_round(daemon, control, model, n, number):
    inbox = os.path.join(daemon.mount, "inbox/tax/ratings")
    kills = control.now.kills
    control.arm(n)
    files = make_files(daemon.folder, number)
    for name, content in files.items():
        write(os.path.join(inbox, "%d-%s" % (number, name)), content)
    daemon.settle()
    part = os.path.join(inbox, "%d-part.csv" % number)
    fix = part + ".fix.csv"
    mended = until("the fix file", lambda: os.path.exists(fix) and
                   crashlib.read(fix))
    write(fix, mended.replace(b"never,p,A,,", b"2025,p,A,,%s" % CANARY))
    daemon.settle()
    control.disarm()
    # whatever died in between, the next one ends it before it rests
    daemon.civicfs("wait", "--timeout", "60")
    for name in ("plain.csv", "packed.zip"):
        check_erased(os.path.join(inbox, "%d-%s" % (number, name)))
    receipt = read_receipt(part)
    if receipt["state"] != "partial" or receipt["rows"]["refused"] != 1 or \
            [x["accepted"] for x in receipt["rounds"]] != [0] or \
            crashlib.read(fix) != mended:
        raise Failure("the fix file was taken: %r" % receipt)
    model.ratings.update({("E%d" % i, 1000 + number): "A" for i in range(9)})
    found = find_canary(daemon.state)
    if found:
        raise Failure("the value is still in %s" % ", ".join(found))
    if state_check.check(daemon.state, inherited=True):
        raise Failure("the state is not sound")
    return control.now.kills - kills


def main():
    args, control, folder = crashlib.begin_rounds()
    with open(os.path.join(folder, "resources.d/tax/ratings.ini"), "a",
              encoding="utf-8") as file:
        file.write(SECRET)
    model = crashlib.Model()
    daemon = crashlib.Daemon(folder, control)
    daemon.start()
    total = number = 0
    try:
        while number < args.rounds:
            before = total
            total += run_round(daemon, control, model,
                               args.first + number * args.step, number)
            number += 1
            if total == before and args.rounds == 1000000:
                break  # behind the last call
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
