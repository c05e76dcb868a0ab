/* catalogue list, show and search: what is registered. See call.h. */
#include "control/call.h"

/* ---- one resource -------------------------------------------------------- */

static void
list_member(struct jsonout *j, const char *key, const struct config_resource *r,
	    const size_t *fields, size_t n)
{
	jsonout_key(j, key);
	jsonout_array(j);
	for (size_t i = 0; i < n; i++)
		jsonout_string(j, slice_str(r->fields[fields[i]].id));
	jsonout_end(j);
}

static void
summary_members(const struct config *config, const struct config_resource *r,
		struct jsonout *j)
{
	const struct config_department *d =
		config_find_department(config, r->department);

	jsonout_pair(j, "resource", r->name);
	jsonout_pair(j, "title", r->title);
	jsonout_pair(j, "department", r->department);
	control_member(j, "department_title", d ? d->title : NULL);
	jsonout_pair(j, "mode", config_mode_word(r->mode));
	jsonout_pair(j, "update_cycle", config_cycle_word(r->update_cycle));
	jsonout_pair(j, "sharing", config_sharing_word(r->sharing));
	jsonout_pair(j, "open", config_open_word(r->open));
	list_member(j, "key", r, r->key, r->nkey);
	control_member(j, "subject",
		       r->subject < 0 ? NULL : r->fields[r->subject].id);
}

static int
summary_item(struct control_call *call, const struct config_resource *r)
{
	struct jsonout *j = control_item(call);

	summary_members(call->context->config, r, j);
	control_member_int(j, "fields", (int64_t)r->nfields);
	return control_item_end(call);
}

static void
field_object(struct jsonout *j, const struct config_field *f)
{
	jsonout_object(j);
	jsonout_pair(j, "field", f->id);
	jsonout_pair(j, "title", f->title);
	jsonout_pair(j, "type", config_type_word(f->type));
	control_member_bool(j, "required", f->required);
	control_member_bool(j, "unique", f->unique);
	jsonout_pair(j, "sensitivity", config_sensitivity_word(f->sensitivity));
	jsonout_pair(j, "sharing", config_sharing_word(f->sharing));
	jsonout_pair(j, "open", config_open_word(f->open));
	jsonout_end(j);
}

static int
whole_item(struct control_call *call, const struct config_resource *r)
{
	struct jsonout *j = control_item(call);

	summary_members(call->context->config, r, j);
	jsonout_pair(j, "abstract", r->abstract);
	jsonout_pair(j, "classification", r->classification);
	jsonout_pair(j, "code", r->code);
	jsonout_pair(j, "format", r->format);
	jsonout_pair(j, "sharing_condition", r->sharing_condition);
	jsonout_pair(j, "sharing_mode", r->sharing_mode);
	jsonout_pair(j, "open_condition", r->open_condition);
	jsonout_pair(j, "published_on", r->published_on);
	jsonout_pair(j, "related", r->related);
	control_member(j, "as_of",
		       r->as_of < 0 ? NULL : r->fields[r->as_of].id);
	jsonout_pair(j, "descriptor", r->place.file);
	jsonout_key(j, "fields");
	jsonout_array(j);
	for (size_t i = 0; i < r->nfields; i++)
		field_object(j, &r->fields[i]);
	jsonout_end(j);
	return control_item_end(call);
}

/* ---- search -------------------------------------------------------------- */

/* Upper and lower case of ASCII are the same; strcasestr() of the C locale
 * looks at bytes, which finds words of any script. */
static bool
says(const struct config_resource *r, const char *word)
{
	const char *const texts[] = {r->name, r->title, r->abstract,
				     r->classification, r->code};

	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		if (strcasestr(texts[i], word))
			return true;
	}
	for (size_t i = 0; i < r->nfields; i++) {
		if (strcasestr(r->fields[i].id, word) ||
		    strcasestr(r->fields[i].title, word))
			return true;
	}
	return false;
}

/* The arguments after 'search'; without any, every resource. */
static bool
says_all(const struct control_request *request, const struct config_resource *r)
{
	for (size_t i = 1; i < request->nargs; i++) {
		if (!says(r, request->args[i]))
			return false;
	}
	return true;
}

/* ---- the verb ------------------------------------------------------------ */

static int
list(struct control_call *call)
{
	const struct config *config = call->context->config;
	int rc = 0;

	for (size_t i = 0; !rc && i < config->nresources; i++) {
		if (says_all(call->request, &config->resources[i]))
			rc = summary_item(call, &config->resources[i]);
	}
	return rc;
}

static int
show(struct control_call *call)
{
	const struct flow_resource *r;
	int rc;

	if (call->request->nargs != 2)
		return control_refuse(call, CONTROL_USAGE,
				      "'catalogue show' takes one "
				      "DEPARTMENT/RESOURCE");
	rc = control_find_resource(call, call->request->args[1], &r);
	return rc ? rc : whole_item(call, r->resource);
}

int
control_verb_catalogue(struct control_call *call)
{
	const char *what = call->request->args[0];

	if (strcmp(what, "list") == 0 && call->request->nargs == 1)
		return list(call);
	if (strcmp(what, "search") == 0 && call->request->nargs > 1)
		return list(call);
	if (strcmp(what, "show") == 0)
		return show(call);
	if (strcmp(what, "approve") == 0 || strcmp(what, "return") == 0 ||
	    strcmp(what, "retire") == 0)
		return control_refuse(
			call, CONTROL_USAGE,
			"'catalogue %s' is not part of this version (%s): put "
			"the descriptor into resources.d/DEPARTMENT/ of '%s', "
			"or take it out, and restart civicfsd",
			what, PACKAGE_VERSION, call->context->config->folder);
	return control_refuse(call, CONTROL_USAGE,
			      "'catalogue' is asked to list, to show "
			      "DEPARTMENT/RESOURCE, or to search WORDS");
}
