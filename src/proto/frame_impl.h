/* frame_impl.h: what decoding and encoding of frames share: the sizes of their parts, and checksums. Private
 * to frame*.c.
 *
 * CRC mode:     preamble(32) | seg0 | crc(seg0) | seg1 | seg2 | seg3 | epilogue(13)
 * SECURE mode:  GCM(preamble, first 48 of seg0) | GCM(rest of seg0) | GCM(seg1 | seg2 | seg3 | epilogue(16))
 *
 * The epilogue is there only when there is more than one segment; in SECURE mode each part is padded to 16
 * and ends with a tag, and a part that would be empty is absent. Checksums are the bare crc32c register: the
 * preamble's starts from 0, a segment's from -1, neither is inverted at the end.
 */
#pragma once
#include <isa-l/crc.h>
#include "frame.h"
#include "gcm.h"

enum {
	PREAMBLE_CRC_AT = 28,
	EPILOGUE_CRC_LEN = 1 + 3 * 4,
	INLINE_LEN = 48,                                  /* of seg0, encrypted with the preamble */
	HEAD_LEN = FRAME_PREAMBLE + INLINE_LEN + GCM_TAG, /* SECURE: always there */
	LATE_STATUS_COMPLETE = 0x0e,
};
#define SEG_CRC_SEED FRAME_CRC_START

static inline uint32_t crc32c(uint32_t seed, const void *p, size_t len)
{
	return crc32_iscsi((unsigned char *)(uintptr_t)p, (int)len, seed);
}

static inline size_t pad16(size_t n)
{
	return (n + GCM_BLOCK - 1) & ~(size_t)(GCM_BLOCK - 1);
}

/* Bytes of SECURE's second part (the rest of seg0) and third (the other segments), without tags; 0 = absent.
 */
static inline size_t rest_len(uint32_t seg0)
{
	return seg0 > INLINE_LEN ? pad16(seg0 - INLINE_LEN) : 0;
}

static inline size_t tail_len(const uint32_t *len, unsigned count)
{
	return count > 1 ? pad16(len[1]) + pad16(len[2]) + pad16(len[3]) + GCM_BLOCK : 0;
}

static inline size_t wire_len(const uint32_t *len, unsigned count, bool secure)
{
	size_t rest, tail, n = HEAD_LEN;

	if (!secure)
		return FRAME_PREAMBLE + (size_t)len[0] + 4 + len[1] + len[2] + len[3] +
		       (count > 1 ? EPILOGUE_CRC_LEN : 0);
	rest = rest_len(len[0]);
	tail = tail_len(len, count);
	return n + (rest ? rest + GCM_TAG : 0) + (tail ? tail + GCM_TAG : 0);
}
