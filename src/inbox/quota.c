/* What departments have stored, and may: see quota.h. */
#include "inbox/quota.h"

#include "base/scope.h"
#include "store/inbox.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define BUCKETS 256

/* A blob that no submission holds. */
struct charge {
	struct charge *next; /* of its bucket */
	int64_t blob;
	size_t department;
	int64_t bytes;
	unsigned writers; /* between charge and written */
	bool doubtful;	  /* a write of them failed */
};

struct account {
	char *name;
	int64_t limit; /* 0 none */
	int64_t kept;  /* by submissions */
	int64_t open;  /* the sum of its charges */
	bool told;     /* that it is full */
};

struct owner {
	int64_t resource;
	size_t department;
};

struct inbox_quota {
	struct store *store;
	struct account *accounts;
	size_t n;
	struct owner *owners; /* by resource */
	size_t nowners;

	pthread_mutex_t lock; /* of the accounts and what follows */
	struct charge *buckets[BUCKETS];
	unsigned moving;
	uint64_t moves;
	void (*told)(void *ctx, const char *text);
	void *told_ctx;
};

/* ---- whose --------------------------------------------------------------- */

static int
compare_owners(const void *a, const void *b)
{
	const struct owner *x = a, *y = b;

	return x->resource < y->resource ? -1 : x->resource > y->resource;
}

size_t
inbox_quota_of(const struct inbox_quota *q, int64_t resource)
{
	const struct owner key = {.resource = resource};
	const struct owner *found = NULL;

	if (q->nowners)
		found = bsearch(&key, q->owners, q->nowners, sizeof(key),
				compare_owners);
	return found ? found->department : INBOX_QUOTA_NOBODY;
}

size_t
inbox_quota_find(const struct inbox_quota *q, const char *department)
{
	for (size_t i = 0; i < q->n; i++) {
		if (strcmp(q->accounts[i].name, department) == 0)
			return i;
	}
	return INBOX_QUOTA_NOBODY;
}

size_t
inbox_quota_count(const struct inbox_quota *q)
{
	return q->n;
}

static int
make_accounts(struct inbox_quota *q, const struct config *config)
{
	if (!config->ndepartments)
		return 0;
	q->accounts = calloc(config->ndepartments, sizeof(*q->accounts));
	if (!q->accounts)
		return ERR_NOMEM;
	for (size_t i = 0; i < config->ndepartments; i++) {
		const struct config_department *d = &config->departments[i];

		q->accounts[i].name = strdup(d->id);
		if (!q->accounts[i].name)
			return ERR_NOMEM;
		q->accounts[i].limit = d->quota;
		q->n++;
	}
	return 0;
}

static int
make_owners(struct inbox_quota *q, const struct config *config,
	    const int64_t *resources, const int64_t *trials)
{
	const size_t n = config->nresources;

	if (!q->n || !n)
		return 0;
	q->owners = calloc(2 * n, sizeof(*q->owners));
	if (!q->owners)
		return ERR_NOMEM;
	q->nowners = 2 * n;
	for (size_t i = 0; i < n; i++) {
		size_t department =
			inbox_quota_find(q, config->resources[i].department);

		q->owners[i] = (struct owner){resources[i], department};
		q->owners[n + i] = (struct owner){trials[i], department};
	}
	qsort(q->owners, q->nowners, sizeof(*q->owners), compare_owners);
	return 0;
}

int
inbox_quota_new(struct store *store, const struct config *config,
		const int64_t *resources, const int64_t *trials,
		struct inbox_quota **ret, struct error *err)
{
	struct inbox_quota *q = calloc(1, sizeof(*q));

	if (!q)
		return error_nomem(err);
	pthread_mutex_init(&q->lock, NULL);
	q->store = store;
	if (make_accounts(q, config) ||
	    make_owners(q, config, resources, trials)) {
		inbox_quota_free(q);
		return error_nomem(err);
	}
	*ret = q;
	return 0;
}

void
inbox_quota_free(struct inbox_quota *q)
{
	if (!q)
		return;
	for (size_t i = 0; i < BUCKETS; i++) {
		while (q->buckets[i]) {
			struct charge *c = q->buckets[i];

			q->buckets[i] = c->next;
			free(c);
		}
	}
	for (size_t i = 0; i < q->n; i++)
		free(q->accounts[i].name);
	free(q->accounts);
	free(q->owners);
	pthread_mutex_destroy(&q->lock);
	free(q);
}

/* ---- what submissions hold ----------------------------------------------- */

static int
sum_up(const struct inbox_quota *q, int64_t *sums, struct error *err)
{
	scope_reader reader = {0};
	int rc = store_reader_get(q->store, &reader, err);

	for (size_t i = 0; !rc && i < q->nowners; i++) {
		int64_t bytes = 0;

		if (q->owners[i].department == INBOX_QUOTA_NOBODY)
			continue;
		rc = store_usage_get(reader.db, q->owners[i].resource, &bytes,
				     err);
		sums[q->owners[i].department] += bytes;
	}
	return rc;
}

int
inbox_quota_refresh(struct inbox_quota *q, struct error *err)
{
	scope_free int64_t *sums = calloc(q->n + 1, sizeof(*sums));
	uint64_t moves;
	int rc;

	if (!sums)
		return error_nomem(err);
	pthread_mutex_lock(&q->lock);
	moves = q->moves;
	pthread_mutex_unlock(&q->lock);
	rc = sum_up(q, sums, err);
	if (rc)
		return rc;
	pthread_mutex_lock(&q->lock);
	/* Otherwise the sums are of another moment than the charges. */
	for (size_t i = 0; !q->moving && q->moves == moves && i < q->n; i++)
		q->accounts[i].kept = sums[i];
	pthread_mutex_unlock(&q->lock);
	return 0;
}

void
inbox_quota_move(struct inbox_quota *q)
{
	pthread_mutex_lock(&q->lock);
	q->moving++;
	q->moves++;
	pthread_mutex_unlock(&q->lock);
}

void
inbox_quota_moved(struct inbox_quota *q)
{
	pthread_mutex_lock(&q->lock);
	q->moving--;
	pthread_mutex_unlock(&q->lock);
}

void
inbox_quota_keep(struct inbox_quota *q, size_t department, int64_t bytes)
{
	pthread_mutex_lock(&q->lock);
	if (department < q->n)
		q->accounts[department].kept += bytes;
	pthread_mutex_unlock(&q->lock);
}

/* ---- refusing ------------------------------------------------------------ */

/* Whether 'more' bytes fit. One look a refusal: what was expunged or removed
 * by age since is in the database. The lock is held. */
static bool
fits(struct account *a, int64_t more)
{
	int64_t used = a->kept + a->open;

	if (!a->limit || more <= 0)
		return true;
	if (used > a->limit || more > a->limit - used)
		return false;
	a->told = false;
	return true;
}

static void
tell(struct inbox_quota *q, struct account *a, int64_t more)
{
	char text[512];
	bool news = !a->told && q->told;

	a->told = true;
	if (!news)
		return;
	snprintf(text, sizeof(text),
		 "uploads of department '%s' are refused (EDQUOT): it holds "
		 "%lld bytes, %lld more are not within [department %s] quota "
		 "= %lld; remove files that were not judged, or raise the "
		 "quota",
		 a->name, (long long)(a->kept + a->open), (long long)more,
		 a->name, (long long)a->limit);
	q->told(q->told_ctx, text);
}

/* The lock is held, and let go in between. */
static bool
fits_after_all(struct inbox_quota *q, struct account *a, int64_t more)
{
	if (fits(a, more))
		return true;
	pthread_mutex_unlock(&q->lock);
	(void)!inbox_quota_refresh(q, NULL);
	pthread_mutex_lock(&q->lock);
	if (fits(a, more))
		return true;
	tell(q, a, more);
	return false;
}

int
inbox_quota_room(struct inbox_quota *q, size_t department)
{
	bool room = true;

	if (department >= q->n)
		return 0;
	pthread_mutex_lock(&q->lock);
	room = fits_after_all(q, &q->accounts[department], 1);
	pthread_mutex_unlock(&q->lock);
	return room ? 0 : -EDQUOT;
}

void
inbox_quota_on_refusal(struct inbox_quota *q,
		       void (*told)(void *ctx, const char *text), void *ctx)
{
	pthread_mutex_lock(&q->lock);
	q->told = told;
	q->told_ctx = ctx;
	pthread_mutex_unlock(&q->lock);
}

struct inbox_usage
inbox_quota_usage(struct inbox_quota *q, size_t department)
{
	struct inbox_usage u = {.department = ""};

	if (department >= q->n)
		return u;
	pthread_mutex_lock(&q->lock);
	u.department = q->accounts[department].name;
	u.bytes = q->accounts[department].kept + q->accounts[department].open;
	u.quota = q->accounts[department].limit;
	pthread_mutex_unlock(&q->lock);
	return u;
}

/* ---- what uploads hold --------------------------------------------------- */

static struct charge **
place_of(struct inbox_quota *q, int64_t blob)
{
	struct charge **at = &q->buckets[(uint64_t)blob % BUCKETS];

	while (*at && (*at)->blob != blob)
		at = &(*at)->next;
	return at;
}

/* An unknown blob has no bytes yet. NULL without memory. */
static struct charge *
charge_of(struct inbox_quota *q, size_t department, int64_t blob)
{
	struct charge **at = place_of(q, blob);
	struct charge *c = *at;

	if (c)
		return c;
	c = calloc(1, sizeof(*c));
	if (!c)
		return NULL;
	*c = (struct charge){.blob = blob, .department = department};
	*at = c;
	return c;
}

static void
resize(struct inbox_quota *q, struct charge *c, int64_t bytes)
{
	q->accounts[c->department].open += bytes - c->bytes;
	c->bytes = bytes;
}

int
inbox_quota_charge(struct inbox_quota *q, size_t department, int64_t blob,
		   int64_t end)
{
	struct charge *c;
	int rc = 0;

	if (department >= q->n)
		return 0;
	pthread_mutex_lock(&q->lock);
	c = charge_of(q, department, blob);
	if (!c) {
		rc = -ENOMEM;
	} else if (!fits(&q->accounts[department], end - c->bytes)) {
		if (!fits_after_all(q, &q->accounts[department],
				    end - c->bytes))
			rc = -EDQUOT;
		/* It may have been removed meanwhile. */
		c = charge_of(q, department, blob);
		if (!c)
			rc = -ENOMEM;
	}
	if (!rc && c) {
		if (end > c->bytes)
			resize(q, c, end);
		c->writers++;
	}
	pthread_mutex_unlock(&q->lock);
	return rc;
}

void
inbox_quota_written(struct inbox_quota *q, int64_t blob, int fd, bool failed)
{
	struct charge *c;
	struct stat st;

	pthread_mutex_lock(&q->lock);
	c = *place_of(q, blob);
	if (c && c->writers)
		c->writers--;
	if (c && failed)
		c->doubtful = true;
	if (c && c->doubtful && !c->writers && fstat(fd, &st) == 0) {
		resize(q, c, st.st_size);
		c->doubtful = false;
	}
	pthread_mutex_unlock(&q->lock);
}

int
inbox_quota_set(struct inbox_quota *q, size_t department, int64_t blob,
		int64_t bytes)
{
	struct charge *c;

	if (department >= q->n)
		return 0;
	pthread_mutex_lock(&q->lock);
	c = charge_of(q, department, blob);
	if (c)
		resize(q, c, bytes);
	pthread_mutex_unlock(&q->lock);
	return c ? 0 : -ENOMEM;
}

void
inbox_quota_drop(struct inbox_quota *q, int64_t blob)
{
	struct charge **at, *c;

	pthread_mutex_lock(&q->lock);
	at = place_of(q, blob);
	c = *at;
	if (c) {
		resize(q, c, 0);
		*at = c->next;
		free(c);
	}
	pthread_mutex_unlock(&q->lock);
}
