#!/bin/sh
# Installs what is missing of build-aux/packages:
#
#	build-aux/install-packages.sh GROUP …
#
# Touches nothing when nothing is missing. Ends with 2, naming the packages,
# when some are missing and it may not install them.

set -eu
here=$(cd "$(dirname "$0")" && pwd)

missing=
for group; do
	for name in $(sed -n "s/^$group //p" "$here/packages"); do
		status=$(dpkg-query -W -f '${db:Status-Status}' "$name" \
			2>/dev/null || :)
		[ "$status" = installed ] || missing="$missing $name"
	done
done
[ -n "$missing" ] || exit 0

if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
	echo "missing packages:$missing" >&2
	echo "install them as root: apt-get install$missing" >&2
	exit 2
fi
echo "installing:$missing"
DEBIAN_FRONTEND=noninteractive
export DEBIAN_FRONTEND
# Another run may hold apt's lock for a while.
apt-get -q -o DPkg::Lock::Timeout=300 update >/dev/null
# shellcheck disable=SC2086
apt-get -q -y -o DPkg::Lock::Timeout=300 install --no-install-recommends \
	$missing >/dev/null
