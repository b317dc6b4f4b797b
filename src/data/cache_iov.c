/* cache_iov.c: lists of pieces of memory: the callers', and those of pages. */
#include "cache_impl.h"

#include <string.h>

struct iov_at iov_at(const struct iovec *iov, uint32_t count, uint64_t skip)
{
	struct iov_at at = { iov, count, 0 };

	while (at.left && skip >= at.iov->iov_len) {
		skip -= at.iov->iov_len;
		at.iov++;
		at.left--;
	}
	at.skip = skip;
	return at;
}

/* The next piece, of at most `len` bytes; empty ones are passed over. */
static struct iovec piece(struct iov_at *at, uint64_t len)
{
	struct iovec v;

	while (at->left && at->skip == at->iov->iov_len)
		*at = (struct iov_at){ at->iov + 1, at->left - 1, 0 };
	if (!at->left)
		return (struct iovec){ NULL, 0 };
	v = (struct iovec){ (char *)at->iov->iov_base + at->skip, at->iov->iov_len - at->skip };
	if (v.iov_len > len)
		v.iov_len = len;
	at->skip += v.iov_len;
	return v;
}

void iov_put(struct iov_at *at, const void *from, size_t len)
{
	for (const char *p = from; len;) {
		struct iovec v = piece(at, len);

		memcpy(v.iov_base, p, v.iov_len);
		p += v.iov_len;
		len -= v.iov_len;
	}
}

void iov_get(struct iov_at *at, void *to, size_t len)
{
	for (char *p = to; len;) {
		struct iovec v = piece(at, len);

		memcpy(p, v.iov_base, v.iov_len);
		p += v.iov_len;
		len -= v.iov_len;
	}
}

uint32_t iov_cut(struct iov_at at, uint64_t len, struct iovec *out)
{
	uint32_t n = 0;

	while (len) {
		struct iovec v = piece(&at, len);

		if (out)
			out[n] = v;
		n++;
		len -= v.iov_len;
	}
	return n;
}

struct iovec *iov_of_pages(struct pagemem *const *mem, uint32_t skip, uint64_t len, uint32_t *count)
{
	struct iovec *iov = NULL;
	uint32_t n = 0;

	/* Counted, then filled: mostly a few pieces for many pages. */
	for (int pass = 0; pass < 2; pass++) {
		uint64_t left = len;
		uint32_t from = skip;

		n = 0;
		for (uint32_t at = 0; left; at++) {
			uint32_t bytes = PAGE_BYTES - from < left ? PAGE_BYTES - from : (uint32_t)left;
			bool joins = at && mem[at]->p == mem[at - 1]->p + PAGE_BYTES;

			if (iov && joins)
				iov[n - 1].iov_len += bytes;
			else if (iov)
				iov[n] = (struct iovec){ mem[at]->p + from, bytes };
			n += !joins;
			left -= bytes;
			from = 0;
		}
		if (!iov)
			iov = mem_alloc(n * sizeof *iov);
		if (!iov)
			return NULL;
	}
	*count = n;
	return iov;
}
