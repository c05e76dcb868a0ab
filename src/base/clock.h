/*
 * Time as numbers and as text. Instants are nanoseconds since 1970 in UTC.
 * The core takes time as a parameter; only shells call clock_now().
 *
 * A zone is a name of the tz database ("Asia/Shanghai"); a process has one
 * zone, the platform's, set once at its start by clock_set_zone(), before
 * threads and before the sandbox closes.
 */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include "base/error.h"

#include <stdbool.h>
#include <stdint.h>

#define CLOCK_NS INT64_C(1000000000)
#define CLOCK_TEXT_MAX 48

int64_t clock_now(void);       /* CLOCK_REALTIME, ns */
int64_t clock_monotonic(void); /* CLOCK_MONOTONIC, ns */

/* Whether the machine has such a zone; ERR_INVALID (install tzdata). */
MUST_CHECK int clock_check_zone(const char *zone, struct error *err);

/* Makes 'zone' the process's zone; fails as clock_check_zone() does. Not for
 * use beside threads. */
MUST_CHECK int clock_set_zone(const char *zone, struct error *err);

/* RFC 3339 with offset, in the process's zone, whole seconds:
 * 2026-03-01T09:30:00+08:00. Returns 'text'. */
char *clock_rfc3339(int64_t ns, char text[static CLOCK_TEXT_MAX]);

/* The day in the process's zone: YYYYMMDD as a number. */
int clock_day(int64_t ns);

/* Offset of the process's zone from UTC at a local civil time, in seconds;
 * in a gap or fold of the zone, the offset before it. */
int clock_offset_at(int year, int month, int day, int hour, int min, int sec);

/* A civil time of the Gregorian calendar. */
struct clock_civil {
	int year, month, day, hour, min, sec;
};

/* The local time in the process's zone at an instant of whole seconds since
 * 1970 in UTC; false when its year has no number of four digits. */
bool clock_local(int64_t seconds, struct clock_civil *ret);

bool clock_is_leap(int year);
int clock_days_in_month(int year, int month);

/* Days since 1970-01-01 of a date of the Gregorian calendar, and back. */
int64_t clock_days_from_civil(int year, int month, int day);
void clock_civil_from_days(int64_t days, int *year, int *month, int *day);

#endif
