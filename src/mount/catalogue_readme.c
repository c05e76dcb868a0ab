/*
 * README.txt of a resource in catalogue/, in its department's language: what
 * a clerk has to know before copying a file. The texts are data.
 */
#include "mount/catalogue.h"

#include "base/scope.h"

struct words {
	const char *language;
	const char *intro, *abstract, *where, *cycle;
	const char *mode[3];   /* by enum config_mode */
	const char *cycles[8]; /* by enum config_cycle */
	const char *fields, *field, *key, *required, *personal;
	const char *end;
};

static const struct words texts[] = {
	{
		.language = "en",
		.intro = "{title}\n\nResource {resource} of {department}.\n",
		.abstract = "{abstract}\n",
		.where = "\nCopy files to {inbox}/{resource}/; {template} has "
			 "the header to begin with.\n",
		.cycle = "Due: {cycle}.\n",
		.mode = {"Each file is the whole truth: records that it does "
			 "not have are deleted.\n",
			 "Records are written by their key; a column 'change' "
			 "may say insert, update or\n"
			 "delete.\n",
			 "Records are added; those that are there already are "
			 "left as they are.\n"},
		.cycles = {"realtime", "daily", "weekly", "monthly",
			   "quarterly", "half-yearly", "yearly", "irregular"},
		.fields = "\nFields (a header may have the id or the "
			  "title)\n\n",
		.field = "  {id}: {name}, {type}",
		.key = ", key",
		.required = ", required",
		.personal = ", personal",
		.end = "\nThe exact rules are in {descriptor}, for programs "
		       "in {schema}.\n",
	},
	{
		.language = "zh",
		.intro = "{title}\n\n信息资源 {resource}，提供部门："
			 "{department}。\n",
		.abstract = "{abstract}\n",
		.where = "\n请把文件复制到 {inbox}/{resource}/；表头见 "
			 "{template}。\n",
		.cycle = "更新周期：{cycle}。\n",
		.mode = {"每个文件都是全部内容：文件中没有的记录将被删除。\n",
			 "按主键写入记录；“change”列可写 insert、update 或 "
			 "delete。\n",
			 "只增加记录；已有的记录保持不变。\n"},
		.cycles = {"实时", "每日", "每周", "每月", "每季度", "每半年",
			   "每年", "不定期"},
		.fields = "\n字段（表头可用标识或名称）\n\n",
		.field = "  {id}：{name}，{type}",
		.key = "，主键",
		.required = "，必填",
		.personal = "，个人信息",
		.end = "\n完整规则见 {descriptor}，供程序使用的见 {schema}。\n",
	},
};

struct values {
	const struct config *config;
	const struct layout *layout;
	const struct config_resource *r;
	const struct config_department *department;
	const struct config_field *field;
	const struct words *words;
};

static const char *
word(const void *ctx, struct slice w)
{
	const struct values *v = ctx;
	int key;

	if (slice_is(w, "title"))
		return v->r->title;
	if (slice_is(w, "resource"))
		return v->r->name;
	if (slice_is(w, "abstract"))
		return v->r->abstract;
	if (slice_is(w, "department"))
		return v->department && v->department->title[0]
			       ? v->department->title
			       : v->r->department;
	if (slice_is(w, "cycle"))
		return v->words->cycles[v->r->update_cycle];
	if (v->field && slice_is(w, "id"))
		return v->field->id;
	if (v->field && slice_is(w, "name"))
		return v->field->title;
	if (v->field && slice_is(w, "type"))
		return config_type_word(v->field->type);
	key = layout_key(w.p, w.n);
	return key < 0 ? NULL : v->layout->names[key];
}

static const struct words *
find_words(const struct values *v)
{
	const char *language = v->config->language;

	if (v->department && v->department->language[0])
		language = v->department->language;
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		if (strcmp(texts[i].language, language) == 0)
			return &texts[i];
	}
	return &texts[0];
}

static bool
is_key(const struct config_resource *r, size_t field)
{
	for (size_t i = 0; i < r->nkey; i++) {
		if (r->key[i] == field)
			return true;
	}
	return false;
}

static int
put_field(struct values *v, size_t i, struct buf *out)
{
	const struct config_field *f = &v->r->fields[i];
	bool key = is_key(v->r, i);
	int rc;

	v->field = f;
	rc = mount_catalogue_fill(out, v->words->field, word, v);
	if (!rc && key)
		rc = buf_adds(out, v->words->key);
	if (!rc && f->required && !key)
		rc = buf_adds(out, v->words->required);
	if (!rc && f->sensitivity == CONFIG_PERSONAL)
		rc = buf_adds(out, v->words->personal);
	v->field = NULL;
	return rc ? rc : buf_addc(out, '\n');
}

int
mount_catalogue_readme(const struct config *config, const struct layout *layout,
		       const struct config_resource *r, struct buf *out)
{
	struct values v = {
		.config = config,
		.layout = layout,
		.r = r,
		.department = config_find_department(config, r->department),
	};
	const char *parts[6];
	size_t n = 0;
	int rc = 0;

	v.words = find_words(&v);
	parts[n++] = v.words->intro;
	if (r->abstract[0])
		parts[n++] = v.words->abstract;
	parts[n++] = v.words->where;
	parts[n++] = v.words->cycle;
	parts[n++] = v.words->mode[r->mode];
	parts[n++] = v.words->fields;
	for (size_t i = 0; i < n && !rc; i++)
		rc = mount_catalogue_fill(out, parts[i], word, &v);
	for (size_t i = 0; i < r->nfields && !rc; i++)
		rc = put_field(&v, i, out);
	return rc ? rc : mount_catalogue_fill(out, v.words->end, word, &v);
}
