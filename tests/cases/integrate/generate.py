#!/usr/bin/env python3
"""Writes generated.in, generated.expected and decimal.txt beside itself.

An independent reading of SPEC 8: the cases are random, what is expected is
computed here with Python's decimal. Run by hand after a change of the rules;
the seed is fixed, so the same program writes the same files.
"""
import functools
import os
import random
from decimal import Decimal, getcontext

getcontext().prec = 10000
HERE = os.path.dirname(os.path.abspath(__file__))
RND = random.Random(20261)

SOURCES = ["registration", "rating", "penalty"]
# (source, member): fields, key, as_of
TABLES = {
    (0, 0): (["licence_no", "uscc", "name", "capital", "updated_on",
              "contact"], "licence_no", "updated_on"),
    (1, 0): (["uscc", "taxpayer_name", "grade", "score", "listed"],
             "uscc", None),
    (2, 0): (["no", "uscc", "amount", "points", "decided_on"], "no", None),
    (2, 1): (["uscc", "no", "decided_on", "amount", "points"], "no", None),
}
TEXTS = ["", "", "a", "b", "ab", "B", "中", "é", "10", "9"]
NUMBERS = ["", "", "0", "1", "1.0", "1.00", "-1", "10", "9.5", "9.50",
           "-0.5", "0.25", "122.90", "-10.0", "12345678901234567890.5"]
INTEGERS = ["", "", "0", "1", "-1", "10", "9", "-10", "99999999999999999999"]
DATES = ["", "", "2026-01-01", "2026-01-02", "2026-01-03", "2025-12-31"]
VALUES = {
    "name": TEXTS, "taxpayer_name": TEXTS, "contact": TEXTS, "grade": TEXTS,
    "capital": NUMBERS, "amount": NUMBERS, "points": INTEGERS,
    "score": INTEGERS, "updated_on": DATES, "decided_on": DATES,
    "listed": ["", "true", "false"],
}
NUMERIC = {"capital", "amount", "points", "score"}
RULES = [
    "name = first registration.name rating.taxpayer_name",
    "name = first penalty.no rating.taxpayer_name registration.name",
    "name = first registration.name rating.grade registration.contact",
    "rating = latest registration.name rating.taxpayer_name",
    "rating = latest penalty.no registration.contact rating.grade "
    "registration.name",
    "rating = latest penalty.decided_on registration.updated_on",
    "penalties = count penalty",
    "penalties = count penalty registration",
    "fined = sum penalty.amount",
    "fined = sum penalty.points rating.score",
    "fined = sum penalty.amount registration.capital penalty.points",
    "value = min penalty.amount registration.capital",
    "value = max penalty.amount penalty.points",
    "value = max penalty.points rating.score",
    "value = min penalty.points registration.name",
    "last = max penalty.decided_on",
    "last = min registration.name rating.taxpayer_name",
    "all = list penalty.amount",
    "all = list registration.name rating.taxpayer_name penalty.no",
]


def number_of(submission):
    return int(submission.split("-")[1])


def as_of(row):
    field = TABLES[row["table"]][2]
    if field and row["cells"][field]:
        return row["cells"][field]
    day = row["submission"]
    return day[:4] + "-" + day[4:6] + "-" + day[6:8]


def spoken(rows, operands, latest, only=None):
    """(row, value) of what all sources, or one, say by first or latest."""
    said = [(r, r["cells"][field])
            for source, field in operands if only in (None, source)
            for r in rows if SOURCES[r["table"][0]] == source
            if r["cells"][field] != ""]
    if not said:
        return None
    if latest:
        newest = max(as_of(r).encode() for r, _ in said)
        said = [s for s in said if as_of(s[0]).encode() == newest]
    return said[0]


def text_of(value):
    return format(value, "f")


def total(values):
    scale = max(len(v.partition(".")[2]) for v in values)
    result = sum((Decimal(v) for v in values), Decimal(0))
    result = result.quantize(Decimal(1).scaleb(-scale))
    if result == 0:
        result = abs(result)
    return text_of(result)


def extreme(values, operands, sign):
    numeric = all(field in NUMERIC for _, field in operands)

    def order(a, b):
        x, y = (Decimal(a), Decimal(b)) if numeric else (a.encode(),
                                                         b.encode())
        if x != y:
            return sign * (1 if x > y else -1)
        return -1 if a.encode() < b.encode() else a.encode() > b.encode()
    return min(values, key=functools.cmp_to_key(order))


def folded(kind, rows, operands):
    parts = [(r, r["cells"].get(field, "x"))
             for source, field in operands
             for r in rows if SOURCES[r["table"][0]] == source]
    if kind != "count":
        parts = [p for p in parts if p[1] != ""]
    submission = max((p[0]["submission"] for p in parts), key=number_of,
                     default="")
    values = [v for _, v in parts]
    if kind == "count":
        return str(len(values)), submission
    if not values:
        return "", ""
    if kind == "sum":
        return total(values), submission
    if kind == "list":
        return "|".join(sorted(set(values), key=str.encode)), submission
    return extreme(values, operands, 1 if kind == "min" else -1), submission


def expected(rules, rows):
    lines, conflicts = [], []
    for rule in rules:
        name, _, kind, *words = rule.split()
        operands = [tuple((w + ".").split(".")[:2]) for w in words]
        if kind not in ("first", "latest"):
            value, submission = folded(kind, rows, operands)
            lines.append(f"{name} = [{value}] [] [] [{submission}]")
            continue
        said = spoken(rows, operands, kind == "latest")
        if not said:
            lines.append(f"{name} = [] [] [] []")
            continue
        row, value = said
        winner = SOURCES[row["table"][0]]
        lines.append(f"{name} = [{value}] [{winner}] [{as_of(row)}] "
                     f"[{row['submission']}]")
        for source in SOURCES:
            own = spoken(rows, operands, kind == "latest", source)
            if own and own[1] != value:
                conflicts.append(f"conflict [{name}] [{winner}] [{value}] "
                                 f"[{source}] [{own[1]}]")
    return lines + conflicts


def random_rows():
    rows = []
    for table, (fields, key, _) in TABLES.items():
        for i in range(RND.choice([0, 0, 1, 2, 4])):
            cells = {f: RND.choice(VALUES.get(f, [""])) for f in fields}
            cells["uscc"] = "U"
            if key != "uscc":
                cells[key] = f"K{i}"
            elif i:
                break
            submission = RND.choice(["20260101", "20260102", "20260103"])
            number = RND.choice(["000001", "000009", "999999", "1000001"])
            rows.append({"table": table, "cells": cells,
                         "submission": submission + "-" + number})
    return rows


def write_cases(count):
    given, wanted = [], []
    while len(wanted) < count:
        rows = random_rows()
        if not rows:
            continue
        names, rules = set(), []
        for rule in RND.sample(RULES, len(RULES)):
            if rule.split()[0] not in names:
                names.add(rule.split()[0])
                rules.append(rule)
        head = f"case {len(wanted)}"
        given.append("\n".join(
            [head] + ["rule " + r for r in rules] +
            ["row %d %d %s %s" % (*r["table"], r["submission"],
                                  ";".join(r["cells"].values()))
             for r in rows]))
        wanted.append("\n".join([head] + expected(rules, rows)))
    return "\n\n".join(given) + "\n", "\n".join(wanted) + "\n"


def random_number():
    whole = str(RND.randrange(10 ** RND.choice([1, 1, 2, 5, 18, 40, 99])))
    if RND.random() < 0.3:
        whole = RND.choice(["0", "9" * RND.choice([1, 5, 30]),
                            "1" + "0" * RND.choice([1, 5, 30])])
    fraction = ""
    if RND.random() < 0.6:
        digits = RND.choice([1, 1, 2, 3, 8, 30])
        fraction = "." + "".join(RND.choice("0000123456789")
                                 for _ in range(digits))
    text = whole + fraction
    negative = RND.random() < 0.45 and text.strip("0.")
    return "-" + text if negative else text


def write_decimals(count):
    lines = []
    for _ in range(count):
        values = [random_number() for _ in range(RND.choice([1, 2, 3, 9]))]
        if RND.random() < 0.3:  # they meet at or near zero
            back = values[:]
            RND.shuffle(back)
            values += [v[1:] if v[0] == "-" else
                       ("-" + v if v.strip("0.") else v) for v in back]
        lines.append("sum " + total(values) + " " + " ".join(values))
        a, b = values[0], RND.choice(values + [values[0] + ".0"] * (
            "." not in values[0]) + [values[0] + "0"] * ("." in values[0]))
        order = (Decimal(a) > Decimal(b)) - (Decimal(a) < Decimal(b))
        lines.append(f"cmp {order} {a} {b}")
    return "\n".join(lines) + "\n"


def save(name, text):
    with open(os.path.join(HERE, name), "w", encoding="utf-8",
              newline="\n") as f:
        f.write(text)


cases = write_cases(150)
save("generated.in", cases[0])
save("generated.expected", cases[1])
save("decimal.txt", write_decimals(400))
