/* SPDX-License-Identifier: MIT
 *
 * Who a STOMP session's client is: found at CONNECT, asked at each SEND and SUBSCRIBE, over when its token expires.
 *
 *   stomp_identity_admit() finds the token in the places of `auth.jwt.from` and has it judged; stomp_identity_take()
 *   keeps who it names and sets the timer; on_expiry() looks at the clock again, since it may have been set, and
 *   ends the session with ERROR `token expired`.
 *
 * What the client is told is one of two sentences: why a token is wrong stands in our log only. Expiry is told, since
 * only a token that was right can have expired.
 */
#include "common/log.h"
#include "common/mem.h"
#include "common/settings.h"
#include "gateway/auth.h"
#include "gateway/checkpoint.h"
#include "gateway/jwt.h"
#include "gateway/rules.h"
#include "gateway/stomp_state.h"

#define LOOK_MS_MAX 60000 /* at the clock, however far expiry is */

struct stomp_identity {
    struct identity who;
    struct stomp_session *session;
    struct wheel_entry expiry;
};

static const char refused[] = "Access refused";
static const char expired[] = "token expired";

/* ---- expiry ---- */

static void on_expiry(struct wheel_entry *entry);

static void await_expiry(struct stomp_identity *identity)
{
    struct runtime *runtime = identity->session->stomp->runtime;
    uint64_t now_s = auth_now_s();
    uint64_t left_s = identity->who.expires_s > now_s ? identity->who.expires_s - now_s : 0;
    uint64_t left_ms = left_s < LOOK_MS_MAX / 1000 ? left_s * 1000 : LOOK_MS_MAX;
    wheel_add(&runtime->wheel, &identity->expiry, left_ms, on_expiry);
}

static void on_expiry(struct wheel_entry *entry)
{
    struct stomp_identity *identity = MEM_CONTAINER(entry, struct stomp_identity, expiry);
    struct stomp_session *session = identity->session;
    if (auth_now_s() < identity->who.expires_s) {
        await_expiry(identity);
        return;
    }
    stomp_enter(session);
    session->stomp->runtime->stats.tokens_expired++;
    stomp_fail(session, expired, (struct str){NULL, 0});
    stomp_leave(session);
}

/* ---- life ---- */

/* What `who` holds moves into the session. */
static void take_identity(struct stomp_session *session, struct identity *who)
{
    struct stomp_identity *identity = mem_zalloc(sizeof *identity);
    identity->who = *who;
    *who = (struct identity){0};
    identity->session = session;
    session->identity = identity;
    if (identity->who.expires_s != IDENTITY_FOREVER) {
        await_expiry(identity);
    }
}

void stomp_identity_drop(struct stomp_session *session)
{
    struct stomp_identity *identity = session->identity;
    session->identity = NULL;
    if (identity != NULL) {
        wheel_remove(&session->stomp->runtime->wheel, &identity->expiry);
        identity_finish(&identity->who);
        mem_free(identity);
    }
}

void stomp_identity_freeze(const struct stomp_session *session, struct checkpoint_stomp *out)
{
    if (session->identity != NULL) {
        const struct identity *who = &session->identity->who;
        out->user = buf_str(&who->user);
        out->expires_s = who->expires_s;
        out->claims = buf_str(&who->claims);
        out->roles = buf_str(&who->roles);
    }
}

void stomp_identity_thaw(struct stomp_session *session, const struct checkpoint_stomp *frozen)
{
    struct identity who = {.expires_s = frozen->expires_s};
    if (frozen->user.len > 0) {
        buf_append_str(&who.user, frozen->user);
        buf_append_str(&who.claims, frozen->claims);
        buf_append_str(&who.roles, frozen->roles);
        take_identity(session, &who);
    }
}

/* ---- CONNECT ---- */

static struct str find_token(const struct jwt_settings *settings, const struct stomp_frame *frame)
{
    static const struct str prefix = {"header:", 7};
    struct str token = {NULL, 0};
    for (size_t i = 0; token.at == NULL && i < settings->from_count; i++) {
        const char *place = settings->from[i];
        const char *name = str_starts(str_of(place), prefix) ? place + prefix.len : place;
        token = auth_token_of(stomp_frame_header(frame, name));
    }
    return token;
}

static const char *refuse(struct stomp_session *session, const char *reason, const char *text)
{
    session->stomp->runtime->stats.logins_refused++;
    log_event(LOG_INFO, "login_refused", log_str("session", session->host->name),
              log_text("reason", reason));
    return text;
}

const char *stomp_identity_admit(struct stomp_session *session, const struct stomp_frame *frame)
{
    struct runtime *runtime = session->stomp->runtime;
    const struct auth_settings *settings = &runtime->settings->auth;
    const struct endpoint_settings *endpoint = session->host->endpoint;
    struct identity who = {0};
    if (endpoint != NULL && endpoint->auth == AUTH_NONE) {
        return NULL;
    }
    struct str token = {NULL, 0};
    if (runtime->auth != NULL) {
        token = find_token(&settings->jwt, frame);
    }
    if (token.at == NULL) {
        return settings->allows_anonymous ? NULL : refuse(session, "no token", refused);
    }
    int code = auth_verify(runtime->auth, token, &who);
    if (code < 0) {
        return refuse(session, jwt_error_name(code), code == JWT_ERR_EXPIRED ? expired : refused);
    }
    runtime->stats.logins++;
    take_identity(session, &who);
    return NULL;
}

bool stomp_identity_is_secret(const struct stomp_session *session, struct str name)
{
    const struct jwt_settings *settings = &session->stomp->runtime->settings->auth.jwt;
    static const struct str prefix = {"header:", 7};
    for (size_t i = 0; i < settings->from_count; i++) {
        struct str place = str_of(settings->from[i]);
        if (str_starts(place, prefix) &&
            str_equal_nocase((struct str){place.at + prefix.len, place.len - prefix.len}, name)) {
            return true;
        }
    }
    return str_equal(name, STR("passcode"));
}

/* ---- SEND and SUBSCRIBE ---- */

static const char *check_right(struct stomp_session *session, enum rules_action action,
                               struct str destination, bool is_pattern)
{
    struct stomp *stomp = session->stomp;
    const struct rules_asker asker = {
        .identity = session->identity == NULL ? NULL : &session->identity->who,
        .session = session->host->name,
    };
    if (rules_allow(stomp->rules, action, destination, is_pattern, &asker)) {
        return NULL;
    }
    stomp->runtime->stats.rules_refused++;
    stomp->denied = destination;
    return action == RULES_SEND ? "You may not send to this destination"
                                : "You may not subscribe to this destination";
}

const char *stomp_check_may_send(struct stomp_session *session, struct str destination)
{
    return check_right(session, RULES_SEND, destination, false);
}

const char *stomp_check_may_subscribe(struct stomp_session *session, struct str destination,
                                      bool is_pattern)
{
    return check_right(session, RULES_SUBSCRIBE, destination, is_pattern);
}
