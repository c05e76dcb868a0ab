#!/usr/bin/env python3
"""Fifty people and twenty groups on a city whose rights change while they read.

    fifty_people.py passwd FILE FILE       adds them to copies of /etc's files
    fifty_people.py config FOLDER SEED     writes the city with its first rules
    fifty_people.py check FOLDER MOUNT CIVICFS SEED ROUNDS

Who may do what is computed here from the same lines, by another way than the
program's: person by person, without ACLs. 'check' has a process for each
person, which stays where it is while rules change; after each reload all of
them list, stat, open and write every kind of node, and each answer must be
that of the rules. What getfacl shows, decided as the kernel decides, and what
'civicfs explain' says have to agree. Prints what differs. FULL=1 looks at
every node for everybody; else a part by lot."""

import ctypes
import errno
import itertools
import json
import os
import pickle
import random
import re
import struct
import subprocess
import sys
import threading

PEOPLE = ["p%02d" % i for i in range(50)]
GROUPS = ["team%02d" % i for i in range(20)]
DEPARTMENTS = {"aic": "registrations", "tax": "ratings", "env": "penalties",
               "court": "cases"}
CONDITIONAL = "env/penalties"
THEMES = {"credit": ["aic/registrations", "tax/ratings"],
          "control": ["aic/registrations", "env/penalties"],
          "justice": ["court/cases", "aic/registrations"]}
SOURCE = "the conditional source"
FULL = bool(os.environ.get("FULL"))  # every node for everybody, or a sample
SAMPLE = 36
ROLES = ["coordinator", "supervisor", "secrecy", "auditor"]


def uid_of(person):
    return 61000 + PEOPLE.index(person)


def gid_of(group):
    return 62000 + GROUPS.index(group)


def groups_of(person):
    """By lot, but always the same; some are in none."""
    lot = random.Random("groups of " + person)
    return lot.sample(GROUPS, lot.choice([0, 1, 1, 2, 3, 5]))


def add_accounts(passwd, group):
    with open(passwd, "a", encoding="utf-8") as f:
        for person in PEOPLE:
            f.write("%s:x:%d:%d::/:/bin/sh\n" % (
                person, uid_of(person), uid_of(person)))
    with open(group, "a", encoding="utf-8") as f:
        for name in GROUPS:
            f.write("%s:x:%d:%s\n" % (name, gid_of(name), ",".join(
                p for p in PEOPLE if name in groups_of(p))))
        for person in PEOPLE:
            f.write("%s:x:%d:\n" % (person, uid_of(person)))


class Rules:
    """What the configuration says, by lot."""

    def __init__(self, lot):
        self.members = {d: self.draw(lot, 3, False) for d in DEPARTMENTS}
        self.roles = {r: self.draw(lot, 2, False) for r in ROLES}
        self.catalogue = self.draw(lot, 4, True)
        self.themes = {t: self.draw(lot, 4, True) for t in THEMES}
        self.source = self.draw(lot, 6, True)
        self.known = {}

    @staticmethod
    def draw(lot, most, readers):
        found = ["user:" + p for p in lot.sample(PEOPLE, lot.randint(0, most))]
        found += ["group:" + g
                  for g in lot.sample(GROUPS, lot.randint(0, most - 1))]
        if readers:
            found += ["department:" + d for d in lot.sample(
                list(DEPARTMENTS), lot.choice([0, 0, 1, 2]))]
            if lot.random() < 0.2:
                found.append("role:" + lot.choice(ROLES))
            if lot.random() < 0.1:
                found.append("departments")
            if lot.random() < 0.1:
                found.append("everyone")
        if lot.random() < 0.2:
            found.append(lot.choice(["user:ghost", "group:ghosts"]))
        lot.shuffle(found)
        return found

    @staticmethod
    def listed(principals):
        """On one line, or each on a line of its own below the key."""
        return ("\n    " if len(principals) > 2 else " ").join(principals)

    def text(self, folder):
        out = ["[platform]", "title = Fifty people", "state = state",
               "registration = automatic", "settle = 50ms", "[roles]"]
        out += ["%s = %s" % (r, self.listed(self.roles[r])) for r in ROLES]
        for d in DEPARTMENTS:
            out += ["[department %s]" % d,
                    "members = " + self.listed(self.members[d])]
        for theme, resources in THEMES.items():
            out += ["[theme %s]" % theme, "subject = code",
                    "sqlite = yes"]
            out += ["source.s%d = %s" % (i, r)
                    for i, r in enumerate(resources)]
            out += ["field.n%d = first s%d.name" % (i, i)
                    for i, r in enumerate(resources)]
        out += ["[access]", "catalogue = " + self.listed(self.catalogue)]
        out += ["theme.%s = %s" % (t, self.listed(self.themes[t]))
                for t in THEMES]
        out.append("source.%s = %s" % (CONDITIONAL, self.listed(self.source)))
        path = os.path.join(folder, "civicfs.conf")
        with open(path + ".new", "w", encoding="utf-8") as f:
            f.write("\n".join(out) + "\n")
        os.rename(path + ".new", path)

    def names(self, principals, person):
        for principal in principals:
            kind, _, name = principal.partition(":")
            if (kind == "everyone" or
                    kind == "user" and name == person or
                    kind == "group" and name in groups_of(person) or
                    kind == "department" and
                    self.names(self.members[name], person) or
                    kind == "departments" and any(
                        self.names(self.members[d], person)
                        for d in DEPARTMENTS) or
                    kind == "role" and self.names(self.roles[name], person)):
                return True
        return False

    def may(self, person, place):
        """Whether a node of a place, taken alone, may be read."""
        if (person, place) not in self.known:
            self.known[person, place] = self.decide(person, place)
        return self.known[person, place]

    def decide(self, person, place):
        kind, _, name = place.partition(" ")
        if kind == "root":
            return True
        if kind == "catalogue":
            return self.names(self.catalogue, person)
        if kind == "inboxes":
            return any(self.names(m, person) for m in self.members.values())
        if kind == "inbox":
            return self.names(self.members[name], person)
        if kind == "themes":
            return any(self.names(t, person) for t in self.themes.values())
        if kind == "theme":
            return self.names(self.themes[name], person)
        return self.names(self.source, person)


def write_city(folder):
    for department, resource in DEPARTMENTS.items():
        path = os.path.join(folder, "resources.d", department)
        os.makedirs(path)
        name = department + "/" + resource
        with open(os.path.join(path, resource + ".ini"), "w",
                  encoding="utf-8") as f:
            f.write("[resource]\ntitle = %s\nabstract = %s\n" % (name, name))
            if name == CONDITIONAL:
                f.write("sharing = conditional\nsharing_condition = duty\n")
            else:
                f.write("sharing = unconditional\n")
            f.write("open = no\nupdate_cycle = daily\nmode = snapshot\n"
                    "key = code\nsubject = code\n"
                    "[field code]\ntype = string\nrequired = yes\n"
                    "[field name]\ntype = string\n")


def nodes():
    """(path, kind, places on the way to it); the last is its own."""
    root = ["root"]
    yield "", "folder", root
    yield "README.txt", "file", root
    yield "catalogue", "folder", root + ["catalogue"]
    yield "catalogue/index.csv", "file", root + ["catalogue"]
    yield ("catalogue/aic/registrations/descriptor.ini", "file",
           root + ["catalogue"])
    yield "inbox", "folder", root + ["inboxes"]
    for d, r in DEPARTMENTS.items():
        way = root + ["inboxes", "inbox " + d]
        yield "inbox/" + d, "folder", way
        yield "inbox/%s/%s" % (d, r), "box", way
        yield "inbox/%s/%s/spare.csv.part" % (d, r), "upload", way
        yield "inbox/%s/%s/first.csv.receipt.txt" % (d, r), "file", way
        yield "inbox/%s/%s/faulty.csv.fix.csv" % (d, r), "fix", way
        yield "inbox/%s/trial" % d, "folder", way
        yield "inbox/%s/trial/%s" % (d, r), "box", way
        yield "inbox/%s/archive/%s" % (d, r), "folder", way
    yield "themes", "folder", root + ["themes"]
    for t, resources in THEMES.items():
        way = root + ["themes", "theme " + t]
        for name in ("", "/sources", "/subjects", "/versions", "/changes",
                     "/versions/1", "/versions/1/subjects"):
            yield "themes/" + t + name, "folder", way
        for name in ("data.csv", "data.jsonl", "data.sqlite", "orphans.csv",
                     "conflicts.csv", "SHA256SUMS", "README.txt",
                     "datapackage.json", "subjects/E1.json",
                     "versions/1/data.csv", "versions/1/data.sqlite",
                     "versions/1/SHA256SUMS",
                     "versions/1/subjects/E2.json", "versions/current",
                     "versions/index.csv", "changes/1.csv",
                     "changes/0..1.csv"):
            yield "themes/%s/%s" % (t, name), "file", way
        for resource in resources:
            for at in ("", "versions/1/"):
                path = "themes/%s/%ssources/%s.csv" % (
                    t, at, resource.replace("/", "."))
                if resource == CONDITIONAL:
                    yield path, "file", way + ["source"]
                else:
                    yield path, "file", way


NODES = list(nodes())
WAYS = {path: way for path, _, way in NODES}


def add_archives(mount):
    """What is known once submissions have numbers."""
    for d, r in DEPARTMENTS.items():
        top = "inbox/%s/archive/%s" % (d, r)
        for number in sorted(os.listdir(os.path.join(mount, top))):
            folder = "%s/%s" % (top, number)
            NODES.append((folder, "folder", WAYS[top]))
            for name in sorted(os.listdir(os.path.join(mount, folder))):
                NODES.append((folder + "/" + name, "file", WAYS[top]))
    WAYS.update({path: way for path, _, way in NODES})


GIDS = {p: {gid_of(g) for g in groups_of(p)} | {uid_of(p)} for p in PEOPLE}


def parent_places(path, places, kind):
    """Those that must let one pass to come to the node's name."""
    if kind != "folder":
        return [p for p in places if p != "source"]
    return WAYS.get(os.path.dirname(path), places)


# ---- a person ---------------------------------------------------------------

def attempt(call):
    try:
        call()
        return "ok"
    except OSError as error:
        return errno.errorcode[error.errno]


def opened(path, flags):
    os.close(os.open(path, flags))


def make_and_remove(folder, person):
    path = os.path.join(folder, "of %s.csv.part" % person)
    opened(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL)
    if os.stat(path).st_uid != os.getuid():
        raise OSError(errno.EOWNERDEAD, "not mine")
    os.chmod(path, 0o400)
    opened(path, os.O_RDWR)
    os.rename(path, path + ".tmp")
    os.unlink(path + ".tmp")


def allowed(path):
    if not os.access(path, os.R_OK):
        raise OSError(errno.EACCES, "says access(2)")


def attribute(path):
    try:
        os.getxattr(path, "user.civicfs.version")
    except OSError as error:
        if error.errno != errno.ENODATA:
            raise


LIBC = ctypes.CDLL(None, use_errno=True)


def watched(path):
    """inotify wants the right to read."""
    fd = LIBC.inotify_init()
    if LIBC.inotify_add_watch(fd, path.encode(), 4) < 0:
        code = ctypes.get_errno()
        os.close(fd)
        raise OSError(code, "inotify")
    os.close(fd)


def meddle(path, kind):
    """What nobody may do: the first that can be done is told."""
    calls = {"utime": lambda: os.utime(path, (1, 1)),
             "truncate": lambda: os.truncate(path, 1),
             "unlink": lambda: os.unlink(path),
             "rename": lambda: os.rename(path, path + ".new"),
             "replace": lambda: os.rename(path + ".no", path),
             "setxattr": lambda: os.setxattr(path, "user.x", b"x"),
             "link": lambda: os.link(path, path + ".new"),
             "chown": lambda: os.chown(path, 0, 0)}
    if kind in ("folder", "box"):
        calls = {"rmdir": lambda: os.rmdir(path),
                 "mkdir": lambda: os.mkdir(path + "/new"),
                 "create": lambda: opened(path + "/new", os.O_CREAT |
                                          os.O_WRONLY),
                 "chmod": lambda: os.chmod(path, 0o777)}
    return [name for name, call in calls.items() if attempt(call) == "ok"]


def answers(mount, person, lot):
    found = {}
    for path, kind, _ in NODES if FULL else lot.sample(NODES, SAMPLE):
        full = os.path.join(mount, path) if path else mount
        found[path, "stat"] = attempt(lambda: os.stat(full))
        found[path, "access"] = attempt(lambda: allowed(full))
        found[path, "xattr"] = attempt(lambda: attribute(full))
        found[path, "watch"] = attempt(lambda: watched(full))
        if kind in ("folder", "box"):
            found[path, "list"] = attempt(lambda: os.listdir(full))
        else:
            found[path, "read"] = attempt(lambda: opened(full, os.O_RDONLY))
        if kind in ("file", "upload"):
            found[path, "write"] = attempt(lambda: opened(full, os.O_WRONLY))
        # in an inbox members may, and would
        if found[path, "access"] != "ok" or not path.startswith("inbox"):
            found[path, "meddle"] = meddle(full, kind)
        if kind == "box":
            found[path, "make"] = attempt(
                lambda: make_and_remove(full, person))
    return found


class Stander:
    """Stands in a folder, and has others and their files by descriptors."""

    def __init__(self, mount):
        self.folders = []
        self.files = []
        self.stands = None
        os.chdir("/")
        for theme in THEMES:
            path = os.path.join(mount, "themes", theme, "versions/1")
            try:
                os.chdir(path)
            except OSError:
                continue
            self.stands = theme
            self.folders.append((theme, os.open(".", os.O_PATH),
                                 os.open("data.csv", os.O_PATH)))
            # their modes and ACLs do not say all: the daemon is the one who
            # asks the rules
            self.files.append((theme, "a subject",
                               os.open("subjects/E1.json", os.O_PATH)))
            if CONDITIONAL in THEMES[theme]:
                self.files.append((theme, SOURCE, os.open(
                    "sources/%s.csv" % CONDITIONAL.replace("/", "."),
                    os.O_PATH)))

    def close(self):
        for _, folder, file in self.folders:
            os.close(folder)
            os.close(file)
        for _, _, file in self.files:
            os.close(file)

    def answers(self):
        found = {}
        for theme, folder, file in self.folders:
            found[theme, "stat below a descriptor"] = attempt(
                lambda: os.stat("data.csv", dir_fd=folder))
            found[theme, "open of a descriptor"] = attempt(
                lambda: opened("/proc/self/fd/%d" % file, os.O_RDONLY))
        for theme, what, file in self.files:
            found[theme, what] = attempt(
                lambda: opened("/proc/self/fd/%d" % file, os.O_RDONLY))
        if self.stands:
            for what, call in (
                    ("stat", lambda: os.stat("data.csv")),
                    ("open", lambda: opened("data.csv", os.O_RDONLY)),
                    ("deep stat", lambda: os.stat("subjects/E1.json")),
                    ("list", lambda: os.listdir("."))):
                found[self.stands, "%s where one stands" % what] = attempt(
                    call)
        return found


def read_on(mount, stop, wrong):
    """Reads whatever may be read, as rules come and go."""
    for theme in itertools.cycle(THEMES):
        if stop.is_set():
            return
        try:
            with open(os.path.join(mount, "themes", theme, "data.csv"),
                      "rb") as f:
                if not f.read().startswith(b"code,"):
                    wrong.append("bytes")
        except OSError as error:
            if error.errno != errno.EACCES:
                wrong.append(errno.errorcode[error.errno])
        stop.wait(0.02)


def live(person, mount, questions, replies):
    os.setgroups([gid_of(g) for g in groups_of(person)])
    os.setgid(uid_of(person))
    os.setuid(uid_of(person))
    stander = Stander(mount)
    lot = random.Random()
    stop, wrong = threading.Event(), []
    reader = threading.Thread(target=read_on, args=(mount, stop, wrong))
    reader.start()
    while os.read(questions, 1) == b"?":
        reply = pickle.dumps((answers(mount, person, lot),
                              stander.answers()))
        os.write(replies, struct.pack("<I", len(reply)) + reply)
        stander.close()
        stander = Stander(mount)
    stop.set()
    reader.join()
    reply = pickle.dumps(wrong)
    os.write(replies, struct.pack("<I", len(reply)) + reply)


class Person:
    def __init__(self, name, mount):
        self.name = name
        ask = os.pipe()
        reply = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            try:
                os.close(ask[1])
                live(name, mount, ask[0], reply[1])
                os._exit(0)
            except BaseException as error:  # the parent reads an end
                print(name, repr(error), flush=True)
                os._exit(1)
        os.close(ask[0])
        os.close(reply[1])
        self.ask_end, self.reply_end = ask[1], reply[0]

    def ask(self, what):
        os.write(self.ask_end, what)

    def reply(self):
        with os.fdopen(os.dup(self.reply_end), "rb", 0) as f:
            n = struct.unpack("<I", f.read(4))[0]
            got = b""
            while len(got) < n:
                got += f.read(n - len(got))
        return pickle.loads(got)


# ---- what has to be ---------------------------------------------------------

class Check:
    def __init__(self, folder, mount, civicfs):
        self.folder, self.mount, self.civicfs = folder, mount, civicfs
        self.wrong = 0
        self.asked = 0

    def expect(self, what, got, expected):
        self.asked += 1
        if got == expected:
            return
        self.wrong += 1
        if self.wrong <= 20:
            print("%s: %s, not %s" % (what, got, expected), flush=True)

    def answers(self, rules, person, found):
        for path, kind, places in NODES:
            here = all(rules.may(person, p) for p in places)
            above = all(rules.may(person, p)
                        for p in parent_places(path, places, kind))
            expected = {
                "stat": above, "list": here, "read": here, "make": here,
                "write": here and kind == "upload",
                "access": here, "xattr": here, "watch": here,
            }
            for what, may in expected.items():
                if (path, what) in found:
                    self.expect("%s: %s of '%s'" % (person, what, path),
                                found[path, what], "ok" if may else "EACCES")
            if (path, "meddle") in found:
                self.expect("%s: may with '%s'" % (person, path),
                            found[path, "meddle"], [])

    def standing(self, rules, person, found):
        for (theme, what), got in found.items():
            may = rules.may(person, "theme " + theme) and (
                what != SOURCE or rules.may(person, "source"))
            self.expect("%s: %s in %s" % (person, what, theme), got,
                        "ok" if may else "EACCES")

    def acl_of(self, path):
        full = os.path.join(self.mount, path) if path else self.mount
        try:
            acl = os.getxattr(full, "system.posix_acl_access")
        except OSError:
            return [(0x10, 7, 0), (0x20, os.stat(full).st_mode & 7, 0)]
        return list(struct.iter_unpack("<HHI", acl[4:]))

    @staticmethod
    def by_acl(entries, person):
        """As acl(5) says, for neither root nor the file's owner."""
        gids = GIDS[person]
        mask = [perm for tag, perm, _ in entries if tag == 0x10][0]
        for tag, perm, number in entries:
            if tag == 2 and number == uid_of(person):
                return bool(perm & mask & 4)
        matched = [perm for tag, perm, number in entries
                   if tag == 8 and number in gids]
        if matched:
            return any(perm & mask & 4 for perm in matched)
        return bool([p for tag, p, _ in entries if tag == 0x20][0] & 4)

    def acls(self, rules):
        for path, _, places in NODES:
            entries = self.acl_of(path)
            for person in PEOPLE:
                self.expect("the ACL of '%s' for %s" % (path, person),
                            self.by_acl(entries, person),
                            rules.may(person, places[-1]))

    def explained(self, rules, lot):
        for _ in range(8):
            path, _, places = lot.choice(NODES)
            person = lot.choice(PEOPLE)
            answer = subprocess.run(
                [self.civicfs, "-c", self.folder + "/civicfs.conf", "--json",
                 "explain", person, "/" + path],
                stdout=subprocess.PIPE, check=False)
            told = json.loads(answer.stdout)
            self.expect("explain %s %s" % (person, path), told["read"],
                        all(rules.may(person, p) for p in places))
            if told["read"] and told["file"]:
                self.deciding(told)

    def deciding(self, told):
        """The lines that are named hold the principals they are named for."""
        for file, line, principal in re.findall(
                r"([^\s(]+):(\d+)(?:: [^=]* = |\), )([^ ,]+)",
                told["decided_by"]):
            with open(file, encoding="utf-8") as f:
                text = f.readlines()[int(line) - 1]
            words = text.partition(" = ")[2] if " = " in text else text
            self.expect("'%s' names a line with '%s'" % (
                told["decided_by"], principal), principal in words.split(),
                True)

    def explain_all(self, rules, lot):
        """For each place, everybody whom 'explain PATH' names."""
        for path, kind, places in NODES if FULL else lot.sample(NODES, 20):
            answer = subprocess.run(
                [self.civicfs, "-c", self.folder + "/civicfs.conf", "--json",
                 "explain", "/" + path],
                stdout=subprocess.PIPE, check=False)
            rows = json.loads(answer.stdout)
            rows = rows["readers"]
            for person in PEOPLE:
                mine = [row for row in rows if
                        row["kind"] == "everyone" or
                        row["kind"] == "user" and row["name"] == person or
                        row["kind"] == "group" and
                        row["name"] in groups_of(person) + [person]]
                may = all(rules.may(person, p) for p in places)
                self.expect("explain %s: %s" % (path, person), bool(mine), may)
                self.expect("explain %s: %s writes" % (path, person),
                            any(row["write"] for row in mine),
                            may and kind in ("box", "upload", "fix"))

    def round(self, rules, people, lot):
        for person in people:
            person.ask(b"?")
        for person in people:
            found, standing = person.reply()
            self.answers(rules, person.name, found)
            self.standing(rules, person.name, standing)
        self.acls(rules)
        self.explained(rules, lot)


def check(folder, mount, civicfs, seed, rounds):
    lot = random.Random(seed)
    rules = Rules(lot)
    c = Check(folder, mount, civicfs)
    add_archives(mount)
    people = [Person(name, mount) for name in PEOPLE]
    c.round(rules, people, lot)
    for _ in range(rounds):
        rules = Rules(lot)
        rules.text(folder)
        subprocess.run([civicfs, "-c", folder + "/civicfs.conf", "reload"],
                       check=True, stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL)
        c.round(rules, people, lot)
    c.explain_all(rules, lot)
    for person in people:
        person.ask(b".")
        c.expect(person.name + " read on", person.reply(), [])
        os.waitpid(person.pid, 0)
    print("%d answers, %d wrong" % (c.asked, c.wrong))
    sys.exit(c.wrong != 0)


def main():
    what, rest = sys.argv[1], sys.argv[2:]
    if what == "passwd":
        add_accounts(*rest)
    elif what == "config":
        write_city(rest[0])
        Rules(random.Random(rest[1])).text(rest[0])
    else:
        check(rest[0], rest[1], rest[2], rest[3], int(rest[4]))


if __name__ == "__main__":
    main()
