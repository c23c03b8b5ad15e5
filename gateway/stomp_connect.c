/* SPDX-License-Identifier: MIT
 *
 * CONNECT: version, heart-beats, who it is.
 *
 * The version is negotiated by accept-version alone, as a set; a WebSocket subprotocol is only
 * echoed, never trusted. Clients of 1.0 send heart-beat headers out of habit, but no beats: with
 * 1.0 there are none.
 */
#include "common/mem.h"
#include "common/settings.h"
#include "gateway/stomp_state.h"

#define INTERVAL_MS_MIN 500

static const struct {
    struct str name;
    enum stomp_version version;
} versions[] = {
    {{"1.2", 3}, STOMP_1_2},
    {{"1.1", 3}, STOMP_1_1},
    {{"1.0", 3}, STOMP_1_0},
};

static bool offers(struct str accepted, struct str version)
{
    struct str part;
    while (str_next(&accepted, ',', &part)) {
        if (str_equal(str_trim(part), version)) {
            return true;
        }
    }
    return false;
}

/* False when there is none in common. */
static bool choose_version(struct stomp_session *session, const struct stomp_frame *frame)
{
    struct str accepted = stomp_frame_header(frame, "accept-version");
    if (accepted.at == NULL) {
        session->version = STOMP_1_0;
        return true;
    }
    for (size_t i = 0; i < MEM_COUNT(versions); i++) {
        if (offers(accepted, versions[i].name)) {
            session->version = (uint8_t)versions[i].version;
            return true;
        }
    }
    return false;
}

static uint64_t at_least(uint64_t value, uint64_t least)
{
    return value == 0 || value > least ? value : least;
}

static uint64_t agree(uint64_t one, uint64_t other)
{
    if (one == 0 || other == 0) {
        return 0;
    }
    return one > other ? one : other;
}

struct intervals {
    uint64_t send_ms; /* what CONNECTED advertises */
    uint64_t receive_ms;
};

static struct intervals negotiate(struct stomp_session *session, const struct stomp_frame *frame)
{
    const struct heartbeat_settings *settings = &session->stomp->runtime->settings->heartbeat;
    struct intervals ours = {at_least(settings->send_ms, INTERVAL_MS_MIN),
                             at_least(settings->receive_ms, INTERVAL_MS_MIN)};
    struct str header = stomp_frame_header(frame, "heart-beat");
    uint64_t sends_ms = 0;
    uint64_t wants_ms = 0;
    if (session->version == STOMP_1_0) {
        return (struct intervals){0, 0};
    }
    if (header.at != NULL) {
        (void)stomp_heartbeat_parse(header, &sends_ms, &wants_ms); /* checked before */
    }
    session->in_ms = (uint32_t)agree(sends_ms, ours.receive_ms);
    session->out_ms = (uint32_t)agree(ours.send_ms, wants_ms);
    return ours;
}

static void put(struct stomp_session *session, const char *name, struct str value)
{
    stomp_encode_header(&session->stomp->scratch, (enum stomp_version)session->version,
                        STOMP_CONNECTED, str_of(name), value);
}

static struct str version_name(uint8_t version)
{
    for (size_t i = 0; i < MEM_COUNT(versions); i++) {
        if (versions[i].version == version) {
            return versions[i].name;
        }
    }
    return (struct str){NULL, 0};
}

/* Name, version, and which replica it is: the comment that STOMP's grammar of `server` allows. */
static void put_server(struct stomp_session *session)
{
    const struct gateway_settings *settings = session->stomp->runtime->settings;
    struct buf server = {0};
    if (!settings->has_server_header) {
        return;
    }
    buf_append_text(&server, "sluice/" SLUICE_VERSION " ");
    buf_append_text(&server, settings->name);
    put(session, "server", buf_str(&server));
    buf_finish(&server);
}

static void send_connected(struct stomp_session *session, struct intervals ours)
{
    struct stomp *stomp = session->stomp;
    struct buf beats = {0};
    stomp->scratch.len = 0;
    stomp_encode_begin(&stomp->scratch, STOMP_CONNECTED);
    put(session, "version", version_name(session->version));
    buf_append_u64(&beats, ours.send_ms);
    buf_append_byte(&beats, ',');
    buf_append_u64(&beats, ours.receive_ms);
    put(session, "heart-beat", buf_str(&beats));
    buf_finish(&beats);
    put(session, "session", session->host->name);
    put_server(session);
    stomp_encode_end(&stomp->scratch, (struct str){"", 0});
    stomp_send_scratch(session);
}

const char *stomp_check_connect(struct stomp_session *session, const struct stomp_frame *frame)
{
    struct str beats = stomp_frame_header(frame, "heart-beat");
    uint64_t ignored;
    (void)session;
    if (beats.at != NULL && !stomp_heartbeat_parse(beats, &ignored, &ignored)) {
        return "The heart-beat header must be two numbers of milliseconds";
    }
    return NULL;
}

void stomp_connect(struct stomp_session *session, const struct stomp_frame *frame)
{
    if (!choose_version(session, frame)) {
        stomp_fail_versions(session);
        return;
    }
    const char *refusal = stomp_identity_admit(session, frame);
    if (refusal != NULL) {
        stomp_fail(session, refusal, (struct str){NULL, 0});
        return;
    }
    struct intervals ours = negotiate(session, frame);
    stomp_set_phase(session, STOMP_CONNECTED_PHASE);
    stomp_set_limits(session);
    stomp_heartbeat_start(session);
    send_connected(session, ours);
}
