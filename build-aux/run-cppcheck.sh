#!/bin/sh
# Reads the sources with cppcheck: run-cppcheck.sh BUILD-DIRECTORY. Ends with
# 1 at any finding.

set -eu
top=$(cd "$(dirname "$0")/.." && pwd)
build=$1
cd "$top"
exec cppcheck --quiet --error-exitcode=1 -j "$(nproc)" \
	--std=c11 --enable=warning,portability,performance \
	--inline-suppr --suppressions-list=build-aux/cppcheck-suppressions \
	-D_GNU_SOURCE -DHAVE_CONFIG_H \
	'-DCIVICFS_LAYOUT_DIR="/usr/share/civicfs/fs-layout"' \
	-Isrc -I"$build" src
