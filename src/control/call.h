/*
 * One question being answered, as the files of the verbs see it. Answers are
 * collected and sent once the store's reader has been put back, so that a
 * client that does not read holds up nothing but its own thread.
 */
#ifndef CONTROL_CALL_H
#define CONTROL_CALL_H

#include "base/jsonout.h"
#include "control/control.h"
#include "control/protocol.h"
#include "store/submission.h"

struct control_call {
	const struct control_context *context;
	const struct control_request *request;
	int fd;		       /* the client */
	int stop_fd;	       /* readable when the daemon ends */
	struct buf out;	       /* lines to be sent */
	size_t whole;	       /* bytes of it that are whole lines */
	struct jsonout json;   /* of the item under way */
	struct error err;      /* what the last line says */
	struct access_who who; /* asks */
	gid_t *groups;	       /* of 'who' */
	char user[64];	       /* the name, for messages */
	bool stops;	       /* the daemon is to end after the answer */
	bool cut_off;	       /* its wait was ended by the daemon's end */
};

/* Who may ask for a verb at all. What its answer tells of one department or
 * theme, the verb itself asks control_permit_…() or control_sees_…(). */
enum control_who {
	CONTROL_ROOT,	   /* and nobody else: 'why' says why */
	CONTROL_SERVICE,   /* root and the service user, the same */
	CONTROL_CATALOGUE, /* who may read catalogue/ */
	CONTROL_INSIDE	   /* members, readers, offices */
};

/*
 * A verb: 'min' to 'max' arguments, and the options it knows. 'run' returns an
 * exit status, with the reason in call->err unless it is CONTROL_DONE, or a
 * negative code when the machine failed.
 */
struct control_verb {
	const char *name;
	size_t min, max;
	const char *options[4]; /* ended by NULL */
	int (*run)(struct control_call *call);
	enum control_who who;
	const char *why;
};

/* The answer to a request, but for its last line: as 'run' above. */
MUST_CHECK int control_call_run(struct control_call *call);

/* ---- who asks (permit.c) ------------------------------------------------- */

/* Fills 'who', 'groups' (freed by the caller) and 'user' from the socket.
 * ERR_IO, ERR_NOMEM. */
MUST_CHECK int control_peer(struct control_call *call);

/* Root and the service user may know everything, and the coordinator what
 * every department sends; members of a department what it sends. */
bool control_is_service(const struct control_call *call);
bool control_sees_all(const struct control_call *call);
bool control_sees_department(const struct control_call *call,
			     const char *department);
bool control_sees_resource(const struct control_call *call, int64_t resource);
bool control_sees_theme(const struct control_call *call, const char *theme);
/* Member, root or service user: values too. */
bool control_is_member(const struct control_call *call, const char *department);

/* CONTROL_DONE, or a refusal that names the role or line that would allow
 * it. */
MUST_CHECK int control_permit_verb(struct control_call *call,
				   const struct control_verb *verb);
MUST_CHECK int control_permit_department(struct control_call *call,
					 const char *department);
MUST_CHECK int control_permit_theme(struct control_call *call,
				    const char *theme);

/* A receipt's JSON without values and messages, as JSON or as lines for
 * people: appended. ERR_CORRUPT, ERR_NOMEM. (redact.c) */
MUST_CHECK int control_redact(struct slice json, bool as_json, struct buf *out,
			      struct error *err);

/* ---- answering (answer.c) ------------------------------------------------ */

/* Starts and ends {"item":{…}}; in between members are written to *ret. */
struct jsonout *control_item(struct control_call *call);
MUST_CHECK int control_item_end(struct control_call *call);
/* A member that may be missing: null for NULL. */
void control_member(struct jsonout *j, const char *key, const char *text);
void control_member_int(struct jsonout *j, const char *key, int64_t value);
void control_member_bool(struct jsonout *j, const char *key, bool value);
/* An instant; null for 0. */
void control_member_time(struct jsonout *j, const char *key, int64_t ns);

/* UTF-8 text to be printed as it is. */
MUST_CHECK int control_text(struct control_call *call, struct slice text);

/* Sends what was collected. ERR_IO when the client has gone. Blocks, with a
 * limit, on a client that does not read. */
MUST_CHECK int control_flush(struct control_call *call);
/* Adds the last line and sends. */
MUST_CHECK int control_finish(struct control_call *call, int exit_status);

/* Says no (or wrong usage): sets call->err and returns 'exit_status'. */
int control_refuse(struct control_call *call, enum control_exit exit_status,
		   const char *fmt, ...) PRINTF_LIKE(3, 4);

/* Sleeps until 'wake_fd' is readable, which it is not read for, or 'ms' are
 * over. ERR_IO when the client has hung up, ERR_BUSY when the daemon ends;
 * both are in call->err. */
MUST_CHECK int control_sleep(struct control_call *call, int wake_fd, int ms);

/* The members "judging", a list of what is being judged and how far it has
 * come, and "waiting", how many submissions wait for their turn. Of other
 * departments than the asker's only their number is told. What is being
 * copied counts for neither. (progress.c) */
MUST_CHECK int control_progress_members(struct control_call *call,
					struct jsonout *j);
/* Sends {"progress":{…}} with these members. As control_flush(). */
MUST_CHECK int control_progress_line(struct control_call *call);

/* ---- what several verbs look up (find.c) --------------------------------- */

/* Each returns CONTROL_DONE, or refuses with the names there are. */
MUST_CHECK int control_find_theme(struct control_call *call, const char *name,
				  const struct publish_theme **ret);
MUST_CHECK int control_find_resource(struct control_call *call,
				     const char *name,
				     const struct flow_resource **ret);
/* A submission by its id, if the department that sent it is the asker's, or
 * he may know of all; release it. */
MUST_CHECK int control_find_submission(struct control_call *call,
				       const char *id,
				       struct store_submission *ret);

/* The members of the configuration in force (reload.c). */
void control_configuration(const struct control_call *call, struct jsonout *j);

/* ---- the verbs ----------------------------------------------------------- */

int control_verb_catalogue(struct control_call *call);
int control_verb_diff(struct control_call *call);
int control_verb_configuration(struct control_call *call);
int control_verb_gc(struct control_call *call);
int control_verb_receipt(struct control_call *call);
int control_verb_release(struct control_call *call);
int control_verb_withdraw(struct control_call *call);
int control_verb_reload(struct control_call *call);
int control_verb_status(struct control_call *call);
int control_verb_stop(struct control_call *call);
int control_verb_subject(struct control_call *call);
int control_verb_submissions(struct control_call *call);
int control_verb_themes(struct control_call *call);
int control_verb_verify(struct control_call *call);
int control_verb_versions(struct control_call *call);
int control_verb_wait(struct control_call *call);

#endif
