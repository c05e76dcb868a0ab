/*
 * What the analyzer cannot see, because it reads one file at a time: the
 * functions of base/error.h and sentence_error() never return 0.
 * build-aux/run-clang-tidy.sh puts this before every file but error.c and
 * sentence.c themselves.
 */
#include "base/error.h"
#include "base/sentence.h"

#define error_set(err, code, ...) \
	((void)(error_set)(err, code, __VA_ARGS__), (code))
#define error_errno(...) ((void)(error_errno)(__VA_ARGS__), ERR_IO)
#define error_prefix(err, code, ...) \
	((void)(error_prefix)(err, code, __VA_ARGS__), (code))
#define sentence_error(err, code, ...) \
	((void)(sentence_error)(err, code, __VA_ARGS__), (code))
#define error_nomem(err) ((void)(error_nomem)(err), ERR_NOMEM)
