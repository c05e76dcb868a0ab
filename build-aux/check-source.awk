# The rules of build-aux/check-source: the first file is the table of layers,
# the others are C sources named relative to the root. Bytes, not characters:
# run with LC_ALL=C.

function complain(rule) {
	printf "%s:%d: %s\n", FILENAME, FNR, rule
	bad = 1
}

# Columns as a terminal counts them: a tab goes to the next multiple of 8, a
# UTF-8 character of three or more bytes from CJK on takes two.
function columns(text,    i, n, c, width) {
	if (text !~ /[\t\200-\377]/)
		return length(text)
	n = length(text)
	width = 0
	for (i = 1; i <= n; i++) {
		c = substr(text, i, 1)
		if (c == "\t")
			width += 8 - width % 8
		else if (c >= "\343" && c <= "\364")
			width += 2
		else if (c < "\200" || c > "\277")
			width += 1
	}
	return width
}

# The code of a line: strings and character constants emptied, comments
# taken out; 'in_comment' carries a comment over lines.
function code_of(text,    out, rest) {
	out = ""
	while (text != "") {
		if (in_comment) {
			if (!match(text, /\*\//))
				return out
			text = substr(text, RSTART + 2)
			in_comment = 0
			continue
		}
		if (!match(text, /"|'|\/\*|\/\//))
			return out text
		out = out substr(text, 1, RSTART - 1)
		rest = substr(text, RSTART)
		if (substr(rest, 1, 2) == "/*") {
			in_comment = 1
			text = substr(rest, 3)
		} else if (substr(rest, 1, 2) == "//") {
			return out "//"
		} else if (match(rest, /^"([^"\\]|\\.)*"/) ||
			   match(rest, /^'([^'\\]|\\.)*'/)) {
			out = out "\"\""
			text = substr(rest, RSTART + RLENGTH)
		} else {
			return out rest
		}
	}
	return out
}

function end_of_file() {
	if (file == "")
		return
	if (lines > 800) {
		printf "%s: %d lines, at most 800\n", file, lines
		bad = 1
	}
	if (guard != "" && !guarded) {
		printf "%s: no include guard %s\n", file, guard
		bad = 1
	}
}

function start_of_file(    part, name) {
	end_of_file()
	file = FILENAME
	split(file, part, "/")
	in_src = part[1] == "src"
	folder = in_src ? part[2] : ""
	in_comment = 0
	lines = 0
	guard = ""
	guarded = 0
	if (in_src && !(folder in known)) {
		printf "%s: '%s' is not in build-aux/layers\n", file, folder
		bad = 1
	}
	if (in_src && file ~ /\.h$/) {
		name = toupper(part[2] "_" part[3])
		gsub(/[^A-Z0-9]/, "_", name)
		guard = name
	}
	if ($0 !~ /^\/\*/)
		complain("a file begins with a comment that says its purpose")
}

function check_include(    header, part) {
	if (match($0, /"[^"]*"/)) {
		header = substr($0, RSTART + 1, RLENGTH - 2)
		split(header, part, "/")
		if (header !~ /\//) {
			if (header != "config.h")
				complain("include \"FOLDER/FILE.h\", not '" header "'")
		} else if (in_src && part[1] != folder &&
			   !((folder, part[1]) in may)) {
			complain("'" folder "' may not include '" part[1] \
				 "' (build-aux/layers)")
		}
	} else if (match($0, /<[^>]*>/)) {
		header = substr($0, RSTART + 1, RLENGTH - 2)
		if (in_src && (header in fenced) &&
		    !((header, folder) in fence))
			complain("<" header "> is fenced: only in" \
				 fenced[header])
	}
}

# The table of layers.
FILENAME == ARGV[1] {
	sub(/#.*/, "")
	if ($0 ~ /^[ \t]*$/)
		next
	if ($1 == "fence") {
		header = $2
		sub(/:$/, "", header)
		for (i = 3; i <= NF; i++) {
			fence[header, $i] = 1
			fenced[header] = fenced[header] " " $i
		}
		next
	}
	name = $1
	if (name !~ /:$/) {
		complain("a layer is written FOLDER: FOLDER …")
		next
	}
	sub(/:$/, "", name)
	for (i = 2; i <= NF; i++) {
		if (!($i in known))
			complain("'" name "' may include '" $i \
				 "' only if that stands above it")
		may[name, $i] = 1
	}
	known[name] = 1
	next
}

FNR == 1 { start_of_file() }

{
	lines++
	if (/\r$/)
		complain("a line ends in LF, not CR LF")
	if (/[ \t]$/)
		complain("blank at the end of the line")
	if (/^\t*        /)
		complain("indentation is by tabs of 8")
	if (length($0) > 10 && columns($0) > 80)
		complain("line over 80 columns")
	if (/TODO|FIXME/)
		complain("mark of unfinished work")
	if (guard != "" && $0 == "#define " guard)
		guarded = 1
	code = code_of($0)
	if (code ~ /\/\//)
		complain("comments are written /* */")
	if (code ~ /^[ \t]*#[ \t]*include/)
		check_include()
	if (in_src && code ~ /(^|[^a-z_0-9])(strcpy|strcat|sprintf|gets|strtok|system)[ \t]*\(/)
		complain("call that cannot be checked")
}

END {
	end_of_file()
	exit bad
}
