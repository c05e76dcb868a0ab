/*
 * Receipts as they lie in a folder: for whatever opens a .txt by a double
 * click. Old editors of Windows want CR LF, or they show one line; and without
 * a byte order mark some take Chinese for the code page of the machine.
 */
#include "base/scope.h"
#include "validate/validate.h"

static const char bom[] = "\xef\xbb\xbf";

int
validate_receipt_dress(struct buf *text)
{
	scope_buf out = BUF_INIT;
	struct buf old;

	if (buf_adds(&out, bom))
		return ERR_NOMEM;
	for (size_t i = 0; i < text->len; i++) {
		if (text->data[i] == '\n' && buf_addc(&out, '\r'))
			return ERR_NOMEM;
		if (buf_addc(&out, text->data[i]))
			return ERR_NOMEM;
	}
	old = *text;
	*text = out;
	out = old;
	return 0;
}

void
validate_receipt_undress(struct buf *text)
{
	size_t at = 0, from = 0;

	if (slice_starts(buf_slice(text), slice_str(bom)))
		from = sizeof(bom) - 1;
	for (; from < text->len; from++) {
		if (text->data[from] != '\r')
			text->data[at++] = text->data[from];
	}
	text->len = at;
}
