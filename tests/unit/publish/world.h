/*
 * A state in a private folder with the sample theme, and as much of the flow
 * as publishing needs: records come and go, their subjects are integrated
 * again, and what that changed is published. Failures end the test.
 */
#ifndef TESTS_UNIT_PUBLISH_WORLD_H
#define TESTS_UNIT_PUBLISH_WORLD_H

#include "config/arena.h"
#include "lib/sample_theme.h"
#include "publish/publish.h"

struct world {
	char path[64];
	int home; /* to come back to */
	int dir;
	struct store *store;
	struct sample sample;
	struct config_arena arena; /* of its rules_text */
	struct publish_theme theme;
	int64_t ids[2][3][2]; /* lens and resource of the sample's sources */
	int64_t *lens[3], *resource[3];
	int64_t now;
	/* the publish under way */
	struct publish *publish;
	int64_t seq, version;
	const char *submission;
	struct integrate_result result;
};

/* For cmocka: a world with two rules and no version. */
int world_setup(void **state);
int world_teardown(void **state);
void world_open(struct world *w);
/* The theme's rules were changed: its rules_text says so. */
void world_say(struct world *w);
void world_close(struct world *w);

/* One submission: any number of world_put and world_remove in between. The
 * version that came of it, 0 none. */
void world_begin(struct world *w, const char *submission);
void world_put(struct world *w, size_t source, size_t member,
	       const char *cells);
void world_remove(struct world *w, size_t source, size_t member,
		  const char *key);
int64_t world_end(struct world *w);
/* The same in steps: after world_write the records are committed. */
void world_write(struct world *w);
int64_t world_flip(struct world *w);
/* Instead: every subject again, by changed rules. */
int64_t world_rules(struct world *w);

/* The bytes of a published file of a version (0: before the first). */
void world_read(struct world *w, enum publish_kind kind, const char *part,
		int64_t version, struct buf *ret);
/* The same must be this text. */
void world_expect(struct world *w, enum publish_kind kind, const char *part,
		  int64_t version, const char *text);
/* How many problems verify finds; the first is copied. */
int world_verify(struct world *w, char *ret_text, size_t size);

#endif
