/* Time as numbers and as text: see clock.h. */
#include "base/clock.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static int64_t
read_clock(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return ts.tv_sec * CLOCK_NS + ts.tv_nsec;
}

int64_t
clock_now(void)
{
	return read_clock(CLOCK_REALTIME);
}

int64_t
clock_monotonic(void)
{
	return read_clock(CLOCK_MONOTONIC);
}

int
clock_check_zone(const char *zone, struct error *err)
{
	char path[256];
	struct stat st;
	const char *p;

	for (p = zone; *p; p++) {
		if (!isalnum((unsigned char)*p) && !strchr("/_+-", *p))
			break;
	}
	snprintf(path, sizeof(path), "/usr/share/zoneinfo/%s", zone);
	if (strcmp(zone, "UTC") != 0 &&
	    (*p || !*zone || *zone == '/' || access(path, R_OK) ||
	     stat(path, &st) || !S_ISREG(st.st_mode)))
		return error_set(err, ERR_INVALID,
				 "no time zone '%s' on this machine: use a "
				 "name of the tz database, for example "
				 "Asia/Shanghai, and install tzdata",
				 zone);
	return 0;
}

int
clock_set_zone(const char *zone, struct error *err)
{
	int rc = clock_check_zone(zone, err);

	if (rc)
		return rc;
	if (setenv("TZ", strcmp(zone, "UTC") ? zone : "UTC0", 1))
		return error_nomem(err);
	tzset();
	return 0;
}

char *
clock_rfc3339(int64_t ns, char text[static CLOCK_TEXT_MAX])
{
	time_t t = ns / CLOCK_NS - (ns % CLOCK_NS < 0);
	struct tm tm;
	size_t len;

	localtime_r(&t, &tm);
	len = strftime(text, CLOCK_TEXT_MAX - 1, "%Y-%m-%dT%H:%M:%S%z", &tm);
	/* strftime writes +0800; RFC 3339 wants +08:00 */
	memmove(text + len - 1, text + len - 2, 3);
	text[len - 2] = ':';
	return text;
}

int
clock_day(int64_t ns)
{
	time_t t = ns / CLOCK_NS - (ns % CLOCK_NS < 0);
	struct tm tm;

	localtime_r(&t, &tm);
	return (tm.tm_year + 1900) * 10000 + (tm.tm_mon + 1) * 100 + tm.tm_mday;
}

int
clock_offset_at(int year, int month, int day, int hour, int min, int sec)
{
	struct tm tm = {.tm_year = year - 1900,
			.tm_mon = month - 1,
			.tm_mday = day,
			.tm_hour = hour,
			.tm_min = min,
			.tm_sec = sec,
			.tm_isdst = -1};

	if (mktime(&tm) == (time_t)-1 && tm.tm_wday == 0 && tm.tm_yday == 0)
		return 0;
	return (int)tm.tm_gmtoff;
}

bool
clock_local(int64_t seconds, struct clock_civil *ret)
{
	time_t t = seconds;
	struct tm tm;

	if (!localtime_r(&t, &tm) || tm.tm_year < -1899 || tm.tm_year > 8099)
		return false;
	*ret = (struct clock_civil){tm.tm_year + 1900, tm.tm_mon + 1,
				    tm.tm_mday,	       tm.tm_hour,
				    tm.tm_min,	       tm.tm_sec};
	return true;
}

bool
clock_is_leap(int year)
{
	return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

int
clock_days_in_month(int year, int month)
{
	static const int days[] = {31, 28, 31, 30, 31, 30,
				   31, 31, 30, 31, 30, 31};

	return days[month - 1] + (month == 2 && clock_is_leap(year));
}

/* Counting from 1 March makes the leap day the last of its year. */
int64_t
clock_days_from_civil(int year, int month, int day)
{
	int64_t y = year - (month <= 2);
	int64_t era = (y >= 0 ? y : y - 399) / 400;
	int64_t yoe = y - era * 400;
	int64_t doy = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;

	return era * 146097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719468;
}

void
clock_civil_from_days(int64_t days, int *year, int *month, int *day)
{
	int64_t z = days + 719468;
	int64_t era = (z >= 0 ? z : z - 146096) / 146097;
	int64_t doe = z - era * 146097;
	int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
	int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
	int64_t mp = (5 * doy + 2) / 153;

	*day = (int)(doy - (153 * mp + 2) / 5 + 1);
	*month = (int)(mp < 10 ? mp + 3 : mp - 9);
	*year = (int)(yoe + era * 400 + (*month <= 2));
}
