/* SPDX-License-Identifier: MIT */
#include "proto/digest.h"

#include <assert.h>

#include <mbedtls/base64.h>
#include <mbedtls/md.h>

void digest_sha1(struct str text, uint8_t out[DIGEST_SHA1_LEN])
{
    const mbedtls_md_info_t *info = mbedtls_md_info_from_type(MBEDTLS_MD_SHA1);
    int code = mbedtls_md(info, (const unsigned char *)text.at, text.len, out);
    assert(code == 0);
    (void)code;
}

size_t digest_base64(const uint8_t *bytes, size_t len, char *out, size_t room)
{
    size_t out_len = 0;
    int code = mbedtls_base64_encode((unsigned char *)out, room, &out_len, bytes, len);
    assert(code == 0);
    (void)code;
    return out_len;
}

bool digest_unbase64(struct str text, uint8_t *out, size_t len)
{
    size_t out_len = 0;
    /* The library skips line ends and spaces before one; the length leaves no room for any. */
    return text.len == (len + 2) / 3 * 4 &&
           mbedtls_base64_decode(out, len, &out_len, (const unsigned char *)text.at, text.len) ==
               0 &&
           out_len == len;
}
