/* SPDX-License-Identifier: MIT
 *
 * The digest and the base64 a WebSocket handshake needs: the only place of proto/ that knows mbedTLS.
 */
#pragma once

#include <stdint.h>

#include "common/str.h"

#define DIGEST_SHA1_LEN 20

void digest_sha1(struct str text, uint8_t out[DIGEST_SHA1_LEN]);

/* Padded, without line ends; `room` must hold the result and one byte more. Returns its length. */
size_t digest_base64(const uint8_t *bytes, size_t len, char *out, size_t room);

/* False unless `text` is padded base64 of exactly `len` bytes, without spaces. */
bool digest_unbase64(struct str text, uint8_t *out, size_t len) __attribute__((warn_unused_result));
