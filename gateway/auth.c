/* SPDX-License-Identifier: MIT
 *
 * The keys of tokens, from their file to a verdict.
 *
 *   auth_create() and auth_reload(): load() reads the file and makes a set of keys aside; what is wrong is logged as
 *   `keys_refused` and leaves what was there.
 *   auth_verify(): jwt.c, by the clock of the wall.
 *
 * Algorithms that are configured and fit no key are an error, too: nobody could ever come in by them.
 */
#include "gateway/auth.h"

#include <errno.h>
#include <stdio.h>
#include <time.h>

#include "common/err.h"
#include "common/log.h"
#include "common/mem.h"
#include "common/settings.h"
#include "gateway/base64url.h"
#include "gateway/jwks.h"
#include "gateway/jwt.h"

#define HMACS (1u << JWT_HS256 | 1u << JWT_HS384 | 1u << JWT_HS512)
#define SIGNATURES (1u << JWT_RS256 | 1u << JWT_ES256)

struct auth {
    const struct auth_settings *settings;
    struct jwt_keys keys;
    struct jwt_policy policy;
};

uint64_t auth_now_s(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return now.tv_sec < 0 ? 0 : (uint64_t)now.tv_sec;
}

/* ---- files ---- */

/* NULL, or what is wrong. */
static const char *read_file(const char *path, struct buf *out)
{
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        return strerror(errno);
    }
    out->len = fread(buf_reserve(out, JWKS_BYTES_MAX + 1), 1, JWKS_BYTES_MAX + 1, file);
    const char *wrong = ferror(file)                ? "it cannot be read"
                        : out->len > JWKS_BYTES_MAX ? "it is larger than 1 MiB"
                        : out->len == 0             ? "it is empty"
                                                    : NULL;
    (void)fclose(file);
    return wrong;
}

/* Its last line end is the editor's. */
static struct str without_line_end(struct str text)
{
    if (text.len > 0 && text.at[text.len - 1] == '\n') {
        text.len--;
        if (text.len > 0 && text.at[text.len - 1] == '\r') {
            text.len--;
        }
    }
    return text;
}

/* Either alphabet, padded or not. */
static bool decode_secret(struct str text, struct buf *out)
{
    struct buf digits = {0};
    while (text.len > 0 && text.at[text.len - 1] == '=') {
        text.len--;
    }
    for (size_t i = 0; i < text.len; i++) {
        char digit = text.at[i];
        buf_append_byte(&digits, (uint8_t)(digit == '+' ? '-' : digit == '/' ? '_' : digit));
    }
    bool is_good = base64url_decode(buf_str(&digits), out);
    if (digits.data != NULL) {
        explicit_bzero(digits.data, digits.len);
    }
    buf_finish(&digits);
    return is_good;
}

static const char *load_secret(const struct jwt_settings *settings, struct str text,
                               unsigned algorithms, struct jwt_keys *keys)
{
    const struct str no_id = {NULL, 0};
    struct buf secret = {0};
    const char *wrong = "it is no base64";
    text = without_line_end(text);
    if (settings->secret_encoding == SECRET_TEXT) {
        return jwt_keys_add_secret(keys, no_id, text, algorithms);
    }
    if (decode_secret(text, &secret)) {
        wrong = jwt_keys_add_secret(keys, no_id, buf_str(&secret), algorithms);
    }
    if (secret.data != NULL) {
        explicit_bzero(secret.data, secret.len);
    }
    buf_finish(&secret);
    return wrong;
}

static const char *file_of(const struct jwt_settings *settings)
{
    return settings->secret_file != NULL ? settings->secret_file
           : settings->key_file != NULL  ? settings->key_file
                                         : settings->jwks_file;
}

static const char *option_of(const struct jwt_settings *settings)
{
    return settings->secret_file != NULL ? "gateway.auth.jwt.secret_file"
           : settings->key_file != NULL  ? "gateway.auth.jwt.key_file"
                                         : "gateway.auth.jwt.jwks_file";
}

static unsigned algorithms_of(const struct jwt_settings *settings)
{
    unsigned algorithms = 0;
    for (size_t i = 0; i < settings->algorithm_count; i++) {
        algorithms |= 1u << jwt_algorithm_of(str_of(settings->algorithms[i]));
    }
    if (algorithms != 0) {
        return algorithms;
    }
    return settings->secret_file != NULL ? 1u << JWT_HS256 : SIGNATURES;
}

static const char *judge_keys(const struct jwt_settings *settings, const struct jwt_keys *keys)
{
    bool has_secrets = (jwt_keys_algorithms(keys) & HMACS) != 0;
    if (settings->algorithm_count == 0 && jwt_keys_algorithms(keys) == 0) {
        return "no key in it is for RS256 or ES256: name others in gateway.auth.jwt.algorithms";
    }
    if (jwt_keys_algorithms(keys) == 0) {
        return "no key in it is for one of gateway.auth.jwt.algorithms";
    }
    if (settings->secret_file == NULL && settings->key_file != NULL && has_secrets) {
        return "a public key is no secret";
    }
    return NULL;
}

/* NULL, or what is wrong; `keys` is to be finished in both cases. */
static const char *load(const struct jwt_settings *settings, struct jwt_keys *keys)
{
    struct buf text = {0};
    unsigned algorithms = algorithms_of(settings);
    const char *wrong = read_file(file_of(settings), &text);
    if (wrong != NULL) {
    } else if (settings->secret_file != NULL) {
        wrong = load_secret(settings, buf_str(&text), algorithms, keys);
    } else if (settings->key_file != NULL) {
        wrong = jwt_keys_add_pem(keys, buf_str(&text), algorithms);
    } else {
        wrong = jwks_read(buf_str(&text), algorithms, keys);
    }
    if (wrong == NULL) {
        wrong = judge_keys(settings, keys);
    }
    if (text.data != NULL) {
        explicit_bzero(text.data, text.len);
    }
    buf_finish(&text);
    return wrong;
}

static void take_keys(struct auth *auth, struct jwt_keys *keys)
{
    jwt_keys_finish(&auth->keys);
    if (keys->first != NULL) {
        auth->keys = *keys;
    }
    log_event(LOG_INFO, "keys_loaded", log_text("option", option_of(&auth->settings->jwt)),
              log_u64("keys", auth->keys.count));
}

static int read_keys(struct auth *auth)
{
    struct jwt_keys keys;
    jwt_keys_init(&keys);
    const char *wrong = load(&auth->settings->jwt, &keys);
    if (wrong != NULL) {
        log_event(LOG_ERROR, "keys_refused", log_text("option", option_of(&auth->settings->jwt)),
                  log_text("file", file_of(&auth->settings->jwt)), log_text("reason", wrong));
        jwt_keys_finish(&keys);
        return ERR_ABSENT;
    }
    take_keys(auth, &keys);
    return 0;
}

int auth_create(const struct auth_settings *settings, struct auth **out_auth)
{
    const struct jwt_settings *jwt = &settings->jwt;
    if (file_of(jwt) == NULL) {
        *out_auth = NULL;
        return 0;
    }
    struct auth *auth = mem_zalloc(sizeof *auth);
    auth->settings = settings;
    jwt_keys_init(&auth->keys);
    auth->policy = (struct jwt_policy){
        .keys = &auth->keys,
        .algorithms = algorithms_of(jwt),
        .issuer = jwt->issuer,
        .audience = jwt->audience,
        .user_claim = jwt->user_claim,
        .roles_claim = jwt->roles_claim,
        .leeway_s = jwt->leeway_ms / 1000,
    };
    int code = read_keys(auth);
    if (code < 0) {
        auth_destroy(auth);
        return code;
    }
    *out_auth = auth;
    return 0;
}

void auth_destroy(struct auth *auth)
{
    if (auth != NULL) {
        jwt_keys_finish(&auth->keys);
        mem_free(auth);
    }
}

void auth_reload(struct auth *auth)
{
    if (auth != NULL && read_keys(auth) < 0) {
        /* Who has a right token still comes in by the old keys. */
        return;
    }
}

/* ---- tokens ---- */

struct str auth_token_of(struct str value)
{
    static const struct str bearer = {"Bearer ", 7};
    const struct str none = {NULL, 0};
    value = str_trim(value);
    if (value.len >= bearer.len && str_equal_nocase((struct str){value.at, bearer.len}, bearer)) {
        value = str_trim((struct str){value.at + bearer.len, value.len - bearer.len});
    }
    if (value.len == 0 || str_equal(value, STR("null")) || str_equal(value, STR("undefined")) ||
        str_equal_nocase(value, STR("Bearer"))) {
        return none;
    }
    return value;
}

int auth_verify(const struct auth *auth, struct str token, struct identity *out)
{
    return jwt_verify(&auth->policy, token, auth_now_s(), out);
}
