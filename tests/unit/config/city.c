/* The sample city in a folder of its own: see city.h. */
#include "tests/unit/config/city.h"

#include "base/io.h"
#include "base/scope.h"

#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <sys/stat.h>

static char home[PATH_MAX];
static char folder[] = "/tmp/civicfs-config-XXXXXX";

#define MUST(condition) \
	do { \
		if (!(condition)) { \
			perror(#condition); \
			exit(99); \
		} \
	} while (0)

static void
make_folders(const char *file)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s", file);
	for (char *p = path + 1; *p; p++) {
		if (*p != '/')
			continue;
		*p = '\0';
		mkdir(path, 0755);
		*p = '/';
	}
}

void
city_write(const char *file, const void *bytes, size_t n)
{
	int fd;

	make_folders(file);
	fd = open(file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	MUST(fd >= 0);
	MUST(io_write(fd, bytes, n, NULL) == 0);
	close(fd);
}

void
city_change(const char *file, const char *from, const char *to)
{
	scope_buf text = BUF_INIT;
	scope_buf out = BUF_INIT;
	const char *at;

	if (!to) {
		MUST(unlink(file) == 0);
		return;
	}
	if (!from) {
		city_write(file, to, strlen(to));
		return;
	}
	MUST(io_slurp(AT_FDCWD, file, 1 << 20, &text, NULL) == 0);
	at = strstr(buf_str(&text), from);
	MUST(at && !strstr(at + 1, from));
	MUST(buf_add(&out, text.data, (size_t)(at - text.data)) == 0 &&
	     buf_adds(&out, to) == 0 && buf_adds(&out, at + strlen(from)) == 0);
	city_write(file, out.data, out.len);
}

/* 'make check' says where the sources are, relative to where it runs. */
void
city_source(const char *file, struct buf *ret)
{
	const char *srcdir = getenv("srcdir");
	char path[2 * PATH_MAX];

	if (!srcdir)
		srcdir = ".";
	snprintf(path, sizeof(path), "%s%s%s/%s", *srcdir == '/' ? "" : home,
		 *srcdir == '/' ? "" : "/", srcdir, file);
	MUST(io_slurp(AT_FDCWD, path, 1 << 20, ret, NULL) == 0);
	MUST(buf_str(ret));
}

static void
copy_city(void)
{
	static const char *const files[] = {
		"civicfs.conf",
		"conf.d/themes.ini",
		"conf.d/taxpayers.ini",
		"resources.d/aic/registrations.ini",
		"resources.d/tax/ratings.ini",
		"resources.d/env/penalties.ini",
		"resources.d/humen/penalties.ini",
	};

	for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++) {
		scope_buf text = BUF_INIT;
		char path[128];

		snprintf(path, sizeof(path), "tests/cases/config/city/%s",
			 files[i]);
		city_source(path, &text);
		city_write(files[i], text.data, text.len);
	}
}

void
city_enter(void)
{
	MUST(getcwd(home, sizeof(home)));
	snprintf(folder + strlen(folder) - 6, 7, "XXXXXX");
	MUST(mkdtemp(folder));
	MUST(chdir(folder) == 0);
	copy_city();
}

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

void
city_leave(void)
{
	MUST(chdir(home) == 0);
	MUST(nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS) == 0);
}
