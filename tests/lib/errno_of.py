#!/usr/bin/env python3
"""The error of one system call, by name: errno_of.py OPERATION PATH [ARG].

Prints 'none' when the call succeeds. 'write' opens, writes a byte and closes;
the name is that of the first call that fails."""

import errno
import os
import stat
import sys


def write(path):
    fd = os.open(path, os.O_WRONLY)
    try:
        os.write(fd, b"x")
    finally:
        os.close(fd)


def create(path):
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644))


OPERATIONS = {
    "read": lambda path: os.close(os.open(path, os.O_RDONLY)),
    "write": write,
    "append": lambda path: os.close(os.open(path, os.O_WRONLY | os.O_APPEND)),
    "create": create,
    "truncate": lambda path: os.truncate(path, 0),
    "unlink": os.unlink,
    "mkdir": os.mkdir,
    "rmdir": os.rmdir,
    "rename": os.rename,
    "link": os.link,
    "symlink": lambda path: os.symlink("target", path),
    "fifo": lambda path: os.mknod(path, stat.S_IFIFO | 0o644),
    "socket": lambda path: os.mknod(path, stat.S_IFSOCK | 0o644),
    "device": lambda path: os.mknod(path, stat.S_IFCHR | 0o644,
                                    os.makedev(1, 3)),
    "chmod": lambda path: os.chmod(path, 0o777),
    "chown": lambda path: os.chown(path, 1, 1),
    "utime": lambda path: os.utime(path, (1, 1)),
    "setxattr": lambda path, name: os.setxattr(path, name, b"x"),
    "stat": os.lstat,
    "list": os.listdir,
}


def main():
    arguments = [os.fsencode(argument) for argument in sys.argv[2:]]
    try:
        OPERATIONS[sys.argv[1]](*arguments)
    except OSError as error:
        print(errno.errorcode.get(error.errno, error.errno))
    else:
        print("none")


if __name__ == "__main__":
    main()
