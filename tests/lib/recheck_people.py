#!/usr/bin/env python3
"""People who keep files of a dataset open while rights change.

    recheck_people.py passwd FILE FILE     adds them to copies of /etc's files
    recheck_people.py group FILE YES|NO    whether bo is in the team
    recheck_people.py check MOUNT
    recheck_people.py left MOUNT
    recheck_people.py statfs MOUNT WHO     blocks of inbox/aic, as he is told

'check' has a process for each person, which opens every kind of file of
themes/credit once; then it reads lines 'who=yes|no|left ...' and, for each, lets
all of them read by the descriptors that they opened first, by new ones, by a
descriptor that somebody else opened, by mmap and by sendfile: each answer must
be that of the line. Who has left a group reads nothing by what he opened before;
by path he may for as long as his process has the group, as with any file. It
answers 'good', or prints what differs and ends.

'left': ann makes a file in inbox/aic/registrations and keeps descriptors of it;
after a line from standard input she is no member any more, and what the kernel
lets its owner do by them is refused."""

import ctypes
import errno
import mmap
import os
import signal
import sys
import tempfile

UIDS = {"ann": 63001, "bo": 63002, "cy": 63003}
TEAM = 63100  # bo's group, by his account
SERVICE = 63101  # a group that ann's process has without her account
FILES = ("data.csv", "data.jsonl", "data.sqlite", "README.txt",
         "datapackage.json", "SHA256SUMS", "subjects/E1.json",
         "sources/aic.registrations.csv", "versions/1/data.csv",
         "versions/index.csv", "changes/1.csv",
         "changes/0..1.csv", "conflicts.csv")
# what tells no record: whoever reads is asked, but not who opened it
BARE = ("versions/index.csv",)
PR_SET_PDEATHSIG = 1


def add_accounts(passwd, group):
    with open(passwd, "a", encoding="utf-8") as file:
        for name, uid in UIDS.items():
            file.write("%s:x:%d:%d::/:/bin/sh\n" % (name, uid, uid))
    with open(group, "a", encoding="utf-8") as file:
        for name, uid in UIDS.items():
            file.write("%s:x:%d:\n" % (name, uid))
        file.write("service:x:%d:\nteam:x:%d:\n" % (SERVICE, TEAM))


def set_group(path, member):
    with open(path, encoding="utf-8") as file:
        lines = [line for line in file if not line.startswith("team:")]
    lines.append("team:x:%d:%s\n" % (TEAM, "bo" if member else ""))
    with open(path, "r+", encoding="utf-8") as file:  # mounted: not renamed
        file.write("".join(lines))
        file.truncate()


def become(name):
    os.setgroups([TEAM] if name == "bo" else [SERVICE] if name == "ann" else [])
    os.setresgid(UIDS[name], UIDS[name], UIDS[name])
    os.setresuid(UIDS[name], UIDS[name], UIDS[name])


def outcome(function, *args):
    try:
        return function(*args)
    except OSError as error:
        return errno.errorcode[error.errno]


def read_all(fd):
    parts, at = [], 0
    while True:
        part = os.pread(fd, 4096, at)
        if not part:
            return b"".join(parts)
        parts.append(part)
        at += len(part)


def read_path(path):
    fd = os.open(path, os.O_RDONLY)
    try:
        return read_all(fd)
    finally:
        os.close(fd)


def map_shared(fd):
    mmap.mmap(fd, 1, mmap.MAP_SHARED, mmap.PROT_READ).close()
    return "mapped"


def map_private(fd):
    """A private mapping can be made, but not read."""
    child = os.fork()
    if not child:
        libc = ctypes.CDLL(None, use_errno=True)
        libc.mmap.restype = ctypes.c_void_p
        at = libc.mmap(None, 4096, mmap.PROT_READ, mmap.MAP_PRIVATE, fd,
                       ctypes.c_long(0))
        signal.signal(signal.SIGBUS, signal.SIG_DFL)
        os._exit(0 if ctypes.string_at(at, 1) else 1)
    status = os.waitpid(child, 0)[1]
    return "SIGBUS" if os.WIFSIGNALED(status) and \
        os.WTERMSIG(status) == signal.SIGBUS else "read"


def send(fd):
    with tempfile.TemporaryFile() as out:
        os.sendfile(out.fileno(), fd, 0, 4096)
    return "sent"


class Person:
    """A process of somebody, which does what it is told."""

    def __init__(self, name, top, foreign):
        self.name = name
        self.ask, self.answer = os.pipe(), os.pipe()
        self.pid = os.fork()
        if not self.pid:
            become(name)
            ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
            self.serve(top, foreign)
            os._exit(0)

    def serve(self, top, foreign):
        with os.fdopen(self.ask[0]) as lines, \
                os.fdopen(self.answer[1], "w") as answers:
            opened = {name: os.open(os.path.join(top, name), os.O_RDONLY)
                      for name in FILES}
            before = {name: read_all(fd) for name, fd in opened.items()}
            answers.write("open\n")
            answers.flush()
            for line in lines:
                words = line.split()
                said = self.look(top, opened, before, foreign, *words)
                answers.write((said or "good") + "\n")
                answers.flush()

    def look(self, top, opened, before, foreign, may, opener_may):
        for name, fd in opened.items():
            kept = may == "yes" or (may == "left" and name in BARE)
            got = outcome(read_all, fd)
            if got != (before[name] if kept else "EACCES"):
                return "%s: opened before, read %r" % (name, got)
            got = outcome(read_path, os.path.join(top, name))
            if got != (before[name] if may != "no" else "EACCES"):
                return "%s: by path %r" % (name, got)
            # never by the kernel's own pages, whoever it is
            for way, expected in ((map_shared, "ENODEV"),
                                  (map_private, "SIGBUS"), (send, "EINVAL")):
                got = outcome(way, fd)
                if got != expected:
                    return "%s: %s gives %s" % (name, way.__name__, got)
        for name, fd in foreign.items():
            both = may != "no" and (opener_may == "yes" or name in BARE)
            got = outcome(read_all, fd)
            if (got == before[name]) != both or \
                    (not both and got != "EACCES"):
                return "%s: opened by another, read %r" % (name, got)
        return None

    def tell(self, line):
        os.write(self.ask[1], (line + "\n").encode())

    def hear(self):
        said = b""
        while not said.endswith(b"\n"):
            part = os.read(self.answer[0], 4096)
            if not part:
                sys.exit("failed: %s has ended" % self.name)
            said += part
        return said.decode().strip()


def open_as(name, top):
    """Descriptors that this process has of files that 'name' opened."""
    here = os.geteuid()
    groups = os.getgroups()
    os.setgroups([TEAM] if name == "bo" else [])
    os.setegid(UIDS[name])
    os.seteuid(UIDS[name])
    found = {f: os.open(os.path.join(top, f), os.O_RDONLY) for f in FILES}
    os.seteuid(here)
    os.setegid(0)
    os.setgroups(groups)
    return found


def check(mount):
    top = os.path.join(mount, "themes/credit")
    foreign = open_as("bo", top)
    people = [Person(name, top, foreign) for name in UIDS]
    for person in people:
        said = person.hear()
        if said != "open":
            sys.exit("failed: %s: %s" % (person.name, said))
    print("open", flush=True)
    for line in sys.stdin:
        may = dict(word.split("=") for word in line.split())
        for person in people:
            person.tell("%s %s" % (may[person.name], may["bo"]))
        for person in people:
            said = person.hear()
            if said != "good":
                sys.exit("failed: %s: %s (%s)" % (person.name, said,
                                                  line.strip()))
        print("good", flush=True)


def left(mount):
    folder = os.path.join(mount, "inbox/aic/registrations")
    stored = os.statvfs(folder).f_blocks
    become("ann")
    path = os.path.join(folder, "of ann.csv.part")
    with open(path, "wb") as file:
        file.write(b"code")
    there = "/proc/self/fd/%d" % os.open(path, os.O_PATH)
    written = os.open(path, os.O_RDWR)
    if os.statvfs(folder).f_blocks != stored:
        sys.exit("failed: a member sees another quota")
    ways = {
        "chmod": lambda: os.chmod(there, 0o600),
        "utime": lambda: os.utime(there, (1, 1)),
        "futime": lambda: os.utime(written, (1, 1)),
        "truncate": lambda: os.truncate(there, 1),
        "setxattr": lambda: os.setxattr(there, "user.x", b"x"),
        "removexattr": lambda: os.removexattr(there, "user.x"),
        "getxattr": lambda: os.getxattr(there, "user.civicfs.status"),
        "listxattr": lambda: os.listxattr(there),
        "read": lambda: os.open(there, os.O_RDONLY),
        "write": lambda: os.open(there, os.O_WRONLY),
    }
    os.setxattr(there, "user.x", b"x")
    print("open", flush=True)
    sys.stdin.readline()
    done = [way for way, call in ways.items()
            if outcome(call) != "EACCES"]
    if done:
        sys.exit("failed: who has left may %s" % ", ".join(done))
    if os.pread(written, 10, 0) != b"code" or os.write(written, b"more") != 4:
        sys.exit("failed: what was open is not any more")
    print("good", flush=True)


def statfs(mount, name):
    become(name)
    print(os.statvfs(os.path.join(mount, "inbox/aic")).f_blocks)


def main():
    if sys.argv[1] == "passwd":
        add_accounts(sys.argv[2], sys.argv[3])
    elif sys.argv[1] == "group":
        set_group(sys.argv[2], sys.argv[3] == "YES")
    elif sys.argv[1] == "left":
        left(sys.argv[2])
    elif sys.argv[1] == "statfs":
        statfs(sys.argv[2], sys.argv[3])
    else:
        check(sys.argv[2])


if __name__ == "__main__":
    main()
