/* SPDX-License-Identifier: MIT
 *
 * What the broker keeps for a session, should this gateway be killed: a log of what it was sent, and a checkpoint.
 *
 *   session_push() queues a frame under the number of the link's message it comes of, and notes whether it is the session's
 *   own (a RECEIPT, an echo) or a delivery, which the log has;
 *   session_confirm() lets the log go up to the first frame that is still queued; where own frames have gone that the last
 *   checkpoint has, it is made anew, before they are written: they would come twice. A poll confirms before its response is
 *   written (session_take()), a stream at the end of the turn (session_confirm_later());
 *   session_put_state() makes the checkpoint: conversation, relays, own frames.
 *
 * A frame made while no message of the link is handled comes of the next one: nothing before it is needed for it, since the
 * body it belongs to ends with a checkpoint. Answers that no frame came of are confirmed by the way, each
 * ANSWERS_UNCONFIRMED_MAX of them.
 *
 * A state that is too long to be kept is sent once, and refused: then the broker knows that the session cannot go on
 * without this gateway. It is looked at again after STATE_SKIPS bodies, and sent when it has shrunk.
 */
#include "common/mem.h"
#include "gateway/session_state.h"

#define ANSWERS_UNCONFIRMED_MAX 64
#define STATE_SKIPS 15

void session_push(struct session *session, struct shared_frame *frame)
{
    const struct broker_link *link = session->sessions->link;
    session_queue_push(&session->queue, frame, broker_link_mark(link),
                       !broker_link_is_delivering(link));
}

/* ---- the state ---- */

void session_note_state(struct session *session)
{
    session->has_kept_own = session->queue.own_count > 0;
    session->own_popped = session->queue.own_popped;
}

bool session_put_whole_state(struct session *session, struct buf *out)
{
    session_put_checkpoint(session, true, out);
    session->is_state_refused = out->len > LINK_STATE_BYTES_MAX;
    session->state_skips = session->is_state_refused ? STATE_SKIPS : 0;
    if (session->is_state_refused) {
        out->len = 0;
        return false;
    }
    session_note_state(session);
    return true;
}

void session_put_state(struct session *session, struct buf *out)
{
    bool was_refused = session->is_state_refused;
    if (session->state_skips > 0) {
        session->state_skips--;
    } else if (!session_put_whole_state(session, out) && !was_refused) {
        session_put_checkpoint(session, true, out); /* to be refused */
    }
}

static void send_state(struct session *session)
{
    struct buf state = {0};
    session_put_state(session, &state);
    if (state.len > 0) {
        broker_link_checkpoint(
            session->sessions->link,
            &(struct link_checkpoint){.session = session->host.session, .state = buf_str(&state)});
    }
    buf_finish(&state);
}

/* ---- confirming ---- */

static bool is_kept(const struct session *session)
{
    return session->key.at != NULL && !session->is_over && session->state != SESSION_CONNECTING;
}

void session_confirm(struct session *session)
{
    const struct session_queue *queue = &session->queue;
    struct broker_link *link = session->sessions->link;
    if (!is_kept(session)) {
        return;
    }
    if (session->has_kept_own && queue->own_popped != session->own_popped) {
        send_state(session);
    }
    uint64_t number =
        queue->count > 0 ? session_queue_number_at(queue, 0) - 1 : broker_link_mark(link) - 1;
    session->unconfirmed = 0;
    if (number > session->confirmed) {
        session->confirmed = number;
        broker_link_confirm(link, session->host.session, number);
    }
}

static void confirm_streams(struct turn_entry *entry)
{
    struct sessions *sessions = MEM_CONTAINER(entry, struct sessions, confirm);
    struct buf streams = sessions->streams;
    sessions->streams = (struct buf){0};
    for (size_t at = 0; at < streams.len; at += sizeof(uint64_t)) {
        uint64_t handle;
        memcpy(&handle, streams.data + at, sizeof handle);
        struct session *session = map_get_u64(&sessions->by_handle, &handle);
        if (session == NULL) {
            continue;
        }
        session->is_written = false;
        if (session->transport == NULL ||
            session->transport->ops->queued(session->transport) == 0) {
            session_confirm(session);
        }
    }
    buf_finish(&streams);
}

void session_confirm_later(struct session *session)
{
    struct sessions *sessions = session->sessions;
    if (!session->is_written && is_kept(session)) {
        session->is_written = true;
        buf_append(&sessions->streams, &session->host.session, sizeof session->host.session);
        turn_add(&sessions->runtime->turn, &sessions->confirm, confirm_streams);
    }
}

void session_count_answer(struct session *session)
{
    if (++session->unconfirmed >= ANSWERS_UNCONFIRMED_MAX) {
        session_confirm(session);
    }
}

/* ---- another link ---- */

/* All that is queued goes with RESTORE: the log is of a link that is lost. */
void session_put_restored_state(struct session *session, struct buf *out)
{
    session_queue_own_all(&session->queue, broker_link_mark(session->sessions->link));
    session->confirmed = 0;
    (void)session_put_whole_state(session, out);
}

/* What was said again had the state of its time with it. */
void session_renew_state(struct session *session)
{
    if (is_kept(session) && session->queue.count > 0) {
        send_state(session);
    }
}
