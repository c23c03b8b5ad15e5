/* SPDX-License-Identifier: MIT
 *
 * What runs on a session: STOMP, or echo and close for conformance suites. A service sees text in
 * and frames out, not transports.
 */
#pragma once

#include "gateway/shared_frame.h"

struct broker_answer;
struct endpoint_settings;
struct limits_settings;
struct link_message;

/* Calls up into the session, given to a service at its creation. */
struct service_host_ops {
    /* Queues or writes one frame; the caller keeps its share. The session may be over when this
     * returns (too slow): the service then has been told by `closed`. */
    void (*send)(void *host, struct shared_frame *frame);

    /* Ends the session: what was sent before leaves first. `closed` is called before this
     * returns. */
    void (*close)(void *host, unsigned code, struct str reason);
    void (*pause)(void *host, bool stop);     /* back-pressure towards the client */
    uint64_t (*read_ms)(const void *host);    /* loop time of the last sign of life */
    uint64_t (*written_ms)(const void *host); /* loop time of the last write */
};

struct service_host {
    const struct service_host_ops *ops;
    void *data;       /* the session */
    uint64_t session; /* its handle on the link */
    struct str name;  /* its public name; valid as long as the service */
    const struct endpoint_settings *endpoint;
    const struct limits_settings *limits;
    bool is_sockjs; /* text only; SockJS heart-beats can be switched off by STOMP's */
    bool is_tcp;    /* the back-end face */
};

struct service_ops {
    const char *name; /* of endpoints[].service */
    void *(*open)(void *context, const struct service_host *host);
    void (*receive)(void *service, struct str text, bool is_binary);
    void (*closed)(void *service); /* the session is over: frees the service; no host call inside */
    bool (*beats)(const void *service); /* it sends heart-beats of its own: no SockJS `h` */

    /* It knows who the client is, and takes messages of full length. NULL: from the start. */
    bool (*knows_client)(const void *service);

    /* Its state as bytes for another gateway's thaw(), which answers NULL when it does not understand
     * them, and writes nothing before it returns. freeze() NULL: there is no state, open() begins it anew
     * without anybody noticing. */
    void (*freeze)(const void *service, struct buf *out);
    void *(*thaw)(void *context, const struct service_host *host, struct str state);

    /* A message for one of its subscriptions; `position` empty: its destination keeps no past. */
    void (*deliver)(void *service, uint32_t subscription, struct str position,
                    const struct link_message *message);

    /* What a service with subscriptions hears of the broker; NULL where there are none. The
     * entries of LINK_RESTORE for what the broker has confirmed; then, for each, its group on
     * the new link. */
    void (*answered)(void *service, const struct broker_answer *answer);
    void (*restore)(const void *service, struct buf *subscriptions);
    void (*restored)(void *service, uint32_t subscription, uint32_t group);
};

struct services { /* by enum of endpoints[].service */
    const struct service_ops *ops[3];
    void *context[3];
};
