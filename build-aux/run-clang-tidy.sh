#!/bin/sh
# Reads the sources with clang-tidy and the checks of .clang-tidy:
# run-clang-tidy.sh BUILD-DIRECTORY [FILE …]. Ends with 1 at any finding.

set -eu
top=$(cd "$(dirname "$0")/.." && pwd)
build=$(cd "$1" && pwd)
shift
cd "$top"
flags=$(pkg-config --cflags fuse3 sqlite3 inih libcrypto libutf8proc \
	libpcre2-8 smartcols libseccomp jansson)
[ $# -gt 0 ] || set -- $(find src -name '*.c' | sort)
# shellcheck disable=SC2086
printf '%s\n' "$@" | xargs -P "$(nproc)" -n 4 sh -c '
	build=$0
	flags=$1
	shift
	exec clang-tidy --quiet --warnings-as-errors="*" "$@" -- \
		-std=gnu17 -D_GNU_SOURCE -DHAVE_CONFIG_H \
		"-DCIVICFS_LAYOUT_DIR=\"/usr/share/civicfs/fs-layout\"" \
		-Isrc "-I$build" $flags' "$build" "$flags"
