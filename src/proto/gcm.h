/* gcm.h: one AES-128-GCM operation of a SECURE connection, inside of proto/. The contexts are frame.h's. */
#pragma once
#include "frame.h"

enum { GCM_BLOCK = 16, GCM_TAG = 16 };

/* Encrypts len bytes at `p` in place, the tag behind them. */
int gcm_seal(struct frame_crypto *x, uint8_t *p, size_t len);
/* Decrypts len bytes (the tag behind them) to `out`. -EBADMSG: the tag does not fit. */
int gcm_open(struct frame_crypto *x, const uint8_t *in, size_t len, uint8_t *out);
