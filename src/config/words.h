/* The words of SPEC for the enumerators of config.h, in their order and ended
 * by NULL: the one place that has them. */
#ifndef CONFIG_WORDS_H
#define CONFIG_WORDS_H

extern const char *const config_type_words[];
extern const char *const config_sensitivity_words[];
extern const char *const config_sharing_words[];
extern const char *const config_mode_words[];
extern const char *const config_open_words[];
extern const char *const config_cycle_words[];
extern const char *const config_rule_words[];

/* coordinator supervisor secrecy auditor, as in config.roles */
extern const char *const config_role_words[];
extern const char *const config_language_words[];
extern const char *const config_registration_words[];
extern const char *const config_extra_words[];
extern const char *const config_members_words[];
extern const char *const config_verdict_words[];
extern const char *const config_yes_no_words[]; /* no, yes: the value */

/* The index of a word; -1 when it is none of them. */
int config_word_find(const char *const *words, const char *word);

#endif
