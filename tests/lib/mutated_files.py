#!/usr/bin/python3
"""Mutated files of every format, the same ones each time, dropped into an inbox
of a mounted city: for a scenario.

  mutated_files.py INBOX NUMBER SAVE READ …

NUMBER of each format, in batches. Each has to have its receipt ten seconds
after the one before it at the latest; meanwhile the files READ have to be read
as fast, with the same bytes. Prints how many there were of each state. A file
that has no verdict, or whose decoder died, is left in the folder SAVE."""

import collections
import io
import json
import os
import random
import sys
import threading
import time
import zipfile

top = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(top, "cases", "formats"))

import cases  # noqa: E402
import objects  # noqa: E402,F401
import old  # noqa: E402,F401
import packed  # noqa: E402,F401
import workbooks as w  # noqa: E402

SECONDS = 10 * int(os.environ.get("CIVICFS_TEST_SLOWNESS", "1"))
BATCH = 20
TABLE = "id,name\r\n" + "".join(
    f'E{i},"企业 ""{i}"" 号\n分店"\r\n' for i in range(20))
TEXTS = {
    "csv": TABLE.encode(),
    "csv-gb18030": TABLE.encode("gb18030"),
    "tsv-utf-16": "\ufeff{}".format(TABLE.replace(",", "\t")).encode(
        "utf-16-le"),
}
KINDS = ("gz", "xz", "zst", "zip-of-several", "tar-gz", "tar", "xlsx",
         "xlsx-shared-strings", "ods", "xls-by-hand", "xls", "json",
         "json-lines")
ODD = [b"\0", b"\xff" * 4, b"\x7f\xff\xff\xff", b"</", b"&#1;", b'"', b"]]>",
       b"1e999", b"<row>", b'<c r="XFD9">', b"9" * 40, b"\r", b"[" * 50]


def mutate(draw, content):
    b = bytearray(content)
    for _ in range(draw.randrange(1, 8)):
        if not b:
            break
        at, n = draw.randrange(len(b)), draw.randrange(1, 64)
        what = draw.randrange(7)
        if what == 0:
            b[at] ^= 1 << draw.randrange(8)
        elif what == 1:
            b[at] = draw.randrange(256)
        elif what == 2:
            del b[at:at + n]
        elif what == 3:
            b[at:at] = b[at:at + n] * draw.choice((1, 1, 50))
        elif what == 4:
            b[at:at] = draw.choice(ODD)
        elif what == 5:
            to = draw.randrange(len(b))
            b[at:at + n], b[to:to + n] = b[to:to + n], b[at:at + n]
        elif draw.random() < 0.2:
            del b[at:]
    return bytes(b)


def mutate_inside(draw, content):
    """One member of a zip, packed again: what the checksums would hide."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old_zip, \
            zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new_zip:
        names = old_zip.namelist()
        chosen = draw.choice(names)
        for name in names:
            body = old_zip.read(name)
            new_zip.writestr(name, mutate(draw, body) if name == chosen
                             else body)
    return out.getvalue()


def files(number):
    for kind in (*TEXTS, *KINDS):
        seed = TEXTS.get(kind) or cases.CASES[kind][0]
        seed = seed() if callable(seed) else seed
        if seed is None:
            print(f"{kind}: skipped, nothing here can make it")
            continue
        for i in range(number):
            draw = random.Random(f"{kind} {i}")
            body = mutate_inside(draw, seed) if seed[:2] == b"PK" and i % 2 \
                else mutate(draw, seed)
            if body:
                yield f"{kind}-{i}", body


class Reader(threading.Thread):
    """Reads what has to be served meanwhile."""

    def __init__(self, paths):
        super().__init__(daemon=True)
        self.first = {path: self.read(path) for path in paths}
        self.longest = self.times = 0
        self.fault = None
        self.over = threading.Event()

    @staticmethod
    def read(path):
        with open(path, "rb") as f:
            return f.read()

    def run(self):
        while not self.over.wait(0.02):
            for path, expected in self.first.items():
                begun = time.monotonic()
                try:
                    same = self.read(path) == expected
                except OSError as e:
                    same, self.fault = False, f"{path}: {e}"
                self.longest = max(self.longest, time.monotonic() - begun)
                self.times += 1
                if not same:
                    self.fault = self.fault or f"{path} has other bytes"
                    return


def receipts(inbox, names, save, bodies):
    """Waits for those of one batch; gives the states."""
    left, last = set(names), time.monotonic()
    states = []
    while left:
        for name in sorted(left):
            path = os.path.join(inbox, name)
            try:
                with open(path + ".receipt.json", "rb") as f:
                    receipt = json.load(f)
            except FileNotFoundError:
                continue
            last = time.monotonic()
            states.append(receipt["state"])
            if any("decoder died" in e["message"] for e in receipt["errors"]):
                states[-1] = "died"
                keep(save, name, bodies[name])
            os.unlink(path)
            left.discard(name)
        if left and time.monotonic() - last > SECONDS:
            for name in left:
                keep(save, name, bodies[name])
            sys.exit(f"no verdict within {SECONDS} s: {sorted(left)}")
        time.sleep(0.01)
    return states


def keep(save, name, body):
    os.makedirs(save, exist_ok=True)
    with open(os.path.join(save, name), "wb") as f:
        f.write(body)


def main():
    inbox, number, save = sys.argv[1], int(sys.argv[2]), sys.argv[3]
    reader = Reader(sys.argv[4:])
    reader.start()
    found, batch = collections.Counter(), {}
    everything = list(files(number))
    for at in range(0, len(everything), BATCH):
        batch = dict(everything[at:at + BATCH])
        for name, body in batch.items():
            with open(os.path.join(inbox, name), "wb") as f:
                f.write(body)
        found.update(receipts(inbox, batch, save, batch))
    reader.over.set()
    reader.join()
    if reader.fault:
        sys.exit(reader.fault)
    if not reader.times or reader.longest > SECONDS:
        sys.exit(f"a file was read in {reader.longest:.1f} s")
    print(f"{len(everything)} files:", ", ".join(
        f"{n} {state}" for state, n in sorted(found.items())))
    print(f"read {reader.times} times, at most {reader.longest:.3f} s")
    if found["died"]:
        sys.exit(f"{found['died']} killed their decoder: they are in {save}")


main()
