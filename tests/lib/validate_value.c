/*
 * Canonical values for programs that check them: reads values from standard
 * input, one a line (\n, \r, \t and \\ stand for these characters), and
 * prints for each the code of its refusal, a tab, its canonical value, a tab,
 * and the code of its warning.
 *
 *	validate_value TYPE [strict]
 */
#include "base/clock.h"
#include "base/scope.h"
#include "lib/validate_fixture.h"
#include "validate/field.h"

#include <stdio.h>
#include <stdlib.h>

/* Undoes the escapes in place; returns the new length. */
static size_t
unescape(char *p, size_t n)
{
	static const char from[] = "nrt\\", to[] = "\n\r\t\\";
	size_t len = 0;

	for (size_t i = 0; i < n; i++) {
		const char *at = p[i] == '\\' && i + 1 < n && p[i + 1]
					 ? strchr(from, p[i + 1])
					 : NULL;

		p[len++] = at ? to[at - from] : p[i];
		i += at != NULL;
	}
	return len;
}

static void
print(struct slice value)
{
	static const char from[] = "\n\r\t\\", to[] = "nrt\\";

	for (size_t i = 0; i < value.n; i++) {
		const char *at = value.p[i] ? strchr(from, value.p[i]) : NULL;

		if (at)
			putchar('\\');
		putchar(at ? to[at - from] : value.p[i]);
	}
}

static int
judge_lines(const struct validate_field *field)
{
	scope_free char *line = NULL;
	scope_buf out = BUF_INIT;
	size_t size = 0;
	ssize_t n;

	while ((n = getline(&line, &size, stdin)) > 0) {
		struct validate_value_fault fault, warning;
		struct slice raw = {line, (size_t)n - (line[n - 1] == '\n')};

		raw.n = unescape(line, raw.n);
		buf_clear(&out);
		if (validate_value(field, raw, &out, &fault, &warning) < 0)
			return 1;
		printf("%s\t", fault.code ? fault.code : "");
		print(buf_slice(&out));
		printf("\t%s\n", warning.code ? warning.code : "");
	}
	return 0;
}

int
main(int argc, char **argv)
{
	static const struct validate_words none;
	struct config_field config = {
		.id = "value", .min_length = -1, .max_length = -1};
	struct validate_field field;
	struct error err = ERROR_INIT;
	int type = argc > 1 ? fixture_type(argv[1]) : -1, rc;

	if (type < 0) {
		fprintf(stderr, "usage: validate_value TYPE [strict]\n");
		return 2;
	}
	config.type = (enum config_type)type;
	config.strict = argc > 2 && strcmp(argv[2], "strict") == 0;
	if (clock_set_zone("Asia/Shanghai", &err) ||
	    validate_field_init(&field, &config, &none, &err)) {
		fprintf(stderr, "validate_value: %s\n", err.text);
		return 2;
	}
	rc = judge_lines(&field);
	validate_field_release(&field);
	return rc;
}
