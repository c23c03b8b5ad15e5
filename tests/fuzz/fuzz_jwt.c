/* SPDX-License-Identifier: MIT
 *
 * Tokens from any bytes. Two ways in: as they are; and, since no mutation keeps a signature right, header and payload
 * alone, as a server with our secret would have signed them.
 */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>

#include <mbedtls/md.h>

#include "gateway/base64url.h"
#include "gateway/jwt.h"

#define SECRET "ssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssss"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void put_digits(struct buf *out, const uint8_t *bytes, size_t len)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    uint32_t bits = 0;
    unsigned count = 0;
    for (size_t i = 0; i < len; i++) {
        bits = (bits << 8 | bytes[i]) & 0xFFFF;
        for (count += 8; count >= 6; count -= 6) {
            buf_append_byte(out, (uint8_t)digits[bits >> (count - 6) & 63]);
        }
    }
    if (count > 0) {
        buf_append_byte(out, (uint8_t)digits[bits << (6 - count) & 63]);
    }
}

static void judge(const struct jwt_policy *policy, struct str token)
{
    struct identity who = {0};
    int code = jwt_verify(policy, token, 1800000000, &who);
    assert(code == 0 || who.user.data == NULL);
    if (code == 0) {
        assert(who.user.len > 0 && identity_is_whole(buf_str(&who.claims), buf_str(&who.roles)));
        assert(!identity_has_role(&who, STR("")));
        assert(identity_claim(&who, STR("l")).at == NULL || who.claims.len > 0);
    }
    assert(jwt_error_name(code) != NULL);
    identity_finish(&who);
}

/* The input's text behind its second dot is replaced by the right signature. */
static void judge_signed(const struct jwt_policy *policy, struct str input)
{
    struct buf token = {0};
    struct str rest = input, header, payload;
    uint8_t mac[32];
    if (!str_next(&rest, '.', &header) || !str_next(&rest, '.', &payload)) {
        return;
    }
    buf_append(&token, input.at, header.len + 1 + payload.len);
    if (mbedtls_md_hmac(mbedtls_md_info_from_type(MBEDTLS_MD_SHA256), (const uint8_t *)SECRET,
                        sizeof SECRET - 1, token.data, token.len, mac) != 0) {
        abort();
    }
    buf_append_byte(&token, '.');
    put_digits(&token, mac, sizeof mac);
    judge(policy, buf_str(&token));
    buf_finish(&token);
}

/* Text as it stands in header and payload: a newline between them. */
static void judge_plain(const struct jwt_policy *policy, const uint8_t *data, size_t size)
{
    struct buf token = {0};
    const uint8_t *end = memchr(data, '\n', size);
    if (end != NULL) {
        put_digits(&token, data, (size_t)(end - data));
        buf_append_byte(&token, '.');
        put_digits(&token, end + 1, size - (size_t)(end + 1 - data));
        buf_append_byte(&token, '.');
        judge_signed(policy, buf_str(&token));
    }
    buf_finish(&token);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str input = {(const char *)data, size};
    struct jwt_keys keys;
    jwt_keys_init(&keys);
    const char *wrong =
        jwt_keys_add_secret(&keys, (struct str){NULL, 0}, STR(SECRET), JWT_ALL_ALGORITHMS);
    assert(wrong == NULL);
    const struct jwt_policy policy = {.keys = &keys,
                                      .algorithms = JWT_ALL_ALGORITHMS,
                                      .user_claim = "sub",
                                      .roles_claim = "roles",
                                      .leeway_s = 30};
    struct jwt_policy strict = policy;
    strict.issuer = "us";
    strict.audience = "chat";
    judge(&policy, input);
    judge_signed(&policy, input);
    judge_plain(&policy, data, size);
    judge_plain(&strict, data, size);
    judge_signed(&strict, input);
    jwt_keys_finish(&keys);
    return 0;
}
