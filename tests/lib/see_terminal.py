#!/usr/bin/env python3
"""What a person sees: runs a command on a terminal of COLUMNS columns.

    see_terminal.py COLUMNS OUT COMMAND ...

OUT gets the bytes that came. Fails if a line that is written over is wider
than the terminal: what wraps cannot be. Ends with the command's exit status."""

import fcntl
import os
import pty
import struct
import sys
import termios
import unicodedata


def width(text):
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1
               for c in text)


def run(columns, command):
    pid, fd = pty.fork()
    if pid == 0:
        fcntl.ioctl(1, termios.TIOCSWINSZ,
                    struct.pack("HHHH", 24, columns, 0, 0))
        os.execvp(command[0], command)
    out = b""
    while True:
        try:
            more = os.read(fd, 65536)
        except OSError:
            break
        if not more:
            break
        out += more
    return out, os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def main():
    columns = int(sys.argv[1])
    out, status = run(columns, sys.argv[3:])
    with open(sys.argv[2], "wb") as file:
        file.write(out)
    for line in out.decode("utf-8").replace("\r\n", "\n").split("\n"):
        for part in line.split("\r")[:-1]:
            if width(part) >= columns:
                sys.exit("a line of %d columns on a terminal of %d: %r"
                         % (width(part), columns, part))
    sys.exit(status)


if __name__ == "__main__":
    main()
