/*
 * verify: everything that readers can see, read again. A daemon that runs is
 * asked; without one the state is opened here, under the keeper's lock, so
 * that none starts meanwhile.
 */
#include "base/scope.h"
#include "control/control.h"
#include "ctl/ask.h"
#include "ctl/print.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>

/* Nothing refers to it: the next gc or start removes it. */
static void
print_unused(const json_t *result)
{
	json_int_t packs =
		json_integer_value(json_object_get(result, "unused_packs"));
	json_int_t blobs =
		json_integer_value(json_object_get(result, "unused_blobs"));
	json_int_t bytes =
		json_integer_value(json_object_get(result, "unused_bytes"));

	if (packs || blobs)
		printf("nothing refers to %lld packs and %lld files of intake/ "
		       "(%lld bytes): 'civicfs gc' or the next start removes "
		       "them\n",
		       (long long)packs, (long long)blobs, (long long)bytes);
}

/* What was found: an object with problems[], themes, published_sequence. */
static int
print_result(const struct ctl *ctl, json_t *result)
{
	const json_t *problems = json_object_get(result, "problems");
	size_t n = json_array_size(problems);

	if (ctl->json)
		return ctl_json(result) ? CTL_NO : n ? CTL_NO : CTL_DONE;
	for (size_t i = 0; i < n; i++)
		printf("%s\n", json_string_value(json_array_get(problems, i)));
	if (n)
		return CTL_NO;
	printf("in order up to sequence %lld: every published byte, every "
	       "original and every index (themes: %lld)\n",
	       (long long)json_integer_value(
		       json_object_get(result, "published_sequence")),
	       (long long)json_integer_value(
		       json_object_get(result, "themes")));
	print_unused(result);
	return CTL_DONE;
}

/* ---- by the daemon ------------------------------------------------------- */

/* Its items: one for each problem, then one with the numbers. */
static json_t *
result_of(const json_t *items)
{
	json_t *result = json_pack("{s:[]}", "problems");
	json_t *problems = json_object_get(result, "problems");
	int rc = 0;

	for (size_t i = 0; result && i < json_array_size(items); i++) {
		json_t *item = json_array_get(items, i);
		json_t *problem = json_object_get(item, "problem");

		if (problem)
			rc |= json_array_append(problems, problem);
		else
			rc |= json_object_update_missing(result, item);
	}
	if (!rc)
		return result;
	json_decref(result);
	return NULL;
}

static int
ask_daemon(struct ctl *ctl)
{
	struct ctl_question q = ctl_question_of(ctl);
	scope_answer answer = {0};
	json_t *result;
	int rc = ctl_ask(ctl, &q, &answer);

	if (rc > CTL_NO || (rc && json_array_size(answer.items) == 0))
		return rc;
	result = result_of(answer.items);
	if (!result)
		return ctl_refuse(CTL_NO, "no memory");
	if (print_result(ctl, result))
		rc = CTL_NO;
	json_decref(result);
	return rc;
}

/* ---- without a daemon ---------------------------------------------------- */

static int
note_problem(void *ctx, const char *text)
{
	return json_array_append_new(ctx, json_string(text)) ? ERR_NOMEM : 0;
}

static int
check_state(const struct ctl *ctl, struct store *store, json_t *result,
	    struct error *err)
{
	json_t *problems = json_object_get(result, "problems");
	struct publish_disk disk = {0};
	struct flow_plan *plan;
	int rc = flow_plan_new(store, ctl->config, &plan, err);

	if (rc)
		return rc;
	rc = store_check(store, note_problem, problems, err);
	if (rc >= 0)
		rc = publish_verify_disk(store, &disk, note_problem, problems,
					 err);
	if (rc >= 0)
		rc = publish_verify(store, ctl->config, plan->themes,
				    plan->nthemes, note_problem, problems, err);
	if (rc >= 0)
		rc = flow_verify_originals(store, note_problem, problems, err);
	if (json_object_set_new(result, "unused_packs",
				json_integer(disk.packs)) ||
	    json_object_set_new(result, "unused_blobs",
				json_integer(disk.blobs)) ||
	    json_object_set_new(result, "unused_bytes",
				json_integer(disk.bytes)) ||
	    json_object_set_new(result, "themes",
				json_integer((json_int_t)plan->nthemes)) ||
	    json_object_set_new(result, "published_sequence",
				json_integer(store_published(store))))
		rc = error_nomem(err);
	flow_plan_free(plan);
	return rc < 0 ? rc : 0;
}

static int
open_and_check(const struct ctl *ctl, int dir, json_t *result,
	       struct error *err)
{
	struct store *store;
	int rc = store_open(dir, false, &store, err);

	if (rc)
		return error_prefix(err, rc, "state '%s'", ctl->config->state);
	rc = check_state(ctl, store, result, err);
	store_close(store);
	return rc;
}

/* The lock of a keeper: a state that never had one has none. */
static int
take_lock(const struct ctl *ctl, int dir, int *ret_lock)
{
	scope_fd lock = openat(dir, CONTROL_KEEPER_LOCK, O_RDWR | O_CLOEXEC);

	if (lock < 0 && errno != ENOENT)
		return ctl_refuse(CTL_NO, "'%s/" CONTROL_KEEPER_LOCK "': %s",
				  ctl->config->state, strerror(errno));
	if (lock >= 0 && flock(lock, LOCK_EX | LOCK_NB))
		return ctl_refuse(CTL_NO,
				  "a civicfsd starts or ends on '%s', or it is "
				  "being verified: try again",
				  ctl->config->state);
	*ret_lock = take_fd(&lock);
	return CTL_DONE;
}

static int
verify_here(struct ctl *ctl)
{
	struct error err = ERROR_INIT;
	scope_fd lock = -1;
	json_t *result;
	scope_fd dir =
		open(ctl->config->state, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int rc;

	if (dir < 0)
		return ctl_refuse(CTL_NO, "state '%s': %s", ctl->config->state,
				  strerror(errno));
	rc = take_lock(ctl, dir, &lock);
	if (rc)
		return rc;
	result = json_pack("{s:[]}", "problems");
	if (!result)
		return ctl_refuse(CTL_NO, "no memory");
	rc = open_and_check(ctl, dir, result, &err);
	rc = rc ? ctl_failed(rc, &err) : print_result(ctl, result);
	json_decref(result);
	return rc;
}

int
ctl_verify(struct ctl *ctl)
{
	return ctl_has_daemon(ctl) ? ask_daemon(ctl) : verify_here(ctl);
}
