#!/usr/bin/env python3
"""Goes over paths, with as few system calls as it can: walk.py HOW PATH …

stat: looks at each; read: opens, reads and closes it; list: lists it and looks
at each entry."""

import os
import sys


def stat(path):
    try:
        os.lstat(path)
    except FileNotFoundError:
        pass


def read(path):
    fd = os.open(path, os.O_RDONLY)
    os.read(fd, 1 << 16)
    os.close(fd)


def entries(path):
    with os.scandir(path) as found:
        for entry in found:
            entry.stat(follow_symlinks=False)


HOW = {"stat": stat, "read": read, "list": entries}

for at in sys.argv[2:]:
    HOW[sys.argv[1]](at)
