/* SPDX-License-Identifier: MIT
 *
 * A cursor over DER: tag, length, value (X.690), definite lengths only.
 *
 * Each call takes one value off the front, or says no and takes nothing.
 */
#pragma once

#include <stdint.h>

#include "common/str.h"

enum der_tag {
    DER_INTEGER = 0x02,
    DER_OCTET_STRING = 0x04,
    DER_OID = 0x06,
    DER_BMP_STRING = 0x1e,
    DER_SEQUENCE = 0x30,
    DER_SET = 0x31,
    DER_CONTEXT_0 = 0xa0,           /* [0], constructed */
    DER_CONTEXT_0_PRIMITIVE = 0x80, /* [0] in place of OCTET STRING */
};

/* The value of one element is again such a cursor. */
struct der {
    const uint8_t *at;
    size_t len;
};

bool der_next_is(const struct der *in, enum der_tag tag);
bool der_take(struct der *in, enum der_tag tag, struct der *out);
bool der_skip(struct der *in);                       /* any element */
bool der_take_number(struct der *in, uint32_t *out); /* INTEGER of 0 to 2^32 - 1 */

/* `oid` is the value's bytes, as a string literal without its NUL. */
bool der_is(const struct der *value, struct str oid);
