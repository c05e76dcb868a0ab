#!/usr/bin/python3
"""Decodes every case of tests/cases/formats, directly and through a decoder
process in its sandbox. Fails if an end, a row, a fault or the name of a member
is another, if a fault is not told in Chinese, if decoding dies, or takes longer
than ten seconds a file; and if faults.tsv names a case that is not there.

  test_formats.py [-k PART] [-v]    the cases whose name holds PART"""

import argparse
import fnmatch
import json
import os
import re
import subprocess
import sys
import tempfile

srcdir = os.environ.get("srcdir", ".")
sys.path.insert(0, os.path.join(srcdir, "tests/cases/formats"))

import cases  # noqa: E402

for module in ("packed", "workbooks", "objects", "old", "hostile", "tables"):
    __import__(module)

SECONDS = 10 * int(os.environ.get("CIVICFS_TEST_SLOWNESS", "1"))


def unfounded():
    """Places of faults.tsv that are not there."""
    with open(os.path.join(srcdir, "tests/cases/faults.tsv"),
              encoding="utf-8") as f:
        lines = [line.split("\t") for line in f if line[0] != "#"]
    for number, _, places in lines:
        for place in places.split():
            kind, _, name = place.partition("/")
            path = f"tests/cases/decode/{name}.csv" if kind == "decode" else \
                place
            there = fnmatch.filter(cases.CASES, name) if kind == "formats" \
                else os.path.exists(os.path.join(srcdir, path))
            if not there:
                yield f"{number}: no '{place}'"


def batches(asked, folder):
    """Cases that are decoded by one program: (fields, options) -> names."""
    found = {}
    missing = 0
    for name, (content, _, fields, options) in cases.CASES.items():
        if asked.k not in name:
            continue
        content = content() if callable(content) else content
        if content is None:
            missing += 1
            print(f"{name}: skipped, nothing here can make it")
            continue
        with open(os.path.join(folder, name), "wb") as f:
            f.write(content)
        found.setdefault((tuple(fields), tuple(options)), []).append(name)
    return found, missing


def decode(folder, names, fields, options):
    """The lines of each file."""
    listed = os.path.join(folder, "list")
    with open(listed, "w", encoding="utf-8") as f:
        f.writelines(os.path.join(folder, name) + "\n" for name in names)
    done = subprocess.run(["./tests/lib/decode_dump", "-f", *options, listed,
                           *fields], stdout=subprocess.PIPE, timeout=SECONDS *
                          len(names), check=False)
    answers = [[]]
    for line in done.stdout.decode().splitlines():
        answers[-1].append(json.loads(line))
        if "end" in answers[-1][-1] or "error" in answers[-1][-1]:
            answers.append([])
    return answers[:len(names)] + [[]] * (len(names) - len(answers))


def is_chinese(line):
    """Words of English stand in it as names, in quotes or brackets."""
    text = re.sub(r"“.*?”|（.*?）", "", line["message_zh"])
    return re.search("[一-龥]{2}", text) and \
        not re.search(r"[a-z]{3,} [a-z]{2,}", text)


def differences(lines, expected):
    end, rows, code, words, members = expected
    got = [line["cells"] for line in lines if "cells" in line]
    faults = [line for line in lines if "fault" in line]
    named = [line["member"] for line in lines if "member" in line]
    last = lines[-1] if lines else {}
    if last.get("end") != end:
        yield f"ends with {last}, not {end}"
    if rows is not None and got != rows:
        yield f"rows {got[:5]} ({len(got)}), not {rows[:5]} ({len(rows)})"
    if code and (not faults or faults[0]["fault"] != code):
        yield f"faults {faults[:2]}, not {code}"
    if words and faults and not re.search(words, faults[0]["message"]):
        yield f"says '{faults[0]['message']}', not '{words}'"
    for line in lines:
        if "message_zh" in line and not is_chinese(line):
            yield f"is not told in Chinese: {line}"
    if not code and faults:
        yield f"faults {faults[:2]}, where none is expected"
    if members is not None and named != members:
        yield f"members {named[:12]}, not {members[:12]}"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("-k", default="")
    parser.add_argument("-v", action="store_true")
    asked = parser.parse_args()
    lost = list(unfounded())
    for place in lost:
        print(place)
    bad, tried = len(lost), 0
    with tempfile.TemporaryDirectory() as folder:
        found, missing = batches(asked, folder)
        for (fields, options), names in found.items():
            for through in ([], ["-p"]):
                answers = decode(folder, names, fields, [*options, *through])
                for name, lines in zip(names, answers):
                    expected = cases.CASES[name][1]
                    wrong = list(differences(lines, expected))
                    tried += 1
                    bad += bool(wrong)
                    if wrong or asked.v:
                        print(f"{name} {' '.join(through)}:", *wrong,
                              sep="\n  ")
                    if asked.v:
                        print(*lines, sep="\n  ")
    print(f"{tried} times decoded, {bad} wrong, {missing} skipped")
    return 1 if bad or not tried else 0


sys.exit(main())
