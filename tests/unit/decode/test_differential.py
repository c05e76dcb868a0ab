#!/usr/bin/python3
"""Compares the scanner with Python's csv module on generated files.

Whole files: any delimiter, quoting, line end and encoding; rows and lines must
be those that were written. Damaged files: what the decoder takes, Python must
read the same; what Python's strict reader refuses, the decoder must refuse.
Fails on the first file that differs, and keeps it beside the log."""

import csv
import io
import json
import os
import random
import subprocess
import sys
import tempfile

DUMP = "./tests/lib/decode_dump"
LABELS = ["id", "name=名称", "c", "d"]
HEADER = ["id", "名称", "c", "d"]
DELIMITERS = [",", ";", "\t", "，"]
ENCODINGS = ["utf-8", "utf-8-sig", "utf-16", "utf-16-be", "gb18030"]
PIECES = ["a", "b ", " ", "x,y", ";", "\t", "，", '"', '""', "\n", "\r\n",
          "\r", "中", "统一社会信用代码", "é", "😀", "\u2028", "\u3000", "0",
          "'", "=1+1", "z" * 70]
FILES = int(os.environ.get("DECODE_FILES", "150"))


def write_cell(rng, cell, delimiter):
    special = any(c in cell for c in ('"', "\n", "\r")) or delimiter in cell
    if special or rng.random() < 0.3:
        return '"' + cell.replace('"', '""') + '"'
    return cell


def lines_in(text):
    return text.count("\n") + text.count("\r") - text.count("\r\n")


def make(rng):
    """The text of a file, and what must come of it: (line, cells) a row."""
    delimiter = rng.choice(DELIMITERS)
    ends = [rng.choice(["\n", "\r\n", "\r"])]
    if rng.random() < 0.2:
        # with lone CRs among them, an empty line might make one CR LF of two
        ends = ["\n", "\r\n"]
    text, line, rows = "", 1, []
    for number in range(rng.randrange(0, 30) + 1):
        cells = HEADER if number == 0 else [
            "".join(rng.choices(PIECES, k=rng.choice([0, 1, 1, 2, 3])))
            for _ in range(rng.choice([4, 4, 4, 1, 2, 7]))]
        written = delimiter.join(write_cell(rng, cell, delimiter)
                                 for cell in cells)
        if number:
            rows.append((line, cells))
        end = rng.choice(ends)
        text += written + end
        line += lines_in(written) + 1
    if rng.random() < 0.3 and rows and rows[-1][1] != [""]:
        text = text[:-len(end)]
    return delimiter, text, rows


def split_lines(text):
    """As the decoder counts lines: CR, LF and CR LF end one."""
    return io.StringIO(text, newline="")


def python_rows(text, delimiter):
    rows = list(csv.reader(split_lines(text), delimiter=delimiter,
                           strict=True))
    return [row or [""] for row in rows][1:]


def encode(text, encoding):
    if encoding == "utf-16-be":
        return b"\xfe\xff" + text.encode(encoding)
    return text.encode(encoding)


def decode(data, name, through):
    with open(name, "wb") as file:
        file.write(data)
    done = subprocess.run([DUMP] + through + [name] + LABELS,
                          capture_output=True, check=False)
    if done.returncode:
        raise AssertionError(done.stdout.decode() + done.stderr.decode())
    return [json.loads(line)
            for line in done.stdout.decode().split("\n")[:-1]]


def check_whole(rng, name):
    delimiter, text, rows = make(rng)
    encoding = rng.choice(ENCODINGS)
    through = rng.choice([[], ["-p"]])
    got = decode(encode(text, encoding), name, through)
    assert got[-1] == {"end": "done"}, got[-3:]
    header = got[0]["header"]
    assert header["labels"] == HEADER and header["delimiter"] == delimiter
    want = [{"row": i + 1, "line": line, "cells": cells}
            for i, (line, cells) in enumerate(rows)]
    assert got[1:-1] == want, next(
        (w, g) for w, g in zip(want + [None], got[1:]) if w != g)
    assert [row["cells"] for row in want] == python_rows(text, delimiter)


def check_damaged(rng, name):
    """True when the decoder took the file all the same."""
    delimiter, text, _ = make(rng)
    for _ in range(rng.randrange(1, 4)):
        at = rng.randrange(len(text) + 1)
        cut = at + rng.choice([0, 0, 1, 2])
        text = text[:at] + rng.choice(['"', '"', delimiter, "\n", "\r", "x",
                                       ""]) + text[cut:]
    got = decode(text.encode(), name, [])
    try:
        rows = python_rows(text, delimiter)
    except csv.Error:
        rows = None
    header = got[0].get("header")
    if header and (header["line"] != 1 or header["delimiter"] != delimiter):
        return False  # another reading was better
    if got[-1]["end"] != "done":
        assert rows is None or not header or any(
            "label" in fault.get("fault", "") for fault in got), got
        return False
    assert rows == [row["cells"] for row in got[1:-1]], (rows, got)
    return True


def main():
    seed = int(os.environ.get("DECODE_SEED", "20121115"))
    taken = 0
    with tempfile.TemporaryDirectory() as folder:
        name = os.path.join(folder, "file.csv")
        for number in range(FILES):
            rng = random.Random(f"{seed}-{number}")
            try:
                check_whole(rng, name)
                taken += check_damaged(rng, name)
            except AssertionError:
                kept = f"decode-differs-{number}.csv"
                os.replace(name, kept)
                print(f"file {number} of seed {seed} differs: '{kept}'")
                raise
    print(f"{FILES} files, {taken} of {FILES} damaged ones taken")
    assert taken or FILES < 50
    return 0


if __name__ == "__main__":
    sys.exit(main())
