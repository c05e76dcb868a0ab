#!/bin/bash
# All tests on a Debian 12, from nothing: installs what is missing, builds a
# copy of the sources out of tree with sanitizers, runs make check and reads
# the sources with cppcheck and clang-tidy. The last line is
#
#	N passed, N failed[, N skipped]
#
# and the exit status is 0 only when nothing failed. Works in a temporary
# folder of its own and leaves nothing behind; several may run at once.
#
#	./test.sh [--no-lint] [--keep]

set -uo pipefail
umask 022
top=$(cd "$(dirname "$0")" && pwd)
began=$SECONDS
limit=840
lint=yes
keep=no
for option; do
	case $option in
	--no-lint)	lint=no ;;
	--keep)		keep=yes ;;
	*)		echo "usage: ./test.sh [--no-lint] [--keep]" >&2
			exit 2 ;;
	esac
done

passed=0
failed=0
skipped=0
work=
child=

say() {
	printf '\n== %s (%d s)\n' "$1" $((SECONDS - began))
}

count() {	# NAME STATUS: one test of this script itself
	case $2 in
	0)	passed=$((passed + 1)); echo "PASS: $1" ;;
	77)	skipped=$((skipped + 1)); echo "SKIP: $1" ;;
	*)	failed=$((failed + 1)); echo "FAIL: $1" ;;
	esac
}

# Processes of this run, known by its own folder in their command line.
processes() {
	local dir pid
	for dir in /proc/[0-9]*; do
		pid=${dir#/proc/}
		if [ "$pid" = "$$" ] || [ "$pid" = "$BASHPID" ]; then
			continue
		fi
		if tr '\0' ' ' 2>/dev/null <"$dir/cmdline" |
			grep -q -F -e "$work"; then
			echo "$pid"
		fi
	done
}

mounts() {
	awk -v under="$work/" 'index($2, under) == 1 { print $2 }' /proc/mounts
}

clean_up() {
	local pid mount
	[ -n "$work" ] || return
	[ -z "$child" ] || kill "$child" 2>/dev/null
	for pid in $(processes); do
		kill -9 "$pid" 2>/dev/null
	done
	mounts | while read -r mount; do
		umount -l "$mount"
	done
	cd /
	if [ "$keep" = yes ]; then
		echo "kept: $work"
	else
		rm -rf "$work"
	fi
	work=
}

summary() {
	local line="$passed passed, $failed failed"
	[ "$skipped" = 0 ] || line="$line, $skipped skipped"
	clean_up
	echo "$line"
	[ "$failed" = 0 ] && [ "$passed" != 0 ]
	exit
}
trap clean_up EXIT
trap 'echo "interrupted"; failed=$((failed + 1)); summary' INT TERM HUP

stop_at() {	# NAME: a step without which the others cannot be
	count "$1" 1
	summary
}

limited() {	# COMMAND …: within what is left of the time
	local left=$((limit - (SECONDS - began))) status
	[ "$left" -gt 0 ] || return 124
	timeout -k 20 "$left" "$@" &
	child=$!
	wait "$child"
	status=$?
	child=
	return "$status"
}

say "packages"
groups="build run test"
[ "$lint" = no ] || groups="$groups lint"
# shellcheck disable=SC2086
"$top/build-aux/install-packages.sh" $groups || stop_at packages

say "build"
work=$(mktemp -d "${TMPDIR:-/tmp}/civicfs-test-XXXXXX") || stop_at mktemp
chmod 755 "$work"
mkdir "$work/civicfs" "$work/build" "$work/tmp"
chmod 1777 "$work/tmp"
# autoreconf writes into the sources: a run of its own has its own copy.
tar -C "$top" --exclude=./.git --exclude=./build --exclude=./demo \
	--exclude=./autom4te.cache --one-file-system -cf - . |
	tar -C "$work/civicfs" --no-same-owner -xf - || stop_at copy
[ ! -d "$top/../shared" ] || ln -s "$(cd "$top/../shared" && pwd)" "$work/shared"
export TMPDIR=$work/tmp
(cd "$work/civicfs" && limited autoreconf -fi) >"$work/autoreconf.log" 2>&1 ||
	{ cat "$work/autoreconf.log"; stop_at autoreconf; }
cd "$work/build" || stop_at build
limited ../civicfs/configure -q --enable-werror \
	--with-sanitizers=address,undefined || stop_at configure
limited make -s -j"$(nproc)" || stop_at make

say "make check"
limited make -k -j"$(nproc)" check >"$work/check.log" 2>&1
status=$?
grep -E '^(PASS|FAIL|SKIP|XPASS|ERROR): ' "$work/check.log"
number() {
	sed -n "s/^# $1: *//p" "$work/check.log" | tail -n 1
}
total=$(number TOTAL)
if [ -z "$total" ] || [ "$total" = 0 ]; then
	tail -n 60 "$work/check.log"
	stop_at "make check (ended with $status before its summary)"
fi
passed=$((passed + $(number PASS)))
skipped=$((skipped + $(number SKIP)))
bad=$(($(number FAIL) + $(number ERROR) + $(number XPASS)))
failed=$((failed + bad))
if [ "$bad" != 0 ]; then
	grep -E '^(FAIL|ERROR|XPASS): ' "$work/check.log" |
		sed 's/^[A-Z]*: //' | while read -r test; do
		printf '\n--- %s\n' "$test"
		tail -n 80 "$test.log"
	done
elif [ "$status" != 0 ]; then
	tail -n 60 "$work/check.log"
	count "make check ended with $status" 1
fi
left="$(processes) $(mounts)"
if [ -n "${left// /}" ]; then
	echo "left behind: $left"
	count "nothing is left behind" 1
else
	count "nothing is left behind" 0
fi

reads() {	# TOOL COMMAND …: a reader of the sources, if it is there
	if [ "$lint" = no ] || ! command -v "$1" >/dev/null; then
		echo "$1: not installed or not asked for"
		count "$1" 77
	elif [ $((SECONDS - began)) -gt $((limit - 120)) ]; then
		echo "$1: no time left"
		count "$1" 77
	else
		limited "${@:2}" >"$work/$1.log" 2>&1
		status=$?
		[ "$status" = 0 ] || tail -n 100 "$work/$1.log"
		if [ "$status" = 124 ] &&
			! grep -q -E '(error|warning): ' "$work/$1.log"; then
			echo "$1: the time was up before it had read all"
			status=77
		fi
		count "$1" "$status"
	fi
}

say "sources"
reads cppcheck "$work/civicfs/build-aux/run-cppcheck.sh" "$work/build"
reads clang-tidy "$work/civicfs/build-aux/run-clang-tidy.sh" "$work/build"

say "end"
summary
