#!/bin/sh
# Reads the sources with clang-tidy and the checks of .clang-tidy:
# run-clang-tidy.sh BUILD-DIRECTORY [FILE …]. Ends with 1 at any finding.

set -eu
top=$(cd "$(dirname "$0")/.." && pwd)
build=$(cd "$1" && pwd)
shift
cd "$top"
flags=$(pkg-config --cflags fuse3 sqlite3 inih libcrypto libutf8proc \
	libpcre2-8 smartcols libseccomp jansson libarchive expat)
[ $# -gt 0 ] || set -- $(find src -name '*.c' | sort)
# One file a run: clang-tidy 14 takes the variable arguments of every file
# after the first for uninitialized.
# shellcheck disable=SC2016
printf '%s\n' "$@" | xargs -P "$(nproc)" -n 1 sh -c '
	build=$0
	flags=$1
	file=$2
	known="-include build-aux/clang-tidy.h"
	case $file in
	src/base/error.c|src/base/sentence.c) known= ;;
	esac
	# shellcheck disable=SC2086 # lists of flags
	exec clang-tidy --quiet --warnings-as-errors="*" "$file" -- \
		-std=gnu17 -D_GNU_SOURCE -DHAVE_CONFIG_H \
		"-DPACKAGE_VERSION=\"0\"" \
		"-DCIVICFS_LAYOUT_DIR=\"/usr/share/civicfs/fs-layout\"" \
		-Isrc "-I$build" $known $flags' "$build" "$flags"
