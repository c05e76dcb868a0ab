/*
 * Prints the options of one section, or what this version refuses, as mdoc
 * for the manual pages: parser, messages and manual come from one table
 * (config/options.h). doc/fill-options puts the output into the pages.
 *
 *	options_mdoc KIND		the options of [KIND]
 *	options_mdoc refused conf	what a later version will take, in
 *	options_mdoc refused descriptor	the one kind of file or the other
 */
#include "config/options.h"
#include "config/value.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#define WIDTH 78

/* ---- text that mdoc takes for text --------------------------------------- */

static void
put_word(const char *word, size_t n)
{
	if (n && (word[0] == '.' || word[0] == '\''))
		fputs("\\&", stdout);
	for (size_t i = 0; i < n; i++) {
		if (word[i] == '\\')
			fputs("\\e", stdout);
		else
			putchar(word[i]);
	}
}

/* A paragraph of words, in lines that fit. */
static void
put_text(const char *text)
{
	size_t at = 0;

	while (*text) {
		size_t n = strcspn(text, " ");

		if (at && at + 1 + n > WIDTH) {
			putchar('\n');
			at = 0;
		}
		if (at) {
			putchar(' ');
			at++;
		}
		put_word(text, n);
		at += n;
		text += n;
		text += strspn(text, " ");
	}
	putchar('\n');
}

static void
put_sentence(const char *text)
{
	char line[1024];

	snprintf(line, sizeof(line), "%s.", text);
	line[0] = (char)toupper((unsigned char)line[0]);
	put_text(line);
}

/* ---- one option ---------------------------------------------------------- */

static bool
is_amount(enum option_type type)
{
	return type == OPTION_COUNT || type == OPTION_MS ||
	       type == OPTION_SECONDS || type == OPTION_SIZE ||
	       type == OPTION_SHARE || type == OPTION_ROOM;
}

static void
put_words(const char *const *words)
{
	fputs("One of\n.Cm", stdout);
	for (size_t i = 0; words[i]; i++)
		printf("%s %s", i ? " |" : "", words[i]);
	puts(" .");
}

/* "Takes a whole number, at most 1000000." */
static void
put_form(const struct option *o)
{
	char text[512], least[CONFIG_VALUE_SHOWN], most[CONFIG_VALUE_SHOWN];
	const char *form = config_option_form(o->type);

	if (!is_amount(o->type) || !o->max)
		snprintf(text, sizeof(text), "takes %s", form);
	else if (!o->min)
		snprintf(text, sizeof(text), "takes %s, at most %s", form,
			 config_value_show(o->type, o->max, most));
	else
		snprintf(text, sizeof(text), "takes %s, from %s to %s", form,
			 config_value_show(o->type, o->min, least),
			 config_value_show(o->type, o->max, most));
	put_sentence(text);
}

static void
put_option(const struct option *o)
{
	printf(".It Cm %s\n", o->key);
	put_sentence(o->sentence);
	if (o->words)
		put_words(o->words);
	else if (o->type != OPTION_SOURCE && o->type != OPTION_RULE)
		put_form(o); /* of these two the sentence says it */
	if (*o->preset)
		printf("Default:\n.Ql %s .\n", o->preset);
	if (config_option_repeats(o))
		puts("May be repeated.");
}

static int
put_section(const char *kind)
{
	size_t n;
	const struct option *all = config_options(&n);

	if (!config_option_section(kind)) {
		fprintf(stderr, "options_mdoc: no section '%s'\n", kind);
		return 1;
	}
	puts(".Bl -tag -width Ds");
	for (size_t i = 0; i < n; i++) {
		if (strcmp(all[i].section, kind) == 0 && !all[i].later)
			put_option(&all[i]);
	}
	puts(".El");
	return 0;
}

/* ---- what is refused ----------------------------------------------------- */

static void
put_refused_section(const struct option_section *s)
{
	printf(".It Bq %s%s%s\n", s->kind, *s->argument_word ? " " : "",
	       s->argument_word);
	put_sentence(s->sentence);
}

static void
put_refused_option(const struct option *o)
{
	printf(".It Cm %s No in Bq %s\n", o->key, o->section);
	put_sentence(o->sentence);
}

static int
put_refused(const char *which)
{
	enum option_file file = strcmp(which, "descriptor") == 0
					? OPTION_DESCRIPTOR
					: OPTION_CONF;
	size_t nsections, n;
	const struct option_section *sections =
		config_option_sections(&nsections);
	const struct option *all = config_options(&n);

	puts(".Bl -tag -width Ds");
	for (size_t i = 0; i < nsections; i++) {
		if (sections[i].file == file && sections[i].later)
			put_refused_section(&sections[i]);
	}
	for (size_t i = 0; i < n; i++) {
		const struct option_section *s =
			config_option_section(all[i].section);

		if (s && s->file == file && !s->later && all[i].later)
			put_refused_option(&all[i]);
	}
	puts(".El");
	return 0;
}

int
main(int argc, char **argv)
{
	if (argc == 3 && strcmp(argv[1], "refused") == 0)
		return put_refused(argv[2]);
	if (argc == 2)
		return put_section(argv[1]);
	fputs("usage: options_mdoc KIND | refused conf | refused descriptor\n",
	      stderr);
	return 2;
}
