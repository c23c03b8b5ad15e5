/* SPDX-License-Identifier: MIT
 *
 * The claim of a session: what the broker is asked before anything is written, and what follows
 * from its answer.
 *
 *   session_claim_send(); session_claim_answered(): NEW opens the session (`o`, the service, what
 *   came meanwhile), MOVED lets it go on here (session_move.c), all else ends it in the protocol's own words. No answer within
 *   timeouts.link_wait: 1013.
 */
#include <assert.h>

#include "common/log.h"
#include "common/mem.h"
#include "common/settings.h"
#include "gateway/session_state.h"

static void on_claim_late(struct wheel_entry *entry)
{
    struct session *session = MEM_CONTAINER(entry, struct session, timer);
    session_finish(session, &(struct session_end){.code = 1013,
                                                  .reason = STR("The message broker is away"),
                                                  .is_silent = true});
}

void session_claim_send(struct session *session)
{
    const struct endpoint_settings *endpoint = session->host.endpoint;
    session->claim = broker_link_number(session->sessions->link);
    const struct link_claim claim = {
        .request = session->claim,
        .session = session->host.session,
        .key = session->key,
        .family = session->family,
        .expire_ms = session->key.at == NULL ? 0 : (uint32_t)endpoint->disconnect_delay_ms,
    };
    wheel_add(&session->sessions->runtime->wheel, &session->timer,
              session->sessions->runtime->settings->timeouts.link_wait_ms, on_claim_late);
    broker_link_claim(session->sessions->link, &claim);
}

static const struct {
    unsigned code;
    const char *reason;
} claim_texts[] = {
    [LINK_CLAIM_BUSY] = {2010, "Another connection still open"},
    [LINK_CLAIM_OTHER] = {1002, "Connection interrupted"},
    [LINK_CLAIM_FULL] = {1013, "Too many sessions"},
};

/* It ended with frames that no receiver has got: as many as this response takes, then `c` if it takes
 * all. What is left goes back to the broker. */
static void collect_rest(struct session *session, const struct link_claimed *claimed)
{
    struct transport *transport = session->transport;
    session_pin(session);
    session_set_state(session, SESSION_OPEN);
    session_take_unsent(session, claimed->unsent);
    if (transport != NULL) {
        session_count_attached(session);
        transport->ops->opened(transport, false);
        session_send_queued(session);
    }
    session_finish(session, &(struct session_end){.code = claimed->code,
                                                  .reason = claimed->reason,
                                                  .remember_ms = session_remember_ms(session),
                                                  .is_repeated = true});
    session_unpin(session);
}

static void refuse_claim(struct session *session, const struct link_claimed *claimed)
{
    struct session_end end = {.is_silent = true};
    struct transport *transport = session->transport;
    bool is_404 =
        claimed->result == LINK_CLAIM_OTHER && transport != NULL && transport->ops->refuse != NULL;
    if (claimed->result == LINK_CLAIM_CLOSED && claimed->unsent.len > 0) {
        collect_rest(session, claimed);
        return;
    }
    if (claimed->result == LINK_CLAIM_CLOSED) {
        end.code = claimed->code;
        end.reason = claimed->reason;
    } else {
        end.code = claim_texts[claimed->result].code;
        end.reason = str_of(claim_texts[claimed->result].reason);
    }
    if (is_404) {
        session_unlink_transport(session);
    }
    session_finish(session, &end);
    if (is_404) {
        transport->ops->refuse(transport);
    }
}

/* `o` first, then the service, then what the client sent meanwhile. */
static void open_session(struct session *session)
{
    session_pin(session);
    session_set_state(session, SESSION_OPEN);
    session_count_attached(session);
    log_event(
        LOG_INFO, "session_opened", log_text("transport", session->transport->ops->name),
        log_text("endpoint", session->host.endpoint == NULL ? "tcp" : session->host.endpoint->path),
        log_str("session", session->host.name));
    session_beat_start(session);
    session->transport->ops->opened(session->transport, true);
    if (!session->is_over) {
        void *context = session->sessions->services->context[session->service_kind];
        void *service = session_service_ops(session)->open(context, &session->host);
        if (session->is_over) {
            assert(service == NULL); /* who closes inside open() keeps nothing */
        } else {
            session->service = service;
            session_inputs_run(session);
        }
    }
    session_unpin(session);
}

void session_claim_answered(struct session *session, const struct link_claimed *claimed)
{
    wheel_remove(&session->sessions->runtime->wheel, &session->timer);
    if (claimed->result != LINK_CLAIM_NEW && claimed->result != LINK_CLAIM_MOVED) {
        refuse_claim(session, claimed);
        return;
    }
    session->host.name =
        (struct str){mem_strndup(claimed->name.at, claimed->name.len), claimed->name.len};
    if (claimed->result == LINK_CLAIM_MOVED) {
        session_move_in(session, claimed);
        return;
    }
    session->sessions->runtime->stats.sessions_opened++;
    if (session->transport == NULL) {
        /* The client left before it had a session. */
        session_set_state(session, SESSION_OPEN);
        session_finish(session, &(struct session_end){.code = 1006, .reason = STR("left early")});
        return;
    }
    open_session(session);
}
