/* What is wrong with a configuration, one change of the sample city at a
 * time. Fails if a fault is taken, is found at another file or line, or says
 * something else; or if it brings other errors with it than those counted
 * here. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/scope.h"
#include "tests/unit/config/city.h"
#include "config/config.h"

struct fault {
	const char *file, *from, *to; /* the change: see city_change() */
	const char *problem;	      /* begins so */
	size_t errors;		      /* with those that follow from it */
};

static const struct fault sections[] = {
	{"civicfs.conf",
	 "[platform]\n"
	 "",
	 "[platfrom]\n",
	 "civicfs.conf:1: unknown section [platfrom]; did you mean "
	 "'[platform]'?",
	 2},
	{"civicfs.conf", "[department env]", "[departement env]",
	 "civicfs.conf:37: unknown section [departement env]; did you mean "
	 "'[department env]'?",
	 3},
	{"civicfs.conf", "[department env]", "[Department env]",
	 "civicfs.conf:37: unknown section [Department env]; did you mean "
	 "'[department env]'?",
	 3},
	{"civicfs.conf", "[department env]", "[department]",
	 "civicfs.conf:37: '[department]' lacks its ID", 3},
	{"civicfs.conf", "[roles]", "[roles all]",
	 "civicfs.conf:15: '[roles all]' takes no name", 1},
	{"civicfs.conf", "[department env]", "[department tax]",
	 "civicfs.conf:37: the section [department tax] stands in "
	 "civicfs.conf:33 already",
	 3},
	{"conf.d/themes.ini", "[theme enterprise-credit]",
	 "[roles]\n"
	 "[theme enterprise-credit]",
	 "conf.d/themes.ini:1: the section [roles] stands in civicfs.conf:15 "
	 "already",
	 1},
	{"conf.d/taxpayers.ini", "[access]",
	 "[access]\n"
	 "[access]",
	 "conf.d/taxpayers.ini:10: the section [access] stands in "
	 "conf.d/taxpayers.ini:9 already",
	 1},
	{"civicfs.conf", "[department env]", "[field env]",
	 "civicfs.conf:37: '[field env]' belongs into a descriptor", 3},
	{"resources.d/env/penalties.ini", "[field amount]", "[theme amount]",
	 "resources.d/env/penalties.ini:10: '[theme amount]' belongs into "
	 "civicfs.conf or conf.d/",
	 2},
	{"civicfs.conf", "[department env]", "[department inbox]",
	 "civicfs.conf:37: [department inbox]: 'inbox' is a name the tree has "
	 "itself",
	 3},
	{"conf.d/themes.ini", "[theme enterprise-credit]", "[theme a.b]",
	 "conf.d/themes.ini:1: [theme a.b]: 'a.b' is no id", 2},
	{"conf.d/themes.ini", "[access]",
	 "[view basic-credit]\n"
	 "anything = x\n"
	 "[access]",
	 "conf.d/themes.ini:17: '[view basic-credit]' is not supported by this "
	 "version; remove the section",
	 1},
	{"conf.d/themes.ini", "[access]",
	 "[phase 1]\n"
	 "anything = x\n"
	 "[access]",
	 "conf.d/themes.ini:17: '[phase 1]' is not supported by this version; "
	 "remove the section",
	 1},
	{"conf.d/themes.ini", "[access]",
	 "[evaluation]\n"
	 "anything = x\n"
	 "[access]",
	 "conf.d/themes.ini:17: '[evaluation]' is not supported by this "
	 "version; remove the section",
	 1},
	{"conf.d/themes.ini", "[access]",
	 "[waiver aic/registrations]\n"
	 "anything = x\n"
	 "[access]",
	 "conf.d/themes.ini:17: '[waiver aic/registrations]' is not supported "
	 "by this version; remove the section",
	 1},
	{"conf.d/themes.ini", "[access]",
	 "[upstream province]\n"
	 "theme.enterprise-credit = inbox/town/credit\n"
	 "[access]",
	 "conf.d/themes.ini:17: [upstream province] has no 'mount'", 1},
	{"conf.d/themes.ini", "[access]",
	 "[upstream province]\n"
	 "mount = /mnt/province\n"
	 "theme.enterprise-credits = inbox/town/credit\n"
	 "[access]",
	 "conf.d/themes.ini:19: theme.enterprise-credits: there is no theme "
	 "'enterprise-credits'; did you mean 'enterprise-credit'?",
	 1},
	{"conf.d/themes.ini", "[access]",
	 "[upstream province]\n"
	 "mount = /mnt/province\n"
	 "theme.enterprise-credit = /inbox/town/credit\n"
	 "[access]",
	 "conf.d/themes.ini:19: theme.enterprise-credit: write the inbox "
	 "folder below '/mnt/province'",
	 1},
};

static const struct fault keys[] = {
	{"civicfs.conf", "settle = 750ms", "setle = 750ms",
	 "civicfs.conf:7: unknown key 'setle' in [platform]; did you mean "
	 "'settle'?",
	 1},
	{"civicfs.conf", "settle = 750ms", "Settle = 750ms",
	 "civicfs.conf:7: unknown key 'Settle' in [platform]; did you mean "
	 "'settle'?",
	 1},
	{"conf.d/themes.ini", "field.rating  ", "fields.rating ",
	 "conf.d/themes.ini:8: unknown key 'fields.rating' in [theme "
	 "enterprise-credit]; did you mean 'field.rating'?",
	 1},
	{"resources.d/aic/registrations.ini", "title = 执照号",
	 "titel = 执照号",
	 "resources.d/aic/registrations.ini:30: unknown key 'titel' in [field "
	 "licence_no]; did you mean 'title'?",
	 1},
	{"conf.d/themes.ini",
	 "theme.enterprise-credit =", "thema.enterprise-credit =",
	 "conf.d/themes.ini:19: unknown key 'thema.enterprise-credit' in "
	 "[access]; did you mean 'theme.enterprise-credit'?",
	 1},
	{"civicfs.conf", "language = en  ",
	 "title = x\n"
	 "language = en ",
	 "civicfs.conf:4: 'title' stands in line 2 already; keep one of the "
	 "two",
	 1},
	{"conf.d/themes.ini", "field.penalties     = count penalty",
	 "field.rating = count penalty",
	 "conf.d/themes.ini:9: 'field.rating' stands in line 8 already", 1},
	{"civicfs.conf", "settle = 750ms                ;",
	 "settle = 750ms\n"
	 "  1s ;",
	 "civicfs.conf:8: 'settle' is a duration such as 500ms, 2s or 1m and "
	 "does not go on",
	 1},
	{"civicfs.conf", "user = root",
	 "user = root\n"
	 "find_rows = 10",
	 "civicfs.conf:13: 'find_rows = 10' is not supported by this version; "
	 "remove the line",
	 1},
	{"civicfs.conf", "user = root",
	 "user = root\n"
	 "notify = user:root",
	 "civicfs.conf:13: 'notify = user:root' is not supported by this "
	 "version; remove the line",
	 1},
	{"conf.d/themes.ini", "xlsx = no", "xlsx = yes",
	 "conf.d/themes.ini:14: 'xlsx = yes' is not supported by this version; "
	 "remove the line",
	 1},
	{"conf.d/themes.ini", "sqlite = no",
	 "sqlite = yes\nfield.NAME = count penalty",
	 "conf.d/themes.ini:15: sqlite: 'name' and 'NAME' are one column for "
	 "SQLite; rename one, or write 'sqlite = no'",
	 1},
	{"conf.d/themes.ini", "sqlite = no",
	 "sqlite = yes\n[theme SQLite_x]\nsubject = k\nsqlite = yes\n"
	 "source.s = aic/registrations\nfield.name = first s.name",
	 "conf.d/themes.ini:18: sqlite: SQLite keeps names like 'SQLite_x' for "
	 "itself; rename the theme, or write 'sqlite = no'",
	 1},
	{"conf.d/themes.ini", "bom = no", "discreet = yes",
	 "conf.d/themes.ini:13: 'discreet = yes' is not supported by this "
	 "version",
	 1},
	{"resources.d/aic/registrations.ini", "like =", "follows = t",
	 "resources.d/aic/registrations.ini:19: follows: changes say of each "
	 "row what became of it, which 'mode = snapshot' cannot take",
	 1},
	{"resources.d/aic/registrations.ini", "like =", "members = each",
	 "resources.d/aic/registrations.ini:19: members: 'each' would delete "
	 "the records of a member that cannot be read; set 'mode = upsert' or "
	 "'append', or leave out 'members'",
	 1},
	{"conf.d/taxpayers.ini", "theme.taxpayers =",
	 "view.basic = everyone\n"
	 "theme.taxpayers =",
	 "conf.d/taxpayers.ini:10: 'view.basic = everyone' is not supported by "
	 "this version",
	 1},
};

static const struct fault values[] = {
	{"civicfs.conf", "settle = 750ms", "settle = soon",
	 "civicfs.conf:7: 'settle = soon' is not a duration such as 500ms, 2s "
	 "or 1m",
	 1},
	{"civicfs.conf", "settle = 750ms", "settle = 2h",
	 "civicfs.conf:7: 'settle = 2h' is out of range; write 0ms to 1h", 1},
	{"civicfs.conf", "keep_inbox = 30d", "keep_inbox = 500ms",
	 "civicfs.conf:8: 'keep_inbox = 500ms' is not a duration such as 12h, "
	 "30d or 5y",
	 1},
	{"civicfs.conf", "reserve = 2.5%", "reserve = 2.5",
	 "civicfs.conf:11: 'reserve = 2.5' is not a percentage such as 2% or a "
	 "size",
	 1},
	{"civicfs.conf", "reserve = 2.5%", "reserve = 60%",
	 "civicfs.conf:11: 'reserve = 60%' is out of range; write 0% to 50%",
	 1},
	{"civicfs.conf", "timezone = Asia/Shanghai", "timezone = Asia/Atlantis",
	 "civicfs.conf:5: timezone: no time zone 'Asia/Atlantis' on this "
	 "machine",
	 1},
	{"civicfs.conf", "timezone = Asia/Shanghai", "timezone = Asia",
	 "civicfs.conf:5: timezone: no time zone 'Asia' on this machine", 1},
	{"civicfs.conf", "language = en  ", "language = fr  ",
	 "civicfs.conf:4: 'language = fr' is none of en | zh; did you mean "
	 "'en'?",
	 1},
	{"civicfs.conf", "registration = approve", "registration = auto",
	 "civicfs.conf:6: 'registration = auto' is none of approve | "
	 "automatic; did you mean",
	 1},
	{"civicfs.conf", "code_format = {classification}/{number:06}",
	 "code_format = {class}",
	 "civicfs.conf:13: 'code_format = {class}' is not a text with", 1},
	{"civicfs.conf", "quota = 20G", "quota = 20 G",
	 "civicfs.conf:26: 'quota = 20 G' is not a size such as 500M or 20G",
	 1},
	{"civicfs.conf", "expected_resources = 20", "expected_resources = many",
	 "civicfs.conf:31: 'expected_resources = many' is not a whole number",
	 1},
	{"resources.d/aic/registrations.ini", "published_on = 2012-11-15",
	 "published_on = 2012-11-31",
	 "resources.d/aic/registrations.ini:13: 'published_on = 2012-11-31' is "
	 "not a day such as 2012-11-15",
	 1},
	{"resources.d/aic/registrations.ini", "tolerance = 0.5%",
	 "tolerance = 0.00001%",
	 "resources.d/aic/registrations.ini:20: 'tolerance = 0.00001%' is not "
	 "a percentage",
	 1},
	{"resources.d/aic/registrations.ini", "type = number", "type = decimal",
	 "resources.d/aic/registrations.ini:52: 'type = decimal' is none of "
	 "string | integer | number",
	 3},
	{"resources.d/aic/registrations.ini",
	 "required = yes\n"
	 "pattern",
	 "required = true\n"
	 "pattern",
	 "resources.d/aic/registrations.ini:32: 'required = true' is none of "
	 "no | yes",
	 1},
	{"resources.d/aic/registrations.ini", "pattern = [0-9]{6,15}",
	 "pattern = [0-9",
	 "resources.d/aic/registrations.ini:33: pattern: '[0-9' is no regular "
	 "expression",
	 1},
	{"resources.d/aic/registrations.ini", "max_length = 200",
	 "max_length = -1",
	 "resources.d/aic/registrations.ini:48: 'max_length = -1' is not a "
	 "whole number",
	 1},
	{"resources.d/aic/registrations.ini", "min = .5", "min = x",
	 "resources.d/aic/registrations.ini:53: 'min = x' does not fit 'type = "
	 "number'; write a number such as 3.50",
	 1},
	{"resources.d/aic/registrations.ini", "min = 1979-01-01",
	 "min = 1979/1/1",
	 "resources.d/aic/registrations.ini:69: 'min = 1979/1/1' does not fit "
	 "'type = date'; write a date such as 2012-11-15",
	 1},
	{"resources.d/aic/registrations.ini", "max = +1000000.00", "max = 0.49",
	 "resources.d/aic/registrations.ini:54: 'max = 0.49' is below 'min = "
	 "0.5'",
	 1},
	{"resources.d/aic/registrations.ini", "max_length = 200",
	 "max_length = 2\n"
	 "min_length = 3",
	 "resources.d/aic/registrations.ini:48: 'max_length = 2' is below "
	 "'min_length = 3'",
	 1},
	{"resources.d/aic/registrations.ini", "max_length = 200", "max = 2",
	 "resources.d/aic/registrations.ini:48: 'max' says nothing about a "
	 "string; use enum or pattern",
	 1},
	{"resources.d/tax/ratings.ini",
	 "[field phone]\n"
	 "",
	 "[field phone]\n"
	 "type = integer\n"
	 "enum = 1 2 x\n",
	 "resources.d/tax/ratings.ini:17: 'x' in 'enum' does not fit 'type = "
	 "integer'; write an integer",
	 1},
};

static const struct fault principals[] = {
	{"civicfs.conf", "auditor     = group:root",
	 "auditor     = departments",
	 "civicfs.conf:20: auditor: 'departments' is nobody; write user:NAME, "
	 "group:NAME and department:ID",
	 1},
	{"civicfs.conf", "members = group:root user:root", "members = everyone",
	 "civicfs.conf:24: members: 'everyone' is nobody; write user:NAME and "
	 "group:NAME",
	 1},
	{"civicfs.conf", "members = group:root user:root", "members = li",
	 "civicfs.conf:24: members: 'li' is nobody; write user:NAME and "
	 "group:NAME",
	 1},
	{"civicfs.conf", "user:root department:aic", "user:root department:aci",
	 "civicfs.conf:17: supervisor: there is no department 'aci'; did you "
	 "mean 'aic'",
	 1},
	{"conf.d/taxpayers.ini", "role:auditor everyone", "role:audit everyone",
	 "conf.d/taxpayers.ini:10: theme.taxpayers: there is no role 'audit'; "
	 "did you mean 'auditor'?",
	 1},
	{"conf.d/taxpayers.ini", "role:auditor everyone", "user: everyone",
	 "conf.d/taxpayers.ini:10: theme.taxpayers: 'user:' is nobody", 1},
	{"conf.d/taxpayers.ini", "role:auditor everyone", "department:court",
	 "conf.d/taxpayers.ini:10: theme.taxpayers: there is no department "
	 "'court'",
	 1},
	{"conf.d/taxpayers.ini", "role:auditor everyone", "Everyone",
	 "conf.d/taxpayers.ini:10: theme.taxpayers: 'Everyone' is nobody", 1},
	{"conf.d/taxpayers.ini", "theme.taxpayers =", "theme.taxpayer =",
	 "conf.d/taxpayers.ini:10: 'theme.taxpayer': there is no theme "
	 "'taxpayer'; did you mean 'taxpayers'?",
	 1},
	{"conf.d/themes.ini",
	 "source.aic/registrations =", "source.aic/registration =",
	 "conf.d/themes.ini:20: source.aic/registration: there is no resource "
	 "'aic/registration'; did you mean 'aic/registrations'?",
	 1},
};

static const struct fault resources[] = {
	{"civicfs.conf",
	 "[department env]\n"
	 "members = user:root\n"
	 "",
	 "",
	 "resources.d/env/penalties.ini:1: there is no department 'env', whose "
	 "folder this is; add a section [department env] to 'civicfs.conf'",
	 2},
	{"resources.d/env/penalties.ini", "[resource]", "[resources]",
	 "resources.d/env/penalties.ini:1: unknown section [resources]; did "
	 "you mean '[resource]'?",
	 4},
	{"resources.d/aic/registrations.ini", "key = licence_no", "key =",
	 "resources.d/aic/registrations.ini:1: there is no 'key', which 'mode "
	 "= snapshot' needs",
	 1},
	{"resources.d/aic/registrations.ini", "key = licence_no",
	 "key = licence",
	 "resources.d/aic/registrations.ini:16: key: aic/registrations has no "
	 "field 'licence'; did you mean 'licence_no'?",
	 1},
	{"resources.d/aic/registrations.ini", "key = licence_no",
	 "key = licence_no licence_no",
	 "resources.d/aic/registrations.ini:16: key: 'licence_no' stands there "
	 "twice",
	 1},
	{"resources.d/aic/registrations.ini", "subject = uscc", "subject = usc",
	 "resources.d/aic/registrations.ini:17: subject: aic/registrations has "
	 "no field 'usc'; did you mean 'uscc'?",
	 2},
	{"resources.d/aic/registrations.ini", "as_of = updated_on",
	 "as_of = name",
	 "resources.d/aic/registrations.ini:18: as_of: 'name' has 'type = "
	 "string'; name a field of type date or datetime",
	 1},
	{"resources.d/tax/ratings.ini",
	 "sharing = unconditional\n"
	 "open = yes",
	 "sharing = none\n"
	 "sharing_condition = law\n"
	 "open = yes",
	 "resources.d/tax/ratings.ini:5: 'open = yes' with 'sharing = none'",
	 3},
	{"resources.d/env/penalties.ini", "sharing = unconditional",
	 "sharing = none",
	 "resources.d/env/penalties.ini:3: 'sharing = none' without its legal "
	 "basis; write it as 'sharing_condition = …'",
	 2},
	{"resources.d/aic/registrations.ini",
	 "sharing =\n"
	 "",
	 "sharing = unconditional\n",
	 "resources.d/aic/registrations.ini:41: 'sharing = unconditional' is "
	 "less strict than 'sharing = conditional' of aic/registrations",
	 1},
	{"resources.d/aic/registrations.ini",
	 "open =\n"
	 "strict",
	 "open = yes\n"
	 "strict",
	 "resources.d/aic/registrations.ini:42: 'open = yes' is less strict "
	 "than 'open = no' of aic/registrations",
	 1},
	{"resources.d/tax/ratings.ini", "sensitivity = internal",
	 "sensitivity = internal\n"
	 "open = yes",
	 "resources.d/tax/ratings.ini:17: 'open' must be no, because the field "
	 "has 'sensitivity = internal'",
	 1},
	{"resources.d/tax/ratings.ini", "sensitivity = internal",
	 "sensitivity = secret\n"
	 "required = yes",
	 "resources.d/tax/ratings.ini:17: 'required = yes' with 'sensitivity = "
	 "secret': values of a secret field must not be sent; remove one of "
	 "the two",
	 1},
	{"resources.d/tax/ratings.ini", "sensitivity = internal",
	 "sharing = none\n"
	 "open = conditional",
	 "resources.d/tax/ratings.ini:17: 'open' must be no, because the field "
	 "has 'sharing = none'",
	 1},
	{"resources.d/humen/penalties.ini", "like = env/penalties",
	 "like = env/penalty",
	 "resources.d/humen/penalties.ini:7: like: there is no resource "
	 "'env/penalty'; did you mean 'env/penalties'?",
	 1},
	{"resources.d/humen/penalties.ini", "like = env/penalties",
	 "like = humen/penalties",
	 "resources.d/humen/penalties.ini:7: 'like = humen/penalties' leads in "
	 "a circle",
	 1},
	{"resources.d/humen/penalties.ini", "like = env/penalties",
	 "like = penalties",
	 "resources.d/humen/penalties.ini:7: 'like = penalties' is not "
	 "DEPARTMENT/RESOURCE",
	 1},
	{"resources.d/humen/penalties.ini", "like = env/penalties",
	 "like = env/penalties\n"
	 "[field x]",
	 "resources.d/humen/penalties.ini:7: 'like' and a section [field x]",
	 1},
	{"resources.d/humen/penalties.ini", "like = env/penalties", "",
	 "resources.d/humen/penalties.ini:1: humen/penalties has no fields; "
	 "add a section [field ID] for each column",
	 1},
	{"resources.d/tax/ratings.ini", "[field grade]", "[field taxpayer_id]",
	 "resources.d/tax/ratings.ini:13: the section [field taxpayer_id] "
	 "stands in resources.d/tax/ratings.ini:10 already",
	 3},
	{"resources.d/tax/ratings.ini", "[field grade]", "[field sources]",
	 "resources.d/tax/ratings.ini:13: [field sources]: 'sources' is a name "
	 "the tree has itself",
	 3},
	{"resources.d/aic/registrations.ini", "无 / NULL",
	 "无 / NULL\n"
	 "<<<<<<< ours",
	 "resources.d/aic/registrations.ini:24: a merge was not finished", 1},
};

static const struct fault themes[] = {
	{"conf.d/themes.ini",
	 "subject = uscc\n"
	 "",
	 "", "conf.d/themes.ini:1: [theme enterprise-credit] has no 'subject'",
	 1},
	{"conf.d/taxpayers.ini",
	 "subject = taxpayer\n"
	 "",
	 "subject = a b\n", "conf.d/taxpayers.ini:3: subject: 'a b' is no id",
	 2},
	{"conf.d/themes.ini", "= tax/ratings", "= tax/rating",
	 "conf.d/themes.ini:5: source.rating: there is no resource "
	 "'tax/rating'; did you mean 'tax/ratings'?",
	 1},
	{"conf.d/themes.ini", "= tax/ratings", "= ratings",
	 "conf.d/themes.ini:5: source.rating: 'ratings' names no resource; "
	 "write DEPARTMENT/RESOURCE",
	 1},
	{"conf.d/themes.ini", "= tax/ratings", "=",
	 "conf.d/themes.ini:5: 'source.rating' names no resource; write "
	 "DEPARTMENT/RESOURCE … [by FIELD]",
	 1},
	{"conf.d/themes.ini", "env/penalties humen/penalties",
	 "env/penalties env/penalties",
	 "conf.d/themes.ini:6: source.penalty: env/penalties stands there "
	 "twice",
	 1},
	{"conf.d/themes.ini", "env/penalties humen/penalties",
	 "env/penalties by amount humen/penalties",
	 "conf.d/themes.ini:6: source.penalty: 'by FIELD' stands once, at the "
	 "end of the line",
	 2},
	{"conf.d/themes.ini", "env/penalties humen/penalties",
	 "env/penalties by amout",
	 "conf.d/themes.ini:6: source.penalty: env/penalties has no field "
	 "'amout'; did you mean 'amount'?",
	 1},
	{"conf.d/themes.ini", "env/penalties humen/penalties",
	 "env/penalties by amount",
	 "conf.d/themes.ini:6: source.penalty: the subject 'amount' of "
	 "env/penalties is of type number, that of aic/registrations is of "
	 "type uscc; all keys of a theme have one type",
	 1},
	{"conf.d/themes.ini", "env/penalties humen/penalties",
	 "env/penalties tax/ratings",
	 "conf.d/themes.ini:6: source.penalty: tax/ratings has no field "
	 "'统一社会信用代码' as env/penalties has",
	 1},
	{"resources.d/tax/ratings.ini",
	 "subject = taxpayer_id\n"
	 "",
	 "",
	 "conf.d/themes.ini:5: source.rating: tax/ratings does not say which "
	 "field holds the subject; add 'subject = FIELD' to its descriptor",
	 1},
	{"resources.d/aic/registrations.ini", "sharing = none",
	 "sharing = none\n"
	 "sensitivity = internal",
	 "resources.d/aic/registrations.ini:65: 'sensitivity' stands in line "
	 "63 already",
	 1},
	{"conf.d/themes.ini", "source.rating       =", "source.ra.ting       =",
	 "conf.d/themes.ini:5: source.ra.ting: 'ra.ting' is no id", 3},
	{"conf.d/themes.ini", "field.name          =", "field.uscc          =",
	 "conf.d/themes.ini:7: field.uscc: 'uscc' is the subject, which is the "
	 "first column already",
	 1},
	{"conf.d/themes.ini", "field.name          =", "field.views          =",
	 "conf.d/themes.ini:7: field.views: 'views' is a name the tree has "
	 "itself",
	 1},
	{"conf.d/themes.ini", "latest rating.grade", "last rating.grade",
	 "conf.d/themes.ini:8: field.rating: 'last' is no rule (first latest "
	 "count sum min max list); did you mean",
	 1},
	{"conf.d/themes.ini", "latest rating.grade", "",
	 "conf.d/themes.ini:8: field.rating: '' is no rule", 1},
	{"conf.d/themes.ini", "latest rating.grade", "latest",
	 "conf.d/themes.ini:8: field.rating: 'latest' takes one operand or "
	 "more; write 'latest SOURCE.FIELD …'",
	 1},
	{"conf.d/themes.ini", "latest rating.grade",
	 "list rating.grade rating.taxpayer_name",
	 "conf.d/themes.ini:8: field.rating: 'list' takes one operand; write "
	 "'list SOURCE.FIELD'",
	 1},
	{"conf.d/themes.ini", "latest rating.grade", "latest rating",
	 "conf.d/themes.ini:8: field.rating: 'rating' is no operand of "
	 "'latest'; write SOURCE.FIELD",
	 1},
	{"conf.d/themes.ini", "latest rating.grade", "latest ratings.grade",
	 "conf.d/themes.ini:8: field.rating: there is no source 'ratings'; did "
	 "you mean 'rating'?",
	 1},
	{"conf.d/themes.ini", "latest rating.grade", "latest rating.grades",
	 "conf.d/themes.ini:8: field.rating: tax/ratings has no field "
	 "'grades'; did you mean 'grade'?",
	 1},
	{"conf.d/themes.ini", "latest rating.grade", "sum rating.grade",
	 "conf.d/themes.ini:8: field.rating: cannot sum 'rating.grade', which "
	 "is of type string",
	 1},
	{"conf.d/themes.ini", "count penalty", "count penalty.amount",
	 "conf.d/themes.ini:9: field.penalties: count takes a source, not the "
	 "field 'penalty.amount'; write 'count penalty'",
	 1},
	{"conf.d/themes.ini", "count penalty", "count penalties",
	 "conf.d/themes.ini:9: field.penalties: there is no source "
	 "'penalties'; did you mean 'penalty'?",
	 1},
	{"conf.d/themes.ini", "first registration.name",
	 "first registration.legal_person_id",
	 "conf.d/themes.ini:7: field.name: 'legal_person_id' of "
	 "aic/registrations has 'sharing = none' and may not be in a theme",
	 1},
	{"conf.d/themes.ini", "base = registration", "base = registrations",
	 "conf.d/themes.ini:12: base: there is no source 'registrations'; did "
	 "you mean 'registration'?",
	 1},
	{"conf.d/themes.ini",
	 "bom = no\n"
	 "",
	 "link.penalty = decided_on\n",
	 "conf.d/themes.ini:13: link.penalty: write 'link.penalty = FIELD "
	 "OTHER.FIELD'",
	 1},
	{"conf.d/themes.ini",
	 "bom = no\n"
	 "",
	 "link.penalty = decided_on registration\n",
	 "conf.d/themes.ini:13: link.penalty: write 'link.penalty = FIELD "
	 "OTHER.FIELD'",
	 1},
	{"conf.d/themes.ini",
	 "bom = no\n"
	 "",
	 "link.penalty = decided_on registrations.updated_on\n",
	 "conf.d/themes.ini:13: link.penalty: there is no source "
	 "'registrations'; did you mean 'registration'?",
	 1},
	{"conf.d/themes.ini",
	 "bom = no\n"
	 "",
	 "link.penalty = decided registration.updated_on\n",
	 "conf.d/themes.ini:13: link.penalty: env/penalties has no field "
	 "'decided'; did you mean 'decided_on'?",
	 1},
	{"conf.d/themes.ini",
	 "bom = no\n"
	 "",
	 "link.penalty = decided_on registration.update\n",
	 "conf.d/themes.ini:13: link.penalty: aic/registrations has no field "
	 "'update'; did you mean",
	 1},
	{"conf.d/themes.ini",
	 "bom = no\n"
	 "",
	 "link.penalty = decided_on registration.name\n",
	 "conf.d/themes.ini:13: link.penalty: 'decided_on' is of type date, "
	 "'registration.name' of type string",
	 1},
	{"conf.d/themes.ini",
	 "bom = no\n"
	 "",
	 "link.penalty = 统一社会信用代码 registration.uscc\n",
	 "conf.d/themes.ini:13: link.penalty: '统一社会信用代码' holds the "
	 "subject of env/penalties, and is empty where a link is needed",
	 1},
	{"conf.d/themes.ini",
	 "bom = no\n"
	 "",
	 "link.penalty = decided_on penalty.decided_on\n",
	 "conf.d/themes.ini:13: link.penalty: source 'penalty' has a link "
	 "itself",
	 1},
	{"conf.d/themes.ini",
	 "bom = no\n"
	 "",
	 "link.penalty = decided_on registration.updated_on\n"
	 "link.penalty = decided_on registration.updated_on\n",
	 "conf.d/themes.ini:14: link.penalty: source 'penalty' has a link "
	 "already",
	 1},
	{"conf.d/themes.ini",
	 "bom = no\n"
	 "",
	 "link.penalties = decided_on registration.updated_on\n",
	 "conf.d/themes.ini:13: link.penalties: there is no source "
	 "'penalties'; did you mean 'penalty'?",
	 1},
	{"resources.d/tax/ratings.ini", "enum = A, B, M, C, D",
	 "sensitivity = secret",
	 "conf.d/taxpayers.ini:6: field.grades: 'grade' of tax/ratings has "
	 "'sensitivity = secret' and may not be in a theme",
	 2},
};

static const struct fault files[] = {
	{"conf.d/themes.ini", NULL, "",
	 "conf.d/themes.ini:1: the file has no section", 1},
	{"conf.d/themes.ini", NULL, "; nothing\n",
	 "conf.d/themes.ini:1: the file has no section", 1},
	{"civicfs.conf", NULL, "", "civicfs.conf:1: the file has no section",
	 8},
};

static size_t
count_errors(const struct config_problems *p, const char *begins, bool *found)
{
	size_t n = 0;

	*found = false;
	for (size_t i = 0; i < p->n; i++) {
		n += !p->items[i].warning;
		*found |=
			strncmp(p->items[i].text, begins, strlen(begins)) == 0;
	}
	return n;
}

/* True when the fault was found as expected. */
static bool
check_fault(const struct fault *fault)
{
	struct config_problems problems = {0};
	struct config *config = NULL;
	struct error err = ERROR_INIT;
	bool found;
	size_t n;

	city_enter();
	city_change(fault->file, fault->from, fault->to);
	assert_int_equal(config_load("civicfs.conf", &config, &problems, &err),
			 ERR_INVALID);
	assert_null(config);
	n = count_errors(&problems, fault->problem, &found);
	if (!found || n != fault->errors) {
		print_message("expected %s (%zu)\n", fault->problem,
			      fault->errors);
		for (size_t i = 0; i < problems.n; i++)
			print_message("     got %s\n", problems.items[i].text);
	}
	config_problems_release(&problems);
	city_leave();
	return found && n == fault->errors;
}

static void
check_faults(const struct fault *faults, size_t n)
{
	size_t failed = 0;

	for (size_t i = 0; i < n; i++)
		failed += !check_fault(&faults[i]);
	assert_int_equal(failed, 0);
}

#define CHECK_ALL(faults) \
	check_faults(faults, sizeof(faults) / sizeof(*(faults)))

static void
test_sections(void **state)
{
	(void)state;
	CHECK_ALL(sections);
}

static void
test_keys(void **state)
{
	(void)state;
	CHECK_ALL(keys);
}

static void
test_values(void **state)
{
	(void)state;
	CHECK_ALL(values);
}

static void
test_principals(void **state)
{
	(void)state;
	CHECK_ALL(principals);
}

static void
test_resources(void **state)
{
	(void)state;
	CHECK_ALL(resources);
}

static void
test_themes(void **state)
{
	(void)state;
	CHECK_ALL(themes);
}

static void
test_files(void **state)
{
	(void)state;
	CHECK_ALL(files);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sections),
		cmocka_unit_test(test_keys),
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_principals),
		cmocka_unit_test(test_resources),
		cmocka_unit_test(test_themes),
		cmocka_unit_test(test_files),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
