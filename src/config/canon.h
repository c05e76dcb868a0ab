/*
 * Canonical values (SPEC 4) of the constants in descriptors: 'enum', 'min'
 * and 'max'. These are written by hand in a strict form, so this is not the
 * lenient reading of delivered cells, which validate/ has; what is accepted
 * here, is canonical in the same way there. Functions of memory.
 */
#ifndef CONFIG_CANON_H
#define CONFIG_CANON_H

#include "config/arena.h"

/* The canonical form in the arena, or NULL when 'text' is no value of the
 * type: then config_canon_form() says what to write. */
const char *config_canon(struct config_arena *arena, enum config_type type,
			 const char *text);
const char *config_canon_form(enum config_type type);

/* Whether the type has an order in which 'min' and 'max' mean something, and
 * that order of two canonical values: <0, 0, >0. */
bool config_canon_is_ordered(enum config_type type);
int config_canon_cmp(enum config_type type, const char *a, const char *b);

#endif
