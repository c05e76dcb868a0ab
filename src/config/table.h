/* The data behind options.h, which is how it is asked. */
#ifndef CONFIG_TABLE_H
#define CONFIG_TABLE_H

#include "config/options.h"

extern const struct option_section config_section_table[];
extern const size_t config_section_count;
extern const struct option config_option_table[];
extern const size_t config_option_count;

#endif
