#!/usr/bin/env python3
"""What each system call answers on each kind of node: errno_table.py MOUNT.

The city is that of scenario.sh's small_city, with aic/registrations holding a
judged 'good.csv' and a partly refused 'bad.csv', and one version of the theme.
Prints every call whose answer is not that of the tables below; the exit status
is 1 when there was one. Run as root: what reaches the daemon is what is
tested, not the kernel's mode bits."""

import ctypes
import datetime
import errno
import mmap
import os
import stat
import struct
import sys

ACL = struct.pack("<IHHIHHIHHI", 2, 1, 6, 0xffffffff, 4, 4, 0xffffffff,
                  0x20, 4, 0xffffffff)
RENAME_NOREPLACE, RENAME_EXCHANGE, RENAME_WHITEOUT = 1, 2, 4
AT_FDCWD = -100
libc = ctypes.CDLL(None, use_errno=True)


def renameat2(old, new, flags):
    if libc.renameat2(AT_FDCWD, os.fsencode(old), AT_FDCWD, os.fsencode(new),
                      flags):
        raise OSError(ctypes.get_errno(), "renameat2")


def opening(flags, mode=0o644):
    return lambda path: os.close(os.open(path, flags, mode))


def through(flags, call):
    """A call on the descriptor of an opened file."""
    def operation(path):
        fd = os.open(path, flags)
        try:
            call(fd)
        finally:
            os.close(fd)
    return operation


def map_for_writing(fd):
    mmap.mmap(fd, 1, mmap.MAP_SHARED, mmap.PROT_READ | mmap.PROT_WRITE)


def beside(name):
    return lambda path: os.path.join(os.path.dirname(path), name)


class Table:
    def __init__(self, mount):
        self.mount = mount
        self.box = mount + "/inbox/aic/registrations"
        self.other = mount + "/inbox/tax/ratings"
        self.theme = mount + "/themes/credit"
        self.wrong = 0
        self.calls = 0

    # What a call does with a node that is there.
    def on_node(self):
        return {
            "open to read": opening(os.O_RDONLY),
            "open to write": opening(os.O_WRONLY),
            "open to append": opening(os.O_WRONLY | os.O_APPEND),
            "open or create": opening(os.O_RDWR | os.O_CREAT),
            "open and cut": opening(os.O_RDONLY | os.O_TRUNC),
            "create anew": opening(os.O_RDWR | os.O_CREAT | os.O_EXCL),
            "truncate": lambda p: os.truncate(p, 0),
            "map to write": through(os.O_RDONLY, map_for_writing),
            "fsync": through(os.O_RDONLY, os.fsync),
            "unlink": os.unlink,
            "rmdir": os.rmdir,
            "rename here": lambda p: os.rename(p, beside("new.csv")(p)),
            "rename here unless there":
                lambda p: renameat2(p, beside("new.csv")(p),
                                    RENAME_NOREPLACE),
            "rename to an inbox":
                lambda p: os.rename(p, self.other + "/new.csv"),
            "exchange": lambda p: renameat2(p, self.other + "/t.csv",
                                            RENAME_EXCHANGE),
            "link here": lambda p: os.link(p, beside("new.csv")(p)),
            "link to an inbox":
                lambda p: os.link(p, self.other + "/new.csv"),
            "chmod": lambda p: os.chmod(p, 0o600),
            "chown": lambda p: os.chown(p, 1, 1),
            "utime": lambda p: os.utime(p, (1, 1)),
            "set user.x": lambda p: os.setxattr(p, "user.x", b"1"),
            "set user.civicfs":
                lambda p: os.setxattr(p, "user.civicfs.status", b"1"),
            "set the ACL":
                lambda p: os.setxattr(p, "system.posix_acl_access", ACL),
            "remove the ACL":
                lambda p: os.removexattr(p, "system.posix_acl_access"),
            "set trusted.x": lambda p: os.setxattr(p, "trusted.x", b"1"),
            "set security.x": lambda p: os.setxattr(p, "security.x", b"1"),
            "remove user.none": lambda p: os.removexattr(p, "user.none"),
            "remove user.civicfs":
                lambda p: os.removexattr(p, "user.civicfs.status"),
            "get user.none": lambda p: os.getxattr(p, "user.none"),
            "get user.civicfs.none":
                lambda p: os.getxattr(p, "user.civicfs.none"),
            "get the ACL":
                lambda p: os.getxattr(p, "system.posix_acl_access"),
            "get security.capability":
                lambda p: os.getxattr(p, "security.capability"),
            "list attributes": os.listxattr,
            "stat": os.lstat,
            "statvfs": os.statvfs,
            "list": os.listdir,
            "readlink": os.readlink,
            "go into": lambda p: os.lstat(p + "/x"),
            "create in it":
                lambda p: opening(os.O_RDWR | os.O_CREAT)(p + "/x"),
        }

    # What a call does with a new name in a folder.
    def on_name(self):
        return {
            "create": opening(os.O_WRONLY | os.O_CREAT | os.O_EXCL),
            "open or create": opening(os.O_WRONLY | os.O_CREAT),
            "mknod": lambda p: os.mknod(p, stat.S_IFREG | 0o644),
            "mkdir": os.mkdir,
            "symlink": lambda p: os.symlink("target", p),
            "fifo": lambda p: os.mknod(p, stat.S_IFIFO | 0o644),
            "socket": lambda p: os.mknod(p, stat.S_IFSOCK | 0o644),
            "device": lambda p: os.mknod(p, stat.S_IFCHR | 0o644,
                                         os.makedev(1, 3)),
            "rename into": lambda p: os.rename(self.other + "/t.csv", p),
            "link into": lambda p: os.link(self.other + "/t.csv", p),
            "unlink": os.unlink,
            "rmdir": os.rmdir,
            "stat": os.lstat,
            "temporary file":
                lambda p: opening(os.O_TMPFILE | os.O_RDWR)(
                    os.path.dirname(p)),
        }

    def tidy(self):
        """The inboxes as every call finds them."""
        for box in (self.box, self.other):
            for name in os.listdir(box):
                if name in ("new.csv", "x"):
                    os.unlink(os.path.join(box, name))
        path = self.other + "/t.csv"
        if not os.path.exists(path):
            with open(path, "w", encoding="utf-8") as f:
                f.write("code,year,payer,grade,rated_on\n")
        for name, text in (("spare.csv.part", "code,name,capital\n"),
                           ("bad.csv.fix.csv", "code,name,capital,_row\n")):
            path = os.path.join(self.box, name)
            if not os.path.exists(path) or not os.stat(path).st_size:
                with open(path, "w", encoding="utf-8") as f:
                    f.write(text)

    def expect(self, where, what, call, path, expected):
        self.tidy()
        try:
            call(path)
            got = "ok"
        except OSError as error:
            got = errno.errorcode.get(error.errno, str(error.errno))
            # One number, two names.
            got = "EOPNOTSUPP" if got == "ENOTSUP" else got
        self.calls += 1
        if got != expected:
            self.wrong += 1
            print(f"{where}: {what} gives {got}, not {expected}")

    def nodes(self, expected, paths, leave_out=()):
        for name, path in paths.items():
            for what, call in self.on_node().items():
                if what in leave_out:
                    continue
                self.expect(name, what, call, path,
                            expected.get(what, expected["else"]))

    def names(self, expected, paths):
        for name, path in paths.items():
            for what, call in self.on_name().items():
                self.expect(name, what, call, path,
                            expected.get(what, expected["else"]))


# A file outside the inboxes.
FILE = {
    "else": "EROFS",
    "open to read": "ok", "create anew": "EEXIST", "map to write": "EACCES",
    "fsync": "ok", "rmdir": "ENOTDIR", "link to an inbox": "EPERM",
    "set user.civicfs": "EPERM", "set the ACL": "EOPNOTSUPP",
    "remove the ACL": "EOPNOTSUPP", "remove user.civicfs": "EPERM",
    "get user.none": "ENODATA", "get user.civicfs.none": "ENODATA",
    "get the ACL": "ok", "get security.capability": "ENODATA",
    "list attributes": "ok", "stat": "ok", "statvfs": "ok",
    "list": "ENOTDIR", "readlink": "EINVAL", "go into": "ENOTDIR",
    "create in it": "ENOTDIR",
}
FOLDER = {
    **FILE,
    "open to write": "EISDIR", "open to append": "EISDIR",
    "open or create": "EISDIR", "open and cut": "EISDIR",
    "truncate": "EISDIR", "unlink": "EISDIR",
    "rmdir": "EROFS", "exchange": "EROFS", "link here": "EPERM",
    "list": "ok", "go into": "ENOENT", "create in it": "EROFS",
}
INBOX_FOLDER = {
    **FOLDER,
    "chmod": "ok", "chown": "ok", "utime": "ok",
    "create in it": "ok",
}
UPLOAD = {
    **FILE,
    "else": "ok",
    "rename to an inbox": "EXDEV", "exchange": "EXDEV",
    "link here": "EPERM", "set trusted.x": "EOPNOTSUPP",
    "set security.x": "EOPNOTSUPP", "remove user.none": "ENODATA",
}
RECEIPT = {
    **FILE,
    "else": "EPERM",
    "rename to an inbox": "EXDEV", "exchange": "EXDEV",
    "set trusted.x": "EOPNOTSUPP", "set security.x": "EOPNOTSUPP",
}
# What everyone may read: the mode bits say it, so there is no ACL.
EVERYONE = {"get the ACL": "ENODATA"}
NEW = {
    "else": "EROFS",
    "rename into": "EXDEV", "unlink": "ENOENT", "rmdir": "ENOENT",
    "stat": "ENOENT", "temporary file": "EOPNOTSUPP",
}
NEW_UPLOAD = {
    **NEW,
    "else": "EPERM",
    "create": "ok", "open or create": "ok", "mknod": "ok",
}


# Names that cannot be in an inbox at all: the kernel looks them up first.
TOO_LONG = {"else": "ENAMETOOLONG", "temporary file": "EOPNOTSUPP"}
NO_TEXT = {"else": "EILSEQ", "temporary file": "EOPNOTSUPP"}
NEW_RECEIPT = {
    **NEW_UPLOAD,
    "create": "EPERM", "open or create": "EPERM", "mknod": "EPERM",
}


def main():
    mount = sys.argv[1]
    t = Table(mount)
    theme, box = t.theme, t.box
    archive = mount + "/inbox/aic/archive/registrations"
    kept = archive + "/" + sorted(os.listdir(archive))[0]
    # The platform's zone, as small_city has it.
    zone = datetime.timezone(datetime.timedelta(hours=8))
    day = datetime.datetime.now(zone).date().isoformat()

    t.nodes({**FILE, **EVERYONE}, {
        "README.txt": mount + "/README.txt",
        "data.csv": theme + "/data.csv",
        "theme's README": theme + "/README.txt",
        "SHA256SUMS": theme + "/SHA256SUMS",
        "data.csv of a version": theme + "/versions/1/data.csv",
        "current": theme + "/versions/current",
        "a source": theme + "/sources/aic.registrations.csv",
        "a subject": theme + "/subjects/E1.json",
        "changes": theme + "/changes/1.csv",
        "net changes": theme + "/changes/0..1.csv",
    })
    t.nodes(FILE, {
        "descriptor": mount + "/catalogue/aic/registrations/descriptor.ini",
        "an original": kept + "/good.csv",
        "a kept receipt": kept + "/receipt.txt",
    })
    t.nodes({**FOLDER, **EVERYONE}, {
        "the theme": theme,
        "a version": theme + "/versions/1",
        "subjects": theme + "/subjects",
    }, leave_out=("rename to an inbox",))
    t.nodes(FOLDER, {
        "the catalogue": mount + "/catalogue/aic/registrations",
        "the archive": mount + "/inbox/aic/archive",
        "a kept submission": kept,
        "a department's inbox": mount + "/inbox/aic",
    }, leave_out=("rename to an inbox",))
    t.nodes(INBOX_FOLDER, {"an inbox folder": box})
    t.nodes({"else": "EROFS", "stat": "ok", "readlink": "ok"},
            {"a day": theme + "/versions/" + day},
            leave_out=set(t.on_node()) - {"stat", "readlink", "unlink",
                                          "rename here"})
    t.nodes(UPLOAD, {"an upload": box + "/spare.csv.part"})
    companions = ("unlink", "rename here", "rename here unless there")
    for name in ("good.csv.receipt.txt", "good.csv.receipt.json"):
        t.nodes(RECEIPT, {name: box + "/" + name}, leave_out=companions)
        t.expect(name, "rename", lambda p: os.rename(p, box + "/x"),
                 box + "/" + name, "EPERM")
        t.expect(name, "rename to", lambda p: os.rename(
            box + "/spare.csv.part", p), box + "/" + name, "EPERM")
    t.nodes(UPLOAD, {"a fix file": box + "/bad.csv.fix.csv"},
            leave_out=companions)

    t.names(NEW, {
        "a name in the root": mount + "/new.csv",
        "a name in catalogue/": mount + "/catalogue/new.csv",
        "a name in inbox/": mount + "/inbox/new.csv",
        "a name in a department's inbox": mount + "/inbox/aic/new.csv",
        "a name in the archive": archive + "/new.csv",
        "a name in a kept submission": kept + "/new.csv",
        "a name in themes/": mount + "/themes/new.csv",
        "a name in a theme": theme + "/new.csv",
        "a name in versions/": theme + "/versions/new.csv",
        "a name in a version": theme + "/versions/1/new.csv",
        "a name in subjects/": theme + "/subjects/new.csv",
        "a name in sources/": theme + "/sources/new.csv",
        "a name in changes/": theme + "/changes/new.csv",
    })
    t.names(NEW_UPLOAD, {"a name in an inbox": box + "/new.csv"})
    t.names(TOO_LONG, {
        "a name of 241 bytes": box + "/" + "n" * 241,
        "a name of 241 bytes in Chinese": box + "/" + "名" * 80 + "n",
        "a name of 255 bytes": box + "/" + "n" * 255,
    })
    t.names(NO_TEXT, {
        "a name that is not UTF-8": os.fsencode(box) + b"/\xff\xfe.csv",
        "a name in GBK": os.fsencode(box) + "/登记.csv".encode("gbk"),
        "a surrogate in a name": os.fsencode(box) + b"/\xed\xa0\x80.csv",
    })
    t.names(NEW_RECEIPT, {
        "a receipt for people": box + "/none.csv.receipt.txt",
        "a receipt for programs": box + "/none.csv.receipt.json",
        "a receipt in capitals": box + "/none.csv.RECEIPT.TXT",
    })
    for name in ("n" * 240, "名" * 80, ".n", "-n", "a\nb", "a\"'`$;\\*?"):
        path = box + "/" + name
        t.expect(repr(name), "create", opening(
            os.O_WRONLY | os.O_CREAT | os.O_EXCL), path, "ok")
        t.expect(repr(name), "rename", lambda p: os.rename(
            p, box + "/new.csv"), path, "ok")
    print(f"{t.calls} calls, {t.wrong} wrong")
    sys.exit(t.wrong != 0)


if __name__ == "__main__":
    main()
