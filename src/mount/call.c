/* What every request needs: see call.h. */
#include "mount/call.h"

#include <errno.h>

struct session *
mount_session(void *mount)
{
	const struct mount *m = mount;

	return m->session;
}

struct names
mount_names_begin(struct mount *m)
{
	struct names names = {m, atomic_load(&m->phase) & 1};

	atomic_fetch_add(&m->naming[names.phase], 1);
	return names;
}

void
mount_names_end(struct names *names)
{
	atomic_fetch_sub(&names->m->naming[names->phase], 1);
}

int
mount_call_db(struct call *call, struct sql **ret)
{
	if (!call->reader.store) {
		int rc = store_reader_get(call->m->context.store, &call->reader,
					  &call->err);

		if (rc < 0)
			return mount_call_errno(call, rc);
	}
	*ret = call->reader.db;
	return 0;
}

/* A system call that failed inside says nothing about the node: ENOENT of a
 * file of the state is EIO to a reader. */
static int
of_io(int errnum)
{
	switch (errnum) {
	case ENOSPC:
	case EDQUOT:
	case ENOMEM:
	case EMFILE:
	case ENFILE:
		return -errnum;
	default:
		return -EIO;
	}
}

int
mount_call_errno(struct call *call, int rc)
{
	const struct mount_context *context = &call->m->context;
	int result;

	if (rc >= 0)
		return rc;
	switch (rc) {
	case ERR_NOTFOUND:
	case ERR_INVALID:
		return -ENOENT;
	case ERR_STALE:
		return -ESTALE;
	case ERR_NOMEM:
		return -ENOMEM;
	case ERR_LIMIT:
		return -EFBIG;
	case ERR_IO:
		result = of_io(call->err.errnum);
		break;
	default:
		result = -EIO;
	}
	if (context->complain)
		context->complain(context->complain_ctx, call->err.text);
	return result;
}

int
mount_resource_index(const struct mount *m, int64_t object)
{
	for (size_t i = 0; i < m->context.config->nresources; i++) {
		if (m->context.resources[i] == object ||
		    m->context.trials[i] == object)
			return (int)i;
	}
	return -1;
}

bool
mount_is_trial(const struct mount *m, int64_t object)
{
	int i = mount_resource_index(m, object);

	return i >= 0 && m->context.trials[i] == object;
}

const struct config_resource *
mount_resource(const struct mount *m, int64_t object)
{
	int i = mount_resource_index(m, object);

	return i < 0 ? NULL : &m->context.config->resources[i];
}

const struct config_department *
mount_department(const struct mount *m, int64_t object)
{
	for (size_t i = 0; i < m->context.config->ndepartments; i++) {
		if (m->context.departments[i] == object)
			return &m->context.config->departments[i];
	}
	return NULL;
}

const struct publish_theme *
mount_theme(const struct mount *m, int64_t object)
{
	for (size_t i = 0; i < m->context.nthemes; i++) {
		if (m->context.themes[i].id == object)
			return &m->context.themes[i];
	}
	return NULL;
}

int64_t
mount_parse_number(struct slice text)
{
	int64_t value = 0;

	if (text.n == 0 || text.n > 18 || (text.n > 1 && text.p[0] == '0'))
		return -1;
	for (size_t i = 0; i < text.n; i++) {
		if (text.p[i] < '0' || text.p[i] > '9')
			return -1;
		value = 10 * value + (text.p[i] - '0');
	}
	return value;
}
