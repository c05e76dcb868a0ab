# Helpers of tests/scenario: a private folder, a daemon in it, and its end.
# A scenario begins with
#
#	. "$(dirname "$0")/../lib/scenario.sh"
#
# and then uses $scenario (the private folder), $conf, $mnt and the functions
# below. It ends with 77 where there is no /dev/fuse or no root. Whatever
# happens, at the end the daemon is stopped, nothing is mounted, no process is
# left and no sanitizer has spoken; otherwise the scenario fails.

set -euo pipefail
LC_ALL=C.UTF-8
export LC_ALL
umask 022

top_srcdir=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
top_builddir=${top_builddir:-$PWD}
lib=$top_srcdir/tests/lib
python=${PYTHON3:-/usr/bin/python3}
export PYTHONDONTWRITEBYTECODE=1

skip() {
	echo "skipped: $*"
	exit 77
}

fail() {
	echo "failed: $*" >&2
	exit 1
}

program() {	# NAME: its path in the build
	local path
	for path in "$top_builddir/$1" "$top_builddir"/src/*/"$1"; do
		if [ -f "$path" ] && [ -x "$path" ]; then
			echo "$path"
			return
		fi
	done
}

[ -c /dev/fuse ] || skip "no /dev/fuse"
[ "$(id -u)" = 0 ] || skip "needs root to mount"
civicfsd=$(program civicfsd)
civicfs_bin=$(program civicfs)
if [ -z "$civicfsd" ] || [ -z "$civicfs_bin" ]; then
	fail "no civicfsd and civicfs under '$top_builddir': run make first"
fi

scenario=$(mktemp -d "${TMPDIR:-/tmp}/civicfs-scenario-XXXXXX")
# The worker is another user: it must reach the state, and write what a
# sanitizer has to say.
chmod 755 "$scenario"
city=$scenario/city
conf=$city/civicfs.conf
mnt=$scenario/mnt
mkdir "$city" "$mnt" "$scenario/asan"
chmod 1777 "$scenario/asan"
export CIVICFS_LAYOUT_DIR="$top_srcdir/fs-layout"
export ASAN_OPTIONS="log_path=$scenario/asan/log:${ASAN_OPTIONS:-}"
export UBSAN_OPTIONS="log_path=$scenario/asan/log:print_stacktrace=1"
export LSAN_OPTIONS="log_threads=0:${LSAN_OPTIONS:-}"
daemon=

# Processes whose command line names the private folder, this shell and its
# children aside.
scenario_processes() {
	local dir
	for dir in /proc/[0-9]*; do
		if tr '\0' ' ' 2>/dev/null <"$dir/cmdline" |
			grep -q -e "civicfsd.*$scenario"; then
			echo "${dir#/proc/}"
		fi
	done
}

civicfs() {
	"$civicfs_bin" -c "$conf" "$@"
}

scenario_start() {
	"$civicfsd" -c "$conf" -f "$mnt" >>"$scenario/daemon.log" 2>&1 &
	daemon=$!
	local tries
	for tries in $(seq 600); do
		# not the tree alone: after a crash its names are cached
		if civicfs status >/dev/null 2>&1 && [ -e "$mnt/README.txt" ]
		then
			return
		fi
		if ! kill -0 "$daemon" 2>/dev/null; then
			cat "$scenario/daemon.log" >&2
			fail "civicfsd ended instead of starting"
		fi
		sleep 0.05
	done
	cat "$scenario/daemon.log" >&2
	fail "civicfsd is not ready after 30 s ($tries looks)"
}

scenario_crash() {	# every process at once
	local pid
	for pid in $(scenario_processes); do
		kill -9 "$pid" 2>/dev/null || :
	done
	wait "$daemon" || :
	daemon=
}

scenario_stop() {
	local status=0
	[ -n "$daemon" ] || return 0
	civicfs stop >"$scenario/stop.log" 2>&1 || status=$?
	if [ "$status" != 0 ]; then
		echo "civicfs stop: exit status $status"
		cat "$scenario/stop.log"
		kill "$daemon" 2>/dev/null || :
	fi
	wait "$daemon" || status=$?
	daemon=
	return "$status"
}

scenario_end() {
	local status=$?
	local left tries
	trap - EXIT INT TERM
	set +e
	[ -z "${background:-}" ] || kill $background 2>/dev/null
	if [ -n "$daemon" ]; then
		scenario_stop || { [ "$status" != 0 ] || status=1; }
	fi
	for tries in $(seq 100); do
		left=$(scenario_processes)
		[ -n "$left" ] || break
		sleep 0.05
	done
	if [ -n "$left" ]; then
		echo "failed: processes are left after the end ($tries looks):"
		ps -o pid,ppid,user,stat,args -p "$(echo "$left" | paste -sd,)"
		echo "$left" | xargs kill -9
		status=1
	fi
	# by name, because a dead mount is none to mountpoint(1)
	while grep -q -F " $mnt " /proc/mounts; do
		echo "failed: '$mnt' is still mounted"
		umount -l "$mnt"
		status=1
	done
	if [ -n "$(ls -A "$scenario/asan")" ]; then
		echo "failed: a sanitizer has spoken:"
		head -n 60 "$scenario"/asan/*
		status=1
	fi
	if [ "$status" != 0 ] && [ "$status" != 77 ]; then
		echo "--- daemon.log"
		tail -n 40 "$scenario/daemon.log"
	fi
	if [ -n "${KEEP:-}" ]; then
		echo "kept: $scenario"
	else
		rm -rf "$scenario"
	fi
	exit "$status"
}
trap scenario_end EXIT
trap 'exit 1' INT TERM

# --- statements ------------------------------------------------------------

same() {	# FILE FILE
	cmp "$1" "$2" || fail "'$1' and '$2' differ"
}

holds() {	# PATTERN FILE
	grep -q -e "$1" "$2" || { cat "$2"; fail "no '$1' in '$2'"; }
}

equal() {	# WHAT GOT EXPECTED
	[ "$2" = "$3" ] || fail "$1 is '$2', not '$3'"
}

exits() {	# STATUS COMMAND …: the output goes to $scenario/out
	local expected=$1 status=0
	shift
	"$@" >"$scenario/out" 2>&1 || status=$?
	if [ "$status" != "$expected" ]; then
		cat "$scenario/out"
		fail "'$*' ended with $status, not $expected"
	fi
}

errno_of() {	# OPERATION PATH …: the name of the error, or 'none'
	"$python" "$lib/errno_of.py" "$@"
}

refused() {	# ERRNO[|ERRNO] OPERATION PATH …
	local expected=$1 got
	shift
	got=$(errno_of "$@")
	[[ "|$expected|" == *"|$got|"* ]] ||
		fail "$* gives $got, not $expected"
}

field() {	# JSON-FILE EXPRESSION over 'r', for example r["state"]
	"$python" -c 'import json, sys
r = json.load(open(sys.argv[1], encoding="utf-8"))
v = eval(sys.argv[2])
print(json.dumps(v, ensure_ascii=False) if not isinstance(v, str) else v)' \
		"$1" "$2"
}

count_submissions() {	# [STATE …]: all of them, or those in these states
	civicfs submissions --json | "$python" -c 'import json, sys
found = json.load(sys.stdin)
found = found if isinstance(found, list) else found["submissions"]
print(len([s for s in found if not sys.argv[1:] or s["state"] in sys.argv[1:]]))' "$@"
}

settled() {
	civicfs wait --timeout "${1:-60}" || {
		civicfs status
		fail "not every submission has its verdict"
	}
}

drop() {	# FILE D/R [NAME]: copies it in and waits for the verdict
	local target=$mnt/inbox/$2/${3:-$(basename "$1")}
	cp "$1" "$target"
	settled
	receipt=$target.receipt.json
}

worker_pid() {	# as the keeper has noted it
	local pid rest
	if read -r pid rest <"$city/state/worker.pid" &&
		[ "$pid" != ended ]; then
		echo "$pid"
	fi
}

# --- cities ------------------------------------------------------------------

random_city() {	# SEED [OPTION …]
	"$python" "$top_srcdir/tests/oracle/generate_city.py" "$1" "$city" \
		"${@:2}"
}

small_city() {	# [LINE of the theme]: two departments, one theme, no data
	mkdir -p "$city/resources.d/aic" "$city/resources.d/tax"
	cat >"$conf" <<-'END'
	[platform]
	title = Small city
	state = state
	language = en
	timezone = Asia/Shanghai
	registration = automatic
	settle = 100ms

	[department aic]
	title = Industry and commerce
	members = user:root

	[department tax]
	title = Tax
	members = user:root

	[theme credit]
	title = Credit
	subject = code
	source.registration = aic/registrations
	source.rating = tax/ratings
	field.name = first registration.name rating.payer
	field.grade = latest rating.grade
	field.capital = sum registration.capital
	field.ratings = count rating
	base = registration

	[access]
	catalogue = departments
	theme.credit = everyone
	END
	[ $# = 0 ] || sed -i "s/^subject = code/&\n$1/" "$conf"
	cat >"$city/resources.d/aic/registrations.ini" <<-'END'
	[resource]
	title = Registrations
	abstract = Enterprises
	format = csv
	sharing = unconditional
	open = no
	update_cycle = daily
	mode = snapshot
	key = code
	subject = code
	tolerance = 40%

	[field code]
	title = 代码
	type = string
	required = yes
	[field name]
	title = 名称
	type = string
	required = yes
	[field capital]
	title = 注册资本
	type = number
	END
	cat >"$city/resources.d/tax/ratings.ini" <<-'END'
	[resource]
	title = Ratings
	abstract = Tax ratings of enterprises
	format = csv
	sharing = unconditional
	open = no
	update_cycle = daily
	mode = upsert
	key = code year
	subject = code
	as_of = rated_on

	[field code]
	title = 代码
	type = string
	required = yes
	[field year]
	title = 年度
	type = integer
	[field payer]
	title = 纳税人
	type = string
	[field grade]
	title = 等级
	type = string
	enum = A B C D
	[field rated_on]
	title = 评定日期
	type = date
	END
	mkdir "$scenario/files"
	files=$scenario/files
	printf 'code,name,capital\nE1,华为,100.50\nE2,"Two, Ltd",7\nE3,三和,\n' \
		>"$files/registrations.csv"
	printf 'code,year,payer,grade,rated_on\nE1,2024,华为公司,A,2024-05-01\nE2,2024,"Two, Ltd",B,2024/5/2\nE9,2024,nobody,C,2024-05-03\n' \
		>"$files/ratings.csv"
}

small_city_with_data() {	# [LINE of the theme]
	small_city "$@"
	scenario_start
	drop "$files/registrations.csv" aic/registrations
	drop "$files/ratings.csv" tax/ratings
	credit=$mnt/themes/credit
}
