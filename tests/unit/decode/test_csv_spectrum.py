#!/usr/bin/python3
"""Decodes the files of csv-spectrum, a public set of hard CSV files with the
rows of each as JSON. The set is not ours and is not kept here: it is fetched
by npm, and the test is skipped (77) where that does not work. Fails if a row
differs."""

import glob
import json
import os
import shutil
import subprocess
import sys
import tempfile

DUMP = "./tests/lib/decode_dump"
SKIP = 77


def fetch(folder):
    if not shutil.which("npm"):
        return "npm is not installed"
    try:
        done = subprocess.run(
            ["npm", "pack", "csv-spectrum@1.0.0", "--silent",
             "--fetch-retries=0", "--fetch-timeout=10000",
             "--cache", os.path.join(folder, "cache")],
            cwd=folder, capture_output=True, timeout=60, check=False)
    except subprocess.TimeoutExpired:
        return "npm did not answer"
    packs = glob.glob(os.path.join(folder, "*.tgz"))
    if done.returncode or not packs:
        return "npm cannot fetch csv-spectrum"
    shutil.unpack_archive(packs[0], folder, "gztar")
    return None


def rows_of(name, labels):
    done = subprocess.run([DUMP, name] + labels, capture_output=True,
                          check=True)
    got = [json.loads(line)
           for line in done.stdout.decode().split("\n")[:-1]]
    assert got[-1] == {"end": "done"}, got
    return [dict(zip(labels, row["cells"])) for row in got[1:-1]]


def main():
    with tempfile.TemporaryDirectory() as folder:
        reason = fetch(folder)
        if reason:
            print(f"skipped: {reason}")
            return SKIP
        names = sorted(glob.glob(os.path.join(folder, "package/csvs/*.csv")))
        for name in names:
            base = os.path.basename(name)[:-4]
            with open(os.path.join(folder, "package/json", base + ".json"),
                      encoding="utf-8") as file:
                want = json.load(file)
            got = rows_of(name, list(want[0]))
            print(f"{base}: {len(got)} rows")
            assert got == want, (got, want)
        assert len(names) >= 10
    return 0


if __name__ == "__main__":
    sys.exit(main())
