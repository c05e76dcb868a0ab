/* The tables of both databases; migrations are appended, never edited once a
 * version has been released. */
#ifndef STORE_SCHEMA_H
#define STORE_SCHEMA_H

#include <stddef.h>

extern const char *const store_schema_main[];
extern const size_t store_schema_main_n;
extern const char *const store_schema_records[];
/* What only the publish under way ('seq') needs: see store_dirty_add. */
extern const char store_schema_temporary[];
extern const size_t store_schema_records_n;

#endif
