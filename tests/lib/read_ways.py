#!/usr/bin/env python3
"""Ways in which programs read: read_ways.py MOUNT.

The city is scenario.sh's small_city_with_data. Prints what is not as it
should be; the exit status is 1 when there was something."""

import ctypes
import datetime
import hashlib
import mmap
import os
import random
import struct
import sys
import threading
import time

libc = ctypes.CDLL(None, use_errno=True)
SYS_GETDENTS64 = 217 if os.uname().machine == "x86_64" else 61
READERS = 100
wrong = []


def check(good, *words):
    if not good:
        wrong.append(words)
        print(*words)


def slurp(path):
    with open(path, "rb") as f:
        return f.read()


# ---- one file ---------------------------------------------------------------

def in_pieces(fd, size):
    os.lseek(fd, 0, os.SEEK_SET)
    pieces = []
    while True:
        piece = os.read(fd, size)
        if not piece:
            return b"".join(pieces)
        pieces.append(piece)


def by_sendfile(fd, size):
    reader, writer = os.pipe()
    try:
        sent = os.sendfile(writer, fd, 0, min(size, 4096))
        return os.read(reader, sent)
    finally:
        os.close(reader)
        os.close(writer)


def read_one(path):
    before = os.lstat(path)
    data = slurp(path)
    after = os.lstat(path)
    check(before.st_size == len(data), path, "has", before.st_size,
          "bytes, and gives", len(data))
    check(before.st_ino == after.st_ino, path, "changes its number")
    fd = os.open(path, os.O_RDONLY)
    try:
        check(os.fstat(fd).st_size == len(data), path, "grows when opened")
        for offset in (0, 1, 7, len(data) // 2, max(len(data) - 1, 0)):
            check(os.pread(fd, 13, offset) == data[offset:offset + 13], path,
                  "differs at", offset)
        for offset in (len(data), len(data) + 1, 1 << 40):
            check(os.pread(fd, 13, offset) == b"", path, "has bytes at",
                  offset)
        check(in_pieces(fd, 5) == data, path, "differs in pieces")
        if data:
            with mmap.mmap(fd, 0, prot=mmap.PROT_READ) as m:
                check(m[:] == data, path, "differs when mapped")
            check(by_sendfile(fd, len(data)) == data[:4096], path,
                  "differs when sent")
            check(os.lseek(fd, 0, os.SEEK_HOLE) == len(data), path,
                  "has a hole")
        direct = os.open(path, os.O_RDONLY | os.O_DIRECT)
        check(in_pieces(direct, 1 << 20) == data, path, "differs when direct")
        os.close(direct)
        attributes = {name: os.getxattr(path, name)
                      for name in os.listxattr(path)}
        sha256 = attributes.get("user.civicfs.sha256")
        check(sha256 in (None, hashlib.sha256(data).hexdigest().encode()),
              path, "says", sha256)
    finally:
        os.close(fd)


def every_file(mount):
    for folder, folders, names in os.walk(mount):
        if os.path.basename(folder) == "subjects":
            folders[:] = [name for name in folders if name < "010"]
        for name in names:
            yield os.path.join(folder, name)


# ---- folders ------------------------------------------------------------------

def listed(folder, size):
    """The names, read 'size' bytes at a time."""
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    buffer = ctypes.create_string_buffer(size)
    names = []
    while True:
        n = libc.syscall(SYS_GETDENTS64, fd, buffer, size)
        if n < 0:
            raise OSError(ctypes.get_errno(), folder)
        if n == 0:
            break
        at = 0
        while at < n:
            length = struct.unpack_from("<H", buffer.raw, at + 16)[0]
            name = buffer.raw[at + 19:at + length].split(b"\0")[0]
            names.append(os.fsdecode(name))
            at += length
    os.close(fd)
    return sorted(names)


def read_folders(mount, theme):
    for folder in (mount, theme, theme + "/versions", theme + "/changes",
                   theme + "/subjects", theme + "/sources",
                   theme + "/versions/1", mount + "/inbox/tax/ratings",
                   mount + "/inbox/tax/archive/ratings"):
        names = sorted(os.listdir(folder) + [".", ".."])
        for size in (48 + 19, 300, 1 << 16):
            got = listed(folder, max(size, 24 + max(map(len, names)) + 8))
            check(got == names, folder, "lists", len(got), "names by", size,
                  "bytes, not", len(names))


# ---- many, and while something is published --------------------------------------

def read_by_many(paths):
    wanted = {path: slurp(path) for path in paths}

    def reader(seed):
        order = random.Random(seed)
        for _ in range(8):
            path = order.choice(paths)
            check(slurp(path) == wanted[path], path, "differs for reader",
                  seed)
    threads = [threading.Thread(target=reader, args=(i,))
               for i in range(READERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def publish(mount, theme):
    """The next version, by a row that changes data.csv."""
    number = int(slurp(theme + "/versions/current"))
    with open(f"{mount}/inbox/tax/ratings/next{number}.csv", "w",
              encoding="utf-8") as f:
        f.write("code,year,payer,grade,rated_on\n"
                f"E1,{3000 + number},payer,C,2030-01-01\n")
    until = time.monotonic() + 60
    while int(slurp(theme + "/versions/current")) == number:
        if time.monotonic() > until:
            sys.exit("no next version after a minute")
        time.sleep(0.02)
    return number + 1


def read_across_a_publish(mount, theme):
    names = ("data.csv", "data.jsonl", "README.txt", "SHA256SUMS",
             "versions/index.csv", "versions/current", "subjects/E1.json",
             "sources/tax.ratings.csv")
    kept = ("conflicts.csv", "sources/aic.registrations.csv")
    number = int(slurp(theme + "/versions/current"))
    old = {}
    for name in names:
        path = theme + "/" + name
        fd = os.open(path, os.O_RDONLY)
        old[name] = fd, os.fstat(fd).st_ino, slurp(path)
    same = {name: os.stat(theme + "/" + name).st_ino for name in kept}
    with open(theme + "/data.csv", "rb") as f:
        mapped = mmap.mmap(f.fileno(), 0, prot=mmap.PROT_READ)
    published = publish(mount, theme)
    check(published == number + 1, "version", published, "follows", number)
    for name, (fd, inode, data) in old.items():
        path = theme + "/" + name
        check(in_pieces(fd, 4096) == data, name, "changes while it is open")
        check(os.fstat(fd).st_size == len(data), name,
              "has another size while it is open")
        check(slurp(path) != data, name, "is not the next version's")
        check(os.stat(path).st_ino != inode, name,
              "has other bytes under the same number")
        os.close(fd)
    check(mapped[:] == old["data.csv"][2], "the mapping of data.csv changes")
    for name, inode in same.items():
        check(os.stat(theme + "/" + name).st_ino == inode, name,
              "has the same bytes under another number")
    check(slurp(f"{theme}/versions/{number}/data.csv") == old["data.csv"][2],
          "version", number, "is not what it was")
    check(os.stat(f"{theme}/versions/{published}/data.csv").st_ino
          == os.stat(theme + "/data.csv").st_ino,
          "data.csv of the newest version is another file")


def read_days(theme):
    zone = datetime.timezone(datetime.timedelta(hours=8))
    today = datetime.datetime.now(zone).date()
    newest = slurp(theme + "/versions/current").decode().strip()
    path = f"{theme}/versions/{today.isoformat()}"
    check(os.readlink(path) == newest, "today is", os.readlink(path))
    check(os.lstat(path).st_size == len(newest), "today has another length")
    check(slurp(path + "/data.csv") == slurp(theme + "/data.csv"),
          "today's data.csv is not the newest")
    check(today.isoformat() not in os.listdir(theme + "/versions"),
          "days are listed")
    for day in ("2000-01-01", "2999-01-01", "2024-02-30",
                today.isoformat() + "x", "01"):
        check(not os.path.lexists(f"{theme}/versions/{day}"), day,
              "is a version")
    for name in ("0.csv", "01.csv", "1..1.csv", "2..1.csv", "1..99.csv",
                 "..csv", "99.csv", "1..", "-1..2.csv"):
        check(not os.path.lexists(f"{theme}/changes/{name}"), name,
              "is a change")
    net = slurp(f"{theme}/changes/0..{newest}.csv").decode().splitlines()
    data = slurp(theme + "/data.csv").decode().splitlines()
    check(net[1:] == ["insert," + line for line in data[1:]],
          "the changes since the beginning are not the data")


def main():
    mount = sys.argv[1]
    theme = mount + "/themes/credit"
    files = list(every_file(mount))
    files += [theme + "/subjects/E1.json", theme + "/changes/0..1.csv",
              theme + "/changes/0..2.csv", theme + "/changes/1..2.csv"]
    for path in files:
        read_one(path)
    read_folders(mount, theme)
    read_by_many([theme + "/data.csv", theme + "/SHA256SUMS",
                  theme + "/subjects/E1.json", theme + "/versions/1/data.csv",
                  theme + "/changes/0..2.csv", mount + "/README.txt",
                  mount + "/catalogue/index.csv"])
    for _ in range(2):
        read_across_a_publish(mount, theme)
    read_days(theme)
    print(f"{len(files)} files, {len(wrong)} wrong")
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
