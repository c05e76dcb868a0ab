#!/usr/bin/env python3
"""Checks subjects/ of one theme against its data.csv: check_subjects.py DIR.

Every key opens under its name, with the values of its line and a known
origin; the listing holds exactly these names, with their sizes."""

import csv
import hashlib
import json
import os
import sys

ESCAPED = set('%/\\:*?"<>|')


def name_of(key):
    """The name of a key in subjects/, as the specification writes it."""
    out = bytearray()
    for at, char in enumerate(key):
        edge = (char == "." and at in (0, len(key) - 1)) or \
            (char == " " and at in (0, len(key) - 1))
        control = ord(char) < 32 or 127 <= ord(char) < 160
        if char in ESCAPED or control or edge:
            for byte in char.encode("utf-8"):
                out += b"%%%02X" % byte
        else:
            out += char.encode("utf-8")
    if len(out) > 240:
        return "sha256-" + hashlib.sha256(key.encode("utf-8")).hexdigest()
    return out.decode("utf-8")


def as_text(value):
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def list_all(folder):
    """The folder of each name, and the size that came with the listing: no
    name has been looked up before."""
    listed, sizes = {}, {}
    top = os.path.join(folder, "subjects")
    for prefix in os.listdir(top):
        with os.scandir(os.path.join(top, prefix)) as found:
            for entry in found:
                listed[entry.name] = prefix
                sizes[entry.name] = entry.stat().st_size
    return listed, sizes


def main():
    folder = sys.argv[1]
    with open(os.path.join(folder, "data.csv"), encoding="utf-8",
              newline="") as file:
        lines = list(csv.reader(file, lineterminator="\n"))
    header = lines[0]
    with open(os.path.join(folder, "data.jsonl"), encoding="utf-8") as file:
        records = [json.loads(line, parse_float=str, parse_int=str)
                   for line in file.read().split("\n")[:-1]]
    if len(records) != len(lines) - 1:
        sys.exit("data.csv has %d rows, data.jsonl %d" % (
            len(lines) - 1, len(records)))
    bad = 0
    names = {}
    listed, sizes = list_all(folder)
    for line, record in zip(lines[1:], records):
        key = line[0]
        name = name_of(key) + ".json"
        names[name] = hashlib.sha256(key.encode("utf-8")).hexdigest()[:3]
        path = os.path.join(folder, "subjects", name)
        try:
            size = os.stat(path).st_size
            with open(path, "rb") as file:
                raw = file.read()
        except OSError as error:
            print("key %r: %s" % (key, error))
            bad += 1
            continue
        subject = json.loads(raw, parse_float=str, parse_int=str)
        problems = []
        if size != len(raw):
            problems.append("size %d, %d bytes" % (size, len(raw)))
        if sizes.get(name) != len(raw):
            problems.append("listed with size %s, %d bytes" % (
                sizes.get(name), len(raw)))
        if as_text(subject["subject"]) != key:
            problems.append("subject %r" % subject["subject"])
        for column, cell in zip(header[1:], line[1:]):
            entry = subject["fields"].get(column)
            if entry is None or as_text(entry["value"]) != cell:
                problems.append("%s: %r, not %r" % (column, entry, cell))
                continue
            if sorted(entry) != ["as_of", "rule", "source", "submission",
                                 "value"]:
                problems.append("%s: keys %s" % (column, sorted(entry)))
            if cell and entry["rule"].startswith(("first ", "latest ")) and \
                    not (entry["source"] and entry["submission"]):
                problems.append("%s: without origin" % column)
            if as_text(record[column]) != cell:
                problems.append("%s: data.jsonl has %r" % (column,
                                                           record[column]))
        for problem in problems:
            print("key %r: %s" % (key, problem))
        bad += bool(problems)

    if listed != names:
        print("listed and not in data.csv: %s; in data.csv and not listed: %s"
              % (sorted(set(listed.items()) - set(names.items())),
                 sorted(set(names.items()) - set(listed.items()))))
        bad += 1
    print("%d subjects, %d bad" % (len(names), bad))
    sys.exit(1 if bad else 0)


if __name__ == "__main__":
    main()
