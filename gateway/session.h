/* SPDX-License-Identifier: MIT
 *
 * A client session apart from its transport: claim, attach, detach, outbound queue, heart-beats,
 * end.
 *
 *   CONNECTING --claimed--> OPEN <--attach/detach--> DETACHED --> CLOSING --> (gone)
 *
 * WebSocket and TCP sessions have no key, hold their transport for life and end with it. HTTP
 * sessions are found by endpoint path + SockJS session id, live on between transports, and are
 * expired by the broker. `o` is written only after the claim's answer. After the end a tombstone at
 * the broker answers later receivers with the same c[code,"reason"].
 */
#pragma once

#include "gateway/runtime.h"
#include "gateway/service.h"
#include "gateway/transport.h"

struct broker_link;
struct sessions; /* registry: by key, by handle; owned by gateway.c */
struct endpoint_settings;
struct limits_settings;

enum session_state {
    SESSION_CONNECTING, /* the claim is under way: nothing is written, bodies wait */
    SESSION_OPEN,
    SESSION_DETACHED,
    SESSION_CLOSING, /* over; perhaps until its receiver has got what was queued */
};

/* How a transport left its session. */
enum detach_reason {
    DETACH_ENDED,   /* its response ended as it should; the client comes back */
    DETACH_ABORTED, /* the network or the client cut it: eventsource keeps its session if
                       nothing was unacknowledged, the other HTTP families leave tombstone
                       1002, WebSocket and TCP sessions end */
};

struct sessions *sessions_create(struct runtime *runtime, struct broker_link *link,
                                 const struct services *services);
void sessions_destroy(struct sessions *sessions); /* none may be left */

/* Ends every session with that code; transports close. For shutdown. */
void sessions_close_all(struct sessions *sessions, unsigned code, struct str reason);
size_t sessions_count(const struct sessions *sessions);

/* Called again and again while the gateway drains: responses end with `h`, sessions that can move are
 * offered to the broker, the others end with 1001 one after the other until `elapsed_ms` is SESSIONS_SPREAD_MS.
 * True when none is left, and no answer to a relay. */
#define SESSIONS_SPREAD_MS 1000
void sessions_leave(struct sessions *sessions); /* tells the broker that it begins */
bool sessions_drain(struct sessions *sessions, uint64_t elapsed_ms);

/* Who still waits for the answer to a send gets ERR_AWAY. */
void sessions_give_up_sends(struct sessions *sessions);

/* A WebSocket or TCP session begins with its transport. `client` says who it is (peer address,
 * query, cookies) and is copied where needed. Sets transport->session, or calls ops->close (1013
 * when full or the broker is away too long) before it returns. `opened` comes later, when the
 * claim is answered. */
void session_begin(struct sessions *sessions, const struct endpoint_settings *endpoint,
                   const struct limits_settings *limits, struct transport *transport);

/* A receiver has come for an HTTP session: attaches to the one held here, or claims it. Answers
 * through the ops, perhaps before return: opened, close (2010 when another receiver is alive, or
 * the tombstone's code), or refuse. */
void session_attach(struct sessions *sessions, const struct endpoint_settings *endpoint,
                    struct str session_id, struct transport *transport);

/* The transport is over and must not be called again. */
void session_detach(struct transport *transport, enum detach_reason reason);

/* Frames queued for a poll: at most `bytes_max` of them (at least one frame), in order; each is
 * a share the caller releases. Returns how many were put into out_frames. */
size_t session_take(struct session *session, struct shared_frame **out_frames, size_t count_max,
                    size_t bytes_max);

/* A poll took what was queued, and nothing of it could be sent: it waits on, or gets the close frame that
 * was behind. */
void session_go_on_waiting(struct transport *transport);

/* One incoming message of a transport that holds the session (WebSocket message, TCP bytes).
 * Afterwards transport->session is NULL if it ended the session. */
void session_receive(struct transport *transport, struct str text, bool is_binary);

/* `done` once, perhaps before return: 0, or ERR_ABSENT (no such session: 404), ERR_LIMIT (full:
 * 503), ERR_AWAY. */
typedef void (*session_sent_cb)(void *data, int code);

/* The messages of one xhr_send or jsonp_send body for the session of that key; they are the
 * caller's again at return. `done` after the broker's end mark. Cancel with
 * session_forget_send(data) when the HTTP exchange goes. */
void session_receive_all(struct sessions *sessions, const struct endpoint_settings *endpoint,
                         struct str session_id, enum link_family family_hint,
                         const struct str *messages, size_t count, session_sent_cb done,
                         void *data);
void session_forget_send(struct sessions *sessions, void *data);

/* False: a session of that key has ended here. (404 before a body is parsed.) */
bool session_may_exist(struct sessions *sessions, const struct endpoint_settings *endpoint,
                       struct str session_id);

/* Any byte the client sent (pongs, empty messages) counts as a sign of life for STOMP's heart-
 * beats. */
void session_touch(struct transport *transport);

/* The service knows who this is. Until then a transport takes small messages only. */
bool session_knows_client(const struct transport *transport);

/* A WebSocket client said goodbye or broke its protocol: the session ends with that. */
void session_end(struct transport *transport, unsigned code, struct str reason);

/* The broker answers: /info and new sessions need not wait. `ready` is called once, with 0 or
 * ERR_AWAY after timeouts.link_wait; cancel with sessions_forget_wait(data). */
bool sessions_are_ready(const struct sessions *sessions);
typedef void (*sessions_ready_cb)(void *data, int code);
void sessions_wait_ready(struct sessions *sessions, sessions_ready_cb ready, void *data);
void sessions_forget_wait(struct sessions *sessions, void *data);
