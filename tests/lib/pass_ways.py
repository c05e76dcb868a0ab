#!/usr/bin/env python3
"""Delivers files in ways that matter where the kernel writes by itself.

    pass_ways.py WAY PATH [COMMAND …]

Prints the SHA-256 of what the file must have become. COMMAND is run by the shell
in the middle, while the file is open and half of it written."""

import ctypes
import hashlib
import mmap
import os
import signal
import subprocess
import sys
import time

HEAD = b"code,year,payer,grade,rated_on\n"
RUN = time.time_ns()  # no two deliveries are the same
LIBC = ctypes.CDLL(None, use_errno=True)
LIBC.mmap.restype = ctypes.c_void_p
LIBC.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int,
                      ctypes.c_int, ctypes.c_int, ctypes.c_long]


def rows(first, last):
    return b"".join(b"W%d,2024,payer %d,A,2024-05-01\n" % (i, RUN)
                    for i in range(first, last))


def check(what, got, expected):
    if got != expected:
        sys.exit("%s: %r, not %r" % (what, got, expected))


def between(commands):
    for command in commands:
        subprocess.run(command, shell=True, check=True)


def blocks(path, commands):
    """In small blocks; sizes and bytes are right at every moment."""
    content = HEAD + rows(0, 4000)
    with open(path, "wb", buffering=0) as out:
        for at in range(0, len(content), 4096):
            out.write(content[at:at + 4096])
            if at % 65536:
                continue
            if at >= 65536 and commands:
                between(commands)
                commands = ()
            end = min(at + 4096, len(content))
            check("size of the open file", os.fstat(out.fileno()).st_size, end)
            check("size by name", os.stat(path).st_size, end)
            with open(path, "rb", buffering=0) as reader:
                check("bytes", reader.read(1 << 20), content[:end])
    return content


def renamed(path, commands):
    """Under another name from the middle on."""
    content = HEAD + rows(0, 500)
    with open(path + ".part", "wb", buffering=0) as out:
        out.write(content[:5000])
        os.rename(path + ".part", path)
        between(commands)
        out.write(content[5000:])
        check("size", os.stat(path).st_size, len(content))
    return content


def truncated(path, commands):
    """Longer than it will be, shorter, and longer again, by two writers."""
    content = HEAD + rows(0, 500)
    with open(path, "wb", buffering=0) as out:
        out.write(content + b"x" * 100000)
        os.ftruncate(out.fileno(), 3000)
        check("size", os.fstat(out.fileno()).st_size, 3000)
        between(commands)
        with open(path, "ab", buffering=0) as other:
            other.write(content[3000:9000])
            os.fsync(other.fileno())
        out.seek(9000)
        out.write(content[9000:])
        os.posix_fallocate(out.fileno(), 0, len(content))
    return content


def rewritten(path, commands):
    """Once more under the same name, after its verdict or before; then a row
    more."""
    content = HEAD + rows(0, 700)
    with open(path, "wb", buffering=0) as out:
        out.write(content[:4000])
        between(commands)
        out.write(content[4000:])
    more = rows(700, 720)
    with open(path, "ab", buffering=0) as out:
        out.write(more)
    with open(path, "rb") as reader:
        check("bytes", reader.read(), content + more)
    return content + more


def mapped(path, commands):
    """Written through a mapping long after it was closed."""
    content = HEAD + rows(0, 400)
    n = len(content)
    fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o644)
    os.write(fd, HEAD + b"?" * (n - len(HEAD)))
    at = LIBC.mmap(None, n, mmap.PROT_READ | mmap.PROT_WRITE, mmap.MAP_SHARED,
                   fd, 0)
    os.close(fd)
    between(commands)
    time.sleep(1)
    if os.path.exists(path + ".receipt.json"):
        sys.exit("judged while it is mapped for writing")
    ctypes.memmove(at, content, n)
    LIBC.munmap(ctypes.c_void_p(at), ctypes.c_size_t(n))
    return content


def removed(path, commands):
    """Its name goes while it is written: it is no submission."""
    with open(path, "w+b", buffering=0) as out:
        out.write(HEAD)
        os.unlink(path)
        between(commands)
        out.write(rows(0, 10))
        out.seek(0)
        check("bytes", out.read(1 << 20), HEAD + rows(0, 10))
    if os.path.exists(path):
        sys.exit("'%s' is there" % path)
    return b""


def killed(path, commands):
    """By a process that dies of a signal in the middle."""
    with subprocess.Popen(["dd", "if=/dev/zero", "of=" + path, "bs=4096",
                           "status=none"]) as writer:
        while not (os.path.exists(path) and os.stat(path).st_size > 100000):
            time.sleep(0.01)
        between(commands)
        writer.send_signal(signal.SIGKILL)
    return b""


WAYS = {way.__name__: way for way in (
    blocks, renamed, truncated, rewritten, mapped, removed, killed)}

if __name__ == "__main__":
    print(hashlib.sha256(WAYS[sys.argv[1]](
        sys.argv[2], sys.argv[3:])).hexdigest())
