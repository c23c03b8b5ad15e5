/* SPDX-License-Identifier: MIT
 *
 * The table of functions that every transport fills, and what a session and its transport may ask of each other.
 *
 * A transport is how a session's bytes travel: it lives as long as its connection or its HTTP exchange; it
 * borrows a session while attached. Calls down (to session.h) may call back up through this table before they
 * return; a transport therefore touches itself again only where session.h says it may.
 */
#pragma once

#include "gateway/shared_frame.h"
#include "proto/link_msg.h"

struct session;
struct transport;

enum outlook { /* of a receiver, when another one has come */
               OUTLOOK_ALIVE,
               OUTLOOK_ENDING, /* its response is about to end by itself */
               OUTLOOK_DEAD,   /* its client has gone, we have only not read it yet */
};

struct transport_ops {
    const char *name; /* for log and counters: "websocket", "raw-websocket", "tcp", "xhr-polling",
                         "xhr-streaming", "eventsource", "htmlfile", "jsonp-polling" */
    enum link_family family;
    enum framing framing;
    bool is_sockjs;  /* carries o, h, a and c frames; text only */
    bool is_http;    /* ends and comes back: its session waits for it (key, expiry, queue) */
    size_t stats_at; /* offset of its attached_... counter in struct stats */

    /* The claim was answered. `is_new`: the session begins with this transport: write prelude and `o`;
     * else prelude only. What is queued follows by send or ready. */
    void (*opened)(struct transport *transport, bool is_new);

    /* Writes one frame. NULL for polls: these are told `ready`, and take all that is queued at the turn's end
     * with session_take(). */
    void (*send)(struct transport *transport, struct shared_frame *frame);
    void (*ready)(struct transport *transport);
    void (*beat)(struct transport *transport); /* SockJS `h`, WebSocket ping; NULL: none */

    /* The session ended, or will not be had: the protocol's own farewell (c[code,"reason"], WebSocket close, FIN),
     * then the connection or response ends by itself. The session is gone for the transport before this call:
     * transport->session is NULL. code 0: end the response with `h` where that lets the client come again. */
    void (*close)(struct transport *transport, unsigned code, struct str reason);

    enum outlook (*outlook)(const struct transport *transport); /* HTTP transports only */

    /* This response takes no more frames: the rest is for the next one. NULL: there is no such limit. */
    bool (*is_full)(const struct transport *transport);

    /* The key is another's: 404. NULL where that cannot be. */
    void (*refuse)(struct transport *transport);
    size_t (*queued)(const struct transport *transport); /* bytes the client has not taken */
    void (*pause)(struct transport *transport,
                  bool stop); /* back-pressure: stop or go on reading; may be NULL */
};

struct transport {
    const struct transport_ops *ops;
    struct session *session; /* borrowed; NULL when detached */
};
