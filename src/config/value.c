/* Texts of amounts, days, lists and code formats: see value.h. */
#include "config/value.h"

#include "base/clock.h"

#include <ctype.h>
#include <stdio.h>

struct unit {
	const char *name;
	int64_t factor;
};

/* A year is 365 days. */
static const struct unit durations[] = {{"ms", 1},
					{"s", 1000},
					{"m", 60000},
					{"h", 3600000},
					{"d", 86400000},
					{"w", 7 * 86400000LL},
					{"y", 365 * 86400000LL},
					{NULL, 0}};

static const struct unit sizes[] = {{"", 1},	      {"K", 1LL << 10},
				    {"M", 1LL << 20}, {"G", 1LL << 30},
				    {"T", 1LL << 40}, {NULL, 0}};

/* Takes digits off 'text'; false when there are none or too many. */
static bool
take_digits(const char **text, int64_t *ret)
{
	const char *p = *text;
	int64_t value = 0;

	if (!isdigit((unsigned char)*p))
		return false;
	for (; isdigit((unsigned char)*p); p++) {
		if (__builtin_mul_overflow(value, 10, &value) ||
		    __builtin_add_overflow(value, *p - '0', &value))
			return false;
	}
	*text = p;
	*ret = value;
	return true;
}

bool
config_value_count(const char *text, int64_t *ret)
{
	int64_t value;

	if (!take_digits(&text, &value) || *text)
		return false;
	*ret = value;
	return true;
}

static bool
with_unit(const char *text, const struct unit *units, int64_t *ret)
{
	int64_t value;

	if (!take_digits(&text, &value))
		return false;
	while (units->name && strcmp(units->name, text) != 0)
		units++;
	if (!units->name ||
	    __builtin_mul_overflow(value, units->factor, &value))
		return false;
	*ret = value;
	return true;
}

bool
config_value_duration(const char *text, int64_t *ret_ms)
{
	return with_unit(text, durations, ret_ms);
}

bool
config_value_size(const char *text, int64_t *ret_bytes)
{
	return with_unit(text, sizes, ret_bytes);
}

/* A millionth is a ten thousandth of a percent: at most four decimals. */
bool
config_value_share(const char *text, int64_t *ret_millionths)
{
	int64_t value, scale = 10000;

	if (!take_digits(&text, &value) || value > 100)
		return false;
	value *= scale;
	if (*text == '.') {
		if (!isdigit((unsigned char)*++text))
			return false;
		for (; isdigit((unsigned char)*text); text++) {
			scale /= 10;
			if (!scale && *text != '0')
				return false;
			value += (*text - '0') * scale;
		}
	}
	if (strcmp(text, "%") != 0)
		return false;
	*ret_millionths = value;
	return true;
}

bool
config_value_room(const char *text, struct config_room *ret)
{
	struct config_room room = {0};

	if (!config_value_share(text, &room.share) &&
	    !config_value_size(text, &room.bytes))
		return false;
	*ret = room;
	return true;
}

bool
config_value_day(const char *text)
{
	int part[3] = {0, 0, 0};
	size_t n = 0;

	if (strlen(text) != 10)
		return false;
	for (size_t i = 0; i < 10; i++) {
		if (i == 4 || i == 7) {
			if (text[i] != '-')
				return false;
			n++;
		} else if (isdigit((unsigned char)text[i])) {
			part[n] = part[n] * 10 + (text[i] - '0');
		} else {
			return false;
		}
	}
	return part[0] >= 1 && part[1] >= 1 && part[1] <= 12 && part[2] >= 1 &&
	       part[2] <= clock_days_in_month(part[0], part[1]);
}

/* The next word at or after 'text'; none: SLICE_NONE. */
static struct slice
next_word(const char *text)
{
	static const char separators[] = " \t,";

	text += strspn(text, separators);
	return (struct slice){text, strcspn(text, separators)};
}

void
config_value_words(struct config_arena *arena, const char *text,
		   struct config_list *list)
{
	struct slice word;

	while ((word = next_word(text)).n) {
		config_list_add(arena, list, config_arena_text(arena, word));
		text = word.p + word.n;
	}
}

void
config_value_list(struct config_arena *arena, const struct config_entry *entry,
		  struct config_list *list)
{
	const char *text = entry->value;
	struct slice word;

	while ((word = next_word(text)).n) {
		size_t n = list->n;
		int *lines = config_arena_grow(arena, list->lines, n,
					       sizeof(*lines));

		config_list_add(arena, list, config_arena_text(arena, word));
		if (!lines || list->n == n)
			return;
		list->lines = lines;
		lines[n] = config_entry_line(entry,
					     (size_t)(word.p - entry->value));
		text = word.p + word.n;
	}
}

bool
config_value_code_format(const char *text)
{
	static const char *const names[] = {"{classification}", "{department}",
					    "{resource}", "{number}"};
	int numbers = 0;

	for (; *text; text++) {
		size_t i, n = 0;
		int width, used = 0;

		if (*text == '}')
			return false;
		if (*text != '{')
			continue;
		for (i = 0; i < sizeof(names) / sizeof(*names); i++) {
			n = strlen(names[i]);
			if (strncmp(text, names[i], n) == 0)
				break;
		}
		if (i == sizeof(names) / sizeof(*names)) {
			if (sscanf(text, "{number:0%1d}%n", &width, &used) !=
				    1 ||
			    used == 0 || width == 0)
				return false;
			n = (size_t)used;
			i--;
		}
		numbers += i == sizeof(names) / sizeof(*names) - 1;
		text += n - 1;
	}
	return numbers == 1;
}

/* The largest unit that shows all of it. */
static const char *
unit_of(const struct unit *units, int64_t *value)
{
	const struct unit *best = units;

	for (; units->name && *value; units++) {
		if (*value % units->factor == 0)
			best = units;
	}
	*value /= best->factor;
	return best->name;
}

char *
config_value_show(enum option_type type, int64_t value,
		  char text[static CONFIG_VALUE_SHOWN])
{
	const char *unit = "";

	if (type == OPTION_SECONDS)
		value *= 1000;
	if (type == OPTION_MS || type == OPTION_SECONDS)
		unit = unit_of(durations, &value);
	else if (type == OPTION_SIZE)
		unit = unit_of(sizes, &value);
	if (type == OPTION_SHARE || type == OPTION_ROOM)
		snprintf(text, CONFIG_VALUE_SHOWN, "%g%%",
			 (double)value / 10000);
	else
		snprintf(text, CONFIG_VALUE_SHOWN, "%lld%s", (long long)value,
			 unit);
	return text;
}

uint64_t
config_room_bytes(const struct config_room *room, uint64_t total)
{
	uint64_t share = (uint64_t)((double)total * (double)room->share / 1e6);

	return share + (uint64_t)room->bytes;
}

char *
config_room_show(const struct config_room *room,
		 char text[static CONFIG_ROOM_SHOWN])
{
	return room->bytes ? config_value_show(OPTION_SIZE, room->bytes, text)
			   : config_value_show(OPTION_SHARE, room->share, text);
}
