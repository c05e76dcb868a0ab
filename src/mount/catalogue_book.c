/* catalogue/: template.xlsx. Its bytes are the same whenever they are made. */
#include "mount/catalogue.h"

#include "base/io.h"
#include "base/scope.h"
#include "validate/validate.h"

#include <errno.h>
#include <sys/mman.h>
#include <sys/stat.h>

/* A header may name a field by its title; not if another is called so. */
static const char *
label_of(const struct config_resource *r, size_t field)
{
	const char *title = r->fields[field].title;

	for (size_t i = 0; i < r->nfields; i++) {
		if (i != field && (strcmp(r->fields[i].id, title) == 0 ||
				   strcmp(r->fields[i].title, title) == 0))
			return r->fields[field].id;
	}
	return title;
}

static int
write_book(const struct config_resource *r, const char *language, int fd,
	   struct error *err)
{
	scope_free struct slice *labels =
		calloc(r->nfields + 1, sizeof(*labels));
	scope_free int *fields = calloc(r->nfields + 1, sizeof(*fields));
	struct validate_book *book = NULL;
	size_t n = 0;
	int rc;

	if (!labels || !fields)
		return error_nomem(err);
	for (size_t i = 0; i < r->nfields; i++) {
		if (!config_field_is_sent(&r->fields[i]))
			continue;
		labels[n] = slice_str(label_of(r, i));
		fields[n++] = (int)i;
	}
	rc = validate_book_new(r, language, labels, fields, n, fd, &book, err);
	if (rc)
		return rc;
	rc = validate_book_close(book, VALIDATE_BOOK_ROWS - 1, err);
	validate_book_free(book);
	return rc;
}

int
mount_catalogue_workbook(const struct config *config,
			 const struct config_resource *r, struct buf *out,
			 struct error *err)
{
	const struct config_department *d =
		config_find_department(config, r->department);
	scope_fd fd = memfd_create("template", MFD_CLOEXEC);
	struct stat st;
	int rc;

	if (fd < 0)
		return error_errno(err, errno, "template");
	rc = write_book(r, d && *d->language ? d->language : config->language,
			fd, err);
	if (rc)
		return rc;
	if (fstat(fd, &st))
		return error_errno(err, errno, "template");
	if (buf_reserve(out, (size_t)st.st_size))
		return error_nomem(err);
	if (io_pread(fd, out->data + out->len, (size_t)st.st_size, 0, err) !=
	    st.st_size)
		return error_set(err, ERR_IO, "the template is not whole");
	out->len += (size_t)st.st_size;
	return 0;
}
