/* SHA-256 and friends: see digest.h. */
#include "base/digest.h"

#include "base/pulse.h"

#include <openssl/evp.h>
#include <stdlib.h>

struct digest {
	EVP_MD_CTX *ctx;
};

struct digest *
digest_new(void)
{
	struct digest *d = calloc(1, sizeof(*d));

	if (!d)
		return NULL;
	d->ctx = EVP_MD_CTX_new();
	if (!d->ctx || !EVP_DigestInit_ex2(d->ctx, EVP_sha256(), NULL)) {
		digest_free(d);
		return NULL;
	}
	return d;
}

void
digest_free(struct digest *d)
{
	if (!d)
		return;
	EVP_MD_CTX_free(d->ctx);
	free(d);
}

void
digest_restart(struct digest *d)
{
	EVP_DigestInit_ex2(d->ctx, NULL, NULL);
}

void
digest_add(struct digest *d, const void *p, size_t n)
{
	EVP_DigestUpdate(d->ctx, p, n);
	pulse_step();
}

void
digest_end(struct digest *d, unsigned char ret[static DIGEST_SIZE])
{
	EVP_DigestFinal_ex(d->ctx, ret, NULL);
}

int
digest_bytes(const void *p, size_t n, unsigned char ret[static DIGEST_SIZE])
{
	return EVP_Digest(p, n, ret, NULL, EVP_sha256(), NULL) ? 0 : ERR_NOMEM;
}

void
digest_hex(const unsigned char *p, size_t n, char *ret_text)
{
	static const char hex[] = "0123456789abcdef";

	for (size_t i = 0; i < n; i++) {
		*ret_text++ = hex[p[i] >> 4];
		*ret_text++ = hex[p[i] & 15];
	}
	*ret_text = '\0';
}

uint64_t
digest_key64(struct slice key)
{
	uint64_t h = UINT64_C(0xcbf29ce484222325);

	for (size_t i = 0; i < key.n; i++) {
		h ^= (unsigned char)key.p[i];
		h *= UINT64_C(0x100000001b3);
	}
	h ^= h >> 33;
	h *= UINT64_C(0xff51afd7ed558ccd);
	h ^= h >> 33;
	h *= UINT64_C(0xc4ceb9fe1a85ec53);
	h ^= h >> 33;
	return h;
}
