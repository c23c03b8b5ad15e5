/* SPDX-License-Identifier: MIT
 *
 * DER elements. See der.h.
 */
#include "common/der.h"

#define LENGTH_BYTES_MAX 4u

/* Takes the header of the next element off a copy: *out_tag, and *out its value. */
static bool read_element(struct der *in, uint8_t *out_tag, struct der *out)
{
    if (in->len < 2) {
        return false;
    }
    size_t len = in->at[1];
    size_t head = 2;
    if (len >= 0x80) {
        size_t count = len & 0x7f;
        if (count == 0 || count > LENGTH_BYTES_MAX || in->len < head + count) {
            return false; /* 0: BER's indefinite length */
        }
        len = 0;
        for (size_t i = 0; i < count; i++) {
            len = len << 8 | in->at[head++];
        }
    }
    if (len > in->len - head) {
        return false;
    }
    *out_tag = in->at[0];
    *out = (struct der){in->at + head, len};
    in->at += head + len;
    in->len -= head + len;
    return true;
}

bool der_next_is(const struct der *in, enum der_tag tag)
{
    return in->len > 0 && in->at[0] == (uint8_t)tag;
}

bool der_take(struct der *in, enum der_tag tag, struct der *out)
{
    uint8_t found;
    return der_next_is(in, tag) && read_element(in, &found, out);
}

bool der_skip(struct der *in)
{
    uint8_t tag;
    struct der value;
    return read_element(in, &tag, &value);
}

bool der_take_number(struct der *in, uint32_t *out)
{
    struct der rest = *in, value;
    uint64_t number = 0;
    if (!der_take(&rest, DER_INTEGER, &value) || value.len == 0 || value.len > 5 ||
        value.at[0] >= 0x80) {
        return false;
    }
    for (size_t i = 0; i < value.len; i++) {
        number = number << 8 | value.at[i];
    }
    if (number > UINT32_MAX) {
        return false;
    }
    *in = rest;
    *out = (uint32_t)number;
    return true;
}

bool der_is(const struct der *value, struct str oid)
{
    return str_equal((struct str){(const char *)value->at, value->len}, oid);
}
