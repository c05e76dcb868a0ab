#!/usr/bin/python3
"""A workbook of many rows, each with a fault, while small files come: for a
scenario.

  many_faults.py make FILE ROWS
  many_faults.py pass CIVICFS CONF LARGE SMALL-FOLDER

The second drops small files, each after the verdict on the one before, from
when the rows of LARGE have been read until it has its receipt, and prints how
many had theirs before it, and how many there were."""

import json
import os
import subprocess
import sys
import time
import zipfile

MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
RELS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006"
TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml."


def row(number, texts):
    return f'<row r="{number}">' + "".join(
        f'<c r="{c}{number}" t="inlineStr"><is><t>{t}</t></is></c>'
        for c, t in zip("ABC", texts)) + "</row>"


def make(path, rows):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as z:
        z.writestr("[Content_Types].xml", f'<Types xmlns="{PACKAGE}/'
                   'content-types"><Default Extension="rels" ContentType='
                   '"application/vnd.openxmlformats-package.relationships'
                   '+xml"/><Override PartName="/xl/workbook.xml" ContentType='
                   f'"{TYPE}sheet.main+xml"/><Override PartName="/xl/s.xml" '
                   f'ContentType="{TYPE}worksheet+xml"/></Types>')
        z.writestr("_rels/.rels", f'<Relationships xmlns="{PACKAGE}/'
                   'relationships"><Relationship Id="r1" Type='
                   f'"{RELS}/officeDocument" Target="xl/workbook.xml"/>'
                   "</Relationships>")
        z.writestr("xl/workbook.xml", f'<workbook xmlns="{MAIN}" xmlns:r='
                   f'"{RELS}"><sheets><sheet name="a" sheetId="1" r:id="r1"/>'
                   "</sheets></workbook>")
        z.writestr("xl/_rels/workbook.xml.rels", f'<Relationships xmlns='
                   f'"{PACKAGE}/relationships"><Relationship Id="r1" '
                   f'Type="{RELS}/worksheet" Target="s.xml"/></Relationships>')
        with z.open("xl/s.xml", "w") as f:
            f.write(f'<worksheet xmlns="{MAIN}"><sheetData>'.encode())
            f.write(row(1, ("code", "name", "capital")).encode())
            for n in range(2, rows + 2):
                f.write(row(n, (f"E{n}", f"Enterprise {n * 7919}",
                                f"many {n}")).encode())
            f.write(b"</sheetData></worksheet>")


def judging(civicfs, conf):
    """What is judged now, as status tells."""
    told = subprocess.run([civicfs, "-c", conf, "status", "--json"],
                          stdout=subprocess.PIPE, check=True).stdout
    return json.dumps(json.loads(told))


def receipt(path):
    return path + ".receipt.json"


def let_pass(civicfs, conf, large, folder):
    while '"reading"' in judging(civicfs, conf):
        if os.path.exists(receipt(large)):
            sys.exit("it was judged before anything could pass")
    passed = dropped = 0
    while not os.path.exists(receipt(large)):
        small = os.path.join(folder, f"small{dropped}.csv")
        with open(small, "w", encoding="utf-8") as f:
            f.write("code,year,payer,grade,rated_on\n"
                    f"E{dropped},2024,p,A,2024-05-01\n")
        dropped += 1
        while not os.path.exists(receipt(small)) and \
                not os.path.exists(receipt(large)):
            time.sleep(0.01)
        passed += os.path.exists(receipt(small))
    print(passed, dropped)


if __name__ == "__main__":
    if sys.argv[1] == "make":
        make(sys.argv[2], int(sys.argv[3]))
    else:
        let_pass(*sys.argv[2:])
