/*
 * Who may do what (SPEC 9): the configuration in, decisions and POSIX ACLs
 * out. Functions of memory: no FUSE, no database, no clock. What a name of a
 * user or group stands for is asked through struct access_resolver, and only
 * while the rules are compiled.
 *
 * The tree is divided into places; all nodes of a place have the same rights:
 *
 *   ROOT        the root and its README.txt: everybody
 *   CATALOGUE   catalogue/ and everything below: [access] catalogue
 *   INBOXES     inbox/ alone: whoever is a member of some department
 *   INBOX       inbox/D and everything below: the members of D
 *   THEMES      themes/ alone: whoever may read some theme
 *   THEME       themes/T and everything below: [access] theme.T
 *   SOURCE      themes/T/sources/D.R.csv, in versions/N/ too: as the theme
 *               when D/R has sharing = unconditional; when conditional, who
 *               may read the theme and has a grant source.D/R
 *   NOWHERE     what the configuration does not name any more: nobody
 *
 * Root passes everywhere, as it does in the kernel. Nothing else is allowed
 * that is not written.
 *
 * The kernel decides by an ACL so: an entry for the user hides those for his
 * groups, and 'other' counts for nobody whom an entry matches. Therefore a
 * user who is named gets what his groups would give as well, and 'everyone' is
 * in every entry.
 *
 * A struct access may be read from any thread.
 */
#ifndef ACCESS_ACCESS_H
#define ACCESS_ACCESS_H

#include "base/buf.h"
#include "config/config.h"

#include <sys/types.h>

/* Entries for users and groups of one ACL: 512 in all fail in the kernel, with
 * E2BIG, for everybody (measured). */
#define ACCESS_ENTRIES_MAX 500

/* The group of the root's node: nobody is in it. Its mode then says all there
 * is, and the kernel asks for no ACL at each step of a path (DESIGN 4). */
#define ACCESS_NO_GROUP ((gid_t)0xfffffffe)

/* ---- where --------------------------------------------------------------- */

enum access_place {
	ACCESS_NOWHERE,
	ACCESS_ROOT,
	ACCESS_CATALOGUE,
	ACCESS_INBOXES,
	ACCESS_INBOX,
	ACCESS_THEMES,
	ACCESS_THEME,
	ACCESS_SOURCE
};

struct access_at {
	enum access_place place;
	size_t index;	 /* INBOX: of config->departments; THEME, SOURCE: of
			  * config->themes */
	size_t resource; /* SOURCE: of config->resources */
};

/* ---- who ----------------------------------------------------------------- */

/* A process, as the kernel sees it. */
struct access_who {
	uid_t uid;
	gid_t gid;
	const gid_t *groups; /* supplementary */
	size_t ngroups;
};

/* What names stand for. Each returns 1 found, 0 there is none (a machine that
 * cannot answer has none: nobody gets anything by it). */
struct access_resolver {
	int (*user)(void *ctx, const char *name, uid_t *ret_uid,
		    gid_t *ret_gid);
	int (*group)(void *ctx, const char *name, gid_t *ret_gid);
	/* All groups of a user, the one of his account too: *ret is freed by
	 * the caller. 0, or ERR_NOMEM. */
	int (*groups_of)(void *ctx, const char *name, gid_t gid,
			 gid_t **ret_groups, size_t *ret_n);
	void *ctx;
};

/* Asks the machine (passwd, group, and what stands behind them): may block. */
extern const struct access_resolver access_machine;

/* The groups of an account of this machine, as they are now: 1 (*ret is freed
 * by the caller), 0 there is no such account, ERR_NOMEM. May block. */
MUST_CHECK int access_account(uid_t uid, gid_t *ret_gid, gid_t **ret,
			      size_t *ret_n);

/* ---- the rules ----------------------------------------------------------- */

#define ACCESS_READ 1u	/* read files, list and enter folders */
#define ACCESS_WRITE 2u /* in an inbox: create, write, rename, delete */

struct access;

/*
 * Compiles the rules of 'config', which must outlive them. ERR_INVALID, with
 * file:line and key, when more than ACCESS_ENTRIES_MAX users and groups may
 * into one place; ERR_NOMEM. May block as long as the resolver does.
 */
MUST_CHECK int access_compile(const struct config *config,
			      const struct access_resolver *resolver,
			      struct access **ret, struct error *err);
void access_free(struct access *access);

/* Whether the rules can be compiled on this machine: as access_compile(). */
MUST_CHECK int access_check(const struct config *config, struct error *err);

/* The line that decided. Texts are the rules' own, or static. */
struct access_reason {
	struct config_place place; /* file NULL: no line, but the program */
	const char *key;	   /* theme.credit, [department aic] members */
	/* The principal, and what it stands for; "" when the line does not
	 * name him; NULL when there is no line with this key, and 'place' is
	 * where it is missed. */
	const char *how;
};

/* Whether 'who' may do all of 'want' (ACCESS_READ | ACCESS_WRITE) at a place.
 * 'ret' may be NULL. A process whose groups could not be had is asked about
 * without them: that can only take rights away. */
bool access_may(const struct access *access, struct access_at at,
		const struct access_who *who, unsigned want,
		struct access_reason *ret);

/* Index of config.roles: coordinator, supervisor, secrecy, auditor. */
enum access_role {
	ACCESS_COORDINATOR,
	ACCESS_SUPERVISOR,
	ACCESS_SECRECY,
	ACCESS_AUDITOR
};
#define ACCESS_ROLES 4
bool access_has_role(const struct access *access, enum access_role role,
		     const struct access_who *who, struct access_reason *ret);

/* Everybody whom a place's own rules name: users and groups by number, then
 * everyone. A callback returns 0 to go on. */
struct access_entry {
	enum access_entry_kind {
		ACCESS_USER,
		ACCESS_GROUP,
		ACCESS_EVERYONE
	} kind;
	id_t id;
	unsigned rights;
	struct access_reason reason;
};
typedef int access_each_fn(void *ctx, const struct access_entry *entry);
MUST_CHECK int access_each(const struct access *access, struct access_at at,
			   access_each_fn *each, void *ctx);

/* Where a department's or theme's name, or D/R in a theme, has its rights;
 * ACCESS_NOWHERE when the configuration has none of that name. */
struct access_at access_inbox(const struct config *config, const char *id);
struct access_at access_theme(const struct config *config, const char *id);
struct access_at access_source(const struct config *config, const char *theme,
			       const char *resource);

/* ---- for the kernel ------------------------------------------------------ */

/* What kind of node it is: folders can be entered, and only what is writable
 * lets those write who may. */
struct access_form {
	bool folder;
	bool writable;
};

/* The nine mode bits that go with the ACL: its owner, mask and other. Where
 * its group bits are 0 the kernel does not ask for an ACL. */
mode_t access_mode(const struct access *access, struct access_at at,
		   struct access_form form);

/* system.posix_acl_access as the kernel wants it, appended; nothing when the
 * mode says all. The owner's entry has what members have. ERR_NOMEM. */
MUST_CHECK int access_acl(const struct access *access, struct access_at at,
			  struct access_form form, struct buf *out);

#endif
