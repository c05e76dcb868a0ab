/*
 * Texts of values, exactly: nothing is rounded, nothing is guessed. Functions
 * of memory; any thread.
 */
#ifndef CONFIG_VALUE_H
#define CONFIG_VALUE_H

#include "config/arena.h"
#include "config/options.h"
#include "config/reader.h"

/* Each returns false, and leaves *ret alone, when the text is no such value
 * or does not fit. Units of durations: ms s m h d w y (365 days); of sizes: K
 * M G T, powers of 1024. A share is a percentage with up to four decimals,
 * at most 100% or so: the option's range says more. */
bool config_value_count(const char *text, int64_t *ret);
bool config_value_duration(const char *text, int64_t *ret_ms);
bool config_value_size(const char *text, int64_t *ret_bytes);
bool config_value_share(const char *text, int64_t *ret_millionths);

/* Either of the last two. */
bool config_value_room(const char *text, struct config_room *ret);

/* YYYY-MM-DD that exists. */
bool config_value_day(const char *text);

/* A text with {classification}, {department}, {resource} and exactly one
 * {number} or {number:0N}. */
bool config_value_code_format(const char *text);

/* Appends the words of a list, which blanks or commas separate. The second one
 * keeps the line of each; a list is filled by one of them alone. */
void config_value_words(struct config_arena *arena, const char *text,
			struct config_list *list);
void config_value_list(struct config_arena *arena,
		       const struct config_entry *entry,
		       struct config_list *list);

/* An amount as a person would write it ("30d", "20G", "2%"). */
#define CONFIG_VALUE_SHOWN CONFIG_ROOM_SHOWN
char *config_value_show(enum option_type type, int64_t value,
			char text[static CONFIG_VALUE_SHOWN]);

#endif
