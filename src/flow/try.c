/* A dry run: see flow.h. */
#include "flow/internal.h"

#include "base/scope.h"

#include <errno.h>

int
flow_try(const struct config_resource *resource,
	 const struct flow_decoder *decoder, const char *name, int fd,
	 int64_t now, const char *language, struct buf *json, struct buf *text,
	 bool *ret_good, struct error *err)
{
	scope_free char *copy = strdup(name);
	char nobody[] = "";
	struct store_submission s = {
		.name = copy, .submitted_by = nobody, .received_at = now};
	struct flow_judgement j = {
		.resource = resource,
		.submission = &s,
		.language = language,
	};
	off_t size = lseek(fd, 0, SEEK_END);
	int rc;

	if (!copy)
		return error_nomem(err);
	if (size < 0)
		return error_errno(err, errno, "'%s'", name);
	s.bytes = size;
	rc = flow_judgement_init(&j, err);
	if (!rc)
		rc = flow_judge_file(&j, decoder, fd, err);
	if (!rc)
		rc = flow_receipts(&j, now, NULL, 0, json, text, err);
	if (!rc)
		*ret_good = j.state == VALIDATE_S_ACCEPTED ||
			    j.state == VALIDATE_S_PARTIAL;
	flow_judgement_release(&j);
	return rc;
}
