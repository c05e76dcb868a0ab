#!/usr/bin/env python3
"""Opens files, and says later what they hold.

    hold_open.py FIFO FILE ...

Reads each file and opens it again, lets the kernel forget its pages, prints
"open", waits for a line from FIFO, and reads all of them by the descriptors
it has: what differs from before is printed, and the status is 1."""

import os
import sys


def slurp(fd):
    parts, at = [], 0
    while True:
        part = os.pread(fd, 10007, at)
        if not part:
            return b"".join(parts)
        parts.append(part)
        at += len(part)


def main():
    before, fds = [], []
    for path in sys.argv[2:]:
        fd = os.open(path, os.O_RDONLY)
        before.append(slurp(fd))
        os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
        fds.append(fd)
    print("open", flush=True)
    with open(sys.argv[1]) as fifo:
        fifo.readline()
    bad = 0
    for path, fd, expected in zip(sys.argv[2:], fds, before):
        try:
            size = os.fstat(fd).st_size
            got = slurp(fd)
        except OSError as error:
            print("%s: %s" % (path, error))
            bad = 1
            continue
        if got != expected or size != len(expected):
            print("%s: %d bytes, then %d of %d" % (path, len(expected),
                                                   len(got), size))
            bad = 1
    sys.exit(bad)


if __name__ == "__main__":
    main()
