/* SPDX-License-Identifier: MIT
 *
 * Base64url without padding (RFC 4648 section 5), as JOSE wants it: one spelling for each run of bytes.
 */
#pragma once

#include "common/buf.h"

/* Appends what `text` stands for. False, and nothing appended, for padding, white space, `+` or `/`, a length
 * that no bytes have, and bits behind the last byte that are not zero. */
bool base64url_decode(struct str text, struct buf *out) __attribute__((warn_unused_result));
