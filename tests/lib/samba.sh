# A real smbd on loopback over the mount, by the smb.conf of doc/samba.md, and
# smbclient: see its callers.

samba=$scenario/samba

samba_needed() {	# 77 where it is not installed
	local program
	PATH=$PATH:/usr/sbin
	for program in smbd smbclient smbpasswd; do
		command -v $program >/dev/null ||
			skip "no $program (Debian: samba, smbclient, samba-vfs-modules)"
	done
	[ -n "$(find /usr/lib -name streams_xattr.so 2>/dev/null)" ] ||
		skip "no streams_xattr (Debian: samba-vfs-modules)"
}

samba_conf() {	# the document's lines, and where this one has its things
	local name
	sed -n '/^```ini$/,/^```$/p' "$top_srcdir/doc/samba.md" |
		sed '/^```/d' | sed "s|^path = .*|path = $mnt|" \
		>"$samba/shown.conf"
	sed -n '1p' "$samba/shown.conf"
	echo "private dir = $samba/private"
	for name in lock state cache; do
		echo "$name directory = $samba/lock"
	done
	echo "pid directory = $samba/run"
	echo "ncalrpc dir = $samba/run/ncalrpc"
	echo "passdb backend = tdbsam:$samba/private/passdb.tdb"
	echo "log file = $samba/log/log.smbd"
	echo "interfaces = lo"
	echo "bind interfaces only = yes"
	echo "smb ports = $port"
	echo "disable netbios = yes"
	# so that a transfer that breaks off has a beginning
	echo "smb2 max write = 65536"
	sed 1d "$samba/shown.conf"
}

samba_start() {	# D/R: the inbox in which smb is
	local tries
	samba_inbox=inbox/$1
	mkdir -p "$samba"/private "$samba"/lock "$samba"/run "$samba"/log
	port=$("$python" -c 'import socket
s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
	samba_share=(//127.0.0.1/city -p "$port" -U root%secret
		-s "$samba/smb.conf")
	samba_conf >"$samba/smb.conf"
	testparm -s "$samba/smb.conf" >"$samba/testparm" 2>&1 ||
		{ cat "$samba/testparm"; fail "smb.conf"; }
	! grep -i 'unknown parameter' "$samba/testparm" || fail "smb.conf"
	printf 'secret\nsecret\n' |
		smbpasswd -c "$samba/smb.conf" -s -a root >"$samba/passwd" 2>&1
	smbd -F -s "$samba/smb.conf" </dev/null >"$samba/out" 2>&1 &
	background=$!
	for tries in $(seq 100); do
		! timeout 5 smbclient "${samba_share[@]}" -c quit \
			>/dev/null 2>&1 || return 0
		sleep 0.1
	done
	cat "$samba/out"
	fail "smbd does not serve after $tries looks"
}

smb() {	# COMMANDS, in the inbox
	timeout 60 smbclient "${samba_share[@]}" -D "$samba_inbox" -c "$1" \
		>"$samba/said" 2>&1 &&
		! grep -q NT_STATUS "$samba/said" && return
	cat "$samba/said" "$samba/log/log.smbd"
	fail "smbclient: $1"
}

samba_stop() {
	kill "$background"
	wait "$background" || :
	background=
}
