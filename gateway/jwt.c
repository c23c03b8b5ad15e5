/* SPDX-License-Identifier: MIT
 *
 * Tokens, taken apart and judged.
 *
 *   jwt_open(): split() into three parts; read_header() says algorithm and key id; jwt_keys_verify().
 *   jwt_verify(): jwt_open(), then the payload as JSON: issuer, audience, times; collect() what rules may ask.
 *
 * The signature is judged before anything in the payload is read, and expiry last of all: only who holds a token
 * that was right once is told that it has expired.
 */
#include "gateway/jwt.h"

#include <inttypes.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>

#include "gateway/base64url.h"
#include "gateway/json_depth.h"

#define HEADER_DEPTH_MAX 4
#define PAYLOAD_DEPTH_MAX 16
#define USER_BYTES_MAX 255
#define SECONDS_MAX 253402300799.0 /* the year 9999 */

const char *jwt_error_name(int code)
{
    static const char *const names[] = {"unknown", "format", "algorithm", "key",   "signature",
                                        "claims",  "issuer", "audience",  "early", "expired"};
    return code < 0 && code >= JWT_ERR_EXPIRED ? names[-code] : names[0];
}

struct parts {
    struct str header;
    struct str payload;
    struct str signature;
    struct str signed_bytes; /* header, dot, payload */
};

static bool split(struct str token, struct parts *out)
{
    struct str rest = token;
    if (token.len > JWT_BYTES_MAX || !str_next(&rest, '.', &out->header) ||
        !str_next(&rest, '.', &out->payload) || !str_next(&rest, '.', &out->signature)) {
        return false;
    }
    out->signed_bytes = (struct str){token.at, out->header.len + 1 + out->payload.len};
    /* A fourth part, or an end behind a third dot, is no JWS; nor is an empty part. */
    return out->header.len + out->payload.len + out->signature.len + 2 == token.len &&
           out->header.len > 0 && out->payload.len > 0 && out->signature.len > 0;
}

/* NULL when it is no JSON object of that depth. */
static json_t *load_object(struct str json, size_t depth_max)
{
    json_error_t error;
    if (json_depth(json) > depth_max) {
        return NULL;
    }
    json_t *object = json_loadb(json.at, json.len, JSON_REJECT_DUPLICATES, &error);
    if (!json_is_object(object)) {
        json_decref(object);
        return NULL;
    }
    return object;
}

static struct str text_of(const json_t *value)
{
    if (!json_is_string(value)) {
        return (struct str){NULL, 0};
    }
    return (struct str){json_string_value(value), json_string_length(value)};
}

/* 0, or what is wrong with it. */
static int judge_header(const json_t *header, unsigned algorithms,
                        enum jwt_algorithm *out_algorithm)
{
    static const char *const refused[] = {"crit", "b64", "enc", "zip"};
    const json_t *id = json_object_get(header, "kid");
    struct str name = text_of(json_object_get(header, "alg"));
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        if (json_object_get(header, refused[i]) != NULL) {
            return JWT_ERR_FORMAT;
        }
    }
    if (id != NULL && (!json_is_string(id) || json_string_length(id) > JWT_KEY_ID_BYTES_MAX)) {
        return JWT_ERR_FORMAT;
    }
    if (name.at == NULL) {
        return JWT_ERR_FORMAT;
    }
    *out_algorithm = jwt_algorithm_of(name);
    if (*out_algorithm == JWT_ALGORITHMS || (algorithms & 1u << *out_algorithm) == 0) {
        return JWT_ERR_ALGORITHM;
    }
    return 0;
}

/* `bytes` is room. */
static int open_parts(const struct jwt_policy *policy, const struct parts *parts, struct buf *bytes)
{
    enum jwt_algorithm algorithm;
    bool has_key = false;
    if (!base64url_decode(parts->header, bytes)) {
        return JWT_ERR_FORMAT;
    }
    json_t *header = load_object(buf_str(bytes), HEADER_DEPTH_MAX);
    if (header == NULL) {
        return JWT_ERR_FORMAT;
    }
    int code = judge_header(header, policy->algorithms, &algorithm);
    bytes->len = 0;
    if (code == 0 && !base64url_decode(parts->signature, bytes)) {
        code = JWT_ERR_FORMAT;
    }
    if (code == 0 &&
        !jwt_keys_verify(policy->keys, algorithm, text_of(json_object_get(header, "kid")),
                         parts->signed_bytes, buf_str(bytes), &has_key)) {
        code = has_key ? JWT_ERR_SIGNATURE : JWT_ERR_KEY;
    }
    json_decref(header);
    return code;
}

int jwt_open(const struct jwt_policy *policy, struct str token, struct buf *out_payload)
{
    struct parts parts;
    struct buf bytes = {0};
    if (!split(token, &parts)) {
        return JWT_ERR_FORMAT;
    }
    int code = open_parts(policy, &parts, &bytes);
    if (code == 0 && !base64url_decode(parts.payload, out_payload)) {
        code = JWT_ERR_FORMAT;
    }
    buf_finish(&bytes);
    return code;
}

/* ---- claims ---- */

enum seconds { SECONDS_ABSENT, SECONDS_READ, SECONDS_WRONG };

/* NumericDate (RFC 7519 section 2), whole seconds; what was before 1970 is 1970. */
static enum seconds read_seconds(const json_t *claims, const char *name, uint64_t *out_s)
{
    const json_t *value = json_object_get(claims, name);
    if (value == NULL) {
        return SECONDS_ABSENT;
    }
    double seconds = json_number_value(value);
    if (!json_is_number(value) || !isfinite(seconds) || seconds > SECONDS_MAX) {
        return SECONDS_WRONG;
    }
    *out_s = seconds < 0 ? 0 : (uint64_t)seconds;
    return SECONDS_READ;
}

static int judge_start(const json_t *claims, const char *name, uint64_t latest_s)
{
    uint64_t from_s = 0;
    switch (read_seconds(claims, name, &from_s)) {
    case SECONDS_ABSENT:
        return 0;
    case SECONDS_WRONG:
        return JWT_ERR_CLAIMS;
    default:
        return from_s > latest_s ? JWT_ERR_EARLY : 0;
    }
}

static bool is_text(const json_t *value, const char *text)
{
    return json_is_string(value) && str_equal(text_of(value), str_of(text));
}

static bool is_for(const json_t *audience, const char *us)
{
    size_t count = json_array_size(audience);
    bool is_ours = is_text(audience, us);
    for (size_t i = 0; i < count; i++) {
        is_ours = is_ours || is_text(json_array_get(audience, i), us);
    }
    return is_ours;
}

static bool is_control_free(struct str text)
{
    for (size_t i = 0; i < text.len; i++) {
        uint8_t byte = (uint8_t)text.at[i];
        if (byte < 0x20 || byte == 0x7F) {
            return false;
        }
    }
    return true;
}

static void add_scalar(struct identity *out, const char *name, const json_t *value)
{
    char number[32];
    struct str text = text_of(value);
    if (json_is_integer(value)) {
        snprintf(number, sizeof number, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
        text = str_of(number);
    } else if (json_is_boolean(value)) {
        text = json_is_true(value) ? STR("true") : STR("false");
    }
    if (text.at != NULL) {
        identity_add_claim(out, str_of(name), text);
    }
}

/* A member of that name, or, name by name, of objects inside: `realm_access.roles`. */
static const json_t *find_claim(const json_t *claims, const char *path)
{
    const json_t *found = json_object_get(claims, path);
    struct str rest = str_of(path), name;
    if (found != NULL) {
        return found;
    }
    found = claims;
    while (found != NULL && str_next(&rest, '.', &name)) {
        found = json_object_getn(found, name.at, name.len);
    }
    return found;
}

/* A list of texts, or one text of words, as OAuth's `scope`. */
static void collect_roles(const json_t *roles, struct identity *out)
{
    struct str words = text_of(roles), word;
    while (words.at != NULL && str_next(&words, ' ', &word)) {
        if (word.len > 0) {
            identity_add_role(out, word);
        }
    }
    for (size_t i = 0; i < json_array_size(roles); i++) {
        struct str role = text_of(json_array_get(roles, i));
        if (role.len > 0) {
            identity_add_role(out, role);
        }
    }
}

/* False when nobody is named. */
static bool collect(const struct jwt_policy *policy, json_t *claims, struct identity *out)
{
    struct str user = text_of(find_claim(claims, policy->user_claim));
    const char *name;
    json_t *value;
    if (user.len == 0 || user.len > USER_BYTES_MAX || !is_control_free(user)) {
        return false;
    }
    buf_append_str(&out->user, user);
    json_object_foreach(claims, name, value)
    {
        add_scalar(out, name, value);
    }
    if (policy->roles_claim != NULL) {
        collect_roles(find_claim(claims, policy->roles_claim), out);
    }
    return true;
}

/* 0, or what is wrong; JWT_ERR_EXPIRED when that is all. */
static int judge_claims(const struct jwt_policy *policy, json_t *claims, uint64_t now_s,
                        struct identity *out)
{
    uint64_t latest_s = now_s + policy->leeway_s;
    int nbf = judge_start(claims, "nbf", latest_s);
    int iat = judge_start(claims, "iat", latest_s);
    if (policy->issuer != NULL && !is_text(json_object_get(claims, "iss"), policy->issuer)) {
        return JWT_ERR_ISSUER;
    }
    if (policy->audience != NULL && !is_for(json_object_get(claims, "aud"), policy->audience)) {
        return JWT_ERR_AUDIENCE;
    }
    if (nbf < 0 || iat < 0) {
        return nbf < 0 ? nbf : iat;
    }
    if (read_seconds(claims, "exp", &out->expires_s) != SECONDS_READ ||
        !collect(policy, claims, out)) {
        return JWT_ERR_CLAIMS;
    }
    out->expires_s += policy->leeway_s;
    return out->expires_s > now_s ? 0 : JWT_ERR_EXPIRED;
}

int jwt_verify(const struct jwt_policy *policy, struct str token, uint64_t now_s,
               struct identity *out)
{
    struct buf payload = {0};
    int code = jwt_open(policy, token, &payload);
    if (code == 0) {
        json_t *claims = load_object(buf_str(&payload), PAYLOAD_DEPTH_MAX);
        code = claims == NULL ? JWT_ERR_FORMAT : judge_claims(policy, claims, now_s, out);
        json_decref(claims);
    }
    if (code < 0) {
        identity_finish(out);
    }
    buf_finish(&payload);
    return code;
}
