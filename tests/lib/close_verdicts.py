#!/usr/bin/env python3
"""Writers to whom close() tells the verdict (SPEC 6.9): close_verdicts.py BOX.

BOX is inbox/tax/ratings with verdict = close and close_limit = 4K. Prints a
line for each that is told something else."""

import concurrent.futures
import errno
import json
import os
import sys

HEADER = b"code,year,payer,grade,rated_on\n"
BOX = sys.argv[1]
wrong = []


def path(name):
    return os.path.join(BOX, name)


def close(fd):
    """The name of the error of close(), or 'ok'."""
    try:
        os.close(fd)
    except OSError as error:
        return errno.errorcode[error.errno]
    return "ok"


def write(name, content, flags=os.O_CREAT | os.O_TRUNC):
    fd = os.open(path(name), os.O_WRONLY | flags, 0o644)
    os.write(fd, content)
    return close(fd)


def expect(what, got, expected):
    if got != expected:
        wrong.append("%s: %r, not %r" % (what, got, expected))


def state(name):
    """By the receipt that is there now; None: there is none."""
    try:
        with open(path(name) + ".receipt.json", encoding="utf-8") as file:
            return json.load(file)["state"]
    except FileNotFoundError:
        return None


def row(code, year="2024"):
    return ("%s,%s,p,A,2024-05-01\n" % (code, year)).encode()


expect("good", write("good.csv", HEADER + row("E1")), "ok")
expect("its receipt", state("good.csv"), "accepted")
expect("the same again", write("good.csv", HEADER + row("E1")), "ok")
expect("its receipt", state("good.csv"), "unchanged")
expect("bad rows", write("rows.csv", HEADER + row("E1", "no")), "EBADMSG")
expect("its receipt", state("rows.csv"), "quarantined")
expect("some bad rows", write("some.csv", HEADER + row("E2") + row("E3") +
                              row("E4", "no")), "EBADMSG")
expect("its receipt", state("some.csv"), "partial")
expect("no table", write("none.csv", b"what\n"), "EBADMSG")
expect("no text", write("code.csv", HEADER + b"\xff\x80E1,2024,,,\n"),
       "EILSEQ")
expect("its receipt", state("code.csv"), "rejected")

# The corrected rows of a fix file are told, too.
with open(path("some.csv.fix.csv"), "rb") as file:
    fix = file.read()
expect("still wrong", write("some.csv.fix.csv", fix.replace(
    b"no", b"never", 1)), "EBADMSG")
with open(path("some.csv.fix.csv"), "rb") as file:
    fix = file.read()
expect("corrected", write("some.csv.fix.csv", fix.replace(
    b"never", b"2024", 1)), "ok")
expect("its receipt", state("some.csv"), "accepted")

# What is judged later: too large, temporary, another writer, nothing.
expect("large", write("large.csv", HEADER + row("E1") +
                      b"E2,2024,p,A,\n" * 400), "ok")
expect("its receipt", state("large.csv"), None)
expect("temporary", write("x.csv.part", b"what\n"), "ok")
expect("nothing", write("empty.csv", b""), "ok")
two = [os.open(path("two.csv"), os.O_WRONLY | os.O_CREAT, 0o644)
       for _ in range(2)]
os.write(two[0], HEADER)
expect("the first of two", close(two[0]), "ok")
os.write(two[1], b"what\n")
expect("the last of two", close(two[1]), "EBADMSG")

# One that goes on after a close of another descriptor begins anew.
fd = os.open(path("more.csv"), os.O_RDWR | os.O_CREAT, 0o644)
os.write(fd, HEADER + row("M1"))
expect("a descriptor of two", close(os.dup(fd)), "ok")
expect("its receipt", state("more.csv"), "accepted")
os.write(fd, row("M2"))
expect("no receipt of other bytes", state("more.csv"), None)
expect("the other descriptor", close(fd), "ok")
expect("its receipt", state("more.csv"), "accepted")
with open(path("more.csv"), "rb") as file:
    expect("its bytes", file.read(), HEADER + row("M1") + row("M2"))

# Many at once, more than there are threads; each is told its own.
with concurrent.futures.ThreadPoolExecutor(40) as pool:
    jobs = {i: pool.submit(write, "many%d.csv" % i, HEADER + row(
        "N%d" % i, "no" if i % 4 == 0 else "2024")) for i in range(40)}
    for i, job in jobs.items():
        expect("many %d" % i, job.result(),
               "EBADMSG" if i % 4 == 0 else "ok")
        expect("receipt %d" % i, state("many%d.csv" % i),
               "quarantined" if i % 4 == 0 else "accepted")

print("\n".join(wrong))
sys.exit(1 if wrong else 0)
