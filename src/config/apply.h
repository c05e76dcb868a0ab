/* The lines of a section by the option table: checked and stored. */
#ifndef CONFIG_APPLY_H
#define CONFIG_APPLY_H

#include "config/load.h"
#include "config/options.h"

/*
 * Applies a section to its struct at 'base' (draft.h; NULL when all its keys
 * are patterns): first every default, then what is written. Unknown and
 * repeated keys, indented lines below what is no list or text, bad values and
 * what this version does not do are reported. Keys of patterns (source.NAME)
 * are checked so far, but not stored: the caller walks them.
 */
void config_apply(struct config_load *load, const struct config_section *s,
		  void *base);

#endif
