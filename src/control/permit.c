/*
 * Who asks, and what that person may ask for: see call.h. The credentials are
 * those of the moment when the socket was connected, as the kernel gives them.
 */
#include "control/call.h"

#include "access/path.h"
#include "base/scope.h"

#include <errno.h>
#include <pwd.h>
#include <sys/socket.h>

/* ---- who asks ------------------------------------------------------------ */

/* A name for messages: the number where the machine has none. */
static void
name_peer(struct control_call *call)
{
	struct passwd pw, *found = NULL;
	char room[1024];

	(void)!getpwuid_r(call->who.uid, &pw, room, sizeof(room), &found);
	if (found)
		snprintf(call->user, sizeof(call->user), "%s", found->pw_name);
	else
		snprintf(call->user, sizeof(call->user), "%u", call->who.uid);
}

/* With too little room the kernel says how much it wants. */
static int
take_groups(struct control_call *call)
{
	socklen_t n = 0;

	if (getsockopt(call->fd, SOL_SOCKET, SO_PEERGROUPS, NULL, &n) == 0 ||
	    errno != ERANGE)
		return 0; /* none, or not to be had: that takes rights away */
	call->groups = malloc(n);
	if (!call->groups)
		return error_nomem(&call->err);
	if (getsockopt(call->fd, SOL_SOCKET, SO_PEERGROUPS, call->groups, &n))
		return 0;
	call->who.groups = call->groups;
	call->who.ngroups = n / sizeof(*call->groups);
	return 0;
}

int
control_peer(struct control_call *call)
{
	struct ucred peer;
	socklen_t n = sizeof(peer);

	if (getsockopt(call->fd, SOL_SOCKET, SO_PEERCRED, &peer, &n))
		return error_errno(&call->err, errno, "peer credentials");
	call->who.uid = peer.uid;
	call->who.gid = peer.gid;
	name_peer(call);
	return take_groups(call);
}

/* ---- what may be seen ---------------------------------------------------- */

bool
control_is_service(const struct control_call *call)
{
	return call->who.uid == 0 ||
	       call->who.uid == call->context->service_uid;
}

static bool
has_role(const struct control_call *call, enum access_role role)
{
	return access_has_role(call->context->access, role, &call->who, NULL);
}

bool
control_sees_all(const struct control_call *call)
{
	return control_is_service(call) || has_role(call, ACCESS_COORDINATOR);
}

bool
control_is_member(const struct control_call *call, const char *department)
{
	struct access_at at = access_inbox(call->context->config, department);

	return control_is_service(call) ||
	       access_may(call->context->access, at, &call->who, ACCESS_READ,
			  NULL);
}

bool
control_sees_department(const struct control_call *call, const char *department)
{
	return control_sees_all(call) || control_is_member(call, department);
}

static bool
may_theme(const struct control_call *call, const char *theme,
	  struct access_reason *why)
{
	return control_is_service(call) ||
	       access_may(call->context->access,
			  access_theme(call->context->config, theme),
			  &call->who, ACCESS_READ, why);
}

bool
control_sees_theme(const struct control_call *call, const char *theme)
{
	return may_theme(call, theme, NULL);
}

/* Somebody to whom the platform is anything. */
static bool
is_inside(const struct control_call *call)
{
	static const enum access_place places[] = {
		ACCESS_INBOXES, ACCESS_THEMES, ACCESS_CATALOGUE};

	if (control_is_service(call))
		return true;
	for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++) {
		struct access_at at = {.place = places[i]};

		if (access_may(call->context->access, at, &call->who,
			       ACCESS_READ, NULL))
			return true;
	}
	for (int role = 0; role < ACCESS_ROLES; role++) {
		if (has_role(call, (enum access_role)role))
			return true;
	}
	return false;
}

/* ---- refusing ------------------------------------------------------------ */

int
control_permit_department(struct control_call *call, const char *department)
{
	const struct config *c = call->context->config;
	const struct config_department *d =
		config_find_department(c, department);

	if (control_sees_department(call, department))
		return CONTROL_DONE;
	return control_refuse(
		call, CONTROL_NO,
		"user '%s' may not: that is for the members of department "
		"'%s' (%s:%d: members) and the coordinator ([roles] "
		"coordinator)",
		call->user, department, d ? d->members_place.file : c->path,
		d ? d->members_place.line : 1);
}

int
control_permit_theme(struct control_call *call, const char *theme)
{
	struct access_reason why = {0};
	scope_buf text = BUF_INIT;

	if (may_theme(call, theme, &why))
		return CONTROL_DONE;
	if (access_reason_text(&why, &text) || !buf_str(&text))
		return error_nomem(&call->err);
	return control_refuse(call, CONTROL_NO,
			      "user '%s' may not read theme '%s': %s",
			      call->user, theme, text.data);
}

static int
permit_catalogue(struct control_call *call)
{
	struct access_reason why = {0};
	scope_buf text = BUF_INIT;

	if (control_is_service(call) ||
	    access_may(call->context->access,
		       (struct access_at){.place = ACCESS_CATALOGUE},
		       &call->who, ACCESS_READ, &why))
		return CONTROL_DONE;
	if (access_reason_text(&why, &text) || !buf_str(&text))
		return error_nomem(&call->err);
	return control_refuse(call, CONTROL_NO,
			      "user '%s' may not read the catalogue: %s",
			      call->user, text.data);
}

int
control_permit_verb(struct control_call *call, const struct control_verb *verb)
{
	switch (verb->who) {
	case CONTROL_ROOT:
		if (call->who.uid == 0)
			return CONTROL_DONE;
		return control_refuse(call, CONTROL_NO,
				      "'%s' is for root alone: %s; use sudo",
				      verb->name, verb->why);
	case CONTROL_SERVICE:
		if (control_is_service(call))
			return CONTROL_DONE;
		return control_refuse(call, CONTROL_NO,
				      "'%s' is for root and the service user "
				      "'%s' ([platform] user): %s; use sudo",
				      verb->name, call->context->config->user,
				      verb->why);
	case CONTROL_CATALOGUE:
		return permit_catalogue(call);
	default:
		if (is_inside(call))
			return CONTROL_DONE;
		return control_refuse(
			call, CONTROL_NO,
			"'%s' is for members of departments ([department] "
			"members), readers ([access]) and offices ([roles]): "
			"no line of '%s' names user '%s'",
			verb->name, call->context->config->path, call->user);
	}
}
