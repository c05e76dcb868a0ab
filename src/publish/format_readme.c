/*
 * README.txt of a version, in the platform's language (SPEC 5): what the
 * theme is, its columns and rules, its sources, its files, how to check them.
 * The texts are data: {words} in them are filled in.
 */
#include "publish/format.h"

#include "base/scope.h"
#include "integrate/integrate.h"

#define RULES 7
#define CYCLES 8

struct words {
	const char *language;
	const char *intro;
	const char *base; /* after intro, for a theme with a base */
	const char *columns, *subject, *column;
	const char *rules, *rule[RULES]; /* by enum config_rule_kind */
	const char *sources, *source, *source_granted, *source_hidden;
	const char *cycle[CYCLES]; /* by enum config_cycle */
	const char *files, *sqlite, *more_files;
};

static const struct words texts[] = {
	{
		"en",
		"{title}\n"
		"\n"
		"Theme {theme}, version {version}, published by: {platform}.\n"
		"One row for each subject ({subject}) that its sources know.\n",
		"Only subjects found in source {base}; records of others are "
		"in orphans.csv.\n",
		"\nColumns of data.csv and data.jsonl\n\n",
		"  {subject}: the subject\n",
		"  {name}: {rule}\n",
		"\nRules\n\n",
		{
			"  first: the first value that is not empty, sources "
			"in the order written,\n"
			"    records of one source in the order of their "
			"keys\n",
			"  latest: the value with the newest date, of the "
			"record or else of the\n"
			"    submission that last changed it\n",
			"  count: how many records\n",
			"  sum: the exact sum; empty when there is nothing to "
			"add\n",
			"  min: the least value\n",
			"  max: the greatest value\n",
			"  list: all different values, sorted, with | "
			"between them\n",
		},
		"\nSources\n\n",
		"  {name}: {title} ({resource}) of {department}, update "
		"cycle {cycle},\n"
		"    checked records in sources/{file}\n",
		"  {name}: {title} ({resource}) of {department}, update "
		"cycle {cycle},\n"
		"    checked records in sources/{file}, on request\n",
		"  {name}: {title} ({resource}) of {department}, update "
		"cycle {cycle}\n",
		{"realtime", "daily", "weekly", "monthly", "quarterly",
		 "half-yearly", "yearly", "irregular"},
		"\nFiles\n\n"
		"  data.csv: the theme; UTF-8, comma, one header line, sorted "
		"by subject\n"
		"  data.jsonl: the same, a JSON object a line\n",
		"  data.sqlite: the same, for SQLite: table \"{theme}\", found "
		"by {subject}; its\n"
		"    tables _about and _fields say what it is\n",
		"  conflicts.csv: where sources disagree; each line is a "
		"source that differs\n"
		"    from the winner, whose value the theme shows\n"
		"  orphans.csv: records that belong to no subject of the "
		"theme\n"
		"  sources/: the checked records of each resource; those of "
		"a resource that is\n"
		"    shared on a condition for whom they were granted\n"
		"  subjects/: a JSON file for each subject, with the origin "
		"of every value\n"
		"  datapackage.json: this description for programs (Data "
		"Package v2)\n"
		"\n"
		"An empty cell means: not known. A published version does not "
		"change any more.\n"
		"\n"
		"To check that nothing was altered or lost on the way, in "
		"this folder:\n"
		"\n"
		"  sha256sum -c SHA256SUMS\n",
	},
	{
		"zh",
		"{title}\n"
		"\n"
		"主题库 {theme}，第 {version} 版，发布：{platform}。\n"
		"数据源中的每个主体（{subject}）占一行。\n",
		"只收录数据源 {base} 中有的主体；其余记录见 orphans.csv。\n",
		"\ndata.csv 和 data.jsonl 的列\n\n",
		"  {subject}：主体\n",
		"  {name}：{rule}\n",
		"\n规则\n\n",
		{
			"  first：第一个非空值；数据源按所写顺序，同一数据源的"
			"记录按主键顺序\n",
			"  latest：日期最新的值；记录没有日期时，以最后改动它的"
			"提交之日为准\n",
			"  count：记录数\n",
			"  sum：精确合计；没有可加的值时为空\n",
			"  min：最小值\n",
			"  max：最大值\n",
			"  list：全部不同的值，排序后以 | 分隔\n",
		},
		"\n数据源\n\n",
		"  {name}：{title}（{resource}），{department}，更新周期："
		"{cycle}，\n"
		"    校验后的记录见 sources/{file}\n",
		"  {name}：{title}（{resource}），{department}，更新周期："
		"{cycle}，\n"
		"    校验后的记录见 sources/{file}，经授权可读\n",
		"  {name}：{title}（{resource}），{department}，更新周期："
		"{cycle}\n",
		{"实时", "每日", "每周", "每月", "每季度", "每半年", "每年",
		 "不定期"},
		"\n文件\n\n"
		"  data.csv：主题库；UTF-8，逗号分隔，首行为列名，按主体排序\n"
		"  data.jsonl：同样的内容，每行一个 JSON 对象\n",
		"  data.sqlite：同样的内容，SQLite 数据库：表 \"{theme}\"，"
		"按 {subject} 查找；\n"
		"    表 _about 和 _fields 是说明\n",
		"  conflicts.csv：数据源不一致之处；每行是一个与采用值不同的"
		"数据源\n"
		"  orphans.csv：不属于本主题库任何主体的记录\n"
		"  sources/：各信息资源校验后的记录；有条件共享的须经授权\n"
		"  subjects/：每个主体一个 JSON 文件，注明每个值的来源\n"
		"  datapackage.json：供程序使用的说明（Data Package v2）\n"
		"\n"
		"空单元格表示未知。版本发布后不再改变。\n"
		"\n"
		"要核对文件在传输中没有改动或缺失，请在本目录运行：\n"
		"\n"
		"  sha256sum -c SHA256SUMS\n",
	},
};

struct value {
	const char *name, *text;
};

static const char *
find_value(const struct value *values, struct slice name)
{
	for (; values->name; values++) {
		if (slice_is(name, values->name))
			return values->text;
	}
	return "";
}

/* Adds a text with its {words} filled in; 'values' ends with a NULL name. */
static int
fill(struct buf *out, const char *text, const struct value *values)
{
	const char *open, *close;

	while ((open = strchr(text, '{')) && (close = strchr(open, '}'))) {
		struct slice name = {open + 1, (size_t)(close - open - 1)};

		if (buf_add(out, text, (size_t)(open - text)) ||
		    buf_adds(out, find_value(values, name)))
			return ERR_NOMEM;
		text = close + 1;
	}
	return buf_adds(out, text);
}

static const struct words *
find_words(const char *language)
{
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		if (strcmp(texts[i].language, language) == 0)
			return &texts[i];
	}
	return &texts[0];
}

static int
put_intro(const struct words *w, const struct config *config,
	  const struct config_theme *theme, int64_t version, struct buf *out)
{
	char number[24];
	const char *base =
		theme->base < 0 ? "" : theme->sources[theme->base].name;
	const struct value values[] = {
		{"title", theme->title},
		{"theme", theme->id},
		{"version", number},
		{"platform", config->title},
		{"subject", theme->subject},
		{"base", base},
		{NULL, NULL},
	};

	snprintf(number, sizeof(number), "%lld", (long long)version);
	if (fill(out, w->intro, values))
		return ERR_NOMEM;
	return theme->base < 0 ? 0 : fill(out, w->base, values);
}

static int
put_columns(const struct words *w, const struct config_theme *theme,
	    struct buf *out)
{
	const struct value subject[] = {{"subject", theme->subject},
					{NULL, NULL}};
	scope_buf rule = BUF_INIT;

	if (buf_adds(out, w->columns) || fill(out, w->subject, subject))
		return ERR_NOMEM;
	for (size_t i = 0; i < theme->nrules; i++) {
		struct value values[] = {
			{"name", theme->rules[i].name},
			{"rule", NULL},
			{NULL, NULL},
		};

		buf_clear(&rule);
		if (integrate_rule_text(theme, i, &rule))
			return ERR_NOMEM;
		values[1].text = buf_str(&rule);
		if (!values[1].text || fill(out, w->column, values))
			return ERR_NOMEM;
	}
	return 0;
}

/* Only the rules that the theme uses. */
static int
put_rules(const struct words *w, const struct config_theme *theme,
	  struct buf *out)
{
	bool used[RULES] = {false};

	if (!theme->nrules)
		return 0;
	for (size_t i = 0; i < theme->nrules; i++)
		used[theme->rules[i].kind] = true;
	if (buf_adds(out, w->rules))
		return ERR_NOMEM;
	for (size_t i = 0; i < RULES; i++) {
		if (used[i] && buf_adds(out, w->rule[i]))
			return ERR_NOMEM;
	}
	return 0;
}

static int
put_source(const struct words *w, const struct config *config, const char *name,
	   const struct config_resource *r, struct buf *out)
{
	const struct config_department *d =
		config_find_department(config, r->department);
	scope_buf file = BUF_INIT;
	struct value values[] = {
		{"name", name},
		{"title", r->title},
		{"resource", r->name},
		{"department", d && d->title[0] ? d->title : r->department},
		{"cycle", w->cycle[r->update_cycle]},
		{"file", NULL},
		{NULL, NULL},
	};

	if (!publish_format_source_shown(r))
		return fill(out, w->source_hidden, values);
	if (buf_addf(&file, "%s.%s.csv", r->department, r->id))
		return ERR_NOMEM;
	values[5].text = buf_str(&file);
	if (!values[5].text)
		return ERR_NOMEM;
	return fill(out,
		    r->sharing == CONFIG_UNCONDITIONAL ? w->source
						       : w->source_granted,
		    values);
}

static int
put_sources(const struct words *w, const struct config *config,
	    const struct config_theme *theme, struct buf *out)
{
	if (buf_adds(out, w->sources))
		return ERR_NOMEM;
	for (size_t s = 0; s < theme->nsources; s++) {
		const struct config_source *source = &theme->sources[s];

		for (size_t m = 0; m < source->nmembers; m++) {
			if (put_source(w, config, source->name,
				       source->members[m].resource, out))
				return ERR_NOMEM;
		}
	}
	return 0;
}

static int
put_files(const struct words *w, const struct config_theme *theme,
	  struct buf *out)
{
	const struct value values[] = {
		{"theme", theme->id},
		{"subject", theme->subject},
		{NULL, NULL},
	};

	if (buf_adds(out, w->files) ||
	    (theme->sqlite && fill(out, w->sqlite, values)))
		return ERR_NOMEM;
	return buf_adds(out, w->more_files);
}

int
publish_format_readme(const struct config *config,
		      const struct config_theme *theme, int64_t version,
		      struct buf *out)
{
	const struct words *w = find_words(config->language);

	if (put_intro(w, config, theme, version, out) ||
	    put_columns(w, theme, out) || put_rules(w, theme, out) ||
	    put_sources(w, config, theme, out))
		return ERR_NOMEM;
	return put_files(w, theme, out);
}
