/* SPDX-License-Identifier: MIT
 *
 * STOMP heart-beats, and before them the login deadline: one wheel entry a session.
 *
 *   on_due() looks at when something was last written and last heard, does what is due, and sleeps
 *   until the next of the two; data is as good as a beat, and costs no more than its time stamp.
 *
 * LF goes out when nothing was written for half the interval: some clients give up a tenth of a
 * second after a whole one. A client is dead after three of its intervals, never sooner than
 * gateway.heartbeat.floor; while we do not read from it ourselves it cannot die.
 */
#include "common/process.h"
#include "common/settings.h"
#include "gateway/stomp_state.h"

#define PATIENCE 3 /* intervals of silence */
#define INTERVAL_MS_MAX 3600000

bool stomp_heartbeat_parse(struct str header, uint64_t *out_sends_ms, uint64_t *out_wants_ms)
{
    struct str rest = header;
    struct str sends;
    struct str wants;
    unsigned long long sends_ms;
    unsigned long long wants_ms;
    if (!str_next(&rest, ',', &sends) || !str_next(&rest, ',', &wants) || rest.len > 0 ||
        !str_to_u64(str_trim(sends), UINT64_MAX, &sends_ms) ||
        !str_to_u64(str_trim(wants), UINT64_MAX, &wants_ms)) {
        return false;
    }
    *out_sends_ms = sends_ms < INTERVAL_MS_MAX ? sends_ms : INTERVAL_MS_MAX;
    *out_wants_ms = wants_ms < INTERVAL_MS_MAX ? wants_ms : INTERVAL_MS_MAX;
    return true;
}

static uint64_t earlier(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* Writes what is due; how long it may sleep. */
static uint64_t beat_out(struct stomp_session *session, uint64_t now)
{
    const struct service_host *host = session->host;
    uint64_t half = session->out_ms / 2;
    if (session->out_ms == 0) {
        return UINT64_MAX;
    }
    uint64_t idle = now - host->ops->written_ms(host->data);
    if (idle < half) {
        return half - idle;
    }
    host->ops->send(host->data, session->stomp->beat);
    return half;
}

static uint64_t patience_ms(const struct stomp_session *session)
{
    uint64_t floor = session->stomp->runtime->settings->heartbeat.floor_ms;
    uint64_t patience = (uint64_t)PATIENCE * session->in_ms;
    return patience > floor ? patience : floor;
}

/* How long the client may still be silent; 0: too long already. */
static uint64_t listen_in(const struct stomp_session *session, uint64_t now)
{
    const struct service_host *host = session->host;
    uint64_t patience = patience_ms(session);
    if (session->in_ms == 0) {
        return UINT64_MAX;
    }
    uint64_t silence = now - host->ops->read_ms(host->data);
    if (session->is_paused) {
        return patience;
    }
    return silence < patience ? patience - silence : 0;
}

static void on_due(struct wheel_entry *entry)
{
    struct stomp_session *session = MEM_CONTAINER(entry, struct stomp_session, timer);
    struct runtime *runtime = session->stomp->runtime;
    uint64_t now = runtime_now(runtime);
    stomp_enter(session);
    uint64_t next_in = listen_in(session, now);
    if (next_in == 0) {
        stomp_fail(session, "heart-beat timeout", (struct str){NULL, 0});
    } else {
        uint64_t next_out = beat_out(session, now);
        if (!stomp_is_over(session)) {
            wheel_add(&runtime->wheel, &session->timer, earlier(next_in, next_out), on_due);
        }
    }
    stomp_leave(session);
}

/* The first one is drawn, so that those who came together do not beat together. */
void stomp_heartbeat_start(struct stomp_session *session)
{
    struct runtime *runtime = session->stomp->runtime;
    uint64_t first = session->in_ms == 0 ? UINT64_MAX : patience_ms(session);
    wheel_remove(&runtime->wheel, &session->timer);
    if (session->out_ms > 0) {
        uint32_t random;
        process_random(&random, sizeof random);
        uint64_t quarter = session->out_ms / 4;
        first = earlier(first, quarter + random % (quarter + 1));
    }
    if (first != UINT64_MAX) {
        wheel_add(&runtime->wheel, &session->timer, first, on_due);
    }
}

static void on_login_late(struct wheel_entry *entry)
{
    struct stomp_session *session = MEM_CONTAINER(entry, struct stomp_session, timer);
    stomp_enter(session);
    stomp_fail(session, "No CONNECT within the login deadline", (struct str){NULL, 0});
    stomp_leave(session);
}

void stomp_heartbeat_await_login(struct stomp_session *session, uint64_t delay_ms)
{
    wheel_add(&session->stomp->runtime->wheel, &session->timer, delay_ms, on_login_late);
}
