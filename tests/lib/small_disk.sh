# The state on a small file system of its own, for scenarios about full disks.
# Source it after scenario.sh; small_disk comes before the first start.

small_disk() {	# SIZE [mkfs OPTION …]: $city/state is one; prints its type
	local size=$1
	shift
	mkdir -p "$city/state"
	truncate -s "$size" "$scenario/disk"
	if mkfs.ext4 -q -m 0 "$@" "$scenario/disk" 2>/dev/null &&
		mount -o loop "$scenario/disk" "$city/state" 2>/dev/null; then
		echo "ext4"
	elif [ $# = 0 ] &&
		mount -t tmpfs -o size="$size" none "$city/state"; then
		echo "tmpfs"
	else
		skip "no small file system"
	fi
	trap small_disk_end EXIT
}

small_disk_end() {
	local status=$?
	if [ -n "$daemon" ]; then
		scenario_stop || { [ "$status" != 0 ] || status=1; }
	fi
	umount "$city/state" || status=1
	(exit "$status")
	scenario_end
}

balloon() {	# BYTES: somebody else leaves no more free
	"$python" - "$city/state" "$1" <<'END'
import os, sys
state, leave = sys.argv[1], int(sys.argv[2])
with open(state + "/balloon", "ab", buffering=0) as f:
    while True:
        fs = os.statvfs(state)
        more = fs.f_bavail * fs.f_frsize - leave
        if more <= 0:
            break
        try:
            f.write(bytes(min(more, 1 << 20)))
            os.fsync(f.fileno())
        except OSError:
            break
END
}

deflate() {	# freed blocks count once they are written down
	rm "$city/state/balloon"
	sync -f "$city/state"
}

trouble() {	# PATTERN: what status says
	civicfs status --json >"$scenario/status.json"
	case $(field "$scenario/status.json" 'r["trouble"] or ""') in
	$1)	;;
	*)	cat "$scenario/status.json"
		fail "the trouble is not '$1'" ;;
	esac
}

verdict() {	# FILE: the state on its receipt
	field "$1.receipt.json" 'r["state"]'
}
