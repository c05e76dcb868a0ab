#!/usr/bin/env python3
"""Watches folders by inotify: watch_folders.py OUT FOLDER...

Prints "ready", then appends a line for each event to OUT: FOLDER, NAME and the
event's words, with blanks between. Runs until it is killed."""

import ctypes
import os
import struct
import sys

WORDS = {0x2: "MODIFY", 0x4: "ATTRIB", 0x8: "CLOSE_WRITE", 0x80: "MOVED_TO",
         0x100: "CREATE", 0x200: "DELETE"}
HEADER = struct.Struct("iIII")


def main():
    libc = ctypes.CDLL(None, use_errno=True)
    fd = libc.inotify_init1(os.O_CLOEXEC)
    watches = {}
    for folder in sys.argv[2:]:
        watch = libc.inotify_add_watch(fd, os.fsencode(folder),
                                       sum(WORDS))
        if watch < 0:
            sys.exit("%s: %s" % (folder, os.strerror(ctypes.get_errno())))
        watches[watch] = os.path.basename(folder)
    print("ready", flush=True)
    with open(sys.argv[1], "a", encoding="utf-8", buffering=1) as out:
        while True:
            events = os.read(fd, 65536)
            while events:
                watch, mask, _, length = HEADER.unpack_from(events)
                name = events[HEADER.size:HEADER.size + length]
                events = events[HEADER.size + length:]
                words = [word for bit, word in WORDS.items() if mask & bit]
                if words:
                    out.write("%s %s %s\n" % (
                        watches[watch],
                        name.rstrip(b"\0").decode("utf-8"), " ".join(words)))


if __name__ == "__main__":
    main()
