/*
 * A theme made by hand, for tests that need no configuration file: three
 * sources, one of them of two resources, one of which is conditional; rules
 * are added as they would be written.
 *
 *   0 registration  aic/registrations  licence_no uscc name capital updated_on
 *                                      contact (personal); as_of updated_on
 *   1 rating        tax/ratings        uscc taxpayer_name grade score listed
 *   2 penalty       env/penalties      no uscc amount points decided_on
 *                   humen/penalties    uscc no decided_on amount points
 */
#ifndef TESTS_LIB_SAMPLE_THEME_H
#define TESTS_LIB_SAMPLE_THEME_H

#include "integrate/integrate.h"

#define SAMPLE_RULES 16

struct sample {
	struct config config; /* with the theme and three departments */
	struct config_theme theme;
	struct config_rule rules[SAMPLE_RULES];
};

void sample_init(struct sample *s);
void sample_release(struct sample *s);
/* "name = first registration.name rating.taxpayer_name"; aborts on a text
 * that names what there is not. */
void sample_rule(struct sample *s, const char *text);

/* A row from cells separated by ';'; its key is read from them. */
struct sample_row {
	struct buf cells, key;
	char submission[32];
};
void sample_row_init(const struct sample *s, size_t source, size_t member,
		     const char *submission, const char *cells,
		     struct sample_row *ret_row, struct integrate_row *ret);
void sample_row_release(struct sample_row *row);

#endif
