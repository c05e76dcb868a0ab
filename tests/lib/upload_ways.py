#!/usr/bin/env python3
"""Ways in which programs write a file: upload_ways.py INBOX FOLDER SETTLE.

INBOX is inbox/tax/ratings of scenario.sh's small_city, FOLDER one for the
files as they were meant to be, SETTLE the seconds after which the platform
takes a closed file for complete. Each way sends one file with a row of its
own. Prints for each 'NAME STATES', where STATES are those of the submissions
that must come of it, in order; the caller compares."""

import mmap
import os
import shutil
import signal
import subprocess
import sys
import time

WAYS = []


def way(name, states="accepted", sent=None):
    """'sent' makes the bytes from the usual ones."""
    def add(function):
        WAYS.append((name, states, sent, function))
        return function
    return add


class Upload:
    number = 0

    def __init__(self, box, folder, settle, name, sent):
        Upload.number += 1
        text = ("code,year,payer,grade,rated_on\n"
                f"W{Upload.number},2024,payer,A,2024-05-01\n").encode()
        self.data = sent(text) if sent else text
        self.box = box
        self.settle = settle
        self.name = name
        self.path = os.path.join(box, name)
        self.source = os.path.join(folder, name)
        with open(self.source, "wb") as f:
            f.write(self.data)

    def beside(self, name):
        return os.path.join(self.box, name)

    def write(self, path, data=None):
        with open(path, "wb") as f:
            f.write(self.data if data is None else data)

    def long_pause(self):
        time.sleep(3 * self.settle)

    def run(self, *arguments, **options):
        subprocess.run(arguments, check=True, **options)


# ---- programs --------------------------------------------------------------

def tool(name, *arguments, needs=None):
    if shutil.which(needs or arguments[0]) is None:
        print(f"not tried: {arguments[0]} is not installed", file=sys.stderr)
        return

    def function(u):
        u.run(*[a.replace("SOURCE", u.source).replace("TARGET", u.path)
                .replace("BOX", u.box) for a in arguments])
    WAYS.append((name, "accepted", None, function))


tool("cp-a.csv", "cp", "-a", "SOURCE", "TARGET")
tool("cp-reflink.csv", "cp", "--reflink=auto", "--sparse=always", "SOURCE",
     "TARGET")
tool("cp-remove.csv", "cp", "--remove-destination", "SOURCE", "TARGET")
tool("install-p.csv", "install", "-p", "-m", "640", "SOURCE", "TARGET")
tool("dd-notrunc.csv", "dd", "if=SOURCE", "of=TARGET", "conv=notrunc,fsync",
     "status=none")
tool("dd-append.csv", "dd", "if=SOURCE", "of=TARGET", "bs=5", "oflag=append",
     "conv=notrunc", "status=none")
tool("dd-direct.csv", "dd", "if=SOURCE", "of=TARGET", "oflag=direct",
     "bs=4096", "status=none")
tool("dd-sync.csv", "dd", "if=SOURCE", "of=TARGET", "oflag=sync",
     "status=none")
for flags in ("", "--times", "--inplace", "--append", "--append-verify",
              "--checksum", "-aX", "-aS", "-aH", "-a --preallocate",
              "-a --partial-dir=.partial", "-a --temp-dir=/dev/shm",
              "-W --fsync"):
    tool("rsync" + flags.replace(" ", "").replace("/", "") + ".csv",
         "rsync", *flags.split(), "SOURCE", "TARGET")
tool("sed.csv", "sh", "-c", "sed s/payer/p/ SOURCE >TARGET.tmp && "
     "cp SOURCE TARGET.tmp && sed -i -e s/payer/payer/ TARGET.tmp && "
     "mv TARGET.tmp TARGET", needs="sed")
tool("tee.csv", "sh", "-c", "tee TARGET <SOURCE >/dev/null", needs="tee")
tool("vim.csv", "vim", "-u", "NONE", "-es", "-c", "edit SOURCE", "-c",
     "write! TARGET", "-c", "quit!")


@way("mv.csv")
def _(u):
    elsewhere = "/dev/shm/civicfs-" + str(os.getpid())
    shutil.copy(u.source, elsewhere)
    u.run("mv", elsewhere, u.path)


@way("touched-before.csv")
def _(u):
    u.run("touch", u.path)
    u.long_pause()
    u.write(u.path)


@way("appended.csv")
def _(u):
    for line in u.data.splitlines(keepends=True):
        with open(u.path, "ab") as f:
            f.write(line)


# ---- order of calls --------------------------------------------------------

@way("explorer.csv")
def _(u):
    """The order of a copy over SMB: create, set the end, write, times."""
    fd = os.open(u.path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o766)
    os.ftruncate(fd, len(u.data))
    os.posix_fallocate(fd, 0, len(u.data))
    u.long_pause()
    os.pwrite(fd, u.data, 0)
    os.utime(fd, (1e9, 1e9))
    os.close(fd)
    os.setxattr(u.path, "user.DOSATTRIB", b"\0\0\4\0")
    fd = os.open(u.path, os.O_WRONLY)
    os.utime(fd, (1e9, 1e9))
    os.close(fd)
    if os.stat(u.path).st_mtime != 1e9:
        sys.exit("explorer.csv has lost its time")


@way("backwards.csv")
def _(u):
    with open(u.path, "wb", buffering=0) as f:
        for at in reversed(range(len(u.data))):
            os.pwrite(f.fileno(), u.data[at:at + 1], at)


@way("mapped.csv")
def _(u):
    with open(u.path, "w+b") as f:
        f.truncate(len(u.data))
        with mmap.mmap(f.fileno(), len(u.data)) as m:
            m[:] = u.data
            m.flush()


@way("mapped-after-close.csv")
def _(u):
    with open(u.path, "w+b") as f:
        f.truncate(len(u.data))
        m = mmap.mmap(f.fileno(), len(u.data))
    u.long_pause()
    m[:] = u.data
    u.long_pause()
    m.close()


@way("two-descriptors.csv")
def _(u):
    first = os.open(u.path, os.O_WRONLY | os.O_CREAT)
    second = os.dup(first)
    os.write(first, u.data[:9])
    os.close(first)
    u.long_pause()
    os.write(second, u.data[9:])
    os.close(second)


@way("two-writers.csv")
def _(u):
    first = os.open(u.path, os.O_WRONLY | os.O_CREAT)
    second = os.open(u.path, os.O_WRONLY)
    os.write(first, u.data[:9])
    os.close(first)
    u.long_pause()
    os.pwrite(second, u.data[9:], 9)
    os.close(second)


@way("reader.csv")
def _(u):
    """A reader does not hold a file back."""
    u.write(u.path)
    reader = os.open(u.path, os.O_RDONLY)
    u.long_pause()
    if os.read(reader, 1 << 16) != u.data:
        sys.exit("reader.csv reads as something else")
    os.close(reader)


@way("replaced.csv")
def _(u):
    with open(u.path + ".tmp", "wb") as f:
        f.write(u.data)
        f.flush()
        os.fsync(f.fileno())
    os.replace(u.path + ".tmp", u.path)
    fd = os.open(u.box, os.O_RDONLY)
    os.fsync(fd)
    os.close(fd)


@way("libreoffice.csv")
def _(u):
    lock = u.beside(".~lock.libreoffice.csv#")
    u.write(lock, b",clerk,office,;")
    u.write(u.beside("lu1a2b3c.tmp"))
    u.long_pause()
    os.rename(u.beside("lu1a2b3c.tmp"), u.path)
    os.unlink(lock)


@way("excel.csv", "accepted unchanged")
def _(u):
    """Saved, judged, and saved again unchanged under the same name."""
    owner = u.beside("~$excel.csv")
    u.write(owner, b"clerk" * 33)
    u.write(u.path)
    while not os.path.exists(u.path + ".receipt.json"):
        time.sleep(0.05)
    u.write(u.beside("8C3F1A00"))
    os.rename(u.path, u.beside("1A2B3C4D.tmp"))
    os.rename(u.beside("8C3F1A00"), u.path)
    os.unlink(u.beside("1A2B3C4D.tmp"))
    os.unlink(owner)


@way("emptied-first.csv")
def _(u):
    u.write(u.path, b"something else")
    with open(u.path, "r+b") as f:
        f.truncate(0)
        f.write(u.data)


# ---- bytes and names -------------------------------------------------------

@way("no-last-line-end.csv", sent=lambda data: data[:-1])
def _(u):
    u.write(u.path)


@way("carriage-returns.csv", sent=lambda data: data.replace(b"\n", b"\r\n"))
def _(u):
    u.write(u.path)


@way("nothing.csv", "", sent=lambda data: b"")
def _(u):
    u.write(u.path)


@way("tail-of-nulls.csv", "incomplete", sent=lambda data: data + bytes(512))
def _(u):
    u.write(u.path)


for odd in ("-dash.csv", "quo'te\"s $x`;*?\\.csv", "企业 登记.csv",
            "line\nbreak.csv", "e\u0301cole.csv", "n" * 236 + ".csv",
            "名" * 80, "no-ending", "receipt.txt.csv", "4913.csv"):
    WAYS.append((odd, "accepted", None, lambda u: u.run(
        "cp", "--", u.source, u.path)))


# ---- writers that die ------------------------------------------------------

def die(u, end, done, hold):
    """A child writes 'done' bytes and ends by 'end' while it has them open."""
    child = os.fork()
    if child == 0:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        fd = os.open(u.path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.write(fd, u.data[:done])
        if hold:
            os.kill(os.getpid(), end)
        os._exit(0)
    os.waitpid(child, 0)


@way("killed.csv", "incomplete", sent=lambda data: data[:40])
def _(u):
    die(u, signal.SIGKILL, 40, True)


@way("terminated.csv", "incomplete")
def _(u):
    die(u, signal.SIGTERM, len(u.data), True)


@way("ended.csv")
def _(u):
    """A program that ends without closing has closed."""
    die(u, 0, len(u.data), False)


@way("killed-then-sent-again.csv", "incomplete accepted")
def _(u):
    die(u, signal.SIGKILL, 40, True)
    u.long_pause()
    u.run("cp", u.source, u.path)


def main():
    box, folder, settle = sys.argv[1], sys.argv[2], float(sys.argv[3])
    for name, states, sent, function in WAYS:
        upload = Upload(box, folder, settle, name, sent)
        function(upload)
        print(name.replace("\n", "\\n"), states, sep="\t", flush=True)


if __name__ == "__main__":
    main()
