#!/usr/bin/python3
"""Writes seeds for the fuzzers into folders of FOLDER, out of tests/cases. Their
first byte is for the fuzzer.

  seeds.py FOLDER

formats/: whole files and single parts; csv/: tables as text; frames/: what
decode_dump, of this folder, answers to files like these."""

import os
import subprocess
import sys

here = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(here, "..", "cases", "formats"))

import cases  # noqa: E402
import hostile  # noqa: E402,F401
import objects  # noqa: E402,F401
import old  # noqa: E402
import packed  # noqa: E402,F401
import tables  # noqa: E402,F401
import workbooks as w  # noqa: E402

WHOLE = ("gz", "xz", "zip-of-several", "tar", "tar-pax-long-name", "xlsx",
         "xlsx-shared-strings", "ods", "json", "json-lines", "xls",
         "zip-streamed")
SHEET = w.sheet(w.HEAD, w.ROW, (4, [
    w.cell("A4", 41061.5, style=2), w.cell("B4", "#REF!", "e")]),
    (5, [w.cell("A5", 0, "s"), '<c r="B5"><f>A1</f><v></v></c>']),
    after='<mergeCells><mergeCell ref="A9:B9"/></mergeCells>')
PARTS = [
    (1, SHEET),
    (2, "<sst><si><t>id</t></si><si><r><t>na</t></r><r><t>me</t></r>"
        "<rPh><t>x</t></rPh></si><si><t>_x000D_</t></si></sst>"),
    (3, '<styleSheet><numFmts><numFmt numFmtId="164" formatCode="[$-804]yyyy'
        '&quot;a&quot;m;@"/></numFmts><cellXfs><xf numFmtId="0"/>'
        '<xf numFmtId="164"/></cellXfs></styleSheet>'),
    (4, '<workbook><workbookPr date1904="1"/><sheets><sheet name="a" '
        'r:id="r1" state="hidden"/><sheet name="b" r:id="r1"/></sheets>'
        "</workbook>"),
    (5, '<R><Relationship Id="r1" Type="/worksheet" Target="../xl/s.xml"/>'
        "</R>"),
    (6, '<d xmlns:office="o" xmlns:table="t" xmlns:text="x"><spreadsheet>' +
        w.table(w.OHEAD, w.OROW, w.row(
            w.odd("time", ' office:time-value="PT09H30M00S"'),
            w.words("a<text:s text:c='2'/>b", ' table:number-columns-'
                    'repeated="2"'), more=' table:number-rows-repeated="2"')) +
        "</spreadsheet></d>"),
]


# Files that are answered otherwise: rows, flaws, faults, warnings, members.
ANSWERED = ("gz", "zip-of-several", "xlsx", "xlsx-value-error", "ods-values",
            "xlsx-header-twice", "csv-of-a-header", "csv-escapes", "csv-koi8",
            "csv-of-nothing", "json-extra-key", "nine-good-one-bad",
            "all-good-each", "xlsx-hidden-sheet", "zip-path-0")
TABLES = os.path.join(here, "..", "cases", "decode")
EACH = 4  # the bit of fuzz_frames for members = each


def content_of(name):
    content = cases.CASES[name][0]
    return content() if callable(content) else content


def formats():
    for name in WHOLE:
        yield 0, content_of(name)
    for kind, part in PARTS:
        yield kind, part.encode()
    yield 7, old.stream()


def texts():
    for name in sorted(os.listdir(TABLES)):
        if name.endswith(".csv"):
            with open(os.path.join(TABLES, name), "rb") as f:
                content = f.read()
            for kind in (1, 7) if content else ():
                yield kind, content


def frames(scratch):
    for name in ANSWERED:
        with open(scratch, "wb") as f:
            f.write(content_of(name))
        for kind, options in ((0, []), (EACH, ["-m"])):
            yield kind, subprocess.run(
                ["./tests/lib/decode_dump", "-w", *options, scratch, "id",
                 "name"], stdout=subprocess.PIPE, check=True).stdout


def main():
    folder = sys.argv[1]
    for name, seeds in (("formats", formats()), ("csv", texts()),
                        ("frames", frames(os.path.join(folder, "file")))):
        os.mkdir(os.path.join(folder, name))
        for number, (kind, content) in enumerate(seeds):
            if content is None:
                continue
            with open(os.path.join(folder, name, f"seed-{number:02}"),
                      "wb") as f:
                f.write(bytes([kind]) + content)


main()
