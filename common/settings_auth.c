/* SPDX-License-Identifier: MIT
 *
 * Rules of gateway.auth and gateway.rules that a row's bounds cannot say, and what follows from their values.
 *
 * Key files are not looked at here: a configuration can be checked on another machine. gateway/auth.c reads them.
 */
#include <jansson.h>
#include <string.h>

#include "common/mem.h"
#include "common/settings_internal.h"

#define SEGMENTS_MAX 16

/* Braces are closed, hold no regular expression, and a value's name is one we know. */
static bool has_good_braces(struct str segment)
{
    const char *open = NULL;
    for (size_t i = 0; i < segment.len; i++) {
        const char *at = segment.at + i;
        if (open != NULL && (*at == '{' || *at == ':')) {
            return false;
        }
        if (*at == '{') {
            open = at;
        } else if (*at == '}' && open != NULL) {
            struct str name = {open + 1, (size_t)(at - open - 1)};
            if (name.len == 0 || str_equal(name, STR("claim.")) ||
                (!str_starts(name, STR("claim.")) && memchr(name.at, '.', name.len) != NULL)) {
                return false;
            }
            open = NULL;
        }
    }
    return open == NULL;
}

const char *settings_check_match(const char *pattern)
{
    struct str rest = str_of(pattern), segment;
    size_t count = 0;
    bool is_good = true;
    while (str_next(&rest, '/', &segment)) {
        count += segment.len > 0 ? 1 : 0;
        is_good = is_good && has_good_braces(segment);
    }
    if (count == 0 || count > SEGMENTS_MAX || !is_good) {
        return "expected a pattern of destinations such as \"/topic/chat/*\" or "
               "\"/topic/inbox/{user}\", of at most 16 segments, in braces names, user, session or "
               "claim.name";
    }
    return NULL;
}

/* False when it is none. *out_role is the caller's to free. */
static bool read_permission(const char *text, enum permission_kind *out_kind, char **out_role)
{
    json_t *json = json_loads(text, JSON_DECODE_ANY | JSON_REJECT_DUPLICATES, NULL);
    const json_t *role = json_object_get(json, "role");
    bool is_good = json_is_boolean(json);
    *out_kind = json_is_true(json) ? PERMISSION_EVERYBODY : PERMISSION_NOBODY;
    if (json_object_size(json) == 1 && json_string_length(role) > 0) {
        is_good = true;
        *out_kind = PERMISSION_ROLE;
        *out_role = mem_strdup(json_string_value(role));
    }
    json_decref(json);
    return is_good;
}

const char *settings_check_permission(const char *text)
{
    enum permission_kind kind;
    char *role = NULL;
    bool is_good = read_permission(text, &kind, &role);
    mem_free(role);
    return is_good ? NULL : "expected true, false, or an object such as {\"role\": \"admin\"}";
}

static void derive_permission(const char *text, struct permission_settings *out)
{
    if (text != NULL && out->role == NULL) {
        bool is_good = read_permission(text, &out->kind, &out->role);
        (void)is_good; /* it was judged when it was read */
    }
}

void settings_derive_rules(struct gateway_settings *gateway)
{
    for (size_t i = 0; i < gateway->rule_count; i++) {
        derive_permission(gateway->rules[i].send, &gateway->rules[i].may_send);
        derive_permission(gateway->rules[i].subscribe, &gateway->rules[i].may_subscribe);
    }
}

void settings_finish_rules(struct gateway_settings *gateway)
{
    for (size_t i = 0; i < gateway->rule_count; i++) {
        mem_free(gateway->rules[i].may_send.role);
        mem_free(gateway->rules[i].may_subscribe.role);
    }
}

const char *settings_check_token_place(const char *place)
{
    struct str text = str_of(place);
    if (str_equal(text, STR("passcode")) ||
        (str_starts(text, STR("header:")) && text.len > strlen("header:"))) {
        return NULL;
    }
    return "expected \"header:\" and the name of a header of CONNECT, or \"passcode\"";
}

const char *settings_check_algorithm(const char *name)
{
    static const char *const families[] = {"HS", "RS", "PS", "ES"};
    static const char *const sizes[] = {"256", "384", "512"};
    for (size_t i = 0; i < MEM_COUNT(families); i++) {
        for (size_t j = 0; j < MEM_COUNT(sizes); j++) {
            if (strncmp(name, families[i], 2) == 0 && strcmp(name + 2, sizes[j]) == 0) {
                return NULL;
            }
        }
    }
    return "expected HS, RS, PS or ES and 256, 384 or 512, such as \"RS256\"";
}

bool settings_has_jwt(const struct auth_settings *auth)
{
    return auth->jwt.secret_file != NULL || auth->jwt.key_file != NULL ||
           auth->jwt.jwks_file != NULL;
}

static bool is_mixed(const struct jwt_settings *jwt)
{
    size_t secrets = 0;
    for (size_t i = 0; i < jwt->algorithm_count; i++) {
        secrets += jwt->algorithms[i][0] == 'H' ? 1 : 0;
    }
    return secrets > 0 && secrets < jwt->algorithm_count;
}

void settings_check_auth(const struct gateway_settings *gateway, struct options *options,
                         void (*warn)(const char *path, const char *reason))
{
    const struct jwt_settings *jwt = &gateway->auth.jwt;
    unsigned files = (jwt->secret_file != NULL ? 1u : 0) + (jwt->key_file != NULL ? 1u : 0) +
                     (jwt->jwks_file != NULL ? 1u : 0);
    if (files > 1) {
        options_fail(options, "gateway.auth.jwt",
                     "expected one of secret_file, key_file and jwks_file, got %u", files);
    }
    if (is_mixed(jwt)) {
        options_fail(
            options, "gateway.auth.jwt.algorithms",
            "expected algorithms of secrets (HS) or of public keys (RS, PS, ES), not both: a "
            "public key must never be taken for a secret");
    }
    if (files > 0 && jwt->issuer == NULL && jwt->audience == NULL && jwt->secret_file == NULL) {
        warn("gateway.auth.jwt.audience",
             "neither audience nor issuer is set: every token of whoever has the key is let in");
    }
}
