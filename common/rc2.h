/* SPDX-License-Identifier: MIT
 *
 * RC2 in CBC mode, decryption only (RFC 2268): what key stores of before 2020 have around their certificates, with keys
 * of 40 bits. It hides nothing; nobody has more to read it with.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define RC2_BLOCK_BYTES 8u

/* `len` is a multiple of the block; decrypts in place. `key_bytes` is 1 to 128, `effective_bits` 1 to 1024. */
void rc2_decrypt_cbc(const uint8_t *key, size_t key_bytes, unsigned effective_bits,
                     const uint8_t iv[RC2_BLOCK_BYTES], uint8_t *bytes, size_t len);
