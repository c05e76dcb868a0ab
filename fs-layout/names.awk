# Makes the table of fixed names from en.ini, zh.ini, en.txt and zh.txt: C
# source with a struct layout (src/base/layout.h) for each language. A line that is neither a
# comment, nor a section, nor KEY = NAME ends the build.

function quote(text) {
	gsub(/\\/, "\\\\", text)
	gsub(/"/, "\\\"", text)
	return "\"" text "\""
}

function fail(text) {
	printf "%s:%d: %s\n", FILENAME, FNR, text > "/dev/stderr"
	failed = 1
	exit 1
}

FNR == 1 {
	language = FILENAME
	sub(/.*\//, "", language)
	kind = language
	sub(/\..*/, "", language)
	sub(/.*\./, "", kind)
	if (!(language in seen)) {
		seen[language] = 1
		order[++n] = language
	}
}

kind == "txt" {
	readme[language] = readme[language] "\n\t\t" quote($0 "\001")
	next
}

/^$/ || /^;/ || /^\[[a-z]+\]$/ { next }

/^[a-z_]+ = [^ ].*$/ {
	key = $1
	name = $0
	sub(/^[a-z_]+ = /, "", name)
	if (name ~ /\// || name == "." || name == ".." || length(name) > 80)
		fail("not the name of a file: '" name "'")
	if ((language, key) in names)
		fail("'" key "' twice")
	names[language, key] = name
	entries[language] = entries[language] "\t\t[LAYOUT_" toupper(key) \
		"] = " quote(name) ",\n"
	next
}

{ fail("expected KEY = NAME") }

END {
	if (failed)
		exit 1
	print "/* Made by fs-layout/names.awk: edit the ini and txt files. */"
	print "#include \"base/layout.h\"\n"
	print "const struct layout layout_all[] = {"
	for (i = 1; i <= n; i++) {
		language = order[i]
		gsub(/\001/, "\\n", readme[language])
		printf "{\n\t.language = \"%s\",\n\t.names = {\n%s\t},\n", \
			language, entries[language]
		printf "\t.readme =%s,\n},\n", readme[language]
	}
	print "};"
	printf "const unsigned layout_count = %d;\n", n
}
