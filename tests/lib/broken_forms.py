#!/usr/bin/python3
"""Workbooks with what spreadsheets do to values, and files of every format
with some bytes changed, the same ones each time: for a scenario.

  broken_forms.py FOLDER"""

import os
import random
import sys

top = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(top, "cases", "formats"))

import cases  # noqa: E402
import objects  # noqa: E402,F401
import old  # noqa: E402,F401
import packed  # noqa: E402,F401
import workbooks as w  # noqa: E402

KINDS = ("gz", "xz", "zip-of-several", "tar-gz", "xlsx", "ods", "xls-by-hand",
         "xls", "json", "json-lines")
EACH = 8


def damaged():
    head = (1, [w.text(c + "1", t) for c, t in
                zip("ABC", ("code", "name", "capital"))])
    return w.workbook([w.sheet((1, [w.text("A1", "note")])), w.sheet(
        head, (2, [w.text("A2", "E1"), w.text("B2", "a"), w.cell("C2", 1)]),
        (4, [w.cell("A4", "9.1441900123456794E+17"), w.text("B4", "b")]),
        (5, [w.text("A5", "E3"), w.text("B5", "c"),
             w.cell("C5", "#DIV/0!", "e", formula="1/0")]),
        (6, [w.text("A6", "E4"), '<c r="B6"><f>A1</f><v></v></c>']))],
        states=["hidden"])


def midnight():
    names = ("code", "year", "payer", "grade", "rated_on")
    return w.workbook([w.sheet(
        (1, [w.text(c + "1", t) for c, t in zip("ABCDE", names)]),
        (2, [w.text("A2", "E1"), w.cell("B2", 2026), w.text("C2", "华为"),
             w.text("D2", "D"), w.cell("E2", 46174, style=2)]))])


def broken(content, number):
    draw = random.Random(number)
    content = bytearray(content)
    for _ in range(draw.randrange(1, 6)):
        at = draw.randrange(len(content))
        if draw.random() < 0.3:
            del content[at:at + draw.randrange(1, 40)]
        else:
            content[at] ^= 1 << draw.randrange(8)
    return bytes(content)


def main():
    folder = sys.argv[1]
    os.mkdir(os.path.join(folder, "broken"))
    made = {"damaged.xlsx": damaged(), "midnight.xlsx": midnight()}
    for kind in KINDS:
        content = cases.CASES[kind][0]
        for i in range(EACH if content else 0):
            made[f"broken/{kind}-{i}"] = broken(content, f"{kind} {i}")
    for name, content in made.items():
        with open(os.path.join(folder, name), "wb") as f:
            f.write(content)


main()
