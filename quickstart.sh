#!/bin/bash
# The sample city on a Debian 12, from nothing: installs what is missing,
# builds, mounts conf/demo under ./demo, drops the departments' files and
# shows what came of them. Safe to run twice.
#
#	./quickstart.sh		build and start
#	./quickstart.sh stop	stop and unmount; what was dropped is kept

set -euo pipefail
umask 022
top=$(cd "$(dirname "$0")" && pwd)
cd "$top"
prefix=$top/build/inst
city=$top/build/demo-city
conf=$city/civicfs.conf
program=$prefix/bin/civicfs

say() {
	printf '\n\033[1m%s\033[0m\n' "$*"
}

show() {	# COMMAND …: what a person would type, and its answer
	printf '\033[2m$ %s\033[0m\n' "$*"
	"$@"
}

civicfs() {
	"$program" -c "$conf" "$@"
}

if [ "$(id -u)" != 0 ]; then
	echo "quickstart.sh needs root: it installs packages and mounts a file" \
		"system. Try: sudo ./quickstart.sh" >&2
	exit 1
fi

case ${1:-start} in
start)	;;
stop)
	if [ -x "$program" ] && civicfs stop; then
		echo "stopped; './quickstart.sh' starts it again," \
			"'rm -r build' forgets it"
	else
		echo "nothing was running"
	fi
	rmdir demo 2>/dev/null || :
	exit 0 ;;
*)	echo "usage: ./quickstart.sh [stop]" >&2
	exit 2 ;;
esac

if [ ! -c /dev/fuse ]; then
	echo "there is no /dev/fuse: load the module (modprobe fuse), or give" \
		"the container the device" >&2
	exit 1
fi

say "1. packages and build"
build-aux/install-packages.sh build run
mkdir -p build/obj
if [ ! -e configure ] || [ -n "$(find configure.ac Makefile.am m4 src \
	fs-layout conf doc tests -newer configure \
	\( -name '*.ac' -o -name '*.am' -o -name '*.inc' -o -name '*.m4' \) \
	-print -quit)" ]; then
	autoreconf -fi >build/autoreconf.log 2>&1 ||
		{ cat build/autoreconf.log; exit 1; }
fi
(
	cd build/obj
	[ config.status -nt ../../configure ] ||
		../../configure -q --prefix="$prefix" --sysconfdir=/etc
	make -s -j"$(nproc)" >../make.log 2>&1 || { tail -n 30 ../make.log; exit 1; }
	make -s install >../install.log 2>&1 || { tail -n 30 ../install.log; exit 1; }
)
echo "built: $prefix"

say "2. the sample city, mounted under ./demo"
mkdir -p "$city" demo
cp -R conf/demo/. "$city/"
if civicfs status >/dev/null 2>&1; then
	echo "it is running already"
else
	"$prefix/sbin/civicfsd" -c "$conf" "$top/demo"
fi
show ls demo

say "3. three departments copy their files into their inboxes"
for file in conf/demo/drops/*/*/*; do
	box=${file#conf/demo/drops/}
	show cp "$file" "demo/inbox/${box%/*}/"
done
civicfs wait --timeout 60
show civicfs submissions

say "4. one of the files is faulty: its receipt lies beside it"
penalties=demo/inbox/env/penalties
show ls "$penalties"
show cat "$penalties"/*.receipt.txt
show cat "$penalties"/*.fix.csv

say "5. the theme that was made of the three"
theme=demo/themes/enterprise-credit
show ls "$theme"
show head -n 6 "$theme/data.csv"
echo "where the departments disagree, and what has no enterprise:"
show head -n 4 "$theme/conflicts.csv"
show cat "$theme/orphans.csv"

say "6. one enterprise, and who said what of it"
subject=$(sed -n '2{s/,.*//p;q}' "$theme/conflicts.csv")
show cat "$theme/subjects/$subject.json"

say "go on"
cat <<END
  civicfs() { $program -c $conf "\$@"; }
  correct demo/inbox/env/penalties/*.csv and copy it again, then look at
      civicfs submissions; cat $theme/changes/\$(cat $theme/versions/current).csv
  civicfs status; civicfs versions enterprise-credit; civicfs verify
  the configuration: $city
stop
  ./quickstart.sh stop
END
