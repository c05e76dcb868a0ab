#!/bin/bash
# The sample city on a Debian 12, from nothing: installs what is missing,
# builds, makes the files of six departments, mounts the city under ./demo,
# drops the files and shows what came of them. Speaks English or Chinese, as
# LC_ALL, LC_MESSAGES or LANG say. Safe to run twice; leaves the city mounted.
#
#	./quickstart.sh [OPTION …]	build and start
#	./quickstart.sh [OPTION …] stop	stop and unmount; what was dropped stays
#
#	--build DIR		use the programs of this build, install nothing
#	--into DIR		city and mount in this folder, not in this one
#	--enterprises N		fewer or more than 20,000
#	--no-groups		make no unix groups; nobody but root may read then
#
# Departments are unix groups: those that this machine does not have are made,
# and 'stop' removes them again.

set -euo pipefail
umask 022
top=$(cd "$(dirname "$0")" && pwd)
build=
dir=$top/build
mnt=$top/demo
enterprises=20000
groups=yes
verb=start

case ${LC_ALL:-${LC_MESSAGES:-${LANG:-}}} in
zh*)	lang=zh ;;
*)	lang=en ;;
esac
export LC_ALL=C.UTF-8		# that locale need not be on the machine

t() {	# ENGLISH CHINESE
	if [ "$lang" = zh ]; then printf '%s' "$2"; else printf '%s' "$1"; fi
}

die() {	# ENGLISH CHINESE
	echo "quickstart.sh: $(t "$1" "$2")" >&2
	exit "${3:-1}"
}

usage() {
	die "usage: ./quickstart.sh [--build DIR] [--into DIR] [--enterprises N] [--no-groups] [stop]" \
		"用法：./quickstart.sh [--build 目录] [--into 目录] [--enterprises 数量] [--no-groups] [stop]" 2
}

while [ $# -gt 0 ]; do
	case $1 in
	--build|--into|--enterprises)
		[ $# -ge 2 ] || usage
		case $1 in
		--build)	build=$(cd "$2" && pwd) ;;
		--into)		mkdir -p "$2"
				dir=$(cd "$2" && pwd)
				mnt=$dir/demo ;;
		*)		enterprises=$2 ;;
		esac
		shift 2 ;;
	--no-groups)
		groups=no
		shift ;;
	stop)	verb=stop
		shift ;;
	*)	usage ;;
	esac
done

city=$dir/city
conf=$city/civicfs.conf
civicfs=$dir/civicfs		# the command line with this configuration
here=$PWD

[ "$(id -u)" = 0 ] ||
	die "root is needed, to install packages and to mount: sudo ./quickstart.sh" \
		"需要 root 权限（安装软件包、挂载文件系统）：sudo ./quickstart.sh"

if [ -t 1 ]; then
	bold=$'\033[1m' dim=$'\033[2m' plain=$'\033[0m'
	uncut=$'\033[?7h' cut=$'\033[?7l'	# a long line ends at the edge
else
	bold='' dim='' plain='' uncut='' cut=''
fi

step() {	# NUMBER ENGLISH CHINESE
	printf '%s[%s/4] %s%s\n' "$bold" "$1" "$(t "$2" "$3")" "$plain"
}

near() {	# PATH: as a person in this folder types it
	case $1 in
	"$here"/*)	echo "${1#"$here"/}" ;;
	*)		echo "$1" ;;
	esac
}

# ---- stop ---------------------------------------------------------------------

if [ "$verb" = stop ]; then
	if [ -x "$civicfs" ] && "$civicfs" status >/dev/null 2>&1; then
		"$civicfs" stop
		t "stopped; './quickstart.sh' starts it again, 'rm -r $(near "$city")' forgets it" \
			"已停止；./quickstart.sh 重新启动，rm -r $(near "$city") 清除数据"
	else
		t "nothing was running" "没有在运行"
	fi
	echo
	rmdir "$mnt" 2>/dev/null || :
	if [ -e "$city/groups" ]; then
		while read -r group; do
			groupdel "$group" 2>/dev/null || :
		done <"$city/groups"
		rm "$city/groups"
	fi
	exit 0
fi

# ---- packages and build ----------------------------------------------------------

[ -c /dev/fuse ] ||
	die "there is no /dev/fuse: load the module (modprobe fuse), or give the container the device (docker run --device /dev/fuse --cap-add SYS_ADMIN)" \
		"没有 /dev/fuse：请加载模块（modprobe fuse），或把该设备交给容器（docker run --device /dev/fuse --cap-add SYS_ADMIN）"

watch_make() {	# TOTAL: a line that counts what is compiled
	local line n=0
	while IFS= read -r line; do
		case $line in
		*" CC "*)	n=$((n + 1)) ;;
		*)		continue ;;
		esac
		[ ! -t 1 ] || printf '\r      %d/%d' "$n" "$1"
	done
	[ ! -t 1 ] || printf '\r               \r'
}

build_all() {
	local total
	mkdir -p "$dir/obj"
	if [ ! -e configure ] || [ -n "$(find configure.ac Makefile.am m4 \
		src fs-layout conf doc tests -newer configure \
		\( -name '*.ac' -o -name '*.am' -o -name '*.inc' \
		-o -name '*.m4' \) -print -quit)" ]; then
		autoreconf -fi >"$dir/autoreconf.log" 2>&1 ||
			{ cat "$dir/autoreconf.log"; exit 1; }
	fi
	total=$(find src -name '*.c' | wc -l)
	cd "$dir/obj"
	[ config.status -nt "$top/configure" ] ||
		"$top/configure" -q --prefix="$dir/inst" --sysconfdir=/etc
	make -j"$(nproc)" 2>&1 | tee "$dir/make.log" | watch_make "$total" ||
		{ tail -n 30 "$dir/make.log"; exit 1; }
	make -s install >"$dir/install.log" 2>&1 ||
		{ tail -n 30 "$dir/install.log"; exit 1; }
}

cd "$top"
if [ -n "$build" ]; then
	step 1 "programs: $build" "程序：$build"
	civicfsd=$build/civicfsd
	program=$build/civicfs
	export CIVICFS_LAYOUT_DIR="$top/fs-layout"
else
	step 1 "packages and build (a minute or two the first time)" \
		"安装软件包并编译（首次约一两分钟）"
	build-aux/install-packages.sh build run demo
	(build_all)
	civicfsd=$dir/inst/sbin/civicfsd
	program=$dir/inst/bin/civicfs
fi
mkdir -p "$mnt"
cat >"$civicfs" <<END
#!/bin/sh
# the command line on the sample city
${build:+CIVICFS_LAYOUT_DIR='$top/fs-layout'
export CIVICFS_LAYOUT_DIR
}exec '$program' -c '$conf' "\$@"
END
chmod 755 "$civicfs"

# ---- the city ----------------------------------------------------------------------

if [ ! -e "$city/submissions.list" ]; then
	mkdir -p "$city"
	cp -R conf/demo/civicfs.conf conf/demo/conf.d conf/demo/resources.d \
		"$city/"
	sed -i "s/^language = .*/language = $lang/" "$conf"
	PYTHONUTF8=1 python3 conf/demo/generate "$city" \
		--enterprises "$enterprises"
fi

if [ "$groups" = yes ]; then
	for group in $(sed -n 's/.* = group:\([a-z-]*\).*/\1/p' "$conf" \
		"$city/conf.d/10-departments.ini"); do
		getent group "$group" >/dev/null && continue
		groupadd --system "$group"
		echo "$group" >>"$city/groups"
	done
fi
made=
[ ! -e "$city/groups" ] ||
	made=$(t "; unix groups until 'stop': " "；unix 组（stop 时删除）：")$(
		paste -sd' ' "$city/groups")
step 2 "six departments, $enterprises enterprises, all invented$made" \
	"六个部门、$enterprises 家企业（均为虚构）$made"

# The names of the tree are those of the language it was made in.
tree=$(sed -n 's/^language = //p' "$conf")
name() {	# KEY: of fs-layout
	sed -n "s/^$1 = //p" "fs-layout/$tree.ini"
}
inbox=$mnt/$(name inbox)
themes=$mnt/$(name themes)
credit=$themes/enterprise-credit
changes=$(name changes)
current=$(name versions)/$(name current)

lives() {	# it answers, and not only for a keeper that has died
	local said
	said=$("$civicfs" status 2>/dev/null) &&
		[[ $said != *'start civicfsd again'* ]]
}

if ! lives; then
	# groups of departments that this machine does not have are warnings
	"$civicfsd" -c "$conf" "$mnt" 2>"$dir/start.log" || {
		cat "$dir/start.log" >&2
		exit 1
	}
fi

drop() {	# WAVE: its files into the inboxes; waits for the verdicts
	local file box
	[ ! -e "$city/dropped.$1" ] || return 0
	for file in "$city/drops/$1"/*/*/*; do
		box=${file#"$city/drops/$1/"}
		cp "$file" "$inbox/${box%/*}/"
	done
	"$civicfs" wait --timeout 600
	cat "$credit/$current" >"$city/dropped.$1"
}

count() {	# WAVE: its files and lines
	find "$city/drops/$1" -type f -exec cat {} + | wc -l |
		sed "s/^/$(find "$city/drops/$1" -type f | wc -l) /"
}

read -r files lines < <(count 1)
step 3 "yesterday: $files files, $lines lines, copied into $(near "$inbox")/ and judged" \
	"昨天：$files 个文件、$lines 行，复制到 $(near "$inbox")/ 并检查"
drop 1
read -r files lines < <(count 2)
step 4 "today: $files files, $lines lines" "今天：$files 个文件、$lines 行"
drop 2

# ---- what came of it -------------------------------------------------------------------

quoted() {	# PATH: as a word of a command
	case $1 in
	*[[:space:]\'\"\$\`\\]*)	printf '%q' "$1" ;;
	*)				printf '%s' "$1" ;;
	esac
}

show() {	# ENGLISH CHINESE COMMAND: what a person types, and what it says
	printf '%s%s%s  %s$ %s%s\n%s' "$bold" "$(t "$1" "$2")" "$plain" \
		"$dim" "$3" "$plain" "$cut"
	{ eval "$3" 2>&1 || :; } | sed 's/^/  /'
	printf '%s' "$uncut"
}

# The enterprise of which every department has something to say: the first
# that the environment department has fined.
hero=$(cut -d, -f2 "$city/drops/1/env/penalties/"*.csv | sed -n 2p)
range=$(cat "$city/dropped.1")..$(cat "$city/dropped.2")
cd "$here"
cmd=$(quoted "$(near "$civicfs")")
stop=$(near "$top/quickstart.sh")
case $stop in
*/*)	;;
*)	stop=./$stop ;;
esac
themes=$(quoted "$(near "$themes")")
credit=$themes/enterprise-credit
penalties=$(quoted "$(near "$inbox")")/env/penalties
receipt=$penalties/环境处罚2026年2月.csv.receipt.txt

show "The themes that were made of it" "由此形成的主题库" \
	"ls -C -w 200 $themes"
show "One row for each enterprise" "每家企业一行" \
	"head -n 2 $credit/data.csv"
show "Who said what of one of them" "其中一家：每个值来自谁" \
	"$cmd subject enterprise-credit $hero | grep -e '^FIELD *VALUE' -e '^name.*first' -e ^rating -e tax/ratings"
show "Where the departments disagree" "部门之间说法不一之处" \
	"grep -m 1 $hero $credit/conflicts.csv"
show "A faulty file: its receipt" "有错误的文件：回执" \
	"head -n 1 $receipt; grep '\[.*-' $receipt | head -n 4"
show "What changed since yesterday" "昨天以来的变化" \
	"grep $hero $credit/$changes/$range.csv; sed 1d $credit/$changes/$range.csv | cut -d, -f1 | sort | uniq -c | paste -s"
show "Who may read it" "谁可以读" \
	"$cmd explain $credit/data.csv | grep -m 1 dept-tax; $cmd explain nobody $credit/data.csv | head -n 1"

printf '%s%s%s  ' "$bold" "$(t "Go on" "继续")" "$plain"
if [ "$lang" = zh ]; then
	cat <<END
在 $penalties/ 的 .fix.csv 中改正被退回的行并保存，回执会更新；等待处理的空名录：$cmd submissions --state quarantined
  $cmd status | verify | --help   配置：$(near "$city")   手册：man doc/civicfsd.8   停止：$stop stop
END
else
	cat <<END
correct the refused rows in the .fix.csv of $penalties/ and save it: the receipt follows; a list that came empty waits: $cmd submissions --state quarantined
  $cmd status | verify | --help   configuration: $(near "$city")   manual: man doc/civicfsd.8   stop: $stop stop
END
fi
