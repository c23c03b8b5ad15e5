/* SPDX-License-Identifier: MIT
 *
 * Heart-beats of SockJS (`h`), and WebSocket pings: one where nothing was written for the
 * endpoint's sockjs_heartbeat.
 *
 * A service that beats itself (STOMP heart-beats that were negotiated) silences them.
 */
#include "common/settings.h"
#include "gateway/session_state.h"

#define JSONP_BEAT_MS_MAX 30000 /* its client gives a poll up after 35 s */

static uint64_t beat_interval(const struct session *session)
{
    uint64_t interval =
        session->host.endpoint == NULL ? 0 : session->host.endpoint->sockjs_heartbeat_ms;
    if (session->family == LINK_FAMILY_JSONP && interval > JSONP_BEAT_MS_MAX) {
        interval = JSONP_BEAT_MS_MAX;
    }
    return interval;
}

/* Any write within the interval stands for the beat: the entry then only moves. */
static void on_beat(struct wheel_entry *entry)
{
    struct session *session = MEM_CONTAINER(entry, struct session, timer);
    const struct service_ops *ops = session_service_ops(session);
    uint64_t interval = beat_interval(session);
    uint64_t idle = runtime_now(session->sessions->runtime) - session->written_ms;
    if (session->service != NULL && ops->beats(session->service)) {
        idle = 0;
    }
    if (idle < interval) {
        wheel_add(&session->sessions->runtime->wheel, &session->timer, interval - idle, on_beat);
        return;
    }
    wheel_add(&session->sessions->runtime->wheel, &session->timer, interval, on_beat);
    session->transport->ops->beat(session->transport);
}

void session_beat_start(struct session *session)
{
    uint64_t interval = beat_interval(session);
    if (interval > 0 && session->transport->ops->beat != NULL) {
        wheel_add(&session->sessions->runtime->wheel, &session->timer, interval, on_beat);
    }
}
