dnl Compiler options of civicfs: the dialect, warnings that the compiler knows,
dnl hardening, and the sanitizers of --with-sanitizers.

AC_DEFUN([CIVICFS_TRY_CFLAG], [
	AC_MSG_CHECKING([whether $CC takes $2])
	civicfs_saved="$CFLAGS"
	CFLAGS="$CFLAGS -Werror $2"
	AC_COMPILE_IFELSE([AC_LANG_PROGRAM([], [])],
		[AC_MSG_RESULT([yes]); $1="$$1 $2"],
		[AC_MSG_RESULT([no])])
	CFLAGS="$civicfs_saved"
])

AC_DEFUN([CIVICFS_GNU17], [
	DIALECT_CFLAGS="-std=gnu17 -pthread"
	AC_SUBST([DIALECT_CFLAGS])
])

AC_DEFUN([CIVICFS_WARNINGS], [
	AC_ARG_ENABLE([werror],
		[AS_HELP_STRING([--enable-werror], [warnings end the build])],
		[], [enable_werror=no])
	WARN_CFLAGS=""
	for civicfs_flag in -Wall -Wextra -Wshadow -Wstrict-prototypes \
		-Wmissing-prototypes -Wold-style-definition -Wpointer-arith \
		-Wwrite-strings -Wundef -Wformat=2 -Wvla -Wcast-qual \
		-Wimplicit-fallthrough -Wnull-dereference -Wlogical-op \
		-Wduplicated-cond -Wno-missing-field-initializers \
		-Wno-format-truncation -Wno-format-zero-length; do
		CIVICFS_TRY_CFLAG([WARN_CFLAGS], [$civicfs_flag])
	done
	AS_IF([test "x$enable_werror" = xyes],
		[WARN_CFLAGS="$WARN_CFLAGS -Werror"])
	AC_SUBST([WARN_CFLAGS])
])

AC_DEFUN([CIVICFS_HARDENING], [
	HARDEN_CFLAGS=""
	for civicfs_flag in -fstack-protector-strong -fstack-clash-protection \
		-fPIE; do
		CIVICFS_TRY_CFLAG([HARDEN_CFLAGS], [$civicfs_flag])
	done
	HARDEN_LDFLAGS="-pie -Wl,-z,relro -Wl,-z,now"
	AC_SUBST([HARDEN_CFLAGS])
	AC_SUBST([HARDEN_LDFLAGS])
])

dnl RLIMIT_AS does not go with AddressSanitizer's shadow: the sandbox asks
dnl CIVICFS_SANITIZED whether it has to leave that limit out.
AC_DEFUN([CIVICFS_SANITIZERS], [
	AC_ARG_WITH([sanitizers],
		[AS_HELP_STRING([--with-sanitizers=LIST],
			[build with these, for example address,undefined])],
		[], [with_sanitizers=no])
	SANITIZE_CFLAGS=""
	AS_IF([test "x$with_sanitizers" != xno], [
		SANITIZE_CFLAGS="-fsanitize=$with_sanitizers -fno-omit-frame-pointer"
		SANITIZE_CFLAGS="$SANITIZE_CFLAGS -fno-sanitize-recover=undefined"
		AC_DEFINE([CIVICFS_SANITIZED], [1], [built with sanitizers])
	], [
		SANITIZE_CFLAGS="-D_FORTIFY_SOURCE=2"
	])
	AC_SUBST([SANITIZE_CFLAGS])
])
