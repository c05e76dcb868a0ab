/* A theme made by hand: see sample_theme.h. */
#include "lib/sample_theme.h"

#include <stdio.h>
#include <stdlib.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* clang-format off */
#define FIELD(i, t) .id = i, .title = i, .type = t, .pattern = "", .min = "", \
	.max = "", .min_length = -1, .max_length = -1
/* clang-format on */

static const char *grades[] = {"A", "B", "C"};

static struct config_field registration_fields[] = {
	{FIELD("licence_no", CONFIG_STRING), .required = true},
	{FIELD("uscc", CONFIG_USCC), .required = true},
	{FIELD("name", CONFIG_STRING)},
	{FIELD("capital", CONFIG_NUMBER)},
	{FIELD("updated_on", CONFIG_DATE)},
	{FIELD("contact", CONFIG_STRING), .sensitivity = CONFIG_PERSONAL},
};
static struct config_field rating_fields[] = {
	{FIELD("uscc", CONFIG_USCC), .required = true, .unique = true},
	{FIELD("taxpayer_name", CONFIG_STRING)},
	{FIELD("grade", CONFIG_STRING), .allow = {grades, 3}},
	{FIELD("score", CONFIG_INTEGER)},
	{FIELD("listed", CONFIG_BOOLEAN)},
};
static struct config_field env_fields[] = {
	{FIELD("no", CONFIG_STRING)},	    {FIELD("uscc", CONFIG_USCC)},
	{FIELD("amount", CONFIG_NUMBER)},   {FIELD("points", CONFIG_INTEGER)},
	{FIELD("decided_on", CONFIG_DATE)},
};
static struct config_field humen_fields[] = {
	{FIELD("uscc", CONFIG_USCC)},	    {FIELD("no", CONFIG_STRING)},
	{FIELD("decided_on", CONFIG_DATE)}, {FIELD("amount", CONFIG_NUMBER)},
	{FIELD("points", CONFIG_INTEGER)},
};

static size_t key_0[] = {0}, key_1[] = {1};

static struct config_resource resources[] = {
	{
		.department = "aic",
		.id = "registrations",
		.name = "aic/registrations",
		.title = "企业登记信息",
		.fields = registration_fields,
		.nfields = COUNT(registration_fields),
		.key = key_0,
		.nkey = 1,
		.subject = 1,
		.as_of = 4,
		.update_cycle = CONFIG_DAILY,
	},
	{
		.department = "tax",
		.id = "ratings",
		.name = "tax/ratings",
		.title = "Ratings",
		.fields = rating_fields,
		.nfields = COUNT(rating_fields),
		.key = key_0,
		.nkey = 1,
		.subject = 0,
		.as_of = -1,
		.update_cycle = CONFIG_YEARLY,
	},
	{
		.department = "env",
		.id = "penalties",
		.name = "env/penalties",
		.title = "Penalties",
		.fields = env_fields,
		.nfields = COUNT(env_fields),
		.key = key_0,
		.nkey = 1,
		.subject = 1,
		.as_of = -1,
	},
	{
		.department = "humen",
		.id = "penalties",
		.name = "humen/penalties",
		.title = "Penalties of Humen",
		.fields = humen_fields,
		.nfields = COUNT(humen_fields),
		.key = key_1,
		.nkey = 1,
		.subject = 0,
		.as_of = -1,
		.sharing = CONFIG_CONDITIONAL,
	},
};

static struct config_member registration[] = {{&resources[0], 1}};
static struct config_member rating[] = {{&resources[1], 0}};
static struct config_member penalty[] = {{&resources[2], 1},
					 {&resources[3], 0}};

static struct config_source sources[] = {
	{.name = "registration", .members = registration, .nmembers = 1},
	{.name = "rating", .members = rating, .nmembers = 1},
	{.name = "penalty", .members = penalty, .nmembers = 2},
};

static struct config_department departments[] = {
	{.id = "aic", .title = "工商行政管理局"},
	{.id = "env", .title = "Environment"},
	{.id = "humen", .title = "Humen town"},
	{.id = "tax", .title = ""},
};

static const char *const kinds[] = {
	[CONFIG_FIRST] = "first", [CONFIG_LATEST] = "latest",
	[CONFIG_COUNT] = "count", [CONFIG_SUM] = "sum",
	[CONFIG_MIN] = "min",	  [CONFIG_MAX] = "max",
	[CONFIG_LIST] = "list",
};

static void *
need(void *p)
{
	if (!p)
		abort();
	return p;
}

static void
unknown(const char *what, const char *text)
{
	fprintf(stderr, "sample theme: no %s '%s'\n", what, text);
	abort();
}

void
sample_init(struct sample *s)
{
	*s = (struct sample){
		.config = {.title = "Test city",
			   .language = "en",
			   .departments = departments,
			   .ndepartments = COUNT(departments),
			   .nthemes = 1},
		.theme = {.id = "enterprise-credit",
			  .title = "企业信用资源库",
			  .subject = "uscc",
			  .subject_type = CONFIG_USCC,
			  .sources = sources,
			  .nsources = COUNT(sources),
			  .base = -1},
	};
	s->theme.rules = s->rules;
	s->config.themes = &s->theme;
}

void
sample_release(struct sample *s)
{
	for (size_t r = 0; r < s->theme.nrules; r++) {
		struct config_rule *rule = &s->rules[r];

		for (size_t o = 0; o < rule->noperands; o++)
			free(rule->operands[o].columns);
		free(rule->operands);
	}
}

static enum config_rule_kind
find_kind(const char *word)
{
	for (size_t i = 0; i < COUNT(kinds); i++) {
		if (strcmp(kinds[i], word) == 0)
			return (enum config_rule_kind)i;
	}
	unknown("rule", word);
	return CONFIG_FIRST;
}

/* The field's own id, which lasts as long as the theme. */
static size_t
find_column(const struct config_resource *r, const char *id,
	    const struct config_field **ret)
{
	for (size_t i = 0; i < r->nfields; i++) {
		if (strcmp(r->fields[i].id, id) == 0) {
			*ret = &r->fields[i];
			return i;
		}
	}
	unknown("field", id);
	return 0;
}

static void
set_operand(struct config_operand *op, char *text)
{
	char *dot = strchr(text, '.');
	size_t s = 0;

	if (dot)
		*dot = '\0';
	while (s < COUNT(sources) && strcmp(sources[s].name, text) != 0)
		s++;
	if (s == COUNT(sources))
		unknown("source", text);
	*op = (struct config_operand){.source = s, .field = ""};
	if (!dot)
		return;
	op->columns = need(calloc(sources[s].nmembers, sizeof(*op->columns)));
	for (size_t m = 0; m < sources[s].nmembers; m++) {
		const struct config_field *field = NULL;

		op->columns[m] = find_column(sources[s].members[m].resource,
					     dot + 1, &field);
		op->field = field->id;
		op->type = field->type;
	}
}

/* Names of rules in tests are r0, r1 … or those of the sample. */
static const char *
rule_name(const char *name)
{
	static const char *const names[] = {"name",	  "rating", "penalties",
					    "fined",	  "last",   "capital",
					    "registered", "all",    "value"};

	for (size_t i = 0; i < COUNT(names); i++) {
		if (strcmp(names[i], name) == 0)
			return names[i];
	}
	unknown("name", name);
	return "";
}

void
sample_rule(struct sample *s, const char *text)
{
	struct config_rule *rule = &s->rules[s->theme.nrules];
	char copy[256], *save = NULL, *word;

	if (s->theme.nrules++ == SAMPLE_RULES ||
	    snprintf(copy, sizeof(copy), "%s", text) >= (int)sizeof(copy))
		unknown("room for", text);
	rule->name = rule_name(strtok_r(copy, " =", &save));
	rule->kind = find_kind(strtok_r(NULL, " =", &save));
	while ((word = strtok_r(NULL, " ", &save))) {
		rule->operands =
			need(reallocarray(rule->operands, rule->noperands + 1,
					  sizeof(*rule->operands)));
		set_operand(&rule->operands[rule->noperands++], word);
	}
}

void
sample_row_init(const struct sample *s, size_t source, size_t member,
		const char *submission, const char *cells,
		struct sample_row *ret_row, struct integrate_row *ret)
{
	const struct config_resource *r =
		s->theme.sources[source].members[member].resource;
	const char *end;

	*ret_row = (struct sample_row){0};
	snprintf(ret_row->submission, sizeof(ret_row->submission), "%s",
		 submission);
	do {
		end = strchrnul(cells, ';');
		if (cells_add(&ret_row->cells,
			      (struct slice){cells, (size_t)(end - cells)}))
			abort();
		cells = end + 1;
	} while (*end);
	for (size_t i = 0; i < r->nkey; i++) {
		struct slice part =
			cells_get(buf_slice(&ret_row->cells), r->key[i]);

		if (cells_key_add(&ret_row->key, part, i == 0))
			abort();
	}
	*ret = (struct integrate_row){source, member, buf_slice(&ret_row->key),
				      buf_slice(&ret_row->cells),
				      ret_row->submission};
}

void
sample_row_release(struct sample_row *row)
{
	buf_release(&row->cells);
	buf_release(&row->key);
}
