# Several platforms in one scenario, after scenario.sh: 'on NAME' makes one the
# one that $city, $conf, $mnt, $daemon and all functions speak of. At the end
# all of them are stopped.

declare -A daemons=()
here=

on() {	# NAME
	[ -z "$here" ] || daemons[$here]=$daemon
	here=$1
	daemon=${daemons[$here]:-}
	city=$scenario/$here/city
	conf=$city/civicfs.conf
	mnt=$scenario/$here/mnt
	mkdir -p "$city" "$mnt"
}

platforms_end() {
	local status=$? name
	set +e
	daemons[$here]=$daemon
	for name in "${!daemons[@]}"; do
		[ "$name" != "$here" ] || continue
		[ -n "${daemons[$name]}" ] || continue
		on "$name"
		scenario_stop || status=1
		daemons[$name]=
	done
	for name in "$scenario"/*/mnt; do
		if grep -q -F " $name " /proc/mounts; then
			[ "$name" = "$mnt" ] || umount -l "$name"
		fi
	done
	(exit "$status")
	scenario_end
}
trap platforms_end EXIT

# A theme 'people' of one resource 'registry/people', by key; with FOLLOWS its
# files are the changes of the theme of that name of another platform.
people_platform() {	# TITLE [FOLLOWS]
	mkdir -p "$city/resources.d/registry"
	cat >"$conf" <<-END
	[platform]
	title = $1
	state = state
	language = en
	timezone = Asia/Shanghai
	registration = automatic
	settle = 100ms

	[department registry]
	title = Registry
	members = user:root

	[theme people]
	title = People of $1
	subject = code
	source.people = registry/people
	field.name = first people.name
	field.amount = first people.amount

	[access]
	catalogue = departments
	theme.people = everyone
	END
	cat >"$city/resources.d/registry/people.ini" <<-END
	[resource]
	title = People
	abstract = People of $1
	format = csv
	sharing = unconditional
	open = no
	update_cycle = daily
	mode = upsert
	key = code
	subject = code
	tolerance = 20%
	max_shrink = 100%
	follows = ${2:-}

	[field code]
	title = Code
	type = string
	required = yes
	[field name]
	title = Name
	type = string
	[field amount]
	title = Amount
	type = number
	END
}
